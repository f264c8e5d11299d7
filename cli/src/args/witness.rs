//! `cseal trust witness`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::common::{Passphrase, Report, help_end};

/// Time stamping authorities: who proves what was there when
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    long_about = "Time stamping authorities (RFC 3161): who proves what was there when.\n\n\
        A time stamp of such an authority in a mail proves that the mail was signed while its certificate was \
        valid. A time stamp of your history proves to others that nobody, you included, wrote it later. \
        Nobody is asked for one unless you run `cseal trust witness stamp`."
)]
pub(crate) struct Witness {
    #[command(subcommand)]
    pub(crate) command: WitnessCommand,
}

/// What to do with witnesses.
#[derive(Debug, Subcommand)]
pub(crate) enum WitnessCommand {
    Add(WitnessAdd),
    List(WitnessList),
    Remove(WitnessRemove),
    Stamp(WitnessStamp),
}

/// Believe the time stamps of an authority
#[derive(Debug, Args)]
#[command(after_long_help = help_end!(
    "  An authority that is asked over the network, and one that is not:\n",
    "      cseal trust witness add https://tsa.example.org/ \\\n",
        "          --certificate tsa-root.pem\n",
    "      cseal trust witness add --certificate notary.pem\n"
))]
pub(crate) struct WitnessAdd {
    /// Where it is asked; without a URL its stamps are only believed
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,

    /// Its certificate, or that of the CA above it; may be repeated
    #[arg(long = "certificate", value_name = "FILE", required = true)]
    pub(crate) certificates: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// List the authorities, and what each has stamped
#[derive(Debug, Args)]
#[command(after_long_help = help_end!(
    "  Everything, for a machine:\n",
    "      cseal trust witness list --json\n"
))]
pub(crate) struct WitnessList {
    #[command(flatten)]
    pub(crate) report: Report,
}

/// Believe an authority no more, and drop its time stamps
#[derive(Debug, Args)]
#[command(after_long_help = help_end!(
    "  The one that is asked at this URL:\n",
    "      cseal trust witness remove https://tsa.example.org/\n"
))]
pub(crate) struct WitnessRemove {
    /// The URL, or the fingerprint of the certificate
    #[arg(value_name = "URL|FINGERPRINT")]
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Have your history stamped, or what you have of a contact
#[derive(Debug, Args)]
#[command(
    long_about = "Have the end of your history stamped, or each certificate of a contact and each statement \
        about them, by every authority that has a URL.\n\n\
        An authority sees a digest and nothing else. The answer is checked against the certificates that you \
        gave, and kept. It can be carried by hand too: --query-out writes the question, --response takes the \
        answer. A stamp of a certificate is a witness of its age; what is stamped already is not asked about \
        again.",
    after_long_help = help_end!(
        "  By hand:\n",
        "      cseal trust witness stamp --query-out head.tsq\n",
        "      curl -H 'Content-Type: application/timestamp-query' \\\n",
        "          --data-binary @head.tsq https://tsa.example.org/ > head.tsr\n",
        "      cseal trust witness stamp --response head.tsr\n"
    )
)]
pub(crate) struct WitnessStamp {
    /// Whose certificates; without an address the end of your history
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: Option<String>,

    /// Write the question to FILE and ask nobody; further questions go to FILE.2, FILE.3 and so on
    #[arg(long, value_name = "FILE")]
    pub(crate) query_out: Option<PathBuf>,

    /// Take the answer from FILE
    #[arg(long, value_name = "FILE", conflicts_with = "query_out")]
    pub(crate) response: Option<PathBuf>,

    /// Replace the files of --query-out where they exist
    #[arg(long, requires = "query_out")]
    pub(crate) overwrite: bool,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}
