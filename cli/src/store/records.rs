//! What the store holds of others, as a whole: to be taken along, and taken over by another store of the
//! same person (`docs/formats/take-along.md`).

use std::collections::{BTreeMap, BTreeSet};

use counterseal_core::address::EmailAddress;
use counterseal_core::time::Time;
use counterseal_core::trust::evidence::Correspondence;
use counterseal_core::trust::log::{self, Content, Entry, Event};
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use rusqlite::params;
use sha2::{Digest, Sha256};

use super::encoding::Encoding;
use super::error::StoreError;
use super::evidence::{EvidenceKind, Kept};
use super::history;
use super::trust::{TrustKind, TrustRow};
use super::{Store, Writer};

/// Everything that is known of others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Records {
    /// Certificates of others, and of the CAs above them, oldest first.
    pub(crate) certificates: Vec<DatedCertificate>,
    /// Contacts and pins.
    pub(crate) trust: Vec<TrustRecord>,
    /// What the person relies on, statements, dates, and what was looked up.
    pub(crate) evidence: Vec<EvidenceRecord>,
    /// The whole log.
    pub(crate) entries: Vec<Entry>,
}

/// A certificate, and since when it is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DatedCertificate {
    pub(crate) der: Vec<u8>,
    pub(crate) added: Time,
}

/// A contact or a pin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TrustRecord {
    pub(crate) kind: TrustKind,
    /// As it is looked up.
    pub(crate) address: String,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub(crate) key: [u8; 32],
    pub(crate) points: i64,
    pub(crate) source: String,
    pub(crate) created: Time,
    pub(crate) capabilities: Option<Vec<u8>>,
    pub(crate) announced: Option<Time>,
}

impl From<TrustRow> for TrustRecord {
    fn from(row: TrustRow) -> Self {
        let TrustRow { kind, address, key, points, source, created, capabilities, announced, .. } = row;
        Self { kind, address, key, points, source, created, capabilities, announced }
    }
}

/// One item of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EvidenceRecord {
    pub(crate) kind: EvidenceKind,
    pub(crate) item: Kept,
}

/// How one record of another store stands to what is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is not here.
    New,
    /// It is here, and older than this store knows.
    Earlier,
    /// It is here.
    Known,
    /// Something else is here under its name.
    Differs,
}

/// How a history is taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Takeover {
    /// The log here is a beginning of it, and these entries follow.
    Entries {
        /// Entries that are here.
        before: u64,
        /// What follows.
        new: Vec<Entry>,
        /// What the whole comes to.
        sums: Vec<Sum>,
    },
    /// The log here has entries of its own, so it is told what the other came to.
    Sums(Vec<Sum>),
}

/// What the entries about a key of an address come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sum {
    address: EmailAddress,
    key: [u8; 32],
    correspondence: Option<Correspondence>,
}

/// Records by their names, to hold others against them.
pub(crate) struct Index {
    certificates: BTreeSet<[u8; 32]>,
    trust: BTreeMap<(&'static str, String, [u8; 32]), Time>,
    evidence: BTreeMap<(&'static str, Vec<u8>), ([u8; 32], Time)>,
}

impl Index {
    /// Of what a store has.
    pub(crate) fn of(records: &Records) -> Self {
        let trust = records.trust.iter();
        let trust = trust.map(|own| ((own.kind.word(), own.address.clone(), own.key), own.created));
        let evidence = records.evidence.iter().map(|own| {
            let content = Sha256::digest(&own.item.content).into();
            ((own.kind.word(), own.item.name.clone()), (content, own.item.added))
        });
        Self {
            certificates: records.certificates.iter().map(|own| Sha256::digest(&own.der).into()).collect(),
            trust: trust.collect(),
            evidence: evidence.collect(),
        }
    }

    /// How a certificate stands to these.
    pub(crate) fn certificate(&self, other: &DatedCertificate) -> Standing {
        let digest: [u8; 32] = Sha256::digest(&other.der).into();
        if self.certificates.contains(&digest) { Standing::Known } else { Standing::New }
    }

    /// How a contact or a pin stands to these.
    pub(crate) fn trust(&self, other: &TrustRecord) -> Standing {
        match self.trust.get(&(other.kind.word(), other.address.clone(), other.key)) {
            None => Standing::New,
            Some(created) if *created > other.created => Standing::Earlier,
            Some(_) => Standing::Known,
        }
    }

    /// How an item of evidence stands to these.
    pub(crate) fn evidence(&self, other: &EvidenceRecord) -> Standing {
        let content: [u8; 32] = Sha256::digest(&other.item.content).into();
        match self.evidence.get(&(other.kind.word(), other.item.name.clone())) {
            None => Standing::New,
            Some((own, _)) if *own != content => Standing::Differs,
            Some((_, added)) if *added > other.item.added => Standing::Earlier,
            Some(_) => Standing::Known,
        }
    }
}

impl Records {
    /// How the history of others, which was verified, is taken over by a store with these. `counts` says about
    /// which address and key.
    pub(crate) fn takeover(
        &self,
        others: &[Entry],
        counts: &dyn Fn(&EmailAddress, &[u8; 32]) -> bool,
    ) -> Takeover {
        let sums = sums(others);
        if sums.iter().all(|sum| counts(&sum.address, &sum.key))
            && let Some(new) = continuation(&self.entries, others)
        {
            return Takeover::Entries { before: self.entries.len() as u64, new: new.to_vec(), sums };
        }
        let own = self::sums(&self.entries).into_iter();
        let own: BTreeMap<_, _> =
            own.map(|own| ((own.address.lookup_key(), own.key), own.correspondence)).collect();
        let is_news = |sum: &Sum| {
            let known = own.get(&(sum.address.lookup_key(), sum.key)).copied().flatten();
            counts(&sum.address, &sum.key)
                && sum.correspondence.is_some_and(|sum| !known.is_some_and(|own| covers(&own, &sum)))
        };
        Takeover::Sums(sums.into_iter().filter(is_news).collect())
    }
}

impl Takeover {
    /// How much is new.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Entries { new, .. } => new.len(),
            Self::Sums(sums) => sums.len(),
        }
    }
}

/// A signature of the store's trust key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordsSignature {
    pub(crate) key: [u8; 32],
    pub(crate) signature: [u8; 64],
}

impl RecordsSignature {
    /// Whether the key signed records of a store with this digest.
    pub(crate) fn holds(&self, store: &[u8], digest: &[u8; 32]) -> bool {
        let key = VerifyingKey::from_bytes(&self.key);
        let signature = Signature::from_bytes(&self.signature);
        key.is_ok_and(|key| key.verify_strict(signed(store, digest).as_bytes(), &signature).is_ok())
    }
}

fn signed(store: &[u8], digest: &[u8; 32]) -> Encoding {
    Encoding::of("records").bytes(store).bytes(digest)
}

impl Store {
    /// Everything that is known of others.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] where it is not exactly what this store signed.
    pub(crate) fn records(&self) -> Result<Records, StoreError> {
        let log = self.log()?;
        if log.fault.is_some() {
            return Err(StoreError::Tampered("history"));
        }
        let own = self.own_key_digests()?;
        let is_of_others = |row: &TrustRow| row.kind != TrustKind::Own && !own.contains(&row.key);
        let trust = self.trust_rows()?.into_iter().filter(is_of_others).map(TrustRecord::from).collect();
        let mut evidence = Vec::new();
        for kind in EvidenceKind::OF_OTHERS {
            let items = self.evidence(kind)?.into_iter();
            evidence.extend(items.map(|item| EvidenceRecord { kind, item }));
        }
        Ok(Records {
            certificates: self.certificates_of_others(&own)?,
            trust,
            evidence,
            entries: log.entries,
        })
    }

    /// SHA-256 of every key that is or was the owner's.
    pub(crate) fn own_key_digests(&self) -> Result<Vec<[u8; 32]>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT fingerprint FROM secret_key")?;
        let mut own: Vec<[u8; 32]> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let on_tokens = self.evidence(EvidenceKind::TokenKey)?.into_iter();
        own.extend(on_tokens.filter_map(|kept| <[u8; 32]>::try_from(kept.name).ok()));
        let rows = self.trust_rows()?.into_iter();
        own.extend(rows.filter(|row| row.kind == TrustKind::Own).map(|row| row.key));
        Ok(own)
    }

    fn certificates_of_others(&self, own: &[[u8; 32]]) -> Result<Vec<DatedCertificate>, StoreError> {
        let query = "SELECT der, added, key FROM certificate ORDER BY added, rowid";
        let mut statement = self.connection.prepare_cached(query)?;
        let mut rows = statement.query([])?;
        let mut certificates = Vec::new();
        while let Some(row) = rows.next()? {
            if !own.contains(&row.get(2)?) {
                let added = Time::from_unix_seconds(row.get(1)?);
                certificates.push(DatedCertificate { der: row.get(0)?, added });
            }
        }
        Ok(certificates)
    }

    /// The key by which the trust rows are signed.
    pub(crate) fn trust_key(&self) -> Result<[u8; 32], StoreError> {
        Ok(self.master_key()?.trust().verifying_key().to_bytes())
    }

    /// Signs records that have this digest. The store must be unlocked.
    pub(crate) fn sign_records(&self, digest: &[u8; 32]) -> Result<RecordsSignature, StoreError> {
        let key = self.master_key()?.trust();
        let signature = key.sign(signed(&self.id, digest).as_bytes()).to_bytes();
        Ok(RecordsSignature { key: key.verifying_key().to_bytes(), signature })
    }
}

impl Writer<'_> {
    /// Takes over a certificate with its date.
    pub(crate) fn take_certificate(
        &mut self,
        key: &[u8; 32],
        taken: &DatedCertificate,
    ) -> Result<(), StoreError> {
        let digest: [u8; 32] = Sha256::digest(&taken.der).into();
        self.transaction.execute(
            "INSERT OR IGNORE INTO certificate (digest, key, der, added) VALUES (?1, ?2, ?3, ?4)",
            params![digest, key, taken.der, taken.added.unix_seconds()],
        )?;
        Ok(())
    }

    /// Takes over a contact or a pin. Of one that is here, the earlier date counts.
    pub(crate) fn take_trust(&mut self, taken: &TrustRecord) -> Result<(), StoreError> {
        self.transaction.execute(
            "INSERT INTO trust (kind, address, key, points, source, created, capabilities, announced)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (kind, address, key) DO UPDATE SET created = min(created, excluded.created)",
            params![
                taken.kind.word(),
                taken.address,
                taken.key,
                taken.points,
                taken.source,
                taken.created.unix_seconds(),
                taken.capabilities,
                taken.announced.map(Time::unix_seconds)
            ],
        )?;
        Ok(())
    }

    /// Takes over an item of evidence. Of one that is here with the same content, the earlier date counts;
    /// with another one, it stays.
    pub(crate) fn take_evidence(&mut self, taken: &EvidenceRecord) -> Result<(), StoreError> {
        let Kept { name, content, added } = &taken.item;
        self.transaction.execute(
            "INSERT INTO evidence (kind, name, digest, content, added) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (kind, name) DO UPDATE SET added = min(added, excluded.added)
             WHERE digest = excluded.digest",
            params![
                taken.kind.word(),
                name,
                <[u8; 32]>::from(Sha256::digest(content)),
                content,
                added.unix_seconds()
            ],
        )?;
        Ok(())
    }

    /// Takes over a history.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where the log grew since.
    pub(crate) fn take_history(&mut self, takeover: &Takeover) -> Result<(), StoreError> {
        match takeover {
            Takeover::Entries { before, new, sums } => {
                if history::end(&self.transaction)?.head.length != *before {
                    return Err(StoreError::Changed);
                }
                new.iter().try_for_each(|entry| self.insert(entry))?;
                // Where nothing follows, the sums are those that are here.
                let mut sums = sums.iter().filter(|_| !new.is_empty());
                sums.try_for_each(|sum| self.keep_sum(&sum.address, &sum.key, sum.correspondence))
            }
            Takeover::Sums(sums) => {
                for sum in sums {
                    let Some(theirs) = sum.correspondence else { continue };
                    self.record(&sum.address, &sum.key, Event::TakenOver { sum: theirs })?;
                }
                Ok(())
            }
        }
    }
}

/// What a log adds to another one that is a beginning of it.
fn continuation<'e>(own: &[Entry], others: &'e [Entry]) -> Option<&'e [Entry]> {
    let (same, new) = others.split_at_checked(own.len())?;
    let ends = (own.last().map(Entry::digest), same.last().map(Entry::digest));
    (ends.0 == ends.1).then_some(new)
}

/// Whether one sum says all that another does.
fn covers(ours: &Correspondence, theirs: &Correspondence) -> bool {
    ours.first_seen <= theirs.first_seen
        && ours.messages >= theirs.messages
        && ours.two_way >= theirs.two_way
        && ours.taken_by_hand >= theirs.taken_by_hand
}

/// What a log comes to, for each address and key in it.
fn sums(entries: &[Entry]) -> Vec<Sum> {
    let mut about = BTreeMap::<(String, [u8; 32]), Vec<&Entry>>::new();
    for entry in entries {
        if let Some(content) = &entry.content {
            about.entry((content.address.lookup_key(), content.key)).or_default().push(entry);
        }
    }
    let sums = about.into_values().filter_map(|entries| {
        let Content { address, key, .. } = entries.first()?.content.as_ref()?;
        let correspondence = log::correspondence(address, key, entries.iter().copied());
        Some(Sum { address: address.clone(), key: *key, correspondence })
    });
    sums.collect()
}
