//! `cseal keys import --openpgp`: what `gpg --export-secret-keys` writes.

use serde_json::Value;

use crate::gnupg::Gnupg;
use crate::people::{MAIL, Place, Ran};

const PASSPHRASE: [&str; 2] = ["--passphrase", "correct horse"];

/// A key of Dora with a subkey for encryption, in `dora.gpg` and `dora.pub`; its fingerprint.
fn dora(place: &Place, gnupg: &Gnupg<'_>, kinds: [&str; 2], expires: &str) -> String {
    let user_id = "Dora <dora@example.org>";
    let [primary, subkey] = kinds;
    gnupg.run(&[&PASSPHRASE[..], &["--quick-gen-key", user_id, primary, "sign,cert", expires]].concat());
    let fingerprint = gnupg.fingerprint("dora@example.org");
    gnupg.run(&[&PASSPHRASE[..], &["--quick-add-key", &fingerprint, subkey, "encr", "0"]].concat());
    export(place, gnupg, &fingerprint, &["--export-secret-keys"]);
    place.write("x", "correct horse\n");
    fingerprint
}

fn export(place: &Place, gnupg: &Gnupg<'_>, fingerprint: &str, how: &[&str]) {
    place.write("dora.gpg", gnupg.run(&[&PASSPHRASE[..], how, &[fingerprint]].concat()));
    place.write("dora.pub", gnupg.run(&["--export", fingerprint]));
}

/// With the same passphrase for the file and for the store.
fn import(place: &Place, more: &[&str]) -> Ran {
    let file = ["keys", "import", "--openpgp", "dora.gpg", "--json"];
    let passphrases = ["--passphrase-file", "x", "--store-passphrase-file", "x"];
    place.run("dora", &[&file[..], &passphrases, more].concat())
}

fn report(ran: &Ran) -> Value {
    serde_json::from_slice(&ran.stdout).unwrap()
}

fn of_use<'r>(report: &'r Value, key_use: &str) -> &'r Value {
    report["keys"].as_array().unwrap().iter().find(|key| key["use"] == key_use).unwrap()
}

/// What is between two people, whose mail is signed and sealed by the keys of Dora's store.
fn mail_both_ways(place: &Place) {
    place.run("dora", &["keys", "export", "dora@example.org", "-o", "dora.pem"]).exits(0);
    place.run("bob", &["keys", "import", "dora.pem"]).exits(0);
    let to_dora =
        MAIL.replace("From: Alice <alice@", "From: Bob <bob@").replace("To: Bob <bob@", "To: Dora <dora@");
    place.write("to-dora.eml", &to_dora);
    place.run("bob", &["encrypt", "to-dora.eml", "-o", "sealed.eml"]).exits(0);
    let opened = place.run("dora", &["decrypt", "sealed.eml", "--passphrase-file", "x"]);
    assert!(opened.text().contains("let us meet"), "{opened:?}");
    place.write("from-dora.eml", MAIL.replace("From: Alice <alice@", "From: Dora <dora@"));
    place.run("dora", &["sign", "from-dora.eml", "-o", "signed.eml", "--passphrase-file", "x"]).exits(0);
}

/// Whoever relies on somebody who certified the OpenPGP key knows from the mail whose the S/MIME key is.
#[track_caller]
fn is_recognised(place: &Place, gnupg: &Gnupg<'_>, fingerprint: &str) {
    let verdict = || {
        let ran = place.run("bob", &["verify", "signed.eml", "--json"]);
        ran.json()["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(verdict(), "signed");
    gnupg.run(&["--quick-gen-key", "Erin <erin@example.org>", "ed25519", "sign,cert", "0"]);
    let erin = gnupg.fingerprint("erin@example.org");
    gnupg.run(&["--local-user", &erin, "--quick-sign-key", fingerprint]);
    place.write("all.pub", gnupg.run(&["--export", &erin, fingerprint]));
    place.run("bob", &["trust", "rely", &erin, "--keyring", "all.pub"]).exits(0);
    assert_eq!(verdict(), "checked");
}

#[test]
fn an_rsa_key_of_gnupg_serves_smime_and_still_opens_old_mail_of_openpgp() {
    let place = Place::new();
    let Some(gnupg) = Gnupg::at(&place) else { return };
    let fingerprint = dora(&place, &gnupg, ["rsa2048", "rsa2048"], "0");
    place.write("old", "an old secret\n");
    gnupg.run(&["--trust-model", "always", "-r", &fingerprint, "-o", "old.gpg", "--encrypt", "old"]);

    let made = report(&import(&place, &[]).exits(0));
    assert_eq!(made["openpgp"], fingerprint.as_str());
    assert_eq!(made["linked"][0], "dora@example.org");
    assert_eq!(of_use(&made, "signing")["openpgp"], fingerprint.as_str());
    assert_eq!(of_use(&made, "encryption")["algorithm"], "rsa-2048");
    assert!(of_use(&made, "encryption")["openpgp"].is_string(), "{made}");
    mail_both_ways(&place);

    is_recognised(&place, &gnupg, &fingerprint);

    let opened = gnupg.run(&[&PASSPHRASE[..], &["--decrypt", "old.gpg"]].concat());
    assert_eq!(opened, b"an old secret\n");
    // The whole again, with nothing new.
    let again = report(&import(&place, &[]).exits(0));
    assert!(again["keys"].as_array().unwrap().iter().all(|key| key["new"] == false), "{again}");
    let listed = place.run("dora", &["trust", "statement", "list", "--json"]).exits(0);
    assert_eq!(listed.text().matches("\"type\":\"link\"").count(), 1, "{}", listed.text());
}

#[test]
fn keys_on_the_curves_of_nist_are_taken_over_and_others_get_new_keys_and_a_link() {
    for (kinds, is_same) in [(["nistp256", "nistp384"], true), (["ed25519", "cv25519"], false)] {
        let place = Place::new();
        let Some(gnupg) = Gnupg::at(&place) else { return };
        let fingerprint = dora(&place, &gnupg, kinds, "0");
        let made = report(&import(&place, &[]).exits(0));
        assert_eq!(of_use(&made, "signing")["openpgp"].is_string(), is_same, "{made}");
        assert_eq!(of_use(&made, "encryption")["openpgp"].is_string(), is_same, "{made}");
        assert_eq!(made["linked"][0], "dora@example.org");
        assert_eq!(made["not_taken"].as_array().unwrap().is_empty(), is_same);
        mail_both_ways(&place);
        is_recognised(&place, &gnupg, &fingerprint);
        let again = report(&import(&place, &[]).exits(0));
        assert!(again["keys"].as_array().unwrap().iter().all(|key| key["new"] == false), "{again}");
    }
}

#[test]
fn a_new_key_is_linked_where_the_person_wants_no_common_one() {
    let place = Place::new();
    let Some(gnupg) = Gnupg::at(&place) else { return };
    dora(&place, &gnupg, ["nistp256", "nistp256"], "0");
    let made = report(&import(&place, &["--new-key"]).exits(0));
    assert!(made["keys"].as_array().unwrap().iter().all(|key| key["openpgp"].is_null()), "{made}");
    assert_eq!(made["linked"][0], "dora@example.org");
}

fn other_key(gnupg: &Gnupg<'_>) -> Vec<u8> {
    gnupg.run(&["--quick-gen-key", "Erin <erin@example.org>", "nistp256", "sign,cert", "0"]);
    gnupg.run(&["--export-secret-keys", "erin@example.org"])
}

#[test]
fn a_file_that_cannot_be_taken_over_says_why() {
    let place = Place::new();
    let Some(gnupg) = Gnupg::at(&place) else { return };
    dora(&place, &gnupg, ["nistp256", "nistp256"], "0");
    let whole = place.read("dora.gpg");
    let refused = |more: &[&str], word: &str, says: &str| {
        let ran = import(&place, more);
        let said = ran.json();
        assert_eq!(said["error"], word, "{ran:?}");
        assert!(said["message"].as_str().unwrap().contains(says), "{said}");
        assert!(!place.path("dora/store.db").exists());
    };
    place.write("wrong", "wrong\n");
    let file = ["keys", "import", "--openpgp", "dora.gpg", "--json", "--store-passphrase-file", "x"];
    let wrong = place.run("dora", &[&file[..], &["--passphrase-file", "wrong"]].concat()).exits(3);
    assert_eq!(wrong.json()["error"], "wrong-passphrase");
    let nobody = place.run("dora", &file).exits(3);
    assert_eq!(nobody.json()["error"], "passphrase-needed");
    refused(&["dora.pub"], "usage", "one file");
    refused(&["--address", "erin@example.org"], "usage", "erin@example.org");
    place.write("dora.gpg", place.read("dora.pub"));
    refused(&[], "openpgp-key", "only the public half");
    place.write("dora.gpg", &whole[..whole.len() / 2]);
    assert_ne!(import(&place, &[]).code, 0);
    place.write("dora.gpg", [&whole[..], &other_key(&gnupg)].concat());
    refused(&[], "openpgp-key", "it holds 2 OpenPGP certificates");
    place.write("dora.gpg", &whole);

    // Somebody who has a store takes over only what is their own address.
    let theirs = ["keys", "import", "--openpgp", "dora.gpg", "--passphrase-file", "x", "--json"];
    let other = place.run("alice", &theirs).exits(2);
    assert!(other.json()["message"].as_str().unwrap().contains("one of yours"), "{other:?}");
}

#[test]
fn expired_revoked_and_absent_keys_are_told_apart() {
    let place = Place::new();
    let Some(gnupg) = Gnupg::at(&place) else { return };
    let fingerprint = dora(&place, &gnupg, ["nistp256", "nistp256"], "0");
    // Without its primary key the file serves encryption, and gpg has to sign the link.
    export(&place, &gnupg, &fingerprint, &["--export-secret-subkeys"]);
    let made = report(&import(&place, &[]).exits(0));
    assert_eq!(made["to_link"][0], "dora@example.org");
    assert!(made["not_taken"][0].as_str().unwrap().contains("left out"), "{made}");
    assert!(of_use(&made, "encryption")["openpgp"].is_string());

    gnupg.run(&[&PASSPHRASE[..], &["--quick-set-expire", &fingerprint, "seconds=1"]].concat());
    std::thread::sleep(std::time::Duration::from_secs(2));
    export(&place, &gnupg, &fingerprint, &["--export-secret-keys"]);
    let expired = import(&place, &[]).exits(3).json();
    assert!(expired["message"].as_str().unwrap().contains("expired"), "{expired}");
    // GnuPG keeps a revocation at hand for each key, with a colon before its armor.
    let ready = place.read(&format!("gnupg/openpgp-revocs.d/{fingerprint}.rev"));
    place.write("revocation", String::from_utf8(ready).unwrap().replace(":-----BEGIN", "-----BEGIN"));
    gnupg.run(&["--import", "revocation"]);
    export(&place, &gnupg, &fingerprint, &["--export-secret-keys"]);
    let revoked = import(&place, &[]).exits(3).json();
    assert!(revoked["message"].as_str().unwrap().contains("revoked"), "{revoked}");
}
