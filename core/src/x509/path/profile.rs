//! Rules for what CAs issue whose breach makes a path invalid (see [`ProfileRule`]).

use super::error::ProfileRule;
use super::facts::Facts;
use crate::x509::Certificate;
use crate::x509::certificate::extension;

/// Octets of a serial number (RFC 5280, section 4.1.2.2).
const SERIAL_NUMBER_OCTETS: usize = 20;

/// The first rule that the certificate breaks.
pub(super) fn broken_rule(certificate: &Certificate, facts: &Facts<'_>) -> Option<ProfileRule> {
    let is_authority = certificate.is_certificate_authority();
    let is_critical = |identifier| certificate.extension(identifier).map(|(critical, _)| critical);
    let certifies = certificate.key_usage().is_some_and(|usage| usage.key_cert_sign());
    let magnitude = match certificate.serial_number() {
        [0, magnitude @ ..] | magnitude => magnitude,
    };
    [
        (facts.issuer.is_empty() || is_authority && facts.subject.is_empty(), ProfileRule::AuthorityHasName),
        (
            facts.subject.is_empty() && is_critical(extension::SUBJECT_ALT_NAME) != Some(true),
            ProfileRule::NamedSomewhere,
        ),
        (
            [extension::SUBJECT_KEY_IDENTIFIER, extension::AUTHORITY_KEY_IDENTIFIER]
                .iter()
                .any(|&identifier| is_critical(identifier) == Some(true)),
            ProfileRule::KeyIdentifierNotCritical,
        ),
        (certifies && !is_authority, ProfileRule::OnlyAuthoritiesSignCertificates),
        (facts.name_constraints.is_some() && !is_authority, ProfileRule::OnlyAuthoritiesConstrain),
        (facts.policies.maps_any_policy(), ProfileRule::AnyPolicyIsNotMapped),
        (magnitude.len() > SERIAL_NUMBER_OCTETS, ProfileRule::SerialNumberLength),
    ]
    .into_iter()
    .find(|(is_broken, _)| *is_broken)
    .map(|(_, rule)| rule)
}
