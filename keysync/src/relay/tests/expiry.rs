//! How long boxes are there.

use axum::http::StatusCode;

use super::desk::{Desk, name};
use crate::relay::protocol::Class;

const DAY: i64 = 86_400;

#[test]
fn the_box_of_a_pairing_is_there_for_ten_minutes_read_or_not() {
    let desk = Desk::new();
    let pairing = desk.object_box("pairing");
    desk.create(&pairing, Class::Pairing);
    desk.put(&pairing, b"offer");
    desk.pass(599);
    assert_eq!(desk.get(&pairing, b"offer").body, b"offer");
    desk.pass(1);
    let gone = desk.get(&pairing, b"offer");
    assert_eq!(gone, desk.get(&desk.object_box("nobody"), b"offer"), "like one that never was");
    assert_eq!(desk.put(&pairing, b"late").status, StatusCode::NOT_FOUND);
    assert_eq!(desk.service.store.totals().boxes, 1);
    desk.sweep();
    let totals = desk.service.store.totals();
    assert_eq!((totals.boxes, totals.objects, totals.bytes), (0, 0, 0));
}

#[test]
fn a_box_that_ended_is_created_anew_before_it_was_swept() {
    let desk = Desk::new();
    let pairing = desk.object_box("pairing");
    desk.create(&pairing, Class::Pairing);
    desk.put(&pairing, b"old");
    desk.pass(600);
    assert_eq!(desk.create(&pairing, Class::Pairing).status, StatusCode::CREATED);
    assert_eq!(desk.names(&pairing, 0), [""; 0]);
    desk.put(&pairing, b"new");
    desk.sweep();
    assert_eq!(desk.names(&pairing, 0), [name(b"new")]);
    assert_eq!(desk.service.store.totals().objects, 1);
}

#[test]
fn the_box_of_an_account_ends_400_days_after_its_last_read() {
    let desk = Desk::new();
    let [read, unread] = ["read", "unread"].map(|name| desk.object_box(name));
    for account in [&read, &unread] {
        desk.create(account, Class::Account);
        desk.put(account, b"key");
    }
    for _ in 0..5 {
        desk.pass(399 * DAY);
        // Writing is not reading: a device that nobody reads keeps no box.
        assert_eq!(desk.head(&read, None).status, StatusCode::OK);
    }
    desk.sweep();
    assert_eq!(desk.get(&read, b"key").body, b"key");
    assert_eq!(desk.head(&unread, None).status, StatusCode::NOT_FOUND);
    assert_eq!(desk.service.store.totals().boxes, 1);
    desk.pass(408 * DAY);
    assert_eq!(desk.head(&read, None).status, StatusCode::NOT_FOUND);
}

#[test]
fn a_sweep_of_many_objects_goes_in_parts() {
    let desk = Desk::with(|chosen| chosen.limits.pairing.objects = 5000);
    let pairing = desk.object_box("pairing");
    desk.service.store.totals();
    desk.create(&pairing, Class::Pairing);
    for number in 0..16_u8 {
        desk.put(&pairing, &[number]);
    }
    desk.remove_box(&pairing);
    assert_eq!(desk.service.store.totals().objects, 16, "removing a box takes no time");
    desk.sweep();
    assert_eq!(desk.service.store.totals().objects, 0);
}
