//! Programs of the person's own, which end within their time and write within their limit.

use std::fmt;
use std::io::{self, Read};
use std::process::{Child, ExitStatus};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use zeroize::Zeroizing;

/// How often it is asked whether a program has ended.
const STEP: Duration = Duration::from_millis(5);

/// Why a program's output cannot be used.
#[derive(Debug)]
pub(crate) enum ChildError {
    /// It took longer.
    Late(Duration),
    /// It wrote more than it may.
    TooMuch,
    /// It did not end with 0.
    Failed(ExitStatus),
    /// The system.
    Io(io::Error),
}

impl fmt::Display for ChildError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late(time) => write!(formatter, "took more than {} seconds", time.as_secs()),
            Self::TooMuch => formatter.write_str("wrote too much"),
            Self::Failed(status) => write!(formatter, "ended with {status}"),
            Self::Io(error) => write!(formatter, "cannot be read from: {error}"),
        }
    }
}

/// What a program writes until it ends well. It must lead a process group of its own: where it does not end well,
/// all that it started is ended with it.
pub(crate) fn output(
    child: &mut Child,
    time: Duration,
    most: usize,
) -> Result<Zeroizing<Vec<u8>>, ChildError> {
    let output = read_within(child, time, most);
    if output.is_err() {
        stop(child);
    }
    output
}

fn read_within(child: &mut Child, time: Duration, most: usize) -> Result<Zeroizing<Vec<u8>>, ChildError> {
    let deadline = Instant::now() + time;
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            // Allocated at once, so that no copy of a secret stays behind where it grows.
            let mut output = Zeroizing::new(Vec::with_capacity(most.min(64 << 10) + 1));
            let read = stdout.take(most as u64 + 1).read_to_end(&mut output);
            // Whoever waited too long does not listen any more.
            let _ = sender.send(read.map(|_| output));
        });
    }
    let output = receiver.recv_timeout(time).map_err(|_| ChildError::Late(time))?.map_err(ChildError::Io)?;
    if output.len() > most {
        return Err(ChildError::TooMuch);
    }
    match ended(child, deadline)? {
        Some(status) if status.success() => Ok(output),
        Some(status) => Err(ChildError::Failed(status)),
        None => Err(ChildError::Late(time)),
    }
}

/// How a program ended; nothing where it did not in time.
pub(crate) fn ended(child: &mut Child, deadline: Instant) -> Result<Option<ExitStatus>, ChildError> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(Some(status)),
            Ok(None) if Instant::now() >= deadline => return Ok(None),
            Ok(None) => thread::sleep(STEP),
            Err(error) => return Err(ChildError::Io(error)),
        }
    }
}

/// Ends a program and its group.
pub(crate) fn stop(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        // It may have ended by itself.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    use super::*;

    fn run(script: &str, time: Duration, most: usize) -> Result<Zeroizing<Vec<u8>>, ChildError> {
        let mut child =
            Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).process_group(0).spawn().unwrap();
        output(&mut child, time, most)
    }

    #[test]
    fn a_program_that_does_not_end_is_ended_with_all_that_it_started() {
        let started = Instant::now();
        let late = run("sleep 600 & wait", Duration::from_millis(200), 10);
        assert!(matches!(late, Err(ChildError::Late(_))));
        assert!(started.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn what_is_written_counts_only_where_it_is_short_and_the_program_ends_well() {
        let time = Duration::from_secs(20);
        assert_eq!(**run("printf abc", time, 3).unwrap(), *b"abc");
        assert!(matches!(run("printf abcd", time, 3), Err(ChildError::TooMuch)));
        assert!(matches!(run("printf abc; exit 1", time, 3), Err(ChildError::Failed(_))));
    }
}
