//! What stands in for the message of an RSA ciphertext with a wrong padding (RFC 3218, section
//! 2.3.2), so that nobody learns from an answer that it was wrong.
//!
//! It follows from the secret key and the ciphertext, as draft-irtf-cfrg-rsa-guidance and OpenSSL
//! since 3.2 have it. A new random one for each try would tell: asked the same question again, it
//! would give another answer, which a good padding never does. Other than there, the length is that
//! of the key that the content's cipher takes, so that it is never seen to be wrong either.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::secret::SecretBytes;

/// The SHA-256 digest of the secret exponent, which is all that is needed of the key.
pub(in super::super) struct RejectionKey(Zeroizing<[u8; 32]>);

impl RejectionKey {
    /// Of an exponent in big-endian order, for a modulus of `size` bytes.
    pub(in super::super) fn new(secret_exponent: &[u8], size: usize) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(vec![0; size.saturating_sub(secret_exponent.len())]);
        hasher.update(secret_exponent);
        Self(Zeroizing::new(hasher.finalize().into()))
    }

    /// The replacement for the message of this ciphertext, of `length` bytes, at most 8191.
    pub(in super::super) fn replacement(&self, ciphertext: &[u8], length: usize) -> SecretBytes {
        let bits = (length as u16).wrapping_mul(8).to_be_bytes();
        let key = mac(self.0.as_slice(), &[ciphertext]);
        let mut replacement = Zeroizing::new(vec![0; length]);
        for (number, block) in (0_u16..).zip(replacement.chunks_mut(32)) {
            let bytes = mac(key.as_slice(), &[&number.to_be_bytes(), b"message", &bits]);
            block.iter_mut().zip(bytes.iter()).for_each(|(place, byte)| *place = *byte);
        }
        SecretBytes::new(std::mem::take(&mut *replacement))
    }
}

/// HMAC with SHA-256; a key of any length will do.
fn mac(key: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) else { return Zeroizing::default() };
    let mac = parts.iter().fold(mac, |mac, part| mac.chain_update(part));
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_replacement_follows_from_key_and_ciphertext_and_length() {
        let key = RejectionKey::new(&[7; 255], 256);
        let replacement = key.replacement(&[1; 256], 24);
        assert_eq!(replacement.len(), 24);
        assert_eq!(replacement.expose(), key.replacement(&[1; 256], 24).expose());
        assert_ne!(replacement.expose(), key.replacement(&[2; 256], 24).expose());
        assert_ne!(
            replacement.expose(),
            RejectionKey::new(&[8; 255], 256).replacement(&[1; 256], 24).expose()
        );
        // One length says nothing of another.
        assert_ne!(replacement.expose()[..16], key.replacement(&[1; 256], 16).expose()[..]);
    }

    #[test]
    fn leading_zeros_of_the_exponent_change_nothing() {
        let (short, long) =
            (RejectionKey::new(&[7; 254], 256), RejectionKey::new(&[&[0][..], &[7; 254]].concat(), 256));
        assert_eq!(short.replacement(b"c", 16).expose(), long.replacement(b"c", 16).expose());
    }
}
