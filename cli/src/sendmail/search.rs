//! Keys that are missing are looked up before a mail is refused, or waits on, where the policy lets the network be asked.

use counterseal_core::address::StrongAddress;
use counterseal_core::policy::{Network, Refusal};

use super::house::House;
use crate::commands::keys::find::Looked;
use crate::commands::readers::Wanted;
use crate::commands::store::{self, Unlock};
use crate::failure::Failure;
use crate::lookup;

impl House {
    /// Looks for the keys of those who have none, or only one that has ended; for each of them once. What is found counts
    /// for this mail, and is kept where the store can be written to without asking anybody for anything.
    ///
    /// # Errors
    /// What the store says. A source that does not answer is no error: the mail is judged by what is known.
    pub(super) fn look_up<'w>(
        &mut self,
        wanted: impl IntoIterator<Item = &'w Wanted>,
    ) -> Result<(), Failure> {
        let sources = lookup::named(&self.policy.lookups);
        if self.policy.network != Network::Always || lookup::is_forbidden() || sources.is_empty() {
            return Ok(());
        }
        for wanted in wanted {
            if !self.lacks_key(wanted)? || !self.looked_up.insert(wanted.address.lookup_key()) {
                continue;
            }
            let wanted = StrongAddress { address: wanted.address.clone(), demand: wanted.demand.clone() };
            let found = Looked::up(&wanted, &sources, &self.policy.lookups, &self.knowledge, self.at);
            if found.acceptable().is_empty() {
                continue;
            }
            if let Some(store) = &mut self.store
                && store.can_write()?
                && store::unlock(store, &Unlock::without_asking()).is_ok()
            {
                found.import(store, &self.knowledge)?;
            }
            found.teach(&mut self.knowledge);
        }
        Ok(())
    }

    fn lacks_key(&self, wanted: &Wanted) -> Result<bool, Failure> {
        let refusal = self.directory()?.one(&wanted.address).err();
        Ok(matches!(refusal, Some(Refusal::NoKey | Refusal::WasEncrypted | Refusal::Expired { .. })))
    }
}
