//! A backup holds everything, opens for its owner alone, and takes nothing away when it comes back.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::people::{MAIL, Place};

const OPEN: [&str; 2] = ["--passphrase-file", "passphrase"];

/// Dave, whose store has a passphrase and a recovery code, and a mail to him.
fn dave() -> Place {
    let place = Place::new();
    place.write("passphrase", "correct horse\n");
    place.write("other", "battery staple\n");
    place
        .run("dave", &[&["init", "dave@example.org", "--algorithm", "rsa-2048"][..], &OPEN].concat())
        .exits(0);
    let code = ["passphrase", "--recovery-code", "--recovery-file", "code"];
    place.run("dave", &[&code[..], &OPEN].concat()).exits(0);
    mail_to(&place, "dave", "first.eml");
    place
}

/// A mail to the newest encryption key of somebody.
fn mail_to(place: &Place, person: &str, name: &str) {
    let (address, file) = (format!("{person}@example.org"), format!("{person}.pem"));
    place.run(person, &["keys", "export", &address, "--overwrite", "-o", &file]).exits(0);
    place.run("alice", &["keys", "import", &file]).exits(0);
    place.write("mail.eml", MAIL.replace("bob@", &format!("{person}@")));
    place.run("alice", &["encrypt", "mail.eml", "-o", name]).exits(0);
}

fn run(place: &Place, person: &str, arguments: &[&str], code: i32) -> crate::people::Ran {
    place.run(person, &[arguments, &OPEN].concat()).exits(code)
}

/// The names in a store's directory.
fn names(place: &Place, person: &str) -> Vec<String> {
    let entries = fs::read_dir(place.path(person)).unwrap().map(Result::unwrap);
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn on_an_empty_machine_every_mail_opens_by_the_passphrase_and_by_the_recovery_code() {
    let place = dave();
    run(&place, "dave", &["keys", "generate", "dave@example.org"], 0);
    mail_to(&place, "dave", "second.eml");
    run(&place, "dave", &["backup", "keys.backup"], 0);
    assert_eq!(fs::metadata(place.path("keys.backup")).unwrap().permissions().mode() & 0o777, 0o600);
    let again = run(&place, "dave", &["backup", "keys.backup", "--json"], 3).json();
    assert_eq!(again["error"], "output-exists");
    run(&place, "dave", &["backup", "keys.backup", "--overwrite"], 0);
    assert!(names(&place, "dave").iter().all(|name| !name.contains("backup-")), "no copy is left");

    run(&place, "new", &["restore", "keys.backup"], 0);
    for mail in ["first.eml", "second.eml"] {
        assert!(run(&place, "new", &["decrypt", mail], 0).text().contains("let us meet."));
    }
    place.run("paper", &["restore", "keys.backup", "--recovery-code-file", "code"]).exits(0);
    run(&place, "paper", &["decrypt", "second.eml"], 0);
    assert_eq!(names(&place, "paper"), ["store.sqlite3", "store.sqlite3.seen"]);
}

#[test]
fn nobody_else_opens_it_and_nothing_in_it_can_be_changed() {
    let place = dave();
    run(&place, "dave", &["backup", "keys.backup"], 0);
    let wrong =
        place.run("new", &["restore", "keys.backup", "--json", "--passphrase-file", "other"]).exits(3);
    assert_eq!(wrong.json()["error"], "wrong-passphrase");
    let good = place.read("keys.backup");
    let end_of_header = good.windows(2).position(|window| window == b"\n\n").unwrap() + 2;
    let mut hostile: Vec<Vec<u8>> = [end_of_header + 3, end_of_header + 70_000, good.len() - 1]
        .map(|place| {
            let mut changed = good.clone();
            changed[place] ^= 1;
            changed
        })
        .into();
    hostile.push(good[..good.len() - 1].to_vec());
    hostile.push(good[..end_of_header + (64 << 10) + 16].to_vec());
    let header = String::from_utf8(good[..end_of_header].to_vec()).unwrap();
    let other_epoch = header.replace("\nepoch ", "\nepoch 9");
    hostile.push([other_epoch.as_bytes(), &good[end_of_header..]].concat());
    for (number, hostile) in hostile.into_iter().enumerate() {
        place.write("hostile.backup", hostile);
        let refused = run(&place, "new", &["restore", "hostile.backup", "--json"], 3).json();
        assert_eq!(refused["error"], "backup-damaged", "{number}");
    }
    assert_eq!(names(&place, "new"), [""; 0], "nothing of them is left");
    place.write("mail.backup", MAIL.as_str());
    assert_eq!(run(&place, "new", &["restore", "mail.backup", "--json"], 3).json()["error"], "not-a-backup");
}

#[test]
fn what_the_present_store_has_and_the_backup_has_not_is_kept() {
    let place = dave();
    run(&place, "dave", &["backup", "keys.backup"], 0);
    run(&place, "dave", &["keys", "generate", "dave@example.org"], 0);
    mail_to(&place, "dave", "second.eml");
    // Bob's two keys are a contact each.
    run(&place, "dave", &["keys", "import", "bob.pem"], 0);
    assert_eq!(run(&place, "dave", &["restore", "keys.backup", "--json"], 3).json()["error"], "store-exists");

    let restored = run(&place, "dave", &["restore", "keys.backup", "--replace", "--json"], 0).text();
    let restored: serde_json::Value = serde_json::from_str(&restored).unwrap();
    assert_eq!((restored["kept"].as_array().unwrap().len(), &restored["contacts_gone"]), (1, &2.into()));
    for mail in ["first.eml", "second.eml"] {
        run(&place, "dave", &["decrypt", mail], 0);
    }
    // It is the newest state from now on.
    run(&place, "dave", &["keys", "import", "carol.pem"], 0);
}

#[test]
fn who_begins_anew_and_restores_then_goes_on_with_the_keys_of_the_backup() {
    let place = dave();
    run(&place, "dave", &["backup", "keys.backup"], 0);
    let own = |person: &str| -> Vec<(String, bool)> {
        let listed = place.run(person, &["keys", "list", "--json"]).exits(0).text();
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        let keys = listed["keys"].as_array().unwrap();
        keys.iter().map(|key| (key["sha256"].to_string(), key["retired"].is_null())).collect()
    };
    let before = own("dave");
    run(&place, "new", &["init", "dave@example.org", "--algorithm", "p-256"], 0);
    run(&place, "new", &["init", "other@example.org", "--algorithm", "p-256"], 0);
    place.write("between.mail", MAIL.replace("bob@", "dave@"));
    run(&place, "new", &["encrypt", "--no-sign", "between.mail", "-o", "between.eml"], 0);

    let restored = run(&place, "new", &["restore", "keys.backup", "--replace", "--json"], 0).text();
    let restored: serde_json::Value = serde_json::from_str(&restored).unwrap();
    let count = |field: &str| restored[field].as_array().unwrap().len();
    assert_eq!((count("kept"), count("retired")), (6, 3), "those of another address stay in use");
    let after = own("new");
    assert!(before.iter().all(|key| after.contains(key)), "{before:?} {after:?}");
    assert_eq!(after.iter().filter(|(_, in_use)| *in_use).count(), 6);
    run(&place, "new", &["decrypt", "between.eml"], 0);
    run(&place, "new", &["doctor"], 1);
}

#[test]
fn a_store_that_does_not_open_is_not_replaced_while_it_has_keys_of_its_own() {
    let place = dave();
    run(&place, "dave", &["backup", "keys.backup"], 0);
    let init = ["init", "erin@example.org", "--passphrase-file", "other", "--algorithm", "rsa-2048"];
    place.run("erin", &init).exits(0);
    mail_to(&place, "erin", "third.eml");
    let before = place.read("erin/store.sqlite3");
    let refused = run(&place, "erin", &["restore", "keys.backup", "--replace", "--json"], 3).json();
    assert_eq!(
        (refused["error"].as_str(), refused["details"].as_array().map(Vec::len)),
        (Some("keys-missing"), Some(3))
    );
    assert_eq!(place.read("erin/store.sqlite3"), before);
    run(&place, "erin", &["restore", "keys.backup", "--replace", "--present-passphrase-file", "other"], 0);
    for mail in ["first.eml", "third.eml"] {
        run(&place, "erin", &["decrypt", mail], 0);
    }
    let list = place.run("erin", &["keys", "list"]).exits(0).text();
    assert!(list.contains("dave@example.org") && list.contains("erin@example.org"), "{list}");
}

#[test]
fn a_store_that_cannot_be_read_is_kept_aside() {
    let place = dave();
    run(&place, "dave", &["backup", "keys.backup"], 0);
    place.write("dave/store.sqlite3", vec![0x41; 40_000]);
    let said = run(&place, "dave", &["restore", "keys.backup", "--replace"], 0).stderr;
    assert!(said.contains("store.sqlite3.kept-1"), "{said}");
    assert_eq!(place.read("dave/store.sqlite3.kept-1"), vec![0x41; 40_000]);
    run(&place, "dave", &["decrypt", "first.eml"], 0);
}

#[test]
fn an_older_file_is_noticed_and_restore_is_the_way_out() {
    let place = dave();
    let older = place.read("dave/store.sqlite3");
    run(&place, "dave", &["keys", "import", "bob.pem"], 0);
    let newer = place.read("dave/store.sqlite3");
    place.write("dave/store.sqlite3", &older);
    let noticed = run(&place, "dave", &["decrypt", "--json", "first.eml"], 4).json();
    assert_eq!(noticed["error"], "store-rolled-back");
    assert!(noticed["hint"].as_str().unwrap().contains("cseal restore"));
    // With the newer file all is well; without one, the older one becomes the newest by restoring it.
    place.write("dave/store.sqlite3", newer);
    run(&place, "dave", &["decrypt", "first.eml"], 0);
    fs::remove_file(place.path("dave/store.sqlite3")).unwrap();
    place.write("older.sqlite3", &older);
    run(&place, "dave", &["restore", "older.sqlite3"], 0);
    run(&place, "dave", &["keys", "import", "bob.pem"], 0);
    run(&place, "dave", &["decrypt", "first.eml"], 0);
    // And another store in its place is noticed as well.
    place.write("dave/store.sqlite3", place.read("alice/store.sqlite3"));
    assert_eq!(run(&place, "dave", &["decrypt", "--json", "first.eml"], 4).json()["error"], "store-replaced");
}

#[test]
fn a_store_without_a_passphrase_gives_no_backup_that_everybody_opens() {
    let place = dave();
    let refused = place.run("alice", &["backup", "keys.backup", "--json"]).exits(3).json();
    assert_eq!(refused["error"], "backup-passphrase");
    let streamed = place.run("alice", &["backup", "-", "--new-passphrase-file", "other"]).exits(0);
    place.write("keys.backup", streamed.stdout);
    assert_eq!(
        run(&place, "new", &["restore", "keys.backup", "--json"], 3).json()["error"],
        "wrong-passphrase"
    );
    place.run("new", &["restore", "keys.backup", "--passphrase-file", "other"]).exits(0);
    place.run("new", &["keys", "list"]).exits(0);
}
