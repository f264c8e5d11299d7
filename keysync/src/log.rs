//! The device log: who belongs to the account, and which keys there are (`docs/formats/device-log.md`).
//!
//! Entries are signed and name the entries before them, a graph and not a chain, because devices write while they are
//! apart. What the log says is a pure function of the set of entries, so that devices agree in whatever order they came.

mod bits;
mod entry;
mod evaluate;
mod evaluation;
mod graph;
mod members;
mod read;
mod rules;
mod verified;
mod write;

pub use entry::{
    AccountId, Admitted, Announced, Author, Body, ENTRY_CONTENT_TYPE, Entry, EntryId, KeyId, PackageName,
    Policy, Purpose,
};
pub use evaluate::{EvaluateError, evaluate};
pub use evaluation::{Device, Evaluation, Key, Request, Root, Void};
pub use read::EntryError;
pub use verified::{InsertError, Log, Standing, Unverified, VerifiedEntry};

pub(crate) use rules::Rules;

/// What notes are read and written with too.
pub(crate) mod der {
    pub(crate) use super::read::{ascending, end, hash, hashes, hashes_in, number, string, time};
    pub(crate) use super::write::{octets, unsigned, write_hashes};
}
