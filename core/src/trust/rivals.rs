//! Other keys of the same address: which of them contradict a key, and which one is kept.

use std::collections::BTreeSet;

use super::claim::Claim;
use super::evidence::{Correspondence, Evidence, ExplanationKind, KeyUse, Kind};
use super::network::{Index, Network};
use super::points::REPLACES;
use super::rules::Rules;
use crate::fingerprint::Fingerprint;
use crate::limits;
use crate::time::Time;

/// Another key of the address that nothing explains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rival {
    /// The key.
    pub key: Fingerprint,
    /// What speaks for it without the key in question and without those that vouch for that.
    pub score: u32,
    /// Whether the person compared it.
    pub is_pinned: bool,
    /// Whether its last certificate has ended, or it is revoked.
    pub has_ended: bool,
    /// When mail with it was seen first.
    pub first_seen: Option<Time>,
}

/// Why a key must not be believed although something speaks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// The person compared another key. A pin is never outvoted.
    Pin {
        /// The pinned key.
        pinned: Fingerprint,
        /// Whether the same issuer renewed the pinned key's certificate with this key: more likely
        /// a change that nobody announced than an attack, and still to be asked about.
        is_renewal: bool,
    },
    /// Another key is supported by 40 points or more, and so is this one.
    Supported {
        /// The other key.
        other: Fingerprint,
        /// Its points.
        score: u32,
    },
    /// Another key is known for longer, and this one is not so much better supported.
    UnverifiedChange {
        /// The key that is known.
        known: Fingerprint,
        /// Its points.
        score: u32,
    },
    /// The key before named two successors.
    SecondSuccession {
        /// The key before.
        old: Fingerprint,
        /// The other successor.
        other: Fingerprint,
    },
}

impl Conflict {
    /// The other key.
    #[must_use]
    pub const fn other(&self) -> Fingerprint {
        match self {
            Self::Pin { pinned, .. } => *pinned,
            Self::Supported { other, .. } | Self::SecondSuccession { other, .. } => *other,
            Self::UnverifiedChange { known, .. } => *known,
        }
    }
}

/// A key among the others of its address.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// Those that nothing explains, best supported first.
    pub(super) rivals: Vec<Rival>,
    /// Whether the person compared this key, or one that vouches for it.
    pub(super) is_pinned: bool,
    pub(super) conflict: Option<Conflict>,
    /// A pinned key of the address that has ended: this one is judged alone.
    pub(super) ended_pin: Option<Fingerprint>,
}

impl Field {
    pub(super) fn of(claim: &Claim, score: u32, index: &Index<'_>, rules: &Rules, at: Time) -> Self {
        let view = View { claim, index, rules, at, family: ancestors(claim, index, at) };
        let is_pinned = view
            .family
            .iter()
            .any(|key| pinned(&claim.with_key(*key), index, at).is_some() && !index.is_revoked(key, at));
        let mut rivals: Vec<Rival> = view.rivals();
        rivals.sort_by_key(|rival| (std::cmp::Reverse(rival.score), rival.key));
        let ended_pin = rivals.iter().find(|rival| rival.is_pinned && rival.has_ended).map(|rival| rival.key);
        let conflict = view
            .second_succession()
            .or_else(|| rivals.iter().find_map(|rival| view.conflict(score, is_pinned, rival)));
        Self { rivals, is_pinned, conflict, ended_pin }
    }

    /// How far the key is ahead of the others. A pin is ahead of everything.
    pub(super) fn margin(&self, score: u32) -> u32 {
        if self.is_pinned {
            return score;
        }
        let best = self.rivals.iter().filter(|rival| !rival.has_ended).map(|rival| rival.score).max();
        score.saturating_sub(best.unwrap_or(0))
    }
}

/// A key and those that vouch for it: they are one family, and no rivals of it.
fn ancestors(claim: &Claim, index: &Index<'_>, at: Time) -> BTreeSet<Fingerprint> {
    let mut family = BTreeSet::from([*claim.key()]);
    let mut open = vec![*claim.key()];
    while let Some(key) = open.pop() {
        for evidence in index.about(&claim.with_key(key)) {
            let Some(parent) = parent(evidence).filter(|_| evidence.period.contains(at)) else { continue };
            // What a dead key vouched for is not its family: nobody knows who vouched.
            if !index.is_revoked(&parent, at) && family.len() < limits::RIVALS && family.insert(parent) {
                open.push(parent);
            }
        }
    }
    family
}

/// The key of the same address that vouches by this evidence.
fn parent(evidence: &Evidence) -> Option<Fingerprint> {
    match &evidence.kind {
        Kind::IssuedBy { authority } => Some(*authority),
        Kind::NamedBy { signing_key } => Some(*signing_key),
        Kind::Succeeds(succession) => {
            let in_time = succession.old_ended.is_none_or(|ended| succession.issued <= ended);
            in_time.then_some(succession.old)
        }
        Kind::Pinned(_)
        | Kind::Chain(_)
        | Kind::CertifiedByUser { .. }
        | Kind::Vouched(_)
        | Kind::Endorsed(_)
        | Kind::History(_)
        | Kind::DnsRecord { .. }
        | Kind::WebDirectory
        | Kind::Keyserver { .. }
        | Kind::Gossip { .. } => None,
    }
}

fn pinned<'d>(claim: &Claim, index: &Index<'d>, at: Time) -> Option<&'d Evidence> {
    let mut pins = index.about(claim).iter().copied();
    pins.find(|evidence| matches!(evidence.kind, Kind::Pinned(_)) && evidence.period.contains(at))
}

fn history(claim: &Claim, index: &Index<'_>, at: Time) -> Option<Correspondence> {
    let evidence = index.about(claim).iter().filter(|evidence| evidence.period.contains(at));
    let histories = evidence.filter_map(|evidence| match &evidence.kind {
        Kind::History(history) => Some(*history),
        _ => None,
    });
    histories.reduce(|one, other| merged(&one, &other))
}

/// Seen first when either was, and taken in by hand if either was.
fn merged(one: &Correspondence, other: &Correspondence) -> Correspondence {
    Correspondence {
        first_seen: one.first_seen.min(other.first_seen),
        taken_by_hand: one.taken_by_hand || other.taken_by_hand,
        ..*one
    }
}

struct View<'v, 'd> {
    claim: &'v Claim,
    index: &'v Index<'d>,
    rules: &'v Rules,
    at: Time,
    family: BTreeSet<Fingerprint>,
}

impl View<'_, '_> {
    fn rivals(&self) -> Vec<Rival> {
        let own_use = self.usage(self.claim.key());
        let mut others: Vec<&Claim> = self
            .index
            .claims_like(self.claim)
            .filter(|other| !self.family.contains(other.key()))
            .filter(|other| {
                self.usage(other.key()).overlaps(own_use) || pinned(other, self.index, self.at).is_some()
            })
            .collect();
        // Where there are more than are looked at, what the person did and knows comes first.
        others.sort_by_key(|other| {
            let first_seen = history(other, self.index, self.at).map(|history| history.first_seen);
            (pinned(other, self.index, self.at).is_none(), first_seen.is_none(), first_seen)
        });
        others.into_iter().take(limits::RIVALS).filter_map(|other| self.rival(other)).collect()
    }

    fn usage(&self, key: &Fingerprint) -> KeyUse {
        let facts = self.index.dossier.keys.iter().find(|facts| facts.key == *key);
        facts.map_or(KeyUse::Both, |facts| facts.usage)
    }

    fn has_ended(&self, key: &Fingerprint) -> bool {
        let mut facts = self.index.dossier.keys.iter().filter(|facts| facts.key == *key);
        facts.any(|facts| facts.ends.is_some_and(|ends| ends < self.at))
    }

    /// Another key, if anything but this family speaks for it and nothing explains it.
    fn rival(&self, other: &Claim) -> Option<Rival> {
        let is_revoked = self.index.is_revoked(other.key(), self.at);
        let is_pinned = pinned(other, self.index, self.at).is_some();
        let explained = self.explanations(other.key()).any(|why| match why {
            ExplanationKind::Approved | ExplanationKind::SameOwner => true,
            // What others say does not take the place of a pin.
            ExplanationKind::SameOpenPgpCertificate
            | ExplanationKind::SameRecordSet
            | ExplanationKind::Renewal => !is_pinned,
        });
        if explained || (is_revoked && !is_pinned) {
            return None;
        }
        let network = Network::of(other, self.index, self.rules, self.at, &self.family);
        let score = network.score().points;
        let has_ended = is_revoked || self.has_ended(other.key());
        if !is_pinned && (score == 0 || has_ended) {
            return None;
        }
        let first_seen = history(other, self.index, self.at).map(|history| history.first_seen);
        Some(Rival { key: *other.key(), score, is_pinned, has_ended, first_seen })
    }

    fn explanations(&self, other: &Fingerprint) -> impl Iterator<Item = ExplanationKind> {
        let pair = (*self.claim.key(), *other);
        let explanations = self.index.dossier.explanations.iter();
        explanations
            .filter(move |explanation| explanation.keys == pair || explanation.keys == (pair.1, pair.0))
            .map(|explanation| explanation.why)
    }

    /// What contradicts the key: a pin first, then what is as well supported.
    fn conflict(&self, score: u32, is_pinned: bool, rival: &Rival) -> Option<Conflict> {
        if is_pinned || rival.has_ended {
            return None;
        }
        if rival.is_pinned {
            let is_renewal = self.explanations(&rival.key).any(|why| why == ExplanationKind::Renewal);
            return Some(Conflict::Pin { pinned: rival.key, is_renewal });
        }
        let supported = self.rules.thresholds.checked;
        if score >= supported && rival.score >= supported {
            return Some(Conflict::Supported { other: rival.key, score: rival.score });
        }
        let first_seen = self.own_history().map(|own| own.first_seen);
        let is_known = comes_first(first_seen, rival.first_seen);
        let gives_way = match is_known {
            Some(true) => rival.score >= score.saturating_add(REPLACES),
            Some(false) => score < rival.score.saturating_add(REPLACES),
            None => false,
        };
        gives_way.then_some(Conflict::UnverifiedChange { known: rival.key, score: rival.score })
    }

    /// The history of the key and of those that vouch for it: what is known of a personal CA is known
    /// of what it issued.
    fn own_history(&self) -> Option<Correspondence> {
        let family = self.family.iter();
        family
            .filter_map(|key| history(&self.claim.with_key(*key), self.index, self.at))
            .reduce(|one, other| merged(&one, &other))
    }

    /// Another key that the same key before named as its successor, and that is not of this family. A
    /// key that a successor issued is asked about like the successor.
    fn second_succession(&self) -> Option<Conflict> {
        let family = self.family.iter().map(|key| self.claim.with_key(*key));
        let olds: BTreeSet<Fingerprint> =
            family.flat_map(|member| self.predecessors(&member).collect::<Vec<_>>()).collect();
        if olds.is_empty() {
            return None;
        }
        self.index
            .claims_like(self.claim)
            .filter(|other| !self.family.contains(other.key()))
            .filter(|other| !ancestors(other, self.index, self.at).contains(self.claim.key()))
            .take(limits::RIVALS)
            .find_map(|other| {
                let old = self.predecessors(other).find(|old| olds.contains(old))?;
                Some(Conflict::SecondSuccession { old, other: *other.key() })
            })
    }

    fn predecessors(&self, claim: &Claim) -> impl Iterator<Item = Fingerprint> {
        self.index.about(claim).iter().filter_map(|evidence| match &evidence.kind {
            Kind::Succeeds(succession) if evidence.period.contains(self.at) => Some(succession.old),
            _ => None,
        })
    }
}

/// Whether the first was seen before the second; nothing where neither was seen, or both at once.
fn comes_first(first: Option<Time>, second: Option<Time>) -> Option<bool> {
    match (first, second) {
        (Some(first), Some(second)) if first == second => None,
        (Some(first), Some(second)) => Some(first < second),
        (Some(_), None) => Some(true),
        (None, Some(_)) => Some(false),
        (None, None) => None,
    }
}
