//! Devices that cannot run cseal.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What such a device is called, what it takes, and how that gets there.
#[derive(Debug, Args)]
pub(crate) struct Foreign {
    /// Make a file for a device that cannot run cseal, and list it as NAME
    #[arg(long, value_name = "NAME")]
    pub(crate) foreign: Option<String>,

    /// What the device is
    #[arg(
        long = "for",
        value_name = "KIND",
        requires = "foreign",
        default_value = "other",
        hide_short_help = true
    )]
    pub(crate) kind: ForeignKind,

    /// Write the file here instead of offering it over the local network
    #[arg(short, long, value_name = "FILE", requires = "foreign", hide_short_help = true)]
    pub(crate) output: Option<PathBuf>,

    /// Replace FILE where it exists
    #[arg(long, requires = "output", hide_short_help = true)]
    pub(crate) overwrite: bool,

    /// Offer it at this address of this machine
    #[arg(long, value_name = "ADDRESS", requires = "foreign", hide_short_help = true)]
    pub(crate) listen: Option<IpAddr>,

    /// How long it is offered
    #[arg(long, value_name = "SECONDS", default_value_t = 300, hide_short_help = true)]
    pub(crate) wait: u64,

    /// Take the password from the first line of FILE instead of showing a new one; only with --output
    #[arg(long, value_name = "FILE", requires = "foreign", hide_short_help = true)]
    pub(crate) new_passphrase_file: Option<PathBuf>,
}

/// Kinds of devices, by what they take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ForeignKind {
    /// iPhone and iPad: a configuration profile
    Apple,
    /// Mail on macOS: a configuration profile
    Macos,
    /// Android: a .p12 file for each key, the newest first
    Android,
    /// Outlook and Windows: a .p12 file
    Outlook,
    /// Anything else that reads .p12 files
    Other,
}

impl ForeignKind {
    /// The word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Apple => "apple",
            Self::Macos => "macos",
            Self::Android => "android",
            Self::Outlook => "outlook",
            Self::Other => "other",
        }
    }
}
