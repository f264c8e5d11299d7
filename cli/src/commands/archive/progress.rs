//! One line on standard error: how far, how fast, how long still.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Nothing is said before.
const QUIET: Duration = Duration::from_secs(1);
/// Between two lines.
const PAUSE: Duration = Duration::from_millis(500);

/// How far a run is.
pub(super) struct Progress {
    shown: Option<Shown>,
    started: Instant,
    last: Option<Instant>,
    mails: u64,
    /// Units that an earlier run did.
    before: u64,
    done: u64,
    total: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// The line is written over.
    Terminal,
    /// A line each time.
    Lines,
}

impl Progress {
    /// Of a run over `total` units: bytes, or mails.
    pub(super) fn new(asked_for: bool, total: u64) -> Self {
        let shown = match (io::stderr().is_terminal(), asked_for) {
            (true, _) => Some(Shown::Terminal),
            (false, true) => Some(Shown::Lines),
            (false, false) => None,
        };
        Self { shown, started: Instant::now(), last: None, mails: 0, before: 0, done: 0, total }
    }

    /// Units that an earlier run did.
    pub(super) fn skip(&mut self, units: u64) {
        self.before += units;
    }

    /// One mail more.
    pub(super) fn add(&mut self, units: u64) {
        self.mails += 1;
        self.done += units;
        let since = self.last.map_or_else(|| self.started.elapsed() >= QUIET, |last| last.elapsed() >= PAUSE);
        if since {
            self.show();
        }
    }

    fn show(&mut self) {
        let Some(shown) = self.shown else { return };
        self.last = Some(Instant::now());
        let left = self.total.saturating_sub(self.before);
        let line = line(self.mails, self.done, left, self.started.elapsed());
        let mut stderr = io::stderr().lock();
        let _ = match shown {
            Shown::Terminal => write!(stderr, "\r{line}\u{1b}[K"),
            Shown::Lines => writeln!(stderr, "{line}"),
        };
        let _ = stderr.flush();
    }
}

/// Takes the line away, whatever comes next.
impl Drop for Progress {
    fn drop(&mut self) {
        if self.last.is_some() && self.shown == Some(Shown::Terminal) {
            let _ = write!(io::stderr().lock(), "\r\u{1b}[K");
        }
    }
}

/// `total` is what this run has to do.
fn line(mails: u64, done: u64, total: u64, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64().max(0.001);
    let share = if total == 0 { 1.0 } else { (done as f64 / total as f64).min(1.0) };
    let left = if share > 0.0 { seconds / share - seconds } else { 0.0 };
    format!(
        "{:3.0} %  {mails} mails  {:.0} a second  {} left",
        share * 100.0,
        mails as f64 / seconds,
        duration(left as u64)
    )
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        _ => format!("{}:{:02} h", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_how_fast_and_how_long_still() {
        let text = line(300, 25, 100, Duration::from_secs(30));
        assert_eq!(text, " 25 %  300 mails  10 a second  1:30 min left");
        assert_eq!(line(0, 0, 0, Duration::ZERO), "100 %  0 mails  0 a second  0 s left");
        assert_eq!(duration(7_384), "2:03 h");
    }
}
