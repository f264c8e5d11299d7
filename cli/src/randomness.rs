//! The operating system's randomness, for the library's port.

use counterseal_core::ports::Random;

/// The system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    #[allow(clippy::panic)]
    fn fill(&mut self, bytes: &mut [u8]) {
        // Going on without randomness would make keys that others can guess.
        if let Err(error) = getrandom::fill(bytes) {
            panic!("the system gives no randomness: {error}");
        }
    }
}

/// Random bytes in an array.
pub(crate) fn random<const LENGTH: usize>() -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    SystemRandom.fill(&mut bytes);
    bytes
}
