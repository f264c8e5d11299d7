//! What servers say, and what becomes of the mail.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::home::{Home, MESSAGE};
use super::sink::{Deed, Manner, Sink};

/// A home whose account is a sink of these manners.
fn with(manner: Manner) -> (Home, Sink) {
    with_settings(manner, "")
}

fn with_settings(manner: Manner, more: &str) -> (Home, Sink) {
    let sink = Sink::start(manner);
    let home = Home::new(&format!("smtp = \"smtp://127.0.0.1:{}\"", sink.port), more);
    (home, sink)
}

const PEOPLE: &[&str] = &["bob@example.org", "carol@example.org"];

#[test]
fn a_mail_is_sent_once_and_leaves_the_queue() {
    let (home, sink) = with(Manner::usual());
    let id = home.put(1, PEOPLE);
    home.flush().exits(0);
    home.flush().exits(0);
    let received = sink.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].mail, "MAIL FROM:<alice@example.org>");
    assert_eq!(received[0].recipients, ["RCPT TO:<bob@example.org>", "RCPT TO:<carol@example.org>"]);
    assert_eq!(received[0].data, MESSAGE);
    assert!(home.mails("new").is_empty() && !home.path("queue/new").join(format!("{id}.log")).exists());
}

#[test]
fn nothing_of_an_address_is_an_option_a_pattern_or_a_command() {
    let (home, sink) = with(Manner { offers: &[], ..Manner::usual() });
    let people = ["*@example.org", "\\\"a b\\\"@example.org", "-n@example.org", "\\\"$(id)\\\"@example.org"];
    home.put(1, &people);
    home.flush().exits(0);
    let expected =
        ["<*@example.org>", "<\"a b\"@example.org>", "<-n@example.org>", "<\"$(id)\"@example.org>"];
    assert_eq!(sink.received()[0].recipients, expected.map(|one| format!("RCPT TO:{one}")));
}

#[test]
fn dots_are_doubled_and_nothing_is_added() {
    let (home, sink) = with(Manner::usual());
    let message = b"Subject: x\r\n\r\n.\r\n..\r\n.a\r\na.\r\n\r\n";
    home.put_message(1, &["bob@example.org"], message, "");
    home.flush().exits(0);
    assert_eq!(sink.received()[0].data, b"Subject: x\r\n\r\n..\r\n...\r\n..a\r\na.\r\n\r\n");
}

#[test]
fn one_bad_recipient_stops_nobody_else() {
    for offers in [&["PIPELINING"][..], &[]] {
        let bad = |line: &str| {
            if line.contains("bob") { Deed::Say("550 5.1.1 no such user") } else { Deed::Usual }
        };
        let maildir = tempfile::tempdir().unwrap();
        for name in ["tmp", "new", "cur"] {
            fs::create_dir(maildir.path().join(name)).unwrap();
        }
        let more = format!("[queue]\nmaildir = \"{}\"", maildir.path().display());
        let (home, sink) = with_settings(Manner { offers, ..Manner::script(bad) }, &more);
        let id = home.put(1, PEOPLE);
        home.flush().exits(1);
        assert_eq!(sink.received()[0].recipients, ["RCPT TO:<carol@example.org>"]);
        assert_eq!(home.mails("failed"), [id.as_str()]);
        let shown = home.cseal(&["queue", "show", &id]).exits(0).text();
        assert!(shown.contains("refused    bob@example.org   550 5.1.1 no such user"), "{shown}");
        assert!(shown.contains("sent       carol@example.org"), "{shown}");
        let report = fs::read_dir(maildir.path().join("new")).unwrap().next().unwrap().unwrap().path();
        let report = fs::read_to_string(report).unwrap();
        assert!(
            report.contains("Final-Recipient: rfc822;bob@example.org\nAction: failed\nStatus: 5.1.1\n"),
            "{report}"
        );
        assert!(!report.contains("carol") && !report.contains("ciphertext"), "{report}");
        // What failed is not tried again.
        home.flush().exits(0);
        assert_eq!(sink.received().len(), 1);
    }
}

#[test]
fn a_report_that_cannot_be_written_costs_no_mail() {
    let bad = |line: &str| if line.starts_with("RCPT") { Deed::Say("550 no") } else { Deed::Usual };
    let (home, _sink) = with_settings(Manner::script(bad), "[queue]\nmaildir = \"/nowhere/at/all\"");
    let id = home.put(1, PEOPLE);
    home.flush().exits(1);
    assert_eq!(home.mails("failed"), [id.as_str()]);
}

#[test]
fn what_is_deferred_stays_and_goes_as_the_same_octets() {
    let tries = AtomicUsize::new(0);
    let later = move |line: &str| match line {
        "." if tries.fetch_add(1, Ordering::SeqCst) == 0 => Deed::Say("451 4.3.0 later"),
        _ => Deed::Usual,
    };
    let (home, sink) = with(Manner::script(later));
    let id = home.put(1, PEOPLE);
    let before = fs::read(home.path("queue/new").join(&id)).unwrap();
    let said = home.flush().exits(1).text();
    assert!(said.starts_with("0 sent, 1 waiting, 0 failed"), "{said}");
    assert_eq!(fs::read(home.path("queue/new").join(&id)).unwrap(), before);
    // It is not due yet, so a timer leaves it alone.
    home.cseal(&["queue", "flush", "--due"]).exits(0);
    assert!(sink.received().is_empty());
    home.flush().exits(0);
    assert_eq!(sink.received()[0].data, MESSAGE);
}

#[test]
fn a_refused_sender_fails_for_all_and_a_deferred_one_for_nobody() {
    for (answer, place) in [("550 5.7.1 not you", "failed"), ("450 4.7.1 greylisted", "new")] {
        let script = move |line: &str| if line.starts_with("MAIL") { Deed::Say(answer) } else { Deed::Usual };
        let (home, sink) = with(Manner { offers: &[], ..Manner::script(script) });
        let id = home.put(1, PEOPLE);
        home.flush().exits(1);
        assert_eq!(home.mails(place), [id.as_str()], "{answer}");
        assert!(sink.received().is_empty());
    }
}

#[test]
fn lost_before_the_dot_nobody_has_it_lost_after_it_nobody_knows() {
    for (moment, word) in
        [("DATA", "closed the connection (at DATA)"), (".", "closed the connection (after the final dot)")]
    {
        let tries = AtomicUsize::new(0);
        let script = move |line: &str| {
            if line == moment && tries.fetch_add(1, Ordering::SeqCst) == 0 { Deed::Drop } else { Deed::Usual }
        };
        let (home, sink) = with(Manner::script(script));
        let id = home.put(1, PEOPLE);
        home.flush().exits(1);
        let log = fs::read_to_string(home.path("queue/new").join(format!("{id}.log"))).unwrap();
        let result = if moment == "." { "unknown" } else { "deferred" };
        assert!(log.contains(&format!("\"result\":\"{result}\"")) && log.contains(word), "{log}");
        home.flush().exits(0);
        let received = sink.received();
        assert_eq!(received.len(), if moment == "." { 2 } else { 1 });
        assert!(received.iter().all(|one| one.data == MESSAGE), "the same octets, the same Message-ID");
    }
}

#[test]
fn a_server_that_hangs_costs_its_time_and_no_mail() {
    for moment in ["connect", "EHLO", "MAIL", "DATA", "."] {
        let hang = move |line: &str| if line.starts_with(moment) { Deed::Hang } else { Deed::Usual };
        let (home, _sink) = with_settings(Manner::script(hang), "[queue]\nanswer = \"1s\"");
        let id = home.put(1, PEOPLE);
        let said = home.flush().exits(1);
        assert_eq!(home.mails("new"), [id.as_str()], "{moment}");
        assert!(moment == "." || said.text().contains("took too long"), "{moment}: {}", said.text());
    }
}

#[test]
fn a_server_that_speaks_no_smtp_gets_nothing() {
    const LONG: &str = match std::str::from_utf8(&[b'x'; 9000]) {
        Ok(text) => text,
        Err(_) => "",
    };
    for garbage in ["HTTP/1.1 400 Bad Request", "", "220", "999 hello", "SSH-2.0-x", LONG] {
        let script = move |line: &str| {
            if line == "connect" { Deed::Say(garbage) } else { Deed::Say("250-x\r\n550 y") }
        };
        let (home, sink) = with_settings(Manner::script(script), "[queue]\nanswer = \"5s\"");
        let id = home.put(1, PEOPLE);
        let said = home.flush().exits(1).text();
        assert_eq!(home.mails("new"), [id.as_str()], "{garbage}");
        assert!(said.contains("does not speak SMTP"), "{garbage}: {said}");
        assert!(!sink.said().iter().any(|line| line.starts_with("MAIL")));
    }
}

#[test]
fn an_answer_without_end_is_cut_off() {
    let flood = |line: &str| {
        if line.starts_with("EHLO") {
            return Deed::Say(
                std::str::from_utf8(Box::leak(b"250-x\r\n".repeat(100_000).into_boxed_slice())).unwrap(),
            );
        }
        Deed::Usual
    };
    let (home, _sink) = with(Manner::script(flood));
    home.put(1, PEOPLE);
    assert!(home.flush().exits(1).text().contains("too many lines"));
}

#[test]
fn a_mail_that_brings_the_server_down_keeps_no_other() {
    let poison = |line: &str| if line.contains("poison") { Deed::Drop } else { Deed::Usual };
    let (home, sink) = with(Manner::script(poison));
    home.put(1, &["poison@example.org"]);
    for number in 2..6 {
        home.put(number, &["bob@example.org"]);
    }
    let said = home.flush().exits(1).text();
    assert!(said.starts_with("4 sent, 1 waiting"), "{said}");
    assert_eq!(sink.received().len(), 4);
}

#[test]
fn a_server_that_is_down_is_asked_once_and_then_left_in_peace() {
    let closed = |line: &str| if line == "connect" { Deed::Say("421 4.3.2 not now") } else { Deed::Usual };
    let count = std::sync::Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let script = move |line: &str| {
        counted.fetch_add(usize::from(line == "connect"), Ordering::SeqCst);
        closed(line)
    };
    let (home, _sink) = with(Manner::script(script));
    for number in 1..5 {
        home.put(number, PEOPLE);
    }
    home.cseal(&["queue", "flush", "--due"]).exits(0);
    home.cseal(&["queue", "flush", "--due"]).exits(0);
    assert_eq!(count.load(Ordering::SeqCst), 1);
    assert!(home.cseal(&["queue", "list"]).text().contains("421 4.3.2 not now"));
    home.flush().exits(1);
    assert_eq!(count.load(Ordering::SeqCst), 2, "a person who asks is obeyed");
}

#[test]
fn a_server_is_told_what_it_offers_to_hear() {
    let offers = &["SIZE 100000", "8BITMIME", "SMTPUTF8", "DSN", "REQUIRETLS"];
    let asked =
        r#"{"address":"bob@example.org","notify":["failure","delay"],"original":"rfc822;bob@example.org"}"#;
    let never = r#"{"address":"élise@example.org","notify":[]}"#;
    let more =
        r#","smtputf8":true,"eight_bit":true,"return":"headers","envelope_id":"x+3D","require_tls":true"#;
    let (home, sink) = with(Manner { offers, ..Manner::usual() });
    home.put_message(1, &[asked, never], MESSAGE, more);
    home.flush().exits(0);
    let received = &sink.received()[0];
    let size = MESSAGE.len();
    assert_eq!(
        received.mail,
        format!(
            "MAIL FROM:<alice@example.org> SIZE={size} BODY=8BITMIME SMTPUTF8 REQUIRETLS RET=HDRS ENVID=x+3D"
        )
    );
    assert_eq!(
        received.recipients[0],
        "RCPT TO:<bob@example.org> NOTIFY=FAILURE,DELAY ORCPT=rfc822;bob@example.org"
    );
    assert_eq!(received.recipients[1], "RCPT TO:<élise@example.org> NOTIFY=NEVER");
}

#[test]
fn what_a_server_cannot_carry_is_refused_before_it_is_sent() {
    for (offers, more, said) in [
        (&[][..], r#","smtputf8":true"#, "SMTPUTF8"),
        (&[], r#","eight_bit":true"#, "8BITMIME"),
        (&[], r#","require_tls":true"#, "REQUIRETLS"),
        (&["SIZE 10"], "", "more than the 10"),
    ] {
        let (home, sink) = with(Manner { offers, ..Manner::usual() });
        let id = home.put_message(1, &["bob@example.org"], MESSAGE, more);
        home.flush().exits(1);
        assert!(home.cseal(&["queue", "show", &id]).text().contains(said), "{said}");
        assert_eq!(home.mails("failed"), [id.as_str()]);
        assert!(!sink.said().iter().any(|line| line.starts_with("MAIL")));
    }
}

#[test]
fn a_thousand_recipients_are_written_to_in_hundreds() {
    let (home, sink) = with(Manner::usual());
    let people: Vec<String> = (0..1000).map(|number| format!("p{number}@example.org")).collect();
    home.put(1, &people.iter().map(String::as_str).collect::<Vec<_>>());
    home.flush().exits(0);
    let received = sink.received();
    assert!(received.iter().all(|one| one.recipients.len() == 100));
    let all: Vec<String> = received.into_iter().flat_map(|one| one.recipients).collect();
    assert_eq!(all, people.iter().map(|one| format!("RCPT TO:<{one}>")).collect::<Vec<_>>());
}
