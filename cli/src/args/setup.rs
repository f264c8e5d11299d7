//! `cseal setup`

use std::path::PathBuf;

use clap::Args;

use super::common::{Report, help_end};

/// Set up sending, for this whole machine
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    long_about = "Set up sending, for this whole machine.\n\n\
        With --system, as root: whatever cron, a web server or any user without settings of their own hands to \
        cseal-sendmail is encrypted to the certificates of /var/lib/counterseal, and mail to root goes to an address of \
        yours. Only root reads the password of the server: a timer of root sends what all users hand in. Nothing that is \
        there already is replaced but the alias of root and certificates that are named again.",
    after_long_help = help_end!(
        "  Mail to root goes to Alice, whose certificate is in a file:\n",
        "      cseal setup --system --root-mail alice@example.org --certificate alice.pem\n\n",
        "  The same, with the server that takes it:\n",
        "      cseal setup --system --root-mail alice@example.org --certificate alice.pem \\\n",
        "          --smtp smtps://smtp.example.org --user alice\n\n",
        "  Later: whoever else gets mail from this machine:\n",
        "      cseal setup --system --certificate bob.pem\n"
    )
)]
pub(crate) struct Setup {
    /// Set up the whole machine; for root
    #[arg(long, required = true)]
    pub(crate) system: bool,

    /// Who reads mail to root
    #[arg(long, value_name = "ADDRESS", requires = "system")]
    pub(crate) root_mail: Option<String>,

    /// A certificate to encrypt to, in PEM or DER; may be repeated
    ///
    /// It is believed to belong to the addresses that it names. Without it the reader of root's mail is looked up in root's own key store.
    #[arg(long, value_name = "FILE", requires = "system")]
    pub(crate) certificate: Vec<PathBuf>,

    /// The server that takes the mail, as config.toml names it
    #[arg(long, value_name = "SERVER", requires = "system")]
    pub(crate) smtp: Option<String>,

    /// The name by which that server knows the machine
    #[arg(long, value_name = "NAME", requires = "smtp")]
    pub(crate) user: Option<String>,

    #[command(flatten)]
    pub(crate) report: Report,
}
