//! What a mail brings along says nothing, and nothing else of it changes.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use super::{Inbox, TEXT, word};

#[test]
fn the_field_says_who_wrote_a_mail() {
    let inbox = Inbox::new();
    let bob = inbox.signed_by("bob");
    for (mail, expected) in [
        (bob.clone(), "verified; author=\"bob@example.org\"; key="),
        (inbox.signed_by("carol"), "signed; author=\"carol@example.org\"; key="),
        (inbox.sealed_by("bob"), "verified; author=\"bob@example.org\"; key="),
        (inbox.mail_by("bob"), "unsigned; level=none; score=0; reasons=not-signed"),
        (bob.replace("let us meet", "let us eat"), "invalid; "),
        (bob.replacen("From: Bob <bob@", "From: Carol <carol@", 1), "mismatch; "),
        ("no mail at all".to_owned(), "unsigned; "),
        (format!("Content-Type: text/plain\n{}\n", "x: y\n".repeat(2000)), "unjudged; reasons="),
    ] {
        let filtered = inbox.filtered(&mail, &[]);
        let ours = filtered.replace("\r\n", "\n").replace("\n ", " ");
        let value = ours.strip_prefix("Counterseal-Verdict: ").unwrap();
        assert!(value.starts_with(expected), "{expected}: {}", value.lines().next().unwrap());
        assert!(value.lines().next().unwrap().ends_with("; version=1"), "{value}");
        // All that was there is there, in its order, to the byte.
        assert!(filtered.ends_with(&mail), "{filtered}");
    }
    let python = "import sys, email\nm = email.message_from_file(sys.stdin)\n\
        print(m.get_param('author', header='Counterseal-Verdict'), m.get_params(header='Counterseal-Verdict')[0][0])";
    if let Some(program) = super::find("python3") {
        let (_, said) = inbox.program(&program, &["-c", python], &inbox.filtered(&bob, &[]));
        assert_eq!(said.trim(), "bob@example.org verified");
    }
}

#[test]
fn a_locked_store_judges_signatures_and_leaves_sealed_mail_closed() {
    let inbox = Inbox::new();
    let (signed, sealed) = (inbox.signed_by("bob"), inbox.sealed_by("bob"));
    inbox.place.write("new", "correct horse battery\n");
    inbox.place.run("alice", &["passphrase", "--new-passphrase-file", "new"]).exits(0);
    let before = inbox.place.run("alice", &["trust", "history", "bob@example.org"]).text();
    let filtered = inbox.filtered(&signed, &[]);
    assert_eq!(word(&filtered), "verified");
    assert_ne!(inbox.place.run("alice", &["trust", "history", "bob@example.org"]).text(), before);
    for options in [&[][..], &["--decrypt"]] {
        let filtered = inbox.filtered(&sealed, options);
        assert_eq!(word(&filtered), "unjudged");
        assert!(filtered.contains("reasons=locked") && filtered.ends_with(&sealed), "{filtered}");
    }
    let shown = inbox.filtered(&sealed, &["--display"]);
    assert!(shown.starts_with("[cseal] NOT JUDGED: ") && !shown.contains(TEXT), "{shown}");
}

#[test]
fn no_field_that_a_mail_brings_is_left() {
    let inbox = Inbox::new();
    for forged in [
        "Counterseal-Verdict: verified; version=1",
        "counterseal-verdict : verified; version=1",
        "COUNTERSEAL-VERDICT:\n verified",
        "X: 1\rCounterseal-Verdict: verified; version=1",
        "no field\nCounterseal-Verdict: verified; version=1",
    ] {
        for mail in [inbox.mail_by("bob"), inbox.signed_by("bob"), "X: y\n".repeat(2000) + "\nbody\n"] {
            let twice = format!("{forged}\n{}", mail.replacen('\n', &format!("\n{forged}\n"), 1));
            let filtered = inbox.filtered(&twice, &[]);
            assert!(mail.contains("multipart/signed") || word(&filtered) != "verified");
            assert!(filtered.split_once("\n\n").unwrap().1 == mail.split_once("\n\n").unwrap().1);
        }
    }
    // A line that goes on goes on with nothing of ours.
    let filtered = inbox.filtered(" ; verified\nFrom: bob@example.org\n\nx\n", &[]);
    assert!(filtered.contains("version=1\n\n ; verified\nFrom:"), "{filtered}");
}

#[test]
fn what_was_decrypted_brings_no_field_either() {
    let inbox = Inbox::new();
    let draft = inbox.mail_by("bob").replace("Subject:", "Counterseal-Verdict: verified; x=1\nSubject:");
    let sealed =
        inbox.place.pipe("bob", &["encrypt"], draft.as_bytes()).exits(0).text().replace("\r\n", "\n");
    let kept = inbox.filtered(&sealed, &[]);
    assert_eq!(word(&kept), "verified");
    assert!(kept.ends_with(&sealed.replacen("Counterseal-Verdict: verified; x=1\n", "", 1)));
    let opened = inbox.filtered(&sealed, &["--decrypt"]);
    assert_eq!(word(&opened), "verified");
    assert!(opened.contains(TEXT) && opened.contains("encrypted=yes") && !opened.contains("x=1"), "{opened}");
    assert!(opened.contains("Subject: Secret plans"));
    // What is not encrypted stays as it came.
    let signed = inbox.signed_by("bob");
    assert!(inbox.filtered(&signed, &["--decrypt"]).ends_with(&signed));
}

#[test]
fn what_nobody_signed_and_anybody_could_change_stays_closed() {
    let Some(openssl) = super::find("openssl") else { return };
    let inbox = Inbox::new();
    inbox
        .place
        .run("alice", &["keys", "export", "alice@example.org", "-o", "own.pem", "--overwrite"])
        .exits(0);
    inbox.place.write("content", "Content-Type: text/html\n\n<img src=http://example.org/?\n");
    let certificates = String::from_utf8(inbox.place.read("own.pem")).unwrap();
    let of_encryption = certificates.split_inclusive("-----END CERTIFICATE-----\n").find(|pem| {
        let (_, said) = inbox.program(&openssl, &["x509", "-noout", "-ext", "keyUsage"], pem);
        said.contains("Key Encipherment")
    });
    inbox.place.write("to.pem", of_encryption.unwrap());
    let seal = ["cms", "-encrypt", "-aes256", "-in", "content", "-from", "bob@example.org", "to.pem"];
    let (code, sealed) = inbox.program(&openssl, &seal, "");
    assert_eq!(code, 0, "{sealed}");
    let filtered = inbox.filtered(&sealed, &["--decrypt"]);
    assert_eq!(word(&filtered), "unsigned");
    assert!(filtered.contains("encrypted=no-integrity") && filtered.ends_with(&sealed), "{filtered}");
    // Text for a terminal loads nothing.
    assert!(inbox.filtered(&sealed, &["--display"]).contains("ENCRYPTED: "));
}

#[test]
fn nothing_hides_behind_white_space_below_a_signed_text() {
    let inbox = Inbox::new();
    let signed = inbox.signed_by("bob");
    for space in [" ".repeat(5000), "\u{3000}".repeat(2000), "\n".repeat(50)] {
        let mail = signed.replacen(TEXT, &format!("{TEXT}\n{space}send money"), 1);
        assert_eq!(word(&inbox.filtered(&mail, &[])), "partial");
        let shown = inbox.filtered(&mail, &["--display"]);
        assert!(shown.contains("CHECKED: ") && shown.contains("    | send money"), "{shown}");
    }
}

#[test]
fn a_signed_mail_in_an_encrypted_one_is_read_in_one_way() {
    let Some(openssl) = super::find("openssl") else { return };
    let inbox = Inbox::new();
    let mail = inbox.signed_by("bob");
    let inside = &mail[mail.find("Content-Type: multipart/signed").unwrap()..];
    for (more, is_partial) in [("", false), ("Content-Type: multipart/mixed; boundary=other\n", true)] {
        inbox.place.write("inside", inside.replacen("\n\n", &format!("\n{more}\n"), 1));
        let seal =
            ["encrypt", "--cms", "--no-sign", "--to", "alice@example.org", "-o", "object", "--overwrite"];
        inbox.place.run("carol", &[&seal[..], &["inside"]].concat()).exits(0);
        let (_, object) = inbox.program(&openssl, &["base64", "-in", "object"], "");
        let sealed = format!(
            "From: bob@example.org\nContent-Type: application/pkcs7-mime; name=smime.p7m\n\
             Content-Transfer-Encoding: base64\n\n{object}"
        );
        let filtered = inbox.filtered(&sealed, &[]);
        assert!(filtered.contains("encrypted=yes"), "{filtered}");
        assert_eq!(word(&filtered) == "partial", is_partial, "{filtered}");
    }
}

#[test]
fn a_signature_holds_behind_the_filter_for_openssl() {
    let Some(openssl) = super::find("openssl") else { return };
    let inbox = Inbox::new();
    let filtered = inbox.filtered(&inbox.signed_by("bob"), &[]);
    let (code, said) = inbox.program(&openssl, &["cms", "-verify", "-noverify"], &filtered);
    assert!(code == 0 && said.contains(TEXT), "{said}");
}

#[test]
fn a_full_disk_and_a_closed_pipe_are_told_as_try_again() {
    let inbox = Inbox::new();
    let run = |output: Stdio| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cseal"))
            .args(["filter"])
            .env("COUNTERSEAL_HOME", inbox.place.path("alice"))
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(inbox.mail_by("bob").as_bytes());
        child.wait().unwrap().code()
    };
    assert_eq!(run(File::create("/dev/full").unwrap().into()), Some(75));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(run(writer.into()), Some(75));
}

#[test]
fn a_policy_that_cannot_be_read_loses_no_mail() {
    let inbox = Inbox::new();
    inbox.place.write("alice/policy.toml", "profil = 1\n");
    let mail = inbox.mail_by("bob");
    let filtered = inbox.filtered(&mail, &[]);
    assert_eq!(word(&filtered), "unjudged");
    assert!(filtered.ends_with(&mail));
    inbox.place.write("alice/store.db", "no store");
    assert_eq!(word(&inbox.filtered(&mail, &[])), "unjudged");
}

#[test]
fn a_huge_mail_takes_no_memory() {
    let inbox = Inbox::new();
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -v 400000; exec \"$0\" filter", env!("CARGO_BIN_EXE_cseal")])
        .env("COUNTERSEAL_HOME", inbox.place.path("alice"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let line = [b"x".repeat(997), b"\r\n".to_vec()].concat();
    let (blocks, block) = (150, line.repeat(1000));
    let length = block.len() * blocks;
    let writer = std::thread::spawn(move || {
        input.write_all(b"From: bob@example.org\r\nCounterseal-Verdict: x\r\n\r\n").unwrap();
        (0..blocks).for_each(|_| input.write_all(&block).unwrap());
    });
    let (mut start, mut read) = (Vec::new(), 0);
    output.by_ref().take(1000).read_to_end(&mut start).unwrap();
    let mut piece = vec![0; 1 << 20];
    loop {
        match output.read(&mut piece).unwrap() {
            0 => break,
            count => read += count,
        }
    }
    writer.join().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let start = String::from_utf8(start).unwrap();
    let header = start.split_once("\r\n\r\n").unwrap().0.len() + 4;
    assert_eq!(word(&start), "unsigned");
    assert_eq!(read + 1000 - header, length);
}
