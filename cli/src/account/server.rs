//! Who takes the mail: `smtp = "…"` of an account; and who has it: `imap = "…"`.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

/// A name or an address, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    /// A DNS name, or an IP address without brackets.
    pub(crate) name: String,
    pub(crate) port: u16,
}

/// Who takes the mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// TLS from the first octet (RFC 8314): `smtps://`.
    Smtps(Host),
    /// STARTTLS, without which nothing is sent: `smtp+starttls://`.
    StartTls(Host),
    /// Without TLS, on this machine only: `smtp://127.0.0.1`.
    Loopback(Host),
    /// Another program: `sendmail:/usr/sbin/sendmail`.
    Sendmail(PathBuf),
    /// A socket of this machine (RFC 2033): `lmtp:/path`.
    Lmtp(PathBuf),
}

/// Who has the mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MailboxServer {
    /// TLS from the first octet (RFC 8314): `imaps://`.
    Imaps(Host),
    /// Without TLS, on this machine only: `imap://127.0.0.1`.
    Loopback(Host),
}

impl MailboxServer {
    /// Reads it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(host) = text.strip_prefix("imaps://") {
            return Host::parse(host, Some(993)).map(Self::Imaps);
        }
        let Some(host) = text.strip_prefix("imap://") else {
            return Err(format!("{text:?} is none of imaps://HOST, imap://127.0.0.1"));
        };
        let host = Host::parse(host, Some(143))?;
        if host.is_loopback() {
            return Ok(Self::Loopback(host));
        }
        Err(format!("imap:// logs in in clear, so it is for this machine only: write imaps://{}", host.name))
    }
}

impl Server {
    /// Reads it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("sendmail:") {
            return absolute(path).map(Self::Sendmail);
        }
        if let Some(path) = text.strip_prefix("lmtp:") {
            return absolute(path).map(Self::Lmtp);
        }
        if let Some(host) = text.strip_prefix("smtps://") {
            return Host::parse(host, Some(465)).map(Self::Smtps);
        }
        if let Some(host) = text.strip_prefix("smtp+starttls://") {
            return Host::parse(host, Some(587)).map(Self::StartTls);
        }
        if let Some(host) = text.strip_prefix("smtp://") {
            let host = Host::parse(host, Some(25))?;
            if !host.is_loopback() {
                return Err(format!(
                    "smtp:// sends in clear, so it is for this machine only: write smtps://{0} or smtp+starttls://{0}",
                    host.name
                ));
            }
            return Ok(Self::Loopback(host));
        }
        Err(format!(
            "{text:?} is none of smtps://HOST, smtp+starttls://HOST, smtp://127.0.0.1, sendmail:/PATH, lmtp:/PATH"
        ))
    }

    /// The host, where it is one.
    pub(crate) const fn host(&self) -> Option<&Host> {
        match self {
            Self::Smtps(host) | Self::StartTls(host) | Self::Loopback(host) => Some(host),
            Self::Sendmail(_) | Self::Lmtp(_) => None,
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Smtps(host) | Self::StartTls(host) | Self::Loopback(host) => {
                write!(formatter, "{}:{}", host.name, host.port)
            }
            Self::Sendmail(path) | Self::Lmtp(path) => write!(formatter, "{}", path.display()),
        }
    }
}

impl fmt::Display for MailboxServer {
    /// As it stands in the file.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual, host) = match self {
            Self::Imaps(host) => ("imaps", 993, host),
            Self::Loopback(host) => ("imap", 143, host),
        };
        let name = if host.name.contains(':') { format!("[{}]", host.name) } else { host.name.clone() };
        match host.port == usual {
            true => write!(formatter, "{scheme}://{name}"),
            false => write!(formatter, "{scheme}://{name}:{}", host.port),
        }
    }
}

fn absolute(path: &str) -> Result<PathBuf, String> {
    if path.starts_with('/') { Ok(path.into()) } else { Err(format!("{path:?} must be an absolute path")) }
}

impl Host {
    /// `name`, `name:port`, `[2001:db8::1]:port`.
    pub(crate) fn parse(text: &str, usual_port: Option<u16>) -> Result<Self, String> {
        let bad = || format!("{text:?} is not of the form HOST or HOST:PORT");
        let text = text.strip_suffix('/').unwrap_or(text);
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (name, port) = rest.split_once(']').ok_or_else(bad)?;
                name.parse::<std::net::Ipv6Addr>().map_err(|_| bad())?;
                (name, port)
            }
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().ok().filter(|port| *port != 0),
            None if port.is_empty() => usual_port,
            None => None,
        };
        let is_name = |name: &str| {
            !name.is_empty()
                && name.len() <= 253
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':'))
        };
        if !is_name(name) {
            return Err(bad());
        }
        Ok(Self { name: name.to_ascii_lowercase(), port: port.ok_or_else(bad)? })
    }

    /// Whether it is this machine, without asking the DNS.
    pub(crate) fn is_loopback(&self) -> bool {
        self.name == "localhost" || self.name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_is_reached_by_tls_or_on_this_machine() {
        let host = |name: &str, port| Host { name: name.to_owned(), port };
        for (text, server) in [
            ("imaps://imap.example.org", MailboxServer::Imaps(host("imap.example.org", 993))),
            ("imap://127.0.0.1:1143", MailboxServer::Loopback(host("127.0.0.1", 1143))),
            ("imap://localhost", MailboxServer::Loopback(host("localhost", 143))),
            ("imap://[::1]:144", MailboxServer::Loopback(host("::1", 144))),
        ] {
            assert_eq!(server.to_string(), text);
            assert_eq!(MailboxServer::parse(text), Ok(server));
        }
        for wrong in ["imap.example.org", "imap://imap.example.org", "imaps://", "imaps://alice@example.org"]
        {
            assert!(MailboxServer::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_server_is_one_of_five_kinds() {
        let host = |name: &str, port| Host { name: name.to_owned(), port };
        for (text, server) in [
            ("smtps://smtp.example.org", Server::Smtps(host("smtp.example.org", 465))),
            ("smtps://SMTP.example.org:1465/", Server::Smtps(host("smtp.example.org", 1465))),
            ("smtp+starttls://smtp.example.org", Server::StartTls(host("smtp.example.org", 587))),
            ("smtps://[2001:db8::1]:2", Server::Smtps(host("2001:db8::1", 2))),
            ("smtp://127.0.0.1:2525", Server::Loopback(host("127.0.0.1", 2525))),
            ("smtp://localhost", Server::Loopback(host("localhost", 25))),
            ("sendmail:/usr/sbin/sendmail", Server::Sendmail("/usr/sbin/sendmail".into())),
            ("lmtp:/run/lmtp", Server::Lmtp("/run/lmtp".into())),
        ] {
            assert_eq!(Server::parse(text), Ok(server), "{text}");
        }
    }

    #[test]
    fn nothing_is_sent_in_clear_to_another_machine() {
        for text in [
            "smtp://smtp.example.org",
            "smtp://192.0.2.1",
            "smtp://127.0.0.1.example.org",
            "smtp://localhost.example.org",
        ] {
            assert!(Server::parse(text).unwrap_err().contains("in clear"), "{text}");
        }
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for text in [
            "",
            "smtps://",
            "smtps://a b",
            "smtps://a:0",
            "smtps://a:x",
            "smtps://a@b",
            "sendmail:sendmail",
            "ftp://x",
        ] {
            assert!(Server::parse(text).is_err(), "{text}");
        }
    }
}
