#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::super::tlv::{self, tag};
use super::*;

/// rfc822Name of a subjectAltName.
const RFC822_NAME: u8 = tag::primitive(1);

/// A certificate with these extensions and this emailAddress in its subject. Its signature is
/// nonsense: reading does not look at it.
fn certificate(extensions: &[Vec<u8>], subject_address: Option<&str>) -> Vec<u8> {
    let key = super::super::SecretKey::from_any(&ED25519_KEY, None).unwrap();
    let algorithm = tlv::sequence(&[&[6, 3, 0x2b, 0x65, 0x70]]);
    let time = tlv::encode(0x17, b"261121120000Z");
    let subject = subject_address.map(|address| {
        let attribute = tlv::sequence(&[
            &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1],
            &tlv::encode(0x16, address.as_bytes()),
        ]);
        tlv::encode(tag::SET, &attribute)
    });
    let to_be_signed = tlv::sequence(&[
        &tlv::encode(tag::constructed(0), &tlv::integer(&[2])),
        &tlv::integer(&[1]),
        &algorithm,
        &tlv::sequence(&[]),
        &tlv::sequence(&[&time, &time]),
        &tlv::sequence(&[&subject.unwrap_or_default()]),
        key.public_key().as_der(),
        &tlv::encode(tag::constructed(3), &tlv::sequence(&[&extensions.concat()])),
    ]);
    tlv::sequence(&[&to_be_signed, &algorithm, &tlv::bit_string(&[0; 64])])
}

/// PKCS#8 of the Ed25519 key whose seed is all ones.
const ED25519_KEY: [u8; 48] = [
    0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
];

fn extension(identifier: ObjectIdentifier, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { vec![1, 1, 0xff] } else { Vec::new() };
    tlv::sequence(&[
        &tlv::encode(tag::OBJECT_IDENTIFIER, identifier.as_bytes()),
        &critical,
        &tlv::encode(tag::OCTET_STRING, value),
    ])
}

fn alternative_names(names: &[&[u8]]) -> Vec<u8> {
    let names: Vec<Vec<u8>> = names.iter().map(|name| tlv::encode(RFC822_NAME, name)).collect();
    extension(extension::SUBJECT_ALT_NAME, false, &tlv::sequence(&[&names.concat()]))
}

fn addresses(extensions: &[Vec<u8>], subject_address: Option<&str>) -> Vec<String> {
    let certificate = Certificate::from_der(&certificate(extensions, subject_address)).unwrap();
    certificate.addresses().iter().map(ToString::to_string).collect()
}

#[test]
fn an_extension_that_stands_twice_is_refused() {
    let once = alternative_names(&[b"alice@example.org"]);
    assert!(Certificate::from_der(&certificate(std::slice::from_ref(&once), None)).is_ok());
    let twice = Certificate::from_der(&certificate(&[once.clone(), once], None));
    assert_eq!(twice.unwrap_err(), CertificateError::DuplicateExtension("2.5.29.17".into()));
}

#[test]
fn bytes_after_a_certificate_are_refused_and_so_is_every_shorter_one() {
    let mut der = certificate(&[], None);
    for length in 0..der.len() {
        assert!(Certificate::from_der(&der[..length]).is_err());
    }
    der.push(0);
    assert_eq!(Certificate::from_der(&der).unwrap_err(), CertificateError::TrailingBytes);
}

#[test]
fn as_many_names_as_the_limit_allows_and_not_one_more() {
    let name: &[u8] = b"alice@example.org";
    let most = alternative_names(&vec![name; limits::CERTIFICATE_NAMES]);
    assert_eq!(addresses(&[most], None), ["alice@example.org"]);
    let more = alternative_names(&vec![name; limits::CERTIFICATE_NAMES + 1]);
    let refused = Certificate::from_der(&certificate(&[more], None));
    assert_eq!(refused.unwrap_err(), CertificateError::TooManyNames);
}

#[test]
fn a_certificate_above_the_limit_is_refused_unread() {
    let refused = Certificate::from_der(&vec![0x30; limits::STRUCTURE_BYTES + 1]);
    assert_eq!(refused.unwrap_err(), CertificateError::TooLarge);
    let read = Certificate::from_der(&vec![0x30; limits::STRUCTURE_BYTES]);
    assert_eq!(read.unwrap_err(), CertificateError::TrailingBytes);
}

#[test]
fn an_address_of_the_subject_counts_only_where_there_is_no_other() {
    assert_eq!(addresses(&[], Some("old@example.org")), ["old@example.org"]);
    let names = alternative_names(&[b"alice@example.org"]);
    assert_eq!(addresses(&[names], Some("old@example.org")), ["alice@example.org"]);
}

#[test]
fn a_name_that_is_no_address_is_left_out_and_does_not_bring_the_subject_back() {
    let tricks: [&[u8]; 7] = [
        b"alice@example.org\0.evil.example",
        b"alice@example.org\r\nBcc: mallory@example.net",
        b"*@example.org",
        b"example.org",
        b"mailto:alice@example.org",
        b"<alice@example.org>",
        b"Alice <alice@example.org>",
    ];
    for trick in tricks {
        let names = alternative_names(&[trick]);
        let found = addresses(&[names], Some("old@example.org"));
        assert!(!found.iter().any(|address| address == "alice@example.org" || address == "old@example.org"));
    }
}

#[test]
fn a_critical_extension_that_nobody_knows_is_named() {
    let unknown = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.99999.1");
    for critical in [true, false] {
        let der = certificate(&[extension(unknown, critical, &[5, 0])], None);
        let named = Certificate::from_der(&der).unwrap().unknown_critical_extensions().len();
        assert_eq!(named, usize::from(critical));
    }
}

#[test]
fn algorithm_fields_that_differ_are_refused_before_the_signature_is_looked_at() {
    let mut der = certificate(&[], None);
    let position = der.len() - 67 - 1;
    der[position] = 0x6e;
    let certificate = Certificate::from_der(&der).unwrap();
    let outcome = certificate.is_signed_by(certificate.public_key());
    assert_eq!(outcome, Err(SignatureInvalid::AlgorithmMismatch));
}

#[test]
fn basic_constraints_are_read_strictly() {
    let constraints = |value: &[u8]| {
        let der = certificate(&[extension(extension::BASIC_CONSTRAINTS, true, value)], None);
        Certificate::from_der(&der).map(|it| (it.is_certificate_authority(), it.path_length()))
    };
    assert_eq!(constraints(&[0x30, 0]), Ok((false, None)));
    assert_eq!(constraints(&[0x30, 3, 1, 1, 0xff]), Ok((true, None)));
    assert_eq!(constraints(&[0x30, 6, 1, 1, 0xff, 2, 1, 3]), Ok((true, Some(3))));
    assert_eq!(constraints(&[0x30, 3, 1, 1, 1]), Err(CertificateError::Malformed));
    assert_eq!(constraints(&[0x30, 6, 1, 1, 0xff, 2, 1, 0xff]), Err(CertificateError::Malformed));
}
