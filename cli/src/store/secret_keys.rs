//! Secret keys at rest: each sealed by itself, none ever deleted.

use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StoreError;
use super::evidence::EvidenceKind;
use super::master_key::MasterKey;
use super::sealed_row::{SealedRow, SealedSecret, next_row};
use super::{ID_BYTES, Store, Writer};

const TABLE: &str = "secret_key";

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyUse {
    /// It issues the person's other certificates, and is what people compare.
    PersonalCa,
    /// Others encrypt to it.
    Encryption,
    /// It signs mail.
    Signing,
}

impl KeyUse {
    /// The word in the table, in JSON and on the screen.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::PersonalCa => "personal-ca",
            Self::Encryption => "encryption",
            Self::Signing => "signing",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::PersonalCa, Self::Encryption, Self::Signing].into_iter().find(|kind| kind.word() == word)
    }
}

/// What is known of a stored key without unlocking anything.
#[derive(Clone, Debug)]
pub(crate) struct StoredKey {
    row: i64,
    /// Of its public half.
    pub(crate) fingerprint: Fingerprint,
    /// What it is for.
    pub(crate) key_use: KeyUse,
    /// DER of its SubjectPublicKeyInfo.
    pub(crate) public_key: Vec<u8>,
    /// When it came into this store.
    pub(crate) created: Time,
    /// Since when it is no longer given to others.
    pub(crate) retired: Option<Time>,
    epoch: i64,
}

const COLUMNS: &str = "id, fingerprint, kind, public_key, created, retired, epoch";

impl Store {
    /// All secret keys but those that were removed, newest first.
    pub(crate) fn secret_keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        // Which of them are retired is what the head is signed for.
        self.trust_rows()?;
        read_all(&self.connection)
    }

    /// Opens one secret key as PKCS#8.
    ///
    /// # Errors
    /// [`StoreError::Locked`], and [`StoreError::Tampered`] where the record is not the one that was
    /// sealed for this row.
    pub(crate) fn open_secret_key(&self, key: &StoredKey) -> Result<SecretBytes, StoreError> {
        key.open(&self.connection, &self.id, self.master_key()?)
    }

    /// The word for the kind of a key.
    pub(super) fn algorithm(&self, key: &StoredKey) -> Result<String, StoreError> {
        let query = "SELECT algorithm FROM secret_key WHERE id = ?1";
        Ok(self.connection.query_row(query, [key.row], |row| row.get(0))?)
    }
}

/// All of them, whatever the head is signed for.
pub(super) fn read_all(connection: &Connection) -> Result<Vec<StoredKey>, StoreError> {
    let query = format!(
        "SELECT {COLUMNS} FROM secret_key WHERE wrapped_data_key != x''
             OR fingerprint NOT IN (SELECT name FROM evidence WHERE kind = 'removed-key')
         ORDER BY created DESC, id DESC"
    );
    let mut statement = connection.prepare(&query)?;
    let mut rows = statement.query([])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        keys.push(StoredKey::read(row)?);
    }
    Ok(keys)
}

impl Writer<'_> {
    /// Adds a secret key, given as PKCS#8. One that is there already stays as it is.
    pub(crate) fn add_secret_key(
        &mut self,
        key_use: KeyUse,
        algorithm: &str,
        public_key: &[u8],
        pkcs8: &SecretBytes,
    ) -> Result<bool, StoreError> {
        let fingerprint = Fingerprint::of_public_key(public_key);
        let found = self
            .transaction
            .query_row("SELECT 1 FROM secret_key WHERE fingerprint = ?1", [fingerprint.sha256()], |_| Ok(()))
            .optional()?;
        if found.is_some() {
            let removed = self.is_removed(&fingerprint)?;
            return if removed { Err(StoreError::KeyRemoved) } else { Ok(false) };
        }
        let row = next_row(&self.transaction, TABLE)?;
        let key = StoredKey {
            row,
            fingerprint,
            key_use,
            public_key: public_key.to_vec(),
            created: self.now,
            retired: None,
            epoch: self.epoch,
        };
        self.insert_secret_key(&key, algorithm, pkcs8)?;
        self.sign_key(&key.fingerprint, &key.public_key)?;
        Ok(true)
    }

    /// Marks a key as one for old mail alone. Answers whether it was in use until now.
    pub(crate) fn retire(&mut self, key: &Fingerprint) -> Result<bool, StoreError> {
        let retired = self.transaction.execute(
            "UPDATE secret_key SET retired = ?2 WHERE fingerprint = ?1 AND retired IS NULL",
            params![key.sha256(), self.now.unix_seconds()],
        )?;
        if retired == 1 {
            self.sign_retirement(key.sha256(), self.now.unix_seconds())?;
        }
        Ok(retired == 1)
    }

    /// Destroys a secret key: the data key that alone opens its record is erased. The row stays, and a
    /// tombstone for which the head is signed, so that nobody else can make a key disappear like this.
    pub(crate) fn remove_secret_key(&mut self, key: &StoredKey) -> Result<(), StoreError> {
        let fingerprint = key.fingerprint.sha256();
        self.keep_evidence(EvidenceKind::RemovedKey, fingerprint, key.key_use.word().as_bytes())?;
        self.transaction
            .execute("UPDATE secret_key SET wrapped_data_key = x'' WHERE fingerprint = ?1", [fingerprint])?;
        Ok(())
    }

    fn is_removed(&self, key: &Fingerprint) -> Result<bool, StoreError> {
        let query = "SELECT EXISTS (SELECT 1 FROM evidence WHERE kind = 'removed-key' AND name = ?1)";
        Ok(self.transaction.query_row(query, [key.sha256()], |row| row.get(0))?)
    }

    /// Takes over a key of another store, with its times.
    pub(super) fn take_secret_key(
        &mut self,
        key: &StoredKey,
        algorithm: &str,
        pkcs8: &SecretBytes,
    ) -> Result<(), StoreError> {
        let row = next_row(&self.transaction, TABLE)?;
        self.insert_secret_key(&StoredKey { row, epoch: self.epoch, ..key.clone() }, algorithm, pkcs8)?;
        self.sign_key(&key.fingerprint, &key.public_key)?;
        match key.retired {
            Some(at) => self.sign_retirement(key.fingerprint.sha256(), at.unix_seconds()),
            None => Ok(()),
        }
    }

    /// Wraps every data key under another master key, and opens every record by it. The records stay as they are.
    pub(super) fn rewrap_secret_keys(&self, fresh: &MasterKey) -> Result<(), StoreError> {
        for key in read_all(&self.transaction)? {
            key.sealed_row().rewrap(&self.transaction, self.id, &self.master_key, fresh)?;
        }
        Ok(())
    }

    fn insert_secret_key(
        &self,
        key: &StoredKey,
        algorithm: &str,
        pkcs8: &SecretBytes,
    ) -> Result<(), StoreError> {
        let SealedSecret { wrapped_data_key, sealed } =
            key.sealed_row().seal(self.id, &self.master_key, pkcs8);
        self.transaction.execute(
            "INSERT INTO secret_key
             (id, fingerprint, kind, algorithm, public_key, created, epoch, retired, wrapped_data_key, sealed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                key.row,
                key.fingerprint.sha256(),
                key.key_use.word(),
                algorithm,
                key.public_key,
                key.created.unix_seconds(),
                key.epoch,
                key.retired.map(Time::unix_seconds),
                wrapped_data_key,
                sealed
            ],
        )?;
        Ok(())
    }
}

impl StoredKey {
    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        let (fingerprint, kind): ([u8; 32], String) = (row.get(1)?, row.get(2)?);
        let public_key: Vec<u8> = row.get(3)?;
        let of_public_key = Fingerprint::of_public_key(&public_key);
        let key_use = KeyUse::from_word(&kind);
        let key_use = key_use.filter(|_| of_public_key.sha256() == &fingerprint);
        Ok(Self {
            row: row.get(0)?,
            fingerprint: of_public_key,
            key_use: key_use.ok_or(StoreError::Tampered(TABLE))?,
            public_key,
            created: Time::from_unix_seconds(row.get(4)?),
            retired: row.get::<_, Option<i64>>(5)?.map(Time::from_unix_seconds),
            epoch: row.get(6)?,
        })
    }

    /// Opens the record by this master key.
    pub(super) fn open(
        &self,
        connection: &Connection,
        store: &[u8; ID_BYTES],
        master_key: &MasterKey,
    ) -> Result<SecretBytes, StoreError> {
        self.sealed_row().open(connection, store, master_key)
    }

    fn sealed_row(&self) -> SealedRow<'_> {
        SealedRow {
            table: TABLE,
            row: self.row,
            name: self.fingerprint.sha256(),
            kind: self.key_use.word(),
            created: self.created.unix_seconds(),
            epoch: self.epoch,
        }
    }
}
