//! Signatures that were made while their certificate was valid, where that is proven.

use super::Judgement;
use crate::cms::time_stamp::TimeStamp;
use crate::limits;
use crate::message::author_signature;
use crate::time::Time;
use crate::trust::{Decision, Level};
use crate::x509::Certificate;
use crate::x509::path::PathError;
use crate::x509::revocation::RevocationReason;

/// What was to be believed when the signature is proven to have been there, and that moment; nothing
/// where what is to be believed now is no less, or where nothing is proven.
///
/// A certificate that has ended since, or was replaced, does not take back what was signed with it before.
/// One whose key was stolen does: whoever has the key could have had it for longer than anybody knows. A
/// signing time is the signer's own word and proves nothing (RFC 8550, section 6).
pub(super) fn decision(
    judgement: &Judgement<'_>,
    certificate: &Certificate,
    now: &Decision,
    decide_at: &dyn Fn(Time) -> Decision,
) -> Option<(Decision, Time)> {
    let at = judgement.context.at;
    let has_ended = now.out_of_date && certificate.not_after() < at;
    let was_replaced = matches!(now.chain_error, Some(PathError::Revoked { .. }));
    if !(has_ended || was_replaced) || now.level == Level::Conflict || is_key_doubtful(now) {
        return None;
    }
    let then = proven_time(judgement).filter(|then| certificate.is_valid_at(*then))?;
    // Once a certificate has ended, nobody speaks of its revocation any more: its last day is asked about.
    if has_ended && is_key_doubtful(&decide_at(certificate.not_after())) {
        return None;
    }
    let decision = decide_at(then);
    let is_good = !matches!(decision.level, Level::Conflict | Level::Invalid | Level::None);
    is_good.then_some((decision, then))
}

/// Whether a certificate of the chain is revoked for a reason that may mean that somebody else has a key.
fn is_key_doubtful(decision: &Decision) -> bool {
    match &decision.chain_error {
        Some(PathError::Revoked { reason, .. }) => {
            reason.ends_key() || *reason == RevocationReason::CaCompromise
        }
        _ => decision.evaluation.level == Level::Invalid,
    }
}

/// The earliest moment for which there is a proof.
fn proven_time(judgement: &Judgement<'_>) -> Option<Time> {
    let (knowledge, at) = (judgement.context.knowledge, judgement.context.at);
    let arrived = knowledge.proof.arrivals.get(&author_signature::message(judgement.signer)).copied();
    let stamps = judgement.signer.time_stamps.iter().take(limits::TIME_STAMPS);
    let stamped = stamps.filter(|_| !knowledge.proof.authorities.is_empty()).filter_map(|der| {
        let stamp = TimeStamp::from_der(der, &[]).ok()?;
        let signature = &judgement.signer.signature;
        let authorities = &knowledge.proof.authorities;
        let proven = stamp.verify(signature, authorities, &knowledge.revocation, at, judgement.allowance);
        proven.ok().map(|proven| proven.by)
    });
    arrived.into_iter().chain(stamped).filter(|then| *then <= at).min()
}
