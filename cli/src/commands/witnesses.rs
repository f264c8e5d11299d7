//! The time stamping authorities that the person chose, and their stamps of the history, as the store
//! keeps them (`docs/formats/store.md`).

use counterseal_core::cms::time_stamp::{TimeStamp, TimeStampError};
use counterseal_core::time::Time;
use counterseal_core::trust::log::{Entry, Head};
use counterseal_core::x509::Certificate;
use counterseal_core::x509::path::{Allowance, Anchor};
use counterseal_core::x509::revocation::RevocationEvidence;

use crate::failure::Failure;
use crate::store::{EvidenceKind, Store, StoreError, Writer};

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
            .try_for_each(|stamp| writer.remove_evidence(EvidenceKind::TimeStamp, &stamp.name()).map(drop))
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

    /// Since when the end of the log was there, by a time stamp of this authority.
    ///
    /// # Errors
    /// What is wrong with the stamp.
    pub(crate) fn proves(&self, stamp: &TimeStamp, head: &Head, at: Time) -> Result<Time, TimeStampError> {
        let (anchors, none) = ([self.anchor()], RevocationEvidence::default());
        stamp
            .verify(&head.stamped_bytes(), &anchors, &none, at, &Allowance::of_message())
            .map(|proven| proven.by)
    }
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

/// A time stamp of the log.
pub(crate) struct Stamp {
    /// SHA-256 of the authority's key.
    witness: [u8; 32],
    /// Entries that it is about: all up to this number.
    pub(crate) length: u64,
    der: Vec<u8>,
}

impl Stamp {
    /// Of an answer that was verified.
    pub(crate) fn new(witness: &Witness, head: &Head, der: Vec<u8>) -> Self {
        Self { witness: *witness.authority.fingerprint().sha256(), length: head.length, der }
    }

    fn name(&self) -> Vec<u8> {
        [&self.witness[..], &self.length.to_be_bytes()].concat()
    }

    /// Keeps it.
    pub(crate) fn keep(&self, writer: &mut Writer<'_>) -> Result<bool, StoreError> {
        writer.keep_evidence(EvidenceKind::TimeStamp, &self.name(), &self.der)
    }

    /// Whether an authority made it.
    pub(crate) fn is_by(&self, witness: &Witness) -> bool {
        self.witness == *witness.authority.fingerprint().sha256()
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

/// All time stamps, in the order they came.
pub(crate) fn stamps(store: &Store) -> Result<Vec<Stamp>, Failure> {
    let kept = store.evidence(EvidenceKind::TimeStamp)?.into_iter();
    let read = kept.map(|kept| {
        let (witness, length) = kept.name.split_first_chunk::<32>()?;
        let length = u64::from_be_bytes(length.try_into().ok()?);
        Some(Stamp { witness: *witness, length, der: kept.content })
    });
    read.map(|read| read.ok_or_else(|| StoreError::Tampered("evidence").into())).collect()
}

/// The end that the log had after each of its entries, newest first.
pub(crate) fn heads(entries: &[Entry]) -> impl Iterator<Item = Head> {
    entries.iter().rev().map(|entry| Head { length: entry.number.saturating_add(1), digest: entry.digest() })
}
