//! How a person names a way: one text, in settings and arguments (`docs/formats/transports.md`).

use std::fmt;
use std::path::{Path, PathBuf};

/// A way, as a person names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// `folder:/PATH`: a folder that several machines see, or a stick.
    Folder(PathBuf),
    /// `relay:https://HOST[:PORT][/PATH]`: a relay; `http:` on this machine only.
    Relay(String),
    /// `imap:ACCOUNT`: the mailbox of an account of `config.toml`.
    Imap(String),
    /// `lan:`: devices on the same network, found by multicast DNS.
    Lan,
    /// `lan:HOST:PORT`: a device at an address, where the network carries no multicast.
    LanAt(String),
}

/// What is wrong with the text of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// It begins with none of the kinds.
    Kind,
    /// The path of a folder does not begin with `/`.
    RelativePath,
    /// The relay's is no `https:` URL without user, query and fragment.
    Url,
    /// The account has no name, or blanks in it.
    Account,
    /// The device's is no `HOST:PORT`.
    HostAndPort,
}

impl fmt::Display for AddressError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Kind => "it is none of folder:/PATH, relay:https://HOST, imap:ACCOUNT, lan:, lan:HOST:PORT",
            Self::RelativePath => "the path of a folder begins with \"/\"",
            Self::Url => {
                "a relay is https://HOST, with a port and a path where it has them, and nothing else"
            }
            Self::Account => "the account after imap: has no name",
            Self::HostAndPort => "after lan: stands nothing, or HOST:PORT",
        })
    }
}

impl std::error::Error for AddressError {}

impl Address {
    /// Reads one.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (kind, rest) = text.split_once(':').ok_or(AddressError::Kind)?;
        match kind {
            "folder" if Path::new(rest).is_absolute() => Ok(Self::Folder(PathBuf::from(rest))),
            "folder" => Err(AddressError::RelativePath),
            "relay" => relay(rest).then(|| Self::Relay(rest.to_owned())).ok_or(AddressError::Url),
            "imap" if is_word(rest) => Ok(Self::Imap(rest.to_owned())),
            "imap" => Err(AddressError::Account),
            "lan" if rest.is_empty() => Ok(Self::Lan),
            "lan" if host_and_port(rest) => Ok(Self::LanAt(rest.to_owned())),
            "lan" => Err(AddressError::HostAndPort),
            _ => Err(AddressError::Kind),
        }
    }
}

/// As [`Address::parse`] reads it.
impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(formatter, "folder:{}", path.display()),
            Self::Relay(url) => write!(formatter, "relay:{url}"),
            Self::Imap(account) => write!(formatter, "imap:{account}"),
            Self::Lan => formatter.write_str("lan:"),
            Self::LanAt(address) => write!(formatter, "lan:{address}"),
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|character| !character.is_whitespace() && !character.is_control())
}

/// A secret does not travel unencrypted beyond this machine, and none stands in a URL.
fn relay(url: &str) -> bool {
    let (rest, loopback_only) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, false),
        (None, Some(rest)) => (rest, true),
        (None, None) => return false,
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => host,
        _ => authority,
    };
    let local = matches!(host, "127.0.0.1" | "[::1]" | "localhost");
    is_word(rest) && !host.is_empty() && !rest.contains(['@', '?', '#', '\\']) && (local || !loopback_only)
}

fn host_and_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        is_word(host) && !host.contains(['/', '@']) && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_and_written_alike() {
        for text in [
            "folder:/media/stick",
            "folder:/with blank/ü",
            "relay:https://relay.example.org",
            "relay:https://relay.example.org:8443/keys",
            "relay:http://127.0.0.1:8080",
            "relay:http://[::1]:8080",
            "imap:work",
            "lan:",
            "lan:192.0.2.1:4040",
            "lan:[2001:db8::1]:4040",
        ] {
            assert_eq!(Address::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_told_what_is_wrong() {
        for (text, error) in [
            ("", AddressError::Kind),
            ("/media/stick", AddressError::Kind),
            ("ftp:x", AddressError::Kind),
            ("folder:stick", AddressError::RelativePath),
            ("relay:relay.example.org", AddressError::Url),
            ("relay:http://relay.example.org", AddressError::Url),
            ("relay:http://127.0.0.1.example.org", AddressError::Url),
            ("relay:https://", AddressError::Url),
            ("relay:https://user:word@example.org", AddressError::Url),
            ("relay:https://example.org/?q", AddressError::Url),
            ("imap:", AddressError::Account),
            ("imap:a b", AddressError::Account),
            ("lan:host", AddressError::HostAndPort),
            ("lan:host:0", AddressError::HostAndPort),
            ("lan::4040", AddressError::HostAndPort),
        ] {
            assert_eq!(Address::parse(text), Err(error), "{text:?}");
        }
    }
}
