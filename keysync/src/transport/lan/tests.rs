#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use counterseal_core::secret::SecretBytes;

use super::*;
use crate::transport::memory::{MemoryBox, MemoryTransport};
use crate::transport::tests::keeps_the_contract;

const LOOPBACK: &str = "127.0.0.1:0";

fn a_box(byte: u8) -> ObjectBox {
    ObjectBox::derive(&SecretBytes::copy_of(&[byte; 32]), "test")
}

fn listener(held: &MemoryBox) -> LanListener {
    LanListener::fixed(&a_box(1), Class::Account, LOOPBACK, held.clone()).unwrap()
}

fn way(listener: &LanListener) -> LanTransport {
    LanTransport::fixed(&a_box(1), Class::Account, &listener.address().to_string())
}

#[test]
fn it_keeps_the_contract_of_transports() {
    let listener = listener(&MemoryBox::new());
    keeps_the_contract(&mut way(&listener), &mut way(&listener));
}

#[test]
fn what_one_device_puts_is_in_the_others_box() {
    let held = MemoryBox::new();
    let listener = listener(&held);
    way(&listener).put(b"offer").unwrap();
    assert_eq!(held.objects(), [b"offer".to_vec()]);
    held.transport().put(b"hello").unwrap();
    assert_eq!(way(&listener).get(&ObjectName::of(b"hello")).unwrap(), b"hello");
}

#[test]
fn both_sides_know_whether_the_other_one_is_near_and_who_holds_no_box_does_not_count() {
    let listener = listener(&MemoryBox::new());
    let mut asks = way(&listener);
    let wrong = LanTransport::fixed(&a_box(2), Class::Account, &listener.address().to_string()).put(b"x");
    assert!(wrong.is_err() && !asks.is_local() && !listener.is_local());
    asks.put(b"offer").unwrap();
    assert!(asks.is_local() && listener.is_local());
}

#[test]
fn a_wrong_box_is_answered_like_no_box() {
    let listener = listener(&MemoryBox::new());
    let address = listener.address().to_string();
    let mut wrong = LanTransport::fixed(&a_box(2), Class::Account, &address);
    assert_eq!(wrong.list(&Cursor::default()), Err(TransportError::Absent));
    // Whoever holds nothing sees as many bytes, which look as random.
    let seen = |proof: [u8; 32]| {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(b"KSL1").unwrap();
        stream.write_all(&[0; 32]).unwrap();
        stream.write_all(&proof).unwrap();
        let mut seen = Vec::new();
        stream.read_to_end(&mut seen).unwrap();
        seen
    };
    let (one, other) = (seen([0; 32]), seen([0; 32]));
    assert_eq!((one.len(), other.len()), (64, 64));
    assert_ne!(one, other);
}

#[test]
fn strays_end_no_offer() {
    let held = MemoryBox::new();
    let listener = listener(&held);
    for stray in [&b""[..], b"GET / HTTP/1.1\r\n\r\n", b"KSL1", &[0; 36]] {
        let mut stream = TcpStream::connect(listener.address()).unwrap();
        stream.write_all(stray).unwrap();
    }
    let mut way = way(&listener);
    way.put(b"still").unwrap();
    assert_eq!(held.objects().len(), 1);
}

#[test]
fn an_address_that_fails_too_often_is_not_answered_any_more() {
    let listener = listener(&MemoryBox::new());
    let address = listener.address().to_string();
    way(&listener).list(&Cursor::default()).unwrap();
    for _ in 0..limits::LAN_FAILURES {
        let wrong = LanTransport::fixed(&a_box(2), Class::Account, &address).list(&Cursor::default());
        assert_eq!(wrong, Err(TransportError::Absent));
    }
    // The listener notes a failure after it has answered.
    let is_closed = (0..20).any(|_| {
        let wrong = LanTransport::fixed(&a_box(2), Class::Account, &address).list(&Cursor::default());
        matches!(wrong, Err(TransportError::Unreachable(_)))
    });
    assert!(is_closed);
}

#[test]
fn more_connections_than_are_served_are_closed() {
    let listener = listener(&MemoryBox::new());
    let silent: Vec<_> =
        (0..limits::LAN_CONNECTIONS).map(|_| TcpStream::connect(listener.address()).unwrap()).collect();
    thread::sleep(Duration::from_millis(300));
    let mut late = TcpStream::connect(listener.address()).unwrap();
    late.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    assert_eq!(late.read(&mut [0]).unwrap(), 0);
    drop(silent);
}

#[test]
fn an_object_that_is_too_large_is_refused_on_both_sides() {
    let held = MemoryBox::new();
    let listener = LanListener::fixed(&a_box(1), Class::Pairing, LOOPBACK, held.clone()).unwrap();
    let address = listener.address().to_string();
    let large = vec![0; limits::PAIRING_OBJECT_BYTES + 1];
    let limit = limits::PAIRING_OBJECT_BYTES as u64;
    let refused = Err(TransportError::TooLarge { bytes: limit + 1, limit });
    assert_eq!(LanTransport::fixed(&a_box(1), Class::Pairing, &address).put(&large), refused);
    // A device that does not keep to it: the frame is not read.
    let mut other = LanTransport::fixed(&a_box(1), Class::Account, &address);
    assert!(other.put(&[0; 1 << 20]).is_err());
    assert!(held.objects().is_empty());
    let fits = vec![0; limits::PAIRING_OBJECT_BYTES];
    LanTransport::fixed(&a_box(1), Class::Pairing, &address).put(&fits).unwrap();
}

#[test]
fn a_frame_of_four_gigabytes_is_not_waited_for() {
    let hostile = std::net::TcpListener::bind(LOOPBACK).unwrap();
    let address = hostile.local_addr().unwrap().to_string();
    thread::spawn(move || {
        // It holds the box, announces a frame, and sends nothing of it.
        let mut open = Vec::new();
        for stream in hostile.incoming().map_while(Result::ok) {
            let mut announces = stream.try_clone().unwrap();
            open.extend(Session::answer_for(stream, &[Keys::of(&a_box(1))], 1 << 20).ok());
            announces.write_all(&[0xff; 4]).unwrap();
        }
    });
    let began = Instant::now();
    let mut way = LanTransport::fixed(&a_box(1), Class::Pairing, &address);
    let refused = way.get(&ObjectName::of(b"object"));
    let limit = Class::Pairing.frame_bytes() as u64;
    assert_eq!(refused, Err(TransportError::TooLarge { bytes: u32::MAX.into(), limit }));
    assert!(began.elapsed() < limits::LAN_ANSWER);
}

/// Between the two: passes bytes on, and changes the one at a place in what the asking side sends.
fn meddling(to: SocketAddr, place: u64) -> SocketAddr {
    let listener = std::net::TcpListener::bind(LOOPBACK).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for from in listener.incoming() {
            let (mut from, mut to) = (from.unwrap(), TcpStream::connect(to).unwrap());
            let (mut back_from, mut back_to) = (to.try_clone().unwrap(), from.try_clone().unwrap());
            thread::spawn(move || {
                let _ = std::io::copy(&mut back_from, &mut back_to);
                let _ = back_to.shutdown(std::net::Shutdown::Both);
            });
            let seen = Arc::new(AtomicU64::new(0));
            thread::spawn(move || {
                let mut byte = [0];
                while from.read_exact(&mut byte).is_ok() {
                    let changed = u8::from(seen.fetch_add(1, Ordering::Relaxed) == place);
                    if to.write_all(&[byte[0] ^ changed]).is_err() {
                        break;
                    }
                }
                let _ = to.shutdown(std::net::Shutdown::Both);
            });
        }
    });
    address
}

#[test]
fn a_byte_that_is_changed_on_its_way_is_noticed_wherever_it_is() {
    // The hello, the nonce, the proof, the length of the frame, and what is sealed in it.
    for place in [0, 10, 40, 71, 73, 80] {
        let held = MemoryBox::new();
        let listener = listener(&held);
        let address = meddling(listener.address(), place).to_string();
        let put = LanTransport::fixed(&a_box(1), Class::Account, &address).put(b"object");
        assert!(put.is_err(), "{place}: {put:?}");
        assert!(held.objects().is_empty(), "{place}");
    }
    let held = MemoryBox::new();
    let listener = listener(&held);
    let address = meddling(listener.address(), u64::MAX).to_string();
    LanTransport::fixed(&a_box(1), Class::Account, &address).put(b"object").unwrap();
}

#[test]
fn a_listener_that_lies_gives_nothing() {
    let held = MemoryBox::new();
    let listener = listener(&held);
    held.forge(ObjectName::of(b"right"), b"wrong".to_vec());
    assert_eq!(way(&listener).get(&ObjectName::of(b"right")), Err(TransportError::Absent));
    struct Liar;
    impl Serve for Liar {
        fn open(&self) -> Box<dyn Transport> {
            Box::new(LyingTransport(MemoryBox::new().transport()))
        }
    }
    struct LyingTransport(MemoryTransport);
    impl Transport for LyingTransport {
        fn kind(&self) -> &'static str {
            self.0.kind()
        }
        fn list(&mut self, _: &Cursor) -> Result<Listing, TransportError> {
            Ok(Listing { names: vec![ObjectName::of(b"none")], cursor: Cursor(vec![0; 60_000]) })
        }
        fn get(&mut self, _: &ObjectName) -> Result<Vec<u8>, TransportError> {
            Ok(b"wrong".to_vec())
        }
        fn put(&mut self, object: &[u8]) -> Result<ObjectName, TransportError> {
            self.0.put(object)
        }
        fn wait(&mut self, _: &Cursor, _: Duration) -> Result<(), TransportError> {
            Ok(())
        }
        fn remove(&mut self, name: &ObjectName) -> Result<(), TransportError> {
            self.0.remove(name)
        }
    }
    let listener = LanListener::fixed(&a_box(1), Class::Account, LOOPBACK, Liar).unwrap();
    assert!(matches!(way(&listener).get(&ObjectName::of(b"x")), Err(TransportError::Forged(_))));
    assert!(way(&listener).list(&Cursor::default()).is_err(), "a cursor of 60,000 bytes");
}

#[test]
fn nobody_is_served_after_the_listener_ended() {
    let listener = listener(&MemoryBox::new());
    let mut way = way(&listener);
    way.put(b"x").unwrap();
    drop(listener);
    assert!(matches!(way.put(b"y"), Err(TransportError::Unreachable(_))));
}

#[test]
fn devices_find_each_other_by_multicast() {
    let held = MemoryBox::new();
    let announced = LanListener::announced(&a_box(1), Class::Pairing, held.clone()).unwrap();
    let mut stranger = LanTransport::find(&a_box(2), Class::Pairing).unwrap();
    let mut way = LanTransport::find(&a_box(1), Class::Pairing).unwrap();
    way.put(b"found").unwrap();
    assert_eq!(held.objects(), [b"found".to_vec()]);
    let (from, to) = (stranger.list(&Cursor::default()), announced.address());
    assert!(matches!(from, Err(TransportError::Unreachable(_))), "{from:?} found {to}");
}

#[test]
fn one_port_has_several_boxes_and_each_holder_finds_his() {
    let (one, other) = (MemoryBox::new(), MemoryBox::new());
    let listener = listener(&one);
    listener.offer(&a_box(2), other.clone()).unwrap();
    let to = |byte| LanTransport::fixed(&a_box(byte), Class::Account, &listener.address().to_string());
    to(1).put(b"first").unwrap();
    to(2).put(b"second").unwrap();
    assert_eq!(one.objects(), [b"first".to_vec()]);
    assert_eq!(other.objects(), [b"second".to_vec()]);
    assert!(to(3).put(b"third").is_err());
    listener.keep_only(&[a_box(2)]);
    assert!(to(1).put(b"fourth").is_err());
    to(2).put(b"fifth").unwrap();
}

#[test]
fn a_device_passes_itself_over_and_finds_the_others() {
    let (own, held) = (MemoryBox::new(), MemoryBox::new());
    let here = LanListener::announced(&a_box(3), Class::Account, own.clone()).unwrap();
    assert_eq!(here.own_name(&a_box(1)), None);
    let find = || LanTransport::find(&a_box(3), Class::Account).unwrap();
    let mut past = find().past(here.own_name(&a_box(3)));
    let alone = past.list(&Cursor::default());
    assert!(matches!(alone, Err(TransportError::Unreachable(_))), "{alone:?}");
    let _there = LanListener::announced(&a_box(3), Class::Account, held.clone()).unwrap();
    past.put(b"found").unwrap();
    assert_eq!((own.objects().len(), held.objects().len()), (0, 1));
    find().list(&Cursor::default()).unwrap();
}
