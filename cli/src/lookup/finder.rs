//! A program of the person's own that finds certificates.
//!
//! It is told `{"version":1,"address":ADDRESS}` on standard input, and writes one JSON object a line:
//! `{"certificate":TEXT,"source":TEXT}`, where the certificate is PEM or the base64 of DER.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use base64ct::{Base64, Encoding};
use counterseal_core::address::EmailAddress;
use counterseal_core::limits;
use serde::Deserialize;

use super::{Answer, Found, Source, Standing, Trouble};
use crate::children::{self, ChildError};

/// The place of the address among the arguments.
const PLACE: &str = "{address}";

#[derive(Deserialize)]
struct Line {
    certificate: String,
    #[serde(default)]
    #[allow(dead_code)]
    source: Option<String>,
}

/// Runs the program of the policy, without a shell.
pub(super) fn ask(address: &EmailAddress, command: Option<&[String]>) -> Answer {
    let program = command.and_then(<[String]>::first).cloned().unwrap_or_default();
    let outcome =
        command.ok_or_else(|| Trouble::new("not-configured", "no finder is in [sources] of the policy"));
    let outcome = outcome.and_then(|command| run(address, command)).and_then(|output| {
        let files = certificates(&output)?;
        if files.is_empty() { Ok(None) } else { Found::of_files(&files, Standing::Nobody).map(Some) }
    });
    Answer::new(Source::Command, program, outcome)
}

fn run(address: &EmailAddress, command: &[String]) -> Result<Vec<u8>, Trouble> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(Trouble::new("not-configured", "the finder has no program"));
    };
    let address = address.to_string();
    // To the program it would be an option.
    if address.starts_with('-') && arguments.iter().any(|argument| argument.starts_with(PLACE)) {
        return Err(Trouble::unusable(format!("{address} cannot be an argument")));
    }
    let mut child = Command::new(program)
        .args(arguments.iter().map(|argument| argument.replace(PLACE, &address)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // A group of its own, so that what it starts ends with it.
        .process_group(0)
        .spawn()
        .map_err(|error| Trouble::unreachable(format!("{program}: {error}")))?;
    if let Some(mut input) = child.stdin.take() {
        let question = serde_json::json!({ "version": 1, "address": address });
        // Whoever takes the address from the arguments does not read.
        let _ = writeln!(input, "{question}");
    }
    children::output(&mut child, Duration::from_secs(limits::FINDER_SECONDS), limits::LOOKUP_BYTES)
        .map(|output| output.to_vec())
        .map_err(|error| match error {
            ChildError::TooMuch => Trouble::unusable(format!("the finder {error}")),
            ChildError::Late(_) | ChildError::Failed(_) | ChildError::Io(_) => {
                Trouble::unreachable(format!("the finder {error}"))
            }
        })
}

/// The certificates of all lines.
fn certificates(output: &[u8]) -> Result<Vec<Vec<u8>>, Trouble> {
    let bad = || Trouble::unusable("the finder must write lines of JSON with a \"certificate\"");
    let text = std::str::from_utf8(output).map_err(|_| bad())?;
    let lines = text.lines().filter(|line| !line.trim().is_empty()).take(limits::LOOKUP_CERTIFICATES);
    lines
        .map(|line| {
            let Line { certificate, .. } = serde_json::from_str(line).map_err(|_| bad())?;
            if certificate.trim_start().starts_with("-----BEGIN") {
                return Ok(certificate.into_bytes());
            }
            let base64: String = certificate.split_whitespace().collect();
            Base64::decode_vec(&base64).map_err(|_| bad())
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn run_shell(script: &str) -> Result<Vec<u8>, Trouble> {
        let command = ["sh", "-c", script, "sh", PLACE].map(str::to_owned);
        run(&EmailAddress::parse("a*b@example.org").unwrap(), &command)
    }

    #[test]
    fn the_address_is_one_argument_and_stands_on_standard_input_too() {
        assert_eq!(run_shell("printf %s \"$1\"").unwrap(), b"a*b@example.org");
        let question = run_shell("cat").unwrap();
        assert_eq!(question, b"{\"address\":\"a*b@example.org\",\"version\":1}\n");
        let hostile = EmailAddress::parse("--output=x@example.org").unwrap();
        assert!(run(&hostile, &["cat".to_owned(), PLACE.to_owned()]).is_err());
        assert!(run(&hostile, &["echo".to_owned(), format!("--address={PLACE}")]).is_ok());
    }

    #[test]
    fn a_program_that_fails_or_writes_too_much_is_not_believed() {
        assert_eq!(run_shell("exit 1").unwrap_err().word, "unreachable");
        assert_eq!(run_shell("yes | head -c 2000000").unwrap_err().word, "bad-answer");
        assert!(run(&EmailAddress::parse("a@example.org").unwrap(), &["/nowhere".to_owned()]).is_err());
    }

    #[test]
    fn lines_are_json_with_a_certificate() {
        assert!(certificates(b"{\"certificate\":\"AAAA\"}\n\n").unwrap() == [[0, 0, 0]]);
        assert!(certificates(b"").unwrap().is_empty());
        for output in [&b"AAAA"[..], b"{\"certificate\":\"*\"}", b"{\"key\":\"AAAA\"}", b"\xff"] {
            assert!(certificates(output).is_err());
        }
    }
}
