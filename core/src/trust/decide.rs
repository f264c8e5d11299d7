//! From evidence to points, and from points to a level.

use super::knowledge::Knowledge;
use super::rules::Thresholds;
use super::{HISTORY, Level, VERIFIED};
use crate::address::EmailAddress;
use crate::fingerprint::Fingerprint;
use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::path::{self, Allowance, PathError, PathRequest, ValidPath, WeaknessKind};
use crate::x509::revocation::RevocationStatus;

/// What a key is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To believe a signature.
    Sign,
    /// To write to its holder.
    Encrypt,
}

/// One thing that speaks for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The person compared this fingerprint: the key's own, or that of the personal CA above it.
    Pinned {
        /// The fingerprint that was compared.
        fingerprint: Fingerprint,
        /// Points.
        amount: u32,
    },
    /// The certificate chains to an anchor.
    Chain {
        /// Subject of the anchor.
        anchor: String,
        /// Points.
        amount: u32,
    },
    /// The key came with earlier mail or was imported.
    Known {
        /// Points.
        amount: u32,
    },
}

impl Evidence {
    /// Points that it is worth.
    #[must_use]
    pub const fn amount(&self) -> u32 {
        match self {
            Self::Pinned { amount, .. } | Self::Chain { amount, .. } | Self::Known { amount } => *amount,
        }
    }
}

/// What the evidence says of a key and an address.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Points of the strongest evidence.
    pub score: u32,
    /// Word for the points.
    pub level: Level,
    /// Everything that speaks for the key, strongest first.
    pub evidence: Vec<Evidence>,
    /// Why no chain to an anchor counts, where none does.
    pub chain_error: Option<PathError>,
    /// What is known of the revocation of each certificate of the chain that counts.
    pub revocation: Vec<RevocationStatus>,
    /// Whether the certificate was outside its validity at the time asked about.
    pub out_of_date: bool,
}

impl Decision {
    /// The decision that follows from a chain alone.
    fn of_chain(chain: Evidence, revocation: Vec<RevocationStatus>) -> Self {
        let score = chain.amount();
        Self {
            score,
            level: Level::of_score(score, score, 1, &Thresholds::default()),
            evidence: vec![chain],
            chain_error: None,
            revocation,
            out_of_date: false,
        }
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
    let out_of_date = at < certificate.not_before() || at > certificate.not_after();
    let (chain, chain_error, revocation) = inquiry.chain();
    let pins = inquiry.pins(address);
    if let Pins::Contradict = pins {
        return Decision {
            score: 0,
            level: Level::Conflict,
            evidence: Vec::new(),
            chain_error,
            revocation,
            out_of_date,
        };
    }
    if let Some(error @ PathError::Revoked { .. }) = chain_error {
        return Decision {
            score: 0,
            level: Level::Invalid,
            evidence: Vec::new(),
            chain_error: Some(error),
            revocation,
            out_of_date,
        };
    }
    let mut evidence: Vec<Evidence> = chain.into_iter().collect();
    if let Pins::Agree(pinned) = pins {
        evidence.push(pinned);
    }
    if inquiry.is_known(address) {
        evidence.push(Evidence::Known { amount: HISTORY });
    }
    evidence.sort_by_key(|item| std::cmp::Reverse(item.amount()));
    let full = evidence.first().map_or(0, Evidence::amount);
    // Without a trusted time, a signature under an expired certificate may be younger than the
    // certificate's end: no mark (`trust.md` section 5, rule 30).
    let score = if out_of_date { full.min(VERIFIED - 1) } else { full };
    Decision {
        score,
        level: Level::of_score(score, score, 1, &Thresholds::default()),
        evidence,
        chain_error,
        revocation,
        out_of_date,
    }
}

/// Checks that a certificate chains to one of the anchors for receiving mail.
///
/// # Errors
/// The nearest miss.
pub fn check_chain(certificate: &Certificate, knowledge: &Knowledge, at: Time) -> Result<(), PathError> {
    let inquiry = Inquiry {
        certificate,
        certificates: &knowledge.certificates,
        knowledge,
        purpose: Purpose::Encrypt,
        at,
        allowance: &Allowance::of_message(),
    };
    inquiry.path(&inquiry.anchors(), at).map(drop)
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
    let path = inquiry.path(&inquiry.anchors(), at)?;
    Ok(Decision::of_chain(inquiry.evidence_of(&path), path.revocation().to_vec()))
}

/// A chain with a weak signature or key in it counts for nothing; a small exponent alone does not
/// make a signature weak.
fn require_strong(path: ValidPath) -> Result<ValidPath, PathError> {
    let weakness = path.weaknesses().iter().find(|weakness| match weakness.kind {
        WeaknessKind::Key(_) | WeaknessKind::Signature(_) => true,
        WeaknessKind::SmallExponent(_) => false,
    });
    match weakness {
        Some(weakness) => Err(PathError::WeakAlgorithm(weakness.clone())),
        None => Ok(path),
    }
}

enum Pins {
    None,
    Agree(Evidence),
    Contradict,
}

struct Inquiry<'i> {
    certificate: &'i Certificate,
    certificates: &'i [Certificate],
    knowledge: &'i Knowledge,
    purpose: Purpose,
    at: Time,
    allowance: &'i Allowance,
}

impl Inquiry<'_> {
    fn path(&self, anchors: &[path::Anchor], at: Time) -> Result<ValidPath, PathError> {
        let purpose = match self.purpose {
            Purpose::Sign => path::Purpose::SignMail,
            Purpose::Encrypt => path::Purpose::EncryptMail,
        };
        let path = path::validate(
            self.certificate,
            self.certificates,
            anchors,
            &self.knowledge.revocation,
            &PathRequest::new(purpose, at),
            self.allowance,
        )?;
        require_strong(path)
    }

    fn amount_of(&self, path: &ValidPath) -> u32 {
        self.knowledge.anchors.get(path.anchor()).map_or(0, |anchor| anchor.amount)
    }

    fn anchors(&self) -> Vec<path::Anchor> {
        self.knowledge.anchors.iter().map(|anchor| anchor.authority.clone()).collect()
    }

    fn evidence_of(&self, path: &ValidPath) -> Evidence {
        let anchor = path.certificates().last().map(Certificate::subject).unwrap_or_default();
        Evidence::Chain { anchor, amount: self.amount_of(path) }
    }

    fn chain(&self) -> (Option<Evidence>, Option<PathError>, Vec<RevocationStatus>) {
        if self.knowledge.anchors.is_empty() {
            return (None, None, Vec::new());
        }
        match self.path(&self.anchors(), self.at) {
            Ok(path) => (Some(self.evidence_of(&path)), None, path.revocation().to_vec()),
            Err(error) => (None, Some(error), Vec::new()),
        }
    }

    /// A pin names the key itself or the personal CA that issued the certificate (ruling 1).
    fn pins(&self, address: &EmailAddress) -> Pins {
        let mut pins = self.knowledge.pins.iter().filter(|pin| pin.address.matches(address)).peekable();
        if pins.peek().is_none() {
            return Pins::None;
        }
        let agreeing = pins
            .filter(|pin| {
                pin.fingerprint == self.certificate.fingerprint() || self.is_issued_by(&pin.fingerprint)
            })
            .max_by_key(|pin| pin.amount);
        agreeing.map_or(Pins::Contradict, |pin| {
            Pins::Agree(Evidence::Pinned { fingerprint: pin.fingerprint, amount: pin.amount })
        })
    }

    fn is_issued_by(&self, authority: &Fingerprint) -> bool {
        let anchors: Vec<path::Anchor> = self
            .certificates
            .iter()
            .filter(|candidate| candidate.is_certificate_authority() && candidate.fingerprint() == *authority)
            .map(|candidate| path::Anchor::private(candidate.clone()))
            .collect();
        // Who issued a certificate does not change when it expires: an old mail of a friend is no
        // conflict. What the dates say is counted apart.
        let then = self.at.min(self.certificate.not_after()).max(self.certificate.not_before());
        !anchors.is_empty() && self.path(&anchors, then).is_ok()
    }

    fn is_known(&self, address: &EmailAddress) -> bool {
        self.knowledge.known.iter().any(|known| {
            known.address.matches(address)
                && (known.fingerprint == self.certificate.fingerprint()
                    || self.is_issued_by(&known.fingerprint))
        })
    }
}
