//! The ways between two machines that pair.

use std::path::PathBuf;

use clap::Args;

/// Where the two sides find each other.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Ways {
    /// A folder that both machines see: a share, a stick
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Vec<PathBuf>,

    /// A relay: https://relay.example.org
    #[arg(long, value_name = "URL")]
    pub(crate) relay: Option<String>,
}
