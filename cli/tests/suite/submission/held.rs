//! Mail that the policy refused, or that waits for a key.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::sink::{Manner, Sink};
use crate::people::Place;

const MAIL: &[u8] = b"From: alice@example.org\nTo: dave@example.org\nSubject: Secret plans\n\nLet us meet.\n";

/// Alice, whose mail goes to a sink, and Dave, whom she has no key for.
fn people(policy: &str) -> (Place, Sink) {
    let place = Place::new();
    let sink = Sink::start(Manner::usual());
    let account = format!("[account.test]\nsmtp = \"smtp://127.0.0.1:{}\"\n", sink.port);
    fs::write(place.path("alice/config.toml"), account).unwrap();
    fs::write(place.path("alice/policy.toml"), policy).unwrap();
    place.run("dave", &["init", "dave@example.org", "--no-passphrase", "--algorithm", "rsa-2048"]).exits(0);
    place.run("dave", &["keys", "export", "dave@example.org", "-o", "dave.pem"]).exits(0);
    (place, sink)
}

fn sendmail(place: &Place) -> i32 {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cseal-sendmail"))
        .args(["-i", "dave@example.org"])
        .env("COUNTERSEAL_HOME", place.path("alice"))
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(MAIL).unwrap();
    child.wait().unwrap().code().unwrap()
}

fn held(place: &Place) -> Vec<String> {
    let entries = fs::read_dir(place.path("alice/queue/held")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.ends_with(".log")).collect()
}

fn holds_plaintext(directory: &Path) -> bool {
    Command::new("grep").args(["-rqE", "Secret plans|Let us meet"]).arg(directory).status().unwrap().success()
}

/// What came to the sink is Dave's to read.
fn dave_reads(place: &Place, sink: &Sink) {
    let received = sink.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].recipients, ["RCPT TO:<dave@example.org>"]);
    assert!(!String::from_utf8_lossy(&received[0].data).contains("Secret plans"));
    let read = place.pipe("dave", &["decrypt"], &received[0].data).exits(0).text();
    assert!(read.contains("Subject: Secret plans") && read.contains("Let us meet."), "{read}");
}

#[test]
fn a_refused_mail_is_kept_sealed_and_goes_only_when_a_person_releases_it() {
    let (place, sink) = people("");
    assert_eq!(sendmail(&place), 77);
    let ids = held(&place);
    assert_eq!(ids.len(), 1);
    assert!(!holds_plaintext(&place.path("alice/queue")));
    let refused = place.run("alice", &["queue", "release", &ids[0]]).exits(1);
    assert!(refused.stderr.contains("dave@example.org"), "{}", refused.stderr);
    assert_eq!(held(&place), ids, "what is still refused stays");
    place.run("alice", &["keys", "import", "dave.pem"]).exits(0);
    // Its sender was told that it would not be sent, so no flush sends it.
    place.run("alice", &["queue", "flush"]).exits(0);
    assert!(sink.received().is_empty());
    place.run("alice", &["queue", "release", &ids[0]]).exits(0);
    place.run("alice", &["queue", "flush"]).exits(0);
    dave_reads(&place, &sink);
    assert!(held(&place).is_empty());
}

#[test]
fn a_mail_that_waits_for_a_key_goes_by_itself_when_the_key_is_there() {
    let (place, sink) = people("[[send]]\naddress = \"*\"\nencrypt = \"require\"\nmixed = \"hold\"\n");
    assert_eq!(sendmail(&place), 0);
    assert_eq!(held(&place).len(), 1);
    assert!(!holds_plaintext(&place.path("alice/queue")));
    place.run("alice", &["queue", "flush"]).exits(0);
    assert!(sink.received().is_empty());
    place.run("alice", &["keys", "import", "dave.pem"]).exits(0);
    place.run("alice", &["queue", "flush"]).exits(0);
    dave_reads(&place, &sink);
    assert!(held(&place).is_empty());
}

#[test]
fn a_key_that_never_comes_is_waited_for_no_longer_than_configured() {
    let (place, sink) = people("[[send]]\naddress = \"*\"\nencrypt = \"require\"\nmixed = \"hold\"\n");
    let config = fs::read_to_string(place.path("alice/config.toml")).unwrap();
    fs::write(place.path("alice/config.toml"), format!("{config}[queue]\ngive_up = \"1s\"\n")).unwrap();
    assert_eq!(sendmail(&place), 0);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let said = place.run("alice", &["queue", "flush"]).exits(1).text();
    assert!(said.contains("1 failed"), "{said}");
    assert!(held(&place).is_empty() && sink.received().is_empty());
}
