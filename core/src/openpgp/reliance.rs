//! On whom the user relies.

use std::collections::BTreeMap;

use super::FULL;
use crate::fingerprint::OpenPgpFingerprint;

/// On whom the user relies to say what belongs to whom, and how far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reliances {
    roots: BTreeMap<OpenPgpFingerprint, u8>,
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
        *entry = amount.min(FULL).max(*entry);
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

    /// The amount of a root.
    #[must_use]
    pub fn root(&self, certificate: &OpenPgpFingerprint) -> Option<u8> {
        self.roots.get(certificate).copied()
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
    pub fn roots(&self) -> impl Iterator<Item = (&OpenPgpFingerprint, u8)> {
        self.roots.iter().map(|(certificate, amount)| (certificate, *amount))
    }

    /// The introducers in the order of their fingerprints.
    pub fn introducers(&self) -> impl Iterator<Item = (&OpenPgpFingerprint, u8)> {
        self.introducers.iter().map(|(certificate, amount)| (certificate, *amount))
    }
}
