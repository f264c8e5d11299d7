//! One run of the program, and all that anybody can see of it.

use std::path::Path;
use std::process::Command;

use super::table::{Row, folder};

/// When all files are read.
const AT: &str = "2026-11-21T12:00:00Z";
/// Bob's keys with their certificates.
const KEYS: [&str; 3] = ["bob", "bob-p256", "bob-x25519"];

/// Runs the program without a store.
pub(super) struct Reader {
    /// Without a home of its own a mistake of ours could reach the store of whoever runs the tests.
    home: tempfile::TempDir,
}

/// All that anybody can see of one run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reading {
    pub(super) exit: i32,
    /// The JSON of `--status`.
    pub(super) status: String,
    pub(super) stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// The file of `-o`, where it was written.
    pub(super) written: Option<Vec<u8>>,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    /// Reads the file of a row as the row says.
    pub(super) fn read(&self, row: &Row) -> Reading {
        let mut command = self.command(row.command.first().unwrap());
        command.args(row.command.iter().skip(1));
        self.run(command, &folder().join(&row.file))
    }

    /// The program with everything that it knows of other people, and for `decrypt` bob's keys.
    pub(super) fn command(&self, verb: &str) -> Command {
        self.command_of(Path::new(env!("CARGO_BIN_EXE_cseal")), &[], verb)
    }

    /// The same, started by another program.
    pub(super) fn command_of(&self, program: &Path, arguments: &[&str], verb: &str) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder()).env("COUNTERSEAL_HOME", self.home.path());
        command.args([verb, "--anchor", "people/root.pem", "--at", AT]);
        if verb == "decrypt" {
            for name in KEYS {
                command.arg("--key").arg(format!("people/{name}.key"));
                command.arg("--certificate").arg(format!("people/{name}.pem"));
            }
        }
        command
    }

    /// Runs it on a file.
    pub(super) fn run(&self, mut command: Command, file: &Path) -> Reading {
        let place = tempfile::tempdir_in(self.home.path()).unwrap();
        let (status, written) = (place.path().join("status.json"), place.path().join("out.eml"));
        let output = command.arg("--status").arg(&status).arg("-o").arg(&written).arg(file).output().unwrap();
        Reading {
            exit: output.status.code().unwrap_or(-1),
            status: std::fs::read_to_string(&status).unwrap_or_default(),
            stdout: output.stdout,
            stderr: output.stderr,
            written: std::fs::read(&written).ok(),
        }
    }
}

impl Reading {
    /// The verdict, or `error:` and its word.
    pub(super) fn result(&self) -> String {
        let json: serde_json::Value = serde_json::from_str(&self.status).unwrap_or_default();
        let word = |name: &str| json.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
        match (word("error"), word("verdict")) {
            (Some(error), _) => format!("error:{error}"),
            (None, Some(verdict)) => verdict,
            (None, None) => format!("no status: {}", String::from_utf8_lossy(&self.stderr)),
        }
    }

    /// Whether a terminal could be played with: C0 but for line feeds, DEL, and C1.
    pub(super) fn has_control_octets(&self) -> bool {
        let text = String::from_utf8_lossy(&self.stderr);
        text.chars().any(|character| character.is_control() && character != '\n')
    }
}
