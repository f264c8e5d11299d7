//! Shares of a seed: any `threshold` of them give it back, and fewer say nothing about it (Shamir).

use std::fmt;

use blahaj::Sharks;
use counterseal_core::ports::Random;
use counterseal_core::secret::SecretBytes;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::seed::first_four;
use super::{PaperError, SecretWords, Seed, bits, bytes_of_code, code_of_bytes, misread, typed};
use crate::random_adapter::RandomAdapter;

/// How many shares there can be; the threshold is at least 2 and at most this.
pub const SHARES: u8 = 16;

/// Bytes of the seed and its digest, of which each share has as many.
const VALUE: usize = Seed::BYTES + 4;
/// Bytes before them: version, threshold, index and the name of the set.
const HEAD: usize = 4;
/// Bytes behind them.
const CHECKSUM: usize = 4;

/// One share of a seed, which knows what it belongs to.
#[derive(Clone)]
pub struct Share {
    head: Head,
    value: SecretBytes,
}

/// What of a share is no secret.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Head {
    threshold: u8,
    index: u8,
    set: u32,
}

impl Share {
    /// Words that a share is written in.
    pub const WORDS: usize = 32;
    /// How the text of its QR code begins.
    pub(super) const CODE_PREFIX: &'static str = "CSEAL-SHARE:";

    /// Which of the shares it is, from 1.
    #[must_use]
    pub const fn index(&self) -> u8 {
        self.head.index
    }

    /// How many shares give the seed back.
    #[must_use]
    pub const fn threshold(&self) -> u8 {
        self.head.threshold
    }

    /// The name of the set that was made together, 20 bits as five hexadecimal digits.
    #[must_use]
    pub fn set(&self) -> String {
        format!("{:05x}", self.head.set)
    }

    /// The 32 words.
    #[must_use]
    pub fn words(&self) -> SecretWords {
        SecretWords(bits::to_numbers(&self.sealed()))
    }

    /// The text of its QR code.
    #[must_use]
    pub fn code(&self) -> Zeroizing<String> {
        code_of_bytes(Self::CODE_PREFIX, &self.sealed())
    }

    /// Reads 32 words as somebody typed them.
    ///
    /// # Errors
    /// [`PaperError`]. Where one word is wrong, the checksum says which.
    pub fn from_words(text: &str) -> Result<Self, PaperError> {
        let numbers = typed::read(text, Self::WORDS)?;
        let every = |_: u16| 0..misread::WORDS_OF_THE_LIST;
        Self::from_sealed(&bits::to_bytes(&numbers)).map_err(|error| match error {
            PaperError::Checksum { .. } => PaperError::Checksum {
                suspects: misread::suspects(&numbers, every, |bytes| Self::from_sealed(bytes).is_ok()),
            },
            other => other,
        })
    }

    /// Reads the text of a QR code behind its prefix.
    pub(super) fn from_code(code: &str) -> Result<Self, PaperError> {
        Self::from_sealed(bytes_of_code(code)?.expose()).map_err(|error| match error {
            PaperError::Checksum { .. } => PaperError::Code,
            other => other,
        })
    }

    fn sealed(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(HEAD + VALUE + CHECKSUM));
        bytes.extend_from_slice(&self.head.to_bytes());
        bytes.extend_from_slice(self.value.expose());
        let checksum = checksum(&bytes);
        bytes.extend_from_slice(&checksum);
        bytes
    }

    #[cfg(test)]
    pub(super) fn sealed_for_tests(&self) -> Vec<u8> {
        self.sealed().to_vec()
    }

    /// A share of these bytes, with the checksum that fits.
    #[cfg(test)]
    pub(super) fn resealed_for_tests(sealed: &[u8]) -> Self {
        let mut bytes = sealed.get(..HEAD + VALUE).unwrap_or_default().to_vec();
        bytes.extend_from_slice(&checksum(&bytes));
        #[allow(clippy::unwrap_used)]
        Self::from_sealed(&bytes).unwrap()
    }

    fn from_sealed(sealed: &[u8]) -> Result<Self, PaperError> {
        let damaged = PaperError::Checksum { suspects: Vec::new() };
        let (head, rest) = sealed.split_first_chunk::<HEAD>().ok_or(PaperError::Code)?;
        let (value, given) = rest.split_at_checked(VALUE).ok_or(PaperError::Code)?;
        let content = sealed.get(..HEAD + VALUE).unwrap_or_default();
        if checksum(content) != given {
            return Err(damaged);
        }
        Ok(Self { head: Head::from_bytes(*head)?, value: SecretBytes::copy_of(value) })
    }
}

impl Head {
    /// The only version of the format.
    const VERSION: u32 = 1;

    /// Four bits each of version, threshold less 1 and index less 1; 20 bits of the set.
    fn to_bytes(self) -> [u8; HEAD] {
        let counted = |count: u8| u32::from(count.saturating_sub(1)) & 0xF;
        let head = Self::VERSION << 28 | counted(self.threshold) << 24 | counted(self.index) << 20;
        (head | self.set & 0x000F_FFFF).to_be_bytes()
    }

    fn from_bytes(bytes: [u8; HEAD]) -> Result<Self, PaperError> {
        let head = u32::from_be_bytes(bytes);
        let part = |shift: u32| (head >> shift & 0xF) as u8;
        if u32::from(part(28)) != Self::VERSION {
            return Err(PaperError::Version(part(28)));
        }
        Ok(Self { threshold: part(24) + 1, index: part(20) + 1, set: head & 0x000F_FFFF })
    }
}

fn checksum(content: &[u8]) -> [u8; CHECKSUM] {
    first_four(Sha256::new().chain_update(b"counterseal-recovery/1 share").chain_update(content))
}

impl fmt::Debug for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Share({} of set {}, ..)", self.index(), self.set())
    }
}

/// Why a seed is not split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitError {
    /// A threshold below 2, where each share would be the seed itself.
    Threshold,
    /// More shares than [`SHARES`], or fewer than the threshold.
    Count,
}

/// Splits a seed into `count` shares, of which any `threshold` give it back.
///
/// # Errors
/// [`SplitError`].
pub fn split(
    seed: &Seed,
    threshold: u8,
    count: u8,
    random: &mut dyn Random,
) -> Result<Vec<Share>, SplitError> {
    if threshold < 2 {
        return Err(SplitError::Threshold);
    }
    if count > SHARES || count < threshold {
        return Err(SplitError::Count);
    }
    let mut secret = Zeroizing::new(Vec::with_capacity(VALUE));
    secret.extend_from_slice(seed.secret().expose());
    secret.extend_from_slice(&seed.digest());
    let mut set = [0; 4];
    random.fill(&mut set);
    let set = u32::from_be_bytes(set) & 0x000F_FFFF;
    let shares = Sharks(threshold).dealer_rng(&secret, &mut RandomAdapter(random)).take(usize::from(count));
    Ok(shares
        .map(|share| Share {
            head: Head { threshold, index: share.x.0, set },
            value: SecretBytes::new(share.y.iter().map(|byte| byte.0).collect()),
        })
        .collect())
}

/// Why shares do not give a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CombineError {
    /// More are needed.
    TooFew {
        /// Shares that were given.
        given: usize,
        /// Shares that are needed.
        threshold: u8,
    },
    /// A share was not made together with the first one.
    OtherSet {
        /// The place of that share among those given, from 1.
        place: usize,
        /// The set of the first one.
        expected: String,
        /// Its set.
        found: String,
    },
    /// The same share was given twice.
    Twice {
        /// Which one.
        index: u8,
    },
    /// They are of one set and do not fit: at least one was not made by us.
    Forged,
}

/// The seed that these shares were made of.
///
/// # Errors
/// [`CombineError`].
pub fn combine(shares: &[Share]) -> Result<Seed, CombineError> {
    let Some(first) = shares.first() else {
        return Err(CombineError::TooFew { given: 0, threshold: 2 });
    };
    for (place, share) in (1..).zip(shares) {
        if (share.head.set, share.head.threshold) != (first.head.set, first.head.threshold) {
            return Err(CombineError::OtherSet { place, expected: first.set(), found: share.set() });
        }
        if shares.iter().take(place - 1).any(|earlier| earlier.index() == share.index()) {
            return Err(CombineError::Twice { index: share.index() });
        }
    }
    if shares.len() < usize::from(first.threshold()) {
        return Err(CombineError::TooFew { given: shares.len(), threshold: first.threshold() });
    }
    let points: Vec<blahaj::Share> = shares.iter().filter_map(point).collect();
    let secret = Sharks(first.threshold()).recover(&points).map_err(|_| CombineError::Forged)?;
    let secret = SecretBytes::new(secret);
    let (seed, digest) = secret.expose().split_at_checked(Seed::BYTES).ok_or(CombineError::Forged)?;
    let seed = Seed::from_bytes(seed).ok_or(CombineError::Forged)?;
    if seed.digest() != digest { Err(CombineError::Forged) } else { Ok(seed) }
}

fn point(share: &Share) -> Option<blahaj::Share> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(1 + VALUE));
    bytes.push(share.index());
    bytes.extend_from_slice(share.value.expose());
    blahaj::Share::try_from(bytes.as_slice()).ok()
}
