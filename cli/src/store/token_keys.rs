//! Keys whose secret half is on a token: they are among the other keys, with nothing sealed, and beside them
//! stands where they are. That is evidence for which the head is signed, and read without unlocking.

use std::collections::BTreeMap;

use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::secret::SecretBytes;

use super::evidence::EvidenceKind;
use super::{KeyUse, Store, StoreError, Writer};
use crate::token::TokenPlace;

impl Store {
    /// Where the keys are that are on tokens, by the SHA-256 of their public halves.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] where that is not what this store signed.
    pub(crate) fn token_keys(&self) -> Result<BTreeMap<[u8; 32], TokenPlace>, StoreError> {
        let removed = self.evidence(EvidenceKind::RemovedKey)?;
        let mut places = BTreeMap::new();
        for kept in self.evidence(EvidenceKind::TokenKey)? {
            let key = kept.name.try_into().map_err(|_| StoreError::Tampered("evidence"))?;
            let place = TokenPlace::decode(&kept.content).ok_or(StoreError::Tampered("evidence"))?;
            if !removed.iter().any(|removed| removed.name == key) {
                places.insert(key, place);
            }
        }
        Ok(places)
    }
}

impl Writer<'_> {
    /// Adds a key that is on a token, or notes that one is now on another. Answers whether it is new.
    pub(crate) fn add_token_key(
        &mut self,
        key_use: KeyUse,
        algorithm: &str,
        public_key: &[u8],
        place: &TokenPlace,
    ) -> Result<bool, StoreError> {
        // A record that holds nothing is still sealed for its row.
        let nothing = SecretBytes::copy_of(&[]);
        let is_new = self.add_secret_key(key_use, algorithm, public_key, &nothing)?;
        self.keep_token_place(&Fingerprint::of_public_key(public_key), place)?;
        Ok(is_new)
    }

    /// Notes where a key is.
    pub(super) fn keep_token_place(
        &mut self,
        key: &Fingerprint,
        place: &TokenPlace,
    ) -> Result<(), StoreError> {
        self.keep_evidence(EvidenceKind::TokenKey, key.sha256(), &place.encode()).map(drop)
    }
}
