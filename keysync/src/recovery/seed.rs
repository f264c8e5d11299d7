//! The seed: 256 bits from which the root of an account follows.

use std::fmt;

use counterseal_core::ports::Random;
use counterseal_core::secret::SecretBytes;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{PaperError, SecretWords, bits, bytes_of_code, code_of_bytes, misread, typed};

/// 256 bits, on paper and nowhere else. Whoever has them can open every key package of the account, and say which
/// devices belong to it.
#[derive(Clone)]
pub struct Seed(SecretBytes);

impl Seed {
    /// Words that it is written in.
    pub const WORDS: usize = 24;
    /// Bytes that it has.
    pub const BYTES: usize = 32;
    /// How the text of its QR code begins.
    pub(super) const CODE_PREFIX: &'static str = "CSEAL-SEED:";
    /// The only version of that text.
    const CODE_VERSION: u8 = 1;
    /// Bytes of the checksum of that text.
    const CODE_CHECKSUM: usize = 4;

    /// A new seed.
    pub fn generate(random: &mut dyn Random) -> Self {
        let mut bytes = vec![0; Self::BYTES];
        random.fill(&mut bytes);
        Self(SecretBytes::new(bytes))
    }

    /// The seed with these bytes, of which there must be 32.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == Self::BYTES).then(|| Self(SecretBytes::copy_of(bytes)))
    }

    /// The bytes, for the derivation of the root's keys.
    #[must_use]
    pub const fn secret(&self) -> &SecretBytes {
        &self.0
    }

    /// The 24 words (BIP-39, English list).
    #[must_use]
    pub fn words(&self) -> SecretWords {
        let mut sealed = Zeroizing::new(Vec::with_capacity(Self::BYTES + 1));
        sealed.extend_from_slice(self.0.expose());
        sealed.push(word_checksum(self.0.expose()));
        SecretWords(bits::to_numbers(&sealed))
    }

    /// Reads 24 words as somebody typed them.
    ///
    /// # Errors
    /// [`PaperError::Words`] and [`PaperError::Checksum`].
    pub fn from_words(text: &str) -> Result<Self, PaperError> {
        let numbers = typed::read(text, Self::WORDS)?;
        Self::from_sealed(&bits::to_bytes(&numbers)).ok_or_else(|| PaperError::Checksum {
            suspects: misread::suspects(&numbers, typed::similar, |bytes| Self::from_sealed(bytes).is_some()),
        })
    }

    /// The seed before its checksum, where that fits.
    pub(super) fn from_sealed(sealed: &[u8]) -> Option<Self> {
        let (checksum, seed) = sealed.split_last()?;
        (word_checksum(seed) == *checksum).then(|| Self::from_bytes(seed)).flatten()
    }

    /// The text of its QR code.
    #[must_use]
    pub fn code(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(1 + Self::BYTES + Self::CODE_CHECKSUM));
        bytes.push(Self::CODE_VERSION);
        bytes.extend_from_slice(self.0.expose());
        let checksum = code_checksum(&bytes);
        bytes.extend_from_slice(&checksum);
        code_of_bytes(Self::CODE_PREFIX, &bytes)
    }

    /// Reads the text of a QR code behind its prefix.
    pub(super) fn from_code(code: &str) -> Result<Self, PaperError> {
        let bytes = bytes_of_code(code)?;
        let length = bytes.len().checked_sub(Self::CODE_CHECKSUM).ok_or(PaperError::Code)?;
        let (content, checksum) = bytes.expose().split_at_checked(length).ok_or(PaperError::Code)?;
        if code_checksum(content) != checksum {
            return Err(PaperError::Code);
        }
        match content.split_first() {
            Some((&Self::CODE_VERSION, seed)) => Self::from_bytes(seed).ok_or(PaperError::Code),
            Some((version, _)) => Err(PaperError::Version(*version)),
            None => Err(PaperError::Code),
        }
    }

    /// A short digest, by which a combination of shares is known to be right. It is shared out with the seed.
    pub(super) fn digest(&self) -> [u8; 4] {
        first_four(Sha256::new().chain_update(b"counterseal-recovery/1 seed").chain_update(self.0.expose()))
    }
}

/// The first eight bits of SHA-256 (BIP-39: one bit for 32 of the seed).
fn word_checksum(seed: &[u8]) -> u8 {
    Sha256::digest(seed).first().copied().unwrap_or_default()
}

fn code_checksum(content: &[u8]) -> [u8; Seed::CODE_CHECKSUM] {
    first_four(Sha256::new().chain_update(b"counterseal-recovery/1 code").chain_update(content))
}

pub(super) fn first_four(digest: Sha256) -> [u8; 4] {
    digest.finalize().first_chunk().copied().unwrap_or_default()
}

impl PartialEq for Seed {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose().ct_eq(other.0.expose()).into()
    }
}

impl Eq for Seed {}

impl fmt::Debug for Seed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Seed(..)")
    }
}
