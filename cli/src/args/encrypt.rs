//! `cseal encrypt`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::common::{
    At, Evidence, Form, History, Input, MessageSecrets, Output, Passphrase, Pin, Report, help_end,
};
use super::sign::Signing;

/// Encrypt a mail for everyone it names, signed by you
#[derive(Debug, Args)]
#[command(
    long_about = "Encrypt a mail for everyone it names, signed by you.\n\n\
        Each reader gets a form that their program is known to open, and each Bcc reader a copy of their \
        own. Where that makes more than one copy, --output-directory takes them. With --cms any bytes are \
        sealed, without a mail around them.\n\n\
        With --certificate, --public-key, --key or --signer nothing comes from the store: it is neither \
        opened nor made.",
    after_long_help = help_end!(
        "  A mail, for everyone in To, Cc and Bcc:\n",
        "      cseal encrypt draft.eml -o out.eml\n\n",
        "  With Bcc, or readers of different kinds: one file each, and copies.json:\n",
        "      cseal encrypt draft.eml --output-directory copies\n\n",
        "  A file, for Bob, from your store:\n",
        "      cseal encrypt --cms --to bob@example.org -o report.p7m report.pdf\n\n",
        "  Without a store, as in a script:\n",
        "      cseal encrypt --cms --certificate bob.pem --no-sign \\\n",
        "          -o report.p7m report.pdf\n",
        "      cseal encrypt --certificate bob.pem --key alice.key \\\n",
        "          --signer alice.pem draft.eml -o out.eml\n"
    )
)]
pub(crate) struct Encrypt {
    #[command(flatten)]
    pub(crate) input: Input,

    #[command(flatten)]
    pub(crate) output: Output,

    /// One .eml for each copy, and copies.json
    ///
    /// copies.json says whom each copy is for.
    #[arg(long, value_name = "DIR", conflicts_with = "output")]
    pub(crate) output_directory: Option<PathBuf>,

    /// Also for ADDRESS; may be repeated
    ///
    /// An address may demand a key: ?bob@example.org a verified one, FINGERPRINT?bob@example.org this one
    /// or one that it certified, also written bob@example.org=FINGERPRINT, and FINGERPRINT??bob@example.org
    /// one that is verified when this one is relied on. A key that you name you have compared. The same
    /// works in To, Cc and Bcc of the mail; nothing of it is sent.
    #[arg(long = "to", value_name = "ADDRESS")]
    pub(crate) to: Vec<String>,

    /// The same as --to, for a mail
    #[arg(long = "cc", value_name = "ADDRESS", conflicts_with = "cms", hide_short_help = true)]
    pub(crate) cc: Vec<String>,

    /// Also for ADDRESS, with a copy of its own that no other reader knows of
    #[arg(long = "bcc", value_name = "ADDRESS", conflicts_with = "cms", hide_short_help = true)]
    pub(crate) bcc: Vec<String>,

    /// Also for the holder of this certificate
    ///
    /// May be repeated.
    #[arg(long = "certificate", value_name = "FILE")]
    pub(crate) certificates: Vec<PathBuf>,

    /// With --cms: also for this bare public key
    ///
    /// May be repeated.
    #[arg(long = "public-key", value_name = "FILE", requires = "cms")]
    pub(crate) public_keys: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) signing: Signing,

    /// Do not sign: nobody will know who wrote it
    #[arg(long, conflicts_with_all = ["key", "signer"])]
    pub(crate) no_sign: bool,

    #[command(flatten)]
    pub(crate) evidence: Evidence,

    #[command(flatten)]
    pub(crate) form: Form,

    /// The content cipher, such as aes-256-gcm or aes-256-cbc; else what every reader can open
    #[arg(long, value_name = "CIPHER", hide_short_help = true)]
    pub(crate) cipher: Option<String>,

    /// How RSA carries the key to the reader
    #[arg(long, value_name = "HOW", hide_short_help = true)]
    pub(crate) key_transport: Option<KeyTransport>,

    /// A copy for each reader, which names no other
    #[arg(long)]
    pub(crate) hide_recipients: bool,

    /// Give all readers one copy, whatever their kinds; the weakest reader decides the form
    #[arg(long, conflicts_with = "hide_recipients", hide_short_help = true)]
    pub(crate) single_copy: bool,

    /// Keep the Subject readable outside
    #[arg(long, hide_short_help = true, conflicts_with = "cms")]
    pub(crate) clear_subject: bool,

    /// The mail that is answered: what was hidden in it stays hidden
    #[arg(long, value_name = "FILE", hide_short_help = true, conflicts_with = "cms")]
    pub(crate) in_reply_to: Option<PathBuf>,

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

/// How RSA carries the content-encryption key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyTransport {
    /// RSA PKCS#1 v1.5: every program reads it
    Pkcs1,
    /// RSAES-OAEP with SHA-256
    OaepSha256,
}
