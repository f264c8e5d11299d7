//! Keys out of shared secrets: HKDF (RFC 5869) and the key derivation of ANSI X9.63 (SEC 1,
//! section 3.6.1; RFC 5753), with the digest chosen at run time.

use ansi_x963_kdf::derive_key_into;
use hkdf::Hkdf;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use crate::algorithm::DigestAlgorithm;
use crate::secret::SecretBytes;

/// Extract and expand. An empty salt stands for zeros, as the RFC says. Nothing for digests that
/// CMS does not combine with HKDF, and for more than 255 blocks.
pub(crate) fn hkdf(
    algorithm: DigestAlgorithm,
    secret: &[u8],
    salt: &[u8],
    info: &[u8],
    length: usize,
) -> Option<SecretBytes> {
    let mut key = Zeroizing::new(vec![0; length]);
    match algorithm {
        DigestAlgorithm::Sha256 => Hkdf::<Sha256>::new(Some(salt), secret).expand(info, &mut key),
        DigestAlgorithm::Sha384 => Hkdf::<Sha384>::new(Some(salt), secret).expand(info, &mut key),
        DigestAlgorithm::Sha512 => Hkdf::<Sha512>::new(Some(salt), secret).expand(info, &mut key),
        _ => return None,
    }
    .ok()?;
    Some(SecretBytes::new(std::mem::take(&mut *key)))
}

/// The key derivation of X9.63. Nothing for digests that CMS does not combine with it.
pub(crate) fn x963(
    algorithm: DigestAlgorithm,
    secret: &[u8],
    shared: &[u8],
    length: usize,
) -> Option<SecretBytes> {
    let mut key = Zeroizing::new(vec![0; length]);
    match algorithm {
        DigestAlgorithm::Sha1 => derive_key_into::<Sha1>(secret, shared, &mut key),
        DigestAlgorithm::Sha224 => derive_key_into::<Sha224>(secret, shared, &mut key),
        DigestAlgorithm::Sha256 => derive_key_into::<Sha256>(secret, shared, &mut key),
        DigestAlgorithm::Sha384 => derive_key_into::<Sha384>(secret, shared, &mut key),
        DigestAlgorithm::Sha512 => derive_key_into::<Sha512>(secret, shared, &mut key),
        _ => return None,
    }
    .ok()?;
    Some(SecretBytes::new(std::mem::take(&mut *key)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn digests_that_cms_does_not_combine_with_a_derivation_are_refused() {
        for digest in [DigestAlgorithm::Md5, DigestAlgorithm::Sha3_256, DigestAlgorithm::Shake128] {
            assert!(hkdf(digest, b"secret", b"", b"", 32).is_none());
            assert!(x963(digest, b"secret", b"", 32).is_none());
        }
    }

    #[test]
    fn x963_is_digests_of_secret_counter_and_shared_information() {
        use crate::x509::digest::digest;
        let first = digest(DigestAlgorithm::Sha1, b"secret\0\0\0\x01shared");
        let second = digest(DigestAlgorithm::Sha1, b"secret\0\0\0\x02shared");
        let key = x963(DigestAlgorithm::Sha1, b"secret", b"shared", 32).unwrap();
        assert_eq!(key.expose(), &[first, second].concat()[..32]);
    }
}
