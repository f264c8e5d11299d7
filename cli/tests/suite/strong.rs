//! Addresses that name their key, and that nothing of it leaves.

use std::fs;

use crate::people::{MAIL, Place};

fn fingerprint(place: &Place, person: &str) -> String {
    String::from_utf8(place.read(&format!("{person}.fingerprint"))).unwrap()
}

/// Letters and digits of everything that was written, base64 decoded where lines are that.
fn everything(place: &Place, file: &str, reader: &str) -> String {
    let opened = place.run(reader, &["decrypt", file, "--keep-signature"]).exits(0).text();
    let both = format!("{}{opened}", String::from_utf8(place.read(file)).unwrap());
    both.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase()
}

fn pins(place: &Place, person: &str) -> Vec<serde_json::Value> {
    let list = place.run(person, &["trust", "list", "--json"]).exits(0);
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    list["pins"].as_array().unwrap().clone()
}

#[test]
fn nothing_of_a_named_key_leaves_by_whatever_way_it_was_named() {
    let key = fingerprint(&Place::new(), "carol");
    let short = key.rsplit_once('-').unwrap().0.to_lowercase();
    for (field, option) in [
        (format!("To: {key}?carol@example.org"), None),
        (format!("To: Carol <carol@example.org={short}>"), None),
        (format!("Cc: \"{key}?carol@example.org\" <{key}?carol@example.org>"), None),
        (format!("Bcc: {key}?carol@example.org"), None),
        ("X: y".to_owned(), Some(("--to", format!("{key}?carol@example.org")))),
        ("X: y".to_owned(), Some(("--bcc", format!("carol@example.org={short}")))),
    ] {
        let place = Place::new();
        let key = fingerprint(&place, "carol");
        let mail = MAIL.replace("To: Bob <bob@example.org>", &field);
        place.write("named.eml", &mail);
        let mut arguments = vec!["encrypt", "named.eml", "-o", "out.eml", "--status", "out.json"];
        if let Some((option, address)) = &option {
            arguments.extend([*option, address.as_str()]);
        }
        let ran = place.run("alice", &arguments).exits(0);
        let letters: String = key.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
        assert!(!everything(&place, "out.eml", "carol").contains(&letters), "{field} {option:?}");
        let json = fs::read_to_string(place.path("out.json")).unwrap();
        assert!(json.contains("\"carol@example.org\"") && !json.contains('?'), "{json}");
        assert!(!format!("{json}{}", ran.stderr).to_uppercase().contains(&letters[..4]), "{json}");
        let pins = pins(&place, "alice");
        let pin = pins.iter().find(|pin| pin["address"] == "carol@example.org").unwrap();
        assert_eq!((&pin["by"], &pin["points"]), (&"strong-address".into(), &120.into()));
    }
}

#[test]
fn no_copy_tells_other_readers_of_a_named_key() {
    let place = Place::new();
    let key = fingerprint(&place, "carol");
    let to = format!(
        "To: Bob <bob@example.org>\r\nReply-To: {key}?alice@example.org\r\nBcc: {key}?carol@example.org"
    );
    place.write("named.eml", MAIL.replace("To: Bob <bob@example.org>", &to));
    let written = ["encrypt", "named.eml", "--output-directory", "copies", "--json", "-v"];
    let ran = place.run("alice", &written).exits(0);
    let letters: String = key.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
    for (copy, reader) in [("copies/copy-1.eml", "bob"), ("copies/copy-2.eml", "carol")] {
        assert!(!everything(&place, copy, reader).contains(&letters), "{copy}");
    }
    let list = String::from_utf8(place.read("copies/copies.json")).unwrap();
    for text in [list, ran.text(), ran.stderr] {
        assert!(!text.replace('-', "").contains(&letters) && !text.contains('?'), "{text}");
    }
}

#[test]
fn a_key_that_is_named_must_be_the_one() {
    let place = Place::new();
    let other = fingerprint(&place, "bob");
    let refused = place
        .run("alice", &["encrypt", "mail.eml", "-o", "x.eml", "--to", &format!("{other}?carol@example.org")])
        .exits(1);
    assert!(refused.stderr.contains("carol@example.org  not-the-pin"), "{}", refused.stderr);
    let refused =
        place.run("alice", &["encrypt", "mail.eml", "-o", "x.eml", "--to", "?carol@example.org"]).exits(1);
    assert!(refused.stderr.contains("carol@example.org  below-required"), "{}", refused.stderr);
    place.run("alice", &["encrypt", "mail.eml", "-o", "x.eml", "--to", "?bob@example.org"]).exits(0);
    place
        .run("alice", &["encrypt", "mail.eml", "-o", "y.eml", "--to", "MBJH-UVS2?carol@example.org"])
        .exits(2);
    assert!(!place.path("y.eml").exists());
}

#[test]
fn what_stands_in_an_answer_is_no_comparison() {
    let place = Place::new();
    let key = fingerprint(&place, "carol");
    let mail = MAIL.replace(
        "To: Bob",
        &format!("In-Reply-To: <0@example.org>\r\nCc: {key}?carol@example.org\r\nTo: Bob"),
    );
    place.write("answer.eml", &mail);
    place.run("alice", &["encrypt", "answer.eml", "-o", "out.eml"]).exits(0);
    assert!(!everything(&place, "out.eml", "bob").contains(&key.replace('-', "")));
    assert!(pins(&place, "alice").iter().all(|pin| pin["address"] == "bob@example.org"));
}

#[test]
fn a_key_is_named_for_bytes_too_and_by_the_fingerprint_of_its_twin() {
    let place = Place::new();
    place
        .run("carol", &["keys", "export", "carol@example.org", "--for", "openpgp", "-o", "carol.asc"])
        .exits(0);
    let mut web = counterseal_core::openpgp::Web::new();
    let twin = web.import(&[&place.read("carol.asc")]).unwrap().read[0].to_string();
    let seal = |to: &str| {
        place.run("alice", &["encrypt", "--cms", "mail.eml", "--overwrite", "-o", "x.p7m", "--to", to])
    };
    seal(&format!("openpgp4fpr:{twin}??carol@example.org")).exits(0);
    assert_eq!(pins(&place, "alice").len(), 1, "who is relied on for one message is not compared");
    seal(&format!("carol@example.org=openpgp4fpr:{}", twin.to_lowercase())).exits(0);
    assert!(pins(&place, "alice").iter().any(|pin| pin["by"] == "strong-address" && pin["points"] == 120));
    seal(&format!("{twin}?bob@example.org")).exits(1);
}

#[test]
fn a_mail_that_demands_a_key_is_not_only_signed() {
    let place = Place::new();
    let key = fingerprint(&place, "bob");
    place.write("named.eml", MAIL.replace("<bob@", &format!("<{key}?bob@")));
    let refused = place.run("alice", &["sign", "named.eml", "-o", "out.eml"]).exits(2);
    assert!(refused.stderr.contains("hint: use `cseal encrypt`") && !place.path("out.eml").exists());
}

#[test]
fn a_named_key_can_be_asked_about_compared_and_forgotten() {
    let place = Place::new();
    let key = fingerprint(&place, "carol");
    let named = format!("carol@example.org={key}");
    let short = format!("{}?carol@example.org", &key[..24]);
    let show = |address: &str| {
        let ran = place.run("alice", &["trust", "show", "--json", address]);
        let json: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
        (json["score"].clone(), json["level"].clone(), ran.code)
    };
    assert_eq!(show(&named), (120.into(), "verified".into(), 0));
    assert_eq!(show(&short), (100.into(), "checked".into(), 0));
    assert_eq!(show("?carol@example.org"), (10.into(), "opportunistic".into(), 1));
    assert_eq!(pins(&place, "alice").len(), 1, "to ask is not to compare");
    let other = format!("{}?carol@example.org", fingerprint(&place, "bob"));
    assert_eq!(show(&other), (0.into(), "conflict".into(), 4));
    let unknown = "MBJH-UVS2-Z2Q4-OF7C-MGP6-ZLO7-BJMY?carol@example.org";
    assert!(place.run("alice", &["trust", "show", unknown]).exits(1).stderr.contains("import"));
    place.run("alice", &["trust", "pin", &short]).exits(0);
    assert!(pins(&place, "alice").iter().any(|pin| pin["points"] == 90));
    place.run("alice", &["trust", "unpin", &named]).exits(0);
    assert_eq!(pins(&place, "alice").len(), 1);
    place.run("alice", &["trust", "pin", "carol@example.org"]).exits(2);
}

#[test]
fn a_file_must_bring_the_key_that_is_named() {
    let place = Place::new();
    let encrypt = |address: &str| {
        let mail = MAIL.replace("bob@example.org", address);
        place.write("named.eml", mail);
        place.run(
            "nobody",
            &[
                "encrypt",
                "--certificate",
                "bob.pem",
                "--no-sign",
                "--overwrite",
                "named.eml",
                "-o",
                "out.eml",
            ],
        )
    };
    encrypt(&format!("{}?bob@example.org", fingerprint(&place, "bob"))).exits(0);
    assert!(!everything(&place, "out.eml", "bob").contains(&fingerprint(&place, "bob").replace('-', "")));
    assert!(
        encrypt(&format!("{}?bob@example.org", fingerprint(&place, "carol")))
            .exits(1)
            .stderr
            .contains("not-the-pin")
    );
    assert!(encrypt("?bob@example.org").exits(1).stderr.contains("unverified"));
}
