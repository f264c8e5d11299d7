//! `cseal trust history` and `cseal trust forget`

use clap::Args;

use super::common::{Passphrase, Report, help_end};

/// Show what was seen of other people's keys, and check that nobody changed it
#[derive(Debug, Args)]
#[command(
    long_about = "Show what was seen of other people's keys, and check that nobody changed it.\n\n\
        The history is a log in the key store: each entry carries the digest of the one before, and the store \
        signs the last. Keys that came in, mails that were encrypted, signed mails that were read, \
        comparisons and contradictions stand in it; of mails only digests. The points of a contact grow \
        with it: 20 mails over 90 days, in both directions, make 40.\n\n\
        The exit code is 3 where an entry does not follow the one before. No passphrase is needed.",
    after_long_help = help_end!(
        "  Everything about a contact:\n",
        "      cseal trust history bob@example.org\n\n",
        "  The whole log, one JSON object a line, for another program to check:\n",
        "      cseal trust history --export > history.jsonl\n"
    )
)]
pub(crate) struct TrustHistory {
    /// Only entries about this address
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: Option<String>,

    /// Write every entry with its salt and digests, one JSON object a line (docs/formats/history.md)
    #[arg(long, conflicts_with_all = ["address", "json", "status"])]
    pub(crate) export: bool,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Forget a contact: keys, comparisons and history, out of the file itself
#[derive(Debug, Args)]
#[command(
    long_about = "Forget a contact: keys, comparisons and history, out of the file itself.\n\n\
        Certificates that name nobody else, fingerprints that you compared, and what the history says of the \
        address are taken out of the key store, and the file is written anew without them. The places in \
        the history stay, empty, so that it can still be checked. Copies elsewhere, a backup say, are not \
        touched. OpenPGP certificates that you rely on stay; see `cseal trust rely --remove`.",
    after_long_help = help_end!("  Example:\n", "      cseal trust forget bob@example.org\n")
)]
pub(crate) struct TrustForget {
    /// Whom
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}
