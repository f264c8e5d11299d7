//! What one box may have, and what one visitor may do.

use axum::http::StatusCode;
use serde_json::json;

use super::desk::{Desk, cap, id, name};
use crate::limits::{BOX_OVERHEAD, DISK_PART, OBJECT_OVERHEAD, PAIRING_OBJECTS};
use crate::relay::limits::{BoxLimits, Limits};
use crate::relay::protocol::Class;
use crate::relay::visitors::VisitorLimits;

#[test]
fn the_box_of_a_pairing_has_so_many_objects_of_64_kib() {
    let desk = Desk::new();
    let pairing = desk.object_box("pairing");
    desk.create(&pairing, Class::Pairing);
    let too_large = desk.put(&pairing, &[0; 65_537]);
    assert_eq!(
        (too_large.status.as_u16(), too_large.json()),
        (413, json!({"error": "large", "limit": 65_536}))
    );
    for number in 0..PAIRING_OBJECTS as u8 {
        assert_eq!(desk.put(&pairing, &[number; 65_536]).status, StatusCode::CREATED, "{number}");
    }
    let full = desk.put(&pairing, b"x");
    assert_eq!((full.status.as_u16(), full.json()), (507, json!({"error": "full"})));
    assert_eq!(desk.put(&pairing, &[3; 65_536]).status, StatusCode::OK, "what is there is there");
}

#[test]
fn a_length_that_nobody_announced_is_limited_too() {
    let desk = Desk::new();
    let pairing = desk.object_box("pairing");
    desk.create(&pairing, Class::Pairing);
    let object = vec![1; 65_537];
    let headers = [("x-cap", cap(pairing.write_capability())), ("content-length", "10".to_owned())];
    let path = format!("/v1/box/{}/o/{}", id(&pairing), name(&object));
    assert_eq!(desk.ask("PUT", &path, &headers, &object).json()["error"], "large");
    assert_eq!(desk.ask("PUT", &path, &headers[..1], &object).json()["error"], "large");
    assert_eq!(desk.names(&pairing, 0), [""; 0]);
}

#[test]
fn an_account_puts_so_many_objects_a_day_and_the_next_day_again() {
    let account = BoxLimits { puts_a_day: 3, bytes: 10, ..Limits::default().account };
    let desk = Desk::with(|chosen| chosen.limits.account = account);
    let alice = desk.object_box("alice");
    desk.create(&alice, Class::Account);
    for object in [b"1", b"2", b"3"] {
        assert_eq!(desk.put(&alice, object).status, StatusCode::CREATED);
    }
    let refused = desk.put(&alice, b"4");
    assert_eq!((refused.status.as_u16(), refused.json()), (429, json!({"error": "daily"})));
    assert_eq!(refused.header("retry-after"), Some("43200"), "it is noon");
    assert_eq!(desk.put(&alice, b"2").status, StatusCode::OK);
    desk.pass(43_199);
    assert_eq!(desk.put(&alice, b"4").status, StatusCode::TOO_MANY_REQUESTS);
    desk.pass(1);
    assert_eq!(desk.put(&alice, b"4").status, StatusCode::CREATED);
    assert_eq!(desk.put(&alice, b"1234567").json()["error"], "full", "11 bytes");
    assert_eq!(desk.put(&alice, b"123456").status, StatusCode::CREATED);
    assert_eq!(desk.remove(&alice, b"123456").status, StatusCode::NO_CONTENT);
    assert_eq!(desk.put(&alice, b"654321").status, StatusCode::CREATED, "what was removed makes room");
}

#[test]
fn all_boxes_together_have_a_limit() {
    let two_with_an_object_each = 2 * (BOX_OVERHEAD + OBJECT_OVERHEAD);
    let desk = Desk::with(|chosen| chosen.limits.total_bytes = Some(two_with_an_object_each + 5));
    let [alice, bob] = ["alice", "bob"].map(|name| desk.object_box(name));
    desk.create(&alice, Class::Account);
    desk.create(&bob, Class::Account);
    assert_eq!(desk.put(&alice, b"123").status, StatusCode::CREATED);
    assert_eq!(desk.put(&bob, b"456").json()["error"], "full");
    assert_eq!(desk.put(&bob, b"45").status, StatusCode::CREATED);
    desk.remove(&alice, b"123");
    let third = desk.create(&desk.object_box("carol"), Class::Account);
    assert_eq!(third.status, StatusCode::CREATED, "instead of an object");
    assert_eq!(desk.put(&bob, b"456").json()["error"], "full");
}

#[test]
fn boxes_without_objects_and_objects_without_bytes_fill_a_relay_too() {
    let most = 2 * BOX_OVERHEAD + OBJECT_OVERHEAD;
    let desk = Desk::with(|chosen| chosen.limits.total_bytes = Some(most));
    let [alice, bob] = ["alice", "bob"].map(|name| desk.object_box(name));
    assert_eq!(desk.create(&alice, Class::Account).status, StatusCode::CREATED);
    assert_eq!(desk.put(&alice, b"").status, StatusCode::CREATED);
    assert_eq!(desk.create(&bob, Class::Account).status, StatusCode::CREATED);
    assert_eq!(desk.put(&bob, b"").json()["error"], "full");
    let third = desk.create(&desk.object_box("carol"), Class::Account);
    assert_eq!((third.status.as_u16(), third.json()), (507, json!({"error": "full"})));
    assert_eq!(desk.create(&alice, Class::Account).status, StatusCode::OK, "what is there is there");
}

#[test]
fn a_relay_that_is_told_nothing_fills_half_of_its_disk() {
    let desk = Desk::new();
    let most = desk.service.store.totals().most.unwrap();
    let disk = rustix::fs::statvfs(std::env::temp_dir()).unwrap();
    assert!((1..=disk.f_blocks * disk.f_frsize / DISK_PART).contains(&most), "{most}");
}

#[test]
fn a_visitor_who_asks_too_much_is_told_when_to_come_again() {
    let desk = Desk::with(|chosen| {
        chosen.visitors = VisitorLimits { rate: 0.001, burst: 25.0, ..VisitorLimits::default() };
    });
    let alice = desk.object_box("alice");
    assert_eq!(desk.create(&alice, Class::Account).status, StatusCode::CREATED);
    for _ in 0..5 {
        assert_eq!(desk.head(&alice, None).status, StatusCode::OK);
    }
    let refused = desk.head(&alice, None);
    assert_eq!((refused.status.as_u16(), refused.json()), (429, json!({"error": "rate"})));
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() > 500);
    assert_eq!(desk.ask_from("192.0.2.1", "GET", "/healthz", &[], b"").status, StatusCode::OK);
}
