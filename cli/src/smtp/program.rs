//! Another sendmail of this machine takes the message.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::Outcome;
use super::reply::Reply;
use super::trouble::Trouble;
use crate::children;
use crate::queue::{Recipient, Stored, Unit};

/// Tells ourselves, should we be called again below, that we are going round in a circle.
const MARK: &str = "COUNTERSEAL_SENDMAIL";
/// How long it may take: it is on this machine, but it may deliver before it ends.
const PATIENCE: Duration = Duration::from_secs(600);
/// Bytes that are passed on at once.
const PIECE: usize = 64 << 10;

/// Whether this process was started by the sendmail that we hand mail to.
pub(crate) fn is_called_by_ourselves() -> bool {
    env::var_os(MARK).is_some()
}

/// A sendmail that is not ours.
pub(crate) struct Program<'a> {
    path: &'a Path,
}

impl<'a> Program<'a> {
    /// Looks at it, but runs nothing.
    pub(super) fn open(path: &'a Path) -> Result<Self, Trouble> {
        let named = |what: &str| Trouble::Ours(format!("{} {what}", path.display()));
        let found = fs::metadata(path).map_err(|error| named(&format!("cannot be run: {error}")))?;
        if is_called_by_ourselves() || is_ours(&found) {
            return Err(named("is this program itself: the mail would go round in a circle"));
        }
        Ok(Self { path })
    }

    /// Runs it once for these recipients. Nothing passes through a shell, and after `--` nothing is an option.
    pub(super) fn send(
        &self,
        unit: &Unit,
        message: &Stored,
        recipients: &[&Recipient],
    ) -> Result<Vec<Outcome>, Trouble> {
        let sender = unit.sender.as_ref().map_or_else(|| "<>".to_owned(), ToString::to_string);
        let failed =
            |error: io::Error| Trouble::Ours(format!("{} cannot be run: {error}", self.path.display()));
        // A sender that begins with a hyphen stays the value of -f, because it is joined to it.
        let mut child = Command::new(self.path)
            .args(["-i", &format!("-f{sender}"), "--"])
            .args(recipients.iter().map(|recipient| recipient.address.to_string()))
            .env(MARK, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let text = message.reader();
        let input = child.stdin.take();
        let writer =
            thread::spawn(move || input.is_some_and(|input| write_with_local_line_ends(text, input).is_ok()));
        let status = children::ended(&mut child, Instant::now() + PATIENCE);
        let Ok(Some(status)) = status else {
            children::stop(&mut child);
            let _ = writer.join();
            let outcome = Outcome::Unknown(format!("{} did not end", self.path.display()));
            return Ok(recipients.iter().map(|_| outcome.clone()).collect());
        };
        let outcome = outcome(status.code(), writer.join().unwrap_or(false));
        Ok(recipients.iter().map(|_| outcome.clone()).collect())
    }
}

/// What an exit code means (sysexits.h). Postfix says 75 for everything, so 75 is never final; whoever did not read the
/// whole message did not take it.
fn outcome(code: Option<i32>, is_read: bool) -> Outcome {
    match code {
        Some(0) if is_read => Outcome::Accepted(Reply::ours(250, "taken by sendmail")),
        Some(0) => Outcome::Deferred(Reply::ours(451, "sendmail did not read the whole mail")),
        Some(code @ (64..=68 | 76 | 77)) => {
            Outcome::Refused(Reply::ours(554, &format!("sendmail ended with {code}")))
        }
        Some(code) => Outcome::Deferred(Reply::ours(451, &format!("sendmail ended with {code}"))),
        None => Outcome::Deferred(Reply::ours(451, "sendmail was killed")),
    }
}

/// Programs of this system end lines with LF; some double the CR else.
fn write_with_local_line_ends(message: impl Read, output: impl Write) -> io::Result<()> {
    let mut message = BufReader::with_capacity(PIECE, message);
    let mut output = BufWriter::with_capacity(PIECE, output);
    let mut has_cr = false;
    loop {
        let read = message.fill_buf()?;
        for line in read.split_inclusive(|byte| *byte == b'\n') {
            // Whether a CR at the end of a piece ends a line is seen in the next one.
            if std::mem::take(&mut has_cr) && line != b"\n" {
                output.write_all(b"\r")?;
            }
            match line.strip_suffix(b"\r\n") {
                Some(line) => {
                    output.write_all(line)?;
                    output.write_all(b"\n")?;
                }
                None => {
                    let kept = line.strip_suffix(b"\r").unwrap_or(line);
                    has_cr = kept.len() < line.len();
                    output.write_all(kept)?;
                }
            }
        }
        let read = read.len();
        if read == 0 {
            break;
        }
        message.consume(read);
    }
    if has_cr {
        output.write_all(b"\r")?;
    }
    output.flush()
}

/// Whether a file is this program, or its sibling, under any name.
fn is_ours(found: &fs::Metadata) -> bool {
    let Ok(own) = env::current_exe() else { return false };
    let siblings = ["cseal", "cseal-sendmail"].map(|name| own.with_file_name(name));
    siblings
        .iter()
        .chain([&own])
        .filter_map(|path| fs::metadata(path).ok())
        .any(|other| (other.dev(), other.ino()) == (found.dev(), found.ino()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_may_work_later_defers() {
        assert!(matches!(outcome(Some(0), true), Outcome::Accepted(_)));
        for code in [Some(1), Some(69), Some(70), Some(71), Some(73), Some(74), Some(75), Some(78), None] {
            assert!(matches!(outcome(code, true), Outcome::Deferred(_)), "{code:?}");
        }
        assert!(matches!(outcome(Some(0), false), Outcome::Deferred(_)));
        for code in [64, 65, 67, 68, 77] {
            assert!(matches!(outcome(Some(code), true), Outcome::Refused(_)), "{code}");
        }
    }

    #[test]
    fn this_program_is_no_next_hop() {
        let own = env::current_exe().unwrap();
        assert!(Program::open(&own).is_err());
        assert!(Program::open(Path::new("/bin/cat")).is_ok());
        assert!(Program::open(Path::new("/nowhere")).is_err());
    }

    #[test]
    fn line_ends_are_those_of_this_system() {
        for (message, expected) in
            [("a\r\n.\r\nb", "a\n.\nb"), ("a\r\n", "a\n"), ("a\rb\r", "a\rb\r"), ("\r\r\n", "\r\n")]
        {
            for piece in 1..4 {
                let mut written = Vec::new();
                let message = message.as_bytes().chunks(piece).map(io::Cursor::new);
                let message = message
                    .fold(Box::new(io::empty()) as Box<dyn Read>, |all, next| Box::new(all.chain(next)));
                write_with_local_line_ends(message, &mut written).unwrap();
                assert_eq!(written, expected.as_bytes(), "{piece}");
            }
        }
    }
}
