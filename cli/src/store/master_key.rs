//! The store master key, and what is derived from it.

use ed25519_dalek::SigningKey;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::ID_BYTES;
use super::sealed::{KEY_BYTES, SealingKey};

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
        let records = SealingKey::new(derive(&derivation, RECORDS));
        let trust = SigningKey::from_bytes(&derive(&derivation, TRUST));
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

#[allow(clippy::expect_used)]
fn derive(derivation: &Hkdf<Sha256>, label: &[u8]) -> Zeroizing<[u8; KEY_BYTES]> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    derivation.expand(label, &mut *key).expect("32 bytes are within HKDF's limit of 8160");
    key
}
