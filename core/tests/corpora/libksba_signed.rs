//! libksba's samples. Its README says what each is; the words are OpenSSL's answers. The contents
//! of two detached signatures are not part of the samples.

use super::signatures::{read, words};

#[test]
fn the_signed_samples_are_read() {
    let Some(folder) = super::folder("libksba-samples") else { return };
    let file = |name: &str| std::fs::read(folder.join("tests").join(name)).unwrap();
    let (signed, content) = read(&file("samples/rsa-sample1.p7s"), None, &[]);
    assert_eq!(words(&signed), ["good"]);
    assert!(content.starts_with(b"Far back in the mists of ancient time"));
    // Its signer's certificate is not inside.
    let (signed, content) = read(&file("samples/detached-sig.cms"), None, &[]);
    assert_eq!(words(&signed), ["certificate-missing"]);
    assert_eq!(content, b"hallo\n");
}

#[test]
fn a_signature_without_its_content_is_not_good() {
    let Some(folder) = super::folder("libksba-samples") else { return };
    for (name, certificates) in
        [("samples/ecdsa-sample1.p7s", 1), ("extra/dsig-with-id-aa-encrypKeyPref-1.cms", 3)]
    {
        let object = std::fs::read(folder.join("tests").join(name)).unwrap();
        assert_eq!(words(&read(&object, None, &[]).0), ["content-missing"], "{name}");
        let signed = read(&object, Some(b"something else"), &[]).0;
        assert_eq!(words(&signed), ["content-changed"], "{name}");
        assert_eq!(signed.unwrap().certificates.len(), certificates, "{name}");
    }
}

#[test]
fn a_sample_that_is_encrypted_is_not_signed() {
    let Some(folder) = super::folder("libksba-samples") else { return };
    for name in ["samples/rsa-sample1.p7m", "samples/ecdh-sample1.p7m"] {
        let object = std::fs::read(folder.join("tests").join(name)).unwrap();
        assert_eq!(words(&read(&object, None, &[]).0), ["other-content"], "{name}");
    }
}
