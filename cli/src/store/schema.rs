//! The tables, and the checks that a file is a store of ours.

use rusqlite::Connection;

use super::error::StoreError;

/// `CSL1`, in the header of the file.
const APPLICATION_ID: i64 = 0x4353_4C31;
/// Version of the tables, `user_version` of the file.
pub(crate) const VERSION: i64 = 5;
/// Version of the seals and of the head, which did not change since the first tables.
pub(super) const SEAL_VERSION: i64 = 1;

/// The tables of version 1. Every store of a version has exactly this text in its schema; another text is
/// another version.
pub(super) const FIRST_TABLES: &str = "
CREATE TABLE store (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    id BLOB NOT NULL CHECK (length(id) = 16),
    created INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    trust_key BLOB NOT NULL,
    trust_rows INTEGER NOT NULL,
    trust_digest BLOB NOT NULL,
    signature BLOB NOT NULL
) STRICT;

CREATE TABLE unlock_slot (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('passphrase', 'none')),
    parameters BLOB NOT NULL,
    created INTEGER NOT NULL,
    wrapped BLOB NOT NULL
) STRICT;

CREATE TABLE secret_key (
    id INTEGER PRIMARY KEY,
    fingerprint BLOB NOT NULL UNIQUE CHECK (length(fingerprint) = 32),
    kind TEXT NOT NULL CHECK (kind IN ('personal-ca', 'encryption', 'signing')),
    algorithm TEXT NOT NULL,
    public_key BLOB NOT NULL,
    created INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    retired INTEGER,
    wrapped_data_key BLOB NOT NULL,
    sealed BLOB NOT NULL
) STRICT;

-- A mail of ten years ago is opened by the key of that time: keys stay.
CREATE TRIGGER secret_key_stays BEFORE DELETE ON secret_key
BEGIN SELECT raise(ABORT, 'secret keys are not deleted'); END;

CREATE TRIGGER secret_key_is_not_replaced BEFORE UPDATE OF id, fingerprint, public_key, sealed ON secret_key
BEGIN SELECT raise(ABORT, 'secret keys are not replaced'); END;

CREATE TABLE certificate (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
    key BLOB NOT NULL CHECK (length(key) = 32),
    der BLOB NOT NULL,
    added INTEGER NOT NULL
) STRICT;
CREATE INDEX certificate_of_key ON certificate (key);

CREATE TABLE trust (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('own', 'contact', 'pin')),
    address TEXT NOT NULL,
    key BLOB NOT NULL CHECK (length(key) = 32),
    points INTEGER NOT NULL,
    source TEXT NOT NULL,
    created INTEGER NOT NULL,
    capabilities BLOB,
    UNIQUE (kind, address, key)
) STRICT;
";

/// What version 2 adds: evidence that is kept whole.
pub(super) const SECOND_TABLES: &str = "
CREATE TABLE evidence (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    name BLOB NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    content BLOB NOT NULL,
    added INTEGER NOT NULL,
    UNIQUE (kind, name)
) STRICT;
";

/// What version 3 adds: the history, what it comes to, what was seen while the store was locked, and
/// when a contact announced what it can read.
pub(super) const THIRD_TABLES: &str = "
CREATE TABLE history (
    number INTEGER PRIMARY KEY CHECK (number >= 0),
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    commitment BLOB NOT NULL CHECK (length(commitment) = 32),
    previous BLOB NOT NULL CHECK (length(previous) = 32),
    salt BLOB CHECK (length(salt) = 16),
    address TEXT,
    key BLOB CHECK (length(key) = 32),
    own BLOB,
    CHECK ((salt IS NULL) = (address IS NULL) AND (salt IS NULL) = (key IS NULL) AND (salt IS NULL) = (own IS NULL))
) STRICT;
CREATE INDEX history_of_key ON history (address, key);

-- The log only grows; what a person wants forgotten leaves its place empty.
CREATE TRIGGER history_stays BEFORE DELETE ON history
BEGIN SELECT raise(ABORT, 'history is not deleted'); END;

CREATE TRIGGER history_is_not_rewritten BEFORE UPDATE OF number, at, event, commitment, previous ON history
BEGIN SELECT raise(ABORT, 'history is not rewritten'); END;

CREATE TABLE correspondence (
    id INTEGER PRIMARY KEY,
    address TEXT NOT NULL,
    key BLOB NOT NULL CHECK (length(key) = 32),
    first_seen INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    two_way INTEGER NOT NULL,
    by_hand INTEGER NOT NULL,
    UNIQUE (address, key)
) STRICT;

CREATE TABLE pending (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    address TEXT NOT NULL,
    key BLOB NOT NULL CHECK (length(key) = 32),
    message BLOB CHECK (length(message) = 32),
    UNIQUE (event, address, key, message)
) STRICT;

ALTER TABLE trust ADD COLUMN announced INTEGER;
";

/// What version 4 changes: the master key may also be wrapped under a recovery code, and under a key that
/// the keyring of the desktop keeps.
pub(super) const FOURTH_TABLES: &str = "
ALTER TABLE unlock_slot RENAME TO unlock_slot_before;
CREATE TABLE unlock_slot (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('passphrase', 'none', 'recovery-code', 'keyring')),
    parameters BLOB NOT NULL,
    created INTEGER NOT NULL,
    wrapped BLOB NOT NULL
) STRICT;
INSERT INTO unlock_slot SELECT id, kind, parameters, created, wrapped FROM unlock_slot_before;
DROP TABLE unlock_slot_before;
";

/// What version 5 adds: the account that this device shares with others.
pub(super) const FIFTH_TABLES: &str = "
CREATE TABLE device_secret (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('signing', 'agreement', 'encapsulation', 'log-secret')),
    name BLOB NOT NULL UNIQUE CHECK (length(name) = 32),
    created INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    wrapped_data_key BLOB NOT NULL,
    sealed BLOB NOT NULL
) STRICT;

CREATE TABLE device_setting (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

CREATE TABLE log_entry (
    id BLOB PRIMARY KEY CHECK (length(id) = 32),
    content BLOB NOT NULL,
    signed BLOB NOT NULL,
    added INTEGER NOT NULL
) STRICT;

-- What was once true of the account stays a part of its log.
CREATE TRIGGER log_entry_stays BEFORE DELETE ON log_entry
BEGIN SELECT raise(ABORT, 'entries of the log are not deleted'); END;

CREATE TABLE device_note (
    device BLOB PRIMARY KEY CHECK (length(device) = 32),
    counter INTEGER NOT NULL,
    content BLOB NOT NULL
) STRICT;

CREATE TABLE outgoing_object (
    name BLOB PRIMARY KEY CHECK (length(name) = 32),
    secret BLOB NOT NULL CHECK (length(secret) = 32),
    object BLOB NOT NULL,
    added INTEGER NOT NULL
) STRICT;

CREATE TABLE posted_object (
    name BLOB NOT NULL REFERENCES outgoing_object (name) ON DELETE CASCADE,
    place TEXT NOT NULL,
    PRIMARY KEY (name, place)
) STRICT;

CREATE TABLE shelved_package (
    name BLOB PRIMARY KEY CHECK (length(name) = 32),
    package BLOB NOT NULL,
    added INTEGER NOT NULL
) STRICT;

CREATE TABLE seen_object (
    name BLOB PRIMARY KEY CHECK (length(name) = 32),
    added INTEGER NOT NULL
) STRICT;

CREATE TABLE wrapped_key (
    device BLOB NOT NULL CHECK (length(device) = 32),
    key BLOB NOT NULL CHECK (length(key) = 32),
    counter INTEGER NOT NULL,
    PRIMARY KEY (device, key)
) STRICT;

CREATE TABLE box_cursor (
    place TEXT NOT NULL,
    secret BLOB NOT NULL CHECK (length(secret) = 32),
    cursor BLOB NOT NULL,
    PRIMARY KEY (place, secret)
) STRICT;

CREATE TABLE wanted_key (
    name BLOB PRIMARY KEY CHECK (length(name) = 32),
    asked INTEGER
) STRICT;

CREATE TABLE device_alarm (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    device BLOB CHECK (length(device) = 32),
    detail TEXT NOT NULL,
    UNIQUE (kind, device, detail)
) STRICT;
";

/// What each version adds to the one before, from the second on.
const LATER_TABLES: [&str; 4] = [SECOND_TABLES, THIRD_TABLES, FOURTH_TABLES, FIFTH_TABLES];

/// Makes the tables.
pub(super) fn create(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch(FIRST_TABLES)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    upgrade(connection, 1)
}

/// Brings the tables of an earlier version to this one.
pub(super) fn upgrade(connection: &Connection, from: i64) -> Result<(), StoreError> {
    let known = usize::try_from(from.saturating_sub(1)).unwrap_or_default();
    for tables in LATER_TABLES.iter().skip(known) {
        connection.execute_batch(tables)?;
    }
    connection.pragma_update(None, "user_version", VERSION)?;
    Ok(())
}

/// Whether the tables are of this version, or of one that can be brought to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Of this version.
    Current,
    /// Of this earlier one.
    Earlier(i64),
}

/// Refuses a file that is no store, or that a newer cseal wrote.
pub(super) fn check(connection: &Connection) -> Result<Found, StoreError> {
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match (application, version) {
        (APPLICATION_ID, known) if (1..=VERSION).contains(&known) && has_views(connection)? => {
            Err(StoreError::Tampered("sqlite_schema"))
        }
        (APPLICATION_ID, VERSION) => Ok(Found::Current),
        (APPLICATION_ID, earlier) if (1..VERSION).contains(&earlier) => Ok(Found::Earlier(earlier)),
        (APPLICATION_ID, newer) if newer > VERSION => Err(StoreError::Newer(newer)),
        // A file whose making was cut off before its first commit is empty, and is none.
        (0, 0) if is_empty(connection)? => Err(StoreError::Missing),
        _ => Err(StoreError::NotAStore),
    }
}

/// Refuses a file that has other tables, triggers or views than ours. A trigger that somebody put there
/// would act whenever we write, and what it adds would be signed with the rest.
pub(super) fn check_objects(connection: &Connection) -> Result<(), StoreError> {
    let ours = Connection::open_in_memory()?;
    create(&ours)?;
    if objects(connection)? == objects(&ours)? { Ok(()) } else { Err(StoreError::Tampered("sqlite_schema")) }
}

/// Everything that the schema of a file defines: kind, name, table, and text.
fn objects(connection: &Connection) -> Result<Vec<(String, String, String, Option<String>)>, StoreError> {
    let query = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name";
    let mut statement = connection.prepare(query)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether a table may be something that calculates when it is read, and never ends.
fn has_views(connection: &Connection) -> Result<bool, StoreError> {
    let query = "SELECT EXISTS (SELECT 1 FROM sqlite_schema \
                 WHERE type = 'view' OR (type = 'table' AND rootpage = 0))";
    Ok(connection.query_row(query, [], |row| row.get(0))?)
}

/// Whether a file has no tables at all.
pub(super) fn is_empty(connection: &Connection) -> Result<bool, StoreError> {
    Ok(connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?)
}

/// Asks SQLite whether its pages are in order.
pub(super) fn quick_check(connection: &Connection) -> Result<(), StoreError> {
    let answer: String = connection.pragma_query_value(None, "quick_check", |row| row.get(0))?;
    if answer == "ok" { Ok(()) } else { Err(StoreError::Damaged(answer)) }
}
