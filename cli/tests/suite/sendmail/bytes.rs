//! Bytes, header fields and addresses as programs write them, row by row.

use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use super::{MARKER, Outbox, program};

const HEAD: &str = "From: alice@example.org\nTo: bob@example.org\nSubject: x\n";

#[test]
fn what_two_programs_would_read_differently_is_refused_whole() {
    let outbox = Outbox::new();
    let mails: [&[u8]; 11] = [
        b"From: alice@example.org\nTo: bob@example.org\n\na\rb\n",
        b"From: alice@example.org\nTo: bob@example.org\n\na\r\n\r.\r\nb\n",
        b"From: alice@example.org\nTo: bob@example.org\n\na\0b\n",
        b"From: alice@example.org\nFrom: carol@example.org\nTo: bob@example.org\n\n",
        b"From: alice@example.org\nTo: bob@example.org, bad@@example.org, <broken, carol@example.org\n\n",
        b"From: alice@example.org\nTo: bob@example.org\nCc: carol@example.org eve@example.org\n\n",
        b"From: alice@example.org\nTo: bob@example.org\nBcc: =?utf-8?q?a?=@example.org\n\n",
        b"From: alice@example.org\nTo: bob@example.org,\n\n",
        b"From: alice@example.org\nTo: bob@example.org\nBcc: program\n\n",
        b"From: alice@example.org, bob@example.org\nTo: bob@example.org\n\n",
        b"From: alice@example.org\nTo: MBJH-UVS2?bob@example.org\n\n",
    ];
    for mail in mails {
        let ran = outbox.send(&["-t", "-oi"], mail);
        assert_eq!(ran.code, 65, "{}: {}", String::from_utf8_lossy(mail), ran.stderr);
        outbox.send(&["-oi", "bob@example.org"], mail).exits(65);
    }
    outbox.holds_nothing();
    let named = outbox.send(&["-t"], mails[5]);
    assert!(named.stderr.contains("field Cc"), "{}", named.stderr);
}

#[test]
fn a_mail_that_is_too_large_is_read_to_its_end_and_refused() {
    let outbox = Outbox::new();
    let mut child = outbox.command(program(), &["-t"]).stdout(Stdio::null()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(HEAD.as_bytes()).unwrap();
    input.write_all(b"\n").unwrap();
    let line = [b"x".repeat(1023), b"\n".to_vec()].concat();
    for _ in 0..51 << 10 {
        input.write_all(&line).expect("nobody closes the pipe");
    }
    drop(input);
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(65));
    assert!(said.contains("50 MiB"), "{said}");
    outbox.holds_nothing();
}

#[test]
fn every_form_of_a_text_arrives_as_it_was_meant() {
    let outbox = Outbox::new();
    let long = "word ".repeat(600);
    for (text, body) in [
        (format!("{HEAD}\n{MARKER}\n.\n..\n"), format!("{MARKER}\n.\n..\n")),
        (format!("From alice Thu Jan  1 00:00:00 1970\n{HEAD}\n{MARKER}\n"), MARKER.to_owned()),
        (format!("{HEAD}no field\n{MARKER}\n"), format!("no field\n{MARKER}")),
        (format!("{HEAD}\n{MARKER} {long}\n"), MARKER.to_owned()),
        (format!("{HEAD}\ncafé {MARKER}\n"), format!("caf=C3=A9 {MARKER}")),
        (format!("{}X-Long: {long}\n\n{MARKER}\n", HEAD), MARKER.to_owned()),
        (format!("{HEAD}X-Eight: café\n\n{MARKER}\n"), MARKER.to_owned()),
    ] {
        outbox.clear();
        let queued = outbox.queued(&["-t"], &text);
        outbox.check_sealed(&queued, &body);
        let opened = outbox.opened("bob", &queued.units[0].message).unwrap();
        assert!(opened.lines().all(|line| line.len() <= 998), "{text}");
        assert!(queued.units[0].message.is_ascii(), "{text}");
    }
    // A text without a header: the recipients are named, and everything else is added.
    outbox.clear();
    let queued = outbox.queued(&["bob@example.org"], format!("{MARKER}\nmore\n"));
    outbox.check_sealed(&queued, &format!("{MARKER}\nmore"));
    assert!(queued.units[0].message.starts_with("From: alice@example.org\r\n"));
}

#[test]
fn recipients_are_those_of_the_header_however_it_is_written() {
    let outbox = Outbox::new();
    for (fields, recipients) in [
        ("To: bob@example.org,\n carol@example.org", "bob carol"),
        ("To: F: bob@example.org, carol@example.org;", "bob carol"),
        ("To: undisclosed-recipients:;\nBcc: bob@example.org", "bob"),
        ("To: Bob (the (nested) one) <bob@example.org> (x)", "bob"),
        ("To: <@r.example,@s.example:bob@example.org>", "bob"),
        ("To : bob@example.org\nBcc : carol@example.org", "bob carol"),
        ("To: bob", "bob"),
        ("To: root", "bob carol"),
        ("To: bob@example.org, BOB@Example.ORG\nCc: bob@example.org", "bob"),
        (
            "To: carol@example.org\nBcc: carol@example.org\nResent-From: alice@example.org\nResent-To: bob@example.org",
            "bob",
        ),
        ("To: carol@example.org\nResent-From: alice@example.org\nResent-Bcc: bob@example.org", "bob"),
    ] {
        outbox.clear();
        let queued = outbox.queued(&["-t"], format!("From: alice@example.org\n{fields}\n\n{MARKER}\n"));
        let expected: Vec<String> = recipients.split(' ').map(|one| format!("{one}@example.org")).collect();
        assert_eq!(queued.recipients(), expected, "{fields}");
        outbox.check_sealed(&queued, MARKER);
    }
    // A name that nobody knows, where no domain is configured for those.
    let config = outbox.place.read("alice/config.toml");
    let without = String::from_utf8(config.clone()).unwrap().replace("domain = ", "#");
    outbox.place.write("alice/config.toml", without);
    outbox.clear();
    let nobody =
        outbox.send(&["-t"], "From: alice@example.org\nTo: bob@example.org, nobody\n\nx\n").exits(65);
    assert!(nobody.stderr.contains("nobody"), "{}", nobody.stderr);
    outbox.holds_nothing();
    outbox.place.write("alice/config.toml", config);
    // Arguments are added to those of the header.
    outbox.clear();
    let both =
        outbox.queued(&["-t", "carol@example.org, Bob <bob@example.org>"], format!("{HEAD}\n{MARKER}\n"));
    assert_eq!(both.recipients(), ["bob@example.org", "carol@example.org"]);
    assert_eq!(both.units.len(), 2, "carol stands in no field that bob sees");
}

#[test]
fn names_of_every_kind_reach_the_server_as_they_are() {
    let outbox = Outbox::new();
    outbox.place.write("alice/policy.toml", "[[send]]\naddress = \"*\"\nencrypt = \"if-possible\"\n");
    for (written, recipient, needs_utf8) in [
        ("\"john doe\"@example.net", "\"john doe\"@example.net", false),
        ("\"x,y\"@example.net", "\"x,y\"@example.net", false),
        ("jörg@example.net", "jörg@example.net", true),
        ("jim@bücher.example", "jim@xn--bcher-kva.example", false),
    ] {
        for arguments in [&["-t", "-i"][..], &["-i", "--", written]] {
            outbox.clear();
            let mail = format!("From: alice@example.org\nTo: {written}\nSubject: x\n\n{MARKER}\n");
            let queued = outbox.queued(arguments, mail);
            assert_eq!(queued.recipients(), [recipient], "{written}");
            let says = &queued.units[0].envelope["smtputf8"];
            assert_eq!(says.as_bool().unwrap_or(false), needs_utf8, "{written}");
        }
    }
}

#[test]
fn what_other_programs_left_in_a_mail_does_not_leave_with_it() {
    let outbox = Outbox::new();
    for (arguments, fields) in [
        (&["-t"][..], "Return-Path: <eve@example.net>\nContent-Length: 12\nBcc : carol@example.org"),
        (&["bob@example.org", "carol@example.org"], "Bcc: carol@example.org,\n alice@example.org"),
        (
            &["-t"],
            "Resent-From: alice@example.org\nResent-To: bob@example.org\nResent-Bcc: carol@example.org\nBcc: alice@example.org",
        ),
    ] {
        outbox.clear();
        let queued = outbox.queued(arguments, format!("{fields}\n{HEAD}\n{MARKER}\n"));
        assert_eq!(queued.recipients(), ["bob@example.org", "carol@example.org"], "{fields}");
        outbox.check_sealed(&queued, MARKER);
    }
}

#[test]
fn a_header_cannot_be_made_longer_by_what_stands_in_it() {
    let outbox = Outbox::new();
    let name = outbox.queued(&["-F", "Eve\r\nBcc: eve@example.org\r\n", "bob@example.org"], "\nx\n");
    let message = &name.units[0].message;
    assert!(!message.contains("\r\nBcc"), "{message}");
    assert_eq!(name.recipients(), ["bob@example.org"]);
    outbox.clear();
    let subject = format!(
        "From: alice@example.org\nTo: bob@example.org\nSubject: =?utf-8?q?a=0D=0ABcc:_eve@example.org?=\n\n{MARKER}\n"
    );
    let queued = outbox.queued(&["-t"], subject);
    assert_eq!(queued.recipients(), ["bob@example.org"]);
    outbox.check_sealed(&queued, MARKER);
}

#[test]
fn a_hundred_thousand_recipients_are_refused_quickly_and_in_words() {
    let outbox = Outbox::new();
    let begin = std::time::Instant::now();
    let many = (0..100_000).map(|number| format!("a{number}@example.org")).collect::<Vec<_>>().join(",\n ");
    let ran = outbox.send(&["-t"], format!("To: {many}\n\nx\n")).exits(65);
    assert!(ran.stderr.contains("error: "), "{}", ran.stderr);
    let pieces: Vec<String> =
        (0..20).map(|_| (0..5000).map(|n| format!("a{n}@b.example")).collect::<Vec<_>>().join(",")).collect();
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let ran = outbox.send(&pieces, "x\n").exits(65);
    assert!(ran.stderr.contains("more than 5000 recipients"), "{}", ran.stderr);
    assert!(begin.elapsed() < Duration::from_secs(20));
    outbox.holds_nothing();
}

#[test]
fn whoever_is_stopped_in_the_middle_of_a_mail_sends_none() {
    let outbox = Outbox::new();
    for signal in ["-TERM", "-INT", "-KILL", "-HUP"] {
        // Whoever runs the tests may ignore some of them, by nohup.
        let by_default = ["--default-signal=TERM,INT,HUP", env!("CARGO_BIN_EXE_cseal-sendmail"), "-t"];
        let mut child = outbox.command(Path::new("env"), &by_default).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(format!("{HEAD}\n{MARKER}\n.\n").as_bytes()).unwrap();
        input.flush().unwrap();
        std::thread::sleep(Duration::from_millis(200));
        assert!(child.try_wait().unwrap().is_none(), "a dot ended the mail");
        let kill = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), None, "{signal}");
        drop(input);
    }
    outbox.holds_nothing();
}
