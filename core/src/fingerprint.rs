//! Fingerprints of public keys, in the form that people compare.

mod openpgp;
mod prefix;
mod safety;

use std::fmt;

pub use openpgp::OpenPgpFingerprint;
pub use prefix::FingerprintPrefix;
pub use safety::safety_digits;

use sha2::{Digest, Sha256, Sha512};

/// What a UDF fingerprint of a key says of its content type.
const CONTENT_TYPE: &[u8] = b"application/pkix-keyinfo";
/// UDF type byte for SHA-2; it makes the first letter an M.
const TYPE_SHA2: u8 = 0x60;
/// Groups of four letters that are printed: 140 bits.
const PRINTED_GROUPS: usize = 7;
/// The alphabet of RFC 4648, section 6.
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The fingerprint of a SubjectPublicKeyInfo: what people compare, pin and vouch for.
///
/// It is a UDF (draft-hallambaker-mesh-udf), kept to 520 bits and printed to 140:
/// `MBJH-UVS2-Z2Q4-OF7C-MGP6-ZLO7-BJMY`. Where its draft's text and vectors disagree, the
/// vectors count. Two fingerprints are equal when the whole of them is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint {
    udf: [u8; 65],
    sha256: [u8; 32],
}

impl Fingerprint {
    /// Of the DER of a SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7).
    #[must_use]
    pub fn of_public_key(subject_public_key_info: &[u8]) -> Self {
        Self {
            udf: udf(CONTENT_TYPE, subject_public_key_info),
            sha256: Sha256::digest(subject_public_key_info).into(),
        }
    }

    /// SHA-256 of the SubjectPublicKeyInfo, in lower-case hexadecimal.
    #[must_use]
    pub fn to_hex(&self) -> String {
        self.sha256.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The 32 bytes of the SHA-256 of the SubjectPublicKeyInfo.
    #[must_use]
    pub const fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// All letters, in groups of four.
    #[must_use]
    pub fn to_full_string(&self) -> String {
        grouped(&base32(&self.udf), usize::MAX)
    }

    /// Whether what a person typed names this key: a UDF of at least 100 bits, or the whole
    /// SHA-256 in hexadecimal. Case, spaces, colons and hyphens do not matter.
    #[must_use]
    pub fn is_named_by(&self, typed: &str) -> bool {
        FingerprintPrefix::parse(typed).is_some_and(|prefix| self.begins_with(&prefix))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&grouped(&base32(&self.udf), PRINTED_GROUPS))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Fingerprint({self})")
    }
}

/// SHA-256 of bytes that are no key.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Type byte and digest of a UDF: `0x60 || SHA512(type || ":" || SHA512(data))`. The type byte
/// rises by one for 20, 30, 40 and 50 zero bits at the end of the digest.
fn udf(content_type: &[u8], data: &[u8]) -> [u8; 65] {
    let mut outer = Sha512::new();
    outer.update(content_type);
    outer.update(b":");
    outer.update(Sha512::digest(data));
    let digest: [u8; 64] = outer.finalize().into();
    let mut result = [0; 65];
    let (kind, value) = result.split_at_mut(1);
    kind.fill(TYPE_SHA2 + compression(&digest));
    value.copy_from_slice(&digest);
    result
}

/// By how much the type byte rises for the zero bits at the end.
fn compression(digest: &[u8]) -> u8 {
    let zero_bytes = digest.iter().rev().take_while(|byte| **byte == 0).count();
    let zero_bits = digest.iter().rev().nth(zero_bytes).map_or(0, |byte| byte.trailing_zeros());
    match zero_bytes * 8 + zero_bits as usize {
        50.. => 4,
        40.. => 3,
        30.. => 2,
        20.. => 1,
        _ => 0,
    }
}

fn base32(bytes: &[u8]) -> String {
    let mut letters = String::with_capacity(bytes.len() * 8 / 5);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            let index = (buffer >> bits) & 31;
            letters.extend(ALPHABET.get(index as usize).map(|letter| char::from(*letter)));
        }
        buffer &= (1 << bits) - 1;
    }
    letters
}

fn grouped(letters: &str, groups: usize) -> String {
    let characters: Vec<char> = letters.chars().collect();
    let parts: Vec<String> = characters.chunks(4).take(groups).map(|group| group.iter().collect()).collect();
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vector_of_the_draft_holds() {
        let letters = base32(&udf(b"text/plain", b"UDF Data Value"));
        assert_eq!(grouped(&letters, 6), "MDDK-7N6A-727A-JZNO-STRX-XKS7");
        let compressed = base32(&udf(b"text/plain", b"UDF Compressed Document 4187123"));
        assert_eq!(grouped(&compressed, 2), "MGHB-JWIZ");
    }

    #[test]
    fn a_person_may_type_it_loosely_but_not_too_short() {
        let fingerprint = Fingerprint::of_public_key(b"not a key, but bytes");
        let shown = fingerprint.to_string();
        assert_eq!(shown.len(), 7 * 4 + 6);
        assert!(fingerprint.is_named_by(&shown.to_lowercase().replace('-', " ")));
        assert!(fingerprint.is_named_by(&fingerprint.to_hex()));
        assert!(!fingerprint.is_named_by(&shown[..19]));
    }
}
