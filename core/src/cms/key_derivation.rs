//! Keys out of shared secrets: HKDF (RFC 5869) and the key derivation of ANSI X9.63 (RFC 5753).

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use crate::algorithm::DigestAlgorithm;
use crate::secret::SecretBytes;
use crate::x509::digest::{self, Hasher};

/// HKDF: extract and expand (RFC 5869). An empty salt stands for zeros, as the RFC says. Nothing
/// for digests that no CMS algorithm combines with HKDF, and for more than 255 blocks.
pub(crate) fn hkdf(
    algorithm: DigestAlgorithm,
    secret: &[u8],
    salt: &[u8],
    info: &[u8],
    length: usize,
) -> Option<SecretBytes> {
    let extracted = Zeroizing::new(hmac(algorithm, salt, &[secret])?);
    let mut output = Zeroizing::new(Vec::with_capacity(length + extracted.len()));
    let mut block = Zeroizing::new(Vec::new());
    for counter in 1..=u8::MAX {
        if output.len() >= length {
            break;
        }
        block = Zeroizing::new(hmac(algorithm, &extracted, &[&block, info, &[counter]])?);
        output.extend_from_slice(&block);
    }
    output.get(..length).map(SecretBytes::copy_of)
}

fn hmac(algorithm: DigestAlgorithm, key: &[u8], parts: &[&[u8]]) -> Option<Vec<u8>> {
    match algorithm {
        DigestAlgorithm::Sha224 => hmac_with::<Hmac<Sha224>>(key, parts),
        DigestAlgorithm::Sha256 => hmac_with::<Hmac<Sha256>>(key, parts),
        DigestAlgorithm::Sha384 => hmac_with::<Hmac<Sha384>>(key, parts),
        DigestAlgorithm::Sha512 => hmac_with::<Hmac<Sha512>>(key, parts),
        _ => None,
    }
}

fn hmac_with<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Option<Vec<u8>> {
    let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
    parts.iter().for_each(|part| mac.update(part));
    Some(mac.finalize().into_bytes().to_vec())
}

/// The key derivation function of ANSI X9.63 (SEC 1, section 3.6.1): digests of secret, counter
/// and shared information, one after the other.
pub(crate) fn x963(algorithm: DigestAlgorithm, secret: &[u8], shared: &[u8], length: usize) -> SecretBytes {
    let mut output = Zeroizing::new(Vec::with_capacity(length + digest::length(algorithm)));
    for counter in 1_u32.. {
        if output.len() >= length {
            break;
        }
        let mut hasher = Hasher::new(algorithm);
        hasher.update(secret);
        hasher.update(&counter.to_be_bytes());
        hasher.update(shared);
        output.extend_from_slice(&Zeroizing::new(hasher.finish()));
    }
    output.truncate(length);
    SecretBytes::copy_of(&output)
}
