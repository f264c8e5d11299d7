//! What is wrong is found, and each finding says what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::people::Place;

/// The words that the doctor says of somebody, and how it exits.
fn words(place: &Place, person: &str, arguments: &[&str]) -> (i32, Vec<String>) {
    let ran = place.run(person, &[&["doctor", "--json"], arguments].concat());
    let said: Value = serde_json::from_str(&ran.text()).unwrap();
    let checks = said["checks"].as_array().unwrap();
    let findings = checks.iter().flat_map(|check| check["findings"].as_array().unwrap());
    let words = findings.map(|finding| finding["word"].as_str().unwrap().to_owned());
    (ran.code, words.collect())
}

/// Alice, with a backup: nothing is to be done.
fn healthy() -> Place {
    let place = Place::new();
    place.write("passphrase", "correct horse\n");
    place.run("alice", &["backup", "keys.backup", "--new-passphrase-file", "passphrase"]).exits(0);
    assert_eq!(words(&place, "alice", &[]), (0, vec!["no-passphrase".to_owned()]));
    place
}

fn attack(place: &Place, sql: &str) {
    let store = rusqlite::Connection::open(place.path("alice/store.sqlite3")).unwrap();
    let triggers =
        "DROP TRIGGER IF EXISTS secret_key_is_not_replaced; DROP TRIGGER IF EXISTS history_is_not_rewritten;";
    store.execute_batch(triggers).unwrap();
    store.execute_batch(sql).unwrap();
}

#[test]
fn a_new_store_needs_a_backup_and_one_with_a_passphrase_is_looked_at_as_far_as_it_opens() {
    let place = Place::new();
    assert_eq!(words(&place, "nobody", &[]), (3, vec!["no-store".to_owned()]));
    // Opening the store takes away what the copying of the folder gave to others.
    place.run("bob", &["keys", "list"]).exits(0);
    assert_eq!(words(&place, "bob", &[]), (1, vec!["no-passphrase".to_owned(), "no-backup".to_owned()]));
    place.write("passphrase", "correct horse\n");
    place.run("bob", &["passphrase", "--new-passphrase-file", "passphrase"]).exits(0);
    place.run("bob", &["backup", "bob.backup", "--passphrase-file", "passphrase"]).exits(0);
    let locked = words(&place, "bob", &[]);
    assert_eq!(locked, (0, vec!["not-opened".to_owned(), "no-recovery-code".to_owned()]));
    let opened = words(&place, "bob", &["--passphrase-file", "passphrase"]);
    assert_eq!(opened, (0, vec!["no-recovery-code".to_owned()]));
    let said = place.run("bob", &["doctor"]).exits(0).text();
    assert!(said.contains("cseal passphrase --recovery-code"), "{said}");
}

#[test]
fn what_somebody_changed_in_the_file_is_broken() {
    let changes = [
        ("UPDATE secret_key SET sealed = zeroblob(length(sealed)) WHERE id = 2", "store-tampered"),
        ("UPDATE secret_key SET created = created + 1 WHERE id = 2", "store-tampered"),
        ("UPDATE trust SET points = 240 WHERE kind = 'pin'", "store-tampered"),
        ("UPDATE history SET at = at + 1 WHERE number = 0", "history-broken"),
        ("CREATE TRIGGER helper AFTER UPDATE ON store BEGIN DELETE FROM pending; END", "store-tampered"),
        ("UPDATE store SET epoch = 0", "store-rolled-back"),
    ];
    for (change, word) in changes {
        let place = healthy();
        attack(&place, change);
        let (code, words) = words(&place, "alice", &[]);
        assert_eq!(code, 3, "{change}: {words:?}");
        assert!(words.iter().any(|found| found == word), "{change}: {words:?}");
    }
}

#[test]
fn a_key_that_somebody_took_out_is_missed_and_comes_back_from_the_backup() {
    let place = healthy();
    let store = rusqlite::Connection::open(place.path("alice/store.sqlite3")).unwrap();
    let trigger = "SELECT sql FROM sqlite_schema WHERE name = 'secret_key_stays'";
    let trigger: String = store.query_row(trigger, [], |row| row.get(0)).unwrap();
    let take_out = format!("DROP TRIGGER secret_key_stays; DELETE FROM secret_key WHERE id = 2; {trigger}");
    store.execute_batch(&take_out).unwrap();
    drop(store);
    assert_eq!(words(&place, "alice", &[]), (3, vec!["key-missing".to_owned(), "no-passphrase".to_owned()]));
    let new = ["--new-passphrase-file", "passphrase"];
    let refused =
        place.run("alice", &[&["backup", "keys.backup", "--overwrite", "--json"][..], &new].concat());
    assert_eq!(refused.exits(3).json()["error"], "key-missing");
    place.run("alice", &[&["backup", "rest.backup"][..], &new].concat()).exits(0);
    let restore = ["restore", "keys.backup", "--replace", "--passphrase-file", "passphrase"];
    place.run("alice", &restore).exits(0);
    let (code, words) = words(&place, "alice", &["--passphrase-file", "passphrase"]);
    assert!(code < 3 && !words.contains(&"key-missing".to_owned()), "{words:?}");
}

#[test]
fn permissions_leftovers_and_policy_files_are_looked_at() {
    let place = healthy();
    fs::set_permissions(place.path("alice/store.sqlite3"), fs::Permissions::from_mode(0o644)).unwrap();
    place.write("alice/store.sqlite3.restored-abc", "half");
    fs::set_permissions(place.path("alice/store.sqlite3.restored-abc"), fs::Permissions::from_mode(0o600))
        .unwrap();
    place.write("alice/policy.toml", "no-such-key = 1\n");
    fs::set_permissions(place.path("alice/policy.toml"), fs::Permissions::from_mode(0o600)).unwrap();
    let (code, words) = words(&place, "alice", &[]);
    assert_eq!(
        (code, words),
        (3, ["open-permissions", "left-over", "no-passphrase", "policy"].map(str::to_owned).into())
    );
}

#[test]
fn keys_that_no_backup_has_are_counted() {
    let place = healthy();
    place.run("alice", &["keys", "generate", "alice@example.org"]).exits(0);
    let said = place.run("alice", &["doctor"]).exits(1).text();
    assert!(said.contains("backup-incomplete") && said.contains("1 of 4 secret keys"), "{said}");
}
