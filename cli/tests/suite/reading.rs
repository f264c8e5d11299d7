//! The table of reading: what is said of a mail, by what its signature is and by what is known of its
//! signer. The first row that applies is said, and no other.

use std::process::Command;

use crate::people::{MAIL, Place};

/// Alice reads, by her own store. Bob's key she compared, Carol's she took in, of Dave she never heard.
struct Desk {
    place: Place,
}

impl Desk {
    fn new() -> Self {
        let place = Place::new();
        for (home, address) in [("dave", "dave@example.org"), ("thief", "bob@example.org")] {
            place.run(home, &["init", address, "--no-passphrase", "--algorithm", "rsa-2048"]).exits(0);
        }
        Self { place }
    }

    /// What a mail of somebody's is, before it is signed.
    fn draft(&self, from: &str) {
        let text = MAIL.replace("To: Bob <bob@", "To: Alice <alice@");
        self.place
            .write("draft.eml", text.replace("From: Alice <alice@example.org>", &format!("From: {from}")));
    }

    fn signed(&self, person: &str, from: &str) -> String {
        self.draft(from);
        self.place.run(person, &["sign", "draft.eml", "-o", "in.eml", "--overwrite"]).exits(0);
        String::from_utf8(self.place.read("in.eml")).unwrap()
    }

    /// A mail that openssl signs with a key of its own making, by these options.
    fn signed_by_openssl(&self, from: &str, key: &str, extensions: &[&str], how: &[&str]) -> String {
        self.draft(from);
        let address = format!("subjectAltName=email:{from}");
        let new = [
            "req",
            "-x509",
            "-newkey",
            key,
            "-nodes",
            "-days",
            "9",
            "-subj",
            "/CN=Signer",
            "-addext",
            &address,
        ];
        let files = ["-keyout", "openssl.key", "-out", "openssl.pem"];
        self.openssl(&[&new[..], extensions, &files].concat());
        self.place.write("content", "Content-Type: text/plain\r\n\r\nHello Alice.\r\n");
        let sign = ["cms", "-sign", "-in", "content", "-signer", "openssl.pem", "-inkey", "openssl.key"];
        self.openssl(&[&sign[..], how, &["-out", "signed.mime"]].concat());
        let header = format!("From: {from}\r\nTo: alice@example.org\r\nMessage-ID: <9@example.org>\r\n");
        header + &String::from_utf8(self.place.read("signed.mime")).unwrap()
    }

    fn openssl(&self, arguments: &[&str]) {
        let ran = Command::new("openssl").args(arguments).current_dir(self.place.path(".")).output().unwrap();
        assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }

    /// What Alice is told, with the exit code.
    fn read(&self, mail: &str, more: &[&str]) -> String {
        self.place.write("read.eml", mail);
        let read = ["verify", "read.eml", "-o", "/dev/null", "--no-history"];
        let ran = self.place.run("alice", &[&read[..], more].concat());
        format!("{} {}", ran.code, ran.stderr.lines().next().unwrap_or_default())
    }

    #[track_caller]
    fn says(&self, expected: &str, mail: &str, more: &[&str]) {
        let said = self.read(mail, more);
        let (start, rest) = expected.split_once("...").unwrap_or((expected, ""));
        assert!(said.starts_with(start) && said.contains(rest), "{said}\n{expected}");
    }
}

const BOB: &str = "Bob <bob@example.org>";
const CAROL: &str = "carol@example.org";
const DAVE: &str = "dave@example.org";

#[test]
fn what_is_altered_or_cannot_be_read_is_invalid_whoever_signed() {
    let desk = Desk::new();
    let good = desk.signed("bob", BOB);
    desk.says("1 ✗ INVALID: ", &good.replace("let us meet", "do not meet"), &[]);
    // Also where the key is at odds with the one that was compared, or the author is another one.
    desk.says("1 ✗ INVALID: ", &desk.signed("thief", BOB).replace("let us meet", "do not meet"), &[]);
    desk.says(
        "1 ✗ INVALID: ",
        &good.replace("From: Bob <bob@", "From: Carol <carol@").replace("meet", "part"),
        &[],
    );
    let (head, _) = good.split_once("pkcs7-signature").unwrap();
    desk.says("1 ✗ INVALID: ", &format!("{head}pkcs7-signature\r\n\r\nAAAA\r\n"), &[]);
}

#[test]
fn a_signature_that_may_not_count_is_no_signature() {
    let desk = Desk::new();
    let for_servers = ["-addext", "extendedKeyUsage=serverAuth"];
    desk.says(
        "1 ✗ INVALID: ...may not sign mail",
        &desk.signed_by_openssl(DAVE, "rsa:2048", &for_servers, &[]),
        &[],
    );
    let no_signature = ["-addext", "keyUsage=keyEncipherment"];
    desk.says(
        "1 ✗ INVALID: ...may not sign mail",
        &desk.signed_by_openssl(DAVE, "rsa:2048", &no_signature, &[]),
        &[],
    );
    desk.says("1 ! WEAK: ", &desk.signed_by_openssl(DAVE, "rsa:2048", &[], &["-md", "sha1"]), &[]);
    desk.says("1 ! WEAK: ", &desk.signed_by_openssl(DAVE, "rsa:1024", &[], &[]), &[]);
    // Also by the key of somebody whose other key was compared.
    desk.says("1 ! WEAK: ", &desk.signed_by_openssl("bob@example.org", "rsa:1024", &[], &[]), &[]);
    desk.says("1 UNKNOWN: signed, ", &desk.signed_by_openssl(DAVE, "rsa:2048", &[], &["-nocerts"]), &[]);
}

#[test]
fn a_contradiction_comes_before_another_author() {
    let desk = Desk::new();
    desk.says(
        "4 ! CONFLICT: signed by a key that is not the one you know for bob@",
        &desk.signed("thief", BOB),
        &[],
    );
    let carols = desk.signed("carol", CAROL);
    let as_bob = carols.replacen("From: carol@", "From: bob@", 2);
    desk.says("1 ✗ INVALID: ", &as_bob, &[]);
    let outside = carols.replacen("From: carol@", "From: dave@", 1);
    desk.says("1 ! MISMATCH: ", &outside, &[]);
    let twice = carols.replacen("From: carol@", "From: dave@example.org\r\nFrom: carol@", 1);
    desk.says("1 ! MISMATCH: ", &twice, &[]);
    // Without protected header fields nothing says which of two authors is meant.
    let plain = desk.signed_by_openssl(DAVE, "rsa:2048", &[], &[]);
    let twice = format!("From: carol@example.org\r\n{plain}");
    desk.says("1 ! MISMATCH: several From addresses; the signature covers only dave@", &twice, &[]);
    desk.says("1 ! MISMATCH: signed by dave@...erin@", &plain.replacen("From: dave@", "From: erin@", 1), &[]);
    let two = carols.replacen("From: carol@example.org", "From: carol@example.org, dave@example.org", 1);
    desk.says("1 ! MISMATCH: ", &two, &[]);
}

#[test]
fn what_speaks_for_the_key_is_said_with_its_source() {
    let desk = Desk::new();
    desk.says("0 ✓ VERIFIED: bob@example.org (you compared ", &desk.signed("bob", BOB), &[]);
    let carols = desk.signed("carol", CAROL);
    desk.says(
        "1 SIGNED: carol@example.org, with a key that is known since 20...; identity not checked",
        &carols,
        &[],
    );
    desk.says("0 SIGNED: ", &carols, &["--accept", "signed"]);
    desk.says("1 UNVERIFIED: valid signature by an unknown key", &desk.signed("dave", DAVE), &[]);
    desk.place.employee("erin", "erin@example.org");
    desk.place.run("alice", &["trust", "rely", "erin.ca.pem", "--amount", "40"]).exits(0);
    let erins = desk.signed("erin", "erin@example.org");
    desk.says("1 CHECKED: erin@example.org (", &erins, &[]);
    desk.says("0 CHECKED: erin@example.org (", &erins, &["--accept", "checked"]);
    // Years later nothing proves that it was signed in time.
    let bobs = desk.signed("bob", BOB);
    desk.says(
        "1 CHECKED: bob@example.org (you compared ... (certificate expired ",
        &bobs,
        &["--at", "2040-01-01"],
    );
}

#[test]
fn what_a_signature_does_not_cover_takes_its_mark() {
    let desk = Desk::new();
    let good = desk.signed("bob", BOB);
    let boundary =
        good.split("boundary=").nth(1).unwrap().split(['\r', '\n', ';']).next().unwrap().trim_matches('"');
    let footer = format!(
        "From: {BOB}\r\nTo: list@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=list\r\n\r\n\
         --list\r\n{}\r\n--list\r\nContent-Type: text/plain\r\n\r\nSent by a list.\r\n--list--\r\n",
        good.split_once("MIME-Version").map_or(good.as_str(), |(_, rest)| rest.split_once("\r\n").unwrap().1)
    );
    assert!(footer.contains(boundary));
    desk.says("1 CHECKED: ...; PARTIAL: only a part of it is signed", &footer, &[]);
}

#[test]
fn what_is_not_signed_is_said_to_be_so_and_more_where_the_author_usually_signs() {
    let desk = Desk::new();
    let unsigned = MAIL.replace("Alice <alice@", "Bob <bob@");
    desk.says("1 NOT SIGNED: nothing says who wrote this", &unsigned, &[]);
    for number in 0..5 {
        desk.place
            .write("draft.eml", unsigned.replace("<1@", &format!("<{number}@")).replace("meet", "talk"));
        desk.place.run("bob", &["sign", "draft.eml", "-o", "in.eml", "--overwrite"]).exits(0);
        desk.place.run("alice", &["verify", "in.eml", "-o", "/dev/null"]).exits(0);
    }
    desk.says(
        "1 NOT SIGNED: bob@example.org signed earlier mails; nothing says who wrote this one",
        &unsigned,
        &[],
    );
    desk.says("1 NOT SIGNED: nothing says who wrote this", &unsigned.replace("bob@", "dave@"), &[]);
}
