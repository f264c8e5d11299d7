//! Whether an OCSP response may be believed (RFC 6960, section 4.2.2.2): its signer is the issuer
//! of the certificate, or somebody whom the issuer itself certified for that.

use super::error::PathError;
use super::revoked::{Asked, by_lists};
use super::search::Search;
use crate::limits;
use crate::x509::revocation::OcspResponse;
use crate::x509::{Certificate, PublicKey};

/// id-kp-OCSPSigning (RFC 6960, section 4.2.2.2).
const OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";

/// Whether the issuer of the certificate, or its delegate, signed the response.
pub(super) fn is_response_authentic(
    search: &mut Search<'_>,
    response: &OcspResponse,
    issuer: &PublicKey,
    asked: &Asked<'_, '_>,
    suspended: &mut Vec<usize>,
) -> Result<bool, PathError> {
    let name = asked.certificate.issuer_name();
    if response.is_by(name, issuer) {
        search.spend_signature()?;
        if response.is_signed_by(issuer) {
            return Ok(true);
        }
    }
    let offered = search.pool.offered;
    let delegates = response.certificates().iter().chain(offered).filter(|delegate| {
        response.is_by(delegate.subject_name(), delegate.public_key())
            && delegate.issuer_name() == name
            && may_answer(delegate, response, asked)
    });
    for delegate in delegates.take(limits::SIGNER_CANDIDATES) {
        search.spend_signature()?;
        search.spend_signature()?;
        let is_delegate =
            delegate.is_signed_by(issuer).is_ok() && response.is_signed_by(delegate.public_key());
        if is_delegate && !is_revoked(search, delegate, asked, suspended)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a certificate makes its holder a responder: when the response was made, and when it is
/// used, because whoever steals a key later can make old dates.
fn may_answer(delegate: &Certificate, response: &OcspResponse, asked: &Asked<'_, '_>) -> bool {
    let usage = delegate.key_usage();
    let moment = response.produced_at().max(asked.request.at);
    delegate.extended_key_usage().is_some_and(|usage| usage.allows(OCSP_SIGNING))
        && usage.is_none_or(|usage| usage.digital_signature() || usage.non_repudiation())
        && delegate.unknown_critical_extensions().is_empty()
        && delegate.is_valid_at(moment)
}

/// A responder cannot speak for itself, so only lists are asked; where they are silent, it is
/// believed, as most say of themselves that it should (id-pkix-ocsp-nocheck).
fn is_revoked(
    search: &mut Search<'_>,
    delegate: &Certificate,
    asked: &Asked<'_, '_>,
    suspended: &mut Vec<usize>,
) -> Result<bool, PathError> {
    let asked = Asked { certificate: delegate, ..*asked };
    let account = by_lists(search, &asked, suspended)?;
    Ok(account.settle(delegate, asked.request.at).is_err())
}
