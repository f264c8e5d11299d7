//! From the tables of an earlier version to these: a copy is changed, compared and put in the place
//! of the file. Whatever happens meanwhile, one whole store is there.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use rusqlite::Connection;

use super::directory::{beside, remove};
use super::error::StoreError;
use super::{connect, directory, schema};

/// Brings the file to the tables of this version. The store need not be unlocked: what is sealed
/// and what is signed stays as it is.
///
/// # Errors
/// Whatever kept the new file from being made; the old one is as it was then.
pub(super) fn run(path: &Path) -> Result<(), StoreError> {
    let failed = |error: io::Error| StoreError::Io(path.to_owned(), error);
    // Two processes may find the old tables at once. The second waits here, and finds new ones.
    let folder = path.parent().unwrap_or(Path::new("."));
    let lock = directory::lock(folder)?;
    let old = connect(path)?;
    let schema::Found::Earlier(version) = schema::check(&old)? else { return Ok(()) };
    alone(&old)?;
    let copy = beside(path, ".new");
    // What is left of a start that was cut off: a log of that copy would be read into this one.
    for ending in ["", "-wal", "-shm", "-journal"] {
        remove(&beside(&copy, ending))?;
    }
    fs::copy(path, &copy).map_err(failed)?;
    directory::narrow(&copy)?;
    let changed = change(&old, version, &copy);
    if let Err(error) = changed {
        let _ = remove(&copy);
        return Err(error);
    }
    let kept = beside(path, ".old");
    remove(&kept)?;
    fs::hard_link(path, &kept).map_err(failed)?;
    fs::rename(&copy, path).map_err(failed)?;
    lock.sync_all().map_err(failed)
}

/// Removes the file of the earlier version, after the new one was opened.
pub(super) fn forget_old(path: &Path) {
    // It is a spare copy; that it cannot be removed harms nobody.
    let _ = remove(&beside(path, ".old"));
}

/// Keeps everybody else out of a file that another one is to replace.
///
/// The log beside a file belongs to whatever file has that name: it must be empty and gone before
/// another file gets the name. This fails where somebody else has the store open, who then would
/// go on writing to a file without a name.
pub(super) fn alone(connection: &Connection) -> Result<(), StoreError> {
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    without_log(connection)
}

/// Brings everything into the file itself, so that it can be moved without the log beside it.
pub(super) fn without_log(connection: &Connection) -> Result<(), StoreError> {
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get(0))?;
    if mode == "delete" { Ok(()) } else { Err(StoreError::Setting("journal_mode")) }
}

fn change(old: &Connection, version: i64, copy: &Path) -> Result<(), StoreError> {
    let failed = |error: io::Error| StoreError::Io(copy.to_owned(), error);
    let mut new = connect(copy)?;
    let transaction = new.transaction()?;
    schema::upgrade(&transaction, version)?;
    transaction.commit()?;
    for (since, table, query) in SAME {
        if version < since {
            continue;
        }
        if fingerprint(old, query)? != fingerprint(&new, query)? {
            return Err(StoreError::Migration(table));
        }
    }
    schema::quick_check(&new)?;
    without_log(&new)?;
    drop(new);
    File::open(copy).and_then(|file| file.sync_all()).map_err(failed)
}

/// What must be the same in both files from which version on: every row, in one line of text.
const SAME: [(i64, &str, &str); 9] = [
    (
        1,
        "store",
        "SELECT hex(id) || created || epoch || hex(trust_key) || trust_rows || hex(trust_digest) || hex(signature) FROM store",
    ),
    (
        1,
        "unlock_slot",
        "SELECT id || kind || hex(parameters) || created || hex(wrapped) FROM unlock_slot ORDER BY id",
    ),
    (
        1,
        "secret_key",
        "SELECT id || hex(fingerprint) || kind || algorithm || hex(public_key) || created || epoch
             || coalesce(retired, '-') || hex(wrapped_data_key) || hex(sealed) FROM secret_key ORDER BY id",
    ),
    (
        1,
        "certificate",
        "SELECT hex(digest) || hex(key) || hex(der) || added FROM certificate ORDER BY digest",
    ),
    (
        1,
        "trust",
        "SELECT id || kind || address || hex(key) || points || source || created
             || coalesce(hex(capabilities), '-') FROM trust ORDER BY id",
    ),
    (
        2,
        "evidence",
        "SELECT id || kind || hex(name) || hex(digest) || hex(content) || added FROM evidence ORDER BY id",
    ),
    (
        3,
        "history",
        "SELECT number || at || event || hex(commitment) || hex(previous) || coalesce(hex(salt), '-')
             || coalesce(address, '-') || coalesce(hex(key), '-') || coalesce(hex(own), '-')
             FROM history ORDER BY number",
    ),
    (
        3,
        "correspondence",
        "SELECT id || address || hex(key) || first_seen || messages || two_way || by_hand
             FROM correspondence ORDER BY id",
    ),
    (
        3,
        "pending",
        "SELECT id || at || event || address || hex(key) || coalesce(hex(message), '-') FROM pending ORDER BY id",
    ),
];

fn fingerprint(connection: &Connection, query: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare(query)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests;
