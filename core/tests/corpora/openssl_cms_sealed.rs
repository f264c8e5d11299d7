//! The encrypted messages of OpenSSL's own tests. Expected is what `80-test_cms.t` and
//! `cmsapitest.c` there say.

use std::path::PathBuf;

use base64ct::{Base64, Encoding};
use counterseal_core::algorithm::{ContentEncryption, DigestAlgorithm};
use counterseal_core::cms::{ContentType, Fault, KeyTransport, OpenError, Recipient, Warning};
use counterseal_core::keys::import;
use counterseal_core::x509::pem;

use super::seals::{certificate, keyring, open, open_with, passphrase, seal};

fn file(name: &str) -> Option<PathBuf> {
    super::folder("openssl-cms").map(|folder| folder.join("test").join(name))
}

#[test]
fn a_message_of_openssl_1_1_1_with_its_triple_des_key_wrap_opens() {
    let Some(message) = file("recipes/80-test_cms_data/ciphertext_from_1_1_1.cms") else { return };
    let mail = std::fs::read_to_string(message).unwrap();
    let (_, body) = mail.split_once("\n\n").unwrap();
    let message = Base64::decode_vec(&body.replace('\n', "")).unwrap();
    let ring = keyring(&[&file("smime-certs/smec3.pem").unwrap()]);
    let (opened, content) = open(&message, &ring).unwrap();
    let expected = "Somewhat longer test content for OpenSSL CMS utility to handle, and a bit longer...";
    assert_eq!(String::from_utf8(content).unwrap(), expected);
    assert_eq!(opened.recipients[0].algorithm, "ecdh-sha-1 3des-wrap");
    assert!(opened.warnings.contains(&Warning::NoIntegrity));
}

#[test]
fn parameters_that_are_missing_crash_nothing() {
    // CVE-2026-28389 and CVE-2026-28390.
    let cases = [("rsa", "smime-certs/smrsa3-key.pem"), ("ecdh", "recipes/80-test_cms_data/ecdh-key.pem")];
    for (name, key) in cases {
        let Some(message) = file(&format!("recipes/80-test_cms_data/{name}-malformed.der")) else { return };
        let ring = keyring(&[&file(key).unwrap()]);
        assert!(open(&std::fs::read(message).unwrap(), &ring).is_err(), "{name}");
    }
    let message = file("recipes/80-test_cms_data/dh-malformed.der").unwrap();
    let ring = counterseal_core::ports::NoSecretKeys;
    let outcome = open(&std::fs::read(message).unwrap(), &ring);
    assert!(matches!(outcome, Err(OpenError::NotForUs { .. })));
}

#[test]
fn a_wrapped_key_that_is_too_short_for_its_passphrase_wrap_is_refused() {
    // CVE-2025-9230.
    let Some(message) = file("recipes/80-test_cmsapi_data/cms_pwri_kek_oob.der") else { return };
    let ring = counterseal_core::ports::NoSecretKeys;
    let outcome = open_with(&std::fs::read(message).unwrap(), &ring, &passphrase(b"password"));
    assert!(outcome.is_err());
}

#[test]
fn a_nonce_that_is_too_long_is_refused() {
    // CVE-2025-15467.
    let Some(message) = file("recipes/80-test_cmsapi_data/encDataWithTooLongIV.pem") else { return };
    let (_, message) = pem::blocks(&std::fs::read(message).unwrap()).remove(0);
    let outcome = open(message.expose(), &counterseal_core::ports::NoSecretKeys);
    assert!(matches!(outcome, Err(OpenError::Unsound(Fault::NonceLength))));
}

#[test]
fn encrypted_data_without_recipients_is_named() {
    let Some(message) = file("recipes/80-test_cmsapi_data/encryptedData.der") else { return };
    let outcome = open(&std::fs::read(message).unwrap(), &counterseal_core::ports::NoSecretKeys);
    assert!(matches!(outcome, Err(OpenError::NotEnveloped { found: ContentType::EncryptedData })));
}

#[test]
fn what_is_sealed_for_their_certificates_opens_with_their_keys() {
    for name in ["smrsa1", "smrsa2", "smrsa3", "smrsa1024", "smec1", "smec3"] {
        let Some(path) = file(&format!("smime-certs/{name}.pem")) else { return };
        let (ring, certificate) = (keyring(&[&path]), certificate(&path));
        let usual = KeyTransport::usual_for(certificate.public_key().algorithm()).unwrap();
        let oaep = KeyTransport::oaep(DigestAlgorithm::Sha256);
        for transport in [usual.clone(), if usual == KeyTransport::Pkcs1 { oaep } else { usual }] {
            let recipient = Recipient::Certificate { certificate: certificate.clone(), transport };
            for cipher in [ContentEncryption::Aes256Cbc, ContentEncryption::Aes256Gcm] {
                let message = seal(b"hello", std::slice::from_ref(&recipient), cipher);
                let (opened, content) = open(&message, &ring).unwrap();
                assert_eq!(content, b"hello");
                assert_eq!(opened.opened_by, Some(certificate.fingerprint()));
                assert!(!opened.warnings.contains(&Warning::KeyNotNamed));
            }
        }
    }
}

#[test]
fn a_key_on_a_curve_that_nobody_uses_is_refused_by_name() {
    let Some(path) = file("smime-certs/smec2.pem") else { return };
    let imported = import(&std::fs::read(path).unwrap(), None);
    assert!(imported.keys.is_empty() && !imported.refused.is_empty());
}
