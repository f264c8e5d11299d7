//! The signed examples of RFC 4134, section 4, with what the RFC says of each.

use counterseal_core::mail::{Wrapping, cms_part};

use super::signatures::{read, words};

/// RFC 4134 signs with SHA-1, and mostly with DSA and without attributes: all of that was fine in
/// 2005, and nothing of it is good today.
const OBJECTS: [(&str, &[&str]); 8] = [
    ("4.1.bin", &["no-signed-attributes"]),
    ("4.2.bin", &["no-signed-attributes"]),
    ("4.4.bin", &["weak-dsa"]),
    ("4.5.bin", &["no-signed-attributes"]),
    ("4.6.bin", &["no-signed-attributes", "no-signed-attributes"]),
    ("4.7.bin", &["no-signed-attributes"]),
    ("4.10.bin", &["weak-dsa"]),
    ("4.11.bin", &[]),
];

#[test]
fn every_signed_object_has_its_content_and_its_signers() {
    let Some(folder) = super::folder("rfc4134") else { return };
    let file = |name: &str| std::fs::read(folder.join("rfc4134").join(name)).unwrap();
    let example = file("ExContent.bin");
    for (name, expected) in OBJECTS {
        let (signed, content) = read(&file(name), None, &[]);
        assert_eq!(words(&signed), expected, "{name}");
        let has_content = name != "4.11.bin";
        assert_eq!(content, if has_content { example.as_slice() } else { &[] }, "{name}");
    }
}

#[test]
fn the_fancier_example_brings_its_chain_its_list_and_its_time() {
    let Some(folder) = super::folder("rfc4134") else { return };
    let object = std::fs::read(folder.join("rfc4134/4.4.bin")).unwrap();
    let signed = read(&object, None, &[]).0.unwrap();
    // Alice's two certificates and Carl's; Carl's list; 14 May 2003, 15:39.
    assert_eq!((signed.certificates.len(), signed.revocation_lists.len()), (3, 1));
    let time = signed.signers[0].signing_time.unwrap();
    assert_eq!(time.to_rfc3339(), "2003-05-14T15:39:00Z");
}

#[test]
fn a_detached_content_is_the_one_that_was_signed_or_not() {
    let Some(folder) = super::folder("rfc4134") else { return };
    let file = |name: &str| std::fs::read(folder.join("rfc4134").join(name)).unwrap();
    let example = file("ExContent.bin");
    assert_eq!(words(&read(&file("4.3.bin"), Some(&example), &[]).0), ["no-signed-attributes"]);
    assert_eq!(words(&read(&file("4.3.bin"), None, &[]).0), ["content-missing"]);
}

#[test]
fn the_mails_wrap_such_objects() {
    let Some(folder) = super::folder("rfc4134") else { return };
    for (name, is_multipart) in [("4.8.eml", true), ("4.9.eml", false)] {
        let mail = std::fs::read(folder.join("rfc4134").join(name)).unwrap();
        let part = cms_part(&mut std::io::Cursor::new(&mail)).unwrap();
        assert_eq!(matches!(part.wrapping, Wrapping::Signed(_)), is_multipart, "{name}");
        assert_eq!(matches!(part.wrapping, Wrapping::Cms(_)), !is_multipart, "{name}");
    }
}

#[test]
fn what_is_not_signed_is_named() {
    let Some(folder) = super::folder("rfc4134") else { return };
    for name in ["3.1.bin", "5.1.bin", "6.0.bin", "7.1.bin"] {
        let object = std::fs::read(folder.join("rfc4134").join(name)).unwrap();
        assert_eq!(words(&read(&object, None, &[]).0), ["other-content"], "{name}");
    }
}
