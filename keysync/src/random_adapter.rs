//! The caller's randomness, as the crates underneath ask for it.
//!
//! Core has the same for its own use, and keeps it to itself: it would put a trait of `rand_core` into core's public
//! signatures, and a change of that crate would be a change of core's.

use std::convert::Infallible;

use counterseal_core::ports::Random;
use rand_core::{TryCryptoRng, TryRng};

/// The port behind the traits of `rand_core`.
pub(crate) struct RandomAdapter<'a>(pub(crate) &'a mut dyn Random);

impl TryRng for RandomAdapter<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for RandomAdapter<'_> {}
