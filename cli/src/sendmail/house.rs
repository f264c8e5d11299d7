//! What is at hand for every mail: the key store or the machine's certificates, the policy, and who lives here.

use std::collections::BTreeSet;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use counterseal_core::address::{EmailAddress, StrongAddress};
use counterseal_core::limits::{ALIAS_BYTES, REVOCATION_SECONDS};
use counterseal_core::mail::{Mailbox, parse_address_list, write_date};
use counterseal_core::policy::Policy;
use counterseal_core::submission::{Aliases, Defaults, Invocation, Local};
use counterseal_core::time::Time;
use counterseal_core::trust::{Knowledge, Pin};
use counterseal_core::x509::Certificate;

use super::environment;
use super::rejection::Rejection;
use crate::account;
use crate::commands::history::{self, Sent};
use crate::commands::readers::Directory;
use crate::commands::remember;
use crate::commands::store::{self, Unlock};
use crate::commands::strong;
use crate::config::Config;
use crate::failure::Failure;
use crate::files::read_file;
use crate::lookup;
use crate::policy;
use crate::queue::remember_and_flush_soon;
use crate::randomness::random;
use crate::revocation;
use crate::store::Store;
use crate::system::{CERTIFICATES, SETTINGS, Scope, Shelf, users};

/// Who is behind names without a domain.
const ALIASES: &str = "/etc/aliases";
/// Where systems write what they are called.
const HOST_NAMES: [&str; 2] = ["/etc/hostname", "/etc/mailname"];
/// Bytes of such a file.
const HOST_NAME_BYTES: usize = 1024;

/// What is at hand for every mail.
pub(super) struct House {
    /// Nothing where the machine sends for somebody.
    pub(super) store: Option<Store>,
    pub(super) policy: Policy,
    pub(super) at: Time,
    /// The store's owner; where there is none, who reads the mail of root.
    pub(super) owner: Option<EmailAddress>,
    pub(super) config: Config,
    aliases: Aliases,
    pub(super) knowledge: Knowledge,
    /// Whose keys the network was asked for, as their addresses are looked up.
    pub(super) looked_up: BTreeSet<String>,
    at_hand: Vec<Certificate>,
}

impl House {
    /// Opens what the mail of this caller is sent by.
    ///
    /// `settings` is a file that the caller named in the place of their own. Whom the machine sends for has no say in how.
    pub(super) fn open(at: Time, settings: Option<PathBuf>) -> Result<Self, Rejection> {
        match (Scope::of_caller()?, settings) {
            (Scope::Person, None) => Self::of_person(at),
            (Scope::Person, Some(path)) => Self::by_settings(at, Config::named(&path)?),
            (Scope::System, None) => Self::of_machine(at),
            (Scope::System, Some(path)) => {
                let what = format!("{}: this machine sends for you by settings of its own", path.display());
                let failure = Failure::unknown("config", what);
                Err(failure.hint("put an account of yours into your own config.toml").into())
            }
        }
    }

    /// Opens the store that there must be.
    pub(super) fn of_person(at: Time) -> Result<Self, Rejection> {
        Self::by_settings(at, Config::read()?)
    }

    fn by_settings(at: Time, config: Config) -> Result<Self, Rejection> {
        let store = store::open()?;
        let (knowledge, owner) = (store::knowledge(&store)?, store::owner(&store)?);
        let path = config.sendmail.aliases.clone().unwrap_or_else(|| ALIASES.into());
        let aliases = aliases(&[(path, config.sendmail.aliases.is_some())], "")?;
        let policy = policy::in_force()?;
        Self::furnished(Some(store), (owner, aliases, config), policy, knowledge, at)
    }

    /// By the certificates of the machine, without a secret.
    fn of_machine(at: Time) -> Result<Self, Rejection> {
        let config = Config::of_system()?;
        let own = config.sendmail.aliases.clone().unwrap_or_else(|| Path::new(SETTINGS).join("aliases"));
        // Of two rows for one name the first counts: the machine's own file goes before that of other programs.
        let written = [(own, config.sendmail.aliases.is_some()), (ALIASES.into(), false)];
        let aliases = aliases(&written, &everybody_else())?;
        let owner = reader_of_root(&aliases);
        let knowledge = Shelf::read(Path::new(CERTIFICATES))?.knowledge();
        let policy = policy::of_machine()?;
        Self::furnished(None, (owner, aliases, config), policy, knowledge, at)
    }

    fn furnished(
        store: Option<Store>,
        (owner, aliases, config): (Option<EmailAddress>, Aliases, Config),
        policy: Policy,
        mut knowledge: Knowledge,
        at: Time,
    ) -> Result<Self, Rejection> {
        // Whom the machine sends for has no say in how.
        lookup::go_by(&config);
        let (at_hand, looked_up) = (knowledge.certificates.clone(), BTreeSet::new());
        policy::apply(&policy, &mut knowledge)?;
        knowledge.revocation.source = revocation::source(&policy, REVOCATION_SECONDS);
        Ok(Self { store, policy, at, owner, config, aliases, knowledge, looked_up, at_hand })
    }

    /// Whether the machine sends for the caller, who has no keys here.
    pub(super) const fn is_of_machine(&self) -> bool {
        self.store.is_none()
    }

    /// Who else than the caller can open what is held.
    pub(super) fn other_reader(&self) -> Option<&EmailAddress> {
        self.owner.as_ref().filter(|_| self.is_of_machine())
    }

    /// Keys for people, and what the policy says of mail to them.
    pub(super) fn directory(&self) -> Result<Directory<'_>, Failure> {
        match &self.store {
            Some(store) => Directory::of_store(store, &self.knowledge, &self.policy, self.at),
            None => Ok(Directory::of_knowledge(&self.knowledge, &self.policy, self.at)),
        }
    }

    /// Whether an address has keys of this store.
    pub(super) fn is_own(&self, address: &EmailAddress) -> bool {
        let keys = self.store.as_ref().map(|store| store::own_keys(store, address));
        keys.is_some_and(|keys| keys.is_ok_and(|keys| !keys.is_empty()))
    }

    /// Names without a domain.
    pub(super) fn local(&self) -> Result<Local, Rejection> {
        let own_domain = self.owner.as_ref().map(EmailAddress::domain);
        let hosts = HOST_NAMES.iter().filter_map(|path| host_name(Path::new(path)));
        // The domain of one's own mail is a domain of people, whatever the machine is called.
        let hosts = hosts.filter(|host| Some(host.as_str()) != own_domain).collect();
        let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten();
        let user = user.map(|user| user.name).zip(self.owner.clone());
        Ok(Local { aliases: self.aliases.clone(), domain: self.config.sendmail.domain.clone(), hosts, user })
    }

    /// The account that sends a mail, by its name, its envelope's sender, or its author.
    pub(super) fn account(
        &self,
        named: Option<&str>,
        sender: Option<&EmailAddress>,
        author: Option<&EmailAddress>,
    ) -> Result<String, Failure> {
        if self.is_of_machine() {
            // Root chooses again when it sends; here it is only said early where there is none.
            let chosen = account::for_somebody(&self.config.accounts, named, sender);
            let is_unread = self.config.accounts.is_empty() && !nix::unistd::geteuid().is_root();
            return if is_unread {
                Ok(named.unwrap_or_default().to_owned())
            } else {
                Ok(chosen?.name.clone())
            };
        }
        let author = author.or(self.owner.as_ref());
        Ok(account::choose(&self.config.accounts, named, sender, author)?.name.clone())
    }

    /// What is written into a mail that lacks it.
    pub(super) fn defaults(&self, invocation: &Invocation, local: &Local) -> Result<Defaults, Rejection> {
        let named = invocation.sender.as_deref().and_then(one_address);
        let named = named.or_else(|| one_address(&environment::address()?));
        let named = named.filter(|address| !local.is_local(address));
        // Who writes is who can sign; a bounce address says nothing of that.
        let address = match named {
            Some(named) if self.is_own(&named) || self.owner.is_none() => Some(named),
            _ => self.owner.clone(),
        };
        let domain = address.as_ref().map_or("localhost", EmailAddress::domain);
        let identifier: String = random::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
        let message_id = format!("{identifier}@{domain}");
        let display_name = invocation.full_name.clone().or_else(environment::name).map(|name| {
            let name = String::from_utf8_lossy(&name).replace(char::is_control, " ");
            name.trim().to_owned()
        });
        let display_name = display_name.filter(|name| !name.is_empty());
        let from = address.map(|address| Mailbox { address, display_name, has_address_in_comment: false });
        Ok(Defaults { from, date: write_date(self.at), message_id })
    }

    /// Has a process of its own count what was sent, and send what is due, where that is enough.
    pub(super) fn is_told_later(&self, sent: &[Sent], pins: &[Pin]) -> bool {
        let suffices =
            !self.is_of_machine() && self.policy.keep_history && pins.is_empty() && !sent.is_empty();
        suffices && remember_and_flush_soon(|pipe| remember::write(sent, BufWriter::new(pipe))).is_ok()
    }

    /// Counts what was sent: whoever was once written to encrypted is never written to in the clear.
    /// Nothing that goes wrong here changes that the mail is on its way.
    pub(super) fn tell_history(&mut self, sent: Vec<Sent>, pins: &[Pin]) {
        let Some(store) = &mut self.store else { return };
        if self.policy.keep_history {
            history::sent(store, &sent, &self.at_hand, true);
        }
        if store.can_write().unwrap_or(false) {
            let _ = strong::keep(store, &Unlock::without_asking(), pins);
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

/// Users of this machine have no mailboxes here. Whoever is in no file of aliases is read for by who reads for root.
fn everybody_else() -> String {
    let users = users::all().unwrap_or_default();
    users.iter().filter(|user| user.name != "root").map(|user| format!("{}: root\n", user.name)).collect()
}

/// Files of aliases as one, and what follows on them. Those that must be there are named; the others are read where they are there.
fn aliases(paths: &[(PathBuf, bool)], rest: &str) -> Result<Aliases, Rejection> {
    let mut all = String::new();
    for (path, _) in paths.iter().filter(|(path, must_exist)| *must_exist || path.exists()) {
        let wrong = |what: String| Failure::unknown("config", format!("{}: {what}", path.display()));
        let bytes = read_file(path, ALIAS_BYTES)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| wrong("not UTF-8".to_owned()))?;
        Aliases::parse(text).map_err(|error| wrong(error.to_string()))?;
        all.push_str(text);
        all.push('\n');
    }
    all.push_str(rest);
    Ok(Aliases::parse(&all).map_err(|error| Failure::unknown("config", format!("aliases: {error}")))?)
}

/// To whom mail for root goes; the first of them, where they are several.
fn reader_of_root(aliases: &Aliases) -> Option<EmailAddress> {
    let root = StrongAddress::parse("root@localhost").ok()?;
    let local = Local { aliases: aliases.clone(), ..Local::default() };
    local.people(&root).ok()?.into_iter().next().map(|first| first.address)
}
