//! The store: one SQLite file with the secret keys, certificates, contacts, pins and history of a person.
//!
//! `docs/formats/store.md` has the format. Certificates and trust are read without unlocking; a
//! secret key needs the store master key, which the passphrase of a slot unwraps.

mod certificates;
mod directory;
mod encoding;
mod error;
mod evidence;
pub(crate) mod exposure;
mod forget;
mod history;
mod keyring;
mod master_key;
mod migration;
mod pending;
mod schema;
mod sealed;
mod secret_keys;
mod slots;
mod trust;

use std::cell::OnceCell;
use std::path::Path;
use std::time::Duration;

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

pub(crate) use error::StoreError;
pub(crate) use evidence::EvidenceKind;
pub(crate) use forget::Forgotten;
pub(crate) use history::Log;
pub(crate) use keyring::{AskPassphrase, StoreKeys};
use master_key::MasterKey;
pub(crate) use secret_keys::{KeyUse, StoredKey};
pub(crate) use slots::Protection;
pub(crate) use trust::{NewTrust, TrustKind, TrustRow};

use crate::randomness::random;

/// Name of the file in the data directory.
const FILE: &str = "store.sqlite3";
/// How long a writer waits for another.
const BUSY: Duration = Duration::from_secs(5);
/// Bytes of a store's id.
const ID_BYTES: usize = 16;

/// An open store. It is locked until [`Store::unlock`].
pub(crate) struct Store {
    connection: Connection,
    id: [u8; ID_BYTES],
    unlocked: OnceCell<MasterKey>,
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
        directory::narrow(&path)?;
        let mut connection = connect(&path)?;
        if matches!(schema::check(&connection)?, schema::Found::Earlier(_)) {
            drop(connection);
            migration::run(&path)?;
            connection = connect(&path)?;
        }
        migration::forget_old(&path);
        let id = connection.query_row("SELECT id FROM store", [], |row| row.get(0))?;
        Ok(Self { connection, id, unlocked: OnceCell::new() })
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
        trust::create_head(&transaction, &id, &master_key, now)?;
        transaction.commit()?;
        Ok(Self { connection, id, unlocked: OnceCell::from(master_key) })
    }

    /// What makes it another store than all others.
    pub(crate) const fn id(&self) -> &[u8; ID_BYTES] {
        &self.id
    }

    /// Whether a passphrase is needed before secret keys can be used.
    pub(crate) fn needs_passphrase(&self) -> Result<bool, StoreError> {
        Ok(self.unlocked.get().is_none() && !slots::has_none(&self.connection)?)
    }

    /// Unlocks the store, by the slot without a passphrase where there is one.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where a passphrase is needed and none is given,
    /// [`StoreError::WrongPassphrase`], and [`StoreError::Tampered`] where the trust rows are not
    /// those that this store wrote.
    pub(crate) fn unlock(&self, passphrase: Option<&SecretBytes>) -> Result<(), StoreError> {
        if self.unlocked.get().is_some() {
            return Ok(());
        }
        let master_key = slots::open(&self.connection, &self.id, passphrase)?;
        trust::check_head(&self.connection, &self.id, &master_key)?;
        let _ = self.unlocked.set(master_key);
        Ok(())
    }

    /// Whether it can be written to without a passphrase: it is unlocked already, or needs none.
    pub(crate) fn can_write(&self) -> Result<bool, StoreError> {
        Ok(!self.needs_passphrase()?)
    }

    fn master_key(&self) -> Result<&MasterKey, StoreError> {
        self.unlocked.get().ok_or(StoreError::Locked)
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
        let master_key = self.unlocked.get().ok_or(StoreError::Locked)?;
        schema::quick_check(&self.connection)?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // What is signed at the end must be what was there at the beginning, and our changes.
        schema::check_objects(&transaction)?;
        trust::check_head(&transaction, &self.id, master_key)?;
        let epoch = trust::next_epoch(&transaction)?;
        let mut writer = Writer { transaction, id: &self.id, master_key, epoch, now };
        let result = change(&mut writer)?;
        trust::write_head(&writer)?;
        writer.transaction.commit()?;
        Ok(result)
    }
}

/// Changes that happen together.
pub(crate) struct Writer<'a> {
    transaction: Transaction<'a>,
    id: &'a [u8; ID_BYTES],
    master_key: &'a MasterKey,
    epoch: i64,
    now: Time,
}

/// Opens the file and applies every setting, then reads the settings back.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    for (name, value, read_back) in SETTINGS {
        connection.pragma_update(None, name, value)?;
        let found: rusqlite::types::Value = connection.pragma_query_value(None, name, |row| row.get(0))?;
        if !is(&found, read_back) {
            return Err(StoreError::Setting(name));
        }
    }
    Ok(connection)
}

/// Each setting, what it is set to, and what it reads as then.
const SETTINGS: [(&str, &str, &str); 9] = [
    ("journal_mode", "WAL", "wal"),
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
