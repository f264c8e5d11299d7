//! An account that is to be written into `config.toml`.

use counterseal_core::address::EmailAddress;
use counterseal_core::discovery::{LogIn, MailServer, Security};
use toml_edit::{Array, InlineTable, Value};

use crate::account::{Host, MailboxServer, SecretSource, Server};
use crate::failure::Failure;

/// An account that is not in the file yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewAccount {
    pub(crate) name: String,
    /// Whose mail it takes: patterns of `from`.
    pub(crate) from: Vec<String>,
    /// `smtp`.
    pub(crate) url: String,
    pub(crate) user: Option<String>,
    pub(crate) secret: Option<SecretSource>,
    /// Where the mailbox is.
    pub(crate) imap: Option<String>,
    /// `socks5://HOST:PORT`.
    pub(crate) proxy: Option<String>,
}

impl NewAccount {
    /// As it stands in the file.
    pub(crate) fn to_toml(&self) -> String {
        let mut text = format!("[account.{}]\n", key(&self.name));
        let mut line =
            |key: &str, value: Value| text.push_str(&format!("{key} = {}\n", value.to_string().trim()));
        if !self.from.is_empty() {
            line("from", Value::Array(self.from.iter().collect()));
        }
        line("smtp", self.url.as_str().into());
        if let Some(user) = &self.user {
            line("user", user.as_str().into());
        }
        match &self.secret {
            Some(SecretSource::Command(words)) => {
                line("password", table("command", words.iter().collect::<Array>()))
            }
            Some(SecretSource::OAuth(words)) => {
                line("oauth", table("command", words.iter().collect::<Array>()))
            }
            Some(SecretSource::Keyring) => line("password", table("keyring", true)),
            Some(SecretSource::Netrc) => line("password", table("netrc", true)),
            None => {}
        }
        if let Some(imap) = &self.imap {
            line("imap", imap.as_str().into());
        }
        if let Some(proxy) = &self.proxy {
            line("proxy", proxy.as_str().into());
        }
        text
    }
}

/// A name of letters, digits, `-` and `_` stands as it is; every other one in quotation marks.
fn key(name: &str) -> String {
    let is_bare = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if is_bare { name.to_owned() } else { Value::from(name).to_string() }
}

fn table(key: &str, value: impl Into<Value>) -> Value {
    let mut table = InlineTable::new();
    table.insert(key, value.into());
    Value::InlineTable(table)
}

/// What `smtp` says of a server.
pub(super) fn url(server: &MailServer) -> String {
    url_of(Some(server.security), &server.host, server.port)
}

/// What `imap` says of one.
pub(super) fn url_of_mailbox(server: &MailServer) -> String {
    let host = Host { name: server.host.clone(), port: server.port };
    MailboxServer::Imaps(host).to_string()
}

/// What `smtp` says, without TLS for this machine.
pub(super) fn url_of(security: Option<Security>, host: &str, port: u16) -> String {
    let (scheme, usual) = match security {
        Some(Security::Implicit) => ("smtps", 465),
        Some(Security::StartTls) => ("smtp+starttls", 587),
        None => ("smtp", 25),
    };
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    if port == usual { format!("{scheme}://{host}") } else { format!("{scheme}://{host}:{port}") }
}

/// The account of a server that was named, typed or found.
pub(super) fn of_server(
    name: &str,
    address: &EmailAddress,
    url: String,
    log_in: LogIn,
    user: Option<String>,
    command: Option<&[String]>,
) -> Result<NewAccount, Failure> {
    let server = Server::parse(&url).map_err(Failure::usage)?;
    let is_of_this_machine = matches!(server, Server::Loopback(_) | Server::Sendmail(_) | Server::Lmtp(_));
    let logs_in = match log_in {
        LogIn::Nothing => false,
        // Who is on this machine is often known without a password.
        LogIn::Password => !is_of_this_machine || user.is_some() || command.is_some(),
        LogIn::OAuth => true,
    };
    let secret = match (logs_in, log_in, command) {
        (false, ..) => None,
        (true, LogIn::OAuth, Some(words)) => Some(SecretSource::OAuth(words.to_vec())),
        (true, LogIn::OAuth, None) => {
            return Err(Failure::unknown(
                "no-password",
                "the server wants a token of OAuth 2.0, which a program writes",
            )
            .hint("name it as the last option: --password-command oama access ADDRESS"));
        }
        (true, _, Some(words)) => Some(SecretSource::Command(words.to_vec())),
        (true, _, None) => Some(SecretSource::Keyring),
    };
    let user = logs_in.then(|| user.unwrap_or_else(|| address.to_string()));
    let from = vec![address.to_string()];
    Ok(NewAccount { name: name.to_owned(), from, url, user, secret, imap: None, proxy: None })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_one_value_whatever_stands_in_it() {
        let account = NewAccount {
            name: "my.work".to_owned(),
            from: vec!["alice@example.org".to_owned()],
            url: "smtps://smtp.example.org".to_owned(),
            user: Some("a\"\n[account.evil]\\".to_owned()),
            secret: Some(SecretSource::Command(vec![
                "sh".to_owned(),
                "-c".to_owned(),
                "pass 'x' \"y\"".to_owned(),
            ])),
            imap: Some("imaps://imap.example.org\"\n[[sync]]".to_owned()),
            proxy: None,
        };
        let document = toml_edit::Document::parse(account.to_toml()).unwrap();
        let table = document["account"]["my.work"].as_table().unwrap();
        assert_eq!(document["account"].as_table().unwrap().len(), 1);
        assert_eq!(table["user"].as_str(), account.user.as_deref());
        assert_eq!(table["imap"].as_str(), account.imap.as_deref());
        assert_eq!(table["password"]["command"][2].as_str(), Some("pass 'x' \"y\""));
    }

    #[test]
    fn a_url_has_the_port_where_it_is_not_the_usual_one() {
        assert_eq!(url_of(Some(Security::Implicit), "a.example", 465), "smtps://a.example");
        assert_eq!(url_of(Some(Security::StartTls), "a.example", 25), "smtp+starttls://a.example:25");
        assert_eq!(url_of(None, "::1", 2525), "smtp://[::1]:2525");
        assert!(Server::parse(&url_of(None, "::1", 2525)).is_ok());
    }

    #[test]
    fn who_logs_in_has_a_name_and_a_password() {
        let alice = EmailAddress::parse("alice@example.org").unwrap();
        let of = |url: &str, log_in, user: Option<&str>, command: Option<&[String]>| {
            of_server("home", &alice, url.to_owned(), log_in, user.map(str::to_owned), command)
        };
        let words = ["pass".to_owned()];
        let remote = of("smtps://smtp.example.org", LogIn::Password, None, None).unwrap();
        assert_eq!(
            (remote.user.as_deref(), remote.secret),
            (Some("alice@example.org"), Some(SecretSource::Keyring))
        );
        let local = of("smtp://127.0.0.1", LogIn::Password, None, None).unwrap();
        assert_eq!((local.user, local.secret), (None, None));
        let token = of("smtps://smtp.example.org", LogIn::OAuth, Some("a"), Some(&words)).unwrap();
        assert_eq!(token.secret, Some(SecretSource::OAuth(words.to_vec())));
        assert!(of("smtps://smtp.example.org", LogIn::OAuth, None, None).is_err());
        assert!(of("smtp://smtp.example.org", LogIn::Password, None, None).is_err(), "in clear");
    }
}
