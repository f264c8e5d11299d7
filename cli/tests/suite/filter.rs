//! `cseal filter`: what a mail says about its author, and that nobody else can say it; in the programs that deliver
//! and show mail, with the settings of `docs/recipes/receiving.md`.

mod delivery;
mod forging;
mod smime;
mod viewers;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::people::{MAIL, Place};
use crate::sendmail::clients::find;

/// What every mail of these tests holds.
const TEXT: &str = "let us meet.";

/// Alice's mail, which arrives here.
struct Inbox {
    place: Place,
}

impl Inbox {
    fn new() -> Self {
        let inbox = Self { place: Place::new() };
        let home = inbox.place.path("alice");
        let program = format!(
            "#!/bin/sh\nCOUNTERSEAL_HOME='{}' exec '{}' \"$@\"\n",
            home.display(),
            env!("CARGO_BIN_EXE_cseal")
        );
        inbox.script("cseal", &program);
        inbox
    }

    fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.place.write(name, text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// What `docs/recipes/receiving.md` says for a program: one block for each, with ours where it stands.
    #[track_caller]
    fn recipe(&self, heading: &str) -> Vec<String> {
        let page = include_str!("../../../docs/recipes/receiving.md");
        let section = page.split(&format!("\n## {heading}\n")).nth(1).expect("the recipe");
        let section = section.split("\n## ").next().unwrap();
        let program = self.place.path("cseal");
        section
            .split("```\n")
            .skip(1)
            .step_by(2)
            .map(|block| block.replace("/usr/bin/cseal", program.to_str().unwrap()))
            .collect()
    }

    /// A mail by somebody to Alice, with the line ends of a file.
    fn mail_by(&self, person: &str) -> String {
        let name = format!("{}{}", person[..1].to_uppercase(), &person[1..]);
        let mail = MAIL.replace("To: Bob <bob@", "To: Alice <alice@");
        mail.replace("From: Alice <alice@", &format!("From: {name} <{person}@")).replace("\r\n", "\n")
    }

    fn signed_by(&self, person: &str) -> String {
        let draft = self.mail_by(person);
        let signed = self.place.pipe(person, &["sign"], draft.as_bytes()).exits(0);
        signed.text().replace("\r\n", "\n")
    }

    fn sealed_by(&self, person: &str) -> String {
        let draft = self.mail_by(person);
        self.place.pipe(person, &["encrypt"], draft.as_bytes()).exits(0).text().replace("\r\n", "\n")
    }

    #[track_caller]
    fn filtered(&self, mail: &str, options: &[&str]) -> String {
        self.place.pipe("alice", &[&["filter"], options].concat(), mail.as_bytes()).exits(0).text()
    }

    /// Runs another program in the folder, which is its home.
    fn program(&self, program: &Path, arguments: &[&str], input: &str) -> (i32, String) {
        let mut command = Command::new("timeout");
        command.arg("60").arg(program).args(arguments).current_dir(self.place.path(""));
        command.env("HOME", self.place.path("")).env("LC_ALL", "C.UTF-8").env("TERM", "xterm");
        command.env_remove("COUNTERSEAL_HOME").env_remove("DISPLAY");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let ran = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
        (ran.status.code().unwrap_or(-1), said)
    }

    /// The mails in a Maildir, or in a folder of it.
    fn mails(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.place.path("Maildir").join(folder).join("new")) else {
            return Vec::new();
        };
        entries.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
    }

    fn clear(&self) {
        let _ = fs::remove_dir_all(self.place.path("Maildir"));
        for folder in ["Maildir", "Maildir/.Unknown"] {
            for part in ["cur", "new", "tmp"] {
                fs::create_dir_all(self.place.path(folder).join(part)).unwrap();
            }
        }
    }
}

/// The word of the one field, which must be the first of the header.
#[track_caller]
fn word(mail: &str) -> &str {
    let header = mail.split("\n\n").next().unwrap().split("\r\n\r\n").next().unwrap();
    assert_eq!(header.to_lowercase().matches("counterseal-verdict").count(), 1, "{header}");
    let value = mail.strip_prefix("Counterseal-Verdict: ").unwrap_or_else(|| panic!("not first: {header}"));
    value.split(';').next().unwrap()
}
