//! `cseal device revoke`, `role` and `export`, and how an account begins.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::common::{Passphrase, Report, help_end};

/// What is asked where a store has no account yet.
#[derive(Debug, Default, Args)]
pub(crate) struct NewAccount {
    /// What this device is called; where it is left out, as the machine
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub(crate) this_device: Option<String>,

    /// Write the recovery sheet to FILE, readable by you alone: .pdf, .svg, or text
    #[arg(long, value_name = "FILE", conflicts_with = "no_recovery", hide_short_help = true)]
    pub(crate) recovery_file: Option<PathBuf>,

    /// No recovery seed: when all devices are lost, so are all keys, and nothing overrules an admin device that is stolen
    #[arg(long, hide_short_help = true)]
    pub(crate) no_recovery: bool,
}

/// Put a device out: it gets nothing new, and its keys are replaced
#[derive(Debug, Args)]
#[command(
    long_about = "Put a device out: it gets nothing new, and its keys are replaced.\n\n\
        The others move to boxes that it cannot find. Where it had the key that others encrypt to, that certificate is \
        revoked, and a new key is made and given to the devices that stay. What cannot be done: taking back keys and \
        mail that the device has, and keeping contacts from using the old certificate until they see the new one.",
    after_long_help = help_end!(
        "  A device that was stolen:\n",
        "      cseal device revoke thinkpad-7\n\n",
        "  Although it alone holds a key, which is then lost:\n",
        "      cseal device revoke thinkpad-7 --anyway\n"
    )
)]
pub(crate) struct DeviceRevoke {
    /// The device: its name, or its id as far as it is unambiguous
    #[arg(value_name = "DEVICE")]
    pub(crate) device: String,

    /// Even if keys are lost with it
    #[arg(long)]
    pub(crate) anyway: bool,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Change what a device is for
#[derive(Debug, Args)]
#[command(after_long_help = help_end!(
    "  The laptop signs from now on:\n",
    "      cseal device role thinkpad-7 writer\n"
))]
pub(crate) struct DeviceRole {
    /// The device: its name, or its id as far as it is unambiguous
    #[arg(value_name = "DEVICE")]
    pub(crate) device: String,

    /// What it is for
    #[arg(value_name = "ROLE")]
    pub(crate) role: RoleName,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// What a device is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleName {
    /// Opens mail, and has no signing key
    Reader,
    /// Also signs, with a key of its own
    Writer,
    /// Also says which devices there are, and holds the personal CA
    Admin,
    /// Carries sealed objects, and gets no key
    Courier,
    /// Opens mail to the key of today and to later ones, and gets no older key
    Kiosk,
}

/// Write a copy of the account, from which the recovery sheet brings it back
#[derive(Debug, Args)]
#[command(
    long_about = "Write a copy of the account, from which the recovery sheet brings it back.\n\n\
        It holds the log of your devices and every shared key, sealed for the seed on the recovery sheet alone. Keep it \
        with your backups: the sheet opens nothing without a copy. Where this store has no account yet, it is made, \
        with its recovery sheet.",
    after_long_help = help_end!(
        "  The first time, with the sheet to print:\n",
        "      cseal device export --store account.copy --recovery-file sheet.pdf\n\n",
        "  Later:\n",
        "      cseal device export --store account.copy --overwrite\n"
    )
)]
pub(crate) struct DeviceExport {
    /// The file to write
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) store: PathBuf,

    /// Replace FILE where it exists
    #[arg(long)]
    pub(crate) overwrite: bool,

    #[command(flatten)]
    pub(crate) account: NewAccount,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}
