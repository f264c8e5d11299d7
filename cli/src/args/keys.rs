//! `cseal keys`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::common::{Algorithm, Passphrase, Pin, Report, help_end};
use super::find::Find;
use super::publish::Publish;
use super::renew::Renew;
use super::revoke::{Remove, Revoke};

/// Your keys, and your contacts' certificates
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Keys {
    #[command(subcommand)]
    pub(crate) command: KeysCommand,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    List(List),
    Show(Show),
    Generate(KeysGenerate),
    Renew(Renew),
    Revoke(Revoke),
    Remove(Remove),
    Import(Import),
    Export(Export),
    Find(Find),
    Publish(Publish),
}

/// List your keys and your contacts
#[derive(Debug, Args)]
#[command(after_long_help = help_end!(
    "  Everything:\n",
    "      cseal keys list\n\n",
    "  What is known of one address, for a machine:\n",
    "      cseal keys list --json bob@example.org\n"
))]
pub(crate) struct List {
    /// Only what belongs to these addresses
    #[arg(value_name = "ADDRESS")]
    pub(crate) addresses: Vec<String>,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Show one key with all that is known of it
#[derive(Debug, Args)]
#[command(after_long_help = help_end!(
    "  By fingerprint or by address:\n",
    "      cseal keys show MBJH-UVS2-Z2Q4-OF7C-MGP6\n",
    "      cseal keys show bob@example.org\n"
))]
pub(crate) struct Show {
    /// A fingerprint or an address
    ///
    /// At least five groups of the fingerprint, or SHA-256 in hexadecimal.
    #[arg(value_name = "KEY")]
    pub(crate) key: String,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Make a further key under your personal CA
#[derive(Debug, Args)]
#[command(
    long_about = "Make a further key under your personal CA.\n\n\
        The newest encryption key is the one that others are told of; older ones stay for old mail.",
    after_long_help = help_end!(
        "  A key that no quantum computer opens, beside the one you have:\n",
        "      cseal keys generate alice@example.org --algorithm ml-kem-768\n\n",
        "  A new signing key:\n",
        "      cseal keys generate alice@example.org --use signing\n\n",
        "  The same, on your smart card:\n",
        "      cseal keys generate alice@example.org --use signing --token alice\n"
    )
)]
pub(crate) struct KeysGenerate {
    /// The address of yours that the key is for
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,

    /// What the key is for
    #[arg(long = "use", value_name = "USE", default_value = "encryption")]
    pub(crate) key_use: KeyUse,

    /// The kind of key
    ///
    /// Where it is left out: rsa-3072 for encryption, p-256 for signing.
    #[arg(long, value_name = "ALGORITHM")]
    pub(crate) algorithm: Option<Algorithm>,

    /// Have your token of that LABEL or serial number make the key
    ///
    /// It never leaves the token. Every RSA kind, and the NIST curves.
    #[arg(long, value_name = "LABEL")]
    pub(crate) token: Option<String>,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) pin: Pin,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyUse {
    /// Others encrypt to it
    Encryption,
    /// It signs your mail
    Signing,
}

/// Take in your own keys, or a contact's certificate
#[derive(Debug, Args)]
#[command(
    long_about = "Take in your own keys, or a contact's certificate.\n\n\
        Every usual form is recognised: PEM, DER, PKCS#7, PKCS#8, PKCS#12 of every age, and a signed mail, \
        whose certificate becomes its author's. A file is taken in whole or not at all; taking it in twice \
        changes nothing. Of a folder everything is taken in that is recognised, mutt's smime folder, a profile \
        of Thunderbird or Firefox and the home of GnuPG too, and what is refused is listed with the reason.",
    after_long_help = help_end!(
        "  A contact, whose fingerprint you compared on the telephone:\n",
        "      cseal keys import bob.pem --pin MBJH-UVS2-Z2Q4-OF7C-MGP6\n\n",
        "  The same contact with new keys, compared anew:\n",
        "      cseal keys import bob.pem --pin MCF2-2NZ4-ZGXO-5TTI-5KZP --replace\n\n",
        "  A contact, from a signed mail:\n",
        "      cseal keys import mail.eml\n\n",
        "  Your own keys from another program:\n",
        "      cseal keys import alice.p12 --passphrase-file alice.passphrase\n\n",
        "  All that mutt has:\n",
        "      cseal keys import ~/.smime --passphrase-file mutt.passphrase\n\n",
        "  All that Thunderbird has; close it first:\n",
        "      cseal keys import ~/.thunderbird/abcd1234.default-release\n\n",
        "  All that gpgsm has:\n",
        "      cseal keys import ~/.gnupg\n\n",
        "  The keys of a smart card whose library stands in config.toml:\n",
        "      cseal keys import --token alice\n\n",
        "  All that another store of yours knew of others:\n",
        "      cseal keys import my-contacts --take-over-my-trust\n\n",
        "  Your OpenPGP key, as an S/MIME key:\n",
        "      gpg --export-secret-keys alice@example.org > alice.gpg\n",
        "      cseal keys import --openpgp alice.gpg\n"
    )
)]
pub(crate) struct Import {
    /// The files or folders to take in; standard input where - is named
    #[arg(value_name = "FILE", required_unless_present = "token")]
    pub(crate) files: Vec<PathBuf>,

    /// Take in the keys of your token of that LABEL or serial number
    ///
    /// The secret keys stay on the token. Their certificates come from the token too, or from FILEs.
    #[arg(long, value_name = "LABEL", conflicts_with_all = ["pin", "replace"])]
    pub(crate) token: Option<String>,

    /// The fingerprint that you compared with its owner
    ///
    /// The key that it names is verified from now on.
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) pin: Option<String>,

    /// Whose fingerprint that is, where its certificates name several addresses; may be repeated
    ///
    /// With --openpgp: which addresses of the key get certificates; all of yours where it is left out.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) address: Vec<String>,

    /// Take the new key in the place of the one that is known: the owner has new keys
    ///
    /// A key that you compared goes only for another one that you compared: with --pin.
    #[arg(long)]
    pub(crate) replace: bool,

    /// Take over what another store of yours knew of others, and decided: you vouch that the file is yours
    ///
    /// From the trust.jsonl that `cseal keys export --contacts` wrote: contacts, pins, reliances, statements,
    /// dates and history. Whoever wrote it decides who is verified here. Without this option it is only said
    /// what would come in; nothing that is here is overwritten.
    #[arg(long, conflicts_with_all = ["pin", "replace"])]
    pub(crate) take_over_my_trust: bool,

    /// FILE is your OpenPGP secret key: have certificates for it
    ///
    /// As `gpg --export-secret-keys` writes it. Your personal CA, which is made where there is none, issues certificates
    /// for RSA keys and for those on NIST curves; for others it makes new keys. The OpenPGP key signs that
    /// the personal CA is yours, which goes along with your mail.
    #[arg(long, conflicts_with_all = ["pin", "replace", "token", "take_over_my_trust"])]
    pub(crate) openpgp: bool,

    /// With --openpgp: new keys in any case, and only the link between the two
    #[arg(long, requires = "openpgp", hide_short_help = true)]
    pub(crate) new_key: bool,

    /// The passphrase of the files, where they have one
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) pin_source: Pin,

    /// The passphrase of your store, from the first line of FILE
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) store_passphrase_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Write a certificate, or a secret key for another program
#[derive(Debug, Args)]
#[command(
    long_about = "Write a certificate, or a secret key for another program.\n\n\
        Without --secret only certificates are written: what others need to write to you. Secret keys \
        always leave sealed under a passphrase, and never to a terminal.",
    after_long_help = help_end!(
        "  Your certificates, for others:\n",
        "      cseal keys export alice@example.org -o alice.pem\n\n",
        "  Your keys, for Thunderbird:\n",
        "      cseal keys export alice@example.org --secret \\\n",
        "          --for thunderbird -o alice.p12\n\n",
        "  The OpenPGP twin of your personal CA, for friends to certify with gpg or sq:\n",
        "      cseal keys export alice@example.org --for openpgp -o alice.asc\n\n",
        "  One key, for openssl and what is built on it:\n",
        "      cseal keys export MBJH-UVS2-Z2Q4-OF7C-MGP6 --secret \\\n",
        "          --format pkcs8 -o alice.key\n\n",
        "  All that you know of others, for another computer or an address book:\n",
        "      cseal keys export --contacts -o my-contacts\n"
    )
)]
pub(crate) struct Export {
    /// A fingerprint or an address
    ///
    /// At least five groups of the fingerprint, or SHA-256 in hexadecimal.
    #[arg(value_name = "KEY", required_unless_present = "contacts")]
    pub(crate) key: Option<String>,

    /// All you know of others, into the new folder that -o names
    ///
    /// Certificates, vCards for address books, and trust.jsonl with contacts, pins, reliances, statements and
    /// history, which `cseal keys import FOLDER --take-over-my-trust` reads in another store of yours.
    #[arg(
        long,
        requires = "output",
        conflicts_with_all = ["key", "secret", "format", "program", "overwrite"]
    )]
    pub(crate) contacts: bool,

    /// Write to FILE; - is standard output
    ///
    /// A file appears whole or not at all.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Replace FILE where it exists
    #[arg(long)]
    pub(crate) overwrite: bool,

    /// The secret key too, under a passphrase
    #[arg(long)]
    pub(crate) secret: bool,

    /// The form
    ///
    /// Where it is left out: PEM for certificates, PKCS#12 for secret keys.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<KeyFormat>,

    /// Whatever that program reads
    #[arg(long = "for", value_name = "PROGRAM", conflicts_with = "format")]
    pub(crate) program: Option<Program>,

    /// A passphrase for the exported file
    ///
    /// From the first line of FILE.
    #[arg(long, value_name = "FILE", requires = "secret", hide_short_help = true)]
    pub(crate) new_passphrase_file: Option<PathBuf>,

    /// The passphrase of your store
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,
}

impl Export {
    /// What was named; with --contacts it is nothing.
    pub(crate) fn named(&self) -> &str {
        self.key.as_deref().unwrap_or_default()
    }
}

/// The forms of exported keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyFormat {
    /// Certificates as PEM
    Pem,
    /// One certificate as DER
    Der,
    /// PKCS#12 with AES-256 and SHA-256
    P12,
    /// PKCS#12 with Triple DES, which every program reads
    P12Legacy,
    /// A configuration profile for iOS and macOS, with your personal CA and your keys
    Mobileconfig,
    /// Secret keys alone, each as an ENCRYPTED PRIVATE KEY in PEM
    Pkcs8,
}

/// Programs with habits of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Program {
    Thunderbird,
    Gpgsm,
    Mutt,
    Apple,
    Outlook,
    /// gpg and sq: the OpenPGP twin of your personal CA, for others to certify
    Openpgp,
}
