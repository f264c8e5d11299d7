//! Certificates with ML-KEM keys that Bouncy Castle made: they can be sealed to.

use counterseal_core::algorithm::ContentEncryption;
use counterseal_core::cms::{OpenError, RecipientKind};
use counterseal_core::keys::Keyring;

use super::seals::{certificate, open, recipient, seal};

#[test]
fn their_certificates_can_be_sealed_to() {
    let Some(folder) = super::folder("bc-pqc-cms") else { return };
    for size in ["512", "768", "1024"] {
        let certificate = certificate(&folder.join(format!("pkix/cert/mlkem/ML-KEM-{size}.pem")));
        assert_eq!(certificate.public_key().algorithm().name(), format!("ml-kem-{size}"));
        let message = seal(b"hello", &[recipient(&certificate)], ContentEncryption::Aes256Gcm);
        match open(&message, &Keyring::new()) {
            Err(OpenError::NotForUs { recipients }) => {
                assert_eq!(recipients[0].kind, RecipientKind::KeyEncapsulation);
                assert!(certificate.names().contains(recipients[0].name.as_ref().unwrap()));
            }
            outcome => panic!("{outcome:?}"),
        }
    }
}
