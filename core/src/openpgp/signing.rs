//! Signatures of OpenPGP as packets, made with keys of ours (RFC 9580, sections 4.2 and 5.2).

use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::twin::TwinError;
use crate::algorithm::{DigestAlgorithm, KeyAlgorithm, SignatureAlgorithm};
use crate::ports::SecretKeys;
use crate::x509::PublicKey;
use crate::x509::tlv::{self, Elements, tag};

/// A signature of version 4 that is still to be made (RFC 9580, section 5.2.3).
pub(super) struct Unsigned {
    /// The octets of the packet up to the end of the hashed subpackets.
    pub(super) head: Vec<u8>,
    /// What is signed.
    pub(super) input: Vec<u8>,
    /// Subpackets that nobody signs.
    pub(super) unhashed: Vec<u8>,
}

impl Unsigned {
    /// The body of the signature packet.
    pub(super) fn signed_by(&self, keys: &dyn SecretKeys, key: &PublicKey) -> Result<Vec<u8>, TwinError> {
        let (digest, algorithm) = match key.algorithm() {
            KeyAlgorithm::Rsa { .. } => {
                (DigestAlgorithm::Sha512, SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha512))
            }
            KeyAlgorithm::P256 => {
                (DigestAlgorithm::Sha256, SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256))
            }
            KeyAlgorithm::P384 => {
                (DigestAlgorithm::Sha384, SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha384))
            }
            KeyAlgorithm::P521 => {
                (DigestAlgorithm::Sha512, SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha512))
            }
            KeyAlgorithm::Ed25519 => (DigestAlgorithm::Sha512, SignatureAlgorithm::Ed25519),
            _ => return Err(TwinError::Unsuitable),
        };
        let hash = digest_bytes(digest, &self.input);
        // An Ed25519 key of OpenPGP signs the digest, the others digest on their own.
        let message = if algorithm == SignatureAlgorithm::Ed25519 { &hash } else { &self.input };
        let signature = keys.sign(&key.fingerprint(), algorithm, message)?;
        key.verify(algorithm, message, &signature).map_err(|_| TwinError::Failed)?;
        let numbers = signature_numbers(algorithm, &signature).ok_or(TwinError::Failed)?;
        let prefix = hash.get(..2).ok_or(TwinError::Failed)?;
        Ok([&self.head[..], &length16(&self.unhashed), &self.unhashed, prefix, &numbers].concat())
    }
}

pub(super) fn length16(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes()
}

/// RFC 9580, section 9.5.
pub(super) const fn hash_octet(digest: DigestAlgorithm) -> u8 {
    match digest {
        DigestAlgorithm::Sha256 => 8,
        DigestAlgorithm::Sha384 => 9,
        _ => 10,
    }
}

fn digest_bytes(digest: DigestAlgorithm, input: &[u8]) -> Vec<u8> {
    match digest {
        DigestAlgorithm::Sha256 => Sha256::digest(input).to_vec(),
        DigestAlgorithm::Sha384 => Sha384::digest(input).to_vec(),
        _ => Sha512::digest(input).to_vec(),
    }
}

/// A signature as the multiprecision integers of OpenPGP.
fn signature_numbers(algorithm: SignatureAlgorithm, signature: &[u8]) -> Option<Vec<u8>> {
    match algorithm {
        SignatureAlgorithm::RsaPkcs1(_) => Some(number(signature)),
        SignatureAlgorithm::Ecdsa(_) => {
            let mut numbers = Elements::new(tlv::only(signature, tag::SEQUENCE)?);
            let first = tlv::unsigned(numbers.expect(tag::INTEGER)?.content)?;
            let second = tlv::unsigned(numbers.expect(tag::INTEGER)?.content)?;
            Some([number(first), number(second)].concat())
        }
        SignatureAlgorithm::Ed25519 => {
            let (first, second) = signature.split_at_checked(32)?;
            Some([number(first), number(second)].concat())
        }
        _ => None,
    }
}

/// A multiprecision integer (RFC 9580, section 3.2).
pub(super) fn number(magnitude: &[u8]) -> Vec<u8> {
    let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
    let magnitude = magnitude.get(zeros..).unwrap_or_default();
    let unused = magnitude.first().map_or(0, |first| first.leading_zeros() as usize);
    let bits = u16::try_from(magnitude.len() * 8 - unused).unwrap_or(u16::MAX);
    [&bits.to_be_bytes(), magnitude].concat()
}

/// A signature subpacket (RFC 9580, section 5.2.3.7), all of ours being short.
pub(super) fn subpacket(kind: u8, value: &[u8]) -> Vec<u8> {
    let length = u8::try_from(value.len() + 1).unwrap_or(u8::MAX);
    [&[length, kind], value].concat()
}

/// A packet with a header of the new form (RFC 9580, section 4.2.1).
pub(super) fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let header = match body.len() {
        short @ 0..192 => vec![0xc0 | kind, short as u8],
        _ => [&[0xc0 | kind, 0xff][..], &length.to_be_bytes()].concat(),
    };
    [&header[..], body].concat()
}
