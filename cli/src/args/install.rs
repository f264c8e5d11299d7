//! `cseal device install`

use clap::{Args, ValueEnum};

use super::common::{Passphrase, Report, help_end};

/// Put your keys into the mail programs that config.toml names
#[derive(Debug, Args)]
#[command(
    long_about = "Put your keys into the mail programs that config.toml names.\n\n\
        Every key that opens mail, old ones too, with its certificates and your personal CA, goes into gpgsm, a \
        profile of Thunderbird, or mutt's folder, where it is not there yet. Only places that an [[install]] of \
        config.toml names are written to. The same happens after each `cseal device sync`.\n\n\
        0: every key is there; 1: some are not, and it says why.",
    after_long_help = help_end!(
        "  All programs of config.toml:\n",
        "      cseal device install\n\n",
        "  One of them, and what came of it for a machine:\n",
        "      cseal device install gpgsm --json\n"
    )
)]
pub(crate) struct DeviceInstall {
    /// Only these programs
    #[arg(value_name = "PROGRAM")]
    pub(crate) programs: Vec<InstallProgram>,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Programs into which keys are put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InstallProgram {
    /// GnuPG's S/MIME program, with the keys in its agent
    Gpgsm,
    /// A profile of Thunderbird, by the tools of NSS
    Thunderbird,
    /// A folder as smime_keys makes it
    Mutt,
}
