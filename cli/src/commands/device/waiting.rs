//! A request that waits for its answer: the keys of the new device, and the state of its pairing, sealed in the store.

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use counterseal_keysync::channel;
use counterseal_keysync::device::{DeviceCertificates, DeviceKeyUse, DeviceKeys};
use counterseal_keysync::pairing::{Devices, Pairing};

use crate::failure::Failure;
use crate::randomness::SystemRandom;
use crate::store::{DeviceSecretKind, Store, StoreError};

/// The setting with the certificates of a device that joins.
const CERTIFICATES: &str = "joining-certificates";
/// The setting with the sealed state.
const STATE: &str = "joining-state";
/// What the state is sealed for.
const PURPOSE: &[u8] = b"joining-state";

/// The keys of this device: those of a request that waits, else new ones.
pub(super) fn keys(store: &Store, name: &str, now: Time) -> Result<DeviceKeys, Failure> {
    if let Some(keys) = kept_keys(store)? {
        return Ok(keys);
    }
    DeviceKeys::generate(name, now, &mut SystemRandom)
        .map_err(|error| Failure::unknown("cannot-generate", "no key could be made").because(error))
}

fn kept_keys(store: &Store) -> Result<Option<DeviceKeys>, Failure> {
    let Some(certificates) = store.device_setting(CERTIFICATES)? else { return Ok(None) };
    let tampered = || Failure::from(StoreError::Tampered("device_setting"));
    let certificates = DeviceCertificates::from_der(&certificates).map_err(|_| tampered())?;
    let secrets: Vec<SecretBytes> = store
        .device_secrets()?
        .iter()
        .filter(|secret| secret.kind != DeviceSecretKind::LogSecret)
        .map(|secret| store.open_device_secret(secret))
        .collect::<Result<_, _>>()?;
    DeviceKeys::from_pkcs8(certificates, secrets).map(Some).map_err(|_| tampered())
}

/// Keeps the keys and the state, before anything of it leaves this machine.
pub(super) fn keep(
    store: &mut Store,
    keys: &DeviceKeys,
    state: Option<&SecretBytes>,
    now: Time,
) -> Result<(), Failure> {
    let Some(state) = state else { return Ok(()) };
    let sealed = channel::seal_response(&sealing_key(keys)?, &[], PURPOSE, state.expose(), &mut SystemRandom)
        .map_err(|error| Failure::unknown("not-kept", "the request could not be kept").because(error))?;
    Ok(store.write(now, |writer| {
        for (key_use, kind) in [
            (DeviceKeyUse::Signing, DeviceSecretKind::Signing),
            (DeviceKeyUse::Agreement, DeviceSecretKind::Agreement),
            (DeviceKeyUse::Encapsulation, DeviceSecretKind::Encapsulation),
        ] {
            let secret = keys.to_pkcs8(key_use).ok_or(StoreError::Tampered("device_secret"))?;
            writer.add_device_secret(kind, keys.certificate(key_use).fingerprint().sha256(), &secret)?;
        }
        writer.set_device_setting(CERTIFICATES, &keys.certificates().to_der())?;
        writer.set_device_setting(STATE, &sealed)
    })?)
}

/// A key of the store's own secret: who has the file alone does not open the state.
fn sealing_key(keys: &DeviceKeys) -> Result<SecretBytes, Failure> {
    let secret = keys.to_pkcs8(DeviceKeyUse::Agreement).ok_or(StoreError::Tampered("device_secret"))?;
    Ok(channel::expand(&secret, "joining state", &[]))
}

/// The request that waits.
pub(super) fn resume(store: &Store) -> Result<(DeviceKeys, Pairing<Devices>), Failure> {
    let none = || {
        Failure::unknown("no-request", "no request of this machine waits for an answer")
            .hint("make one with `cseal device join --file FILE`")
    };
    let keys = kept_keys(store)?.ok_or_else(none)?;
    let sealed = store.device_setting(STATE)?.ok_or_else(none)?;
    let tampered = || Failure::from(StoreError::Tampered("device_setting"));
    let state =
        channel::open_response(&sealing_key(&keys)?, &[], PURPOSE, &sealed).map_err(|_| tampered())?;
    let pairing = Pairing::restore(&state).map_err(|error| tampered().because(error))?;
    Ok((keys, pairing))
}

/// Nothing waits any more.
pub(super) fn forget(store: &mut Store, now: Time) -> Result<(), Failure> {
    Ok(store.write(now, |writer| {
        writer.remove_device_setting(STATE)?;
        writer.remove_device_setting(CERTIFICATES).map(drop)
    })?)
}
