//! `cseal init`

use clap::Args;

use super::common::{Algorithm, Passphrase, Report, help_end};

/// Make your key store, your keys and your certificates
#[derive(Debug, Args)]
#[command(
    long_about = "Make your key store, your keys and your certificates.\n\n\
        A personal CA stands for you: its key is what people compare, and it issues the certificate \
        that others encrypt to and the one that signs your mail. A store that exists is kept as it is; \
        init then adds the address to it.",
    after_long_help = help_end!(
        "  Make everything, and be asked for a passphrase:\n",
        "      cseal init alice@example.org\n\n",
        "  In a script, where nobody can be asked:\n",
        "      cseal init alice@example.org --no-passphrase\n",
        "      cseal init alice@example.org --passphrase-file alice.passphrase\n\n",
        "  Give the fingerprint and the certificate to others:\n",
        "      cseal keys list\n",
        "      cseal keys export alice@example.org -o alice.pem\n"
    )
)]
pub(crate) struct Init {
    /// Your mail address
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,

    /// Your name, as it shall stand in the certificates
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// The kind of the encryption key
    ///
    /// RSA is what every mail program can write to.
    #[arg(long, value_name = "ALGORITHM", default_value = "rsa-3072")]
    pub(crate) algorithm: Algorithm,

    /// The kind of the signing key
    #[arg(long, value_name = "ALGORITHM", default_value = "p-256", hide_short_help = true)]
    pub(crate) signing_algorithm: Algorithm,

    /// No passphrase: whoever reads the file has the keys
    #[arg(long, conflicts_with_all = ["passphrase_file", "passphrase_fd"])]
    pub(crate) no_passphrase: bool,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    /// Make no recovery seed (none is made before a second device joins)
    #[arg(long, hide_short_help = true)]
    pub(crate) no_recovery: bool,

    #[command(flatten)]
    pub(crate) report: Report,
}
