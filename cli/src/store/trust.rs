//! Trust rows: own addresses, contacts and pins, each signed by the store's trust key.

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::time::Time;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use super::encoding::Encoding;
use super::error::StoreError;
use super::master_key::MasterKey;
use super::schema::VERSION;
use super::{ID_BYTES, Store, Writer};

/// What a trust row says of an address and a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrustKind {
    /// The address is the owner's, and the key stands for the owner.
    Own,
    /// A certificate was taken in for this address.
    Contact,
    /// A person compared the fingerprint.
    Pin,
}

impl TrustKind {
    const fn word(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Contact => "contact",
            Self::Pin => "pin",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Own, Self::Contact, Self::Pin].into_iter().find(|kind| kind.word() == word)
    }
}

/// One row, whose signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TrustRow {
    id: i64,
    /// What it says.
    pub(crate) kind: TrustKind,
    /// Of whom; equal text means the same mailbox.
    pub(crate) address: String,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub(crate) key: [u8; 32],
    /// What it is worth.
    pub(crate) points: i64,
    /// How it came here: `init`, `import`, `mail`, `compared`.
    pub(crate) source: String,
    /// Since when.
    pub(crate) created: Time,
    epoch: i64,
}

const COLUMNS: &str = "id, kind, address, key, points, source, created, epoch, signature";

impl Store {
    /// All trust rows in the order they came.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] where a row is not one that this store signed.
    pub(crate) fn trust_rows(&self) -> Result<Vec<TrustRow>, StoreError> {
        let query = format!("SELECT {COLUMNS} FROM trust ORDER BY id");
        self.read_trust(&query, [])
    }

    /// The trust rows of one address, or of what it is worth for one mailbox.
    pub(crate) fn trust_of(&self, address: &EmailAddress) -> Result<Vec<TrustRow>, StoreError> {
        let query = format!("SELECT {COLUMNS} FROM trust WHERE address = ?1 ORDER BY id");
        self.read_trust(&query, [address.lookup_key()])
    }

    fn read_trust(
        &self,
        query: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<TrustRow>, StoreError> {
        let trust_key = read_trust_key(&self.connection)?;
        let mut statement = self.connection.prepare_cached(query)?;
        let mut rows = statement.query(parameters)?;
        let mut checked = Vec::new();
        while let Some(row) = rows.next()? {
            checked.push(TrustRow::read(row, &self.id, &trust_key)?);
        }
        Ok(checked)
    }
}

impl Writer<'_> {
    /// Adds a trust row. Answers whether it is new; one that is there already stays as it is.
    pub(crate) fn add_trust(
        &mut self,
        kind: TrustKind,
        address: &EmailAddress,
        key: &Fingerprint,
        points: i64,
        source: &str,
    ) -> Result<bool, StoreError> {
        let address = address.lookup_key();
        let found = self
            .transaction
            .query_row(
                "SELECT 1 FROM trust WHERE kind = ?1 AND address = ?2 AND key = ?3",
                params![kind.word(), address, key.sha256()],
                |_| Ok(()),
            )
            .optional()?;
        if found.is_some() {
            return Ok(false);
        }
        let row = TrustRow {
            id: self
                .transaction
                .query_row("SELECT coalesce(max(id), 0) + 1 FROM trust", [], |row| row.get(0))?,
            kind,
            address,
            key: *key.sha256(),
            points,
            source: source.to_owned(),
            created: self.now,
            epoch: self.epoch,
        };
        self.insert_trust(&row)?;
        Ok(true)
    }

    fn insert_trust(&self, row: &TrustRow) -> Result<(), StoreError> {
        let signature = self.master_key.trust().sign(row.encode(self.id).as_bytes()).to_bytes();
        let query = format!("INSERT INTO trust ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
        self.transaction.execute(
            &query,
            params![
                row.id,
                row.kind.word(),
                row.address,
                row.key,
                row.points,
                row.source,
                row.created.unix_seconds(),
                row.epoch,
                signature
            ],
        )?;
        Ok(())
    }
}

impl TrustRow {
    fn read(row: &Row<'_>, store: &[u8; ID_BYTES], trust_key: &VerifyingKey) -> Result<Self, StoreError> {
        let kind: String = row.get(1)?;
        let checked = Self {
            id: row.get(0)?,
            kind: TrustKind::from_word(&kind).ok_or(StoreError::Tampered("trust"))?,
            address: row.get(2)?,
            key: row.get(3)?,
            points: row.get(4)?,
            source: row.get(5)?,
            created: Time::from_unix_seconds(row.get(6)?),
            epoch: row.get(7)?,
        };
        let signature: [u8; 64] = row.get(8)?;
        verify(trust_key, &checked.encode(store), &signature, "trust")?;
        Ok(checked)
    }

    fn encode(&self, store: &[u8; ID_BYTES]) -> Encoding {
        Encoding::of("trust")
            .bytes(store)
            .integer(VERSION)
            .integer(self.id)
            .text(self.kind.word())
            .text(&self.address)
            .bytes(&self.key)
            .integer(self.points)
            .text(&self.source)
            .integer(self.created.unix_seconds())
            .integer(self.epoch)
    }
}

/// What the row of `store` says of the trust rows as a whole.
struct Head {
    created: i64,
    epoch: i64,
    trust_key: [u8; 32],
    rows: i64,
    digest: [u8; 32],
}

impl Head {
    fn encode(&self, store: &[u8; ID_BYTES]) -> Encoding {
        Encoding::of("head")
            .bytes(store)
            .integer(VERSION)
            .integer(self.created)
            .integer(self.epoch)
            .bytes(&self.trust_key)
            .integer(self.rows)
            .bytes(&self.digest)
    }

    fn sign(&self, store: &[u8; ID_BYTES], key: &SigningKey) -> [u8; 64] {
        key.sign(self.encode(store).as_bytes()).to_bytes()
    }
}

/// Makes the head of a new store.
pub(super) fn create_head(
    connection: &Connection,
    store: &[u8; ID_BYTES],
    master_key: &MasterKey,
    now: Time,
) -> Result<(), StoreError> {
    let (rows, digest) = digest_of_rows(connection)?;
    let trust_key = master_key.trust().verifying_key().to_bytes();
    let head = Head { created: now.unix_seconds(), epoch: 0, trust_key, rows, digest };
    connection.execute(
        "INSERT INTO store (only_row, id, created, epoch, trust_key, trust_rows, trust_digest, signature)
         VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            store,
            head.created,
            head.epoch,
            head.trust_key,
            head.rows,
            head.digest,
            head.sign(store, master_key.trust())
        ],
    )?;
    Ok(())
}

/// The epoch that the next change belongs to.
pub(super) fn next_epoch(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.query_row("SELECT epoch + 1 FROM store", [], |row| row.get(0))?)
}

/// Signs the trust rows as they are now.
pub(super) fn write_head(writer: &Writer<'_>) -> Result<(), StoreError> {
    let (rows, digest) = digest_of_rows(&writer.transaction)?;
    let created = writer.transaction.query_row("SELECT created FROM store", [], |row| row.get(0))?;
    let trust = writer.master_key.trust();
    let head =
        Head { created, epoch: writer.epoch, trust_key: trust.verifying_key().to_bytes(), rows, digest };
    writer.transaction.execute(
        "UPDATE store SET epoch = ?1, trust_rows = ?2, trust_digest = ?3, signature = ?4",
        params![head.epoch, head.rows, head.digest, head.sign(writer.id, trust)],
    )?;
    Ok(())
}

/// Checks that the head is signed by the trust key that the master key gives, and that the trust
/// rows are exactly those that it names.
pub(super) fn check_head(
    connection: &Connection,
    store: &[u8; ID_BYTES],
    master_key: &MasterKey,
) -> Result<(), StoreError> {
    let (head, signature) = connection.query_row(
        "SELECT created, epoch, trust_key, trust_rows, trust_digest, signature FROM store",
        [],
        |row| {
            let head = Head {
                created: row.get(0)?,
                epoch: row.get(1)?,
                trust_key: row.get(2)?,
                rows: row.get(3)?,
                digest: row.get(4)?,
            };
            Ok((head, row.get::<_, [u8; 64]>(5)?))
        },
    )?;
    let ours = master_key.trust().verifying_key();
    if head.trust_key != ours.to_bytes() || (head.rows, head.digest) != digest_of_rows(connection)? {
        return Err(StoreError::Tampered("store"));
    }
    verify(&ours, &head.encode(store), &signature, "store")
}

/// Number of the trust rows, and SHA-256 over their signatures in the order of their ids.
fn digest_of_rows(connection: &Connection) -> Result<(i64, [u8; 32]), StoreError> {
    let mut statement = connection.prepare_cached("SELECT signature FROM trust ORDER BY id")?;
    let mut rows = statement.query([])?;
    let (mut count, mut digest) = (0, Sha256::new());
    while let Some(row) = rows.next()? {
        digest.update(row.get::<_, [u8; 64]>(0)?);
        count += 1;
    }
    Ok((count, digest.finalize().into()))
}

fn read_trust_key(connection: &Connection) -> Result<VerifyingKey, StoreError> {
    let bytes: [u8; 32] = connection.query_row("SELECT trust_key FROM store", [], |row| row.get(0))?;
    VerifyingKey::from_bytes(&bytes).map_err(|_| StoreError::Tampered("store"))
}

fn verify(
    key: &VerifyingKey,
    encoding: &Encoding,
    signature: &[u8; 64],
    table: &'static str,
) -> Result<(), StoreError> {
    key.verify_strict(encoding.as_bytes(), &Signature::from_bytes(signature))
        .map_err(|_| StoreError::Tampered(table))
}
