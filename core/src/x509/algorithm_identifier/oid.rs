//! Object identifiers of keys, digests, signatures and paddings.

use const_oid::ObjectIdentifier;

use crate::algorithm::DigestAlgorithm;

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

/// Digests by their object identifier.
pub(super) const DIGESTS: [(DigestAlgorithm, ObjectIdentifier); 11] = [
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
pub(super) const RSA_SIGNATURES: [(DigestAlgorithm, ObjectIdentifier); 9] = [
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
pub(super) const ECDSA_SIGNATURES: [(DigestAlgorithm, ObjectIdentifier); 10] = [
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
pub(super) const DSA_SIGNATURES: [(DigestAlgorithm, ObjectIdentifier); 5] = [
    (DigestAlgorithm::Sha1, ObjectIdentifier::new_unwrap("1.2.840.10040.4.3")),
    (DigestAlgorithm::Sha224, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.1")),
    (DigestAlgorithm::Sha256, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.2")),
    (DigestAlgorithm::Sha384, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.3")),
    (DigestAlgorithm::Sha512, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.4")),
];

pub(super) fn digest_of(
    table: &[(DigestAlgorithm, ObjectIdentifier)],
    oid: &ObjectIdentifier,
) -> Option<DigestAlgorithm> {
    table.iter().find(|(_, candidate)| candidate == oid).map(|(digest, _)| *digest)
}

pub(super) fn oid_of(
    table: &[(DigestAlgorithm, ObjectIdentifier)],
    digest: DigestAlgorithm,
) -> Option<ObjectIdentifier> {
    table.iter().find(|(candidate, _)| *candidate == digest).map(|(_, oid)| *oid)
}
