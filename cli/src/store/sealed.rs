//! Sealing: XChaCha20-Poly1305 with a random nonce, bound to where the result is kept.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use counterseal_core::secret::SecretBytes;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::encoding::Encoding;
use crate::randomness::random;

/// Bytes of a key.
pub(super) const KEY_BYTES: usize = 32;
/// Bytes of a nonce, which stand before the ciphertext.
const NONCE_BYTES: usize = 24;

/// A key that seals other keys or records.
#[derive(Clone)]
pub(crate) struct SealingKey(Zeroizing<[u8; KEY_BYTES]>);

/// The seal does not hold: a wrong key, or not the place or the bytes that were sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotSealedHere;

impl SealingKey {
    /// Takes over the key's bytes.
    pub(super) fn new(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self(bytes)
    }

    /// A new random key.
    pub(super) fn generate() -> Self {
        Self(Zeroizing::new(random()))
    }

    /// What HKDF (RFC 5869) gives under a label.
    #[allow(clippy::expect_used)]
    pub(super) fn derived(from: &Hkdf<Sha256>, label: &[u8]) -> Self {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        from.expand(label, &mut *key).expect("32 bytes are within HKDF's limit of 8160");
        Self(key)
    }

    /// The key's bytes, to be sealed under another key.
    pub(super) fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Seals `plaintext` for the place that `place` describes.
    #[allow(clippy::expect_used)]
    pub(super) fn seal(&self, place: &Encoding, plaintext: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = random();
        let payload = Payload { msg: plaintext, aad: place.as_bytes() };
        let ciphertext = XChaCha20Poly1305::new((&*self.0).into())
            .encrypt(&XNonce::from(nonce), payload)
            .expect("a record is far below the cipher's limit of 256 GiB");
        [nonce.as_slice(), &ciphertext].concat()
    }

    /// Opens what was sealed for this place.
    pub(super) fn open(&self, place: &Encoding, sealed: &[u8]) -> Result<SecretBytes, NotSealedHere> {
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(NotSealedHere)?;
        let payload = Payload { msg: ciphertext, aad: place.as_bytes() };
        XChaCha20Poly1305::new((&*self.0).into())
            .decrypt(&XNonce::from(*nonce), payload)
            .map(SecretBytes::new)
            .map_err(|_| NotSealedHere)
    }

    /// Opens a key that was sealed for this place.
    pub(super) fn open_key(&self, place: &Encoding, sealed: &[u8]) -> Result<Self, NotSealedHere> {
        let opened = self.open(place, sealed)?;
        let bytes = opened.expose().try_into().map_err(|_| NotSealedHere)?;
        Ok(Self(Zeroizing::new(bytes)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_with_its_key_in_its_place_and_unchanged() {
        let (key, other) = (SealingKey::generate(), SealingKey::generate());
        let place = Encoding::of("here");
        let sealed = key.seal(&place, b"secret");
        assert_eq!(key.open(&place, &sealed).unwrap().expose(), b"secret");
        assert!(other.open(&place, &sealed).is_err());
        assert!(key.open(&Encoding::of("there"), &sealed).is_err());
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(key.open(&place, &changed).is_err());
            assert!(key.open(&place, &sealed[..index]).is_err());
        }
    }

    #[test]
    fn the_same_record_never_looks_the_same_twice() {
        let key = SealingKey::generate();
        assert_ne!(key.seal(&Encoding::of("here"), b"x"), key.seal(&Encoding::of("here"), b"x"));
    }
}
