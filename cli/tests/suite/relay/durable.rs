//! What was acknowledged is there, whatever happens to the relay.

use std::net::SocketAddr;
use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use counterseal_keysync::relay::protocol::Class;
use counterseal_keysync::transport::{ObjectBox, ObjectName};
use rustix::process::Signal;

use super::process::{Relay, ask, cap, object_box, object_path, read_answer};

const WRITERS: usize = 8;
/// Kills of one test.
const KILLS: usize = 3;
/// Answers before a kill.
const BEFORE: usize = 150;

#[test]
fn a_kill_in_the_middle_of_load_loses_no_acknowledged_object() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Relay::start(folder.path(), &["--store", "relay.db", "--rate", "0"]);
    let boxes: Vec<_> = (0..WRITERS).map(|writer| object_box(&format!("writer {writer}"))).collect();
    let acknowledged: Vec<Mutex<Vec<String>>> = boxes.iter().map(|_| Mutex::default()).collect();
    for kill in 0..KILLS {
        let relay = start();
        let answered = AtomicUsize::new(0);
        thread::scope(|scope| {
            for (number, (object_box, names)) in boxes.iter().zip(&acknowledged).enumerate() {
                let (address, answered) = (relay.address, &answered);
                relay.create(object_box, Class::Account);
                scope.spawn(move || {
                    for count in 0..60 {
                        let object = format!("object {kill} {number} {count}").repeat(1 + count * 40);
                        let Some(name) = put(address, object_box, object.as_bytes()) else { return };
                        names.lock().unwrap().push(name);
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            while answered.load(Ordering::Relaxed) < BEFORE {
                thread::sleep(Duration::from_millis(1));
            }
            relay.signal(Signal::KILL);
        });
        let count: usize = acknowledged.iter().map(|names| names.lock().unwrap().len()).sum();
        assert!(count < (kill + 1) * WRITERS * 60, "the kill came after the load");
    }
    let relay = start();
    let mut counted = 0;
    for (object_box, names) in boxes.iter().zip(&acknowledged) {
        let there = relay.names(object_box);
        for name in names.lock().unwrap().iter() {
            assert!(there.contains(name), "{name} was acknowledged and is lost");
            let read = cap(object_box.read_capability());
            let path = super::process::path(object_box, &format!("/o/{name}"));
            let body = relay.ask("GET", &path, &[("X-Cap", &read)], b"").body;
            assert_eq!(ObjectName::of(&body).to_string(), *name);
            counted += 1;
        }
        let head = relay.read(object_box, "/head", "").json();
        assert_eq!(head["objects"].as_u64(), Some(there.len() as u64), "the sum is that of the objects");
    }
    assert!(counted >= KILLS * BEFORE, "{counted}");
}

/// The name of an object that was acknowledged, at the first try or, as a device would, at a later one.
fn put(address: SocketAddr, object_box: &ObjectBox, object: &[u8]) -> Option<String> {
    let write = cap(object_box.write_capability());
    let path = object_path(object_box, object);
    let asked = catch_unwind(|| ask(address, "PUT", &path, &[("X-Cap", &write)], object));
    let answer = asked.ok()?;
    matches!(answer.status, 200 | 201).then(|| ObjectName::of(object).to_string())
}

#[test]
fn a_relay_that_is_stopped_ends_what_is_going_on() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path(), &["--store", "relay.db"]);
    let alice = object_box("alice");
    relay.create(&alice, Class::Account);
    let etag = relay.read(&alice, "/head", "").etag();
    let address = relay.address;
    let waits = {
        let (read, path) = (cap(alice.read_capability()), super::process::path(&alice, "/head?wait=50"));
        thread::spawn(move || ask(address, "GET", &path, &[("X-Cap", &read), ("If-None-Match", &etag)], b""))
    };
    let slow = {
        let head = format!(
            "PUT {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Cap: {}\r\nContent-Length: 4\r\n\r\nsl",
            object_path(&alice, b"slow"),
            cap(alice.write_capability())
        );
        thread::spawn(move || {
            use std::io::{Read, Write};
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            thread::sleep(Duration::from_millis(1500));
            stream.write_all(b"ow").unwrap();
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            read_answer(&answer)
        })
    };
    thread::sleep(Duration::from_millis(700));
    let (status, journal) = relay.end(Signal::TERM);
    assert!(status.success(), "{journal}");
    assert!(journal.contains("\"event\":\"stopping\"") && journal.contains("\"event\":\"stopped\""));
    assert_eq!(waits.join().unwrap().status, 304);
    assert_eq!(slow.join().unwrap().map(|answer| answer.status), Some(201), "what had begun was done");
    assert!(std::net::TcpStream::connect(address).is_err());
    let again = Relay::start(folder.path(), &["--store", "relay.db"]);
    assert_eq!(again.get(&alice, b"slow").body, b"slow");
}
