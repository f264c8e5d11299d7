//! The same deeds on the embedded store, and on PostgreSQL with two processes and an object store.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use counterseal_keysync::relay::protocol::Class;
use rustix::process::Signal;

use super::api;
use super::backends::{Database, ObjectStore, PASSWORD, configure, wait_for};
use super::process::{Relay, object_box};

#[test]
fn the_embedded_store_does_what_the_page_says() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path(), &["--store", "relay.db", "--rate", "0"]);
    api::whole(&[relay]);
    let mode = fs::metadata(folder.path().join("relay.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn two_processes_with_postgresql_and_an_object_store_are_one_relay() {
    let folder = tempfile::tempdir().unwrap();
    let (Some(database), Some(objects)) = (Database::start(folder.path()), ObjectStore::start()) else {
        return;
    };
    let config = configure(folder.path(), &[database.section(), objects.section()].concat());
    let start = || Relay::start(folder.path(), &["--config", &config, "--rate", "0"]);
    let relays = [start(), start()];
    api::whole(&relays);
    assert_eq!(database.ask("select count(*) > 0 from relay_object where key is not null"), "t");
    assert_eq!(
        database.ask("select count(*) from relay_object where bytes > 8192 and body is not null"),
        "0"
    );
    // What was refused or removed goes from the object store with the sweep that comes with the start; what is kept stays.
    let before = objects.keys();
    let [one, other] = relays;
    assert!(one.end(Signal::TERM).0.success());
    drop(other);
    let again = start();
    let is_swept = || {
        let kept = database.ask("select count(*) from relay_object where key is not null");
        objects.keys().to_string() == kept && database.ask("select count(*) from relay_stray") == "0"
    };
    wait_for("a sweep", is_swept);
    assert!((1..before).contains(&objects.keys()));
    database_that_is_gone_is_busy(again, database);
}

fn database_that_is_gone_is_busy(relay: Relay, mut database: Database) {
    let alice = object_box("alice");
    relay.create(&alice, Class::Account);
    database.kill();
    let answer = relay.put(&alice, b"late");
    assert_eq!((answer.status, answer.error().as_str()), (503, "busy"), "{answer:?}");
    assert_eq!(relay.ask("GET", "/healthz", &[], b"").status, 503);
    let (status, journal) = relay.end(Signal::TERM);
    assert!(status.success());
    assert!(journal.contains("store-failed") && !journal.contains(PASSWORD), "{journal}");
}
