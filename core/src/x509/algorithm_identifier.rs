//! AlgorithmIdentifiers of digests, signatures and RSA paddings (RFC 4055, 5754, 5758, 8410,
//! 8702, 9688, 9882): between the standards' encoding and our types, strict about parameters.

pub(crate) mod oid;
mod rsa_parameters;

use std::fmt;

use const_oid::ObjectIdentifier;
use der::asn1::Any;
use spki::AlgorithmIdentifierOwned;

use self::oid::{DIGESTS, DSA_SIGNATURES, ECDSA_SIGNATURES, RSA_SIGNATURES, digest_of, oid_of};
pub(crate) use self::rsa_parameters::{oaep_from, oaep_to, pss_parameters};
use self::rsa_parameters::{pss_from, pss_to};
use super::digest;
use super::tlv::{self, Element, Elements, tag};
use crate::algorithm::{DigestAlgorithm, KeyAlgorithm, SignatureAlgorithm};

/// Why an AlgorithmIdentifier says nothing to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AlgorithmError {
    /// Nobody here knows the object identifier.
    Unknown(String),
    /// The parameters are not what the algorithm's RFC allows.
    Parameters,
}

impl fmt::Display for AlgorithmError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(identifier) => write!(formatter, "unknown algorithm {identifier}"),
            Self::Parameters => formatter.write_str("wrong algorithm parameters"),
        }
    }
}

impl std::error::Error for AlgorithmError {}

/// What the parameters of an AlgorithmIdentifier may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parameters {
    Absent,
    AbsentOrNull,
}

impl Parameters {
    fn check(self, algorithm: &AlgorithmIdentifierOwned) -> Result<(), AlgorithmError> {
        match &algorithm.parameters {
            None => Ok(()),
            Some(value) if self == Self::AbsentOrNull && value.is_null() => Ok(()),
            Some(_) => Err(AlgorithmError::Parameters),
        }
    }
}

/// The object identifier of a digest.
pub(crate) fn digest_oid(digest: DigestAlgorithm) -> ObjectIdentifier {
    // Every digest stands in the table; a test holds it to that.
    oid_of(&DIGESTS, digest).unwrap_or(ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1"))
}

/// Which digest it is (RFC 5754, section 2: parameters absent, or NULL from older software).
pub(crate) fn digest_from(algorithm: &AlgorithmIdentifierOwned) -> Result<DigestAlgorithm, AlgorithmError> {
    let digest = digest_of(&DIGESTS, &algorithm.oid).ok_or_else(|| unknown(algorithm))?;
    Parameters::AbsentOrNull.check(algorithm)?;
    Ok(digest)
}

/// The AlgorithmIdentifier of a digest, parameters absent (RFC 5754, section 2).
pub(crate) fn digest_to(digest: DigestAlgorithm) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid: digest_oid(digest), parameters: None }
}

/// How a signature is made. `digest` is the digestAlgorithm of a SignerInfo, where there is one:
/// CMS allows the bare key algorithm as signatureAlgorithm (RFC 3370, section 3.2).
pub(crate) fn signature_from(
    algorithm: &AlgorithmIdentifierOwned,
    digest: Option<DigestAlgorithm>,
) -> Result<SignatureAlgorithm, AlgorithmError> {
    let identifier = &algorithm.oid;
    if *identifier == oid::RSASSA_PSS {
        return pss_from(algorithm);
    }
    let (signature, parameters) = if let Some(digest) = digest_of(&RSA_SIGNATURES, identifier) {
        (SignatureAlgorithm::RsaPkcs1(digest), Parameters::AbsentOrNull)
    } else if let Some(digest) = digest_of(&ECDSA_SIGNATURES, identifier) {
        (SignatureAlgorithm::Ecdsa(digest), Parameters::Absent)
    } else if let Some(digest) = digest_of(&DSA_SIGNATURES, identifier) {
        (SignatureAlgorithm::Dsa(digest), Parameters::AbsentOrNull)
    } else {
        named_signature(*identifier, digest).ok_or_else(|| unknown(algorithm))?
    };
    parameters.check(algorithm)?;
    Ok(signature)
}

/// Signatures whose digest does not stand in a table.
fn named_signature(
    identifier: ObjectIdentifier,
    digest: Option<DigestAlgorithm>,
) -> Option<(SignatureAlgorithm, Parameters)> {
    Some(match identifier {
        oid::OIW_SHA1_WITH_RSA => {
            (SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha1), Parameters::AbsentOrNull)
        }
        oid::RSASSA_PSS_SHAKE128 => (pss_with_shake(DigestAlgorithm::Shake128), Parameters::Absent),
        oid::RSASSA_PSS_SHAKE256 => (pss_with_shake(DigestAlgorithm::Shake256), Parameters::Absent),
        oid::ED25519 => (SignatureAlgorithm::Ed25519, Parameters::Absent),
        oid::ML_DSA_44 | oid::ML_DSA_65 | oid::ML_DSA_87 => (SignatureAlgorithm::MlDsa, Parameters::Absent),
        oid::RSA_ENCRYPTION => (SignatureAlgorithm::RsaPkcs1(digest?), Parameters::AbsentOrNull),
        oid::EC_PUBLIC_KEY => (SignatureAlgorithm::Ecdsa(digest?), Parameters::Absent),
        oid::DSA => (SignatureAlgorithm::Dsa(digest?), Parameters::AbsentOrNull),
        _ => return None,
    })
}

/// RFC 8702, section 2.1: the salt is as long as the digest, and the mask is SHAKE itself.
const fn pss_with_shake(digest: DigestAlgorithm) -> SignatureAlgorithm {
    SignatureAlgorithm::RsaPss { digest, mask_digest: digest, salt_length: digest::length(digest) as u32 }
}

/// The AlgorithmIdentifier of a signature by such a key; nothing where the key cannot make it.
pub(crate) fn signature_to(
    signature: SignatureAlgorithm,
    key: KeyAlgorithm,
) -> Option<AlgorithmIdentifierOwned> {
    let (oid, parameters) = match (signature, key) {
        (SignatureAlgorithm::RsaPkcs1(digest), KeyAlgorithm::Rsa { .. }) => {
            (oid_of(&RSA_SIGNATURES, digest)?, Some(Any::null()))
        }
        (SignatureAlgorithm::RsaPss { digest, mask_digest, salt_length }, KeyAlgorithm::Rsa { .. }) => {
            return pss_to(digest, mask_digest, salt_length);
        }
        (SignatureAlgorithm::Ecdsa(digest), KeyAlgorithm::P256 | KeyAlgorithm::P384 | KeyAlgorithm::P521) => {
            (oid_of(&ECDSA_SIGNATURES, digest)?, None)
        }
        (SignatureAlgorithm::Ed25519, KeyAlgorithm::Ed25519) => (oid::ED25519, None),
        (SignatureAlgorithm::MlDsa, KeyAlgorithm::MlDsa44) => (oid::ML_DSA_44, None),
        (SignatureAlgorithm::MlDsa, KeyAlgorithm::MlDsa65) => (oid::ML_DSA_65, None),
        (SignatureAlgorithm::MlDsa, KeyAlgorithm::MlDsa87) => (oid::ML_DSA_87, None),
        _ => return None,
    };
    Some(AlgorithmIdentifierOwned { oid, parameters })
}

/// DER of an AlgorithmIdentifier, its parameters given as DER (empty for none).
pub(crate) fn algorithm_der(oid: ObjectIdentifier, parameters: &[u8]) -> Vec<u8> {
    tlv::sequence(&[&tlv::encode(tag::OBJECT_IDENTIFIER, oid.as_bytes()), parameters])
}

/// Object identifier and parameters of the only AlgorithmIdentifier in `bytes`.
pub(crate) fn algorithm_in(bytes: &[u8]) -> Option<(ObjectIdentifier, Option<Element<'_>>)> {
    let mut fields = Elements::new(tlv::only(bytes, tag::SEQUENCE)?);
    let oid = ObjectIdentifier::from_bytes(fields.expect(tag::OBJECT_IDENTIFIER)?.content).ok()?;
    let parameters = if fields.is_empty() { None } else { Some(fields.any()?) };
    fields.is_empty().then_some((oid, parameters))
}

fn unknown(algorithm: &AlgorithmIdentifierOwned) -> AlgorithmError {
    AlgorithmError::Unknown(algorithm.oid.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ports::OaepParameters;

    const ALL: [DigestAlgorithm; 11] = [
        DigestAlgorithm::Md5,
        DigestAlgorithm::Sha1,
        DigestAlgorithm::Sha224,
        DigestAlgorithm::Sha256,
        DigestAlgorithm::Sha384,
        DigestAlgorithm::Sha512,
        DigestAlgorithm::Sha3_256,
        DigestAlgorithm::Sha3_384,
        DigestAlgorithm::Sha3_512,
        DigestAlgorithm::Shake128,
        DigestAlgorithm::Shake256,
    ];

    #[test]
    fn every_digest_reads_back() {
        for digest in ALL {
            assert_eq!(digest_from(&digest_to(digest)), Ok(digest));
        }
    }

    #[test]
    fn every_signature_reads_back() {
        let rsa = KeyAlgorithm::Rsa { bits: 2048 };
        for digest in ALL {
            for salt_length in [0, 20, 32, 64] {
                let pss = SignatureAlgorithm::RsaPss { digest, mask_digest: digest, salt_length };
                let Some(algorithm) = signature_to(pss, rsa) else { continue };
                assert_eq!(signature_from(&algorithm, None), Ok(pss));
            }
            for (signature, key) in [
                (SignatureAlgorithm::RsaPkcs1(digest), rsa),
                (SignatureAlgorithm::Ecdsa(digest), KeyAlgorithm::P384),
                (SignatureAlgorithm::Ed25519, KeyAlgorithm::Ed25519),
                (SignatureAlgorithm::MlDsa, KeyAlgorithm::MlDsa65),
            ] {
                let Some(algorithm) = signature_to(signature, key) else { continue };
                assert_eq!(signature_from(&algorithm, None), Ok(signature));
            }
        }
    }

    #[test]
    fn oaep_reads_back_with_any_hash_and_label() {
        for digest in ALL {
            for label in [&b""[..], b"label"] {
                let parameters =
                    OaepParameters { digest, mask_digest: DigestAlgorithm::Sha1, label: label.to_vec() };
                let Some(algorithm) = oaep_to(&parameters) else { continue };
                assert_eq!(oaep_from(&algorithm), Ok(parameters));
            }
        }
    }

    #[test]
    fn wrong_parameters_are_refused() {
        let mut ecdsa =
            signature_to(SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256), KeyAlgorithm::P256).unwrap();
        ecdsa.parameters = Some(Any::null());
        assert_eq!(signature_from(&ecdsa, None), Err(AlgorithmError::Parameters));
        let bare = AlgorithmIdentifierOwned { oid: oid::RSASSA_PSS, parameters: None };
        assert_eq!(signature_from(&bare, None), Err(AlgorithmError::Parameters));
        // Trailer field 2 does not exist.
        let trailer = tlv::encode(tag::constructed(3), &tlv::integer(&[2]));
        assert_eq!(pss_parameters(&tlv::sequence(&[&trailer])), None);
    }

    #[test]
    fn a_bare_key_algorithm_needs_the_digest() {
        let rsa = AlgorithmIdentifierOwned { oid: oid::RSA_ENCRYPTION, parameters: Some(Any::null()) };
        let sha256 = DigestAlgorithm::Sha256;
        assert_eq!(signature_from(&rsa, Some(sha256)), Ok(SignatureAlgorithm::RsaPkcs1(sha256)));
        assert!(signature_from(&rsa, None).is_err());
    }
}
