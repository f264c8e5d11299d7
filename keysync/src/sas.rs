//! Short authentication strings: what two screens show alike if, and only if, nobody stands between them.
//!
//! They are short because the displaying side committed to its nonce and its identity before it saw the other's
//! message: whoever stands between has one try, and the try is seen.

use std::fmt;

use counterseal_core::secret::SecretBytes;
use subtle::ConstantTimeEq as _;

use crate::words::Words;

/// Words to compare: 44 bits.
const COMPARED_WORDS: usize = 4;
/// Digits of the code that is typed.
const DIGITS: usize = 6;
/// One more than the largest code.
const CODES: u64 = 1_000_000;
/// Characters of a typed code that are looked at: its digits with signs between them.
const TYPED_CHARACTERS: usize = 32;

/// Six digits that one device shows and a person types on the other: `417-902`.
#[derive(Clone)]
pub struct CheckCode(SecretBytes);

impl CheckCode {
    /// From the first eight of the 32 bytes that both sides derive.
    #[must_use]
    pub fn of(check: &SecretBytes) -> Self {
        let value = check.expose().first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        Self(SecretBytes::new(format!("{:06}", value % CODES).into_bytes()))
    }

    /// Whether it is what a person typed; spaces, hyphens and full stops do not matter. The time it takes does not
    /// depend on where the difference is.
    #[must_use]
    pub fn is(&self, typed: &str) -> bool {
        let Some(digits) = digits(typed) else { return false };
        self.0.expose().ct_eq(digits.expose()).into()
    }

    /// For a screen: `417-902`.
    #[must_use]
    pub fn to_text(&self) -> String {
        let digits = String::from_utf8_lossy(self.0.expose());
        let (head, tail) = digits.split_at_checked(DIGITS / 2).unwrap_or_default();
        format!("{head}-{tail}")
    }
}

impl fmt::Debug for CheckCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CheckCode(..)")
    }
}

/// The six digits that were typed, if they are six digits: only such a one counts as a try.
#[must_use]
pub fn digits(typed: &str) -> Option<SecretBytes> {
    let mut digits = Vec::with_capacity(DIGITS);
    for (position, character) in typed.trim().chars().enumerate() {
        match character {
            '0'..='9' if position < TYPED_CHARACTERS => digits.push(u8::try_from(character).ok()?),
            ' ' | '-' | '.' if position < TYPED_CHARACTERS => {}
            _ => return None,
        }
    }
    (digits.len() == DIGITS).then(|| SecretBytes::new(digits))
}

/// Four words that both screens show, of bytes 8 to 13 of what both sides derive.
#[must_use]
pub fn compared_words(check: &SecretBytes) -> Words {
    Words::of(check.expose().get(8..14).unwrap_or_default(), COMPARED_WORDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(first: u64) -> SecretBytes {
        let mut bytes = first.to_be_bytes().to_vec();
        bytes.extend_from_slice(&[0xff; 24]);
        SecretBytes::new(bytes)
    }

    #[test]
    fn six_digits_are_typed_as_a_person_types() {
        let code = CheckCode::of(&check(3_000_417_902));
        assert_eq!(code.to_text(), "417-902");
        for typed in ["417902", "417-902", " 417 902 ", "4 1 7 - 9 0 2"] {
            assert!(code.is(typed), "{typed}");
        }
        for typed in ["417903", "41790", "4179020", "417902x", "", "４１７９０２", &"4 ".repeat(40)] {
            assert!(!code.is(typed), "{typed}");
        }
    }

    #[test]
    fn small_codes_have_leading_zeros() {
        assert_eq!(CheckCode::of(&check(7)).to_text(), "000-007");
        assert!(!CheckCode::of(&check(7)).is("7"), "what is not six digits is no try");
        assert!(digits("7").is_none() && digits("000007").is_some());
    }

    #[test]
    fn compared_words_do_not_come_from_the_bytes_of_the_code() {
        let [one, other] = [1, 2].map(|first| compared_words(&check(first)).to_text());
        assert_eq!(one, other);
        assert_eq!(one, "zoo zoo zoo zoo");
        assert_eq!(compared_words(&SecretBytes::copy_of(&[0; 32])).iter().count(), COMPARED_WORDS);
    }
}
