//! Runs `gpg` and `sq` as their users do, each test in a home of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A home of GnuPG with bob's key in it.
pub(super) struct Gpg {
    home: tempfile::TempDir,
}

impl Gpg {
    /// Nothing, and a loud word, where there is no gpg.
    pub(super) fn new() -> Option<Self> {
        if !is_installed("gpg") {
            return None;
        }
        let home = tempfile::Builder::new().prefix("gpg").tempdir().unwrap();
        let gpg = Self { home };
        gpg.run(
            &[
                "--passphrase",
                "",
                "--quick-generate-key",
                "Bob <bob@example.org>",
                "ed25519",
                "default",
                "never",
            ],
            b"",
        );
        Some(gpg)
    }

    /// What it prints; it must succeed.
    pub(super) fn run(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let mut command = Command::new("gpg");
        command.env("GNUPGHOME", self.home.path()).args(["--batch", "--yes", "--quiet", "--no-tty"]);
        command.args(["--pinentry-mode", "loopback", "--no-auto-check-trustdb"]).args(arguments);
        output(command, input)
    }

    /// The same with answers to its questions.
    pub(super) fn answer(&self, arguments: &[&str], answers: &str) -> Vec<u8> {
        let mut command = Command::new("gpg");
        command.env("GNUPGHOME", self.home.path()).args(["--quiet", "--no-tty", "--command-fd", "0"]);
        command.args(["--pinentry-mode", "loopback", "--no-auto-check-trustdb"]).args(arguments);
        output(command, answers.as_bytes())
    }

    pub(super) fn export(&self) -> Vec<u8> {
        self.run(&["--export"], b"")
    }

    pub(super) fn fingerprint_of(&self, who: &str) -> String {
        let listed = String::from_utf8(self.run(&["--with-colons", "--list-keys", who], b"")).unwrap();
        let line = listed.lines().find(|line| line.starts_with("fpr:")).unwrap();
        line.split(':').nth(9).unwrap().to_owned()
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        // Its agent would stay behind.
        let mut command = Command::new("gpgconf");
        let _ = command.env("GNUPGHOME", self.home.path()).args(["--kill", "all"]).status();
    }
}

/// A folder for `sq`, which works on files.
pub(super) struct Sq {
    folder: tempfile::TempDir,
}

impl Sq {
    /// Nothing, and a loud word, where there is no sq.
    pub(super) fn new() -> Option<Self> {
        is_installed("sq").then(|| Self { folder: tempfile::tempdir().unwrap() })
    }

    pub(super) fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Vec<u8> {
        let mut command = Command::new("sq");
        command.current_dir(self.folder.path()).args(arguments);
        output(command, b"")
    }

    /// Generates a key into a file.
    pub(super) fn generate(&self, user_id: &str, file: &str) {
        self.run(&["key", "generate", "--userid", user_id, "--export", file]);
    }
}

pub(super) fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

fn is_installed(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let is_there = found.is_ok_and(|status| status.success());
    if !is_there {
        eprintln!("SKIPPED: {program} is not installed");
    }
    is_there
}

fn output(mut command: Command, input: &[u8]) -> Vec<u8> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    output.stdout
}
