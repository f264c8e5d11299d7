//! Parameters of RSASSA-PSS and RSAES-OAEP (RFC 4055).

use const_oid::ObjectIdentifier;
use der::Encode as _;
use der::asn1::Any;
use spki::AlgorithmIdentifierOwned;

use super::super::tlv::{self, Element, Elements, tag};
use super::oid::{self, DIGESTS, digest_of};
use super::{AlgorithmError, algorithm_der, algorithm_in, digest_oid, unknown};
use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::ports::OaepParameters;

/// Parameters of RSASSA-PSS (RFC 4055, section 3.1); the trailer field must be 1.
pub(super) fn pss_from(algorithm: &AlgorithmIdentifierOwned) -> Result<SignatureAlgorithm, AlgorithmError> {
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

pub(super) fn pss_to(
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
