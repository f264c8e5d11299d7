//! The public half of a device: three certificates under one signing key.

use std::fmt;

use counterseal_core::algorithm::KeyAlgorithm;
use counterseal_core::cms::{KeyTransport, Recipient};
use counterseal_core::der::tlv::{self, Elements, tag};
use counterseal_core::x509::Certificate;
use counterseal_core::x509::issue::DEVICE_PURPOSE;

use super::{DeviceId, signer};
use crate::limits;

/// The certificates of a device, or of the root of an account: its signing key (P-256, self-signed), and the keys that
/// others seal to (P-256 and ML-KEM-768), under the signing key. The format is in `docs/formats/key-package.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceCertificates {
    signing: Certificate,
    agreement: Certificate,
    encapsulation: Certificate,
}

/// Why these are not the certificates of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceCertificatesError {
    /// More bytes than three certificates have.
    TooLarge,
    /// Not three certificates in DER.
    Malformed,
    /// The one with this number, from 0, is of another kind of key, for another purpose, or not signed by the first.
    Unsuitable(usize),
}

impl fmt::Display for DeviceCertificatesError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => formatter.write_str("device certificates are smaller"),
            Self::Malformed => formatter.write_str("not three certificates"),
            Self::Unsuitable(index) => write!(formatter, "certificate {} is not a device's", index + 1),
        }
    }
}

impl std::error::Error for DeviceCertificatesError {}

impl DeviceCertificates {
    /// Takes three certificates that belong together.
    ///
    /// # Errors
    /// [`DeviceCertificatesError::Unsuitable`].
    pub fn new(
        signing: Certificate,
        agreement: Certificate,
        encapsulation: Certificate,
    ) -> Result<Self, DeviceCertificatesError> {
        let signer = signing.public_key().clone();
        let wanted = [
            (&signing, KeyAlgorithm::P256),
            (&agreement, KeyAlgorithm::P256),
            (&encapsulation, KeyAlgorithm::MlKem768),
        ];
        for (index, (certificate, algorithm)) in wanted.into_iter().enumerate() {
            let is_suitable = certificate.public_key().algorithm() == algorithm
                && is_for_devices(certificate)
                && certificate.is_signed_by(&signer).is_ok();
            if !is_suitable {
                return Err(DeviceCertificatesError::Unsuitable(index));
            }
        }
        Ok(Self { signing, agreement, encapsulation })
    }

    /// Reads a SEQUENCE of three certificates, and checks that they belong together. Whether the device belongs to an
    /// account is for its log to say, and so is until when: no date is looked at.
    ///
    /// # Errors
    /// [`DeviceCertificatesError`].
    pub fn from_der(bytes: &[u8]) -> Result<Self, DeviceCertificatesError> {
        if bytes.len() > limits::DEVICE_CERTIFICATES_BYTES {
            return Err(DeviceCertificatesError::TooLarge);
        }
        let content = tlv::only(bytes, tag::SEQUENCE).ok_or(DeviceCertificatesError::Malformed)?;
        let mut elements = Elements::new(content);
        let mut list = Vec::new();
        while !elements.is_empty() {
            let certificate = elements.expect(tag::SEQUENCE).ok_or(DeviceCertificatesError::Malformed)?;
            list.push(certificate.whole);
        }
        Self::from_list(&list)
    }

    /// Reads certificates as they stand in a log: DER of each, in the order signing, agreement, encapsulation.
    ///
    /// # Errors
    /// [`DeviceCertificatesError`].
    pub fn from_list(list: &[impl AsRef<[u8]>]) -> Result<Self, DeviceCertificatesError> {
        let [signing, agreement, encapsulation] = list else {
            return Err(DeviceCertificatesError::Malformed);
        };
        let read = |der: &[u8]| Certificate::from_der(der).map_err(|_| DeviceCertificatesError::Malformed);
        Self::new(read(signing.as_ref())?, read(agreement.as_ref())?, read(encapsulation.as_ref())?)
    }

    /// DER of each certificate, as they stand in a log.
    #[must_use]
    pub fn to_list(&self) -> Vec<Vec<u8>> {
        let certificates = [&self.signing, &self.agreement, &self.encapsulation];
        certificates.map(|certificate| certificate.as_der().to_vec()).into()
    }

    /// DER of all of them as one SEQUENCE.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        tlv::encode(tag::SEQUENCE, &self.to_list().concat())
    }

    /// Who this is.
    #[must_use]
    pub fn id(&self) -> DeviceId {
        DeviceId::of(&self.signing.fingerprint())
    }

    /// What the person called the device. Foreign text: it came from another machine.
    #[must_use]
    pub fn name(&self) -> String {
        self.signing.common_name().unwrap_or_default()
    }

    /// Of the key that signs.
    #[must_use]
    pub const fn signing(&self) -> &Certificate {
        &self.signing
    }

    /// Of the P-256 key that others seal to.
    #[must_use]
    pub const fn agreement(&self) -> &Certificate {
        &self.agreement
    }

    /// Of the ML-KEM-768 key that others seal to; it is replaced every 90 days.
    #[must_use]
    pub const fn encapsulation(&self) -> &Certificate {
        &self.encapsulation
    }

    /// The same device with a new key to seal to.
    ///
    /// # Errors
    /// [`DeviceCertificatesError::Unsuitable`].
    pub fn with_encapsulation(&self, certificate: Certificate) -> Result<Self, DeviceCertificatesError> {
        Self::new(self.signing.clone(), self.agreement.clone(), certificate)
    }

    /// Whether the signing key made this signature over bytes ([`super::DeviceSigner::sign_bytes`]).
    #[must_use]
    pub fn signed_bytes(&self, bytes: &[u8], signature: &[u8]) -> bool {
        signer::signed_bytes(&self.signing, bytes, signature)
    }

    /// The device as a reader of the inner layer of a key package.
    #[must_use]
    pub fn agreeing(&self) -> Recipient {
        let key = self.agreement.public_key().clone();
        Recipient::PublicKey { key, transport: KeyTransport::Agreement }
    }

    /// The device as a reader of the outer layer of a key package.
    #[must_use]
    pub fn decapsulating(&self) -> Recipient {
        let key = self.encapsulation.public_key().clone();
        Recipient::PublicKey { key, transport: KeyTransport::Encapsulation }
    }
}

fn is_for_devices(certificate: &Certificate) -> bool {
    let dotted = |purposes: &[String]| purposes == [purpose()];
    certificate.extended_key_usage().is_some_and(|usage| dotted(usage.purposes()))
        && certificate.addresses().is_empty()
        && certificate.unknown_critical_extensions().is_empty()
}

/// The purpose as core writes identifiers.
fn purpose() -> String {
    counterseal_core::cms::ContentType::from_object_identifier(&DEVICE_PURPOSE).name()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::device::DeviceKeys;
    use crate::testing::{NOW, SystemRandom};

    fn device(name: &str) -> DeviceCertificates {
        DeviceKeys::generate(name, NOW, &mut SystemRandom).unwrap().certificates().clone()
    }

    #[test]
    fn certificates_are_read_back_with_name_and_identity() {
        let device = device("Küche \u{202e}nas");
        let read = DeviceCertificates::from_der(&device.to_der()).unwrap();
        assert_eq!(read, device);
        assert_eq!(read.name(), "Küche \u{202e}nas");
        assert_eq!(read.id(), DeviceId::of(&device.signing().fingerprint()));
    }

    #[test]
    fn no_mail_program_takes_a_device_for_a_person() {
        let device = device("thinkpad-7");
        assert!(device.signing().may_sign_mail().is_err());
        assert!(device.agreement().may_receive_encrypted_mail().is_err());
        assert!(device.encapsulation().may_receive_encrypted_mail().is_err());
        assert!(!device.signing().is_certificate_authority());
    }

    #[test]
    fn keys_under_another_signing_key_are_refused() {
        let (ours, theirs) = (device("ours"), device("theirs"));
        let mixed = [
            (
                DeviceCertificates::new(
                    ours.signing.clone(),
                    theirs.agreement.clone(),
                    ours.encapsulation.clone(),
                ),
                1,
            ),
            (
                DeviceCertificates::new(
                    ours.signing.clone(),
                    ours.agreement.clone(),
                    theirs.encapsulation.clone(),
                ),
                2,
            ),
            (
                DeviceCertificates::new(
                    ours.agreement.clone(),
                    ours.agreement.clone(),
                    ours.encapsulation.clone(),
                ),
                0,
            ),
            (
                DeviceCertificates::new(
                    ours.signing.clone(),
                    ours.encapsulation.clone(),
                    ours.agreement.clone(),
                ),
                1,
            ),
        ];
        for (result, index) in mixed {
            assert_eq!(result.unwrap_err(), DeviceCertificatesError::Unsuitable(index));
        }
        assert!(ours.with_encapsulation(theirs.encapsulation).is_err());
    }

    #[test]
    fn what_is_cut_off_or_too_long_is_refused() {
        let der = device("thinkpad-7").to_der();
        for length in (0..der.len()).step_by(7) {
            assert!(DeviceCertificates::from_der(der.get(..length).unwrap()).is_err());
        }
        let long = vec![0x30; limits::DEVICE_CERTIFICATES_BYTES + 1];
        assert_eq!(DeviceCertificates::from_der(&long), Err(DeviceCertificatesError::TooLarge));
    }
}
