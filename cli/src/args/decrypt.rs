//! `cseal decrypt`

use std::path::PathBuf;

use clap::Args;

use super::common::{
    Accept, At, Evidence, History, Input, MessageSecrets, Output, Passphrase, Pin, Report, help_end,
};

/// Decrypt a mail and say who wrote it
#[derive(Debug, Args)]
#[command(
    long_about = "Decrypt a mail and say who wrote it.\n\n\
        The mail goes to standard output, the verdict to standard error. Nothing is written before all of \
        it was checked. With --cms the content comes out byte for byte.\n\n\
        With --key nothing comes from the store: it is neither opened nor made.",
    after_long_help = help_end!(
        "  A mail:\n",
        "      cseal decrypt in.eml\n\n",
        "  Fail unless the author's signature is good:\n",
        "      cseal decrypt --require-signature in.eml -o plain.eml\n\n",
        "  Save the attachments:\n",
        "      cseal decrypt --extract attachments in.eml -o plain.eml\n\n",
        "  Without a store, and with a verdict for machines:\n",
        "      cseal decrypt --cms --key bob.key --certificate bob.pem \\\n",
        "          --anchor root.pem --json -o out in.p7m\n"
    )
)]
pub(crate) struct Decrypt {
    #[command(flatten)]
    pub(crate) input: Input,

    #[command(flatten)]
    pub(crate) output: Output,

    /// Save the attachments into DIR
    ///
    /// Under safe names, for their owner alone; nothing is overwritten.
    #[arg(long, value_name = "DIR", conflicts_with = "cms")]
    pub(crate) extract: Option<PathBuf>,

    /// Exit 1 without a good signature by the author
    #[arg(long)]
    pub(crate) require_signature: bool,

    /// How much is enough for --require-signature
    #[arg(long, value_name = "LEVEL", requires = "require_signature", hide_short_help = true)]
    pub(crate) accept: Option<Accept>,

    /// Your secret key
    ///
    /// PEM, DER, encrypted PKCS#8 or .p12. May be repeated.
    #[arg(long = "key", value_name = "FILE")]
    pub(crate) keys: Vec<PathBuf>,

    /// The certificate of --key, or a signer's
    ///
    /// Any certificate that helps to judge who signed. May be repeated.
    #[arg(long = "certificate", value_name = "FILE")]
    pub(crate) certificates: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) evidence: Evidence,

    /// The input is any CMS object, not a mail
    ///
    /// DER, BER, PEM and base64 are recognised.
    #[arg(long)]
    pub(crate) cms: bool,

    /// Leave the signature and what it covers byte for byte, for a mail program to check
    #[arg(long, conflicts_with = "cms", hide_short_help = true)]
    pub(crate) keep_signature: bool,

    /// Open RC2, single DES and RC4, which protect nothing any more
    #[arg(long, hide_short_help = true)]
    pub(crate) accept_weak_cipher: bool,

    /// Try your keys where the mail names none of them (at most 16)
    #[arg(long, hide_short_help = true)]
    pub(crate) try_keys: bool,

    #[command(flatten)]
    pub(crate) message_secrets: MessageSecrets,

    #[command(flatten)]
    pub(crate) history: History,

    #[command(flatten)]
    pub(crate) at: At,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) pin: Pin,

    #[command(flatten)]
    pub(crate) report: Report,
}
