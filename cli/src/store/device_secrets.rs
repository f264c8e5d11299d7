//! Secrets of this device that are no mail keys: its own three keys, and the secrets of the account's log.
//!
//! Sealed as the mail keys are. A mail key stays for ever, because old mail needs it; of these, a key to encapsulate to
//! goes when nothing that was sealed to it can still come.

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use rusqlite::{Connection, OptionalExtension, params};

use super::encoding::Encoding;
use super::error::StoreError;
use super::master_key::MasterKey;
use super::sealed_row::{SealedRow, SealedSecret, next_row};
use super::{Store, Writer};

const TABLE: &str = "device_secret";

/// What a secret is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeviceSecretKind {
    /// The key that signs for this device.
    Signing,
    /// The P-256 key that others seal to.
    Agreement,
    /// An ML-KEM-768 key that others seal to, or sealed to before.
    Encapsulation,
    /// The secret of the log in one of its epochs.
    LogSecret,
}

impl DeviceSecretKind {
    const ALL: [Self; 4] = [Self::Signing, Self::Agreement, Self::Encapsulation, Self::LogSecret];

    /// The word in the table.
    const fn word(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::Agreement => "agreement",
            Self::Encapsulation => "encapsulation",
            Self::LogSecret => "log-secret",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// One of them, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceSecret {
    row: i64,
    /// What it is.
    pub(crate) kind: DeviceSecretKind,
    /// SHA-256 of the SubjectPublicKeyInfo, or the id of a log secret.
    pub(crate) name: [u8; 32],
    created: i64,
    epoch: i64,
}

impl DeviceSecret {
    /// What the head is signed for.
    pub(super) fn encode(&self) -> Encoding {
        Encoding::of("device-secret")
            .integer(self.row)
            .text(self.kind.word())
            .bytes(&self.name)
            .integer(self.created)
            .integer(self.epoch)
    }

    fn sealed_row(&self) -> SealedRow<'_> {
        SealedRow {
            table: TABLE,
            row: self.row,
            name: &self.name,
            kind: self.kind.word(),
            created: self.created,
            epoch: self.epoch,
        }
    }
}

/// All of them, in the order they came.
pub(super) fn read_all(connection: &Connection) -> Result<Vec<DeviceSecret>, StoreError> {
    let query = "SELECT id, kind, name, created, epoch FROM device_secret ORDER BY id";
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query([])?;
    let mut secrets = Vec::new();
    while let Some(row) = rows.next()? {
        let kind: String = row.get(1)?;
        secrets.push(DeviceSecret {
            row: row.get(0)?,
            kind: DeviceSecretKind::from_word(&kind).ok_or(StoreError::Tampered(TABLE))?,
            name: row.get(2)?,
            created: row.get(3)?,
            epoch: row.get(4)?,
        });
    }
    Ok(secrets)
}

impl Store {
    /// What is known of them without unlocking, oldest first.
    pub(crate) fn device_secrets(&self) -> Result<Vec<DeviceSecret>, StoreError> {
        self.trust_rows()?;
        read_all(&self.connection)
    }

    /// Opens one: PKCS#8 of a key, the 32 bytes of a log secret.
    ///
    /// # Errors
    /// [`StoreError::Locked`], and [`StoreError::Tampered`].
    pub(crate) fn open_device_secret(&self, secret: &DeviceSecret) -> Result<SecretBytes, StoreError> {
        secret.sealed_row().open(&self.connection, &self.id, self.master_key()?)
    }
}

impl Writer<'_> {
    /// Seals a secret. One of that name that is there already stays as it is.
    pub(crate) fn add_device_secret(
        &mut self,
        kind: DeviceSecretKind,
        name: &[u8; 32],
        secret: &SecretBytes,
    ) -> Result<bool, StoreError> {
        let query = "SELECT 1 FROM device_secret WHERE name = ?1";
        if self.transaction.query_row(query, [name], |_| Ok(())).optional()?.is_some() {
            return Ok(false);
        }
        let row = next_row(&self.transaction, TABLE)?;
        let (created, epoch) = (self.now.unix_seconds(), self.epoch);
        let kept = DeviceSecret { row, kind, name: *name, created, epoch };
        let SealedSecret { wrapped_data_key, sealed } =
            kept.sealed_row().seal(self.id, &self.master_key, secret);
        self.transaction.execute(
            "INSERT INTO device_secret (id, kind, name, created, epoch, wrapped_data_key, sealed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![row, kind.word(), name, created, epoch, wrapped_data_key, sealed],
        )?;
        Ok(true)
    }

    /// Erases the keys to encapsulate to that were made before `since`, except the one of that name.
    pub(crate) fn forget_encapsulation_keys(
        &mut self,
        since: Time,
        except: &[u8; 32],
    ) -> Result<usize, StoreError> {
        Ok(self.transaction.execute(
            "DELETE FROM device_secret WHERE kind = 'encapsulation' AND created < ?1 AND name != ?2",
            params![since.unix_seconds(), except],
        )?)
    }

    /// Wraps every data key under another master key, and opens every record by it.
    pub(super) fn rewrap_device_secrets(&self, fresh: &MasterKey) -> Result<(), StoreError> {
        for secret in read_all(&self.transaction)? {
            secret.sealed_row().rewrap(&self.transaction, self.id, &self.master_key, fresh)?;
        }
        Ok(())
    }
}
