//! Signed mail that came by a mailing list: what the list did is named, and is never taken for signed.
//!
//! The forms are those of Mailman 2 and 3, Sympa, ezmlm, Majordomo and Google Groups, in mails of our own.

use std::process::Command;

use serde_json::Value;

use crate::people::{MAIL, Place};

const FOOTER: &str = "_______________________________________________\nDev mailing list -- dev@lists.example.org\n\
    To unsubscribe send an email to dev-leave@lists.example.org\n";
const HEADER: &str = "List-Id: Development <dev.lists.example.org>\nSender: dev-bounces@lists.example.org\n";

/// Alice, who reads; Bob, whose key she compared, writes.
struct List {
    place: Place,
    signed: String,
}

/// What Alice is told, and what she reads.
struct Heard {
    code: i32,
    json: Value,
    text: String,
}

impl List {
    fn new() -> Self {
        Self::of(&MAIL.replace("\r\n", "\n"))
    }

    fn of(draft: &str) -> Self {
        let place = Place::new();
        let draft = draft
            .replace("To: Bob <bob@", "To: Dev <dev@lists.")
            .replace("From: Alice <alice@", "From: Bob <bob@");
        let signed = place.pipe("bob", &["sign"], draft.as_bytes()).exits(0).text();
        Self { place, signed: signed.replace("\r\n", "\n") }
    }

    /// A mail of somebody whom Alice does not know, without a protected header.
    fn signed_by_openssl(&self, text: &str) -> Option<String> {
        let openssl = |arguments: &[&str]| {
            let ran = Command::new("openssl").args(arguments).current_dir(self.place.path("")).output();
            ran.ok().filter(|ran| ran.status.success())
        };
        if openssl(&["version"]).is_none() {
            eprintln!("SKIPPED: openssl is not installed (scripts/install-test-tools)");
            return None;
        }
        self.place.write("content", format!("Content-Type: text/plain\n\n{text}"));
        let new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9", "-subj", "/CN=Eve"];
        let files =
            ["-addext", "subjectAltName=email:eve@example.org", "-keyout", "eve.key", "-out", "eve.pem"];
        openssl(&[&new[..], &files].concat()).unwrap();
        let sign = ["cms", "-sign", "-in", "content", "-signer", "eve.pem", "-inkey", "eve.key"];
        let signed = String::from_utf8(openssl(&sign).unwrap().stdout).unwrap().replace("\r\n", "\n");
        Some(format!("From: eve@example.org\nSubject: x\n{signed}"))
    }

    fn header(&self) -> (&str, &str) {
        self.signed.split_once("\n\n").unwrap()
    }

    /// The mail in a multipart/mixed, as it is or with a footer behind it.
    fn wrapped(&self, footer: &str) -> String {
        let (header, body) = self.header();
        let at = header.find("Content-Type: multipart/signed").unwrap();
        format!(
            "{}Content-Type: multipart/mixed; boundary=\"===============42==\"\n\n--===============42==\n{}\n\n{body}\n\
             --===============42==\nContent-Type: text/plain; charset=\"us-ascii\"\nMIME-Version: 1.0\n\
             Content-Transfer-Encoding: 7bit\nContent-Disposition: inline\n\n{footer}\n--===============42==--\n",
            &header[..at],
            &header[at..]
        )
    }

    fn boundary(&self) -> String {
        let after = self.signed.split("boundary=\"").nth(1).unwrap();
        after.split('"').next().unwrap().to_owned()
    }

    fn hear(&self, mail: &str) -> Heard {
        let mail = format!("{HEADER}{mail}");
        let ran = self.place.pipe("alice", &["verify", "--json", "--no-history"], mail.as_bytes());
        Heard { code: ran.code, json: ran.json(), text: ran.text().replace("\r\n", "\n") }
    }

    /// What the filter at delivery says in one word.
    fn word(&self, mail: &str) -> String {
        let filtered = self.place.pipe("alice", &["filter", "--no-history"], mail.as_bytes()).exits(0).text();
        let value = filtered.strip_prefix("Counterseal-Verdict: ").unwrap();
        value.split(';').next().unwrap().to_owned()
    }

    /// A list that added something, all of which is named and nothing of which is verified.
    #[track_caller]
    fn added(&self, mail: &str, place: &str, undone: &[&str]) -> Heard {
        let heard = self.hear(mail);
        assert_eq!((heard.code, &heard.json["verdict"]), (1, &Value::from("checked")), "{}", heard.json);
        let list = &heard.json["list"];
        assert_eq!(list["name"], "Development <dev.lists.example.org>", "{}", heard.json);
        assert_eq!(list["undone"], Value::from(undone.to_vec()));
        assert_eq!(list["added"][0]["place"], place);
        assert!(list["added"][0]["text"].as_str().unwrap().contains("To unsubscribe"), "{list}");
        assert!(heard.json["reasons"].as_array().unwrap().contains(&"list-added".into()));
        assert_eq!(self.word(mail), "partial");
        let mail = format!("{HEADER}{mail}");
        let said = self.place.pipe("alice", &["verify", "--no-history"], mail.as_bytes()).stderr;
        assert!(said.contains("and not signed:\n    | ___") && !said.contains("✓ VERIFIED"), "{said}");
        heard
    }
}

#[test]
fn mailman_and_sympa_put_a_part_around_it() {
    let list = List::new();
    list.added(&list.wrapped(FOOTER), "part", &[]);
    // With the tag that most lists put into the Subject.
    let tagged = list.wrapped(FOOTER).replacen("Subject: Secret plans", "Subject: [Dev] Secret plans", 1);
    let heard = list.added(&tagged, "part", &[]);
    assert_eq!(heard.json["list"]["subject_tag"], "[Dev]");
}

#[test]
fn a_tag_alone_is_named() {
    let list = List::new();
    let tagged = list.signed.replacen("Subject: Secret plans", "Subject: [Dev] Secret plans", 1);
    let heard = list.hear(&tagged);
    assert_eq!(heard.json["verdict"], "checked");
    assert_eq!(heard.json["list"]["subject_tag"], "[Dev]");
    assert!(heard.text.contains("\nSubject: Secret plans\n"), "{}", heard.text);
    // Another Subject is no tag.
    let other = list.signed.replacen("Subject: Secret plans", "Subject: [Dev] Sacred plans", 1);
    assert_eq!(list.hear(&other).json["list"], Value::Null);
}

#[test]
fn a_list_that_writes_itself_into_from_stays_a_mismatch_and_is_named() {
    let list = List::new();
    let munged = list.signed.replacen(
        "From: Bob <bob@example.org>",
        "From: Bob via Dev <dev@lists.example.org>\nReply-To: Bob <bob@example.org>",
        1,
    );
    let heard = list.hear(&munged);
    assert_eq!(heard.json["verdict"], "mismatch", "{}", heard.json);
    assert_eq!(heard.json["list"]["from"], "dev@lists.example.org");
    assert_eq!(list.word(&munged), "mismatch");
}

#[test]
fn ezmlm_puts_a_third_part_into_the_signature() {
    let list = List::new();
    let boundary = list.boundary();
    let close = format!("\n--{boundary}--");
    let trailer = format!("\n--{boundary}\nContent-Type: text/plain; charset=us-ascii\n\n{FOOTER}{close}");
    let mail = list.signed.replacen(&close, &trailer, 1);
    assert_ne!(mail, list.signed);
    // Programs differ in what they show of it as signed.
    let heard = list.hear(&mail);
    assert_eq!((heard.json["verdict"].as_str(), heard.code), (Some("invalid"), 1), "{}", heard.json);
    assert!(heard.json["reasons"].as_array().unwrap().contains(&"malformed".into()));
    assert_eq!(heard.json["list"]["added"][0]["text"], FOOTER.trim());
    assert_eq!(list.word(&mail), "invalid");
    // Of two more, or of one where the content was changed as well, nothing is said.
    let twice = mail.replacen(&close, &trailer, 1);
    assert_eq!(
        (&list.hear(&twice).json["verdict"], &list.hear(&twice).json["list"]),
        (&"invalid".into(), &Value::Null)
    );
    let changed = mail.replace("let us meet.", "let us not meet.");
    assert_eq!(
        (&list.hear(&changed).json["verdict"], &list.hear(&changed).json["list"]),
        (&"invalid".into(), &Value::Null)
    );
}

#[test]
fn google_groups_and_old_lists_write_below_the_text() {
    let list = List::new();
    let text = "let us meet.\n";
    for between in ["", "\n", "\n-- \n"] {
        let mail = list.signed.replacen(text, &format!("{text}{between}{FOOTER}"), 1);
        let heard = list.hear(&mail);
        assert_eq!(heard.json["verdict"], "checked", "{}", heard.json);
        assert!(heard.text.contains(text) && !heard.text.contains("unsubscribe"), "{}", heard.text);
    }
    list.added(&list.signed.replacen(text, &format!("{text}{FOOTER}"), 1), "text", &[]);
    // As it was signed it is written, for every program to check.
    let mail = list.signed.replacen(text, &format!("{text}{FOOTER}"), 1);
    let read = list.place.pipe("alice", &["verify", "--no-history"], mail.as_bytes()).text();
    assert!(!read.contains("unsubscribe"));
}

#[test]
fn relays_that_change_the_form_are_taken_back() {
    let list = List::new();
    let Some(theirs) = list.signed_by_openssl("Hello\nFrom now on\n-- \nEve\n") else { return };
    assert_eq!(list.hear(&theirs).json["verdict"], "unverified");
    for (arrived, undone) in [
        (theirs.replacen("\nFrom now on", "\n>From now on", 1), vec!["from-lines"]),
        (theirs.replacen("\n-- \n", "\n--\n", 1), vec!["dashes"]),
        (theirs.replacen("\nFrom now on\n-- \n", "\n>From now on\n--\n", 1), vec!["from-lines", "dashes"]),
    ] {
        assert_ne!(arrived, theirs);
        let heard = list.hear(&arrived);
        assert_eq!(heard.json["list"]["undone"], Value::from(undone), "{}", heard.json);
        assert_eq!(heard.json["verdict"], "unverified");
        assert!(heard.text.contains("\nFrom now on"));
        let with_footer = arrived.replacen("Eve\n", &format!("Eve\n{FOOTER}"), 1);
        let heard = list.hear(&with_footer);
        assert_eq!(heard.json["list"]["added"][0]["place"], "text", "{}", heard.json);
        assert!(!heard.text.contains("unsubscribe"));
    }
    let list = List::new();
    let trailing = list.signed.replacen("Hello Bob,\n", "Hello Bob,  \n", 1);
    let heard = list.hear(&trailing);
    assert_eq!(heard.json["list"]["undone"][0], "trailing-space", "{}", heard.json);
    assert_eq!(heard.json["reasons"].as_array().unwrap().last().unwrap(), "list-repaired");
}

#[test]
fn what_an_attacker_adds_is_never_signed() {
    let list = List::new();
    let text = "let us meet.\n";
    // Words before, between or instead of what was signed, and more than any footer has.
    for (from, to) in [
        ("Hello Bob,\n", "Hello Bob,\npay Mallory.\n".to_owned()),
        ("Hello Bob,\n", "pay Mallory.\nHello Bob,\n".to_owned()),
        (text, "pay Mallory.\n".to_owned()),
        (text, String::new()),
        (text, format!("{text}{}", "pay Mallory.\n".repeat(100))),
    ] {
        let mail = list.signed.replacen(from, &to, 1);
        let heard = list.hear(&mail);
        assert_eq!((heard.json["verdict"].as_str(), heard.code), (Some("invalid"), 1), "{to}");
        assert!(heard.json["list"].is_null() && heard.text.is_empty());
        assert_eq!(list.word(&mail), "invalid");
    }
    // Below it, they are shown as what they are.
    let mail = list.signed.replacen(text, &format!("{text}pay Mallory.\n"), 1);
    let said = list.place.pipe("alice", &["verify", "--no-history"], mail.as_bytes());
    assert!(
        said.stderr.contains("not signed:\n    | pay Mallory.") && !said.text().contains("Mallory"),
        "{}",
        said.stderr
    );
    assert_ne!(said.code, 0);
    // A name that steers the terminal does not.
    let named = mail.replacen("From: Bob", "List-Id: \u{1b}[2J<x>\nFrom: Bob", 1);
    assert!(
        !list.place.pipe("alice", &["verify", "--no-history"], named.as_bytes()).stderr.contains('\u{1b}')
    );
    // Nobody's key is taken in from such a mail.
    let before = list.place.run("carol", &["trust", "list", "--json"]).text();
    list.place.pipe("carol", &["verify"], mail.as_bytes());
    assert_eq!(list.place.run("carol", &["trust", "list", "--json"]).text(), before);
}
