//! What reading a SignedData tells.

use std::fmt;
use std::io;

use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::cms::attributes::FurtherAttribute;
use crate::cms::content_type::ContentType;
use crate::der::{DerError, DerErrorKind};
use crate::ports::KeyName;
use crate::time::Time;
use crate::x509::Certificate;

/// What a SignedData holds. Where `signers` is empty, nothing is signed at all.
#[derive(Clone, Debug)]
pub struct Signed {
    /// What was signed: [`ContentType::Data`] in a mail. Anything else, a time-stamp or a further
    /// SignedData say, is no mail, whatever its label.
    pub content_type: ContentType,
    /// Whether the content was inside; otherwise it was given beside it, or there is none.
    pub had_content: bool,
    /// Certificates that came along, unchecked.
    pub certificates: Vec<Certificate>,
    /// DER of certificate revocation lists that came along, unchecked.
    pub revocation_lists: Vec<Vec<u8>>,
    /// DER of OCSP responses that came along (RFC 5940), unchecked.
    pub revocation_answers: Vec<Vec<u8>>,
    /// One entry for each SignerInfo, in their order.
    pub signers: Vec<Signer>,
}

/// One signature and who made it.
#[derive(Clone, Debug)]
pub struct Signer {
    /// How the message names the signer's certificate.
    pub name: KeyName,
    /// The certificate of that name, where it was found. Only with [`SignatureOutcome::Good`] and
    /// [`SignatureOutcome::Weak`] is it the one whose key signed.
    pub certificate: Option<Certificate>,
    /// Whether the signature holds.
    pub outcome: SignatureOutcome,
    /// The digest, where it is one that we know.
    pub digest: Option<DigestAlgorithm>,
    /// The signature algorithm, where it is one that we know and fits the digest.
    pub algorithm: Option<SignatureAlgorithm>,
    /// The digest of the content, as it was signed, where the content is what was signed.
    pub message_digest: Option<Vec<u8>>,
    /// The digest that the signed attributes name, where the content has another one: a claim until the signature
    /// over them was checked with that content.
    pub claimed_digest: Option<Vec<u8>>,
    /// When the signer says to have signed. Like all that follows it was signed, and so stands
    /// here only where the signature holds.
    pub signing_time: Option<Time>,
    /// DER of the signer's SMIMECapabilities.
    pub capabilities: Option<Vec<u8>>,
    /// The certificate that the signer wants answers encrypted to (RFC 8551, section 2.5.3).
    pub encryption_key_preference: Option<KeyName>,
    /// Attributes without a meaning here, each with its one value.
    pub further_attributes: Vec<FurtherAttribute>,
    /// The octets of the signature, of which a time stamp is about.
    pub signature: Vec<u8>,
    /// DER of time stamps of the signature (RFC 3161, appendix A), unchecked: nobody signed that
    /// they stand here. See [`crate::cms::time_stamp`].
    pub time_stamps: Vec<Vec<u8>>,
    /// OpenPGP certificates and statements that travel with the signature. Nobody signed that they
    /// do: each has to prove itself.
    pub carried_evidence: Vec<Vec<u8>>,
}

/// Whether a signature holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureOutcome {
    /// The key of the signer's certificate signed exactly this content.
    Good,
    /// Nothing is known to be wrong, but the signer's certificate is not at hand.
    CertificateMissing,
    /// It does not hold.
    Bad(SignatureFault),
    /// It holds, but anybody with some money could have made it.
    Weak(Weakness),
}

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignatureFault {
    /// There are no signed attributes: a signature over them could pass for one over the content
    /// otherwise, and the reverse.
    NoSignedAttributes,
    /// The signed attributes cannot be read, or one has a value of a wrong type.
    MalformedAttributes,
    /// The same attribute stands there twice.
    DuplicateAttribute,
    /// An attribute that must have one value has none or several.
    NotOneValue,
    /// An attribute that must be signed stands among the unsigned ones.
    UnsignedAttribute,
    /// The attribute contentType is missing.
    NoContentType,
    /// The attribute contentType names another type than that of the content.
    OtherContentType,
    /// The attribute messageDigest is missing.
    NoMessageDigest,
    /// The content is not what was signed.
    ContentChanged,
    /// The digest or signature algorithm is unknown, or has parameters that it must not have.
    UnknownAlgorithm,
    /// Digest and signature algorithm contradict each other.
    AlgorithmsDisagree,
    /// The algorithms are not those of the attribute cmsAlgorithmProtection (RFC 6211).
    AlgorithmsReplaced,
    /// The attribute signingCertificate names another certificate (RFC 5035).
    OtherCertificate,
    /// Several certificates have this issuer and serial number.
    AmbiguousCertificate,
    /// The signature is not one by the certificate's key.
    SignatureInvalid,
}

impl SignatureFault {
    /// The stable word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoSignedAttributes => "no-signed-attributes",
            Self::MalformedAttributes => "malformed-attributes",
            Self::DuplicateAttribute => "duplicate-attribute",
            Self::NotOneValue => "attribute-not-single",
            Self::UnsignedAttribute => "unsigned-attribute",
            Self::NoContentType => "no-content-type",
            Self::OtherContentType => "content-type-mismatch",
            Self::NoMessageDigest => "no-message-digest",
            Self::ContentChanged => "content-changed",
            Self::UnknownAlgorithm => "unknown-algorithm",
            Self::AlgorithmsDisagree => "algorithm-mismatch",
            Self::AlgorithmsReplaced => "algorithm-replaced",
            Self::OtherCertificate => "signing-certificate-mismatch",
            Self::AmbiguousCertificate => "ambiguous-certificate",
            Self::SignatureInvalid => "signature-invalid",
        }
    }

    /// Every fault, for the documentation's sake.
    pub const ALL: [Self; 15] = [
        Self::NoSignedAttributes,
        Self::MalformedAttributes,
        Self::DuplicateAttribute,
        Self::NotOneValue,
        Self::UnsignedAttribute,
        Self::NoContentType,
        Self::OtherContentType,
        Self::NoMessageDigest,
        Self::ContentChanged,
        Self::UnknownAlgorithm,
        Self::AlgorithmsDisagree,
        Self::AlgorithmsReplaced,
        Self::OtherCertificate,
        Self::AmbiguousCertificate,
        Self::SignatureInvalid,
    ];
}

/// Why a signature that holds proves nothing (RFC 8550, section 4; RFC 8551, appendix B).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weakness {
    /// The digest is MD5.
    Md5,
    /// The digest is SHA-1.
    Sha1,
    /// The key is an RSA key of fewer than [`crate::limits::RSA_STRONG_BITS`].
    ShortRsa {
        /// Length of its modulus.
        bits: u32,
    },
    /// The algorithm is DSA.
    Dsa,
}

impl Weakness {
    /// The stable word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Md5 => "weak-md5",
            Self::Sha1 => "weak-sha1",
            Self::ShortRsa { .. } => "weak-rsa",
            Self::Dsa => "weak-dsa",
        }
    }
}

/// Why a SignedData cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedError {
    /// The encoding is broken, or something follows the object.
    Malformed(DerError),
    /// It is another CMS object.
    OtherContent(ContentType),
    /// It has signers but no content, and none was given beside it.
    ContentMissing,
    /// It has content although the content was given beside it: which one was signed would be
    /// anybody's guess.
    ContentTwice,
    /// It has signers or content where only certificates belong.
    NotOnlyCertificates,
    /// More than a limit allows, by the limit's name.
    Limit(&'static str),
    /// Reading or writing failed.
    Io(io::ErrorKind),
}

impl fmt::Display for SignedError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(formatter, "the signed object is malformed: {error}"),
            Self::OtherContent(found) => write!(formatter, "{found} instead of signed-data"),
            Self::ContentMissing => formatter.write_str("the signed content is missing"),
            Self::ContentTwice => formatter.write_str("the signed content is there twice"),
            Self::NotOnlyCertificates => formatter.write_str("more than certificates"),
            Self::Limit(name) => write!(formatter, "too many {name}"),
            Self::Io(kind) => write!(formatter, "{kind}"),
        }
    }
}

impl std::error::Error for SignedError {}

impl From<DerError> for SignedError {
    fn from(error: DerError) -> Self {
        match error.kind {
            DerErrorKind::Io(kind) => Self::Io(kind),
            _ => Self::Malformed(error),
        }
    }
}

impl From<io::Error> for SignedError {
    fn from(error: io::Error) -> Self {
        Self::from(DerError::from_io(&error, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_word_of_its_own() {
        let mut words: Vec<&str> = SignatureFault::ALL.iter().map(|fault| fault.word()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), SignatureFault::ALL.len());
    }
}
