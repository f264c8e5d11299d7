//! The recovery code: 128 random bits that a person keeps on paper and types when all else is lost.

use std::fmt::Write as _;

use counterseal_core::secret::SecretBytes;
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::sealed::{KEY_BYTES, SealingKey};
use crate::randomness::random;

/// Bytes of a code: nobody guesses 128 bits, so no Argon2 stands before them.
const BYTES: usize = 16;
/// Letters and digits of RFC 4648, section 6: none looks like another when 0, 1 and 8 are read as O, I and B.
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Characters: 128 bits and 12 of a checksum, five in each.
const CHARACTERS: usize = 28;
/// Characters between two hyphens.
const GROUP: usize = 4;
const CHECKSUM_BITS: u32 = 12;

/// A recovery code.
#[derive(Clone)]
pub(crate) struct RecoveryCode(Zeroizing<[u8; BYTES]>);

/// Why what was typed is no recovery code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotARecoveryCode {
    /// Not 28 letters and digits.
    Length(usize),
    /// A character that no code has.
    Character(char),
    /// The checksum does not fit: something was mistyped.
    Checksum,
}

impl RecoveryCode {
    /// A new one.
    pub(crate) fn generate() -> Self {
        Self(Zeroizing::new(random()))
    }

    /// Reads what a person typed: small letters, spaces and missing hyphens do not matter.
    ///
    /// # Errors
    /// [`NotARecoveryCode`], which never says what the right code would be.
    pub(crate) fn parse(typed: &str) -> Result<Self, NotARecoveryCode> {
        let mut bits = Zeroizing::new([0_u8; BYTES + 2]);
        let mut count = 0;
        for character in typed.chars().filter(|character| !character.is_whitespace() && *character != '-') {
            let value = value(character).ok_or(NotARecoveryCode::Character(character))?;
            for bit in (0..5).rev() {
                let place = count * 5 + 4 - bit;
                if let Some(byte) = bits.get_mut(place / 8) {
                    *byte |= (value >> bit & 1) << (7 - place % 8);
                }
            }
            count += 1;
        }
        if count != CHARACTERS {
            return Err(NotARecoveryCode::Length(count));
        }
        let (code, checksum) = bits.split_first_chunk::<BYTES>().ok_or(NotARecoveryCode::Length(count))?;
        let code = Self(Zeroizing::new(*code));
        if *checksum == code.checksum() { Ok(code) } else { Err(NotARecoveryCode::Checksum) }
    }

    /// As it stands on paper: `ABCD-EFGH-…`, seven groups of four.
    pub(crate) fn to_paper(&self) -> SecretBytes {
        let mut bits = Zeroizing::new([0_u8; BYTES + 2]);
        let (code, checksum) = bits.split_at_mut(BYTES);
        code.copy_from_slice(&*self.0);
        checksum.copy_from_slice(&self.checksum());
        // Its whole length at once: a text that grows leaves copies behind.
        let mut text = Zeroizing::new(String::with_capacity(CHARACTERS + CHARACTERS / GROUP));
        for number in 0..CHARACTERS {
            if number > 0 && number % GROUP == 0 {
                text.push('-');
            }
            let value = (0..5).fold(0, |value, bit| value << 1 | bit_of(&*bits, number * 5 + bit));
            let _ = text.write_char(ALPHABET.get(usize::from(value)).copied().map_or('?', char::from));
        }
        SecretBytes::copy_of(text.as_bytes())
    }

    /// The key that a slot is wrapped under (RFC 5869).
    pub(super) fn key(&self, salt: &[u8]) -> SealingKey {
        SealingKey::derived(&Hkdf::<Sha256>::new(Some(salt), &*self.0), b"counterseal store v1 recovery code")
    }

    /// Twelve bits that notice what was mistyped, at the left of two octets.
    fn checksum(&self) -> [u8; 2] {
        let digest = Sha256::new()
            .chain_update(b"counterseal recovery code")
            .chain_update(self.0.as_slice())
            .finalize();
        let first = digest.first_chunk::<2>().copied().unwrap_or_default();
        (u16::from_be_bytes(first) >> (16 - CHECKSUM_BITS) << (16 - CHECKSUM_BITS)).to_be_bytes()
    }
}

fn bit_of(bytes: &[u8], place: usize) -> u8 {
    bytes.get(place / 8).map_or(0, |byte| byte >> (7 - place % 8) & 1)
}

fn value(character: char) -> Option<u8> {
    let character = match character.to_ascii_uppercase() {
        '0' => 'O',
        '1' => 'I',
        '8' => 'B',
        other => other,
    };
    let place = ALPHABET.iter().position(|letter| char::from(*letter) == character)?;
    u8::try_from(place).ok()
}

const _: () = assert!(KEY_BYTES == 32, "a slot's key is 32 bytes");

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn paper(code: &RecoveryCode) -> String {
        String::from_utf8(code.to_paper().expose().to_vec()).unwrap()
    }

    #[test]
    fn what_was_written_is_read_however_it_was_typed() {
        for _ in 0..50 {
            let code = RecoveryCode::generate();
            let paper = paper(&code);
            assert_eq!(paper.len(), 34);
            let sloppy =
                paper.to_lowercase().replace('-', " ").replace('o', "0").replace('i', "1").replace('b', "8");
            for typed in [paper.clone(), sloppy, format!("  {}\n", paper.replace('-', ""))] {
                assert_eq!(*RecoveryCode::parse(&typed).unwrap().0, *code.0, "{typed}");
            }
        }
    }

    #[test]
    fn a_single_mistake_is_noticed() {
        let paper = paper(&RecoveryCode(Zeroizing::new([7; BYTES])));
        let mut unnoticed = 0;
        for (place, right) in paper.char_indices().filter(|(_, character)| *character != '-') {
            for wrong in ALPHABET.iter().copied().map(char::from).filter(|wrong| *wrong != right) {
                let mut typed = paper.clone();
                typed.replace_range(place..=place, &wrong.to_string());
                unnoticed += usize::from(RecoveryCode::parse(&typed).is_ok());
            }
        }
        // 868 mistakes; a checksum of 12 bits misses one in 4096.
        assert!(unnoticed <= 2, "{unnoticed}");
        assert_eq!(RecoveryCode::parse("ABCD").err(), Some(NotARecoveryCode::Length(4)));
        assert_eq!(RecoveryCode::parse("AB!D").err(), Some(NotARecoveryCode::Character('!')));
        assert!(RecoveryCode::parse(&format!("{paper}A")).is_err());
    }
}
