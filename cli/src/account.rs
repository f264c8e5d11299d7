//! The accounts of `config.toml`: which server takes the mail of which sender, and how it knows us.

mod read;
mod server;
mod way;

use std::path::PathBuf;
use std::time::Duration;

use counterseal_core::address::EmailAddress;

use crate::failure::Failure;

pub(crate) use read::{account, queue_key};
pub(crate) use server::{Host, MailboxServer, Server};
pub(crate) use way::Way;

/// One `[account.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    /// Its name: letters, digits, `-`, `_` and `.`.
    pub(crate) name: String,
    /// Whose mail it takes; everybody's where nothing is said.
    pub(crate) from: Vec<Pattern>,
    /// Who takes the mail.
    pub(crate) server: Server,
    /// The name by which the server knows us; without it we do not log in.
    pub(crate) user: Option<String>,
    /// Where the password, or the token, comes from.
    pub(crate) secret: Option<SecretSource>,
    /// SHA-256 of the server's SubjectPublicKeyInfo, which then decides instead of the system's roots.
    pub(crate) tls_pin: Option<[u8; 32]>,
    /// Whether servers behind ours must speak TLS too.
    pub(crate) require_tls: RequireTls,
    /// Where the mailbox is, for the person's own devices to meet in.
    pub(crate) imap: Option<MailboxServer>,
    /// Whether through a SOCKS5 proxy.
    pub(crate) way: Way,
}

/// Where a secret comes from. It is never in the file itself, nor an argument, nor in the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretSource {
    /// A program of the person's own writes the password on its first line.
    Command(Vec<String>),
    /// The keyring of the desktop.
    Keyring,
    /// `~/.netrc`.
    Netrc,
    /// A program writes an OAuth 2.0 access token on its first line.
    OAuth(Vec<String>),
}

/// When REQUIRETLS (RFC 8689) is asked for, beside the mails that ask for it themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RequireTls {
    /// Never.
    #[default]
    Unasked,
    /// For every mail, where the server offers it.
    IfOffered,
    /// For every mail; a server that does not offer it gets none.
    Always,
}

/// Which senders an account is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// One mailbox.
    Exactly(EmailAddress),
    /// A mailbox with any tag: `alice+*@example.org`.
    Tagged(EmailAddress),
    /// All mailboxes of a domain: `*@example.org`.
    Domain(String),
}

impl Pattern {
    /// Reads it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let bad = |error| format!("{text:?}: {error}");
        if let Some((user, domain)) = text.split_once("+*@") {
            let base = EmailAddress::parse(&format!("{user}@{domain}")).map_err(bad)?;
            return Ok(Self::Tagged(base));
        }
        if let Some(domain) = text.strip_prefix("*@") {
            let any = EmailAddress::parse(&format!("any@{domain}")).map_err(bad)?;
            return Ok(Self::Domain(any.domain().to_owned()));
        }
        if text.contains('*') {
            return Err(format!(
                "{text:?}: a * stands for a tag (alice+*@example.org) or a whole local part"
            ));
        }
        EmailAddress::parse(text).map(Self::Exactly).map_err(bad)
    }

    fn takes(&self, address: &EmailAddress) -> bool {
        match self {
            Self::Exactly(one) => one.matches(address),
            Self::Domain(domain) => address.domain() == domain,
            Self::Tagged(base) => {
                let user = address.local_part().split_once('+').map(|(user, _)| user);
                let plain =
                    user.and_then(|user| EmailAddress::parse(&format!("{user}@{}", address.domain())).ok());
                plain.is_some_and(|plain| plain.matches(base))
            }
        }
    }
}

/// How the queue works: `[queue]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueueSettings {
    /// How long the caller waits for the first try.
    pub(crate) first_try: Duration,
    /// After what time a mail that cannot be delivered has failed.
    pub(crate) give_up: Duration,
    /// How long a server may take for one answer; twice as long after the final dot.
    pub(crate) answer: Duration,
    /// A Maildir of the sender's own, for reports.
    pub(crate) maildir: Option<PathBuf>,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self {
            first_try: Duration::from_secs(20),
            give_up: Duration::from_secs(5 * 86_400),
            // RFC 5321, section 4.5.3.2: five minutes for commands, ten after the final dot.
            answer: Duration::from_secs(300),
            maildir: None,
        }
    }
}

/// The account for a mail: the one that is named, else the first one that takes the envelope's sender, else the
/// first one that takes the author.
///
/// # Errors
/// `no-account`, with what to write.
pub(crate) fn choose<'a>(
    accounts: &'a [Account],
    named: Option<&str>,
    sender: Option<&EmailAddress>,
    author: Option<&EmailAddress>,
) -> Result<&'a Account, Failure> {
    if accounts.is_empty() {
        return Err(no_account(
            "config.toml has no [account.NAME], so there is no server to send by".to_owned(),
        ));
    }
    if let Some(name) = named {
        let found = accounts.iter().find(|account| account.name == name);
        return found.ok_or_else(|| no_account(format!("config.toml has no [account.{name}]")));
    }
    let takes = |account: &Account, address: &EmailAddress| {
        account.from.is_empty() || account.from.iter().any(|pattern| pattern.takes(address))
    };
    let by = |address: Option<&EmailAddress>| {
        address.and_then(|address| accounts.iter().find(|account| takes(account, address)))
    };
    by(sender).or_else(|| by(author)).ok_or_else(|| {
        let Some(who) = sender.or(author) else {
            return no_account("no account of config.toml takes mail from the null sender".to_owned());
        };
        let failure = no_account(format!("no account of config.toml takes mail from {who}"));
        failure.hint(format!(
            "let it be found: cseal setup {who}; or add \"{who}\" to `from` of an account of config.toml"
        ))
    })
}

/// The account by which root sends a mail of somebody else. Whoever names one names one that takes their sender: a
/// name is no way round what the administrator wrote.
///
/// # Errors
/// `no-account`, with what to write.
pub(crate) fn for_somebody<'a>(
    accounts: &'a [Account],
    named: Option<&str>,
    sender: Option<&EmailAddress>,
) -> Result<&'a Account, Failure> {
    let takes = |account: &&Account| {
        let is_any = account.from.is_empty();
        is_any || sender.is_some_and(|sender| account.from.iter().any(|pattern| pattern.takes(sender)))
    };
    let fitting = || accounts.iter().filter(takes);
    let named = named.and_then(|name| fitting().find(|account| account.name == name));
    match named.or_else(|| fitting().next()) {
        Some(account) => Ok(account),
        None => choose(accounts, None, sender, None),
    }
}

fn no_account(message: String) -> Failure {
    Failure::unknown("no-account", message).hint(
        "let it be found: cseal setup alice@example.org; or write into config.toml: [account.work], \
         from = [\"alice@example.org\"], smtp = \"smtps://smtp.example.org\"",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn address(text: &str) -> EmailAddress {
        EmailAddress::parse(text).unwrap()
    }

    fn for_senders(name: &str, from: &[&str]) -> Account {
        Account {
            name: name.to_owned(),
            from: from.iter().map(|text| Pattern::parse(text).unwrap()).collect(),
            server: Server::Lmtp("/run/lmtp".into()),
            user: None,
            secret: None,
            tls_pin: None,
            require_tls: RequireTls::Unasked,
            imap: None,
            way: Way::Unsaid,
        }
    }

    #[test]
    fn the_sender_chooses_the_account_and_then_the_author() {
        let accounts = [
            for_senders("work", &["alice@example.org", "alice+*@example.org"]),
            for_senders("home", &["*@example.net"]),
        ];
        let chosen = |sender: Option<&str>, author: Option<&str>| {
            let (sender, author) = (sender.map(address), author.map(address));
            choose(&accounts, None, sender.as_ref(), author.as_ref()).map(|account| account.name.clone()).ok()
        };
        assert_eq!(chosen(Some("Alice@EXAMPLE.org"), None).as_deref(), Some("work"));
        assert_eq!(chosen(Some("alice+list@example.org"), None).as_deref(), Some("work"));
        assert_eq!(chosen(Some("bob@example.net"), Some("alice@example.org")).as_deref(), Some("home"));
        assert_eq!(chosen(None, Some("alice@example.org")).as_deref(), Some("work"));
        assert_eq!(chosen(Some("alicex@example.org"), None), None);
        assert_eq!(chosen(Some("bob+alice@example.org"), None), None);
        assert_eq!(choose(&accounts, Some("home"), None, None).unwrap().name, "home");
        assert!(choose(&accounts, Some("nowhere"), None, None).is_err());
        assert!(choose(&[], None, None, None).is_err());
    }

    #[test]
    fn an_account_without_senders_takes_all() {
        let accounts = [for_senders("all", &[])];
        assert!(choose(&accounts, None, Some(&address("root@example.org")), None).is_ok());
    }

    #[test]
    fn root_sends_for_others_only_what_an_account_takes() {
        let accounts = [for_senders("boss", &["boss@example.org"]), for_senders("all", &["*@example.org"])];
        let chosen = |named, sender: Option<&str>| {
            let sender = sender.map(address);
            for_somebody(&accounts, named, sender.as_ref()).map(|account| account.name.clone()).ok()
        };
        assert_eq!(chosen(Some("boss"), Some("www@example.org")).as_deref(), Some("all"));
        assert_eq!(chosen(Some("all"), Some("boss@example.org")).as_deref(), Some("all"));
        assert_eq!(chosen(None, Some("boss@example.org")).as_deref(), Some("boss"));
        assert_eq!(chosen(Some("boss"), None), None);
        assert_eq!(chosen(Some("boss"), Some("boss@example.net")), None);
        let open = [for_senders("any", &[])];
        assert!(for_somebody(&open, None, None).is_ok());
    }

    #[test]
    fn a_star_has_two_places() {
        for wrong in ["*", "al*@example.org", "alice@*", "alice@*.example.org", "+*@", "*@"] {
            assert!(Pattern::parse(wrong).is_err(), "{wrong}");
        }
    }
}
