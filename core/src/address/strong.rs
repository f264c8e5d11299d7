//! Strong addresses: an address together with the key that it must be (draft-hallambaker-prismproof-key-01).

use std::fmt;

use super::{AddressError, EmailAddress};
use crate::fingerprint::{FingerprintPrefix, OpenPgpFingerprint};

/// An address as a person types it for one mail: plain, or with a demand on the key.
///
/// The demand is never part of what leaves this machine: only [`StrongAddress::address`] does. Where
/// it was sent by a program that knows nothing of it, the local part names nobody, and the mail
/// comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrongAddress {
    /// The address itself.
    pub address: EmailAddress,
    /// What its key must be.
    pub demand: KeyDemand,
}

/// What is demanded of the key of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyDemand {
    /// Nothing beyond policy: `alice@example.org`.
    None,
    /// A verified key: `?alice@example.org`.
    Verified,
    /// This key, or one that it vouches for as its owner's: `KID?alice@example.org`,
    /// `alice@example.org=KID`.
    Key(NamedKey),
    /// A key that is verified when this one is relied upon as an introducer for this mail:
    /// `KID??alice@example.org`.
    Introducer(NamedKey),
}

/// A key as a strong address names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedKey {
    /// By the beginning of its fingerprint.
    Key(FingerprintPrefix),
    /// By the OpenPGP certificate that is its twin, or that names it: 40 hexadecimal digits, also
    /// as `openpgp4fpr:` URI.
    OpenPgp(OpenPgpFingerprint),
}

impl NamedKey {
    /// Reads a KID. 64 hexadecimal digits are the SHA-256 of a key, not a fingerprint of OpenPGP's
    /// version 6.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let by_openpgp = || match OpenPgpFingerprint::parse(text) {
            Some(fingerprint @ OpenPgpFingerprint::Version4(_)) => Some(Self::OpenPgp(fingerprint)),
            Some(OpenPgpFingerprint::Version6(_)) | None => None,
        };
        FingerprintPrefix::parse(text).map(Self::Key).or_else(by_openpgp)
    }

    /// Bits of a fingerprint that it holds: what it costs to make another key that it names.
    #[must_use]
    pub fn bits(&self) -> u32 {
        match self {
            Self::Key(prefix) => prefix.bits(),
            Self::OpenPgp(fingerprint) => u32::try_from(fingerprint.as_bytes().len() * 8).unwrap_or(u32::MAX),
        }
    }

    /// Whether it stands somewhere in a text, however it is written there.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        let letters = |text: &str| -> String {
            let letters = text.chars().filter(char::is_ascii_alphanumeric);
            letters.map(|letter| letter.to_ascii_uppercase()).collect()
        };
        let own = match self {
            Self::Key(prefix) => letters(&prefix.to_string()),
            Self::OpenPgp(fingerprint) => fingerprint.to_string(),
        };
        letters(text).contains(&own)
    }
}

impl fmt::Display for NamedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(prefix) => prefix.fmt(formatter),
            Self::OpenPgp(fingerprint) => fingerprint.fmt(formatter),
        }
    }
}

/// Why a text is no strong address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrongAddressError {
    /// The address in it is none.
    Address(AddressError),
    /// What stands before the `?` or behind the `=` is no fingerprint of at least 100 bits.
    Fingerprint,
    /// It demands two things at once.
    TwoDemands,
}

impl fmt::Display for StrongAddressError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(error) => error.fmt(formatter),
            Self::Fingerprint => formatter.write_str("the fingerprint is none, or too short"),
            Self::TwoDemands => formatter.write_str("two demands on one key"),
        }
    }
}

impl std::error::Error for StrongAddressError {}

impl StrongAddress {
    /// Reads an address with or without a demand.
    ///
    /// A KID is the beginning of a fingerprint of 100 bits at least, the SHA-256 of a key in
    /// hexadecimal, or an OpenPGP fingerprint of version 4, as `openpgp4fpr:` URI too.
    ///
    /// A `?` in an unquoted local part is taken for a demand, although RFC 5322 allows it there: who
    /// means it literally quotes the local part.
    ///
    /// # Errors
    /// [`StrongAddressError`].
    pub fn parse(text: &str) -> Result<Self, StrongAddressError> {
        if text.starts_with('"') {
            return Self::with_suffix(text);
        }
        // A question mark behind the @ is in no address.
        let at = text.find('@').unwrap_or(text.len());
        let mark = text.find('?').filter(|mark| *mark < at);
        let Some(mark) = mark else { return Self::with_suffix(text) };
        let before = text.get(..mark).unwrap_or_default();
        let behind = text.get(mark + 1..).unwrap_or_default();
        let (is_introducer, address) = match behind.strip_prefix('?') {
            Some(address) => (true, address),
            None => (false, behind),
        };
        let at = address.find('@').unwrap_or(address.len());
        if address.find('?').is_some_and(|second| second < at) {
            return Err(StrongAddressError::TwoDemands);
        }
        let plain = Self::with_suffix(address)?;
        if plain.demand != KeyDemand::None {
            return Err(StrongAddressError::TwoDemands);
        }
        let demand = match (before.is_empty(), is_introducer) {
            (true, false) => KeyDemand::Verified,
            (true, true) => return Err(StrongAddressError::Fingerprint),
            (false, false) => KeyDemand::Key(named_key(before)?),
            (false, true) => KeyDemand::Introducer(named_key(before)?),
        };
        Ok(Self { demand, ..plain })
    }

    /// The form for shells, in which `?` has a meaning of its own. There is no `=` in a domain, so
    /// the last one behind the @ divides.
    fn with_suffix(text: &str) -> Result<Self, StrongAddressError> {
        let domain = text.rfind('@').unwrap_or(0);
        let (address, demand) = match text.rfind('=').filter(|equals| *equals > domain) {
            Some(equals) => {
                let key = text.get(equals + 1..).unwrap_or_default();
                (text.get(..equals).unwrap_or_default(), KeyDemand::Key(named_key(key)?))
            }
            None => (text, KeyDemand::None),
        };
        let address = EmailAddress::parse(address).map_err(StrongAddressError::Address)?;
        Ok(Self { address, demand })
    }
}

fn named_key(text: &str) -> Result<NamedKey, StrongAddressError> {
    NamedKey::parse(text).ok_or(StrongAddressError::Fingerprint)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::fingerprint::Fingerprint;

    fn demand(text: &str) -> KeyDemand {
        let strong = StrongAddress::parse(text).unwrap();
        assert_eq!(strong.address.to_string(), "alice@example.org", "{text}");
        strong.demand
    }

    #[test]
    fn each_form_demands_what_it_says() {
        let key = Fingerprint::of_public_key(b"alice");
        let named = |demand: &KeyDemand| match demand {
            KeyDemand::Key(NamedKey::Key(prefix)) => key.begins_with(prefix),
            _ => false,
        };
        assert_eq!(demand("alice@example.org"), KeyDemand::None);
        assert_eq!(demand("?alice@example.org"), KeyDemand::Verified);
        assert!(named(&demand(&format!("{key}?alice@example.org"))));
        assert!(named(&demand(&format!("alice@example.org={key}"))));
        assert!(named(&demand(&format!("alice@example.org={}", key.to_string().to_lowercase()))));
        assert!(matches!(demand(&format!("{key}??alice@example.org")), KeyDemand::Introducer(_)));
    }

    #[test]
    fn an_openpgp_fingerprint_names_a_key_too() {
        let digits = "69f94a59cd6af56fe034979f40ae1d7e72c11d4a";
        let named = KeyDemand::Key(NamedKey::parse(digits).unwrap());
        for text in [
            format!("{digits}?alice@example.org"),
            format!("openpgp4fpr:{digits}?alice@example.org"),
            format!("alice@example.org=OPENPGP4FPR:{}", digits.to_uppercase()),
        ] {
            assert_eq!(demand(&text), named, "{text}");
        }
        assert_eq!(NamedKey::parse(digits).unwrap().bits(), 160);
        assert!(
            NamedKey::parse(digits).unwrap().is_in("0x69F9 4A59 CD6A F56F E034  979F 40AE 1D7E 72C1 1D4A")
        );
        assert!(NamedKey::parse("40AE1D7E72C11D4A").is_none(), "a key identifier is no fingerprint");
    }

    #[test]
    fn what_is_short_or_double_is_refused() {
        let key = Fingerprint::of_public_key(b"alice").to_string();
        for (text, error) in [
            ("MBJH-UVS2-Z2Q4-OF7C?alice@example.org".to_owned(), StrongAddressError::Fingerprint),
            ("alice@example.org=MBJH".to_owned(), StrongAddressError::Fingerprint),
            ("alice@example.org=".to_owned(), StrongAddressError::Fingerprint),
            ("??alice@example.org".to_owned(), StrongAddressError::Fingerprint),
            ("bob?alice@example.org".to_owned(), StrongAddressError::Fingerprint),
            (format!("{key}?alice@example.org={key}"), StrongAddressError::TwoDemands),
            (format!("?{key}?alice@example.org"), StrongAddressError::TwoDemands),
            (format!("{key}?alice"), StrongAddressError::Address(AddressError::Incomplete)),
            (format!("{key}???alice@example.org"), StrongAddressError::TwoDemands),
        ] {
            assert_eq!(StrongAddress::parse(&text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_quoted_local_part_is_literal() {
        let strong = StrongAddress::parse("\"a?b\"@example.org").unwrap();
        assert_eq!(strong.demand, KeyDemand::None);
        assert!(
            StrongAddress::parse("\"?a\"@example.org").is_ok_and(|strong| strong.demand == KeyDemand::None)
        );
    }

    #[test]
    fn equals_signs_of_a_local_part_stay_there() {
        let strong = StrongAddress::parse("a=b@example.org").unwrap();
        assert_eq!(
            (strong.address.to_string().as_str(), strong.demand),
            ("a=b@example.org", KeyDemand::None)
        );
    }
}
