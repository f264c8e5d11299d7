//! `cseal sign`, and the options that say how to sign.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::common::{At, Form, Input, Output, Passphrase, Pin, Report, help_end};

/// Sign a mail so that everyone can still read it
#[derive(Debug, Args)]
#[command(
    long_about = "Sign a mail so that everyone can still read it.\n\n\
        The result is multipart/signed: programs that know no signatures show the mail all the same. \
        With --cms any bytes are signed, and the signature holds them unless --detached.\n\n\
        With --key and --signer nothing comes from the store: it is neither opened nor made.",
    after_long_help = help_end!(
        "  A mail:\n",
        "      cseal sign draft.eml -o out.eml\n\n",
        "  A signature beside a file:\n",
        "      cseal sign --cms --detached -o release.tar.p7s release.tar\n\n",
        "  Without a store:\n",
        "      cseal sign --cms --key alice.key --signer alice.pem \\\n",
        "          -o report.p7m report.pdf\n"
    )
)]
pub(crate) struct Sign {
    #[command(flatten)]
    pub(crate) input: Input,

    #[command(flatten)]
    pub(crate) output: Output,

    #[command(flatten)]
    pub(crate) signing: Signing,

    /// Put the mail inside the signature
    ///
    /// Only S/MIME programs will show it.
    #[arg(long, conflicts_with = "cms")]
    pub(crate) opaque: bool,

    /// Write the signature alone, without what it covers
    #[arg(long, conflicts_with = "opaque")]
    pub(crate) detached: bool,

    #[command(flatten)]
    pub(crate) form: Form,

    #[command(flatten)]
    pub(crate) at: At,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) pin: Pin,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// With which key, and how.
#[derive(Default, Debug, Args)]
pub(crate) struct Signing {
    /// Sign with this secret key
    ///
    /// PEM, DER, encrypted PKCS#8 or .p12.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,

    /// The certificate of --key
    ///
    /// The file may hold the chain, and all of it is sent.
    #[arg(long, value_name = "FILE")]
    pub(crate) signer: Option<PathBuf>,

    /// The signature scheme, where the key allows several
    #[arg(long, value_name = "SCHEME", hide_short_help = true)]
    pub(crate) signature: Option<SignatureScheme>,

    /// The digest, where the key allows several
    #[arg(long, value_name = "DIGEST", hide_short_help = true)]
    pub(crate) digest: Option<Digest>,

    /// Leave out what goes along: your OpenPGP twin, and what is stated about your keys
    #[arg(long, hide_short_help = true)]
    pub(crate) no_evidence: bool,
}

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SignatureScheme {
    /// RSASSA-PKCS1-v1_5: every program reads it
    Pkcs1,
    /// RSASSA-PSS, salt as long as the digest
    Pss,
    /// ECDSA
    Ecdsa,
}

/// What is signed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Digest {
    #[value(name = "sha-256", alias = "sha256")]
    Sha256,
    #[value(name = "sha-384", alias = "sha384")]
    Sha384,
    #[value(name = "sha-512", alias = "sha512")]
    Sha512,
}
