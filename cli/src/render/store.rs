//! What is wrong with a store, in words.

use crate::failure::{Exit, Failure};
use crate::store::StoreError;

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Missing => Self::unknown("no-store", "there is no key store yet")
                .hint("make one with `cseal init ADDRESS`, or name files with --key and --certificate"),
            StoreError::Exists => Self::unknown("store-exists", "there is a key store already"),
            StoreError::KeyRemoved => Self::no("key-removed", "the key was removed from this store for ever")
                .hint("keep it in a store of its own: name another directory in COUNTERSEAL_HOME"),
            StoreError::Locked => Self::unknown("locked", "the key store is locked")
                .hint("give its passphrase with --passphrase-file FILE or --passphrase-fd N"),
            StoreError::WrongPassphrase => {
                Self::unknown("wrong-passphrase", "the passphrase does not open the key store")
            }
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
                format!("a newer cseal wrote the key store (version {version}; this one knows 3)"),
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
            StoreError::Database(error) => {
                Self::unknown("store", "the key store cannot be used").because(error)
            }
            StoreError::Io(path, error) => Self::io(path.display().to_string(), &error),
        }
    }
}
