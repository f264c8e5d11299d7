//! What a store must hold to, tested on its file.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::secret::SecretBytes;

use super::*;

mod restoring;
mod secrets;

const CANARY: &[u8] = b"this secret must not be in the file";

fn now() -> Time {
    Time::from_unix_seconds(1_795_262_400)
}

fn secret() -> SecretBytes {
    SecretBytes::copy_of(CANARY)
}

fn bob() -> EmailAddress {
    EmailAddress::parse("bob@example.org").unwrap()
}

fn trust<'a>(kind: TrustKind, address: &'a EmailAddress, key: &'a Fingerprint, points: i64) -> NewTrust<'a> {
    NewTrust { kind, address, key, points, source: "import", capabilities: None, announced: None }
}

fn filled(directory: &Path, protection: &Protection) -> Store {
    let mut store = Store::create(directory, protection, now()).unwrap();
    store
        .write(now(), |writer| {
            writer.add_secret_key(KeyUse::Encryption, "rsa-3072", b"public one", &secret())?;
            writer.add_secret_key(KeyUse::Signing, "p-256", b"public two", &SecretBytes::copy_of(b"two"))?;
            let (bob, key) = (bob(), Fingerprint::of_public_key(b"bob"));
            writer.add_trust(&trust(TrustKind::Pin, &bob, &key, 120))?;
            writer.add_trust(&trust(TrustKind::Contact, &bob, &key, 10))?;
            Ok(())
        })
        .unwrap();
    store
}

/// What an attacker with SQLite does to the file.
fn attack(directory: &Path, sql: &str) {
    let connection = Connection::open(directory.join(FILE)).unwrap();
    connection
        .execute_batch("PRAGMA trusted_schema = ON; DROP TRIGGER IF EXISTS secret_key_is_not_replaced;")
        .unwrap();
    connection.execute_batch(sql).unwrap();
}

fn reopened(directory: &Path) -> Store {
    let store = Store::open(directory).unwrap();
    store.unlock(None).unwrap();
    store
}

#[test]
fn what_goes_in_comes_out() {
    let home = tempfile::tempdir().unwrap();
    drop(filled(home.path(), &Protection::None));
    let store = reopened(home.path());
    let keys = store.secret_keys().unwrap();
    assert_eq!(keys.len(), 2);
    let encryption = keys.iter().find(|key| key.key_use == KeyUse::Encryption).unwrap();
    assert_eq!(store.open_secret_key(encryption).unwrap().expose(), CANARY);
    let rows = store.trust_rows().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].points, &rows[0].address), (120, &bob().lookup_key()));
}

#[test]
fn adding_a_key_twice_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let mut store = filled(home.path(), &Protection::None);
    let added = store
        .write(now(), |writer| {
            writer.add_secret_key(KeyUse::Encryption, "rsa-3072", b"public one", &secret())
        })
        .unwrap();
    assert!(!added);
    assert_eq!(store.secret_keys().unwrap().len(), 2);
}

#[test]
fn a_failed_change_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let mut store = filled(home.path(), &Protection::None);
    let outcome = store.write(now(), |writer| {
        writer.add_secret_key(KeyUse::Signing, "p-256", b"public three", &secret())?;
        Err::<(), _>(StoreError::Locked)
    });
    assert!(outcome.is_err());
    assert_eq!(store.secret_keys().unwrap().len(), 2);
    drop(store);
    reopened(home.path());
}

#[test]
fn the_passphrase_opens_it_and_nothing_else_does() {
    let home = tempfile::tempdir().unwrap();
    let passphrase = SecretBytes::copy_of(b"correct horse");
    drop(filled(home.path(), &Protection::Passphrase(passphrase.clone())));
    let store = Store::open(home.path()).unwrap();
    assert!(store.needs_passphrase().unwrap());
    assert!(matches!(store.unlock(None), Err(StoreError::Locked)));
    let wrong = SecretBytes::copy_of(b"battery staple");
    assert!(matches!(store.unlock(Some(Opener::Passphrase(&wrong))), Err(StoreError::WrongPassphrase)));
    let key = &store.secret_keys().unwrap()[0];
    assert!(matches!(store.open_secret_key(key), Err(StoreError::Locked)));
    assert_eq!(store.trust_rows().unwrap().len(), 2);
    store.unlock(Some(Opener::Passphrase(&passphrase))).unwrap();
    assert!(store.open_secret_key(key).is_ok());
}

#[test]
fn cheaper_parameters_do_not_open_a_slot() {
    let home = tempfile::tempdir().unwrap();
    let passphrase = SecretBytes::copy_of(b"correct horse");
    drop(filled(home.path(), &Protection::Passphrase(passphrase.clone())));
    attack(
        home.path(),
        "UPDATE unlock_slot SET parameters = CAST(substr(parameters, 1, 16) || x'0000000800000001' AS BLOB)",
    );
    let store = Store::open(home.path()).unwrap();
    assert!(matches!(store.unlock(Some(Opener::Passphrase(&passphrase))), Err(StoreError::WrongPassphrase)));
}

#[test]
fn a_slot_that_asks_for_a_terabyte_is_refused_before_any_work() {
    let home = tempfile::tempdir().unwrap();
    let passphrase = SecretBytes::copy_of(b"correct horse");
    drop(filled(home.path(), &Protection::Passphrase(passphrase.clone())));
    attack(
        home.path(),
        "UPDATE unlock_slot SET parameters = CAST(substr(parameters, 1, 16) || x'4000000000000001' AS BLOB)",
    );
    let store = Store::open(home.path()).unwrap();
    assert!(matches!(store.unlock(Some(Opener::Passphrase(&passphrase))), Err(StoreError::SlotTooExpensive)));
}

#[test]
fn without_a_passphrase_opening_costs_no_argon2() {
    let home = tempfile::tempdir().unwrap();
    drop(filled(home.path(), &Protection::None));
    let store = Store::open(home.path()).unwrap();
    assert!(!store.needs_passphrase().unwrap());
    let start = Instant::now();
    store.unlock(None).unwrap();
    // Argon2 would take 145 ms at its floor; the margin is for machines that do other things too.
    assert!(start.elapsed() < Duration::from_millis(50), "{:?}", start.elapsed());
}

#[test]
fn no_secret_is_in_the_files() {
    let home = tempfile::tempdir().unwrap();
    let store = filled(home.path(), &Protection::None);
    let mut files = 0;
    for entry in fs::read_dir(home.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY));
        files += 1;
    }
    assert!(files >= 2, "the write-ahead log is looked at too");
    drop(store);
}

#[test]
fn files_and_directory_are_the_owners_alone() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("a/b");
    let store = filled(&directory, &Protection::None);
    assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    for entry in fs::read_dir(&directory).unwrap() {
        assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    drop(store);
    fs::set_permissions(directory.join(FILE), fs::Permissions::from_mode(0o644)).unwrap();
    reopened(&directory);
    assert_eq!(fs::metadata(directory.join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(Store::open(&directory), Err(StoreError::Unsafe(..))));
}

#[test]
fn a_record_that_was_moved_or_whose_row_was_changed_does_not_open() {
    let changes = [
        "UPDATE secret_key SET (wrapped_data_key, sealed) =
             (SELECT wrapped_data_key, sealed FROM secret_key AS other WHERE other.id = 2) WHERE id = 1",
        "UPDATE secret_key SET wrapped_data_key = (SELECT wrapped_data_key FROM secret_key WHERE id = 2) WHERE id = 1",
        "UPDATE secret_key SET sealed = (SELECT sealed FROM secret_key WHERE id = 2) WHERE id = 1",
        "UPDATE secret_key SET kind = 'personal-ca' WHERE id = 1",
        "UPDATE secret_key SET created = created + 1 WHERE id = 1",
        "UPDATE secret_key SET epoch = epoch + 1 WHERE id = 1",
        "UPDATE secret_key SET id = 7 WHERE id = 1",
        "UPDATE secret_key SET public_key = x'00' WHERE id = 1",
        "UPDATE store SET id = x'000102030405060708090a0b0c0d0e0f'",
    ];
    for change in changes {
        let home = tempfile::tempdir().unwrap();
        drop(filled(home.path(), &Protection::None));
        attack(home.path(), change);
        let opened = Store::open(home.path()).and_then(|store| {
            store.unlock(None)?;
            let keys = store.secret_keys()?;
            let key = keys.iter().find(|key| key.fingerprint == Fingerprint::of_public_key(b"public one"));
            store.open_secret_key(key.ok_or(StoreError::NotAStore)?)
        });
        assert!(opened.is_err(), "{change}");
    }
}

#[test]
fn a_record_of_another_store_does_not_open() {
    let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop(filled(home.path(), &Protection::None));
    drop(filled(other.path(), &Protection::None));
    attack(
        home.path(),
        &format!(
            "ATTACH '{}' AS other;
             UPDATE secret_key SET (wrapped_data_key, sealed, created, epoch) =
                 (SELECT wrapped_data_key, sealed, created, epoch FROM other.secret_key WHERE id = 1) WHERE id = 1",
            other.path().join(FILE).display()
        ),
    );
    let store = reopened(home.path());
    let keys = store.secret_keys().unwrap();
    let key = keys.iter().find(|key| key.key_use == KeyUse::Encryption).unwrap();
    assert!(matches!(store.open_secret_key(key), Err(StoreError::Tampered(_))));
}

#[test]
fn a_trust_row_that_was_changed_added_or_removed_is_noticed_without_unlocking() {
    let changes = [
        "UPDATE trust SET points = 240 WHERE id = 1",
        "UPDATE trust SET address = 'mallory@example.org' WHERE id = 1",
        "UPDATE trust SET key = zeroblob(32) WHERE id = 1",
        "UPDATE trust SET kind = 'own' WHERE id = 1",
        "UPDATE trust SET source = 'other' WHERE id = 1",
        "UPDATE trust SET created = 0 WHERE id = 1",
        "UPDATE trust SET capabilities = x'3000' WHERE id = 1",
        "INSERT INTO trust SELECT 9, 'pin', 'eve', key, points, source, created, NULL, NULL FROM trust WHERE id = 1",
        "DELETE FROM trust WHERE id = 2",
        "UPDATE store SET epoch = 0",
        "UPDATE store SET trust_rows = 1",
    ];
    for change in changes {
        let home = tempfile::tempdir().unwrap();
        drop(filled(home.path(), &Protection::None));
        attack(home.path(), change);
        let store = match Store::open(home.path()) {
            Ok(store) => store,
            // An epoch of before is noticed at once.
            Err(error) => {
                assert!(matches!(error, StoreError::RolledBack { found: 0, .. }), "{change}: {error:?}");
                continue;
            }
        };
        assert!(matches!(store.trust_rows(), Err(StoreError::Tampered(_))), "{change}");
        assert!(matches!(store.unlock(None), Err(StoreError::Tampered(_))), "{change}");
    }
}

fn with_evidence(directory: &Path) -> Store {
    let mut store = filled(directory, &Protection::None);
    store
        .write(now(), |writer| {
            writer.keep_evidence(EvidenceKind::Anchor, b"one", b"the first")?;
            writer.keep_evidence(EvidenceKind::Anchor, b"two", b"the second")
        })
        .unwrap();
    store
}

#[test]
fn evidence_is_kept_replaced_and_removed_and_read_without_unlocking() {
    let home = tempfile::tempdir().unwrap();
    let mut store = with_evidence(home.path());
    let change = |store: &mut Store, name: &[u8], content: &[u8]| {
        store.write(now(), |writer| writer.keep_evidence(EvidenceKind::Anchor, name, content)).unwrap()
    };
    assert!(!change(&mut store, b"one", b"the first"), "nothing new");
    assert!(change(&mut store, b"one", b"the first anew"));
    let removed = |store: &mut Store, name: &[u8]| {
        store.write(now(), |writer| writer.remove_evidence(EvidenceKind::Anchor, name)).unwrap()
    };
    assert!(removed(&mut store, b"two") && !removed(&mut store, b"two"));
    drop(store);
    let kept = Store::open(home.path()).unwrap().evidence(EvidenceKind::Anchor).unwrap();
    let contents: Vec<&[u8]> = kept.iter().map(|kept| kept.content.as_slice()).collect();
    assert_eq!(contents, [b"the first anew"]);
}

#[test]
fn evidence_that_was_changed_added_or_removed_is_noticed_without_unlocking() {
    let changes = [
        "UPDATE evidence SET content = x'00' WHERE name = x'6F6E65'",
        "UPDATE evidence SET digest = zeroblob(32) WHERE name = x'6F6E65'",
        "UPDATE evidence SET name = x'00' WHERE name = x'6F6E65'",
        "UPDATE evidence SET kind = 'other' WHERE name = x'6F6E65'",
        "UPDATE evidence SET added = 0 WHERE name = x'6F6E65'",
        "UPDATE evidence SET id = 70 WHERE name = x'6F6E65'",
        "INSERT INTO evidence SELECT 90, kind, x'00', digest, content, added FROM evidence WHERE name = x'6F6E65'",
        "DELETE FROM evidence WHERE name = x'6F6E65'",
        "DELETE FROM evidence",
    ];
    for change in changes {
        let home = tempfile::tempdir().unwrap();
        drop(with_evidence(home.path()));
        attack(home.path(), change);
        let store = Store::open(home.path()).unwrap();
        assert!(matches!(store.evidence(EvidenceKind::Anchor), Err(StoreError::Tampered(_))), "{change}");
    }
}

#[test]
fn nothing_that_somebody_put_into_the_file_is_signed_with_the_next_change() {
    let pin = "'pin', 'eve@example.org', zeroblob(32), 120, 'compared', 0, NULL, NULL";
    let planted = [
        format!(
            "CREATE TRIGGER helper AFTER UPDATE ON store BEGIN INSERT INTO trust VALUES (99, {pin}); END"
        ),
        format!(
            "CREATE TRIGGER helper AFTER INSERT ON trust BEGIN INSERT INTO trust VALUES (99, {pin}); END"
        ),
        "DROP TRIGGER secret_key_stays".to_owned(),
        format!("INSERT INTO trust VALUES (99, {pin})"),
    ];
    for change in planted {
        let home = tempfile::tempdir().unwrap();
        let mut store = filled(home.path(), &Protection::None);
        attack(home.path(), &change);
        let (bob, key) = (bob(), Fingerprint::of_public_key(b"bob anew"));
        let contact = trust(TrustKind::Contact, &bob, &key, 10);
        let written = store.write(now(), |writer| writer.add_trust(&contact));
        assert!(matches!(written, Err(StoreError::Tampered(_))), "{change}: {written:?}");
    }
}

#[test]
fn rows_and_head_of_another_store_are_noticed_at_unlocking() {
    let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop(filled(home.path(), &Protection::None));
    drop(filled(other.path(), &Protection::None));
    attack(
        home.path(),
        &format!(
            "ATTACH '{}' AS other; DELETE FROM main.trust; DELETE FROM main.store;
             INSERT INTO main.trust SELECT * FROM other.trust; INSERT INTO main.store SELECT * FROM other.store;",
            other.path().join(FILE).display()
        ),
    );
    assert!(matches!(Store::open(home.path()), Err(StoreError::OtherStore)));
    // The same where nobody kept what was seen: the slots open another master key.
    fs::remove_file(home.path().join(format!("{FILE}.seen"))).unwrap();
    let store = Store::open(home.path()).unwrap();
    assert!(store.unlock(None).is_err());
}

#[test]
fn newer_capabilities_replace_older_ones_and_missing_ones_do_not() {
    let home = tempfile::tempdir().unwrap();
    let mut store = filled(home.path(), &Protection::None);
    let (bob, key) = (bob(), Fingerprint::of_public_key(b"bob"));
    for capabilities in [Some(&b"old"[..]), Some(b"new"), None] {
        let contact = NewTrust { capabilities, ..trust(TrustKind::Contact, &bob, &key, 10) };
        store.write(now(), |writer| writer.add_trust(&contact)).unwrap();
    }
    let rows = store.trust_rows().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1].capabilities.as_deref(), Some(&b"new"[..]));
}

#[test]
fn a_secret_key_cannot_be_deleted_or_replaced() {
    let home = tempfile::tempdir().unwrap();
    let store = filled(home.path(), &Protection::None);
    for change in [
        "DELETE FROM secret_key",
        "UPDATE secret_key SET sealed = x'00'",
        "REPLACE INTO secret_key SELECT * FROM secret_key",
    ] {
        let outcome = store.connection.execute_batch(change);
        let keys = store.secret_keys().unwrap();
        assert_eq!(keys.len(), 2, "{change}: {outcome:?}");
        assert!(keys.iter().all(|key| store.open_secret_key(key).is_ok()), "{change}");
    }
}

#[test]
fn what_is_no_store_of_ours_is_refused() {
    let home = tempfile::tempdir().unwrap();
    assert!(matches!(Store::open(home.path()), Err(StoreError::Missing)));
    fs::write(home.path().join(FILE), b"").unwrap();
    assert!(matches!(Store::open(home.path()), Err(StoreError::Missing)));
    drop(filled(home.path(), &Protection::None));
    assert!(matches!(Store::create(home.path(), &Protection::None, now()), Err(StoreError::Exists)));
    attack(home.path(), &format!("PRAGMA user_version = {}", VERSION + 1));
    assert!(matches!(Store::open(home.path()), Err(StoreError::Newer(newer)) if newer == VERSION + 1));
    attack(home.path(), "PRAGMA application_id = 1");
    assert!(matches!(Store::open(home.path()), Err(StoreError::NotAStore)));
    fs::write(home.path().join(FILE), [0x41; 8192]).unwrap();
    assert!(matches!(Store::open(home.path()), Err(StoreError::NotAStore)));
}

#[test]
fn a_link_in_place_of_the_file_is_refused() {
    let (home, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop(filled(elsewhere.path(), &Protection::None));
    std::os::unix::fs::symlink(elsewhere.path().join(FILE), home.path().join(FILE)).unwrap();
    assert!(matches!(Store::open(home.path()), Err(StoreError::NotAStore)));
}
