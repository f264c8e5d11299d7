//! `cseal passphrase`

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::common::{Passphrase, Report, help_end};

/// Change what opens your key store
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("passphrase-choice").args(["new_passphrase_file", "none"]),
    long_about = "Change what opens your key store.\n\n\
        Without options it asks for a new passphrase. The new one is written and tried before the old one goes, \
        and what is left of the old one in the file goes too. Whenever the program is killed, the old or the new \
        one opens the store. The keys themselves stay as they are.",
    after_long_help = help_end!(
        "  Be asked for the old passphrase and for the new one:\n",
        "      cseal passphrase\n\n",
        "  In a script:\n",
        "      cseal passphrase --passphrase-file old --new-passphrase-file new\n\n",
        "  For the day when the passphrase is forgotten; on paper, not in the file:\n",
        "      cseal passphrase --recovery-code --recovery-file code.txt\n",
        "      cseal decrypt --recovery-code-file typed.txt in.eml\n\n",
        "  Somebody may know the passphrase:\n",
        "      cseal passphrase --suspected --recovery-code\n\n",
        "  Open the store without a question while you are logged in to your desktop:\n",
        "      cseal passphrase --keyring\n"
    )
)]
pub(crate) struct ChangePassphrase {
    /// Read the new passphrase from the first line of FILE
    #[arg(long, value_name = "FILE")]
    pub(crate) new_passphrase_file: Option<PathBuf>,

    /// No passphrase any more: whoever reads the file has the keys
    #[arg(long)]
    pub(crate) none: bool,

    /// Somebody may know the passphrase: also change the key of the store
    ///
    /// Everything in the store is wrapped anew, and the recovery code and the keyring open it no more. This does
    /// not help against somebody who has a copy of the store or a backup and knows the old passphrase: the copy
    /// still opens. Then make new keys, and have the old ones revoked.
    #[arg(long)]
    pub(crate) suspected: bool,

    /// Make a recovery code, which takes the place of an earlier one
    ///
    /// 128 random bits in seven groups of four, with a checksum, to be kept on paper. It opens the store where the
    /// passphrase is forgotten. Alone it leaves the passphrase as it is.
    #[arg(long, conflicts_with = "no_recovery_code")]
    pub(crate) recovery_code: bool,

    /// Write the recovery code to FILE instead of showing it
    #[arg(long, value_name = "FILE", requires = "recovery_code")]
    pub(crate) recovery_file: Option<PathBuf>,

    /// Take the recovery code away: it opens the store no more
    #[arg(long, hide_short_help = true)]
    pub(crate) no_recovery_code: bool,

    /// Let the keyring of the desktop open the store
    ///
    /// Any Secret Service (GNOME Keyring, KWallet), through secret-tool of libsecret. Whoever is logged in to the
    /// desktop then opens the store without a question.
    #[arg(long, conflicts_with = "no_keyring")]
    pub(crate) keyring: bool,

    /// Take the keyring away again
    #[arg(long, hide_short_help = true)]
    pub(crate) no_keyring: bool,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}
