//! What can be wrong with a store.

use std::io;
use std::path::PathBuf;

use counterseal_core::fingerprint::Fingerprint;

/// Why a store did not do what it was asked for.
#[derive(Debug)]
pub(crate) enum StoreError {
    /// There is none.
    Missing,
    /// There is one already.
    Exists,
    /// The key was destroyed here, and does not come back.
    KeyRemoved,
    /// The present store has a key that was removed in the file that is to take its place.
    RemovedThere(Fingerprint),
    /// A secret key is needed, and no passphrase was given.
    Locked,
    /// No slot opens with this passphrase.
    WrongPassphrase,
    /// No slot opens with this recovery code.
    WrongRecoveryCode,
    /// No keyring of a desktop keeps a key for us.
    NoKeyring,
    /// Nothing that a person has would open the store any more.
    LastSlot,
    /// A backup would be opened by nothing that a person has.
    NothingOpens,
    /// The file is neither a backup nor a store.
    NotABackup,
    /// The backup is not, whole and unchanged, what was written.
    BackupDamaged,
    /// The store was changed while it was being replaced.
    Changed,
    /// The new slot does not open; the old ones do as before.
    SlotNotWritten,
    /// The file is older than one that was seen here, by their epochs.
    RolledBack {
        /// The highest that was seen.
        seen: i64,
        /// That of the file.
        found: i64,
    },
    /// The file is of another store than the one that was here.
    OtherStore,
    /// A slot asks for more memory or time than any store of ours.
    SlotTooExpensive,
    /// Rows are not what this store wrote; the word says which.
    Tampered(&'static str),
    /// The file is no store.
    NotAStore,
    /// A newer cseal wrote it.
    Newer(i64),
    /// SQLite did not take this setting.
    Setting(&'static str),
    /// SQLite finds the file damaged.
    Damaged(String),
    /// The directory belongs to somebody else, or others may write to it.
    Unsafe(PathBuf, &'static str),
    /// The directory is on a network file system.
    NetworkFileSystem(PathBuf),
    /// The copy with the new tables is not the same store.
    Migration(&'static str),
    /// Argon2 did not get its memory.
    Memory,
    /// The disk has no room for the change, which was not made.
    Full,
    /// Another program has been writing for longer than one waits.
    Busy,
    /// SQLite.
    Database(rusqlite::Error),
    /// The system.
    Io(PathBuf, io::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => Self::NotAStore,
            Some(rusqlite::ErrorCode::DatabaseCorrupt) => Self::Damaged(error.to_string()),
            Some(rusqlite::ErrorCode::DatabaseBusy) => Self::Busy,
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            Some(_) if is_without_room(&error) => Self::Full,
            _ => Self::Database(error),
        }
    }
}

/// Whether the index of the log, a file beside the store, found no room.
fn is_without_room(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}
