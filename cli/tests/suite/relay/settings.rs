//! What an administrator may ask for.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::process::{Relay, ask, object_box};
use crate::people::Place;
use counterseal_keysync::relay::protocol::Class;

#[test]
fn what_would_be_seen_by_others_is_refused() {
    let place = Place::new();
    let relay = |arguments: &[&str]| place.run("admin", &[&["relay", "--json"], arguments].concat());
    let error = |arguments: &[&str], code: i32| {
        relay(arguments).exits(code).json()["error"].as_str().unwrap().to_owned()
    };
    assert_eq!(error(&["--listen", "0.0.0.0:0"], 2), "usage");
    assert_eq!(error(&["--listen", "[::]:0"], 2), "usage");
    assert_eq!(error(&["--store", "postgres://relay:secret@127.0.0.1/relay"], 2), "usage");
    assert_eq!(error(&["--store", "postgres://127.0.0.1/relay?password=secret"], 2), "usage");
    assert_eq!(error(&["--bodies", "s3://bucket"], 2), "usage");
    assert_eq!(error(&["--policy", "account"], 2), "usage");
    assert_eq!(error(&["--policy", "invite"], 3), "relay-config");
    assert_eq!(error(&["--trusted-proxy", "example.org"], 2), "usage");
    assert_eq!(error(&["--rate", "-1"], 2), "usage");
    place.write("relay.toml", "[store]\npassword = \"x\"\n");
    fs::set_permissions(place.path("relay.toml"), Permissions::from_mode(0o644)).unwrap();
    let readable = relay(&["--config", "relay.toml"]).exits(3);
    assert!(readable.stderr.contains("chmod 600"), "{}", readable.stderr);
    place.write("wrong.toml", "\nlisten = 1\n");
    assert!(relay(&["--config", "wrong.toml"]).exits(3).stderr.contains("line 2"));
    place.write("mail.db", "no database");
    assert_eq!(error(&["--store", "mail.db", "--listen", "127.0.0.1:0"], 3), "relay");
}

#[test]
fn invites_of_the_file_create_boxes() {
    let folder = tempfile::tempdir().unwrap();
    // printf %s token | sha256sum
    let sha256 = "3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0";
    let text = format!("policy = \"invite\"\n[[invite]]\nsha256 = \"{sha256}\"\nboxes = 1\n");
    fs::write(folder.path().join("relay.toml"), text).unwrap();
    let relay = Relay::start(folder.path(), &["--store", "relay.db", "--config", "relay.toml"]);
    let [alice, bob] = ["alice", "bob"].map(object_box);
    let refused = relay.create(&alice, Class::Account);
    assert_eq!((refused.status, refused.json()["policy"].as_str()), (401, Some("invite")));
    let create = |object_box| {
        let body = counterseal_keysync::relay::protocol::Creation::of(object_box, Class::Account);
        let body = serde_json::to_vec(&body).unwrap();
        let path = super::process::path(object_box, "");
        ask(relay.address, "PUT", &path, &[("Authorization", "Bearer token")], &body).status
    };
    assert_eq!((create(&alice), create(&bob)), (201, 401));
}

#[test]
fn a_proxy_says_for_whom_it_asks() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("relay.toml"), "policy = \"account\"\nrate = 0.01\nburst = 25\n").unwrap();
    let arguments = ["--store", "relay.db", "--config", "relay.toml", "--trusted-proxy", "127.0.0.1"];
    let relay = Relay::start(folder.path(), &arguments);
    let alice = object_box("alice");
    assert_eq!(relay.create(&alice, Class::Account).status, 401);
    let body = counterseal_keysync::relay::protocol::Creation::of(&alice, Class::Account);
    let body = serde_json::to_vec(&body).unwrap();
    let path = super::process::path(&alice, "");
    let create = |from: &str| {
        let headers = [("X-Remote-User", "alice"), ("X-Forwarded-For", from)];
        ask(relay.address, "PUT", &path, &headers, &body).status
    };
    assert_eq!((create("192.0.2.1"), create("192.0.2.1"), create("192.0.2.2")), (201, 429, 200));
    let metrics = ask(relay.address, "GET", "/metrics", &[("X-Forwarded-For", "192.0.2.3")], b"");
    assert_eq!(metrics.status, 404, "not for whoever asks through the proxy");
}

#[test]
fn the_page_of_help_fits_and_has_examples() {
    let place = Place::new();
    let short = place.run("admin", &["relay", "-h"]).exits(0).text();
    let (lines, width) = (short.lines().count(), short.lines().map(|line| line.chars().count()).max());
    assert!(lines <= 25 && width <= Some(80), "{lines} lines of {width:?}\n{short}");
    let long = place.run("admin", &["relay", "--help"]).exits(0).text();
    assert!(long.contains("Examples:") && long.contains("Exit codes:"));
}
