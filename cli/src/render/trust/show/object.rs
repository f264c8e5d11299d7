//! The JSON object of `trust show` (`docs/formats/json.md`).

use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::trust::{Advice, Conflict, Cost, Rival};
use serde::Serialize;

use super::super::domains::noun;
use super::{Answer, OtherKey};
use crate::render::json::{EvidenceObject, evidence};

#[derive(Serialize)]
pub(super) struct AnswerObject {
    version: u32,
    address: String,
    fingerprint: String,
    sha256: String,
    algorithm: String,
    not_after: String,
    at: String,
    profile: &'static str,
    table_version: u32,
    score: u32,
    level: &'static str,
    needed: u32,
    margin: u32,
    lower_bound: bool,
    pinned: bool,
    reasons: Vec<&'static str>,
    evidence: Vec<EvidenceObject>,
    attack: Vec<CostObject>,
    conflict: Option<ConflictObject>,
    rivals: Vec<RivalObject>,
    next: Option<AdviceObject>,
    others: Vec<OtherObject>,
}

#[derive(Serialize)]
struct CostObject {
    kind: &'static str,
    name: String,
    points: u32,
}

#[derive(Serialize)]
struct ConflictObject {
    kind: &'static str,
    fingerprint: String,
    score: Option<u32>,
}

#[derive(Serialize)]
struct RivalObject {
    fingerprint: String,
    score: u32,
    pinned: bool,
    ended: bool,
    first_seen: Option<String>,
}

#[derive(Serialize)]
struct AdviceObject {
    deed: &'static str,
    fingerprint: String,
    replaces: Option<String>,
    score: u32,
    level: &'static str,
}

#[derive(Serialize)]
struct OtherObject {
    fingerprint: String,
    algorithm: String,
    #[serde(rename = "use")]
    key_use: &'static str,
    not_after: String,
    score: u32,
    level: &'static str,
}

impl AnswerObject {
    pub(super) fn of(answer: &Answer) -> Self {
        let (decision, evaluation) = (&answer.decision, &answer.decision.evaluation);
        let key = evaluation.claim.key();
        Self {
            version: 1,
            address: evaluation.claim.address().to_string(),
            fingerprint: key.to_string(),
            sha256: key.to_hex(),
            algorithm: answer.certificate.public_key().algorithm().name(),
            not_after: answer.certificate.not_after().to_rfc3339(),
            at: evaluation.at.to_rfc3339(),
            profile: evaluation.profile.word(),
            table_version: evaluation.table_version,
            score: decision.score,
            level: decision.level.word(),
            needed: answer.rules.thresholds.verified,
            margin: evaluation.margin,
            lower_bound: evaluation.is_lower_bound,
            pinned: evaluation.is_pinned,
            reasons: reasons(answer),
            evidence: decision.sources.iter().map(evidence).collect(),
            attack: decision.attack().iter().map(cost).collect(),
            conflict: evaluation.conflict.as_ref().map(conflict),
            rivals: evaluation.rivals.iter().map(rival).collect(),
            next: answer.advice.as_ref().map(advice),
            others: answer.others.iter().map(other).collect(),
        }
    }
}

fn reasons(answer: &Answer) -> Vec<&'static str> {
    let words = answer.reasons.iter().map(|reason| reason.word());
    words.chain((!answer.names_address).then_some("other-address")).collect()
}

fn cost(cost: &Cost) -> CostObject {
    CostObject { kind: cost.domain.word(), name: noun(&cost.domain), points: cost.points }
}

fn conflict(conflict: &Conflict) -> ConflictObject {
    let object =
        |kind, key: &Fingerprint, score| ConflictObject { kind, fingerprint: key.to_string(), score };
    match conflict {
        Conflict::Pin { pinned, is_renewal: false } => object("pin", pinned, None),
        Conflict::Pin { pinned, is_renewal: true } => object("pin-renewed", pinned, None),
        Conflict::Supported { other, score } => object("supported", other, Some(*score)),
        Conflict::UnverifiedChange { known, score } => object("unverified-change", known, Some(*score)),
        Conflict::SecondSuccession { other, .. } => object("second-succession", other, None),
    }
}

fn rival(rival: &Rival) -> RivalObject {
    RivalObject {
        fingerprint: rival.key.to_string(),
        score: rival.score,
        pinned: rival.is_pinned,
        ended: rival.has_ended,
        first_seen: rival.first_seen.map(|time| time.to_rfc3339()),
    }
}

fn advice(advice: &Advice) -> AdviceObject {
    AdviceObject {
        deed: advice.deed.word(),
        fingerprint: advice.key.to_string(),
        replaces: advice.replaces.map(|key| key.to_string()),
        score: advice.score,
        level: advice.level.word(),
    }
}

fn other(other: &OtherKey) -> OtherObject {
    OtherObject {
        fingerprint: other.fingerprint.clone(),
        algorithm: other.algorithm.clone(),
        key_use: if other.signs_only { "signing" } else { "encryption" },
        not_after: other.not_after.clone(),
        score: other.score,
        level: other.level.word(),
    }
}
