//! Bodies in memory: nobody holds much of it by sending little, or by reading slowly.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, StatusCode};
use hyper::body::{Frame, SizeHint};
use serde_json::json;

use super::desk::{Desk, cap, id, name};
use crate::limits::{
    BODIES_IN_MEMORY, BODY_SECONDS, OBJECT_BYTES, SMALL_BODIES_IN_MEMORY, SMALL_BODY_BYTES, VISITOR_PART,
};
use crate::relay::answer::Refused;
use crate::relay::asker::Who;
use crate::relay::body::Outgoing;
use crate::relay::protocol::Class;
use crate::relay::room::Room;
use crate::transport::ObjectBox;

/// What one visitor may hold of large bodies.
const LARGE_EACH: usize = (BODIES_IN_MEMORY - SMALL_BODIES_IN_MEMORY) / VISITOR_PART;

/// A body that announces much, or nothing, and of which one byte comes.
struct Trickle {
    first: Option<Bytes>,
    announced: Option<u64>,
}

impl HttpBody for Trickle {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.first.take().map_or(Poll::Pending, |byte| Poll::Ready(Some(Ok(Frame::data(byte)))))
    }

    fn size_hint(&self) -> SizeHint {
        self.announced.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn trickling(object_box: &ObjectBox, announced: Option<u64>) -> Request<Body> {
    let body = Trickle { first: Some(Bytes::from_static(b"A")), announced };
    Request::builder()
        .method("PUT")
        .uri(format!("/v1/box/{}/o/{}", id(object_box), name(b"never")))
        .header("x-cap", cap(object_box.write_capability()))
        .body(Body::new(body))
        .unwrap()
}

fn visitor(number: u8) -> IpAddr {
    [192, 0, 2, number].into()
}

/// All that a visitor may hold of large bodies.
fn hold_all(desk: &Desk, who: IpAddr) -> Room {
    let mut room = desk.service.rooms.enter(&desk.service.visitors, Who::At(who), LARGE_EACH);
    desk.block_on(room.grow(LARGE_EACH)).unwrap();
    room
}

fn is_full_for(desk: &Desk, who: IpAddr) -> bool {
    let mut room = desk.service.rooms.enter(&desk.service.visitors, Who::At(who), LARGE_EACH);
    desk.block_on(room.grow(LARGE_EACH)) == Err(Refused::Busy)
}

#[test]
fn a_body_of_which_nobody_says_the_length_is_not_read() {
    let desk = Desk::new();
    let alice = desk.object_box("alice");
    desk.create(&alice, Class::Account);
    let refused = desk.said(trickling(&alice, None));
    assert_eq!((refused.status.as_u16(), refused.json()), (411, json!({"error": "length"})));
    let nobody = desk.said(trickling(&desk.object_box("nobody"), None));
    assert_eq!(nobody.status, StatusCode::NOT_FOUND, "a stranger is told nothing");
}

#[test]
fn large_bodies_that_do_not_come_keep_no_memory_and_end() {
    let desk = Desk::new();
    let [alice, bob] = ["alice", "bob"].map(|name| desk.object_box(name));
    desk.create(&alice, Class::Account);
    desk.create(&bob, Class::Account);
    desk.put(&bob, b"before");
    let begun = Instant::now();
    // Together they announce more than the memory for all bodies.
    let idle: Vec<_> = (0..10)
        .flat_map(|address| (0..8).map(move |_| visitor(address)))
        .map(|peer| desk.begin(peer, trickling(&alice, Some(OBJECT_BYTES as u64))))
        .collect();
    desk.pass_on();
    assert_eq!(desk.put(&bob, &vec![1; OBJECT_BYTES]).status, StatusCode::CREATED);
    assert_eq!(desk.get(&bob, &vec![1; OBJECT_BYTES]).status, StatusCode::OK);
    assert_eq!(desk.get(&bob, b"before").status, StatusCode::OK);
    assert!(begun.elapsed() < Duration::from_secs(4), "nobody waited: {:?}", begun.elapsed());
    for ended in idle {
        assert_eq!(desk.block_on(ended).unwrap().status, StatusCode::REQUEST_TIMEOUT);
    }
    let took = begun.elapsed().as_secs();
    assert!((BODY_SECONDS - 1..BODY_SECONDS + 10).contains(&took), "{took} s");
}

#[test]
fn large_bodies_leave_room_for_small_ones() {
    let desk = Desk::new();
    let alice = desk.object_box("alice");
    desk.create(&alice, Class::Account);
    let _all: Vec<_> = (0..VISITOR_PART as u8).map(|number| hold_all(&desk, visitor(number))).collect();
    assert_eq!(desk.put(&alice, &[1; SMALL_BODY_BYTES]).status, StatusCode::CREATED);
    assert_eq!(desk.get(&alice, &[1; SMALL_BODY_BYTES]).status, StatusCode::OK);
    let large = desk.put(&alice, &[1; SMALL_BODY_BYTES + 1]);
    assert_eq!((large.status.as_u16(), large.json()), (503, json!({"error": "busy"})));
}

#[test]
fn an_object_for_which_there_is_no_room_is_not_read() {
    let desk = Desk::new();
    let alice = desk.object_box("alice");
    desk.create(&alice, Class::Account);
    let object = vec![1; SMALL_BODY_BYTES + 1];
    desk.put(&alice, &object);
    let room = hold_all(&desk, [127, 0, 0, 1].into());
    desk.asked.lock().unwrap().clear();
    assert_eq!(desk.get(&alice, &object).status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(*desk.asked.lock().unwrap(), ["find", "length"]);
    drop(room);
    assert_eq!(desk.get(&alice, &object).body, object);
}

#[test]
fn room_is_given_back_when_the_last_part_of_an_answer_is_gone() {
    let desk = Desk::new();
    let mut answer = Outgoing::new(vec![7; LARGE_EACH], hold_all(&desk, visitor(1)));
    let mut parts = Vec::new();
    while let Some(part) = desk.block_on(poll_fn(|context| Pin::new(&mut answer).poll_frame(context))) {
        parts.push(part.unwrap().into_data().unwrap());
    }
    assert_eq!(parts.iter().map(Bytes::len).sum::<usize>(), LARGE_EACH);
    drop(answer);
    // As when they wait in a connection until the client opens its window.
    parts.truncate(1);
    assert!(is_full_for(&desk, visitor(1)));
    parts.clear();
    assert!(!is_full_for(&desk, visitor(1)));
}

#[test]
fn a_client_that_never_opens_its_window_is_left() {
    let desk = Desk::new();
    let alice = desk.object_box("alice");
    desk.create(&alice, Class::Account);
    let object = vec![1; OBJECT_BYTES];
    desk.put(&alice, &object);
    let (path, read) = (format!("/v1/box/{}/o/{}", id(&alice), name(&object)), cap(alice.read_capability()));
    let three: Vec<u8> = (0..3).flat_map(|number| http_2_get(1 + 2 * number, &path, &read)).collect();
    // A preface, and settings with SETTINGS_INITIAL_WINDOW_SIZE 0 (RFC 9113, sections 3.4 and 6.5.2).
    let settings = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0];
    let request = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..], &three].concat();
    let begun = Instant::now();
    let connection = desk.connect(visitor(1), request);
    while !is_full_for(&desk, visitor(1)) {
        assert!(begun.elapsed() < Duration::from_secs(5), "three objects are on their way");
        desk.pass_on();
    }
    desk.block_on(connection).unwrap();
    let took = begun.elapsed().as_secs();
    assert!((BODY_SECONDS - 1..BODY_SECONDS + 15).contains(&took), "{took} s");
    assert!(!is_full_for(&desk, visitor(1)));
}

/// One frame of HEADERS with END_STREAM and END_HEADERS, its fields as literals that are not indexed (RFC 7541, section
/// 6.2.2).
fn http_2_get(stream: u8, path: &str, capability: &str) -> Vec<u8> {
    let mut block = Vec::new();
    for (field, value) in
        [(":method", "GET"), (":scheme", "http"), (":authority", "x"), (":path", path), ("x-cap", capability)]
    {
        block.push(0);
        for text in [field, value] {
            // A length below 127, or 127 and the rest (RFC 7541, section 5.1).
            match u8::try_from(text.len()).unwrap() {
                short if short < 127 => block.push(short),
                long => block.extend([127, long - 127]),
            }
            block.extend(text.as_bytes());
        }
    }
    let length = u16::try_from(block.len()).unwrap().to_be_bytes();
    [&[0, length[0], length[1], 1, 5, 0, 0, 0, stream][..], &block].concat()
}
