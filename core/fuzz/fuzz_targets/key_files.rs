//! Key files of every kind (PKCS#8, PKCS#12, PEM): a key that was accepted can be written, and is read again as the same.
#![no_main]

use counterseal_core::secret::SecretBytes;
use counterseal_core::x509::{Certificate, PublicKey, SecretKey, pem, pkcs12};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let passphrase = SecretBytes::new(b"p12".to_vec());
    if let Ok(key) = SecretKey::from_any(data, Some(&passphrase)) {
        let again =
            SecretKey::from_any(key.to_pkcs8_der().expose(), None).expect("what is written can be read");
        assert_eq!(again.fingerprint(), key.fingerprint());
    }
    let _ = pkcs12::read(data, &passphrase);
    if let Ok(certificate) = Certificate::from_der(data) {
        assert_eq!(certificate.as_der(), data, "a certificate keeps its octets");
        assert!(!certificate.subject().chars().any(char::is_control));
        assert!(!certificate.issuer().chars().any(char::is_control));
    }
    if let Ok(key) = PublicKey::from_der(data) {
        assert_eq!(key.as_der(), data);
    }
    let _ = pem::blocks(data);
});
