//! The algorithms of a SignerInfo, and whether they agree with each other.

use der::Decode;
use spki::AlgorithmIdentifierOwned;

use super::outcome::{SignatureFault, Weakness};
use crate::algorithm::{DigestAlgorithm, KeyAlgorithm, SignatureAlgorithm};
use crate::cms::elements::{self, NULL, NotDer, SEQUENCE, context, encode};
use crate::limits;
use crate::x509::algorithm_identifier;

/// The digest of an AlgorithmIdentifier in DER; nothing where it is unknown or has parameters that
/// it must not have.
pub(super) fn read_digest_algorithm(algorithm: &[u8]) -> Option<DigestAlgorithm> {
    let algorithm = AlgorithmIdentifierOwned::from_der(algorithm).ok()?;
    algorithm_identifier::digest_from(&algorithm).ok()
}

/// How the signature is made, by signatureAlgorithm, and by digestAlgorithm where the first only
/// names the kind of key (RFC 3370, section 3.2).
pub(super) fn read_signature_algorithm(
    algorithm: &[u8],
    digest: DigestAlgorithm,
) -> Result<SignatureAlgorithm, SignatureFault> {
    let identifier =
        AlgorithmIdentifierOwned::from_der(algorithm).map_err(|_| SignatureFault::UnknownAlgorithm)?;
    let signature = algorithm_identifier::signature_from(&identifier, Some(digest))
        .map_err(|_| SignatureFault::UnknownAlgorithm)?;
    if agree(signature, digest) { Ok(signature) } else { Err(SignatureFault::AlgorithmsDisagree) }
}

/// Whether a SignerInfo may name these two together.
fn agree(signature: SignatureAlgorithm, digest: DigestAlgorithm) -> bool {
    match signature {
        SignatureAlgorithm::RsaPkcs1(other)
        | SignatureAlgorithm::RsaPss { digest: other, .. }
        | SignatureAlgorithm::Ecdsa(other)
        | SignatureAlgorithm::Dsa(other) => other == digest,
        // RFC 8419, section 3.1.
        SignatureAlgorithm::Ed25519 => digest == DigestAlgorithm::Sha512,
        // RFC 9882, section 3.3: any digest that is strong enough.
        SignatureAlgorithm::MlDsa => true,
    }
}

/// Whether the identifier, beyond what [`SignatureAlgorithm`] keeps of it, is that of such a key:
/// the three parameter sets of ML-DSA have identifiers of their own.
pub(super) fn fits_key(algorithm: &[u8], signature: SignatureAlgorithm, key: KeyAlgorithm) -> bool {
    if signature != SignatureAlgorithm::MlDsa {
        return true;
    }
    let named = AlgorithmIdentifierOwned::from_der(algorithm).ok().map(|identifier| identifier.oid);
    named.is_some()
        && named == algorithm_identifier::signature_to(signature, key).map(|identifier| identifier.oid)
}

/// Why such a signature by such a key proves nothing; nothing where it does.
pub(super) fn weakness(
    signature: SignatureAlgorithm,
    digest: DigestAlgorithm,
    key: KeyAlgorithm,
) -> Option<Weakness> {
    match (signature, digest, key) {
        (SignatureAlgorithm::Dsa(_), _, _) | (_, _, KeyAlgorithm::Dsa) => Some(Weakness::Dsa),
        (_, DigestAlgorithm::Md5, _) => Some(Weakness::Md5),
        (_, DigestAlgorithm::Sha1, _) => Some(Weakness::Sha1),
        (_, _, KeyAlgorithm::Rsa { bits }) if bits < limits::RSA_STRONG_BITS => {
            Some(Weakness::ShortRsa { bits })
        }
        _ => None,
    }
}

/// RFC 6211, section 2: both algorithms are the ones that the signer meant.
pub(super) fn check_protection(
    protection: &[u8],
    digest_algorithm: &[u8],
    signature_algorithm: &[u8],
) -> Result<(), SignatureFault> {
    let (digest, signature) = read_protection(protection).map_err(|_| SignatureFault::MalformedAttributes)?;
    if same_algorithm(&digest, digest_algorithm) && same_algorithm(&signature, signature_algorithm) {
        Ok(())
    } else {
        Err(SignatureFault::AlgorithmsReplaced)
    }
}

/// `SEQUENCE { digestAlgorithm, signatureAlgorithm [1] }`; the MAC that it may have instead of the
/// signature belongs to AuthenticatedData.
fn read_protection(protection: &[u8]) -> Result<(Vec<u8>, Vec<u8>), NotDer> {
    match elements::elements(elements::content_of(protection, SEQUENCE)?)?.as_slice() {
        [digest, signature] if digest.tag == SEQUENCE => {
            Ok((digest.whole.to_vec(), encode(SEQUENCE, &[signature.expect(context(1))?])))
        }
        _ => Err(NotDer),
    }
}

/// CMSAlgorithmProtection of these algorithms.
pub(super) fn protection(digest_algorithm: &[u8], signature_algorithm: &[u8]) -> Vec<u8> {
    let signature = elements::content_of(signature_algorithm, SEQUENCE).unwrap_or_default();
    encode(SEQUENCE, &[digest_algorithm, &encode(context(1), &[signature])])
}

/// Whether two AlgorithmIdentifiers are the same; parameters NULL are none.
fn same_algorithm(one: &[u8], other: &[u8]) -> bool {
    let plain = |algorithm: &[u8]| -> Option<Vec<u8>> {
        let content = elements::content_of(algorithm, SEQUENCE).ok()?;
        Some(content.strip_suffix(&[NULL, 0]).unwrap_or(content).to_vec())
    };
    plain(one).is_some() && plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use DigestAlgorithm::{Sha1, Sha256, Sha512};

    const RSA: KeyAlgorithm = KeyAlgorithm::Rsa { bits: 3072 };

    #[test]
    fn the_digest_of_a_signature_is_that_of_the_signer_info() {
        assert!(agree(SignatureAlgorithm::Ecdsa(Sha256), Sha256));
        assert!(!agree(SignatureAlgorithm::Ecdsa(Sha256), Sha1));
        assert!(!agree(SignatureAlgorithm::RsaPkcs1(Sha1), Sha256));
        let pss = SignatureAlgorithm::RsaPss { digest: Sha256, mask_digest: Sha1, salt_length: 32 };
        assert!(agree(pss, Sha256));
        assert!(!agree(pss, Sha1));
    }

    #[test]
    fn ed25519_goes_with_sha_512_alone() {
        assert!(agree(SignatureAlgorithm::Ed25519, Sha512));
        assert!(!agree(SignatureAlgorithm::Ed25519, Sha256));
    }

    #[test]
    fn weak_is_what_the_standards_gave_up() {
        let pkcs1 = SignatureAlgorithm::RsaPkcs1(Sha256);
        assert_eq!(weakness(pkcs1, Sha256, RSA), None);
        assert_eq!(weakness(SignatureAlgorithm::RsaPkcs1(Sha1), Sha1, RSA), Some(Weakness::Sha1));
        assert_eq!(weakness(pkcs1, DigestAlgorithm::Md5, RSA), Some(Weakness::Md5));
        assert_eq!(weakness(SignatureAlgorithm::Dsa(Sha256), Sha256, KeyAlgorithm::Dsa), Some(Weakness::Dsa));
        for (bits, expected) in [(2047, Some(Weakness::ShortRsa { bits: 2047 })), (2048, None)] {
            assert_eq!(weakness(pkcs1, Sha256, KeyAlgorithm::Rsa { bits }), expected);
        }
    }

    #[test]
    fn a_protection_that_names_other_algorithms_is_refused() {
        let algorithm = |last: u8| encode(SEQUENCE, &[&[6, 2, 0x2a, last]]);
        let with_null = encode(SEQUENCE, &[&[6, 2, 0x2a, 1, NULL, 0]]);
        let protected = protection(&algorithm(1), &algorithm(2));
        assert_eq!(check_protection(&protected, &algorithm(1), &algorithm(2)), Ok(()));
        assert_eq!(check_protection(&protected, &with_null, &algorithm(2)), Ok(()));
        for (digest, signature) in [(3, 2), (1, 3)] {
            assert_eq!(
                check_protection(&protected, &algorithm(digest), &algorithm(signature)),
                Err(SignatureFault::AlgorithmsReplaced)
            );
        }
        let mac = encode(SEQUENCE, &[&algorithm(1), &encode(context(2), &[])]);
        assert_eq!(
            check_protection(&mac, &algorithm(1), &algorithm(2)),
            Err(SignatureFault::MalformedAttributes)
        );
    }
}
