//! From a certificate to an anchor: building a path and validating it (RFC 5280, section 6;
//! RFC 8550; RFC 9618 for policies).
//!
//! Signatures are checked while the path is built, everything else on the whole path, because
//! what an unsigned certificate says is nobody's word. All work has a budget. Where no path is
//! valid, the error is that of the path which came nearest.

mod account;
mod anchor;
mod budget;
mod check;
pub(crate) mod distinguished_name;
mod error;
mod facts;
mod policies;
mod profile;
mod responder;
mod revoked;
mod search;

use crate::algorithm::{KeyAlgorithm, SignatureAlgorithm};
use crate::limits;
use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::revocation::{RevocationEvidence, RevocationStatus};

pub use anchor::{Anchor, AnchorKind};
pub use budget::Allowance;
pub use error::{BudgetKind, PathError, ProfileRule, Which};
pub use policies::PolicyRequest;

/// Finds a valid path from `leaf` to one of the anchors, by way of the certificates offered.
///
/// `offered` may hold anything in any order; what does not belong to the path is not looked at.
/// Weak algorithms do not make a path invalid here; see [`ValidPath::weaknesses`]. The signature
/// checks come out of what `allowance` has left for the message.
///
/// # Errors
/// [`PathError`] of the path that came nearest.
pub fn validate(
    leaf: &Certificate,
    offered: &[Certificate],
    anchors: &[Anchor],
    revocation: &RevocationEvidence,
    request: &PathRequest,
    allowance: &Allowance,
) -> Result<ValidPath, PathError> {
    search::find(leaf, offered, anchors, revocation, request, allowance)
}

/// As [`validate`], where there is one path and no message around it.
///
/// # Errors
/// [`PathError`] of the path that came nearest.
pub fn validate_with(
    leaf: &Certificate,
    offered: &[Certificate],
    anchors: &[Anchor],
    revocation: &RevocationEvidence,
    request: &PathRequest,
) -> Result<ValidPath, PathError> {
    validate(leaf, offered, anchors, revocation, request, &Allowance::of_message())
}

/// What a path is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathRequest {
    /// What the leaf is to be used for.
    pub purpose: Purpose,
    /// The moment of the question.
    pub at: Time,
    /// Certificates of a path at most, leaf and anchor included.
    pub depth: usize,
    /// Certificate policies.
    pub policies: PolicyRequest,
}

impl PathRequest {
    /// The usual: [`limits::PATH_DEPTH`], any policy.
    #[must_use]
    pub fn new(purpose: Purpose, at: Time) -> Self {
        Self { purpose, at, depth: limits::PATH_DEPTH, policies: PolicyRequest::default() }
    }
}

/// What the leaf of a path is to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Its holder signed a mail.
    SignMail,
    /// A mail is to be encrypted for its holder.
    EncryptMail,
    /// Its holder issues revocation lists.
    IssueRevocationLists,
    /// Another extended key usage, as a dotted object identifier; key usage is not looked at.
    Other(&'static str),
    /// None in particular.
    Any,
}

/// The proof that a path was found and held. Only [`validate`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidPath {
    certificates: Vec<Certificate>,
    anchor: usize,
    revocation: Vec<RevocationStatus>,
    weaknesses: Vec<Weakness>,
    policies: Vec<String>,
    at: Time,
}

impl ValidPath {
    /// The certificate that was asked about.
    #[must_use]
    pub fn leaf(&self) -> Option<&Certificate> {
        self.certificates.first()
    }

    /// All certificates: the leaf first, the anchor last.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Index of the anchor in the list that was given.
    #[must_use]
    pub const fn anchor(&self) -> usize {
        self.anchor
    }

    /// What is known of the revocation of each certificate but the anchor, the leaf's first.
    #[must_use]
    pub fn revocation(&self) -> &[RevocationStatus] {
        &self.revocation
    }

    /// Weak keys and signatures along the path, to be judged by policy.
    #[must_use]
    pub fn weaknesses(&self) -> &[Weakness] {
        &self.weaknesses
    }

    /// The certificate policies that hold along the path, as dotted object identifiers of the
    /// anchor's domain (RFC 5280, section 6.1.5).
    #[must_use]
    pub fn policies(&self) -> &[String] {
        &self.policies
    }

    /// The moment for which it holds.
    #[must_use]
    pub const fn at(&self) -> Time {
        self.at
    }

    /// Refuses a path with a weak key or a weak signature in it. A small exponent alone is a
    /// warning: it has only ever harmed readers of padding that are less strict than ours.
    ///
    /// # Errors
    /// [`PathError::WeakAlgorithm`] with the first weakness.
    pub fn require_strong(self) -> Result<Self, PathError> {
        let is_only_warning = |weakness: &&Weakness| matches!(weakness.kind, WeaknessKind::SmallExponent(_));
        match self.weaknesses.iter().find(|weakness| !is_only_warning(weakness)) {
            Some(weakness) => Err(PathError::WeakAlgorithm(weakness.clone())),
            None => Ok(self),
        }
    }
}

/// Something along a path that proves little or nothing any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weakness {
    /// Whose it is.
    pub which: Which,
    /// What it is.
    pub kind: WeaknessKind,
}

/// What is weak about a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WeaknessKind {
    /// Its key: RSA below [`limits::RSA_STRONG_BITS`], DSA.
    Key(KeyAlgorithm),
    /// RSA with an exponent of 3 or the like (below 65537).
    SmallExponent(u32),
    /// The issuer's signature: SHA-1, MD5, DSA.
    Signature(SignatureAlgorithm),
}
