//! How far a key is believed to be somebody's, in words, as JSON and as a picture.

use counterseal_core::message::Reason;
use counterseal_core::trust::evidence::Kind;
use counterseal_core::trust::{Advice, Conflict, Decision, Deed, Domain, Level, Picture, Rules};
use counterseal_core::x509::Certificate;

use super::domains::{self, day};
use super::evidence::sentence;
use crate::failure::Failure;
use crate::render::json::line;
use crate::render::reasons;
use crate::terminal::{self, Mark, SafeText, marked};

mod object;

/// An answer with everything that explains it.
pub(crate) struct Answer {
    pub(crate) certificate: Certificate,
    pub(crate) decision: Decision,
    pub(crate) rules: Rules,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) advice: Option<Advice>,
    /// Whether the certificate names the address.
    pub(crate) names_address: bool,
    /// Whether the key is one of the store.
    pub(crate) is_known: bool,
    /// Other keys with a certificate for the address.
    pub(crate) others: Vec<OtherKey>,
}

/// Another key of the address, in short.
pub(crate) struct OtherKey {
    fingerprint: String,
    algorithm: String,
    /// Whether it is for signing alone.
    signs_only: bool,
    not_after: String,
    score: u32,
    level: Level,
}

impl OtherKey {
    /// Of a certificate of the key.
    pub(crate) fn of(certificate: &Certificate, decision: &Decision) -> Self {
        Self {
            fingerprint: certificate.fingerprint().to_string(),
            algorithm: certificate.public_key().algorithm().name(),
            signs_only: certificate.may_receive_encrypted_mail().is_err(),
            not_after: certificate.not_after().to_rfc3339(),
            score: decision.score,
            level: decision.level,
        }
    }
}

/// Shows an answer on standard output.
pub(crate) fn answer(answer: &Answer, as_json: bool) -> Result<(), Failure> {
    let text = if as_json { format!("{}\n", json(answer)) } else { words(answer) };
    terminal::print(&text).map_err(|error| Failure::io("standard output", &error))
}

/// The answer as one JSON object.
pub(crate) fn json(answer: &Answer) -> String {
    line(&object::AnswerObject::of(answer))
}

/// The picture of the evidence.
pub(crate) fn svg(picture: &Picture) -> String {
    picture.to_svg(|node| domains::node(&node.kind))
}

fn words(answer: &Answer) -> String {
    let evaluation = &answer.decision.evaluation;
    let mut text = headline(answer);
    text.push_str(&format!(
        "  {}   {}, certificate until {}\n",
        evaluation.claim.key(),
        answer.certificate.public_key().algorithm().name(),
        day(&answer.certificate.not_after().to_rfc3339())
    ));
    text.push_str(&why(answer));
    text.push_str(&against(answer));
    let outlook = [attack(answer), next(answer)].concat();
    if !outlook.is_empty() {
        text.push_str(&format!("\n{outlook}"));
    }
    if !answer.others.is_empty() {
        text.push_str("\n  Other keys of this address\n");
        text.extend(answer.others.iter().map(other));
    }
    text.push_str(&format!(
        "\n  Profile {}, table {}.\n",
        evaluation.profile.word(),
        evaluation.table_version
    ));
    text
}

fn headline(answer: &Answer) -> String {
    let (decision, verified) = (&answer.decision, answer.rules.thresholds.verified);
    let mark = match decision.level {
        Level::Verified | Level::Strong => Mark::Positive,
        Level::None | Level::Unverified | Level::Opportunistic | Level::Checked => Mark::Neutral,
        Level::Conflict => Mark::Warning,
        Level::Invalid => Mark::Error,
    };
    let address = decision.evaluation.claim.address().to_string();
    let lower_bound = if decision.evaluation.is_lower_bound { "at least " } else { "" };
    format!(
        "{}   {}   {lower_bound}{} points, {verified} needed\n",
        marked(mark, decision.level.word()),
        SafeText(&address),
        decision.score
    )
}

/// Columns of a sentence before its points.
const SENTENCE: usize = 76;

fn why(answer: &Answer) -> String {
    let issued = answer.certificate.not_before();
    let is_pinned = answer.decision.evaluation.is_pinned;
    let sentences =
        answer.decision.sources.iter().filter_map(|source| {
            sentence(source, issued, is_pinned).map(|sentence| (sentence, source.points))
        });
    let mut text = String::new();
    for (number, (sentence, points)) in (1..).zip(sentences) {
        if text.is_empty() {
            text.push_str("\n  Why\n");
        }
        text.push_str(&format!("  {number}. {sentence:SENTENCE$} {points:>4}\n"));
    }
    let sum: u32 = answer.decision.sources.iter().map(|source| source.points).fold(0, u32::saturating_add);
    if sum > answer.decision.score && answer.decision.evaluation.conflict.is_none() {
        text.push_str("     (not added up: what says the same, or comes through one CA, counts once)\n");
    }
    text
}

/// What takes something away: reasons that are no evidence, and what contradicts the key.
fn against(answer: &Answer) -> String {
    let mut lines: Vec<String> = answer
        .reasons
        .iter()
        .filter(|reason| !speaks_for(**reason))
        .map(|reason| reasons::sentence(*reason).to_owned())
        .collect();
    if !answer.names_address {
        lines.push("the certificate is for another address".to_owned());
    }
    lines.extend(answer.decision.evaluation.conflict.as_ref().map(conflict));
    let mut text = String::new();
    if !lines.is_empty() {
        text.push_str("\n  But\n");
        text.extend(lines.iter().map(|line| format!("  - {line}\n")));
    }
    text
}

const fn speaks_for(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Pinned
            | Reason::Chain
            | Reason::Known
            | Reason::Vouched
            | Reason::Succession
            | Reason::LookedUp
            | Reason::Gossip
    )
}

fn conflict(conflict: &Conflict) -> String {
    match conflict {
        Conflict::Pin { pinned, is_renewal: false } => format!("the key that you compared is {pinned}"),
        Conflict::Pin { pinned, is_renewal: true } => {
            format!("the key that you compared is {pinned}; the same CA renewed it with this one")
        }
        Conflict::Supported { other, score } => format!("another key has {score} points: {other}"),
        Conflict::UnverifiedChange { known, score } => {
            format!("the key that is known has {score} points: {known}")
        }
        Conflict::SecondSuccession { other, .. } => format!("the key before named another one too: {other}"),
    }
}

fn attack(answer: &Answer) -> String {
    let attack = answer.decision.attack();
    let had_mail = answer.decision.dossier.evidence.iter().any(|evidence| match &evidence.kind {
        Kind::History(history) => history.messages > 0,
        _ => false,
    });
    let noun = |domain: &Domain| match domain {
        Domain::History(_) if !had_mail => "the way in which the key came to you".to_owned(),
        _ => domains::noun(domain),
    };
    let mut nouns: Vec<String> =
        attack.iter().map(|cost| format!("{} ({})", noun(&cost.domain), cost.points)).collect();
    let Some(last) = nouns.pop() else { return String::new() };
    let all = if nouns.is_empty() { last } else { format!("{} and {last}", nouns.join(", ")) };
    format!("  A forger would have to get past {all}.\n")
}

/// The least that helps, ready to paste where there is a command for it.
fn next(answer: &Answer) -> String {
    [deed(answer), meet(answer)].concat()
}

/// What people ask for most, whatever else would do.
fn meet(answer: &Answer) -> String {
    let evaluation = &answer.decision.evaluation;
    let is_open = answer.decision.level < Level::Verified && answer.decision.level != Level::Invalid;
    if !is_open || evaluation.is_pinned || !answer.is_known || !answer.names_address {
        return String::new();
    }
    format!("  For verified: cseal trust meet {}\n", SafeText(&evaluation.claim.address().to_string()))
}

fn deed(answer: &Answer) -> String {
    let Some(advice) = &answer.advice else { return String::new() };
    let address = answer.decision.evaluation.claim.address().to_string();
    let (address, key) = (SafeText(&address), advice.key);
    let what = match (advice.deed, advice.replaces) {
        (Deed::Correspond, _) => format!("go on writing to each other, signed and encrypted, with {address}"),
        (Deed::CompareByVideo, None) => format!("compare {key} with {address} by voice or video"),
        (Deed::CompareInPerson, None) => format!("compare {key} with {address} face to face"),
        (Deed::CompareByVideo | Deed::CompareInPerson, Some(old)) => {
            format!("ask {address} whether {key} took the place of {old}")
        }
        (Deed::Certify, _) => {
            format!("certify the key of {address} with your OpenPGP key; see `cseal trust vouch --help`")
        }
    };
    format!("  For {} ({} points): {what}.\n", advice.level.word(), advice.score)
}

fn other(other: &OtherKey) -> String {
    format!(
        "  {}   {}{}, certificate until {}: {}, {} points\n",
        other.fingerprint,
        other.algorithm,
        if other.signs_only { ", for signing" } else { "" },
        day(&other.not_after),
        other.level.word(),
        other.score
    )
}
