//! `cseal generate`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::common::help_end;

/// Write man pages and shell completions
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_long_help = help_end!(
        "  All man pages:\n",
        "      cseal generate man man/\n\n",
        "  Completions for the shell you use:\n",
        "      cseal generate completions bash \\\n",
        "          > ~/.local/share/bash-completion/completions/cseal\n"
    )
)]
pub(crate) struct Generate {
    #[command(subcommand)]
    pub(crate) command: GenerateCommand,
}

/// What to write.
#[derive(Debug, Subcommand)]
pub(crate) enum GenerateCommand {
    /// Write a man page for each command into DIR, replacing what is there
    Man {
        /// The directory; made where it is missing
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Make the list of roots that are trusted for mail, from the certdata.txt of NSS, on standard
    /// output; for maintainers
    #[command(hide = true)]
    Roots {
        /// The certdata.txt
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Where the file is from and of which day, in one line
        #[arg(long, value_name = "TEXT")]
        origin: String,
    },
    /// Write completions to standard output
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// The shells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
}
