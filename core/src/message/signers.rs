//! From a signature that holds to what may be believed of the author.

mod past;

use std::borrow::Cow;

use super::Context;
use super::layers::SignedLayer;
use super::status::{Contradiction, Reason, SignerStatus, Verdict};
use crate::address::EmailAddress;
use crate::cms::{self, ContentType, SignatureOutcome, Signed};
use crate::limits;
use crate::time::{DAY, Time};
use crate::trust::evidence::Kind;
use crate::trust::{self, Conflict, Decision, Knowledge, Level, Purpose, Remark, family_key};
use crate::x509::Certificate;
use crate::x509::path::{Allowance, PathError};
use crate::x509::revocation::RevocationStatus;

/// Who a signature is held against.
#[derive(Clone, Copy)]
pub(super) enum Claim<'a> {
    /// The one From address of a mail; nothing where the mail has none that counts.
    Author(Option<&'a EmailAddress>),
    /// No mail, hence no author: the certificate's chain alone decides.
    NoAuthor,
}

/// Judges every signature of one SignedData. All that is judged of one message shares `allowance`.
pub(super) fn judge(
    signed: &Signed,
    claim: Claim<'_>,
    context: &Context<'_>,
    allowance: &Allowance,
) -> Vec<SignerStatus> {
    let knowledge = with_carried(signed, with_revocations(signed, context.knowledge));
    let context = &Context { knowledge: &knowledge, ..*context };
    let judgements =
        signed.signers.iter().map(|signer| Judgement { signed, signer, claim, context, allowance });
    judgements.map(|judgement| judgement.status()).collect()
}

/// What is known, and what the object itself brings about revocation (RFC 5652, section 10.2.1;
/// RFC 5940): it is checked like any other, so whoever put it there can hide nothing.
fn with_revocations<'k>(signed: &Signed, knowledge: &'k Knowledge) -> Cow<'k, Knowledge> {
    if signed.revocation_lists.is_empty() && signed.revocation_answers.is_empty() {
        return Cow::Borrowed(knowledge);
    }
    let revocation = knowledge.revocation.with(&signed.revocation_lists, &signed.revocation_answers);
    Cow::Owned(Knowledge { revocation, ..knowledge.clone() })
}

/// What is known, and the OpenPGP certificates and statements that travel with the signatures: each
/// proves itself, so whoever put them there only adds what others said.
fn with_carried<'k>(signed: &Signed, knowledge: Cow<'k, Knowledge>) -> Cow<'k, Knowledge> {
    let mut bytes = 0;
    let carried = signed.signers.iter().flat_map(|signer| &signer.carried_evidence);
    let items = carried.take(limits::CARRIED_EVIDENCE).take_while(|item| {
        bytes += item.len();
        bytes <= limits::CARRIED_EVIDENCE_BYTES
    });
    let items: Vec<Vec<u8>> = items.cloned().collect();
    if items.is_empty() {
        return knowledge;
    }
    Cow::Owned(trust::bring(&knowledge, &items, &signed.certificates).knowledge)
}

struct Judgement<'j> {
    signed: &'j Signed,
    signer: &'j cms::Signer,
    claim: Claim<'j>,
    context: &'j Context<'j>,
    allowance: &'j Allowance,
}

impl Judgement<'_> {
    /// The rules from the gravest down; the first that fits decides.
    fn status(&self) -> SignerStatus {
        let Some(certificate) = &self.signer.certificate else {
            return match self.signer.outcome {
                SignatureOutcome::Bad(fault) => {
                    self.without_certificate(Verdict::Invalid, Reason::Fault(fault))
                }
                SignatureOutcome::CertificateMissing | SignatureOutcome::Good | SignatureOutcome::Weak(_) => {
                    self.without_certificate(Verdict::Unknown, Reason::CertificateMissing)
                }
            };
        };
        match self.signer.outcome {
            SignatureOutcome::Bad(fault) => self.refused(certificate, Verdict::Invalid, Reason::Fault(fault)),
            SignatureOutcome::CertificateMissing => {
                self.without_certificate(Verdict::Unknown, Reason::CertificateMissing)
            }
            SignatureOutcome::Weak(weakness) => {
                self.refused(certificate, Verdict::Weak, Reason::Weak(weakness))
            }
            SignatureOutcome::Good => self.good(certificate),
        }
    }

    fn good(&self, certificate: &Certificate) -> SignerStatus {
        if certificate.may_sign_mail().is_err() {
            return self.refused(certificate, Verdict::Invalid, Reason::CertificateUsage);
        }
        match self.claim {
            Claim::NoAuthor => self.by_chain(certificate),
            Claim::Author(None) => self.refused(certificate, Verdict::Mismatch, Reason::NoFrom),
            Claim::Author(Some(author)) => self.by_author(certificate, author),
        }
    }

    /// Without an author, a chain to an anchor is what is asked for; where no anchor says anything,
    /// what is known of the signer's own address may.
    fn by_chain(&self, certificate: &Certificate) -> SignerStatus {
        let decision = trust::decide_chain(
            certificate,
            &self.signed.certificates,
            self.context.knowledge,
            self.context.at,
            self.allowance,
        );
        match decision {
            Ok(decision) => self.decided(certificate, &decision),
            Err(error) => match certificate.addresses().iter().find(|address| self.is_known(address)) {
                Some(address) if reason_of(&error) == Reason::NoAnchor => {
                    self.by_author(certificate, address)
                }
                _ => self.refused(certificate, verdict_of(&error), reason_of(&error)),
            },
        }
    }

    fn is_known(&self, address: &EmailAddress) -> bool {
        let knowledge = self.context.knowledge;
        knowledge.pins.iter().any(|pin| pin.address.matches(address))
            || knowledge.known.iter().any(|known| known.address.matches(address))
    }

    fn by_author(&self, certificate: &Certificate, author: &EmailAddress) -> SignerStatus {
        let decide_at = |at| {
            let (offered, knowledge) = (&self.signed.certificates, self.context.knowledge);
            trust::decide(certificate, author, offered, knowledge, Purpose::Sign, at, self.allowance)
        };
        let decision = decide_at(self.context.at);
        if let Some((decision, then)) = past::decision(self, certificate, &decision, &decide_at)
            && certificate.addresses().iter().any(|address| address.matches(author))
        {
            let mut status = self.decided_at(certificate, &decision, then);
            status.reasons.push(Reason::TimeProven);
            return status;
        }
        let names_author = certificate.addresses().iter().any(|address| address.matches(author));
        match decision.level {
            Level::Conflict => self.contradicted(certificate, &decision),
            Level::Invalid => self.refused(certificate, Verdict::Invalid, Reason::Revoked),
            _ if !names_author => self.refused(certificate, Verdict::Mismatch, Reason::FromMismatch),
            Level::None
            | Level::Unverified
            | Level::Opportunistic
            | Level::Checked
            | Level::Verified
            | Level::Strong => self.decided(certificate, &decision),
        }
    }

    fn contradicted(&self, certificate: &Certificate, decision: &Decision) -> SignerStatus {
        let held = &self.context.knowledge.certificates;
        let owner = |own: &Certificate| family_key(own, self.signed.certificates.iter().chain(held));
        let contradiction = decision.evaluation.conflict.map(|conflict| {
            let known = conflict.other();
            let mut of_known = held.iter().filter(|own| own.fingerprint() == known);
            let known = of_known.next().map_or(known, |own| family_key(own, held));
            Contradiction { new: owner(certificate), known }
        });
        let status = self.refused(certificate, Verdict::Conflict, conflict_reason(decision));
        SignerStatus { contradiction, ..status }
    }

    fn decided(&self, certificate: &Certificate, decision: &Decision) -> SignerStatus {
        self.decided_at(certificate, decision, self.context.at)
    }

    fn decided_at(&self, certificate: &Certificate, decision: &Decision, at: Time) -> SignerStatus {
        let verdict = match decision.level {
            Level::Verified | Level::Strong => Verdict::Verified,
            Level::Checked => Verdict::Checked,
            Level::Opportunistic => Verdict::Signed,
            Level::None | Level::Unverified => Verdict::Unverified,
            Level::Conflict => Verdict::Conflict,
            Level::Invalid => Verdict::Invalid,
        };
        let reasons = reasons_of(decision, certificate, at);
        // A list that is overdue hides what was revoked since.
        let is_stale = reasons.contains(&Reason::StaleRevocation);
        let verdict = if is_stale { verdict.at_most_checked() } else { verdict };
        SignerStatus {
            score: decision.score,
            level: decision.level,
            evidence: decision.sources.clone(),
            reasons,
            ..self.refused(certificate, verdict, Reason::NoEvidence)
        }
    }

    fn refused(&self, certificate: &Certificate, verdict: Verdict, reason: Reason) -> SignerStatus {
        SignerStatus {
            subject: Some(certificate.subject()),
            fingerprint: Some(certificate.fingerprint()),
            address: self.address_of(certificate),
            not_after: Some(certificate.not_after()),
            ..self.without_certificate(verdict, reason)
        }
    }

    fn without_certificate(&self, verdict: Verdict, reason: Reason) -> SignerStatus {
        SignerStatus {
            verdict,
            subject: None,
            fingerprint: None,
            address: None,
            signing_time: self.signer.signing_time,
            score: 0,
            level: match verdict {
                Verdict::Conflict => Level::Conflict,
                Verdict::Invalid => Level::Invalid,
                _ => Level::None,
            },
            evidence: Vec::new(),
            reasons: vec![reason],
            not_after: None,
            contradiction: None,
        }
    }

    /// The certificate's address that is shown: the author's where it names it, else its first.
    fn address_of(&self, certificate: &Certificate) -> Option<EmailAddress> {
        let addresses = certificate.addresses();
        let author = match self.claim {
            Claim::Author(author) => author,
            Claim::NoAuthor => None,
        };
        addresses
            .iter()
            .find(|address| author.is_some_and(|author| address.matches(author)))
            .or(addresses.first())
            .cloned()
    }
}

/// Why a decision is what it is, for a certificate at a moment.
#[must_use]
pub fn reasons_of(decision: &Decision, certificate: &Certificate, at: Time) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = Vec::new();
    if decision.level == Level::Conflict {
        reasons.push(conflict_reason(decision));
    }
    for reason in decision.sources.iter().filter_map(|source| source_reason(&source.evidence.kind)) {
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    if reasons.is_empty() {
        reasons.push(Reason::NoEvidence);
    }
    if decision.out_of_date {
        let is_early = at < certificate.not_before();
        reasons.push(if is_early { Reason::NotYetValid } else { Reason::Expired });
    }
    if let Some(error) = &decision.chain_error {
        reasons.push(reason_of(error));
    }
    if decision.evaluation.ended_pin.is_some() && !decision.evaluation.is_pinned {
        reasons.push(Reason::PinnedKeyEnded);
    }
    reasons.extend(revocation_reason(&decision.revocation));
    reasons.extend(decision.remarks.iter().map(|remark| match remark {
        Remark::KeyOfOthers => Reason::KeyOfOthers,
        Remark::LongValidity => Reason::LongValidity,
    }));
    reasons.dedup();
    reasons
}

/// The word for a kind of evidence; none for what only leads on to other evidence.
const fn source_reason(kind: &Kind) -> Option<Reason> {
    match kind {
        Kind::Pinned(_) => Some(Reason::Pinned),
        Kind::Chain(_) => Some(Reason::Chain),
        Kind::History(_) => Some(Reason::Known),
        Kind::CertifiedByUser { .. } | Kind::Vouched(_) | Kind::Endorsed(_) => Some(Reason::Vouched),
        Kind::Succeeds(_) => Some(Reason::Succession),
        Kind::DnsRecord { .. } | Kind::WebDirectory | Kind::Keyserver { .. } => Some(Reason::LookedUp),
        Kind::Gossip { .. } => Some(Reason::Gossip),
        Kind::IssuedBy { .. } | Kind::NamedBy { .. } => None,
    }
}

const fn conflict_reason(decision: &Decision) -> Reason {
    match decision.evaluation.conflict {
        Some(Conflict::UnverifiedChange { .. }) => Reason::KeyChanged,
        Some(Conflict::Supported { .. } | Conflict::SecondSuccession { .. }) => Reason::KeysDisagree,
        Some(Conflict::Pin { .. }) | None => Reason::PinConflict,
    }
}

/// The least that is known of the revocation of any certificate of a chain.
fn revocation_reason(chain: &[RevocationStatus]) -> Option<Reason> {
    let stale = chain.iter().any(|status| matches!(status, RevocationStatus::Stale { .. }));
    let unknown = chain.iter().any(|status| matches!(status, RevocationStatus::Unknown(_)));
    if stale { Some(Reason::StaleRevocation) } else { unknown.then_some(Reason::RevocationNotChecked) }
}

/// The reason for a chain that does not hold.
pub(super) fn reason_of(error: &PathError) -> Reason {
    match error {
        PathError::NoAnchor { .. } => Reason::NoAnchor,
        PathError::Expired { .. } => Reason::Expired,
        PathError::NotYetValid { .. } => Reason::NotYetValid,
        PathError::Revoked { .. } => Reason::Revoked,
        PathError::RevocationUnknown { .. } => Reason::RevocationNotChecked,
        PathError::RevocationStale { .. } => Reason::StaleRevocation,
        PathError::NameConstraint { .. } => Reason::NameConstraint,
        PathError::WeakAlgorithm(_) => Reason::WeakChain,
        PathError::KeyUsage { .. } | PathError::ExtendedKeyUsage { .. } => Reason::CertificateUsage,
        _ => Reason::BadChain,
    }
}

fn verdict_of(error: &PathError) -> Verdict {
    match error {
        PathError::Revoked { .. } => Verdict::Invalid,
        PathError::WeakAlgorithm(_) => Verdict::Weak,
        _ => Verdict::Unverified,
    }
}

/// Whether signing time and Date field are more than a day apart (CVE-2023-50761).
pub(super) fn times_differ(signing_time: Option<Time>, date: Option<Time>) -> bool {
    match (signing_time, date) {
        (Some(signed), Some(dated)) => {
            signed.unix_seconds().abs_diff(dated.unix_seconds()) > DAY.unsigned_abs()
        }
        _ => false,
    }
}

/// A signature whose object could not be read at all.
pub(super) fn unreadable(verdict: Verdict, reason: Reason) -> SignerStatus {
    SignerStatus {
        verdict,
        subject: None,
        fingerprint: None,
        address: None,
        signing_time: None,
        score: 0,
        level: if verdict == Verdict::Invalid { Level::Invalid } else { Level::None },
        evidence: Vec::new(),
        reasons: vec![reason],
        not_after: None,
        contradiction: None,
    }
}

/// Judges one signed layer as a whole: its signatures, or that there are none that count.
pub(super) fn judge_layer(
    layer: &SignedLayer,
    claim: Claim<'_>,
    context: &Context<'_>,
    allowance: &Allowance,
) -> Vec<SignerStatus> {
    match &layer.signed {
        None => vec![unreadable(Verdict::Invalid, Reason::Malformed)],
        Some(signed) if signed.signers.is_empty() => vec![unreadable(Verdict::Unsigned, Reason::NoSigners)],
        // A time stamp or a further SignedData is no mail, whatever its label (Johnny, C1 to C4).
        Some(signed) if signed.content_type != ContentType::Data => {
            vec![unreadable(Verdict::Invalid, Reason::NotMailContent)]
        }
        Some(signed) => judge(signed, claim, context, allowance),
    }
}
