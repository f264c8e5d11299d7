//! Whether any certificate of a path is revoked (RFC 5280, section 6.3).

use super::PathRequest;
use super::check::which;
use super::error::PathError;
use super::search::{Node, Search, key_identifier_distance, signer_request};
use crate::limits;
use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::revocation::{
    Revocation, RevocationDemand, RevocationList, RevocationReason, RevocationStatus, UnknownBecause,
    UnusableList,
};

/// The status of every certificate of the path but the anchor, the leaf's first.
pub(super) fn statuses(
    search: &mut Search<'_>,
    path: &[usize],
    anchor: usize,
    request: &PathRequest,
    suspended: &mut Vec<usize>,
) -> Result<Vec<RevocationStatus>, PathError> {
    let below_anchor = path.split_last().map(|(_, below)| below).unwrap_or_default();
    // From the anchor down: a revoked CA is the graver news.
    let mut statuses = Vec::new();
    for (depth, &index) in below_anchor.iter().enumerate().rev() {
        suspended.push(index);
        let status = status(search, path, depth, index, anchor, request, suspended);
        suspended.pop();
        let status = status?;
        demand(search, depth, index, &status, request)?;
        statuses.push(status);
    }
    statuses.reverse();
    Ok(statuses)
}

fn demand(
    search: &Search<'_>,
    depth: usize,
    index: usize,
    status: &RevocationStatus,
    request: &PathRequest,
) -> Result<(), PathError> {
    let which = which(depth, search.node(index)?.certificate);
    match (search.revocation.demand, status) {
        (RevocationDemand::BestEffort, _) | (_, RevocationStatus::Good { .. }) => Ok(()),
        (RevocationDemand::Required, RevocationStatus::Unknown(because)) => {
            Err(PathError::RevocationUnknown { which, because: because.clone() })
        }
        (RevocationDemand::Required, RevocationStatus::Stale { next_update, .. }) => {
            Err(PathError::RevocationStale { which, at: request.at, next_update: *next_update })
        }
    }
}

fn status(
    search: &mut Search<'_>,
    path: &[usize],
    depth: usize,
    index: usize,
    anchor: usize,
    request: &PathRequest,
    suspended: &mut Vec<usize>,
) -> Result<RevocationStatus, PathError> {
    let node = search.node(index)?;
    // Only certificates above this one have been looked at, so only they may speak of it.
    let above = path.get(depth + 1..).unwrap_or_default();
    let lists = &search.revocation.lists;
    let mut best = RevocationStatus::Unknown(UnknownBecause::NoList);
    let of_its_issuer = |list: &RevocationList| Some(list.issuer()) == node.certificate.issuer_name();
    for (number, list) in lists.iter().enumerate().filter(|(_, list)| of_its_issuer(list)) {
        let said = match unusable(list, node.certificate) {
            Some(because) => RevocationStatus::Unknown(because),
            None if !is_authentic(search, number, above, anchor, request, suspended)? => {
                RevocationStatus::Unknown(UnknownBecause::NotSigned)
            }
            None => {
                if let Some(Revocation { when, reason }) = revocation(list, node.certificate, request.at) {
                    return Err(PathError::Revoked { which: which(depth, node.certificate), when, reason });
                }
                silence(list, node.certificate, request.at)
            }
        };
        best = better(best, said);
    }
    Ok(best)
}

/// A delta list is half of one: what it revokes is revoked.
fn unusable(list: &RevocationList, certificate: &Certificate) -> Option<UnknownBecause> {
    match list.unusable() {
        None | Some(UnusableList::Delta) => {}
        Some(unusable) => return Some(UnknownBecause::Unusable(unusable.clone())),
    }
    (!list.covers(certificate)).then_some(UnknownBecause::OutOfScope)
}

/// The entry of a certificate that is revoked; as of a moment before, it was not.
fn revocation(list: &RevocationList, certificate: &Certificate, at: Time) -> Option<Revocation> {
    let entry = list.entry(certificate.serial_number())?;
    (entry.when <= at && entry.reason != RevocationReason::RemoveFromCrl).then_some(entry)
}

/// What a list says by not naming a certificate.
fn silence(list: &RevocationList, certificate: &Certificate, at: Time) -> RevocationStatus {
    let this_update = list.this_update();
    if let Some(unusable) = list.unusable() {
        return RevocationStatus::Unknown(UnknownBecause::Unusable(unusable.clone()));
    }
    if !list.covers_all_reasons() {
        return RevocationStatus::Unknown(UnknownBecause::OutOfScope);
    }
    if this_update > certificate.not_after() {
        return RevocationStatus::Unknown(UnknownBecause::TooLate);
    }
    match list.next_update() {
        Some(next_update) if at <= next_update => RevocationStatus::Good { this_update, next_update },
        next_update => RevocationStatus::Stale { this_update, next_update },
    }
}

/// Good news before stale news before none; the newer of two of a kind.
fn better(one: RevocationStatus, other: RevocationStatus) -> RevocationStatus {
    let rank = |status: &RevocationStatus| match status {
        RevocationStatus::Good { this_update, .. } => (3, Some(*this_update)),
        RevocationStatus::Stale { this_update, .. } => (2, Some(*this_update)),
        RevocationStatus::Unknown(UnknownBecause::NoList) => (0, None),
        RevocationStatus::Unknown(_) => (1, None),
    };
    if rank(&other) > rank(&one) { other } else { one }
}

/// Whether the list is signed by somebody of its issuer's name who may issue lists, under the same
/// anchor as the path (RFC 5280, section 6.3.3 (f) and (g)).
fn is_authentic(
    search: &mut Search<'_>,
    number: usize,
    above: &[usize],
    anchor: usize,
    request: &PathRequest,
    suspended: &mut Vec<usize>,
) -> Result<bool, PathError> {
    let Some(list) = search.revocation.lists.get(number) else { return Ok(false) };
    for signer in signers(search, list, above, suspended) {
        if !search.is_list_signed(number, signer)? {
            continue;
        }
        if above.contains(&signer) {
            return Ok(true);
        }
        if suspended.len() > limits::REVOCATION_NESTING {
            continue;
        }
        suspended.push(signer);
        let valid = search.path_from(signer, Some(anchor), &signer_request(request), suspended);
        suspended.pop();
        match valid {
            Ok(_) => return Ok(true),
            Err(error @ PathError::Budget(_)) => return Err(error),
            Err(_) => {}
        }
    }
    Ok(false)
}

/// Who may have signed a list: certificates further up the path first, then by key identifier.
/// Nobody vouches for the certificate that vouches for them.
fn signers(search: &Search<'_>, list: &RevocationList, above: &[usize], suspended: &[usize]) -> Vec<usize> {
    let may_sign = |node: &Node<'_>| {
        let usage = node.certificate.key_usage();
        node.certificate.subject_name() == Some(list.issuer()) && usage.is_none_or(|usage| usage.crl_sign())
    };
    let wanted = list.authority_key_identifier();
    let mut signers: Vec<(bool, u8, usize)> = search
        .pool
        .nodes
        .iter()
        .enumerate()
        .filter(|(index, node)| may_sign(node) && !suspended.contains(index))
        .map(|(index, node)| {
            let found = node.certificate.subject_key_identifier();
            (!above.contains(&index), key_identifier_distance(wanted, found), index)
        })
        .collect();
    signers.sort_unstable();
    signers.into_iter().map(|(_, _, index)| index).collect()
}
