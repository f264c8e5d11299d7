//! `cseal device`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::account::{DeviceExport, DeviceRevoke, DeviceRole, NewAccount, RoleName};
use super::common::{Passphrase, Report, help_end};
use super::foreign::Foreign;
use super::install::DeviceInstall;
use super::join::{AddHow, DeviceJoin};
use super::recover::DeviceRecover;
use super::ways::{Shown, Ways};

/// Your devices: keys that follow you to each of them
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    long_about = "Your devices: keys that follow you to each of them.\n\n\
        Each device has keys of its own, and a signed log says which devices are yours and what each is for: a reader \
        opens mail, a writer also signs with a key of its own, an admin also says which devices there are. What lies \
        between them carries sealed objects and is believed in nothing."
)]
pub(crate) struct Device {
    #[command(subcommand)]
    pub(crate) command: DeviceCommand,
}

/// What to do with the devices.
#[derive(Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    Join(Box<DeviceJoin>),
    Add(Box<DeviceAdd>),
    List(DeviceList),
    Revoke(DeviceRevoke),
    Role(DeviceRole),
    Export(DeviceExport),
    Sync(DeviceSync),
    Install(DeviceInstall),
    Recover(DeviceRecover),
}

/// Add a device: it gets your keys from this one
#[derive(Debug, Args)]
#[command(
    long_about = "Add a device: it gets your keys from this one.\n\n\
        The new device runs `cseal device join`. It shows a code, which is pasted here, or words, which are typed here \
        (--typed). Before any key leaves, you are asked for your passphrase again and whether this is the device in \
        front of you. With --file nothing has to be connected: compare the words of the request, and tell the words \
        that open the answer by another way. The request may be the whole mail that brought it, and with --mail the \
        answer goes as one.\n\n\
        For a telephone, a tablet or another machine that cannot run cseal, --foreign makes a file with every key \
        that opens mail, old ones too, sealed under a new password that is shown on this screen and kept nowhere. \
        The device fetches it by a QR code over the local network, once, or you carry it: --output. It is listed \
        as a reader, and as behind when a newer key is made: then do the same again.",
    after_long_help = help_end!(
        "  A device that shows a code, over a folder that both see:\n",
        "      cseal device add --role reader --folder /mnt/share\n\n",
        "  One that shows words:\n",
        "      cseal device add --typed --folder /mnt/share\n\n",
        "  By two files:\n",
        "      cseal device add --file request.ksr --answer grant.ksa\n\n",
        "  By two mails, of which you saved the first:\n",
        "      cseal device add --file request.eml --mail alice@example.org\n\n",
        "  A telephone, which fetches the file by a QR code:\n",
        "      cseal device add --foreign phone --for apple\n\n",
        "  Outlook, by a file on a stick:\n",
        "      cseal device add --foreign office --for outlook --output keys.p12\n"
    )
)]
pub(crate) struct DeviceAdd {
    /// What people type after the command and others would read: it is refused
    #[arg(value_name = "WORDS", hide = true)]
    pub(crate) argument: Option<String>,

    #[command(flatten)]
    pub(crate) how: AddHow,

    /// What the new device is for
    #[arg(long, value_name = "ROLE", default_value = "reader")]
    pub(crate) role: RoleName,

    /// Where the answer to a request goes
    #[arg(long, value_name = "FILE", requires = "file")]
    pub(crate) answer: Option<PathBuf>,

    /// The answer as a mail to ADDRESS, your own: sent, or written to --answer
    #[arg(long, value_name = "ADDRESS", requires = "file", hide_short_help = true)]
    pub(crate) mail: Option<String>,

    #[command(flatten)]
    pub(crate) ways: Ways,

    #[command(flatten)]
    pub(crate) account: NewAccount,

    #[command(flatten)]
    pub(crate) foreign: Foreign,

    #[command(flatten)]
    pub(crate) shown: Shown,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Bring this device up to date: keys of your others come, its own go out
#[derive(Debug, Args)]
#[command(
    long_about = "Bring this device up to date.\n\n\
        Looks into every place that config.toml names under [[sync]], takes in what your other devices left there, \
        opens the keys that are for this one, hands on what another one misses, and leaves what is new here. Whatever \
        lies between your devices is believed in nothing. It ends after one round; --watch goes on, and a service \
        of systemd (--install) does that while you are logged in. On the local network (lan = true), devices come \
        to one that watches.\n\n\
        It says when a device was copied or put back, when a place holds things back, when one that is put out \
        still writes, and when one was not heard of for long.",
    after_long_help = help_end!(
        "  Once:\n",
        "      cseal device sync\n\n",
        "  From now on, while you are logged in:\n",
        "      cseal device sync --install\n"
    )
)]
pub(crate) struct DeviceSync {
    /// One round and no more, as without it
    #[arg(long, conflicts_with = "watch", hide_short_help = true)]
    pub(crate) once: bool,

    /// Go on: a round whenever something may have come
    #[arg(long, conflicts_with = "install")]
    pub(crate) watch: bool,

    /// Install a service of systemd that does so while you are logged in
    #[arg(long, conflicts_with_all = ["once", "passphrase_file", "passphrase_fd", "recovery_code_file"])]
    pub(crate) install: bool,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// List your devices: what each is for, when it was heard of, what it lacks
#[derive(Debug, Args)]
#[command(after_long_help = help_end!("  Example:\n", "      cseal device list\n"))]
pub(crate) struct DeviceList {
    #[command(flatten)]
    pub(crate) report: Report,
}
