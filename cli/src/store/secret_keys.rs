//! Secret keys at rest: each sealed by itself, none ever deleted.

use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use rusqlite::{OptionalExtension, Row, params};

use super::encoding::Encoding;
use super::error::StoreError;
use super::evidence::EvidenceKind;
use super::schema::SEAL_VERSION;
use super::sealed::SealingKey;
use super::{ID_BYTES, Store, Writer};

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
        let query = format!(
            "SELECT {COLUMNS} FROM secret_key WHERE wrapped_data_key != x''
                 OR fingerprint NOT IN (SELECT name FROM evidence WHERE kind = 'removed-key')
             ORDER BY created DESC, id DESC"
        );
        let mut statement = self.connection.prepare(&query)?;
        let mut rows = statement.query([])?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next()? {
            keys.push(StoredKey::read(row)?);
        }
        Ok(keys)
    }

    /// Opens one secret key as PKCS#8.
    ///
    /// # Errors
    /// [`StoreError::Locked`], and [`StoreError::Tampered`] where the record is not the one that was
    /// sealed for this row.
    pub(crate) fn open_secret_key(&self, key: &StoredKey) -> Result<SecretBytes, StoreError> {
        let master_key = self.master_key()?;
        let (wrapped, sealed): (Vec<u8>, Vec<u8>) = self.connection.query_row(
            "SELECT wrapped_data_key, sealed FROM secret_key WHERE id = ?1",
            [key.row],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let place = |purpose| key.place(&self.id, purpose);
        master_key
            .records()
            .open_key(&place("data key"), &wrapped)
            .and_then(|data_key| data_key.open(&place("record"), &sealed))
            .map_err(|_| StoreError::Tampered("secret_key"))
    }
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
        let row =
            self.transaction
                .query_row("SELECT coalesce(max(id), 0) + 1 FROM secret_key", [], |row| row.get(0))?;
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
        Ok(true)
    }

    /// Marks a key as one for old mail alone. Answers whether it was in use until now.
    pub(crate) fn retire(&mut self, key: &Fingerprint) -> Result<bool, StoreError> {
        let retired = self.transaction.execute(
            "UPDATE secret_key SET retired = ?2 WHERE fingerprint = ?1 AND retired IS NULL",
            params![key.sha256(), self.now.unix_seconds()],
        )?;
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

    fn insert_secret_key(
        &self,
        key: &StoredKey,
        algorithm: &str,
        pkcs8: &SecretBytes,
    ) -> Result<(), StoreError> {
        let data_key = SealingKey::generate();
        let sealed = data_key.seal(&key.place(self.id, "record"), pkcs8.expose());
        let wrapped = self.master_key.records().seal(&key.place(self.id, "data key"), data_key.expose());
        self.transaction.execute(
            "INSERT INTO secret_key
             (id, fingerprint, kind, algorithm, public_key, created, epoch, retired, wrapped_data_key, sealed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL, ?8, ?9)",
            params![
                key.row,
                key.fingerprint.sha256(),
                key.key_use.word(),
                algorithm,
                key.public_key,
                key.created.unix_seconds(),
                key.epoch,
                wrapped,
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
            key_use: key_use.ok_or(StoreError::Tampered("secret_key"))?,
            public_key,
            created: Time::from_unix_seconds(row.get(4)?),
            retired: row.get::<_, Option<i64>>(5)?.map(Time::from_unix_seconds),
            epoch: row.get(6)?,
        })
    }

    /// Where the record belongs: it does not open anywhere else.
    fn place(&self, store: &[u8; ID_BYTES], purpose: &str) -> Encoding {
        Encoding::of(purpose)
            .bytes(store)
            .integer(SEAL_VERSION)
            .text("secret_key")
            .integer(self.row)
            .bytes(self.fingerprint.sha256())
            .text(self.key_use.word())
            .integer(self.created.unix_seconds())
            .integer(self.epoch)
    }
}
