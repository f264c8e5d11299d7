//! A disk that fails on demand.

use std::collections::BTreeMap;

use counterseal_core::time::Time;

use super::craft::name_in_mail;
use crate::device::DeviceId;
use crate::log::{Entry, EntryId, KeyId};
use crate::sync::{Change, Kept, Note, Outgoing, SharedKey, Shelved, Store, StoreError};
use crate::transport::{Cursor, ObjectName};

/// What is on a disk.
#[derive(Clone, Default)]
pub(in crate::sync) struct Disk {
    pub(in crate::sync) entries: BTreeMap<EntryId, (Entry, Vec<u8>)>,
    pub(in crate::sync) keys: BTreeMap<KeyId, SharedKey>,
    pub(super) notes: BTreeMap<DeviceId, Note>,
    outgoing: BTreeMap<ObjectName, (Outgoing, Vec<u8>)>,
    shelved: BTreeMap<ObjectName, Vec<u8>>,
    seen: std::collections::BTreeSet<ObjectName>,
    wrapped: BTreeMap<(DeviceId, KeyId), u64>,
    cursors: BTreeMap<(String, KeyId), Cursor>,
    pinned: Vec<EntryId>,
    wanted: BTreeMap<[u8; 32], Option<Time>>,
}

/// What happens at a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The power fails before it.
    CrashBefore,
    /// The power fails after it, and nobody hears that it was done.
    CrashAfter,
    /// There is no room.
    Full,
}

/// A disk, with what is written to it and perhaps not there yet.
pub(in crate::sync) struct FakeStore {
    pub(in crate::sync) disk: Disk,
    /// What outlives a crash.
    durable: Disk,
    /// Whether a commit is durable when it returns.
    is_honest: bool,
    /// What will happen, and at which commit from now.
    pub(super) fate: Option<(u32, Fate)>,
    /// Whether the power failed.
    pub(super) has_crashed: bool,
}

impl FakeStore {
    pub(in crate::sync) fn new(is_honest: bool) -> Self {
        Self { disk: Disk::default(), durable: Disk::default(), is_honest, fate: None, has_crashed: false }
    }

    /// Writes out what a store that does not keep its promise had in memory.
    pub(super) fn flush(&mut self) {
        self.durable = self.disk.clone();
    }

    /// Power comes back.
    pub(super) fn reboot(&mut self) {
        self.disk = self.durable.clone();
        (self.has_crashed, self.fate) = (false, None);
    }
}

impl Store for FakeStore {
    fn load(&self) -> Result<Kept, StoreError> {
        let disk = &self.disk;
        Ok(Kept {
            entries: disk.entries.iter().map(|(id, (entry, _))| (*id, entry.clone())).collect(),
            keys: disk.keys.iter().map(|(id, key)| (*id, key.purpose)).collect(),
            notes: disk.notes.values().cloned().collect(),
            outgoing: disk.outgoing.values().map(|(object, _)| object.clone()).collect(),
            shelved: disk
                .shelved
                .iter()
                .map(|(name, bytes)| Shelved { name: *name, bytes: bytes.len() as u64 })
                .collect(),
            seen: disk.seen.iter().copied().collect(),
            wrapped: disk.wrapped.iter().map(|((device, key), counter)| (*device, *key, *counter)).collect(),
            cursors: disk
                .cursors
                .iter()
                .map(|((place, key), cursor)| (place.clone(), *key, cursor.clone()))
                .collect(),
            pinned: disk.pinned.clone(),
            wanted: disk.wanted.iter().map(|(name, asked)| (*name, *asked)).collect(),
        })
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let dead = StoreError::Io("the power failed".into());
        if self.has_crashed {
            return Err(dead);
        }
        let fate = match &mut self.fate {
            Some((0, fate)) => Some(*fate),
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => None,
        };
        if fate == Some(Fate::Full) {
            self.fate = None;
            return Err(StoreError::Full);
        }
        self.has_crashed = fate.is_some();
        if fate == Some(Fate::CrashBefore) {
            return Err(dead);
        }
        changes.iter().for_each(|change| self.disk.apply(change));
        if self.is_honest {
            self.flush();
        }
        if fate == Some(Fate::CrashAfter) { Err(dead) } else { Ok(()) }
    }

    fn signed_entry(&self, id: &EntryId) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.disk.entries.get(id).map(|(_, signed)| signed.clone()))
    }

    fn key(&self, id: &KeyId) -> Result<Option<SharedKey>, StoreError> {
        Ok(self.disk.keys.get(id).cloned())
    }

    fn key_named(&self, name: &[u8; 32]) -> Result<Option<KeyId>, StoreError> {
        Ok(self.disk.keys.keys().find(|id| name_in_mail(id) == *name).copied())
    }

    fn outgoing(&self, name: &ObjectName) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.disk.outgoing.get(name).map(|(_, object)| object.clone()))
    }

    fn shelved(&self, name: &ObjectName) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.disk.shelved.get(name).cloned())
    }
}

impl Disk {
    fn apply(&mut self, change: &Change) {
        match change.clone() {
            Change::Entry { id, entry, signed } => drop(self.entries.entry(id).or_insert((entry, signed))),
            Change::Key(key) => drop(self.keys.entry(key.id).or_insert(key)),
            Change::Note(note) => drop(self.notes.insert(note.device, note)),
            Change::Post { name, object, secret } => {
                let fresh = Outgoing { name, secret, posted: Vec::new() };
                self.outgoing.entry(name).or_insert((fresh, object));
            }
            Change::Posted { name, place } => {
                if let Some((object, _)) = self.outgoing.get_mut(&name) {
                    object.posted.push(place);
                }
            }
            Change::Done(name) => drop(self.outgoing.remove(&name)),
            Change::Wrapped { device, key, counter } => drop(self.wrapped.insert((device, key), counter)),
            Change::Seen(name) => drop(self.seen.insert(name)),
            Change::Shelve { name, package } => drop(self.shelved.insert(name, package)),
            Change::Unshelve(name) => drop(self.shelved.remove(&name)),
            Change::Listed { place, secret, cursor } => drop(self.cursors.insert((place, secret), cursor)),
            Change::Pin(heads) => self.pinned = heads,
            Change::Want { name, asked } => drop(self.wanted.insert(name, asked)),
            Change::Unwant(name) => drop(self.wanted.remove(&name)),
        }
    }
}
