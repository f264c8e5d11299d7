//! What brings an account back when all of its devices are lost: a seed on paper, or shares of it.
//!
//! `docs/formats/recovery.md` says what is written in words and in codes.

mod account;
mod bits;
mod misread;
mod seed;
mod share;
mod sheet;
mod typed;

pub use account::{RecoverError, Recovered, log_secrets, recover};
pub use misread::misread;
pub use seed::Seed;
pub use share::{CombineError, SHARES, Share, SplitError, combine, split};
pub use sheet::{Sheet, SheetError};
pub use typed::{NotWords, is_word};

use std::fmt;

use counterseal_core::secret::SecretBytes;
use zeroize::Zeroizing;

/// What a sheet of paper holds.
#[derive(Debug)]
pub enum Paper {
    /// The whole seed, 24 words.
    Seed(Seed),
    /// One share of it, 32 words.
    Share(Share),
}

impl Paper {
    /// Reads the words of a sheet as somebody typed them, or the text of its code.
    ///
    /// # Errors
    /// [`PaperError`]: which word is wrong, as far as that can be known.
    pub fn read(text: &str) -> Result<Self, PaperError> {
        let text = text.trim();
        if let Some(code) = code_after(Seed::CODE_PREFIX, text) {
            return Seed::from_code(code).map(Self::Seed);
        }
        if let Some(code) = code_after(Share::CODE_PREFIX, text) {
            return Share::from_code(code).map(Self::Share);
        }
        match typed::positions(text)? {
            // Midway between the two: a word that is missing or too many is said as such.
            upto if upto <= (Seed::WORDS + Share::WORDS) / 2 => Seed::from_words(text).map(Self::Seed),
            _ => Share::from_words(text).map(Self::Share),
        }
    }
}

/// The rest of a code's text, whose letters some scanners make small.
fn code_after<'a>(prefix: &str, text: &'a str) -> Option<&'a str> {
    let start = text.get(..prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then(|| text.get(prefix.len()..)).flatten()
}

/// Words that are secret. They do not print by themselves.
pub struct SecretWords(Zeroizing<Vec<u16>>);

impl SecretWords {
    /// The words in their order.
    pub fn iter(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().filter_map(|index| typed::word(*index))
    }
}

impl fmt::Debug for SecretWords {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretWords(..)")
    }
}

/// Why words or a code are not read. Nothing of what was typed is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaperError {
    /// They are no words of the list, or not in their order.
    Words(NotWords),
    /// Each word is in the list, but together they do not fit: some are other words than those on the paper.
    Checksum {
        /// Positions, from 1, at which another word (for a seed: a similar one) would make them fit; perhaps none.
        suspects: Vec<usize>,
    },
    /// The text of a code was cut or changed.
    Code,
    /// A later version of the format.
    Version(u8),
}

impl From<NotWords> for PaperError {
    fn from(error: NotWords) -> Self {
        Self::Words(error)
    }
}

/// Bytes of a code: base32 without padding (RFC 4648, section 6), which QR codes hold in their alphanumeric mode.
fn bytes_of_code(code: &str) -> Result<SecretBytes, PaperError> {
    if code.len() > crate::limits::RECOVERY_TEXT_BYTES {
        return Err(PaperError::Code);
    }
    let upper = Zeroizing::new(code.trim().to_ascii_uppercase());
    let bytes = data_encoding::BASE32_NOPAD.decode(upper.as_bytes()).map_err(|_| PaperError::Code)?;
    Ok(SecretBytes::new(bytes))
}

/// The text of a code that holds these bytes.
fn code_of_bytes(prefix: &str, bytes: &[u8]) -> Zeroizing<String> {
    let length = prefix.len() + data_encoding::BASE32_NOPAD.encode_len(bytes.len());
    // Its whole length from the start: a string that grows leaves a copy behind.
    let mut code = Zeroizing::new(String::with_capacity(length));
    code.push_str(prefix);
    data_encoding::BASE32_NOPAD.encode_append(bytes, &mut code);
    code
}

#[cfg(test)]
mod tests;
