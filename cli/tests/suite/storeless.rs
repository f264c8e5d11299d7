//! Everything with files alone: the store is neither opened nor made.

use crate::people::{MAIL, Place};

/// Keys of Alice and Bob as files, by way of `.p12`.
fn keys(place: &Place) {
    place.write("new-passphrase", "transport\n");
    for person in ["alice", "bob"] {
        let (address, file) = (format!("{person}@example.org"), format!("{person}.p12"));
        let arguments =
            ["keys", "export", &address, "--secret", "--new-passphrase-file", "new-passphrase", "-o", &file];
        place.run(person, &arguments).exits(0);
    }
}

const ALICE: [&str; 6] =
    ["--key", "alice.p12", "--signer", "alice.pem", "--passphrase-file", "new-passphrase"];
const BOB: [&str; 6] =
    ["--key", "bob.p12", "--certificate", "bob.pem", "--passphrase-file", "new-passphrase"];

fn with<'a>(command: &[&'a str], options: &[&'a str], rest: &[&'a str]) -> Vec<&'a str> {
    [command, options, rest].concat()
}

#[test]
fn the_four_commands_work_and_make_no_store() {
    let place = Place::new();
    keys(&place);
    let encrypt = with(&["encrypt", "--certificate", "bob.pem"], &ALICE, &["mail.eml", "-o", "out.eml"]);
    place.run("nobody", &encrypt).exits(0);
    let unanchored = place.run("nobody", &with(&["decrypt", "--json"], &BOB, &["out.eml"])).exits(0).json();
    assert_eq!(unanchored["verdict"], "unverified");
    let decrypt = with(&["decrypt", "--json", "--anchor", "alice.pem"], &BOB, &["out.eml"]);
    let read = place.run("nobody", &decrypt).exits(0);
    assert_eq!(read.json()["verdict"], "verified");
    assert!(read.text().contains("let us meet."));
    place.run("nobody", &with(&["sign"], &ALICE, &["mail.eml", "-o", "signed.eml"])).exits(0);
    place.run("nobody", &["verify", "--anchor", "alice.pem", "signed.eml"]).exits(0);
    place.run("nobody", &["verify", "--anchor", "bob.pem", "signed.eml"]).exits(1);
    assert!(!place.path("nobody").exists());
}

#[test]
fn bytes_are_sealed_and_signed_in_every_form() {
    let place = Place::new();
    keys(&place);
    place.write("content", "content\n");
    for form in [&[][..], &["--der"], &["--pem"]] {
        let seal = with(&["encrypt", "--cms", "--no-sign", "--certificate", "bob.pem"], form, &["content"]);
        let sealed = place.run("nobody", &seal).exits(0);
        assert_eq!(sealed.stdout.starts_with(b"-----BEGIN CMS-----"), form.contains(&"--pem"));
        let opened = place.pipe("nobody", &with(&["decrypt", "--cms"], &BOB, &[]), &sealed.stdout).exits(0);
        assert_eq!(opened.text(), "content\n");
        let sign = with(&["sign", "--cms"], &ALICE, &[form, &["content"]].concat());
        let signed = place.run("nobody", &sign).exits(0);
        let verified =
            place.pipe("nobody", &["verify", "--cms", "--anchor", "alice.pem"], &signed.stdout).exits(0);
        assert_eq!(verified.text(), "content\n");
    }
}

#[test]
fn a_detached_signature_covers_its_file_and_no_other() {
    let place = Place::new();
    keys(&place);
    place.write("content", "content\n");
    place
        .run("nobody", &with(&["sign", "--cms", "--detached"], &ALICE, &["content", "-o", "signature"]))
        .exits(0);
    let verify = ["verify", "--cms", "--anchor", "alice.pem", "--content", "content", "signature"];
    place.run("nobody", &verify).exits(0);
    place.write("content", "content!\n");
    assert!(place.run("nobody", &verify).exits(1).stderr.contains("INVALID"));
}

#[test]
fn a_message_opens_with_a_passphrase_or_with_a_shared_key() {
    let place = Place::new();
    place.write("content", "content\n");
    place.write("secret", "open sesame\n");
    place.write("key", [7; 32]);
    let secrets = [
        &["--message-passphrase-file", "secret"][..],
        &["--message-key-file", "key", "--message-key-id", "0102"],
    ];
    for secret in secrets {
        let seal =
            with(&["encrypt", "--cms", "--no-sign", "-o", "sealed", "--overwrite"], secret, &["content"]);
        place.run("nobody", &seal).exits(0);
        let opened = place.run("nobody", &with(&["decrypt", "--cms"], secret, &["sealed"])).exits(0);
        assert_eq!(opened.text(), "content\n");
    }
}

#[test]
fn who_signs_must_be_said() {
    let place = Place::new();
    let refused = place.run("nobody", &["encrypt", "--cms", "--certificate", "bob.pem", "mail.eml"]).exits(2);
    assert!(refused.stderr.contains("--no-sign"), "{}", refused.stderr);
}

#[test]
fn a_certificate_is_for_whom_the_mail_names_and_for_its_dates() {
    let place = Place::new();
    let encrypt = ["encrypt", "--no-sign", "--certificate", "carol.pem", "mail.eml"];
    let refused = place.run("nobody", &encrypt).exits(1);
    assert!(refused.stderr.contains("bob@example.org  no-key"), "{}", refused.stderr);
    assert!(refused.stderr.contains("other-address"), "{}", refused.stderr);
    let expired = ["encrypt", "--no-sign", "--certificate", "bob.pem", "--at", "2090-01-01", "mail.eml"];
    assert!(place.run("nobody", &expired).exits(1).stderr.contains("expired"));
    place.write("mail.eml", MAIL.replace("bob@", "carol@"));
    place.run("nobody", &encrypt).exits(0);
}

#[test]
fn cbc_is_opened_and_never_called_intact() {
    let place = Place::new();
    let seal = [
        "encrypt",
        "--no-sign",
        "--cipher",
        "aes-256-cbc",
        "--to",
        "bob@example.org",
        "mail.eml",
        "-o",
        "cbc.eml",
    ];
    place.run("alice", &seal).exits(0);
    let read = place.run("bob", &["decrypt", "--json", "cbc.eml"]).exits(0).json();
    assert_eq!(read["encrypted"]["by"], "aes-256-cbc");
    assert_eq!(read["encrypted"]["integrity"], false);
    assert!(read["reasons"].to_string().contains("no-integrity"));
    place.run("alice", &["encrypt", "--cipher", "rc2-cbc", "mail.eml"]).exits(2);
}
