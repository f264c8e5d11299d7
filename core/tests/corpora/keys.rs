//! Secret keys, certificates and PKCS#12 files of the corpora: each secret key must be the one of
//! its certificate, and what is not ours to use is refused by name.

use std::path::Path;

use counterseal_core::algorithm::KeyAlgorithm;
use counterseal_core::keys::{ImportError, import};
use counterseal_core::secret::SecretBytes;
use counterseal_core::x509::{Certificate, CertificateError, SecretKey, SecretKeyError, SignatureInvalid};

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn certificate(path: &Path) -> Certificate {
    let found = import(&read(path), None);
    found.certificates.first().unwrap_or_else(|| panic!("{}: {:?}", path.display(), found.refused)).clone()
}

/// RFC 9216, sections 3 to 8: key, certificate, algorithm.
const SAMPLES: [(&str, &str, KeyAlgorithm); 8] = [
    (
        "4-2-Alice-s-Signing-Private-Key-Material.key",
        "4-1-Alice-s-Signature-Verification-End-Entity-Certificate.crt",
        RSA,
    ),
    (
        "4-4-Alice-s-Decryption-Private-Key-Material.key",
        "4-3-Alice-s-Encryption-End-Entity-Certificate.crt",
        RSA,
    ),
    (
        "5-2-Bob-s-Signing-Private-Key-Material.key",
        "5-1-Bob-s-Signature-Verification-End-Entity-Certificate.crt",
        RSA,
    ),
    ("5-4-Bob-s-Decryption-Private-Key-Material.key", "5-3-Bob-s-Encryption-End-Entity-Certificate.crt", RSA),
    (
        "7-2-Carlos-s-Signing-Private-Key-Material.key",
        "7-1-Carlos-s-Signature-Verification-End-Entity-Certificate.crt",
        KeyAlgorithm::Ed25519,
    ),
    (
        "7-4-Carlos-s-Decryption-Private-Key-Material.key",
        "7-3-Carlos-s-Encryption-End-Entity-Certificate.crt",
        KeyAlgorithm::X25519,
    ),
    (
        "8-2-Dana-s-Signing-Private-Key-Material.key",
        "8-1-Dana-s-Signature-Verification-End-Entity-Certificate.crt",
        KeyAlgorithm::Ed25519,
    ),
    (
        "8-4-Dana-s-Decryption-Private-Key-Material.key",
        "8-3-Dana-s-Encryption-End-Entity-Certificate.crt",
        KeyAlgorithm::X25519,
    ),
];

const RSA: KeyAlgorithm = KeyAlgorithm::Rsa { bits: 2048 };

#[test]
fn the_sample_keys_of_rfc_9216_belong_to_their_certificates() {
    let Some(folder) = super::folder("rfc9216") else { return };
    let folder = folder.join("extracted");
    for (key, of, algorithm) in SAMPLES {
        let secret = SecretKey::from_any(&read(&folder.join(key)), None).unwrap();
        let certificate = certificate(&folder.join(of));
        assert_eq!(secret.public_key(), certificate.public_key(), "{key}");
        assert_eq!(secret.algorithm(), algorithm, "{key}");
        let name = key.split('-').nth(2).unwrap().to_lowercase();
        let addresses: Vec<String> = certificate.addresses().iter().map(ToString::to_string).collect();
        assert_eq!(addresses, [format!("{name}@smime.example")], "{key}");
        let signs = certificate.may_sign_mail().is_ok();
        assert_ne!(signs, certificate.may_receive_encrypted_mail().is_ok(), "{key}");
        assert_eq!(signs, of.contains("Signature"), "{key}");
    }
}

/// The passphrases stand in the RFC.
#[test]
fn the_sample_files_of_rfc_9216_open() {
    let Some(folder) = super::folder("rfc9216") else { return };
    for (file, passphrase) in [
        ("4-5-PKCS-12-Object-for-Alice.p12", "alice"),
        ("5-5-PKCS-12-Object-for-Bob.p12", "bob"),
        ("7-5-PKCS-12-Object-for-Carlos.p12", "carlos"),
        ("8-5-PKCS-12-Object-for-Dana.p12", "dana"),
    ] {
        let bytes = read(&folder.join("extracted").join(file));
        let found = import(&bytes, Some(&SecretBytes::copy_of(passphrase.as_bytes())));
        assert_eq!((found.keys.len(), found.refused.as_slice()), (2, &[][..]), "{file}");
        for key in &found.keys {
            let has_certificate =
                found.certificates.iter().any(|certificate| certificate.public_key() == key.public_key());
            assert!(has_certificate, "{file}");
        }
        assert!(import(&bytes, None).needs_passphrase(), "{file}");
        let wrong = import(&bytes, Some(&SecretBytes::copy_of(b"wrong")));
        assert_eq!(wrong.refused.first().map(|refused| &refused.why), Some(&ImportError::WrongPassphrase));
    }
}

/// The three forms of RFC 9935: seed, expanded key, both.
#[test]
fn post_quantum_keys_are_read_in_each_of_their_forms() {
    let Some(folder) = super::folder("pqc-cms") else { return };
    let folder = folder.join("carl-redhound");
    for set in [
        "mlkem512-2.16.840.1.101.3.4.4.1",
        "mlkem768-2.16.840.1.101.3.4.4.2",
        "mlkem1024-2.16.840.1.101.3.4.4.3",
    ] {
        let certificate = Certificate::from_der(&read(&folder.join(format!("{set}_ee.der")))).unwrap();
        for form in ["seed", "expandedkey", "both"] {
            let key =
                SecretKey::from_any(&read(&folder.join(format!("{set}_{form}_priv.der"))), None).unwrap();
            assert_eq!(key.public_key(), certificate.public_key(), "{set} {form}");
            let ciphertext = read(&folder.join(format!("{set}_ciphertext.bin")));
            let expected = read(&folder.join(format!("{set}_ss.bin")));
            assert_eq!(key.decapsulate(&ciphertext).unwrap().expose(), expected, "{set} {form}");
        }
    }
}

/// The other keys of that folder are composites of two algorithms, which no RFC defines for mail.
#[test]
fn composite_keys_are_refused_by_name() {
    let Some(folder) = super::folder("pqc-cms") else { return };
    let mut refused = 0;
    for entry in std::fs::read_dir(folder.join("carl-redhound")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.starts_with("id-") {
            continue;
        }
        if name.ends_with("_priv.der") {
            let error = SecretKey::from_any(&read(&path), None).unwrap_err();
            assert!(matches!(error, SecretKeyError::Unsupported(_)), "{name}: {error}");
            refused += 1;
        } else if name.ends_with("_ee.der") {
            let error = Certificate::from_der(&read(&path)).unwrap_err();
            assert!(matches!(error, CertificateError::UnsupportedKey(_)), "{name}: {error}");
            refused += 1;
        }
    }
    assert_eq!(refused, 32);
}

/// Of Bouncy Castle, from the appendices of RFC 9881 and RFC 9935: the ML-DSA certificates are
/// self-signed, and each signed the ML-KEM certificate of its strength.
#[test]
fn the_example_certificates_of_rfc_9881_and_rfc_9935_are_read() {
    let Some(folder) = super::folder("bc-pqc-cms") else { return };
    for (signer, signing, file, algorithm) in [
        ("mldsa/ML-DSA-44.pem", KeyAlgorithm::MlDsa44, "mlkem/ML-KEM-512.pem", KeyAlgorithm::MlKem512),
        ("mldsa/ML-DSA-65.pem", KeyAlgorithm::MlDsa65, "mlkem/ML-KEM-768.pem", KeyAlgorithm::MlKem768),
        ("mldsa/ML-DSA-87.pem", KeyAlgorithm::MlDsa87, "mlkem/ML-KEM-1024.pem", KeyAlgorithm::MlKem1024),
    ] {
        let issuer = certificate(&folder.join("pkix/cert").join(signer));
        let certificate = certificate(&folder.join("pkix/cert").join(file));
        assert_eq!(issuer.public_key().algorithm(), signing);
        assert_eq!(certificate.public_key().algorithm(), algorithm);
        assert_eq!(issuer.is_signed_by(issuer.public_key()), Ok(()), "{signer}");
        assert_eq!(certificate.is_signed_by(issuer.public_key()), Ok(()), "{file}");
        let itself = certificate.is_signed_by(certificate.public_key());
        assert_eq!(itself, Err(SignatureInvalid::WrongKey), "{file}");
    }
}
