//! SMTP on standard input and output.

use super::{MARKER, Outbox};

fn codes(answers: &str) -> Vec<&str> {
    answers.lines().filter(|line| line.as_bytes()[3] == b' ').map(|line| &line[..3]).collect()
}

#[test]
fn several_mails_of_one_dialogue_are_committed_each_by_itself() {
    let outbox = Outbox::new();
    let one = |to: &str| {
        format!(
            "MAIL FROM:<alice@example.org> BODY=8BITMIME\r\nRCPT TO:<{to}@example.org>\r\nRCPT TO:<alice@example.org>\r\n\
             DATA\r\nFrom: alice@example.org\r\nTo: {to}@example.org\r\nBcc: alice@example.org\r\n\r\n{MARKER}\r\n..\r\nend\r\n.\r\n"
        )
    };
    // Symfony Mailer and swaks, nmh, alpine.
    for options in [&["-bs"][..], &["-bs", "-odb", "-oem", "-om"], &["-bs", "-odb", "-oem"]] {
        outbox.clear();
        let said = outbox.send(options, format!("EHLO x\r\n{}{}QUIT\r\n", one("bob"), one("carol"))).exits(0);
        assert_eq!(said.stderr, "");
        let answers = said.text();
        assert_eq!(
            codes(&answers),
            ["220", "250", "250", "250", "250", "354", "250", "250", "250", "250", "354", "250", "221"],
            "{answers}"
        );
        let mails = outbox.mails("new");
        assert_eq!(mails.len(), 2);
        let mut all: Vec<_> = mails.iter().map(|mail| mail.recipients().join(" ")).collect();
        all.sort();
        let expected = ["bob", "carol"].map(|person| format!("alice@example.org {person}@example.org"));
        assert_eq!(all, expected);
        for mail in &mails {
            assert_eq!(mail.units.len(), 2, "the Bcc copy is alone");
            outbox.check_sealed(mail, &format!("{MARKER}\n.\nend"));
        }
    }
}

#[test]
fn who_has_no_key_is_refused_when_they_are_named() {
    let outbox = Outbox::new();
    let said = outbox.send(
        &["-bs"],
        "HELO x\nMAIL FROM:<>\nRCPT TO:<erin@example.org>\nRCPT TO:<bob@example.org>\nDATA\nFrom: alice@example.org\n\nx\n.\nQUIT\n",
    );
    let answers = said.exits(0).text();
    assert_eq!(codes(&answers), ["220", "250", "250", "550", "250", "354", "250", "221"], "{answers}");
    assert!(answers.contains("550 5.7.10 ") && answers.contains("no-key"), "{answers}");
    let mail = outbox.only("new");
    assert_eq!((mail.recipients(), mail.units[0].sender.as_str()), (vec!["bob@example.org".to_owned()], ""));
}

#[test]
fn a_dialogue_that_ends_within_a_mail_sends_none() {
    let outbox = Outbox::new();
    let begin = "EHLO x\r\nMAIL FROM:<alice@example.org>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nFrom: alice@example.org\r\n\r\nx\r\n";
    for end in ["", "half a line", ".", ".\n", "x\r.\r\n", "x\n.\r", "\n.\n"] {
        outbox.send(&["-bs"], format!("{begin}{end}")).exits(65);
    }
    outbox.send(&["-bs"], "EHLO x\r\nMAIL FROM:<alice@example.org>\r\n").exits(0);
    outbox.holds_nothing();
}

#[test]
fn a_second_mail_cannot_be_hidden_in_the_first() {
    let outbox = Outbox::new();
    let seed = "MAIL FROM:<eve@example.org>\r\nRCPT TO:<carol@example.org>\r\nDATA\r\nfrom eve\r\n";
    for end in ["\n.\n", "\r.\r\n", "\n.\r\n\r.\r"] {
        outbox.clear();
        let mail = format!(
            "EHLO x\r\nMAIL FROM:<alice@example.org>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n\
             From: alice@example.org\r\n\r\nx{end}{seed}.\r\nQUIT\r\n"
        );
        outbox.send(&["-bs"], mail).exits(0);
        for mail in outbox.mails("new") {
            assert!(!mail.recipients().contains(&"carol@example.org".to_owned()), "{end:?}");
        }
    }
}
