//! Programs that send mail, with ours as their `sendmail`: whom it reaches, and what they see.

mod languages;
mod mail_programs;
mod patches;
mod system;
mod terminal;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{MARKER, Outbox, Queued, program};
use crate::submission::sink::{Manner, Received, Sink};

pub use patches::send_patch;

/// The body that every program sends: a lone dot must not end it.
pub const BODY: &str = "the-usual-place-at-half-past-twelve\n.\nafter the dot\n";

/// Where a program is. A missing one is told, and is an error where the tests are to have all of them.
fn find(name: &str) -> Option<PathBuf> {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/lib/mh"), PathBuf::from("/usr/bin/mh")])
        .map(|directory| directory.join(name))
        .find(|path| path.is_file());
    if found.is_none() {
        eprintln!("SKIPPED: {name} is not installed (scripts/install-test-tools)");
        assert!(std::env::var_os("COUNTERSEAL_REQUIRE_PEERS").is_none(), "{name} is missing");
    }
    found
}

/// What `docs/recipes/sending.md` says for a program, with ours where it stands.
#[track_caller]
fn recipe(heading: &str) -> String {
    let page = include_str!("../../../../docs/recipes/sending.md");
    let section = page.split(&format!("\n## {heading}\n")).nth(1).expect("the recipe");
    let block = section.split("```\n").nth(1).expect("its settings");
    assert!(block.contains("/usr/bin/cseal-sendmail"));
    block.replace("/usr/bin/cseal-sendmail", program().to_str().unwrap())
}

/// What stands between single quotes in it.
fn quoted(block: &str) -> String {
    block.split('\'').nth(1).expect("quotes").to_owned()
}

impl Outbox {
    /// Runs another program in Alice's home, with the body on its standard input.
    #[track_caller]
    fn client(&self, program: &Path, arguments: &[&str], input: &str) {
        let ran = self.client_code(program, arguments, input);
        assert_eq!(ran.0, 0, "{}", ran.1);
    }

    fn client_code(&self, program: &Path, arguments: &[&str], input: &str) -> (i32, String) {
        let mut command = Command::new("timeout");
        command.arg("60").arg(program).args(arguments).current_dir(self.place.path(""));
        command.env("COUNTERSEAL_HOME", self.place.path("alice")).env("HOME", self.place.path(""));
        // s-nail asks the system where root lives, whatever HOME says.
        command.env("MAILRC", self.place.path(".mailrc")).env("DEAD", self.place.path("dead.letter"));
        command.env("EMAIL", "alice@example.org").env_remove("DISPLAY").env("LC_ALL", "C.UTF-8");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let ran = child.wait_with_output().unwrap();
        let said = [ran.stdout, ran.stderr].concat();
        (ran.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
    }

    /// One mail, to Bob, Carol and, blind, Alice, as it was written.
    #[track_caller]
    fn reached_all(&self, with_bcc: bool) {
        let queued = self.only("new");
        let mut expected = vec!["bob@example.org", "carol@example.org"];
        if with_bcc {
            expected.insert(0, "alice@example.org");
            let blind = queued.units.iter().find(|unit| unit.recipients.contains("alice@example.org"));
            assert_eq!(blind.unwrap().recipients.len(), 1);
        }
        assert_eq!(queued.recipients(), expected);
        self.check_sealed(&queued, BODY.trim_end());
        self.check_wire(&queued);
    }

    /// Lets the mail go, and compares what the server gets with what was in the queue.
    #[track_caller]
    fn check_wire(&self, queued: &Queued) {
        let sink = Sink::start(Manner::usual());
        let usual = self.place.read("alice/config.toml");
        let account = format!("[account.test]\nsmtp = \"smtp://127.0.0.1:{}\"\n", sink.port);
        self.place.write("alice/config.toml", account);
        self.place.run("alice", &["queue", "flush"]).exits(0);
        self.place.write("alice/config.toml", usual);
        let received = sink.received();
        assert_eq!(received.len(), queued.units.len());
        for unit in &queued.units {
            let named = |one: &&Received| {
                let named = one.recipients.iter().map(|line| line[9..line.len() - 1].to_owned());
                named.collect::<BTreeSet<_>>() == unit.recipients
            };
            let one = received.iter().find(named).expect("a transaction with exactly its recipients");
            let message = unit.message.replace("\r\n.", "\r\n..");
            assert_eq!(String::from_utf8_lossy(&one.data), message, "on the wire is what was in the queue");
        }
        assert!(!sink.said().join("\n").contains(MARKER));
    }
}
