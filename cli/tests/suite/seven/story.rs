//! Seven devices of Alice in two places, each with a relay: pairing, rollovers, a cut, relays that fail, a theft, the loss
//! of everything; and after each of these, who opens which mail.

use super::machine::Machines;
use super::mails::{opened, seal};
use super::pair::{by_files, by_picture, by_words};
use crate::peers::command::{find, missing};

/// In one place Alice's desktop, which is called `alice`, an admin as is the workstation in the other.
const LEFT: [&str; 4] = ["alice", "laptop", "tablet", "server"];
const RIGHT: [&str; 3] = ["workstation", "netbook", "phone"];
const RELAYS: [&str; 2] = ["relay-left", "relay-right"];
const ALL: [&str; 7] = ["alice", "laptop", "tablet", "server", "workstation", "netbook", "phone"];
/// Those that are left when the telephone is stolen.
const HONEST: [&str; 6] = ["alice", "laptop", "tablet", "server", "workstation", "netbook"];

#[test]
fn every_device_that_stays_opens_all_mail_whatever_happens_to_wires_relays_and_devices() {
    if find("zbarimg").is_none() {
        return missing("zbar");
    }
    let left = [&LEFT[..], &["spare", RELAYS[0]]].concat();
    let right = [&RIGHT[..], &[RELAYS[1]]].concat();
    let Some(machines) = Machines::make(&left, &right, &RELAYS) else { return };
    let relays = RELAYS.map(|host| machines.relay(host));

    all_are_paired(&machines);
    seal(&machines, "alice", 1);
    assert_each_opens(&machines, &ALL, &[1], &[1]);

    roll_over(&machines, "alice");
    seal(&machines, "alice", 2);
    all_tell_others_of_one_of(&machines, &ALL, 2);
    assert_each_opens(&machines, &ALL, &[2], &[2]);

    both_sides_of_a_cut_go_on_and_come_together(&machines);

    drop(relays);
    let relays = what_is_done_while_the_relays_are_down_comes_afterwards(&machines);

    a_stolen_device_opens_nothing_that_is_sealed_after_it_was_put_out(&machines);
    paper_brings_everything_back(&machines);
    drop(relays);
}

fn all_are_paired(machines: &Machines) {
    let found = ["device", "export", "--store", "copy", "--recovery-file", "sheet.txt"];
    machines.run("alice", &[&found[..], &["--this-device", "desktop"]].concat()).exits(0);
    machines.meets_at("alice", &RELAYS);
    let url = machines.url("relay-left");
    let relay = ["--relay", url.as_str()];
    by_picture(machines, "alice", "workstation", "admin", &relay);
    by_words(machines, "alice", "laptop", "writer", &relay);
    for (device, role) in
        [("tablet", "reader"), ("server", "reader"), ("netbook", "reader"), ("phone", "reader")]
    {
        by_files(machines, "alice", device, role);
    }
    ALL.iter().for_each(|device| machines.meets_at(device, &RELAYS));
    machines.until(&ALL, |device| {
        let list = machines.ask(device, &["device", "list"], 0);
        list["devices"].as_array().unwrap().len() == ALL.len()
    });
}

#[track_caller]
fn roll_over(machines: &Machines, device: &str) {
    let renew = ["keys", "renew", "alice@example.org", "--encryption", "--algorithm", "p-256"];
    machines.run(device, &renew).exits(0);
}

#[track_caller]
fn assert_each_opens(machines: &Machines, devices: &[&str], of: &[usize], expected: &[usize]) {
    for device in devices {
        assert_eq!(opened(machines, device, of), expected, "{device}");
    }
}

/// The devices sync until each has so many keys, and all of them tell others to encrypt to the same one.
#[track_caller]
fn all_tell_others_of_one_of(machines: &Machines, devices: &[&str], count: usize) {
    machines.until(devices, |device| machines.keys(device).0 == count);
    let expected = machines.keys(devices[0]).1;
    assert_eq!(expected.len(), 1);
    machines.until(devices, |device| machines.keys(device).1 == expected);
}

fn both_sides_of_a_cut_go_on_and_come_together(machines: &Machines) {
    machines.network.cut();
    roll_over(machines, "alice");
    roll_over(machines, "workstation");
    seal(machines, "alice", 3);
    seal(machines, "workstation", 4);
    all_tell_others_of_one_of(machines, &LEFT, 3);
    all_tell_others_of_one_of(machines, &RIGHT, 3);
    assert_each_opens(machines, &LEFT, &[3, 4], &[3]);
    assert_each_opens(machines, &RIGHT, &[3, 4], &[4]);
    machines.network.mend();
    all_tell_others_of_one_of(machines, &ALL, 4);
    assert_each_opens(machines, &ALL, &[3, 4], &[3, 4]);
}

fn what_is_done_while_the_relays_are_down_comes_afterwards(
    machines: &Machines,
) -> [crate::relay::process::Relay; 2] {
    machines.run("alice", &["device", "role", "tablet", "writer"]).exits(0);
    let report = machines.ask("alice", &["device", "sync"], 3);
    assert!(report["waiting"].as_u64().unwrap() > 0, "{report}");
    machines.ask("tablet", &["device", "sync"], 3);
    let relays = RELAYS.map(|host| machines.relay(host));
    machines.until(&ALL, |device| {
        let list = machines.ask(device, &["device", "list"], 0);
        let devices = list["devices"].as_array().unwrap();
        devices.iter().any(|other| other["name"] == "tablet" && other["role"] == "writer")
    });
    relays
}

fn a_stolen_device_opens_nothing_that_is_sealed_after_it_was_put_out(machines: &Machines) {
    machines.ask("alice", &["device", "revoke", "phone"], 0);
    all_tell_others_of_one_of(machines, &HONEST, 5);
    seal(machines, "workstation", 5);
    // The thief goes on asking, and whoever is asked goes on answering those who stay.
    machines.run("phone", &["device", "sync"]);
    let generations = [1, 2, 3, 4, 5];
    assert_each_opens(machines, &["phone"], &generations, &[1, 2, 3, 4]);
    machines.run("phone", &["device", "sync"]);
    all_tell_others_of_one_of(machines, &HONEST, 5);
    machines.run("phone", &["device", "sync"]);
    assert_each_opens(machines, &["phone"], &[5], &[]);
    assert_each_opens(machines, &HONEST, &generations, &generations);
    let list = machines.run("phone", &["device", "list"]).text();
    assert!(list.contains("revoked"), "{list}");
}

fn paper_brings_everything_back(machines: &Machines) {
    let sheet = String::from_utf8(machines.place.read("sheet.txt")).unwrap();
    let words = sheet.split("\n\n").find(|part| part.trim_start().starts_with("1 ")).unwrap();
    machines.place.write("words", words);
    machines.meets_at("spare", &RELAYS);
    let recover =
        ["device", "recover", "account", "--seed-file", "words", "--no-passphrase", "--name", "new"];
    let came = machines.ask("spare", &recover, 0);
    assert_eq!((came["put_out"].as_u64(), came["missing"].as_u64()), (Some(6), Some(0)), "{came}");
    all_tell_others_of_one_of(machines, &["spare"], 6);
    seal(machines, "spare", 6);
    let generations = [1, 2, 3, 4, 5, 6];
    assert_each_opens(machines, &["spare"], &generations, &generations);
    machines.run("laptop", &["device", "sync"]);
    assert_each_opens(machines, &["laptop"], &[5, 6], &[5]);
}
