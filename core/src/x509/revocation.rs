//! What is known of the revocation of certificates, and from what: revocation lists (RFC 5280,
//! section 5) and OCSP responses (RFC 6960).
//!
//! What revokes counts wherever it is found, so an old list or response that somebody attaches
//! hides nothing. Only a hold ends: where something newer does not know of it, or takes it back.

mod extensions;
mod list;
mod ocsp;
mod reasons;
mod scope;
mod source;

use std::sync::Arc;

use crate::limits;
use crate::time::Time;

pub use list::{RevocationList, RevocationListError};
pub(crate) use ocsp::{CertificateStatus, SingleResponse};
pub use ocsp::{OcspError, OcspRequest, OcspResponse};
pub(crate) use reasons::Reasons;
pub(crate) use scope::{DistributionPoint, distribution_points};
pub use source::{RevocationAddresses, RevocationSource};

/// All that is at hand about revocation, and how much is asked for.
#[derive(Clone, Debug, Default)]
pub struct RevocationEvidence {
    /// Lists from anywhere: caches, files, the mail itself. Each is checked before it counts.
    pub lists: Vec<RevocationList>,
    /// OCSP responses from anywhere, likewise.
    pub responses: Vec<OcspResponse>,
    /// Whether revocation must be ruled out.
    pub demand: RevocationDemand,
    /// Days after it was issued for which the last list or response is enough where more is demanded
    /// and a newer one is overdue: nobody may have been able to ask.
    pub grace_days: u32,
    /// Where more comes from; asked only about paths that reached an anchor.
    pub source: Option<Arc<dyn RevocationSource>>,
}

impl RevocationEvidence {
    /// This, and what a message brought along: DER of lists and of responses. What cannot be read
    /// is passed over, and so is what exceeds [`limits::MESSAGE_REVOCATIONS`].
    #[must_use]
    pub fn with(&self, lists: &[Vec<u8>], responses: &[Vec<u8>]) -> Self {
        let mut all = self.clone();
        let most = limits::MESSAGE_REVOCATIONS;
        all.lists.extend(lists.iter().take(most).filter_map(|der| RevocationList::from_der(der).ok()));
        all.responses.extend(responses.iter().take(most).filter_map(|der| OcspResponse::from_der(der).ok()));
        all
    }
}

/// How much must be known of revocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RevocationDemand {
    /// Nobody asks.
    Off,
    /// What is known to be revoked is refused; what is not known is reported.
    #[default]
    BestEffort,
    /// Every certificate of the path must be known not to be revoked, by a current list or
    /// response.
    Required,
}

/// What is known of the revocation of one certificate that is not known to be revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevocationStatus {
    /// A current list of its issuer does not name it, or a current response says so.
    Good {
        /// When that was issued.
        this_update: Time,
        /// When the next one is due.
        next_update: Time,
    },
    /// So said one of which a newer one is overdue.
    Stale {
        /// When that was issued.
        this_update: Time,
        /// When the next one was due.
        next_update: Option<Time>,
    },
    /// Nothing says anything.
    Unknown(UnknownBecause),
}

/// Why nothing is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnknownBecause {
    /// Nobody asked.
    NotAsked,
    /// There is no list of its issuer, and no response about it.
    NoList,
    /// There is one, but its signature is of nobody who may issue it.
    NotSigned,
    /// There is one, but it does not speak of this certificate.
    OutOfScope,
    /// There is one, but it was issued after the certificate expired, and may have dropped it.
    TooLate,
    /// There is one, but not of a kind that we use.
    Unusable(UnusableList),
    /// The responder does not know the certificate.
    NotKnownToResponder,
}

/// Why a list or a response cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnusableList {
    /// It names only changes to a list that is not at hand (RFC 5280, section 5.2.4). What it
    /// revokes is revoked, but its silence says nothing.
    Delta,
    /// It speaks of the certificates of other issuers, and does not say that it may (RFC 5280,
    /// section 5.3.3).
    ForeignEntries,
    /// It has a critical extension that nobody here understands: its object identifier.
    CriticalExtension(String),
}

/// Why a certificate is revoked (RFC 5280, section 5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RevocationReason {
    /// No reason was given.
    Unspecified,
    /// Somebody else has the key.
    KeyCompromise,
    /// Somebody else has the CA's key.
    CaCompromise,
    /// The subject's name or other facts changed.
    AffiliationChanged,
    /// It was replaced.
    Superseded,
    /// It is needed no more.
    CessationOfOperation,
    /// It is on hold.
    CertificateHold,
    /// Taken off a delta list.
    RemoveFromCrl,
    /// The right to it was withdrawn.
    PrivilegeWithdrawn,
    /// Somebody else has the attribute authority's key.
    AaCompromise,
}

impl RevocationReason {
    /// CRLReason (RFC 5280, section 5.3.1); nothing for the one that is left out.
    pub(crate) const fn code(self) -> Option<u8> {
        match self {
            Self::Unspecified => None,
            Self::KeyCompromise => Some(1),
            Self::CaCompromise => Some(2),
            Self::AffiliationChanged => Some(3),
            Self::Superseded => Some(4),
            Self::CessationOfOperation => Some(5),
            Self::CertificateHold => Some(6),
            Self::RemoveFromCrl => Some(8),
            Self::PrivilegeWithdrawn => Some(9),
            Self::AaCompromise => Some(10),
        }
    }

    /// Whether the key is not to be believed any more, or only this certificate of it.
    ///
    /// Most CAs give no reason where a key was stolen (RFC 5280, section 5.3.1, asks them to leave
    /// `unspecified` out), so that no reason is taken for the worst one, as OpenPGP does
    /// (`docs/decisions/revoked-without-a-reason.md`).
    #[must_use]
    pub const fn ends_key(self) -> bool {
        match self {
            Self::Unspecified | Self::KeyCompromise | Self::AaCompromise => true,
            Self::CaCompromise
            | Self::AffiliationChanged
            | Self::Superseded
            | Self::CessationOfOperation
            | Self::CertificateHold
            | Self::RemoveFromCrl
            | Self::PrivilegeWithdrawn => false,
        }
    }
}

/// One entry of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Since when: the date of the entry, or an earlier date of invalidity.
    pub when: Time,
    /// Why.
    pub reason: RevocationReason,
}
