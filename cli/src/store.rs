//! The store: one SQLite file with the secret keys, certificates, contacts, pins and history of a person.
//!
//! `docs/formats/store.md` has the format. Certificates and trust are read without unlocking; a
//! secret key needs the store master key, which the passphrase of a slot unwraps.

mod account;
mod backup;
mod certificates;
mod device_secrets;
mod directory;
mod encoding;
mod error;
mod evidence;
pub(crate) mod exposure;
mod forget;
mod hexadecimal;
mod history;
mod inspect;
mod kept_keys;
mod keyring;
mod master_key;
mod migration;
mod missed;
mod os_keyring;
mod pending;
mod protect;
mod records;
mod recovery_code;
mod restore;
mod retired;
mod schema;
mod sealed;
mod sealed_row;
mod sealed_setting;
mod secret_keys;
mod seen;
mod shared;
mod slots;
mod token_keys;
mod trust;

use std::cell::{OnceCell, RefCell};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use counterseal_core::time::Time;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

pub(crate) use account::KeptAlarm;
pub(crate) use backup::{BackupNote, is_backup, verify as verify_backup};
pub(crate) use device_secrets::DeviceSecretKind;
pub(crate) use error::StoreError;
pub(crate) use evidence::{EvidenceKind, Kept};
pub(crate) use forget::Forgotten;
pub(crate) use history::Log;
pub(crate) use inspect::{is_copy_of_store, is_left_over};
pub(crate) use keyring::{StoreKeys, UnlockStore};
use master_key::MasterKey;
pub(crate) use records::{
    DatedCertificate, EvidenceRecord, Index, Records, RecordsSignature, Standing, Takeover, TrustRecord,
};
pub(crate) use recovery_code::{NotARecoveryCode, RecoveryCode};
pub(crate) use restore::{Restored, Staged};
pub(crate) use schema::VERSION;
pub(crate) use secret_keys::{KeyUse, StoredKey};
pub(crate) use shared::SharedStore;
pub(crate) use slots::{Opener, Protection, SlotKind};
pub(crate) use trust::{NewTrust, TrustKind, TrustRow};

use crate::randomness::random;

/// Name of the file in the data directory.
const FILE: &str = "store.sqlite3";
/// How the names of copies begin while a backup is made.
const BACKUP_PREFIX: &str = "store.sqlite3.backup-";
/// How the names of files begin that are to take the place of the store.
const RESTORED_PREFIX: &str = "store.sqlite3.restored-";
/// How long a writer waits for another.
const BUSY: Duration = Duration::from_secs(5);
/// Bytes of a store's id.
const ID_BYTES: usize = 16;

/// An open store. It is locked until [`Store::unlock`].
pub(crate) struct Store {
    path: PathBuf,
    connection: Connection,
    id: [u8; ID_BYTES],
    unlocked: OnceCell<Arc<MasterKey>>,
    /// Whether the keyring of the desktop opened it, once it was asked.
    keyring: OnceCell<bool>,
    /// What the head was last found to be signed for.
    verified: RefCell<Option<(trust::Moment, Arc<trust::Signed>)>>,
}

impl Store {
    /// Whether a store is in the directory.
    pub(crate) fn exists(directory: &Path) -> bool {
        directory.join(FILE).is_file()
    }

    /// Opens the store of a directory.
    ///
    /// # Errors
    /// [`StoreError::Missing`] where there is none; else what is wrong with it.
    pub(crate) fn open(directory: &Path) -> Result<Self, StoreError> {
        if !Self::exists(directory) {
            return Err(StoreError::Missing);
        }
        let path = directory::prepare(directory)?.join(FILE);
        let store = Self::open_file(path)?;
        seen::check(&store.path, &store.connection, &store.id)?;
        Ok(store)
    }

    /// Opens a file, whatever was seen of newer ones.
    fn open_file(path: PathBuf) -> Result<Self, StoreError> {
        directory::narrow(&path)?;
        let mut connection = connect_locked(&path)?;
        if matches!(schema::check(&connection)?, schema::Found::Earlier(_)) {
            drop(connection);
            migration::run(&path)?;
            connection = connect_locked(&path)?;
        }
        migration::forget_old(&path);
        let id = connection.query_row("SELECT id FROM store", [], |row| row.get(0))?;
        Ok(Self {
            path,
            connection,
            id,
            unlocked: OnceCell::new(),
            keyring: OnceCell::new(),

            verified: RefCell::default(),
        })
    }

    /// Makes a store, and leaves it unlocked.
    ///
    /// # Errors
    /// [`StoreError::Exists`] where there is one; else whatever the system says.
    pub(crate) fn create(directory: &Path, protection: &Protection, now: Time) -> Result<Self, StoreError> {
        directory::make(directory)?;
        let path = directory::prepare(directory)?.join(FILE);
        directory::create_file(&path)?;
        let mut connection = connect(&path)?;
        let id = random();
        let master_key = MasterKey::generate(&id);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // An empty file is left from a start that was cut off before its first commit.
        if !schema::is_empty(&transaction)? {
            return Err(StoreError::Exists);
        }
        schema::create(&transaction)?;
        slots::add(&transaction, &id, &master_key, protection, now)?;
        let head = trust::create_head(&transaction, &id, &master_key, now)?;
        transaction.commit()?;
        // Nobody misses the store that may have been here before: this one was asked for.
        seen::record(&path, &id, &head);
        let unlocked = OnceCell::from(Arc::new(master_key));
        Ok(Self { path, connection, id, unlocked, keyring: OnceCell::new(), verified: RefCell::default() })
    }

    /// What makes it another store than all others.
    pub(crate) const fn id(&self) -> &[u8; ID_BYTES] {
        &self.id
    }

    /// Whether a passphrase or the recovery code is needed before secret keys can be used. Where the keyring of the
    /// desktop opens the store, it is open then.
    ///
    /// # Errors
    /// What [`Store::unlock`] says of a store that the keyring opens.
    pub(crate) fn needs_passphrase(&self) -> Result<bool, StoreError> {
        if self.unlocked.get().is_some() || slots::has(&self.connection, SlotKind::None)? {
            return Ok(false);
        }
        Ok(!self.opens_by_keyring()?)
    }

    fn opens_by_keyring(&self) -> Result<bool, StoreError> {
        if let Some(opened) = self.keyring.get() {
            return Ok(*opened);
        }
        let mut opened = false;
        if slots::has(&self.connection, SlotKind::Keyring)?
            && let Some(key) = os_keyring::key(&self.id)
        {
            // First what was seen, then what is there, as with the file.
            let seen = os_keyring::epoch(&self.id);
            let found = trust::next_epoch(&self.connection)? - 1;
            if let Some(seen) = seen.filter(|seen| *seen > found) {
                return Err(StoreError::RolledBack { seen, found });
            }
            opened = match self.unlock_by(Some(Opener::Keyring(&key))) {
                Ok(()) => true,
                Err(StoreError::Locked) => false,
                Err(error) => return Err(error),
            };
        }
        let _ = self.keyring.set(opened);
        Ok(opened)
    }

    /// Unlocks the store, by the slot without a passphrase where there is one, or by the keyring.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where a passphrase is needed and none is given,
    /// [`StoreError::WrongPassphrase`], [`StoreError::WrongRecoveryCode`], and [`StoreError::Tampered`] where the
    /// trust rows are not those that this store wrote.
    pub(crate) fn unlock(&self, opener: Option<Opener<'_>>) -> Result<(), StoreError> {
        if self.unlocked.get().is_some() || (opener.is_none() && self.opens_by_keyring()?) {
            return Ok(());
        }
        self.unlock_by(opener)
    }

    fn unlock_by(&self, opener: Option<Opener<'_>>) -> Result<(), StoreError> {
        let master_key = slots::open(&slots::all(&self.connection)?, &self.id, opener)?;
        self.unlock_with(master_key)
    }

    fn unlock_with(&self, master_key: MasterKey) -> Result<(), StoreError> {
        // One transaction, so that rows and head are of the same moment.
        let transaction = self.connection.unchecked_transaction()?;
        trust::check_head(&transaction, &self.id, &master_key)?;
        drop(transaction);
        let _ = self.unlocked.set(Arc::new(master_key));
        Ok(())
    }

    /// Whether it can be written to without a passphrase: it is unlocked already, or needs none.
    pub(crate) fn can_write(&self) -> Result<bool, StoreError> {
        Ok(!self.needs_passphrase()?)
    }

    fn master_key(&self) -> Result<&MasterKey, StoreError> {
        self.unlocked.get().map(Arc::as_ref).ok_or(StoreError::Locked)
    }

    /// Runs changes as one: all of them, with a new epoch and a new head, or none.
    ///
    /// # Errors
    /// What `change` or the system says; then nothing was changed.
    pub(crate) fn write<T>(
        &mut self,
        now: Time,
        change: impl FnOnce(&mut Writer<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let (result, head) = self.commit(now, 0, change)?;
        seen::record(&self.path, &self.id, &head);
        if self.keyring.get().is_some_and(|opened| *opened) {
            os_keyring::keep_epoch(&self.id, head.head.epoch);
        }
        Ok(result)
    }

    /// The same without telling what keeps a look-out for older files; the epoch is above `seen`.
    fn commit<T>(
        &mut self,
        now: Time,
        seen: i64,
        change: impl FnOnce(&mut Writer<'_>) -> Result<T, StoreError>,
    ) -> Result<(T, trust::SignedHead), StoreError> {
        let master_key = Arc::clone(self.unlocked.get().ok_or(StoreError::Locked)?);
        schema::quick_check(&self.connection)?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // What is signed at the end must be what was there at the beginning, and our changes.
        schema::check_objects(&transaction)?;
        trust::check_head(&transaction, &self.id, &master_key)?;
        let epoch = trust::next_epoch(&transaction)?.max(seen.saturating_add(1));
        let mut writer = Writer { transaction, id: &self.id, master_key, epoch, now };
        let result = change(&mut writer)?;
        writer.sign_retired()?;
        writer.sign_keys()?;
        let head = trust::write_head(&writer)?;
        writer.transaction.commit()?;
        Ok((result, head))
    }
}

/// Changes that happen together.
pub(crate) struct Writer<'a> {
    transaction: Transaction<'a>,
    id: &'a [u8; ID_BYTES],
    master_key: Arc<MasterKey>,
    epoch: i64,
    now: Time,
}

/// Opens a file while nobody puts another one in its place: once it is open, SQLite's own lock keeps it there.
fn connect_locked(path: &Path) -> Result<Connection, StoreError> {
    let _lock = directory::lock_shared(path.parent().unwrap_or(Path::new(".")))?;
    connect(path)
}

/// Opens the file. A full disk has no room for the index of the log, nor for a change of the journal's mode. The index is
/// then kept in memory and the mode as it is, so that what is in the store can be read and mail opens; nobody else can
/// open the store meanwhile.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    let shared = [&[WRITE_AHEAD], &SETTINGS[..]].concat();
    match connect_with(path, &shared) {
        Err(StoreError::Full) => connect_with(path, &[&[ALONE], &SETTINGS[..], &[EXTRA]].concat()),
        opened => opened,
    }
}

/// Opens the file and applies every setting, then reads the settings back.
fn connect_with(path: &Path, settings: &[Setting]) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    for &(name, value, read_back) in settings {
        connection.pragma_update(None, name, value)?;
        let found: rusqlite::types::Value = connection.pragma_query_value(None, name, |row| row.get(0))?;
        if !is(&found, read_back) {
            return Err(StoreError::Setting(name));
        }
    }
    Ok(connection)
}

/// A setting, what it is set to, and what it reads as then.
type Setting = (&'static str, &'static str, &'static str);

/// SQLite then needs no memory that processes share, which lies in a file.
const ALONE: Setting = ("locking_mode", "EXCLUSIVE", "exclusive");

/// Without the log, a commit lasts when the removal of its journal is synced, too.
const EXTRA: Setting = ("synchronous", "EXTRA", "3");

/// Readers and a writer at once; what a commit wrote is in the log, and synced.
const WRITE_AHEAD: Setting = ("journal_mode", "WAL", "wal");

const SETTINGS: [Setting; 8] = [
    ("synchronous", "FULL", "2"),
    ("foreign_keys", "ON", "1"),
    // REPLACE fires the triggers that keep secret keys.
    ("recursive_triggers", "ON", "1"),
    ("trusted_schema", "OFF", "0"),
    ("cell_size_check", "ON", "1"),
    ("secure_delete", "ON", "1"),
    ("temp_store", "MEMORY", "2"),
    ("mmap_size", "0", "0"),
];

fn is(found: &rusqlite::types::Value, expected: &str) -> bool {
    match found {
        rusqlite::types::Value::Integer(number) => number.to_string() == expected,
        rusqlite::types::Value::Text(text) => text == expected,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
