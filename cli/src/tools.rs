//! Programs of others, which hand out what they keep, and take in what is given to them.

use std::io::{self, ErrorKind, PipeReader, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use counterseal_core::secret::SecretBytes;
use rustix::io::{FdFlags, fcntl_setfd};

use crate::children;
use crate::failure::Failure;

/// How long one may take: an agent may have to start, and derive a key from a passphrase.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes that one may write to each of its outputs.
const OUTPUT_BYTES: u64 = 64 << 20;

/// Whose programs, and what to say where they are missing.
pub(crate) struct Tools {
    pub(crate) name: &'static str,
    pub(crate) missing: &'static str,
    pub(crate) install: &'static str,
}

impl Tools {
    /// Runs one without a terminal to ask on, and ends it where it does not end by itself.
    pub(crate) fn run(&self, command: &mut Command, input: &[u8]) -> Result<Output, Failure> {
        let missing = |error: io::Error| match error.kind() {
            ErrorKind::NotFound => Failure::unknown("no-program", self.missing).hint(self.install),
            _ => Failure::io(self.name, &error),
        };
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.process_group(0).spawn().map_err(missing)?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (written, errors) = (thread::spawn(|| all_of(stdout)), thread::spawn(|| all_of(stderr)));
        let mut stdin = child.stdin.take();
        let ended = thread::scope(|scope| {
            scope.spawn(|| {
                // Whoever does not read it fails by itself.
                let _ = stdin.take().map(|mut stdin| stdin.write_all(input));
            });
            let ended = children::ended(&mut child, Instant::now() + PATIENCE);
            if !matches!(ended, Ok(Some(_))) {
                children::stop(&mut child);
            }
            ended
        });
        let late = || format!("{} took more than {} seconds", self.name, PATIENCE.as_secs());
        let status = ended
            .map_err(|error| Failure::unknown("io", format!("{}: {error}", self.name)))?
            .ok_or_else(|| Failure::unknown("late", late()))?;
        let joined = |reader: thread::JoinHandle<Vec<u8>>| reader.join().unwrap_or_default();
        Ok(Output { status, stdout: joined(written), stderr: joined(errors) })
    }

    /// The last line that a program said to people.
    pub(crate) fn said(&self, output: &Output) -> String {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let is_for_people = |line: &&str| !line.trim().is_empty() && !line.starts_with("[GNUPG:]");
        let last = text.lines().rev().find(is_for_people);
        last.map_or_else(|| format!("{} do not say why", self.name), |line| line.trim().to_owned())
    }
}

/// What a program writes, up to the limit; it then fails to write more.
fn all_of(stream: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // What came before an error is what there is to say of it.
        let _ = stream.take(OUTPUT_BYTES).read_to_end(&mut bytes);
    }
    bytes
}

/// A secret that a program reads from a descriptor which it inherits: on no disk, in no argument.
pub(crate) struct SecretPipe(PipeReader);

impl SecretPipe {
    /// A pipe with one line in it, which must be shorter than what a pipe holds (4096 bytes at least).
    pub(crate) fn with_line(secret: &SecretBytes) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::io("a pipe", &error);
        let (reader, mut writer) = io::pipe().map_err(failed)?;
        let line = SecretBytes::new([secret.expose(), b"\n"].concat());
        writer.write_all(line.expose()).map_err(failed)?;
        fcntl_setfd(&reader, FdFlags::empty()).map_err(|error| failed(error.into()))?;
        Ok(Self(reader))
    }

    /// The number of the descriptor, in the program as here.
    pub(crate) fn number(&self) -> String {
        self.0.as_raw_fd().to_string()
    }

    /// A name by which it is opened like a file.
    pub(crate) fn path(&self) -> String {
        format!("/dev/fd/{}", self.number())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const TOOLS: Tools = Tools { name: "the shell", missing: "no shell", install: "install one" };

    #[test]
    fn a_secret_reaches_a_program_by_its_descriptor_and_by_its_name() {
        let secret = SecretBytes::copy_of(b"geheim");
        let pipe = SecretPipe::with_line(&secret).unwrap();
        let mut shell = Command::new("sh");
        let read = TOOLS.run(shell.args(["-c", &format!("cat <&{}", pipe.number())]), b"").unwrap();
        assert_eq!(read.stdout, b"geheim\n");
        let pipe = SecretPipe::with_line(&secret).unwrap();
        let read = TOOLS.run(Command::new("cat").arg(pipe.path()), b"").unwrap();
        assert_eq!(read.stdout, b"geheim\n");
    }

    #[test]
    fn what_a_program_says_and_reads_is_not_mixed_up() {
        let mut shell = Command::new("sh");
        let ran = TOOLS.run(shell.args(["-c", "cat; echo why >&2; exit 3"]), &[b'x'; 200_000]).unwrap();
        assert_eq!((ran.stdout.len(), ran.status.code()), (200_000, Some(3)));
        assert_eq!(TOOLS.said(&ran), "why");
        let missing = TOOLS.run(&mut Command::new("no-such-program-here"), b"").unwrap_err();
        assert_eq!(missing.word, "no-program");
    }
}
