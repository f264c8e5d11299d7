//! A backup, or the file of a store, takes the place of the store: verified as a whole before, above every epoch
//! that was seen, and with every secret key that the present store has.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use counterseal_core::x509::Certificate;
use tempfile::{Builder, NamedTempFile};

use super::backup::BackupFile;
use super::error::StoreError;
use super::evidence::EvidenceKind;
use super::master_key::MasterKey;
use super::sealed::SealingKey;
use super::secret_keys::{KeyUse, StoredKey, read_all};
use super::seen::{self, Seen};
use super::slots::{self, Opener, SlotKind};
use super::trust::{NewTrust, SignedHead, TrustKind};
use super::{FILE, ID_BYTES, RESTORED_PREFIX, Store, directory, migration, os_keyring, schema, trust};

/// How the file of a store begins (SQLite's header string).
const SQLITE: &[u8] = b"SQLite format 3\0";

/// The highest epoch that a store is believed whoever signed its head: there is room above it for as many changes.
const MOST_EPOCHS: i64 = 1 << 62;

/// A store that was read from a file, verified, and is to take the place of the one in the directory.
pub(crate) struct Staged {
    store: Store,
    /// Removed when this is dropped before it got its place.
    file: NamedTempFile,
    /// When the backup was made; the file of a store does not say.
    made: Option<Time>,
    /// Whether keys come back that were removed from the store in the directory.
    brings_back: bool,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Restored {
    /// When the backup was made; the file of a store does not say.
    pub(crate) made: Option<Time>,
    /// Secret keys that are there now.
    pub(crate) keys: usize,
    /// Of these, those that only the store before had.
    pub(crate) kept: Vec<Fingerprint>,
    /// Of these, those that stay for old mail only: another personal CA stood for the same address.
    pub(crate) retired: Vec<Fingerprint>,
    /// Keys of the backup that were removed from the store before, and stay so.
    pub(crate) removed: Vec<Fingerprint>,
    /// Pins and contacts of the store before that are gone.
    pub(crate) gone: usize,
    /// The files of a store that could not be read, under their new names.
    pub(crate) aside: Vec<PathBuf>,
}

/// What was taken over from the store before, and what of it is retired.
type Taken = (Vec<Fingerprint>, Vec<Fingerprint>);

/// The store that is in the directory.
enum Present {
    None,
    Readable(Box<Store>),
    /// It is kept aside: nobody knows which keys are in it.
    Unreadable,
}

impl Staged {
    /// Whether a file is opened by nothing but itself.
    pub(crate) fn needs_secret(path: &Path) -> Result<bool, StoreError> {
        if !is_store(path)? {
            return Ok(true);
        }
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = rusqlite::Connection::open_with_flags(path, flags)?;
        schema::check(&connection)?;
        Ok(!slots::has(&connection, SlotKind::None)?)
    }

    /// Reads a file into the directory, beside the store, and verifies all of it.
    ///
    /// # Errors
    /// Whatever is wrong with it; then nothing is left of it.
    pub(crate) fn read(
        directory: &Path,
        path: &Path,
        opener: Option<Opener<'_>>,
    ) -> Result<Self, StoreError> {
        directory::make(directory)?;
        let directory = directory::prepare(directory)?;
        let failed = |error: io::Error| StoreError::Io(directory.clone(), error);
        let mut file = Builder::new().prefix(RESTORED_PREFIX).tempfile_in(&directory).map_err(failed)?;
        if is_store(path)? {
            copy_store(path, &file)?;
            let store = Store::open_file(file.path().to_owned())?;
            store.unlock_by(opener)?;
            store.check_all()?;
            return Ok(Self { store, file, made: None, brings_back: false });
        }
        let backup = BackupFile::open(path)?;
        let (made, id) = (backup.header.made, backup.store_id());
        let master_key = backup.unlock(opener.ok_or(StoreError::Locked)?)?;
        backup.unseal(&master_key, &mut file)?;
        file.flush().map_err(failed)?;
        let store = Store::open_file(file.path().to_owned())?;
        if store.id != id {
            return Err(StoreError::BackupDamaged);
        }
        store.unlock_with(master_key)?;
        store.check_all()?;
        Ok(Self { store, file, made: Some(made), brings_back: false })
    }

    /// The same, with the keys that were removed from the store in the directory since.
    pub(crate) fn with_removed_keys(self, brings_back: bool) -> Self {
        Self { brings_back, ..self }
    }

    /// Puts it in the place of the store. `unlock` opens the present store where it has keys that this one has not, or
    /// says that keys of this one were removed, and where the key of this one does not open it.
    ///
    /// # Errors
    /// Whatever keeps it from being whole; the present store is as it was then.
    pub(crate) fn put_in_place<E: From<StoreError>>(
        mut self,
        directory: &Path,
        now: Time,
        unlock: impl FnOnce(&Store, &[Fingerprint]) -> Result<(), E>,
    ) -> Result<Restored, E> {
        let path = directory::prepare(directory)?.join(FILE);
        let mut present = Present::of(&path);
        let mut report = Restored { made: self.made, ..Restored::default() };
        let mut seen = self.seen(&path);
        let mut before = None;
        if let Present::Readable(store) = &present {
            let missing = self.missing(store)?;
            self.refuse_removed(&missing)?;
            if !self.brings_back {
                report.removed = fingerprints(&self.removed_since(store)?);
            }
            // A head that anybody may have signed ends no key.
            let is_taken_at_its_word = missing.is_empty() && report.removed.is_empty();
            if !is_taken_at_its_word && store.unlock_with(self.own_master_key(&store.id)?).is_err() {
                unlock(store, &fingerprints(&missing))?;
            }
            let epoch = trust::next_epoch(&store.connection)? - 1;
            (seen, before) = (seen.max(epoch), Some(epoch));
            report.gone = self.gone(store)?;
        }
        let seen = seen.min(MOST_EPOCHS);
        let merged = match &present {
            Present::Readable(store) => self.merge(store, seen, now),
            Present::None => self.store.commit(now, seen, |_| Ok(Taken::default())),
            Present::Unreadable => self.salvage(&path, seen, now),
        };
        let ((kept, retired), head) = match merged {
            // A record of the present store does not open: the file may be worth more to somebody else.
            Err(StoreError::Tampered(_)) => {
                present = Present::Unreadable;
                self.salvage(&path, seen, now)?
            }
            other => other?,
        };
        (report.kept, report.retired) = (kept, retired);
        if !report.removed.is_empty() {
            // Nothing else has this file open.
            self.store.wipe()?;
        }
        report.keys = self.store.check_records()?;
        report.aside = self.exchange(&path, present, before, &head)?;
        Ok(report)
    }

    /// The highest epoch that was seen of this store here.
    fn seen(&self, path: &Path) -> i64 {
        let beside = match seen::read(path, &self.store.id) {
            Seen::Head(epoch, _) => epoch,
            Seen::Nothing | Seen::OtherStore => 0,
        };
        let has_keyring = slots::has(&self.store.connection, SlotKind::Keyring).unwrap_or_default();
        let keyring = if has_keyring { os_keyring::epoch(&self.store.id) } else { None };
        beside.max(keyring.unwrap_or_default())
    }

    /// Keys that the present store has and this one has not.
    fn missing(&self, present: &Store) -> Result<Vec<StoredKey>, StoreError> {
        let own = self.store.secret_keys()?;
        let mut missing = present.secret_keys()?;
        missing.retain(|key| own.iter().all(|own| own.fingerprint != key.fingerprint));
        Ok(missing)
    }

    /// Keys of this store that were removed from the present one.
    fn removed_since(&self, present: &Store) -> Result<Vec<StoredKey>, StoreError> {
        let removed = present.evidence(EvidenceKind::RemovedKey)?;
        let mut keys = self.store.secret_keys()?;
        keys.retain(|key| removed.iter().any(|kept| kept.name == *key.fingerprint.sha256()));
        Ok(keys)
    }

    /// Refuses to end keys of the present store because they were removed before the backup was made.
    fn refuse_removed(&self, missing: &[StoredKey]) -> Result<(), StoreError> {
        let removed = self.store.evidence(EvidenceKind::RemovedKey)?;
        let is_removed = |key: &&StoredKey| removed.iter().any(|kept| kept.name == *key.fingerprint.sha256());
        match missing.iter().find(is_removed) {
            Some(key) => Err(StoreError::RemovedThere(key.fingerprint)),
            None => Ok(()),
        }
    }

    /// The master key of this store, as that of another state of it.
    fn own_master_key(&self, id: &[u8; ID_BYTES]) -> Result<MasterKey, StoreError> {
        let key: &SealingKey = self.store.master_key()?.wrapped();
        Ok(MasterKey::new(id, key.clone()))
    }

    /// Takes over the keys that are missing here, and every certificate and address of the present store's keys.
    fn merge(&mut self, present: &Store, seen: i64, now: Time) -> Result<(Taken, SignedHead), StoreError> {
        let missing = self.missing(present)?;
        let retired = self.outdone(present, &missing)?;
        let keys = present.secret_keys()?;
        let rows = present.trust_rows()?;
        let places = present.token_keys()?;
        let removed = if self.brings_back { Vec::new() } else { self.removed_since(present)? };
        self.store.commit(now, seen, |writer| {
            removed.iter().try_for_each(|key| writer.remove_secret_key(key))?;
            for key in &missing {
                writer.take_secret_key(key, &present.algorithm(key)?, &present.open_secret_key(key)?)?;
                if let Some(place) = places.get(key.fingerprint.sha256()) {
                    writer.keep_token_place(&key.fingerprint, place)?;
                }
            }
            for key in &retired {
                writer.retire(key)?;
            }
            for key in &keys {
                for der in present.certificates_of(key.fingerprint.sha256())? {
                    writer.add_certificate(&der, &key.fingerprint)?;
                }
                for row in
                    rows.iter().filter(|row| row.kind == TrustKind::Own && row.is_about(&key.fingerprint))
                {
                    let Some(address) = row.parsed_address() else { continue };
                    writer.add_trust(&NewTrust {
                        kind: TrustKind::Own,
                        address: &address,
                        key: &key.fingerprint,
                        points: row.points,
                        source: &row.source,
                        capabilities: row.capabilities.as_deref(),
                        announced: row.announced,
                    })?;
                }
            }
            Ok((fingerprints(&missing), retired))
        })
    }

    /// Takes over the keys of a store that somebody changed whose records are as they were: each is sealed for its
    /// place. They are for old mail alone, since nobody knows which of them were in use.
    fn salvage(&mut self, path: &Path, seen: i64, now: Time) -> Result<(Taken, SignedHead), StoreError> {
        // Whatever is wrong with the file, it is kept aside.
        let intact = self.intact(path, now).unwrap_or_default();
        self.store.commit(now, seen, |writer| {
            for Intact { key, algorithm, pkcs8, certificates } in &intact {
                writer.take_secret_key(key, algorithm, pkcs8)?;
                for der in certificates {
                    writer.add_certificate(der, &key.fingerprint)?;
                }
            }
            Ok((intact.iter().map(|one| one.key.fingerprint).collect(), Vec::new()))
        })
    }

    /// The records of a store that the master key of this one opens, of keys that this one never had.
    fn intact(&self, path: &Path, now: Time) -> Result<Vec<Intact>, StoreError> {
        let present = Store::open_file(path.to_owned())?;
        let master_key = self.own_master_key(&present.id)?;
        let (own, removed) = (self.store.secret_keys()?, self.store.evidence(EvidenceKind::RemovedKey)?);
        let mut keys = read_all(&present.connection)?;
        keys.retain(|key| {
            own.iter().all(|own| own.fingerprint != key.fingerprint)
                && removed.iter().all(|kept| kept.name != *key.fingerprint.sha256())
        });
        let mut intact = Vec::new();
        for mut key in keys {
            let Ok(pkcs8) = key.open(&present.connection, &present.id, &master_key) else { continue };
            // Where the record of a key on a token is empty, the key is on the token.
            if !pkcs8.is_empty() {
                let algorithm = present.algorithm(&key)?;
                let certificates = present.certificates_of(key.fingerprint.sha256())?;
                key.retired = Some(now);
                intact.push(Intact { key, algorithm, pkcs8, certificates });
            }
        }
        Ok(intact)
    }

    /// Keys that must not go on beside those of this store: whoever made a new store first and restored then
    /// has two personal CAs for one address, and others compared this one's. A state of the same store has
    /// only keys that follow.
    fn outdone(&self, present: &Store, missing: &[StoredKey]) -> Result<Vec<Fingerprint>, StoreError> {
        if present.id == self.store.id {
            return Ok(Vec::new());
        }
        let (ours, rows) = (self.store.secret_keys()?, present.trust_rows()?);
        let is_in_use = |key: &&StoredKey| key.retired.is_none();
        let authorities = ours.iter().filter(is_in_use).filter(|key| key.key_use == KeyUse::PersonalCa);
        let own: Vec<_> = authorities.map(|key| &key.fingerprint).collect();
        let addresses: Vec<String> = (self.store.trust_rows()?.into_iter())
            .filter(|row| row.kind == TrustKind::Own && own.iter().any(|key| row.is_about(key)))
            .map(|row| row.address)
            .collect();
        let is_rival = |key: &&StoredKey| {
            key.key_use == KeyUse::PersonalCa
                && rows.iter().any(|row| {
                    row.kind == TrustKind::Own
                        && row.is_about(&key.fingerprint)
                        && addresses.contains(&row.address)
                })
        };
        let mut authorities = Vec::new();
        for key in missing.iter().filter(is_in_use).filter(is_rival) {
            authorities.extend(certificates(present, key)?);
        }
        let mut outdone = Vec::new();
        for key in missing.iter().filter(is_in_use) {
            let of_key = certificates(present, key)?;
            let is_under = |authority: &Certificate| {
                of_key.iter().any(|own| own.issuer_der() == authority.subject_der())
            };
            if authorities.iter().any(is_under) {
                outdone.push(key.fingerprint);
            }
        }
        Ok(outdone)
    }

    /// How many pins and contacts of the present store are not in this one.
    fn gone(&self, present: &Store) -> Result<usize, StoreError> {
        let own = self.store.trust_rows()?;
        let is_here = |row: &trust::TrustRow| {
            own.iter().any(|own| (own.kind, &own.address, own.key) == (row.kind, &row.address, row.key))
        };
        let present = present.trust_rows()?;
        Ok(present.iter().filter(|row| row.kind != TrustKind::Own && !is_here(row)).count())
    }

    /// One rename: whoever is killed before has the store before, whoever is killed after has this one.
    fn exchange(
        self,
        path: &Path,
        present: Present,
        before: Option<i64>,
        head: &SignedHead,
    ) -> Result<Vec<PathBuf>, StoreError> {
        let failed = |error: io::Error| StoreError::Io(path.to_owned(), error);
        let Self { store, file, .. } = self;
        let (id, uses_keyring) = (store.id, slots::has(&store.connection, SlotKind::Keyring)?);
        migration::without_log(&store.connection)?;
        drop(store);
        file.as_file().sync_all().map_err(failed)?;
        let lock = directory::lock(path.parent().unwrap_or(Path::new(".")))?;
        let mut aside = Vec::new();
        if let Present::Readable(present) = &present {
            migration::alone(&present.connection)?;
            if before != Some(trust::next_epoch(&present.connection)? - 1) {
                return Err(StoreError::Changed);
            }
        } else {
            // A log without its file would be read into ours.
            aside = keep_aside(path)?;
        }
        if seen::read(path, &id) == Seen::OtherStore {
            directory::remove(&seen::beside(path))?;
        }
        match present {
            Present::None => drop(file.persist_noclobber(path).map_err(|refused| failed(refused.error))?),
            Present::Readable(_) | Present::Unreadable => {
                drop(file.persist(path).map_err(|refused| failed(refused.error))?);
            }
        }
        lock.sync_all().map_err(failed)?;
        seen::record_locked(path, &id, head);
        if uses_keyring {
            os_keyring::keep_epoch(&id, head.head.epoch);
        }
        Ok(aside)
    }
}

/// A record of a store that cannot be read as a whole.
struct Intact {
    key: StoredKey,
    algorithm: String,
    pkcs8: SecretBytes,
    certificates: Vec<Vec<u8>>,
}

impl Present {
    fn of(path: &Path) -> Self {
        if !path.exists() {
            return Self::None;
        }
        let readable = || {
            let store = Store::open_file(path.to_owned())?;
            store.check_pages()?;
            store.trust_rows()?;
            store.secret_keys()?;
            trust::next_epoch(&store.connection)?;
            Ok::<_, StoreError>(store)
        };
        readable().map_or(Self::Unreadable, |store| Self::Readable(Box::new(store)))
    }
}

fn fingerprints(keys: &[StoredKey]) -> Vec<Fingerprint> {
    keys.iter().map(|key| key.fingerprint).collect()
}

fn is_store(path: &Path) -> Result<bool, StoreError> {
    let failed = |error: io::Error| StoreError::Io(path.to_owned(), error);
    let mut begin = Vec::with_capacity(SQLITE.len());
    File::open(path).map_err(failed)?.take(SQLITE.len() as u64).read_to_end(&mut begin).map_err(failed)?;
    Ok(begin == SQLITE)
}

/// Copies the file of a store, and the log that stands beside it.
fn copy_store(path: &Path, target: &NamedTempFile) -> Result<(), StoreError> {
    let log = directory::beside(path, "-wal");
    for (from, to) in
        [(path.to_owned(), target.path().to_owned()), (log, directory::beside(target.path(), "-wal"))]
    {
        if from.exists() {
            fs::copy(&from, &to).map_err(|error| StoreError::Io(from.clone(), error))?;
            directory::narrow(&to)?;
        }
    }
    Ok(())
}

/// Gives whatever has the names of a store other names.
fn keep_aside(path: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let free = (1..=u32::MAX).map(|number| directory::beside(path, &format!(".kept-{number}")));
    let mut free =
        free.filter(|name| ["", "-wal", "-shm"].iter().all(|end| !directory::beside(name, end).exists()));
    let Some(name) = free.next() else { return Ok(Vec::new()) };
    let mut kept = Vec::new();
    for ending in ["", "-wal", "-shm"] {
        let (from, to) = (directory::beside(path, ending), directory::beside(&name, ending));
        // The file itself keeps its name until the new one takes it: at every moment there is a store.
        let moved = if ending.is_empty() { fs::hard_link(&from, &to) } else { fs::rename(&from, &to) };
        match moved {
            Ok(()) => kept.push(to),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::Io(from, error)),
        }
    }
    Ok(kept)
}

fn certificates(store: &Store, key: &StoredKey) -> Result<Vec<Certificate>, StoreError> {
    let stored = store.certificates_of(key.fingerprint.sha256())?;
    Ok(stored.iter().filter_map(|der| Certificate::from_der(der).ok()).collect())
}
