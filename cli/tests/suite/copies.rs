//! Who gets which copy.

use crate::people::{MAIL, Place};

fn recipients(place: &Place, person: &str, file: &str) -> usize {
    let status = place.run(person, &["decrypt", "--json", file]).exits(0).json();
    status["encrypted"]["recipients"].as_array().unwrap().len()
}

#[test]
fn a_blind_reader_has_a_copy_of_their_own_and_is_named_in_none() {
    let place = Place::new();
    place.write("mail.eml", MAIL.replace("Subject:", "Bcc: carol@example.org\r\nSubject:"));
    let refused = place.run("alice", &["encrypt", "mail.eml"]).exits(2);
    assert!(refused.stderr.contains("--output-directory"), "{}", refused.stderr);
    assert_eq!(refused.text(), "");

    let made = place.run("alice", &["encrypt", "-v", "mail.eml", "--output-directory", "copies"]).exits(0);
    let said = "copy-1.eml: sealed for bob@example.org, aes-256-gcm\n\
        copy-2.eml: sealed for carol@example.org alone (Bcc), aes-256-gcm\n";
    assert_eq!(made.stderr, said);
    let list: serde_json::Value = serde_json::from_slice(&place.read("copies/copies.json")).unwrap();
    let copies = list["copies"].as_array().unwrap();
    assert_eq!(copies.len(), 2);
    for copy in copies {
        let file = format!("copies/{}", copy["file"].as_str().unwrap());
        let sealed = String::from_utf8(place.read(&file)).unwrap();
        assert!(!sealed.to_ascii_lowercase().contains("\nbcc:"));
        assert!(!sealed.contains("carol@"));
        let (person, count) = if copy["blind"] == true { ("carol", 1) } else { ("bob", 2) };
        assert_eq!(copy["recipients"], serde_json::json!([format!("{person}@example.org")]));
        assert_eq!(recipients(&place, person, &file), count);
        let opened = place.run(person, &["decrypt", &file]).exits(0).text();
        assert!(!opened.to_ascii_lowercase().contains("bcc:"));
    }
}

#[test]
fn hidden_readers_do_not_learn_of_each_other() {
    let place = Place::new();
    place.write("mail.eml", MAIL.replace("To: Bob", "To: carol@example.org, Bob"));
    place.run("alice", &["encrypt", "mail.eml", "-o", "shared.eml"]).exits(0);
    assert_eq!(recipients(&place, "bob", "shared.eml"), 3);
    place.run("alice", &["encrypt", "--hide-recipients", "mail.eml"]).exits(2);
    let arguments = ["encrypt", "--hide-recipients", "mail.eml", "--output-directory", "copies"];
    place.run("alice", &arguments).exits(0);
    let list: serde_json::Value = serde_json::from_slice(&place.read("copies/copies.json")).unwrap();
    for copy in list["copies"].as_array().unwrap() {
        let person = copy["recipients"][0].as_str().unwrap().split('@').next().unwrap().to_owned();
        let file = format!("copies/{}", copy["file"].as_str().unwrap());
        assert_eq!(recipients(&place, &person, &file), 1);
    }
}

#[test]
fn a_file_is_sealed_for_addresses_and_for_oneself() {
    let place = Place::new();
    place.write("report", "any bytes \0\u{1}");
    place
        .run("alice", &["encrypt", "--cms", "--to", "bob@example.org", "-o", "report.p7m", "report"])
        .exits(0);
    let read = place.run("bob", &["decrypt", "--cms", "--json", "report.p7m"]).exits(0);
    assert_eq!(read.stdout, b"any bytes \0\x01");
    assert_eq!(read.json()["verdict"], "verified");
    assert_eq!(read.json()["signers"][0]["address"], "alice@example.org");
    place.run("alice", &["decrypt", "--cms", "report.p7m"]).exits(0);
    place.run("alice", &["encrypt", "--cms", "report"]).exits(2);
}

/// Whether the cipher is AES-CBC, and how many of the two recipients (the sender is one of them) have RSA-OAEP, as OpenSSL
/// prints it.
fn ways(place: &Place, file: &str) -> (bool, usize) {
    let file = place.path(file);
    let arguments = ["cms", "-cmsout", "-print", "-in", file.to_str().unwrap()];
    let printed = std::process::Command::new("openssl").args(arguments).output().unwrap();
    let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
    (printed.contains("aes-256-cbc"), printed.matches("rsaesOaep").count())
}

#[test]
fn who_reads_mail_in_other_programs_too_is_sent_what_those_can_open() {
    if crate::servers::program("openssl").is_none() {
        return;
    }
    let place = Place::new();
    std::fs::create_dir_all(place.path("dave")).unwrap();
    place.write("dave/config.toml", "[reading]\nprograms = \"every\"\n");
    for (person, is_for_all) in [("erin", false), ("dave", true)] {
        let address = format!("{person}@example.org");
        let expected = (is_for_all, if is_for_all { 1 } else { 2 });
        place.run(person, &["init", &address, "--no-passphrase", "--algorithm", "rsa-2048"]).exits(0);
        place.run(person, &["keys", "export", &address, "-o", "their.pem", "--overwrite"]).exits(0);
        place.run("alice", &["keys", "import", "their.pem"]).exits(0);
        place.write("to.eml", format!("From: alice@example.org\nTo: {address}\n\nHello.\n"));
        let send =
            |name: &str| place.run("alice", &["encrypt", "to.eml", "-o", name, "--overwrite"]).exits(0);
        send("first.eml");
        assert_eq!(ways(&place, "first.eml"), expected, "{person}: the certificate says so");
        // What is announced in signed mail says the same.
        place.write("from.eml", format!("From: {address}\nTo: alice@example.org\n\nHello.\n"));
        place.run(person, &["sign", "from.eml", "-o", "signed.eml", "--overwrite"]).exits(0);
        place.run("alice", &["verify", "signed.eml", "-o", "read.eml", "--overwrite"]);
        send("second.eml");
        assert_eq!(ways(&place, "second.eml"), expected, "{person}: signed mail says so");
        place.run(person, &["decrypt", "second.eml", "-o", "open.eml", "--overwrite"]);
        assert!(String::from_utf8(place.read("open.eml")).unwrap().contains("Hello."));
    }
    place.write("dave/config.toml", "[reading]\nprograms = \"thunderbird\"\n");
    let refused = place.run("dave", &["sign", "from.eml", "-o", "no.eml"]).exits(3);
    assert!(refused.stderr.contains("must be cseal or every"), "{}", refused.stderr);
}
