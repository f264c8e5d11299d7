//! The client against a relay of ours, and against relays that lie.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;

use super::*;
use crate::limits::WORK_TIME;
use crate::relay::{CreationPolicy, Journal, Limits, Running, Settings, StoreSettings, VisitorLimits, start};

fn clock() -> Clock {
    Arc::new(|| Time::from_unix_seconds(20_000 * 86_400))
}

fn object_box(name: &str) -> ObjectBox {
    ObjectBox::derive(&SecretBytes::copy_of(name.as_bytes()), "test")
}

fn transport(to: SocketAddr, name: &str, class: Class) -> RelayTransport {
    let address = RelayAddress::parse(&format!("http://{to}")).unwrap();
    RelayTransport::new(agent(&[]), address, object_box(name), class, clock())
}

fn relay(folder: &tempfile::TempDir, choose: impl FnOnce(&mut Settings)) -> Running {
    let mut settings = Settings {
        listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        tls: None,
        store: StoreSettings::Sqlite(folder.path().join("relay.db")),
        policy: CreationPolicy::Open,
        limits: Limits::default(),
        visitors: VisitorLimits { rate: 0.0, ..VisitorLimits::default() },
        metrics_for: Vec::new(),
    };
    choose(&mut settings);
    start(settings, clock(), Journal::silent(), false).unwrap()
}

/// A server that gives each connection the same answer.
fn liar(answer: impl Into<Vec<u8>>) -> SocketAddr {
    let answer = answer.into();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(&answer);
        }
    });
    address
}

fn answer(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
        .into_bytes()
}

#[test]
fn what_one_device_puts_another_finds() {
    let folder = tempfile::tempdir().unwrap();
    let relay = relay(&folder, |_| {});
    let [mut one, mut other] = [(); 2].map(|()| transport(relay.addresses[0], "alice", Class::Account));
    assert_eq!(other.list(&Cursor::default()).unwrap().names, []);
    let name = one.put(b"key").unwrap();
    assert_eq!(one.put(b"key"), Ok(name));
    let listing = other.list(&Cursor::default()).unwrap();
    assert_eq!(listing.names, [name]);
    assert_eq!(
        other.list(&listing.cursor).unwrap(),
        Listing { names: Vec::new(), cursor: listing.cursor.clone() }
    );
    assert_eq!(other.get(&name).unwrap(), b"key");
    assert_eq!(other.get(&ObjectName::of(b"other")), Err(TransportError::Absent));
    assert_eq!(one.remove(&name), Ok(()));
    assert_eq!(one.remove(&name), Ok(()));
    assert_eq!(other.get(&name), Err(TransportError::Absent));
    assert_eq!(
        one.put(&vec![0; OBJECT_BYTES + 1]),
        Err(TransportError::TooLarge { bytes: OBJECT_BYTES as u64 + 1, limit: OBJECT_BYTES as u64 })
    );
}

#[test]
fn a_device_that_waits_hears_of_news() {
    let folder = tempfile::tempdir().unwrap();
    let relay = relay(&folder, |_| {});
    let [mut one, mut other] = [(); 2].map(|()| transport(relay.addresses[0], "alice", Class::Account));
    let begun = Instant::now();
    let waiting = thread::spawn(move || {
        other.wait(&Cursor::default(), Duration::from_secs(50)).unwrap();
        other.list(&Cursor::default()).unwrap()
    });
    one.put(b"news").unwrap();
    let listing = waiting.join().unwrap();
    assert_eq!(listing.names, [ObjectName::of(b"news")]);
    assert!(begun.elapsed() < Duration::from_secs(40));
    one.wait(&listing.cursor, Duration::from_secs(1)).unwrap();
    // A wait of less than a second is one, too: else a pairing would spend in moments what one address may ask.
    let begun = Instant::now();
    one.wait(&listing.cursor, Duration::from_millis(200)).unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(190), "{:?}", begun.elapsed());
}

#[test]
fn a_listing_of_many_pages_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let relay = relay(&folder, |settings| settings.limits.account.puts_a_day = u64::MAX);
    let mut one = transport(relay.addresses[0], "alice", Class::Account);
    let count = 2 * PAGE_OBJECTS as u16 + 1;
    let mut put: Vec<_> = (0..count).map(|number| one.put(&number.to_be_bytes()).unwrap()).collect();
    one.remove(&put[5]).unwrap();
    put.remove(5);
    assert_eq!(one.list(&Cursor::default()).unwrap().names, put);
    one.remove(put.last().unwrap()).unwrap();
    put.pop();
    let listing = one.list(&Cursor::default()).unwrap();
    assert_eq!(listing.names, put);
    one.put(b"newest").unwrap();
    assert_eq!(one.list(&listing.cursor).unwrap().names, [ObjectName::of(b"newest")]);
}

#[test]
fn a_box_that_was_lost_is_made_again_and_read_from_its_beginning() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let before = relay(&first, |_| {});
    let mut one = transport(before.addresses[0], "alice", Class::Account);
    for object in [b"1", b"2", b"3"] {
        one.put(object).unwrap();
    }
    let cursor = one.list(&Cursor::default()).unwrap().cursor;
    drop(before);
    let after = relay(&second, |_| {});
    let mut one = transport(after.addresses[0], "alice", Class::Account);
    one.put(b"4").unwrap();
    assert_eq!(one.list(&cursor).unwrap().names, [ObjectName::of(b"4")]);
}

#[test]
fn a_relay_that_wants_work_gets_it() {
    let folder = tempfile::tempdir().unwrap();
    let of_work = relay(&folder, |settings| settings.policy = CreationPolicy::Work(8));
    let mut one = transport(of_work.addresses[0], "alice", Class::Account);
    assert!(one.put(b"key").is_ok());
    let too_much = liar(answer("401 Unauthorized", r#"{"error":"policy","policy":"work","bits":60}"#));
    let begun = Instant::now();
    assert!(matches!(transport(too_much, "a", Class::Account).create(), Err(TransportError::Refused(_))));
    let just_too_much = format!(r#"{{"error":"policy","policy":"work","bits":{}}}"#, WORK_BITS + 1);
    let just_too_much = liar(answer("401 Unauthorized", &just_too_much));
    assert!(matches!(
        transport(just_too_much, "a", Class::Account).create(),
        Err(TransportError::Refused(_))
    ));
    assert!(begun.elapsed() < Duration::from_secs(1), "nobody worked: {:?}", begun.elapsed());
}

/// A relay that has nothing, and answers creations like this; how many it was asked for.
fn empty_relay(to_creations: Vec<u8>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let (address, creations) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&creations);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let read = stream.read(&mut request).unwrap_or(0);
            let head = String::from_utf8_lossy(&request[..read]);
            let is_creation = head.starts_with("PUT ") && !head.contains("/o/");
            counted.fetch_add(usize::from(is_creation), Ordering::Relaxed);
            let absent = answer("404 Not Found", r#"{"error":"absent"}"#);
            let _ = stream.write_all(if is_creation { &to_creations } else { &absent });
        }
    });
    (address, creations)
}

#[test]
fn a_relay_that_has_nothing_and_wants_work_each_time_gets_it_once() {
    let wants = answer("401 Unauthorized", r#"{"error":"policy","policy":"work","bits":10}"#);
    let (address, creations) = empty_relay(wants);
    let address = RelayAddress::parse(&format!("http://{address}")).unwrap();
    // As in rounds that follow each other: each has a transport of its own.
    for _ in 0..3 {
        let address = address.clone();
        let mut one = RelayTransport::new(agent(&[]), address, object_box("alice"), Class::Account, clock());
        let refused = Err(TransportError::Refused("the relay creates no box for us".to_owned()));
        assert_eq!(one.put(b"key").map(|_| ()), refused);
        assert_eq!(one.list(&Cursor::default()).map(|_| ()), refused);
    }
    assert_eq!(creations.load(Ordering::Relaxed), 2, "without work, and with it");
}

#[test]
fn a_box_that_a_relay_created_and_does_not_have_is_absent() {
    let (address, creations) = empty_relay(answer("201 Created", "{}"));
    let mut one = transport(address, "alice", Class::Account);
    for _ in 0..3 {
        assert_eq!(one.put(b"key").map(|_| ()), Err(TransportError::Absent));
    }
    assert_eq!(creations.load(Ordering::Relaxed), 1);
}

#[test]
fn trouble_on_the_way_is_not_remembered() {
    let (address, creations) = empty_relay(answer("503 Service Unavailable", ""));
    let mut one = transport(address, "alice", Class::Account);
    for _ in 0..2 {
        assert!(matches!(one.put(b"key"), Err(TransportError::Unreachable(_))));
    }
    assert_eq!(creations.load(Ordering::Relaxed), 2);
}

#[test]
fn work_ends_with_the_time_for_it() {
    let one = transport(SocketAddr::from(([127, 0, 0, 1], 1)), "alice", Class::Account);
    one.address.creations().worked(Instant::now(), WORK_TIME);
    let creation = Creation::of(&one.object_box, Class::Account);
    assert!(matches!(one.work(&creation, 1), Err(TransportError::Refused(_))));
}

#[test]
fn limits_of_a_relay_are_quotas() {
    let folder = tempfile::tempdir().unwrap();
    let relay = relay(&folder, |settings| settings.limits.account.puts_a_day = 1);
    let mut one = transport(relay.addresses[0], "alice", Class::Account);
    one.put(b"1").unwrap();
    assert_eq!(one.put(b"2"), Err(TransportError::Quota));
}

#[test]
fn other_bytes_under_a_name_are_a_forgery() {
    let mut fooled = transport(liar(answer("200 OK", "other bytes")), "alice", Class::Account);
    assert!(matches!(fooled.get(&ObjectName::of(b"key")), Err(TransportError::Forged(_))));
}

#[test]
fn an_object_of_four_gigabytes_is_not_read() {
    let announced = "HTTP/1.1 200 OK\r\nContent-Length: 4294967296\r\n\r\n";
    let mut endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..=OBJECT_BYTES / 65_536 {
        endless.extend(b"10000\r\n");
        endless.extend([b'x'; 65_536]);
        endless.extend(b"\r\n");
    }
    for lie in [announced.as_bytes().to_vec(), endless] {
        let got = transport(liar(lie), "alice", Class::Account).get(&ObjectName::of(b""));
        assert!(matches!(&got, Err(TransportError::Forged(why)) if why.contains("more than")), "{got:?}");
    }
}

#[test]
fn a_listing_without_an_end_ends() {
    // The same full page again and again: its numbers do not go on.
    let names: Vec<_> = (1..=PAGE_OBJECTS)
        .map(|n| format!(r#"{{"n":{n},"name":"{}","bytes":1}}"#, "ab".repeat(32)))
        .collect();
    let last = u64::MAX;
    let page = format!(r#"{{"epoch":"{}","last":{last},"objects":[{}]}}"#, "0".repeat(16), names.join(","));
    let endless = transport(liar(answer("200 OK", &page)), "alice", Class::Account).list(&Cursor::default());
    assert!(matches!(endless, Err(TransportError::Forged(_))), "{endless:?}");
}

#[test]
fn a_relay_that_sends_elsewhere_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let other = relay(&folder, |_| {});
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let to = other.addresses[0];
        let redirect =
            format!("HTTP/1.1 {status}\r\nLocation: http://{to}/healthz\r\nContent-Length: 0\r\n\r\n");
        let mut fooled = transport(liar(redirect), "alice", Class::Account);
        let elsewhere = Err(TransportError::Refused("the relay sends on to another address".to_owned()));
        assert_eq!(fooled.put(b"key").map(|_| ()), elsewhere);
        assert_eq!(fooled.list(&Cursor::default()).map(|_| ()), elsewhere);
        assert_eq!(fooled.get(&ObjectName::of(b"key")).map(|_| ()), elsewhere);
    }
}

#[test]
fn nonsense_is_an_error_and_nobody_panics() {
    let lies: [&[u8]; 8] = [
        b"",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nshort",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 418 Teapot\r\nContent-Length: 15\r\n\r\n{\"error\":\"\x1b[2J\"}",
        b"HTTP/1.1 304 Not Modified\r\n\r\n",
    ];
    for lie in lies {
        let mut fooled = transport(liar(lie), "alice", Class::Account);
        let why = fooled.list(&Cursor::default()).unwrap_err();
        assert!(!why.to_string().contains('\x1b'), "{why}");
        assert!(fooled.get(&ObjectName::of(b"key")).is_err(), "{}", String::from_utf8_lossy(lie));
    }
}

#[test]
fn an_address_has_tls_or_is_this_machine() {
    for good in [
        "https://relay.example.org",
        "https://example.org/relay/",
        "http://127.0.0.1:8080",
        "http://[::1]:1",
        "http://localhost",
    ] {
        assert!(RelayAddress::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "relay.example.org",
        "http://relay.example.org",
        "http://127.0.0.1.example.org",
        "http://localhost.example.org",
        "https://",
        "https://alice:secret@example.org",
        "https://example.org/?x",
        "https://example.org/#x",
        "ftp://example.org",
        "file:///etc/passwd",
    ] {
        assert!(RelayAddress::parse(bad).is_err(), "{bad}");
    }
}
