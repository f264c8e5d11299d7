//! The file in which a person's trust goes from one store of theirs to another (`docs/formats/take-along.md`).

mod read;
mod row;
mod write;

use counterseal_core::time::Time;

use crate::store::Records;

pub(crate) use read::{BEGINNING, Fault, read};
pub(crate) use row::HistoryLine;
use row::Row;
pub(crate) use write::write;

/// What such a file says of itself.
const FORMAT: &str = "counterseal trust";
/// The version of the format.
const VERSION: u32 = 1;
/// Its name in a folder.
pub(crate) const NAME: &str = "trust.jsonl";
/// The name of the vCards beside it.
pub(crate) const VCARDS: &str = "contacts.vcf";

/// A file that is whole: nobody changed it since the store wrote it.
#[derive(Debug)]
pub(crate) struct TrustFile {
    /// When it was written.
    pub(crate) made: Time,
    /// The trust key that signed it.
    pub(crate) key: [u8; 32],
    /// What it holds.
    pub(crate) records: Records,
    /// Evidence of kinds that this version does not know.
    pub(crate) unknown: Vec<String>,
}

#[cfg(test)]
mod tests;
