//! The people of RFC 9216: what each signing key signs holds under that person's certificate, as
//! the RFC pairs them, and under nobody else's.

use std::io::Cursor;

use counterseal_core::cms::{Capabilities, ContentType, SignedInput, SigningRequest, write_signed};
use counterseal_core::keys::Keyring;
use counterseal_core::time::Time;
use counterseal_core::x509::{Certificate, SecretKey};

use super::signatures::{certificate, read, words};

/// Names of the files of a signing key and its certificate.
const PEOPLE: [(&str, &str); 4] = [
    (
        "4-2-Alice-s-Signing-Private-Key-Material.key",
        "4-1-Alice-s-Signature-Verification-End-Entity-Certificate.crt",
    ),
    (
        "5-2-Bob-s-Signing-Private-Key-Material.key",
        "5-1-Bob-s-Signature-Verification-End-Entity-Certificate.crt",
    ),
    (
        "7-2-Carlos-s-Signing-Private-Key-Material.key",
        "7-1-Carlos-s-Signature-Verification-End-Entity-Certificate.crt",
    ),
    (
        "8-2-Dana-s-Signing-Private-Key-Material.key",
        "8-1-Dana-s-Signature-Verification-End-Entity-Certificate.crt",
    ),
];

#[test]
fn every_person_signs_with_the_key_of_the_certificate() {
    let Some(folder) = super::folder("rfc9216") else { return };
    let file = |name: &str| std::fs::read(folder.join("extracted").join(name)).unwrap();
    let people: Vec<(SecretKey, Certificate)> = PEOPLE
        .iter()
        .map(|(key, signer)| (SecretKey::from_any(&file(key), None).unwrap(), certificate(&file(signer))))
        .collect();
    for (index, (key, signer)) in people.iter().enumerate() {
        assert_eq!(key.fingerprint(), signer.fingerprint(), "{}", PEOPLE[index].0);
        let object = signed_by(key, signer);
        assert_eq!(words(&read(&object, Some(b"Hello\r\n"), &[]).0), ["good"], "{}", PEOPLE[index].0);
        for (other, (_, wrong)) in people.iter().enumerate() {
            // The same object with another person's certificate in the place of the signer's.
            let swapped = replaced(&object, signer.as_der(), wrong.as_der());
            let found = words(&read(&swapped, Some(b"Hello\r\n"), &[]).0);
            assert_eq!(found == ["good"], other == index, "{index} and {other}: {found:?}");
        }
    }
}

fn signed_by(key: &SecretKey, signer: &Certificate) -> Vec<u8> {
    let mut keys = Keyring::new();
    keys.add_key(key.clone());
    let certificates = [signer.clone()];
    let capabilities = Capabilities::ours();
    let request = SigningRequest {
        keys: &keys,
        key: key.fingerprint(),
        certificates: &certificates,
        algorithm: None,
        signing_time: Time::from_unix_seconds(1_795_262_400),
        encryption_certificate: None,
        capabilities: Some(&capabilities),
        content_type: ContentType::Data,
        carried_evidence: &[],
        revocation_lists: &[],
        further_attributes: &[],
    };
    let mut object = Vec::new();
    write_signed(SignedInput::Detached(&mut Cursor::new(b"Hello\r\n")), &request, &mut object).unwrap();
    object
}

/// Swaps a certificate of the same length for another, or leaves a hole that no reader minds: a
/// certificate of another length breaks the lengths around it, which is refused all the same.
fn replaced(object: &[u8], part: &[u8], by: &[u8]) -> Vec<u8> {
    let at = object.windows(part.len()).position(|window| window == part).unwrap();
    [&object[..at], by, &object[at + part.len()..]].concat()
}
