//! One file of SQLite: one thread writes, some read.
//!
//! Writes that come while others are being made durable are made durable together, by the next commit. An answer leaves
//! after the commit that it depends on (WAL, `synchronous=FULL`).

mod readers;
mod statements;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use counterseal_core::time::Time;
use futures::FutureExt;
use rusqlite::{Connection, OpenFlags};

use super::{
    Answer, BoxNumber, BoxState, Claim, Creating, Kept, NewBox, Permission, Putting, Store, StoreError, Sums,
    Totals,
};
use crate::limits::{DISK_BYTES, DISK_PART};
use crate::relay::limits::Limits;
use crate::transport::ObjectName;
use readers::Readers;
use writer::Writer;

/// `PRAGMA application_id`: the letters CSre.
const APPLICATION_ID: i32 = 0x4353_7265;
/// `PRAGMA user_version` of what is below.
const VERSION: i32 = 1;
/// Pages of the file that one connection keeps in memory, in KiB; the system keeps the rest.
const CACHE_KIB: i64 = 16 << 10;
/// How long a connection waits for another process that looks into the file.
const PATIENCE: Duration = Duration::from_secs(10);

const SCHEMA: &str = "
    create table box(
        number integer primary key autoincrement,
        id blob not null, read blob not null, write blob not null, admin blob not null,
        class integer not null, epoch integer not null, expires integer not null,
        last integer not null default 0, objects integer not null default 0, bytes integer not null default 0,
        day integer not null default 0, puts integer not null default 0);
    create unique index box_read on box(id, read);
    create unique index box_write on box(id, write);
    create unique index box_admin on box(id, admin);
    create index box_expires on box(expires);
    create table object(
        number integer primary key,
        box integer not null, sequence integer not null, name blob not null, bytes integer not null, body blob not null);
    create unique index object_sequence on object(box, sequence);
    create unique index object_name on object(box, name);
    create table used(id blob primary key, boxes integer not null) without rowid;
";

/// Boxes in one file.
pub struct SqliteStore {
    writer: Writer,
    readers: Readers,
    limits: Limits,
    /// Bytes on disk that all of it may have.
    most: u64,
}

impl SqliteStore {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be opened, or is another program's.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, StoreError> {
        let connection = open_writer(path)?;
        let writer = Writer::start(connection)?;
        let readers = Readers::start(|| open_reader(path))?;
        let most = limits.total_bytes.unwrap_or_else(|| part_of_disk(path));
        Ok(Self { writer, readers, limits, most })
    }

    fn would_be_full(&self, more: Sums) -> bool {
        (self.writer.sums() + more).exceed(self.most)
    }
}

/// A part of what is free and of what the file has already, so that it is the same after a restart.
fn part_of_disk(path: &Path) -> u64 {
    let Ok(disk) = rustix::fs::statvfs(path) else { return DISK_BYTES };
    let file = std::fs::metadata(path).map_or(0, |file| file.len());
    disk.f_bavail.saturating_mul(disk.f_frsize).saturating_add(file) / DISK_PART
}

fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    let tables: i64 = connection.query_row("select count(*) from sqlite_schema", [], |row| row.get(0))?;
    let [application, version]: [i32; 2] =
        [pragma(&connection, "application_id")?, pragma(&connection, "user_version")?];
    if tables > 0 && (application != APPLICATION_ID || version != VERSION) {
        return Err(StoreError(format!("{} is no relay's file of this version", path.display())));
    }
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "cache_size", -4 * CACHE_KIB)?;
    if tables == 0 {
        let transaction = connection.transaction()?;
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()?;
    }
    Ok(connection)
}

fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    Ok(connection)
}

fn pragma(connection: &Connection, name: &str) -> Result<i32, StoreError> {
    Ok(connection.pragma_query_value(None, name, |row| row.get(0))?)
}

impl Store for SqliteStore {
    fn kind(&self) -> &'static str {
        "sqlite"
    }

    fn find(&self, claim: Claim, now: Time) -> Answer<'_, Option<BoxState>> {
        self.readers.read(move |connection| statements::find(connection, &claim, now))
    }

    fn create(&self, new: NewBox, permission: Permission, now: Time) -> Answer<'_, Creating> {
        let limits = self.limits;
        let is_full = self.would_be_full(Sums::ONE_BOX);
        let create = move |connection: &Connection| {
            statements::create(connection, &new, permission, is_full, &limits, now)
        };
        self.writer.write(create)
    }

    fn note_read(&self, number: BoxNumber, expires: i64) {
        // The answer is not waited for.
        drop(self.writer.write(move |connection| statements::note_read(connection, number, expires)));
    }

    fn put(&self, number: BoxNumber, name: ObjectName, body: Vec<u8>, now: Time) -> Answer<'_, Putting> {
        let limits = self.limits;
        let is_full = self.would_be_full(Sums::one_object(body.len() as u64));
        let put = move |connection: &Connection| {
            statements::put(connection, number, (&name, &body), is_full, &limits, now)
        };
        self.writer.write(put)
    }

    fn list(&self, number: BoxNumber, after: u64, most: u64) -> Answer<'_, Vec<Kept>> {
        self.readers.read(move |connection| statements::list(connection, number, after, most))
    }

    fn length(&self, number: BoxNumber, name: ObjectName) -> Answer<'_, Option<u64>> {
        self.readers.read(move |connection| statements::length(connection, number, &name))
    }

    fn get(&self, number: BoxNumber, name: ObjectName) -> Answer<'_, Option<Vec<u8>>> {
        self.readers.read(move |connection| statements::get(connection, number, &name))
    }

    fn remove(&self, number: BoxNumber, name: ObjectName) -> Answer<'_, ()> {
        self.writer.write(move |connection| statements::remove(connection, number, &name))
    }

    fn remove_box(&self, number: BoxNumber) -> Answer<'_, ()> {
        self.writer.write(move |connection| statements::remove_box(connection, number))
    }

    fn sweep(&self, now: Time) -> Answer<'_, u64> {
        self.writer.write(move |connection| statements::sweep(connection, now))
    }

    fn totals(&self) -> Totals {
        Totals::of(self.writer.sums(), Some(self.most))
    }

    fn check(&self) -> Answer<'_, ()> {
        // Through the thread that writes, so that a disk that hangs is seen.
        self.writer.write(|connection| connection.query_row("select 1", [], |_| Ok(((), Sums::NOTHING))))
    }

    fn close(&self) -> Answer<'_, ()> {
        let ended = Arc::clone(&self.writer.ended);
        self.writer.end();
        async move {
            tokio::task::spawn_blocking(move || ended.wait())
                .await
                .map_err(|error| StoreError(error.to_string()))?
        }
        .boxed()
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}
