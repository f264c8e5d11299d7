//! Writing SubjectPublicKeyInfo and PKCS#8 (RFC 5280, RFC 5958) for each kind of key.

use const_oid::ObjectIdentifier;
use der::Encode as _;
use sec1::EcPrivateKey;
use zeroize::Zeroizing;

use super::super::algorithm_identifier::{algorithm_der, oid};
use super::super::curve::Curve;
use super::super::tlv::{self, tag};
use crate::algorithm::KeyAlgorithm;
use crate::secret::SecretBytes;

/// DER of the AlgorithmIdentifier of a key on a curve.
pub(super) fn curve_algorithm(curve: Curve) -> Vec<u8> {
    let name = match curve {
        Curve::P256 => oid::P256,
        Curve::P384 => oid::P384,
        Curve::P521 => oid::P521,
    };
    algorithm_der(oid::EC_PUBLIC_KEY, &tlv::encode(tag::OBJECT_IDENTIFIER, name.as_bytes()))
}

/// DER of the AlgorithmIdentifier of an RSA key for every purpose.
pub(super) fn rsa_algorithm() -> Vec<u8> {
    algorithm_der(oid::RSA_ENCRYPTION, &[tag::NULL, 0])
}

/// DER of an AlgorithmIdentifier without parameters.
pub(super) fn plain_algorithm(identifier: ObjectIdentifier) -> Vec<u8> {
    algorithm_der(identifier, &[])
}

/// The object identifier of a post-quantum key.
pub(super) fn post_quantum_identifier(algorithm: KeyAlgorithm) -> Option<ObjectIdentifier> {
    Some(match algorithm {
        KeyAlgorithm::MlKem512 => oid::ML_KEM_512,
        KeyAlgorithm::MlKem768 => oid::ML_KEM_768,
        KeyAlgorithm::MlKem1024 => oid::ML_KEM_1024,
        KeyAlgorithm::MlDsa44 => oid::ML_DSA_44,
        KeyAlgorithm::MlDsa65 => oid::ML_DSA_65,
        KeyAlgorithm::MlDsa87 => oid::ML_DSA_87,
        _ => return None,
    })
}

/// A SubjectPublicKeyInfo.
pub(super) fn public_key_info(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    tlv::sequence(&[algorithm, &tlv::bit_string(key)])
}

/// A PrivateKeyInfo of version 1, which everybody reads.
pub(super) fn private_key_info(algorithm: &[u8], key: &[u8]) -> SecretBytes {
    let key = Zeroizing::new(tlv::encode(tag::OCTET_STRING, key));
    let content = Zeroizing::new([&tlv::integer(&[]), algorithm, key.as_slice()].concat());
    SecretBytes::new(tlv::encode(tag::SEQUENCE, &content))
}

/// An ECPrivateKey (RFC 5915) with its public point.
pub(super) fn ec_private_key(scalar: &[u8], point: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let key = EcPrivateKey { private_key: scalar, parameters: None, public_key: Some(point) };
    key.to_der().ok().map(Zeroizing::new)
}
