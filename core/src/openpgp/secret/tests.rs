#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use sequoia_openpgp::cert::{CertBuilder, CipherSuite};
use sequoia_openpgp::crypto::Password;
use sequoia_openpgp::serialize::SerializeInto;
use sequoia_openpgp::types::ReasonForRevocation;

use super::*;
use crate::address::EmailAddress;
use crate::fingerprint::Fingerprint;
use crate::keys::Keyring;
use crate::openpgp::{SignedStatement, Statement, StatementKind};
use crate::testing::NOW;

const SUITES: [CipherSuite; 5] =
    [CipherSuite::P256, CipherSuite::P384, CipherSuite::P521, CipherSuite::Cv25519, CipherSuite::RSA2k];

fn builder(suite: CipherSuite) -> CertBuilder<'static> {
    CertBuilder::new()
        .set_cipher_suite(suite)
        .set_creation_time(system_time(NOW.plus_days(-100)))
        .add_userid("Alice <alice@example.org>")
        .add_signing_subkey()
        .add_transport_encryption_subkey()
}

fn file(suite: CipherSuite, passphrase: Option<&str>) -> Vec<u8> {
    let (cert, _) = builder(suite).set_password(passphrase.map(Password::from)).generate().unwrap();
    SerializeInto::to_vec(&cert.as_tsk()).unwrap()
}

fn secret(text: &str) -> SecretBytes {
    SecretBytes::new(text.as_bytes().to_vec())
}

fn signing(read: &SecretCertificate) -> &SecretPart {
    read.parts().find(|part| part.purpose.signs).unwrap()
}

#[test]
fn every_kind_of_key_comes_out_and_signs_a_link() {
    for suite in SUITES {
        let file = file(suite, Some("x"));
        let read = SecretCertificate::read(&file, NOW).unwrap();
        assert_eq!(read.user_ids(), ["Alice <alice@example.org>"]);
        let part = signing(&read);
        assert_eq!((part.validity, part.secret), (Validity::Good, SecretState::Protected));
        assert_eq!(part.fits_smime, suite != CipherSuite::Cv25519, "{part:?}");
        assert_eq!(read.unlock(&part.fingerprint, None).unwrap_err(), SecretKeyError::PassphraseNeeded);
        let wrong = read.unlock(&part.fingerprint, Some(&secret("y"))).unwrap_err();
        assert_eq!(wrong, SecretKeyError::WrongPassphrase);
        let key = read.unlock(&part.fingerprint, Some(&secret("x"))).unwrap();

        let subject = EmailAddress::parse("alice@example.org").unwrap();
        let other = Fingerprint::of_public_key(b"her key");
        let statement = Statement::new(StatementKind::Link, subject, &other, NOW);
        let body = read.packet_body(&part.fingerprint).unwrap();
        let signed = statement.clear_sign(&Keyring::from(key.clone()), key.public_key(), &body).unwrap();
        let again = SignedStatement::read(signed.as_bytes(), &[read.public_packets()], &[]).unwrap();
        assert_eq!(again.statement, statement, "{suite:?}");
        assert!(statement.clear_sign(&Keyring::from(key.clone()), key.public_key(), &[6; 60]).is_err());

        let encryption = read.parts().find(|part| part.purpose.encrypts).unwrap();
        let taken = read.unlock(&encryption.fingerprint, Some(&secret("x")));
        match suite {
            CipherSuite::Cv25519 => {
                assert!(matches!(taken, Err(SecretKeyError::Unsupported(_))), "{taken:?}");
            }
            _ => assert!(taken.is_ok()),
        }
    }
}

#[test]
fn a_file_that_is_no_single_secret_key_says_what_it_is() {
    let read = |file: &[u8]| SecretCertificate::read(file, NOW).err();
    let (cert, revocation) = builder(CipherSuite::P256).generate().unwrap();
    let whole = SerializeInto::to_vec(&cert.as_tsk()).unwrap();
    assert_eq!(read(&whole), None);
    assert_eq!(read(&SerializeInto::to_vec(&cert.as_tsk().armored()).unwrap()), None);
    assert_eq!(read(&SerializeInto::to_vec(&cert).unwrap()), Some(SecretFileError::PublicOnly));
    let two = [whole.clone(), file(CipherSuite::P256, None)].concat();
    assert_eq!(read(&two), Some(SecretFileError::Several(2)));
    let large = vec![0; limits::OPENPGP_SECRET_KEY_BYTES + 1];
    assert_eq!(read(&large), Some(SecretFileError::TooLarge));
    for nothing in [&b""[..], b"hello", b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n=AAAA\n", &[0xc5, 0xff]] {
        assert_eq!(read(nothing), Some(SecretFileError::Malformed), "{nothing:?}");
    }
    let early = SecretCertificate::read(&whole, NOW.plus_days(-200)).err();
    assert_eq!(early, Some(SecretFileError::NotValid));

    let expires = builder(CipherSuite::P256).set_validity_period(Duration::from_secs(86_400));
    let (expired, _) = expires.generate().unwrap();
    let expired = SerializeInto::to_vec(&expired.as_tsk()).unwrap();
    assert_eq!(read(&expired), Some(SecretFileError::Expired));
    let packet: sequoia_openpgp::Packet = revocation.into();
    let reason = ReasonForRevocation::Unspecified;
    assert!(matches!(&packet, sequoia_openpgp::Packet::Signature(one)
        if one.reason_for_revocation().is_some_and(|(why, _)| why == reason)));
    let revoked = cert.insert_packets(packet).unwrap().0;
    let revoked = SerializeInto::to_vec(&revoked.as_tsk()).unwrap();
    assert_eq!(read(&revoked), Some(SecretFileError::Revoked));
}

/// A packet of the new form, and how the others of a file begin and go on.
fn with_secret(file: &[u8], secret: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let cert = Cert::from_bytes(file).unwrap();
    let mut packets = Vec::new();
    for packet in cert.as_tsk().into_packets() {
        match &packet {
            sequoia_openpgp::Packet::SecretKey(key) => {
                let public = key.clone().take_secret().0.to_vec().unwrap();
                let body = secret(&public);
                packets.extend(crate::openpgp::signing::packet(5, &body));
            }
            other => packets.extend(SerializeInto::to_vec(other).unwrap()),
        }
    }
    packets
}

#[test]
fn what_gnupg_left_out_is_not_taken_for_a_key() {
    let plain = file(CipherSuite::P256, None);
    for (mode, state) in [(1, SecretState::LeftOut), (2, SecretState::OnCard)] {
        let file = with_secret(&plain, |public| [public, &[255, 7, 101, 2], b"GNU", &[mode]].concat());
        let read = SecretCertificate::read(&file, NOW).unwrap();
        let primary = read.parts().next().unwrap();
        assert_eq!(primary.secret, state);
        let refused = read.unlock(&primary.fingerprint, Some(&secret("x"))).unwrap_err();
        assert!(matches!(refused, SecretKeyError::UnsupportedEncryption(_)), "{refused:?}");
    }
}

#[test]
fn the_secret_half_of_another_key_is_refused() {
    let other = Cert::from_bytes(&file(CipherSuite::P256, None)).unwrap();
    let other_key = other.primary_key().key().clone().parts_into_secret().unwrap();
    let public = other.primary_key().key().to_vec().unwrap();
    let half = other_key.to_vec().unwrap()[public.len()..].to_vec();
    let file = with_secret(&file(CipherSuite::P256, None), |public| [public, half.as_slice()].concat());
    let read = SecretCertificate::read(&file, NOW).unwrap();
    let primary = read.parts().next().unwrap();
    assert_eq!(read.unlock(&primary.fingerprint, None).unwrap_err(), SecretKeyError::BadKey);
}

#[test]
fn a_damaged_or_expensive_secret_half_is_refused() {
    let plain = file(CipherSuite::P256, None);
    let of = |protection: &[u8]| {
        let file = with_secret(&plain, |public| [public, protection, &[0; 60]].concat());
        let read = SecretCertificate::read(&file, NOW)?;
        let primary = read.parts().next().unwrap().fingerprint;
        Ok::<_, SecretFileError>(read.unlock(&primary, Some(&secret("x"))).unwrap_err())
    };
    // Iterated as often as the format can say: a fraction of a second.
    let iterated = [&[254, 9, 3, 8][..], &[7; 8], &[255]].concat();
    assert_eq!(of(&iterated), Ok(SecretKeyError::WrongPassphrase));
    // Argon2 over two TiB.
    let memory = [&[253, 9, 2, 4][..], &[7; 16], &[1, 4, 31]].concat();
    assert_eq!(of(&memory), Ok(SecretKeyError::TooExpensive));
    let passes = [&[253, 9, 2, 4][..], &[7; 16], &[255, 4, 10]].concat();
    assert_eq!(of(&passes), Ok(SecretKeyError::TooExpensive));
    let digest = [&[254, 9, 3, 99][..], &[7; 8], &[96]].concat();
    assert!(of(&digest).is_ok_and(|error| error != SecretKeyError::PassphraseNeeded));
    let cipher = [&[254, 99, 3, 8][..], &[7; 8], &[96]].concat();
    assert!(of(&cipher).is_err() || matches!(of(&cipher), Ok(SecretKeyError::UnsupportedEncryption(_))));
    // An open key whose checksum is another one.
    let primary = Cert::from_bytes(&plain).unwrap().primary_key().key().clone();
    let public = primary.to_vec().unwrap();
    let mut half = primary.parts_into_secret().unwrap().to_vec().unwrap()[public.len()..].to_vec();
    *half.last_mut().unwrap() ^= 1;
    let wrong = with_secret(&plain, |public| [public, half.as_slice()].concat());
    assert_eq!(SecretCertificate::read(&wrong, NOW).err(), Some(SecretFileError::Malformed));
}

#[test]
fn a_file_that_ends_anywhere_gives_no_key_that_is_not_in_it() {
    let whole = file(CipherSuite::P256, None);
    let all: Vec<OpenPgpFingerprint> =
        SecretCertificate::read(&whole, NOW).unwrap().parts().map(|part| part.fingerprint).collect();
    for end in 0..whole.len() {
        if let Ok(read) = SecretCertificate::read(&whole[..end], NOW) {
            assert!(read.parts().all(|part| all.contains(&part.fingerprint)));
        }
    }
}
