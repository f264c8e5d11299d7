//! ChaCha20-Poly1305 (RFC 8439, RFC 8103) a piece at a time.

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use poly1305::Poly1305;
use poly1305::universal_hash::{KeyInit, UniversalHash};
use zeroize::Zeroizing;

use super::ContentError;

/// One content under ChaCha20-Poly1305. All pieces but the last are whole blocks.
pub(super) struct ChaCha20Poly1305 {
    keystream: ChaCha20,
    hash: Poly1305,
    associated: u64,
    bytes: u64,
}

impl ChaCha20Poly1305 {
    /// Poly1305 takes the associated data first. Nothing where the key has a wrong length.
    pub(super) fn new(key: &[u8], nonce: &[u8; 12], associated: &[u8]) -> Option<Self> {
        let mut keystream = ChaCha20::new_from_slices(key, nonce).ok()?;
        // RFC 8439, section 2.6: the first block of the keystream gives the key of Poly1305, its
        // other half is thrown away.
        let mut first = Zeroizing::new([0; 64]);
        keystream.try_apply_keystream(first.as_mut_slice()).ok()?;
        let mut hash = Poly1305::new_from_slice(first.get(..32)?).ok()?;
        hash.update_padded(associated);
        Some(Self { keystream, hash, associated: associated.len() as u64, bytes: 0 })
    }

    /// Encrypts a piece in place.
    pub(super) fn encrypt(&mut self, piece: &mut [u8]) -> Result<(), ContentError> {
        self.keystream.try_apply_keystream(piece).map_err(|_| ContentError::TooLong)?;
        self.hash.update_padded(piece);
        self.bytes += piece.len() as u64;
        Ok(())
    }

    /// Decrypts a piece in place.
    pub(super) fn decrypt(&mut self, piece: &mut [u8]) -> Result<(), ContentError> {
        self.hash.update_padded(piece);
        self.bytes += piece.len() as u64;
        self.keystream.try_apply_keystream(piece).map_err(|_| ContentError::TooLong)
    }

    /// The tag over associated data and content.
    pub(super) fn tag(mut self) -> [u8; 16] {
        let lengths = u128::from(self.bytes) << 64 | u128::from(self.associated);
        self.hash.update_padded(&lengths.to_le_bytes());
        self.hash.finalize().into()
    }
}
