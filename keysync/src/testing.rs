//! What tests share. Compiled for tests only.

#![allow(clippy::unwrap_used)]

use counterseal_core::ports::Random;
use counterseal_core::time::Time;

/// The moment at which tests take place: 2026-11-22 12:00 UTC.
pub(crate) const NOW: Time = Time::from_unix_seconds(1_795_348_800);

/// The system's generator.
pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}
