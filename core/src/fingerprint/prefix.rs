//! What people type of a fingerprint.

use std::fmt;

use super::{ALPHABET, Fingerprint, base32, grouped};

/// Letters that are the least accepted from a person: 100 bits.
const LEAST_LETTERS: usize = 20;
/// Letters of a whole fingerprint.
const MOST_LETTERS: usize = 104;

/// The beginning of a fingerprint as somebody typed it, 100 bits at least, or the whole SHA-256 of the
/// key in hexadecimal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FingerprintPrefix(Form);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Form {
    /// Capital letters of the base 32, without hyphens.
    Udf(String),
    /// Digits in lower case.
    Sha256(String),
}

impl FingerprintPrefix {
    /// Reads a UDF of at least 100 bits, or 64 hexadecimal digits. Case, spaces, colons and hyphens
    /// do not matter. Nothing for what is shorter, longer or no UDF of a SHA-2 digest.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        let mut letters = String::new();
        for character in typed.chars().filter(|character| !matches!(character, '-' | ' ' | ':')) {
            if !character.is_ascii_alphanumeric() || letters.len() == MOST_LETTERS {
                return None;
            }
            letters.push(character.to_ascii_uppercase());
        }
        if letters.len() == 64 && letters.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Some(Self(Form::Sha256(letters.to_ascii_lowercase())));
        }
        // The first letter says which digest it is; other ones are other formats.
        let is_udf = letters.starts_with('M') && letters.bytes().all(|byte| ALPHABET.contains(&byte));
        (is_udf && letters.len() >= LEAST_LETTERS).then_some(Self(Form::Udf(letters)))
    }

    /// Bits of the fingerprint that it holds.
    #[must_use]
    pub fn bits(&self) -> u32 {
        match &self.0 {
            Form::Udf(letters) => u32::try_from(letters.len() * 5).unwrap_or(u32::MAX),
            Form::Sha256(_) => 256,
        }
    }
}

impl Fingerprint {
    /// Whether it begins so.
    #[must_use]
    pub fn begins_with(&self, prefix: &FingerprintPrefix) -> bool {
        match &prefix.0 {
            Form::Udf(letters) => base32(&self.udf).starts_with(letters),
            Form::Sha256(digits) => self.to_hex() == *digits,
        }
    }
}

impl fmt::Display for FingerprintPrefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Udf(letters) => formatter.write_str(&grouped(letters, usize::MAX)),
            Form::Sha256(digits) => formatter.write_str(digits),
        }
    }
}

impl fmt::Debug for FingerprintPrefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "FingerprintPrefix({self})")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The vector of the design: a P-256 key.
    const KEY: &str = "3059301306072a8648ce3d020106082a8648ce3d03010703420004f40ddd44bb0a046d72a17b67c3dd474454cb\
        a676cce2be66542e3857f8e532798f0f47793f6d5ba671d996a02a4878dd9dd9150e253c71ff9ae1d2188f6ef40e";

    fn fingerprint() -> Fingerprint {
        let digits: Vec<u8> = KEY.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
        let (pairs, _) = digits.as_chunks::<2>();
        let der: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
        Fingerprint::of_public_key(&der)
    }

    #[test]
    fn the_vector_of_the_design_holds() {
        let key = fingerprint();
        assert_eq!(key.to_string(), "MBJH-UVS2-Z2Q4-OF7C-MGP6-ZLO7-BJMY");
        assert_eq!(key.to_hex(), "7ef775acac987a2dd3dd2a0c3c5d9509f899faf170a6bbe1ce5a7c56d765d98a");
        assert!(key.to_full_string().starts_with("MBJH-UVS2-Z2Q4-OF7C-MGP6-ZLO7-BJMY-NH7Q-HWZX-BOY4"));
    }

    #[test]
    fn what_is_typed_is_said_whole_also_where_its_last_group_is_short() {
        for typed in ["MBJH-UVS2-Z2Q4-OF7C-MGP6-Z", "MBJH-UVS2-Z2Q4-OF7C-MGP6-ZLO"] {
            assert_eq!(FingerprintPrefix::parse(typed).unwrap().to_string(), typed);
        }
    }

    #[test]
    fn what_is_typed_names_the_key_by_its_beginning() {
        let key = fingerprint();
        let prefix = |text: &str| FingerprintPrefix::parse(text).unwrap();
        assert!(key.begins_with(&prefix("MBJH-UVS2-Z2Q4-OF7C-MGP6-ZLO7-BJMY")));
        assert!(key.begins_with(&prefix("mbjh uvs2 z2q4 of7c mgp6")));
        assert!(key.begins_with(&prefix(&key.to_hex())));
        assert!(key.begins_with(&prefix(&key.to_full_string())));
        assert!(!key.begins_with(&prefix("MBJH-UVS2-Z2Q4-OF7C-MGP7")));
        assert_eq!(prefix("MBJH-UVS2-Z2Q4-OF7C-MGP6-ZLO7-BJMY").bits(), 140);
        assert_eq!(prefix("MBJH-UVS2-Z2Q4-OF7C-MGP6").bits(), 100);
    }

    #[test]
    fn what_is_short_or_of_another_format_is_refused() {
        for text in [
            "",
            "MBJH-UVS2-Z2Q4-OF7C-MGP",
            "KCFI-NCQG-DRKG-47R7-OVPT-TCHZ-7UXY",
            "MBJH-UVS2-Z2Q4-OF7C-MGP1",
            "MBJH_UVS2-Z2Q4-OF7C-MGP6",
            "69F94A59CD6AF56FE034979F40AE1D7E72C11D4A",
        ] {
            assert_eq!(FingerprintPrefix::parse(text), None, "{text}");
        }
        assert_eq!(FingerprintPrefix::parse(&"M".repeat(105)), None);
    }
}
