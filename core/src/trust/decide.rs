//! What is to be believed of a certificate's key.

use super::claim::Claim;
use super::domain::Cost;
use super::evaluate::{Evaluation, Source, evaluate, sources};
use super::evidence::{self, Dossier, Kind};
use super::gather::{Gathered, Inquiry};
use super::knowledge::Knowledge;
use super::level::Level;
use crate::address::EmailAddress;
use crate::limits;
use crate::time::{DAY, Time};
use crate::x509::Certificate;
use crate::x509::path::{Allowance, PathError};
use crate::x509::revocation::RevocationStatus;

/// What a key is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To believe a signature.
    Sign,
    /// To write to its holder.
    Encrypt,
}

/// What the evidence says of a certificate's key and an address.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Points.
    pub score: u32,
    /// Word for the points.
    pub level: Level,
    /// Everything that speaks for the key, strongest first.
    pub sources: Vec<Source>,
    /// The score as it is without a look at dates and revocation, with what contradicts the key.
    pub evaluation: Evaluation,
    /// All evidence that was looked at, that about other keys of the address too.
    pub dossier: Dossier,
    /// Why no chain to an anchor counts, where none does.
    pub chain_error: Option<PathError>,
    /// What is known of the revocation of each certificate of the chain that counts.
    pub revocation: Vec<RevocationStatus>,
    /// Whether the certificate was outside its validity at the time asked about.
    pub out_of_date: bool,
    /// What is unusual about the certificate, and takes no points.
    pub remarks: Vec<Remark>,
}

/// Something unusual about a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remark {
    /// The same key is in certificates at hand that are for other addresses alone.
    KeyOfOthers,
    /// A public CA issued it for longer than it may (S/MIME Baseline Requirements, section 6.3.2).
    LongValidity,
}

impl Decision {
    /// What a forger must subvert, at the least cost.
    #[must_use]
    pub fn attack(&self) -> &[Cost] {
        &self.evaluation.attack
    }

    fn of(claim: &Claim, gathered: Gathered, knowledge: &Knowledge, at: Time, out_of_date: bool) -> Self {
        let Gathered { dossier, chain_error, revocation } = gathered;
        let rules = &knowledge.rules;
        let evaluation = evaluate(claim, &dossier, rules, at);
        // A certificate that was only replaced takes its chain away; where nothing else speaks for the
        // key, the certificate was all there was.
        let is_revoked = evaluation.score == 0 && matches!(chain_error, Some(PathError::Revoked { .. }));
        // Without a trusted time, a signature under an expired certificate may be younger than the
        // certificate's end: no mark.
        let most = if out_of_date { rules.thresholds.verified.saturating_sub(1) } else { u32::MAX };
        let (score, level) = match evaluation.level {
            Level::Conflict => (0, Level::Conflict),
            _ if is_revoked => (0, Level::Invalid),
            Level::None
            | Level::Invalid
            | Level::Unverified
            | Level::Opportunistic
            | Level::Checked
            | Level::Verified
            | Level::Strong => {
                let score = evaluation.score.min(most);
                (score, if out_of_date { evaluation.level.min(Level::Checked) } else { evaluation.level })
            }
        };
        let mut sources = sources(claim, &dossier, rules, at);
        sources.retain(|source| source.points > 0);
        sources.sort_by_key(|source| std::cmp::Reverse(source.points));
        let remarks = Vec::new();
        Self { score, level, sources, evaluation, dossier, chain_error, revocation, out_of_date, remarks }
    }
}

/// Whether the certificate's key belongs to `address`, at a moment.
///
/// `offered` are certificates that came along, for building chains only: none is believed. What
/// their signatures cost to check comes out of `allowance`.
#[must_use]
pub fn decide(
    certificate: &Certificate,
    address: &EmailAddress,
    offered: &[Certificate],
    knowledge: &Knowledge,
    purpose: Purpose,
    at: Time,
    allowance: &Allowance,
) -> Decision {
    let certificates: Vec<Certificate> = offered.iter().chain(&knowledge.certificates).cloned().collect();
    let inquiry = Inquiry { certificate, certificates: &certificates, knowledge, purpose, at, allowance };
    let claim = Claim::new(address, certificate.fingerprint());
    let gathered = inquiry.gather(address);
    let remarks = remarks(certificate, &certificates, &claim, &gathered);
    let decision = Decision::of(&claim, gathered, knowledge, at, !certificate.is_valid_at(at));
    Decision { remarks, ..decision }
}

fn remarks(
    certificate: &Certificate,
    at_hand: &[Certificate],
    claim: &Claim,
    gathered: &Gathered,
) -> Vec<Remark> {
    let names = |other: &Certificate, address: &EmailAddress| {
        other.addresses().iter().any(|own| own.matches(address))
    };
    let is_of_others = at_hand.iter().any(|other| {
        other.fingerprint() == *claim.key()
            && !other.addresses().is_empty()
            && !certificate.addresses().iter().any(|address| names(other, address))
    });
    let is_public = gathered.dossier.evidence.iter().any(|evidence| {
        let anchor = match &evidence.kind {
            Kind::Chain(chain) => Some(&chain.anchor),
            _ => None,
        };
        evidence.claim == *claim && matches!(anchor, Some(evidence::Anchor::Public { .. }))
    });
    let seconds =
        certificate.not_after().unix_seconds().saturating_sub(certificate.not_before().unix_seconds());
    let is_long = is_public && seconds > i64::from(limits::PUBLIC_CERTIFICATE_DAYS) * DAY;
    let remarks = [(is_of_others, Remark::KeyOfOthers), (is_long, Remark::LongValidity)];
    remarks.into_iter().filter_map(|(holds, remark)| holds.then_some(remark)).collect()
}

/// Checks that a certificate chains to one of the anchors for receiving mail to `address`; its own
/// address where none is given.
///
/// # Errors
/// The nearest miss.
pub fn check_chain(
    certificate: &Certificate,
    address: Option<&EmailAddress>,
    knowledge: &Knowledge,
    at: Time,
) -> Result<(), PathError> {
    let inquiry = Inquiry {
        certificate,
        certificates: &knowledge.certificates,
        knowledge,
        purpose: Purpose::Encrypt,
        at,
        allowance: &Allowance::of_message(),
    };
    let address = address.cloned().unwrap_or_else(|| own_address(certificate));
    inquiry.gather_chain(&Claim::new(&address, certificate.fingerprint())).map(drop)
}

/// What a chain to an anchor says of a signature that names no author.
///
/// # Errors
/// The nearest miss.
pub fn decide_chain(
    certificate: &Certificate,
    offered: &[Certificate],
    knowledge: &Knowledge,
    at: Time,
    allowance: &Allowance,
) -> Result<Decision, PathError> {
    let certificates: Vec<Certificate> = offered.iter().chain(&knowledge.certificates).cloned().collect();
    let purpose = Purpose::Sign;
    let inquiry = Inquiry { certificate, certificates: &certificates, knowledge, purpose, at, allowance };
    let claim = Claim::new(&own_address(certificate), certificate.fingerprint());
    let gathered = inquiry.gather_chain(&claim)?;
    Ok(Decision::of(&claim, gathered, knowledge, at, false))
}

/// What a CA checked is about an address: where none is asked about, it is the certificate's own.
fn own_address(certificate: &Certificate) -> EmailAddress {
    certificate.addresses().first().cloned().unwrap_or_else(EmailAddress::of_an_example)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::{NOW, Person, SystemRandom};
    use crate::trust::PublicRoots;
    use crate::x509::issue::{Issuer, Subject, Validity, signing_certificate};
    use crate::x509::mail_roots::MailRoot;

    /// A certificate for Alice's signing key.
    fn certificate(alice: &Person, address: &str, days: i64) -> Certificate {
        let address = EmailAddress::parse(address).unwrap();
        let (name, addresses) = (address.to_string(), std::slice::from_ref(&address));
        let subject = Subject { name: &name, addresses, public_key: alice.signing.public_key() };
        let validity = Validity { not_before: NOW.plus_days(-1), not_after: NOW.plus_days(days) };
        let issuer = Issuer { certificate: &alice.authority, keys: &alice.keys };
        signing_certificate(&issuer, &subject, validity, &mut SystemRandom).unwrap()
    }

    fn remarks(certificate: &Certificate, alice: &Person, others: &[Certificate]) -> Vec<Remark> {
        let root = MailRoot { certificate: alice.authority.clone(), operator: None, distrust_after: None };
        let public_roots = PublicRoots { list: Some(Arc::new(vec![root])), ..PublicRoots::default() };
        let knowledge = Knowledge { public_roots: Some(public_roots), ..Knowledge::default() };
        let allowance = Allowance::of_message();
        decide(certificate, &alice.address, others, &knowledge, Purpose::Sign, NOW, &allowance).remarks
    }

    #[test]
    fn a_certificate_of_a_public_ca_that_lasts_longer_than_it_may_is_remarked_upon() {
        let alice = Person::new("alice@example.org");
        let lasting = |days| remarks(&certificate(&alice, "alice@example.org", days), &alice, &[]);
        assert_eq!(lasting(1_184), []);
        assert_eq!(lasting(1_186), [Remark::LongValidity]);
    }

    #[test]
    fn a_key_in_a_certificate_of_somebody_else_is_remarked_upon() {
        let alice = Person::new("alice@example.org");
        let own = certificate(&alice, "alice@example.org", 100);
        let renewed = certificate(&alice, "Alice@example.org", 200);
        let others = certificate(&alice, "mallory@example.org", 100);
        assert_eq!(remarks(&own, &alice, std::slice::from_ref(&renewed)), []);
        assert_eq!(remarks(&own, &alice, &[renewed, others]), [Remark::KeyOfOthers]);
    }
}
