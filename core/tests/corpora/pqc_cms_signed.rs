//! SignedData of the post-quantum algorithms: OpenSSL 3.5's from the hackathon of the IETF, and the
//! examples of RFC 9882 as Bouncy Castle keeps them.

use super::signatures::{certificate, read, words};

#[test]
fn ml_dsa_of_openssl_is_good() {
    let Some(folder) = super::folder("pqc-cms") else { return };
    let expected = std::fs::read(folder.join("ossl35/expected_plaintext.txt")).unwrap();
    for name in [
        "ml-dsa-44-2.16.840.1.101.3.4.3.17",
        "ml-dsa-65-2.16.840.1.101.3.4.3.18",
        "ml-dsa-87-2.16.840.1.101.3.4.3.19",
    ] {
        let object = std::fs::read(folder.join(format!("ossl35/{name}_signed_attrs.der"))).unwrap();
        let (signed, content) = read(&object, None, &[]);
        assert_eq!(words(&signed), ["good"], "{name}");
        assert_eq!(content, expected, "{name}");
    }
}

#[test]
fn slh_dsa_is_named_as_unknown() {
    let Some(folder) = super::folder("pqc-cms") else { return };
    let mut count = 0;
    for entry in std::fs::read_dir(folder.join("ossl35")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("slh-dsa-") {
            let object = std::fs::read(&path).unwrap();
            assert_eq!(words(&read(&object, None, &[]).0), ["unknown-algorithm"], "{}", path.display());
            count += 1;
        }
    }
    assert_eq!(count, 12);
}

#[test]
fn ml_dsa_of_the_standard_is_good() {
    let Some(folder) = super::folder("bc-pqc-cms") else { return };
    let file = |name: String| std::fs::read(folder.join("pkix").join(name)).unwrap();
    for set in ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"] {
        let signer = certificate(&file(format!("cert/mldsa/{set}.pem")));
        let object = file(format!("cms/mldsa/SignedData_{set}.pem"));
        let (signed, content) = read(&object, None, &[signer]);
        assert_eq!(words(&signed), ["good"], "{set}");
        assert!(content.starts_with(set.as_bytes()), "{set}");
        assert_eq!(words(&read(&object, None, &[]).0), ["certificate-missing"], "{set}");
    }
}
