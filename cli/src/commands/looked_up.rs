//! What the network said of keys, as the store keeps it (`docs/formats/store.md`).

use counterseal_core::time::Time;
use sha2::{Digest, Sha256};

use crate::failure::Failure;
use crate::lookup::KeptEvidence;
use crate::store::{EvidenceKind, Store, StoreError, Writer};

/// How a contact came in that was looked up.
pub(crate) const SOURCE: &str = "lookup";

/// Keeps what one source said, in the place of what it said of the same key before.
pub(crate) fn keep(row: &KeptEvidence, writer: &mut Writer<'_>) -> Result<(), StoreError> {
    let mut name = Sha256::new();
    for part in [&row.address, &row.key, &row.kind, row.server.as_deref().unwrap_or_default()] {
        name.update(part.as_bytes());
        name.update([0]);
    }
    // What consists of texts and numbers can be written.
    let content = serde_json::to_vec(row).unwrap_or_default();
    writer.keep_evidence(EvidenceKind::LookUp, &name.finalize(), &content)?;
    Ok(())
}

/// All rows. One that a later version wrote says nothing here.
pub(crate) fn all(store: &Store) -> Result<Vec<KeptEvidence>, Failure> {
    let kept = store.evidence(EvidenceKind::LookUp)?;
    Ok(kept.iter().filter_map(|kept| serde_json::from_slice(&kept.content).ok()).collect())
}

/// The last moment at which something that was looked up speaks for a key.
pub(crate) fn counts_until(rows: &[KeptEvidence], address: &str, key: &str) -> Option<Time> {
    let of_key = rows.iter().filter(|row| row.address == address && row.key == key);
    of_key.map(|row| Time::from_unix_seconds(row.until)).max()
}
