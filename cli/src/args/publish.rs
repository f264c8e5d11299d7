//! `cseal keys publish`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::common::{Passphrase, help_end};

/// Write what others need to find your certificates: DNS records, web files
#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("where").required(true).multiple(true),
    long_about = "Write what others need to find your certificates: DNS records, web files.\n\n\
        Nothing is sent anywhere: records are printed for the zone of your domain, and files are written for \
        its web server. No secret is among them.",
    after_long_help = help_end!(
        "  Records for the zone file of example.org:\n",
        "      cseal keys publish alice@example.org --smimea\n\n",
        "  A web key directory, where others find your OpenPGP twin and certificates:\n",
        "      cseal keys publish alice@example.org --wkd /srv/www/example.org\n\n",
        "  The same with the OpenPGP certificate that you have, and that names your key:\n",
        "      cseal keys publish alice@example.org --wkd /srv/www/example.org \\\n",
        "          --openpgp alice.asc\n"
    )
)]
pub(crate) struct Publish {
    /// Your addresses; all of them where none is named
    #[arg(value_name = "ADDRESS")]
    pub(crate) addresses: Vec<String>,

    /// Print SMIMEA records (RFC 8162)
    #[arg(long, group = "where")]
    pub(crate) smimea: bool,

    /// What a record holds: the whole certificate, or a digest of it
    #[arg(long, value_name = "FORM", default_value = "full", requires = "smimea")]
    pub(crate) matching: Matching,

    /// Of what: the certificate, or its key, which outlives it
    #[arg(long, value_name = "PART", default_value = "certificate", requires = "smimea")]
    pub(crate) selector: Selector,

    /// Write records for name servers that do not know the type (RFC 3597)
    #[arg(long, requires = "smimea")]
    pub(crate) generic: bool,

    /// Write a web key directory and your certificates below DIR
    #[arg(long, value_name = "DIR", group = "where")]
    pub(crate) wkd: Option<PathBuf>,

    /// The OpenPGP certificate to publish, in the place of your twin
    #[arg(long, value_name = "FILE", requires = "wkd")]
    pub(crate) openpgp: Option<PathBuf>,

    /// The passphrase of your store: your twin is signed by your personal CA
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,
}

/// How a record names what it speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Matching {
    /// It holds it: others need nothing else
    Full,
    /// By its SHA-256
    Sha256,
    /// By its SHA-512
    Sha512,
}

/// What a record speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Selector {
    Certificate,
    PublicKey,
}
