//! The text of a pairing code: what the picture says, and what can be pasted.
//!
//! `CSEAL:` and base32 in upper case, so that a QR code needs eleven bits for two characters. It has the hash of the
//! whole offer, a secret that finds and opens the box, and nothing that names a person or a place.

use std::fmt;

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use data_encoding::BASE32_NOPAD;
use subtle::ConstantTimeEq as _;

use crate::limits;
use crate::transport::ObjectBox;

/// What a code begins with. It is no scheme of a URL: no telephone opens a program for it.
const PREFIX: &str = "CSEAL:";
/// The only version.
const VERSION: u8 = 1;
/// Flag: only over the local network.
const LAN_ONLY: u8 = 4;

/// What two sides want of each other. It is part of the code, of the offer and of every signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Intent {
    /// The new device shows, an old one scans.
    NewShows,
    /// An old device shows, the new one scans.
    OldShows,
    /// Two people meet; nobody gets a key.
    Meet,
}

impl Intent {
    /// Its number in codes and offers.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::NewShows => 0,
            Self::OldShows => 1,
            Self::Meet => 2,
        }
    }

    /// The intent of a number.
    #[must_use]
    pub const fn of(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::NewShows),
            1 => Some(Self::OldShows),
            2 => Some(Self::Meet),
            _ => None,
        }
    }
}

/// What a pairing code says.
#[derive(Clone)]
pub struct PairingCode {
    /// What it is for.
    pub intent: Intent,
    /// Whether only the local network is to be used.
    pub lan_only: bool,
    /// The first half of the hash of the offer.
    pub offer: [u8; 16],
    /// The secret, 16 bytes.
    pub secret: SecretBytes,
    /// The last moment at which it may be scanned.
    pub expires: Time,
    /// Where the box is beside the local network: `host[:port][/path]`.
    pub relay: Option<String>,
}

/// Why a text is no pairing code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeError {
    /// It does not begin with `CSEAL:`: some other code.
    OtherCode,
    /// It cannot be read: damaged, cut off, too long.
    Damaged,
    /// It is of a later version.
    NewerVersion,
}

impl fmt::Display for CodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::OtherCode => "this is no pairing code of Counterseal",
            Self::Damaged => "the code is damaged or incomplete",
            Self::NewerVersion => "the code was made by a later version",
        })
    }
}

impl std::error::Error for CodeError {}

impl PairingCode {
    /// The text, for a picture or a paste.
    #[must_use]
    pub fn to_text(&self) -> String {
        let flags = self.intent.number() | if self.lan_only { LAN_ONLY } else { 0 };
        let relay = self.relay.as_deref().filter(|relay| is_relay(relay)).unwrap_or_default();
        let mut bytes = vec![b'K', b'S', VERSION, flags];
        bytes.extend_from_slice(&self.offer);
        bytes.extend_from_slice(self.secret.expose());
        let expires = u32::try_from(self.expires.unix_seconds().max(0)).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&expires.to_be_bytes());
        bytes.push(u8::try_from(relay.len()).unwrap_or(0));
        bytes.extend_from_slice(relay.as_bytes());
        let text = format!("{PREFIX}{}", BASE32_NOPAD.encode(&bytes));
        zeroize::Zeroize::zeroize(&mut bytes);
        text
    }

    /// Reads a text; white space around it does not matter, everything else does.
    ///
    /// # Errors
    /// [`CodeError`].
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let text = text.trim_matches(|character: char| character.is_ascii_whitespace());
        let encoded = text.strip_prefix(PREFIX).ok_or(CodeError::OtherCode)?;
        if text.len() > limits::CODE_CHARACTERS {
            return Err(CodeError::Damaged);
        }
        let bytes = BASE32_NOPAD.decode(encoded.as_bytes()).map_err(|_| CodeError::Damaged)?;
        let bytes = SecretBytes::new(bytes);
        match bytes.expose() {
            [b'K', b'S', VERSION, flags, rest @ ..] => {
                Self::from_fields(*flags, rest).ok_or(CodeError::Damaged)
            }
            [b'K', b'S', version, ..] if *version > VERSION => Err(CodeError::NewerVersion),
            _ => Err(CodeError::Damaged),
        }
    }

    fn from_fields(flags: u8, rest: &[u8]) -> Option<Self> {
        let (offer, rest) = rest.split_first_chunk::<16>()?;
        let (secret, rest) = rest.split_first_chunk::<16>()?;
        let (expires, rest) = rest.split_first_chunk::<4>()?;
        let (length, relay) = rest.split_first()?;
        if flags & !(LAN_ONLY | 3) != 0 || usize::from(*length) != relay.len() {
            return None;
        }
        let relay = std::str::from_utf8(relay).ok()?;
        if !relay.is_empty() && !is_relay(relay) {
            return None;
        }
        Some(Self {
            intent: Intent::of(flags & 3)?,
            lan_only: flags & LAN_ONLY != 0,
            offer: *offer,
            secret: SecretBytes::copy_of(secret),
            expires: Time::from_unix_seconds(i64::from(u32::from_be_bytes(*expires))),
            relay: (!relay.is_empty()).then(|| relay.to_owned()),
        })
    }

    /// The box that both sides use.
    #[must_use]
    pub fn object_box(&self) -> ObjectBox {
        ObjectBox::derive(&self.secret, "pairing")
    }

    /// Whether this is the offer that was meant. `hash` is of the whole offer.
    #[must_use]
    pub fn is_of(&self, hash: &[u8; 32]) -> bool {
        hash.first_chunk::<16>().is_some_and(|head| self.offer.ct_eq(head).into())
    }

    /// Whether it may not be scanned any more, at a clock that may differ from the other one's.
    #[must_use]
    pub fn has_expired(&self, now: Time) -> bool {
        now > self.expires.plus_seconds(limits::CLOCK_SKEW_SECONDS)
    }
}

impl fmt::Debug for PairingCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PairingCode(..)")
    }
}

/// Whether this can stand in a code: `host[:port][/path]` in lower case, without anything that a shell, a terminal or
/// a URL reads otherwise.
#[must_use]
pub fn is_relay(text: &str) -> bool {
    let (authority, path) = text.split_once('/').map_or((text, None), |(head, tail)| (head, Some(tail)));
    let (host, port) = authority.split_once(':').map_or((authority, None), |(head, tail)| (head, Some(tail)));
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let is_port = |port: &str| {
        !port.is_empty()
            && port.bytes().all(|byte| byte.is_ascii_digit())
            && !port.starts_with('0')
            && port.parse::<u16>().is_ok()
    };
    let is_path = |path: &str| {
        path.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'/')
        })
    };
    text.len() <= limits::CODE_RELAY_BYTES
        && host.split('.').all(is_label)
        && port.is_none_or(is_port)
        && path.is_none_or(is_path)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::testing::NOW;

    fn code(relay: Option<&str>) -> PairingCode {
        PairingCode {
            intent: Intent::OldShows,
            lan_only: true,
            offer: [0x5a; 16],
            secret: SecretBytes::copy_of(&[0xc3; 16]),
            expires: NOW,
            relay: relay.map(str::to_owned),
        }
    }

    #[test]
    fn a_code_says_what_it_was_made_of() {
        for relay in [None, Some("relay.example.org"), Some("example.org:8443/box")] {
            let text = code(relay).to_text();
            let read = PairingCode::parse(&format!(" {text}\r\n")).unwrap();
            assert_eq!((read.intent, read.lan_only, read.offer), (Intent::OldShows, true, [0x5a; 16]));
            assert_eq!(read.secret.expose(), [0xc3; 16]);
            assert_eq!((read.expires, read.relay.as_deref()), (NOW, relay));
            assert_eq!(read.to_text(), text);
        }
    }

    #[test]
    fn it_is_short_and_of_the_characters_that_a_picture_packs_best() {
        let text = code(None).to_text();
        assert_eq!(text.len(), 72);
        let packs = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b':';
        assert!(text.bytes().all(packs));
        let longest = code(Some(&format!("{}.example.org", "a".repeat(63)))).to_text();
        assert!(longest.len() <= limits::CODE_CHARACTERS);
    }

    #[test]
    fn every_changed_character_is_noticed_or_says_something_else() {
        let text = code(Some("relay.example.org")).to_text();
        for position in 0..text.len() {
            for replacement in ["A", "7", "a", "0", " ", "="] {
                let changed =
                    [text.get(..position).unwrap(), replacement, text.get(position + 1..).unwrap()].concat();
                if changed != text
                    && let Ok(read) = PairingCode::parse(&changed)
                {
                    assert_eq!(read.to_text(), changed.trim(), "only one text says it");
                }
            }
            assert!(PairingCode::parse(text.get(..position).unwrap()).is_err());
        }
        assert_eq!(PairingCode::parse(&format!("{text}A")).unwrap_err(), CodeError::Damaged);
    }

    #[test]
    fn other_codes_versions_and_hosts_are_told_apart() {
        let error = |text: &str| PairingCode::parse(text).unwrap_err();
        assert_eq!(error("HTTPS://EXAMPLE.ORG"), CodeError::OtherCode);
        assert_eq!(error("cseal:JNJQ"), CodeError::OtherCode);
        assert_eq!(error(""), CodeError::OtherCode);
        assert_eq!(error("CSEAL:"), CodeError::Damaged);
        let of = |bytes: &[u8]| format!("CSEAL:{}", BASE32_NOPAD.encode(bytes));
        assert_eq!(error(&of(b"KS\x02anything")), CodeError::NewerVersion);
        assert_eq!(error(&of(b"KS\x00anything")), CodeError::Damaged);
        let whole = |flags: u8, relay: &[u8]| {
            let head =
                [&[b'K', b'S', 1, flags][..], &[0; 36], &[u8::try_from(relay.len()).unwrap()]].concat();
            of(&[&head, relay].concat())
        };
        assert!(PairingCode::parse(&whole(2, b"")).is_ok());
        assert_eq!(error(&whole(3, b"")), CodeError::Damaged);
        assert_eq!(error(&whole(8, b"")), CodeError::Damaged);
        for relay in [
            "Example.org",
            "exa mple",
            "a..b",
            "-a.org",
            "a.org:0",
            "a.org:99999",
            "a/../b",
            "u@a",
            "\u{1b}[m",
        ] {
            assert_eq!(error(&whole(0, relay.as_bytes())), CodeError::Damaged, "{relay}");
        }
    }

    #[test]
    fn an_expiry_allows_for_two_clocks() {
        let code = code(None);
        assert!(!code.has_expired(NOW.plus_seconds(limits::CLOCK_SKEW_SECONDS)));
        assert!(code.has_expired(NOW.plus_seconds(limits::CLOCK_SKEW_SECONDS + 1)));
    }

    #[test]
    fn a_code_does_not_print() {
        assert_eq!(format!("{:?}", code(None)), "PairingCode(..)");
    }
}
