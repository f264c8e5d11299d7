//! What the network said of keys, as the store keeps it (`docs/formats/store.md`).

use counterseal_core::limits::DNS_EVIDENCE_SECONDS;
use counterseal_core::time::Time;
use counterseal_core::trust::ExposureKind;
use sha2::{Digest, Sha256};

use crate::failure::Failure;
use crate::lookup::KeptEvidence;
use crate::store::{EvidenceKind, Kept, Store, StoreError, Writer};

/// How a contact came in that was looked up.
pub(crate) const SOURCE: &str = "lookup";

/// Keeps what one source said, in the place of what it said of the same key before.
pub(crate) fn keep(row: &KeptEvidence, writer: &mut Writer<'_>) -> Result<(), StoreError> {
    // What consists of texts and numbers can be written.
    let content = serde_json::to_vec(row).unwrap_or_default();
    writer.keep_evidence(EvidenceKind::LookUp, &name(row), &content)?;
    if let Some((key, kind)) = row.key_digest().zip(ExposureKind::from_word(&row.kind)) {
        writer.exposed(&row.address, &key, kind)?;
    }
    Ok(())
}

/// What a row is called.
fn name(row: &KeptEvidence) -> [u8; 32] {
    let mut name = Sha256::new();
    for part in [&row.address, &row.key, &row.kind, row.server.as_deref().unwrap_or_default()] {
        name.update(part.as_bytes());
        name.update([0]);
    }
    name.finalize().into()
}

/// Whether a row is one that can be read, and counts no longer than any may.
pub(crate) fn is_good(kept: &Kept) -> bool {
    serde_json::from_slice::<KeptEvidence>(&kept.content).is_ok_and(|row| {
        let lasts = row.until.saturating_sub(row.fetched);
        kept.name == name(&row)
            && row.key_digest().is_some()
            && row.fetched <= kept.added.unix_seconds()
            && (0..=DNS_EVIDENCE_SECONDS).contains(&lasts)
    })
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use counterseal_core::address::EmailAddress;

    use super::*;
    use crate::commands::ages;
    use crate::store::Protection;

    const NOW: Time = Time::from_unix_seconds(1_795_262_400);

    fn row(kind: &str, fetched: Time) -> KeptEvidence {
        KeptEvidence {
            address: "bob@example.org".to_owned(),
            key: "0a".repeat(32),
            kind: kind.to_owned(),
            server: None,
            fetched: fetched.unix_seconds(),
            until: fetched.plus_days(1).unix_seconds(),
        }
    }

    #[test]
    fn the_first_look_up_that_is_open_to_everybody_is_the_day_of_exposure() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = Store::create(directory.path(), &Protection::None, NOW).unwrap();
        store.write(NOW, |writer| keep(&row("dns", NOW), writer)).unwrap();
        assert!(ages::all(&store).unwrap().exposures.is_empty());
        for days in [1, 400] {
            let then = NOW.plus_days(days);
            store.write(then, |writer| keep(&row("web-directory", then), writer)).unwrap();
        }
        let exposures = ages::all(&store).unwrap().exposures;
        let [exposure] = exposures.as_slice() else { unreachable!("{exposures:?}") };
        assert_eq!((exposure.kind, exposure.since), (ExposureKind::WebDirectory, NOW.plus_days(1)));
        assert_eq!((exposure.key, exposure.address.as_str()), ([10; 32], "bob@example.org"));
        let bob = EmailAddress::parse("bob@example.org").unwrap();
        store.write(NOW, |writer| writer.forget(&bob)).unwrap();
        assert!(ages::all(&store).unwrap().exposures.is_empty());
    }
}
