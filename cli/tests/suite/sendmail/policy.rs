//! What the policy makes of a mail: sealed, plain, kept, refused.

use super::{MARKER, Outbox};

const TO_BOTH: &str = "From: alice@example.org\nTo: bob@example.org, erin@example.net\nSubject: x\n\n";

fn mail(to: &str) -> String {
    format!("From: alice@example.org\nTo: {to}\nSubject: secret {MARKER}\n\n{MARKER}\n")
}

#[test]
fn without_a_word_of_policy_nothing_is_sent_that_is_not_sealed() {
    let outbox = Outbox::new();
    let ran = outbox.send(&["-t"], mail("bob@example.org, erin@example.net")).exits(77);
    assert!(
        ran.stderr.contains("5.7.10 Encryption needed") && ran.stderr.contains("no-key"),
        "{}",
        ran.stderr
    );
    assert!(outbox.mails("new").is_empty());
    let held = outbox.only("held");
    assert_eq!(held.recipients(), ["bob@example.org", "erin@example.net"]);
    assert!(held.envelope["reason"].as_str().unwrap().contains("erin@example.net"));
    assert_eq!(held.envelope["waits"], serde_json::Value::Null);
    assert!(!held.units[0].message.contains(MARKER));
    let opened = outbox.opened("alice", &held.units[0].message).expect("its sender opens it");
    assert!(opened.contains(MARKER) && opened.contains("erin@example.net"));
    assert!(outbox.opened("bob", &held.units[0].message).is_none());
}

#[test]
fn whoever_wants_to_keep_refused_mail_themselves_may() {
    let outbox = Outbox::new();
    outbox.send(&["-t", "-oep"], mail("erin@example.net")).exits(77);
    outbox.holds_nothing();
}

#[test]
fn the_sender_reads_what_was_sent_to_and_cc_and_no_copy_of_a_bcc() {
    let outbox = Outbox::new();
    let text = format!("From: alice@example.org\nTo: bob@example.org\nBcc: carol@example.org\n\n{MARKER}\n");
    let queued = outbox.queued(&["-t"], text);
    assert_eq!(queued.units.len(), 2);
    for unit in &queued.units {
        let is_blind = unit.recipients.contains("carol@example.org");
        assert_eq!(outbox.opened("alice", &unit.message).is_some(), !is_blind);
        assert_eq!(outbox.opened("bob", &unit.message).is_some(), !is_blind);
        assert_eq!(outbox.opened("carol", &unit.message).is_some(), is_blind);
        assert!(!unit.message.contains("carol"));
    }
}

#[test]
fn split_hold_and_refuse_do_what_they_say() {
    let policy = |mixed: &str, encrypt: &str| {
        format!("[[send]]\naddress = \"*\"\nencrypt = \"{encrypt}\"\nmixed = \"{mixed}\"\n")
    };
    let outbox = Outbox::new();
    let text = format!("{TO_BOTH}{MARKER}\n");

    outbox.place.write("alice/policy.toml", policy("split", "if-possible"));
    let split = outbox.queued(&["-t"], &text);
    assert_eq!(split.recipients(), ["bob@example.org", "erin@example.net"]);
    for unit in &split.units {
        assert_eq!(unit.message.contains(MARKER), unit.recipients.contains("erin@example.net"));
        assert_eq!(unit.recipients.len(), 1);
    }

    outbox.clear();
    for encrypt in ["if-possible", "require"] {
        outbox.place.write("alice/policy.toml", policy("hold", encrypt));
        let ran = outbox.send(&["-t"], &text).exits(0);
        assert_eq!(ran.stderr, "", "it is ours");
        let held = outbox.only("held");
        assert_eq!(held.envelope["waits"], true);
        assert!(outbox.mails("new").is_empty() && !held.units[0].message.contains(MARKER));
        outbox.clear();
    }

    outbox.place.write("alice/policy.toml", policy("refuse", "if-possible"));
    // Bob was encrypted to before, so he never gets it in the clear.
    let refused = outbox.send(&["-t"], &text).exits(77);
    assert!(refused.stderr.contains("some recipients can be encrypted to"), "{}", refused.stderr);
    assert!(outbox.mails("new").is_empty());
}

#[test]
fn plaintext_leaves_only_where_the_policy_says_so_and_is_signed() {
    let outbox = Outbox::new();
    let row = "[[send]]\naddress = \"list@example.net\"\nencrypt = \"never\"\n";
    outbox.place.write("alice/policy.toml", row);
    let plain = outbox.queued(&["-t"], mail("list@example.net"));
    assert!(plain.units[0].message.contains(MARKER) && plain.units[0].message.contains("multipart/signed"));
    outbox.clear();
    outbox.place.write("alice/policy.toml", format!("{row}sign = \"no\"\n"));
    let unsigned = outbox.queued(&["-t"], mail("list@example.net").replace("secret", "café"));
    let message = &unsigned.units[0].message;
    assert!(
        message.contains(MARKER) && !message.contains("multipart/signed") && message.is_ascii(),
        "{message}"
    );
    outbox.clear();
    outbox.send(&["-t"], mail("list@example.net, erin@example.net")).exits(77);
    assert!(outbox.mails("new").is_empty());
}

#[test]
fn who_asks_for_encryption_in_the_mail_gets_it_or_an_error() {
    let outbox = Outbox::new();
    outbox.place.write("alice/policy.toml", "[[send]]\naddress = \"*\"\nencrypt = \"never\"\n");
    for wish in [
        "Subject: [encrypt] plans\n",
        "X-Counterseal-Encrypt: no\n",
        "Subject: =?utf-8?q?=5Bencrypt=5D?= x\n",
    ] {
        let text = |to: &str| format!("From: alice@example.org\nTo: {to}\n{wish}\n{MARKER}\n");
        outbox.clear();
        outbox.send(&["-t"], text("erin@example.net")).exits(77);
        assert!(outbox.mails("new").is_empty(), "{wish}");
        outbox.clear();
        let queued = outbox.queued(&["-t"], text("bob@example.org"));
        outbox.check_sealed(&queued, MARKER);
        let opened = outbox.opened("bob", &queued.units[0].message).unwrap().to_ascii_lowercase();
        assert!(!opened.contains("[encrypt]") && !opened.contains("counterseal-encrypt"), "{opened}");
    }
}

#[test]
fn an_address_that_names_a_key_is_held_to_it_and_leaves_without_it() {
    let outbox = Outbox::new();
    let bob = String::from_utf8(outbox.place.read("bob.fingerprint")).unwrap();
    let carol = String::from_utf8(outbox.place.read("carol.fingerprint")).unwrap();
    for arguments in
        [vec!["-t".to_owned()], vec!["bob@example.org".to_owned()], vec![format!("{bob}?bob@example.org")]]
    {
        outbox.clear();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let queued = outbox.queued(&arguments, mail(&format!("{bob}?bob@example.org")));
        assert_eq!(queued.recipients(), ["bob@example.org"]);
        assert!(!queued.units[0].message.contains(&bob));
        outbox.clear();
        let other = mail(&format!("{carol}?bob@example.org"));
        let wrong = outbox.send(&arguments, other);
        assert!(wrong.code != 0 && outbox.mails("new").is_empty(), "{}", wrong.stderr);
    }
}

#[test]
fn a_locked_store_signs_nothing_and_loses_nothing() {
    let outbox = Outbox::new();
    outbox.place.write("passphrase", "correct horse battery\n");
    let lock = ["passphrase", "--new-passphrase-file", "passphrase"];
    outbox.place.run("alice", &lock).exits(0);
    let ran = outbox.send(&["-t"], mail("bob@example.org")).exits(77);
    assert!(ran.stderr.contains("locked"), "{}", ran.stderr);
    let held = outbox.only("held");
    assert!(outbox.mails("new").is_empty() && !held.units[0].message.contains(MARKER));
    outbox.clear();
    outbox.place.write("alice/policy.toml", "[[send]]\naddress = \"*\"\nsign = \"no\"\n");
    let queued = outbox.queued(&["-t"], mail("bob@example.org"));
    assert!(outbox.opened("bob", &queued.units[0].message).unwrap().contains(MARKER));
}

#[test]
fn a_mail_that_cannot_be_kept_is_not_half_kept() {
    let outbox = Outbox::new();
    outbox.place.write("alice/config.toml", "");
    outbox.send(&["-t"], mail("bob@example.org")).exits(78);
    outbox.place.write("alice/config.toml", "[account.x]\nnonsense = 1\n");
    outbox.send(&["-t"], mail("bob@example.org")).exits(78);
    outbox.holds_nothing();
    let nobody = outbox.place.path("nobody");
    std::fs::create_dir(&nobody).unwrap();
    let mut command = outbox.command(super::program(), &["bob@example.org"]);
    let ran = command.env("COUNTERSEAL_HOME", nobody).stdin(std::process::Stdio::null()).output().unwrap();
    assert_eq!(ran.status.code(), Some(78));
}

#[test]
fn what_a_program_sealed_goes_as_it_is_and_what_only_claims_so_is_sealed() {
    let outbox = Outbox::new();
    let draft = mail("bob@example.org");
    let sealed = outbox.place.pipe("alice", &["encrypt"], draft.as_bytes()).exits(0).text();
    let body = sealed.split_once("\r\n\r\n").unwrap().1;
    let queued = outbox.queued(&["-t"], &sealed);
    assert_eq!(queued.units.len(), 1);
    assert_eq!(queued.units[0].message.split_once("\r\n\r\n").unwrap().1, body);
    assert!(outbox.opened("bob", &queued.units[0].message).unwrap().contains(MARKER));
    // The policy still says to whom it may go.
    outbox.send(&["erin@example.net"], &sealed).exits(77);
    let header = "From: alice@example.org\nTo: bob@example.org\nMIME-Version: 1.0\n";
    let typed = "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n";
    let base64 = "Content-Transfer-Encoding: base64\n";
    let lone = body.replace("\r\n", "\n");
    for claim in [
        format!("{header}{typed}{base64}\n{MARKER}\n"),
        format!("{header}{typed}\n{MARKER}\n"),
        format!("{header}{typed}{base64}\n{lone}\n{MARKER}\n"),
        format!(
            "{header}Content-Type: multipart/mixed; boundary=b\n\n--b\n{typed}{base64}\n{lone}\n--b\n\n{MARKER}\n--b--\n"
        ),
        format!("{header}Content-Type: multipart/mixed; boundary=b\n{typed}{base64}\n{lone}{MARKER}\n"),
    ] {
        outbox.clear();
        let queued = outbox.queued(&["-t"], &claim);
        assert!(!queued.units[0].message.contains(MARKER), "{claim}");
        assert!(outbox.opened("bob", &queued.units[0].message).unwrap().contains(MARKER), "{claim}");
    }
}

#[test]
fn base64_that_is_no_object_or_has_words_behind_it_is_no_sealed_mail() {
    let outbox = Outbox::new();
    let sealed = outbox.place.pipe("alice", &["encrypt"], mail("bob@example.org").as_bytes()).exits(0).text();
    outbox.place.write("body.b64", sealed.split_once("\r\n\r\n").unwrap().1.replace('\r', ""));
    let base64 = |line: &str| {
        let ran =
            std::process::Command::new("sh").args(["-c", line]).current_dir(outbox.place.path("")).output();
        String::from_utf8(ran.unwrap().stdout).unwrap()
    };
    let header = "From: alice@example.org\nTo: bob@example.org\nMIME-Version: 1.0\nContent-Transfer-Encoding: base64\n\
                  Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n";
    for body in [
        base64(&format!("printf '{MARKER}' | base64")),
        base64(&format!("(base64 -d body.b64; printf '{MARKER}') | base64")),
        base64("base64 -d body.b64 | head -c 400 | base64"),
    ] {
        let queued = outbox.queued(&["-t"], format!("{header}\n{body}\n"));
        let (_, sent) = queued.units[0].message.split_once("\r\n\r\n").unwrap();
        let letters = |text: &str| text.split_whitespace().collect::<String>();
        assert!(letters(sent) != letters(&body), "it was not sealed");
        let opened = outbox.opened("bob", &queued.units[0].message).expect("its reader opens it");
        assert!(opened.contains(body.lines().next().unwrap()), "{opened}");
        outbox.clear();
    }
}

#[test]
fn an_answer_to_an_encrypted_mail_goes_to_nobody_in_clear() {
    let outbox = Outbox::new();
    outbox.place.write("alice/policy.toml", "[[send]]\naddress = \"*\"\nencrypt = \"if-possible\"\n");
    let first = "From: alice@example.org\nTo: bob@example.org\nMessage-ID: <first@example.org>\n";
    outbox.queued(&["-t"], format!("{first}\n{MARKER}\n"));
    outbox.clear();
    let answer = |field: &str| {
        format!(
            "From: alice@example.org\nTo: erin@example.net\nSubject: Re: x\n{field}\n\n> quoted {MARKER}\n"
        )
    };
    for field in [
        "In-Reply-To: <first@example.org>",
        "References: <zero@example.org>\n <first@example.org> <second@example.org>",
    ] {
        let ran = outbox.send(&["-t"], answer(field)).exits(77);
        assert!(ran.stderr.contains("would-quote-secrets"), "{}", ran.stderr);
        assert!(outbox.mails("new").is_empty());
    }
    // An answer to what nobody encrypted is a mail like any other; and who has a key gets the answer sealed.
    outbox.clear();
    let plain = outbox.queued(&["-t"], answer("In-Reply-To: <other@example.org>"));
    assert!(plain.units[0].message.contains(MARKER));
    outbox.clear();
    let sealed = answer("In-Reply-To: <first@example.org>").replace("erin@example.net", "bob@example.org");
    outbox.check_sealed(&outbox.queued(&["-t"], sealed), MARKER);
}
