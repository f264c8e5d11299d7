//! `cseal setup`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::common::{Passphrase, Report, help_end};

/// Set up sending: keys, server, log-in, and a mail to yourself
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    long_about = "Set up sending: keys, server, log-in, and a mail to yourself.\n\n\
        Makes your keys where you have none (as `cseal init`), asks your domain which server takes your mail, shows what it \
        would write into config.toml, writes it, sends one signed and encrypted mail to yourself, opens it, and lets a timer \
        send what waits in the queue. What is set up already is kept. The domain is asked by HTTPS and by the DNS: an answer \
        that is proven to be the domain's, and names a host of the domain, is taken; every other is shown, and you are asked. \
        In a script nobody can be asked, so say the server there (--server). The IMAP server of your mailbox, where your \
        devices can meet, is taken from the same answer by the same rules, logged in to, and left out where that fails. The \
        password is in no file of ours.\n\n\
        With --system, as root, for this whole machine: whatever cron, a web server or any user without settings of their \
        own hands to cseal-sendmail is encrypted to the certificates of /var/lib/counterseal, and mail to root goes to an \
        address of yours. Only root reads the password of the server: a timer of root sends what all users hand in. Nothing \
        that is there already is replaced but the alias of root and certificates that are named again.",
    after_long_help = help_end!(
        "  Everything, with questions where something is open:\n",
        "      cseal setup alice@example.org\n\n",
        "  In a script, with a server that you know:\n",
        "      cseal setup alice@example.org --no-passphrase --policy require \\\n",
        "          --server smtps://smtp.example.org \\\n",
        "          --password-command secret-tool lookup host smtp.example.org\n\n",
        "  Take over what msmtp sends by:\n",
        "      cseal setup alice@example.org --from-msmtp\n\n",
        "  Only the mail to yourself, or only the lines for other programs:\n",
        "      cseal setup alice@example.org --check\n",
        "      cseal setup --clients mutt\n\n",
        "  This whole machine: mail to root goes to Alice, by her certificate:\n",
        "      cseal setup --system --root-mail alice@example.org \\\n",
        "          --certificate alice.pem\n\n",
        "  The same, with the server that takes it:\n",
        "      cseal setup --system --root-mail alice@example.org \\\n",
        "          --certificate alice.pem --user alice \\\n",
        "          --server smtps://smtp.example.org\n\n",
        "  Later: whoever else gets mail from this machine:\n",
        "      cseal setup --system --certificate bob.pem\n"
    )
)]
pub(crate) struct Setup {
    /// Your mail address
    #[arg(value_name = "ADDRESS", required_unless_present_any = ["clients", "system"], conflicts_with = "system")]
    pub(crate) address: Option<String>,

    /// The server that takes the mail: smtps://HOST
    ///
    /// As config.toml names it. Without it, the domain of the address is asked.
    #[arg(long, alias = "smtp", value_name = "SERVER", conflicts_with = "from_msmtp")]
    pub(crate) server: Option<String>,

    /// Take over accounts of ~/.msmtprc, or of FILE
    ///
    /// An account that sends in clear gets TLS. A password that stands in the file is not copied.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, conflicts_with = "system")]
    pub(crate) from_msmtp: Option<Option<PathBuf>>,

    /// The name by which the server knows you, or the machine; your address where it is left out
    #[arg(long, value_name = "NAME", hide_short_help = true, conflicts_with = "from_msmtp")]
    pub(crate) user: Option<String>,

    /// The program that writes your password, with its arguments; the last option
    ///
    /// Without it the password is in the keyring of the desktop.
    #[arg(long, value_name = "PROGRAM", num_args = 1.., allow_hyphen_values = true, hide_short_help = true, conflicts_with_all = ["from_msmtp", "system"])]
    pub(crate) password_command: Option<Vec<String>>,

    /// The name of the account in config.toml
    #[arg(long, value_name = "NAME", default_value = "home", hide_short_help = true)]
    pub(crate) account: String,

    /// Whether mail to people without a key is held or sent
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: Option<SendingPolicy>,

    /// Ask the list of Thunderbird, too: it learns your domain
    #[arg(long, hide_short_help = true)]
    pub(crate) ispdb: bool,

    /// What sends the mail that waits in the queue
    #[arg(long, value_name = "TIMER", hide_short_help = true)]
    pub(crate) timer: Option<Timer>,

    /// Ask nothing; what is open stays as built in
    ///
    /// What is not proven to be the word of your domain is not taken then.
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,

    /// Send no mail to yourself, and log in nowhere
    #[arg(long, conflicts_with = "check")]
    pub(crate) no_check: bool,

    /// Only send a mail to yourself and open it
    #[arg(long)]
    pub(crate) check: bool,

    /// Print the lines for mutt, git, cron, or one of them
    #[arg(long, value_name = "PROGRAM", num_args = 0..=1, exclusive = true)]
    pub(crate) clients: Option<Option<String>>,

    /// Your name, as it shall stand in the certificates
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub(crate) name: Option<String>,

    /// No passphrase for new keys: whoever reads the file has them
    #[arg(long, conflicts_with_all = ["passphrase_file", "passphrase_fd"], hide_short_help = true)]
    pub(crate) no_passphrase: bool,

    /// Set up the whole machine; for root
    #[arg(long)]
    pub(crate) system: bool,

    /// Who reads mail to root
    #[arg(long, value_name = "ADDRESS", requires = "system", hide_short_help = true)]
    pub(crate) root_mail: Option<String>,

    /// A certificate to encrypt to, in PEM or DER; may be repeated
    ///
    /// It is believed to belong to the addresses that it names. Without it the reader of root's mail is looked up in root's own key store.
    #[arg(long, value_name = "FILE", requires = "system", hide_short_help = true)]
    pub(crate) certificate: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// What becomes of mail to people without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SendingPolicy {
    /// It is held for you
    Require,
    /// It is sent in clear, with a note
    IfPossible,
}

/// What sends the mail that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Timer {
    /// A timer of systemd, of the user
    Systemd,
    /// A line of the user's crontab
    Cron,
    /// Nothing: only `cseal queue flush`
    None,
}
