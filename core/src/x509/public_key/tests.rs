#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::super::{KeyKind, SecretKey};
use super::*;
use crate::algorithm::DigestAlgorithm;
use crate::testing::SystemRandom;

/// A SubjectPublicKeyInfo of an RSA key with these numbers.
fn rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let algorithm = tlv::sequence(&[&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1], &[5, 0]]);
    let key = tlv::sequence(&[&tlv::integer(modulus), &tlv::integer(exponent)]);
    tlv::sequence(&[&algorithm, &tlv::bit_string(&key)])
}

fn odd_modulus(bits: usize) -> Vec<u8> {
    let mut modulus = vec![0x5b; bits.div_ceil(8)];
    modulus[0] = 0x80 >> (bits.div_ceil(8) * 8 - bits);
    modulus
}

#[test]
fn rsa_keys_outside_of_the_limits_are_refused() {
    let exponent = [1, 0, 1];
    for (bits, good) in [(1023, false), (1024, true), (1025, true), (16_384, true), (16_385, false)] {
        let read = PublicKey::from_der(&rsa(&odd_modulus(bits), &exponent));
        assert_eq!(read.is_ok(), good, "{bits}");
    }
    let mut even = odd_modulus(2048);
    *even.last_mut().unwrap() = 0x5a;
    assert_eq!(PublicKey::from_der(&rsa(&even, &exponent)).unwrap_err(), CertificateError::BadKey);
    for (exponent, good) in [
        (&[][..], false),
        (&[1], false),
        (&[2], false),
        (&[3], true),
        (&[4], false),
        (&[0xff, 0xff, 0xff, 0xff], true),
        (&[1, 0, 0, 0, 1], false),
    ] {
        let read = PublicKey::from_der(&rsa(&odd_modulus(2048), exponent));
        assert_eq!(read.is_ok(), good, "{exponent:?}");
    }
}

#[test]
fn bytes_after_a_key_are_refused() {
    let mut der = rsa(&odd_modulus(2048), &[1, 0, 1]);
    der.push(0);
    assert_eq!(PublicKey::from_der(&der).unwrap_err(), CertificateError::Malformed);
}

#[test]
fn explicit_curve_parameters_are_refused() {
    let key = SecretKey::generate(KeyKind::P256, &mut SystemRandom).unwrap();
    let point = tlv::bit_string(key.public_key().raw().unwrap());
    let algorithm = tlv::sequence(&[&[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1], &tlv::sequence(&[])]);
    let refused = PublicKey::from_der(&tlv::sequence(&[&algorithm, &point]));
    assert_eq!(refused.unwrap_err(), CertificateError::BadKey);
}

#[test]
fn keys_of_small_order_agree_on_nothing_and_verify_nothing() {
    let x25519 = [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 3, 0x21, 0][..], &[0; 32]].concat();
    let key = PublicKey::from_der(&x25519).unwrap();
    assert_eq!(key.agree_ephemeral(&mut SystemRandom).unwrap_err(), KeyError::Failed);
    let mut identity = [0; 32];
    identity[0] = 1;
    let ed25519 = [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..], &identity].concat();
    assert_eq!(PublicKey::from_der(&ed25519).unwrap_err(), CertificateError::BadKey);
}

#[test]
fn both_sides_of_an_agreement_and_of_an_encapsulation_have_the_same_secret() {
    for kind in [KeyKind::P256, KeyKind::P384, KeyKind::P521, KeyKind::X25519] {
        let key = SecretKey::generate(kind, &mut SystemRandom).unwrap();
        let (ephemeral, secret) = key.public_key().agree_ephemeral(&mut SystemRandom).unwrap();
        assert_eq!(key.agree(&ephemeral).unwrap().expose(), secret.expose());
        assert_eq!(key.decapsulate(&ephemeral).unwrap_err(), KeyError::Unsuitable);
    }
    for kind in [KeyKind::MlKem512, KeyKind::MlKem768, KeyKind::MlKem1024] {
        let key = SecretKey::generate(kind, &mut SystemRandom).unwrap();
        let (ciphertext, secret) = key.public_key().encapsulate(&mut SystemRandom).unwrap();
        assert_eq!(key.decapsulate(&ciphertext).unwrap().expose(), secret.expose());
        assert_eq!(key.agree(&ciphertext).unwrap_err(), KeyError::Unsuitable);
    }
}

#[test]
fn a_key_verifies_signatures_of_its_own_kind_only() {
    let key = SecretKey::generate(KeyKind::P384, &mut SystemRandom).unwrap();
    let sha384 = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha384);
    let signature = key.sign(sha384, b"message").unwrap();
    let verify = |algorithm| key.public_key().verify(algorithm, b"message", &signature);
    assert_eq!(verify(sha384), Ok(()));
    assert_eq!(verify(SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256)), Err(SignatureInvalid::Invalid));
    assert_eq!(verify(SignatureAlgorithm::Ed25519), Err(SignatureInvalid::WrongKey));
    let rsa = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha384);
    assert_eq!(verify(rsa), Err(SignatureInvalid::WrongKey));
}

#[test]
fn nothing_is_signed_with_a_weak_digest() {
    let key = SecretKey::generate(KeyKind::P256, &mut SystemRandom).unwrap();
    let sha1 = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha1);
    assert_eq!(key.sign(sha1, b"message"), Err(KeyError::Unsuitable));
}

/// CVE-2020-0601: whoever may choose the generator knows a secret key for any point.
#[test]
fn a_curve_is_named_and_never_spelled_out() {
    let key = SecretKey::generate(KeyKind::P256, &mut SystemRandom).unwrap();
    let point = key.public_key().raw().unwrap().to_vec();
    let with_parameters = |parameters: &[u8]| {
        let algorithm = tlv::sequence(&[&[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1], parameters]);
        PublicKey::from_der(&tlv::sequence(&[&algorithm, &tlv::bit_string(&point)]))
    };
    let named = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    assert!(with_parameters(&named).is_ok());
    let spelled_out = tlv::sequence(&[&tlv::integer(&[1]), &tlv::sequence(&[&named])]);
    assert_eq!(with_parameters(&spelled_out).unwrap_err(), CertificateError::BadKey);
    assert_eq!(with_parameters(&[5, 0]).unwrap_err(), CertificateError::BadKey);
    assert_eq!(with_parameters(&[]).unwrap_err(), CertificateError::Malformed);
}
