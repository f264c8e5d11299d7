//! `cseal setup`

mod system;

pub(crate) use system::Deed;

use crate::args;
use crate::failure::{Exit, Failure};

/// Sets up what the options name.
pub(super) fn run(arguments: &args::Setup) -> Result<Exit, Failure> {
    system::run(arguments)
}
