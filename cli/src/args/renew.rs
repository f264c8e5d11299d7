//! `cseal keys renew`

use std::path::PathBuf;

use clap::Args;

use super::common::{Algorithm, Passphrase, Report, help_end};

/// Make new keys that follow your old ones, which stay for old mail
#[derive(Debug, Args)]
#[command(
    long_about = "Make new keys that follow your old ones, which stay for old mail.\n\n\
        Under a personal CA you get a new encryption key and a new signing key, and nobody has to \
        compare anything. A new personal CA, and keys without one, are followed because the key before \
        signs a statement that says so, which your mails carry for a year.",
    after_long_help = help_end!(
        "  New keys under the same personal CA:\n",
        "      cseal keys renew alice@example.org\n\n",
        "  Once a month by cron, and nothing happens before the keys are two years old:\n",
        "      cseal keys renew alice@example.org --if-older 730\n\n",
        "  A certificate of a CA: first the request, later the CA's answer:\n",
        "      cseal keys renew alice@example.org --csr alice.csr\n",
        "      cseal keys renew alice@example.org --answer alice.pem\n"
    )
)]
pub(crate) struct Renew {
    /// The address of yours whose keys are renewed; where it is left out, the store's first
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: Option<String>,

    /// Only the encryption key
    #[arg(long)]
    pub(crate) encryption: bool,

    /// Only the signing key
    #[arg(long, conflicts_with = "encryption")]
    pub(crate) signing: bool,

    /// A new personal CA, and new keys under it
    #[arg(long, conflicts_with_all = ["encryption", "signing"])]
    pub(crate) personal_ca: bool,

    /// The kind of the encryption key, or with --signing of the signing key
    ///
    /// Where it is left out, the kind of the key before; RSA then has 3072 bits at least.
    #[arg(long, value_name = "ALGORITHM")]
    pub(crate) algorithm: Option<Algorithm>,

    /// Only what is at least so many days old
    #[arg(long, value_name = "DAYS")]
    pub(crate) if_older: Option<u16>,

    /// Write the request for a CA's certificate to FILE
    ///
    /// The new key is kept first, and used once the answer is taken in.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["personal_ca", "if_older", "answer"])]
    pub(crate) csr: Option<PathBuf>,

    /// Take in the CA's answer to the request; the new key is used from now on
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["personal_ca", "if_older", "encryption", "signing", "algorithm"]
    )]
    pub(crate) answer: Option<PathBuf>,

    /// Replace the request where it exists
    #[arg(long, requires = "csr")]
    pub(crate) overwrite: bool,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}
