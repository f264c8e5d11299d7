//! Keys go in and out, and stay what they are.

use std::process::Command;

use crate::people::{MAIL, Place};

#[test]
fn a_store_with_a_passphrase_opens_with_it_alone() {
    let place = Place::new();
    place.write("passphrase", "correct horse\n");
    place.write("wrong", "battery staple\n");
    let init = ["init", "dave@example.org", "--passphrase-file", "passphrase", "--algorithm", "rsa-2048"];
    place.run("dave", &init).exits(0);
    place.run("dave", &["keys", "export", "dave@example.org", "-o", "dave.pem"]).exits(0);
    place.run("alice", &["keys", "import", "dave.pem"]).exits(0);
    place.write("mail.eml", MAIL.replace("bob@", "dave@"));
    place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(0);

    let locked = place.run("dave", &["decrypt", "--json", "out.eml"]).exits(3).json();
    assert_eq!(locked["error"], "locked");
    assert!(locked["details"].to_string().contains("which is your key"), "{locked}");
    assert!(locked["hint"].to_string().contains("--passphrase-file"));
    let wrong =
        place.run("dave", &["decrypt", "--json", "--passphrase-file", "wrong", "out.eml"]).exits(3).json();
    assert_eq!(wrong["error"], "wrong-passphrase");
    place.run("dave", &["decrypt", "--passphrase-file", "passphrase", "out.eml"]).exits(0);
    let from_descriptor = ["decrypt", "--passphrase-fd", "0", "out.eml"];
    place.pipe("dave", &from_descriptor, b"correct horse\n").exits(0);
    place.run("dave", &["keys", "list"]).exits(0);
}

#[test]
fn without_a_terminal_nothing_is_asked() {
    let place = Place::new();
    let refused = place.run("dave", &["init", "dave@example.org"]).exits(3);
    assert!(refused.stderr.contains("--passphrase-file") && refused.stderr.contains("--no-passphrase"));
    assert!(!place.path("dave").exists());
}

#[test]
fn keys_move_in_every_form_and_open_old_mail() {
    let place = Place::new();
    place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(0);
    place.write("transport", "transport\n");
    place.write("store", "store\n");
    for format in ["p12", "p12-legacy", "pkcs8"] {
        let file = format!("{format}.file");
        let export = ["keys", "export", "bob@example.org", "--secret", "--format", format];
        let to = ["--new-passphrase-file", "transport", "-o", &file];
        place.run("bob", &[&export[..], &to].concat()).exits(0);
        let home = format!("new-{format}");
        let import =
            ["keys", "import", &file, "--passphrase-file", "transport", "--store-passphrase-file", "store"];
        place.run(&home, &import).exits(0);
        place.run(&home, &import).exits(0);
        let opened = place.run(&home, &["decrypt", "--passphrase-file", "store", "out.eml"]).exits(0);
        assert!(opened.text().contains("let us meet."));
    }
    let wrong =
        ["keys", "import", "p12.file", "--passphrase-file", "store", "--store-passphrase-file", "store"];
    assert!(place.run("new-p12", &wrong).exits(3).stderr.contains("passphrase"));
}

#[test]
fn a_signed_mail_makes_its_author_a_contact() {
    let place = Place::new();
    place.write(
        "mail.eml",
        "From: carol@example.org\r\nTo: bob@example.org\r\nSubject: Hello\r\n\r\nHello.\r\n",
    );
    place.run("carol", &["sign", "mail.eml", "-o", "signed.eml"]).exits(0);
    place.write("answer.eml", "From: bob@example.org\r\nTo: carol@example.org\r\nSubject: Hi\r\n\r\nHi.\r\n");
    place.run("bob", &["encrypt", "answer.eml"]).exits(1);
    place.run("bob", &["keys", "import", "signed.eml"]).exits(0);
    place.run("bob", &["encrypt", "answer.eml", "-o", "out.eml"]).exits(0);
    place.run("carol", &["decrypt", "out.eml"]).exits(0);
    place.run("bob", &["verify", "signed.eml"]).exits(1);
    let fingerprint = String::from_utf8(place.read("carol.fingerprint")).unwrap();
    place.run("bob", &["keys", "import", "signed.eml", "--pin", &fingerprint]).exits(0);
    place.run("bob", &["verify", "signed.eml"]).exits(0);
    let forged = String::from_utf8(place.read("signed.eml")).unwrap().replace("From: carol@", "From: dave@");
    place.write("forged.eml", forged);
    place.run("bob", &["keys", "import", "forged.eml"]).exits(1);
    assert!(!place.run("bob", &["keys", "list"]).exits(0).text().contains("dave@"));
}

#[test]
fn another_key_for_a_compared_contact_is_a_contradiction() {
    let place = Place::new();
    place
        .run("impostor", &["init", "bob@example.org", "--no-passphrase", "--algorithm", "rsa-2048"])
        .exits(0);
    place.run("impostor", &["keys", "export", "bob@example.org", "-o", "impostor.pem"]).exits(0);
    let refused = place.run("alice", &["keys", "import", "impostor.pem"]).exits(4);
    assert!(refused.stderr.contains("bob@example.org changed keys"), "{}", refused.stderr);
    let bob = String::from_utf8(place.read("bob.fingerprint")).unwrap();
    place.run("alice", &["keys", "import", "impostor.pem", "--pin", &bob]).exits(4);

    place.write(
        "mail.eml",
        MAIL.replace("From: Alice <alice@", "From: Bob <bob@").replace("To: Bob <bob@", "To: Alice <alice@"),
    );
    place.run("impostor", &["sign", "mail.eml", "-o", "signed.eml"]).exits(0);
    let conflict = place.run("alice", &["verify", "--json", "signed.eml"]).exits(4).json();
    assert_eq!(conflict["verdict"], "conflict");
}

#[test]
fn secret_keys_for_the_address_of_a_compared_contact_are_a_contradiction() {
    let place = Place::new();
    place
        .run("impostor", &["init", "bob@example.org", "--no-passphrase", "--algorithm", "rsa-2048"])
        .exits(0);
    place.write("transport", "transport\n");
    let export = ["keys", "export", "bob@example.org", "--secret", "--format", "p12"];
    let to = ["--new-passphrase-file", "transport", "-o", "impostor.p12"];
    place.run("impostor", &[&export[..], &to].concat()).exits(0);
    let import = ["keys", "import", "impostor.p12", "--passphrase-file", "transport"];
    let refused = place.run("alice", &import).exits(4);
    assert!(refused.stderr.contains("bob@example.org changed keys"), "{}", refused.stderr);
    place.write("mail.eml", MAIL.replace("From: Alice <alice@", "From: Bob <bob@"));
    place.run("impostor", &["sign", "mail.eml", "-o", "signed.eml"]).exits(0);
    let conflict = place.run("alice", &["verify", "--json", "signed.eml"]).exits(4).json();
    assert_eq!(conflict["verdict"], "conflict");
    // Whose keys were compared, theirs may come in: they may be one's own of another store.
    place
        .run("bob", &[&export[..], &["--new-passphrase-file", "transport", "-o", "bob.p12"]].concat())
        .exits(0);
    place.run("alice", &["keys", "import", "bob.p12", "--passphrase-file", "transport"]).exits(0);
}

#[test]
fn further_keys_come_under_the_same_personal_ca() {
    let place = Place::new();
    place.run("alice", &["keys", "generate", "alice@example.org", "--algorithm", "ml-kem-768"]).exits(0);
    place.run("alice", &["keys", "export", "alice@example.org", "-o", "new.pem"]).exits(0);
    place.run("bob", &["keys", "import", "new.pem"]).exits(0);
    place.write(
        "mail.eml",
        MAIL.replace("From: Alice <alice@", "From: Bob <bob@").replace("To: Bob <bob@", "To: Alice <alice@"),
    );
    place.run("bob", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(0);
    let read = place.run("alice", &["decrypt", "--json", "out.eml"]).exits(0).json();
    let kinds: Vec<_> =
        read["encrypted"]["recipients"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert!(kinds.iter().any(|kind| **kind == "key-encapsulation"), "{kinds:?}");
}

#[test]
fn lists_name_every_key_once() {
    let place = Place::new();
    let list: serde_json::Value =
        serde_json::from_slice(&place.run("alice", &["keys", "list", "--json"]).exits(0).stdout).unwrap();
    let uses: Vec<_> = list["keys"].as_array().unwrap().iter().map(|key| key["use"].clone()).collect();
    assert_eq!(uses, ["personal-ca", "signing", "encryption"]);
    let one = place.run("alice", &["keys", "list", "carol@example.org"]).exits(0).text();
    assert!(one.contains("carol@") && !one.contains("bob@"));
    let bob = String::from_utf8(place.read("bob.fingerprint")).unwrap();
    assert!(place.run("alice", &["keys", "show", &bob]).exits(0).text().contains("compared by you"));
    place.run("alice", &["keys", "show", "nobody@example.org"]).exits(3);
}

#[test]
fn an_import_names_every_key_once_and_a_personal_ca_only_where_it_is_pinned() {
    let place = Place::new();
    let bob = String::from_utf8(place.read("bob.fingerprint")).unwrap();
    place.run("dave", &["init", "dave@example.org", "--no-passphrase", "--algorithm", "rsa-2048"]).exits(0);
    let contacts = |arguments: &[&str]| {
        let report = place.run("dave", arguments).exits(0).text();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let contacts = report["files"][0]["contacts"].as_array().unwrap().clone();
        let fingerprints = contacts.iter().map(|contact| contact["fingerprint"].as_str().unwrap().to_owned());
        let mut fingerprints: Vec<String> = fingerprints.collect();
        fingerprints.sort_unstable();
        fingerprints
    };
    let plain = contacts(&["keys", "import", "--json", "bob.pem"]);
    assert!(plain.len() == 2 && !plain.contains(&bob));
    let mut expected = [plain, vec![bob.clone()]].concat();
    expected.sort_unstable();
    assert_eq!(contacts(&["keys", "import", "--json", "bob.pem", "--pin", &bob]), expected);
}

#[test]
fn new_keys_of_a_contact_come_in_with_a_new_comparison_and_not_without() {
    let place = Place::new();
    let made = place.run("bob-anew", &["init", "bob@example.org", "--no-passphrase"]).exits(0);
    let new = made.text().split_whitespace().next().unwrap().to_owned();
    place.run("bob-anew", &["keys", "export", "bob@example.org", "-o", "new.pem"]).exits(0);
    for refused in [&["keys", "import", "new.pem"][..], &["keys", "import", "new.pem", "--pin", &new]] {
        let refused = place.run("alice", refused).exits(4);
        assert!(refused.stderr.contains(&new) && refused.stderr.contains("--replace"), "{}", refused.stderr);
    }
    place.run("alice", &["keys", "import", "new.pem", "--pin", &new, "--replace"]).exits(0);
    place.write("answer.eml", "From: bob@example.org\r\nTo: alice@example.org\r\n\r\nHi.\r\n");
    for (home, exit) in [("bob-anew", 0), ("bob", 4)] {
        let signed = format!("{home}.eml");
        place.run(home, &["sign", "answer.eml", "-o", &signed]).exits(0);
        place.run("alice", &["verify", &signed]).exits(exit);
    }
    place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(0);
    place.run("bob-anew", &["decrypt", "out.eml"]).exits(0);
}

#[test]
fn a_comparison_is_about_one_address_unless_more_are_named() {
    let place = Place::new();
    let request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-out"];
    let names =
        ["both.pem", "-subj", "/CN=Mallory", "-addext", "basicConstraints=critical,CA:FALSE", "-addext"];
    let addresses = ["subjectAltName=email:mallory@example.org,email:carol@example.org"];
    let made = Command::new("openssl")
        .args([&request[..], &names, &addresses].concat())
        .current_dir(place.path(""))
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let import = ["keys", "import", "--json", "both.pem", "--pin"];
    let wrong = place.run("bob", &[&import[..], &["MAAA-AAAA-AAAA-AAAA-AAAA"]].concat()).exits(4).json();
    let fingerprint = wrong["details"][0].as_str().unwrap().to_owned();

    let refused = place.run("bob", &[&import[..], &[&fingerprint]].concat()).exits(2).json();
    assert_eq!(refused["error"], "several-addresses");
    assert_eq!(refused["details"].to_string(), r#"["mallory@example.org","carol@example.org"]"#);
    let stranger = [&import[..], &[&fingerprint, "--address", "alice@example.org"]].concat();
    assert_eq!(place.run("bob", &stranger).exits(3).json()["error"], "no-address");

    place.run("bob", &[&import[..], &[&fingerprint, "--address", "Mallory@example.org"]].concat()).exits(0);
    for (address, points) in [("mallory@example.org", 120), ("carol@example.org", 10)] {
        let listed = place.run("bob", &["keys", "list", "--json", address]).exits(0);
        let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
        assert_eq!(listed["contacts"][0]["points"], points, "{listed}");
    }
}

#[test]
fn of_a_mail_that_is_imported_by_hand_only_what_belongs_to_its_signature_is_taken() {
    let place = Place::new();
    let openssl = |arguments: &str| {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let ran = Command::new("openssl").args(&arguments).current_dir(place.path(".")).output();
        ran.is_ok_and(|output| output.status.success())
    };
    let new = "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=Dave -addext basicConstraints=CA:FALSE \
        -addext subjectAltName=email:dave@example.org";
    let makes = |name: &str| openssl(&format!("{new} -keyout {name}.key -out {name}.pem"));
    if !makes("dave") || !makes("smuggled") {
        eprintln!("SKIPPED: openssl is not installed");
        return;
    }
    // Whoever relays a mail can put certificates into it: nobody signed that they are there.
    place.write("signer.pem", [place.read("dave.pem"), place.read("smuggled.pem")].concat());
    place.write("draft.eml", MAIL.replace("Alice <alice@", "Dave <dave@"));
    let sign = ["sign", "draft.eml", "-o", "in.eml", "--key", "dave.key", "--signer", "signer.pem"];
    place.run("nobody", &sign).exits(0);
    let taken = place.run("alice", &["keys", "import", "in.eml", "--json"]).exits(0);
    let taken: serde_json::Value = serde_json::from_slice(&taken.stdout).unwrap();
    assert_eq!(taken["files"][0]["certificates"], 1, "{taken}");
    assert_eq!(taken["files"][0]["contacts"].as_array().unwrap().len(), 1, "{taken}");
    let shown = place.run("alice", &["trust", "show", "dave@example.org", "--json"]);
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert!(shown["others"].as_array().unwrap().is_empty(), "{shown}");
}

#[test]
fn a_kind_that_nobody_can_encrypt_to_is_refused_and_leaves_no_store_behind() {
    let place = Place::new();
    let init = ["init", "new@example.org", "--no-passphrase", "--algorithm"];
    place.run("new", &[&init[..], &["ed25519"]].concat()).exits(2);
    place.run("new", &["keys", "list"]).exits(3);
    place.run("new", &[&init[..], &["p-256"]].concat()).exits(0);
}

#[test]
fn a_backup_is_no_file_of_keys_and_the_hint_names_the_command_that_takes_it() {
    let place = Place::new();
    place.write("new-passphrase", "correct horse\n");
    place.run("alice", &["backup", "a.backup", "--new-passphrase-file", "new-passphrase"]).exits(0);
    let refused = place.run("alice", &["keys", "import", "a.backup"]).exits(3);
    assert!(refused.stderr.contains("cseal restore a.backup"), "{}", refused.stderr);
    let refused = place.run("alice", &["keys", "remove", "bob@example.org"]).exits(3);
    assert!(refused.stderr.contains("cseal trust forget bob@example.org"), "{}", refused.stderr);
}
