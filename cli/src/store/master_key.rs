//! The store master key, and what is derived from it.

use ed25519_dalek::SigningKey;
use hkdf::Hkdf;
use sha2::Sha256;

use super::ID_BYTES;
use super::sealed::SealingKey;

const RECORDS: &[u8] = b"counterseal store v1 records";
const TRUST: &[u8] = b"counterseal store v1 trust";

/// 32 random bytes that every key of a store comes from.
pub(super) struct MasterKey {
    key: SealingKey,
    records: SealingKey,
    trust: SigningKey,
}

impl MasterKey {
    /// A new one.
    pub(super) fn generate(store: &[u8; ID_BYTES]) -> Self {
        Self::new(store, SealingKey::generate())
    }

    /// Derives the other keys (RFC 5869), each under a label of its own.
    pub(super) fn new(store: &[u8; ID_BYTES], key: SealingKey) -> Self {
        let derivation = Hkdf::<Sha256>::new(Some(store), key.expose());
        let records = SealingKey::derived(&derivation, RECORDS);
        let trust = SigningKey::from_bytes(SealingKey::derived(&derivation, TRUST).expose());
        Self { key, records, trust }
    }

    /// The key itself, for the slots that wrap it.
    pub(super) fn wrapped(&self) -> &SealingKey {
        &self.key
    }

    /// What the data keys of records are wrapped under.
    pub(super) fn records(&self) -> &SealingKey {
        &self.records
    }

    /// What signs the rows that say whom to trust.
    pub(super) fn trust(&self) -> &SigningKey {
        &self.trust
    }
}
