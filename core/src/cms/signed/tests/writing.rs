//! What is written, read back.

use super::*;
use crate::cms::FurtherAttribute;

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
fn further_attributes_are_signed_and_read_back() {
    let certificates = [ALICE.certificate.clone()];
    let attribute =
        |kind: &[u8], value: &[u8]| FurtherAttribute { kind: kind.to_vec(), value: value.to_vec() };
    let attributes = [attribute(&[0x2a, 3, 5], &[5, 0]), attribute(&[0x2a, 3, 4], &[4, 1, 7])];
    let request = SigningRequest { further_attributes: &attributes, ..ALICE.request(&certificates) };
    let mut object = signed_by(&request, true);
    let signed = read_detached(&object, CONTENT).unwrap();
    assert_eq!(only_outcome(&signed), Outcome::Good);
    assert_eq!(signed.signers.first().unwrap().further_attributes, attributes);
    *object.last_mut().unwrap() ^= 1;
    let signed = read_detached(&object, CONTENT).unwrap();
    assert!(signed.signers.first().unwrap().further_attributes.is_empty());

    let content_type = attribute(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3], &[5, 0]);
    let [first, _] = &attributes;
    for wrong in [
        vec![content_type],
        vec![first.clone(), first.clone()],
        vec![attribute(&[0x2a, 3, 4], &[4, 2, 7])],
        vec![attribute(&[], &[5, 0])],
    ] {
        let request = SigningRequest { further_attributes: &wrong, ..ALICE.request(&certificates) };
        let mut object = Vec::new();
        let written = write_signed(SignedInput::Detached(&mut &*CONTENT), &request, &mut object);
        assert_eq!(written, Err(SignError::Attribute));
    }
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

#[test]
fn a_key_for_pss_alone_signs_with_pss_unasked() {
    // The same RSA key under the identifier of RSASSA-PSS, without parameters.
    let (plain, pss) = (
        b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00",
        b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a",
    );
    let pkcs8 = RSA.key.to_pkcs8_der();
    let key = crate::cms::elements::element(pkcs8.expose()).unwrap().content;
    let at = key.windows(plain.len()).position(|window| window == plain).unwrap();
    let algorithm = encode(SEQUENCE, &[&encode(OBJECT_IDENTIFIER, &[pss])]);
    let relabelled =
        encode(SEQUENCE, &[key.get(..at).unwrap(), &algorithm, key.get(at + plain.len()..).unwrap()]);
    let key = SecretKey::from_pkcs8_der(&relabelled).unwrap();
    let minted = Minted { common_name: "Alice, PSS", serial_number: 1, key_identifier: vec![4; 20] };
    let person = Person { certificate: mint(&key, &minted), key };
    let certificates = [person.certificate.clone()];
    let signed = read(&signed_by(&person.request(&certificates), false)).unwrap();
    assert_eq!(only_outcome(&signed), Outcome::Good);
    let algorithm = signed.signers.first().unwrap().algorithm;
    assert!(matches!(algorithm, Some(SignatureAlgorithm::RsaPss { salt_length: 32, .. })));
}

/// As for what is sealed: the types of the crate `cms` agree on every octet.
#[test]
fn what_is_signed_is_what_the_types_of_another_library_say() {
    use ::cms::content_info::ContentInfo;
    use ::cms::signed_data::SignedData;
    use der::{Decode as _, Encode as _};
    for kind in all_kinds() {
        let person = Person::new(kind);
        let certificates = [person.certificate.clone()];
        let object = signed_by(&person.request(&certificates), true);
        let object = ContentInfo::from_der(&crate::der::to_der(&object).unwrap()).unwrap();
        let signed: SignedData = object.content.decode_as().unwrap();
        assert_eq!(signed.signer_infos.0.len(), 1);
        assert_eq!(signed.to_der().unwrap(), object.content.to_der().unwrap(), "{kind:?}");
    }
}

#[test]
fn evidence_travels_beside_what_is_signed() {
    let certificates = [ALICE.certificate.clone()];
    let evidence = [b"a certificate".to_vec(), b"another".to_vec()];
    let request = SigningRequest { carried_evidence: &evidence, ..ALICE.request(&certificates) };
    for detached in [true, false] {
        let object = signed_by(&request, detached);
        assert_eq!(crate::der::to_der(&object).unwrap(), object);
        let signed = if detached { read_detached(&object, CONTENT) } else { read(&object) }.unwrap();
        assert_eq!(only_outcome(&signed), Outcome::Good);
        let mut carried = signed.signers.first().unwrap().carried_evidence.clone();
        carried.sort();
        assert_eq!(carried, evidence);
    }
}
