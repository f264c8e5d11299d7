//! People whose address is not ASCII (RFC 6531, RFC 6532).

use std::fs;

use crate::people::{MAIL, Place};

/// A place where Élise has a store too, and she and Alice compared fingerprints.
fn place_with_elise() -> Place {
    let place = Place::new();
    let made = ["init", "élise@example.org", "--no-passphrase", "--algorithm", "rsa-2048"];
    let made = place.run("élise", &made).exits(0).text();
    let fingerprint = made.split_whitespace().next().unwrap();
    place.run("élise", &["keys", "export", "élise@example.org", "-o", "élise.pem"]).exits(0);
    place.run("alice", &["keys", "import", "élise.pem", "--pin", fingerprint]).exits(0);
    let alice = fs::read_to_string(place.path("alice.fingerprint")).unwrap();
    place.run("élise", &["keys", "import", "alice.pem", "--pin", &alice]).exits(0);
    place
}

fn copies(place: &Place, mail: &str) -> Vec<serde_json::Value> {
    place.write("mail.eml", mail);
    place.run("alice", &["encrypt", "--output-directory", "copies", "--overwrite", "mail.eml"]).exits(0);
    let list: serde_json::Value = serde_json::from_slice(&place.read("copies/copies.json")).unwrap();
    list["copies"].as_array().unwrap().clone()
}

#[test]
fn a_mail_to_an_address_beyond_ascii_comes_back_with_its_header_byte_for_byte() {
    let place = place_with_elise();
    let fields = "To: =?utf-8?q?=C3=89lise?= <élise@example.org>,\r\n\tBob <bob@example.org>\r\n";
    let mail = MAIL.replace("To: Bob <bob@example.org>\r\n", fields);
    let [copy] = copies(&place, &mail).try_into().unwrap();
    assert_eq!(copy["smtputf8"], true);
    assert_eq!(copy["recipients"], serde_json::json!(["élise@example.org", "bob@example.org"]));
    let sealed = String::from_utf8(place.read("copies/copy-1.eml")).unwrap();
    assert!(sealed.contains(fields), "{sealed}");
    for person in ["élise", "bob"] {
        let opened = place.run(person, &["decrypt", "--json", "copies/copy-1.eml"]).exits(0);
        assert_eq!(opened.json()["verdict"], "verified");
        assert_eq!(opened.json()["changed_headers"], serde_json::json!([]));
        assert!(opened.text().contains(fields), "{}", opened.text());
    }
}

#[test]
fn only_copies_that_name_an_address_beyond_ascii_need_smtputf8() {
    let place = place_with_elise();
    let [copy] = copies(&place, &MAIL).try_into().unwrap();
    assert_eq!(copy["smtputf8"], false);
    let blind = MAIL.replace("Subject:", "Bcc: élise@example.org\r\nSubject:");
    let mut flags: Vec<_> = copies(&place, &blind)
        .iter()
        .map(|copy| (copy["blind"].as_bool().unwrap(), copy["smtputf8"].as_bool().unwrap()))
        .collect();
    flags.sort_unstable();
    assert_eq!(flags, [(false, false), (true, true)]);
}

#[test]
fn a_mail_from_an_address_beyond_ascii_is_verified_as_its_own() {
    let place = place_with_elise();
    let mail = MAIL.replace("From: Alice <alice@", "From: Élise <élise@").replace("Bob <bob@", "<alice@");
    place.write("mail.eml", &mail);
    place.run("élise", &["encrypt", "-o", "sealed.eml", "mail.eml"]).exits(0);
    place.run("élise", &["sign", "-o", "signed.eml", "mail.eml"]).exits(0);
    for (command, file) in [("decrypt", "sealed.eml"), ("verify", "signed.eml")] {
        let read = place.run("alice", &[command, "--json", file]).exits(0);
        assert_eq!(read.json()["verdict"], "verified");
        assert_eq!(read.json()["address"], "élise@example.org");
        assert!(
            read.text().contains("From: =?utf-8?b?w4lsaXNl?= <élise@example.org>\r\n"),
            "{}",
            read.text()
        );
    }
    // The same signature under an address that differs by one accent is nobody's.
    let other = String::from_utf8(place.read("signed.eml")).unwrap().replace("<élise@", "<elise@");
    place.write("other.eml", other);
    assert_ne!(place.run("alice", &["verify", "--json", "other.eml"]).exits(1).json()["verdict"], "verified");
}
