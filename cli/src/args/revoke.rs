//! `cseal keys revoke` and `cseal keys remove`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::common::{Passphrase, Report, help_end};

/// Say that a key of yours is not to be used any more
#[derive(Debug, Args)]
#[command(
    long_about = "Say that a key of yours is not to be used any more.\n\n\
        Your personal CA signs a revocation list that names the key's certificates. It goes along with \
        your signed mails from now on, and -o writes it for everybody else. The key stays in your store \
        for old mail. What was revoked stays revoked.",
    after_long_help = help_end!(
        "  A notebook was stolen, and its signing key with it:\n",
        "      cseal keys revoke MBJH-UVS2-Z2Q4-OF7C-MGP6 \\\n",
        "          --reason compromised -o alice.crl\n",
        "      cseal keys renew alice@example.org --signing\n"
    )
)]
pub(crate) struct Revoke {
    /// The fingerprint of the key: at least five groups, or SHA-256 in hexadecimal
    #[arg(value_name = "FINGERPRINT")]
    pub(crate) key: String,

    /// Why
    #[arg(long, value_name = "WHY")]
    pub(crate) reason: RevokeReason,

    /// Write the revocation list to FILE, as PEM
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Replace FILE where it exists
    #[arg(long)]
    pub(crate) overwrite: bool,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Why a key is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RevokeReason {
    /// Somebody else may have it: nothing that it signed counts any more
    Compromised,
    /// It is lost, and nobody knows who has it; counts as compromised
    Lost,
    /// There is a newer one
    Superseded,
    /// It is not used any more
    Retired,
}

/// Destroy a retired secret key: mail to it never opens again
#[derive(Debug, Args)]
#[command(
    long_about = "Destroy a retired secret key: mail to it never opens again.\n\n\
        You are told what will be lost and asked for the whole fingerprint. What opens the key is erased \
        from the store; that it was there, and when it was removed, stays. Backups and other devices \
        still have it.",
    after_long_help = help_end!(
        "  See the fingerprints, then remove one:\n",
        "      cseal keys list\n",
        "      cseal keys remove MBJH-UVS2-Z2Q4-OF7C-MGP6-ZLO7-BJMY\n"
    )
)]
pub(crate) struct Remove {
    /// The fingerprint of the key: at least five groups, or SHA-256 in hexadecimal
    #[arg(value_name = "FINGERPRINT")]
    pub(crate) key: String,

    /// The whole fingerprint, where nobody can be asked
    #[arg(long, value_name = "WHOLE")]
    pub(crate) fingerprint: Option<String>,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}
