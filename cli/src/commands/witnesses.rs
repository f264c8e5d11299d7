//! The time stamping authorities that the person chose, and their stamps of the history, as the store
//! keeps them (`docs/formats/store.md`).

use counterseal_core::cms::time_stamp::{TimeStamp, TimeStampError};
use counterseal_core::time::Time;
use counterseal_core::trust::log::{Entry, Head};
use counterseal_core::x509::Certificate;
use counterseal_core::x509::path::{Allowance, Anchor};
use counterseal_core::x509::revocation::RevocationEvidence;
use sha2::{Digest, Sha256};

use crate::failure::Failure;
use crate::store::{EvidenceKind, Kept, Store, StoreError, Writer};

/// An authority.
pub(crate) struct Witness {
    /// Its certificate, or that of the CA above it.
    pub(crate) authority: Certificate,
    /// Where it is asked; empty where it is not.
    pub(crate) url: String,
}

impl Witness {
    /// Keeps it, in the place of what was said of the same key before.
    pub(crate) fn keep(&self, writer: &mut Writer<'_>) -> Result<bool, StoreError> {
        let length = u16::try_from(self.url.len()).unwrap_or(u16::MAX).to_be_bytes();
        let content = [&length[..], self.url.as_bytes(), self.authority.as_der()].concat();
        writer.keep_evidence(EvidenceKind::Witness, self.authority.fingerprint().sha256(), &content)
    }

    /// Forgets it, with its stamps.
    pub(crate) fn forget(&self, stamps: &[Stamp], writer: &mut Writer<'_>) -> Result<(), StoreError> {
        writer.remove_evidence(EvidenceKind::Witness, self.authority.fingerprint().sha256())?;
        stamps
            .iter()
            .filter(|stamp| stamp.is_by(self))
            .try_for_each(|stamp| writer.remove_evidence(stamp.about.kind(), &stamp.name()).map(drop))
    }

    fn read(content: &[u8]) -> Option<Self> {
        let (length, rest) = content.split_first_chunk()?;
        let (url, der) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        let url = std::str::from_utf8(url).ok()?.to_owned();
        Some(Self { authority: Certificate::from_der(der).ok()?, url })
    }

    fn anchor(&self) -> Anchor {
        Anchor::private(self.authority.clone())
    }

    /// Since when some bytes were there, by a time stamp of this authority.
    ///
    /// # Errors
    /// What is wrong with the stamp.
    pub(crate) fn proves(&self, stamp: &TimeStamp, bytes: &[u8], at: Time) -> Result<Time, TimeStampError> {
        let (anchors, none) = ([self.anchor()], RevocationEvidence::default());
        stamp.verify(bytes, &anchors, &none, at, &Allowance::of_message()).map(|proven| proven.by)
    }
}

/// Whether a row is one that can be read.
pub(crate) fn is_good(kept: &Kept) -> bool {
    Witness::read(&kept.content).is_some_and(|read| kept.name == *read.authority.fingerprint().sha256())
}

/// Whether a time stamp of evidence has a name that can be read.
pub(crate) fn is_good_stamp(kept: &Kept) -> bool {
    Stamp::read_name(EvidenceKind::EvidenceTimeStamp, &kept.name).is_some()
}

/// All authorities.
pub(crate) fn all(store: &Store) -> Result<Vec<Witness>, Failure> {
    let kept = store.evidence(EvidenceKind::Witness)?;
    let read = kept.iter().map(|kept| Witness::read(&kept.content));
    read.map(|read| read.ok_or_else(|| StoreError::Tampered("evidence").into())).collect()
}

/// The same for the library.
pub(crate) fn anchors(store: &Store) -> Result<Vec<Anchor>, Failure> {
    Ok(all(store)?.iter().map(Witness::anchor).collect())
}

/// What is stamped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// The log up to this number of entries.
    History(u64),
    /// The certificate or the statement with this SHA-256.
    Evidence([u8; 32]),
}

impl About {
    const fn kind(self) -> EvidenceKind {
        match self {
            Self::History(_) => EvidenceKind::TimeStamp,
            Self::Evidence(_) => EvidenceKind::EvidenceTimeStamp,
        }
    }
}

/// Some bytes that can be stamped.
pub(crate) struct Item {
    pub(crate) about: About,
    pub(crate) bytes: Vec<u8>,
}

impl Item {
    /// The end of the log.
    pub(crate) fn of_head(head: &Head) -> Self {
        Self { about: About::History(head.length), bytes: head.stamped_bytes() }
    }

    /// A certificate or a statement.
    pub(crate) fn of_evidence(bytes: Vec<u8>) -> Self {
        Self { about: About::Evidence(Sha256::digest(&bytes).into()), bytes }
    }
}

/// A time stamp.
pub(crate) struct Stamp {
    /// SHA-256 of the authority's key.
    witness: [u8; 32],
    pub(crate) about: About,
    der: Vec<u8>,
}

impl Stamp {
    /// Of an answer that was verified.
    pub(crate) fn new(witness: &Witness, item: &Item, der: Vec<u8>) -> Self {
        Self { witness: *witness.authority.fingerprint().sha256(), about: item.about, der }
    }

    fn name(&self) -> Vec<u8> {
        match self.about {
            About::History(length) => [&self.witness[..], &length.to_be_bytes()].concat(),
            About::Evidence(digest) => [self.witness, digest].concat(),
        }
    }

    fn read_name(about: EvidenceKind, name: &[u8]) -> Option<([u8; 32], About)> {
        let (witness, rest) = name.split_first_chunk::<32>()?;
        let about = match about {
            EvidenceKind::TimeStamp => About::History(u64::from_be_bytes(rest.try_into().ok()?)),
            _ => About::Evidence(rest.try_into().ok()?),
        };
        Some((*witness, about))
    }

    /// Keeps it, in the place of one that the same authority made of the same.
    pub(crate) fn keep(&self, writer: &mut Writer<'_>) -> Result<bool, StoreError> {
        writer.keep_evidence(self.about.kind(), &self.name(), &self.der)
    }

    /// The answer of the authority.
    pub(crate) fn into_der(self) -> Vec<u8> {
        self.der
    }

    /// Whether an authority made it.
    pub(crate) fn is_by(&self, witness: &Witness) -> bool {
        self.witness == *witness.authority.fingerprint().sha256()
    }

    /// Whether another one is of the same authority about the same.
    pub(crate) fn is_of_same(&self, other: &Self) -> bool {
        self.witness == other.witness && self.about == other.about
    }

    /// The answer of the authority, in hexadecimal.
    pub(crate) fn to_hex(&self) -> String {
        self.der.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What it says, read anew.
    pub(crate) fn read(&self, witness: &Witness) -> Result<TimeStamp, TimeStampError> {
        TimeStamp::from_der(&self.der, std::slice::from_ref(&witness.authority))
    }
}

/// All time stamps, of the history and of evidence, each in the order they came.
pub(crate) fn stamps(store: &Store) -> Result<Vec<Stamp>, Failure> {
    let mut stamps = stamps_of(store, EvidenceKind::TimeStamp)?;
    stamps.extend(evidence_stamps(store)?);
    Ok(stamps)
}

/// All time stamps of evidence.
pub(crate) fn evidence_stamps(store: &Store) -> Result<Vec<Stamp>, Failure> {
    stamps_of(store, EvidenceKind::EvidenceTimeStamp)
}

fn stamps_of(store: &Store, kind: EvidenceKind) -> Result<Vec<Stamp>, Failure> {
    let read = store.evidence(kind)?.into_iter().map(|kept| {
        let (witness, about) = Stamp::read_name(kind, &kept.name)?;
        Some(Stamp { witness, about, der: kept.content })
    });
    read.map(|read| read.ok_or_else(|| StoreError::Tampered("evidence").into())).collect()
}

/// The end that the log had after each of its entries, newest first.
pub(crate) fn heads(entries: &[Entry]) -> impl Iterator<Item = Head> {
    entries.iter().rev().map(|entry| Head { length: entry.number.saturating_add(1), digest: entry.digest() })
}
