//! Games with the signed attributes.

use super::*;

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
        forged.unsigned_attributes = unsigned(std::slice::from_ref(&attribute));
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
