//! Mail that the policy refused, or that waits for a key.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::sink::{Manner, Sink};
use crate::people::Place;
use crate::servers::{NameServer, program};

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
    sendmail_with(place, &["-i", "dave@example.org"], MAIL).0
}

/// The exit code, and what is said on standard output.
fn sendmail_with(place: &Place, arguments: &[&str], input: &[u8]) -> (i32, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cseal-sendmail"))
        .args(arguments)
        .env("COUNTERSEAL_HOME", place.path("alice"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let ended = child.wait_with_output().unwrap();
    (ended.status.code().unwrap(), String::from_utf8(ended.stdout).unwrap())
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

/// The domain that says what Dave's key is.
fn name_server(place: &Place) -> Option<NameServer> {
    program("named")?;
    let records = place.run("dave", &["keys", "publish", "--smimea"]).exits(0).text();
    NameServer::start(&place.path("dns"), &[("example.org", &records)])
}

fn asks(place: &Place, server: &NameServer, network: &str) {
    let send = "[[send]]\naddress = \"*\"\nencrypt = \"require\"\nmixed = \"hold\"\n";
    let policy = format!("{send}[sources]\nnetwork = \"{network}\"\n{}", server.policy());
    fs::write(place.path("alice/policy.toml"), policy).unwrap();
}

#[test]
fn the_queue_looks_for_a_key_where_the_person_allowed_that() {
    let (place, sink) = people("");
    let Some(server) = name_server(&place) else { return };
    asks(&place, &server, "ask");
    assert_eq!(sendmail(&place), 0);
    place.run("alice", &["queue", "flush"]).exits(0);
    assert_eq!((held(&place).len(), sink.received().len()), (1, 0), "nobody allowed it");
    asks(&place, &server, "always");
    place.run("alice", &["queue", "flush"]).exits(0);
    dave_reads(&place, &sink);
    assert!(held(&place).is_empty());
    // It was taken in: the next mail asks nobody.
    drop(server);
    assert_eq!(sendmail(&place), 0);
    assert_eq!((held(&place).len(), sink.received().len()), (0, 2));
}

#[test]
fn a_key_that_the_domain_proves_is_looked_up_before_a_mail_is_refused() {
    for is_dialogue in [false, true] {
        let (place, sink) = people("");
        let Some(server) = name_server(&place) else { return };
        asks(&place, &server, "always");
        let policy = fs::read_to_string(place.path("alice/policy.toml")).unwrap();
        fs::write(place.path("alice/policy.toml"), policy.replace("hold", "refuse")).unwrap();
        if is_dialogue {
            let mail = String::from_utf8_lossy(MAIL).replace('\n', "\r\n");
            let talk = format!(
                "EHLO here\r\nMAIL FROM:<alice@example.org>\r\nRCPT TO:<dave@example.org>\r\nDATA\r\n{mail}.\r\nQUIT\r\n"
            );
            let (code, said) = sendmail_with(&place, &["-odq", "-bs"], talk.as_bytes());
            assert!(code == 0 && said.contains("250 2.0.0 taken"), "{said}");
            place.run("alice", &["queue", "flush"]).exits(0);
        } else {
            assert_eq!(sendmail(&place), 0);
        }
        dave_reads(&place, &sink);
    }
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

#[test]
fn a_release_sends_at_once_every_mail_that_is_named_and_says_what_came_of_it() {
    let (place, sink) = people("");
    assert_eq!((sendmail(&place), sendmail(&place)), (77, 77));
    let shown = place.run("alice", &["doctor", "--json"]).exits(1).text();
    assert!(shown.contains("mails that are held: 2"), "{shown}");
    let ids = held(&place);
    let said = place.run("alice", &["queue", "show", &ids[0]]).exits(0).text();
    assert!(said.contains(&format!("cseal queue release {}", ids[0])), "{said}");
    place.run("alice", &["keys", "import", "dave.pem"]).exits(0);
    let said = place.run("alice", &["queue", "release", "--json", &ids[0], &ids[1]]).exits(0).text();
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    let states: Vec<&str> =
        said["mails"].as_array().unwrap().iter().map(|mail| mail["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["sent", "sent"], "{said}");
    assert_eq!(said["ids"].as_array().unwrap().len(), 2);
    assert_eq!(sink.received().len(), 2);
    assert!(held(&place).is_empty());
    let shown = place.run("alice", &["queue", "list"]).exits(0).text();
    assert_eq!(shown, "the queue is empty\n");
}

#[test]
fn doctor_names_the_account_that_does_not_send_and_nothing_once_it_does() {
    let (place, sink) = people("");
    let config = place.path("alice/config.toml");
    let good = fs::read_to_string(&config).unwrap();
    // Where nobody listens.
    fs::write(&config, "[account.test]\nsmtp = \"smtp://127.0.0.1:1\"\n").unwrap();
    assert_eq!(sendmail_with(&place, &["-i", "alice@example.org"], MAIL).0, 0);
    let said = place.run("alice", &["doctor"]).exits(1).text();
    assert!(said.contains("not-sent") && said.contains("account test does not send: 127.0.0.1:1"), "{said}");
    fs::write(&config, good).unwrap();
    place.run("alice", &["queue", "flush"]).exits(0);
    assert_eq!(sink.received().len(), 1);
    let said = place.run("alice", &["doctor"]).text();
    assert!(!said.contains("not-sent") && said.contains("✓ queue"), "{said}");
}
