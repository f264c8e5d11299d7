//! Options that several commands share, each with one meaning.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// The end of every long help: examples, then what the exit codes mean.
macro_rules! help_end {
    ($($example:literal),* $(,)?) => {
        concat!(
            "Examples:\n",
            $($example,)*
            "\nExit codes:\n",
            "  0   done; for questions: yes\n",
            "  1   the answer is no: not its author's, not verified, a reader refused\n",
            "  2   wrong command line\n",
            "  3   could not find out: unreadable mail, no key fits, a file out of reach\n",
            "  4   contradiction to a pin or to earlier mail: look before you go on\n",
            "  70  a bug in cseal\n\n",
            "A refusal names its reason in one word that never changes; docs/formats/reasons.md lists them."
        )
    };
}
pub(crate) use help_end;

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Colour the verdict words: only on a terminal, always, or never
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_short_help = true)]
    pub(crate) color: Color,

    /// Say more: causes of errors, every recipient, every reason
    #[arg(short, long, global = true, action = clap::ArgAction::Count, hide_short_help = true)]
    pub(crate) verbose: u8,

    /// Ask nothing of the network, whatever the policy says
    #[arg(long, global = true, hide_short_help = true)]
    pub(crate) offline: bool,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Also into a file or a pipe
    Always,
    /// Never
    Never,
}

/// Where the bytes come from.
#[derive(Debug, Args)]
pub(crate) struct Input {
    /// The file to read; standard input where it is missing or -
    #[arg(value_name = "IN")]
    pub(crate) input: Option<PathBuf>,
}

/// Where the bytes go.
#[derive(Debug, Args)]
pub(crate) struct Output {
    /// Write to FILE; - is standard output
    ///
    /// A file appears whole or not at all; - is standard output even where that is a terminal.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Replace FILE where it exists
    #[arg(long)]
    pub(crate) overwrite: bool,
}

/// What machines are told.
#[derive(Debug, Default, Args)]
pub(crate) struct Report {
    /// Say the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,

    /// Write the JSON object to FILE (and words to standard error, unless --json)
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) status: Option<PathBuf>,
}

/// Where a passphrase comes from. Never an argument, never a variable.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Passphrase {
    /// Read the passphrase from the first line of FILE
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_fd")]
    pub(crate) passphrase_file: Option<PathBuf>,

    /// Read the passphrase from the first line of an open file descriptor
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub(crate) passphrase_fd: Option<u32>,

    /// Open the key store by the recovery code that stands in FILE, as it was typed from paper
    #[arg(long, value_name = "FILE", hide_short_help = true, conflicts_with_all = ["passphrase_file", "passphrase_fd"])]
    pub(crate) recovery_code_file: Option<PathBuf>,
}

/// Where the PIN of a token comes from. Never an argument, never a variable.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Pin {
    /// Read the PIN of the token that holds the key from the first line of FILE
    #[arg(long, value_name = "FILE", hide_short_help = true, conflicts_with = "pin_fd")]
    pub(crate) pin_file: Option<PathBuf>,

    /// Read the PIN from the first line of an open file descriptor
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub(crate) pin_fd: Option<u32>,
}

/// As of when to judge.
#[derive(Debug, Args)]
pub(crate) struct At {
    /// Check every date as of TIME: RFC 3339, or a date (00:00 UTC)
    #[arg(long, value_name = "TIME", hide_short_help = true)]
    pub(crate) at: Option<String>,
}

/// Whether the mail is counted.
#[derive(Debug, Args)]
pub(crate) struct History {
    /// Count the mail nowhere, and take nothing in from it
    ///
    /// Without a store nothing is counted anyway. In policy.toml: `keep = false` under `[history]`.
    #[arg(long, hide_short_help = true)]
    pub(crate) no_history: bool,
}

/// Certificates and revocation lists from files instead of the store.
#[derive(Debug, Default, Args)]
pub(crate) struct Evidence {
    /// A CA that you accept as your organisation's own
    ///
    /// Its word is worth 120 points. May be repeated.
    #[arg(long = "anchor", value_name = "FILE")]
    pub(crate) anchors: Vec<PathBuf>,

    /// A certificate revocation list or an OCSP response; may be repeated
    #[arg(long = "crl", value_name = "FILE", hide_short_help = true)]
    pub(crate) revocation_lists: Vec<PathBuf>,

    /// How much must be known of the revocation of the certificates of a chain
    #[arg(long, value_name = "WHEN", default_value = "best-effort", hide_short_help = true)]
    pub(crate) revocation: Revocation,

    /// A signed statement, or OpenPGP certificates, that count as evidence; may be repeated
    #[arg(long = "statement", value_name = "FILE", hide_short_help = true)]
    pub(crate) statements: Vec<PathBuf>,
}

/// How much must be known of revocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Revocation {
    /// Nothing is asked, not even what the mail brings
    Off,
    /// What is known to be revoked is refused; where nothing is known, that is said
    #[default]
    BestEffort,
    /// A chain counts only where a current list or response speaks for each certificate
    Require,
}

/// Secrets that a message itself was sealed with, beside certificates.
#[derive(Debug, Args)]
pub(crate) struct MessageSecrets {
    /// The passphrase that the message is sealed with (PasswordRecipientInfo), from FILE's first line
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) message_passphrase_file: Option<PathBuf>,

    /// The key that the message is sealed with (KEKRecipientInfo); FILE holds 16, 24 or 32 bytes
    #[arg(long, value_name = "FILE", hide_short_help = true, requires = "message_key_id")]
    pub(crate) message_key_file: Option<PathBuf>,

    /// The identifier of that key, in hexadecimal
    #[arg(long, value_name = "HEX", hide_short_help = true, requires = "message_key_file")]
    pub(crate) message_key_id: Option<String>,
}

/// The form of what is written with --cms.
#[derive(Debug, Args)]
pub(crate) struct Form {
    /// Bare CMS without a mail around it
    ///
    /// The input is any bytes.
    #[arg(long)]
    pub(crate) cms: bool,

    /// With --cms: write DER (what happens anyway)
    #[arg(long, requires = "cms", conflicts_with = "pem", hide_short_help = true)]
    pub(crate) der: bool,

    /// With --cms: write PEM
    #[arg(long, requires = "cms", hide_short_help = true)]
    pub(crate) pem: bool,
}

/// How much is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Accept {
    /// 240 points and more, from two independent things at least
    Strong,
    /// 120 points and more: by your own comparison, or by two sources that would both have to lie
    Verified,
    /// 40 points and more: one source says so
    Checked,
    /// A good signature of some key that is the author's as far as it says
    Signed,
}

/// The kinds of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Algorithm {
    #[value(name = "rsa-2048")]
    Rsa2048,
    #[value(name = "rsa-3072")]
    Rsa3072,
    #[value(name = "rsa-4096")]
    Rsa4096,
    #[value(name = "p-256")]
    P256,
    #[value(name = "p-384")]
    P384,
    #[value(name = "p-521")]
    P521,
    #[value(name = "x25519")]
    X25519,
    #[value(name = "ed25519")]
    Ed25519,
    #[value(name = "ml-kem-512")]
    MlKem512,
    #[value(name = "ml-kem-768")]
    MlKem768,
    #[value(name = "ml-kem-1024")]
    MlKem1024,
    #[value(name = "ml-dsa-44")]
    MlDsa44,
    #[value(name = "ml-dsa-65")]
    MlDsa65,
    #[value(name = "ml-dsa-87")]
    MlDsa87,
}
