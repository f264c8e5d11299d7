//! What one device leaves in a folder comes to the next one, and what is wrong with the folder is said.

use std::fs;

use serde_json::Value;

use crate::people::{Place, copy};
use crate::submission::disks::{MEMORY, with_disk};

/// Alice's store with an account, and a folder where her devices meet.
fn account() -> Place {
    let place = Place::new();
    let files = ["--store", "account.tar", "--recovery-file", "sheet.txt", "--this-device", "desk"];
    place.run("alice", &[&["device", "export"][..], &files].concat()).exits(0);
    fs::create_dir(place.path("stick")).unwrap();
    let before = fs::read_to_string(place.path("alice/config.toml")).unwrap_or_default();
    let sync = format!("[[sync]]\nfolder = \"{}\"\n", place.path("stick").display());
    place.write("alice/config.toml", before + &sync);
    place
}

/// One round on Alice's device.
#[track_caller]
fn round(place: &Place, exits: i32) -> Value {
    let ran = place.run("alice", &["device", "sync", "--json"]).exits(exits);
    serde_json::from_slice(&ran.stdout).unwrap()
}

#[test]
fn what_was_left_comes_once_and_a_copied_disk_is_noticed() {
    let place = account();
    let first = round(&place, 0);
    assert!(first["posted"].as_u64().unwrap() > 5, "{first}");
    assert_eq!(first["waiting"], 0);
    place.run("alice", &["device", "sync"]).exits(0);

    // The same disk twice: what the copy makes comes here, and that there are two is said.
    fs::create_dir(place.path("copy")).unwrap();
    copy(&place.path("alice"), &place.path("copy"));
    place.run("copy", &["keys", "renew", "alice@example.org", "--encryption"]).exits(0);
    place.run("copy", &["device", "sync"]).exits(0);
    let second = round(&place, 4);
    assert_eq!(second["imported"].as_array().unwrap().len(), 1, "{second}");
    assert_eq!(second["alarms"][0]["alarm"], "device-cloned");
    let third = round(&place, 0);
    assert_eq!((&third["imported"], &third["entries"]), (&serde_json::json!([]), &serde_json::json!(0)));
}

#[test]
fn what_strangers_put_into_the_folder_is_passed_over() {
    let place = account();
    place.run("alice", &["device", "sync"]).exits(0);
    let boxes = fs::read_dir(place.path("stick")).unwrap().next().unwrap().unwrap().path();
    let forged = b"not of these devices";
    let name = counterseal_keysync::transport::ObjectName::of(forged);
    fs::write(boxes.join(format!("{name}.p7m")), forged).unwrap();
    let said = round(&place, 0);
    assert_eq!((said["refused"].as_u64(), said["entries"].as_u64()), (Some(1), Some(0)), "{said}");
    // Looked at once, and never again.
    let said = round(&place, 0);
    assert_eq!(said["refused"], 0);
}

#[test]
fn one_bad_file_hides_nothing_that_lies_beside_it() {
    let place = account();
    place.run("alice", &["device", "sync"]).exits(0);
    fs::create_dir(place.path("copy")).unwrap();
    copy(&place.path("alice"), &place.path("copy"));
    place.run("copy", &["keys", "renew", "alice@example.org", "--encryption"]).exits(0);
    place.run("copy", &["device", "sync"]).exits(0);
    let boxes = fs::read_dir(place.path("stick")).unwrap().next().unwrap().unwrap().path();
    fs::write(boxes.join(format!("{}.p7m", "0".repeat(64))), "x").unwrap();
    let said = round(&place, 4);
    assert_eq!(said["imported"].as_array().unwrap().len(), 1, "{said}");
    assert!(said["troubles"][0]["message"].as_str().unwrap().contains("not what was asked for"), "{said}");
}

#[test]
fn a_place_that_was_left_out_for_a_time_gets_what_it_missed() {
    let place = account();
    let before = place.read("alice/config.toml");
    place.run("alice", &["device", "sync"]).exits(0);
    let objects = || {
        let boxes = fs::read_dir(place.path("stick")).unwrap().map(|entry| entry.unwrap().path());
        boxes.map(|folder| fs::read_dir(folder).unwrap().count()).sum::<usize>()
    };
    let had = objects();
    fs::create_dir(place.path("other")).unwrap();
    let other = String::from_utf8(before.clone()).unwrap().replace("/stick\"", "/other\"");
    place.write("alice/config.toml", &other);
    place.run("alice", &["keys", "renew", "alice@example.org", "--encryption"]).exits(0);
    place.run("alice", &["device", "sync"]).exits(0);
    assert_eq!(objects(), had);
    place.write("alice/config.toml", before);
    let said = round(&place, 0);
    assert!(objects() > had, "{said}");
}

#[test]
fn a_folder_without_room_is_said_to_have_none_and_gets_everything_later() {
    let place = account();
    let script = format!(
        "{cseal} device sync > first || exit 1
         {cseal} keys renew alice@example.org --encryption > renewed || exit 1
         cat /dev/zero > \"$DISK/filler\" 2> /dev/null
         {cseal} device sync --json; echo $?
         {cseal} device sync > words; ls -A \"$DISK\"/*/ > left
         rm \"$DISK/filler\"
         {cseal} device sync --json; echo $?; cp -r \"$DISK\" kept",
        cseal = env!("CARGO_BIN_EXE_cseal")
    );
    let Some(said) = with_disk(&place.path(""), &place.path("stick"), MEMORY, &script) else { return };
    let lines: Vec<&str> = said.lines().collect();
    let [full, "3", room, "0"] = lines[..] else { panic!("{said}") };
    let [full, room]: [Value; 2] = [full, room].map(|report| serde_json::from_str(report).unwrap());
    let waiting = full["waiting"].as_u64().unwrap();
    assert!(waiting > 0 && full["posted"] == 0, "{full}");
    assert!(full["troubles"][0]["message"].as_str().unwrap().contains("the box is full"), "{full}");
    let words = String::from_utf8(place.read("words")).unwrap();
    assert!(words.contains("to be posted, to places that were not reached or are full"), "{words}");
    let left = String::from_utf8(place.read("left")).unwrap();
    assert!(left.lines().all(|file| file.ends_with(".p7m")), "nothing half written stays: {left}");
    assert!(room["posted"].as_u64().unwrap() >= waiting && room["waiting"] == 0, "{room}");

    // Another machine, which has the copy of the account, gets the new key from there.
    let kept = place.path("kept").display().to_string();
    let recover =
        ["device", "recover", "account", "--copy", &kept, "--seed-file", "sheet.txt", "--no-passphrase"];
    let recovered = place.run("later", &recover).exits(0);
    let renewed = place.run("alice", &["keys", "list", "--json"]).exits(0);
    let keys = |listed: &[u8]| -> Vec<String> {
        let listed: Value = serde_json::from_slice(listed).unwrap();
        let keys = listed["keys"].as_array().unwrap().iter().filter(|key| key["use"] == "encryption");
        keys.map(|key| key["fingerprint"].as_str().unwrap().to_owned()).collect()
    };
    let there = keys(&place.run("later", &["keys", "list", "--json"]).exits(0).stdout);
    assert!(keys(&renewed.stdout).iter().all(|key| there.contains(key)), "{}", recovered.text());
}

#[test]
fn without_a_place_or_an_account_it_says_so() {
    let place = account();
    fs::remove_dir_all(place.path("stick")).unwrap();
    let away = round(&place, 3);
    assert!(away["waiting"].as_u64().unwrap() > 0, "{away}");
    fs::create_dir(place.path("stick")).unwrap();
    place.run("alice", &["device", "sync"]).exits(0);
    fs::remove_file(place.path("alice/config.toml")).unwrap();
    assert!(place.run("alice", &["device", "sync"]).exits(3).stderr.contains("[[sync]]"));
    assert!(place.run("bob", &["device", "sync"]).exits(1).stderr.contains("no other devices"));
}
