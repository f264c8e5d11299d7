//! `cseal device`: the devices of one person.

pub(crate) mod account;
pub(crate) mod foreign;
pub(crate) mod install;
mod list;
mod wanted;

use crate::args::{self, DeviceCommand};
use crate::failure::{Exit, Failure};

/// Runs the sub-command that was typed.
pub(super) fn run(arguments: &args::Device) -> Result<Exit, Failure> {
    match &arguments.command {
        DeviceCommand::List(arguments) => list::run(arguments),
        DeviceCommand::Add(arguments) => foreign::add(arguments),
        DeviceCommand::Install(arguments) => install::run(arguments),
    }
}
