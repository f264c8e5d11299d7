//! On whom the user relies.

use std::collections::BTreeMap;

use super::FULL;
use super::address_of_user_id;
use crate::address::EmailAddress;
use crate::fingerprint::OpenPgpFingerprint;

/// How far a root is relied upon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Root {
    /// In points, at most [`FULL`].
    pub amount: u8,
    /// How many introducers in a row may stand behind it; any number where nothing is said.
    pub depth: Option<u8>,
    /// The mail domains that it may speak for, as [`EmailAddress::domain`] has them; all where none is
    /// named.
    ///
    /// [`EmailAddress::domain`]: crate::address::EmailAddress::domain
    pub domains: Vec<String>,
}

impl Root {
    /// Up to an amount, without any other limit.
    #[must_use]
    pub const fn of(amount: u8) -> Self {
        Self { amount, depth: None, domains: Vec::new() }
    }

    /// Whether it may speak for an address.
    #[must_use]
    pub fn speaks_for(&self, address: &EmailAddress) -> bool {
        self.domains.is_empty() || self.domains.iter().any(|domain| domain == address.domain())
    }

    /// Whether it may speak for a user identifier, with so many introducers behind it.
    pub(super) fn admits(&self, user_id: &str, introducers: usize) -> bool {
        let is_near = self.depth.is_none_or(|depth| introducers <= usize::from(depth));
        let is_within = || {
            let address = address_of_user_id(user_id);
            address.is_some_and(|address| self.domains.iter().any(|domain| domain == address.domain()))
        };
        is_near && (self.domains.is_empty() || is_within())
    }

    /// Whether it may speak for everybody through anybody.
    pub(super) const fn is_unlimited(&self) -> bool {
        self.depth.is_none() && self.domains.is_empty()
    }
}

/// On whom the user relies to say what belongs to whom, and how far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reliances {
    roots: BTreeMap<OpenPgpFingerprint, Root>,
    introducers: BTreeMap<OpenPgpFingerprint, u8>,
    longest: Option<u8>,
}

impl Reliances {
    /// On nobody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Relies on a certificate by its fingerprint, up to an amount of at most [`FULL`]: what it
    /// certifies counts without anybody having certified it. The larger amount of two wins.
    #[must_use]
    pub fn with_root(mut self, certificate: OpenPgpFingerprint, amount: u8) -> Self {
        let entry = self.roots.entry(certificate).or_default();
        entry.amount = amount.min(FULL).max(entry.amount);
        self
    }

    /// Relies on a certificate within limits, in the place of what was said of it before.
    #[must_use]
    pub fn with_limited_root(mut self, certificate: OpenPgpFingerprint, root: Root) -> Self {
        self.roots.insert(certificate, Root { amount: root.amount.min(FULL), ..root });
        self
    }

    /// Relies on the owner of a certificate, once it is shown to be theirs: whoever certifies it
    /// also makes it an introducer, and each of its certifications counts up to the amount. This
    /// is what GnuPG's ownertrust says.
    #[must_use]
    pub fn with_introducer(mut self, certificate: OpenPgpFingerprint, amount: u8) -> Self {
        let entry = self.introducers.entry(certificate).or_default();
        *entry = amount.min(FULL).max(*entry);
        self
    }

    /// The longest chain of certifications that counts.
    #[must_use]
    pub const fn with_longest_chain(mut self, certifications: u8) -> Self {
        self.longest = Some(certifications);
        self
    }

    /// How far a root is relied upon.
    #[must_use]
    pub fn root(&self, certificate: &OpenPgpFingerprint) -> Option<&Root> {
        self.roots.get(certificate)
    }

    /// The amount of an introducer.
    #[must_use]
    pub fn introducer(&self, certificate: &OpenPgpFingerprint) -> Option<u8> {
        self.introducers.get(certificate).copied()
    }

    /// The longest chain that counts.
    #[must_use]
    pub const fn longest_chain(&self) -> Option<u8> {
        self.longest
    }

    /// The roots in the order of their fingerprints.
    pub fn roots(&self) -> impl Iterator<Item = (&OpenPgpFingerprint, &Root)> {
        self.roots.iter()
    }

    /// The introducers in the order of their fingerprints.
    pub fn introducers(&self) -> impl Iterator<Item = (&OpenPgpFingerprint, u8)> {
        self.introducers.iter().map(|(certificate, amount)| (certificate, *amount))
    }
}
