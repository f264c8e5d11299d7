//! `cseal device recover`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::common::{Passphrase, Report, help_end};

/// Paper that brings everything back when all devices are lost
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    long_about = "Paper that brings everything back when all devices are lost.\n\n\
        The seed of your account is 24 words on paper. It is in no file and on no device: whatever is printed here \
        once more is made from the words that you type."
)]
pub(crate) struct DeviceRecover {
    #[command(subcommand)]
    pub(crate) command: RecoverCommand,
}

/// Begin anew on this machine, with the words of the sheet and any copy of the account
#[derive(Debug, Args)]
#[command(
    long_about = "Begin anew on this machine, with the words of the sheet and any copy of the account.\n\n\
        The copy is a file of `cseal device export`, a folder or stick that devices met in, or, without --copy, \
        the places of [[sync]] in config.toml: a folder, a relay, your mailbox. The words are typed without being shown. \
        All old devices are put out, all keys come back to open old mail, and a new key to encrypt to is made. \
        This machine gets a new key store, and is your only device then.",
    after_long_help = help_end!(
        "  From a file of `cseal device export`:\n",
        "      cseal device recover account --copy account.copy\n\n",
        "  From a stick, with two shares that were scanned:\n",
        "      cseal device recover account --copy /media/stick \\\n",
        "          --seed-file one.txt --seed-file two.txt\n"
    )
)]
pub(crate) struct RecoverAccount {
    #[command(flatten)]
    pub(crate) seed: SeedSource,

    /// The copy: a file, or a folder that devices met in
    #[arg(long, value_name = "PATH")]
    pub(crate) copy: Option<PathBuf>,

    /// What this device is called; where it is left out, as the machine
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// A new store without a passphrase
    #[arg(long, conflicts_with_all = ["passphrase_file", "passphrase_fd"])]
    pub(crate) no_passphrase: bool,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// What to do with the paper.
#[derive(Debug, Subcommand)]
pub(crate) enum RecoverCommand {
    Account(RecoverAccount),
    Sheet(RecoverSheet),
    Shares(RecoverShares),
    Drill(RecoverDrill),
}

/// Prove that the paper still opens everything
#[derive(Debug, Args)]
#[command(
    long_about = "Prove that the paper still opens everything.\n\n\
        With the words of the sheet, or of shares, a copy of the account is opened as if all devices were lost: \
        every entry of the log is verified and every key opened. Nothing is changed but the date of the drill, which \
        `cseal doctor` and `cseal device list` know.\n\n\
        Without --copy, the copy is made from this device for the moment, and written nowhere.",
    after_long_help = help_end!(
        "  Once a month, with the sheet at hand:\n",
        "      cseal device recover drill\n\n",
        "  Whether a file of `cseal device export` would bring everything back:\n",
        "      cseal device recover drill --copy account.copy\n"
    )
)]
pub(crate) struct RecoverDrill {
    #[command(flatten)]
    pub(crate) seed: SeedSource,

    /// Open FILE, which `cseal device export` wrote, instead of what this device has
    #[arg(long, value_name = "FILE")]
    pub(crate) copy: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Where the seed is read from. Never an argument, never a variable.
#[derive(Clone, Debug, Args)]
pub(crate) struct SeedSource {
    /// Read the words of a sheet, or the text of its code, from FILE; once for each share
    #[arg(long, value_name = "FILE")]
    pub(crate) seed_file: Vec<PathBuf>,

    /// Read the code of a sheet from a picture (PNG, JPEG); once for each share
    #[arg(long, value_name = "FILE")]
    pub(crate) seed_image: Vec<PathBuf>,
}

/// Print the sheet once more, from its words
#[derive(Debug, Args)]
#[command(
    long_about = "Print the sheet once more, from its words.\n\n\
        The words are typed without being shown, one by one or all at once, whole or with their first four letters; \
        or several shares are read from files. A PDF or SVG file has them in clear: print it, then delete it. \
        Without --output the sheet is shown on the terminal.",
    after_long_help = help_end!(
        "  For the printer:\n",
        "      cseal device recover sheet --output sheet.pdf\n\n",
        "  From two shares, as they were scanned:\n",
        "      cseal device recover sheet --seed-file one.txt --seed-file two.txt \\\n",
        "          --output sheet.svg\n"
    )
)]
pub(crate) struct RecoverSheet {
    #[command(flatten)]
    pub(crate) seed: SeedSource,

    /// Write the sheet to FILE, which ends in .pdf, .svg or .txt
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Replace FILE where it exists
    #[arg(long, requires = "output")]
    pub(crate) overwrite: bool,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Split the seed: any few of several sheets bring it back
#[derive(Debug, Args)]
#[command(
    long_about = "Split the seed: any few of several sheets bring it back.\n\n\
        Each sheet is for another place or another person; fewer than the threshold say nothing about the seed. \
        Shares that were made at different times do not go together. The sheet with the whole seed stays good: \
        destroy it, if nobody shall need it.",
    after_long_help = help_end!(
        "  Five sheets, of which any three are enough, shares.pdf to shares-5.pdf:\n",
        "      cseal device recover shares --threshold 3 --count 5 --output shares.pdf\n"
    )
)]
pub(crate) struct RecoverShares {
    #[command(flatten)]
    pub(crate) seed: SeedSource,

    /// How many bring the seed back, 2 to 16
    #[arg(long, value_name = "K")]
    pub(crate) threshold: u8,

    /// How many there are, 16 at most
    #[arg(long, value_name = "N")]
    pub(crate) count: u8,

    /// Write the sheets to FILE, FILE-2 and so on, before .pdf, .svg or .txt
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,

    /// Replace files that exist
    #[arg(long)]
    pub(crate) overwrite: bool,

    #[command(flatten)]
    pub(crate) report: Report,
}
