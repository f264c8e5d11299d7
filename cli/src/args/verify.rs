//! `cseal verify`

use std::path::PathBuf;

use clap::Args;

use super::common::{Accept, At, Evidence, History, Input, Output, Report, help_end};

/// Check who signed a mail; exit 0 only where that is verified
#[derive(Debug, Args)]
#[command(
    long_about = "Check who signed a mail; exit 0 only where that is verified.\n\n\
        Verified means: the signature is good, its certificate names the From address, and the evidence \
        for it reaches 120 points, by your own comparison or by two sources that would both have to lie. \
        With --cms there is no author: every signature must be good and its certificate must chain to an \
        anchor.\n\n\
        With --anchor nothing comes from the store: it is neither opened nor made.",
    after_long_help = help_end!(
        "  A mail:\n",
        "      cseal verify in.eml\n\n",
        "  A file and the signature beside it:\n",
        "      cseal verify --cms --anchor root.pem \\\n",
        "          --content release.tar release.tar.p7s\n\n",
        "  As of a day in the past, for a machine:\n",
        "      cseal verify --anchor root.pem --at 2025-03-01 --json in.eml\n"
    )
)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) input: Input,

    #[command(flatten)]
    pub(crate) output: Output,

    /// What a detached signature covers
    #[arg(long, value_name = "FILE")]
    pub(crate) content: Option<PathBuf>,

    /// How much is enough for exit 0; `verified` where your policy says nothing else
    #[arg(long, value_name = "LEVEL")]
    pub(crate) accept: Option<Accept>,

    #[command(flatten)]
    pub(crate) evidence: Evidence,

    /// A certificate that the message may lack
    ///
    /// May be repeated.
    #[arg(long = "certificate", value_name = "FILE")]
    pub(crate) certificates: Vec<PathBuf>,

    /// The input is any CMS object, not a mail
    ///
    /// DER, BER, PEM and base64 are recognised.
    #[arg(long)]
    pub(crate) cms: bool,

    /// Save the attachments into DIR
    ///
    /// Under safe names, for their owner alone; nothing is overwritten.
    #[arg(long, value_name = "DIR", conflicts_with = "cms")]
    pub(crate) extract: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) history: History,

    #[command(flatten)]
    pub(crate) at: At,

    #[command(flatten)]
    pub(crate) report: Report,
}
