//! Two or three devices of Alice and a relay: what `cseal device role` and `cseal device revoke` do on one of them
//! happens on the others.

use std::fs;

use serde_json::Value;

use crate::people::{MAIL, Place};
use crate::relay::process::Relay;
use crate::seven::pair::carry_files;
use crate::talk::Talk;

/// How many rounds each device may need until there is nothing to do for any.
const ROUNDS: usize = 8;

/// Devices of Alice that meet at a place.
pub struct Family {
    pub place: Place,
    devices: Vec<String>,
}

impl Family {
    /// Alice's desktop and these devices with their roles, in a folder, or where `meet` says.
    pub fn make(devices: &[(&str, &str)], meet: impl Fn(&Place) -> String) -> Self {
        let place = Place::new();
        let found = ["device", "export", "--store", "copy", "--recovery-file", "sheet.txt"];
        place.run("alice", &[&found[..], &["--this-device", "desktop"]].concat()).exits(0);
        let meet = meet(&place);
        for (device, role) in devices {
            carry_files(|home, arguments| Talk::begin(&place, home, arguments), "alice", device, role);
        }
        let devices: Vec<String> = devices.iter().map(|(device, _)| (*device).to_owned()).collect();
        let family = Self { place, devices: [vec!["alice".to_owned()], devices].concat() };
        for device in &family.devices {
            family.place.write(&format!("{device}/config.toml"), format!("[[sync]]\n{meet}\n"));
        }
        family.settle();
        family
    }

    /// A folder that all see.
    pub fn at_a_folder(place: &Place) -> String {
        fs::create_dir(place.path("stick")).unwrap();
        format!("folder = \"{}\"", place.path("stick").display())
    }

    /// One round.
    #[track_caller]
    pub fn sync(&self, device: &str, more: &[&str]) -> Value {
        let ran = self.place.run(device, &[&["device", "sync", "--json"], more].concat()).exits(0);
        serde_json::from_slice(&ran.stdout).unwrap()
    }

    /// Rounds on each device that is not out, until one goes by in which nobody has anything to do.
    #[track_caller]
    fn settle(&self) {
        for _ in 0..ROUNDS {
            let reports: Vec<Value> = self.devices.iter().map(|device| self.sync(device, &[])).collect();
            if reports.iter().all(is_quiet) {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    /// A mail to the key that a device tells others to encrypt to.
    #[track_caller]
    pub fn sealed(&self, device: &str, name: &str) {
        self.place
            .run(device, &["keys", "export", "alice@example.org", "-o", &format!("{name}.pem")])
            .exits(0);
        let seal = ["encrypt", "--no-sign", "--certificate", &format!("{name}.pem"), "-o", name];
        let mail = MAIL.replace("To: Bob <bob@", "To: Alice <alice@");
        self.place.pipe("stranger", &seal, mail.as_bytes()).exits(0);
    }

    #[track_caller]
    fn has_role(&self, at: &str, device: &str, role: &str) {
        let ran = self.place.run(at, &["device", "list", "--json"]).exits(0);
        let list: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let devices = list["devices"].as_array().unwrap();
        let found = devices.iter().find(|other| other["name"] == device).unwrap();
        assert_eq!(found["role"], role, "{list}");
    }
}

/// Whether nothing came and nothing went.
fn is_quiet(report: &Value) -> bool {
    ["entries", "posted", "issued", "refused", "waiting"].iter().all(|field| report[*field] == 0)
        && ["imported", "repaired", "alarms", "troubles"]
            .iter()
            .all(|field| report[*field] == Value::Array(Vec::new()))
}

/// A relay on this machine, and what a device writes to meet there.
fn relay() -> (tempfile::TempDir, Relay, impl Fn(&Place) -> String) {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path(), &["--store", "relay.db"]);
    let line = format!("relay = \"http://{}\"", relay.address);
    (folder, relay, move |_: &Place| line.clone())
}

#[test]
fn a_reader_that_becomes_a_writer_signs_by_the_next_sync_with_a_key_of_its_own() {
    let (_folder, _relay, meet) = relay();
    let family = Family::make(&[("laptop", "reader")], meet);
    let sign = ["sign", "mail.eml", "-o", "signed.eml"];
    assert_ne!(family.place.run("laptop", &sign).code, 0, "a reader has no signing key");
    let refused = family.place.run("laptop", &["device", "role", "laptop", "writer"]).exits(1);
    assert!(refused.stderr.contains("may not do that"), "{}", refused.stderr);
    family.place.run("alice", &["device", "role", "laptop", "writer"]).exits(0);
    family.settle();
    family.has_role("laptop", "laptop", "writer");
    family.place.run("laptop", &sign).exits(0);
    family.place.run("bob", &["verify", "signed.eml"]).exits(0);
    let signing = |device: &str| {
        let ran = family.place.run(device, &["keys", "list", "--json"]).exits(0);
        let list: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let keys = list["keys"].as_array().unwrap().iter();
        let keys = keys.filter(|key| key["use"] == "signing").map(|key| key["fingerprint"].clone());
        keys.collect::<Vec<_>>()
    };
    assert_eq!((signing("alice").len(), signing("laptop").len()), (1, 1));
    assert_ne!(signing("alice"), signing("laptop"));
    family.place.run("alice", &["device", "role", "laptop", "reader"]).exits(0);
    family.settle();
    for device in ["alice", "laptop"] {
        family.has_role(device, "laptop", "reader");
    }
}

#[test]
fn a_device_that_was_put_out_hears_of_it_and_gets_nothing_new() {
    let (_folder, _relay, meet) = relay();
    let mut family = Family::make(&[("tablet", "reader"), ("laptop", "writer")], meet);
    family.sealed("alice", "old.eml");
    let refused = family.place.run("laptop", &["device", "revoke", "desktop"]).exits(1);
    assert!(refused.stderr.contains("may not do that"), "{}", refused.stderr);
    let ran = family.place.run("alice", &["device", "revoke", "laptop", "--json"]).exits(0);
    let said: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert!(said["new_key"].is_string(), "{said}");
    family.devices.retain(|device| device != "laptop");
    family.settle();
    family.place.run("laptop", &["device", "sync"]);
    family.sealed("tablet", "new.eml");
    for (device, mail, code) in [
        ("alice", "new.eml", 0),
        ("tablet", "new.eml", 0),
        ("tablet", "old.eml", 0),
        ("laptop", "old.eml", 0),
        ("laptop", "new.eml", 3),
    ] {
        family.place.run(device, &["decrypt", mail]).exits(code);
    }
    let list = family.place.run("laptop", &["device", "list"]).text();
    assert!(list.contains("laptop  revoked"), "{list}");
    // Asking for the key by the mail brings it to nobody who is out.
    for _ in 0..2 {
        family.place.run("laptop", &["device", "sync"]);
        family.settle();
    }
    let closed = family.place.run("laptop", &["decrypt", "new.eml"]).exits(3).stderr;
    assert!(!closed.contains("another device of yours may have the key"), "nobody answers it: {closed}");
}
