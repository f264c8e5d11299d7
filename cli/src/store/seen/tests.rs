//! An older or another file in the place of the store is noticed.
#![allow(clippy::unwrap_used, clippy::panic)]

use counterseal_core::time::Time;

use super::super::{EvidenceKind, FILE, Protection, Store};
use super::*;

fn now() -> Time {
    Time::from_unix_seconds(1_795_262_400)
}

fn change(directory: &Path, name: &[u8]) {
    let mut store = Store::open(directory).unwrap();
    store.unlock(None).unwrap();
    store.write(now(), |writer| writer.keep_evidence(EvidenceKind::Anchor, name, b"content")).unwrap();
}

/// A store with two changes, and its file as it was after the first.
fn changed() -> (tempfile::TempDir, Vec<u8>) {
    let home = tempfile::tempdir().unwrap();
    drop(Store::create(home.path(), &Protection::None, now()).unwrap());
    change(home.path(), b"one");
    let older = fs::read(home.path().join(FILE)).unwrap();
    change(home.path(), b"two");
    (home, older)
}

#[test]
fn an_older_file_is_refused_and_the_newer_one_is_taken_back() {
    let (home, older) = changed();
    let newer = fs::read(home.path().join(FILE)).unwrap();
    fs::write(home.path().join(FILE), older).unwrap();
    assert!(matches!(Store::open(home.path()), Err(StoreError::RolledBack { seen: 2, found: 1 })));
    fs::write(home.path().join(FILE), newer).unwrap();
    change(home.path(), b"three");
}

#[test]
fn another_store_is_refused_and_a_new_one_that_was_asked_for_is_not() {
    let (home, _) = changed();
    let (other, _) = changed();
    fs::copy(other.path().join(FILE), home.path().join(FILE)).unwrap();
    assert!(matches!(Store::open(home.path()), Err(StoreError::OtherStore)));
    fs::remove_file(home.path().join(FILE)).unwrap();
    drop(Store::create(home.path(), &Protection::None, now()).unwrap());
    change(home.path(), b"one");
}

#[test]
fn what_was_seen_follows_a_store_and_nobody_forges_it() {
    let (home, _) = changed();
    let file = home.path().join(FILE);
    let seen = fs::read_to_string(beside(&file)).unwrap();
    // Without the file the store is believed, and the file is there again.
    fs::remove_file(beside(&file)).unwrap();
    drop(Store::open(home.path()).unwrap());
    assert_eq!(fs::read_to_string(beside(&file)).unwrap(), seen);
    for forged in [seen.replace(" 2 ", " 9 "), String::new(), "counterseal store seen 1\n".to_owned()] {
        fs::write(beside(&file), forged).unwrap();
        drop(Store::open(home.path()).unwrap());
        assert_eq!(fs::read_to_string(beside(&file)).unwrap(), seen);
    }
}

#[test]
fn a_head_that_this_store_did_not_sign_does_not_raise_what_was_seen() {
    let (home, _) = changed();
    let file = home.path().join(FILE);
    let seen = fs::read_to_string(beside(&file)).unwrap();
    let attack = Connection::open(&file).unwrap();
    attack.execute_batch("UPDATE store SET epoch = 1000000").unwrap();
    drop(attack);
    let _ = Store::open(home.path());
    assert_eq!(fs::read_to_string(beside(&file)).unwrap(), seen);
}

#[test]
fn two_processes_that_write_and_open_at_once_raise_no_false_alarm() {
    const CHANGES: u8 = 25;
    let (home, _) = changed();
    // Each has a connection of its own, as two processes have.
    let writers: Vec<_> = [b'a', b'b']
        .into_iter()
        .map(|writer| {
            let directory = home.path().to_owned();
            std::thread::spawn(move || (0..CHANGES).for_each(|number| change(&directory, &[writer, number])))
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    let store = Store::open(home.path()).unwrap();
    assert_eq!(store.evidence(EvidenceKind::Anchor).unwrap().len(), 2 + 2 * usize::from(CHANGES));
    assert!(store.is_seen());
}
