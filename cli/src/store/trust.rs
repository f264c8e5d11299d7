//! Trust rows: own addresses, contacts and pins, signed by the store's trust key together with the
//! evidence, the history's end and what the history comes to.
//!
//! One signature over all of them, not one for each: a reader checks a thousand contacts in the time
//! of one verification, and a row that was removed is noticed like one that was changed.

use std::sync::Arc;

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::time::Time;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use sha2::{Digest, Sha256};

use super::account::AccountRows;
use super::encoding::Encoding;
use super::error::StoreError;
use super::evidence::{self, EvidenceRow};
use super::history::{self, HistoryEnd, KeptCorrespondence};
use super::master_key::MasterKey;
use super::retired;
use super::schema::SEAL_VERSION;
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
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Contact => "contact",
            Self::Pin => "pin",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Own, Self::Contact, Self::Pin].into_iter().find(|kind| kind.word() == word)
    }
}

/// One row.
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
    /// DER of the SMIMECapabilities that the contact announced last.
    pub(crate) capabilities: Option<Vec<u8>>,
    /// When the contact signed that it announces them.
    pub(crate) announced: Option<Time>,
}

/// What is to be added.
#[derive(Clone, Debug)]
pub(crate) struct NewTrust<'a> {
    pub(crate) kind: TrustKind,
    pub(crate) address: &'a EmailAddress,
    pub(crate) key: &'a Fingerprint,
    pub(crate) points: i64,
    pub(crate) source: &'a str,
    pub(crate) capabilities: Option<&'a [u8]>,
    /// When they were signed.
    pub(crate) announced: Option<Time>,
}

const COLUMNS: &str = "id, kind, address, key, points, source, created, capabilities, announced";

impl Store {
    /// All trust rows in the order they came.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] where they are not exactly those that this store signed.
    pub(crate) fn trust_rows(&self) -> Result<Vec<TrustRow>, StoreError> {
        // One transaction, so that rows and head are of the same moment.
        let transaction = self.connection.unchecked_transaction()?;
        self.signed(&transaction).map(|signed| signed.rows.clone())
    }

    /// Everything that the head is signed for, as a transaction sees it. A command asks a dozen times
    /// what it knows of people; rows that nobody changed since are not read and digested again.
    pub(super) fn signed(&self, transaction: &Transaction<'_>) -> Result<Arc<Signed>, StoreError> {
        // The head is read first: from then on the transaction sees one moment.
        let (head, signature) = Head::read(transaction)?;
        let moment = Moment {
            signature,
            by_others: transaction.pragma_query_value(None, "data_version", |row| row.get(0))?,
            by_us: transaction.total_changes(),
        };
        if let Some((_, signed)) = self.verified.borrow().as_ref().filter(|(known, _)| *known == moment) {
            return Ok(Arc::clone(signed));
        }
        let signed = Arc::new(Signed::read(transaction)?);
        let trust_key =
            VerifyingKey::from_bytes(&head.trust_key).map_err(|_| StoreError::Tampered("store"))?;
        head.check(&self.id, &signed, &trust_key, &signature)?;
        retired::check(transaction)?;
        *self.verified.borrow_mut() = Some((moment, Arc::clone(&signed)));
        Ok(signed)
    }
}

/// By what a change of the file is noticed: the head, what SQLite says of other connections, and our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    signature: [u8; 64],
    by_others: i64,
    by_us: u64,
}

impl Writer<'_> {
    /// Adds a trust row. Answers whether anything changed: one that is there already stays as it
    /// is, except that newer capabilities replace older ones.
    pub(crate) fn add_trust(&mut self, new: &NewTrust<'_>) -> Result<bool, StoreError> {
        let address = new.address.lookup_key();
        let announced = new.announced.map(Time::unix_seconds);
        let key = (new.kind.word(), &address, new.key.sha256());
        let found: Option<(i64, Option<Vec<u8>>)> = self
            .transaction
            .query_row(
                "SELECT id, capabilities FROM trust WHERE kind = ?1 AND address = ?2 AND key = ?3",
                params![key.0, key.1, key.2],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        match (found, new.capabilities) {
            (Some((id, before)), Some(capabilities)) if before.as_deref() != Some(capabilities) => {
                self.transaction.execute(
                    "UPDATE trust SET capabilities = ?2, announced = ?3 WHERE id = ?1",
                    params![id, capabilities, announced],
                )?;
                Ok(true)
            }
            (Some(_), _) => Ok(false),
            (None, capabilities) => {
                self.transaction.execute(
                    "INSERT INTO trust (kind, address, key, points, source, created, capabilities, announced)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                    params![
                        key.0,
                        key.1,
                        key.2,
                        new.points,
                        new.source,
                        self.now.unix_seconds(),
                        capabilities,
                        announced
                    ],
                )?;
                Ok(true)
            }
        }
    }
}

impl Writer<'_> {
    /// Takes away every pin of an address: the person compared another fingerprint. Answers with the keys.
    pub(crate) fn remove_pins(&mut self, address: &EmailAddress) -> Result<Vec<[u8; 32]>, StoreError> {
        let mut statement = self
            .transaction
            .prepare_cached("DELETE FROM trust WHERE kind = ?1 AND address = ?2 RETURNING key")?;
        let rows =
            statement.query_map(params![TrustKind::Pin.word(), address.lookup_key()], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Takes away that a key is a contact's.
    pub(crate) fn remove_contact(
        &mut self,
        address: &EmailAddress,
        key: &[u8; 32],
    ) -> Result<(), StoreError> {
        self.transaction.execute(
            "DELETE FROM trust WHERE kind = ?1 AND address = ?2 AND key = ?3",
            params![TrustKind::Contact.word(), address.lookup_key(), key],
        )?;
        Ok(())
    }

    /// Takes away the pin of one key. Answers whether it was there.
    pub(crate) fn remove_pin(&mut self, address: &EmailAddress, key: &[u8; 32]) -> Result<bool, StoreError> {
        let removed = self.transaction.execute(
            "DELETE FROM trust WHERE kind = ?1 AND address = ?2 AND key = ?3",
            params![TrustKind::Pin.word(), address.lookup_key(), key],
        )?;
        Ok(removed > 0)
    }
}

/// Everything that the head is signed for.
pub(super) struct Signed {
    rows: Vec<TrustRow>,
    evidence: Vec<EvidenceRow>,
    pub(super) correspondence: Vec<KeptCorrespondence>,
    history: HistoryEnd,
    account: AccountRows,
}

impl Signed {
    fn read(connection: &Connection) -> Result<Self, StoreError> {
        Ok(Self {
            rows: read_rows(connection)?,
            evidence: evidence::read_rows(connection)?,
            correspondence: history::read_correspondence(connection)?,
            history: history::end(connection)?,
            account: AccountRows::read(connection)?,
        })
    }

    fn count(&self) -> i64 {
        let rows = self.rows.len() + self.evidence.len() + self.correspondence.len() + self.account.count();
        i64::try_from(rows as u64 + self.history.head.length).unwrap_or(i64::MAX)
    }

    /// SHA-256 over all rows in the order of their ids, the end of the history, and the account. Without evidence,
    /// history and account it is what the first version of the tables had.
    fn digest(&self) -> [u8; 32] {
        let rows = self.rows.iter().map(TrustRow::encode);
        let evidence = self.evidence.iter().map(EvidenceRow::encode);
        let mut digest = Sha256::new();
        let correspondence = self.correspondence.iter().map(KeptCorrespondence::encode);
        let history = self.history.encode();
        for encoding in rows.chain(evidence).chain(correspondence).chain(history).chain(self.account.encode())
        {
            digest.update(encoding.as_bytes());
        }
        digest.finalize().into()
    }
}

fn read_rows(connection: &Connection) -> Result<Vec<TrustRow>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM trust ORDER BY id"))?;
    let mut rows = statement.query([])?;
    let mut read = Vec::new();
    while let Some(row) = rows.next()? {
        read.push(TrustRow::read(row)?);
    }
    Ok(read)
}

impl TrustRow {
    /// Whether it is about a key.
    pub(super) fn is_about(&self, key: &Fingerprint) -> bool {
        self.key == *key.sha256()
    }

    /// The address, where it is one.
    pub(super) fn parsed_address(&self) -> Option<EmailAddress> {
        EmailAddress::parse(&self.address).ok()
    }

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        let kind: String = row.get(1)?;
        Ok(Self {
            id: row.get(0)?,
            kind: TrustKind::from_word(&kind).ok_or(StoreError::Tampered("trust"))?,
            address: row.get(2)?,
            key: row.get(3)?,
            points: row.get(4)?,
            source: row.get(5)?,
            created: Time::from_unix_seconds(row.get(6)?),
            capabilities: row.get(7)?,
            announced: row.get::<_, Option<i64>>(8)?.map(Time::from_unix_seconds),
        })
    }

    fn encode(&self) -> Encoding {
        let encoding = Encoding::of("trust")
            .integer(self.id)
            .text(self.kind.word())
            .text(&self.address)
            .bytes(&self.key)
            .integer(self.points)
            .text(&self.source)
            .integer(self.created.unix_seconds())
            .optional_bytes(self.capabilities.as_deref());
        // Where nothing is known of it, the row is what it was before there was such a column.
        match self.announced {
            Some(announced) => encoding.integer(announced.unix_seconds()),
            None => encoding,
        }
    }
}

/// What the row of `store` says of the trust rows as a whole.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) created: i64,
    pub(super) epoch: i64,
    pub(super) trust_key: [u8; 32],
    pub(super) rows: i64,
    pub(super) digest: [u8; 32],
}

/// A head, and the signature of the trust key that it names.
#[derive(Clone, Debug)]
pub(super) struct SignedHead {
    pub(super) head: Head,
    pub(super) signature: [u8; 64],
}

impl SignedHead {
    /// Whether the key that it names signed it for this store.
    pub(super) fn is_signed_for(&self, store: &[u8; ID_BYTES]) -> bool {
        let encoding = self.head.encode(store);
        let signature = Signature::from_bytes(&self.signature);
        VerifyingKey::from_bytes(&self.head.trust_key)
            .is_ok_and(|key| key.verify_strict(encoding.as_bytes(), &signature).is_ok())
    }
}

impl Head {
    fn encode(&self, store: &[u8; ID_BYTES]) -> Encoding {
        Encoding::of("head")
            .bytes(store)
            .integer(SEAL_VERSION)
            .integer(self.created)
            .integer(self.epoch)
            .bytes(&self.trust_key)
            .integer(self.rows)
            .bytes(&self.digest)
    }

    fn of(signed: &Signed, trust: &SigningKey, created: i64, epoch: i64) -> Self {
        let (rows, digest) = (signed.count(), signed.digest());
        Self { created, epoch, trust_key: trust.verifying_key().to_bytes(), rows, digest }
    }

    pub(super) fn read(connection: &Connection) -> Result<(Self, [u8; 64]), StoreError> {
        let query = "SELECT created, epoch, trust_key, trust_rows, trust_digest, signature FROM store";
        let read = connection.query_row(query, [], |row| {
            let head = Self {
                created: row.get(0)?,
                epoch: row.get(1)?,
                trust_key: row.get(2)?,
                rows: row.get(3)?,
                digest: row.get(4)?,
            };
            Ok((head, row.get(5)?))
        })?;
        Ok(read)
    }

    fn sign(&self, store: &[u8; ID_BYTES], key: &SigningKey) -> [u8; 64] {
        key.sign(self.encode(store).as_bytes()).to_bytes()
    }

    /// Whether these are the rows that the head was signed for.
    fn check(
        &self,
        store: &[u8; ID_BYTES],
        signed: &Signed,
        trust_key: &VerifyingKey,
        signature: &[u8; 64],
    ) -> Result<(), StoreError> {
        trust_key
            .verify_strict(self.encode(store).as_bytes(), &Signature::from_bytes(signature))
            .map_err(|_| StoreError::Tampered("store"))?;
        let same = self.rows == signed.count() && self.digest == signed.digest();
        if same { Ok(()) } else { Err(StoreError::Tampered("trust")) }
    }
}

/// Makes the head of a new store.
pub(super) fn create_head(
    connection: &Connection,
    store: &[u8; ID_BYTES],
    master_key: &MasterKey,
    now: Time,
) -> Result<SignedHead, StoreError> {
    let head = Head::of(&Signed::read(connection)?, master_key.trust(), now.unix_seconds(), 0);
    let signature = head.sign(store, master_key.trust());
    connection.execute(
        "INSERT INTO store (only_row, id, created, epoch, trust_key, trust_rows, trust_digest, signature)
         VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![store, head.created, head.epoch, head.trust_key, head.rows, head.digest, signature],
    )?;
    Ok(SignedHead { head, signature })
}

/// The epoch that the next change belongs to.
pub(super) fn next_epoch(connection: &Connection) -> Result<i64, StoreError> {
    let epoch: i64 = connection.query_row("SELECT epoch FROM store", [], |row| row.get(0))?;
    epoch.checked_add(1).ok_or(StoreError::Tampered("store"))
}

/// Signs the trust rows as they are now, under the writer's epoch.
pub(super) fn write_head(writer: &Writer<'_>) -> Result<SignedHead, StoreError> {
    let signed = Signed::read(&writer.transaction)?;
    let created = writer.transaction.query_row("SELECT created FROM store", [], |row| row.get(0))?;
    let head = Head::of(&signed, writer.master_key.trust(), created, writer.epoch);
    let signature = head.sign(writer.id, writer.master_key.trust());
    writer.transaction.execute(
        "UPDATE store SET epoch = ?1, trust_key = ?2, trust_rows = ?3, trust_digest = ?4, signature = ?5",
        params![head.epoch, head.trust_key, head.rows, head.digest, signature],
    )?;
    Ok(SignedHead { head, signature })
}

/// Checks that the trust key in the file is the one that the master key gives: whoever replaced the
/// rows and the head by their own is found out here.
pub(super) fn check_head(
    connection: &Connection,
    store: &[u8; ID_BYTES],
    master_key: &MasterKey,
) -> Result<(), StoreError> {
    let (head, signature) = Head::read(connection)?;
    let ours = master_key.trust().verifying_key();
    if head.trust_key != ours.to_bytes() {
        return Err(StoreError::Tampered("store"));
    }
    head.check(store, &Signed::read(connection)?, &ours, &signature)?;
    retired::check(connection)
}
