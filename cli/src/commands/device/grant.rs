//! Both ends of a grant: what an admin gives to a new device, and how that takes it.

use counterseal_core::time::Time;
use counterseal_core::x509::{Certificate, SecretKey};
use counterseal_keysync::craft::DeviceCraft;
use counterseal_keysync::device::{DeviceCertificates, DeviceId, DeviceKeys, Role};
use counterseal_keysync::grant::Grant;
use counterseal_keysync::log::{Admitted, Entry, Evaluation, KeyId, Log, Purpose};
use counterseal_keysync::sync::{Change, Craft as _, Heading, SharedKey, Store as _};

use super::account::{self, Membership, failed};
use crate::failure::Failure;
use crate::randomness::SystemRandom;
use crate::store::{KeyUse, SharedStore, Store, StoreError};

/// Who is added, and what it asked for.
pub(crate) struct Newcomer<'a> {
    pub(crate) device: &'a DeviceCertificates,
    pub(crate) role: Role,
    /// What its person calls it.
    pub(crate) name: &'a str,
    /// DER of its request for a certificate of its mail signing key (PKCS#10), where it is to sign.
    pub(crate) request: Option<&'a [u8]>,
}

/// Adds a device to the account, and makes what it gets: the log, its keys, the certificates it asked for. The store must
/// be unlocked.
///
/// # Errors
/// `no-right` where this device is no admin; else what is wrong with the store or the request.
pub(crate) fn give(
    store: &mut Store,
    membership: &Membership,
    newcomer: &Newcomer<'_>,
    settings: Vec<(String, Vec<u8>)>,
    contacts: Vec<u8>,
    now: Time,
) -> Result<Grant, Failure> {
    let certificates = answer(store, membership, newcomer, now)?;
    let admitted = Admitted {
        device: newcomer.device.id(),
        role: newcomer.role,
        name: newcomer.name.to_owned(),
        certificates: newcomer.device.to_list(),
    };
    account::with_sync(store, membership, now, |sync| sync.add(admitted, now))?;
    let (told, _) = account::told(store, &membership.account, now)?;
    Ok(Grant {
        account: membership.account,
        entries: entries(store)?,
        packages: packages(store, membership, &told, newcomer.device, now)?,
        certificates,
        settings,
        contacts,
    })
}

/// The certificates that the personal CA issues for the newcomer's signing key.
fn answer(
    store: &mut Store,
    membership: &Membership,
    newcomer: &Newcomer<'_>,
    now: Time,
) -> Result<Vec<Vec<u8>>, Failure> {
    let Some(request) = newcomer.request.filter(|_| newcomer.role.signs()) else { return Ok(Vec::new()) };
    let (told, _) = account::told(store, &membership.account, now)?;
    let authority = told.current(Purpose::PersonalAuthority).map(|key| key.announced.key);
    let authority = authority.map(|id| held(store, &id, now)).transpose()?.flatten();
    let Some(authority) = authority else {
        return Err(Failure::unknown(
            "no-personal-ca",
            "there is no personal CA here to issue its certificate",
        )
        .hint("add it as a reader, or on a device that holds the personal CA"));
    };
    let keys = membership.keys(store)?;
    let mut random = SystemRandom;
    let mut craft = DeviceCraft::new(keys.secret_keys(), keys.certificates(), &mut random);
    craft.issue(&authority, request, now).map_err(|error| failed(error.into()))
}

/// Every entry as it was signed, ancestors first.
fn entries(store: &Store) -> Result<Vec<Vec<u8>>, Failure> {
    let mut entries = Vec::new();
    for kept in store.log_entries()? {
        let entry = Entry::read(&kept.content).map_err(|_| StoreError::Tampered("log_entry"))?;
        entries.push((entry.lamport, kept.id));
    }
    entries.sort_unstable();
    let signed = entries
        .iter()
        .map(|(_, id)| store.signed_log_entry(id)?.ok_or_else(|| StoreError::Tampered("log_entry").into()));
    signed.collect()
}

/// A package of each key that is for the device and that this one holds.
fn packages(
    store: &mut Store,
    membership: &Membership,
    told: &Evaluation,
    device: &DeviceCertificates,
    now: Time,
) -> Result<Vec<Vec<u8>>, Failure> {
    let keys = membership.keys(store)?;
    let mut random = SystemRandom;
    let mut craft = DeviceCraft::new(keys.secret_keys(), keys.certificates(), &mut random);
    let heading = Heading { account: told.account, recipients: vec![device.id()], heads: told.heads.clone() };
    let list = device.to_list();
    let mut packages = Vec::new();
    for known in told.keys_of(&device.id()) {
        let Some(key) = held(store, &known.announced.key, now)? else { continue };
        let package = craft.pack(&key, &heading, &[&list], now);
        packages.push(package.map_err(|error| failed(error.into()))?);
    }
    Ok(packages)
}

fn held(store: &mut Store, id: &KeyId, now: Time) -> Result<Option<SharedKey>, Failure> {
    SharedStore::new(store, now).key(id).map_err(|error| failed(error.into()))
}

/// Takes a grant in one transaction: this device's keys, the log, the shared keys, and its own mail signing key with
/// its certificates. The store must be unlocked.
///
/// # Errors
/// `device-log` where the grant is not sound, or this device is not in its log; nothing was taken then.
pub(crate) fn take(
    store: &mut Store,
    keys: &DeviceKeys,
    signing: Option<&SecretKey>,
    grant: &Grant,
    now: Time,
) -> Result<Membership, Failure> {
    let mut random = SystemRandom;
    let mut craft = DeviceCraft::new(keys.secret_keys(), keys.certificates(), &mut random);
    let changes = grant.changes(&mut craft).map_err(|error| unsound(&error))?;
    belongs(grant, &changes, &keys.certificates().id())?;
    let certificates: Vec<_> =
        grant.certificates.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
    let signing = signing.filter(|key| certificates.iter().any(|it| it.fingerprint() == key.fingerprint()));
    store.write(now, |writer| {
        account::keep(writer, &grant.account, keys)?;
        writer.apply_all(&changes)?;
        if let Some(key) = signing {
            let public_key = key.public_key();
            writer.add_secret_key(
                KeyUse::Signing,
                &key.algorithm().name(),
                public_key.as_der(),
                &key.to_pkcs8_der(),
            )?;
            for certificate in &certificates {
                writer.add_certificate(certificate.as_der(), &certificate.fingerprint())?;
            }
        }
        Ok(())
    })?;
    Membership::expect(store)
}

/// Whether the log of the grant says that this device belongs to its account.
fn belongs(grant: &Grant, changes: &[Change], device: &DeviceId) -> Result<(), Failure> {
    let entries = changes.iter().filter_map(|change| match change {
        Change::Entry { id, entry, .. } => Some((*id, entry.clone())),
        _ => None,
    });
    let told = Log::from_kept(grant.account, entries).evaluate().map_err(|error| unsound(&error))?;
    if told.live(device).is_some() {
        return Ok(());
    }
    Err(Failure::unknown("device-log", "the other device did not add this one to its log"))
}

fn unsound(error: &dyn std::fmt::Display) -> Failure {
    Failure::unknown("device-log", format!("what the other device gave: {error}"))
}

#[cfg(test)]
mod tests;
