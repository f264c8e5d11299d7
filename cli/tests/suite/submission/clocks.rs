//! Clocks that are wrong, processes that sleep, and settings that change between two tries: nothing is lost by them, and nothing
//! that was sealed gets out in the clear.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::home::{Home, MESSAGE};
use super::sink::{Deed, Manner, Sink};
use crate::sendmail::{MARKER, Outbox};
use crate::servers::program;

/// Runs the queue as if it were another time.
fn flush_at(home: &Home, offset: &str, arguments: &[&str]) -> Option<i32> {
    let faketime = program("faketime")?;
    let mut command = Command::new(faketime);
    command.args(["-f", offset, env!("CARGO_BIN_EXE_cseal"), "queue", "flush"]).args(arguments);
    command.env("COUNTERSEAL_HOME", home.path("")).current_dir(home.path(""));
    Some(command.output().unwrap().status.code().expect("it ends by itself"))
}

const OFFSETS: [&str; 5] = ["-20y", "-1d", "-1h", "+1d", "+20y"];

#[test]
fn with_whatever_clock_a_mail_is_sent_once() {
    for offset in OFFSETS {
        let sink = Sink::start(Manner::usual());
        let home = Home::new(&format!("smtp = \"smtp://127.0.0.1:{}\"", sink.port), "");
        home.put(1, &["bob@example.org", "carol@example.org"]);
        let Some(code) = flush_at(&home, offset, &[]) else { return };
        assert_eq!(code, 0, "{offset}");
        home.flush().exits(0);
        assert_eq!(sink.received().len(), 1, "{offset}");
        assert!(home.mails("new").is_empty() && home.mails("failed").is_empty());
    }
}

#[test]
fn what_a_wrong_clock_noted_keeps_no_mail_when_it_is_right_again() {
    for offset in OFFSETS {
        // The server is down while the clock is wrong: mail and server are to be left in peace for a while.
        let down = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let home = Home::new(&format!("smtp = \"smtp://127.0.0.1:{down}\""), "[queue]\ngive_up = \"10000d\"");
        home.put(1, &["bob@example.org"]);
        let Some(code) = flush_at(&home, offset, &[]) else { return };
        assert_eq!((code, home.mails("new").len()), (1, 1), "{offset}");
        let sink = Sink::start(Manner::usual());
        home.configure(
            &format!("smtp = \"smtp://127.0.0.1:{}\"", sink.port),
            "[queue]\ngive_up = \"10000d\"",
        );
        // A slow clock left notes of long ago, a fast one notes of the future: neither is waited for.
        home.cseal(&["queue", "flush", "--due"]).exits(0);
        assert_eq!(sink.received().len(), 1, "{offset}");
    }
}

#[test]
fn a_clock_that_says_it_is_too_late_costs_a_report_and_no_mail() {
    let sink = Sink::start(Manner::script(|line| match line {
        "." => Deed::Say("451 4.3.0 later"),
        _ => Deed::Usual,
    }));
    let home = Home::new(&format!("smtp = \"smtp://127.0.0.1:{}\"", sink.port), "");
    let id = home.put(1, &["bob@example.org"]);
    let before = fs::read(home.path("queue/new").join(&id)).unwrap();
    if flush_at(&home, "+20y", &[]).is_none() {
        return;
    }
    assert_eq!(home.mails("failed"), [id.as_str()], "given up, and kept");
    assert_eq!(fs::read(home.path("queue/failed").join(&id)).unwrap(), before);
}

#[test]
fn whoever_sleeps_in_the_middle_goes_on_and_sends_one_copy() {
    let slow = |line: &str| {
        if line == "DATA" {
            thread::sleep(Duration::from_millis(500));
        }
        Deed::Usual
    };
    let sink = Sink::start(Manner::script(slow));
    let home = Home::new(&format!("smtp = \"smtp://127.0.0.1:{}\"", sink.port), "");
    home.put(1, &["bob@example.org"]);
    let mut flush = home.command(&["queue", "flush"]).spawn().unwrap();
    super::servers::wait_until("it sends", || sink.said().contains(&"DATA".to_owned()));
    let signal = |name: &str| Command::new("kill").args([name, &flush.id().to_string()]).status().unwrap();
    assert!(signal("-STOP").success());
    thread::sleep(Duration::from_millis(1500));
    // Meanwhile nobody else takes the mail.
    home.flush();
    assert!(signal("-CONT").success());
    assert!(flush.wait().unwrap().success());
    assert_eq!(sink.received().len(), 1);
    assert_eq!(sink.received()[0].data, MESSAGE);
}

#[test]
fn settings_that_became_looser_change_nothing_of_what_is_in_the_queue() {
    let outbox = Outbox::new();
    let mail = format!(
        "From: alice@example.org\nTo: bob@example.org\nBcc: carol@example.org\nSubject: x\n\n{MARKER}\n"
    );
    let queued = outbox.queued(&["-t", "-odq"], &mail);
    // What is refused now stays so, too.
    outbox.send(&["-t"], mail.replace("bob@example.org", "erin@example.net")).exits(77);
    let loose = "[[send]]\naddress = \"*\"\nencrypt = \"never\"\nsign = \"no\"\nmixed = \"split\"\n";
    outbox.place.write("alice/policy.toml", loose);
    let sink = Sink::start(Manner::usual());
    let account = format!("[account.test]\nsmtp = \"smtp://127.0.0.1:{}\"\n", sink.port);
    outbox.place.write("alice/config.toml", account);
    outbox.place.run("alice", &["queue", "flush"]).exits(0);
    let mut sent: Vec<_> =
        sink.received().into_iter().map(|one| String::from_utf8(one.data).unwrap()).collect();
    let mut expected: Vec<_> = queued.units.iter().map(|unit| unit.message.clone()).collect();
    sent.sort();
    expected.sort();
    assert_eq!(sent, expected, "the octets of the commit");
    assert!(!sent.concat().contains(MARKER));
    assert_eq!(outbox.mails("held").len(), 1, "it waits for a person");
}
