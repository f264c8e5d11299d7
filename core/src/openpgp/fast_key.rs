//! The common kinds of OpenPGP keys as keys of ours: a web has tens of thousands of certifications,
//! and `x509` verifies them several times faster than the portable code inside Sequoia.
//!
//! What is uncommon comes back as nothing, and Sequoia verifies it.

use sequoia_openpgp::crypto::mpi::{self, MPI};
use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::types::{Curve, HashAlgorithm};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::issuers::PrimaryKey;
use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::x509::PublicKey;
use crate::x509::algorithm_identifier::{algorithm_der, oid};
use crate::x509::tlv::{self, tag};

/// An RSA, ECDSA or Ed25519 key of version 4.
#[derive(Debug)]
pub(super) struct FastKey {
    key: PublicKey,
    /// Bytes of a signature of RSA.
    modulus_bytes: usize,
}

impl FastKey {
    /// The same key; nothing for other kinds.
    pub(super) fn of(key: &PrimaryKey) -> Option<Self> {
        if key.version() != 4 {
            return None;
        }
        let (spki, modulus_bytes) = match key.mpis() {
            mpi::PublicKey::RSA { e, n } => (rsa(n, e), n.value().len()),
            mpi::PublicKey::ECDSA { curve, q } => (elliptic(curve, q)?, 0),
            mpi::PublicKey::EdDSA { curve: Curve::Ed25519, q } => (ed25519(q)?, 0),
            _ => return None,
        };
        Some(Self { key: PublicKey::from_der(&spki).ok()?, modulus_bytes })
    }

    /// Whether a signature over these octets holds; nothing where Sequoia has to say it.
    pub(super) fn verifies(&self, signature: &Signature, input: &[u8]) -> Option<bool> {
        let (digest, digested) = match signature.hash_algo() {
            HashAlgorithm::SHA256 => (DigestAlgorithm::Sha256, Sha256::digest(input).to_vec()),
            HashAlgorithm::SHA384 => (DigestAlgorithm::Sha384, Sha384::digest(input).to_vec()),
            HashAlgorithm::SHA512 => (DigestAlgorithm::Sha512, Sha512::digest(input).to_vec()),
            _ => return None,
        };
        // Two octets of the digest stand beside the signature (RFC 9580, section 5.2.3); whoever
        // floods a certificate with garbage is stopped by them at once.
        if !digested.starts_with(signature.digest_prefix()) {
            return Some(false);
        }
        let verified = match signature.mpis() {
            mpi::Signature::RSA { s } => {
                let value = s.value_padded(self.modulus_bytes).ok()?;
                self.key.verify(SignatureAlgorithm::RsaPkcs1(digest), input, &value)
            }
            mpi::Signature::ECDSA { r, s } => {
                let value = tlv::sequence(&[&tlv::integer(r.value()), &tlv::integer(s.value())]);
                self.key.verify(SignatureAlgorithm::Ecdsa(digest), input, &value)
            }
            mpi::Signature::EdDSA { r, s } => {
                let value = [r.value_padded(32).ok()?, s.value_padded(32).ok()?].concat();
                self.key.verify(SignatureAlgorithm::Ed25519, &digested, &value)
            }
            _ => return None,
        };
        Some(verified.is_ok())
    }
}

pub(super) fn rsa(modulus: &MPI, exponent: &MPI) -> Vec<u8> {
    let key = tlv::sequence(&[&tlv::integer(modulus.value()), &tlv::integer(exponent.value())]);
    let null = tlv::encode(tag::NULL, &[]);
    tlv::sequence(&[&algorithm_der(oid::RSA_ENCRYPTION, &null), &tlv::bit_string(&key)])
}

pub(super) fn elliptic(curve: &Curve, point: &MPI) -> Option<Vec<u8>> {
    if !matches!(curve, Curve::NistP256 | Curve::NistP384 | Curve::NistP521) {
        return None;
    }
    let curve = tlv::encode(tag::OBJECT_IDENTIFIER, curve.oid());
    let algorithm = algorithm_der(oid::EC_PUBLIC_KEY, &curve);
    Some(tlv::sequence(&[&algorithm, &tlv::bit_string(point.value())]))
}

pub(super) fn ed25519(point: &MPI) -> Option<Vec<u8>> {
    let point = point.value().strip_prefix(&[0x40])?;
    Some(tlv::sequence(&[&algorithm_der(oid::ED25519, &[]), &tlv::bit_string(point)]))
}
