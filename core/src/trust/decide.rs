//! What is to be believed of a certificate's key.

use super::claim::Claim;
use super::domain::Cost;
use super::evaluate::{Evaluation, Source, evaluate, sources};
use super::evidence::Dossier;
use super::gather::{Gathered, Inquiry};
use super::knowledge::Knowledge;
use super::level::Level;
use crate::address::EmailAddress;
use crate::time::Time;
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
        Self { score, level, sources, evaluation, dossier, chain_error, revocation, out_of_date }
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
    Decision::of(&claim, gathered, knowledge, at, !certificate.is_valid_at(at))
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
