//! `cseal mutt`: what mutt and neomutt run for S/MIME.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// S/MIME for mutt and neomutt: what their smime_*_commands run
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    long_about = "S/MIME for mutt and neomutt: what their smime_*_commands run.\n\n\
        `cseal mutt settings DIR` writes the settings, and into DIR whom mutt may encrypt to; one line of muttrc \
        reads them each time mutt starts. Keys and verdicts are those of cseal. docs/recipes/mutt.md has all of it.",
    after_long_help = "Examples:\n\
        \x20 The line of muttrc is\n\
        \x20 source \"/usr/bin/cseal mutt settings ~/.cache/counterseal/mutt|\"\n\
        \x20     cseal mutt settings ~/.cache/counterseal/mutt\n\n\
        \x20 What mutt runs, with files that it makes:\n\
        \x20     cseal mutt verify signature.der content\n\
        \x20     cseal mutt encrypt content certificates/bob\n\n\
        Exit codes:\n\
        \x20 0   done; for verify: verified\n\
        \x20 1   the answer is no: a reader refused, not verified\n\
        \x20 2   wrong command line\n\
        \x20 3   could not find out: no key fits, a locked key\n\
        \x20 4   contradiction to a pin or to earlier mail: look before you go on"
)]
pub(crate) struct Mutt {
    #[command(subcommand)]
    pub(crate) command: MuttCommand,
}

/// One for each command of mutt.
#[derive(Debug, Subcommand)]
pub(crate) enum MuttCommand {
    /// Print the settings, and write into DIR whom mutt may encrypt to and who you are
    Settings {
        /// The directory; made where it is missing
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Open a sealed part; the first line of standard input may be the passphrase of your keys
    Decrypt {
        /// The CMS object
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Check the signature of a multipart/signed
    Verify {
        /// The signature
        #[arg(value_name = "SIGNATURE")]
        signature: PathBuf,
        /// What it is over
        #[arg(value_name = "CONTENT")]
        content: PathBuf,
    },
    /// Check a signature that holds its content, which is written
    VerifyOpaque {
        /// The CMS object
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Sign a part; the signature alone is written
    ///
    /// The first line of standard input may be the passphrase of your keys.
    Sign {
        /// What is signed
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// A file of DIR/keys: whose key signs
        #[arg(value_name = "KEY")]
        key: PathBuf,
    },
    /// Seal a part for those who are named, and for you
    Encrypt {
        /// What is sealed
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Files of DIR/certificates: whom it is for
        #[arg(value_name = "READER", required = true)]
        readers: Vec<PathBuf>,
    },
    /// Write the certificate of a mail's signer, where the signature holds
    Signer {
        /// The mail
        #[arg(value_name = "MAIL")]
        mail: PathBuf,
    },
    /// Write the addresses of a certificate
    Addresses {
        /// The certificate
        #[arg(value_name = "CERTIFICATE")]
        certificate: PathBuf,
    },
}
