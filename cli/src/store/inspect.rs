//! Whether a store is whole: its pages, its tables, its head, its log and every sealed record.

use std::ffi::OsStr;

use super::error::StoreError;
use super::seen::{self, Seen};
use super::{BACKUP_PREFIX, FILE, RESTORED_PREFIX, Store, schema, trust};

/// Whether a file was left by a command that was cut off.
pub(crate) fn is_left_over(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let copies = [".new", ".new-wal", ".new-shm", ".new-journal", ".old"];
    name.starts_with(BACKUP_PREFIX)
        || name.starts_with(RESTORED_PREFIX)
        || name.strip_prefix(FILE).is_some_and(|ending| copies.contains(&ending))
}

/// Whether a file is a store that was put aside because it could not be read.
pub(crate) fn is_copy_of_store(name: &OsStr) -> bool {
    name.to_string_lossy().strip_prefix(FILE).is_some_and(|ending| ending.starts_with(".kept-"))
}

impl Store {
    /// Has SQLite look at every page and every reference, and holds the tables against ours.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], and [`StoreError::Tampered`] for tables that are not ours.
    pub(crate) fn check_pages(&self) -> Result<(), StoreError> {
        let answer: String = self.connection.pragma_query_value(None, "integrity_check", |row| row.get(0))?;
        if answer != "ok" {
            return Err(StoreError::Damaged(answer));
        }
        let mut statement = self.connection.prepare("PRAGMA foreign_key_check")?;
        if statement.exists([])? {
            return Err(StoreError::Damaged("a row refers to one that is missing".to_owned()));
        }
        schema::check_objects(&self.connection)
    }

    /// Opens every sealed record, and answers with how many there are. The store must be unlocked.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] for the first that does not open.
    pub(crate) fn check_records(&self) -> Result<usize, StoreError> {
        let keys = self.secret_keys()?;
        keys.iter().try_for_each(|key| self.open_secret_key(key).map(drop))?;
        self.device_secrets()?.iter().try_for_each(|secret| self.open_device_secret(secret).map(drop))?;
        Ok(keys.len())
    }

    /// Whether the newest state is remembered beside the store.
    pub(crate) fn is_seen(&self) -> bool {
        let epoch = trust::next_epoch(&self.connection).map(|next| next - 1);
        matches!(
            (seen::read(&self.path, &self.id), epoch),
            (Seen::Head(seen, _), Ok(epoch)) if seen >= epoch
        )
    }

    /// All of it, for a store that is unlocked.
    pub(super) fn check_all(&self) -> Result<(), StoreError> {
        self.check_pages()?;
        self.check_records()?;
        if self.log()?.fault.is_some() { Err(StoreError::Tampered("history")) } else { Ok(()) }
    }
}
