//! Which certificate is the signer's, and what else comes along.

use super::*;

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
fn what_others_sent_before_under_the_same_issuer_and_serial_number_damages_no_signature() {
    let mallory = Person::minted(
        KeyKind::P256,
        &Minted { common_name: "Alice", serial_number: 1, key_identifier: vec![2; 20] },
    );
    let known = [mallory.certificate.clone(), ALICE.certificate.clone()];
    let outcome = |object: &[u8]| {
        let signed = read_signed(&mut Cursor::new(object), None, &known, &mut std::io::sink()).unwrap();
        assert_eq!(signed.signers.first().unwrap().certificate.as_ref(), Some(&ALICE.certificate));
        only_outcome(&signed)
    };
    let mut bare = good();
    assert_eq!(outcome(&bare.build()), Outcome::Good);
    bare.certificates.clear();
    assert_eq!(outcome(&bare.build()), Outcome::Good);
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
