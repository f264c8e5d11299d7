//! `cseal backup` and `cseal restore`

use std::path::PathBuf;

use clap::Args;

use super::common::{Passphrase, Report, help_end};

/// Write your whole key store into one sealed file
#[derive(Debug, Args)]
#[command(
    long_about = "Write your whole key store into one sealed file.\n\n\
        Whatever opens the store opens the backup: the passphrase that it has now, or the recovery code. A store \
        without both needs a passphrase for the backup. The file appears whole or not at all, and is read once \
        more when it is written.",
    after_long_help = help_end!(
        "  A backup for another disk:\n",
        "      cseal backup /media/usb/keys.backup\n\n",
        "  Every night, in a script:\n",
        "      cseal backup keys.backup --overwrite --passphrase-file alice.passphrase\n\n",
        "  With a passphrase of its own, to another machine:\n",
        "      cseal backup - --new-passphrase-file backup.passphrase \\\n",
        "          | ssh host 'cat > keys.backup'\n"
    )
)]
pub(crate) struct Backup {
    /// The file to write; - is standard output
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Replace FILE where it exists
    #[arg(long)]
    pub(crate) overwrite: bool,

    /// A passphrase for the backup alone, from the first line of FILE
    #[arg(long, value_name = "FILE")]
    pub(crate) new_passphrase_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Put a backup in the place of your key store
#[derive(Debug, Args)]
#[command(
    long_about = "Put a backup in the place of your key store.\n\n\
        All of the file is verified before anything is changed. Where there is a key store, --replace is needed, \
        and secret keys that it has and the backup has not are taken over; where they do not open, nothing is \
        changed. Keys that were removed from it stay removed, unless --with-removed-keys brings them back. \
        Pins and contacts that were added after the backup are gone, and their number is said. The file \
        of a key store (store.sqlite3) can be restored like a backup.",
    after_long_help = help_end!(
        "  On a new machine:\n",
        "      cseal restore keys.backup\n\n",
        "  With the recovery code, where the passphrase is forgotten:\n",
        "      cseal restore keys.backup --recovery-code-file typed.txt\n\n",
        "  Back to the state of the backup, with all keys of today:\n",
        "      cseal restore keys.backup --replace\n"
    )
)]
pub(crate) struct Restore {
    /// The backup, or the file of a key store
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Replace the key store that is there
    #[arg(long)]
    pub(crate) replace: bool,

    /// Bring back keys of the backup that were removed from the key store that is there
    ///
    /// Without it they stay removed.
    #[arg(long, requires = "replace")]
    pub(crate) with_removed_keys: bool,

    /// The passphrase of the key store that is there, where it is another one
    #[arg(long, value_name = "FILE", requires = "replace")]
    pub(crate) present_passphrase_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}
