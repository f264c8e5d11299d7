//! The secret half of a device. It is made on the device and never leaves it.

use std::fmt;

use counterseal_core::keys::Keyring;
use counterseal_core::ports::{KeyError, Random, SecretKeys};
use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use counterseal_core::x509::issue::{self, IssueError, Validity};
use counterseal_core::x509::{Certificate, KeyKind, PublicKey, SecretKey};

use super::{DeviceCertificates, DeviceCertificatesError, DeviceSigner};
use crate::limits;

/// What a key of a device is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKeyUse {
    /// Signs entries of the log, packages and beacons; its fingerprint is the device.
    Signing,
    /// Others seal to it: P-256, the inner layer.
    Agreement,
    /// Others seal to it: ML-KEM-768, the outer layer. Replaced every 90 days.
    Encapsulation,
}

impl DeviceKeyUse {
    /// Every use, in the order of the certificates.
    pub const ALL: [Self; 3] = [Self::Signing, Self::Agreement, Self::Encapsulation];

    const fn kind(self) -> KeyKind {
        match self {
            Self::Signing | Self::Agreement => KeyKind::P256,
            Self::Encapsulation => KeyKind::MlKem768,
        }
    }
}

/// The keys of a device in memory, with their certificates. Old keys to seal to stay, as long as something that was
/// sealed to them may still come.
pub struct DeviceKeys {
    keyring: Keyring,
    certificates: DeviceCertificates,
}

impl DeviceKeys {
    /// Makes the keys of a new device.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn generate(name: &str, now: Time, random: &mut dyn Random) -> Result<Self, IssueError> {
        let mut make = |key_use: DeviceKeyUse| SecretKey::generate(key_use.kind(), random);
        let keys = [
            make(DeviceKeyUse::Signing).map_err(IssueError::Key)?,
            make(DeviceKeyUse::Agreement).map_err(IssueError::Key)?,
            make(DeviceKeyUse::Encapsulation).map_err(IssueError::Key)?,
        ];
        Self::certify(name, keys, now, random)
    }

    /// Issues the certificates of keys that exist: signing, agreement, encapsulation.
    pub(crate) fn certify(
        name: &str,
        keys: [SecretKey; 3],
        now: Time,
        random: &mut dyn Random,
    ) -> Result<Self, IssueError> {
        let publics = keys.each_ref().map(|key| key.public_key().clone());
        let mut keyring = Keyring::new();
        for key in keys {
            keyring.add_key(key);
        }
        let [signing, agreement, encapsulation] = publics.each_ref();
        let mut issue = |key: &PublicKey, validity: Validity| {
            issue::device_certificate(&keyring, signing, name, key, validity, random)
        };
        let certificates = DeviceCertificates::new(
            issue(signing, for_ever(now))?,
            issue(agreement, for_ever(now))?,
            issue(encapsulation, for_a_while(now))?,
        );
        Ok(Self { certificates: certificates.map_err(not_ours)?, keyring })
    }

    /// The keys as they were kept: PKCS#8 of each, the older ones to seal to among them.
    ///
    /// # Errors
    /// [`KeyError::Failed`] where one cannot be read, [`KeyError::Absent`] where one of the certificates' is missing.
    pub fn from_pkcs8(
        certificates: DeviceCertificates,
        secrets: impl IntoIterator<Item = SecretBytes>,
    ) -> Result<Self, KeyError> {
        let mut keyring = Keyring::new();
        for secret in secrets {
            keyring.add_key(SecretKey::from_pkcs8_der(secret.expose()).map_err(|_| KeyError::Failed)?);
        }
        let device = Self { keyring, certificates };
        for key_use in DeviceKeyUse::ALL {
            device.secret_key(key_use).ok_or(KeyError::Absent)?;
        }
        Ok(device)
    }

    /// PKCS#8 of a key, to be sealed and kept on this device.
    #[must_use]
    pub fn to_pkcs8(&self, key_use: DeviceKeyUse) -> Option<SecretBytes> {
        self.secret_key(key_use).map(SecretKey::to_pkcs8_der)
    }

    fn secret_key(&self, key_use: DeviceKeyUse) -> Option<&SecretKey> {
        self.keyring.secret_key(&self.certificate(key_use).fingerprint())
    }

    /// The certificate of a key.
    #[must_use]
    pub const fn certificate(&self, key_use: DeviceKeyUse) -> &Certificate {
        match key_use {
            DeviceKeyUse::Signing => self.certificates.signing(),
            DeviceKeyUse::Agreement => self.certificates.agreement(),
            DeviceKeyUse::Encapsulation => self.certificates.encapsulation(),
        }
    }

    /// The certificates.
    #[must_use]
    pub const fn certificates(&self) -> &DeviceCertificates {
        &self.certificates
    }

    /// The port to the secret keys.
    #[must_use]
    pub const fn secret_keys(&self) -> &dyn SecretKeys {
        &self.keyring
    }

    /// The device as somebody who signs.
    #[must_use]
    pub const fn signer(&self) -> DeviceSigner<'_> {
        DeviceSigner { keys: &self.keyring, certificate: self.certificates.signing() }
    }

    /// Whether the key to encapsulate to is due for another one, since others take it until its certificate ends.
    #[must_use]
    pub fn wants_new_encapsulation(&self, now: Time) -> bool {
        now >= self.certificates.encapsulation().not_before().plus_days(limits::ENCAPSULATION_KEY_DAYS)
    }

    /// Makes a new key to encapsulate to. The one before it is kept for what is under way; it is forgotten by not
    /// giving it to [`DeviceKeys::from_pkcs8`] any more, after which what was sealed to it alone is lost for good.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn renew_encapsulation(&mut self, now: Time, random: &mut dyn Random) -> Result<(), IssueError> {
        let key = SecretKey::generate(DeviceKeyUse::Encapsulation.kind(), random).map_err(IssueError::Key)?;
        let signer = self.certificates.signing().public_key();
        let certificate = issue::device_certificate(
            &self.keyring,
            signer,
            &self.certificates.name(),
            key.public_key(),
            for_a_while(now),
            random,
        )?;
        self.certificates = self.certificates.with_encapsulation(certificate).map_err(not_ours)?;
        self.keyring.add_key(key);
        Ok(())
    }
}

impl fmt::Debug for DeviceKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DeviceKeys(..)")
    }
}

/// What was just issued fails our own checks: a fault in signing.
fn not_ours(_: DeviceCertificatesError) -> IssueError {
    IssueError::Key(KeyError::Failed)
}

/// RFC 5280, section 4.1.2.5: no end that is known. The log says when a device has to go.
fn for_ever(now: Time) -> Validity {
    Validity { not_before: now, not_after: Time::from_unix_seconds(limits::NO_EXPIRATION) }
}

/// Twice as long as the key is used, so that a device that sleeps for a while is still sealed to.
fn for_a_while(now: Time) -> Validity {
    Validity { not_before: now, not_after: now.plus_days(2 * limits::ENCAPSULATION_KEY_DAYS) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::{NOW, SystemRandom};

    #[test]
    fn a_device_is_the_same_after_its_keys_were_kept() {
        let device = DeviceKeys::generate("thinkpad-7", NOW, &mut SystemRandom).unwrap();
        let kept = DeviceKeyUse::ALL.map(|key_use| device.to_pkcs8(key_use).unwrap());
        let again = DeviceKeys::from_pkcs8(device.certificates().clone(), kept.clone()).unwrap();
        let signature = again.signer().sign_bytes(b"label").unwrap();
        assert!(device.certificates().signed_bytes(b"label", &signature));
        for missing in 0..3 {
            let some =
                kept.iter().enumerate().filter(|(index, _)| *index != missing).map(|(_, key)| key.clone());
            let result = DeviceKeys::from_pkcs8(device.certificates().clone(), some);
            assert_eq!(result.err(), Some(KeyError::Absent));
        }
    }

    #[test]
    fn a_new_key_to_encapsulate_to_leaves_the_device_the_same() {
        let mut device = DeviceKeys::generate("thinkpad-7", NOW, &mut SystemRandom).unwrap();
        let before = device.certificates().clone();
        assert!(!device.wants_new_encapsulation(NOW.plus_days(89)));
        assert!(device.wants_new_encapsulation(NOW.plus_days(90)));
        device.renew_encapsulation(NOW.plus_days(90), &mut SystemRandom).unwrap();
        assert_eq!(device.certificates().id(), before.id());
        assert_eq!(device.certificates().agreement(), before.agreement());
        assert_ne!(device.certificates().encapsulation(), before.encapsulation());
        assert!(!device.wants_new_encapsulation(NOW.plus_days(91)));
    }
}
