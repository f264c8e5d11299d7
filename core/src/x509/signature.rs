//! Signed structures of X.509, and why a signature does not hold.

use std::fmt;

use der::Decode;
use spki::AlgorithmIdentifierOwned;

use super::{PublicKey, algorithm_identifier};
use crate::algorithm::SignatureAlgorithm;

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureInvalid {
    /// The key is of another kind than the algorithm: ECDSA with an RSA key, say.
    WrongKey,
    /// The algorithm is not one that we verify.
    Unsupported,
    /// The two algorithm fields of a certificate differ (RFC 5280, section 4.1.1.2).
    AlgorithmMismatch,
    /// The signature is not one by this key over these bytes.
    Invalid,
}

impl fmt::Display for SignatureInvalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::WrongKey => "the key is of another kind than the signature",
            Self::Unsupported => "the signature algorithm is not supported",
            Self::AlgorithmMismatch => "the algorithm fields differ",
            Self::Invalid => "the signature does not hold",
        })
    }
}

impl std::error::Error for SignatureInvalid {}

/// What revocation lists and OCSP responses have in common with certificates: bytes, the
/// algorithm, and the signature over them.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SignedBytes {
    to_be_signed: Vec<u8>,
    /// Nothing where it is not known.
    algorithm: Option<SignatureAlgorithm>,
    signature: Vec<u8>,
}

impl SignedBytes {
    /// From the exact bytes, DER of the AlgorithmIdentifier, and the signature's octets.
    pub(crate) fn new(to_be_signed: &[u8], algorithm: &[u8], signature: &[u8]) -> Self {
        let algorithm = AlgorithmIdentifierOwned::from_der(algorithm).ok();
        Self {
            to_be_signed: to_be_signed.to_vec(),
            algorithm: algorithm.and_then(|found| algorithm_identifier::signature_from(&found, None).ok()),
            signature: signature.to_vec(),
        }
    }

    /// How it is signed, where that is known.
    pub(crate) const fn algorithm(&self) -> Option<SignatureAlgorithm> {
        self.algorithm
    }

    /// Checks the signature, as strictly as [`PublicKey::verify`].
    pub(crate) fn is_signed_by(&self, key: &PublicKey) -> Result<(), SignatureInvalid> {
        let algorithm = self.algorithm.ok_or(SignatureInvalid::Unsupported)?;
        key.verify(algorithm, &self.to_be_signed, &self.signature)
    }
}
