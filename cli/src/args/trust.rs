//! `cseal trust`

use clap::{Args, Subcommand, ValueEnum};

use super::common::{Report, help_end};

/// Whom to believe: what a forger would have to do, and why
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Trust {
    #[command(subcommand)]
    pub(crate) command: TrustCommand,
}

/// What to do about trust.
#[derive(Debug, Subcommand)]
pub(crate) enum TrustCommand {
    Policy(Policy),
}

/// What your rules are worth against each attacker
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Policy {
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

/// What to do with the rules.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    Check(PolicyCheck),
}

/// Show what each attacker reaches, and what honest people reach
#[derive(Debug, Args)]
#[command(
    long_about = "Show what each attacker reaches, and what honest people reach.\n\n\
        Each line is a fresh key of a fresh address with the evidence that it names. For an attacker the \
        points are the most that a wrong key can get; * marks what counts as verified. Nothing is read \
        but the rules.",
    after_long_help = help_end!(
        "  The rules in force:\n",
        "      cseal trust policy check\n\n",
        "  All profiles side by side, with certificates that were logged four years ago:\n",
        "      cseal trust policy check --compare --years 4\n"
    )
)]
pub(crate) struct PolicyCheck {
    /// The rules of this profile
    #[arg(long, value_name = "PROFILE", conflicts_with = "compare")]
    pub(crate) profile: Option<Profile>,

    /// All profiles side by side
    #[arg(long)]
    pub(crate) compare: bool,

    /// Years since the certificates were logged, without anybody's objection
    #[arg(long, value_name = "N", default_value = "0", value_parser = clap::value_parser!(u32).range(..=100))]
    pub(crate) years: u32,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Which mixture of evidence counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// No single outside authority verifies anything
    Blended,
    /// As blended, with less for each source
    Hardened,
    /// Any one source suffices
    Either,
    /// Chains of certificates alone
    CaOnly,
    /// OpenPGP certifications alone
    WotOnly,
    /// Your own comparisons alone
    PinOnly,
}
