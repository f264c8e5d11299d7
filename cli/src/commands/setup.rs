//! `cseal setup`

mod account;
mod check;
mod clients;
mod mailbox;
mod password;
mod person;
mod server;
mod settings;
mod system;
mod take_over;
mod timer;

pub(crate) use check::Seen;
pub(crate) use person::{Keys, Report};
pub(crate) use system::Deed;
pub(crate) use timer::Installed;

use crate::args;
use crate::failure::{Exit, Failure};

/// Sets up what the options name: a machine, a person, or only says how other programs send.
pub(super) fn run(arguments: &args::Setup) -> Result<Exit, Failure> {
    match &arguments.clients {
        Some(program) => clients::show(program.as_deref()),
        None if arguments.system => system::run(arguments),
        None => person::run(arguments),
    }
}
