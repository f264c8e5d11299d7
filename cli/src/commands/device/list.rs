//! `cseal device list`

use counterseal_core::time::Time;
use counterseal_keysync::device::{DeviceId, Role};
use counterseal_keysync::log::{Evaluation, KeyId};
use counterseal_keysync::sync::{Note, digest_of};

use super::account::{self, Membership};
use crate::args;
use crate::clock;
use crate::commands::store;
use crate::failure::{Exit, Failure};
use crate::render::device::{self as render, List};
use crate::store::Store;

/// One device, as far as this one knows.
pub(crate) struct Known {
    pub(crate) id: DeviceId,
    pub(crate) name: String,
    pub(crate) role: Role,
    /// Whether it is this one.
    pub(crate) this: bool,
    pub(crate) since: Time,
    /// When it was put out.
    pub(crate) out: Option<Time>,
    /// When it last said something.
    pub(crate) heard: Option<Time>,
    /// Keys that are for it and that it has not; nothing where it never said.
    pub(crate) behind: Option<usize>,
}

/// Lists the devices of the account that this one belongs to. Nothing is unlocked for it.
pub(super) fn run(arguments: &args::DeviceList) -> Result<Exit, Failure> {
    let mut store = store::open()?;
    let devices = devices(&mut store, clock::now())?;
    let foreign = super::foreign::readers(&store)?;
    let installed = super::install::recorded();
    let alarms = store.device_alarms()?;
    let list = List { devices: &devices, foreign: &foreign, installed: &installed, alarms: &alarms };
    render::list(&list, arguments.report.json)?;
    Ok(Exit::Done)
}

/// This device first, then the others by name, those that are out last.
fn devices(store: &mut Store, now: Time) -> Result<Vec<Known>, Failure> {
    let Some(membership) = Membership::of(store)? else { return Ok(Vec::new()) };
    let me = membership.device.id();
    let (told, notes) = account::told(store, &membership.account, now)?;
    let held = held(store)?;
    let mut devices: Vec<Known> = told
        .devices
        .iter()
        .map(|(id, device)| {
            let note = notes.iter().find(|note| note.device == *id);
            let behind = if *id == me {
                Some(missing(&told, id, &held))
            } else {
                note.and_then(|it| behind(&told, it))
            };
            Known {
                id: *id,
                name: device.name.clone(),
                role: device.role,
                this: *id == me,
                since: device.added,
                out: device.revoked.map(|(_, at)| at),
                heard: note.map(|note| note.time),
                behind: behind.filter(|_| device.revoked.is_none()),
            }
        })
        .collect();
    devices.sort_by(|one, two| {
        let order = |known: &Known| (known.out.is_some(), !known.this, known.name.clone(), known.id);
        order(one).cmp(&order(two))
    });
    Ok(devices)
}

/// The ids of the shared keys that this device has.
fn held(store: &Store) -> Result<Vec<KeyId>, Failure> {
    let keys = store.secret_keys()?.into_iter().map(|key| KeyId::from_bytes(*key.fingerprint.sha256()));
    let secrets = store.device_secrets()?.into_iter().map(|secret| KeyId::from_bytes(secret.name));
    Ok(keys.chain(secrets).collect())
}

fn missing(told: &Evaluation, device: &DeviceId, held: &[KeyId]) -> usize {
    told.keys_of(device).filter(|key| !held.contains(&key.announced.key)).count()
}

/// How many keys a device lacks, by what it said last; nothing where that does not tell.
fn behind(told: &Evaluation, note: &Note) -> Option<usize> {
    let mut wanted: Vec<KeyId> = told.keys_of(&note.device).map(|key| key.announced.key).collect();
    wanted.sort_unstable();
    if note.digest == digest_of(wanted.iter()) {
        return Some(0);
    }
    if let Some(held) = &note.held {
        return Some(wanted.iter().filter(|key| !held.contains(key)).count());
    }
    // It had all that it knew of: what came since is what it lacks.
    let later = told.keys_of(&note.device).filter(|key| key.time > note.time).count();
    (later > 0).then_some(later)
}
