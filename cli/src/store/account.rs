//! The account that this device shares with others: its log, what other devices said last, and settings.
//!
//! The head of the store is signed for all of it, so that nobody who writes to the file adds a device.

use counterseal_core::time::Time;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::device_secrets::{self, DeviceSecret};
use super::encoding::Encoding;
use super::error::StoreError;
use super::{Store, Writer};

/// Everything of the account for which the head is signed, in short.
pub(super) struct AccountRows {
    secrets: Vec<DeviceSecret>,
    settings: Vec<(String, [u8; 32])>,
    entries: Vec<[u8; 32]>,
    notes: Vec<([u8; 32], i64, [u8; 32])>,
}

impl AccountRows {
    pub(super) fn read(connection: &Connection) -> Result<Self, StoreError> {
        let mut settings =
            connection.prepare_cached("SELECT name, value FROM device_setting ORDER BY name")?;
        let settings = settings.query_map([], |row| Ok((row.get(0)?, digest(&row.get::<_, Vec<u8>>(1)?))))?;
        let mut entries = connection.prepare_cached("SELECT id FROM log_entry ORDER BY id")?;
        let entries = entries.query_map([], |row| row.get(0))?;
        let mut notes =
            connection.prepare_cached("SELECT device, counter, content FROM device_note ORDER BY device")?;
        let notes =
            notes.query_map([], |row| Ok((row.get(0)?, row.get(1)?, digest(&row.get::<_, Vec<u8>>(2)?))))?;
        Ok(Self {
            secrets: device_secrets::read_all(connection)?,
            settings: settings.collect::<Result<_, _>>()?,
            entries: entries.collect::<Result<_, _>>()?,
            notes: notes.collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn count(&self) -> usize {
        self.secrets.len() + self.settings.len() + self.entries.len() + self.notes.len()
    }

    pub(super) fn encode(&self) -> impl Iterator<Item = Encoding> + '_ {
        let settings = self.settings.iter();
        let settings = settings.map(|(name, value)| Encoding::of("device-setting").text(name).bytes(value));
        let entries = self.entries.iter().map(|id| Encoding::of("log-entry").bytes(id));
        let notes = self.notes.iter().map(|(device, counter, content)| {
            Encoding::of("device-note").bytes(device).integer(*counter).bytes(content)
        });
        self.secrets.iter().map(DeviceSecret::encode).chain(settings).chain(entries).chain(notes)
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// An entry of the log as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptEntry {
    /// SHA-256 of the content.
    pub(crate) id: [u8; 32],
    /// What was signed.
    pub(crate) content: Vec<u8>,
}

/// Something that the owner should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptAlarm {
    /// When it was noticed.
    pub(crate) at: Time,
    /// The word for it.
    pub(crate) kind: String,
    /// The device that it is about.
    pub(crate) device: Option<[u8; 32]>,
    /// What was noticed.
    pub(crate) detail: String,
}

impl Store {
    /// A setting of this device in its account.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] where the rows are not those that this store signed.
    pub(crate) fn device_setting(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.trust_rows()?;
        let query = "SELECT value FROM device_setting WHERE name = ?1";
        Ok(self.connection.query_row(query, [name], |row| row.get(0)).optional()?)
    }

    /// All settings whose names begin so, in the order of their names.
    pub(crate) fn device_settings(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.trust_rows()?;
        let query =
            "SELECT name, value FROM device_setting WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name";
        let mut statement = self.connection.prepare_cached(query)?;
        let rows = statement.query_map([prefix], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// All entries of the log, in no order.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] where one is not what its id says, or not among those that were signed.
    pub(crate) fn log_entries(&self) -> Result<Vec<KeptEntry>, StoreError> {
        self.trust_rows()?;
        let mut statement =
            self.connection.prepare_cached("SELECT id, content FROM log_entry ORDER BY id")?;
        let mut rows = statement.query([])?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            let entry = KeptEntry { id: row.get(0)?, content: row.get(1)? };
            if digest(&entry.content) != entry.id {
                return Err(StoreError::Tampered("log_entry"));
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    /// An entry as it was signed.
    pub(crate) fn signed_log_entry(&self, id: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        let query = "SELECT signed FROM log_entry WHERE id = ?1";
        Ok(self.connection.query_row(query, [id], |row| row.get(0)).optional()?)
    }

    /// The newest note of each device.
    pub(crate) fn device_notes(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        self.trust_rows()?;
        let mut statement =
            self.connection.prepare_cached("SELECT content FROM device_note ORDER BY device")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What the owner should look at, oldest first.
    pub(crate) fn device_alarms(&self) -> Result<Vec<KeptAlarm>, StoreError> {
        let query = "SELECT at, kind, device, detail FROM device_alarm ORDER BY id";
        let mut statement = self.connection.prepare_cached(query)?;
        let rows = statement.query_map([], |row| {
            Ok(KeptAlarm {
                at: Time::from_unix_seconds(row.get(0)?),
                kind: row.get(1)?,
                device: row.get(2)?,
                detail: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Writer<'_> {
    /// Keeps a setting in the place of the one before.
    pub(crate) fn set_device_setting(&mut self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        self.transaction.execute(
            "INSERT INTO device_setting (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = ?2 WHERE value != ?2",
            params![name, value],
        )?;
        Ok(())
    }

    /// Takes a setting away. Answers whether it was there.
    pub(crate) fn remove_device_setting(&mut self, name: &str) -> Result<bool, StoreError> {
        Ok(self.transaction.execute("DELETE FROM device_setting WHERE name = ?1", [name])? > 0)
    }

    /// Keeps an entry of the log, whose id must be that of its content. One that is there stays as it is.
    pub(crate) fn keep_log_entry(
        &mut self,
        id: &[u8; 32],
        content: &[u8],
        signed: &[u8],
    ) -> Result<(), StoreError> {
        if digest(content) != *id {
            return Err(StoreError::Tampered("log_entry"));
        }
        self.transaction.execute(
            "INSERT OR IGNORE INTO log_entry (id, content, signed, added) VALUES (?1, ?2, ?3, ?4)",
            params![id, content, signed, self.now.unix_seconds()],
        )?;
        Ok(())
    }

    /// Keeps a device's note where it is newer than the one that is here.
    pub(crate) fn keep_device_note(
        &mut self,
        device: &[u8; 32],
        counter: i64,
        content: &[u8],
    ) -> Result<(), StoreError> {
        self.transaction.execute(
            "INSERT INTO device_note (device, counter, content) VALUES (?1, ?2, ?3)
             ON CONFLICT (device) DO UPDATE SET counter = ?2, content = ?3 WHERE counter < ?2",
            params![device, counter, content],
        )?;
        Ok(())
    }

    /// Keeps an alarm, once.
    pub(crate) fn keep_device_alarm(&mut self, alarm: &KeptAlarm) -> Result<(), StoreError> {
        let known = "SELECT 1 FROM device_alarm WHERE kind = ?1 AND device IS ?2 AND detail = ?3";
        let is_known = self
            .transaction
            .query_row(known, params![alarm.kind, alarm.device, alarm.detail], |_| Ok(()))
            .optional()?;
        if is_known.is_none() {
            self.transaction.execute(
                "INSERT INTO device_alarm (at, kind, device, detail) VALUES (?1, ?2, ?3, ?4)",
                params![alarm.at.unix_seconds(), alarm.kind, alarm.device, alarm.detail],
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use counterseal_core::secret::SecretBytes;

    use super::super::device_secrets::DeviceSecretKind;
    use super::super::{Opener, Protection};
    use super::*;

    fn now() -> Time {
        Time::from_unix_seconds(1_795_262_400)
    }

    fn filled(home: &std::path::Path, protection: &Protection) -> Store {
        let mut store = Store::create(home, protection, now()).unwrap();
        let secret = SecretBytes::copy_of(b"secret of the device");
        store
            .write(now(), |writer| {
                writer.add_device_secret(DeviceSecretKind::Signing, &[1; 32], &secret)?;
                writer.set_device_setting("certificates", b"certificates")?;
                writer.keep_log_entry(&digest(b"entry"), b"entry", b"signed")?;
                writer.keep_device_note(&[2; 32], 7, b"note")
            })
            .unwrap();
        store
    }

    #[test]
    fn what_is_kept_of_an_account_is_read_back() {
        let home = tempfile::tempdir().unwrap();
        let mut store = filled(home.path(), &Protection::None);
        assert_eq!(store.device_setting("certificates").unwrap().unwrap(), b"certificates");
        assert_eq!(
            store.log_entries().unwrap(),
            [KeptEntry { id: digest(b"entry"), content: b"entry".into() }]
        );
        assert_eq!(store.signed_log_entry(&digest(b"entry")).unwrap().unwrap(), b"signed");
        store
            .write(now(), |writer| {
                writer.keep_device_note(&[2; 32], 6, b"older")?;
                writer.keep_log_entry(&digest(b"entry"), b"entry", b"signed by somebody else")?;
                assert!(writer.keep_log_entry(&[0; 32], b"entry", b"signed").is_err());
                Ok(())
            })
            .unwrap();
        assert_eq!(store.device_notes().unwrap(), [b"note"]);
        assert_eq!(store.signed_log_entry(&digest(b"entry")).unwrap().unwrap(), b"signed");
    }

    #[test]
    fn whoever_changes_the_file_adds_no_device_and_takes_none_away() {
        for change in [
            "UPDATE device_setting SET value = x'00'",
            "DELETE FROM device_note",
            "INSERT INTO log_entry VALUES (zeroblob(32), x'', x'', 0)",
            "UPDATE log_entry SET content = x''",
            "DROP TRIGGER log_entry_stays; DELETE FROM log_entry",
            "DELETE FROM device_secret",
        ] {
            let home = tempfile::tempdir().unwrap();
            drop(filled(home.path(), &Protection::None));
            let raw = Connection::open(home.path().join(super::super::FILE)).unwrap();
            raw.execute_batch(change).unwrap();
            drop(raw);
            let store = Store::open(home.path()).unwrap();
            assert!(matches!(store.log_entries(), Err(StoreError::Tampered(_))), "{change}");
        }
    }

    #[test]
    fn another_master_key_opens_the_secrets_of_the_device() {
        let home = tempfile::tempdir().unwrap();
        let mut store = filled(home.path(), &Protection::None);
        let passphrase = SecretBytes::copy_of(b"correct horse");
        store.renew_master_key(&Protection::Passphrase(passphrase.clone()), now()).unwrap();
        drop(store);
        let store = Store::open(home.path()).unwrap();
        let [kept] = &*store.device_secrets().unwrap() else { unreachable!("one was kept") };
        assert!(matches!(store.open_device_secret(kept), Err(StoreError::Locked)));
        store.unlock(Some(Opener::Passphrase(&passphrase))).unwrap();
        assert_eq!(store.open_device_secret(kept).unwrap().expose(), b"secret of the device");
    }
}
