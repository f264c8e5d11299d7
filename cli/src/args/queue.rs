//! `cseal queue`

use clap::{Args, Subcommand};

use super::common::{Passphrase, Report, help_end};

/// Mail that waits to be sent, was refused, or failed
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    long_about = "Mail that waits to be sent, was refused, or failed.\n\n\
        cseal-sendmail puts every mail here before it says that it was taken, and sends it from here: at once, and \
        again after 1, 5, 15 and 60 minutes and then every 3 hours, for 5 days. Nothing runs in between; a timer, or \
        the next mail, sends what is due. What the policy refused is held, sealed to you."
)]
pub(crate) struct Queue {
    #[command(subcommand)]
    pub(crate) command: QueueCommand,
}

/// What to do with the queue.
#[derive(Debug, Subcommand)]
pub(crate) enum QueueCommand {
    List(QueueList),
    Show(QueueShow),
    Flush(QueueFlush),
    Drop(QueueDrop),
    Release(QueueRelease),
}

/// List all mails of the queue, oldest first
#[derive(Debug, Args)]
#[command(
    long_about = "List all mails of the queue, oldest first.\n\n\
        A mail is new while it waits for a server; held where the policy refused it, until you release or drop it; \
        failed where a server refused it for good. Below it stands why, and at the end which accounts do not send.",
    after_long_help = help_end!("  Example:\n", "      cseal queue list\n")
)]
pub(crate) struct QueueList {
    #[command(flatten)]
    pub(crate) report: Report,
}

/// Show one mail: who has it, who waits, and what the server said
#[derive(Debug, Args)]
#[command(after_long_help = help_end!(
    "  Example:\n",
    "      cseal queue show 006b020da0-2f51ce77ab03d914\n"
))]
pub(crate) struct QueueShow {
    /// As `cseal queue list` writes it
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Send now what waits; exit 1 where something still waits or has failed
#[derive(Debug, Args)]
#[command(after_long_help = help_end!(
    "  After the network came back:\n",
    "      cseal queue flush\n\n",
    "  From a timer, or cron:\n",
    "      cseal queue flush --due\n"
))]
pub(crate) struct QueueFlush {
    /// Only what is due, by servers that are not left in peace; exit 0 whatever came of it
    #[arg(long)]
    pub(crate) due: bool,

    /// How a process of ours begins another one
    #[arg(long, hide = true, requires = "due")]
    pub(crate) background: bool,

    /// What was sent stands on standard input, for the history
    #[arg(long, hide = true, requires = "background")]
    pub(crate) remember: bool,

    /// What all users of this machine handed in (see cseal setup --system); for root
    #[arg(long)]
    pub(crate) system: bool,

    /// How root works on the spool of one user
    #[arg(long, hide = true, value_name = "UID")]
    pub(crate) spool: Option<u32>,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Throw mails away; nobody gets them, and nobody is told
#[derive(Debug, Args)]
#[command(after_long_help = help_end!(
    "  Example:\n",
    "      cseal queue drop 006b020da0-2f51ce77ab03d914\n"
))]
pub(crate) struct QueueDrop {
    /// As `cseal queue list` writes them
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Send mails that were held, now that their recipients have keys
#[derive(Debug, Args)]
#[command(
    long_about = "Send mails that were held, now that their recipients have keys.\n\n\
        The policy is asked again, and what it still refuses stays held. Whoever sent the mail was told that it \
        would not be sent, so only you do this.",
    after_long_help = help_end!(
        "  After the missing key came:\n",
        "      cseal keys import bob.pem\n",
        "      cseal queue release 006b020da0-2f51ce77ab03d914\n"
    )
)]
pub(crate) struct QueueRelease {
    /// As `cseal queue list` writes them
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}
