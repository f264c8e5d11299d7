//! A relay with room for little: the same deeds on the embedded store, and on PostgreSQL with two processes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use counterseal_keysync::limits::{BOX_OVERHEAD, OBJECT_OVERHEAD, SUM_ROWS};
use counterseal_keysync::relay::protocol::Class;
use counterseal_keysync::transport::{ObjectBox, ObjectName};
use rustix::process::Signal;

use super::backends::{Database, configure, wait_for};
use super::process::{Answer, Relay, object_box};

const BYTES: usize = 1000;
/// Room for four objects in three boxes, and for no further object instead of the last box.
const ROOM: u64 = 3 * BOX_OVERHEAD + 4 * (OBJECT_OVERHEAD + BYTES as u64);
/// Seconds for which the box of a pairing is there.
const PAIRING_SECONDS: u64 = 2;

fn settings() -> String {
    format!("rate = 0\ntotal_bytes = {ROOM}\n[pairing]\nseconds = {PAIRING_SECONDS}\n")
}

#[test]
fn a_full_relay_refuses_until_something_goes() {
    let folder = tempfile::tempdir().unwrap();
    let config = configure(folder.path(), &settings());
    life_of_a_full_relay(|| vec![Relay::start(folder.path(), &["--config", &config, "--store", "relay.db"])]);
}

#[test]
fn two_processes_with_postgresql_are_full_together() {
    let folder = tempfile::tempdir().unwrap();
    let Some(database) = Database::start(folder.path()) else { return };
    let config = configure(folder.path(), &(settings() + &database.section()));
    let start = || Relay::start(folder.path(), &["--config", &config]);
    life_of_a_full_relay(|| vec![start(), start()]);
    let relay = counted_when_the_table_is_made(&database, start);
    many_at_once(&database, &relay);
}

/// Boxes of a relay that did not count yet.
fn counted_when_the_table_is_made(database: &Database, start: impl Fn() -> Relay) -> Relay {
    database.ask("drop table relay_change");
    let relay = start();
    let [boxes, objects, bytes] = kept(&relay);
    assert_eq!(format!("{boxes}|{objects}|{bytes}"), database.ask(REAL));
    assert!(boxes > 0 && objects > 0, "{boxes} {objects}");
    relay
}

/// One process does not go past the limit, however many come together.
fn many_at_once(database: &Database, relay: &Relay) {
    let [alice, bob] = ["alice", "bob"].map(object_box);
    for number in 1..4 {
        assert_eq!(remove(relay, &alice, &object(number)).status, 204);
    }
    know(std::slice::from_ref(relay), [3, 1, BYTES as u64]);
    let put = |number: u8| relay.put(&bob, &object(100 + number)).status;
    let put = &put;
    let answers: Vec<u16> = thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|number| scope.spawn(move || put(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let kept = answers.iter().filter(|status| **status == 201).count();
    assert!(
        (1..=3).contains(&kept) && answers.iter().all(|status| matches!(status, 201 | 507)),
        "{answers:?}"
    );
    assert_eq!(database.ask("select count(*) from relay_object"), (1 + kept).to_string());
}

fn object(number: u8) -> Vec<u8> {
    vec![number; BYTES]
}

#[track_caller]
fn full(answer: &Answer) {
    assert_eq!((answer.status, answer.error().as_str()), (507, "full"), "{answer:?}");
}

fn life_of_a_full_relay(start: impl Fn() -> Vec<Relay>) {
    let relays = start();
    let (one, other) = (&relays[0], relays.last().unwrap());
    let [alice, bob, carol, pairing] = ["alice", "bob", "carol", "pairing"].map(object_box);
    assert_eq!(one.create(&alice, Class::Account).status, 201);
    assert_eq!(one.create(&bob, Class::Account).status, 201);
    for number in 0..4 {
        assert_eq!(one.put(&alice, &object(number)).status, 201, "{number}");
    }
    know(&relays, [2, 4, 4 * BYTES as u64]);
    assert_eq!(number(other, "total_bytes_limit"), Some(ROOM));
    for relay in &relays {
        full(&relay.put(&bob, &object(9)));
        full(&relay.put(&bob, b""));
        assert_eq!(relay.put(&alice, &object(3)).status, 200, "what is there is there");
    }
    assert_eq!(other.create(&pairing, Class::Pairing).status, 201, "a box has room, an object has not");
    know(&relays, [3, 4, 4 * BYTES as u64]);
    for relay in &relays {
        full(&relay.create(&carol, Class::Account));
        assert_eq!(relay.create(&bob, Class::Account).status, 200);
    }
    assert_eq!(remove(other, &alice, &object(0)).status, 204);
    know(&relays, [3, 3, 3 * BYTES as u64]);
    assert_eq!(one.put(&bob, &object(9)).status, 201, "instead of what was removed");
    full(&one.put(&bob, &object(8)));
    know(&relays, [3, 4, 4 * BYTES as u64]);
    full(&other.put(&bob, &object(8)));
    // What has ended counts until it is swept, as it does with a start.
    thread::sleep(Duration::from_secs(PAIRING_SECONDS));
    full(&other.create(&carol, Class::Account));
    for relay in relays {
        assert!(relay.end(Signal::TERM).0.success());
    }
    let relays = start();
    know(&relays, [2, 4, 4 * BYTES as u64]);
    assert_eq!(relays[0].create(&carol, Class::Account).status, 201);
    relays.into_iter().for_each(|relay| assert!(relay.end(Signal::TERM).0.success()));
}

/// Waits until all know of so many boxes, objects and bytes: those of PostgreSQL look now and then.
#[track_caller]
fn know(relays: &[Relay], expected: [u64; 3]) {
    for relay in relays {
        wait_for(&format!("{expected:?}, but {:?}", kept(relay)), || kept(relay) == expected);
    }
}

fn kept(relay: &Relay) -> [u64; 3] {
    ["boxes", "objects", "object_bytes"].map(|name| number(relay, name).unwrap())
}

fn number(relay: &Relay, name: &str) -> Option<u64> {
    let page = String::from_utf8(relay.ask("GET", "/metrics", &[], b"").body).unwrap();
    let start = format!("counterseal_relay_{name} ");
    page.lines().find_map(|line| line.strip_prefix(&start)).map(|value| value.parse().unwrap())
}

/// What there is, counted one by one.
const REAL: &str = "select (select count(*) from relay_box), (select count(*) from relay_object), \
                    (select coalesce(sum(bytes), 0) from relay_object)";
/// What the relays believe.
const SUMS: &str = "select sum(boxes), sum(objects), sum(bytes) from relay_change";
/// Threads that put and remove at the same time, two of them in each box.
const THREADS: u64 = 8;
/// Boxes of each.
const ROUNDS: u64 = 30;

#[test]
fn sums_are_those_of_a_count_whatever_happens_at_the_same_time() {
    let folder = tempfile::tempdir().unwrap();
    let Some(database) = Database::start(folder.path()) else { return };
    let settings = format!("rate = 0\n[pairing]\nseconds = 1\n{}", database.section());
    let config = configure(folder.path(), &settings);
    let start = || Relay::start(folder.path(), &["--config", &config]);
    let relays = [start(), start()];
    let (writes, swept, is_done) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let threads = (0..THREADS).map(|thread| {
            let (relay, writes) = (&relays[thread as usize % 2], &writes);
            scope.spawn(move || {
                (0..ROUNDS).for_each(|round| come_and_go(relay, thread, round, writes));
            })
        });
        let threads: Vec<_> = threads.collect();
        // Each start begins with a sweep, and is cut off in a later one.
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                let sweeper = start();
                thread::sleep(Duration::from_millis(300));
                swept.fetch_add(number(&sweeper, "swept_total").unwrap(), Ordering::Relaxed);
                let (status, journal) = sweeper.end(Signal::TERM);
                assert!(status.success() && !journal.contains("store-failed"), "{journal}");
            }
        });
        let ended: Vec<_> = threads.into_iter().map(thread::ScopedJoinHandle::join).collect();
        is_done.store(true, Ordering::Relaxed);
        ended.into_iter().for_each(|ended| ended.unwrap());
    });
    assert!(swept.load(Ordering::Relaxed) > 0, "nothing was swept meanwhile");
    assert!(writes.load(Ordering::Relaxed) > SUM_ROWS, "too few for a sum to be made");
    let summed_up = format!("select count(*) <= {SUM_ROWS} from relay_change");
    wait_for("one row of many", || database.ask(&summed_up) == "t");
    assert_eq!(database.ask(SUMS), database.ask(REAL));
    for relay in &relays {
        wait_for("what all have", || {
            let [boxes, objects, bytes] = kept(relay);
            format!("{boxes}|{objects}|{bytes}") == database.ask(REAL)
        });
        assert_eq!(number(relay, "total_bytes_limit"), None, "nobody said how much");
        assert!(!relay.journal().contains("store-failed"), "{}", relay.journal());
    }
    assert_eq!(database.ask("select deadlocks from pg_stat_database where datname = 'postgres'"), "0");
}

/// One round in a box that another thread has, too.
fn come_and_go(relay: &Relay, thread: u64, round: u64, writes: &AtomicU64) {
    let shared = object_box(&format!("box {} {round}", thread / 2));
    let class = if round.is_multiple_of(2) { Class::Account } else { Class::Pairing };
    let done = |answer: Answer, expected: &[u16]| {
        assert!(expected.contains(&answer.status), "{answer:?}");
        writes.fetch_add(u64::from(matches!(answer.status, 201 | 204)), Ordering::Relaxed);
    };
    done(relay.create(&shared, class), &[200, 201]);
    for number in 0..4 {
        done(relay.put(&shared, &content(thread % 3, number)), &[200, 201, 404]);
    }
    // One that the other thread removes as well.
    done(remove(relay, &shared, &content(0, round)), &[204, 404]);
    done(remove(relay, &shared, &content(thread % 3, 1)), &[204, 404]);
    if round.is_multiple_of(4) {
        done(relay.remove(&shared, ""), &[204, 404]);
    }
}

fn content(writer: u64, number: u64) -> Vec<u8> {
    vec![b'a' + writer as u8; 10 + 3000 * (number as usize % 4)]
}

fn remove(relay: &Relay, from: &ObjectBox, object: &[u8]) -> Answer {
    relay.remove(from, &format!("/o/{}", ObjectName::of(object)))
}
