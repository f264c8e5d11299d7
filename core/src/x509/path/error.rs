//! Why there is no valid path, with both values, and which of several reasons is told.

use std::fmt;

use super::Weakness;
use crate::algorithm::KeyAlgorithm;
use crate::time::Time;
use crate::x509::name_constraints::{NameConstraintFault, NameForm};
use crate::x509::revocation::{RevocationReason, UnknownBecause};

/// Which certificate of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Which {
    /// Its place: 0 is the leaf, 1 its issuer, and so on.
    pub depth: usize,
    /// Its subject (RFC 4514). It is foreign text.
    pub subject: String,
}

/// Why no path is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathError {
    /// No certificate of this issuer is at hand, and none of the anchors is its.
    NoAnchor {
        /// Whose issuer is missing.
        which: Which,
        /// The issuer that is missing (RFC 4514). It is foreign text.
        issuer: String,
    },
    /// A certificate of the issuer's name is at hand, but it did not sign this one.
    BadSignature {
        /// Whose signature is not its issuer's.
        which: Which,
    },
    /// More work than any honest path needs.
    Budget(BudgetKind),
    /// An extension or a name cannot be read.
    Malformed {
        /// Whose.
        which: Which,
        /// The extension's name in RFC 5280.
        what: &'static str,
    },
    /// Two certificates of one issuer have the same serial number (RFC 5280, section 4.1.2.2).
    DuplicateSerialNumber {
        /// One of the two.
        which: Which,
    },
    /// A critical extension that nobody here understands.
    UnknownCriticalExtension {
        /// Whose.
        which: Which,
        /// Dotted object identifier.
        extension: String,
    },
    /// A rule for what CAs issue, broken.
    Profile {
        /// By whom.
        which: Which,
        /// The rule.
        rule: ProfileRule,
    },
    /// The issuer is not a CA: no `cA` in its basic constraints, or of version 1 or 2.
    NotAuthority {
        /// The issuer.
        which: Which,
    },
    /// More CA certificates below one than it allows.
    PathLength {
        /// The CA that set the limit.
        which: Which,
        /// Its limit.
        limit: u32,
        /// How many there are.
        found: u32,
    },
    /// The key usage does not have the bit that is needed.
    KeyUsage {
        /// Whose.
        which: Which,
        /// The bits found.
        found: Vec<&'static str>,
    },
    /// The extended key usage does not name the purpose.
    ExtendedKeyUsage {
        /// Whose.
        which: Which,
        /// The purposes found, as dotted object identifiers.
        found: Vec<String>,
    },
    /// A key of this kind cannot do what is asked for.
    KeyAlgorithm {
        /// Whose.
        which: Which,
        /// The kind.
        found: KeyAlgorithm,
    },
    /// A name that a CA further up may not certify.
    NameConstraint {
        /// Whose name.
        which: Which,
        /// Which CA said so.
        by: Which,
        /// The form of the name.
        form: NameForm,
        /// What is wrong with it.
        fault: NameConstraintFault,
    },
    /// No certificate policy holds along the path, and one is required.
    Policy,
    /// The list of roots does not trust what this anchor issued so late.
    AnchorDistrusted {
        /// Trusted until.
        after: Time,
        /// When the leaf was issued.
        issued: Time,
    },
    /// Not valid yet.
    NotYetValid {
        /// Whose validity.
        which: Which,
        /// The moment of the question.
        at: Time,
        /// When it begins.
        not_before: Time,
    },
    /// Not valid any more.
    Expired {
        /// Whose validity.
        which: Which,
        /// The moment of the question.
        at: Time,
        /// When it ended.
        not_after: Time,
    },
    /// Revoked.
    Revoked {
        /// What is revoked.
        which: Which,
        /// Since when.
        when: Time,
        /// Why.
        reason: RevocationReason,
    },
    /// Revocation had to be ruled out, and could not be.
    RevocationUnknown {
        /// Of what.
        which: Which,
        /// Why not.
        because: UnknownBecause,
    },
    /// Revocation had to be ruled out, and what is at hand is too old for that.
    RevocationStale {
        /// Of what.
        which: Which,
        /// The moment of the question.
        at: Time,
        /// When something newer was due.
        next_update: Option<Time>,
    },
    /// The path is valid, but weak; only of [`super::ValidPath::require_strong`].
    WeakAlgorithm(Weakness),
}

/// What ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BudgetKind {
    /// [`crate::limits::CERTIFICATES`].
    Certificates,
    /// [`crate::limits::PATH_DEPTH`].
    Depth,
    /// [`crate::limits::PATH_SIGNATURES`].
    Signatures,
    /// [`crate::limits::PATH_STEPS`].
    Steps,
    /// [`crate::limits::NAME_CONSTRAINT_COMPARISONS`].
    NameComparisons,
    /// [`crate::limits::CERTIFICATE_NAMES`].
    Names,
    /// [`crate::limits::CERTIFICATE_POLICIES`].
    Policies,
}

/// Rules of RFC 5280, section 4, which a path is refused for. What public CAs are known to break
/// without harm is not among them: absent key identifiers, serial numbers that are zero or
/// negative, extensions that are not marked critical.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProfileRule {
    /// A CA has a name (4.1.2.4, 4.1.2.6).
    AuthorityHasName,
    /// Where the subject is empty, subjectAltName is critical (4.1.2.6).
    NamedSomewhere,
    /// Key identifiers are not critical (4.2.1.1, 4.2.1.2).
    KeyIdentifierNotCritical,
    /// keyCertSign stands only with `cA` (4.2.1.9).
    OnlyAuthoritiesSignCertificates,
    /// Name constraints stand only in CA certificates (4.2.1.10).
    OnlyAuthoritiesConstrain,
    /// No policy is mapped to or from anyPolicy (4.2.1.5).
    AnyPolicyIsNotMapped,
    /// Serial numbers have at most 20 octets (4.1.2.2).
    SerialNumberLength,
}

impl PathError {
    /// How near the path came: the error with the highest rank is the one that is told.
    ///
    /// First comes what keeps a path from being one, then what is wrong in it, then what time
    /// brings, then what its issuer took back: whoever reads "expired" may rely on everything
    /// else having been in order.
    #[must_use]
    pub const fn rank(&self) -> u8 {
        match self {
            Self::NoAnchor { .. } => 0,
            Self::BadSignature { .. } => 1,
            Self::Budget(_) => 2,
            Self::Malformed { .. } => 3,
            Self::DuplicateSerialNumber { .. } => 4,
            Self::UnknownCriticalExtension { .. } => 5,
            Self::Profile { .. } => 6,
            Self::NotAuthority { .. } => 7,
            Self::PathLength { .. } => 8,
            Self::KeyUsage { .. } | Self::ExtendedKeyUsage { .. } | Self::KeyAlgorithm { .. } => 9,
            Self::NameConstraint { .. } => 10,
            Self::Policy => 11,
            Self::AnchorDistrusted { .. } => 12,
            Self::NotYetValid { .. } => 13,
            Self::Expired { .. } => 14,
            Self::RevocationUnknown { .. } => 15,
            Self::RevocationStale { .. } => 16,
            Self::WeakAlgorithm(_) => 17,
            Self::Revoked { .. } => 18,
        }
    }

    /// Since when the key that is asked about is not to be believed any more: its own certificate is
    /// revoked, for a reason that ends the key.
    #[must_use]
    pub const fn key_ended(&self) -> Option<Time> {
        match self {
            Self::Revoked { which, when, reason } if which.depth == 0 && reason.ends_key() => Some(*when),
            _ => None,
        }
    }

    /// The nearer of two misses; the first where they are equally near.
    pub(super) fn nearer(self, other: Self) -> Self {
        let nearness = |error: &Self| match error {
            // Of paths that break off, the longest.
            Self::NoAnchor { which, .. } | Self::BadSignature { which } => (error.rank(), which.depth),
            _ => (error.rank(), 0),
        };
        if nearness(&other) > nearness(&self) { other } else { self }
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnchor { .. } => formatter.write_str("no path to an anchor"),
            Self::BadSignature { .. } => formatter.write_str("a signature is not the issuer's"),
            Self::Budget(kind) => write!(formatter, "too much work: {kind:?}"),
            Self::Malformed { what, .. } => write!(formatter, "malformed {what}"),
            Self::DuplicateSerialNumber { .. } => formatter.write_str("a serial number was used twice"),
            Self::UnknownCriticalExtension { extension, .. } => {
                write!(formatter, "unknown critical extension {extension}")
            }
            Self::Profile { rule, .. } => write!(formatter, "against the rule {rule:?}"),
            Self::NotAuthority { .. } => formatter.write_str("an issuer is not a CA"),
            Self::PathLength { limit, found, .. } => {
                write!(formatter, "{found} CA certificates below one that allows {limit}")
            }
            Self::KeyUsage { found, .. } => write!(formatter, "key usage is {}", found.join(", ")),
            Self::ExtendedKeyUsage { found, .. } => {
                write!(formatter, "extended key usage is {}", found.join(", "))
            }
            Self::KeyAlgorithm { found, .. } => write!(formatter, "the key is {}", found.name()),
            Self::NameConstraint { form, fault, .. } => {
                write!(formatter, "name constraint on {form:?}: {fault:?}")
            }
            Self::Policy => formatter.write_str("no certificate policy holds"),
            Self::AnchorDistrusted { after, issued } => write!(
                formatter,
                "issued {}, and the anchor is trusted until {}",
                issued.to_rfc3339(),
                after.to_rfc3339()
            ),
            Self::NotYetValid { at, not_before, .. } => {
                write!(
                    formatter,
                    "not valid before {}, asked for {}",
                    not_before.to_rfc3339(),
                    at.to_rfc3339()
                )
            }
            Self::Expired { at, not_after, .. } => {
                write!(formatter, "expired {}, asked for {}", not_after.to_rfc3339(), at.to_rfc3339())
            }
            Self::Revoked { when, reason, .. } => {
                write!(formatter, "revoked {}: {reason:?}", when.to_rfc3339())
            }
            Self::RevocationUnknown { because, .. } => write!(formatter, "revocation unknown: {because:?}"),
            Self::RevocationStale { .. } => formatter.write_str("revocation is known from too long ago only"),
            Self::WeakAlgorithm(weakness) => write!(formatter, "weak: {:?}", weakness.kind),
        }
    }
}

impl std::error::Error for PathError {}
