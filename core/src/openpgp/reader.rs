//! From the packets of a certificate to what is kept of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, SystemTime};

use sequoia_openpgp::cert::Cert;
use sequoia_openpgp::cert::amalgamation::ValidateAmalgamation as _;
use sequoia_openpgp::cert::raw::RawCert;
use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::policy::{HashAlgoSecurity, Policy, StandardPolicy};
use sequoia_openpgp::serialize::MarshalInto as _;
use sequoia_openpgp::types::{RevocationStatus, RevocationType};

use super::FULL;
use super::certificate::{Certificate, Certification, Depth, KeyId, LinkNotation, Revocation, UserId};
use super::issuers::{Binding, Issuers, PrimaryKey, key_id};
use super::link::LINK_NOTATION;
use super::parts::{Foreign, Parts, UserIdParts};
use super::spans::Spans;
use crate::fingerprint::OpenPgpFingerprint;
use crate::limits;
use crate::time::Time;

/// The day whose rules say which algorithms are good enough (RFC 9580, section 9.5, and what
/// Sequoia's standard policy makes of it): SHA-1 is not, nor are DSA and RSA below 2048 bits. It is
/// a constant so that one keyring gives one web, whenever it is read.
const POLICY_DAY: Duration = Duration::from_secs(1_795_219_200); // 2026-11-21

/// Why a certificate was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CertificateRefused {
    /// More bytes than [`limits::OPENPGP_CERTIFICATE_BYTES`].
    TooLarge,
    /// More user identifiers than [`limits::OPENPGP_USER_IDS`].
    TooManyUserIds,
    /// More signatures of its own than [`limits::OPENPGP_SELF_SIGNATURES`].
    TooManySelfSignatures,
    /// Its packets are no certificate.
    Malformed,
}

impl fmt::Display for CertificateRefused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TooLarge => "it is too large",
            Self::TooManyUserIds => "it has too many user identifiers",
            Self::TooManySelfSignatures => "it has too many signatures of its own",
            Self::Malformed => "it is malformed",
        })
    }
}

impl std::error::Error for CertificateRefused {}

/// Verifies a certificate that came in one or more parts.
pub(super) fn read(
    fingerprint: OpenPgpFingerprint,
    packets: &[RawCert<'_>],
    issuers: &mut Issuers<'_>,
) -> Result<Certificate, CertificateRefused> {
    let key = packets.first().ok_or(CertificateRefused::Malformed)?.primary_key();
    let mut parts = Parts::of(packets)?;
    let key_body = key.to_vec().map_err(|_| CertificateRefused::Malformed)?;
    let known = issuers.known(&fingerprint).filter(|known| known.primary_key == key_body);
    let own_digest = parts.own_digest();
    let own = match known.filter(|known| known.own_digest == own_digest) {
        Some(known) => OwnWords::as_known(known),
        None => OwnWords::of(&key, &mut parts)?,
    };
    let mut by_others = ByOthers::knowing(known);
    for (place, user_id) in parts.user_ids.iter().enumerate() {
        let binding = Binding { key: &key, key_body: &key_body, user_id: &user_id.user_id };
        by_others.verify(place, user_id, &binding, issuers);
    }
    let order = |a: &Certification, b: &Certification| {
        (a.issuer, a.user_id, a.created, a.digest).cmp(&(b.issuer, b.user_id, b.created, b.digest))
    };
    by_others.certifications.sort_by(order);
    Ok(Certificate {
        fingerprint,
        primary_key: key_body,
        own_digest,
        valid: own.valid,
        live: own.live,
        revocation: own.revocation,
        user_ids: own.user_ids,
        links: own.links,
        certifications: by_others.certifications,
        unknown_issuers: by_others.unknown.into_iter().collect(),
    })
}

/// What the owner of a certificate says of it, at each moment.
struct OwnWords {
    valid: Spans,
    live: Spans,
    revocation: Revocation,
    user_ids: Vec<UserId>,
    links: Vec<LinkNotation>,
}

impl OwnWords {
    /// What was verified before.
    fn as_known(known: &Certificate) -> Self {
        Self {
            valid: known.valid.clone(),
            live: known.live.clone(),
            revocation: known.revocation.clone(),
            user_ids: known.user_ids.clone(),
            links: known.links.clone(),
        }
    }

    fn of(key: &PrimaryKey, parts: &mut Parts) -> Result<Self, CertificateRefused> {
        let moments = moments(key, parts);
        let has_links =
            parts.own_signatures().any(|signature| signature.notation(LINK_NOTATION).next().is_some());
        let certificate =
            Cert::from_packets(parts.own_packets(key)).map_err(|_| CertificateRefused::Malformed)?;
        let policy = policy();
        let mut steps = Steps::default();
        let mut hard = false;
        for moment in &moments {
            let moment = system_time(*moment);
            let valid = certificate.with_policy(&policy, moment).ok();
            steps.valid.push(valid.is_some());
            steps.live.push(valid.as_ref().is_some_and(|valid| valid.alive().is_ok()));
            let status = valid.as_ref().map(sequoia_openpgp::cert::ValidCert::revocation_status);
            steps.revoked.push(matches!(status, Some(RevocationStatus::Revoked(_))));
            hard |= status.is_some_and(|status| is_hard(&status));
        }
        let user_ids = parts.user_ids.iter().map(|parts| {
            let binding = certificate.userids().find(|binding| binding.userid() == &parts.user_id);
            let holds = |says: &dyn Fn(SystemTime) -> bool| {
                let held: Vec<bool> = moments.iter().map(|moment| says(system_time(*moment))).collect();
                Spans::from_steps(&moments, &held)
            };
            let self_signed = holds(&|at| {
                binding.as_ref().is_some_and(|binding| binding.clone().with_policy(&policy, at).is_ok())
            });
            let revoked = holds(&|at| {
                binding.as_ref().is_some_and(|binding| {
                    matches!(binding.revocation_status(&policy, at), RevocationStatus::Revoked(_))
                })
            });
            let links = links(&moments, has_links, |at| {
                let valid = binding.as_ref()?.clone().with_policy(&policy, at).ok()?;
                Some(valid.binding_signature())
            });
            UserId { text: parts.text.clone(), self_signed, revoked, links }
        });
        let links = links(&moments, has_links, |at| {
            certificate.with_policy(&policy, at).ok()?.direct_key_signature().ok()
        });
        Ok(Self {
            links,
            user_ids: user_ids.collect(),
            valid: Spans::from_steps(&moments, &steps.valid),
            live: Spans::from_steps(&moments, &steps.live),
            revocation: Revocation { hard, soft: Spans::from_steps(&moments, &steps.revoked) },
        })
    }
}

/// The link notations of the signature that binds something at each moment.
fn links<'s>(
    moments: &[Time],
    has_links: bool,
    binding: impl Fn(SystemTime) -> Option<&'s Signature>,
) -> Vec<LinkNotation> {
    let mut holds: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    let looked_at = if has_links { moments } else { &[] };
    for (place, moment) in looked_at.iter().enumerate() {
        let Some(signature) = binding(system_time(*moment)) else { continue };
        let values = signature.notation(LINK_NOTATION).take(limits::OPENPGP_LINKS);
        for value in values.filter_map(|value| std::str::from_utf8(value).ok()) {
            if value.len() > limits::OPENPGP_NOTATION_BYTES {
                continue;
            }
            let steps = holds.entry(value.to_owned()).or_insert_with(|| vec![false; moments.len()]);
            if let Some(step) = steps.get_mut(place) {
                *step = true;
            }
        }
    }
    let notation = |(value, steps): (String, Vec<bool>)| LinkNotation {
        value,
        holds: Spans::from_steps(moments, &steps),
    };
    holds.into_iter().map(notation).collect()
}

/// One value for each moment.
#[derive(Default)]
struct Steps {
    valid: Vec<bool>,
    live: Vec<bool>,
    revoked: Vec<bool>,
}

/// The moments at which something that the owner says begins or ends.
fn moments(key: &PrimaryKey, parts: &Parts) -> Vec<Time> {
    let mut moments = BTreeSet::from([time(key.creation_time())]);
    for signature in parts.own_signatures() {
        moments.extend(signature.signature_creation_time().map(time));
        moments.extend(signature.signature_expiration_time().map(time));
        moments.extend(signature.key_expiration_time(key).map(time));
    }
    moments.into_iter().collect()
}

fn is_hard(status: &RevocationStatus<'_>) -> bool {
    let RevocationStatus::Revoked(signatures) = status else { return false };
    signatures.iter().any(|signature| {
        // A revocation without a reason is taken for the worst one.
        signature
            .reason_for_revocation()
            .is_none_or(|(reason, _)| reason.revocation_type() == RevocationType::Hard)
    })
}

/// What others say of a certificate.
#[derive(Default)]
struct ByOthers {
    certifications: Vec<Certification>,
    unknown: BTreeSet<KeyId>,
    checks: usize,
    /// Issuers of certifications that were verified before, by the digest of the signature.
    known: BTreeMap<[u8; 32], OpenPgpFingerprint>,
}

impl ByOthers {
    fn knowing(known: Option<&Certificate>) -> Self {
        let certifications = known.into_iter().flat_map(|known| &known.certifications);
        let known = certifications.map(|certification| (certification.digest, certification.issuer));
        Self { known: known.collect(), ..Self::default() }
    }

    /// Verifies the certifications of one user identifier.
    fn verify(
        &mut self,
        place: usize,
        parts: &UserIdParts,
        binding: &Binding<'_>,
        issuers: &mut Issuers<'_>,
    ) {
        let policy = policy();
        let revocations = self.revocations(parts, binding, issuers);
        for foreign in &parts.certifications {
            let Some(created) = foreign.signature.signature_creation_time() else { continue };
            if policy.signature(&foreign.signature, HashAlgoSecurity::CollisionResistance).is_err() {
                continue;
            }
            let alleged = issuers.alleged(&foreign.issuers);
            if alleged.is_empty() {
                self.unknown.extend(foreign.issuers.iter().filter_map(key_id));
            }
            let issuer = alleged.iter().find(|issuer| {
                if self.known.get(&foreign.digest) == Some(&issuer.fingerprint) {
                    return true;
                }
                self.checks += 1;
                self.checks <= limits::OPENPGP_CERTIFICATION_CHECKS && issuer.certified(foreign, binding)
            });
            let Some(issuer) = issuer else { continue };
            let revoked = revocations
                .iter()
                .filter(|(by, at)| *by == issuer.fingerprint && *at > time(created))
                .map(|(_, at)| *at)
                .min();
            self.certifications.push(certification(place, issuer.fingerprint, foreign, revoked));
        }
    }

    /// Who took certifications of a user identifier back, and when.
    fn revocations(
        &mut self,
        parts: &UserIdParts,
        binding: &Binding<'_>,
        issuers: &mut Issuers<'_>,
    ) -> Vec<(OpenPgpFingerprint, Time)> {
        let policy = policy();
        let mut revocations = Vec::new();
        for foreign in &parts.revocations {
            let Some(created) = foreign.signature.signature_creation_time() else { continue };
            if policy.signature(&foreign.signature, HashAlgoSecurity::CollisionResistance).is_err() {
                continue;
            }
            let alleged = issuers.alleged(&foreign.issuers);
            let issuer = alleged.iter().find(|issuer| {
                self.checks += 1;
                self.checks <= limits::OPENPGP_CERTIFICATION_CHECKS && issuer.revoked(foreign, binding)
            });
            revocations.extend(issuer.map(|issuer| (issuer.fingerprint, time(created))));
        }
        revocations
    }
}

/// The values of a certification that holds.
fn certification(
    user_id: usize,
    issuer: OpenPgpFingerprint,
    foreign: &Foreign,
    revoked: Option<Time>,
) -> Certification {
    let signature = &foreign.signature;
    let trust = signature.trust_signature();
    let expressions = trust.map(|_| signature.regular_expressions().map(<[u8]>::to_vec).collect());
    let (depth, amount) = trust.unwrap_or((0, FULL));
    Certification {
        issuer,
        user_id,
        amount: amount.min(FULL),
        depth: Depth::from_octet(depth),
        regular_expressions: expressions.unwrap_or_default(),
        created: created(signature),
        expires: signature.signature_expiration_time().map(time),
        revoked,
        digest: foreign.digest,
    }
}

fn created(signature: &Signature) -> Time {
    time(signature.signature_creation_time().unwrap_or(SystemTime::UNIX_EPOCH))
}

/// What is good enough.
pub(super) fn policy() -> StandardPolicy<'static> {
    StandardPolicy::at(SystemTime::UNIX_EPOCH + POLICY_DAY)
}

/// Our own form of a time.
pub(super) fn time(time: SystemTime) -> Time {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Time::from_unix_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// Sequoia's form of a time of a signature, which lies within 32 bits.
pub(super) fn system_time(time: Time) -> SystemTime {
    let seconds = time.unix_seconds().clamp(0, i64::from(u32::MAX));
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs())
}
