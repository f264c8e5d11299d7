//! Link notations: an OpenPGP certificate names an S/MIME key (`docs/formats/link.md`).

use crate::address::EmailAddress;
use crate::fingerprint::Fingerprint;
use crate::limits;
use crate::time::{DAY, Time};

/// The name of the notation.
pub const LINK_NOTATION: &str = "x509-spki@counterseal.example";

/// What a link says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub spki_sha256: [u8; 32],
    /// The only address that it is for; otherwise the one of the user identifier.
    pub address: Option<EmailAddress>,
    /// What the key is for.
    pub purpose: LinkPurpose,
    /// The first moment when it does not hold.
    pub expires: Option<Time>,
    /// The fingerprint as people compare it.
    pub udf: Option<String>,
}

/// What a linked key is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkPurpose {
    /// To sign and to be encrypted to.
    #[default]
    Both,
    /// To sign.
    Sign,
    /// To be encrypted to.
    Encrypt,
}

impl LinkPurpose {
    /// Whether a key for this purpose serves another one; [`LinkPurpose::Both`] asks for either.
    fn serves(self, asked: Self) -> bool {
        self == asked || self == Self::Both || asked == Self::Both
    }
}

impl Link {
    /// Reads the value of a notation; nothing where it is malformed in any way.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        if value.len() > limits::OPENPGP_NOTATION_BYTES {
            return None;
        }
        let mut parts = value.split(';');
        let mut link = Self {
            spki_sha256: sha256(parts.next()?.strip_prefix("sha256:")?)?,
            address: None,
            purpose: LinkPurpose::default(),
            expires: None,
            udf: None,
        };
        let mut seen = Vec::new();
        for pair in parts {
            let (name, value) = pair.split_once('=')?;
            if seen.contains(&name) || seen.len() >= limits::OPENPGP_NOTATION_PAIRS {
                return None;
            }
            seen.push(name);
            match name {
                "addr" => link.address = Some(EmailAddress::parse(value).ok()?),
                "use" => link.purpose = purpose(value)?,
                "exp" => link.expires = Some(end_of_day(value)?),
                "udf" => link.udf = Some(value.to_owned()),
                _ => {}
            }
        }
        Some(link)
    }

    /// The value that says that a key is for an address.
    #[must_use]
    pub fn value_for(key: &Fingerprint, address: &EmailAddress) -> String {
        format!("sha256:{};addr={address}", key.to_hex())
    }

    /// Whether it names a key for an address, a purpose and a moment. `user_id` is the address of the
    /// user identifier on which it stands.
    #[must_use]
    pub fn names(
        &self,
        key: &Fingerprint,
        address: &EmailAddress,
        user_id: Option<&EmailAddress>,
        purpose: LinkPurpose,
        at: Time,
    ) -> bool {
        let is_for_address = self.address.as_ref().or(user_id).is_some_and(|named| named.matches(address));
        self.spki_sha256 == *key.sha256()
            && self.udf.as_ref().is_none_or(|udf| key.is_named_by(udf))
            && self.expires.is_none_or(|expires| at < expires)
            && self.purpose.serves(purpose)
            && is_for_address
    }
}

/// The address in a user identifier: in angle brackets at its end, or all of it.
#[must_use]
pub fn address_of_user_id(user_id: &str) -> Option<EmailAddress> {
    let address = match user_id.trim_end().strip_suffix('>') {
        Some(before) => before.rsplit_once('<')?.1,
        None => user_id.trim(),
    };
    EmailAddress::parse(address).ok()
}

/// 64 hexadecimal digits.
pub(super) fn sha256(text: &str) -> Option<[u8; 32]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |octet: u8| char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    if rest.is_empty() { bytes.collect::<Option<Vec<u8>>>()?.try_into().ok() } else { None }
}

fn purpose(text: &str) -> Option<LinkPurpose> {
    match text {
        "both" => Some(LinkPurpose::Both),
        "sign" => Some(LinkPurpose::Sign),
        "encrypt" => Some(LinkPurpose::Encrypt),
        _ => None,
    }
}

/// The end of a day that is written as `2028-11-21`.
fn end_of_day(text: &str) -> Option<Time> {
    let [year, month, day] = text.split('-').collect::<Vec<_>>().try_into().ok()?;
    let number = |digits: &str, length: usize| {
        let is_number = digits.len() == length && digits.bytes().all(|digit| digit.is_ascii_digit());
        if is_number { digits.parse::<u16>().ok() } else { None }
    };
    let month = u8::try_from(number(month, 2)?).ok()?;
    let day = u8::try_from(number(day, 2)?).ok()?;
    Time::from_civil(number(year, 4)?.into(), month, day, 0, 0, 0).map(|start| start.plus_seconds(DAY))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_unix_seconds(1_795_262_400); // 2026-11-21

    fn alice() -> EmailAddress {
        EmailAddress::parse("alice@example.org").unwrap()
    }

    #[test]
    fn what_is_written_names_the_key_and_the_address() {
        let key = Fingerprint::of_public_key(b"bytes");
        let link = Link::parse(&Link::value_for(&key, &alice())).unwrap();
        assert!(link.names(&key, &alice(), None, LinkPurpose::Both, NOW));
        assert!(!link.names(&Fingerprint::of_public_key(b"others"), &alice(), None, LinkPurpose::Both, NOW));
        let bob = EmailAddress::parse("bob@example.org").unwrap();
        assert!(!link.names(&key, &bob, Some(&bob), LinkPurpose::Both, NOW));
    }

    #[test]
    fn without_an_address_it_is_for_the_one_of_the_user_identifier() {
        let key = Fingerprint::of_public_key(b"bytes");
        let link = Link::parse(&format!("sha256:{}", key.to_hex())).unwrap();
        assert!(link.names(
            &key,
            &alice(),
            address_of_user_id("Alice <alice@example.org>").as_ref(),
            LinkPurpose::Both,
            NOW
        ));
        assert!(!link.names(&key, &alice(), None, LinkPurpose::Both, NOW));
    }

    #[test]
    fn a_key_for_one_purpose_is_none_for_the_other() {
        let key = Fingerprint::of_public_key(b"bytes");
        let serves = |said: &str, asked| {
            let value = format!("{};use={said}", Link::value_for(&key, &alice()));
            Link::parse(&value).unwrap().names(&key, &alice(), None, asked, NOW)
        };
        assert!(serves("sign", LinkPurpose::Sign) && !serves("sign", LinkPurpose::Encrypt));
        assert!(serves("encrypt", LinkPurpose::Encrypt) && !serves("encrypt", LinkPurpose::Sign));
        assert!(serves("both", LinkPurpose::Sign) && serves("both", LinkPurpose::Encrypt));
        assert!(serves("sign", LinkPurpose::Both));
    }

    #[test]
    fn its_last_day_counts_to_the_end() {
        let key = Fingerprint::of_public_key(b"bytes");
        let value = format!("{};use=sign;exp=2026-11-21;udf={key}", Link::value_for(&key, &alice()));
        let link = Link::parse(&value).unwrap();
        assert_eq!(link.purpose, LinkPurpose::Sign);
        assert!(link.names(&key, &alice(), None, LinkPurpose::Both, NOW.plus_seconds(3600)));
        assert!(!link.names(&key, &alice(), None, LinkPurpose::Both, NOW.plus_days(1)));
    }

    #[test]
    fn what_is_malformed_is_nothing() {
        let good = format!("sha256:{}", "0".repeat(64));
        assert!(Link::parse(&good).is_some());
        assert!(Link::parse(&format!("{good};color=red")).is_some());
        for bad in [
            String::new(),
            "sha256:00".to_owned(),
            format!("{good}0"),
            format!("{good};addr"),
            format!("{good};addr=nobody"),
            format!("{good};use=wrap"),
            format!("{good};exp=2026-2-1"),
            format!("{good};exp=2026-02-30"),
            format!("{good};use=sign;use=both"),
            format!("{good};x={}", "y".repeat(limits::OPENPGP_NOTATION_BYTES)),
        ] {
            assert_eq!(Link::parse(&bad), None, "{bad}");
        }
    }

    #[test]
    fn a_user_identifier_has_one_address_at_its_end() {
        let address = |text: &str| address_of_user_id(text).map(|address| address.to_string());
        assert_eq!(address("Alice <alice@example.org>").as_deref(), Some("alice@example.org"));
        assert_eq!(address("alice@example.org").as_deref(), Some("alice@example.org"));
        assert_eq!(
            address("Alice <bob@example.org> <alice@example.org>").as_deref(),
            Some("alice@example.org")
        );
        assert_eq!(address("Alice"), None);
        assert_eq!(address("Alice <alice@example.org> (work)"), None);
    }
}
