//! What is at hand for every mail: the key store, the policy, and who lives on this machine.

use std::collections::BTreeSet;
use std::path::Path;

use counterseal_core::address::EmailAddress;
use counterseal_core::limits::{ALIAS_BYTES, REVOCATION_SECONDS};
use counterseal_core::mail::{Mailbox, parse_address_list, write_date};
use counterseal_core::policy::Policy;
use counterseal_core::submission::{Aliases, Defaults, Invocation, Local};
use counterseal_core::time::Time;
use counterseal_core::trust::{Knowledge, Pin};
use counterseal_core::x509::Certificate;

use super::rejection::Rejection;
use crate::account;
use crate::commands::history::{self, Sent};
use crate::commands::readers::Directory;
use crate::commands::store::{self, Unlock};
use crate::commands::strong;
use crate::config::Config;
use crate::failure::Failure;
use crate::files::read_file;
use crate::policy;
use crate::randomness::random;
use crate::revocation;
use crate::store::Store;

/// Who is behind names without a domain.
const ALIASES: &str = "/etc/aliases";
/// Where systems write what they are called.
const HOST_NAMES: [&str; 2] = ["/etc/hostname", "/etc/mailname"];
/// Bytes of such a file.
const HOST_NAME_BYTES: usize = 1024;

/// What is at hand for every mail.
pub(super) struct House {
    pub(super) store: Store,
    pub(super) policy: Policy,
    pub(super) at: Time,
    /// The store's owner.
    pub(super) owner: Option<EmailAddress>,
    pub(super) config: Config,
    pub(super) knowledge: Knowledge,
    /// Whose keys the network was asked for, as their addresses are looked up.
    pub(super) looked_up: BTreeSet<String>,
    at_hand: Vec<Certificate>,
}

impl House {
    /// Opens the store that there must be.
    pub(super) fn open(at: Time) -> Result<Self, Rejection> {
        let store = store::open()?;
        let policy = policy::in_force()?;
        let mut knowledge = store::knowledge(&store)?;
        let at_hand = knowledge.certificates.clone();
        policy::apply(&policy, &mut knowledge)?;
        knowledge.revocation.source = revocation::source(&policy, REVOCATION_SECONDS);
        let (owner, config) = (store::owner(&store)?, Config::read()?);
        let looked_up = BTreeSet::new();
        Ok(Self { store, policy, at, owner, config, knowledge, looked_up, at_hand })
    }

    /// Keys for people, and what the policy says of mail to them.
    pub(super) fn directory(&self) -> Result<Directory<'_>, Failure> {
        Directory::of_store(&self.store, &self.knowledge, &self.policy, self.at)
    }

    /// Whether an address has keys of this store.
    pub(super) fn is_own(&self, address: &EmailAddress) -> bool {
        store::own_keys(&self.store, address).is_ok_and(|keys| !keys.is_empty())
    }

    /// Names without a domain.
    pub(super) fn local(&self) -> Result<Local, Rejection> {
        let own_domain = self.owner.as_ref().map(EmailAddress::domain);
        let hosts = HOST_NAMES.iter().filter_map(|path| host_name(Path::new(path)));
        // The domain of one's own mail is a domain of people, whatever the machine is called.
        let hosts = hosts.filter(|host| Some(host.as_str()) != own_domain).collect();
        let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten();
        let user = user.map(|user| user.name).zip(self.owner.clone());
        let settings = &self.config.sendmail;
        let aliases = match &settings.aliases {
            Some(path) => aliases(path)?,
            None if Path::new(ALIASES).exists() => aliases(Path::new(ALIASES))?,
            None => Aliases::default(),
        };
        Ok(Local { aliases, domain: settings.domain.clone(), hosts, user })
    }

    /// The account that sends a mail, by its name, its envelope's sender, or its author.
    pub(super) fn account(
        &self,
        named: Option<&str>,
        sender: Option<&EmailAddress>,
        author: Option<&EmailAddress>,
    ) -> Result<String, Failure> {
        let author = author.or(self.owner.as_ref());
        Ok(account::choose(&self.config.accounts, named, sender, author)?.name.clone())
    }

    /// What is written into a mail that lacks it.
    pub(super) fn defaults(&self, invocation: &Invocation, local: &Local) -> Result<Defaults, Rejection> {
        let named = invocation.sender.as_deref().and_then(one_address);
        let named = named.filter(|address| !local.is_local(address));
        // Who writes is who can sign; a bounce address says nothing of that.
        let address = match named {
            Some(named) if self.is_own(&named) || self.owner.is_none() => Some(named),
            _ => self.owner.clone(),
        };
        let domain = address.as_ref().map_or("localhost", EmailAddress::domain);
        let identifier: String = random::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
        let message_id = format!("{identifier}@{domain}");
        let display_name = invocation.full_name.as_deref().map(|name| {
            let name = String::from_utf8_lossy(name).replace(char::is_control, " ");
            name.trim().to_owned()
        });
        let display_name = display_name.filter(|name| !name.is_empty());
        let from = address.map(|address| Mailbox { address, display_name, has_address_in_comment: false });
        Ok(Defaults { from, date: write_date(self.at), message_id })
    }

    /// Counts what was sent: whoever was once written to encrypted is never written to in the clear.
    /// Nothing that goes wrong here changes that the mail is on its way.
    pub(super) fn tell_history(&mut self, sent: Vec<Sent>, pins: &[Pin]) {
        if self.policy.keep_history {
            history::sent(&mut self.store, &sent, &self.at_hand, true);
        }
        if self.store.can_write().unwrap_or(false) {
            let _ = strong::keep(&mut self.store, &Unlock::without_asking(), pins);
        }
    }
}

fn one_address(text: &[u8]) -> Option<EmailAddress> {
    match parse_address_list(text).ok()?.as_slice() {
        [counterseal_core::mail::AddressEntry::Mailbox(mailbox)] => Some(mailbox.address.clone()),
        _ => None,
    }
}

fn host_name(path: &Path) -> Option<String> {
    let bytes = read_file(path, HOST_NAME_BYTES).ok()?;
    let name = std::str::from_utf8(&bytes).ok()?.trim().to_ascii_lowercase();
    (!name.is_empty()).then_some(name)
}

fn aliases(path: &Path) -> Result<Aliases, Rejection> {
    let wrong = |what: String| Failure::unknown("config", format!("{}: {what}", path.display()));
    let bytes = read_file(path, ALIAS_BYTES)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("not UTF-8".to_owned()))?;
    Ok(Aliases::parse(text).map_err(|error| wrong(error.to_string()))?)
}
