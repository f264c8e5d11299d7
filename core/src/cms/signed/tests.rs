//! Each rule with a forgery that it catches, and the twin that is good.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Cursor;
use std::sync::LazyLock;

use der::Encode;

use super::outcome::{SignatureFault as Fault, SignatureOutcome as Outcome, SignedError, Weakness};
use super::testing::*;
use super::*;
use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::cms::attributes::build;
use crate::cms::content_type::ContentType;
use crate::cms::elements::{
    INTEGER, NULL, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET, context, encode, encode_set,
};
use crate::limits;
use crate::ports::KeyName;
use crate::x509::KeyKind;
use crate::x509::algorithm_identifier::signature_to;
use crate::x509::digest::digest;

const CONTENT: &[u8] = b"Content-Type: text/plain\r\n\r\nHello Bob\r\n";

static ALICE: LazyLock<Person> = LazyLock::new(|| Person::new(KeyKind::P256));
static RSA: LazyLock<Person> = LazyLock::new(|| {
    let minted = Minted { common_name: "Alice, RSA", serial_number: 1, key_identifier: vec![3; 20] };
    Person::minted(KeyKind::Rsa2048, &minted)
});

fn good() -> Forged<'static> {
    Forged::good(&ALICE, CONTENT)
}

/// The good object with its attributes changed.
fn with_attributes(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Forged<'static> {
    let mut forged = good();
    change(forged.attributes.as_mut().unwrap());
    forged
}

/// Whether an attribute is that of the built one.
fn is(attribute: &[u8], built: &[u8]) -> bool {
    // SEQUENCE, length, OBJECT IDENTIFIER, length: the identifiers here are told apart by 13 octets.
    attribute.get(2..13) == built.get(2..13)
}

fn without(built: Vec<u8>) -> Forged<'static> {
    with_attributes(|attributes| attributes.retain(|attribute| !is(attribute, &built)))
}

fn replaced(built: Vec<u8>, by: Vec<u8>) -> Forged<'static> {
    with_attributes(|attributes| {
        attributes.retain(|attribute| !is(attribute, &built));
        attributes.push(by);
    })
}

/// Two values instead of one.
fn doubled(attribute: &[u8], value: &[u8]) -> Vec<u8> {
    let identifier = attribute.get(2..4 + usize::from(*attribute.get(3).unwrap())).unwrap();
    encode(SEQUENCE, &[identifier, &encode(SET, &[value, value])])
}

#[test]
fn the_twin_of_all_forgeries_is_good() {
    assert_eq!(good().outcome(), Outcome::Good);
    assert_eq!(Forged::good(&RSA, CONTENT).outcome(), Outcome::Good);
}

#[test]
fn a_good_signature_brings_what_was_signed_with_it() {
    let signed = read(&good().build()).unwrap();
    let signer = signed.signers.first().unwrap();
    assert_eq!(signer.certificate.as_ref(), Some(&ALICE.certificate));
    assert_eq!(signer.signing_time, Some(NOW));
    assert_eq!(signer.digest, Some(DigestAlgorithm::Sha256));
    assert_eq!(signer.algorithm, Some(SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256)));
    assert_eq!((signed.had_content, signed.content_type), (true, ContentType::Data));
}

#[test]
fn a_signature_without_signed_attributes_is_refused_even_if_it_holds() {
    let mut forged = good();
    forged.attributes = None;
    assert_eq!(forged.outcome(), Outcome::Bad(Fault::NoSignedAttributes));
}

#[test]
fn attributes_that_become_the_content_are_refused() {
    // The known forgery: drop signedAttrs, and present their DER as the content. The signature
    // holds over it.
    let twin = good();
    let attributes = encode_set(SET, twin.attributes.clone().unwrap());
    let mut forged = good();
    forged.signature = Some(ALICE.key.sign(twin.algorithm, &attributes).unwrap());
    forged.content = Some(attributes);
    forged.attributes = None;
    assert_eq!(forged.outcome(), Outcome::Bad(Fault::NoSignedAttributes));
}

#[test]
fn missing_attributes_are_refused() {
    assert_eq!(
        without(build::content_type(&ContentType::Data)).outcome(),
        Outcome::Bad(Fault::NoContentType)
    );
    assert_eq!(without(build::message_digest(b"")).outcome(), Outcome::Bad(Fault::NoMessageDigest));
    assert_eq!(without(build::signing_time(NOW)).outcome(), Outcome::Good);
}

#[test]
fn an_attribute_that_is_there_twice_is_refused() {
    let again = build::message_digest(&digest(DigestAlgorithm::Sha256, CONTENT));
    let forged = with_attributes(|attributes| attributes.push(again));
    assert_eq!(forged.outcome(), Outcome::Bad(Fault::DuplicateAttribute));
    let other = with_attributes(|attributes| attributes.push(build::message_digest(b"other")));
    assert_eq!(other.outcome(), Outcome::Bad(Fault::DuplicateAttribute));
}

#[test]
fn an_attribute_with_two_values_is_refused() {
    let hash = digest(DigestAlgorithm::Sha256, CONTENT);
    let built = build::message_digest(&hash);
    let by = doubled(&built, &encode(OCTET_STRING, &[&hash]));
    assert_eq!(replaced(built, by).outcome(), Outcome::Bad(Fault::NotOneValue));
    let built = build::content_type(&ContentType::Data);
    let by = doubled(&built, &encode(OBJECT_IDENTIFIER, &[&ContentType::Data.object_identifier()]));
    assert_eq!(replaced(built, by).outcome(), Outcome::Bad(Fault::NotOneValue));
    let built = build::signing_time(NOW);
    let by = doubled(&built, &encode(0x17, &[b"261121120000Z"]));
    assert_eq!(replaced(built, by).outcome(), Outcome::Bad(Fault::NotOneValue));
}

#[test]
fn an_attribute_of_a_wrong_type_is_refused() {
    let hash = digest(DigestAlgorithm::Sha256, CONTENT);
    let mut built = build::message_digest(&hash);
    let value = built.len() - hash.len() - 2;
    *built.get_mut(value).unwrap() = 0x0c;
    assert_eq!(
        replaced(build::message_digest(&hash), built).outcome(),
        Outcome::Bad(Fault::MalformedAttributes)
    );
    let mut time = build::signing_time(NOW);
    *time.last_mut().unwrap() = b'X';
    assert_eq!(replaced(build::signing_time(NOW), time).outcome(), Outcome::Bad(Fault::MalformedAttributes));
}

#[test]
fn a_content_type_other_than_the_contents_is_refused() {
    let forged =
        replaced(build::content_type(&ContentType::Data), build::content_type(&ContentType::SignedData));
    assert_eq!(forged.outcome(), Outcome::Bad(Fault::OtherContentType));
    let mut forged = good();
    forged.content_type = ContentType::TimeStampInfo;
    assert_eq!(forged.outcome(), Outcome::Bad(Fault::OtherContentType));
}

#[test]
fn a_content_that_is_no_mail_is_named_even_where_its_signature_holds() {
    for content_type in [ContentType::TimeStampInfo, ContentType::DigestedData, ContentType::SignedData] {
        let mut forged =
            replaced(build::content_type(&ContentType::Data), build::content_type(&content_type));
        forged.content_type = content_type.clone();
        let signed = read(&forged.build()).unwrap();
        assert_eq!(signed.content_type, content_type);
        assert_eq!(only_outcome(&signed), Outcome::Good);
    }
}

#[test]
fn a_changed_content_is_refused() {
    let mut forged = good();
    forged.content = Some(b"Hello Mallory\r\n".to_vec());
    assert_eq!(forged.outcome(), Outcome::Bad(Fault::ContentChanged));
}

#[test]
fn attributes_of_the_signer_that_nobody_signed_are_refused() {
    let unsigned = |attributes: &[Vec<u8>]| encode(context(1), &[&attributes.concat()]);
    let hash = digest(DigestAlgorithm::Sha256, CONTENT);
    for attribute in [
        build::content_type(&ContentType::Data),
        build::message_digest(&hash),
        build::signing_time(NOW),
        build::capabilities(&crate::cms::Capabilities::ours().to_der()),
        build::signing_certificate_v2(&signing_certificate::write(&ALICE.certificate)),
    ] {
        let mut forged = good();
        forged.unsigned_attributes = unsigned(&[attribute.clone()]);
        assert_eq!(forged.outcome(), Outcome::Bad(Fault::UnsignedAttribute));
        let mut forged = without(attribute.clone());
        forged.unsigned_attributes = unsigned(&[attribute]);
        assert!(matches!(forged.outcome(), Outcome::Bad(_)));
    }
    // id-countersignature and id-smime-aa-timeStampToken belong there.
    for identifier in [
        &b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x06"[..],
        b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x0e",
    ] {
        let mut twin = good();
        twin.unsigned_attributes = unsigned(&[encode(SEQUENCE, &[identifier, &encode(SET, &[&[NULL, 0]])])]);
        assert_eq!(twin.outcome(), Outcome::Good);
    }
    let mut cut = good();
    cut.unsigned_attributes = unsigned(&[vec![SEQUENCE, 1, 6]]);
    assert!(matches!(read(&cut.build()), Err(SignedError::Malformed(_))));
}

#[test]
fn attributes_are_verified_as_they_came_and_as_der() {
    let reversed = |order| {
        let mut forged = with_attributes(|attributes| {
            attributes.sort();
            attributes.reverse();
        });
        forged.order = order;
        forged
    };
    assert_eq!(reversed(Order::AsGiven).outcome(), Outcome::Good);
    assert_eq!(reversed(Order::SignedSorted).outcome(), Outcome::Good);
    assert_eq!(reversed(Order::Sorted).outcome(), Outcome::Good);
}

#[test]
fn a_signature_over_the_implicit_tag_is_refused() {
    let mut forged = good();
    forged.order = Order::SignedImplicit;
    assert_eq!(forged.outcome(), Outcome::Bad(Fault::SignatureInvalid));
}

#[test]
fn a_signing_certificate_that_is_another_is_refused() {
    // The same key, but another certificate: what it says of its holder may differ.
    let other =
        mint(&ALICE.key, &Minted { common_name: "Alice", serial_number: 2, key_identifier: vec![1; 20] });
    let mut forged = good();
    forged.certificates = vec![other.as_der().to_vec()];
    forged.name = issuer_and_serial_number(&other);
    assert_eq!(forged.outcome(), Outcome::Bad(Fault::OtherCertificate));
    forged.attributes.as_mut().unwrap().pop();
    forged
        .attributes
        .as_mut()
        .unwrap()
        .push(build::signing_certificate_v2(&signing_certificate::write(&other)));
    assert_eq!(forged.outcome(), Outcome::Good);
}

#[test]
fn the_signing_certificate_chooses_among_certificates_of_one_key_identifier() {
    let renewed =
        mint(&ALICE.key, &Minted { common_name: "Alice", serial_number: 2, key_identifier: vec![1; 20] });
    let mut forged = good();
    forged.name = encode(0x80, &[&[1; 20]]);
    forged.certificates = vec![renewed.as_der().to_vec(), ALICE.certificate.as_der().to_vec()];
    let signed = read(&forged.build()).unwrap();
    assert_eq!(only_outcome(&signed), Outcome::Good);
    assert_eq!(signed.signers.first().unwrap().certificate.as_ref(), Some(&ALICE.certificate));
}

#[test]
fn a_cloned_key_identifier_does_not_make_a_signer() {
    let mallory = Person::minted(
        KeyKind::P256,
        &Minted { common_name: "Mallory", serial_number: 9, key_identifier: vec![1; 20] },
    );
    let mut forged = good();
    forged.name = encode(0x80, &[&[1; 20]]);
    forged.certificates = vec![mallory.certificate.as_der().to_vec()];
    forged.attributes.as_mut().unwrap().pop();
    assert_eq!(forged.outcome(), Outcome::Bad(Fault::SignatureInvalid));
    forged.certificates.push(ALICE.certificate.as_der().to_vec());
    let signed = read(&forged.build()).unwrap();
    assert_eq!(only_outcome(&signed), Outcome::Good);
    assert_eq!(signed.signers.first().unwrap().certificate.as_ref(), Some(&ALICE.certificate));
}

#[test]
fn two_certificates_of_one_issuer_and_serial_number_are_refused() {
    let mallory = Person::minted(
        KeyKind::P256,
        &Minted { common_name: "Alice", serial_number: 1, key_identifier: vec![2; 20] },
    );
    let mut forged = good();
    forged.certificates.push(mallory.certificate.as_der().to_vec());
    assert_eq!(forged.outcome(), Outcome::Bad(Fault::AmbiguousCertificate));
    let mut twin = good();
    twin.certificates.push(ALICE.certificate.as_der().to_vec());
    assert_eq!(twin.outcome(), Outcome::Good);
}

#[test]
fn a_missing_certificate_is_said_and_one_given_beside_is_used() {
    let mut forged = good();
    forged.certificates.clear();
    assert_eq!(forged.outcome(), Outcome::CertificateMissing);
    let object = forged.build();
    let extra = [ALICE.certificate.clone()];
    let signed = read_signed(&mut Cursor::new(&object), None, &extra, &mut std::io::sink()).unwrap();
    assert_eq!(only_outcome(&signed), Outcome::Good);
    assert!(signed.certificates.is_empty());
    forged.content = Some(b"other".to_vec());
    assert_eq!(forged.outcome(), Outcome::Bad(Fault::ContentChanged));
}

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
        let protection = build::algorithm_protection(&algorithms::protection(digest, signature));
        with_attributes(|attributes| attributes.push(protection)).outcome()
    };
    let twin = good();
    assert_eq!(protected(&twin.digest_algorithm, &twin.signature_algorithm), Outcome::Good);
    let other = digest_der(DigestAlgorithm::Sha512);
    assert_eq!(protected(&other, &twin.signature_algorithm), Outcome::Bad(Fault::AlgorithmsReplaced));
    assert_eq!(protected(&twin.digest_algorithm, &other), Outcome::Bad(Fault::AlgorithmsReplaced));
}

#[test]
fn digests_that_are_not_announced_are_made_in_a_second_pass() {
    let mut forged = good();
    forged.digest_algorithms.clear();
    assert_eq!(forged.outcome(), Outcome::Good);
    forged.digest_algorithms = vec![digest_der(DigestAlgorithm::Sha512)];
    assert_eq!(forged.outcome(), Outcome::Good);
    forged.content = None;
    let object = forged.build();
    assert_eq!(only_outcome(&read_detached(&object, CONTENT).unwrap()), Outcome::Good);
    assert_eq!(only_outcome(&read_detached(&object, b"other").unwrap()), Outcome::Bad(Fault::ContentChanged));
}

#[test]
fn a_second_pass_starts_where_the_object_does() {
    let mut forged = good();
    forged.digest_algorithms.clear();
    let mut source = Cursor::new([b"before".to_vec(), forged.build()].concat());
    source.set_position(6);
    let mut content = Vec::new();
    let signed = read_signed(&mut source, None, &[], &mut content).unwrap();
    assert_eq!(only_outcome(&signed), Outcome::Good);
    assert_eq!(content, CONTENT);
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

#[test]
fn an_object_without_signers_has_none() {
    let mut forged = good();
    forged.copies = 0;
    let signed = read(&forged.build()).unwrap();
    assert!(signed.signers.is_empty());
    assert!(signed.had_content);
}

#[test]
fn signers_are_limited() {
    let mut forged = good();
    forged.copies = limits::SIGNERS;
    let signed = read(&forged.build()).unwrap();
    assert!(signed.signers.iter().all(|signer| signer.outcome == Outcome::Good));
    forged.copies += 1;
    assert_eq!(read(&forged.build()).err(), Some(SignedError::Limit("signers")));
}

#[test]
fn certificates_are_limited() {
    let mut forged = good();
    let one = ALICE.certificate.as_der().to_vec();
    forged.certificates = vec![one.clone(); limits::CERTIFICATES];
    assert_eq!(forged.outcome(), Outcome::Good);
    forged.certificates.push(one);
    assert_eq!(read(&forged.build()).err(), Some(SignedError::Limit("certificates")));
}

#[test]
fn other_choices_of_certificates_are_passed_over() {
    let mut forged = good();
    // An attribute certificate, an extended one, another form, and a SEQUENCE that is none.
    for tag in [context(2), context(0), context(3), SEQUENCE] {
        forged.certificates.insert(0, encode(tag, &[&encode(INTEGER, &[&[5]])]));
    }
    let signed = read(&forged.build()).unwrap();
    assert_eq!(only_outcome(&signed), Outcome::Good);
    assert_eq!(signed.certificates, vec![ALICE.certificate.clone()]);
}

#[test]
fn revocation_lists_and_ocsp_responses_are_collected() {
    let list = encode(SEQUENCE, &[&encode(INTEGER, &[&[1]])]);
    let response = encode(SEQUENCE, &[&encode(0x0a, &[&[0]])]);
    let ocsp = encode(context(1), &[b"\x06\x08\x2b\x06\x01\x05\x05\x07\x10\x02", &response]);
    let other = encode(context(1), &[b"\x06\x08\x2b\x06\x01\x05\x05\x07\x10\x04", &response]);
    let mut forged = good();
    forged.revocations = vec![list.clone(), ocsp, other];
    let signed = read(&forged.build()).unwrap();
    assert_eq!(only_outcome(&signed), Outcome::Good);
    assert_eq!((signed.revocation_lists, signed.revocation_answers), (vec![list], vec![response]));
}

#[test]
fn a_content_inside_and_beside_is_refused() {
    let object = good().build();
    assert_eq!(read_detached(&object, CONTENT).err(), Some(SignedError::ContentTwice));
}

#[test]
fn a_missing_content_is_refused() {
    let mut forged = good();
    forged.content = None;
    assert_eq!(read(&forged.build()).err(), Some(SignedError::ContentMissing));
    assert_eq!(only_outcome(&read_detached(&forged.build(), CONTENT).unwrap()), Outcome::Good);
}

#[test]
fn another_object_is_named() {
    let mut forged = good();
    forged.outer_type = ContentType::EnvelopedData;
    assert_eq!(read(&forged.build()).err(), Some(SignedError::OtherContent(ContentType::EnvelopedData)));
}

#[test]
fn what_follows_the_object_is_refused() {
    let mut object = good().build();
    object.push(b'\n');
    assert!(matches!(read(&object), Err(SignedError::Malformed(_))));
}

#[test]
fn every_truncation_is_an_error() {
    let object = good().build();
    for length in 0..object.len() {
        let cut = object.get(..length).unwrap();
        assert!(matches!(read(cut), Err(SignedError::Malformed(_))), "{length} bytes");
    }
}

#[test]
fn no_single_flipped_bit_is_good() {
    // Certificate, content, attributes, signature and all headers: everything but the unsigned
    // framing that says nothing, which may survive only with the content and the signer intact.
    let object = good().build();
    let framing = framing_bits(&object);
    for index in 0..object.len() {
        for bit in 0..8 {
            let mut flipped = object.clone();
            *flipped.get_mut(index).unwrap() ^= 1 << bit;
            let mut content = Vec::new();
            let Ok(signed) = read_signed(&mut Cursor::new(&flipped), None, &[], &mut content) else {
                continue;
            };
            let is_good = signed.signers.iter().any(|signer| signer.outcome == Outcome::Good);
            if framing.contains(&index) {
                assert!(!is_good || content == CONTENT, "octet {index}, bit {bit}");
            } else {
                assert!(!is_good, "octet {index}, bit {bit}");
            }
        }
    }
}

/// Octets that no signature covers and that change nothing: the two CMSVersions, and what
/// digestAlgorithms announces.
fn framing_bits(object: &[u8]) -> Vec<usize> {
    let find = |part: &[u8]| object.windows(part.len()).position(|window| window == part).unwrap();
    let announced = encode(SET, &[&digest_der(DigestAlgorithm::Sha256)]);
    let announced_at = find(&announced);
    let signer_version =
        find(&[&encode(INTEGER, &[&[1]])[..], &issuer_and_serial_number(&ALICE.certificate)].concat());
    let mut framing = vec![announced_at - 1, signer_version + 2];
    framing.extend(announced_at + 2..announced_at + announced.len());
    framing
}

#[test]
fn a_content_in_pieces_is_the_same_content() {
    let mut forged = good();
    let whole = encode(context(0), &[&encode(OCTET_STRING, &[CONTENT])]);
    forged.content = Some(CONTENT.to_vec());
    let object = forged.build();
    let (first, second) = CONTENT.split_at(7);
    let pieces =
        [encode(OCTET_STRING, &[first]), vec![0x24, 0x80], encode(OCTET_STRING, &[second]), vec![0, 0]]
            .concat();
    let chunked = [vec![0xa0, 0x80, 0x24, 0x80], pieces, vec![0, 0, 0, 0]].concat();
    // Around it, indefinite lengths too, as OpenSSL streams it.
    let ber = indefinite_around(&object, &whole, &chunked);
    let mut content = Vec::new();
    let signed = read_signed(&mut Cursor::new(&ber), None, &[], &mut content).unwrap();
    assert_eq!(only_outcome(&signed), Outcome::Good);
    assert_eq!(content, CONTENT);
}

/// The object with indefinite lengths around everything that contains `part`, which is replaced.
pub(super) fn indefinite_around(object: &[u8], part: &[u8], by: &[u8]) -> Vec<u8> {
    if object == part {
        return by.to_vec();
    }
    let element = crate::cms::elements::element(object).unwrap();
    let is_inside = element.content.windows(part.len()).any(|window| window == part);
    if element.tag & 0x20 == 0 || !is_inside {
        return object.to_vec();
    }
    let mut around = vec![element.tag, 0x80];
    for inner in crate::cms::elements::elements(element.content).unwrap() {
        around.extend(indefinite_around(inner.whole, part, by));
    }
    around.extend([0, 0]);
    around
}

fn all_kinds() -> Vec<KeyKind> {
    vec![
        KeyKind::Rsa2048,
        KeyKind::P256,
        KeyKind::P384,
        KeyKind::P521,
        KeyKind::Ed25519,
        KeyKind::MlDsa44,
        KeyKind::MlDsa65,
        KeyKind::MlDsa87,
    ]
}

fn signed_by(request: &SigningRequest<'_>, detached: bool) -> Vec<u8> {
    let mut object = Vec::new();
    let mut content = Cursor::new(CONTENT);
    let input =
        if detached { SignedInput::Detached(&mut content) } else { SignedInput::Attached(&mut content) };
    write_signed(input, request, &mut object).unwrap();
    object
}

#[test]
fn what_is_written_is_good_for_every_kind_of_key() {
    for kind in all_kinds() {
        let person = Person::new(kind);
        let certificates = [person.certificate.clone()];
        let request = person.request(&certificates);
        let attached = read(&signed_by(&request, false)).unwrap();
        assert_eq!(only_outcome(&attached), Outcome::Good, "{kind:?}");
        let detached = signed_by(&request, true);
        assert_eq!(only_outcome(&read_detached(&detached, CONTENT).unwrap()), Outcome::Good, "{kind:?}");
        assert_eq!(
            only_outcome(&read_detached(&detached, b"other").unwrap()),
            Outcome::Bad(Fault::ContentChanged),
            "{kind:?}"
        );
    }
}

#[test]
fn what_is_written_is_good_for_every_signature_of_rsa_and_the_curves() {
    use DigestAlgorithm::{Sha256, Sha384, Sha512};
    let pss = |digest, salt_length| SignatureAlgorithm::RsaPss { digest, mask_digest: digest, salt_length };
    let p521 = Person::new(KeyKind::P521);
    let pairs = [Sha256, Sha384, Sha512].into_iter().zip([32, 48, 64]).flat_map(|(digest, salt_length)| {
        [
            (&*RSA, SignatureAlgorithm::RsaPkcs1(digest)),
            (&*RSA, pss(digest, salt_length)),
            (&*ALICE, SignatureAlgorithm::Ecdsa(digest)),
            (&p521, SignatureAlgorithm::Ecdsa(digest)),
        ]
    });
    for (person, algorithm) in pairs {
        let certificates = [person.certificate.clone()];
        let request = SigningRequest { algorithm: Some(algorithm), ..person.request(&certificates) };
        let signed = read(&signed_by(&request, false)).unwrap();
        assert_eq!(only_outcome(&signed), Outcome::Good, "{algorithm:?}");
        assert_eq!(signed.signers.first().unwrap().algorithm, Some(algorithm));
    }
}

#[test]
fn a_stream_is_signed_in_ber_and_reads_the_same() {
    let certificates = [ALICE.certificate.clone()];
    let content = vec![b'x'; 200_000];
    let mut object = Vec::new();
    let input = SignedInput::AttachedStream(&mut content.as_slice());
    write_signed(input, &ALICE.request(&certificates), &mut object).unwrap();
    let mut read_back = Vec::new();
    let signed = read_signed(&mut Cursor::new(&object), None, &[], &mut read_back).unwrap();
    assert_eq!(only_outcome(&signed), Outcome::Good);
    assert!(read_back == content);
}

#[test]
fn what_is_written_with_a_length_is_der() {
    let certificates = [RSA.certificate.clone(), ALICE.certificate.clone(), RSA.certificate.clone()];
    let capabilities = crate::cms::Capabilities::ours();
    let request = SigningRequest {
        encryption_certificate: Some(&ALICE.certificate),
        capabilities: Some(&capabilities),
        ..RSA.request(&certificates)
    };
    let object = signed_by(&request, false);
    assert_eq!(crate::der::to_der(&object).unwrap(), object);
    let signed = read(&object).unwrap();
    let signer = signed.signers.first().unwrap();
    assert_eq!(signed.certificates.len(), 2);
    assert_eq!(signer.capabilities.as_deref(), Some(&*capabilities.to_der()));
    let preference = signer.encryption_key_preference.clone().unwrap();
    assert!(ALICE.certificate.names().contains(&preference));
    assert!(matches!(preference, KeyName::IssuerAndSerialNumber { .. }));
}

#[test]
fn capabilities_of_a_bad_signature_are_not_handed_out() {
    let certificates = [ALICE.certificate.clone()];
    let capabilities = crate::cms::Capabilities::ours();
    let request = SigningRequest {
        capabilities: Some(&capabilities),
        encryption_certificate: Some(&ALICE.certificate),
        ..ALICE.request(&certificates)
    };
    let mut object = signed_by(&request, true);
    *object.last_mut().unwrap() ^= 1;
    let signed = read_detached(&object, CONTENT).unwrap();
    let signer = signed.signers.first().unwrap();
    assert_eq!(signer.outcome, Outcome::Bad(Fault::SignatureInvalid));
    assert_eq!((&signer.capabilities, &signer.encryption_key_preference), (&None, &None));
    assert_eq!(signer.signing_time, None);
}

#[test]
fn a_key_without_a_certificate_signs_nothing() {
    let certificates = [RSA.certificate.clone()];
    let mut object = Vec::new();
    let input = SignedInput::Detached(&mut &*CONTENT);
    let signed = write_signed(input, &ALICE.request(&certificates), &mut object);
    assert_eq!(signed, Err(SignError::NoCertificate));
    assert!(object.is_empty());
}

#[test]
fn a_key_signs_only_as_keys_of_its_kind_do() {
    let certificates = [ALICE.certificate.clone()];
    let request = SigningRequest {
        algorithm: Some(SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256)),
        ..ALICE.request(&certificates)
    };
    let mut object = Vec::new();
    let signed = write_signed(SignedInput::Detached(&mut &*CONTENT), &request, &mut object);
    assert_eq!(signed, Err(SignError::Unsuitable));
}
