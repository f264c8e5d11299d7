//! The ways between two machines that pair.

use std::path::PathBuf;

use clap::Args;

/// Where the two sides find each other.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Ways {
    /// A folder that both machines see
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Vec<PathBuf>,

    /// A relay: https://relay.example.org; a code says it to the other side
    #[arg(long, value_name = "URL")]
    pub(crate) relay: Option<String>,

    /// Only over the local network (which is also used where no way is named)
    #[arg(long, conflicts_with_all = ["folder", "relay"], hide_short_help = true)]
    pub(crate) lan_only: bool,

    /// Where the showing side listens and the other connects, on a network without multicast DNS
    #[arg(long, value_name = "HOST:PORT", hide_short_help = true)]
    pub(crate) lan_address: Option<String>,
}

/// How a code is shown.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Shown {
    /// Show words and codes as text, no pictures
    #[arg(long, hide_short_help = true)]
    pub(crate) no_pictures: bool,

    /// Write the picture of the code to FILE, too, readable by you alone: .png or .svg
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) save_code: Option<PathBuf>,
}
