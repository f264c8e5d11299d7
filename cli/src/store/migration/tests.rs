//! A store of an earlier version becomes one of this version, and stays whole whatever happens.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;
use std::thread;

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;

use super::super::device_secrets::DeviceSecretKind;
use super::super::{EvidenceKind, FILE, KeyUse, Opener, Protection, Store, StoreError, Writer, trust};
use super::*;

fn now() -> Time {
    Time::from_unix_seconds(1_795_262_400)
}

fn passphrase() -> SecretBytes {
    SecretBytes::copy_of(b"correct horse")
}

/// A store as the first version made it.
fn first_version(directory: &Path, protection: &Protection) {
    earlier_version(directory, protection, 1);
}

/// A store as an earlier version made it: its tables, and the rows of a store of today, whose seals
/// and signatures are the same.
fn earlier_version(directory: &Path, protection: &Protection, version: i64) {
    let today = tempfile::tempdir().unwrap();
    let mut store = Store::create(today.path(), protection, now()).unwrap();
    let secret = SecretBytes::copy_of(b"secret");
    store
        .write(now(), |writer| {
            writer.add_secret_key(KeyUse::Encryption, "rsa-3072", b"public", &secret)?;
            if version > 1 {
                writer.keep_evidence(EvidenceKind::Introducer, b"name", b"content")?;
            }
            Ok(())
        })
        .unwrap();
    as_before(&mut store);
    drop(store);
    let file = directory.join(FILE);
    directory::create_file(&file).unwrap();
    let first = connect(&file).unwrap();
    first.execute_batch(schema::FIRST_TABLES).unwrap();
    let mut tables = vec!["store", "unlock_slot", "secret_key", "certificate"];
    if version > 1 {
        first.execute_batch(schema::SECOND_TABLES).unwrap();
        tables.push("evidence");
    }
    if version > 2 {
        first.execute_batch(schema::THIRD_TABLES).unwrap();
        tables.extend(["history", "correspondence", "pending", "trust"]);
    }
    if version > 3 {
        first.execute_batch(schema::FOURTH_TABLES).unwrap();
    }
    let pragmas = format!("PRAGMA application_id = 0x43534C31; PRAGMA user_version = {version}");
    first.execute_batch(&pragmas).unwrap();
    first.execute_batch(&format!("ATTACH '{}' AS today", today.path().join(FILE).display())).unwrap();
    for table in tables {
        first.execute_batch(&format!("INSERT INTO main.{table} SELECT * FROM today.{table}")).unwrap();
    }
    first.execute_batch("DETACH today").unwrap();
}

/// Of earlier stores nobody had signed which keys they have, and which are retired.
fn as_before(store: &mut Store) {
    let master_key = Arc::clone(store.unlocked.get().unwrap());
    let transaction = store.connection.transaction().unwrap();
    transaction.execute("DELETE FROM evidence WHERE kind IN ('retired-key', 'kept-key')", []).unwrap();
    let epoch = trust::next_epoch(&transaction).unwrap();
    let writer = Writer { transaction, id: &store.id, master_key, epoch, now: now() };
    trust::write_head(&writer).unwrap();
    writer.transaction.commit().unwrap();
}

fn version(directory: &Path) -> i64 {
    let connection = Connection::open(directory.join(FILE)).unwrap();
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

/// Everything opens, and everything new can be written.
fn assert_whole(directory: &Path, given: Option<&SecretBytes>) {
    let mut store = Store::open(directory).unwrap();
    store.trust_rows().unwrap();
    store.unlock(given.map(Opener::Passphrase)).unwrap();
    let keys = store.secret_keys().unwrap();
    assert_eq!(store.open_secret_key(&keys[0]).unwrap().expose(), b"secret");
    store.write(now(), |writer| writer.keep_evidence(EvidenceKind::Anchor, b"name", b"content")).unwrap();
    drop(store);
    let store = Store::open(directory).unwrap();
    assert_eq!(store.evidence(EvidenceKind::Anchor).unwrap().len(), 1);
    assert_eq!(version(directory), schema::VERSION);
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names
        .filter(|name| !["", "-wal", "-shm", ".seen"].iter().any(|end| *name == *format!("{FILE}{end}")))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_store_of_the_first_version_is_brought_to_this_one_while_it_is_locked() {
    let home = tempfile::tempdir().unwrap();
    first_version(home.path(), &Protection::Passphrase(passphrase()));
    assert_eq!(version(home.path()), 1);
    let store = Store::open(home.path()).unwrap();
    assert!(store.needs_passphrase().unwrap());
    assert!(matches!(store.unlock(None), Err(StoreError::Locked)));
    drop(store);
    assert_whole(home.path(), Some(&passphrase()));
}

#[test]
fn a_store_of_the_second_version_keeps_its_evidence() {
    let home = tempfile::tempdir().unwrap();
    earlier_version(home.path(), &Protection::Passphrase(passphrase()), 2);
    let store = Store::open(home.path()).unwrap();
    assert_eq!(version(home.path()), schema::VERSION);
    assert_eq!(store.evidence(EvidenceKind::Introducer).unwrap().len(), 1);
    drop(store);
    assert_whole(home.path(), Some(&passphrase()));
}

#[test]
fn a_store_of_the_third_version_takes_slots_of_every_kind() {
    let home = tempfile::tempdir().unwrap();
    earlier_version(home.path(), &Protection::Passphrase(passphrase()), 3);
    let mut store = Store::open(home.path()).unwrap();
    store.unlock(Some(Opener::Passphrase(&passphrase()))).unwrap();
    let code = super::super::RecoveryCode::generate();
    let added = store.add_protection(&Protection::RecoveryCode(code.clone()), now()).unwrap();
    assert!(store.replace_protection(&added, now()).unwrap());
    drop(store);
    Store::open(home.path()).unwrap().unlock(Some(Opener::RecoveryCode(&code))).unwrap();
    assert_whole(home.path(), Some(&passphrase()));
}

#[test]
fn a_store_of_the_fourth_version_takes_the_secrets_and_the_log_of_an_account() {
    let home = tempfile::tempdir().unwrap();
    earlier_version(home.path(), &Protection::Passphrase(passphrase()), 4);
    let mut store = Store::open(home.path()).unwrap();
    store.unlock(Some(Opener::Passphrase(&passphrase()))).unwrap();
    let secret = SecretBytes::copy_of(b"log secret");
    store
        .write(now(), |writer| {
            writer.add_device_secret(DeviceSecretKind::LogSecret, &[7; 32], &secret)?;
            writer.set_device_setting("certificates", b"value")
        })
        .unwrap();
    drop(store);
    let store = Store::open(home.path()).unwrap();
    store.unlock(Some(Opener::Passphrase(&passphrase()))).unwrap();
    let kept = store.device_secrets().unwrap();
    assert_eq!(store.open_device_secret(&kept[0]).unwrap().expose(), b"log secret");
    drop(store);
    assert_whole(home.path(), Some(&passphrase()));
}

#[test]
fn a_store_without_a_passphrase_is_brought_to_this_version_too() {
    let home = tempfile::tempdir().unwrap();
    first_version(home.path(), &Protection::None);
    assert_whole(home.path(), None);
}

#[test]
fn what_a_start_that_was_cut_off_left_behind_does_not_matter() {
    let leftovers: [&[&str]; 5] =
        [&[".new"], &[".new", ".new-wal", ".new-shm"], &[".new", ".old"], &[".old"], &[".new-journal"]];
    for endings in leftovers {
        let home = tempfile::tempdir().unwrap();
        first_version(home.path(), &Protection::None);
        for ending in endings {
            let left = home.path().join(format!("{FILE}{ending}"));
            // A part of a copy, as a process leaves it that is killed while it copies.
            let whole = fs::read(home.path().join(FILE)).unwrap();
            fs::write(left, &whole[..whole.len() / 2]).unwrap();
        }
        assert_whole(home.path(), None);
    }
}

#[test]
fn whoever_is_cut_off_after_the_exchange_finds_a_whole_store() {
    let home = tempfile::tempdir().unwrap();
    first_version(home.path(), &Protection::None);
    fs::copy(home.path().join(FILE), home.path().join(format!("{FILE}.old"))).unwrap();
    run(&home.path().join(FILE)).unwrap();
    assert_eq!(version(home.path()), schema::VERSION);
    assert_whole(home.path(), None);
}

#[test]
fn of_two_processes_one_brings_it_over_and_both_find_it_whole() {
    let home = tempfile::tempdir().unwrap();
    first_version(home.path(), &Protection::None);
    let path = home.path().join(FILE);
    let both: Vec<_> = (0..2)
        .map(|_| {
            let path = path.clone();
            thread::spawn(move || run(&path))
        })
        .collect();
    for one in both {
        one.join().unwrap().unwrap();
    }
    assert_whole(home.path(), None);
}

#[test]
fn a_store_that_somebody_is_reading_is_left_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    first_version(home.path(), &Protection::None);
    let reader = connect(&home.path().join(FILE)).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM store").unwrap();
    assert!(Store::open(home.path()).is_err());
    assert_eq!(version(home.path()), 1);
    drop(reader);
    assert_whole(home.path(), None);
}

#[test]
fn what_a_store_of_before_says_of_retired_keys_is_signed_with_its_next_change() {
    for version in 1..=4 {
        let home = tempfile::tempdir().unwrap();
        earlier_version(home.path(), &Protection::None, version);
        let raw = || Connection::open(home.path().join(FILE)).unwrap();
        raw().execute("UPDATE secret_key SET retired = 1", []).unwrap();
        assert_whole(home.path(), None);
        let retired = || Store::open(home.path())?.secret_keys().map(|keys| keys[0].retired);
        assert_eq!(retired().unwrap(), Some(Time::from_unix_seconds(1)));
        for forged in ["NULL", "2"] {
            raw().execute(&format!("UPDATE secret_key SET retired = {forged}"), []).unwrap();
            assert!(matches!(retired(), Err(StoreError::Tampered("secret_key"))), "{version} {forged}");
        }
    }
}
