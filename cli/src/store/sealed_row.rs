//! A row whose secret is sealed for that row alone: by a data key of its own, which the master key wraps.

use counterseal_core::secret::SecretBytes;
use rusqlite::{Connection, params};

use super::ID_BYTES;
use super::encoding::Encoding;
use super::error::StoreError;
use super::master_key::MasterKey;
use super::schema::SEAL_VERSION;
use super::sealed::SealingKey;

/// Where a secret belongs: it opens nowhere else. The table has the columns `wrapped_data_key` and `sealed`.
pub(super) struct SealedRow<'a> {
    /// The table, which errors name.
    pub(super) table: &'static str,
    /// Its number in the table.
    pub(super) row: i64,
    /// What names the secret.
    pub(super) name: &'a [u8; 32],
    /// The word for what it is.
    pub(super) kind: &'static str,
    /// When it came, in seconds since 1970.
    pub(super) created: i64,
    /// The epoch of the store in which it came.
    pub(super) epoch: i64,
}

/// What the two columns hold.
pub(super) struct SealedSecret {
    /// The data key, under the master key.
    pub(super) wrapped_data_key: Vec<u8>,
    /// The secret, under the data key.
    pub(super) sealed: Vec<u8>,
}

impl SealedRow<'_> {
    /// Seals a secret for this row.
    pub(super) fn seal(
        &self,
        store: &[u8; ID_BYTES],
        master_key: &MasterKey,
        secret: &SecretBytes,
    ) -> SealedSecret {
        let data_key = SealingKey::generate();
        SealedSecret {
            wrapped_data_key: self.wrap(store, master_key, &data_key),
            sealed: data_key.seal(&self.place(store, "record"), secret.expose()),
        }
    }

    /// Opens what is in the row.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] where it was not sealed for this row.
    pub(super) fn open(
        &self,
        connection: &Connection,
        store: &[u8; ID_BYTES],
        master_key: &MasterKey,
    ) -> Result<SecretBytes, StoreError> {
        let data_key = self.data_key(connection, store, master_key)?;
        let sealed = self.column(connection, "sealed")?;
        data_key.open(&self.place(store, "record"), &sealed).map_err(|_| StoreError::Tampered(self.table))
    }

    /// Wraps the data key under another master key, and opens the row by it. The sealed secret stays as it is.
    pub(super) fn rewrap(
        &self,
        connection: &Connection,
        store: &[u8; ID_BYTES],
        former: &MasterKey,
        fresh: &MasterKey,
    ) -> Result<(), StoreError> {
        let data_key = self.data_key(connection, store, former)?;
        connection.execute(
            &format!("UPDATE {} SET wrapped_data_key = ?2 WHERE id = ?1", self.table),
            params![self.row, self.wrap(store, fresh, &data_key)],
        )?;
        self.open(connection, store, fresh).map(drop)
    }

    fn wrap(&self, store: &[u8; ID_BYTES], master_key: &MasterKey, data_key: &SealingKey) -> Vec<u8> {
        master_key.records().seal(&self.place(store, "data key"), data_key.expose())
    }

    fn data_key(
        &self,
        connection: &Connection,
        store: &[u8; ID_BYTES],
        master_key: &MasterKey,
    ) -> Result<SealingKey, StoreError> {
        let wrapped = self.column(connection, "wrapped_data_key")?;
        let opened = master_key.records().open_key(&self.place(store, "data key"), &wrapped);
        opened.map_err(|_| StoreError::Tampered(self.table))
    }

    fn column(&self, connection: &Connection, column: &str) -> Result<Vec<u8>, StoreError> {
        let query = format!("SELECT {column} FROM {} WHERE id = ?1", self.table);
        Ok(connection.query_row(&query, [self.row], |row| row.get(0))?)
    }

    fn place(&self, store: &[u8; ID_BYTES], purpose: &str) -> Encoding {
        Encoding::of(purpose)
            .bytes(store)
            .integer(SEAL_VERSION)
            .text(self.table)
            .integer(self.row)
            .bytes(self.name)
            .text(self.kind)
            .integer(self.created)
            .integer(self.epoch)
    }
}

/// The number that the next row of a table gets.
pub(super) fn next_row(connection: &Connection, table: &str) -> Result<i64, StoreError> {
    let query = format!("SELECT coalesce(max(id), 0) + 1 FROM {table}");
    Ok(connection.query_row(&query, [], |row| row.get(0))?)
}
