//! A device that missed a key asks the others for it, by what a mail says that it cannot open.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::two_devices::Family;

/// What lies in the folder where the devices meet.
fn objects(family: &Family) -> BTreeSet<PathBuf> {
    let boxes = fs::read_dir(family.place.path("stick")).unwrap().map(|entry| entry.unwrap().path());
    let files =
        boxes.flat_map(|object_box| fs::read_dir(object_box).unwrap().map(|entry| entry.unwrap().path()));
    files.filter(|path| path.is_file()).collect()
}

fn remove<'a>(objects: impl IntoIterator<Item = &'a PathBuf>) {
    objects.into_iter().for_each(|object| fs::remove_file(object).unwrap());
}

/// A new key of which the laptop knows, and which it did not get: its package is lost, and so is its word of that.
fn with_a_lost_key() -> Family {
    let family = Family::make(&[("laptop", "reader")], Family::at_a_folder);
    let before = objects(&family);
    let renew = ["keys", "renew", "alice@example.org", "--encryption", "--algorithm", "p-256"];
    family.place.run("alice", &renew).exits(0);
    family.sync("alice", &[]);
    let new: Vec<PathBuf> = objects(&family).difference(&before).cloned().collect();
    let length = |object: &&PathBuf| fs::metadata(object).unwrap().len();
    // Two layers around a key and its certificates are longer than an entry or a note.
    remove(new.iter().max_by_key(length));
    let before = objects(&family);
    let report = family.sync("laptop", &[]);
    assert!(report["entries"] == 1 && report["imported"] == serde_json::json!([]), "{report}");
    remove(objects(&family).difference(&before));
    family.sealed("alice", "new.eml");
    family
}

/// Whether the laptop has the key after what follows from its next word, where it has one to say.
fn gets_it(family: &Family, unlock: &[&str]) -> bool {
    family.sync("laptop", unlock);
    let repaired = family.sync("alice", &[])["repaired"].as_array().unwrap().len();
    let imported = family.sync("laptop", unlock)["imported"].as_array().unwrap().len();
    assert_eq!(repaired, imported);
    // Who has it asks no more, and is given it no more.
    family.sync("laptop", unlock);
    assert_eq!(family.sync("alice", &[])["repaired"].as_array().unwrap().len(), 0);
    imported == 1
}

#[test]
fn a_mail_that_does_not_open_brings_the_key_with_the_next_sync() {
    let family = with_a_lost_key();
    assert!(!gets_it(&family, &[]), "nobody knows what is missing");
    let refused = family.place.run("laptop", &["decrypt", "new.eml"]).exits(3);
    assert!(refused.stderr.contains("cseal device sync"), "{}", refused.stderr);
    assert!(gets_it(&family, &[]));
    family.place.run("laptop", &["decrypt", "new.eml"]).exits(0);
}

#[test]
fn so_does_a_mail_that_is_handed_on_while_the_store_is_locked() {
    let family = with_a_lost_key();
    family.place.write("passphrase", "correct horse\n");
    family.place.run("laptop", &["passphrase", "--new-passphrase-file", "passphrase"]).exits(0);
    let mail = family.place.read("new.eml");
    let ran = family.place.pipe("laptop", &["filter"], &mail).exits(0);
    assert!(ran.text().contains("not-for-us"), "{}", ran.text());
    let unlock = ["--passphrase-file", "passphrase"];
    assert!(gets_it(&family, &unlock));
    family.place.run("laptop", &[&["decrypt", "new.eml"][..], &unlock].concat()).exits(0);
}

#[test]
fn mail_for_others_makes_no_device_ask() {
    let family = with_a_lost_key();
    let place = &family.place;
    let to_bob = ["encrypt", "--no-sign", "--certificate", "bob.pem", "mail.eml", "-o", "bob.eml"];
    place.run("stranger", &to_bob).exits(0);
    let refused = place.run("laptop", &["decrypt", "bob.eml"]).exits(3);
    assert!(!refused.stderr.contains("cseal device sync"), "{}", refused.stderr);
    assert_eq!(family.sync("laptop", &[])["posted"], 0);
    // Nor does it where there is nobody to ask.
    family.sealed("alice", "own.eml");
    let refused = place.run("carol", &["decrypt", "own.eml"]).exits(3);
    assert!(!refused.stderr.contains("cseal device sync"), "{}", refused.stderr);
}
