//! Mail between people who have stores.

use crate::people::{MAIL, Place};

#[test]
fn a_mail_goes_to_bob_and_its_verdict_is_verified() {
    let place = Place::new();
    place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(0);
    let sealed = String::from_utf8(place.read("out.eml")).unwrap();
    assert!(sealed.contains("Subject: [...]") && !sealed.contains("Secret plans"));
    let opened = place.run("bob", &["decrypt", "out.eml"]).exits(0);
    assert!(opened.text().contains("Subject: Secret plans") && opened.text().contains("let us meet."));
    assert!(opened.stderr.contains("VERIFIED: alice@example.org"), "{}", opened.stderr);
    assert!(!opened.stderr.contains("PARTIAL"), "{}", opened.stderr);
    place.run("bob", &["verify", "out.eml"]).exits(0);
}

#[test]
fn the_object_for_machines_is_one_and_alone_on_standard_error() {
    let place = Place::new();
    place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(0);
    let status = place.run("bob", &["decrypt", "--json", "out.eml"]).exits(0).json();
    assert_eq!(status["version"], 1);
    assert_eq!(status["verdict"], "verified");
    assert_eq!(status["address"], "alice@example.org");
    assert_eq!(status["score"], 120);
    assert_eq!(status["encrypted"]["integrity"], true);
    let recipients = status["encrypted"]["recipients"].as_array().unwrap();
    assert_eq!(recipients.len(), 2, "bob, and alice herself");
    let quiet = place.run("bob", &["decrypt", "--json", "--status", "status.json", "out.eml"]).exits(0);
    assert_eq!(quiet.stderr, "");
    let from_file: serde_json::Value = serde_json::from_slice(&place.read("status.json")).unwrap();
    assert_eq!(from_file, status);
}

#[test]
fn without_a_comparison_the_same_mail_is_signed_and_verify_says_no() {
    let place = Place::new();
    place.write("mail.eml", MAIL.replace("bob@", "carol@"));
    place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(0);
    let read = place.run("carol", &["verify", "--json", "out.eml"]).exits(1);
    assert_eq!(read.json()["verdict"], "signed");
    assert!(read.text().contains("let us meet."), "what is not verified may be read all the same");
    place.run("carol", &["verify", "--accept", "signed", "out.eml"]).exits(0);
    place.run("carol", &["verify", "--accept", "checked", "out.eml"]).exits(1);
    place.run("carol", &["decrypt", "--require-signature", "out.eml"]).exits(0);
    place.run("carol", &["decrypt", "--require-signature", "--accept", "verified", "out.eml"]).exits(1);
}

#[test]
fn a_signed_mail_is_readable_text_and_one_changed_letter_makes_it_invalid() {
    let place = Place::new();
    for opaque in [false, true] {
        let mut arguments = vec!["sign", "mail.eml", "-o", "signed.eml", "--overwrite"];
        arguments.extend(opaque.then_some("--opaque"));
        place.run("alice", &arguments).exits(0);
        let signed = String::from_utf8(place.read("signed.eml")).unwrap();
        assert_eq!(signed.contains("let us meet."), !opaque);
        let verified = place.run("bob", &["verify", "signed.eml"]).exits(0);
        assert!(verified.text().contains("let us meet."));
    }
    place.run("alice", &["sign", "mail.eml", "-o", "signed.eml", "--overwrite"]).exits(0);
    let changed = String::from_utf8(place.read("signed.eml")).unwrap().replace("let us meet", "let us part");
    place.write("changed.eml", changed);
    let refused = place.run("bob", &["verify", "changed.eml", "-o", "read.eml"]).exits(1);
    assert!(refused.stderr.contains("INVALID"), "{}", refused.stderr);
    assert!(!place.path("read.eml").exists());
}

#[test]
fn a_changed_ciphertext_gives_one_sentence_and_no_file() {
    let place = Place::new();
    place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(0);
    let sealed = String::from_utf8(place.read("out.eml")).unwrap();
    let mut outcomes = Vec::new();
    for line in [0.5, 0.7, 0.95] {
        let mut lines: Vec<String> = sealed.lines().map(str::to_owned).collect();
        let index = (lines.len() as f64 * line) as usize;
        let letter = if lines[index].starts_with('A') { "B" } else { "A" };
        lines[index].replace_range(0..1, letter);
        place.write("changed.eml", lines.join("\r\n"));
        let refused = place.run("bob", &["decrypt", "changed.eml", "-o", "read.eml"]).exits(3);
        assert_eq!(refused.text(), "");
        outcomes.push(refused.stderr);
        assert!(!place.path("read.eml").exists());
    }
    outcomes.dedup();
    assert_eq!(outcomes.len(), 1, "{outcomes:?}");
}

#[test]
fn a_mail_for_others_names_whom_it_was_sealed_for() {
    let place = Place::new();
    place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(0);
    let refused = place.run("carol", &["decrypt", "--json", "out.eml"]).exits(3).json();
    assert_eq!(refused["error"], "not-for-us");
    let bob = String::from_utf8(place.read("bob.fingerprint")).unwrap();
    assert!(refused["details"].to_string().contains(&bob), "{refused}");
}

#[test]
fn readers_without_a_certificate_are_all_named_and_nothing_is_written() {
    let place = Place::new();
    place.write("mail.eml", MAIL.replace("To: Bob", "Cc: dave@example.org, erin@example.net\r\nTo: Bob"));
    let refused = place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(1);
    assert!(refused.stderr.contains("dave@example.org") && refused.stderr.contains("erin@example.net"));
    assert!(refused.stderr.contains("\nhint: "));
    assert!(!place.path("out.eml").exists());
}

#[test]
fn the_mail_must_be_its_signers_own() {
    let place = Place::new();
    place.write("mail.eml", MAIL.replace("alice@", "mallory@"));
    let refused = place.run("alice", &["encrypt", "mail.eml"]).exits(3);
    assert!(refused.stderr.contains("mallory@example.org"), "{}", refused.stderr);
    place.run("alice", &["encrypt", "--no-sign", "mail.eml", "-o", "out.eml"]).exits(0);
    assert!(place.run("bob", &["decrypt", "out.eml"]).exits(0).stderr.contains("NOT SIGNED"));
    place.run("bob", &["decrypt", "--require-signature", "out.eml", "-o", "read.eml"]).exits(1);
    assert!(!place.path("read.eml").exists());
}

#[test]
fn a_kept_signature_is_still_one() {
    let place = Place::new();
    place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(0);
    place.run("bob", &["decrypt", "--keep-signature", "out.eml", "-o", "kept.eml"]).exits(0);
    assert_eq!(place.run("bob", &["verify", "--json", "kept.eml"]).exits(0).json()["verdict"], "verified");
}

#[test]
fn an_answer_hides_what_was_hidden() {
    let place = Place::new();
    place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(0);
    place.write(
        "answer.eml",
        "From: bob@example.org\r\nTo: alice@example.org\r\nSubject: Re: Secret plans\r\n\r\nYes.\r\n",
    );
    let arguments = ["encrypt", "--clear-subject", "answer.eml"];
    let open = place.run("bob", &arguments).exits(0).text();
    assert!(open.contains("Subject: Re: Secret plans"));
    let hidden = place.run("bob", &[&arguments[..], &["--in-reply-to", "out.eml"]].concat()).exits(0).text();
    assert!(hidden.contains("Subject: [...]") && !hidden.contains("Secret plans"), "{hidden}");
}
