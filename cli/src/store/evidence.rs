//! Evidence that is kept whole: the CAs and the people that the person relies on, and OpenPGP certificates.
//!
//! The head of the store is signed for the digests of all of it; the content itself is looked at
//! where it is used, so that large evidence costs nothing where nobody asks for it.

use counterseal_core::time::Time;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::encoding::Encoding;
use super::error::StoreError;
use super::{Store, Writer};

/// What a row holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EvidenceKind {
    /// A CA that the person or the organisation relies on. The name is the SHA-256 of its key.
    Anchor,
    /// An OpenPGP certificate whose certifications count. The name is its fingerprint.
    Introducer,
    /// The packets of an introducer's certificate, by which what they sign is checked. The name is its fingerprint.
    Signer,
    /// What the network said of a key. The name is a digest of the address, the key and the source.
    LookUp,
    /// What was verified of an OpenPGP certificate. The name is its fingerprint.
    OpenPgpCertificate,
    /// A contact whose statements count. The name is the SHA-256 of the key that stands for them.
    Contact,
    /// A signed statement. The name is its SHA-256.
    Statement,
    /// What goes along with the owner's signatures. The name is chosen by what it is.
    Carried,
    /// A time stamping authority that is believed. The name is the SHA-256 of its key.
    Witness,
    /// A time stamp of the history. The name is that of the witness, and the number of entries.
    TimeStamp,
    /// What a personal CA of ours revoked. The name is the SHA-256 of its key.
    RevocationList,
    /// A secret key of ours that was destroyed. The name is its SHA-256.
    RemovedKey,
    /// Where a secret key of ours is that is on a token. The name is its SHA-256.
    TokenKey,
    /// That a secret key of ours is here. The name is its SHA-256, or `all`.
    KeptKey,
    /// That a secret key of ours is retired; since when is the content, in 8 octets. The name is its SHA-256, or
    /// `all`.
    RetiredKey,
    /// That a contact's certificate was seen; when is what the row says. The name is the SHA-256 of its DER.
    CertificateSeen,
    /// That a contact's key was exposed; since when is what the row says. The name is the SHA-256 of the
    /// content.
    Exposure,
    /// A time stamp of a certificate or a statement. The name is that of the witness, and the SHA-256 of what
    /// was stamped.
    EvidenceTimeStamp,
    /// That a backup was made. The name is `last`.
    Backup,
}

impl EvidenceKind {
    /// What is known of others; the rest is about the owner, or about this store.
    pub(super) const OF_OTHERS: [Self; 11] = [
        Self::Anchor,
        Self::Introducer,
        Self::Signer,
        Self::LookUp,
        Self::OpenPgpCertificate,
        Self::Contact,
        Self::Statement,
        Self::Witness,
        Self::CertificateSeen,
        Self::Exposure,
        Self::EvidenceTimeStamp,
    ];

    /// The kind of what is known of others, by its word.
    pub(crate) fn of_others(word: &str) -> Option<Self> {
        Self::OF_OTHERS.into_iter().find(|kind| kind.word() == word)
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Anchor => "anchor",
            Self::Introducer => "introducer",
            Self::Signer => "signer",
            Self::LookUp => "look-up",
            Self::OpenPgpCertificate => "openpgp-certificate",
            Self::Contact => "contact-introducer",
            Self::Statement => "statement",
            Self::Carried => "carried",
            Self::Witness => "witness",
            Self::TimeStamp => "time-stamp",
            Self::RevocationList => "revocation-list",
            Self::RemovedKey => "removed-key",
            Self::KeptKey => "kept-key",
            Self::RetiredKey => "retired-key",
            Self::TokenKey => "token-key",
            Self::CertificateSeen => "certificate-seen",
            Self::Exposure => "exposure",
            Self::EvidenceTimeStamp => "evidence-time-stamp",
            Self::Backup => "backup",
        }
    }
}

/// One row without its content.
pub(super) struct EvidenceRow {
    id: i64,
    kind: String,
    name: Vec<u8>,
    digest: [u8; 32],
    added: i64,
}

impl EvidenceRow {
    pub(super) fn encode(&self) -> Encoding {
        Encoding::of("evidence")
            .integer(self.id)
            .text(&self.kind)
            .bytes(&self.name)
            .bytes(&self.digest)
            .integer(self.added)
    }
}

/// All rows in the order they came.
pub(super) fn read_rows(connection: &Connection) -> Result<Vec<EvidenceRow>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT id, kind, name, digest, added FROM evidence ORDER BY id")?;
    let rows = statement.query_map([], |row| {
        Ok(EvidenceRow {
            id: row.get(0)?,
            kind: row.get(1)?,
            name: row.get(2)?,
            digest: row.get(3)?,
            added: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One kept item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// What it is about.
    pub(crate) name: Vec<u8>,
    /// The item.
    pub(crate) content: Vec<u8>,
    /// Since when it is here.
    pub(crate) added: Time,
}

impl Store {
    /// All items of a kind in the order they came.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] where they are not exactly those that this store signed.
    pub(crate) fn evidence(&self, kind: EvidenceKind) -> Result<Vec<Kept>, StoreError> {
        self.trust_rows()?;
        let mut statement = self.connection.prepare_cached(
            "SELECT content, digest, added, name FROM evidence WHERE kind = ?1 ORDER BY id",
        )?;
        let mut rows = statement.query([kind.word()])?;
        let mut items = Vec::new();
        while let Some(row) = rows.next()? {
            let (content, digest): (Vec<u8>, [u8; 32]) = (row.get(0)?, row.get(1)?);
            if <[u8; 32]>::from(Sha256::digest(&content)) != digest {
                return Err(StoreError::Tampered("evidence"));
            }
            items.push(Kept { name: row.get(3)?, content, added: Time::from_unix_seconds(row.get(2)?) });
        }
        Ok(items)
    }
}

impl Writer<'_> {
    /// Keeps an item, in the place of the one that had its name. Answers whether anything changed.
    pub(crate) fn keep_evidence(
        &mut self,
        kind: EvidenceKind,
        name: &[u8],
        content: &[u8],
    ) -> Result<bool, StoreError> {
        let digest: [u8; 32] = Sha256::digest(content).into();
        let before: Option<[u8; 32]> = self
            .transaction
            .query_row(
                "SELECT digest FROM evidence WHERE kind = ?1 AND name = ?2",
                params![kind.word(), name],
                |row| row.get(0),
            )
            .optional()?;
        if before == Some(digest) {
            return Ok(false);
        }
        self.transaction.execute(
            "INSERT INTO evidence (kind, name, digest, content, added) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (kind, name) DO UPDATE SET digest = ?3, content = ?4, added = ?5",
            params![kind.word(), name, digest, content, self.now.unix_seconds()],
        )?;
        Ok(true)
    }

    /// Keeps an item with the date of today, unless it is there: a first date is never replaced by a later
    /// one.
    pub(crate) fn keep_first(
        &mut self,
        kind: EvidenceKind,
        name: &[u8],
        content: &[u8],
    ) -> Result<(), StoreError> {
        let digest: [u8; 32] = Sha256::digest(content).into();
        self.transaction.execute(
            "INSERT INTO evidence (kind, name, digest, content, added) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (kind, name) DO NOTHING",
            params![kind.word(), name, digest, content, self.now.unix_seconds()],
        )?;
        Ok(())
    }

    /// Takes all items of a kind away.
    pub(crate) fn remove_all_evidence(&mut self, kind: EvidenceKind) -> Result<(), StoreError> {
        self.transaction.execute("DELETE FROM evidence WHERE kind = ?1", [kind.word()])?;
        Ok(())
    }

    /// Takes an item away. Answers whether it was there.
    pub(crate) fn remove_evidence(&mut self, kind: EvidenceKind, name: &[u8]) -> Result<bool, StoreError> {
        let removed = self
            .transaction
            .execute("DELETE FROM evidence WHERE kind = ?1 AND name = ?2", params![kind.word(), name])?;
        Ok(removed > 0)
    }
}
