//! Why a signature does not hold.

use std::fmt;

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
