//! The account of a store: this device's own keys, what the log means, and the loop over both.

use counterseal_core::secret::SecretBytes;
use counterseal_keysync::device::{DeviceCertificates, DeviceKeyUse, DeviceKeys};
use counterseal_keysync::log::AccountId;

use crate::failure::Failure;
use crate::store::{DeviceSecretKind, Store, StoreError, Writer};

/// The setting that holds the account's id.
const ACCOUNT: &str = "account";
/// The setting that holds this device's certificates.
const CERTIFICATES: &str = "certificates";

/// Which account a store belongs to, as far as it says without being unlocked.
pub(crate) struct Membership {
    /// The account.
    pub(crate) account: AccountId,
    /// This device.
    pub(crate) device: DeviceCertificates,
}

impl Membership {
    /// What the store says. A founding that was cut off before the first entry was kept is none.
    ///
    /// # Errors
    /// What is wrong with the store.
    pub(crate) fn of(store: &Store) -> Result<Option<Self>, Failure> {
        let Some(account) = store.device_setting(ACCOUNT)? else { return Ok(None) };
        let account = account.try_into().map_err(|_| StoreError::Tampered("device_setting"))?;
        if store.signed_log_entry(&account)?.is_none() {
            return Ok(None);
        }
        let device = store.device_setting(CERTIFICATES)?.unwrap_or_default();
        let device = DeviceCertificates::from_der(&device)
            .map_err(|error| Failure::from(StoreError::Tampered("device_setting")).because(error))?;
        Ok(Some(Self { account: AccountId::from_bytes(account), device }))
    }

    /// The same, for a command that needs an account.
    ///
    /// # Errors
    /// `no-account` where there is none.
    pub(crate) fn expect(store: &Store) -> Result<Self, Failure> {
        Self::of(store)?.ok_or_else(|| {
            Failure::no("no-account", "your keys are on this machine alone: it has no other devices")
        })
    }

    /// This device's own keys. The store must be unlocked.
    ///
    /// # Errors
    /// [`StoreError::Locked`], and what is wrong with the store.
    pub(crate) fn keys(&self, store: &Store) -> Result<DeviceKeys, Failure> {
        let own = store.device_secrets()?;
        let own = own.iter().filter(|secret| secret.kind != DeviceSecretKind::LogSecret);
        let own: Vec<SecretBytes> =
            own.map(|secret| store.open_device_secret(secret)).collect::<Result<_, _>>()?;
        DeviceKeys::from_pkcs8(self.device.clone(), own)
            .map_err(|error| Failure::from(StoreError::Tampered("device_secret")).because(error))
    }
}

/// Keeps the keys of this device, sealed, and to which account they belong.
pub(crate) fn keep(
    writer: &mut Writer<'_>,
    account: &AccountId,
    keys: &DeviceKeys,
) -> Result<(), StoreError> {
    for (key_use, kind) in [
        (DeviceKeyUse::Signing, DeviceSecretKind::Signing),
        (DeviceKeyUse::Agreement, DeviceSecretKind::Agreement),
        (DeviceKeyUse::Encapsulation, DeviceSecretKind::Encapsulation),
    ] {
        let secret = keys.to_pkcs8(key_use).ok_or(StoreError::Tampered("device_secret"))?;
        let name = keys.certificate(key_use).fingerprint();
        writer.add_device_secret(kind, name.sha256(), &secret)?;
    }
    writer.set_device_setting(ACCOUNT, account.as_bytes())?;
    writer.set_device_setting(CERTIFICATES, &keys.certificates().to_der())
}
