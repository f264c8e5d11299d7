#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::super::tlv::{self, tag};
use super::*;
use crate::testing::SystemRandom;

/// The RSAPrivateKey inside of a PKCS#8, as its nine numbers.
fn rsa_numbers(key: &SecretKey) -> Vec<Vec<u8>> {
    let pkcs8 = key.to_pkcs8_der();
    let mut fields = tlv::Elements::new(tlv::only(pkcs8.expose(), tag::SEQUENCE).unwrap());
    fields.any().unwrap();
    fields.any().unwrap();
    let inner = fields.any().unwrap().content;
    let mut numbers = tlv::Elements::new(tlv::only(inner, tag::SEQUENCE).unwrap());
    std::iter::from_fn(|| numbers.any().map(|number| number.whole.to_vec())).collect()
}

#[test]
fn every_kind_of_key_reads_back_and_does_not_print() {
    for kind in KeyKind::ALL.into_iter().filter(|kind| !matches!(kind, KeyKind::Rsa3072 | KeyKind::Rsa4096)) {
        let key = SecretKey::generate(kind, &mut SystemRandom).unwrap();
        let again = SecretKey::from_any(key.to_pkcs8_pem().expose(), None).unwrap();
        assert_eq!(again.fingerprint(), key.fingerprint());
        assert_eq!(again.to_pkcs8_der().expose(), key.to_pkcs8_der().expose());
        assert_eq!(KeyKind::from_name(&key.algorithm().name()), Some(kind));
        assert_eq!(format!("{key:?}"), "SecretKey(..)");
    }
}

/// Which number was changed does not matter: the key must not be taken, or it could be made to
/// leak its primes by a wrong result.
#[test]
fn an_rsa_key_that_contradicts_itself_is_refused() {
    let key = SecretKey::generate(KeyKind::Rsa2048, &mut SystemRandom).unwrap();
    let numbers = rsa_numbers(&key);
    assert_eq!(numbers.len(), 9);
    assert!(SecretKey::from_any(&tlv::encode(tag::SEQUENCE, &numbers.concat()), None).is_ok());
    for position in 1..9 {
        let mut changed = numbers.clone();
        // The last octet but one: odd numbers stay odd.
        let place = changed[position].len() - 2;
        changed[position][place] ^= 1;
        let read = SecretKey::from_any(&tlv::encode(tag::SEQUENCE, &changed.concat()), None);
        assert!(read.is_err(), "number {position}");
    }
}

#[test]
fn a_public_key_that_is_not_the_right_one_is_refused() {
    let key = SecretKey::generate(KeyKind::P256, &mut SystemRandom).unwrap();
    let other = SecretKey::generate(KeyKind::P256, &mut SystemRandom).unwrap();
    let point = key.public_key().raw().unwrap();
    let mut der = key.to_pkcs8_der().expose().to_vec();
    let start = der.windows(point.len()).position(|window| window == point).unwrap();
    der[start..start + point.len()].copy_from_slice(other.public_key().raw().unwrap());
    assert_eq!(SecretKey::from_pkcs8_der(&der).unwrap_err(), SecretKeyError::BadKey);
}

#[test]
fn scalars_out_of_range_are_refused() {
    for scalar in [vec![0; 32], vec![0xff; 32], vec![1; 33]] {
        let scalar = tlv::encode(tag::OCTET_STRING, &scalar);
        let curve = tlv::encode(tag::constructed(0), &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]);
        let sec1 = tlv::sequence(&[&tlv::integer(&[1]), &scalar, &curve]);
        assert_eq!(SecretKey::from_any(&sec1, None).unwrap_err(), SecretKeyError::BadKey);
    }
}

#[test]
fn no_truncation_is_a_key_and_none_panics() {
    for kind in [KeyKind::Rsa2048, KeyKind::P521, KeyKind::Ed25519, KeyKind::MlKem768, KeyKind::MlDsa65] {
        let key = SecretKey::generate(kind, &mut SystemRandom).unwrap();
        let der = key.to_pkcs8_der();
        for length in 0..der.len() {
            assert!(SecretKey::from_any(&der.expose()[..length], None).is_err());
        }
    }
}

/// RSAPrivateKey of a PKCS#8.
fn pkcs1_of(key: &SecretKey) -> Vec<u8> {
    tlv::sequence(&rsa_numbers(key).iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// With aws-lc-rs and without it: a bad ciphertext always gives the same secret, of the length that
/// was asked for, and another one another.
#[test]
fn a_badly_padded_rsa_message_gives_the_same_secret_every_time() {
    for bits in [1024, 1031, 2048] {
        let key = generate::rsa(bits, &mut SystemRandom).unwrap();
        let again = SecretKey::from_pkcs8_der(key.to_pkcs8_der().expose()).unwrap();
        let portable = RsaSecret::read(&pkcs1_of(&key)).unwrap().0.portable_only();
        let message = SecretBytes::new(vec![5; 24]);
        let good = key.public_key().encrypt_rsa_pkcs1(&mut SystemRandom, &message).unwrap();
        let opened = key.decrypt_rsa_pkcs1(&good, 24).unwrap();
        assert_eq!(opened.secret.expose(), message.expose());
        assert_eq!(portable.decrypt_pkcs1(&good, 24).unwrap().secret.expose(), message.expose());

        let mut changed = good.clone();
        changed[bits / 16] ^= 1;
        let beyond = vec![0xff; good.len()];
        let mut secrets = vec![opened.rejection.expose().to_vec()];
        // Changed; too short, too long, not below the modulus; of another length of message.
        for (ciphertext, length) in [
            (&changed[..], 24),
            (&good[1..], 24),
            (&[], 24),
            (&[&good[..], &[0]].concat(), 24),
            (&beyond, 24),
            (&good, 16),
            (&good, 32),
        ] {
            let secret = key.decrypt_rsa_pkcs1(ciphertext, length).unwrap().secret;
            assert_eq!(secret.len(), length);
            for _ in 0..3 {
                assert_eq!(
                    again.decrypt_rsa_pkcs1(ciphertext, length).unwrap().secret.expose(),
                    secret.expose()
                );
                assert_eq!(
                    portable.decrypt_pkcs1(ciphertext, length).unwrap().secret.expose(),
                    secret.expose()
                );
            }
            assert!(!secrets.iter().any(|other| other.as_slice() == secret.expose()), "{bits} {length}");
            secrets.push(secret.expose().to_vec());
        }
        assert_eq!(key.decrypt_rsa_pkcs1(&good, good.len() + 1).unwrap_err(), KeyError::Unsuitable);
    }
}

#[test]
fn a_key_is_made_from_its_bare_secret() {
    for (kind, bytes) in [
        (KeyKind::P256, 32),
        (KeyKind::P384, 48),
        (KeyKind::X25519, 32),
        (KeyKind::Ed25519, 32),
        (KeyKind::MlKem768, 64),
        (KeyKind::MlDsa65, 32),
    ] {
        let secret = SecretBytes::new(vec![7; bytes]);
        let key = SecretKey::from_secret(kind, &secret).unwrap();
        assert_eq!(key.algorithm(), kind.algorithm());
        let again = SecretKey::from_pkcs8_der(key.to_pkcs8_der().expose()).unwrap();
        assert_eq!(again.fingerprint(), key.fingerprint());
    }
    for (kind, bytes) in
        [(KeyKind::P256, vec![0; 32]), (KeyKind::P256, vec![0xff; 32]), (KeyKind::Rsa2048, vec![7; 32])]
    {
        assert_eq!(
            SecretKey::from_secret(kind, &SecretBytes::new(bytes)).err(),
            Some(SecretKeyError::BadKey)
        );
    }
    assert!(SecretKey::from_secret(KeyKind::MlKem768, &SecretBytes::new(vec![7; 63])).is_err());
}
