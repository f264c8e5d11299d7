//! What a person told msmtp: the accounts of `~/.msmtprc`.
//!
//! A password that stands in the file is not read: it is only known that there is one.

use std::fmt;
use std::net::IpAddr;

use super::{LogIn, Security, host_name, user_name};
use crate::limits::{MSMTP_ACCOUNTS, MSMTP_BYTES};

/// A file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Msmtp {
    /// The accounts with a host, in the order of the file; the name `default` is one of another account.
    pub accounts: Vec<MsmtpAccount>,
    /// The account that is used where nobody names one.
    pub default: Option<String>,
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MsmtpAccount {
    /// Its name in the file.
    pub name: String,
    /// A DNS name in small letters, or an IP address.
    pub host: String,
    /// Its port; where none stands there, that of the protocol.
    pub port: u16,
    /// How TLS begins. Nothing only for a host that is this machine.
    pub security: Option<Security>,
    /// Whether the file sends in clear to another machine, and this account does not.
    pub is_upgraded: bool,
    /// How to log in.
    pub log_in: LogIn,
    /// The name by which the server knows the person.
    pub user: Option<String>,
    /// Where the password comes from.
    pub password: MsmtpPassword,
    /// Whose mail it is for: one address, perhaps with stars.
    pub from: Option<String>,
    /// A SOCKS proxy: host and port.
    pub proxy: Option<(String, u16)>,
    /// What could not be taken over.
    pub left: Vec<MsmtpLeft>,
}

/// Where the password comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MsmtpPassword {
    /// A line for the shell writes it.
    Command(String),
    /// It stands in the file.
    InFile,
    /// Of the keyring, of `~/.netrc`, or asked for.
    Elsewhere,
}

/// What could not be taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MsmtpLeft {
    /// `tls_fingerprint` is one of a certificate, which changes with every certificate; ours is one of a key.
    CertificateFingerprint,
    /// `tls_certcheck off`: certificates are always checked.
    Unchecked,
    /// `tls_trust_file`: roots of the account's own.
    Roots(String),
    /// A mechanism that we do not have.
    Mechanism(String),
    /// Another setting, by its name.
    Setting(String),
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MsmtpError {
    /// It is larger than [`MSMTP_BYTES`], or has more than [`MSMTP_ACCOUNTS`] accounts.
    TooLarge,
    /// In this line, counted from 1.
    Line(usize, &'static str),
}

impl fmt::Display for MsmtpError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => {
                write!(formatter, "larger than {MSMTP_BYTES} bytes or {MSMTP_ACCOUNTS} accounts")
            }
            Self::Line(number, what) => write!(formatter, "line {number}: {what}"),
        }
    }
}

impl std::error::Error for MsmtpError {}

/// What changes neither whom a mail reaches nor who can read it on the way.
const WITHOUT_MEANING: [&str; 21] = [
    "logfile",
    "logfile_time_format",
    "syslog",
    "timeout",
    "connect_timeout",
    "domain",
    "tls_priorities",
    "tls_min_dh_prime_bits",
    "tls_host_override",
    "tls_crl_file",
    "auto_from",
    "maildomain",
    "keepbcc",
    "remove_bcc_headers",
    "undisclosed_recipients",
    "set_from_header",
    "set_date_header",
    "set_msgid_header",
    "add_missing_from_header",
    "add_missing_date_header",
    "allow_from_override",
];

/// Where systems have all their roots, which are ours too. A file beside them may hold one CA alone, and whoever named it
/// trusts no other.
const ROOTS_OF_SYSTEMS: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
];

/// The settings of an account as they stand there.
#[derive(Clone, Debug, Default)]
struct Settings {
    host: Option<String>,
    port: Option<u16>,
    tls: bool,
    no_starttls: bool,
    auth: Option<String>,
    user: Option<String>,
    command: Option<String>,
    has_password: bool,
    from: Option<String>,
    proxy: Option<String>,
    proxy_port: Option<u16>,
    left: Vec<MsmtpLeft>,
}

impl Msmtp {
    /// Reads a file (the section "Configuration files" of the manual of msmtp).
    ///
    /// # Errors
    /// [`MsmtpError`].
    pub fn parse(text: &str) -> Result<Self, MsmtpError> {
        if text.len() > MSMTP_BYTES {
            return Err(MsmtpError::TooLarge);
        }
        let mut defaults = Settings::default();
        let mut accounts: Vec<(String, Settings, Option<String>)> = Vec::new();
        let mut in_defaults = true;
        for (number, line) in text.lines().enumerate() {
            let wrong = |what| MsmtpError::Line(number + 1, what);
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (command, argument) = line.split_once([' ', '\t']).unwrap_or((line, ""));
            let argument = unquoted(argument.trim());
            match command {
                "defaults" => {
                    in_defaults = true;
                    defaults = Settings::default();
                }
                "account" => {
                    in_defaults = false;
                    if accounts.len() >= MSMTP_ACCOUNTS {
                        return Err(MsmtpError::TooLarge);
                    }
                    accounts.push(begun(argument, &defaults, &accounts).map_err(wrong)?);
                }
                _ => {
                    let last = accounts.last_mut().filter(|_| !in_defaults);
                    let settings = last.map_or(&mut defaults, |(_, settings, _)| settings);
                    settings.set(command, argument).map_err(wrong)?;
                }
            }
        }
        Ok(Self::of(accounts))
    }

    fn of(accounts: Vec<(String, Settings, Option<String>)>) -> Self {
        let mut found = Self::default();
        for (name, settings, base) in accounts {
            // `account default : work` gives another account a second name.
            if name == "default"
                && let Some(base) = base
            {
                found.default = Some(base);
                continue;
            }
            if name == "default" {
                found.default = Some(name.clone());
            }
            found.accounts.extend(settings.account(name));
        }
        found
    }

    /// The account for an address: the first with its `from`, else the default one, else the only one.
    #[must_use]
    pub fn for_address(&self, address: &str) -> Option<&MsmtpAccount> {
        let of_address = |account: &&MsmtpAccount| {
            account.from.as_deref().is_some_and(|from| from.eq_ignore_ascii_case(address))
        };
        let by_name = |name: &String| self.accounts.iter().find(|account| account.name == *name);
        let only = match self.accounts.as_slice() {
            [only] => Some(only),
            _ => None,
        };
        let default = || self.default.as_ref().and_then(by_name);
        self.accounts.iter().find(of_address).or_else(default).or(only)
    }
}

/// A new account: with the defaults so far, or with what other accounts say.
fn begun(
    argument: &str,
    defaults: &Settings,
    accounts: &[(String, Settings, Option<String>)],
) -> Result<(String, Settings, Option<String>), &'static str> {
    let (name, bases) = argument.split_once(':').unwrap_or((argument, ""));
    let name = name.trim();
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err("an account has a name");
    }
    if accounts.iter().any(|(other, ..)| other == name) {
        return Err("there is an account of this name already");
    }
    let mut settings = defaults.clone();
    let mut only_base = None;
    let bases: Vec<&str> = bases.split(',').map(str::trim).filter(|base| !base.is_empty()).collect();
    for base in &bases {
        let of_base = accounts.iter().find(|(other, ..)| other == base);
        let (_, found, _) = of_base.ok_or("it is made from an account that does not stand before it")?;
        settings.take_from(found);
    }
    if let [base] = bases.as_slice() {
        only_base = Some((*base).to_owned());
    }
    Ok((name.to_owned(), settings, only_base))
}

impl Settings {
    fn set(&mut self, command: &str, argument: &str) -> Result<(), &'static str> {
        let text = || (!argument.is_empty()).then(|| argument.to_owned());
        let switch = || match argument {
            "" | "on" => Ok(true),
            "off" => Ok(false),
            _ => Err("on or off"),
        };
        let port = || argument.parse().ok().filter(|port| *port != 0).map(Some).ok_or("no port");
        match command {
            "host" => self.host = text(),
            "port" => self.port = port()?,
            "tls" => self.tls = switch()?,
            "tls_starttls" => self.no_starttls = !switch()?,
            "auth" => {
                self.auth = Some(if argument.is_empty() { "on".to_owned() } else { argument.to_owned() })
            }
            "user" => self.user = text(),
            "from" => self.from = text(),
            "passwordeval" => self.command = text(),
            "password" => self.has_password = !argument.is_empty(),
            "proxy_host" => self.proxy = text(),
            "proxy_port" => self.proxy_port = port()?,
            "tls_fingerprint" if argument.is_empty() => {}
            "tls_fingerprint" => self.leave(MsmtpLeft::CertificateFingerprint),
            "tls_certcheck" if !switch()? => self.leave(MsmtpLeft::Unchecked),
            "tls_certcheck" => {}
            "tls_trust_file" if matches!(argument, "" | "system") => {}
            "tls_trust_file" if ROOTS_OF_SYSTEMS.contains(&argument) => {}
            "tls_trust_file" => self.leave(MsmtpLeft::Roots(argument.to_owned())),
            "protocol" if argument == "smtp" => {}
            _ if WITHOUT_MEANING.contains(&command) => {}
            _ if is_word(command) => self.leave(MsmtpLeft::Setting(command.to_owned())),
            _ => return Err("no setting of msmtp"),
        }
        Ok(())
    }

    fn leave(&mut self, left: MsmtpLeft) {
        if !self.left.contains(&left) {
            self.left.push(left);
        }
    }

    /// What another account says holds here too, where it says anything.
    fn take_from(&mut self, base: &Self) {
        let Self {
            host,
            port,
            tls,
            no_starttls,
            auth,
            user,
            command,
            has_password,
            from,
            proxy,
            proxy_port,
            left,
        } = base.clone();
        self.host = host.or(self.host.take());
        self.port = port.or(self.port);
        (self.tls, self.no_starttls) = (tls, no_starttls);
        self.auth = auth.or(self.auth.take());
        self.user = user.or(self.user.take());
        self.command = command.or(self.command.take());
        self.has_password |= has_password;
        self.from = from.or(self.from.take());
        self.proxy = proxy.or(self.proxy.take());
        self.proxy_port = proxy_port.or(self.proxy_port);
        left.into_iter().for_each(|one| self.leave(one));
    }

    /// The account that it makes; nothing without a host.
    fn account(mut self, name: String) -> Option<MsmtpAccount> {
        let host = self.host.take()?;
        let host =
            host.parse::<IpAddr>().map(|address| address.to_string()).ok().or_else(|| host_name(&host))?;
        let is_here =
            host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let is_upgraded = !self.tls && !is_here;
        let security = match (self.tls, self.no_starttls, is_here) {
            (false, _, true) => None,
            (true, true, _) => Some(Security::Implicit),
            // The port says how TLS begins there (RFC 8314, section 7.3).
            (false, _, false) if self.port == Some(465) => Some(Security::Implicit),
            (true, false, _) | (false, _, false) => Some(Security::StartTls),
        };
        let port = self.port.unwrap_or(match security {
            Some(Security::Implicit) => 465,
            // What is upgraded goes to the port for handing mail in (RFC 6409).
            Some(Security::StartTls) if is_upgraded => 587,
            Some(Security::StartTls) | None => 25,
        });
        let log_in = match self.auth.as_deref() {
            None | Some("off") => LogIn::Nothing,
            Some("on" | "plain" | "login" | "scram-sha-256" | "scram-sha-256-plus") => LogIn::Password,
            Some("xoauth2" | "oauthbearer") => LogIn::OAuth,
            Some(other) => {
                self.left.push(MsmtpLeft::Mechanism(other.to_owned()));
                LogIn::Password
            }
        };
        let password = match self.command.take() {
            Some(command) => MsmtpPassword::Command(command),
            None if self.has_password => MsmtpPassword::InFile,
            None => MsmtpPassword::Elsewhere,
        };
        let proxy_port = self.proxy_port.unwrap_or(1080);
        let proxy = self.proxy.as_deref().map(host_name_or_address);
        if proxy == Some(None) {
            self.leave(MsmtpLeft::Setting("proxy_host".to_owned()));
        }
        Some(MsmtpAccount {
            name,
            host,
            port,
            security,
            is_upgraded,
            log_in,
            user: self.user.as_deref().and_then(user_name),
            password,
            from: self.from,
            proxy: proxy.flatten().map(|proxy| (proxy, proxy_port)),
            left: self.left,
        })
    }
}

fn host_name_or_address(text: &str) -> Option<String> {
    text.parse::<IpAddr>().map(|address| address.to_string()).ok().or_else(|| host_name(text))
}

fn is_word(command: &str) -> bool {
    command.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') && command.len() <= 64
}

/// Without the quotation marks around it.
fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn only(text: &str) -> MsmtpAccount {
        Msmtp::parse(text).unwrap().accounts.remove(0)
    }

    #[test]
    fn how_tls_begins_row_by_row() {
        for (settings, host, port, security, is_upgraded) in [
            ("tls on", "smtp.example.org", 25, Some(Security::StartTls), false),
            ("tls", "smtp.example.org", 25, Some(Security::StartTls), false),
            ("tls on\nport 587", "smtp.example.org", 587, Some(Security::StartTls), false),
            ("tls on\ntls_starttls off", "smtp.example.org", 465, Some(Security::Implicit), false),
            (
                "tls on\ntls_starttls off\nport 2465",
                "smtp.example.org",
                2465,
                Some(Security::Implicit),
                false,
            ),
            ("", "smtp.example.org", 587, Some(Security::StartTls), true),
            ("tls off", "smtp.example.org", 587, Some(Security::StartTls), true),
            ("tls off\nport 25", "smtp.example.org", 25, Some(Security::StartTls), true),
            ("port 465", "smtp.example.org", 465, Some(Security::Implicit), true),
            ("tls off", "localhost", 25, None, false),
            ("port 2525", "127.0.0.1", 2525, None, false),
            ("", "::1", 25, None, false),
            ("tls on", "localhost", 25, Some(Security::StartTls), false),
            ("", "127.0.0.1.example.org", 587, Some(Security::StartTls), true),
            ("", "192.0.2.1", 587, Some(Security::StartTls), true),
        ] {
            let account = only(&format!("account a\nhost {host}\n{settings}\n"));
            let found = (account.host.as_str(), account.port, account.security, account.is_upgraded);
            assert_eq!(found, (host, port, security, is_upgraded), "{settings}");
        }
    }

    #[test]
    fn accounts_take_from_defaults_and_from_each_other() {
        let text = "# mine\ndefaults\nauth on\ntls on\nlogfile ~/.msmtp.log\n\n\
                    account work\nhost smtp.example.org\nport 587\nfrom alice@example.org\nuser alice\n\
                    passwordeval \"pass show mail/work\"\n\n\
                    account list : work\nfrom alice+list@example.org\nport 465\ntls_starttls off\n\n\
                    account home\nhost mail.example.net\nauth off\n\naccount default : work\n";
        let file = Msmtp::parse(text).unwrap();
        let names: Vec<&str> = file.accounts.iter().map(|account| account.name.as_str()).collect();
        assert_eq!((names, file.default.as_deref()), (vec!["work", "list", "home"], Some("work")));
        let list = &file.accounts[1];
        assert_eq!(
            (list.host.as_str(), list.port, list.security),
            ("smtp.example.org", 465, Some(Security::Implicit))
        );
        assert_eq!(list.password, MsmtpPassword::Command("pass show mail/work".to_owned()));
        assert_eq!((list.user.as_deref(), list.log_in), (Some("alice"), LogIn::Password));
        assert_eq!((file.accounts[2].log_in, file.accounts[2].port), (LogIn::Nothing, 25));
        assert_eq!(file.for_address("ALICE+list@example.org").unwrap().name, "list");
        assert_eq!(file.for_address("bob@example.org").unwrap().name, "work");
        assert!(file.accounts.iter().all(|account| account.left.is_empty()));
    }

    #[test]
    fn a_password_in_the_file_is_not_read() {
        let account = only("account a\nhost smtp.example.org\nauth on\nuser alice\npassword geheim\n");
        assert_eq!(account.password, MsmtpPassword::InFile);
        assert!(!format!("{account:?}").contains("geheim"));
        let account = only("account a\nhost smtp.example.org\nauth on\nuser alice\n");
        assert_eq!(account.password, MsmtpPassword::Elsewhere);
    }

    #[test]
    fn what_cannot_be_taken_over_is_named() {
        for (setting, left) in [
            ("tls_fingerprint 00:11", MsmtpLeft::CertificateFingerprint),
            ("tls_certcheck off", MsmtpLeft::Unchecked),
            ("tls_trust_file ~/my-ca.pem", MsmtpLeft::Roots("~/my-ca.pem".to_owned())),
            ("auth gssapi", MsmtpLeft::Mechanism("gssapi".to_owned())),
            ("tls_cert_file ~/x.pem", MsmtpLeft::Setting("tls_cert_file".to_owned())),
            ("socket /run/x", MsmtpLeft::Setting("socket".to_owned())),
            ("protocol lmtp", MsmtpLeft::Setting("protocol".to_owned())),
        ] {
            assert_eq!(
                only(&format!("account a\nhost smtp.example.org\n{setting}\n")).left,
                [left],
                "{setting}"
            );
        }
        let taken = only(
            "account a\nhost h.example\nauth xoauth2\nproxy_host 127.0.0.1\nproxy_port 9050\ntls_trust_file system\n",
        );
        assert_eq!((taken.log_in, taken.proxy), (LogIn::OAuth, Some(("127.0.0.1".to_owned(), 9050))));
        assert!(taken.left.is_empty());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, line) in [
            ("account a\nhost x\nport 0\n", 3),
            ("account a\nhost x\nport x\n", 3),
            ("\naccount a : b\n", 2),
            ("account a\naccount a\n", 2),
            ("account\n", 1),
            ("account a\ntls maybe\n", 2),
            ("account a\nHost: x\n", 2),
        ] {
            assert!(matches!(Msmtp::parse(text), Err(MsmtpError::Line(found, _)) if found == line), "{text}");
        }
        let many: String = (0..=MSMTP_ACCOUNTS).map(|number| format!("account a{number}\n")).collect();
        assert_eq!(Msmtp::parse(&many), Err(MsmtpError::TooLarge));
        assert_eq!(Msmtp::parse(&" ".repeat(MSMTP_BYTES + 1)), Err(MsmtpError::TooLarge));
        assert!(Msmtp::parse("account a\nhost a b c\n").unwrap().accounts.is_empty());
    }
}
