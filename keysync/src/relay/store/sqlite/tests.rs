#![allow(clippy::unwrap_used)]

use rusqlite::Connection;

use super::*;
use crate::relay::protocol::{CapabilityHash, Class, Right};

const NOW: Time = Time::from_unix_seconds(1_000_000_000);

fn block<T>(answer: Answer<'_, T>) -> Result<T, StoreError> {
    futures::executor::block_on(answer)
}

fn new_box(id: u8) -> NewBox {
    let hash = |right: u8| CapabilityHash([id ^ right; 32]);
    NewBox { id: [id; 16], hashes: [hash(1), hash(2), hash(3)], class: Class::Account, epoch: u64::MAX }
}

fn number(store: &SqliteStore, id: u8) -> BoxNumber {
    match block(store.create(new_box(id), Permission::Free, NOW)).unwrap() {
        Creating::Created(state) | Creating::WasThere(state) => state.number,
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn what_was_acknowledged_is_there_when_the_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let store = SqliteStore::open(&path, Limits::default()).unwrap();
    let alice = number(&store, 1);
    let name = ObjectName::of(b"key");
    assert_eq!(block(store.put(alice, name, b"key".to_vec(), NOW)), Ok(Putting::Kept(1)));
    let totals = store.totals();
    // As after a power cut: nobody closes anything.
    let again = SqliteStore::open(&path, Limits::default()).unwrap();
    assert_eq!(block(again.get(alice, name)).unwrap().unwrap(), b"key");
    assert_eq!(Totals { most: totals.most, ..again.totals() }, totals);
    let claim = Claim { id: [1; 16], right: Right::Write, hash: new_box(1).hashes[1] };
    let state = block(again.find(claim, NOW)).unwrap().unwrap();
    assert_eq!((state.number, state.epoch, state.last), (alice, u64::MAX, 1));
}

#[test]
fn writes_that_come_together_are_committed_together_and_all_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("relay.db"), Limits::default()).unwrap();
    let alice = number(&store, 1);
    let puts = (0..100_u8).map(|byte| store.put(alice, ObjectName::of(&[byte]), vec![byte], NOW));
    let puts = futures::executor::block_on(futures::future::join_all(puts));
    let mut numbers: Vec<_> = puts.into_iter().map(Result::unwrap).collect();
    numbers.sort_by_key(|put| match put {
        Putting::Kept(number) => *number,
        other => unreachable!("{other:?}"),
    });
    assert_eq!(numbers, (1..=100).map(Putting::Kept).collect::<Vec<_>>());
    assert_eq!(block(store.list(alice, 0, 1000)).unwrap().len(), 100);
}

#[test]
fn a_write_that_fails_takes_its_group_along_and_the_next_one_works() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let store = SqliteStore::open(&path, Limits::default()).unwrap();
    let alice = number(&store, 1);
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch("create trigger broken before insert on object begin select raise(abort, 'disk'); end")
        .unwrap();
    let put = |byte: u8| block(store.put(alice, ObjectName::of(&[byte]), vec![byte], NOW));
    assert!(put(1).is_err_and(|error| error.0.contains("disk")));
    other.execute_batch("drop trigger broken").unwrap();
    assert_eq!(put(1), Ok(Putting::Kept(1)));
    assert_eq!(store.totals().objects, 1);
}

#[test]
fn a_closed_store_takes_nothing_and_leaves_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let store = SqliteStore::open(&path, Limits::default()).unwrap();
    let alice = number(&store, 1);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.close()).unwrap();
    assert!(block(store.put(alice, ObjectName::of(b"x"), b"x".to_vec(), NOW)).is_err());
    assert!(std::fs::metadata(path.with_extension("db-wal")).map_or(true, |wal| wal.len() == 0));
}

#[test]
fn the_file_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch("create table mail(x)").unwrap();
    assert!(
        SqliteStore::open(&path, Limits::default()).is_err_and(|error| error.0.contains("no relay's file"))
    );
    std::fs::write(&path, "no database at all, but long enough to be looked at as one").unwrap();
    assert!(SqliteStore::open(&path, Limits::default()).is_err());
}
