//! `cseal archive`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::common::{Accept, At, Evidence, Passphrase, Pin, Report, help_end};

/// Decrypt, verify or re-encrypt all mail of an mbox, a Maildir or a folder of .eml files
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Archive {
    #[command(subcommand)]
    pub(crate) command: ArchiveCommand,
}

/// What to do with an archive.
#[derive(Debug, Subcommand)]
pub(crate) enum ArchiveCommand {
    Decrypt(ArchiveDecrypt),
    Verify(ArchiveVerify),
    Rewrap(ArchiveRewrap),
}

/// Decrypt all mail of an archive into a new one
#[derive(Debug, Args)]
#[command(
    long_about = "Decrypt all mail of an archive into a new one.\n\n\
        An mbox becomes an mbox, a Maildir a Maildir, a folder a folder. Every generation of your keys \
        opens what it opened before. What is signed stays byte for byte; mail that is not encrypted is \
        copied as it is, and so is mail that cannot be opened, which the summary names, with the key \
        that it wants.\n\n\
        A run that was stopped goes on where it was when the same command is given again.",
    after_long_help = help_end!(
        "  An mbox:\n",
        "      cseal archive decrypt 2019.mbox -o 2019-plain.mbox\n\n",
        "  A Maildir, with a key that is not in the store:\n",
        "      cseal archive decrypt --key old.p12 Maildir -o Maildir.plain\n\n",
        "  For a machine, one line of JSON for each mail and one for all:\n",
        "      cseal archive decrypt --json mails -o plain\n"
    )
)]
pub(crate) struct ArchiveDecrypt {
    #[command(flatten)]
    pub(crate) place: ArchivePlace,

    /// The new archive
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,

    #[command(flatten)]
    pub(crate) keys: ArchiveKeys,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) pin: Pin,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Check who signed each mail of an archive; exit 0 only where all are verified
#[derive(Debug, Args)]
#[command(
    long_about = "Check who signed each mail of an archive; exit 0 only where all are verified.\n\n\
        The summary counts the verdicts and lists what is not verified. Nothing is written, and nothing is \
        asked of the network.",
    after_long_help = help_end!(
        "  What is in an archive:\n",
        "      cseal archive verify 2019.mbox\n\n",
        "  As of a day in the past, one line for each mail:\n",
        "      cseal archive verify --verbose --at 2019-12-31 Maildir\n"
    )
)]
pub(crate) struct ArchiveVerify {
    #[command(flatten)]
    pub(crate) place: ArchivePlace,

    /// How much is enough for exit 0
    #[arg(long, value_name = "LEVEL", default_value = "verified")]
    pub(crate) accept: Accept,

    #[command(flatten)]
    pub(crate) keys: ArchiveKeys,

    #[command(flatten)]
    pub(crate) evidence: Evidence,

    #[command(flatten)]
    pub(crate) at: At,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) pin: Pin,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Give all encrypted mail of an archive to your newest key, or to other readers
#[derive(Debug, Args)]
#[command(
    long_about = "Give all encrypted mail of an archive to your newest key, or to other readers.\n\n\
        Only who can open a mail changes: contents and signatures keep their bytes. Without --to and \
        --certificate a mail is yours alone afterwards, under your newest encryption key; with --to you \
        stay a reader. What names the wanted readers already is left as it is.\n\n\
        --in-place replaces each file of a Maildir or a folder when the new one is on the disk and opens. An \
        mbox is written anew with -o.",
    after_long_help = help_end!(
        "  After a new encryption key, so that the old one is needed no more:\n",
        "      cseal archive rewrap --in-place Maildir\n\n",
        "  For a colleague too, with a cipher that notices changes:\n",
        "      cseal archive rewrap --to bob@example.org --reseal \\\n",
        "          project.mbox -o shared.mbox\n"
    )
)]
#[command(group = clap::ArgGroup::new("to_where").required(true).args(["output", "in_place"]))]
pub(crate) struct ArchiveRewrap {
    #[command(flatten)]
    pub(crate) place: ArchivePlace,

    /// The new archive
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,

    /// Replace the files of IN, a Maildir or a folder
    #[arg(long)]
    pub(crate) in_place: bool,

    /// With --in-place: keep each replaced file in DIR
    #[arg(long, value_name = "DIR", requires = "in_place")]
    pub(crate) backup: Option<PathBuf>,

    /// Also for this contact of yours; may be repeated
    #[arg(long = "to", value_name = "ADDRESS", conflicts_with = "certificates")]
    pub(crate) to: Vec<String>,

    /// For the holder of this certificate, and nobody else unless repeated
    #[arg(long = "certificate", value_name = "FILE")]
    pub(crate) certificates: Vec<PathBuf>,

    /// Seal what has no integrity protection (CBC) anew, with AES-256-GCM
    #[arg(long)]
    pub(crate) reseal: bool,

    /// A secret key that opens mail, instead of the store's; may be repeated
    #[arg(long = "key", value_name = "FILE", requires = "certificates")]
    pub(crate) keys: Vec<PathBuf>,

    /// The certificate of --key; may be repeated
    #[arg(long = "key-certificate", value_name = "FILE", requires = "keys", hide_short_help = true)]
    pub(crate) key_certificates: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) pin: Pin,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// The archive that is read.
#[derive(Debug, Args)]
pub(crate) struct ArchivePlace {
    /// An mbox, a Maildir, or a folder with .eml files
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,

    /// How lines that look like a separator are kept in an mbox
    #[arg(long, value_name = "DIALECT", default_value = "mboxrd", hide_short_help = true)]
    pub(crate) mbox: MboxDialect,

    /// Show progress on standard error even where that is no terminal
    #[arg(long, hide_short_help = true)]
    pub(crate) progress: bool,
}

/// Keys instead of the store's.
#[derive(Debug, Args)]
pub(crate) struct ArchiveKeys {
    /// A secret key, instead of the store's; may be repeated
    #[arg(long = "key", value_name = "FILE")]
    pub(crate) keys: Vec<PathBuf>,

    /// The certificate of --key, or one that helps to judge a signature; may be repeated
    #[arg(long = "certificate", value_name = "FILE")]
    pub(crate) certificates: Vec<PathBuf>,
}

/// The ways in which programs write an mbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MboxDialect {
    /// `>` before `From ` behind any number of `>`
    Mboxrd,
    /// `>` before `From ` alone
    Mboxo,
    /// Nothing; Content-Length says how long a mail is
    Mboxcl2,
}
