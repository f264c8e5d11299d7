//! Fingerprints of OpenPGP certificates (RFC 9580, section 5.5.4).

use std::fmt;

/// Bytes of a fingerprint of version 4: SHA-1 of the primary key's packet.
const VERSION_4_BYTES: usize = 20;
/// Bytes of a fingerprint of version 6: SHA-256 of it.
const VERSION_6_BYTES: usize = 32;

/// The fingerprint of an OpenPGP certificate: of its primary key.
///
/// One of version 4 is a SHA-1: somebody can make two keys of their own with one fingerprint, but
/// none with that of somebody else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OpenPgpFingerprint {
    /// Of a key of version 4.
    Version4([u8; VERSION_4_BYTES]),
    /// Of a key of version 6.
    Version6([u8; VERSION_6_BYTES]),
}

impl OpenPgpFingerprint {
    /// From its 20 or 32 bytes; nothing where they are of another number.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.len() {
            VERSION_4_BYTES => bytes.try_into().ok().map(Self::Version4),
            VERSION_6_BYTES => bytes.try_into().ok().map(Self::Version6),
            _ => None,
        }
    }

    /// Reads what programs print and people type: hexadecimal of 40 or 64 digits, in any case, with
    /// spaces or colons, after `0x` or as a URI (`openpgp4fpr:…`, 40 digits). A key identifier is
    /// no fingerprint, and is refused.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        const URI: &str = "openpgp4fpr:";
        let text = text.trim_matches(' ');
        let (digits, is_uri) = match text.get(..URI.len()) {
            Some(start) if start.eq_ignore_ascii_case(URI) => (text.get(URI.len()..)?, true),
            _ => (text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text), false),
        };
        let bytes = hexadecimal(digits)?;
        match Self::from_bytes(&bytes)? {
            Self::Version6(_) if is_uri => None,
            fingerprint => Some(fingerprint),
        }
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Version4(bytes) => bytes,
            Self::Version6(bytes) => bytes,
        }
    }
}

/// The bytes of hexadecimal digits, between which spaces and colons may stand.
fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let mut digits = Vec::with_capacity(text.len());
    for character in text.chars().filter(|character| !matches!(character, ' ' | ':')) {
        digits.push(u8::try_from(character.to_digit(16)?).ok()?);
        if digits.len() > 2 * VERSION_6_BYTES {
            return None;
        }
    }
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

impl fmt::Display for OpenPgpFingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(formatter, "{byte:02X}"))
    }
}

impl fmt::Debug for OpenPgpFingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "OpenPgpFingerprint({self})")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const TWIN: &str = "69F94A59CD6AF56FE034979F40AE1D7E72C11D4A";

    #[test]
    fn the_forms_that_programs_print_are_one_fingerprint() {
        let twin = OpenPgpFingerprint::parse(TWIN).unwrap();
        assert_eq!(twin.to_string(), TWIN);
        for text in [
            "69f94a59cd6af56fe034979f40ae1d7e72c11d4a",
            "0x69F94A59CD6AF56FE034979F40AE1D7E72C11D4A",
            "69F9 4A59 CD6A F56F E034  979F 40AE 1D7E 72C1 1D4A",
            "openpgp4fpr:69f94a59cd6af56fe034979f40ae1d7e72c11d4a",
            "OPENPGP4FPR:69F94A59CD6AF56FE034979F40AE1D7E72C11D4A",
        ] {
            assert_eq!(OpenPgpFingerprint::parse(text), Some(twin), "{text}");
        }
    }

    #[test]
    fn a_fingerprint_of_version_6_has_64_digits() {
        let text = "CB186C4F0609A697E4D52DFA6C722B0C1F1E27C18A56708F6525EC27BAD9ACC9";
        assert_eq!(OpenPgpFingerprint::parse(text).unwrap().to_string(), text);
        assert_eq!(OpenPgpFingerprint::parse(&format!("openpgp4fpr:{text}")), None);
    }

    #[test]
    fn what_is_shorter_than_a_fingerprint_is_refused() {
        for text in ["", "0x", "40AE1D7E72C11D4A", "72C11D4A", "openpgp4fpr:", "69F9é", &TWIN[1..]] {
            assert_eq!(OpenPgpFingerprint::parse(text), None, "{text}");
        }
    }
}
