//! Which secret keys must be there, authenticated: one that somebody takes out of the file, past the triggers
//! that keep it, is missed.

use counterseal_core::fingerprint::Fingerprint;

use super::error::StoreError;
use super::evidence::EvidenceKind;
use super::secret_keys::read_all;
use super::{Store, Writer};

/// The row that says: every key has its row. A store of before has none until it is written to.
const ALL: &[u8] = b"all";

impl Store {
    /// The secret keys that this store took in, or had when this was first written down, and has no more. One that was
    /// removed by its owner has its record still.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] where the rows are not those that this store signed.
    pub(crate) fn lost_keys(&self) -> Result<Vec<Fingerprint>, StoreError> {
        let kept = self.evidence(EvidenceKind::KeptKey)?.into_iter().filter(|kept| kept.name != ALL);
        let keys = kept.map(|kept| Fingerprint::of_public_key(&kept.content));
        let present: Vec<Fingerprint> =
            read_all(&self.connection)?.into_iter().map(|key| key.fingerprint).collect();
        Ok(keys.filter(|key| !present.contains(key)).collect())
    }
}

impl Writer<'_> {
    /// Signs which keys a store of before has. Later each key is signed for when it comes.
    pub(super) fn sign_keys(&mut self) -> Result<(), StoreError> {
        if !self.keep_evidence(EvidenceKind::KeptKey, ALL, &[])? {
            return Ok(());
        }
        for key in read_all(&self.transaction)? {
            self.sign_key(&key.fingerprint, &key.public_key)?;
        }
        Ok(())
    }

    /// Signs that a key is here.
    pub(super) fn sign_key(&mut self, key: &Fingerprint, public_key: &[u8]) -> Result<(), StoreError> {
        self.keep_evidence(EvidenceKind::KeptKey, key.sha256(), public_key).map(drop)
    }
}
