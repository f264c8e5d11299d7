//! How a way is named: by one text, in settings, in the store and in what a new device gets (`docs/formats/transports.md`).

use std::fmt;
use std::path::{Path, PathBuf};

use super::TransportError;
use super::relay::RelayAddress;

/// A way by its name. The store remembers by it how far a place was read, so the text of an address never changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// `folder:/PATH`: a folder that several machines see, or a stick.
    Folder(PathBuf),
    /// `relay:https://HOST[:PORT][/PATH]`: a relay, as [`RelayAddress::parse`] reads it.
    Relay(String),
    /// `imap:ACCOUNT`: the mailbox of an account of `config.toml`.
    Imap(String),
    /// `lan:`: devices on the same network, found by multicast DNS.
    Lan,
    /// `lan:HOST:PORT`: where one of the devices listens, on networks that carry no multicast.
    LanAt(String),
}

/// What is wrong with the text of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// It begins with none of the kinds.
    Kind,
    /// The path of a folder does not begin with `/`.
    RelativePath,
    /// The relay's is no `https:` URL without user, query and fragment: how so.
    Relay(String),
    /// The account has no name, or blanks in it.
    Account,
    /// The device's is no `HOST:PORT`.
    HostAndPort,
}

impl fmt::Display for AddressError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Kind => "it is none of folder:/PATH, relay:https://HOST, imap:ACCOUNT, lan:, lan:HOST:PORT",
            Self::RelativePath => "a folder is an absolute path",
            Self::Relay(why) => why,
            Self::Account => "an account of config.toml has a name without blanks",
            Self::HostAndPort => "a device on the local network is at HOST:PORT",
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
            "relay" => RelayAddress::parse(rest).map(|_| Self::Relay(rest.to_owned())).map_err(no_relay),
            "imap" if is_word(rest) => Ok(Self::Imap(rest.to_owned())),
            "imap" => Err(AddressError::Account),
            "lan" if rest.is_empty() => Ok(Self::Lan),
            "lan" if host_and_port(rest) => Ok(Self::LanAt(rest.to_owned())),
            "lan" => Err(AddressError::HostAndPort),
            _ => Err(AddressError::Kind),
        }
    }

    /// Whether it leads to devices on the same network.
    #[must_use]
    pub const fn is_lan(&self) -> bool {
        matches!(self, Self::Lan | Self::LanAt(_))
    }

    /// Whether the network is used: a folder is the system's own business.
    #[must_use]
    pub const fn is_remote(&self) -> bool {
        !matches!(self, Self::Folder(_))
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

fn no_relay(error: TransportError) -> AddressError {
    AddressError::Relay(match error {
        TransportError::Refused(why) => why,
        error => error.to_string(),
    })
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
            ("imap:", AddressError::Account),
            ("imap:a b", AddressError::Account),
            ("lan:host", AddressError::HostAndPort),
            ("lan:host:0", AddressError::HostAndPort),
            ("lan::4040", AddressError::HostAndPort),
        ] {
            assert_eq!(Address::parse(text), Err(error), "{text:?}");
        }
        for url in [
            "relay.example.org",
            "http://relay.example.org",
            "http://127.0.0.1.example.org",
            "https://",
            "https://user:word@example.org",
            "https://example.org/?q",
            "https://example.org/ x",
        ] {
            let read = Address::parse(&format!("relay:{url}"));
            assert!(matches!(read, Err(AddressError::Relay(_))), "{url:?}: {read:?}");
        }
    }
}
