//! Which kind of key a SubjectPublicKeyInfo holds, and whether it is a good one.

use const_oid::ObjectIdentifier;

use super::super::algorithm_identifier::{algorithm_in, oid, pss_parameters};
use super::super::certificate::CertificateError;
use super::super::curve::{self, Curve};
use super::super::dsa::DsaPublicKey;
use super::super::post_quantum;
use super::super::tlv::{Element, tag};
use super::rsa_key::{PssOnly, RsaKey};
use crate::algorithm::KeyAlgorithm;

/// What the key is, checked: points are on their curve, moduli within limits.
pub(super) enum Kind {
    Rsa(Box<RsaKey>),
    /// The point is uncompressed.
    Elliptic {
        curve: Curve,
        point: Vec<u8>,
    },
    X25519([u8; 32]),
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
    PostQuantum {
        algorithm: KeyAlgorithm,
        key: Vec<u8>,
    },
    /// Nothing where its domain is its issuer's, or is malformed: then it verifies nothing.
    Dsa(Option<Box<DsaPublicKey>>),
}

impl Kind {
    /// From the AlgorithmIdentifier and the bits of a SubjectPublicKeyInfo.
    pub(super) fn read(algorithm: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let (identifier, parameters) = algorithm_in(algorithm).ok_or(CertificateError::Malformed)?;
        let absent = parameters.is_none();
        match identifier {
            oid::RSA_ENCRYPTION if parameters.is_none_or(|value| value.whole == [tag::NULL, 0]) => {
                RsaKey::read(key, PssOnly::No).map(|key| Self::Rsa(Box::new(key)))
            }
            oid::RSASSA_PSS => RsaKey::read(key, pss_only(parameters)?).map(|key| Self::Rsa(Box::new(key))),
            oid::EC_PUBLIC_KEY => elliptic(parameters, key),
            oid::X25519 if absent => key.try_into().map(Self::X25519).map_err(|_| CertificateError::BadKey),
            oid::ED25519 if absent => ed25519(key),
            oid::DSA => {
                let key = parameters.and_then(|domain| DsaPublicKey::read(domain.whole, key));
                Ok(Self::Dsa(key.map(Box::new)))
            }
            other => match post_quantum_algorithm(&other) {
                Some(algorithm) if absent && post_quantum::is_public_key(algorithm, key) => {
                    Ok(Self::PostQuantum { algorithm, key: key.to_vec() })
                }
                Some(_) => Err(CertificateError::BadKey),
                None => Err(CertificateError::UnsupportedKey(other.to_string())),
            },
        }
    }
}

/// The post-quantum key kind of an object identifier.
pub(in super::super) fn post_quantum_algorithm(identifier: &ObjectIdentifier) -> Option<KeyAlgorithm> {
    Some(match *identifier {
        oid::ML_KEM_512 => KeyAlgorithm::MlKem512,
        oid::ML_KEM_768 => KeyAlgorithm::MlKem768,
        oid::ML_KEM_1024 => KeyAlgorithm::MlKem1024,
        oid::ML_DSA_44 => KeyAlgorithm::MlDsa44,
        oid::ML_DSA_65 => KeyAlgorithm::MlDsa65,
        oid::ML_DSA_87 => KeyAlgorithm::MlDsa87,
        _ => return None,
    })
}

fn pss_only(parameters: Option<Element<'_>>) -> Result<PssOnly, CertificateError> {
    match parameters {
        None => Ok(PssOnly::AnyParameters),
        Some(value) => {
            pss_parameters(value.whole).map(PssOnly::Parameters).ok_or(CertificateError::Malformed)
        }
    }
}

/// Keys of small order are refused: anybody can sign for them.
fn ed25519(key: &[u8]) -> Result<Kind, CertificateError> {
    let key = ed25519_dalek::VerifyingKey::try_from(key).map_err(|_| CertificateError::BadKey)?;
    if key.is_weak() { Err(CertificateError::BadKey) } else { Ok(Kind::Ed25519(Box::new(key))) }
}

fn elliptic(parameters: Option<Element<'_>>, key: &[u8]) -> Result<Kind, CertificateError> {
    let curve = named_curve(parameters.ok_or(CertificateError::Malformed)?)?;
    let point = curve::point(curve, key).ok_or(CertificateError::BadKey)?;
    Ok(Kind::Elliptic { curve, point })
}

/// Named curves only: explicit parameters let a forger choose the generator (CVE-2020-0601).
pub(in super::super) fn named_curve(parameters: Element<'_>) -> Result<Curve, CertificateError> {
    if parameters.tag != tag::OBJECT_IDENTIFIER {
        return Err(CertificateError::BadKey);
    }
    let identifier =
        ObjectIdentifier::from_bytes(parameters.content).map_err(|_| CertificateError::Malformed)?;
    curve_named(identifier)
}

/// The curve of that object identifier.
pub(in super::super) fn curve_named(identifier: ObjectIdentifier) -> Result<Curve, CertificateError> {
    match identifier {
        oid::P256 => Ok(Curve::P256),
        oid::P384 => Ok(Curve::P384),
        oid::P521 => Ok(Curve::P521),
        other => Err(CertificateError::UnsupportedKey(other.to_string())),
    }
}
