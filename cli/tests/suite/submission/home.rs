//! A person with a queue, whose mails are written as `docs/formats/queue.md` says.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::people::Ran;

pub const MESSAGE: &[u8] =
    b"From: alice@example.org\r\nSubject: ...\r\nMessage-ID: <1@example.org>\r\n\r\nciphertext\r\n";

pub struct Home {
    directory: TempDir,
}

impl Home {
    /// With one account, and what else is configured.
    pub fn new(account: &str, more: &str) -> Self {
        let home = Self { directory: tempfile::tempdir().unwrap() };
        home.configure(account, more);
        // Makes the directories.
        home.cseal(&["queue", "list"]).exits(0);
        home
    }

    pub fn configure(&self, account: &str, more: &str) {
        let text = format!("[account.test]\n{account}\n{more}\n");
        fs::write(self.path("config.toml"), text).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Puts a mail of Alice's into the queue. The number makes its name, and its age.
    pub fn put(&self, number: u64, recipients: &[&str]) -> String {
        self.put_message(number, recipients, MESSAGE, "")
    }

    /// The same, with a message and more members of the unit.
    pub fn put_message(&self, number: u64, recipients: &[&str], message: &[u8], more: &str) -> String {
        let file = mail_file("test", recipients, message, more);
        let id = format!("{number:010x}-0123456789abcdef");
        fs::write(self.path("queue/new").join(&id), file).unwrap();
        id
    }

    /// Names of mails in a box.
    pub fn mails(&self, place: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path("queue").join(place)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| !name.ends_with(".log")).collect();
        names.sort();
        names
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cseal"));
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env("COUNTERSEAL_HOME", self.directory.path())
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn cseal(&self, arguments: &[&str]) -> Ran {
        ran(&mut self.command(arguments))
    }

    /// With the roots of a file.
    pub fn cseal_with_roots(&self, roots: &Path, arguments: &[&str]) -> Ran {
        ran(self.command(arguments).env("SSL_CERT_FILE", roots).env_remove("SSL_CERT_DIR"))
    }

    pub fn flush(&self) -> Ran {
        self.cseal(&["queue", "flush"])
    }

    /// A program of the person's own.
    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        path
    }
}

/// A file of the queue with one mail of Alice's.
pub fn mail_file(account: &str, recipients: &[&str], message: &[u8], more: &str) -> Vec<u8> {
    let now = jiff::Timestamp::now().as_second();
    let recipients: Vec<String> = recipients
        .iter()
        .map(
            |one| {
                if one.starts_with('{') { (*one).to_owned() } else { format!("{{\"address\":\"{one}\"}}") }
            },
        )
        .collect();
    let envelope = format!(
        "{{\"committed\":{now},\"units\":[{{\"account\":\"{account}\",\"sender\":\"alice@example.org\",\
         \"message_id\":\"<1@example.org>\",\"bytes\":{}{more},\"recipients\":[{}]}}]}}",
        message.len(),
        recipients.join(",")
    );
    let head = format!("counterseal-queue 1 {}\n{envelope}\n", envelope.len());
    let mut file = head.into_bytes();
    file.extend_from_slice(message);
    let digest: String = Sha256::digest(&file).iter().map(|octet| format!("{octet:02x}")).collect();
    file.extend_from_slice(format!("end {digest}\n").as_bytes());
    file
}

/// Runs it to its end.
pub fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().expect("ended by itself"),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
