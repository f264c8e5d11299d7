//! `cseal trust statement`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::common::{Output, Passphrase, Report, help_end};
use super::vouch::Basis;

/// Signed statements about keys: make them, check them, take them in, take them back
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Statement {
    #[command(subcommand)]
    pub(crate) command: StatementCommand,
}

/// What to do with statements.
#[derive(Debug, Subcommand)]
pub(crate) enum StatementCommand {
    Make(Box<StatementMake>),
    Check(StatementCheck),
    Import(StatementImport),
    Withdraw(StatementWithdraw),
    List(StatementList),
}

/// Sign a statement about a key
#[derive(Debug, Args)]
#[command(
    long_about = "Sign a statement about a key, or write its text for gpg or sq to sign.\n\n\
        An endorsement says that a key is its subject's (`cseal trust vouch` makes the same); link and uses, \
        that a key is your own; a succession, that a key follows your older one, which signs it. \
        docs/formats/statement.md has the text.",
    after_long_help = help_end!(
        "  Your OpenPGP key says that an S/MIME key is yours:\n",
        "      cseal trust statement make --type link alice@example.org \\\n",
        "          --text -o link.txt\n",
        "      gpg --clearsign link.txt\n\n",
        "  A new personal CA, in a store of its own, follows the one of this store:\n",
        "      COUNTERSEAL_HOME=new cseal init alice@example.org\n",
        "      COUNTERSEAL_HOME=new cseal keys export alice@example.org -o new.pem\n",
        "      cseal trust statement make --type succession alice@example.org \\\n",
        "          --certificate new.pem --old MBJH-UVS2-Z2Q4-OF7C-MGP6 -o next.pem\n",
        "      COUNTERSEAL_HOME=new cseal trust statement import next.pem\n"
    )
)]
pub(crate) struct StatementMake {
    /// Whose key it is about
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,

    /// What it says
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: StatementType,

    /// The key: a certificate in FILE, or a fingerprint
    ///
    /// Where it is left out: the personal CA of the address; for uses, your encryption key.
    #[arg(long, value_name = "FILE|FINGERPRINT")]
    pub(crate) certificate: Option<String>,

    /// Of an endorsement: you compared this fingerprint, and keep no note of it
    #[arg(long, value_name = "FINGERPRINT", hide_short_help = true)]
    pub(crate) compared: Option<String>,

    /// Of an endorsement: how sure you are, 1 to 120; else what your comparison is worth
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=120))]
    pub(crate) amount: Option<u8>,

    /// Of an endorsement: how you know; else how you compared the fingerprint
    #[arg(long, value_name = "HOW")]
    pub(crate) basis: Option<Basis>,

    /// Of a succession: your older key, which signs
    #[arg(long, value_name = "FINGERPRINT", required_if_eq("kind", "succession"))]
    pub(crate) old: Option<String>,

    /// Of a succession: why
    #[arg(long, value_name = "WHY", default_value = "superseded")]
    pub(crate) reason: Reason,

    /// Until when it holds: RFC 3339, or a date (00:00 UTC); five years where it is left out
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<String>,

    /// Write the text alone, for `gpg --clearsign` or `sq sign --cleartext-signature`
    #[arg(long)]
    pub(crate) text: bool,

    #[command(flatten)]
    pub(crate) output: Output,

    /// The passphrase of your store
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Say what a statement says, who signed it, and whether it counts
#[derive(Debug, Args)]
#[command(
    long_about = "Say what a statement says, who signed it, and whether it counts.\n\n\
        The exit code is 0 where it counts by what your store knows, 1 where it does not, and 3 where it is \
        no signed statement at all. Nothing is kept.",
    after_long_help = help_end!(
        "  A clear-signed statement, with the signer's OpenPGP certificate:\n",
        "      cseal trust statement check bob.txt.asc --keyring carol.pgp\n\n",
        "  A text and its detached signature:\n",
        "      cseal trust statement check bob.txt \\\n",
        "          --signature bob.txt.sig --keyring carol.pgp\n"
    )
)]
pub(crate) struct StatementCheck {
    /// The statement: clear-signed, or CMS in DER or PEM
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// The detached OpenPGP signature of FILE
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) signature: Option<PathBuf>,

    /// OpenPGP certificates, the signer's among them; may be repeated
    #[arg(long = "keyring", value_name = "FILE")]
    pub(crate) keyrings: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Keep statements as evidence
#[derive(Debug, Args)]
#[command(
    long_about = "Keep statements as evidence.\n\n\
        Only statements whose signatures hold are kept; whether they count depends on whom you rely on, now \
        and later. What others say of your own key goes along with your mail from then on, and so does your \
        own OpenPGP twin with what others certified on it.",
    after_long_help = help_end!(
        "  What Carol signed about you or others:\n",
        "      cseal trust statement import vouch.pem\n",
        "      cseal trust statement import bob.txt.asc --keyring carol.pgp\n\n",
        "  Your twin, certified by Carol:\n",
        "      cseal trust statement import alice.certified.asc\n"
    )
)]
pub(crate) struct StatementImport {
    /// Statements, and OpenPGP certificates
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,

    /// OpenPGP certificates, the signers' among them; may be repeated
    #[arg(long = "keyring", value_name = "FILE")]
    pub(crate) keyrings: Vec<PathBuf>,

    /// The passphrase of your store
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Take back what you stated
#[derive(Debug, Args)]
#[command(
    long_about = "Take back what you stated.\n\n\
        The withdrawal is written for you to send to everybody who may have the statement; it ends it for \
        whoever takes it in. What you signed with gpg or sq is taken back by --text, signed with the same key.",
    after_long_help = help_end!(
        "  Your vouch for Bob:\n",
        "      cseal trust statement withdraw bob.vouch.pem --reason error \\\n",
        "          -o bob.withdrawn.pem\n"
    )
)]
pub(crate) struct StatementWithdraw {
    /// The statement, signed or its text alone
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Why
    #[arg(long, value_name = "WHY", default_value = "retired")]
    pub(crate) reason: Reason,

    /// Write the text alone, for `gpg --clearsign` or `sq sign --cleartext-signature`
    #[arg(long)]
    pub(crate) text: bool,

    #[command(flatten)]
    pub(crate) output: Output,

    /// The passphrase of your store
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// List the statements that you keep
#[derive(Debug, Args)]
#[command(after_long_help = help_end!(
    "  Everything, for a machine:\n",
    "      cseal trust statement list --json\n"
))]
pub(crate) struct StatementList {
    #[command(flatten)]
    pub(crate) report: Report,
}

/// The kinds of statements that are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatementType {
    /// The key is the subject's
    Endorsement,
    /// The key is the signer's own
    Link,
    /// The signer is encrypted to with the key
    Uses,
    /// The key follows the signer's older one
    Succession,
}

/// Why a key or a statement is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reason {
    /// There is a newer one
    Superseded,
    /// It is lost
    Lost,
    /// Somebody else may have it
    Compromised,
    /// It is not used any more
    Retired,
    /// It was wrong
    Error,
}
