//! `cseal device`

use clap::{Args, Subcommand};

use super::common::{Report, help_end};
use super::install::DeviceInstall;

/// Your devices: keys that follow you to each of them
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    long_about = "Your devices: keys that follow you to each of them.\n\n\
        Each device has keys of its own, and a signed log says which devices are yours and what each is for: a reader \
        opens mail, a writer also signs with a key of its own, an admin also says which devices there are. What lies \
        between them carries sealed objects and is believed in nothing."
)]
pub(crate) struct Device {
    #[command(subcommand)]
    pub(crate) command: DeviceCommand,
}

/// What to do with the devices.
#[derive(Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    List(DeviceList),
    Install(DeviceInstall),
}

/// List your devices: what each is for, when it was heard of, what it lacks
#[derive(Debug, Args)]
#[command(after_long_help = help_end!("  Example:\n", "      cseal device list\n"))]
pub(crate) struct DeviceList {
    #[command(flatten)]
    pub(crate) report: Report,
}
