//! A schedule to be read, line by line, where `COUNTERSEAL_TRACE` is set: what happened, and what each machine learned.

use std::sync::LazyLock;

use super::account::device;
use super::store::Disk;
use crate::device::DeviceId;
use crate::log::{Body, Entry, EntryId, KeyId};

static IS_ON: LazyLock<bool> = LazyLock::new(|| std::env::var_os("COUNTERSEAL_TRACE").is_some());

/// Whether anybody reads along.
pub(super) fn is_on() -> bool {
    *IS_ON
}

/// Something happened.
pub(super) fn event(event: &str) {
    if is_on() {
        eprintln!("-- {event}");
    }
}

/// What is on the disk of a machine now that was not there before.
pub(super) fn learned(number: usize, before: &Disk, after: &Disk) {
    for (id, (entry, _)) in after.entries.iter().filter(|(id, _)| !before.entries.contains_key(id)) {
        eprintln!("machine {number} has {}", described(id, entry));
    }
    for key in after.keys.keys().filter(|id| !before.keys.contains_key(id)) {
        eprintln!("machine {number} holds {}", of_key(key));
    }
}

fn described(id: &EntryId, entry: &Entry) -> String {
    let parents: Vec<String> = entry.parents.iter().map(of_entry).collect();
    let author = entry.author.device().map_or_else(|| "the root".into(), |author| who(&author));
    let body = match &entry.body {
        Body::Add(added) => format!("add {} as {}", who(&added.device), added.role.word()),
        Body::Role { device, role } => format!("{} is {}", who(device), role.word()),
        Body::Revoke { device, retired } => {
            let retired: Vec<String> = retired.iter().map(of_key).collect();
            format!("revoke {}, retiring {retired:?}", who(device))
        }
        Body::Key(key) => {
            let recipients: Vec<String> = key.recipients.iter().map(who).collect();
            format!("key {} for {}, to {recipients:?}", of_key(&key.key), key.purpose.word())
        }
        Body::Recover { .. } => "recover".into(),
        Body::Genesis { .. } => "genesis".into(),
        _ => "something else".into(),
    };
    format!("{} by {author} after {parents:?}: {body}", of_entry(id))
}

/// The number of a device: machines, then the root (1000), and those that a thief or a rogue made up.
fn who(id: &DeviceId) -> String {
    let number =
        (0..8).chain([1000]).chain(2000..2600).chain(3000..3050).find(|number| device(*number) == *id);
    number.map_or_else(|| "somebody".into(), |number| number.to_string())
}

fn of_entry(id: &EntryId) -> String {
    id.to_string().chars().take(4).collect()
}

fn of_key(id: &KeyId) -> String {
    id.to_string().chars().take(4).collect()
}
