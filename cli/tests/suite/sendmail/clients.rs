//! Programs that send mail, with ours as their `sendmail`: whom it reaches, and what they see.

mod languages;
mod mail_programs;
mod patches;
mod system;
mod terminal;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{MARKER, Outbox, Queued, program};
use crate::submission::servers::wait_until;
use crate::submission::sink::{Manner, Sink};

pub use patches::send_patch;

/// The body that every program sends: a lone dot must not end it.
pub const BODY: &str = "the-usual-place-at-half-past-twelve\n.\nafter the dot\n";

/// Where a program is. A missing one is told, and is an error where the tests are to have all of them.
pub fn find(name: &str) -> Option<PathBuf> {
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
        self.at_home(command.arg("60").arg(program).args(arguments));
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
        let people = if with_bcc { "alice bob carol" } else { "bob carol" };
        self.reached(&[people], BODY.trim_end());
        self.clear();
    }

    /// Mails to these people, each with a text in it; Alice is always blind to others.
    #[track_caller]
    fn reached(&self, people: &[&str], body: &str) {
        let mails = self.mails("new");
        assert_eq!(mails.len(), people.len());
        for (queued, people) in mails.iter().zip(people) {
            let expected: Vec<String> = people.split(' ').map(|one| format!("{one}@example.org")).collect();
            assert_eq!(queued.recipients(), expected);
            for unit in queued.units.iter().filter(|unit| unit.recipients.contains("alice@example.org")) {
                assert_eq!(unit.recipients.len(), 1);
            }
            self.check_sealed(queued, body);
        }
        self.check_wire(&mails);
    }

    /// Lets the mail go, and compares what the server gets with what was in the queue.
    #[track_caller]
    fn check_wire(&self, mails: &[Queued]) {
        let sink = Sink::start(Manner::usual());
        let usual = self.place.read("alice/config.toml");
        let account = format!("[account.test]\nsmtp = \"smtp://127.0.0.1:{}\"\n", sink.port);
        self.place.write("alice/config.toml", account);
        // A flush that the program began may still be at it.
        wait_until("the queue is empty", || self.place.run("alice", &["queue", "flush"]).code == 0);
        self.place.write("alice/config.toml", usual);
        let received = sink.received();
        let units: Vec<_> = mails.iter().flat_map(|mail| &mail.units).collect();
        assert_eq!(received.len(), units.len());
        for unit in units {
            let message = unit.message.replace("\r\n.", "\r\n..");
            let one = received.iter().find(|one| one.data == message.as_bytes());
            let lines = &one.expect("on the wire is what was in the queue").recipients;
            let named: BTreeSet<String> =
                lines.iter().map(|line| line["RCPT TO:<".len()..line.len() - 1].to_owned()).collect();
            assert_eq!(named, unit.recipients);
        }
        assert!(!sink.said().join("\n").contains(MARKER));
    }

    /// A program in its home and with its settings.
    fn at_home<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.current_dir(self.place.path(""));
        command.env("COUNTERSEAL_HOME", self.place.path("alice")).env("HOME", self.place.path(""));
        // s-nail asks the system where root lives, whatever HOME says.
        command.env("MAILRC", self.place.path(".mailrc")).env("DEAD", self.place.path("dead.letter"));
        command.env("EMAIL", "alice@example.org").env_remove("DISPLAY").env("LC_ALL", "C.UTF-8");
        command.env_remove("XDG_CONFIG_HOME").env_remove("XDG_DATA_HOME").env_remove("XDG_STATE_HOME")
    }
}

/// Puts our programs where everybody can run them: where tests are built only root may be allowed to look.
pub fn copy_programs(directory: &Path) {
    fs::create_dir_all(directory).unwrap();
    // Whoever writes a program and begins others at the same time makes it busy (ETXTBSY), so another process does it.
    let ours = [env!("CARGO_BIN_EXE_cseal"), env!("CARGO_BIN_EXE_cseal-sendmail")];
    assert!(Command::new("cp").args(ours).arg(directory).status().unwrap().success());
}

/// Ours, under whatever environment: what a machine runs has none of a person's.
fn wrapper(outbox: &Outbox) -> PathBuf {
    let home = outbox.place.path("alice");
    let programs = outbox.place.path("programs");
    copy_programs(&programs);
    let text = format!(
        "#!/bin/sh\nCOUNTERSEAL_HOME={} exec {}/cseal-sendmail \"$@\"\n",
        home.display(),
        programs.display()
    );
    let path = outbox.place.write("wrapper", text);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// A script of the shell that sees the machine as the only one: it may mount there, and `/usr/sbin/sendmail` is ours.
/// Nothing, said loudly, where that takes rights that the test does not have.
fn own_machine(outbox: &Outbox, script: &str) -> Option<Command> {
    find("sendmail")?;
    let mut command = Command::new("unshare");
    let mount = format!("mount --bind {} /usr/sbin/sendmail", wrapper(outbox).display());
    command.args(["-m", "sh", "-c", &mount]);
    if !command.status().is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: only root runs a program with a /usr/sbin/sendmail of its own");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &format!("set -e\n{mount}\n{script}")]);
    outbox.at_home(&mut command).env_remove("COUNTERSEAL_HOME");
    Some(command)
}
