//! The CAs that the person relies on, as the store keeps them (`docs/formats/store.md`).

use counterseal_core::time::Time;
use counterseal_core::trust::Anchor;
use counterseal_core::x509::Certificate;

use super::introducers::AMOUNTS;
use crate::failure::Failure;
use crate::render::trust::list::AuthorityObject;
use crate::store::{EvidenceKind, Kept, Store, StoreError, Writer};

/// In the place of an amount: what the profile says.
const AMOUNT_OF_PROFILE: u8 = u8::MAX;
/// Before the amount: mail domains follow it.
const WITHIN_DOMAINS: u8 = 254;

/// A CA that the person relies on.
pub(crate) struct Reliance {
    pub(crate) authority: Certificate,
    /// Points; by the profile where nothing is said.
    pub(crate) amount: Option<u8>,
    /// The mail domains that it may speak for; all where none is named.
    pub(crate) domains: Vec<String>,
    /// Since when; nothing before it is kept.
    pub(crate) since: Option<Time>,
}

impl Reliance {
    /// The same for the library.
    pub(crate) fn anchor(&self) -> Anchor {
        Anchor::own(self.authority.clone(), self.amount.map(u32::from)).within(self.domains.clone())
    }

    /// The same for whoever reads it.
    pub(crate) fn object(&self) -> AuthorityObject {
        AuthorityObject::new(&self.authority, self.amount, &self.domains, self.since)
    }

    /// Keeps it, in the place of what was said of the same key before.
    pub(crate) fn keep(&self, writer: &mut Writer<'_>) -> Result<bool, StoreError> {
        let name = self.authority.fingerprint();
        writer.keep_evidence(EvidenceKind::Anchor, name.sha256(), &self.content())
    }

    /// Forgets it.
    pub(crate) fn forget(&self, writer: &mut Writer<'_>) -> Result<bool, StoreError> {
        writer.remove_evidence(EvidenceKind::Anchor, self.authority.fingerprint().sha256())
    }

    fn content(&self) -> Vec<u8> {
        let amount = self.amount.unwrap_or(AMOUNT_OF_PROFILE);
        if self.domains.is_empty() {
            return [&[amount][..], self.authority.as_der()].concat();
        }
        let domains = self.domains.join("\n");
        // The command line cannot name so many.
        let length = u16::try_from(domains.len()).unwrap_or(u16::MAX).to_be_bytes();
        [&[WITHIN_DOMAINS, amount][..], &length, domains.as_bytes(), self.authority.as_der()].concat()
    }

    fn read(content: &[u8], since: Time) -> Option<Self> {
        let (amount, domains, der) = match content {
            [WITHIN_DOMAINS, amount, high, low, rest @ ..] => {
                let (domains, der) = rest.split_at_checked(u16::from_be_bytes([*high, *low]).into())?;
                (*amount, std::str::from_utf8(domains).ok()?, der)
            }
            [amount, der @ ..] => (*amount, "", der),
            [] => return None,
        };
        Some(Self {
            authority: Certificate::from_der(der).ok()?,
            amount: Some(amount).filter(|amount| *amount != AMOUNT_OF_PROFILE),
            domains: domains.lines().map(str::to_owned).collect(),
            since: Some(since),
        })
    }
}

/// Whether a row is one that can be read.
pub(crate) fn is_good(kept: &Kept) -> bool {
    Reliance::read(&kept.content, kept.added).is_some_and(|read| {
        let is_named = kept.name == *read.authority.fingerprint().sha256();
        is_named && read.amount.is_none_or(|amount| AMOUNTS.contains(&amount))
    })
}

/// All CAs that the person relies on.
pub(crate) fn anchors(store: &Store) -> Result<Vec<Reliance>, Failure> {
    let kept = store.evidence(EvidenceKind::Anchor)?;
    let read = kept.iter().map(|kept| Reliance::read(&kept.content, kept.added));
    read.map(|read| read.ok_or_else(|| StoreError::Tampered("evidence").into())).collect()
}
