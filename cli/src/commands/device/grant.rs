//! Both ends of a grant: what an admin gives to a new device, and how that takes it.

mod along;

use counterseal_core::time::Time;
use counterseal_keysync::craft::DeviceCraft;
use counterseal_keysync::device::{DeviceCertificates, DeviceId, DeviceKeys, Role};
use counterseal_keysync::grant::Grant;
use counterseal_keysync::log::{Admitted, Entry, EntryId, Evaluation, KeyId, Log};
use counterseal_keysync::sync::{Change, Craft as _, Heading, SharedKey, Store as _};

pub(super) use self::along::{Along, add_along, take_along};
use super::account::{self, Membership, failed};
use crate::failure::Failure;
use crate::randomness::SystemRandom;
use crate::store::{SharedStore, Store, StoreError};

/// Adds a device to the account, and makes what it must have: the log, and its keys. Doing it twice adds it once. The store
/// must be unlocked.
///
/// # Errors
/// `no-right` where this device is no admin; else what is wrong with the store.
pub(super) fn give(
    store: &mut Store,
    membership: &Membership,
    device: &DeviceCertificates,
    (role, name): (Role, &str),
    now: Time,
) -> Result<Grant, Failure> {
    account::announce_own(store, membership, now)?;
    let name = if name.trim().is_empty() { "device" } else { name };
    let admitted =
        Admitted { device: device.id(), role, name: name.to_owned(), certificates: device.to_list() };
    account::with_sync(store, membership, now, |sync| sync.admit(admitted, now))?;
    let (told, _) = account::told(store, &membership.account, now)?;
    Ok(Grant {
        account: membership.account,
        entries: entries(store, &told)?,
        packages: packages(store, membership, &told, device, now)?,
        places: Vec::new(),
        contacts: Vec::new(),
    })
}

/// Every entry that counts as it was signed, and those before it, ancestors first. What somebody wrote who had no right
/// to it, or what waits for others, is not handed on.
fn entries(store: &Store, told: &Evaluation) -> Result<Vec<Vec<u8>>, Failure> {
    let mut kept = Vec::new();
    for entry in store.log_entries()? {
        let read = Entry::read(&entry.content).map_err(|_| StoreError::Tampered("log_entry"))?;
        kept.push((EntryId::from_bytes(entry.id), read));
    }
    let order = Log::from_kept(told.account, kept).ancestry(&told.heads);
    let signed = order.iter().map(|id| {
        store.signed_log_entry(id.as_bytes())?.ok_or_else(|| StoreError::Tampered("log_entry").into())
    });
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
    let heading = Heading { account: told.account, recipients: vec![device.id()], heads: told.named_heads() };
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

/// What a new device took.
pub(super) struct Taken {
    pub(super) membership: Membership,
    /// What it is for.
    pub(super) role: Role,
    /// Keys that open mail.
    pub(super) keys: usize,
}

/// Takes a grant in one transaction: this device's own keys, the log, and the shared keys. The store must be unlocked.
///
/// # Errors
/// `bad-grant` where it is not sound, or this device is not in its log; nothing was taken then.
pub(super) fn take(store: &mut Store, keys: &DeviceKeys, grant: &Grant, now: Time) -> Result<Taken, Failure> {
    let mut random = SystemRandom;
    let mut craft = DeviceCraft::new(keys.secret_keys(), keys.certificates(), &mut random);
    let changes = grant.changes(&mut craft).map_err(|error| unsound(&error))?;
    let role = role(grant, &changes, &keys.certificates().id())?;
    let is_mail_key = |change: &&Change| matches!(change, Change::Key(key) if key.purpose.opens_mail());
    let count = changes.iter().filter(is_mail_key).count();
    store.write(now, |writer| {
        account::keep(writer, &grant.account, keys)?;
        writer.apply_all(&changes)
    })?;
    Ok(Taken { membership: Membership::expect(store)?, role, keys: count })
}

/// What this device is for, by the log of the grant.
fn role(grant: &Grant, changes: &[Change], device: &DeviceId) -> Result<Role, Failure> {
    let entries = changes.iter().filter_map(|change| match change {
        Change::Entry { id, entry, .. } => Some((*id, entry.clone())),
        _ => None,
    });
    let told = Log::from_kept(grant.account, entries).evaluate().map_err(|error| unsound(&error))?;
    told.live(device).map(|device| device.role).ok_or_else(|| unsound(&"its log does not have this device"))
}

/// Why a grant is not taken.
pub(super) fn unsound(error: &dyn std::fmt::Display) -> Failure {
    Failure::unknown("bad-grant", "what the other device gave is not taken").because(error)
}

#[cfg(test)]
mod tests;
