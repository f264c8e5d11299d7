//! Keys that are missing are looked up, where the policy lets `encrypt` ask the network.

use counterseal_core::address::StrongAddress;
use counterseal_core::policy::{Network, Refusal};

use super::Job;
use super::PlainMail;
use crate::commands::keys::find::Looked;
use crate::commands::readers::{Directory, Wanted};
use crate::commands::store::{self, Unlock};
use crate::commands::strong;
use crate::failure::Failure;
use crate::lookup;
use crate::policy;
use crate::store::Store;

/// Looks for the keys of readers that have none, or only one that has ended, and takes in what is found. What was found is
/// judged afterwards like every other key.
pub(super) fn look_up(job: &Job<'_>, mail: Option<&PlainMail>, store: &mut Store) -> Result<(), Failure> {
    let policy = &job.policy;
    let sources = lookup::named(&policy.lookups);
    if policy.network != Network::Always || lookup::is_forbidden() || sources.is_empty() {
        return Ok(());
    }
    let mut knowledge = store::knowledge(store)?;
    policy::apply(policy, &mut knowledge)?;
    let directory = Directory::of_store(store, &knowledge, policy, job.at)?;
    for wanted in readers(job, mail)? {
        if !matches!(
            directory.one(&wanted.address),
            Err(Refusal::NoKey | Refusal::WasEncrypted | Refusal::Expired { .. })
        ) {
            continue;
        }
        let found = Looked::up(&wanted, &sources, &policy.lookups, &knowledge, job.at);
        if !found.acceptable().is_empty() {
            store::unlock(store, &Unlock::from_options(&job.arguments.passphrase))?;
            found.import(store, &knowledge)?;
        }
    }
    Ok(())
}

fn readers(job: &Job<'_>, mail: Option<&PlainMail>) -> Result<Vec<StrongAddress>, Failure> {
    let mut wanted = Vec::new();
    match mail {
        Some(mail) => wanted = job.wanted(mail)?,
        None => {
            for address in &job.arguments.to {
                strong::add(&mut wanted, strong::typed(address, false)?)?;
            }
        }
    }
    let strong = |wanted: Wanted| StrongAddress { address: wanted.address, demand: wanted.demand };
    Ok(wanted.into_iter().map(strong).collect())
}
