//! What a signature is made from.

use std::fmt;
use std::io::{self, Read};

use crate::algorithm::{DigestAlgorithm, KeyAlgorithm, SignatureAlgorithm};
use crate::cms::attributes::FurtherAttribute;
use crate::cms::capabilities::Capabilities;
use crate::cms::content_type::ContentType;
use crate::fingerprint::Fingerprint;
use crate::ports::{KeyError, SecretKeys, Source};
use crate::time::Time;
use crate::x509::Certificate;

/// What is to be signed.
pub enum SignedInput<'a> {
    /// A content that goes inside. It is read twice, from where it stands, and the result is DER.
    Attached(&'a mut dyn Source),
    /// A content that goes inside and can be read only once: the result is BER.
    AttachedStream(&'a mut dyn Read),
    /// A content that stays beside its signature, in the canonical form that is signed.
    Detached(&'a mut dyn Read),
}

/// Who signs, and what the signature says besides.
pub struct SigningRequest<'a> {
    /// Where the secret key is.
    pub keys: &'a dyn SecretKeys,
    /// Which key.
    pub key: Fingerprint,
    /// The signer's certificate with its chain, in any order. All of them are sent.
    pub certificates: &'a [Certificate],
    /// How to sign; [`default_signature_algorithm`] where nothing is said.
    pub algorithm: Option<SignatureAlgorithm>,
    /// When it is signed.
    pub signing_time: Time,
    /// The certificate that answers are to be encrypted to. It is sent along and named.
    pub encryption_certificate: Option<&'a Certificate>,
    /// What the signer's program reads, mostly [`Capabilities::ours`].
    pub capabilities: Option<&'a Capabilities>,
    /// What the content is; [`ContentType::Data`] in mail.
    pub content_type: ContentType,
    /// OpenPGP certificates and statements to send along, binary, beside what is signed.
    pub carried_evidence: &'a [Vec<u8>],
    /// DER of revocation lists to send along, for readers who have no other way to them.
    pub revocation_lists: &'a [Vec<u8>],
    /// What else is signed beside the content, each kind once.
    pub further_attributes: &'a [FurtherAttribute],
}

/// Why nothing was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignError {
    /// None of the certificates is for the key.
    NoCertificate,
    /// The key cannot make this signature, or none at all.
    Unsuitable,
    /// A further attribute is one that is written anyway, or stands there twice, or its value is not DER.
    Attribute,
    /// The key could not be used.
    Key(KeyError),
    /// What the key returned is no signature that its certificate verifies.
    Failed,
    /// Reading or writing failed.
    Io(io::ErrorKind),
}

impl fmt::Display for SignError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCertificate => formatter.write_str("no certificate belongs to the signing key"),
            Self::Unsuitable => formatter.write_str("the key cannot make such a signature"),
            Self::Attribute => formatter.write_str("a further attribute that cannot stand there"),
            Self::Key(error) => write!(formatter, "{error}"),
            Self::Failed => formatter.write_str("the key's signature does not hold"),
            Self::Io(kind) => write!(formatter, "{kind}"),
        }
    }
}

impl std::error::Error for SignError {}

impl From<io::Error> for SignError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}

impl From<KeyError> for SignError {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

/// How a key of this kind signs where nobody says otherwise; nothing for keys that cannot.
///
/// RSA signs with PKCS#1 v1.5, because every program reads it. A curve has the digest of its size:
/// gpgsm calls a P-384 signature with SHA-256 an error.
#[must_use]
pub const fn default_signature_algorithm(key: KeyAlgorithm) -> Option<SignatureAlgorithm> {
    match key {
        KeyAlgorithm::Rsa { .. } => Some(SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256)),
        KeyAlgorithm::P256 => Some(SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256)),
        KeyAlgorithm::P384 => Some(SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha384)),
        KeyAlgorithm::P521 => Some(SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha512)),
        KeyAlgorithm::Ed25519 => Some(SignatureAlgorithm::Ed25519),
        KeyAlgorithm::MlDsa44 | KeyAlgorithm::MlDsa65 | KeyAlgorithm::MlDsa87 => {
            Some(SignatureAlgorithm::MlDsa)
        }
        KeyAlgorithm::X25519
        | KeyAlgorithm::MlKem512
        | KeyAlgorithm::MlKem768
        | KeyAlgorithm::MlKem1024
        | KeyAlgorithm::Dsa => None,
    }
}

/// The digest of the content that goes with a signature.
pub(super) const fn content_digest(signature: SignatureAlgorithm) -> DigestAlgorithm {
    match signature {
        SignatureAlgorithm::RsaPkcs1(digest)
        | SignatureAlgorithm::RsaPss { digest, .. }
        | SignatureAlgorithm::Ecdsa(digest)
        | SignatureAlgorithm::Dsa(digest) => digest,
        // RFC 8419, section 3.1, and RFC 9882, section 3.3: every reader has SHA-512.
        SignatureAlgorithm::Ed25519 | SignatureAlgorithm::MlDsa => DigestAlgorithm::Sha512,
    }
}
