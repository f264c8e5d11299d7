//! What a device knows of its account, in memory, and the one door by which that changes.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use counterseal_core::secret::SecretBytes;

use super::note::Note;
use super::ports::{Change, Craft, CraftError, Outgoing, SharedKey, Shelved, Store, StoreError};
use crate::device::DeviceId;
use crate::limits;
use crate::log::{AccountId, EntryError, EntryId, EvaluateError, Evaluation, KeyId, Log, Purpose, Standing};
use crate::transport::{Cursor, ObjectBox, ObjectName};

/// The account as this device knows it, with what it needs to keep it, to sign and to seal.
///
/// Every change goes through the store first; what is in memory follows what is durable.
pub struct Sync<'a> {
    pub(super) store: &'a mut dyn Store,
    pub(super) craft: &'a mut dyn Craft,
    pub(super) me: DeviceId,
    pub(super) log: Log,
    pub(super) told: Evaluation,
    pub(super) held: BTreeMap<KeyId, Purpose>,
    pub(super) secrets: BTreeMap<KeyId, SecretBytes>,
    pub(super) notes: BTreeMap<DeviceId, Note>,
    pub(super) outgoing: BTreeMap<ObjectName, Outgoing>,
    pub(super) shelved: BTreeMap<ObjectName, Shelved>,
    pub(super) seen: HashSet<ObjectName>,
    pub(super) wrapped: BTreeMap<(DeviceId, KeyId), u64>,
    pub(super) cursors: BTreeMap<(String, KeyId), Cursor>,
    pub(super) pinned: BTreeSet<EntryId>,
    pub(super) wanted: BTreeMap<[u8; 32], Option<counterseal_core::time::Time>>,
    /// Entries whose author the log does not name.
    pub(super) strangers: usize,
}

/// Where the devices meet now: what to wait for.
#[derive(Clone, Debug)]
pub struct Meeting {
    /// The box that is written to.
    pub object_box: ObjectBox,
    /// How far it was read, by place.
    pub cursors: BTreeMap<String, Cursor>,
}

/// Why the loop could not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyncError {
    /// The store could not keep or give something.
    Store(StoreError),
    /// Something could not be signed or sealed.
    Craft(CraftError),
    /// The log has no meaning.
    Log(EvaluateError),
    /// What was to be written into the log cannot stand there.
    Entry(EntryError),
    /// This device does not belong to the account, or has not the right to this.
    NoRight,
    /// No such device, or none that belongs to the account any more.
    UnknownDevice,
    /// The device was put out, which is for ever.
    WasPutOut,
    /// What this device wrote does not count: another admin takes its right away beside everything that it writes.
    InVain,
    /// These keys are held by the device that is to go, and by nobody else who stays.
    OnlyHolder(Vec<KeyId>),
    /// No secret of the log is held: the device was never given one, or its store lost it.
    NoSecret,
}

impl fmt::Display for SyncError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => write!(formatter, "{error}"),
            Self::Craft(error) => write!(formatter, "{error}"),
            Self::Log(error) => write!(formatter, "{error}"),
            Self::Entry(error) => write!(formatter, "{error}"),
            Self::NoRight => formatter.write_str("this device has not the right to that"),
            Self::UnknownDevice => formatter.write_str("no such device belongs to the account"),
            Self::WasPutOut => {
                formatter.write_str("the device was put out, and comes back with new keys alone")
            }
            Self::InVain => formatter
                .write_str("what this device wrote does not count: another admin took its right away"),
            Self::OnlyHolder(keys) => write!(formatter, "{} keys are on no other device", keys.len()),
            Self::NoSecret => formatter.write_str("this device has no secret of the log"),
        }
    }
}

impl std::error::Error for SyncError {}

impl From<StoreError> for SyncError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<CraftError> for SyncError {
    fn from(error: CraftError) -> Self {
        Self::Craft(error)
    }
}

impl From<EvaluateError> for SyncError {
    fn from(error: EvaluateError) -> Self {
        Self::Log(error)
    }
}

impl<'a> Sync<'a> {
    /// The account as the store has it.
    ///
    /// # Errors
    /// [`SyncError`].
    pub fn open(
        store: &'a mut dyn Store,
        craft: &'a mut dyn Craft,
        account: AccountId,
        me: DeviceId,
    ) -> Result<Self, SyncError> {
        let kept = store.load()?;
        let log = Log::from_kept(account, kept.entries);
        let told = log.evaluate()?;
        let mut sync = Self {
            store,
            craft,
            me,
            log,
            told,
            held: kept.keys.into_iter().collect(),
            secrets: BTreeMap::new(),
            notes: kept.notes.into_iter().map(|note| (note.device, note)).collect(),
            outgoing: kept.outgoing.into_iter().map(|object| (object.name, object)).collect(),
            shelved: kept.shelved.into_iter().map(|package| (package.name, package)).collect(),
            seen: kept.seen.into_iter().collect(),
            wrapped: kept
                .wrapped
                .into_iter()
                .map(|(device, key, counter)| ((device, key), counter))
                .collect(),
            cursors: kept
                .cursors
                .into_iter()
                .map(|(place, secret, cursor)| ((place, secret), cursor))
                .collect(),
            pinned: kept.pinned.into_iter().collect(),
            wanted: kept.wanted.into_iter().collect(),
            strangers: 0,
        };
        sync.strangers = strangers(&sync.log, &sync.told);
        sync.load_secrets()?;
        Ok(sync)
    }

    fn load_secrets(&mut self) -> Result<(), SyncError> {
        let secrets = self.held.iter().filter(|(_, purpose)| **purpose == Purpose::LogSecret);
        for id in secrets.map(|(id, _)| *id).collect::<Vec<_>>() {
            if let Some(key) = self.store.key(&id)? {
                self.secrets.insert(id, key.secret);
            }
        }
        Ok(())
    }

    /// What the log means now.
    #[must_use]
    pub const fn told(&self) -> &Evaluation {
        &self.told
    }

    /// The log.
    #[must_use]
    pub const fn log(&self) -> &Log {
        &self.log
    }

    /// This device.
    #[must_use]
    pub const fn me(&self) -> DeviceId {
        self.me
    }

    /// The newest note of each device.
    #[must_use]
    pub const fn notes(&self) -> &BTreeMap<DeviceId, Note> {
        &self.notes
    }

    /// The shared keys that this device holds.
    pub fn held(&self) -> impl Iterator<Item = (&KeyId, &Purpose)> {
        self.held.iter()
    }

    /// The log secrets whose boxes are read, the one that is written to first.
    pub(super) fn boxes(&self) -> Vec<KeyId> {
        let announced = self.told.keys.iter().rev().filter(|key| key.announced.purpose == Purpose::LogSecret);
        let (mut current, mut old): (Vec<KeyId>, Vec<KeyId>) = (Vec::new(), Vec::new());
        for key in announced.filter(|key| self.secrets.contains_key(&key.announced.key)) {
            if key.retired { old.push(key.announced.key) } else { current.push(key.announced.key) }
        }
        // A secret that came with a pairing, before the entry that announces it.
        let is_known = |id: &KeyId| current.contains(id) || old.contains(id);
        let unannounced: Vec<KeyId> = self.secrets.keys().filter(|id| !is_known(id)).copied().collect();
        let boxes = current.into_iter().chain(old).chain(unannounced);
        boxes.take(limits::READ_BOXES).collect()
    }

    /// The log secret that everything is sealed by now.
    pub(super) fn writing(&self) -> Result<KeyId, SyncError> {
        self.boxes().first().copied().ok_or(SyncError::NoSecret)
    }

    pub(super) fn secret(&self, id: &KeyId) -> Result<&SecretBytes, SyncError> {
        self.secrets.get(id).ok_or(SyncError::NoSecret)
    }

    /// Where the devices meet now.
    ///
    /// # Errors
    /// [`SyncError::NoSecret`].
    pub fn meeting(&self) -> Result<Meeting, SyncError> {
        let writing = self.writing()?;
        let cursors = self.cursors.iter().filter(|((_, secret), _)| *secret == writing);
        Ok(Meeting {
            object_box: ObjectBox::derive(self.secret(&writing)?, super::ACCOUNT_BOX),
            cursors: cursors.map(|((place, _), cursor)| (place.clone(), cursor.clone())).collect(),
        })
    }

    /// A place has lost what it had: it is read from the beginning and filled as a new one.
    ///
    /// # Errors
    /// [`SyncError::Store`].
    pub fn begin_anew(&mut self, place: &str) -> Result<(), SyncError> {
        let known = self.cursors.keys().filter(|(other, _)| other == place).cloned();
        let anew = known.map(|(place, secret)| Change::Listed { place, secret, cursor: Cursor::default() });
        self.commit(anew.collect())
    }

    /// Every box that is read, the one that is written to first: what a device offers to others.
    ///
    /// # Errors
    /// [`SyncError::NoSecret`].
    pub fn object_boxes(&self) -> Result<Vec<ObjectBox>, SyncError> {
        let boxes = self.boxes().into_iter();
        boxes.map(|id| Ok(ObjectBox::derive(self.secret(&id)?, super::ACCOUNT_BOX))).collect()
    }

    /// A shared key that is held, with its secret.
    pub(super) fn shared_key(&self, id: &KeyId) -> Result<Option<SharedKey>, SyncError> {
        Ok(if self.held.contains_key(id) { self.store.key(id)? } else { None })
    }

    /// Commits changes and then knows of them.
    pub(super) fn commit(&mut self, changes: Vec<Change>) -> Result<(), SyncError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.store.commit(&changes)?;
        changes.into_iter().for_each(|change| self.learn(change));
        Ok(())
    }

    fn learn(&mut self, change: Change) {
        match change {
            Change::Entry { id, entry, .. } => {
                self.strangers += usize::from(self.told.standing(&entry.author) == Standing::Stranger);
                self.log.keep(id, entry);
            }
            Change::Key(key) => {
                self.held.insert(key.id, key.purpose);
                if key.purpose == Purpose::LogSecret {
                    self.secrets.insert(key.id, key.secret);
                }
            }
            Change::Note(note) => drop(self.notes.insert(note.device, note)),
            Change::Post { name, secret, .. } => {
                self.outgoing.entry(name).or_insert(Outgoing { name, secret, posted: Vec::new() });
                // What one posts oneself need not be fetched.
                self.seen.insert(name);
            }
            Change::Posted { name, place } => {
                if let Some(object) = self.outgoing.get_mut(&name) {
                    object.posted.push(place);
                }
            }
            Change::Done(name) => drop(self.outgoing.remove(&name)),
            Change::Wrapped { device, key, counter } => drop(self.wrapped.insert((device, key), counter)),
            Change::Seen(name) => drop(self.seen.insert(name)),
            Change::Shelve { name, package } => {
                let bytes = package.len() as u64;
                self.shelved.insert(name, Shelved { name, bytes });
            }
            Change::Unshelve(name) => drop(self.shelved.remove(&name)),
            Change::Listed { place, secret, cursor } => drop(self.cursors.insert((place, secret), cursor)),
            Change::Pin(heads) => self.pinned = heads.into_iter().collect(),
            Change::Want { name, asked } => drop(self.wanted.insert(name, asked)),
            Change::Unwant(name) => drop(self.wanted.remove(&name)),
        }
    }

    /// Reads the log anew.
    pub(super) fn refresh(&mut self) -> Result<(), SyncError> {
        self.told = self.log.evaluate()?;
        self.strangers = strangers(&self.log, &self.told);
        Ok(())
    }
}

/// How many entries are by somebody whom the log does not name.
fn strangers(log: &Log, told: &Evaluation) -> usize {
    log.iter().filter(|(_, entry)| told.standing(&entry.author) == Standing::Stranger).count()
}

impl fmt::Debug for Sync<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Sync({} entries, {} keys)", self.log.len(), self.held.len())
    }
}
