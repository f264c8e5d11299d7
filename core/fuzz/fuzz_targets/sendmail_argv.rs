//! What programs hand to a `sendmail`: a command line, a mail and a dialogue. No byte of an argument gets out of its
//! address, no blind reader into the text, and what was taken once is taken again as the same mail.
#![no_main]

use counterseal_core::address::EmailAddress;
use counterseal_core::mail::{HeaderSection, Mailbox};
use counterseal_core::submission::{
    Action, Aliases, Data, Defaults, Dialogue, Invocation, Local, argument_recipients, read,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let arguments: Vec<Vec<u8>> = data.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
    let text = String::from_utf8_lossy(data);
    let local = Local {
        aliases: Aliases::parse(&text).unwrap_or_default(),
        domain: Some("example.org".to_owned()),
        hosts: vec!["host".to_owned()],
        user: EmailAddress::parse("alice@example.org").ok().map(|address| ("alice".to_owned(), address)),
    };
    if let Ok(invocation) = Invocation::parse(b"sendmail", &arguments) {
        for recipient in argument_recipients(&invocation.recipients, &local).unwrap_or_default() {
            let written = recipient.address.to_string();
            assert!(!written.chars().any(char::is_control), "a line of its own");
            assert_eq!(EmailAddress::parse(&written).as_ref(), Ok(&recipient.address));
        }
    }
    mail(data, &local);
    dialogue(data);
});

fn mail(data: &[u8], local: &Local) {
    let from = EmailAddress::parse("alice@example.org").ok();
    let from = from.map(|address| Mailbox { address, display_name: None, has_address_in_comment: false });
    let defaults =
        Defaults { from, date: "Thu, 01 Jan 1970 00:00:00 +0000".to_owned(), message_id: "1@x".to_owned() };
    let Ok(taken) = read(data.into(), local, true, &defaults) else { return };
    let text = &taken.text;
    assert!(!text.contains(&0) && text.ends_with(b"\r\n"));
    assert!(text.split(|byte| *byte == b'\n').all(|line| line.is_empty() || line.ends_with(b"\r")));
    // What was added may be too much for a header that was as long as may be.
    let Ok(header) = HeaderSection::read(text) else { return };
    for name in ["Bcc", "Resent-Bcc", "Return-Path", "Content-Length"] {
        assert_eq!(header.count(name), 0, "{name}");
    }
    for name in ["From", "Date", "Message-ID"] {
        assert!(header.count(name) >= 1, "{name}");
    }
    if let Ok(again) = read(text.as_slice().into(), local, false, &defaults) {
        assert_eq!(again.text, taken.text, "another mail");
    }
}

fn dialogue(data: &[u8]) {
    let (mut dialogue, mut body) = (Dialogue::default(), None::<Data>);
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        if let Some(data) = &mut body {
            if data.line(line).is_none() {
                assert!(!dialogue.take().recipients.is_empty(), "a mail for nobody");
                body = None;
            }
            continue;
        }
        match dialogue.line(line) {
            Action::Reply(text) => assert!(text.split("\r\n").all(|line| line.as_bytes()[..3].is_ascii())),
            Action::Recipient(address, notify) => drop(dialogue.accept(address, notify)),
            Action::Data(_) => body = Some(Data::new()),
            Action::Quit(_) => break,
        }
    }
}
