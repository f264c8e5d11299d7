//! Writing the file.

use counterseal_core::time::Time;
use sha2::{Digest, Sha256};

use super::row::HistoryLine;
use super::{FORMAT, Row, VERSION};
use crate::render::json::hexadecimal;
use crate::store::{Records, Store, StoreError};

/// The whole file, signed by a store that is unlocked.
///
/// # Errors
/// What the store says.
pub(crate) fn write(store: &Store, records: &Records, now: Time) -> Result<String, StoreError> {
    let begin = Row::Begin {
        format: FORMAT.to_owned(),
        version: VERSION,
        store: hexadecimal(store.id()),
        made: now.unix_seconds(),
    };
    let rows = std::iter::once(begin)
        .chain(records.certificates.iter().map(Row::of_certificate))
        .chain(records.trust.iter().map(Row::of_trust))
        .chain(records.evidence.iter().map(Row::of_evidence))
        .chain(records.entries.iter().map(|entry| Row::History(HistoryLine::of(entry))));
    let mut text = String::new();
    let mut count = 0;
    for row in rows {
        text.push_str(&line(&row));
        count += 1;
    }
    let signature = store.sign_records(&Sha256::digest(&text).into())?;
    text.push_str(&line(&Row::End {
        rows: count,
        key: hexadecimal(&signature.key),
        signature: hexadecimal(&signature.signature),
    }));
    Ok(text)
}

/// A row with the end of its line. What consists of texts and numbers can be written.
pub(super) fn line(row: &Row) -> String {
    format!("{}\n", serde_json::to_string(row).unwrap_or_default())
}
