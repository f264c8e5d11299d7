//! The question itself: what would a forger have to spend to make us believe this of that key?

use std::collections::BTreeSet;

use super::claim::Claim;
use super::domain::Cost;
use super::evidence::{Dossier, Evidence};
use super::level::Level;
use super::network::{Index, Network, Node};
use super::picture::Picture;
use super::points::{Profile, TABLE_VERSION};
use super::rivals::{Conflict, Field, Rival};
use super::rules::Rules;
use crate::fingerprint::Fingerprint;
use crate::limits;
use crate::time::Time;

/// What the evidence says of a claim at a moment, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The claim.
    pub claim: Claim,
    /// The moment.
    pub at: Time,
    /// The profile that it was asked under.
    pub profile: Profile,
    /// Version of the table of capacities.
    pub table_version: u32,
    /// Points: what the cheapest attack costs.
    pub score: u32,
    /// The word for it.
    pub level: Level,
    /// How far the score is ahead of the best other key of the address.
    pub margin: u32,
    /// What contradicts the key.
    pub conflict: Option<Conflict>,
    /// Other keys of the address that nothing explains, best supported first.
    pub rivals: Vec<Rival>,
    /// Whether the person compared this key, or one that vouches for it.
    pub is_pinned: bool,
    /// A pinned key of the address that has ended.
    pub ended_pin: Option<Fingerprint>,
    /// What a forger must subvert, at the least cost; of several such sets the one that is nearest
    /// to the person who asks. Empty where nothing speaks for the key, and where nothing that can
    /// be subverted does.
    pub attack: Vec<Cost>,
    /// Whether the work for an exact answer was too much: the score is a lower bound then.
    pub is_lower_bound: bool,
}

/// One item of evidence, and what it is worth alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The evidence.
    pub evidence: Evidence,
    /// Points of the key that it is about, if there were nothing else about that key.
    pub points: u32,
}

/// Evaluates a claim.
///
/// Pure: the same arguments give the same answer, in whatever order the evidence comes. The work is
/// bounded by [`limits::EVIDENCE`], [`limits::RIVALS`] and [`limits::FLOW_STEPS`].
#[must_use]
pub fn evaluate(claim: &Claim, dossier: &Dossier, rules: &Rules, at: Time) -> Evaluation {
    evaluate_indexed(claim, &Index::of(dossier), rules, at)
}

pub(super) fn evaluate_indexed(claim: &Claim, index: &Index<'_>, rules: &Rules, at: Time) -> Evaluation {
    let score = Network::of(claim, index, rules, at, &BTreeSet::new()).score();
    let field = Field::of(claim, score.points, index, rules, at);
    let margin = field.margin(score.points);
    let level = if index.is_revoked(claim.key(), at) {
        Level::Invalid
    } else if field.conflict.is_some() {
        Level::Conflict
    } else {
        Level::of_score(score.points, margin, score.cut.len(), &rules.thresholds)
    };
    Evaluation {
        claim: claim.clone(),
        at,
        profile: rules.capacities.profile,
        table_version: TABLE_VERSION,
        score: score.points,
        level,
        margin,
        conflict: field.conflict,
        rivals: field.rivals,
        is_pinned: field.is_pinned,
        ended_pin: field.ended_pin,
        attack: score.cut,
        is_lower_bound: score.is_incomplete,
    }
}

/// Each item of evidence behind a claim with what it is worth alone, best first: that about the
/// claim itself, then that about the claims on which it rests.
///
/// At most [`limits::EXPLAINED_SOURCES`].
#[must_use]
pub fn sources(claim: &Claim, dossier: &Dossier, rules: &Rules, at: Time) -> Vec<Source> {
    let index = Index::of(dossier);
    let network = Network::of(claim, &index, rules, at, &BTreeSet::new());
    let mut claims: Vec<(&Claim, Time)> = network
        .graph
        .nodes()
        .filter_map(|(_, node, _)| match node {
            Node::Claim(claim, at) => Some((claim, *at)),
            Node::You | Node::Domain(_) | Node::Copy(..) => None,
        })
        .collect();
    claims.sort_by_key(|(other, _)| *other != claim);
    let mut sources = Vec::new();
    for (claim, at) in claims {
        let mut own: Vec<Source> = index
            .about(claim)
            .iter()
            .filter(|evidence| evidence.period.contains(at) && rules.admits(&evidence.kind))
            .take(limits::EXPLAINED_SOURCES.saturating_sub(sources.len()))
            .map(|evidence| Source {
                evidence: (*evidence).clone(),
                points: Network::of_one(evidence, &index, rules, at).score().points,
            })
            .collect();
        own.sort_by(|one, other| {
            other.points.cmp(&one.points).then_with(|| one.evidence.cmp(&other.evidence))
        });
        own.dedup();
        sources.extend(own);
    }
    sources
}

/// The evidence graph of a claim, to be drawn.
#[must_use]
pub fn picture(claim: &Claim, dossier: &Dossier, rules: &Rules, at: Time) -> Picture {
    let index = Index::of(dossier);
    let network = Network::of(claim, &index, rules, at, &BTreeSet::new());
    Picture::of(&network)
}
