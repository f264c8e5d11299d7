//! `cseal trust vouch`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::common::{Output, Passphrase, Report, help_end};

/// Say in public, signed, that you compared somebody's fingerprint
#[derive(Debug, Args)]
#[command(
    long_about = "Say in public, signed, that you compared somebody's fingerprint.\n\n\
        The statement counts for everybody who relies on you. It is written to FILE, for you to send to its \
        subject, who imports it, and from then on it goes along with their mail. Where you name the \
        subject's OpenPGP certificate, the twin of their key, that is certified too; with \
        --print-commands cseal signs nothing, and prints what to type where you vouch with your gpg or sq key.",
    after_long_help = help_end!(
        "  Bob, whose fingerprint you compared:\n",
        "      cseal trust vouch bob@example.org -o bob.vouch.pem\n\n",
        "  Bob, for one year, and less sure than your comparison makes you:\n",
        "      cseal trust vouch bob@example.org --amount 60 --expires 2027-11-21 \\\n",
        "          -o bob.vouch.pem\n\n",
        "  Bob's OpenPGP twin too:\n",
        "      cseal trust vouch bob@example.org --certificate bob.asc \\\n",
        "          --openpgp bob.vouched.asc -o bob.vouch.pem\n\n",
        "  The same with your OpenPGP key in gpg:\n",
        "      cseal trust vouch bob@example.org --certificate bob.asc \\\n",
        "          --print-commands gpg\n"
    )
)]
pub(crate) struct TrustVouch {
    /// For whom
    ///
    /// With FINGERPRINT?bob@example.org you say that you compared this fingerprint.
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,

    /// The subject's certificate or OpenPGP twin in FILE, or the fingerprint of the key
    ///
    /// Where it is left out: the personal CA of the address that the store knows.
    #[arg(long, value_name = "FILE|FINGERPRINT")]
    pub(crate) certificate: Option<String>,

    /// You compared this fingerprint, and keep no note of it
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) compared: Option<String>,

    /// How sure you are, in points, 1 to 120
    ///
    /// Where it is left out: what your comparison is worth, as `cseal trust list` shows it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=120))]
    pub(crate) amount: Option<u8>,

    /// How you know
    ///
    /// Where it is left out: how you compared the fingerprint.
    #[arg(long, value_name = "HOW")]
    pub(crate) basis: Option<Basis>,

    /// Until when it holds: RFC 3339, or a date (00:00 UTC); five years where it is left out
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<String>,

    /// Certify the subject's OpenPGP twin with your own, into FILE
    #[arg(long, value_name = "FILE", conflicts_with = "print_commands")]
    pub(crate) openpgp: Option<PathBuf>,

    /// Print the commands that say it with your OpenPGP key in gpg (2.2 and later), or in a file for sq (0.27)
    #[arg(long, value_name = "PROGRAM", conflicts_with = "output")]
    pub(crate) print_commands: Option<OpenPgpProgram>,

    /// The file of your OpenPGP key, for the commands of sq
    #[arg(long, value_name = "FILE", default_value = "my-key.pgp", hide_short_help = true)]
    pub(crate) sq_key: String,

    #[command(flatten)]
    pub(crate) output: Output,

    /// The passphrase of your store
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// A program that signs with OpenPGP keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OpenPgpProgram {
    /// GnuPG
    Gpg,
    /// Sequoia
    Sq,
}

/// How somebody knows whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Basis {
    /// You met
    InPerson,
    /// You saw and heard each other
    Video,
    /// You saw documents
    Documents,
    /// You wrote to each other
    Correspondence,
    /// You work for the same
    Employer,
    /// At a gathering for this
    KeyParty,
    /// In another way
    Other,
}
