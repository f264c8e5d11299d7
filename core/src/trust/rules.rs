//! What an evaluation goes by: the table of a profile, the thresholds, and which sources are on.

use super::evidence::{Endorser, Kind};
use super::points::{CHECKED, Capacities, MARGIN, Profile, STRONG, UNLIMITED, VERIFIED};

/// Everything that policy says about the value of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// What a forger must spend.
    pub capacities: Capacities,
    /// From how many points on a key is what.
    pub thresholds: Thresholds,
    /// Mail domains that are the organisation's own: nothing is feared from their operators. Lower
    /// case, A-labels.
    pub authoritative: Vec<String>,
    /// Which sources count.
    pub sources: Sources,
}

impl Default for Rules {
    fn default() -> Self {
        Self::of(Profile::default())
    }
}

impl Rules {
    /// The rules of a profile, and the built-in rest.
    #[must_use]
    pub fn of(profile: Profile) -> Self {
        Self {
            capacities: Capacities::of(profile),
            thresholds: Thresholds::default(),
            authoritative: Vec::new(),
            sources: Sources::default(),
        }
    }

    /// What it costs to subvert the operator of a mail domain.
    pub(super) fn provider(&self, domain: &str) -> u32 {
        if self.authoritative.iter().any(|own| own == domain) { UNLIMITED } else { self.capacities.provider }
    }

    /// Whether evidence of this kind counts at all.
    pub(super) fn admits(&self, kind: &Kind) -> bool {
        match self.capacities.profile {
            Profile::Blended | Profile::Hardened | Profile::Either => self.sources.admit(kind),
            Profile::CaOnly => matches!(kind, Kind::Chain(_)),
            Profile::WotOnly => {
                matches!(kind, Kind::Vouched(_) | Kind::CertifiedByUser { .. }) || within_a_person(kind)
            }
            Profile::PinOnly => matches!(kind, Kind::Pinned(_)) || within_a_person(kind),
        }
    }
}

/// What people compare and certify is the personal CA; these lead from it to the keys in use.
const fn within_a_person(kind: &Kind) -> bool {
    matches!(kind, Kind::IssuedBy { .. } | Kind::NamedBy { .. })
}

/// From how many points on a key is what (`policy.toml`, `[levels]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Checked.
    pub checked: u32,
    /// Verified.
    pub verified: u32,
    /// Strong.
    pub strong: u32,
    /// How far a verified key must be ahead of every other.
    pub margin: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { checked: CHECKED, verified: VERIFIED, strong: STRONG, margin: MARGIN }
    }
}

/// Which sources count (`policy.toml`, `[sources]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sources {
    /// Records in the DNS.
    pub smimea: bool,
    /// Web key directories.
    pub wkd: bool,
    /// Key servers that check addresses by mail.
    pub keyserver: bool,
    /// Keys that came with the mail of others.
    pub gossip: bool,
    /// Endorsements by correspondents who are no introducers.
    pub peers: bool,
}

impl Default for Sources {
    fn default() -> Self {
        Self { smimea: true, wkd: true, keyserver: false, gossip: true, peers: false }
    }
}

impl Sources {
    const fn admit(self, kind: &Kind) -> bool {
        match kind {
            Kind::DnsRecord { .. } => self.smimea,
            Kind::WebDirectory => self.wkd,
            Kind::Keyserver { .. } => self.keyserver,
            Kind::Gossip { .. } => self.gossip,
            Kind::Endorsed(endorsement) => match endorsement.endorser {
                Endorser::Correspondent { .. } => self.peers,
                Endorser::OpenPgp(_) | Endorser::Contact { .. } => true,
            },
            Kind::Pinned(_)
            | Kind::Chain(_)
            | Kind::CertifiedByUser { .. }
            | Kind::Vouched(_)
            | Kind::History(_)
            | Kind::Succeeds(_)
            | Kind::IssuedBy { .. }
            | Kind::NamedBy { .. } => true,
        }
    }
}
