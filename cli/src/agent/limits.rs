//! For how long an agent stays unlocked, and how often a key may be used.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Operations with one key in a minute. Whoever decrypts mail needs a few; an attack that learns from
/// answers about ciphertexts needs ten thousand and more (RFC 3218).
const PER_MINUTE: u32 = 600;
const MINUTE: Duration = Duration::from_secs(60);

/// When the agent ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// After so long without a request.
    pub(crate) idle: Duration,
    /// After so long in all.
    pub(crate) longest: Duration,
}

/// What is left of the time.
#[derive(Debug)]
pub(super) struct Clock {
    limits: Limits,
    started: Instant,
    used: Instant,
}

impl Clock {
    pub(super) fn start(limits: Limits, now: Instant) -> Self {
        Self { limits, started: now, used: now }
    }

    /// A key was used.
    pub(super) fn touch(&mut self, now: Instant) {
        self.used = now;
    }

    /// The time until it ends, if nobody asks for anything.
    pub(super) fn left(&self, now: Instant) -> Duration {
        let idle = self.limits.idle.saturating_sub(now.saturating_duration_since(self.used));
        idle.min(self.limits.longest.saturating_sub(now.saturating_duration_since(self.started)))
    }
}

/// How often each key was used in the minute that runs.
#[derive(Debug, Default)]
pub(super) struct Rates {
    uses: BTreeMap<[u8; 32], (Instant, u32)>,
}

impl Rates {
    /// Whether a key may be used once more.
    pub(super) fn allow(&mut self, key: [u8; 32], now: Instant) -> bool {
        let (since, count) = self.uses.entry(key).or_insert((now, 0));
        if now.saturating_duration_since(*since) >= MINUTE {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count <= PER_MINUTE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_when_nobody_asks_and_at_last_in_any_case() {
        let limits = Limits { idle: Duration::from_secs(600), longest: Duration::from_secs(900) };
        let start = Instant::now();
        let mut clock = Clock::start(limits, start);
        let later = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(clock.left(start), Duration::from_secs(600));
        clock.touch(later(500));
        assert_eq!(clock.left(later(500)), Duration::from_secs(400));
        assert_eq!(clock.left(later(900)), Duration::ZERO);
        assert_eq!(clock.left(later(9000)), Duration::ZERO);
    }

    #[test]
    fn a_key_is_used_so_often_in_a_minute_and_again_in_the_next() {
        let (mut rates, start) = (Rates::default(), Instant::now());
        assert!((0..PER_MINUTE).all(|_| rates.allow([1; 32], start)));
        assert!(!rates.allow([1; 32], start) && rates.allow([2; 32], start));
        assert!(rates.allow([1; 32], start + MINUTE));
    }
}
