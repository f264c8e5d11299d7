//! Whoever asks badly: slowly, too much, nonsense.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use counterseal_keysync::relay::protocol::Class;
use rustix::process::Signal;

use super::process::{Relay, cap, exchange, object_box, object_path, read_answer};

#[test]
fn a_head_that_does_not_end_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path(), &["--store", "relay.db"]);
    let mut slow = TcpStream::connect(relay.address).unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n").unwrap();
    let begun = Instant::now();
    slow.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut answer = Vec::new();
    // One field now and then keeps nobody on the line.
    while begun.elapsed() < Duration::from_secs(30) {
        let _ = slow.write_all(b"X-More: y\r\n");
        let mut bytes = [0; 1024];
        match slow.read(&mut bytes) {
            Ok(0) => break,
            Ok(read) => answer.extend(&bytes[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn heads_and_bodies_have_limits() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path(), &["--store", "relay.db"]);
    let status = |request: &[u8]| read_answer(&exchange(relay.address, request)).map(|answer| answer.status);
    let head =
        |fields: &str| format!("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n");
    assert_eq!(status(head("").as_bytes()), Some(200));
    assert_eq!(status(head(&format!("X-Long: {}\r\n", "x".repeat(20_000))).as_bytes()), Some(431));
    assert_eq!(status(head(&"X-Many: y\r\n".repeat(200)).as_bytes()), Some(431));
    for nonsense in ["\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02\x00\x01", "GET / HTTP/9.9\r\n\r\n"] {
        assert!(!matches!(status(nonsense.as_bytes()), Some(200)), "{nonsense:?}");
    }
    let alice = object_box("alice");
    relay.create(&alice, Class::Account);
    let put = |fields: &str, body: &[u8]| {
        let head = format!(
            "PUT {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Cap: {}\r\n{fields}\r\n",
            object_path(&alice, b""),
            cap(alice.write_capability())
        );
        status(&[head.as_bytes(), body].concat())
    };
    assert_eq!(put("Content-Length: 4294967296\r\n", b"x"), Some(413));
    assert_eq!(put("Content-Length: 4194305\r\n", b"x"), Some(413));
    assert_eq!(put("Transfer-Encoding: chunked\r\n", b"1\r\nx\r\n0\r\n\r\n"), Some(411));
    let both = "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n";
    assert!(matches!(put(both, b"1\r\nx\r\n0\r\n\r\n"), Some(400 | 411)));
    assert_eq!(put("Content-Length: 0\r\n", b""), Some(201), "an object may be empty");
    // A stranger's body is not read before the answer.
    let stranger = format!(
        "PUT {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4000000\r\n\r\n",
        object_path(&alice, b"y")
    );
    assert_eq!(status(stranger.as_bytes()), Some(404));
}

#[test]
fn one_address_holds_few_connections_and_asks_so_often() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("relay.toml");
    std::fs::write(&config, "connections_each = 3\nrate = 0.01\nburst = 30\n").unwrap();
    let relay = Relay::start(folder.path(), &["--store", "relay.db", "--config", config.to_str().unwrap()]);
    let held: Vec<_> = (0..3).map(|_| open(relay.address)).collect();
    let mut fourth = TcpStream::connect(relay.address).unwrap();
    fourth.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert!(matches!(fourth.read(&mut [0]), Ok(0) | Err(_)), "closed at once");
    drop(held);
    // The relay sees that they are gone when it looks.
    let begun = Instant::now();
    let mut answer = None;
    while answer.is_none() && begun.elapsed() < Duration::from_secs(20) {
        answer = read_answer(&exchange(
            relay.address,
            b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        ));
    }
    assert_eq!(answer.unwrap().status, 200);
    let alice = object_box("alice");
    assert_eq!(relay.create(&alice, Class::Account).status, 201, "counts for twenty");
    let refused = (0..20).map(|_| relay.read(&alice, "/head", "")).find(|answer| answer.status == 429);
    assert_eq!(refused.unwrap().error(), "rate");
}

/// A connection that has been answered once, and stays.
fn open(to: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut bytes = [0; 1024];
    assert!(stream.read(&mut bytes).unwrap() > 0);
    stream
}

#[test]
fn the_journal_names_no_box_and_nobody_unless_it_is_asked_to() {
    for (arguments, expected) in
        [(&[][..], false), (&["--log-requests"], false), (&["--log-requests", "--log-addresses"], true)]
    {
        let folder = tempfile::tempdir().unwrap();
        let relay = Relay::start(folder.path(), &[&["--store", "relay.db"], arguments].concat());
        let alice = object_box("alice");
        relay.create(&alice, Class::Account);
        relay.put(&alice, b"key");
        relay.get(&alice, b"other");
        let (_, journal) = relay.end(Signal::INT);
        let requests = journal.matches("\"event\":\"request\"").count();
        assert_eq!(requests, if arguments.is_empty() { 0 } else { 3 }, "{journal}");
        let without_start: Vec<_> = journal.lines().filter(|line| !line.contains("\"started\"")).collect();
        assert_eq!(without_start.join("\n").contains("127.0.0.1"), expected, "{journal}");
        let id = super::process::path(&alice, "").split('/').next_back().unwrap().to_owned();
        let caps = [alice.read_capability(), alice.write_capability()].map(cap);
        for secret in [&id, &caps[0], &caps[1]] {
            assert!(!journal.contains(secret), "{journal}");
        }
    }
}
