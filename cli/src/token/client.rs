//! Asking the process that has loaded a library. Whatever becomes of it, this one gets an answer in time, or a
//! reason.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::error::TokenError;
use super::path;
use super::protocol::{Answer, Refusal, Request};
use crate::frames;

/// How long a library may take to begin.
const PATIENCE_TO_LOAD: Duration = Duration::from_secs(10);
/// How long an answer may take. The slowest cards need a few seconds for an operation with RSA.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a card may look for the primes of an RSA key.
const PATIENCE_TO_GENERATE: Duration = Duration::from_secs(300);
/// How long a library may take to leave its tokens.
const PATIENCE_TO_END: Duration = Duration::from_secs(1);
/// How often it is looked whether it has.
const TICK: Duration = Duration::from_millis(1);
/// How long, where a person types the PIN at the reader.
const PATIENCE_FOR_A_PERSON: Duration = Duration::from_secs(120);

/// A process that has loaded a library. It ends with this value.
pub(super) struct Helper {
    library: PathBuf,
    child: Child,
    stream: UnixStream,
}

impl Helper {
    /// Begins one, for a library that nobody else can have exchanged.
    pub(super) fn begin(library: &Path) -> Result<Self, TokenError> {
        let checked = path::check(library).map_err(|why| TokenError::Library(library.to_owned(), why))?;
        let failed =
            |error: io::Error| TokenError::Library(library.to_owned(), format!("its process: {error}"));
        let (child, stream) = spawn().map_err(failed)?;
        let mut helper = Self { library: library.to_owned(), child, stream };
        match helper.ask(&Request::Load { library: checked.as_os_str().as_bytes().to_vec() })? {
            Answer::Done => Ok(helper),
            Answer::Refused(Refusal::Library(why)) => Err(TokenError::Library(library.to_owned(), why)),
            _ => Err(helper.gone()),
        }
    }

    /// Asks, and waits for the answer as long as it may take.
    pub(super) fn ask(&mut self, request: &Request) -> Result<Answer, TokenError> {
        let patience = match request {
            Request::Load { .. } => PATIENCE_TO_LOAD,
            Request::LogIn { pin: None, .. } => PATIENCE_FOR_A_PERSON,
            Request::Generate { .. } => PATIENCE_TO_GENERATE,
            _ => PATIENCE,
        };
        match self.exchange(request, patience) {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(self.gone()),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                // It hangs, and would not see the socket close.
                let _ = self.child.kill();
                let seconds = patience.as_secs();
                Err(TokenError::Library(self.library.clone(), format!("no answer in {seconds} seconds")))
            }
            Err(_) => Err(self.gone()),
        }
    }

    fn exchange(&mut self, request: &Request, patience: Duration) -> io::Result<Option<Answer>> {
        let mut timed = Timed { stream: &self.stream, until: Instant::now() + patience };
        frames::send(&mut timed, &request.encode())?;
        let answer = frames::receive(&mut timed)?;
        Ok(answer.and_then(|answer| Answer::decode(&answer)))
    }

    /// How it ended that did not answer, or not as ours does.
    fn gone(&mut self) -> TokenError {
        // It closed its socket, and is gone or about to be: this does not wait for long.
        let _ = self.child.kill();
        let why = match self.child.wait() {
            Ok(status) => match status.signal() {
                Some(signal) if signal != rustix::process::Signal::KILL.as_raw() => {
                    format!("it crashed (signal {signal})")
                }
                _ => "no answer from the process that it was loaded in".to_owned(),
            },
            Err(error) => error.to_string(),
        };
        TokenError::Library(self.library.clone(), why)
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
        let began = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && began.elapsed() < PATIENCE_TO_END {
            thread::sleep(TICK);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A socket until a moment: an answer that comes octet by octet has no longer than another.
struct Timed<'s> {
    stream: &'s UnixStream,
    until: Instant,
}

impl Timed<'_> {
    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(buffer)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Our own program once more. Whatever its library prints goes nowhere.
fn spawn() -> io::Result<(Child, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    let child = Command::new(std::env::current_exe()?)
        .arg("token-helper")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    Ok((child, ours))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_comes_octet_by_octet_has_no_more_time_than_another() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let sender = thread::spawn(move || {
            while theirs.write_all(&[0]).is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
        });
        let began = Instant::now();
        let mut timed = Timed { stream: &ours, until: began + Duration::from_millis(200) };
        let mut answer = [0; 1000];
        let error = timed.read_exact(&mut answer).unwrap_err();
        assert!(matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut));
        assert!(began.elapsed() < Duration::from_secs(5));
        drop(ours);
        sender.join().unwrap();
    }
}
