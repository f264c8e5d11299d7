//! The account of a store: founded once, listed, changed by those who may, and copied for the paper.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::people::Place;

/// Founds Bob's account with a sheet on paper.
fn found(place: &Place) {
    let sheet = place.path("sheet.pdf");
    let export = ["device", "export", "--store", "copy", "--this-device", "desk", "--recovery-file"];
    place.run("bob", &[&export[..], &[&sheet.display().to_string()]].concat()).exits(0);
}

fn devices(place: &Place) -> Vec<Value> {
    let listed = place.run("bob", &["device", "list", "--json"]).exits(0);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    listed["devices"].as_array().unwrap().clone()
}

#[test]
fn a_store_has_no_devices_until_its_account_is_founded_and_the_sheet_is_the_owners_alone() {
    let place = Place::new();
    assert!(devices(&place).is_empty());
    found(&place);
    let mode = fs::metadata(place.path("sheet.pdf")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let listed = devices(&place);
    assert_eq!(listed.len(), 1);
    let of = |name: &str| listed[0][name].clone();
    assert_eq!(
        (of("name"), of("role"), of("this"), of("behind")),
        ("desk".into(), "admin".into(), true.into(), 0.into())
    );
}

#[test]
fn without_a_terminal_nobody_has_a_seed_that_was_not_written_down() {
    let place = Place::new();
    let ran = place.run("bob", &["device", "export", "--store", "copy"]).exits(2);
    assert!(ran.stderr.contains("--recovery-file") && ran.stderr.contains("--no-recovery"), "{}", ran.stderr);
    assert!(devices(&place).is_empty() && !place.path("copy").exists());
    place.write("sheet.pdf", "of another one");
    let taken = ["device", "export", "--store", "copy", "--recovery-file", "sheet.pdf"];
    place.run("bob", &taken).exits(3);
    assert!(devices(&place).is_empty());
}

#[test]
fn who_has_no_store_here_hears_how_a_second_machine_joins() {
    let place = Place::new();
    let hint = place.run("nobody", &["device", "list"]).exits(3).stderr;
    assert!(hint.contains("`cseal device join`") && hint.contains("recover account"), "{hint}");
}

#[test]
fn a_device_that_is_out_and_one_that_cannot_be_put_out_are_told_apart_from_none() {
    let place = Place::new();
    found(&place);
    let phone = ["device", "add", "--foreign", "phone", "--for", "other", "-o", "phone.p12"];
    place.write("password", "correct horse battery staple\n");
    place.run("bob", &[&phone[..], &["--new-passphrase-file", "password"]].concat()).exits(0);
    let revoke = |name: &str| place.run("bob", &["device", "revoke", name]).exits(1).stderr;
    assert!(revoke("phone").contains("cannot be taken back"));
    assert!(revoke("nothing").contains("no device is called nothing"));
}

#[test]
fn a_service_is_not_installed_for_a_store_that_somebody_has_to_unlock() {
    let place = Place::new();
    place.write("passphrase", "correct horse\n");
    place.run("bob", &["passphrase", "--new-passphrase-file", "passphrase"]).exits(0);
    let refused = place.run("bob", &["device", "sync", "--install"]).exits(3).stderr;
    assert!(refused.contains("a service cannot type it") && refused.contains("--keyring"), "{refused}");
}

#[test]
fn a_copy_without_a_seed_would_be_opened_by_nobody() {
    let place = Place::new();
    let ran = place.run("bob", &["device", "export", "--store", "copy", "--no-recovery"]).exits(1);
    assert!(ran.stderr.contains("no recovery seed"), "{}", ran.stderr);
    assert_eq!(devices(&place).len(), 1);
}

#[test]
fn a_copy_is_replaced_only_when_asked_and_holds_what_a_new_key_adds() {
    let place = Place::new();
    found(&place);
    place.run("bob", &["device", "export", "--store", "copy"]).exits(3);
    let exported = |place: &Place| {
        let ran =
            place.run("bob", &["device", "export", "--store", "copy", "--overwrite", "--json"]).exits(0);
        let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
        report["keys"].as_u64().unwrap()
    };
    let before = exported(&place);
    place.run("bob", &["keys", "renew", "bob@example.org", "--encryption", "--algorithm", "p-256"]).exits(0);
    assert_eq!(exported(&place), before + 1);
    assert!(fs::read(place.path("copy")).unwrap().starts_with(b"counterseal account copy 1\n"));
}

#[test]
fn the_last_admin_stays_and_no_device_puts_itself_out() {
    let place = Place::new();
    for command in [&["device", "revoke", "desk"][..], &["device", "role", "desk", "reader"]] {
        let ran = place.run("bob", command).exits(1);
        assert!(ran.stderr.contains("this machine alone"), "{}", ran.stderr);
    }
    found(&place);
    place.run("bob", &["device", "role", "desk", "reader"]).exits(1);
    place.run("bob", &["device", "revoke", "desk"]).exits(2);
    let ran = place.run("bob", &["device", "revoke", "laptop"]).exits(1);
    assert!(ran.stderr.contains("laptop"), "{}", ran.stderr);
    assert_eq!(devices(&place).len(), 1);
}
