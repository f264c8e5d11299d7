//! The whole API, as one list of deeds that every store passes: with one process, and with two that share a store.

use std::thread;
use std::time::{Duration, Instant};

use counterseal_keysync::limits::PAIRING_OBJECTS;
use counterseal_keysync::relay::protocol::Class;
use counterseal_keysync::transport::ObjectName;

use super::process::{Answer, Relay, cap, object_box, object_path, path};

/// Larger than what a database keeps in a table.
const LARGE: usize = 20_000;

/// Does everything, each deed at the next relay in turn.
pub fn whole(relays: &[Relay]) {
    let (one, other) = (&relays[0], relays.last().unwrap());
    life_of_a_box(one, other);
    waiting(one, other);
    strangers(relays);
    quotas(one, other);
    creation(one, other);
    many_at_once(relays);
}

#[track_caller]
fn refused(answer: &Answer, status: u16, word: &str) {
    assert_eq!((answer.status, answer.error().as_str()), (status, word), "{answer:?}");
}

fn life_of_a_box(one: &Relay, other: &Relay) {
    let alice = object_box("alice");
    let large = vec![7; LARGE];
    let created = one.create(&alice, Class::Account);
    assert_eq!((created.status, other.create(&alice, Class::Account).status), (201, 200));
    assert_eq!(created.json(), other.create(&alice, Class::Account).json());
    assert_eq!(one.put(&alice, b"small").json()["n"], 1);
    assert_eq!(other.put(&alice, &large).json()["n"], 2);
    assert_eq!(
        (one.put(&alice, &large).status, one.put(&alice, &large).json()["n"].as_u64()),
        (200, Some(2))
    );
    for relay in [one, other] {
        assert_eq!(relay.get(&alice, b"small").body, b"small");
        assert_eq!(relay.get(&alice, &large).body, large);
        let head = relay.read(&alice, "/head", "");
        assert_eq!((head.json()["last"].as_u64(), head.json()["objects"].as_u64()), (Some(2), Some(2)));
        assert_eq!(head.json()["bytes"].as_u64(), Some(LARGE as u64 + 5));
        assert_eq!(relay.read(&alice, "/head", &head.etag()).status, 304);
    }
    let page = other.read(&alice, "/o?after=1", "").json();
    assert_eq!(
        (page["objects"][0]["n"].as_u64(), page["objects"][0]["bytes"].as_u64()),
        (Some(2), Some(LARGE as u64))
    );
    assert_eq!(one.read(&alice, "/o?max=1", "").json()["objects"].as_array().unwrap().len(), 1);
    let object = format!("/o/{}", ObjectName::of(&large));
    assert_eq!((other.remove(&alice, &object).status, one.remove(&alice, &object).status), (204, 204));
    refused(&one.get(&alice, &large), 404, "absent");
    assert_eq!(one.names(&alice), [ObjectName::of(b"small").to_string()]);
    assert_eq!(other.put(&alice, &large).json()["n"], 3);
    assert_eq!(one.remove(&alice, "").status, 204);
    refused(&other.get(&alice, b"small"), 404, "absent");
    refused(&other.put(&alice, b"small"), 404, "absent");
    assert_eq!(other.create(&alice, Class::Account).status, 201);
    assert_eq!(one.names(&alice), [""; 0]);
    assert_eq!(one.remove(&alice, "").status, 204);
}

fn waiting(one: &Relay, other: &Relay) {
    let alice = object_box("alice who waits");
    one.create(&alice, Class::Account);
    let etag = one.read(&alice, "/head", "").etag();
    let begun = Instant::now();
    assert_eq!(other.read(&alice, "/head?wait=1", &etag).status, 304);
    assert!(begun.elapsed() >= Duration::from_millis(900));
    thread::scope(|scope| {
        let waits = scope.spawn(|| other.read(&alice, "/head?wait=50", &etag));
        // Whether the put comes before or during the waiting: the answer is the same.
        thread::sleep(Duration::from_millis(300));
        one.put(&alice, b"news");
        let answer = waits.join().unwrap();
        assert_eq!((answer.status, answer.json()["last"].as_u64()), (200, Some(1)));
        assert!(begun.elapsed() < Duration::from_secs(40), "woken by the put, not by the end of the time");
    });
}

fn strangers(relays: &[Relay]) {
    let (alice, nobody) = (object_box("alice's own"), object_box("nobody's"));
    relays[0].create(&alice, Class::Account);
    relays[0].put(&alice, b"there");
    let [read, write, admin] =
        [alice.read_capability(), alice.write_capability(), alice.admin_capability()].map(cap);
    let foreign = cap(nobody.read_capability());
    let (there, missing) = (object_path(&alice, b"there"), object_path(&alice, b"missing"));
    let (head, list, own) = (path(&alice, "/head?wait=50"), path(&alice, "/o"), path(&alice, ""));
    let absent = relays[0].ask("GET", &path(&nobody, "/head"), &[("X-Cap", &foreign)], b"");
    refused(&absent, 404, "absent");
    let asks = [
        ("GET", &there, [&write, &admin, &foreign]),
        ("GET", &missing, [&write, &admin, &read]),
        ("GET", &head, [&write, &admin, &foreign]),
        ("GET", &list, [&write, &admin, &foreign]),
        ("PUT", &there, [&read, &admin, &foreign]),
        ("DELETE", &there, [&read, &write, &foreign]),
        ("DELETE", &own, [&read, &write, &foreign]),
    ];
    for relay in relays {
        for (method, path, caps) in asks {
            for cap in caps {
                let answer = relay.ask(method, path, &[("X-Cap", cap)], b"there");
                assert_eq!(answer, absent, "{method} {path}: byte by byte, but for the date");
            }
            assert_eq!(relay.ask(method, path, &[], b"there"), absent);
        }
        assert_eq!(relay.names(&alice), [ObjectName::of(b"there").to_string()]);
    }
}

fn quotas(one: &Relay, other: &Relay) {
    let pairing = object_box("pairing");
    one.create(&pairing, Class::Pairing);
    let too_large = one.put(&pairing, &[0; 65_537]);
    refused(&too_large, 413, "large");
    assert_eq!(too_large.json()["limit"], 65_536);
    for number in 0..PAIRING_OBJECTS as u8 {
        let relay = if number % 2 == 0 { one } else { other };
        assert_eq!(relay.put(&pairing, &[number; 9000]).status, 201, "{number}");
    }
    refused(&one.put(&pairing, b"one more"), 507, "full");
    refused(&other.put(&pairing, &[199; 9000]), 507, "full");
    assert_eq!(other.put(&pairing, &[3; 9000]).status, 200);
    assert_eq!(one.remove(&pairing, &format!("/o/{}", ObjectName::of(&[3; 9000]))).status, 204);
    refused(&other.put(&pairing, b"one more"), 429, "daily");
    let wrong = cap(pairing.write_capability());
    let answer = one.ask("PUT", &object_path(&pairing, b"name of this"), &[("X-Cap", &wrong)], b"not this");
    refused(&answer, 400, "name");
}

fn creation(one: &Relay, other: &Relay) {
    let carol = object_box("carol");
    one.create(&carol, Class::Account);
    refused(&other.create(&carol, Class::Pairing), 409, "conflict");
    let navigated = one.ask("GET", &path(&carol, "/head"), &[("Sec-Fetch-Mode", "navigate")], b"");
    refused(&navigated, 403, "browser");
    refused(&other.ask("PUT", &path(&carol, ""), &[], b"[]"), 400, "request");
    refused(&other.ask("POST", &path(&carol, ""), &[], b""), 405, "method");
    assert_eq!(other.ask("GET", "/healthz", &[], b"").json()["status"], "ok");
    assert_eq!(other.ask("GET", "/v1/info", &[], b"").json()["policy"], "open");
    let metrics = String::from_utf8(other.ask("GET", "/metrics", &[], b"").body).unwrap();
    assert!(
        metrics.contains("counterseal_relay_answers_total{request=\"head\",status=\"404\"}"),
        "{metrics}"
    );
}

/// Numbers without a gap, whoever puts: the row of the box is one.
fn many_at_once(relays: &[Relay]) {
    let crowd = object_box("crowd");
    thread::scope(|scope| {
        for thread in 0..8_u8 {
            let (relay, crowd) = (&relays[usize::from(thread) % relays.len()], &crowd);
            scope.spawn(move || {
                relay.create(crowd, Class::Account);
                for number in 0..10_u8 {
                    // Each object is put by two threads.
                    assert!(matches!(relay.put(crowd, &[thread / 2, number]).status, 200 | 201));
                }
            });
        }
    });
    let head = relays[0].read(&crowd, "/head", "").json();
    assert_eq!((head["last"].as_u64(), head["objects"].as_u64()), (Some(40), Some(40)));
    let mut names = relays.last().unwrap().names(&crowd);
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 40);
}
