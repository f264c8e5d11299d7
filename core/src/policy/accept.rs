//! The checks before a key is written to.

use super::send::STALE_DAYS;
use crate::address::EmailAddress;
use crate::algorithm::KeyAlgorithm;
use crate::cms::KeyTransport;
use crate::fingerprint::Fingerprint;
use crate::time::{DAY, Time};
use crate::trust::{self, Conflict, Decision, Knowledge, Level};
use crate::x509::path::{Allowance, PathError};
use crate::x509::{Certificate, PublicKey, UsageError};

/// A reader's key that passed the checks. Only this module makes one.
#[derive(Clone, Debug)]
pub struct Accepted {
    reader: Reader,
    decision: Option<Decision>,
    capabilities: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
enum Reader {
    Certificate(Certificate),
    Key(PublicKey),
}

impl Accepted {
    /// The certificate; nothing for a bare public key.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        match &self.reader {
            Reader::Certificate(certificate) => Some(certificate),
            Reader::Key(_) => None,
        }
    }

    /// The public key that is written to.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        match &self.reader {
            Reader::Certificate(certificate) => certificate.public_key(),
            Reader::Key(key) => key,
        }
    }

    /// The same reader, with what a signed mail of theirs announced (DER of SMIMECapabilities).
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: Option<Vec<u8>>) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// DER of the SMIMECapabilities that a signed mail of the reader announced.
    #[must_use]
    pub fn capabilities(&self) -> Option<&[u8]> {
        self.capabilities.as_deref()
    }

    /// The same reader, where their key is believed that far. A certificate that was given for this
    /// message is the person's own choice.
    ///
    /// # Errors
    /// [`Refusal::BelowRequired`], or [`Refusal::Unverified`] where any evidence would do.
    pub(super) fn of_level(self, least: Level) -> Result<Self, Refusal> {
        match &self.decision {
            Some(decision) if decision.level < least => Err(self.below(least)),
            Some(_) | None => Ok(self),
        }
    }

    /// Why it is not enough for whoever asks for `least`.
    pub(super) fn below(&self, least: Level) -> Refusal {
        match &self.decision {
            Some(decision) if self.is_believed() || least > Level::Opportunistic => {
                Refusal::BelowRequired { level: decision.level, score: decision.score, least }
            }
            Some(_) | None => Refusal::Unverified,
        }
    }

    /// Whether any evidence speaks for it, or the person's own choice.
    pub(super) fn is_believed(&self) -> bool {
        self.level() >= Level::Opportunistic
    }

    /// How far it is believed; a certificate that was given for this message is the person's own choice.
    pub(super) fn level(&self) -> Level {
        self.decision.as_ref().map_or(Level::Verified, |decision| decision.level)
    }

    /// What stands behind the key, where it was looked up rather than given.
    #[must_use]
    pub const fn decision(&self) -> Option<&Decision> {
        self.decision.as_ref()
    }
}

/// Why a key is not written to.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// No certificate is known for the address.
    NoKey,
    /// The certificate is not valid at the time.
    Expired {
        /// The time asked about.
        at: Time,
        /// When the certificate ended.
        not_after: Time,
    },
    /// The certificate is not valid yet.
    NotYetValid {
        /// The time asked about.
        at: Time,
        /// When the certificate begins.
        not_before: Time,
    },
    /// The certificate may not receive encrypted mail.
    Usage(UsageError),
    /// A key of this kind cannot be encrypted to.
    KeyKind(KeyAlgorithm),
    /// The certificate is for other addresses.
    OtherAddress {
        /// The addresses it is for.
        addresses: Vec<EmailAddress>,
    },
    /// The key is revoked.
    Revoked,
    /// No usable certificate is known now, and mail to the address was encrypted before.
    WasEncrypted,
    /// No certificate is known, and the mail quotes one that was encrypted.
    WouldQuoteSecrets,
    /// The chain to the anchors that were given does not hold.
    Chain(PathError),
    /// Nothing binds the key to the address.
    Unverified,
    /// The key is believed less than policy asks for.
    BelowRequired {
        /// How far it is believed.
        level: Level,
        /// Points.
        score: u32,
        /// How far it would have to be.
        least: Level,
    },
    /// Another key is pinned or better known for this address.
    Conflict(Box<Conflict>),
    /// The address names a key, and this is another one.
    NotThePin,
    /// The key that the person compared has ended or is revoked, and another one is not it.
    PinnedKeyEnded {
        /// The key that was compared.
        pinned: Fingerprint,
    },
}

impl Refusal {
    /// The stable word (`docs/formats/reasons.md`).
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NoKey => "no-key",
            Self::Expired { .. } => "expired",
            Self::NotYetValid { .. } => "not-yet-valid",
            Self::Usage(_) | Self::KeyKind(_) => "certificate-usage",
            Self::OtherAddress { .. } => "other-address",
            Self::Revoked | Self::Chain(PathError::Revoked { .. }) => "revoked",
            Self::WasEncrypted => "was-encrypted",
            Self::WouldQuoteSecrets => "would-quote-secrets",
            Self::Chain(_) => "bad-chain",
            Self::Unverified => "unverified",
            Self::BelowRequired { .. } => "below-required",
            Self::Conflict(_) => "conflict",
            Self::NotThePin => "not-the-pin",
            Self::PinnedKeyEnded { .. } => "pinned-key-ended",
        }
    }
}

/// Accepts a bare public key: the person's own choice, and nothing about it but its kind can be
/// checked.
///
/// # Errors
/// [`Refusal::KeyKind`] for keys that only sign.
pub fn accept_key(key: PublicKey) -> Result<Accepted, Refusal> {
    match KeyTransport::usual_for(key.algorithm()) {
        Some(_) => Ok(Accepted { reader: Reader::Key(key), decision: None, capabilities: None }),
        None => Err(Refusal::KeyKind(key.algorithm())),
    }
}

/// Accepts a certificate that the person gave for this message.
///
/// It is the person's own choice, so a chain is asked for only where anchors are given; dates,
/// key usage and, for a mail, the address are checked always.
///
/// # Errors
/// The first check that failed.
pub fn accept_given(
    certificate: &Certificate,
    address: Option<&EmailAddress>,
    knowledge: &Knowledge,
    at: Time,
) -> Result<Accepted, Refusal> {
    check_certificate(certificate, address, at)?;
    if !knowledge.anchors.is_empty() {
        trust::check_chain(certificate, address, knowledge, at).map_err(Refusal::Chain)?;
    }
    Ok(Accepted { reader: Reader::Certificate(certificate.clone()), decision: None, capabilities: None })
}

/// The best certificate that is known for the address and that nothing contradicts: the newest one
/// with any evidence, else the newest one. Where all have ended, one that did so lately; how many days
/// ago is said.
///
/// # Errors
/// What is wrong with the best candidate; [`Refusal::NoKey`] where there is none.
pub(super) fn best_known(
    address: &EmailAddress,
    knowledge: &Knowledge,
    at: Time,
) -> Result<(Accepted, Option<u32>), Refusal> {
    let mut nearest = Refusal::NoKey;
    let mut without_evidence = None;
    let mut ended = None;
    for certificate in candidates(address, knowledge) {
        match accept_candidate(certificate, address, knowledge, at) {
            Ok(accepted) if accepted.is_believed() => return Ok((accepted, None)),
            Ok(accepted) => drop(without_evidence.get_or_insert(accepted)),
            // What contradicts is said, unless another key is the one that is pinned or known.
            Err(refusal @ Refusal::Conflict(_)) => nearest = refusal,
            Err(refusal) => {
                if let (Some(days), None) = (ended_days(certificate, at), &ended) {
                    let then = accept_candidate(certificate, address, knowledge, certificate.not_after());
                    ended = then.ok().map(|accepted| (accepted, Some(days)));
                }
                if matches!(nearest, Refusal::NoKey) {
                    nearest = refusal;
                }
            }
        }
    }
    match (nearest, without_evidence, ended) {
        (conflict @ Refusal::Conflict(_), ..) => Err(conflict),
        (_, _, Some(ended)) if ended.0.is_believed() => Ok(ended),
        (_, Some(accepted), _) => Ok((accepted, None)),
        (nearest, None, _) => Err(nearest),
    }
}

/// Days since a certificate ended, where it did so lately enough to be written to all the same.
pub(super) fn ended_days(certificate: &Certificate, at: Time) -> Option<u32> {
    let seconds = at.unix_seconds().saturating_sub(certificate.not_after().unix_seconds());
    let days = u32::try_from(seconds / DAY).ok()?;
    (seconds > 0 && days < STALE_DAYS).then_some(days)
}

/// The certificates for the address that can be encrypted to, newest first.
pub(super) fn candidates<'k>(address: &EmailAddress, knowledge: &'k Knowledge) -> Vec<&'k Certificate> {
    let mut candidates: Vec<&Certificate> = knowledge
        .certificates
        .iter()
        .filter(|certificate| !certificate.is_certificate_authority() && names(certificate, address))
        .filter(|certificate| certificate.may_receive_encrypted_mail().is_ok())
        .collect();
    candidates.sort_by_key(|certificate| std::cmp::Reverse(certificate.not_before()));
    candidates
}

/// Accepts one certificate that is known for the address.
pub(super) fn accept_candidate(
    certificate: &Certificate,
    address: &EmailAddress,
    knowledge: &Knowledge,
    at: Time,
) -> Result<Accepted, Refusal> {
    check_certificate(certificate, Some(address), at)?;
    let decision = trust::decide(
        certificate,
        address,
        &[],
        knowledge,
        trust::Purpose::Encrypt,
        at,
        &Allowance::of_message(),
    );
    if let Some(conflict) = decision.evaluation.conflict {
        return Err(Refusal::Conflict(Box::new(conflict)));
    }
    if let (Some(pinned), false) = (decision.evaluation.ended_pin, decision.evaluation.is_pinned) {
        return Err(Refusal::PinnedKeyEnded { pinned });
    }
    if let Some(revoked @ PathError::Revoked { .. }) = &decision.chain_error {
        // Whatever else speaks for the key: its owner asked not to be written to with this certificate.
        return Err(Refusal::Chain(revoked.clone()));
    }
    match decision.level {
        Level::Conflict => Err(Refusal::Unverified),
        Level::Invalid => Err(decision.chain_error.map_or(Refusal::Revoked, Refusal::Chain)),
        Level::None
        | Level::Unverified
        | Level::Opportunistic
        | Level::Checked
        | Level::Verified
        | Level::Strong => Ok(Accepted {
            reader: Reader::Certificate(certificate.clone()),
            decision: Some(decision),
            capabilities: None,
        }),
    }
}

fn check_certificate(
    certificate: &Certificate,
    address: Option<&EmailAddress>,
    at: Time,
) -> Result<(), Refusal> {
    if at > certificate.not_after() {
        return Err(Refusal::Expired { at, not_after: certificate.not_after() });
    }
    if at < certificate.not_before() {
        return Err(Refusal::NotYetValid { at, not_before: certificate.not_before() });
    }
    certificate.may_receive_encrypted_mail().map_err(Refusal::Usage)?;
    match address {
        Some(address) if !names(certificate, address) => {
            Err(Refusal::OtherAddress { addresses: certificate.addresses().to_vec() })
        }
        _ => Ok(()),
    }
}

fn names(certificate: &Certificate, address: &EmailAddress) -> bool {
    certificate.addresses().iter().any(|own| own.matches(address))
}
