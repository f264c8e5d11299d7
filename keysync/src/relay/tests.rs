//! The whole of the API, without sockets and with a clock that the test turns.
#![allow(clippy::unwrap_used, clippy::panic)]

mod counting;
mod desk;
mod expiry;
mod memory;
mod proxies;
mod quotas;
mod strangers;

use axum::http::StatusCode;
use serde_json::json;

use super::creation::{CreationPolicy, Invite};
use super::protocol::{CapabilityHash, Class, work};
use desk::{Desk, Said};

#[test]
fn a_box_is_created_filled_read_and_emptied() {
    let desk = Desk::new();
    let alice = desk.object_box("alice");
    assert_eq!(desk.create(&alice, Class::Account).status, StatusCode::CREATED);
    assert_eq!(desk.create(&alice, Class::Account).status, StatusCode::OK);
    let empty = desk.head(&alice, None);
    assert_eq!((empty.json()["last"].clone(), empty.json()["objects"].clone()), (json!(0), json!(0)));
    assert_eq!(desk.put(&alice, b"one").status, StatusCode::CREATED);
    assert_eq!(desk.put(&alice, b"two").json(), json!({"n": 2}));
    let again = desk.put(&alice, b"one");
    assert_eq!((again.status, again.json()), (StatusCode::OK, json!({"n": 1})));
    let head = desk.head(&alice, None);
    assert_eq!((head.json()["last"].clone(), head.json()["bytes"].clone()), (json!(2), json!(6)));
    assert_eq!(desk.head(&alice, head.etag()).status, StatusCode::NOT_MODIFIED);
    assert_eq!(desk.head(&alice, empty.etag()).status, StatusCode::OK);
    assert_eq!(desk.names(&alice, 0), [desk::name(b"one"), desk::name(b"two")]);
    assert_eq!(desk.names(&alice, 1), [desk::name(b"two")]);
    assert_eq!(desk.names(&alice, u64::MAX), [""; 0]);
    assert_eq!(desk.get(&alice, b"two").body, b"two");
    assert_eq!(desk.remove(&alice, b"one").status, StatusCode::NO_CONTENT);
    assert_eq!(desk.remove(&alice, b"one").status, StatusCode::NO_CONTENT);
    assert_eq!(desk.get(&alice, b"one").status, StatusCode::NOT_FOUND);
    assert_eq!(desk.names(&alice, 0), [desk::name(b"two")]);
    assert_eq!(desk.put(&alice, b"one").json(), json!({"n": 3}), "a new number, for those who read up to 2");
    assert_eq!(desk.remove_box(&alice).status, StatusCode::NO_CONTENT);
    assert_eq!(desk.head(&alice, None).status, StatusCode::NOT_FOUND);
    let fresh = desk.create(&alice, Class::Account);
    assert_eq!(fresh.status, StatusCode::CREATED);
    assert_ne!(fresh.json()["epoch"], head.json()["epoch"]);
    assert_eq!(desk.names(&alice, 0), [""; 0]);
}

#[test]
fn every_answer_has_the_fields_that_keep_it_out_of_browsers_and_caches() {
    let desk = Desk::new();
    let alice = desk.object_box("alice");
    desk.create(&alice, Class::Account);
    let answers = [
        desk.put(&alice, b"x"),
        desk.get(&alice, b"x"),
        desk.get(&alice, b"y"),
        desk.ask("GET", "/", &[], b""),
    ];
    for answer in answers {
        for (name, value) in [
            ("cache-control", "no-store"),
            ("content-disposition", "attachment"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; sandbox"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{answer:?}");
        }
    }
}

#[test]
fn what_cannot_be_read_is_refused_by_its_word() {
    let desk = Desk::new();
    let alice = desk.object_box("alice");
    desk.create(&alice, Class::Account);
    let path = format!("/v1/box/{}", desk::id(&alice));
    let cap = [("x-cap", desk::cap(alice.read_capability()))];
    let refused = |answer: Said, status: u16, word: &str| {
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error"].clone()),
            (status, json!(word)),
            "{answer:?}"
        );
    };
    refused(desk.ask("PUT", &path, &[], b"{}"), 400, "request");
    refused(desk.ask("PUT", &path, &[], &[b'{'; 2000]), 413, "large");
    refused(desk.ask("GET", &format!("{path}/head?wait=soon"), &cap, b""), 400, "request");
    refused(desk.ask("GET", &format!("{path}/o?after=-1"), &cap, b""), 400, "request");
    refused(desk.ask("POST", &format!("{path}/o"), &cap, b""), 405, "method");
    refused(
        desk.ask("GET", &format!("{path}/head"), &[("sec-fetch-mode", "navigate".to_owned())], b""),
        403,
        "browser",
    );
    let write = [("x-cap", desk::cap(alice.write_capability()))];
    refused(desk.ask("PUT", &format!("{path}/o/{}", desk::name(b"a")), &write, b"b"), 400, "name");
    assert_eq!(desk.names(&alice, 0), [""; 0]);
}

#[test]
fn boxes_of_one_name_and_different_capabilities_know_nothing_of_each_other() {
    let desk = Desk::new();
    let (alice, mut mallory) = (desk.object_box("alice"), desk.creation("mallory", Class::Account));
    let path = format!("/v1/box/{}", desk::id(&alice));
    desk.create(&alice, Class::Account);
    desk.put(&alice, b"hers");
    let created = desk.ask("PUT", &path, &[], &serde_json::to_vec(&mallory).unwrap());
    assert_eq!(created.status, StatusCode::CREATED, "as if there were none");
    assert_eq!(desk.names(&alice, 0), [desk::name(b"hers")]);
    // Whoever knows one hash of a box does not take its place.
    mallory.read = desk.creation("alice", Class::Account).read;
    assert_eq!(
        desk.ask("PUT", &path, &[], &serde_json::to_vec(&mallory).unwrap()).json()["error"],
        "conflict"
    );
    let other_class = desk.creation("alice", Class::Pairing);
    assert_eq!(
        desk.ask("PUT", &path, &[], &serde_json::to_vec(&other_class).unwrap()).json()["error"],
        "conflict"
    );
}

#[test]
fn an_invite_creates_as_many_boxes_as_it_is_good_for() {
    let sha256 = CapabilityHash::of(b"token").0;
    let desk =
        Desk::with(|settings| settings.policy = CreationPolicy::Invite(vec![Invite { sha256, boxes: 2 }]));
    let create = |name: &str, token: &str| {
        let headers = [("authorization", format!("Bearer {token}"))];
        desk.create_with(&desk.object_box(name), Class::Account, &headers)
    };
    let refused = create("a", "wrong");
    assert_eq!(
        (refused.status, refused.json()),
        (StatusCode::UNAUTHORIZED, json!({"error": "policy", "policy": "invite"}))
    );
    assert_eq!(create("a", "token").status, StatusCode::CREATED);
    assert_eq!(create("b", "token").status, StatusCode::CREATED);
    assert_eq!(create("c", "token").status, StatusCode::UNAUTHORIZED);
    assert_eq!(create("a", "token").status, StatusCode::OK, "what is there costs nothing");
    assert_eq!(create("b", "").status, StatusCode::OK);
}

#[test]
fn work_creates_a_box() {
    let desk = Desk::with(|settings| settings.policy = CreationPolicy::Work(6));
    let alice = desk.object_box("alice");
    let refused = desk.create(&alice, Class::Account).json();
    assert_eq!(refused, json!({"error": "policy", "policy": "work", "bits": 6}));
    let day = super::protocol::day(desk.now());
    let shown = work(day, alice.id(), &desk.creation("alice", Class::Account), 6, 0..1 << 20).unwrap();
    assert_eq!(desk.create_with(&alice, Class::Account, &[("x-work", shown)]).status, StatusCode::CREATED);
}

#[test]
fn a_request_that_waits_is_answered_when_something_comes() {
    let desk = Desk::new();
    let alice = desk.object_box("alice");
    desk.create(&alice, Class::Account);
    let head = desk.head(&alice, None);
    let (waited, put) =
        desk.both(desk.head_request(&alice, head.etag(), Some(50)), desk.put_request(&alice, b"news"));
    assert_eq!((waited.status, waited.json()["last"].clone()), (StatusCode::OK, json!(1)));
    assert_eq!(put.status, StatusCode::CREATED);
}

#[test]
fn a_request_that_waits_is_answered_when_the_relay_stops_or_the_time_is_over() {
    let desk = Desk::new();
    let alice = desk.object_box("alice");
    desk.create(&alice, Class::Account);
    let etag = desk.head(&alice, None).etag().unwrap().to_owned();
    let waiting = desk.said(desk.head_request(&alice, Some(&etag), Some(1)));
    assert_eq!(waiting.status, StatusCode::NOT_MODIFIED);
    desk.stop();
    let waiting = desk.said(desk.head_request(&alice, Some(&etag), Some(50)));
    assert_eq!(waiting.status, StatusCode::NOT_MODIFIED);
}

#[test]
fn numbers_are_shown_to_this_machine_alone() {
    let desk = Desk::new();
    let page = desk.ask("GET", "/metrics", &[], b"");
    assert!(String::from_utf8(page.body).unwrap().contains("counterseal_relay_boxes 0"));
    let forwarded = [("x-forwarded-for", "127.0.0.1".to_owned())];
    let hidden = desk.ask("GET", "/metrics", &forwarded, b"");
    assert_eq!(
        (hidden.status, hidden.body),
        (StatusCode::NOT_FOUND, desk.ask("GET", "/none", &[], b"").body)
    );
    assert_eq!(desk.ask_from("192.0.2.1", "GET", "/metrics", &[], b"").status, StatusCode::NOT_FOUND);
    assert_eq!(desk.ask("GET", "/healthz", &[], b"").json(), json!({"status": "ok"}));
    assert_eq!(desk.ask("GET", "/v1/info", &[], b"").json()["policy"], json!("open"));
}

#[test]
fn a_connection_without_sockets_is_answered_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let limits = super::Limits::default();
    let store = super::store::sqlite::SqliteStore::open(&folder.path().join("relay.db"), limits).unwrap();
    let clock: super::Clock = std::sync::Arc::new(|| counterseal_core::time::Time::from_unix_seconds(0));
    let offline = super::Offline::new(std::sync::Arc::new(store), limits, clock).unwrap();
    let two = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\n\r\n";
    let said = String::from_utf8(offline.exchange(two.as_bytes())).unwrap();
    assert!(said.starts_with("HTTP/1.1 200 OK\r\n") && said.ends_with(r#"{"error":"absent"}"#), "{said}");
    assert!(offline.exchange(b"").is_empty());
    assert!(offline.exchange(b"nonsense\r\n\r\n").starts_with(b"HTTP/1.1 400"));
}
