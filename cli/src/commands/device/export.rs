//! `cseal device export`: a copy of the account for the seed on paper.

use std::io::Write as _;

use counterseal_core::time::Time;
use counterseal_keysync::copy;
use counterseal_keysync::device::DeviceCertificates;
use counterseal_keysync::log::{Evaluation, KeyId, Purpose, Root};
use counterseal_keysync::package;
use counterseal_keysync::sync::{self, Heading, Parcel, Store as _};

use super::account::{self, Membership, failed};
use super::found;
use crate::args;
use crate::clock;
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::files::{Content, Output};
use crate::randomness::SystemRandom;
use crate::render::devices as render;
use crate::store::{SharedStore, Store, StoreError};

/// Seals every entry and every key anew, so that the copy is whole whatever lies in the boxes.
pub(super) fn run(arguments: &args::DeviceExport) -> Result<Exit, Failure> {
    let now = clock::now();
    let mut store = store::open()?;
    // What cannot be written is refused before anything is made.
    let mut output = Output::at(Some(&arguments.store), arguments.overwrite, Content::Binary)?;
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    let membership = found::ensure(&mut store, &arguments.account, now)?;
    let (told, _) = account::told(&mut store, &membership.account, now)?;
    let root = told.root.as_ref().ok_or_else(no_recovery)?;
    let parcels = parcels(&mut store, &membership, &told, root, now)?;
    let secret = first_secret(&mut store, &told, now)?;
    let file = copy::write(&secret.secret, &parcels).map_err(|error| failed(error.into()))?;
    let failed = |error| Failure::io(arguments.store.display().to_string(), &error);
    output.write_all(&file).map_err(failed)?;
    output.commit()?;
    let keys = parcels.iter().filter(|parcel| matches!(parcel, Parcel::Package(_))).count();
    render::exported(&arguments.store, (parcels.len() - keys, keys), arguments.report.json)?;
    Ok(Exit::Done)
}

/// The copy of this device's account, as it would be written: for a drill.
///
/// # Errors
/// `no-recovery` where the account has no root, and what is wrong with the store.
pub(super) fn in_memory(store: &mut Store, membership: &Membership, now: Time) -> Result<Vec<u8>, Failure> {
    let (told, _) = account::told(store, &membership.account, now)?;
    let root = told.root.as_ref().ok_or_else(no_recovery)?;
    let parcels = parcels(store, membership, &told, root, now)?;
    let secret = first_secret(store, &told, now)?;
    copy::write(&secret.secret, &parcels).map_err(|error| failed(error.into()))
}

fn no_recovery() -> Failure {
    Failure::no("no-recovery", "this account has no recovery seed, which alone could open a copy")
        .hint("`cseal backup FILE` copies this device")
}

/// The entries of the log, and a package for the root of each key that this device holds.
fn parcels(
    store: &mut Store,
    membership: &Membership,
    told: &Evaluation,
    root: &Root,
    now: Time,
) -> Result<Vec<Parcel>, Failure> {
    let mut parcels = Vec::new();
    for entry in store.log_entries()? {
        let signed = store.signed_log_entry(&entry.id)?.ok_or(StoreError::Tampered("log_entry"))?;
        parcels.push(Parcel::Entry(signed));
    }
    let own = membership.keys(store)?;
    let recipient = DeviceCertificates::from_list(&root.certificates)
        .map_err(|error| Failure::unknown("device-log", error.to_string()))?;
    let heading =
        Heading { account: told.account, recipients: vec![recipient.id()], heads: told.named_heads() };
    let recipients = [recipient];
    let shared = SharedStore::new(store, now);
    for known in &told.keys {
        // One that this device does not have is in the copies of those that do.
        let Some(key) = held(&shared, &known.announced.key)? else { continue };
        let packed = package::pack(&own.signer(), &key, &heading, &recipients, now, &mut SystemRandom);
        parcels.push(Parcel::Package(packed.map_err(|error| failed(error.into()))?));
    }
    Ok(parcels)
}

fn held(shared: &SharedStore<'_>, key: &KeyId) -> Result<Option<sync::SharedKey>, Failure> {
    shared.key(key).map_err(|error| failed(error.into()))
}

/// The secret that follows from the seed: the first that the log knows.
fn first_secret(store: &mut Store, told: &Evaluation, now: Time) -> Result<sync::SharedKey, Failure> {
    let mut secrets = told.keys.iter().filter(|key| key.announced.purpose == Purpose::LogSecret);
    let shared = SharedStore::new(store, now);
    let first = secrets.next().map(|key| held(&shared, &key.announced.key)).transpose()?.flatten();
    first.ok_or_else(|| Failure::unknown("device-log", "this device has not the first secret of the log"))
}
