//! AlgorithmIdentifiers of digests, signatures and RSA paddings (RFC 4055, 5754, 5758, 8410,
//! 8702, 9688, 9882): between the standards' encoding and our types, strict about parameters.

use std::fmt;

use const_oid::ObjectIdentifier;
use der::Encode as _;
use der::asn1::Any;
use spki::AlgorithmIdentifierOwned;

use super::digest;
use super::tlv::{self, Element, Elements, tag};
use crate::algorithm::{DigestAlgorithm, KeyAlgorithm, SignatureAlgorithm};
use crate::ports::OaepParameters;

/// Object identifiers of keys, signatures and paddings.
pub(crate) mod oid {
    use const_oid::ObjectIdentifier;

    const fn oid(dotted: &str) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(dotted)
    }

    pub(crate) const RSA_ENCRYPTION: ObjectIdentifier = oid("1.2.840.113549.1.1.1");
    pub(crate) const RSAES_OAEP: ObjectIdentifier = oid("1.2.840.113549.1.1.7");
    pub(crate) const MGF1: ObjectIdentifier = oid("1.2.840.113549.1.1.8");
    pub(crate) const P_SPECIFIED: ObjectIdentifier = oid("1.2.840.113549.1.1.9");
    pub(crate) const RSASSA_PSS: ObjectIdentifier = oid("1.2.840.113549.1.1.10");
    pub(crate) const RSASSA_PSS_SHAKE128: ObjectIdentifier = oid("1.3.6.1.5.5.7.6.30");
    pub(crate) const RSASSA_PSS_SHAKE256: ObjectIdentifier = oid("1.3.6.1.5.5.7.6.31");
    pub(crate) const EC_PUBLIC_KEY: ObjectIdentifier = oid("1.2.840.10045.2.1");
    pub(crate) const P256: ObjectIdentifier = oid("1.2.840.10045.3.1.7");
    pub(crate) const P384: ObjectIdentifier = oid("1.3.132.0.34");
    pub(crate) const P521: ObjectIdentifier = oid("1.3.132.0.35");
    pub(crate) const X25519: ObjectIdentifier = oid("1.3.101.110");
    pub(crate) const ED25519: ObjectIdentifier = oid("1.3.101.112");
    pub(crate) const DSA: ObjectIdentifier = oid("1.2.840.10040.4.1");
    pub(crate) const ML_KEM_512: ObjectIdentifier = oid("2.16.840.1.101.3.4.4.1");
    pub(crate) const ML_KEM_768: ObjectIdentifier = oid("2.16.840.1.101.3.4.4.2");
    pub(crate) const ML_KEM_1024: ObjectIdentifier = oid("2.16.840.1.101.3.4.4.3");
    pub(crate) const ML_DSA_44: ObjectIdentifier = oid("2.16.840.1.101.3.4.3.17");
    pub(crate) const ML_DSA_65: ObjectIdentifier = oid("2.16.840.1.101.3.4.3.18");
    pub(crate) const ML_DSA_87: ObjectIdentifier = oid("2.16.840.1.101.3.4.3.19");

    /// sha1WithRSAEncryption as the OIW named it; found in very old certificates.
    pub(super) const OIW_SHA1_WITH_RSA: ObjectIdentifier = oid("1.3.14.3.2.29");
}

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

/// Digests by their object identifier.
const DIGESTS: [(DigestAlgorithm, ObjectIdentifier); 11] = [
    (DigestAlgorithm::Md5, ObjectIdentifier::new_unwrap("1.2.840.113549.2.5")),
    (DigestAlgorithm::Sha1, ObjectIdentifier::new_unwrap("1.3.14.3.2.26")),
    (DigestAlgorithm::Sha224, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.4")),
    (DigestAlgorithm::Sha256, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1")),
    (DigestAlgorithm::Sha384, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2")),
    (DigestAlgorithm::Sha512, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3")),
    (DigestAlgorithm::Sha3_256, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.8")),
    (DigestAlgorithm::Sha3_384, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.9")),
    (DigestAlgorithm::Sha3_512, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.10")),
    (DigestAlgorithm::Shake128, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.11")),
    (DigestAlgorithm::Shake256, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.12")),
];

/// RSASSA-PKCS1-v1_5 with a digest (RFC 4055, RFC 9688).
const RSA_SIGNATURES: [(DigestAlgorithm, ObjectIdentifier); 9] = [
    (DigestAlgorithm::Md5, ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.4")),
    (DigestAlgorithm::Sha1, ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5")),
    (DigestAlgorithm::Sha224, ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.14")),
    (DigestAlgorithm::Sha256, ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11")),
    (DigestAlgorithm::Sha384, ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12")),
    (DigestAlgorithm::Sha512, ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13")),
    (DigestAlgorithm::Sha3_256, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.14")),
    (DigestAlgorithm::Sha3_384, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.15")),
    (DigestAlgorithm::Sha3_512, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.16")),
];

/// ECDSA with a digest (RFC 5758, RFC 8702, RFC 9688).
const ECDSA_SIGNATURES: [(DigestAlgorithm, ObjectIdentifier); 10] = [
    (DigestAlgorithm::Sha1, ObjectIdentifier::new_unwrap("1.2.840.10045.4.1")),
    (DigestAlgorithm::Sha224, ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.1")),
    (DigestAlgorithm::Sha256, ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2")),
    (DigestAlgorithm::Sha384, ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3")),
    (DigestAlgorithm::Sha512, ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4")),
    (DigestAlgorithm::Sha3_256, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.10")),
    (DigestAlgorithm::Sha3_384, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.11")),
    (DigestAlgorithm::Sha3_512, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.12")),
    (DigestAlgorithm::Shake128, ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.6.32")),
    (DigestAlgorithm::Shake256, ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.6.33")),
];

/// DSA with a digest (RFC 5758), so that it can be called weak.
const DSA_SIGNATURES: [(DigestAlgorithm, ObjectIdentifier); 5] = [
    (DigestAlgorithm::Sha1, ObjectIdentifier::new_unwrap("1.2.840.10040.4.3")),
    (DigestAlgorithm::Sha224, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.1")),
    (DigestAlgorithm::Sha256, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.2")),
    (DigestAlgorithm::Sha384, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.3")),
    (DigestAlgorithm::Sha512, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.4")),
];

fn digest_of(
    table: &[(DigestAlgorithm, ObjectIdentifier)],
    oid: &ObjectIdentifier,
) -> Option<DigestAlgorithm> {
    table.iter().find(|(_, candidate)| candidate == oid).map(|(digest, _)| *digest)
}

fn oid_of(
    table: &[(DigestAlgorithm, ObjectIdentifier)],
    digest: DigestAlgorithm,
) -> Option<ObjectIdentifier> {
    table.iter().find(|(candidate, _)| *candidate == digest).map(|(_, oid)| *oid)
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

/// Parameters of RSASSA-PSS (RFC 4055, section 3.1); the trailer field must be 1.
fn pss_from(algorithm: &AlgorithmIdentifierOwned) -> Result<SignatureAlgorithm, AlgorithmError> {
    let parameters = parameters_der(algorithm)?;
    pss_parameters(&parameters).ok_or(AlgorithmError::Parameters)
}

/// RSASSA-PSS-params; defaults that are written out are tolerated.
pub(crate) fn pss_parameters(der: &[u8]) -> Option<SignatureAlgorithm> {
    let mut fields = Elements::new(tlv::only(der, tag::SEQUENCE)?);
    let digest = hash_field(fields.optional(tag::constructed(0))?)?;
    let mask_digest = mask_field(fields.optional(tag::constructed(1))?)?;
    let salt_length = number_field(fields.optional(tag::constructed(2))?, 20)?;
    let trailer = number_field(fields.optional(tag::constructed(3))?, 1)?;
    (fields.is_empty() && trailer == 1).then_some(SignatureAlgorithm::RsaPss {
        digest,
        mask_digest,
        salt_length,
    })
}

fn pss_to(
    digest: DigestAlgorithm,
    mask_digest: DigestAlgorithm,
    salt_length: u32,
) -> Option<AlgorithmIdentifierOwned> {
    match (digest, mask_digest, salt_length) {
        (DigestAlgorithm::Shake128, DigestAlgorithm::Shake128, 32) => {
            return Some(AlgorithmIdentifierOwned { oid: oid::RSASSA_PSS_SHAKE128, parameters: None });
        }
        (DigestAlgorithm::Shake256, DigestAlgorithm::Shake256, 64) => {
            return Some(AlgorithmIdentifierOwned { oid: oid::RSASSA_PSS_SHAKE256, parameters: None });
        }
        _ => {}
    }
    let mut fields = hash_and_mask_to(digest, mask_digest)?;
    if salt_length != 20 {
        fields.extend(tlv::encode(tag::constructed(2), &tlv::integer(&salt_length.to_be_bytes())));
    }
    with_sequence(oid::RSASSA_PSS, &fields)
}

/// Parameters of RSAES-OAEP (RFC 4055, section 4.1).
pub(crate) fn oaep_from(algorithm: &AlgorithmIdentifierOwned) -> Result<OaepParameters, AlgorithmError> {
    if algorithm.oid != oid::RSAES_OAEP {
        return Err(unknown(algorithm));
    }
    let parameters = parameters_der(algorithm)?;
    oaep_parameters(&parameters).ok_or(AlgorithmError::Parameters)
}

fn oaep_parameters(der: &[u8]) -> Option<OaepParameters> {
    let mut fields = Elements::new(tlv::only(der, tag::SEQUENCE)?);
    let digest = hash_field(fields.optional(tag::constructed(0))?)?;
    let mask_digest = mask_field(fields.optional(tag::constructed(1))?)?;
    let label = match fields.optional(tag::constructed(2))? {
        None => Vec::new(),
        Some(field) => {
            let (oid, parameters) = algorithm_in(field.content)?;
            let is_specified = oid == oid::P_SPECIFIED;
            tlv::only(parameters.filter(|_| is_specified)?.whole, tag::OCTET_STRING)?.to_vec()
        }
    };
    fields.is_empty().then_some(OaepParameters { digest, mask_digest, label })
}

/// The AlgorithmIdentifier of RSAES-OAEP with these parameters, defaults left out as DER asks.
pub(crate) fn oaep_to(parameters: &OaepParameters) -> Option<AlgorithmIdentifierOwned> {
    let mut fields = hash_and_mask_to(parameters.digest, parameters.mask_digest)?;
    if !parameters.label.is_empty() {
        let label = tlv::encode(tag::OCTET_STRING, &parameters.label);
        fields.extend(tlv::encode(tag::constructed(2), &algorithm_der(oid::P_SPECIFIED, &label)));
    }
    with_sequence(oid::RSAES_OAEP, &fields)
}

/// SHAKE has PSS identifiers of its own and stands in no parameters (RFC 8702, section 3.2.1).
const fn is_shake(digest: DigestAlgorithm) -> bool {
    matches!(digest, DigestAlgorithm::Shake128 | DigestAlgorithm::Shake256)
}

/// The fields `[0]` and `[1]` that PSS and OAEP share; SHA-1 is the default of both.
fn hash_and_mask_to(digest: DigestAlgorithm, mask_digest: DigestAlgorithm) -> Option<Vec<u8>> {
    if is_shake(digest) || is_shake(mask_digest) {
        return None;
    }
    let null = tlv::encode(tag::NULL, &[]);
    let mut fields = Vec::new();
    if digest != DigestAlgorithm::Sha1 {
        fields.extend(tlv::encode(tag::constructed(0), &algorithm_der(digest_oid(digest), &null)));
    }
    if mask_digest != DigestAlgorithm::Sha1 {
        let hash = algorithm_der(digest_oid(mask_digest), &null);
        fields.extend(tlv::encode(tag::constructed(1), &algorithm_der(oid::MGF1, &hash)));
    }
    Some(fields)
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

fn hash_field(field: Option<Element<'_>>) -> Option<DigestAlgorithm> {
    let Some(field) = field else { return Some(DigestAlgorithm::Sha1) };
    hash_in(field.content)
}

fn mask_field(field: Option<Element<'_>>) -> Option<DigestAlgorithm> {
    let Some(field) = field else { return Some(DigestAlgorithm::Sha1) };
    let (oid, parameters) = algorithm_in(field.content)?;
    hash_in(parameters.filter(|_| oid == oid::MGF1)?.whole)
}

fn hash_in(bytes: &[u8]) -> Option<DigestAlgorithm> {
    let (oid, parameters) = algorithm_in(bytes)?;
    let absent_or_null = parameters.is_none_or(|value| value.whole == [tag::NULL, 0]);
    digest_of(&DIGESTS, &oid).filter(|digest| absent_or_null && !is_shake(*digest))
}

fn number_field(field: Option<Element<'_>>, default: u32) -> Option<u32> {
    let Some(field) = field else { return Some(default) };
    let magnitude = tlv::unsigned(tlv::only(field.content, tag::INTEGER)?)?;
    (magnitude.len() <= 4)
        .then(|| magnitude.iter().fold(0, |number, octet| (number << 8) | u32::from(*octet)))
}

fn with_sequence(oid: ObjectIdentifier, fields: &[u8]) -> Option<AlgorithmIdentifierOwned> {
    let parameters = Any::new(der::Tag::Sequence, fields).ok()?;
    Some(AlgorithmIdentifierOwned { oid, parameters: Some(parameters) })
}

fn parameters_der(algorithm: &AlgorithmIdentifierOwned) -> Result<Vec<u8>, AlgorithmError> {
    let parameters = algorithm.parameters.as_ref().ok_or(AlgorithmError::Parameters)?;
    parameters.to_der().map_err(|_| AlgorithmError::Parameters)
}

fn unknown(algorithm: &AlgorithmIdentifierOwned) -> AlgorithmError {
    AlgorithmError::Unknown(algorithm.oid.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

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
