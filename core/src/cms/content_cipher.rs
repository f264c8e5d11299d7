//! Content encryption, a piece at a time in constant memory: RFC 3370, 3565, 5084, 8103, 9709.

mod cbc;
mod ccm;
mod chacha20_poly1305;
mod gcm;
mod parameters;
#[cfg(test)]
mod tests;

use std::io::{self, Read, Write};

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use self::cbc::Cbc;
use self::ccm::Ccm;
use self::chacha20_poly1305::ChaCha20Poly1305;
use self::gcm::Gcm;
use crate::algorithm::ContentEncryption;
use crate::cms::key_derivation::hkdf;
use crate::secret::SecretBytes;

pub(crate) use self::parameters::{ContentCipher, ParametersError};

/// Bytes that are encrypted at once: several of them fit into a second-level cache, and it is a
/// multiple of every block.
const PIECE_BYTES: usize = 128 << 10;
/// Bytes that are enough for most mails. Every byte of a buffer is erased at the end, and so costs
/// something even if it was never used.
const SHORT_PIECE_BYTES: usize = 16 << 10;
/// The salt of RFC 9709, section 2.
const CEK_HKDF_SALT: &[u8] = b"The Cryptographic Message Syntax";

/// Why a content could not be encrypted or decrypted.
#[derive(Debug)]
pub(crate) enum ContentError {
    /// The input could not be read to its end.
    Input(io::Error),
    /// The output could not be written.
    Output(io::Error),
    /// The content is longer than its cipher allows, or than was said.
    TooLong,
    /// The content is not what was encrypted under this key. One word for every reason.
    Failed,
}

/// What some ciphers must know before the first byte: CCM both, ChaCha20-Poly1305 the former.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Beforehand<'a> {
    /// DER of the authenticated attributes as a SET, or nothing.
    pub(crate) associated: &'a [u8],
    /// Bytes of the content.
    pub(crate) length: u64,
}

impl ContentCipher {
    /// A new content-encryption key.
    pub(crate) fn generate_key(&self, random: &mut dyn crate::ports::Random) -> SecretBytes {
        let mut key = Zeroizing::new(vec![0; self.key_length()]);
        random.fill(&mut key);
        SecretBytes::new(std::mem::take(&mut *key))
    }

    /// Whether the content's length must be known before its first byte is encrypted.
    pub(crate) fn wants_length(&self) -> bool {
        matches!(
            self.algorithm(),
            ContentEncryption::Aes128Ccm | ContentEncryption::Aes192Ccm | ContentEncryption::Aes256Ccm
        )
    }

    /// Whether [`Beforehand`] matters when opening.
    pub(crate) fn wants_beforehand(&self) -> bool {
        self.wants_length() || self.algorithm() == ContentEncryption::ChaCha20Poly1305
    }

    /// Bytes of the ciphertext for a content of `length` bytes, the tag not counted.
    pub(crate) fn ciphertext_length(&self, length: u64) -> Option<u64> {
        if self.algorithm().is_authenticated() {
            return Some(length);
        }
        let block = self.initial().len() as u64;
        (length / block).checked_add(1)?.checked_mul(block)
    }

    /// Encrypts all of `input`. The result is its length and, for an authenticated cipher, the tag.
    ///
    /// # Errors
    /// [`ContentError::TooLong`], what input and output say, and [`ContentError::Failed`] where
    /// the key is not of this cipher.
    pub(crate) fn encrypt(
        &self,
        key: &SecretBytes,
        beforehand: Beforehand<'_>,
        input: &mut dyn Read,
        output: &mut dyn Write,
    ) -> Result<(u64, Option<Vec<u8>>), ContentError> {
        let key = self.content_key(key).ok_or(ContentError::Failed)?;
        if !self.algorithm().is_authenticated() {
            let cbc = Cbc::encryptor(self.algorithm(), key.expose(), self.initial());
            return Ok((cbc.ok_or(ContentError::Failed)?.encrypt(input, output)?, None));
        }
        let mut aead = self.aead(&key, beforehand).ok_or(ContentError::Failed)?;
        let total = transform(input, output, |piece| aead.encrypt(piece))?;
        let mut tag = aead.tag(beforehand.associated).to_vec();
        tag.truncate(self.tag_length());
        Ok((total, Some(tag)))
    }

    /// Decrypts all of `input`. What was written is nobody's to use before
    /// [`Unverified::verify`] says so.
    ///
    /// # Errors
    /// What input and output say; [`ContentError::Failed`] and [`ContentError::TooLong`] only
    /// after all of `input` was read.
    pub(crate) fn decrypt(
        &self,
        key: &SecretBytes,
        beforehand: Beforehand<'_>,
        input: &mut dyn Read,
        output: &mut dyn Write,
    ) -> Result<Unverified, ContentError> {
        let outcome = self.try_decrypt(key, beforehand, input, output);
        if matches!(outcome, Err(ContentError::Failed | ContentError::TooLong)) {
            io::copy(input, &mut io::sink()).map_err(ContentError::Input)?;
        }
        outcome
    }

    fn try_decrypt(
        &self,
        key: &SecretBytes,
        beforehand: Beforehand<'_>,
        input: &mut dyn Read,
        output: &mut dyn Write,
    ) -> Result<Unverified, ContentError> {
        let key = self.content_key(key).ok_or(ContentError::Failed)?;
        if !self.algorithm().is_authenticated() {
            let cbc = Cbc::decryptor(self.algorithm(), key.expose(), self.initial());
            cbc.ok_or(ContentError::Failed)?.decrypt(input, output)?;
            return Ok(Unverified(None));
        }
        let mut aead = self.aead(&key, beforehand).ok_or(ContentError::Failed)?;
        transform(input, output, |piece| aead.decrypt(piece))?;
        Ok(Unverified(Some((aead, self.tag_length()))))
    }

    fn aead(&self, key: &SecretBytes, beforehand: Beforehand<'_>) -> Option<Aead> {
        let key = key.expose();
        let Beforehand { associated, length } = beforehand;
        match self.algorithm() {
            ContentEncryption::Aes128Gcm | ContentEncryption::Aes192Gcm | ContentEncryption::Aes256Gcm => {
                Some(Aead::Gcm(Gcm::new(key, self.initial().try_into().ok()?)?))
            }
            ContentEncryption::Aes128Ccm | ContentEncryption::Aes192Ccm | ContentEncryption::Aes256Ccm => {
                let ccm = Ccm::new(key, self.initial(), self.tag_length(), length, associated)?;
                Some(Aead::Ccm(ccm))
            }
            ContentEncryption::ChaCha20Poly1305 => {
                let nonce = self.initial().try_into().ok()?;
                let cipher = ChaCha20Poly1305::new(key, nonce, associated)?;
                Some(Aead::ChaCha20Poly1305(Box::new(cipher)))
            }
            _ => None,
        }
    }

    /// The key that the cipher takes: with RFC 9709 it is derived from the one that the recipients
    /// got, bound to the algorithm identifier. Nothing where the length is not the cipher's.
    fn content_key(&self, key: &SecretBytes) -> Option<SecretBytes> {
        if key.len() != self.key_length() {
            return None;
        }
        let Some(digest) = self.derived_with() else { return Some(key.clone()) };
        hkdf(digest, key.expose(), CEK_HKDF_SALT, self.inner_identifier(), key.len())
    }
}

/// A content that was decrypted, and whose tag nobody has looked at yet.
#[must_use]
pub(crate) struct Unverified(Option<(Aead, usize)>);

impl Unverified {
    /// Compares the tag in constant time. A cipher without one passes without saying anything.
    ///
    /// # Errors
    /// [`ContentError::Failed`] where the tag is another, or has not the announced length.
    pub(crate) fn verify(self, associated: &[u8], tag: &[u8]) -> Result<(), ContentError> {
        let Some((aead, tag_length)) = self.0 else { return Ok(()) };
        let computed = Zeroizing::new(aead.tag(associated));
        let expected = computed.get(..tag_length).ok_or(ContentError::Failed)?;
        if bool::from(expected.ct_eq(tag)) { Ok(()) } else { Err(ContentError::Failed) }
    }
}

enum Aead {
    Gcm(Gcm),
    Ccm(Ccm),
    ChaCha20Poly1305(Box<ChaCha20Poly1305>),
}

impl Aead {
    fn encrypt(&mut self, piece: &mut [u8]) -> Result<(), ContentError> {
        match self {
            Self::Gcm(cipher) => cipher.encrypt(piece),
            Self::Ccm(cipher) => cipher.encrypt(piece),
            Self::ChaCha20Poly1305(cipher) => cipher.encrypt(piece),
        }
    }

    fn decrypt(&mut self, piece: &mut [u8]) -> Result<(), ContentError> {
        match self {
            Self::Gcm(cipher) => cipher.decrypt(piece),
            Self::Ccm(cipher) => cipher.decrypt(piece),
            Self::ChaCha20Poly1305(cipher) => cipher.decrypt(piece),
        }
    }

    fn tag(self, associated: &[u8]) -> [u8; 16] {
        match self {
            Self::Gcm(cipher) => cipher.tag(associated),
            Self::Ccm(cipher) => cipher.tag(),
            Self::ChaCha20Poly1305(cipher) => cipher.tag(),
        }
    }
}

/// Passes all of `input` through `step` to `output`, and counts it.
fn transform(
    input: &mut dyn Read,
    output: &mut dyn Write,
    mut step: impl FnMut(&mut [u8]) -> Result<(), ContentError>,
) -> Result<u64, ContentError> {
    let mut piece = Piece::new();
    let mut total = 0;
    loop {
        let more = piece.fill(input)?;
        step(piece.bytes())?;
        output.write_all(piece.bytes()).map_err(ContentError::Output)?;
        total += piece.len() as u64;
        if !more {
            return Ok(total);
        }
    }
}

/// Encrypts whole blocks in CBC mode without padding. Nothing where the lengths do not fit.
pub(crate) fn encrypt_blocks(
    algorithm: ContentEncryption,
    key: &[u8],
    initial: &[u8],
    blocks: &mut [u8],
) -> Option<()> {
    Cbc::encryptor(algorithm, key, initial)?.transform_whole(blocks)
}

/// Decrypts whole blocks in CBC mode without padding. Nothing where the lengths do not fit.
pub(crate) fn decrypt_blocks(
    algorithm: ContentEncryption,
    key: &[u8],
    initial: &[u8],
    blocks: &mut [u8],
) -> Option<()> {
    Cbc::decryptor(algorithm, key, initial)?.transform_whole(blocks)
}

/// The part of a content that is in memory; erased when dropped.
struct Piece {
    buffer: Zeroizing<Vec<u8>>,
    length: usize,
}

impl Piece {
    fn new() -> Self {
        Self { buffer: Zeroizing::new(vec![0; SHORT_PIECE_BYTES]), length: 0 }
    }

    /// Reads until the piece is full (`true`) or the input ends (`false`).
    fn fill(&mut self, input: &mut dyn Read) -> Result<bool, ContentError> {
        self.length = 0;
        while self.length < self.buffer.len() || self.grow() {
            match input.read(self.buffer.get_mut(self.length..).unwrap_or_default()) {
                Ok(0) => return Ok(false),
                Ok(count) => self.length += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ContentError::Input(error)),
            }
        }
        Ok(true)
    }

    /// Makes room for a whole piece, where there is not; the buffer until now is erased.
    fn grow(&mut self) -> bool {
        let is_short = self.buffer.len() < PIECE_BYTES;
        if is_short {
            let mut whole = Zeroizing::new(vec![0; PIECE_BYTES]);
            whole.iter_mut().zip(self.buffer.iter()).for_each(|(to, from)| *to = *from);
            self.buffer = whole;
        }
        is_short
    }

    fn len(&self) -> usize {
        self.length
    }

    fn bytes(&mut self) -> &mut [u8] {
        self.buffer.get_mut(..self.length).unwrap_or_default()
    }

    /// Appends `count` times the same byte, as far as there is room.
    fn append(&mut self, count: usize, value: u8) {
        let room = self.buffer.get_mut(self.length..self.length + count).unwrap_or_default();
        room.fill(value);
        self.length += room.len();
    }
}
