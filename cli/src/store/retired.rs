//! Which keys are retired, authenticated: the column says it to whoever reads the table, and rows for which the
//! head is signed say that nobody else wrote it there.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

use super::Writer;
use super::error::StoreError;
use super::evidence::EvidenceKind;

/// The row that says: every retired key has its row, and no other key. A store of before has none until it is
/// written to.
const ALL: &[u8] = b"all";

/// Holds the column against the rows; the head was checked.
///
/// # Errors
/// [`StoreError::Tampered`] where a key was retired, or taken back into use, by somebody else.
pub(super) fn check(connection: &Connection) -> Result<(), StoreError> {
    if !is_signed(connection)? {
        return Ok(());
    }
    let query = "SELECT name, digest FROM evidence WHERE kind = 'retired-key' AND length(name) = 32";
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let signed: BTreeMap<[u8; 32], [u8; 32]> = rows.collect::<Result<_, _>>()?;
    let found = column(connection)?.into_iter();
    let found: BTreeMap<[u8; 32], [u8; 32]> =
        found.map(|(key, at)| (key, Sha256::digest(at.to_be_bytes()).into())).collect();
    if found == signed { Ok(()) } else { Err(StoreError::Tampered("secret_key")) }
}

fn is_signed(connection: &Connection) -> Result<bool, StoreError> {
    if !has_evidence(connection)? {
        return Ok(false);
    }
    let query = "SELECT 1 FROM evidence WHERE kind = 'retired-key' AND name = ?1";
    Ok(connection.prepare_cached(query)?.query_row([ALL], |_| Ok(())).optional()?.is_some())
}

/// The first version of the tables had none.
fn has_evidence(connection: &Connection) -> Result<bool, StoreError> {
    let query = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'evidence')";
    Ok(connection.query_row(query, [], |row| row.get(0))?)
}

/// What the table says: keys, and since when they are retired.
fn column(connection: &Connection) -> Result<Vec<([u8; 32], i64)>, StoreError> {
    let query = "SELECT fingerprint, retired FROM secret_key WHERE retired IS NOT NULL";
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Writer<'_> {
    /// Signs what a store of before says of its keys. Later it is held against that.
    pub(super) fn sign_retired(&mut self) -> Result<(), StoreError> {
        if is_signed(&self.transaction)? {
            return Ok(());
        }
        for (key, at) in column(&self.transaction)? {
            self.sign_retirement(&key, at)?;
        }
        self.keep_evidence(EvidenceKind::RetiredKey, ALL, &[]).map(drop)
    }

    /// Signs since when a key is retired.
    pub(super) fn sign_retirement(&mut self, key: &[u8; 32], at: i64) -> Result<(), StoreError> {
        self.keep_evidence(EvidenceKind::RetiredKey, key, &at.to_be_bytes()).map(drop)
    }
}
