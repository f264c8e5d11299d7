//! `cseal trust`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::common::{Accept, At, Passphrase, Report, Revocation, help_end};
use super::statement::Statement;
use super::vouch::TrustVouch;
use super::ways::{Shown, Ways};
use super::{TrustForget, TrustHistory, Witness};

/// Whom to believe: what a forger would have to do, and why
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Trust {
    #[command(subcommand)]
    pub(crate) command: TrustCommand,
}

/// What to do about trust.
#[derive(Debug, Subcommand)]
pub(crate) enum TrustCommand {
    Show(Box<TrustShow>),
    Pin(TrustPin),
    Unpin(TrustUnpin),
    Meet(TrustMeet),
    List(TrustList),
    History(TrustHistory),
    Witness(Witness),
    Forget(TrustForget),
    Rely(TrustRely),
    Vouch(Box<TrustVouch>),
    Statement(Statement),
    Policy(Policy),
}

/// Explain how far a key is believed, and what a forger would have to do
#[derive(Debug, Args)]
#[command(
    long_about = "Explain how far a key is believed to be somebody's, and what a forger would have to do.\n\n\
        The points are what the cheapest attack costs; 120 of them are verified. What the attack would have \
        to get past is named, and so is the least that you could do for the key to be believed further. \
        The exit code is 0 whatever the answer, 4 for a contradiction; with --accept it is 1 where the \
        answer is less.\n\n\
        Without --certificate and --fingerprint the store answers, about the key that mail to the address \
        is encrypted to. With one of them nothing comes from the store: it is neither opened nor made.",
    after_long_help = help_end!(
        "  A contact of yours:\n",
        "      cseal trust show bob@example.org\n\n",
        "  A certificate from a file, by the rules of another profile, with a drawing:\n",
        "      cseal trust show bob@example.org --certificate bob.pem \\\n",
        "          --anchor root.pem=80 --profile hardened --graph bob.svg\n\n",
        "  An OpenPGP certificate, by whom you rely on:\n",
        "      cseal trust show bob@example.org --keyring friends.pgp \\\n",
        "          --fingerprint 2A2A4A23A7EEC119BC0B46642B3825DC02A05FEA \\\n",
        "          --rely 85DAB65713B2D0ABFC5A4F28BC10C9CE4A699D8D\n\n",
        "  Many questions in one process, one JSON object a line:\n",
        "      cseal trust show --batch --anchor root.pem < questions.jsonl\n"
    )
)]
pub(crate) struct TrustShow {
    /// Whose key
    ///
    /// The address may name it: FINGERPRINT?bob@example.org asks what mail to this address would rest on.
    #[arg(value_name = "ADDRESS", required_unless_present = "batch")]
    pub(crate) address: Option<String>,

    /// The key of the certificate in FILE, which may hold a chain
    #[arg(long, value_name = "FILE")]
    pub(crate) certificate: Option<PathBuf>,

    /// Ask about this OpenPGP certificate and the address instead
    ///
    /// The points are what `sq pki authenticate` would find: by the certifications of the keyrings alone,
    /// for the user identifier that names the address.
    #[arg(long, value_name = "OPENPGP", conflicts_with = "certificate", requires = "keyrings")]
    pub(crate) fingerprint: Option<String>,

    /// The user identifier that is asked about, where it is not the one that names the address
    #[arg(long, value_name = "TEXT", requires = "fingerprint", hide_short_help = true)]
    pub(crate) user_id: Option<String>,

    /// OpenPGP certificates, as `gpg --export` writes them; may be repeated
    #[arg(long = "keyring", value_name = "FILE")]
    pub(crate) keyrings: Vec<PathBuf>,

    /// An OpenPGP certificate whose certifications count; may be repeated
    ///
    /// Up to AMOUNT points, 120 where that is left out.
    #[arg(long, value_name = "FINGERPRINT[=AMOUNT]", requires = "keyrings")]
    pub(crate) rely: Vec<String>,

    /// A CA that you rely on as your organisation's own; may be repeated
    ///
    /// Its word is worth AMOUNT points: where that is left out, what the profile says (120 in most).
    #[arg(long = "anchor", value_name = "FILE[=AMOUNT]")]
    pub(crate) anchors: Vec<String>,

    /// A certificate revocation list or an OCSP response; may be repeated
    #[arg(long = "crl", value_name = "FILE", hide_short_help = true)]
    pub(crate) revocation_lists: Vec<PathBuf>,

    /// How much must be known of the revocation of the certificates of a chain
    #[arg(long, value_name = "WHEN", default_value = "best-effort", hide_short_help = true)]
    pub(crate) revocation: Revocation,

    /// The rules of this profile
    #[arg(long, value_name = "PROFILE", hide_short_help = true)]
    pub(crate) profile: Option<Profile>,

    #[command(flatten)]
    pub(crate) at: At,

    /// Exit 1 where the key is less than this
    #[arg(long, value_name = "LEVEL", conflicts_with = "batch", hide_short_help = true)]
    pub(crate) accept: Option<Accept>,

    /// A signed statement, or OpenPGP certificates, that count as evidence; may be repeated
    #[arg(long = "statement", value_name = "FILE", conflicts_with = "fingerprint", hide_short_help = true)]
    pub(crate) statements: Vec<PathBuf>,

    /// Draw the evidence into FILE (SVG), the cheapest attack marked
    #[arg(long, value_name = "FILE", conflicts_with_all = ["batch", "fingerprint"])]
    pub(crate) graph: Option<PathBuf>,

    /// Replace the file of --graph where it exists
    #[arg(long, requires = "graph", hide_short_help = true)]
    pub(crate) overwrite: bool,

    /// Answer the questions on standard input, one JSON object a line
    ///
    /// Each has "address", and may have "certificate" (a file) or "fingerprint" and "user_id", and "at".
    /// The answers come one a line, in the same order.
    #[arg(long, conflicts_with_all = ["address", "certificate", "fingerprint"], hide_short_help = true)]
    pub(crate) batch: bool,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Say that you compared somebody's fingerprint
#[derive(Debug, Args)]
#[command(
    long_about = "Say that you compared somebody's fingerprint.\n\n\
        What people compare is the fingerprint of their personal CA, which `cseal init` shows them first: keys \
        that it certifies later follow without another comparison. A pin is never outvoted: a key that \
        contradicts it is a contradiction, whatever else speaks for it.",
    after_long_help = help_end!(
        "  A contact whose certificates you have:\n",
        "      cseal trust pin bob@example.org MBJH-UVS2-Z2Q4-OF7C-MGP6-ZLO7-BJMY\n\n",
        "  Certificates that Bob handed you on a stick:\n",
        "      cseal trust pin bob@example.org --certificate bob.pem\n\n",
        "  Bob has new keys, and read them out in a video call:\n",
        "      cseal trust pin bob@example.org MCF2-2NZ4-ZGXO-5TTI-5KZP \\\n",
        "          --by video --replace\n"
    )
)]
pub(crate) struct TrustPin {
    /// Whose fingerprint it is
    ///
    /// It may stand before the address: FINGERPRINT?bob@example.org.
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,

    /// The fingerprint that you compared
    ///
    /// At least five groups of it, or SHA-256 in hexadecimal, or the fingerprint of the key's OpenPGP twin.
    #[arg(value_name = "FINGERPRINT")]
    pub(crate) fingerprint: Option<String>,

    /// Take the certificates of FILE in; without FINGERPRINT, they are what you compared
    #[arg(long, value_name = "FILE")]
    pub(crate) certificate: Option<PathBuf>,

    /// How you compared it
    #[arg(long, value_name = "HOW", default_value = "in-person")]
    pub(crate) by: ComparedBy,

    /// Forget the fingerprint that you compared before: the owner has new keys
    #[arg(long)]
    pub(crate) replace: bool,

    /// The passphrase of your store
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// How a person compared a fingerprint with its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ComparedBy {
    /// Face to face, or on paper from the owner's hand: 120 points
    InPerson,
    /// Read aloud where you knew the voice or the face: 90 points
    #[value(aliases = ["voice", "phone"])]
    Video,
}

/// Meet somebody: compare digits, or let two machines do it
#[derive(Debug, Args)]
#[command(
    long_about = "Meet somebody: compare digits, or let two machines do it.\n\n\
        Alone with the address: sixty digits stand for both of your keys: on the other side they are the same, \
        whoever asks. The QR code holds your own fingerprint and address. Nothing is kept: once it agrees, say so \
        with `cseal trust pin`.\n\n\
        With --show, --paste, --words, --password-file or --sas, both of you run it, each with the other's address, \
        and a folder that both machines see. The two recognise each other by a code that one shows and the other \
        scans or pastes, by words that one reads aloud, by a password that both know, or by words that both screens \
        show. At the end each has the other's certificates and a pin. No secret key leaves a machine.\n\n\
        With --file nothing has to be connected: a request goes to the other one, whose answer to it (--reply-to, \
        --answer) comes back. You read eight words of the request to each other, and the six words that open the \
        answer. Both may travel as mails: --mail.",
    after_long_help = help_end!(
        "  Bob, whose certificate you have:\n",
        "      cseal trust meet bob@example.org\n\n",
        "  Bob, of whom you have nothing, over a shared folder; you show, he pastes:\n",
        "      cseal trust meet bob@example.org --show --folder /mnt/share\n",
        "      cseal trust meet alice@example.org --paste --folder /mnt/share\n\n",
        "  By words that you read to him, on the same network:\n",
        "      cseal trust meet bob@example.org --words\n",
        "      cseal trust meet alice@example.org --typed\n\n",
        "  By two mails: you ask, he answers the one he saved, you read the answer:\n",
        "      cseal trust meet bob@example.org --mail\n",
        "      cseal trust meet alice@example.org --reply-to request.eml --mail\n",
        "      cseal trust meet bob@example.org --answer answer.eml\n"
    )
)]
pub(crate) struct TrustMeet {
    /// Whom you meet
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,

    /// What people type after the options and others would read: it is refused
    #[arg(value_name = "WORDS", hide = true)]
    pub(crate) argument: Option<String>,

    #[command(flatten)]
    pub(crate) how: MeetHow,

    #[command(flatten)]
    pub(crate) files: MeetFiles,

    #[command(flatten)]
    pub(crate) ways: Ways,

    /// A pin of another key is replaced
    #[arg(long, hide_short_help = true)]
    pub(crate) replace: bool,

    #[command(flatten)]
    pub(crate) shown: Shown,

    /// The passphrase of your store
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Two people who are not there at the same time: two files, or two mails.
#[derive(Debug, Args)]
pub(crate) struct MeetFiles {
    /// Write a request to FILE, for the other one's --reply-to
    #[arg(long, value_name = "FILE", conflicts_with_all = ["MeetHow", "reply_to", "answer"])]
    pub(crate) file: Option<PathBuf>,

    /// Answer the request in FILE, or in the mail that it is
    #[arg(long, value_name = "FILE", conflicts_with = "MeetHow", hide_short_help = true)]
    pub(crate) reply_to: Option<PathBuf>,

    /// With --reply-to where the answer goes; alone the answer that came
    #[arg(long, value_name = "FILE", conflicts_with = "MeetHow", hide_short_help = true)]
    pub(crate) answer: Option<PathBuf>,

    /// As a mail to them: sent, or written to the file
    #[arg(long, conflicts_with = "MeetHow")]
    pub(crate) mail: bool,
}

/// How two people recognise each other.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct MeetHow {
    /// Show a code, which the other one scans or pastes
    #[arg(long)]
    pub(crate) show: bool,

    /// Paste the other one's code
    #[arg(long)]
    pub(crate) paste: bool,

    /// Read the code from a picture of the other one's screen (PNG, JPEG)
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) image: Option<PathBuf>,

    /// Read the code through the camera, for two minutes (needs ffmpeg)
    #[arg(long, hide_short_help = true)]
    pub(crate) camera: bool,

    /// Show words, which the other one types
    #[arg(long)]
    pub(crate) words: bool,

    /// Type the other one's words
    #[arg(long)]
    pub(crate) typed: bool,

    /// A password that both know: the first line of FILE
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,

    /// Compare words that both screens show
    #[arg(long)]
    pub(crate) sas: bool,
}

/// Take back that you compared a fingerprint
#[derive(Debug, Args)]
#[command(after_long_help = help_end!(
    "  Every comparison with Bob:\n",
    "      cseal trust unpin bob@example.org\n"
))]
pub(crate) struct TrustUnpin {
    /// Whose fingerprint
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,

    /// Only this one
    #[arg(value_name = "FINGERPRINT")]
    pub(crate) fingerprint: Option<String>,

    /// The passphrase of your store
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Rely on a CA, or on somebody's OpenPGP certifications
#[derive(Debug, Args)]
#[command(
    long_about = "Rely on a CA as your organisation's own, or on somebody's OpenPGP certifications.\n\n\
        What they certify counts from now on wherever your store is used: in encrypt, decrypt, verify and \
        trust show. The word of such a CA alone makes a key verified, unless you give it less than 120 \
        points; of two people whom you rely on, both must certify a key, or one of them and something else. \
        OpenPGP certifications reach an S/MIME key through its twin, or through an OpenPGP certificate that \
        names it.\n\n\
        Of somebody on whom you rely already only what you name changes: amount, depth and domains stay, and \
        what changed is said. To lift a limit, --remove first.",
    after_long_help = help_end!(
        "  Your employer's CA; a CA of friends, as one seal of two:\n",
        "      cseal trust rely employer-ca.pem\n",
        "      cseal trust rely friends-ca.pem --amount 80\n\n",
        "  Carol, whose OpenPGP certifications are in a keyring:\n",
        "      cseal trust rely 85DAB65713B2D0ABFC5A4F28BC10C9CE4A699D8D \\\n",
        "          --keyring friends.pgp\n\n",
        "  Everybody on whom GnuPG relies:\n",
        "      gpg --export-ownertrust > ownertrust; gpg --export > keyring.pgp\n",
        "      cseal trust rely --gnupg-ownertrust ownertrust --keyring keyring.pgp \\\n",
        "          --own CEBB52301D617E910390FE16587979573442684E\n\n",
        "  Bob, whose fingerprint you compared, when he vouches for others:\n",
        "      cseal trust rely bob@example.org\n\n",
        "  Not any more:\n",
        "      cseal trust rely employer-ca.pem --remove\n",
        "      cseal trust rely bob@example.org --remove\n"
    )
)]
pub(crate) struct TrustRely {
    /// The certificate of a CA in FILE, an OpenPGP fingerprint, or the address of a contact
    ///
    /// A contact's signed statements count then, and you must have compared the contact's fingerprint. With
    /// --remove also the fingerprint of a CA.
    #[arg(value_name = "FILE|FINGERPRINT|ADDRESS", required_unless_present_any = ["gnupg_ownertrust", "own"])]
    pub(crate) on: Option<String>,

    /// Points that its word is worth, 1 to 120
    ///
    /// Where it is left out: 120 for an OpenPGP certificate, what the profile in force says for a CA (120 in
    /// most). The profile may count less of an OpenPGP certificate.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=120))]
    pub(crate) amount: Option<u8>,

    /// OpenPGP certificates to take in, as `gpg --export` writes them; may be repeated
    #[arg(long = "keyring", value_name = "FILE", conflicts_with = "remove")]
    pub(crate) keyrings: Vec<PathBuf>,

    /// The OpenPGP certificate is your own: what you certified counts in full
    ///
    /// With --gnupg-ownertrust its fingerprint, and the option may be repeated.
    #[arg(long, value_name = "FINGERPRINT", num_args = 0..=1, default_missing_value = "",
          conflicts_with_all = ["remove", "amount", "depth", "domains"])]
    pub(crate) own: Vec<String>,

    /// How many introducers in a row may stand behind an OpenPGP certificate
    ///
    /// 0: what it certified itself counts, and nothing that others did. Any number where it is left out.
    #[arg(long, value_name = "N", conflicts_with = "remove", hide_short_help = true,
          value_parser = clap::value_parser!(u8).range(0..=254))]
    pub(crate) depth: Option<u8>,

    /// Its word counts for addresses of this mail domain alone; may be repeated
    #[arg(long = "domain", value_name = "DOMAIN", conflicts_with = "remove")]
    pub(crate) domains: Vec<String>,

    /// Rely on whom GnuPG relies, by what `gpg --export-ownertrust` wrote to FILE
    ///
    /// Ultimate trust is 120 points, full trust 120 once the owner is certified by somebody you rely on,
    /// marginal trust 40, and chains end after five certifications, as in GnuPG. The profile counts 80 of
    /// it at most. GnuPG does not say which key is yours: name it with --own FINGERPRINT. What you set
    /// here before stays.
    #[arg(long, value_name = "FILE", hide_short_help = true,
          conflicts_with_all = ["on", "remove", "amount", "depth", "domains"])]
    pub(crate) gnupg_ownertrust: Option<PathBuf>,

    /// Do not rely on it any more
    #[arg(long, conflicts_with = "amount")]
    pub(crate) remove: bool,

    /// The passphrase of your store
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// List what you compared and on whom you rely
#[derive(Debug, Args)]
#[command(after_long_help = help_end!(
    "  Everything, for a machine:\n",
    "      cseal trust list --json\n"
))]
pub(crate) struct TrustList {
    #[command(flatten)]
    pub(crate) report: Report,
}

/// What your rules are: for mail to somebody, and against each attacker
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Policy {
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

/// What to do with the rules.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    Check(PolicyCheck),
    Show(PolicyShow),
    Set(PolicySet),
}

/// Show what holds for mail to somebody
#[derive(Debug, Args)]
#[command(
    long_about = "Show what holds for mail to somebody: by the system's file, yours, and what you said for the contact.",
    after_long_help = help_end!(
        "  Mail to Bob:\n",
        "      cseal trust policy show bob@example.org\n"
    )
)]
pub(crate) struct PolicyShow {
    /// To whom
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,

    #[command(flatten)]
    pub(crate) at: At,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Say what holds for mail to one contact
#[derive(Debug, Args)]
#[command(
    long_about = "Say what holds for mail to one contact, in the place of what you said before.\n\n\
        It is kept in contacts.toml beside policy.toml. Where the files differ the strictest value holds.",
    after_long_help = help_end!(
        "  To Bob only with a key that is verified:\n",
        "      cseal trust policy set bob@example.org --accept verified\n\n",
        "  Nothing in particular any more:\n",
        "      cseal trust policy set bob@example.org --remove\n"
    )
)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true)
    .args(["encrypt", "accept", "sign", "mixed", "remove"]))]
pub(crate) struct PolicySet {
    /// To whom: an address, or *@DOMAIN
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,

    /// Whether programs that send mail encrypt it; `cseal encrypt` always does
    #[arg(long, value_name = "WHEN", value_parser = ["require", "if-possible", "never"])]
    pub(crate) encrypt: Option<String>,

    /// The least level that a key must have
    #[arg(long, value_name = "LEVEL",
          value_parser = ["unverified", "opportunistic", "checked", "verified", "strong"])]
    pub(crate) accept: Option<String>,

    /// Whether it is signed
    #[arg(long, value_name = "YES|NO", value_parser = ["yes", "no"])]
    pub(crate) sign: Option<String>,

    /// What becomes of mail to several people some of whom have no key
    #[arg(long, value_name = "HOW", value_parser = ["refuse", "hold", "split"])]
    pub(crate) mixed: Option<String>,

    /// Forget what you said for this contact
    #[arg(long, conflicts_with_all = ["encrypt", "accept", "sign", "mixed"])]
    pub(crate) remove: bool,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Show what each attacker reaches, and what honest people reach
#[derive(Debug, Args)]
#[command(
    long_about = "Show what each attacker reaches, and what honest people reach.\n\n\
        Each line is a fresh key of a fresh address with the evidence that it names. For an attacker the \
        points are the most that a wrong key can get; * marks what counts as verified. Nothing is read \
        but the rules.",
    after_long_help = help_end!(
        "  The rules in force:\n",
        "      cseal trust policy check\n\n",
        "  All profiles side by side, with certificates that were logged four years ago:\n",
        "      cseal trust policy check --compare --years 4\n"
    )
)]
pub(crate) struct PolicyCheck {
    /// The rules of this profile
    #[arg(long, value_name = "PROFILE", conflicts_with = "compare")]
    pub(crate) profile: Option<Profile>,

    /// All profiles side by side
    #[arg(long)]
    pub(crate) compare: bool,

    /// Years since the certificates were logged, without anybody's objection
    #[arg(long, value_name = "N", default_value = "0", value_parser = clap::value_parser!(u32).range(..=100))]
    pub(crate) years: u32,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Which mixture of evidence counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// No single outside authority verifies anything
    Blended,
    /// As blended, with less for each source
    Hardened,
    /// Any one source suffices
    Either,
    /// Chains of certificates alone
    CaOnly,
    /// OpenPGP certifications alone
    WotOnly,
    /// Your own comparisons alone
    PinOnly,
}
