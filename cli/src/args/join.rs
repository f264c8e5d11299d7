//! `cseal device join`, and how `cseal device add` finds the new device.

use std::path::PathBuf;

use clap::Args;

use super::common::{Passphrase, Report, help_end};
use super::ways::{Shown, Ways};

/// Make this machine one of your devices
#[derive(Debug, Args)]
#[command(
    long_about = "Make this machine one of your devices: it gets your keys from another one.\n\n\
        This screen shows a code, which `cseal device add` on the other device scans or pastes. It then shows six digits, \
        which you type here; nobody who saw the code alone can lure this machine into another account. With --words \
        there are words instead of a picture, with --scan the other device shows, with --sas both screens show words \
        to compare. With --file nothing has to be connected: a file goes there, and an answer comes back. Both may \
        travel as mails: with --mail the request is one, and --answer also takes the whole mail that brought it.\n\n\
        The key store is made where there is none. Whatever carries the objects is believed in nothing. What the other \
        device knows of others comes along, and where your devices meet, where config.toml has no [[sync]] yet.",
    after_long_help = help_end!(
        "  This machine shows a code, over a folder that both see:\n",
        "      cseal device join --folder /mnt/share\n\n",
        "  Words instead of a picture:\n",
        "      cseal device join --words --folder /mnt/share\n\n",
        "  By two files:\n",
        "      cseal device join --file request.ksr\n",
        "      cseal device join --answer grant.ksa\n\n",
        "  By two mails to yourself, sent here or by any program:\n",
        "      cseal device join --mail alice@example.org\n",
        "      cseal device join --mail alice@example.org --file request.eml\n"
    )
)]
pub(crate) struct DeviceJoin {
    #[command(flatten)]
    pub(crate) how: JoinHow,

    #[command(flatten)]
    pub(crate) ways: Ways,

    /// The request as a mail to ADDRESS, your own: sent, or written to --file
    #[arg(
        long,
        value_name = "ADDRESS",
        conflicts_with_all = ["words", "scan", "image", "camera", "sas", "answer"],
        hide_short_help = true
    )]
    pub(crate) mail: Option<String>,

    /// What this device is called; where it is left out, as the machine
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// A new store without a passphrase
    #[arg(long, conflicts_with_all = ["passphrase_file", "passphrase_fd"])]
    pub(crate) no_passphrase: bool,

    /// Do without the six digits: who photographs the code may lure this machine into another account
    #[arg(long, hide_short_help = true)]
    pub(crate) trust_scan: bool,

    #[command(flatten)]
    pub(crate) shown: Shown,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// How the new device finds the old one.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct JoinHow {
    /// Show words, which are typed on the other device
    #[arg(long)]
    pub(crate) words: bool,

    /// Take the code that the other device shows (`cseal device add --show`)
    #[arg(long, visible_alias = "paste")]
    pub(crate) scan: bool,

    /// Read the code from a picture of the other device's screen (PNG, JPEG)
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) image: Option<PathBuf>,

    /// Read the code through the camera, for two minutes (needs ffmpeg)
    #[arg(long, hide_short_help = true)]
    pub(crate) camera: bool,

    /// Compare words that both screens show
    #[arg(long)]
    pub(crate) sas: bool,

    /// Write a request to FILE, for `cseal device add --file`
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// Take the answer to that request, or the mail with it
    #[arg(long, value_name = "FILE")]
    pub(crate) answer: Option<PathBuf>,
}

/// How an old device finds the new one.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct AddHow {
    /// Type the words that the new device shows (`cseal device join --words`)
    #[arg(long)]
    pub(crate) typed: bool,

    /// Paste the code that the new device shows (the default)
    #[arg(long, hide_short_help = true)]
    pub(crate) paste: bool,

    /// Read the code from a picture of the new device's screen (PNG, JPEG)
    #[arg(long, value_name = "FILE")]
    pub(crate) image: Option<PathBuf>,

    /// Read the code through the camera, for two minutes (needs ffmpeg)
    #[arg(long, hide_short_help = true)]
    pub(crate) camera: bool,

    /// Show a code, which the new device takes
    #[arg(long)]
    pub(crate) show: bool,

    /// Compare words that both screens show
    #[arg(long)]
    pub(crate) sas: bool,

    /// The request of the new device, or the mail with it; answered by --answer, --mail
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}
