//! Algorithms that lie, contradict each other, or are weak.

use super::*;
use crate::cms::signed::algorithms::protection;

#[test]
fn algorithms_that_contradict_each_other_are_refused() {
    let ecdsa_sha384 =
        signature_to(SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha384), ALICE.key.public_key().algorithm());
    let mut forged = good();
    forged.algorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha384);
    forged.signature_algorithm = ecdsa_sha384.unwrap().to_der().unwrap();
    assert_eq!(forged.outcome(), Outcome::Bad(Fault::AlgorithmsDisagree));
}

#[test]
fn a_bare_key_algorithm_takes_the_digest_of_the_signer_info() {
    let mut ecdsa = good();
    ecdsa.signature_algorithm = encode(SEQUENCE, &[b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"]);
    assert_eq!(ecdsa.outcome(), Outcome::Good);
    let mut rsa = Forged::good(&RSA, CONTENT);
    let identifier = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
    rsa.signature_algorithm = encode(SEQUENCE, &[identifier, &[NULL, 0]]);
    assert_eq!(rsa.outcome(), Outcome::Good);
    rsa.signature_algorithm = encode(SEQUENCE, &[identifier, &encode(OCTET_STRING, &[b"garbage"])]);
    assert_eq!(rsa.outcome(), Outcome::Bad(Fault::UnknownAlgorithm));
}

#[test]
fn no_signature_and_a_mac_are_no_signatures() {
    // id-alg-noSignature (RFC 5272) and HMAC with SHA-256.
    for identifier in
        [&b"\x06\x08\x2b\x06\x01\x05\x05\x07\x06\x02"[..], b"\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x09"]
    {
        let mut forged = good();
        forged.signature_algorithm = encode(SEQUENCE, &[identifier]);
        forged.signature = Some(digest(DigestAlgorithm::Sha256, CONTENT));
        assert_eq!(forged.outcome(), Outcome::Bad(Fault::UnknownAlgorithm));
    }
}

#[test]
fn parameters_that_an_algorithm_does_not_have_are_refused() {
    let garbage = encode(OCTET_STRING, &[b"garbage"]);
    let mut forged = good();
    let identifier = b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";
    forged.signature_algorithm = encode(SEQUENCE, &[identifier, &garbage]);
    assert_eq!(forged.outcome(), Outcome::Bad(Fault::UnknownAlgorithm));
    let mut forged = good();
    let sha256 = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01";
    forged.digest_algorithm = encode(SEQUENCE, &[sha256, &garbage]);
    assert_eq!(forged.outcome(), Outcome::Bad(Fault::UnknownAlgorithm));
    let mut twin = good();
    twin.digest_algorithm = encode(SEQUENCE, &[sha256, &[NULL, 0]]);
    assert_eq!(twin.outcome(), Outcome::Good);
}

#[test]
fn pss_parameters_that_lie_are_refused() {
    let pss = |digest, salt_length| SignatureAlgorithm::RsaPss { digest, mask_digest: digest, salt_length };
    let named =
        |algorithm| signature_to(algorithm, RSA.key.public_key().algorithm()).unwrap().to_der().unwrap();
    let mut forged = Forged::good(&RSA, CONTENT);
    forged.algorithm = pss(DigestAlgorithm::Sha256, 32);
    forged.signature_algorithm = named(forged.algorithm);
    assert_eq!(forged.outcome(), Outcome::Good);
    forged.signature_algorithm = named(pss(DigestAlgorithm::Sha256, 20));
    assert_eq!(forged.outcome(), Outcome::Bad(Fault::SignatureInvalid));
    forged.signature_algorithm = named(pss(DigestAlgorithm::Sha512, 32));
    assert_eq!(forged.outcome(), Outcome::Bad(Fault::AlgorithmsDisagree));
}

#[test]
fn algorithms_replaced_against_their_protection_are_refused() {
    let protected = |digest: &[u8], signature: &[u8]| {
        let protection = build::algorithm_protection(&protection(digest, signature));
        with_attributes(|attributes| attributes.push(protection)).outcome()
    };
    let twin = good();
    assert_eq!(protected(&twin.digest_algorithm, &twin.signature_algorithm), Outcome::Good);
    let other = digest_der(DigestAlgorithm::Sha512);
    assert_eq!(protected(&other, &twin.signature_algorithm), Outcome::Bad(Fault::AlgorithmsReplaced));
    assert_eq!(protected(&twin.digest_algorithm, &other), Outcome::Bad(Fault::AlgorithmsReplaced));
}

#[test]
fn sha_1_is_weak_where_it_holds_and_bad_where_not() {
    let weak = |content: &[u8]| {
        let mut forged = Forged::good(&RSA, CONTENT);
        forged.algorithm = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha1);
        forged.signature_algorithm =
            signature_to(forged.algorithm, RSA.key.public_key().algorithm()).unwrap().to_der().unwrap();
        forged.digest_algorithm = digest_der(DigestAlgorithm::Sha1);
        forged.attributes = Some(vec![
            build::content_type(&ContentType::Data),
            build::message_digest(&digest(DigestAlgorithm::Sha1, CONTENT)),
        ]);
        forged.content = Some(content.to_vec());
        forged
    };
    // The port may refuse to sign with SHA-1 at all; then a signature of the right length will do
    // for the second half, and the corpora have the first.
    if RSA.key.sign(SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha1), b"").is_ok() {
        assert_eq!(weak(CONTENT).outcome(), Outcome::Weak(Weakness::Sha1));
    }
    let mut forged = weak(CONTENT);
    forged.signature = Some(vec![1; 256]);
    assert_eq!(forged.outcome(), Outcome::Bad(Fault::SignatureInvalid));
    forged.content = Some(b"other".to_vec());
    assert_eq!(forged.outcome(), Outcome::Bad(Fault::ContentChanged));
}
