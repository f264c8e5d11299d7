//! OpenSSL's own test material for SignedData. Its test `80-test_cms.t` wants the four files with
//! wrong attributes refused; for the others stands what OpenSSL answers.

use std::io::{Cursor, Read as _};

use counterseal_core::cms::read_signed;
use counterseal_core::mail::{Wrapping, cms_part};

use super::signatures::{read, words};

const ATTRIBUTES: [(&str, &str); 4] = [
    ("bad_signtime_attr.cms", "unsigned-attribute"),
    ("no_ct_attr.cms", "no-content-type"),
    ("no_md_attr.cms", "no-message-digest"),
    ("ct_multiple_attr.cms", "duplicate-attribute"),
];

#[test]
fn wrong_attributes_are_refused() {
    let Some(folder) = super::folder("openssl-cms") else { return };
    for (name, expected) in ATTRIBUTES {
        let object = std::fs::read(folder.join("test/recipes/80-test_cms_data").join(name)).unwrap();
        assert_eq!(words(&read(&object, None, &[]).0), [expected], "{name}");
    }
}

#[test]
fn a_digest_that_nobody_knows_is_refused() {
    let Some(folder) = super::folder("openssl-cms") else { return };
    let object = std::fs::read(folder.join("test/recipes/80-test_cms_data/pkcs7-md4.pem")).unwrap();
    let (signed, content) = read(&object, None, &[]);
    assert_eq!(content, b"Test content\r\n");
    assert!(words(&signed).iter().all(|word| ["unknown-algorithm", "no-signed-attributes"].contains(word)));
    assert_eq!(words(&signed).len(), 1);
}

#[test]
fn what_is_malformed_is_refused() {
    let Some(folder) = super::folder("openssl-cms") else { return };
    let file = |name: &str| std::fs::read(folder.join("test").join(name)).unwrap();
    assert_eq!(words(&read(&file("recipes/25-test_pkcs7_data/malformed.pkcs7"), None, &[]).0), ["malformed"]);
    assert_eq!(words(&read(&file("d2i-tests/bad-cms.der"), None, &[]).0), ["other-content"]);
}

/// Mails, and what their signatures are.
const MAILS: [(&str, &str); 2] = [
    // The mail that made PKCS7_verify use freed memory (CVE-2026-45447). OpenSSL refuses it for its
    // empty digestAlgorithms, which RFC 5652, section 5.1, leaves open; the signature itself holds.
    ("pkcs7-empty-digest-set.eml", "good"),
    // Its path is wrong, which is not the signature's business.
    ("SignedInvalidMappingFromanyPolicyTest7.eml", "good"),
];

#[test]
fn signed_mails_are_read() {
    let Some(folder) = super::folder("openssl-cms") else { return };
    for (name, expected) in MAILS {
        let mail = std::fs::read(folder.join("test/smime-eml").join(name)).unwrap();
        let mut source = Cursor::new(&mail);
        let Wrapping::Signed(parts) = cms_part(&mut source).unwrap().wrapping else { panic!("{name}") };
        let mut content = Vec::new();
        parts.open(&mut source).unwrap().read_to_end(&mut content).unwrap();
        let signed = read_signed(
            &mut Cursor::new(&parts.signature),
            Some(&mut Cursor::new(&content)),
            &[],
            &mut std::io::sink(),
        );
        assert_eq!(words(&signed), [expected], "{name}");
    }
}
