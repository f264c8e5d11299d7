//! When something is tried again, and when no more.

use std::time::Duration;

use sha2::{Digest, Sha256};

/// Minutes to the next try after the first, the second, … one; the last holds for all that follow.
const MINUTES: [i64; 5] = [1, 5, 15, 60, 180];
/// Seconds after which the sender is told of a delay.
pub(super) const DELAY_SECONDS: i64 = 4 * 3600;

/// Whether it is time to try again after so many tries, the last of them at `last`.
///
/// A last try that lies ahead of us was noted by a clock that was wrong: then it is time.
pub(super) fn is_due(name: &str, tries: u32, last: Option<i64>, now: i64) -> bool {
    let Some(last) = last.filter(|last| *last <= now) else { return true };
    now.saturating_sub(last) >= pause(name, tries)
}

/// Seconds to wait after so many tries: up to a quarter less or more, so that not all come at once. The same for the same
/// mail and try, whoever asks.
fn pause(name: &str, tries: u32) -> i64 {
    let step = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX).min(MINUTES.len() - 1);
    let seconds = MINUTES.get(step).copied().unwrap_or(180) * 60;
    let digest = Sha256::digest(format!("{name} {tries}"));
    let random = i64::from(digest.first().copied().unwrap_or_default());
    seconds * 3 / 4 + seconds * random / 2 / 255
}

/// Whether a mail is so old that it has failed. One from the future is new.
pub(super) fn is_over(committed: i64, now: i64, give_up: Duration) -> bool {
    now.saturating_sub(committed) >= i64::try_from(give_up.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_within_a_quarter() {
        for (tries, minutes) in [(1, 1), (2, 5), (3, 15), (4, 60), (5, 180), (6, 180), (u32::MAX, 180)] {
            for name in ["a", "b", "c", "d"] {
                let (pause, seconds) = (pause(name, tries), minutes * 60);
                assert!((seconds * 3 / 4..=seconds * 5 / 4).contains(&pause), "{tries}: {pause}");
            }
        }
        assert!(
            (0..20).map(|name| pause(&name.to_string(), 5)).collect::<std::collections::BTreeSet<_>>().len()
                > 10
        );
    }

    #[test]
    fn a_clock_that_jumps_stops_nothing() {
        assert!(is_due("a", 0, None, 0));
        assert!(!is_due("a", 1, Some(1000), 1001));
        assert!(is_due("a", 1, Some(1000), 1100));
        assert!(is_due("a", 9, Some(1_000_000), 1000));
        assert!(is_due("a", 9, Some(i64::MIN), i64::MAX));
    }

    #[test]
    fn a_mail_from_the_future_is_not_given_up() {
        let day = Duration::from_secs(86_400);
        assert!(!is_over(1_000_000, 0, day));
        assert!(!is_over(0, 86_399, day) && is_over(0, 86_400, day));
    }
}
