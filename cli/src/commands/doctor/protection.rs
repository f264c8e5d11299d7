//! What opens the store, whether an older one would be noticed, and whether there is a backup.

use counterseal_core::time::{DAY, Time};

use super::finding::Finding;
use crate::failure::Failure;
use crate::store::{SlotKind, Store};

/// Days after which a backup is called old, though nothing new is missing in it.
const BACKUP_DAYS: i64 = 180;

/// The slots.
pub(super) fn of(store: &Store) -> Result<Vec<Finding>, Failure> {
    let kinds = store.slot_kinds()?;
    let count = |kind: SlotKind| kinds.iter().filter(|other| **other == kind).count();
    let mut findings = Vec::new();
    let ways = count(SlotKind::Passphrase) + count(SlotKind::None);
    if ways > 1 {
        findings.push(
            Finding::warning(
                "two-passphrases",
                "a change of the passphrase was cut off: the old one opens, too",
            )
            .hint("set it once more: cseal passphrase"),
        );
    }
    if count(SlotKind::None) > 0 {
        findings.push(
            Finding::note("no-passphrase", "whoever reads the file of the key store has your keys")
                .hint("where that is not meant so: cseal passphrase"),
        );
    } else if count(SlotKind::RecoveryCode) == 0 {
        findings.push(
            Finding::note(
                "no-recovery-code",
                "where the passphrase is forgotten, nothing else opens the key store",
            )
            .hint("make a code for paper: cseal passphrase --recovery-code"),
        );
    }
    Ok(findings)
}

/// Whether the newest state is remembered outside the store.
pub(super) fn rollback(store: &Store) -> Vec<Finding> {
    if store.is_seen() {
        return Vec::new();
    }
    let finding =
        Finding::warning("not-remembered", "the newest state of the key store is not remembered beside it");
    vec![finding.hint("an older file in its place would not be noticed; is the disk full, or read-only?")]
}

/// The last backup, and what came after it.
pub(super) fn backup(store: &Store, now: Time) -> Result<Vec<Finding>, Failure> {
    let keys = store.secret_keys()?.len();
    let Some(last) = store.last_backup()? else {
        let finding = Finding::warning("no-backup", "there is no backup of the key store");
        return Ok(vec![finding.hint("write one to another disk: cseal backup FILE")]);
    };
    let newer = keys.saturating_sub(usize::try_from(last.keys).unwrap_or(usize::MAX));
    let day = last.made.to_date();
    let mut findings = Vec::new();
    if newer > 0 {
        let message = format!("{newer} of {keys} secret keys came after the last backup ({day})");
        findings
            .push(Finding::warning("backup-incomplete", message).hint("write a new one: cseal backup FILE"));
    } else if now.unix_seconds() - last.made.unix_seconds() > BACKUP_DAYS * DAY {
        let finding = Finding::note("backup-old", format!("the last backup is of {day}"));
        findings.push(finding.hint("is it still there, and readable? cseal backup FILE"));
    }
    Ok(findings)
}
