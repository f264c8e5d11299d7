//! What a caller is told that waits for the first try (`-odi`), whatever the server does, and that nothing is lost by it.

use std::time::{Duration, Instant};

use super::{MARKER, Outbox};
use crate::submission::certificates::CERTIFICATES;
use crate::submission::servers::wait_until;
use crate::submission::sink::{Deed, Manner, Sink, Tls};

/// The account is at a server on this machine.
fn account(outbox: &Outbox, smtp: &str) {
    let config = format!("[account.test]\nsmtp = \"{smtp}\"\n[queue]\nfirst_try = \"2s\"\nanswer = \"2s\"\n");
    outbox.place.write("alice/config.toml", config);
}

fn mail() -> String {
    format!("From: alice@example.org\nTo: bob@example.org, carol@example.org\nSubject: x\n\n{MARKER}\n")
}

/// Sends while the server does something. Exit code, and what was said.
#[track_caller]
fn sent_while(outbox: &Outbox, scheme: &str, manner: Manner) -> (i32, String, Sink) {
    outbox.clear();
    let sink = Sink::start(manner);
    account(outbox, &format!("{scheme}://127.0.0.1:{}", sink.port));
    let ran = outbox.send(&["-t", "-odi"], mail());
    assert!(ran.stdout.is_empty());
    (ran.code, ran.stderr, sink)
}

fn at(moment: &'static str, deed: Deed) -> Manner {
    Manner::script(move |line| if line.starts_with(moment) { deed } else { Deed::Usual })
}

#[test]
fn a_mail_that_the_server_does_not_take_now_is_ours_and_goes_later() {
    let outbox = Outbox::new();
    for (what, manner) in [
        ("hangs at once", at("connect", Deed::Hang)),
        ("hangs in the middle", at("DATA", Deed::Hang)),
        ("hangs after the dot", at(".", Deed::Hang)),
        ("drops at once", at("connect", Deed::Drop)),
        ("drops in the middle", at("RCPT", Deed::Drop)),
        ("drops after the dot", at(".", Deed::Drop)),
        ("is not one", at("connect", Deed::Say("HTTP/1.1 400 Bad Request"))),
        ("answers garbage", at("MAIL", Deed::Say("\u{1}\u{2}\u{3}"))),
        ("answers what it must not", at("DATA", Deed::Say("999 no such code"))),
        ("is busy", at("connect", Deed::Say("421 4.3.2 later"))),
        ("defers the message", at(".", Deed::Say("451 4.3.0 later"))),
        ("defers everybody", at("RCPT", Deed::Say("450 4.2.1 greylisted"))),
        ("does not greet us", at("EHLO", Deed::Say("500 5.5.1 what?"))),
    ] {
        let begin = Instant::now();
        let (code, said, _sink) = sent_while(&outbox, "smtp", manner);
        assert_eq!((code, said.as_str()), (0, ""), "{what}");
        assert!(begin.elapsed() < Duration::from_secs(12), "{what}: waited {:?}", begin.elapsed());
        arrives(&outbox, what);
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    outbox.clear();
    account(&outbox, &format!("smtp://{nobody}"));
    outbox.send(&["-t", "-odi"], mail()).exits(0);
    arrives(&outbox, "is not there");
}

/// The mail is in the queue, whole, and a server that behaves gets it.
#[track_caller]
fn arrives(outbox: &Outbox, what: &str) {
    assert_eq!(outbox.only("new").recipients(), ["bob@example.org", "carol@example.org"], "{what}");
    let good = Sink::start(Manner::usual());
    account(outbox, &format!("smtp://127.0.0.1:{}", good.port));
    // What the first try left behind may look at the mail at the same moment.
    wait_until(what, || {
        outbox.place.run("alice", &["queue", "flush"]).code == 0 && outbox.mails("new").is_empty()
    });
    let received = good.received();
    assert_eq!(received.len(), 1, "{what}");
    assert_eq!(received[0].recipients.len(), 2, "{what}");
    assert!(outbox.mails("new").is_empty() && outbox.mails("failed").is_empty(), "{what}");
}

#[test]
fn without_tls_nothing_leaves_and_nothing_is_lost() {
    let outbox = Outbox::new();
    for (scheme, tls) in [
        ("smtp+starttls", Tls::No),
        ("smtps", Tls::No),
        ("smtps", Tls::Implicit(CERTIFICATES.tls("expired"))),
        ("smtp+starttls", Tls::Start(CERTIFICATES.tls("elsewhere"))),
    ] {
        let (code, said, sink) = sent_while(&outbox, scheme, Manner { tls, ..Manner::usual() });
        assert_eq!((code, said.as_str()), (0, ""), "{scheme}");
        assert!(!sink.said().iter().any(|line| line.starts_with("MAIL")), "{scheme}: {:?}", sink.said());
        arrives(&outbox, scheme);
    }
}

#[test]
fn who_is_refused_for_good_is_told_and_everybody_else_gets_the_mail() {
    let outbox = Outbox::new();
    let (code, said, sink) =
        sent_while(&outbox, "smtp", at("RCPT TO:<bob", Deed::Say("550 5.1.1 no such user")));
    assert_eq!((code, said.as_str()), (0, ""), "somebody has it");
    assert_eq!(sink.received()[0].recipients, ["RCPT TO:<carol@example.org>"]);
    assert_eq!(outbox.mails("failed").len(), 1);
    for moment in ["RCPT", "MAIL", "DATA", "."] {
        let (code, said, sink) = sent_while(&outbox, "smtp", at(moment, Deed::Say("550 5.7.1 no")));
        assert_eq!(code, 69, "{moment}: {said}");
        assert!(said.contains("550 5.7.1 no"), "{moment}: {said}");
        assert!(sink.received().is_empty(), "{moment}");
        assert!(outbox.mails("new").is_empty(), "it will never be sent");
        assert_eq!(outbox.mails("failed").len(), 1, "a copy is kept");
    }
}

#[test]
fn a_mail_that_cannot_be_written_down_is_not_taken() {
    let outbox = Outbox::new();
    let queue = outbox.place.path("alice/queue");
    std::fs::write(&queue, "no folder").unwrap();
    let ran = outbox.send(&["-t"], mail());
    assert!([73, 74, 75, 78].contains(&ran.code), "{}: {}", ran.code, ran.stderr);
    assert_eq!(std::fs::read(&queue).unwrap(), b"no folder");
}
