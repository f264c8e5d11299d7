//! A person whose one key a CA of an organisation certified, for signatures and encryption both: whoever opens mail
//! by it can write in its owner's name, so that it goes to the devices that sign, and to no other.

use std::fs;

use serde_json::Value;

use crate::people::{MAIL, Place, Ran};
use crate::talk::Talk;

/// Erin's store, a mail that Bob encrypted to her certificate, and a folder that her machines see.
fn place() -> Place {
    let place = Place::new();
    place.employee("erin", "erin@example.org");
    fs::create_dir(place.path("share")).unwrap();
    let sync = format!("[[sync]]\nfolder = \"{}\"\n", place.path("share").display());
    for home in ["erin", "new"] {
        fs::create_dir_all(place.path(home)).unwrap();
        let before = fs::read_to_string(place.path(home).join("config.toml")).unwrap_or_default();
        place.write(&format!("{home}/config.toml"), before + &sync);
    }
    place.write("mail.eml", MAIL.replace("To: Bob <bob@", "To: Erin <erin@").replace("alice@", "bob@"));
    let to_her =
        ["--no-sign", "--anchor", "erin.ca.pem", "--certificate", "erin.pem", "mail.eml", "-o", "sealed.eml"];
    place.run("bob", &[&["encrypt"][..], &to_her].concat()).exits(0);
    place
}

/// The new machine joins by two files; what the old one said about keys that stay is answered.
fn join(place: &Place, role: &str) -> Option<Value> {
    let mut new = Talk::begin(
        place,
        "new",
        &["device", "join", "--json", "--name", "thinkpad-7", "--no-passphrase", "--file", "request.ksr"],
    );
    new.event("fingerprint");
    new.ends(0);
    let how = ["--json", "--no-recovery", "--this-device", "desktop", "--role", role];
    let files = ["--file", "request.ksr", "--answer", "grant.ksa"];
    let mut old = Talk::begin(place, "erin", &[&["device", "add"][..], &how, &files].concat());
    old.asked("fingerprint");
    old.say("y");
    let stays = (role == "reader").then(|| old.event("keys-stay"));
    old.asked("approve");
    old.say("y");
    let words = old.event("answer-words")["words"].as_str().unwrap().to_owned();
    old.ends(0);
    let mut new = Talk::begin(place, "new", &["device", "join", "--json", "--answer", "grant.ksa"]);
    new.asked("answer-words");
    new.say(&words);
    new.event("joined");
    new.ends(0);
    stays
}

fn opened(place: &Place, home: &str) -> Ran {
    place.run(home, &["decrypt", "sealed.eml"])
}

#[test]
fn a_writer_opens_mail_to_it_and_signs_by_it_with_its_chain() {
    let place = place();
    join(&place, "writer");
    assert!(opened(&place, "new").exits(0).text().contains("let us meet."));
    place.write("answer.eml", MAIL.replace("alice@", "erin@"));
    place.run("new", &["sign", "answer.eml", "-o", "signed.eml"]).exits(0);
    let verified = place.run("carol", &["verify", "--anchor", "erin.ca.pem", "signed.eml", "--json"]);
    assert_eq!(verified.code, 0, "{}\n{}", verified.text(), verified.stderr);
}

#[test]
fn a_reader_gets_none_of_it_until_it_becomes_a_writer() {
    let place = place();
    let stays = join(&place, "reader").unwrap();
    assert_eq!((&stays["keys"], &stays["role"]), (&1.into(), &"reader".into()));
    opened(&place, "new").exits(3);
    for home in ["new", "erin", "new"] {
        place.run(home, &["device", "sync"]).exits(0);
    }
    opened(&place, "new").exits(3);

    place.run("erin", &["device", "role", "thinkpad-7", "writer"]).exits(0);
    for home in ["erin", "new", "erin", "new"] {
        place.run(home, &["device", "sync"]).exits(0);
    }
    assert!(opened(&place, "new").exits(0).text().contains("let us meet."));
}

#[test]
fn a_revoked_writer_leaves_it_to_the_ca_to_make_a_new_one() {
    let place = place();
    join(&place, "writer");
    for home in ["erin", "new", "erin"] {
        place.run(home, &["device", "sync"]).exits(0);
    }
    let revoke = ["device", "revoke", "thinkpad-7", "--anyway", "--json"];
    let out: Value = serde_json::from_slice(&place.run("erin", &revoke).exits(0).stdout).unwrap();
    // The other address has a key under the personal CA.
    assert_eq!((&out["revoked"], &out["certified_elsewhere"]), (&1.into(), &1.into()), "{out}");
    for home in ["erin", "new", "erin"] {
        place.run(home, &["device", "sync"]);
    }
    place.write("answer.eml", MAIL.replace("alice@", "erin@"));
    let unsigned = place.run("erin", &["sign", "answer.eml", "-o", "signed.eml"]);
    assert!(unsigned.exits(3).stderr.contains("no certificate to sign mail"), "the thief has that key");
    assert!(opened(&place, "erin").exits(0).text().contains("let us meet."));
}
