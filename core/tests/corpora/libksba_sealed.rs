//! Encrypted samples of libksba, without their keys. Expected is what stands in the commented dumps
//! beside them.

use counterseal_core::cms::{OpenError, RecipientDescription, RecipientKind};
use counterseal_core::keys::Keyring;
use counterseal_core::ports::KeyName;

use super::seals::open;

fn recipients(name: &str) -> Option<Vec<RecipientDescription>> {
    let message = super::folder("libksba-samples")?.join("tests/samples").join(name);
    match open(&std::fs::read(message).unwrap(), &Keyring::new()) {
        Err(OpenError::NotForUs { recipients }) => Some(recipients),
        outcome => panic!("{outcome:?}"),
    }
}

fn serial_number(recipient: &RecipientDescription) -> &[u8] {
    match &recipient.name {
        Some(KeyName::IssuerAndSerialNumber { serial_number, .. }) => serial_number,
        name => panic!("{name:?}"),
    }
}

#[test]
fn a_message_of_gpgsm_names_its_recipient() {
    let Some(recipients) = recipients("rsa-sample1.p7m") else { return };
    assert_eq!(recipients.len(), 1);
    assert_eq!(recipients[0].kind, RecipientKind::KeyTransport);
    assert_eq!(recipients[0].algorithm, "rsa-pkcs1");
    assert_eq!(serial_number(&recipients[0]), 6660_u16.to_be_bytes());
}

#[test]
fn a_message_of_nss_names_its_recipient() {
    let Some(recipients) = recipients("ecdh-sample1.p7m") else { return };
    assert_eq!(recipients.len(), 1);
    assert_eq!(recipients[0].kind, RecipientKind::KeyAgreement);
    assert_eq!(recipients[0].algorithm, "ecdh-sha-256 aes-128-wrap");
    let expected = b"\x74\x5d\xc1\x8c\x19\xd4\x40\x13\x83\xbe\xfc\x5f\x6e\xd2\xba\xd1\xbe\xae\xf5\x09";
    assert_eq!(serial_number(&recipients[0]), expected);
}
