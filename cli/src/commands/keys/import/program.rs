//! Programs of others, which hand out what they keep.

use std::io::{ErrorKind, Write};
use std::process::{Command, Output, Stdio};

use crate::failure::Failure;

/// Whose programs, and what to say where they are missing.
pub(super) struct Tools {
    pub(super) name: &'static str,
    pub(super) missing: &'static str,
    pub(super) install: &'static str,
}

impl Tools {
    /// Runs one without a terminal to ask on.
    pub(super) fn run(&self, command: &mut Command, input: &[u8]) -> Result<Output, Failure> {
        let missing = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound => Failure::unknown("no-program", self.missing).hint(self.install),
            _ => Failure::io(self.name, &error),
        };
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().map_err(missing)?;
        if let Some(mut stdin) = child.stdin.take() {
            // Whoever does not read it fails by itself.
            let _ = stdin.write_all(input);
        }
        child.wait_with_output().map_err(|error| Failure::io(self.name, &error))
    }

    /// The last line that a program said to people.
    pub(super) fn said(&self, output: &Output) -> String {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let is_for_people = |line: &&str| !line.trim().is_empty() && !line.starts_with("[GNUPG:]");
        let last = text.lines().rev().find(is_for_people);
        last.map_or_else(|| format!("{} do not say why", self.name), |line| line.trim().to_owned())
    }
}
