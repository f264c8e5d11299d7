//! The CAs that the person relies on, as the store keeps them (`docs/formats/store.md`).

use counterseal_core::time::Time;
use counterseal_core::trust::Anchor;
use counterseal_core::x509::Certificate;

use crate::failure::Failure;
use crate::render::trust::list::AuthorityObject;
use crate::store::{EvidenceKind, Store, StoreError, Writer};

/// In the place of an amount: what the profile says.
const AMOUNT_OF_PROFILE: u8 = u8::MAX;

/// A CA that the person relies on.
pub(crate) struct Reliance {
    pub(crate) authority: Certificate,
    /// Points; by the profile where nothing is said.
    pub(crate) amount: Option<u8>,
    /// Since when; nothing before it is kept.
    pub(crate) since: Option<Time>,
}

impl Reliance {
    /// The same for the library.
    pub(crate) fn anchor(&self) -> Anchor {
        Anchor::own(self.authority.clone(), self.amount.map(u32::from))
    }

    /// The same for whoever reads it.
    pub(crate) fn object(&self) -> AuthorityObject {
        AuthorityObject::new(&self.authority, self.amount, self.since)
    }

    /// Keeps it, in the place of what was said of the same key before.
    pub(crate) fn keep(&self, writer: &mut Writer<'_>) -> Result<bool, StoreError> {
        let amount = self.amount.unwrap_or(AMOUNT_OF_PROFILE);
        let content = [&[amount][..], self.authority.as_der()].concat();
        writer.keep_evidence(EvidenceKind::Anchor, self.authority.fingerprint().sha256(), &content)
    }

    /// Forgets it.
    pub(crate) fn forget(&self, writer: &mut Writer<'_>) -> Result<bool, StoreError> {
        writer.remove_evidence(EvidenceKind::Anchor, self.authority.fingerprint().sha256())
    }
}

/// All CAs that the person relies on.
pub(crate) fn anchors(store: &Store) -> Result<Vec<Reliance>, Failure> {
    let kept = store.evidence(EvidenceKind::Anchor)?;
    let read = kept.iter().map(|kept| {
        let (amount, der) = kept.content.split_first().ok_or(StoreError::Tampered("evidence"))?;
        let authority = Certificate::from_der(der).map_err(|_| StoreError::Tampered("evidence"))?;
        let amount = Some(*amount).filter(|amount| *amount != AMOUNT_OF_PROFILE);
        Ok(Reliance { authority, amount, since: Some(kept.added) })
    });
    read.collect()
}
