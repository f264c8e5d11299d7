//! `cseal keys find`

use clap::{Args, ValueEnum};

use super::common::{Passphrase, Report, help_end};

/// Look for the certificates of an address on the network
#[derive(Debug, Args)]
#[command(
    long_about = "Look for the certificates of an address on the network.\n\n\
        What is asked is named: sources on the command line, or those in [sources] of the policy. What is \
        found is a candidate: it is shown with what it is worth, and nothing is kept without --import. \
        A server never makes a key worth more than its kind of source is: 80 points for a record in the \
        DNS that DNSSEC proves, 60 for the web server of the domain, 5 for a record that nothing proves.",
    after_long_help = help_end!(
        "  In the DNS of the domain, and in its web key directory:\n",
        "      cseal keys find bob@example.org --source smimea --source wkd\n\n",
        "  Wherever the policy says, and take in what is there:\n",
        "      cseal keys find bob@example.org --import\n"
    )
)]
pub(crate) struct Find {
    /// Whose certificates
    ///
    /// With a demand on the key, as in FINGERPRINT?bob@example.org, nothing else is taken in.
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,

    /// Where to look; may be repeated
    ///
    /// Where it is left out: the sources that the policy names.
    #[arg(long, value_name = "SOURCE")]
    pub(crate) source: Vec<Source>,

    /// Take in what is found, with what speaks for it
    ///
    /// What is at odds with a fingerprint that you compared stays outside.
    #[arg(long)]
    pub(crate) import: bool,

    /// The passphrase of your store, for --import
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Where certificates are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Source {
    /// SMIMEA records in the DNS (RFC 8162)
    Smimea,
    /// The web key directory of the domain: OpenPGP certificates that name S/MIME keys
    Wkd,
    /// The directory server of the policy
    Ldap,
    /// The web server of the policy, else a well-known path at the domain
    Http,
    /// The finder program of the policy
    Command,
}
