//! What a restore believes of the store that it replaces.

use super::*;

/// A store with two keys, and a copy of its file.
fn copied() -> (tempfile::TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let home = place.path().join("home");
    drop(filled(&home, &Protection::None));
    let copy = place.path().join("copy");
    fs::copy(home.join(FILE), &copy).unwrap();
    (place, home)
}

/// Removes every key, and signs the head with this key.
fn remove_all(home: &Path, sign: impl FnOnce(&[u8; ID_BYTES], Arc<MasterKey>) -> Arc<MasterKey>) {
    forge(home, 1000, sign, |writer, keys| {
        keys.iter().for_each(|key| writer.remove_secret_key(key).unwrap());
    });
}

/// Changes a store, and signs the head with this key.
fn forge(
    home: &Path,
    epoch: i64,
    sign: impl FnOnce(&[u8; ID_BYTES], Arc<MasterKey>) -> Arc<MasterKey>,
    change: impl FnOnce(&mut Writer<'_>, &[StoredKey]),
) {
    let mut store = Store::open(home).unwrap();
    store.unlock(None).unwrap();
    let keys = store.secret_keys().unwrap();
    let master_key = sign(&store.id, Arc::clone(store.unlocked.get().unwrap()));
    let transaction = store.connection.transaction().unwrap();
    let mut writer = Writer { transaction, id: &store.id, master_key, epoch, now: now() };
    change(&mut writer, &keys);
    trust::write_head(&writer).unwrap();
    writer.transaction.commit().unwrap();
}

fn restored(place: &tempfile::TempDir, home: &Path, brings_back: bool) -> Result<Restored, StoreError> {
    let staged = Staged::read(home, &place.path().join("copy"), None)?.with_removed_keys(brings_back);
    staged.put_in_place(home, now(), |present, _| present.unlock(None))
}

#[test]
fn a_store_that_somebody_else_signed_ends_no_key_of_a_backup() {
    let (place, home) = copied();
    remove_all(&home, |id, _| Arc::new(MasterKey::generate(id)));
    assert!(matches!(restored(&place, &home, false), Err(StoreError::Tampered(_))));
    let all = restored(&place, &home, true).unwrap();
    assert_eq!((all.keys, all.removed), (2, Vec::new()));
    assert_eq!(reopened(&home).secret_keys().unwrap().len(), 2);
}

#[test]
fn what_the_owner_removed_stays_removed() {
    let (place, home) = copied();
    remove_all(&home, |_, own| own);
    let left = restored(&place, &home, false).unwrap();
    assert_eq!((left.keys, left.removed.len()), (0, 2));
}

#[test]
fn a_file_whose_tables_calculate_without_end_is_no_store() {
    let (place, home) = copied();
    let forged = place.path().join("forged");
    fs::create_dir(&forged).unwrap();
    fs::copy(place.path().join("copy"), forged.join(FILE)).unwrap();
    attack(
        &forged,
        "DROP TABLE unlock_slot; CREATE VIEW unlock_slot (id, kind, parameters, created, wrapped) AS
         WITH RECURSIVE endless (kind) AS (SELECT 'x' UNION ALL SELECT kind FROM endless)
         SELECT 1, kind, x'00', 0, x'00' FROM endless;",
    );
    assert!(matches!(Staged::needs_secret(&forged.join(FILE)), Err(StoreError::Tampered(_))));
    assert!(matches!(Staged::read(&home, &forged.join(FILE), None), Err(StoreError::Tampered(_))));
    assert!(!Staged::needs_secret(&place.path().join("copy")).unwrap());
}

#[test]
fn a_store_with_a_record_that_does_not_open_gives_no_backup() {
    let (_place, home) = copied();
    let passphrase = Protection::Passphrase(SecretBytes::copy_of(b"battery"));
    let back_up = || reopened(&home).back_up(Some(&passphrase), &mut Vec::new(), now());
    assert!(back_up().is_ok());
    let connection = Connection::open(home.join(FILE)).unwrap();
    connection.execute("UPDATE secret_key SET wrapped_data_key = x'' WHERE id = 1", []).unwrap();
    assert!(matches!(back_up(), Err(StoreError::Tampered("secret_key"))));
}

#[test]
fn an_epoch_that_somebody_else_wrote_leaves_room_for_changes() {
    for epoch in [i64::MAX - 1, i64::MAX] {
        let (place, home) = copied();
        forge(&home, epoch, |id, _| Arc::new(MasterKey::generate(id)), |_, _| ());
        assert_eq!(restored(&place, &home, false).unwrap().keys, 2);
        let mut store = reopened(&home);
        for _ in 0..2 {
            store.write(now(), |_| Ok(())).unwrap();
        }
        drop(store);
        assert_eq!(restored(&place, &home, false).unwrap().keys, 2);
    }
}

#[test]
fn keys_of_a_store_whose_rows_somebody_changed_come_along_for_old_mail() {
    let (place, home) = copied();
    reopened(&home)
        .write(now(), |writer| {
            writer.add_secret_key(KeyUse::Encryption, "rsa-3072", b"public three", &secret())?;
            writer.add_secret_key(KeyUse::Encryption, "rsa-3072", b"public four", &secret())
        })
        .unwrap();
    let connection = Connection::open(home.join(FILE)).unwrap();
    connection.execute("UPDATE trust SET points = points - 1", []).unwrap();
    connection.execute("UPDATE secret_key SET created = created + 1 WHERE id = 4", []).unwrap();
    drop(connection);
    let salvaged = restored(&place, &home, false).unwrap();
    let three = Fingerprint::of_public_key(b"public three");
    assert_eq!((salvaged.keys, salvaged.kept, salvaged.aside.len()), (3, vec![three], 1));
    let store = reopened(&home);
    let keys = store.secret_keys().unwrap();
    let key = keys.iter().find(|key| key.fingerprint == three).unwrap();
    assert!(key.retired.is_some());
    assert_eq!(store.open_secret_key(key).unwrap().expose(), CANARY);
}
