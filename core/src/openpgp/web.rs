//! Everything that is known of OpenPGP certificates and of who certified whom.

use std::collections::{BTreeMap, BTreeSet};

use super::certificate::{Certificate, KeyId};
use super::network::Network;
use super::reliance::Reliances;
use crate::fingerprint::OpenPgpFingerprint;
use crate::time::Time;

/// OpenPGP certificates and the certifications on them, all verified.
#[derive(Clone, Debug, Default)]
pub struct Web {
    certificates: BTreeMap<OpenPgpFingerprint, Certificate>,
    by_key_id: BTreeMap<KeyId, BTreeSet<OpenPgpFingerprint>>,
}

impl Web {
    /// Without any certificate.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a certificate in that was verified before, in the place of what was known of it.
    pub fn insert(&mut self, certificate: Certificate) {
        let fingerprint = certificate.fingerprint;
        self.by_key_id.entry(KeyId::of(&fingerprint)).or_default().insert(fingerprint);
        self.certificates.insert(fingerprint, certificate);
    }

    /// One certificate.
    #[must_use]
    pub fn certificate(&self, fingerprint: &OpenPgpFingerprint) -> Option<&Certificate> {
        self.certificates.get(fingerprint)
    }

    /// All certificates in the order of their fingerprints.
    pub fn certificates(&self) -> impl ExactSizeIterator<Item = &Certificate> {
        self.certificates.values()
    }

    /// The certificates that signatures may mean with a key identifier.
    pub(super) fn with_key_id(&self, key_id: &KeyId) -> impl Iterator<Item = &Certificate> {
        self.by_key_id
            .get(key_id)
            .into_iter()
            .flatten()
            .filter_map(|fingerprint| self.certificate(fingerprint))
    }

    /// The certificates that may have a certification by this one which was not verified for want
    /// of it: their bytes must be imported again.
    pub fn waiting_for(
        &self,
        issuer: &OpenPgpFingerprint,
    ) -> impl Iterator<Item = &OpenPgpFingerprint> + use<'_> {
        let key_id = KeyId::of(issuer);
        let waiting = move |certificate: &&Certificate| certificate.unknown_issuers.contains(&key_id);
        self.certificates().filter(waiting).map(|certificate| &certificate.fingerprint)
    }

    /// The web at a moment, for whom the user relies on.
    #[must_use]
    pub fn network(&self, reliances: &Reliances, at: Time) -> Network<'_> {
        Network::new(self, reliances, at)
    }
}
