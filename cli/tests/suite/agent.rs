//! The agent: what it does, what it refuses, and when it ends.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::people::{MAIL, Place};

/// Alice with a passphrase, Bob who writes to her, and a mail of his.
struct Locked {
    place: Place,
}

impl Locked {
    fn new() -> Self {
        let place = Place::new();
        place.write("passphrase", "correct horse\n");
        let init = ["init", "dora@example.org", "--passphrase-file", "passphrase", "--algorithm", "rsa-2048"];
        place.run("dora", &init).exits(0);
        place.run("dora", &["keys", "export", "dora@example.org", "-o", "dora.pem"]).exits(0);
        place.run("bob", &["keys", "import", "dora.pem"]).exits(0);
        let mail = MAIL
            .replace("From: Alice <alice@", "From: Bob <bob@")
            .replace("To: Bob <bob@", "To: Dora <dora@");
        place.write("to-dora.eml", mail);
        place.run("bob", &["encrypt", "to-dora.eml", "-o", "sealed.eml"]).exits(0);
        Self { place }
    }

    fn start(&self, more: &[&str]) {
        let start = ["agent", "start", "--passphrase-file", "passphrase"];
        self.place.run("dora", &[&start[..], more].concat()).exits(0);
    }

    fn decrypts(&self) -> bool {
        let ran = self.place.run("dora", &["decrypt", "sealed.eml", "-o", "open.eml", "--overwrite"]);
        assert!(ran.code == 0 || ran.code == 3, "{}", ran.stderr);
        ran.code == 0
    }

    fn socket(&self) -> PathBuf {
        let entries = std::fs::read_dir(self.place.path("dora")).unwrap().map(|entry| entry.unwrap().path());
        let mut sockets = entries.filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with("agent-") && path.extension().is_none()
        });
        sockets.next().unwrap()
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.place.run("dora", &["agent", "lock"]);
    }
}

#[test]
fn while_it_runs_nobody_asks_for_the_passphrase_and_afterwards_everybody_does() {
    let desk = Locked::new();
    assert!(!desk.decrypts());
    desk.place.run("dora", &["agent", "status"]).exits(1);
    desk.start(&[]);
    assert!(desk.decrypts());
    let mail = MAIL.replace("From: Alice <alice@", "From: Dora <dora@");
    desk.place.write("from-dora.eml", mail);
    desk.place.run("dora", &["sign", "from-dora.eml", "-o", "signed.eml"]).exits(0);
    let status = desk.place.run("dora", &["agent", "status", "--json"]).exits(0).text();
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!((&status["running"], &status["operations"]), (&true.into(), &2.into()));
    // A key that was made since is used like the others.
    let generate =
        ["keys", "generate", "dora@example.org", "--use", "signing", "--passphrase-file", "passphrase"];
    desk.place.run("dora", &generate).exits(0);
    desk.place.run("dora", &["sign", "from-dora.eml", "-o", "again.eml"]).exits(0);
    desk.place.run("dora", &["agent", "lock"]).exits(0);
    desk.place.run("dora", &["agent", "lock"]).exits(1);
    assert!(!desk.decrypts());
}

#[test]
fn it_takes_what_was_read_into_the_history() {
    let desk = Locked::new();
    let events = || {
        let log = desk.place.run("dora", &["trust", "history", "bob@example.org", "--json"]).exits(0).text();
        let log: serde_json::Value = serde_json::from_str(&log).unwrap();
        log["entries"].as_array().unwrap().len()
    };
    desk.start(&[]);
    assert_eq!(events(), 0);
    assert!(desk.decrypts());
    assert!(events() > 0, "the agent sealed what the command left");
}

#[test]
fn a_wrong_passphrase_starts_nothing_and_a_second_agent_neither() {
    let desk = Locked::new();
    desk.place.write("wrong", "incorrect horse\n");
    let wrong = desk.place.run("dora", &["agent", "start", "--passphrase-file", "wrong"]).exits(3);
    assert!(wrong.stderr.contains("passphrase"), "{}", wrong.stderr);
    desk.place.run("dora", &["agent", "status"]).exits(1);
    desk.start(&[]);
    let second = desk.place.run("dora", &["agent", "start", "--passphrase-file", "passphrase"]).exits(1);
    assert!(second.stderr.contains("cseal agent lock"), "{}", second.stderr);
    // Where nothing is locked, nothing needs one.
    desk.place.run("bob", &["agent", "start"]).exits(1);
}

#[test]
fn it_ends_by_itself() {
    let desk = Locked::new();
    desk.start(&["--idle", "2s"]);
    let started = Instant::now();
    while desk.place.run("dora", &["agent", "status"]).code == 0 {
        assert!(started.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(!desk.decrypts());
    desk.place.run("dora", &["agent", "start", "--idle", "soon"]).exits(2);
}

#[test]
fn only_its_owner_reaches_it_and_whatever_is_said_to_it_harms_nobody() {
    let desk = Locked::new();
    desk.start(&[]);
    let socket = desk.socket();
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    for garbage in [&b"hello"[..], &[0xff; 4096], &[0, 0, 0, 1, 9], &[0, 0, 0, 0], &[0, 4, 0, 0, 1]] {
        let mut stream = UnixStream::connect(&socket).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let _ = stream.write_all(garbage);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.is_empty() || answer == [0, 0, 0, 1, 5], "{answer:?}");
    }
    assert!(desk.decrypts());
    // Who connects and says nothing keeps nobody else waiting.
    let _silent: Vec<UnixStream> = (0..20).map(|_| UnixStream::connect(&socket).unwrap()).collect();
    assert!(desk.decrypts());
}

#[test]
fn what_the_file_says_holds_and_what_it_cannot_say_is_an_error() {
    let desk = Locked::new();
    desk.place.write("dora/config.toml", "[agent]\nidle = \"1h\"\n");
    desk.start(&[]);
    let status = desk.place.run("dora", &["agent", "status"]).exits(0).text();
    assert!(status.starts_with("unlocked for 60 min more"), "{status}");
    desk.place.run("dora", &["agent", "lock"]).exits(0);
    desk.place.write("dora/config.toml", "[agent]\nidel = \"1h\"\n");
    let refused = desk.place.run("dora", &["agent", "start", "--passphrase-file", "passphrase"]).exits(3);
    assert!(refused.stderr.contains("config.toml: line 2: unknown key"), "{}", refused.stderr);
}
