//! `config.toml` (`docs/formats/config.md`): how the programs work for a person, and nothing about whom to
//! believe. An unknown key is an error with its line.

pub(crate) mod end;

use std::fs::File;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use counterseal_core::address::EmailAddress;
use counterseal_core::cms::Capabilities;
use counterseal_keysync::transport::address::Address;
use toml_edit::{Document, Item, TableLike};

use crate::account::{self, Account, QueueSettings, Server, Way};
use crate::agent::Limits;
use crate::args::duration;
use crate::commands::device::install::Place;
use crate::failure::Failure;
use crate::files::read_settings;
use crate::places;
use crate::sync_places;
use crate::system::{SETTINGS, Scope, check_directory, check_file};
use crate::token::{Configured, check_settings};

const FILE: &str = "config.toml";
/// Octets of the file.
pub(crate) const CONFIG_BYTES: usize = 256 << 10;

/// What others are told that the person reads: in every program that they read their mail with.
///
/// # Errors
/// As [`Config::read`].
pub(crate) fn announced() -> Result<Capabilities, Failure> {
    let reads_elsewhere = Config::read()?.reads_elsewhere;
    Ok(if reads_elsewhere { Capabilities::of_every_program() } else { Capabilities::ours() })
}

/// Adds tables at the end of the person's own file.
///
/// # Errors
/// `config`, where the file would not be one afterwards; then it is as it was.
pub(crate) fn append(tables: &str) -> Result<(), Failure> {
    let path = Config::path()?;
    let before = read_settings(&path, CONFIG_BYTES, "config")?.unwrap_or_default();
    let after = end::with_end(&before, tables);
    Config::parse(&after)
        .map_err(|what| Failure::unknown("config", format!("{}: {what}", path.display())))?;
    end::write(&path, &after)
}

/// How the programs work for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// Whether an agent begins where a passphrase was typed.
    pub(crate) starts_agent: bool,
    /// When an agent ends.
    pub(crate) agent: Limits,
    /// The libraries by which tokens are reached.
    pub(crate) tokens: Vec<Configured>,
    /// By whom mail is sent, in the order of the file.
    pub(crate) accounts: Vec<Account>,
    /// Where the person's devices meet, in the order of the file.
    pub(crate) sync: Vec<Address>,
    /// The programs that keys are put into.
    pub(crate) install: Vec<Place>,
    /// How the queue works.
    pub(crate) queue: QueueSettings,
    /// Who is meant by names without a domain.
    pub(crate) sendmail: SendmailSettings,
    /// Whether the person reads the same mail in other programs too.
    pub(crate) reads_elsewhere: bool,
    /// Through what look-ups go, and accounts that say nothing else.
    pub(crate) network: Way,
    /// Whether there is a file of the machine that this user cannot read.
    pub(crate) is_hidden: bool,
}

/// Who is meant by names without a domain, in mail that is handed to `sendmail`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SendmailSettings {
    /// A file as `/etc/aliases`, in its place.
    pub(crate) aliases: Option<PathBuf>,
    /// The domain of names that are in no such file.
    pub(crate) domain: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        let agent = Limits { idle: Duration::from_secs(600), longest: Duration::from_secs(8 * 3600) };
        Self {
            starts_agent: true,
            agent,
            tokens: Vec::new(),
            accounts: Vec::new(),
            sync: Vec::new(),
            install: Vec::new(),
            queue: QueueSettings::default(),
            sendmail: SendmailSettings::default(),
            reads_elsewhere: false,
            network: Way::Unsaid,
            is_hidden: false,
        }
    }
}

impl Config {
    /// Where it is.
    pub(crate) fn path() -> Result<PathBuf, Failure> {
        Ok(places::configuration()?.join(FILE))
    }

    /// By the file, where there is one.
    ///
    /// # Errors
    /// `config` for what is wrong with it.
    pub(crate) fn read() -> Result<Self, Failure> {
        Self::read_at(&Self::path()?)
    }

    /// That of the machine. The administrator may keep it to root, who sends: others need nothing of it.
    ///
    /// # Errors
    /// `config` for what is wrong with it, `system-files` where others than root can write it.
    pub(crate) fn of_system() -> Result<Self, Failure> {
        let path = Path::new(SETTINGS).join(FILE);
        let wrong = |what| Failure::unknown("system-files", what);
        check_directory(Path::new(SETTINGS)).and_then(|()| check_file(&path)).map_err(wrong)?;
        match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                Ok(Self { is_hidden: true, ..Self::default() })
            }
            _ => Self::read_at(&path),
        }
    }

    /// That of a file that the caller names. It must be there.
    ///
    /// # Errors
    /// `config` for what is wrong with it, or where the caller cannot read it.
    pub(crate) fn named(path: &Path) -> Result<Self, Failure> {
        File::open(path)
            .map_err(|error| Failure::unknown("config", format!("{}: {error}", path.display())))?;
        Self::read_at(path)
    }

    /// Of the caller, by whom they are sent for.
    ///
    /// # Errors
    /// As [`Config::read`] and [`Config::of_system`].
    pub(crate) fn of_caller() -> Result<Self, Failure> {
        match Scope::of_caller()? {
            Scope::Person => Self::read(),
            Scope::System => Self::of_system(),
        }
    }

    fn read_at(path: &Path) -> Result<Self, Failure> {
        let wrong = |what: String| {
            Failure::unknown("config", format!("{}: {what}", path.display()))
                .hint("every key with its values: man counterseal-config, or docs/formats/config.md")
        };
        match read_settings(path, CONFIG_BYTES, "config")? {
            Some(text) => {
                let config = Self::parse(&text).map_err(wrong)?;
                let gets_secrets = config.accounts.iter().any(is_trusted) || !config.install.is_empty();
                if !config.tokens.is_empty() || gets_secrets {
                    check_settings(path).map_err(|why| {
                        wrong(format!(
                            "{why}, and it names libraries or programs, or who gets a password or keys"
                        ))
                    })?;
                }
                Ok(config)
            }
            None => Ok(Self::default()),
        }
    }

    /// Reads a text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let document = Document::parse(text).map_err(|error| at_span(text, error.span(), error.message()))?;
        let mut config = Self::default();
        for (section, item) in document.as_table() {
            let wrong = |what: String| at(text, item, &what);
            match (section, item.as_table_like(), item.as_array_of_tables()) {
                ("agent", Some(table), _) => {
                    for (key, item) in table.iter() {
                        config.agent_key(key, item).map_err(|what| at(text, item, &what))?;
                    }
                }
                ("token", _, Some(tables)) => {
                    for table in tables {
                        config.tokens.push(token(text, table)?);
                    }
                }
                ("install", _, Some(tables)) => {
                    for table in tables {
                        config.install.push(Place::read(table, |item, what| at(text, item, what))?);
                    }
                }
                // Places name accounts, which may stand behind them.
                ("sync", _, Some(_)) => {}
                ("account", Some(accounts), _) => {
                    for (name, item) in accounts.iter() {
                        config.account(text, name, item)?;
                    }
                }
                ("queue", Some(table), _) => {
                    for (key, item) in table.iter() {
                        account::queue_key(&mut config.queue, key, item)
                            .map_err(|what| at(text, item, &what))?;
                    }
                }
                ("sendmail", Some(table), _) => {
                    for (key, item) in table.iter() {
                        config.sendmail_key(key, item).map_err(|what| at(text, item, &what))?;
                    }
                }
                ("reading", Some(table), _) => {
                    for (key, item) in table.iter() {
                        config.reading_key(key, item).map_err(|what| at(text, item, &what))?;
                    }
                }
                ("network", Some(table), _) => {
                    for (key, item) in table.iter() {
                        config.network_key(key, item).map_err(|what| at(text, item, &what))?;
                    }
                }
                ("install", ..) => return Err(wrong("programs are written as [[install]]".to_owned())),
                ("sync", ..) => return Err(wrong("places are written as [[sync]]".to_owned())),
                ("token", ..) => return Err(wrong("tokens are written as [[token]]".to_owned())),
                _ => return Err(wrong(format!("unknown key {section:?}"))),
            }
        }
        for table in document.get("sync").and_then(Item::as_array_of_tables).into_iter().flatten() {
            let place = sync_places::read(table, &config.accounts, |item, what| at(text, item, what))?;
            config.sync.push(place);
        }
        for account in config.accounts.iter_mut().filter(|account| account.way == Way::Unsaid) {
            // To a server of this machine there is no way that anybody sees.
            if matches!(&account.server, Server::Smtps(host) | Server::StartTls(host) if !host.is_loopback())
            {
                account.way = config.network.clone();
            }
        }
        Ok(config)
    }

    fn network_key(&mut self, key: &str, item: &Item) -> Result<(), String> {
        let value = item.as_str().ok_or_else(|| format!("{key:?} must be a text"))?;
        match key {
            "proxy" => self.network = Way::parse(value)?,
            _ => return Err(format!("unknown key {key:?}")),
        }
        Ok(())
    }

    fn account(&mut self, text: &str, name: &str, item: &Item) -> Result<(), String> {
        let table =
            item.as_table_like().ok_or_else(|| at(text, item, "accounts are written as [account.NAME]"))?;
        let account = account::account(name, table, |item, what| at(text, item, &what))?;
        self.accounts.push(account);
        Ok(())
    }

    fn sendmail_key(&mut self, key: &str, item: &Item) -> Result<(), String> {
        let value = item.as_str().ok_or_else(|| format!("{key:?} must be a text"))?;
        match key {
            "aliases" if !value.starts_with('/') => {
                return Err("\"aliases\" must be an absolute path".to_owned());
            }
            "aliases" => self.sendmail.aliases = Some(PathBuf::from(value)),
            "domain" => match EmailAddress::parse(&format!("name@{value}")) {
                Ok(address) => self.sendmail.domain = Some(address.domain().to_owned()),
                Err(_) => return Err("\"domain\" must be a domain".to_owned()),
            },
            _ => return Err(format!("unknown key {key:?}")),
        }
        Ok(())
    }

    fn reading_key(&mut self, key: &str, item: &Item) -> Result<(), String> {
        self.reads_elsewhere = match (key, item.as_str()) {
            ("programs", Some("cseal")) => false,
            ("programs", Some("every")) => true,
            ("programs", _) => return Err("\"programs\" must be cseal or every".to_owned()),
            _ => return Err(format!("unknown key {key:?}")),
        };
        Ok(())
    }

    fn agent_key(&mut self, key: &str, item: &Item) -> Result<(), String> {
        let value = item.as_str().ok_or_else(|| format!("{key:?} must be a text"))?;
        match (key, value) {
            ("start", "on-need") => self.starts_agent = true,
            ("start", "never") => self.starts_agent = false,
            ("start", _) => return Err("\"start\" must be on-need or never".to_owned()),
            ("idle", value) => self.agent.idle = duration(value)?,
            ("longest", value) => self.agent.longest = duration(value)?,
            _ => return Err(format!("unknown key {key:?}")),
        }
        Ok(())
    }
}

/// Whether a program is run for it, or a password given away: whoever writes the file runs programs as the user, or names
/// the server, and the key by which it is known.
const fn is_trusted(account: &Account) -> bool {
    matches!(account.server, Server::Sendmail(_)) || account.secret.is_some()
}

/// One `[[token]]`. Whether its library may be loaded is looked at where it is.
fn token(text: &str, table: &dyn TableLike) -> Result<Configured, String> {
    let mut token = Configured::default();
    for (key, item) in table.iter() {
        let value = item.as_str().ok_or_else(|| at(text, item, &format!("{key:?} must be a text")))?;
        match key {
            "library" if !value.starts_with('/') => {
                return Err(at(text, item, "\"library\" must be an absolute path"));
            }
            "library" => token.library = PathBuf::from(value),
            "label" => token.label = Some(value.to_owned()),
            "serial" => token.serial = Some(value.to_owned()),
            _ => return Err(at(text, item, &format!("unknown key {key:?}"))),
        }
    }
    if token.library.as_os_str().is_empty() {
        return Err("[[token]] needs a \"library\"".to_owned());
    }
    Ok(token)
}

fn at(text: &str, item: &Item, what: &str) -> String {
    at_span(text, item.span(), what)
}

fn at_span(text: &str, span: Option<Range<usize>>, what: &str) -> String {
    let before = span.and_then(|span| text.get(..span.start)).unwrap_or_default();
    format!("line {}: {what}", before.matches('\n').count() + 1)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_holds_and_the_rest_is_built_in() {
        assert_eq!(Config::parse("").unwrap(), Config::default());
        let said = Config::parse("[agent]\nstart = \"never\"\nidle = \"1h\"\n").unwrap();
        assert!(!said.starts_agent);
        assert_eq!((said.agent.idle.as_secs(), said.agent.longest.as_secs()), (3600, 28_800));
    }

    #[test]
    fn several_tokens_may_be_named() {
        let text = "[[token]]\nlibrary = \"/a.so\"\n[[token]]\nlibrary = \"/b.so\"\nserial = \"1f\"\n";
        let tokens = Config::parse(text).unwrap().tokens;
        assert_eq!(tokens[0].library.to_str(), Some("/a.so"));
        assert_eq!((tokens[0].serial.as_deref(), tokens[1].serial.as_deref()), (None, Some("1f")));
    }

    #[test]
    fn accounts_are_kept_in_the_order_of_the_file() {
        let text = "[account.work]\nfrom = [\"alice@example.org\"]\nsmtp = \"smtps://smtp.example.org\"\n\
                    user = \"alice\"\npassword = { command = [\"pass\", \"smtp\"] }\n\
                    [account.a]\nsmtp = \"lmtp:/run/lmtp\"\n[queue]\ngive_up = \"2d\"\n";
        let config = Config::parse(text).unwrap();
        let names: Vec<&str> = config.accounts.iter().map(|account| account.name.as_str()).collect();
        assert_eq!(names, ["work", "a"]);
        assert!(is_trusted(&config.accounts[0]) && !is_trusted(&config.accounts[1]));
        assert_eq!(config.queue.give_up.as_secs(), 172_800);
    }

    #[test]
    fn accounts_go_through_the_proxy_of_all_unless_they_say_otherwise() {
        let text = "[account.a]\nsmtp = \"smtps://a.example\"\n[account.b]\nsmtp = \"smtps://b.example\"\n\
                    proxy = \"none\"\n[account.c]\nsmtp = \"smtp+starttls://c.example\"\n\
                    proxy = \"socks5://c.example:1\"\n[account.d]\nsmtp = \"smtp://127.0.0.1\"\n\
                    [account.e]\nsmtp = \"smtp+starttls://localhost\"\n[network]\nproxy = \"socks5://[::1]\"\n";
        let ways = Config::parse(text).unwrap().accounts.into_iter().map(|account| account.way);
        let proxy = |name: &str, port| Way::Proxy(account::Host { name: name.to_owned(), port });
        let (all, own) = (proxy("::1", 1080), proxy("c.example", 1));
        assert!(ways.eq([all, Way::Direct, own, Way::Unsaid, Way::Unsaid]));
    }

    #[test]
    fn what_is_wrong_with_an_account_is_said_with_its_line() {
        let with = |line: &str| format!("[account.w]\nsmtp = \"smtps://a.example\"\n{line}\n");
        for (text, what) in [
            (with("password = \"geheim\""), "line 3: a password does not stand in this file"),
            (with("password = { command = \"pass smtp\" }"), "line 3: it must be a list of texts"),
            (with("password = { command = [] }"), "line 3: a command is a list"),
            (with("password = { keyring = false }"), "line 3: \"password\" is"),
            (with("tls_pin = \"x\""), "line 3: \"tls_pin\" is"),
            (with("tls = \"none\""), "line 3: unknown key \"tls\""),
            (with("user = \"alice\""), "[account.w] needs \"user\" and"),
            (with("proxy = \"http://x\""), "line 3: \"proxy\" is socks5"),
            (
                "[account.w]\nsmtp = \"smtp://localhost\"\nproxy = \"socks5://a.example\"\n".to_owned(),
                "[account.w] has a \"proxy\" and no TLS",
            ),
            (with("from = [\"alice\"]"), "line 3: \"alice\": not of the form"),
            ("[account.\"../x\"]\nsmtp = \"lmtp:/x\"".to_owned(), "the name of an account"),
            ("[account.w]\nuser = \"a\"\n".to_owned(), "[account.w] needs \"smtp\""),
            ("[account.w]\nsmtp = \"smtp://mail.example\"\n".to_owned(), "line 2: smtp:// sends in clear"),
            ("[queue]\ngive_up = 5\n".to_owned(), "line 2: it must be a text"),
            ("[queue]\nforever = \"1d\"\n".to_owned(), "line 2: unknown key"),
        ] {
            let error = Config::parse(&text).unwrap_err();
            assert!(error.starts_with(what), "{text}: {error}");
        }
    }

    #[test]
    fn what_has_no_meaning_is_an_error_with_its_line() {
        for (text, what) in [
            ("[agent]\nidle = \"long\"\n", "line 2: a time is"),
            ("\n[agents]\n", "line 2: unknown key \"agents\""),
            ("[agent]\n\nstop = \"never\"\n", "line 3: unknown key \"stop\""),
            ("[agent]\nstart = true\n", "line 2: \"start\" must be a text"),
            ("[token]\nlibrary = \"/x.so\"\n", "line 1: tokens are written as [[token]]"),
            ("[[token]]\nlibrary = \"x.so\"\n", "line 2: \"library\" must be an absolute path"),
            ("[[token]]\nlibrary = \"/x.so\"\npin = \"1\"\n", "line 3: unknown key \"pin\""),
            ("[[token]]\nlabel = \"alice\"\n", "[[token]] needs a \"library\""),
            ("[install]\nprogram = \"mutt\"\n", "line 1: programs are written as [[install]]"),
            ("[[install]]\nprogram = \"mutt\"\n", "[[install]] needs"),
            ("[[install]]\nprogram = \"pine\"\nplace = \"/x\"\n", "line 2: \"program\" is gpgsm"),
            ("[[install]]\nprogram = \"mutt\"\nplace = \"x\"\n", "line 3: \"place\" must be an absolute"),
            ("[[install]]\nprogram = \"mutt\"\nplaces = \"/x\"\n", "line 3: unknown key"),
            ("[sendmail]\ndomain = \"a b\"\n", "line 2: \"domain\" must be a domain"),
            ("[sendmail]\naliases = \"x\"\n", "line 2: \"aliases\" must be an absolute path"),
            ("[sendmail]\nalias = \"/x\"\n", "line 2: unknown key \"alias\""),
            ("[network]\nproxy = \"http://x\"\n", "line 2: \"proxy\" is socks5://"),
            ("[network]\nproxies = \"none\"\n", "line 2: unknown key \"proxies\""),
            ("[network]\nproxy = true\n", "line 2: \"proxy\" must be a text"),
            ("agent = 1\n", "line 1: unknown key \"agent\""),
            ("[agent]\nidle = \"1m\n", "line 2: "),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert!(error.starts_with(what), "{text}: {error}");
        }
    }
}
