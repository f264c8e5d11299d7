//! What somebody knows of others goes along to another store of theirs, and is worth the same there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;

use crate::people::{MAIL, Place, Ran};

const TAKE_OVER: &str = "--take-over-my-trust";

#[track_caller]
fn object(ran: &Ran) -> Value {
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.text()))
}

/// A new store of Alice's, as she has it on another computer.
fn elsewhere(place: &Place, home: &str) {
    let init = ["init", "alice@example.org", "--no-passphrase", "--algorithm", "rsa-2048"];
    place.run(home, &init).exits(0);
}

/// What a store says of somebody: score, verdict, pins, dates, evidence.
fn decisions(place: &Place, home: &str, address: &str) -> Vec<Value> {
    let shown = object(&place.run(home, &["trust", "show", address, "--json"]));
    let history = object(&place.run(home, &["trust", "history", address, "--json"]).exits(0));
    let entries = history["entries"].as_array().unwrap().iter().map(|entry| {
        let fields = ["at", "event", "sha256", "answers"].map(|field| entry[field].clone());
        Value::Array(fields.to_vec())
    });
    let pins = object(&place.run(home, &["trust", "list", "--json"]).exits(0));
    vec![
        shown["score"].clone(),
        shown["verdict"].clone(),
        shown["evidence"].clone(),
        pins["pins"].clone(),
        pins["authorities"].clone(),
        pins["contacts"].clone(),
        Value::Array(entries.collect()),
    ]
}

/// Alice's store has more than the two contacts that it begins with: a mail of Carol's, a CA, and somebody
/// whose statements count.
fn experienced() -> Place {
    let place = Place::new();
    place.write("draft.eml", MAIL.replace("Alice <alice@", "Carol <carol@"));
    place.run("carol", &["sign", "draft.eml", "-o", "carol.eml"]).exits(0);
    place.run("alice", &["verify", "carol.eml"]);
    place.employee("erin", "erin@example.com");
    place.run("alice", &["keys", "import", "erin.pem"]).exits(0);
    place.run("alice", &["trust", "rely", "erin.ca.pem", "--amount", "90"]).exits(0);
    place.run("alice", &["trust", "rely", "bob@example.org", "--amount", "60"]).exits(0);
    place
}

fn export(place: &Place) {
    place.run("alice", &["keys", "export", "--contacts", "-o", "along"]).exits(0);
}

fn import(place: &Place, home: &str, more: &[&str]) -> Value {
    object(&place.run(home, &[&["keys", "import", "along", "--json"], more].concat()).exits(0))
}

#[test]
fn another_store_decides_the_same_afterwards() {
    let place = experienced();
    export(&place);
    elsewhere(&place, "laptop");
    let report = import(&place, "laptop", &[TAKE_OVER]);
    let trust = &report["trust"][0];
    assert_eq!(
        (&trust["taken_over"], trust["left"].as_array().unwrap().len()),
        (&Value::Bool(true), 0),
        "{report}"
    );
    assert_eq!(
        (&trust["groups"]["pins"]["new"], &trust["groups"]["reliances"]["new"]),
        (&1.into(), &2.into())
    );
    for address in ["bob@example.org", "carol@example.org", "erin@example.com"] {
        let (there, here) = (decisions(&place, "alice", address), decisions(&place, "laptop", address));
        assert_eq!(there, here, "{address}");
        assert!(there[0].as_u64().unwrap() > 0, "{address}");
    }
    // It writes and reads as the other one does, and its store is whole.
    place.run("laptop", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(0);
    place.run("bob", &["decrypt", "out.eml"]);
    let log = object(&place.run("laptop", &["trust", "history", "--json"]).exits(0));
    assert_eq!(log["holds"], true);
    place.run("laptop", &["doctor", "--json"]);
    // Once more is nothing more.
    let again = import(&place, "laptop", &[TAKE_OVER]);
    let groups = again["trust"][0]["groups"].as_object().unwrap();
    assert!(groups.values().all(|counts| counts["new"] == 0 && counts["earlier"] == 0), "{again}");
}

#[test]
fn without_the_option_a_folder_makes_nobody_verified_and_says_what_it_would_do() {
    let place = experienced();
    export(&place);
    elsewhere(&place, "laptop");
    let shown = place.run("laptop", &["keys", "import", "along"]).exits(0).text();
    assert!(shown.contains("pins: 1 would be new") && shown.contains(TAKE_OVER), "{shown}");
    let bob = object(&place.run("laptop", &["trust", "show", "bob@example.org", "--json"]));
    assert_ne!(bob["verdict"], "verified");
    assert!(
        object(&place.run("laptop", &["trust", "list", "--json"]).exits(0))["pins"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    // The certificates beside it came in by hand, today. With the option the earlier dates count, and the log,
    // which has entries of its own now, is told what the other one came to.
    place.run("alice", &["verify", "carol.eml"]);
    let report = import(&place, "laptop", &[TAKE_OVER]);
    let groups = &report["trust"][0]["groups"];
    assert!(groups["summary"]["new"].as_u64().unwrap() > 0 && groups.get("history").is_none(), "{report}");
    assert_eq!(groups["pins"]["new"], 1);
    for address in ["bob@example.org", "carol@example.org", "erin@example.com"] {
        let (there, here) = (decisions(&place, "alice", address), decisions(&place, "laptop", address));
        assert_eq!((&there[..2], &there[3..6]), (&here[..2], &here[3..6]), "{address}");
    }
    let log = object(&place.run("laptop", &["trust", "history", "--json"]).exits(0));
    assert_eq!(log["holds"], true);
}

#[test]
fn a_pin_that_is_here_is_never_overwritten() {
    let place = experienced();
    export(&place);
    // Here Alice compared another key for Bob.
    let init = ["init", "bob@example.org", "--no-passphrase", "--algorithm", "rsa-2048"];
    place.run("impostor", &init).exits(0);
    place.run("impostor", &["keys", "export", "bob@example.org", "-o", "impostor.pem"]).exits(0);
    elsewhere(&place, "laptop");
    let listed = object(&place.run("impostor", &["keys", "list", "--json"]).exits(0));
    let keys = listed["keys"].as_array().unwrap();
    let authority = keys.iter().find(|key| key["use"] == "personal-ca").unwrap();
    let pin = authority["fingerprint"].as_str().unwrap();
    place.run("laptop", &["keys", "import", "impostor.pem", "--pin", pin]).exits(0);
    let before = object(&place.run("laptop", &["trust", "list", "--json"]).exits(0))["pins"].clone();

    let report =
        object(&place.run("laptop", &["keys", "import", "along/trust.jsonl", "--json", TAKE_OVER]).exits(0));
    let left = report["trust"][0]["left"].as_array().unwrap();
    let whats: Vec<(&str, &str)> =
        left.iter().map(|left| (left["what"].as_str().unwrap(), left["why"].as_str().unwrap())).collect();
    assert!(whats.contains(&("pin bob@example.org", "other-pin")), "{report}");
    assert!(whats.contains(&("contact-introducer bob@example.org", "other-pin")), "{report}");
    let after = object(&place.run("laptop", &["trust", "list", "--json"]).exits(0));
    assert_eq!(after["pins"], before);
    // Everybody else came in.
    assert_eq!(
        decisions(&place, "alice", "carol@example.org")[0],
        decisions(&place, "laptop", "carol@example.org")[0]
    );
}

#[test]
fn nothing_comes_in_about_oneself() {
    let place = experienced();
    export(&place);
    let init = ["init", "bob@example.org", "--no-passphrase", "--algorithm", "rsa-2048"];
    place.run("bob-again", &init).exits(0);
    let report = import(&place, "bob-again", &[TAKE_OVER]);
    let left = report["trust"][0]["left"].as_array().unwrap();
    assert!(
        left.iter().any(|left| left["what"] == "pin bob@example.org" && left["why"] == "yourself"),
        "{report}"
    );
    let pins = object(&place.run("bob-again", &["trust", "list", "--json"]).exits(0));
    assert!(pins["pins"].as_array().unwrap().is_empty());
}

#[test]
fn a_file_that_was_edited_is_refused_whole() {
    let place = experienced();
    export(&place);
    let text = String::from_utf8(place.read("along/trust.jsonl")).unwrap();
    elsewhere(&place, "laptop");
    for (from, to) in [
        ("bob@example.org", "eve@example.org"),
        ("\"points\":10,", "\"points\":99,"),
        ("\"version\":1", "\"version\":9"),
    ] {
        assert!(text.contains(from), "{from}");
        place.write("along/trust.jsonl", text.replace(from, to));
        let ran = place.run("laptop", &["keys", "import", "along", TAKE_OVER]).exits(3);
        assert!(ran.stderr.contains("nothing was taken over"), "{}", ran.stderr);
    }
    let contacts = object(&place.run("laptop", &["keys", "list", "--json"]).exits(0));
    assert!(contacts["contacts"].as_array().unwrap().is_empty());
    fs::remove_file(place.path("along/trust.jsonl")).unwrap();
    place.run("laptop", &["keys", "import", "along", TAKE_OVER]).exits(3);
    place.run("laptop", &["keys", "import", "along"]).exits(0);
}

#[test]
fn the_folder_is_new_private_and_for_other_programs() {
    let place = experienced();
    place.run("alice", &["keys", "export", "--contacts"]).exits(2);
    place.run("alice", &["keys", "export", "--contacts", "bob@example.org", "-o", "along"]).exits(2);
    place.run("alice", &["keys", "export", "--contacts", "-o", "-"]).exits(2);
    export(&place);
    place.run("alice", &["keys", "export", "--contacts", "-o", "along"]).exits(3);
    let mode = fs::metadata(place.path("along")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let names = fs::read_dir(place.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!names.map(|name| name.into_string().unwrap()).any(|name| name.starts_with(".along")));
    // Other programs read the certificates, and the vCards have the same ones.
    let text = String::from_utf8(place.read("along/contacts.vcf")).unwrap();
    assert!(text.split("\r\n").all(|line| line.len() <= 75));
    let unfolded = text.replace("\r\n ", "");
    assert_eq!(unfolded.matches("BEGIN:VCARD\r\nVERSION:4.0\r\nFN:").count(), 3);
    let cards: Vec<&str> = unfolded.split("END:VCARD\r\n").collect();
    let bob = cards.iter().find(|card| card.contains("\r\nEMAIL:bob@example.org\r\n")).unwrap();
    let keys: Vec<&str> =
        bob.lines().filter_map(|line| line.strip_prefix("KEY:data:application/pkix-cert;base64,")).collect();
    assert_eq!(keys.len(), 2);
    for key in keys {
        place.write("key.pem", format!("-----BEGIN CERTIFICATE-----\n{key}\n-----END CERTIFICATE-----\n"));
        let shown = Command::new("openssl")
            .args(["x509", "-in", "key.pem", "-noout", "-email"])
            .current_dir(place.path(""))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&shown.stdout), "bob@example.org\n");
    }
    let pem = String::from_utf8(place.read("along/certificates/bob@example.org.pem")).unwrap();
    assert_eq!(pem.matches("BEGIN CERTIFICATE").count(), 3);
    elsewhere(&place, "laptop");
    place.run("laptop", &["keys", "import", "along/certificates"]).exits(0);
    place.run("laptop", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(0);
}
