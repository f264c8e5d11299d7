//! Each rule with a forgery that it catches, and the twin that is good.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod algorithms;
mod attributes;
mod certificates;
pub(super) mod framing;
mod writing;

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
use crate::x509::algorithm_identifier::signature_to;
use crate::x509::digest::digest;
use crate::x509::{KeyKind, SecretKey};

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
