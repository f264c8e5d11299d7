//! `cseal device`: the devices of one person.

pub(crate) mod account;
mod add;
mod choose;
mod export;
pub(crate) mod foreign;
pub(crate) mod found;
pub(crate) mod grant;
pub(crate) mod install;
mod join;
pub(crate) mod list;
pub(crate) mod recover;
mod revoke;
mod role;
mod rollover;
pub(crate) mod sync;
mod waiting;
mod wanted;

use crate::args::{self, DeviceCommand};
use crate::failure::{Exit, Failure};

/// Runs the sub-command that was typed. Who has other devices and no store here has a new machine.
pub(super) fn run(arguments: &args::Device) -> Result<Exit, Failure> {
    sub_command(&arguments.command).map_err(|failure| match failure.word {
        "no-store" => failure.hint(
            "on a new machine of yours: `cseal device join`; where all others are lost: `cseal device recover account`; \
             for a first key: `cseal init ADDRESS`",
        ),
        _ => failure,
    })
}

fn sub_command(command: &DeviceCommand) -> Result<Exit, Failure> {
    match command {
        DeviceCommand::List(arguments) => list::run(arguments),
        DeviceCommand::Revoke(arguments) => revoke::run(arguments),
        DeviceCommand::Role(arguments) => role::run(arguments),
        DeviceCommand::Export(arguments) => export::run(arguments),
        DeviceCommand::Sync(arguments) => sync::run(arguments),
        DeviceCommand::Join(arguments) => join::run(arguments),
        DeviceCommand::Add(arguments) if arguments.foreign.foreign.is_some() => foreign::add(arguments),
        DeviceCommand::Add(arguments) => add::run(arguments),
        DeviceCommand::Recover(arguments) => recover::run(arguments),
        DeviceCommand::Install(arguments) => install::run(arguments),
    }
}
