//! What is wrong with a store, in words.

use crate::failure::{Exit, Failure};
use crate::store::{StoreError, VERSION};

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Missing => Self::unknown("no-store", "there is no key store yet")
                .hint("make one with `cseal init ADDRESS`, or bring yours back with `cseal restore FILE`; to decrypt \
                       or sign without one, name files with --key and --certificate or --signer"),
            StoreError::Exists => Self::unknown("store-exists", "there is a key store already"),
            StoreError::KeyRemoved => Self::no("key-removed", "the key was removed from this store for ever")
                .hint("keep it in a store of its own: name another directory in COUNTERSEAL_HOME"),
            StoreError::RemovedThere(key) => Self::no(
                "key-removed",
                format!("{key} was removed in the backup, and the key store that is here has it; nothing was changed"),
            )
            .hint(format!(
                "keep the key store as it is; or remove the key here too, and restore then: `cseal keys remove {key}`"
            )),
            StoreError::Locked => Self::unknown("locked", "the key store is locked")
                .hint("give its passphrase with --passphrase-file FILE or --passphrase-fd N"),
            StoreError::WrongPassphrase => {
                Self::unknown("wrong-passphrase", "the passphrase does not open the key store")
            }
            StoreError::WrongRecoveryCode => {
                Self::unknown("wrong-recovery-code", "the recovery code does not open the key store")
                    .hint("a code that was made later takes the place of earlier ones")
            }
            StoreError::NoKeyring => {
                Self::unknown("no-keyring", "no keyring of a desktop keeps a key for the key store")
                    .hint("it needs a running Secret Service (GNOME Keyring, KWallet) and `secret-tool` of libsecret")
            }
            StoreError::LastSlot => Self::unknown(
                "last-slot",
                "nothing but the keyring of this desktop would open the key store then; nothing was changed",
            )
            .hint("give it a passphrase first: `cseal passphrase`"),
            StoreError::NothingOpens => Self::unknown(
                "backup-passphrase",
                "the key store has neither a passphrase nor a recovery code, so everybody could open its backup",
            )
            .hint("give the backup a passphrase of its own with --new-passphrase-file FILE"),
            StoreError::NotABackup => {
                Self::unknown("not-a-backup", "the file is neither a backup nor a key store")
            }
            StoreError::BackupDamaged => Self::unknown(
                "backup-damaged",
                "the backup is not, whole and unchanged, what was written; nothing was changed here",
            )
            .hint("try another copy of it"),
            StoreError::Changed => {
                Self::unknown("store-changed", "the key store was changed meanwhile; nothing was replaced")
                    .hint("run the command once more")
            }
            StoreError::SlotNotWritten => Self::unknown(
                "store",
                "what was written does not open the key store, so it was taken away again; the old way still opens it",
            )
            .hint("is the disk in order? `cseal doctor` looks into the key store"),
            StoreError::RolledBack { seen, found } => Self::new(
                Exit::Contradiction,
                "store-rolled-back",
                format!("the key store is older than it was: change {found}, and change {seen} was seen here"),
            )
            .hint(
                "put the newer store.sqlite3 back. If you put the older one there yourself, and there is no newer one: \
                 mv store.sqlite3 older.sqlite3, then `cseal restore older.sqlite3`",
            ),
            StoreError::OtherStore => Self::new(
                Exit::Contradiction,
                "store-replaced",
                "another key store than yours stands in its place",
            )
            .hint(
                "put your own store.sqlite3 back. If you put the other one there yourself: \
                 mv store.sqlite3 other.sqlite3, then `cseal restore other.sqlite3`",
            ),
            StoreError::SlotTooExpensive => Self::unknown(
                "limit",
                "the key store asks for more than 1 GiB or 64 passes to check a passphrase",
            ),
            StoreError::Tampered(table) => Self::new(
                Exit::Contradiction,
                "store-tampered",
                format!("the key store was changed by another program (table {table})"),
            )
            .hint("restore it from a backup, and find out who could write to it"),
            StoreError::NotAStore => Self::unknown("not-a-store", "the file store.sqlite3 is no key store"),
            StoreError::Newer(version) => Self::unknown(
                "store-newer",
                format!("a newer cseal wrote the key store (version {version}; this one knows {VERSION})"),
            )
            .hint("install the newer cseal"),
            StoreError::Migration(table) => Self::unknown(
                "store-migration",
                format!("the key store was not brought to newer tables: its copy differs (table {table})"),
            )
            .hint("the store is as it was; is the disk in order?"),
            StoreError::Setting(name) => Self::unknown(
                "store-setting",
                format!("SQLite does not take the setting {name}; nothing was done"),
            ),
            StoreError::Damaged(what) => Self::unknown("store-damaged", "the key store is damaged")
                .because(what)
                .hint("restore it from a backup; the file as it is may still be of use, so keep it"),
            StoreError::Unsafe(path, why) => {
                Self::unknown("store-unsafe", format!("{} {why}", path.display()))
                    .hint(format!("chown it to yourself, or chmod 700 {}", path.display()))
            }
            StoreError::NetworkFileSystem(path) => Self::unknown(
                "network-file-system",
                format!(
                    "{} is on a network file system, where two machines could write at once",
                    path.display()
                ),
            )
            .hint("name a directory on a local disk in the variable COUNTERSEAL_HOME"),
            StoreError::Memory => {
                Self::unknown("memory", "there is not enough memory to check the passphrase (256 MiB)")
            }
            StoreError::Full => Self::unknown("disk-full", "the disk is full; the key store was not changed")
                .hint("make room, then run the command again"),
            StoreError::Busy => Self::unknown("store-busy", "another program keeps the key store busy")
                .hint("wait until it is done, then run the command again"),
            StoreError::Database(error) => {
                Self::unknown("store", "the key store cannot be used").because(error)
            }
            StoreError::Io(path, error) => Self::io(path.display().to_string(), &error),
        }
    }
}
