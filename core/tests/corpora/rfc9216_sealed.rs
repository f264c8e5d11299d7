//! The people of RFC 9216, who have RSA and X25519 encryption keys: no program but a few writes
//! the latter, so both directions are ours here.

use counterseal_core::algorithm::{ContentEncryption, KeyAlgorithm};

use super::seals::{certificate, keyring, open, recipient, seal};

#[test]
fn everyone_opens_what_is_sealed_for_them_and_nothing_else() {
    let Some(folder) = super::folder("rfc9216") else { return };
    let people = [("4", "Alice"), ("5", "Bob"), ("7", "Carlos"), ("8", "Dana")];
    let mut recipients = Vec::new();
    let mut rings = Vec::new();
    for (section, name) in people {
        let file = |rest: &str| folder.join(format!("extracted/{section}-{rest}"));
        let certificate = certificate(&file(&format!("3-{name}-s-Encryption-End-Entity-Certificate.crt")));
        let is_curve = matches!(name, "Carlos" | "Dana");
        assert_eq!(certificate.public_key().algorithm() == KeyAlgorithm::X25519, is_curve);
        rings.push(keyring(&[&file(&format!("4-{name}-s-Decryption-Private-Key-Material.key"))]));
        rings.last_mut().unwrap().add_certificate(certificate.clone());
        recipients.push(recipient(&certificate));
    }
    for cipher in [ContentEncryption::Aes256Cbc, ContentEncryption::Aes256Gcm] {
        for (index, recipient) in recipients.iter().enumerate() {
            let message = seal(b"hello", std::slice::from_ref(recipient), cipher);
            for (other, ring) in rings.iter().enumerate() {
                let outcome = open(&message, ring);
                assert_eq!(outcome.is_ok_and(|(_, content)| content == b"hello"), index == other);
            }
        }
        let message = seal(b"hello", &recipients, cipher);
        assert!(rings.iter().all(|ring| open(&message, ring).is_ok()));
    }
}
