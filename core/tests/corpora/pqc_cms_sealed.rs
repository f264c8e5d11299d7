//! Messages sealed with ML-KEM, from the hackathon of the IETF on post-quantum certificates.
//! Expected is the folder's `expected_plaintext.txt`.

use std::path::PathBuf;

use counterseal_core::cms::OpenError;
use counterseal_core::keys::Keyring;
use counterseal_core::ports::SecretKeys;

use super::seals::{keyring, open};

fn folder() -> Option<PathBuf> {
    super::folder("pqc-cms").map(|folder| folder.join("carl-redhound"))
}

fn sealed_messages(prefix: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let mut messages = Vec::new();
    for entry in std::fs::read_dir(folder()?).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with(prefix) && name.contains("_kemri_") {
            messages.push((name, std::fs::read(path).unwrap()));
        }
    }
    Some(messages)
}

#[test]
fn ml_kem_of_every_size_opens_with_and_without_keying_material_and_authentication() {
    let Some(folder) = folder() else { return };
    let expected = std::fs::read(folder.join("expected_plaintext.txt")).unwrap();
    for (size, oid) in [("512", 1), ("768", 2), ("1024", 3)] {
        let name = format!("mlkem{size}-2.16.840.1.101.3.4.4.{oid}");
        let messages = sealed_messages(&name).unwrap();
        assert_eq!(messages.len(), 4, "{name}");
        for form in ["seed", "expandedkey", "both"] {
            let key = folder.join(format!("{name}_{form}_priv.der"));
            let ring = keyring(&[&key, &folder.join(format!("{name}_ee.der"))]);
            for (message_name, message) in &messages {
                let (opened, content) = open(message, &ring).unwrap();
                assert_eq!(content, expected, "{message_name} with {form}");
                assert_eq!(opened.integrity, message_name.contains("_auth_"));
                let algorithm = &opened.recipients[0].algorithm;
                assert!(algorithm.starts_with(&format!("ml-kem-{size} hkdf-sha-256 ")), "{algorithm}");
            }
        }
    }
}

#[test]
fn what_is_encapsulated_is_the_secret_that_they_say() {
    let Some(folder) = folder() else { return };
    for (size, oid) in [("512", 1), ("768", 2), ("1024", 3)] {
        let name = format!("mlkem{size}-2.16.840.1.101.3.4.4.{oid}");
        let read = |suffix: &str| std::fs::read(folder.join(format!("{name}_{suffix}"))).unwrap();
        let ring = keyring(&[&folder.join(format!("{name}_seed_priv.der"))]);
        let key = ring.held()[0].fingerprint;
        let shared = ring.decapsulate(&key, &read("ciphertext.bin")).unwrap();
        assert_eq!(shared.expose(), read("ss.bin"));
    }
}

#[test]
fn composite_mechanisms_are_no_recipients_of_ours() {
    // draft-ietf-lamps-pq-composite-kem is no standard yet.
    let Some(messages) = sealed_messages("id-MLKEM") else { return };
    assert!(messages.len() >= 40);
    for (name, message) in messages {
        match open(&message, &Keyring::new()) {
            Err(OpenError::NotForUs { recipients }) => assert_eq!(recipients.len(), 1, "{name}"),
            outcome => panic!("{name}: {outcome:?}"),
        }
    }
}
