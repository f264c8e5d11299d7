//! What opens the store is changed, and nothing of the old way in is left.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::people::{MAIL, Place};

/// Dave, whose store has a passphrase, and a mail to him.
fn dave() -> Place {
    let place = Place::new();
    place.write("old", "correct horse\n");
    place.write("new", "battery staple\n");
    let init = ["init", "dave@example.org", "--passphrase-file", "old", "--algorithm", "rsa-2048"];
    place.run("dave", &init).exits(0);
    place.run("dave", &["keys", "export", "dave@example.org", "-o", "dave.pem"]).exits(0);
    place.run("alice", &["keys", "import", "dave.pem"]).exits(0);
    place.write("mail.eml", MAIL.replace("bob@", "dave@"));
    place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(0);
    place
}

/// The wraps of the store's master key, as they stand in the file.
fn wraps(place: &Place) -> Vec<Vec<u8>> {
    let store = rusqlite::Connection::open(place.path("dave/store.sqlite3")).unwrap();
    let mut statement = store.prepare("SELECT wrapped FROM unlock_slot").unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Files of the store's directory that hold some bytes.
fn holders(directory: &Path, bytes: &[u8]) -> Vec<String> {
    let files = fs::read_dir(directory).unwrap().map(Result::unwrap);
    let holds = |path: &Path| fs::read(path).unwrap().windows(bytes.len()).any(|window| window == bytes);
    files
        .filter(|file| holds(&file.path()))
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn the_new_passphrase_opens_and_nothing_of_the_old_one_is_left() {
    let place = dave();
    let old = wraps(&place);
    assert_eq!(holders(&place.path("dave"), &old[0]), ["store.sqlite3"], "the search finds what is there");
    let change = ["passphrase", "--passphrase-file", "old", "--new-passphrase-file", "new", "--json"];
    let said: serde_json::Value = serde_json::from_str(&place.run("dave", &change).exits(0).text()).unwrap();
    assert_eq!(said["slots"], serde_json::json!(["passphrase"]));
    assert_eq!(holders(&place.path("dave"), &old[0]), [""; 0]);
    place.run("dave", &["decrypt", "--passphrase-file", "new", "out.eml"]).exits(0);
    let old =
        place.run("dave", &["decrypt", "--json", "--passphrase-file", "old", "out.eml"]).exits(3).json();
    assert_eq!(old["error"], "wrong-passphrase");
}

#[test]
fn a_suspected_passphrase_changes_the_stores_key_and_says_what_that_does_not_help_against() {
    let place = dave();
    place
        .run(
            "dave",
            &["passphrase", "--passphrase-file", "old", "--recovery-code", "--recovery-file", "code"],
        )
        .exits(0);
    let copy = place.read("dave/store.sqlite3");
    let before = wraps(&place);
    let change = ["passphrase", "--passphrase-file", "old", "--new-passphrase-file", "new", "--suspected"];
    let said = place.run("dave", &change).exits(0).stderr;
    assert!(said.contains("does not help against somebody who has a copy"), "{said}");
    for wrap in before {
        assert_eq!(holders(&place.path("dave"), &wrap), [""; 0]);
    }
    place.run("dave", &["decrypt", "--passphrase-file", "new", "out.eml"]).exits(0);
    let gone = ["decrypt", "--json", "--recovery-code-file", "code", "out.eml"];
    assert_eq!(place.run("dave", &gone).exits(3).json()["error"], "wrong-recovery-code");
    // It is said because it is so: a copy from before opens with the old passphrase.
    fs::create_dir(place.path("thief")).unwrap();
    place.write("thief/store.sqlite3", copy);
    fs::set_permissions(place.path("thief"), fs::Permissions::from_mode(0o700)).unwrap();
    place.run("thief", &["decrypt", "--passphrase-file", "old", "out.eml"]).exits(0);
}

#[test]
fn the_recovery_code_opens_the_store_in_every_command_however_it_is_typed() {
    let place = dave();
    let make = ["passphrase", "--passphrase-file", "old", "--recovery-code", "--recovery-file", "code"];
    place.run("dave", &make).exits(0);
    assert_eq!(place.run("dave", &make).exits(3).stderr.lines().next(), Some("error: code exists already"));
    assert_eq!(fs::metadata(place.path("code")).unwrap().permissions().mode() & 0o777, 0o600);
    let code = String::from_utf8(place.read("code")).unwrap();
    assert_eq!((code.len(), code.matches('-').count()), (35, 6));
    place.write("typed", code.to_lowercase().replace('-', " "));
    place.run("dave", &["decrypt", "--recovery-code-file", "typed", "out.eml"]).exits(0);
    place.run("dave", &["decrypt", "--passphrase-file", "old", "out.eml"]).exits(0);
    // Whoever forgot the passphrase gets a new one.
    place
        .run("dave", &["passphrase", "--recovery-code-file", "typed", "--new-passphrase-file", "new"])
        .exits(0);
    place.run("dave", &["decrypt", "--passphrase-file", "new", "out.eml"]).exits(0);

    let wrong = code.replacen(char::is_alphabetic, "2", 1);
    place.write("mistyped", if wrong == code { code.replacen('2', "3", 1) } else { wrong });
    let refused =
        place.run("dave", &["decrypt", "--json", "--recovery-code-file", "mistyped", "out.eml"]).exits(3);
    assert_eq!(refused.json()["error"], "not-a-recovery-code");
    place.run("dave", &["passphrase", "--passphrase-file", "new", "--no-recovery-code"]).exits(0);
    let gone = place.run("dave", &["decrypt", "--json", "--recovery-code-file", "typed", "out.eml"]).exits(3);
    assert_eq!(gone.json()["error"], "wrong-recovery-code");
}

#[test]
fn without_a_passphrase_everything_opens_and_a_new_one_closes_it_again() {
    let place = dave();
    place.run("dave", &["passphrase", "--passphrase-file", "old", "--none"]).exits(0);
    place.run("dave", &["decrypt", "out.eml"]).exits(0);
    place.run("dave", &["passphrase", "--new-passphrase-file", "new"]).exits(0);
    assert_eq!(place.run("dave", &["decrypt", "--json", "out.eml"]).exits(3).json()["error"], "locked");
    place.write("empty", "\n");
    place.run("dave", &["passphrase", "--passphrase-file", "new", "--new-passphrase-file", "empty"]).exits(2);
    let refused =
        place.run("dave", &["passphrase", "--passphrase-file", "new", "--recovery-code", "--json"]).exits(3);
    assert_eq!(refused.json()["error"], "no-terminal");
}
