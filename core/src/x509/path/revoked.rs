//! Whether any certificate of a path is revoked (RFC 5280, section 6.3).

use super::PathRequest;
use super::account::Account;
use super::check::which;
use super::error::PathError;
use super::responder::is_response_authentic;
use super::search::{Node, Search, key_identifier_distance, signer_request};
use crate::limits;
use crate::x509::Certificate;
use crate::x509::revocation::{
    Revocation, RevocationDemand, RevocationList, RevocationStatus, UnknownBecause, distribution_points,
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
    if search.revocation.demand == RevocationDemand::Off {
        return Ok(vec![RevocationStatus::Unknown(UnknownBecause::NotAsked); below_anchor.len()]);
    }
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
        (RevocationDemand::Off | RevocationDemand::BestEffort, _) | (_, RevocationStatus::Good { .. }) => {
            Ok(())
        }
        (RevocationDemand::Required, RevocationStatus::Unknown(because)) => {
            Err(PathError::RevocationUnknown { which, because: because.clone() })
        }
        (RevocationDemand::Required, RevocationStatus::Stale { this_update, .. })
            if request.at <= this_update.plus_days(search.revocation.grace_days.into()) =>
        {
            Ok(())
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
    let certificate = search.node(index)?.certificate;
    // Only certificates above this one have been looked at, so only they may speak of it.
    let asked = Asked { certificate, above: path.get(depth + 1..).unwrap_or_default(), anchor, request };
    let mut account = by_lists(search, &asked, suspended)?;
    by_responses(search, &asked, &mut account, suspended)?;
    account.settle(certificate, request.at).map_err(|Revocation { when, reason }| PathError::Revoked {
        which: which(depth, certificate),
        when,
        reason,
    })
}

/// A certificate whose status is asked for, and the path above it.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a, 'p> {
    pub(super) certificate: &'a Certificate,
    pub(super) above: &'p [usize],
    pub(super) anchor: usize,
    pub(super) request: &'p PathRequest,
}

/// What revocation lists say of a certificate.
pub(super) fn by_lists<'a>(
    search: &mut Search<'a>,
    asked: &Asked<'_, '_>,
    suspended: &mut Vec<usize>,
) -> Result<Account<'a>, PathError> {
    let Asked { certificate, above, anchor, request } = *asked;
    let points = distribution_points(certificate);
    let lists = &search.revocation.lists;
    let mut account = Account::default();
    for (number, list) in lists.iter().enumerate().filter(|(_, list)| list.is_about(certificate, &points)) {
        let reasons = list.reasons_for(certificate, &points);
        if let Some(unusable) = list.unusable() {
            account.is_silent(UnknownBecause::Unusable(unusable.clone()));
        } else if reasons.is_empty() {
            account.is_silent(UnknownBecause::OutOfScope);
        } else if is_authentic(search, number, above, anchor, request, suspended)? {
            account.lists.push((list, reasons));
        } else {
            account.is_silent(UnknownBecause::NotSigned);
        }
    }
    Ok(account)
}

/// What OCSP responses say of it.
fn by_responses<'a>(
    search: &mut Search<'a>,
    asked: &Asked<'_, '_>,
    account: &mut Account<'a>,
    suspended: &mut Vec<usize>,
) -> Result<(), PathError> {
    let Some(issuer) = search.working_key(asked.above) else { return Ok(()) };
    for response in &search.revocation.responses {
        let answers = response.about(asked.certificate, &issuer);
        if answers.is_empty() {
            continue;
        }
        let unusable = response.unusable().or(answers.iter().find_map(|answer| answer.unusable.as_ref()));
        if let Some(unusable) = unusable {
            account.is_silent(UnknownBecause::Unusable(unusable.clone()));
        } else if is_response_authentic(search, response, &issuer, asked, suspended)? {
            account.responses.extend(answers);
        } else {
            account.is_silent(UnknownBecause::NotSigned);
        }
    }
    Ok(())
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
        let place = above.iter().position(|&index| index == signer);
        let above_signer = place.and_then(|place| above.get(place + 1..)).unwrap_or_default();
        if !search.is_list_signed(number, signer, above_signer)? {
            continue;
        }
        if place.is_some() || suspended.last() == Some(&signer) {
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
/// Nobody vouches for the certificate that vouches for them, or for their own, except where the
/// certificate's issuer wrote into it that they do.
fn signers(search: &Search<'_>, list: &RevocationList, above: &[usize], suspended: &[usize]) -> Vec<usize> {
    let may_sign = |node: &Node<'_>| {
        let usage = node.certificate.key_usage();
        node.certificate.subject_name() == Some(list.issuer()) && usage.is_none_or(|usage| usage.crl_sign())
    };
    let is_free = |index: usize, node: &Node<'_>| match suspended.split_last() {
        // Whose lists are in question stands there twice: as a signer, and as a certificate that is asked
        // about.
        Some((&asked, others))
            if asked == index && !others.strip_suffix(&[asked]).unwrap_or(others).contains(&index) =>
        {
            distribution_points(node.certificate).iter().any(|point| point.names_issuer(list.issuer()))
        }
        _ => !suspended.contains(&index),
    };
    let wanted = list.authority_key_identifier();
    let mut signers: Vec<(bool, u8, usize)> = search
        .pool
        .nodes
        .iter()
        .enumerate()
        .filter(|(index, node)| may_sign(node) && is_free(*index, node))
        .map(|(index, node)| {
            let found = node.certificate.subject_key_identifier();
            (!above.contains(&index), key_identifier_distance(wanted, found), index)
        })
        .collect();
    signers.sort_unstable();
    signers.into_iter().map(|(_, _, index)| index).collect()
}
