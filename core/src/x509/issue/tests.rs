#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::keys::Keyring;
use crate::testing::SystemRandom;
use crate::x509::revocation::{Revocation, RevocationReason};
use crate::x509::{KeyKind, SecretKey, UsageError};

fn validity() -> Validity {
    let start = Time::from_unix_seconds(1_795_262_400);
    Validity { not_before: start, not_after: start.plus_days(365) }
}

fn addresses() -> Vec<EmailAddress> {
    ["alice@example.org", "älice@example.org"].iter().map(|text| EmailAddress::parse(text).unwrap()).collect()
}

fn key(kind: KeyKind) -> SecretKey {
    SecretKey::generate(kind, &mut SystemRandom).unwrap()
}

fn authority() -> (Keyring, Certificate) {
    let key = key(KeyKind::P256);
    let addresses = addresses();
    let subject = Subject { name: "Alice", addresses: &addresses, public_key: key.public_key() };
    let keys = Keyring::from(key.clone());
    let certificate = personal_ca(&keys, &subject, validity(), &mut SystemRandom).unwrap();
    (keys, certificate)
}

#[test]
fn a_personal_ca_is_what_it_should_be() {
    let (_, certificate) = authority();
    assert!(certificate.is_certificate_authority());
    assert_eq!(certificate.path_length(), Some(0));
    assert!(certificate.is_self_issued());
    assert_eq!(certificate.is_signed_by(certificate.public_key()), Ok(()));
    assert_eq!(certificate.key_usage().unwrap().names(), ["keyCertSign", "cRLSign"]);
    assert!(certificate.unknown_critical_extensions().is_empty());
    let (critical, _) =
        certificate.extension(super::super::certificate::extension::NAME_CONSTRAINTS).unwrap();
    assert!(!critical);
    assert_eq!(certificate.serial_number().len(), SERIAL_NUMBER_BYTES);
    assert!(certificate.subject().starts_with("CN=Alice,OU=personal CA M"));
}

#[test]
fn leaves_of_every_kind_are_signed_by_it_and_name_the_addresses() {
    let (keys, authority) = authority();
    let issuer = Issuer { certificate: &authority, keys: &keys };
    let addresses = addresses();
    // RSA takes long to make; one size stands for all.
    for kind in KeyKind::ALL.into_iter().filter(|kind| !matches!(kind, KeyKind::Rsa3072 | KeyKind::Rsa4096)) {
        let key = key(kind);
        let subject = Subject { name: "Alice", addresses: &addresses, public_key: key.public_key() };
        let encryption = encryption_certificate(&issuer, &subject, validity(), None, &mut SystemRandom);
        let signing = signing_certificate(&issuer, &subject, validity(), &mut SystemRandom);
        if let Ok(certificate) = &encryption {
            assert_eq!(certificate.may_receive_encrypted_mail(), Ok(()));
            assert!(certificate.may_sign_mail().is_err());
        }
        if let Ok(certificate) = &signing {
            assert_eq!(certificate.may_sign_mail(), Ok(()));
            assert!(certificate.may_receive_encrypted_mail().is_err());
        }
        assert!(encryption.is_ok() || signing.is_ok(), "{kind:?}");
        for certificate in [encryption, signing].into_iter().flatten() {
            assert_eq!(certificate.is_signed_by(authority.public_key()), Ok(()));
            assert_eq!(certificate.addresses(), addresses);
            assert_eq!(certificate.authority_key_identifier(), authority.subject_key_identifier());
            assert_eq!(
                (certificate.not_before(), certificate.not_after()),
                (validity().not_before, validity().not_after)
            );
            assert!(!certificate.is_certificate_authority());
        }
    }
}

#[test]
fn a_leaf_issues_nothing() {
    let (keys, authority) = authority();
    let leaf_key = key(KeyKind::P256);
    let addresses = addresses();
    let subject = Subject { name: "Alice", addresses: &addresses, public_key: leaf_key.public_key() };
    let issuer = Issuer { certificate: &authority, keys: &keys };
    let leaf = signing_certificate(&issuer, &subject, validity(), &mut SystemRandom).unwrap();
    let issuer = Issuer { certificate: &leaf, keys: &Keyring::from(leaf_key.clone()) };
    let refused = signing_certificate(&issuer, &subject, validity(), &mut SystemRandom);
    assert_eq!(refused.unwrap_err(), IssueError::NotAnAuthority);
}

#[test]
fn a_self_signed_certificate_signs_and_encrypts_and_is_no_authority() {
    let key = key(KeyKind::P384);
    let addresses = addresses();
    let subject = Subject { name: "Alice", addresses: &addresses, public_key: key.public_key() };
    let capabilities = [0x30, 0];
    let keys = Keyring::from(key.clone());
    let certificate =
        self_signed(&keys, &subject, validity(), Some(&capabilities), &mut SystemRandom).unwrap();
    assert_eq!(certificate.may_sign_mail(), Ok(()));
    assert_eq!(certificate.may_receive_encrypted_mail(), Ok(()));
    assert!(!certificate.is_certificate_authority());
    assert_eq!(certificate.capabilities(), Some(&capabilities[..]));
}

#[test]
fn what_cannot_be_issued_is_refused() {
    let key = key(KeyKind::X25519);
    let keys = Keyring::from(key.clone());
    let none = Subject { name: "Alice", addresses: &[], public_key: key.public_key() };
    let refused = self_signed(&keys, &none, validity(), None, &mut SystemRandom);
    assert_eq!(refused.unwrap_err(), IssueError::Addresses);
    let addresses = addresses();
    let subject = Subject { addresses: &addresses, ..none };
    let refused = self_signed(&keys, &subject, validity(), None, &mut SystemRandom);
    assert_eq!(refused.unwrap_err(), IssueError::UnsuitableKey(KeyAlgorithm::X25519));
    let backwards = Validity { not_before: validity().not_after, not_after: validity().not_before };
    let refused = personal_ca(&keys, &subject, backwards, &mut SystemRandom);
    assert!(refused.is_err());
}

#[test]
fn a_changed_certificate_is_not_signed() {
    let (_, certificate) = authority();
    let der = certificate.as_der();
    for position in 0..der.len() {
        let mut changed = der.to_vec();
        changed[position] ^= 1;
        let holds = Certificate::from_der(&changed)
            .is_ok_and(|changed| changed.is_signed_by(certificate.public_key()).is_ok());
        assert!(!holds, "byte {position}");
    }
}

#[test]
fn dates_from_2050_on_have_four_digits() {
    let moment = Time::from_civil(2050, 1, 1, 0, 0, 0).unwrap();
    assert_eq!(time(moment).unwrap()[2..], *b"20500101000000Z");
    assert_eq!(time(moment.plus_seconds(-1)).unwrap()[2..], *b"491231235959Z");
}

#[test]
fn usage_errors_say_what_was_found() {
    let (_, certificate) = authority();
    assert_eq!(certificate.may_sign_mail(), Err(UsageError::KeyUsage(vec!["keyCertSign", "cRLSign"])));
}

#[test]
fn a_list_of_what_was_revoked_reads_back() {
    let (keys, authority) = authority();
    let issuer = Issuer { certificate: &authority, keys: &keys };
    let addresses = addresses();
    let leaf = |revoked: &mut Vec<(Vec<u8>, Revocation)>, reason| {
        let key = key(KeyKind::P256);
        let subject = Subject { name: "Alice", addresses: &addresses, public_key: key.public_key() };
        let leaf = signing_certificate(&issuer, &subject, validity(), &mut SystemRandom).unwrap();
        let when = validity().not_before.plus_days(7);
        revoked.push((leaf.serial_number().to_vec(), Revocation { when, reason }));
        leaf
    };
    let (mut revoked, mut other) = (Vec::new(), Vec::new());
    let stolen = leaf(&mut revoked, RevocationReason::KeyCompromise);
    let unsaid = leaf(&mut revoked, RevocationReason::Unspecified);
    let good = leaf(&mut other, RevocationReason::Superseded);
    let now = validity().not_before.plus_days(8);
    let list = revocation_list(&issuer, &revoked, now, now.plus_days(100)).unwrap();
    assert_eq!(list.entry(&stolen), Some(revoked[0].1));
    assert_eq!(list.entry(&unsaid), Some(revoked[1].1));
    assert_eq!(list.entry(&good), None);
    assert_eq!(
        (list.this_update(), list.next_update(), list.unusable()),
        (now, Some(now.plus_days(100)), None)
    );
    let of_nothing = revocation_list(&issuer, &[], now, now.plus_days(1)).unwrap();
    assert_eq!(of_nothing.entry(&stolen), None);
}

#[test]
fn the_certificates_of_a_device_are_for_devices_alone() {
    let [signing, agreement, encapsulation] = [KeyKind::P256, KeyKind::P256, KeyKind::MlKem768].map(key);
    let keys = Keyring::from(signing.clone());
    for (key, usage) in
        [(&signing, "digitalSignature"), (&agreement, "keyAgreement"), (&encapsulation, "keyEncipherment")]
    {
        let issued = device_certificate(
            &keys,
            signing.public_key(),
            "thinkpad-7",
            key.public_key(),
            validity(),
            &mut SystemRandom,
        );
        let certificate = issued.unwrap();
        assert_eq!(certificate.is_signed_by(signing.public_key()), Ok(()));
        assert_eq!(certificate.key_usage().unwrap().names(), [usage]);
        assert_eq!(certificate.common_name().as_deref(), Some("thinkpad-7"));
        assert_eq!(
            certificate.extended_key_usage().unwrap().purposes(),
            ["2.25.141656435858741282469383383261167732817.2"]
        );
        assert!(certificate.may_sign_mail().is_err() && certificate.may_receive_encrypted_mail().is_err());
        assert!(certificate.addresses().is_empty() && certificate.unknown_critical_extensions().is_empty());
    }
}

#[test]
fn a_personal_ca_certifies_the_addresses_of_its_person_alone() {
    let address = |text: &str| EmailAddress::parse(text).unwrap();
    let key = key(KeyKind::P256);
    let (alice, bob) = (address("alice@example.org"), address("bob@example.org"));
    let subject =
        Subject { name: "Alice", addresses: std::slice::from_ref(&alice), public_key: key.public_key() };
    let authority =
        personal_ca(&Keyring::from(key.clone()), &subject, validity(), &mut SystemRandom).unwrap();
    assert!(may_certify(&authority, std::slice::from_ref(&alice)));
    assert!(!may_certify(&authority, &[alice, bob]));
    assert!(!may_certify(&authority, &addresses()));
    // Where one address cannot be written as a constraint, its host is.
    let (_, of_a_host) = self::authority();
    assert!(may_certify(&of_a_host, &addresses()));
    assert!(!may_certify(&of_a_host, &[address("bob@example.net")]));
}
