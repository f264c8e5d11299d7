//! Strong addresses: an address together with the key that it must be (draft-hallambaker-prismproof-key-01).

use std::fmt;

use super::{AddressError, EmailAddress};
use crate::fingerprint::FingerprintPrefix;

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
    /// This key, or one that it directly vouches for: `KID?alice@example.org`,
    /// `alice@example.org=KID`.
    Key(FingerprintPrefix),
    /// A key that is verified when this one is relied upon as an introducer for this mail:
    /// `KID??alice@example.org`.
    Introducer(FingerprintPrefix),
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
            (false, false) => KeyDemand::Key(prefix(before)?),
            (false, true) => KeyDemand::Introducer(prefix(before)?),
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
                (text.get(..equals).unwrap_or_default(), KeyDemand::Key(prefix(key)?))
            }
            None => (text, KeyDemand::None),
        };
        let address = EmailAddress::parse(address).map_err(StrongAddressError::Address)?;
        Ok(Self { address, demand })
    }
}

fn prefix(text: &str) -> Result<FingerprintPrefix, StrongAddressError> {
    FingerprintPrefix::parse(text).ok_or(StrongAddressError::Fingerprint)
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
            KeyDemand::Key(prefix) => key.begins_with(prefix),
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
