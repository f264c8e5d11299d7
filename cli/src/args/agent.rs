//! `cseal agent`

use std::time::Duration;

use clap::{Args, Subcommand};

use super::common::{Passphrase, Report, help_end};

/// A process that keeps your store unlocked for a while
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    long_about = "A process that keeps your store unlocked for a while.\n\n\
        It does what needs a secret key for other commands of yours, and gives no key away. It ends after ten \
        minutes in which nobody asked for anything, after eight hours in any case, and when you lock it. \
        Where you type the passphrase at a terminal it begins by itself, unless config.toml says \
        `[agent] start = \"never\"`. Nothing needs it: without it each command asks for the passphrase."
)]
pub(crate) struct Agent {
    #[command(subcommand)]
    pub(crate) command: AgentCommand,
}

/// What to do with the agent.
#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    Start(AgentStart),
    Status(AgentStatus),
    Lock(AgentLock),
}

/// Unlock your store, and keep it so in the background
#[derive(Debug, Args)]
#[command(after_long_help = help_end!(
    "  For the working day:\n",
    "      cseal agent start --idle 8h --longest 10h\n\n",
    "  Under a supervisor, which shows when it ends:\n",
    "      cseal agent start --foreground \\\n",
        "          --passphrase-file /run/user/1000/passphrase\n"
))]
pub(crate) struct AgentStart {
    /// It ends after so long without a request: 90s, 10m, 8h
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) idle: Option<Duration>,

    /// It ends after so long in any case
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) longest: Option<Duration>,

    /// Stay in the foreground
    #[arg(long)]
    pub(crate) foreground: bool,

    /// How `start` begins its own background process: the passphrase comes on standard input
    #[arg(long, hide = true, requires = "foreground")]
    pub(crate) child: bool,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Say whether an agent keeps your store unlocked; exit 1 where none does
#[derive(Debug, Args)]
#[command(after_long_help = help_end!("  Example:\n", "      cseal agent status\n"))]
pub(crate) struct AgentStatus {
    #[command(flatten)]
    pub(crate) report: Report,
}

/// Have the agent forget everything and end; exit 1 where there is none
#[derive(Debug, Args)]
#[command(after_long_help = help_end!("  Before you leave the desk:\n", "      cseal agent lock\n"))]
pub(crate) struct AgentLock {
    #[command(flatten)]
    pub(crate) report: Report,
}

/// A number and its unit: seconds, minutes, hours.
pub(crate) fn duration(typed: &str) -> Result<Duration, String> {
    let seconds = match typed.split_at_checked(typed.len().saturating_sub(1)) {
        Some((number, "s")) => (number, 1),
        Some((number, "m")) => (number, 60),
        Some((number, "h")) => (number, 3600),
        _ => return Err("a time is a number and s, m or h: 10m".to_owned()),
    };
    let (number, unit) = seconds;
    match number.parse::<u32>() {
        Ok(number @ 1..=100_000) => Ok(Duration::from_secs(u64::from(number) * unit)),
        _ => Err("a time is a number from 1 to 100000 and s, m or h: 10m".to_owned()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        assert_eq!(duration("90s").unwrap(), Duration::from_secs(90));
        assert_eq!(duration("10m").unwrap(), Duration::from_secs(600));
        assert_eq!(duration("8h").unwrap(), Duration::from_secs(28_800));
        for wrong in ["", "m", "10", "0s", "1d", "-1m", "é", "9999999999h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
