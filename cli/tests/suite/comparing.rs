//! Whose key this is, and what people compare.

use crate::people::{MAIL, Place};

fn fingerprint(place: &Place, person: &str) -> String {
    String::from_utf8(place.read(&format!("{person}.fingerprint"))).unwrap()
}

/// Somebody else with Bob's address; answers with the fingerprint of their personal CA.
fn impostor(place: &Place) -> String {
    let init = ["init", "bob@example.org", "--no-passphrase", "--algorithm", "rsa-2048"];
    let made = place.run("impostor", &init).exits(0).text();
    place.run("impostor", &["keys", "export", "bob@example.org", "-o", "impostor.pem"]).exits(0);
    made.split_whitespace().next().unwrap().to_owned()
}

/// Bob's certificates without his personal CA.
fn leaves(place: &Place) -> Vec<String> {
    let all = String::from_utf8(place.read("bob.pem")).unwrap();
    let mut certificates: Vec<String> = all
        .split_inclusive("-----END CERTIFICATE-----\n")
        .map(|text| text[text.find("-----BEGIN").unwrap_or(0)..].to_owned())
        .filter(|text| text.starts_with("-----BEGIN"))
        .collect();
    assert_eq!(certificates.len(), 3);
    let bob = fingerprint(place, "bob");
    certificates.retain(|certificate| {
        place.write("one.pem", certificate);
        let shown = place.run("nobody", &["trust", "show", "bob@example.org", "--certificate", "one.pem"]);
        !shown.text().contains(&bob)
    });
    assert_eq!(certificates.len(), 2);
    place.write("leaves.pem", certificates.concat());
    certificates
}

fn mail_from_bob(place: &Place, home: &str) -> String {
    let mail =
        MAIL.replace("From: Alice <alice@", "From: Bob <bob@").replace("To: Bob <bob@", "To: Alice <alice@");
    place.write("from-bob.eml", mail);
    let signed = format!("{home}-signed.eml");
    place.run(home, &["sign", "from-bob.eml", "-o", &signed]).exits(0);
    signed
}

#[test]
fn a_personal_ca_needs_no_revocation_list_and_is_no_rival_of_its_keys() {
    let place = Place::new();
    let signed = mail_from_bob(&place, "bob");
    for policy in ["revocation = \"require\"\n", "profile = \"hardened\"\n"] {
        place.write("alice/policy.toml", policy);
        let read = place.run("alice", &["verify", "--json", &signed]);
        assert_ne!(read.code, 4, "{policy}: {}", read.stderr);
        let shown = place.run("alice", &["trust", "show", "bob@example.org"]).exits(0);
        assert!(!shown.text().contains("conflict"), "{policy}: {}", shown.text());
        place
            .run("alice", &["encrypt", "mail.eml", "--to", "bob@example.org", "-o", "out.eml", "--overwrite"])
            .exits(0);
    }
}

#[test]
fn a_second_key_of_an_address_does_not_come_in_by_itself() {
    let place = Place::new();
    let (bob, evil) = (fingerprint(&place, "bob"), impostor(&place));
    place.run("carol", &["keys", "import", "bob.pem"]).exits(0);
    for more in [&[][..], &["--json"]] {
        let refused = place.run("carol", &[&["keys", "import", "impostor.pem"], more].concat()).exits(4);
        let both = refused.stderr.contains(&bob) && refused.stderr.contains(&evil);
        assert!(both && refused.stderr.contains("--replace"), "{}", refused.stderr);
    }
    let mail = "From: carol@example.org\r\nTo: bob@example.org\r\nSubject: x\r\n\r\nHi.\r\n";
    place.write("to-bob.eml", mail);
    place.run("carol", &["encrypt", "to-bob.eml", "-o", "out.eml"]).exits(0);
    place.run("bob", &["decrypt", "out.eml"]).exits(0);
    let signed = mail_from_bob(&place, "impostor");
    place.run("carol", &["verify", &signed]).exits(4);
}

#[test]
fn a_known_key_goes_for_another_one_where_that_was_said() {
    let place = Place::new();
    let evil = impostor(&place);
    let theirs = mail_from_bob(&place, "bob");
    // The first one is wrong, and mail came with it too.
    place.run("carol", &["keys", "import", "impostor.pem"]).exits(0);
    let wrong = mail_from_bob(&place, "impostor");
    place.run("carol", &["verify", &wrong]).exits(1);
    place.run("carol", &["verify", &theirs]).exits(4);
    assert!(place.run("carol", &["keys", "import", "bob.pem"]).exits(4).stderr.contains(&evil));
    place.run("carol", &["keys", "import", "bob.pem", "--replace"]).exits(0);
    place.run("carol", &["verify", &theirs]).exits(1);
    place.run("carol", &["verify", &wrong]).exits(4);
    place.run("carol", &["trust", "history"]).exits(0);
    // And back again: what it was known for before does not count.
    place.run("carol", &["keys", "import", "impostor.pem", "--replace"]).exits(0);
    place.run("carol", &["verify", &wrong]).exits(1);
    place.run("carol", &["verify", &theirs]).exits(4);
    place.run("carol", &["trust", "history"]).exits(0);
}

#[test]
fn a_compared_key_goes_only_for_another_compared_one() {
    let place = Place::new();
    let evil = impostor(&place);
    let refused = place.run("alice", &["keys", "import", "impostor.pem", "--replace"]).exits(4);
    assert!(refused.stderr.contains(&fingerprint(&place, "bob")), "{}", refused.stderr);
    place.run("alice", &["keys", "import", "impostor.pem", "--pin", &evil, "--replace"]).exits(0);
}

#[test]
fn a_persons_other_keys_under_the_same_personal_ca_are_no_conflict() {
    let place = Place::new();
    let leaf = leaves(&place).remove(0);
    place.write("leaf.pem", leaf);
    place.run("carol", &["trust", "pin", "bob@example.org", "--certificate", "leaf.pem"]).exits(0);
    place.run("carol", &["keys", "import", "bob.pem"]).exits(0);
    let signed = mail_from_bob(&place, "bob");
    let read = place.run("carol", &["verify", &signed]);
    assert_ne!(read.code, 4, "{}", read.stderr);
    place.run("carol", &["trust", "pin", "bob@example.org", &fingerprint(&place, "bob")]).exits(0);
    place.run("carol", &["verify", &signed]).exits(0);
}

#[test]
fn leaves_come_in_under_the_personal_ca_that_is_known() {
    let place = Place::new();
    leaves(&place);
    let bob = fingerprint(&place, "bob");
    place.run("alice", &["keys", "import", "leaves.pem", "--pin", &bob]).exits(0);
}

#[test]
fn what_is_no_whole_fingerprint_is_told_from_one_that_differs() {
    let place = Place::new();
    let pin = |typed: &str, exit| {
        place.run("alice", &["trust", "pin", "carol@example.org", typed]).exits(exit).stderr
    };
    assert!(pin("MBJH-UVS2-Z2Q4-OF7C-MGP6-ZLO7-BJMY", 4).contains("one of you is being deceived"));
    assert!(pin(&fingerprint(&place, "carol")[..19], 2).contains("type 5 of them or more"));
    let meeting = place.run("alice", &["trust", "meet", "carol@example.org", "--json"]).exits(0).stdout;
    let meeting: serde_json::Value = serde_json::from_slice(&meeting).unwrap();
    assert!(pin(meeting["digits"].as_str().unwrap(), 2).contains("cseal trust meet carol@example.org"));
}

#[test]
fn nobody_compares_a_key_that_stands_for_nobody() {
    let place = Place::new();
    leaves(&place);
    let bob = fingerprint(&place, "bob");
    place.run("carol", &["keys", "import", "leaves.pem"]).exits(0);
    for arguments in [&["meet", "bob@example.org"][..], &["pin", "bob@example.org", &bob]] {
        let refused = place.run("carol", &[&["trust"], arguments].concat()).exits(3);
        assert!(refused.stderr.contains("personal CA of bob@example.org is not known"), "{}", refused.stderr);
    }
    place.run("carol", &["keys", "import", "bob.pem"]).exits(0);
    let met = place.run("carol", &["trust", "meet", "bob@example.org"]).exits(0).text();
    assert!(met.contains(&format!("cseal trust pin bob@example.org {bob}")), "{met}");
    place.run("carol", &["trust", "pin", "bob@example.org", &bob]).exits(0);
}

#[test]
fn what_people_compare_is_named_where_a_key_comes_in_and_where_it_is_listed() {
    let place = Place::new();
    let bob = fingerprint(&place, "bob");
    let leaf = leaves(&place).remove(0);
    place.write("leaf.pem", leaf);
    let lacking = place.run("carol", &["keys", "import", "leaves.pem"]).exits(0).text();
    assert!(lacking.contains("their personal CA, which this file lacks"), "{lacking}");
    let whole = place.run("carol", &["keys", "import", "bob.pem"]).exits(0).text();
    assert!(whole.contains(&format!("{bob}\n    cseal trust meet bob@example.org\n")), "{whole}");
    let list = place.run("carol", &["keys", "list", "bob@example.org"]).exits(0).text();
    assert!(list.contains(&format!("to compare: {bob}\n")), "{list}");
    let compared = place.run("alice", &["keys", "import", "bob.pem"]).exits(0).text();
    assert!(!compared.contains("to compare"), "{compared}");
    let leaf = place.run("carol", &["trust", "pin", "bob@example.org", "--certificate", "leaf.pem"]);
    assert!(leaf.exits(0).stderr.contains(&bob));
}

#[test]
fn published_records_hold_what_people_compare() {
    let place = Place::new();
    let publish =
        |more: &[&str]| place.run("bob", &[&["keys", "publish", "--smimea"], more].concat()).exits(0).text();
    assert_eq!(publish(&[]).matches(" SMIMEA 2 0 0 ").count(), 1, "{}", publish(&[]));
    assert_eq!(publish(&["--matching", "sha256"]).matches(" SMIMEA 2 ").count(), 0);
}

#[test]
fn a_conflict_names_both_keys_and_what_to_do() {
    let place = Place::new();
    let evil = impostor(&place);
    let signed = mail_from_bob(&place, "impostor");
    let read = place.run("alice", &["verify", &signed]).exits(4).stderr;
    let bob = fingerprint(&place, "bob");
    for expected in [format!("signed by  {evil}"), format!("you know   {bob}")] {
        assert!(read.contains(&expected), "{read}");
    }
    assert!(read.contains("cseal trust show bob@example.org"), "{read}");
    let both = place.run("alice", &["verify", "--json", &signed]).exits(4).json();
    assert_eq!(both["signers"][0]["contradiction"], serde_json::json!({ "new": evil, "known": bob }));
    let refused = place.run("alice", &["keys", "import", &signed]).exits(4).stderr;
    assert!(refused.contains(&evil) && refused.contains(&bob), "{refused}");
    let refused = place.run("bob", &["verify", "--accept", "verified", &mail_from_bob(&place, "bob")]);
    assert!(!refused.stderr.contains("trust meet"), "{}", refused.stderr);
}

#[test]
fn the_explanation_says_how_a_contact_becomes_verified_and_what_counts_once() {
    let place = Place::new();
    let carol = place.run("alice", &["trust", "show", "carol@example.org"]).exits(0).text();
    assert!(carol.contains("For verified: cseal trust meet carol@example.org\n"), "{carol}");
    assert!(
        carol.contains("the way in which the key came to you") && !carol.contains("history of your mail")
    );
    let bob = place.run("alice", &["trust", "show", "bob@example.org"]).exits(0).text();
    assert!(bob.contains("not added up") && !bob.contains("without comparing"), "{bob}");
    assert!(!bob.contains("For verified"), "{bob}");
}
