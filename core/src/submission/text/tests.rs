//! Rows of what programs hand over, and what becomes of it.

use super::*;
use crate::limits::SUBMITTED_BYTES;
use crate::submission::Aliases;

fn local() -> Local {
    Local {
        aliases: Aliases::parse("root: alice@example.org\n").unwrap(),
        domain: None,
        hosts: vec!["host.example.org".to_owned()],
        user: None,
    }
}

fn taken(mail: &[u8], header_counts: bool) -> Result<Submission, SubmissionError> {
    let address = EmailAddress::parse("me@example.org").unwrap();
    let from = Mailbox { address, display_name: Some("Me".to_owned()), has_address_in_comment: false };
    let defaults = Defaults {
        from: Some(from),
        date: "Sat, 21 Nov 2026 12:00:00 +0000".to_owned(),
        message_id: "1@example.org".to_owned(),
    };
    read(mail.into(), &local(), header_counts, &defaults)
}

fn text(mail: &[u8]) -> String {
    String::from_utf8(taken(mail, true).unwrap().text.to_vec()).unwrap()
}

fn people(addresses: &[StrongAddress]) -> Vec<String> {
    addresses.iter().map(|strong| strong.address.to_string()).collect()
}

const HEAD: &str = "Date: d\r\nMessage-ID: <m@x>\r\nFrom: a@x\r\n";

#[test]
fn line_ends_become_crlf_and_the_last_line_has_one() {
    let lf = HEAD.replace("\r\n", "\n");
    for (given, body) in [
        (format!("{lf}\na\nb\n"), "a\r\nb\r\n"),
        (format!("{HEAD}\r\na\r\nb\r\n"), "a\r\nb\r\n"),
        (format!("{HEAD}\r\na\nb"), "a\r\nb\r\n"),
        (format!("{lf}\n.\n..\nend\n"), ".\r\n..\r\nend\r\n"),
        (format!("From x Thu Jan  1 00:00:00 1970\n{lf}\na"), "a\r\n"),
        (lf.clone(), ""),
    ] {
        assert_eq!(text(given.as_bytes()), format!("{HEAD}\r\n{body}"), "{given:?}");
    }
}

#[test]
fn what_other_programs_read_in_two_ways_is_refused() {
    for (mail, error) in [
        (&b"From: a@x\n\na\0b\n"[..], SubmissionError::Nul),
        (b"From: a@x\n\na\rb\n", SubmissionError::BareCarriageReturn),
        (b"From: a@x\r\n\r\na\r.\r\n", SubmissionError::BareCarriageReturn),
        (b"From: a@x\n\na\r", SubmissionError::BareCarriageReturn),
        (b"From: a@x\nTo: b@y\nFrom: c@x\n\n", SubmissionError::SeveralFrom),
        (b"From: a@x, b@x\n\n", SubmissionError::From),
    ] {
        assert_eq!(taken(mail, true).unwrap_err(), error);
    }
    let field = |field: &str, error| SubmissionError::Field { field: field.to_owned(), error };
    for (mail, error) in [
        ("To: t1@x, bad@@x, <broken, t2@x\n\n", field("To", MailboxError::MissingDomain)),
        ("cc: a@x b@x\n\n", field("cc", MailboxError::Malformed)),
        ("To: a@x\nResent-Bcc: <a\n\n", field("Resent-Bcc", MailboxError::Malformed)),
    ] {
        assert_eq!(taken(mail.as_bytes(), true).unwrap_err(), error);
        assert!(taken(mail.as_bytes(), false).is_err(), "every reader sees it");
    }
    assert_eq!(taken(&vec![b'a'; SUBMITTED_BYTES + 1], true).unwrap_err(), SubmissionError::TooLarge);
}

#[test]
fn what_is_missing_is_added() {
    let added = "From: Me <me@example.org>\r\nDate: Sat, 21 Nov 2026 12:00:00 +0000\r\n\
                 Message-ID: <1@example.org>\r\n";
    for (given, rest) in [
        ("", "\r\n"),
        ("just text\nmore\n", "\r\njust text\r\nmore\r\n"),
        ("\ntext\n", "\r\ntext\r\n"),
        ("To: b@y\n\ntext\n", "To: b@y\r\n\r\ntext\r\n"),
        ("To: b@y\njunk line\nCc: c@y\n\n", "To: b@y\r\n\r\njunk line\r\nCc: c@y\r\n\r\n"),
    ] {
        assert_eq!(text(given.as_bytes()), format!("{added}{rest}"), "{given:?}");
    }
}

#[test]
fn what_no_reader_may_see_is_never_sent() {
    let mail = format!(
        "Return-Path: <r@x>\r\nContent-Length: 4\r\n{HEAD}Bcc: b@y,\r\n c@y\r\nbcc : d@y\r\nResent-Bcc: e@y\r\n\r\n\
         Bcc: in the text\r\n"
    );
    for header_counts in [true, false] {
        let taken = taken(mail.as_bytes(), header_counts).unwrap();
        let text = String::from_utf8(taken.text.to_vec()).unwrap();
        assert_eq!(text, format!("{HEAD}\r\nBcc: in the text\r\n"));
    }
}

#[test]
fn the_header_names_its_recipients() {
    for (header, named, open) in [
        ("To: a@x,\n b@x\nCc: C <c@x>\nBcc: d@x\n", "a@x b@x c@x d@x", 3),
        ("To: F: a@x, b@x;\n", "a@x b@x", 2),
        ("To: undisclosed-recipients:;\nBcc: d@x\n", "d@x", 0),
        ("To: \"john doe\"@d, \"x,y\"@d\n", "\"john doe\"@d \"x,y\"@d", 2),
        ("To: a (one (two)) @x\n", "", 9),
        ("To: a@x (one (two))\n", "a@x", 1),
        ("To: <@r,@s:a@x>\n", "a@x", 1),
        ("To : a@x\n", "a@x", 1),
        ("To: root\n", "alice@example.org", 1),
        ("To:\nBcc: \n", "", 0),
        ("To: a@x\nCc: c@x\nBcc: d@x\nResent-To: r@x\nResent-Bcc: s@x\n", "r@x s@x", 1),
        ("To: a@x\nResent-Cc: r@x\n", "r@x", 1),
        ("To: é@xn--bcher-kva.example\n", "é@xn--bcher-kva.example", 1),
        ("To: a@bücher.example\n", "a@xn--bcher-kva.example", 1),
    ] {
        let found = taken(format!("{header}\n").as_bytes(), true);
        if open == 9 {
            assert!(found.is_err(), "{header}");
            continue;
        }
        let found = found.unwrap();
        assert_eq!(people(&found.named).join(" "), named, "{header}");
        assert_eq!(found.open.len(), open, "{header}");
    }
}

#[test]
fn names_without_a_domain_are_those_of_this_machine() {
    let mail = text(b"From: root (Cron Daemon)\nTo: root\nReply-To: bob@host.example.org\n\n");
    assert!(mail.contains("From: me@example.org\r\n"), "{mail}");
    assert!(
        taken(b"To: dave\n\n", true)
            .is_err_and(|error| error == SubmissionError::NoDomain("dave".to_owned()))
    );
    let seen = taken(b"To: undisclosed-recipients\n\n", false).unwrap();
    assert!(seen.named.is_empty() && seen.open.is_empty());
}

#[test]
fn demands_and_wishes_do_not_leave_this_machine() {
    const KID: &str = "MBJH-UVS2-Z2Q4-OF7C-MGP6-ZLO7-BJMY";
    for field in ["To", "Cc", "Bcc", "Resent-To", "Resent-Bcc"] {
        let mail = format!(
            "{HEAD}{field}: {KID}?bob@example.org\r\nSubject: [encrypt] x\r\nX-Counterseal-Encrypt: no\r\n\r\n"
        );
        let taken = taken(mail.as_bytes(), true).unwrap();
        let text = String::from_utf8(taken.text.to_vec()).unwrap();
        assert!(!text.contains("MBJH") && !text.contains("ncrypt"), "{text}");
        assert!(matches!(taken.named[0].demand, KeyDemand::Key(_)), "{field}");
        assert_eq!(taken.named[0].address.to_string(), "bob@example.org");
        assert!(taken.asks_for_encryption);
    }
    assert!(taken(format!("To: root, {KID}?bob@example.org\n\n").as_bytes(), true).is_err());
}

#[test]
fn arguments_are_lists_too() {
    let arguments = |list: &[&str]| {
        let list: Vec<Vec<u8>> = list.iter().map(|one| one.as_bytes().to_vec()).collect();
        argument_recipients(&list, &local()).map(|found| people(&found).join(" "))
    };
    for (list, found) in [
        (&["a@x, b@x"][..], "a@x b@x"),
        (&["Joe <a@x>", "\"a b\"@x"], "a@x \"a b\"@x"),
        (&["root"], "alice@example.org"),
        (&["-weird@x", "*@x", "$(id)@x", "|id@x", "`id`@x"][..1], "-weird@x"),
        (&["*@x", "{a}@x", "`id`@x", "|id@x"], "*@x {a}@x `id`@x |id@x"),
    ] {
        assert_eq!(arguments(list).as_deref(), Ok(found));
    }
    for wrong in [
        "",
        "a@@x",
        "$(id)@x",
        "a@x b@x",
        "<a@x",
        "a@x\r\nBcc: b@x",
        "a@x\nRCPT TO:<b@x>",
        "a@x\nDATA",
        "a@x\r\n",
        "\u{1}@x",
    ] {
        assert!(matches!(arguments(&[wrong]), Err(SubmissionError::Argument { .. })), "{wrong:?}");
    }
    let many: Vec<Vec<u8>> =
        (0..100_000).map(|number| format!("a{number}@example.org").into_bytes()).collect();
    assert_eq!(argument_recipients(&many, &local()).unwrap_err(), SubmissionError::TooManyRecipients);
}
