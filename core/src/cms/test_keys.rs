//! Keys for the tests of this folder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::LazyLock;

use crate::fingerprint::Fingerprint;
use crate::ports::{HeldKey, KeyError, KeyName, OaepParameters, Random, RsaTransported, SecretKeys};
use crate::secret::SecretBytes;
use crate::x509::{KeyKind, SecretKey};

/// The system's randomness.
pub(crate) struct System;

impl Random for System {
    fn fill(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

/// One key of every kind that can be encrypted to.
pub(crate) static KEYS: LazyLock<Vec<SecretKey>> = LazyLock::new(|| {
    [
        KeyKind::Rsa2048,
        KeyKind::P256,
        KeyKind::P384,
        KeyKind::P521,
        KeyKind::X25519,
        KeyKind::MlKem512,
        KeyKind::MlKem768,
        KeyKind::MlKem1024,
    ]
    .into_iter()
    .map(|kind| SecretKey::generate(kind, &mut System).unwrap())
    .collect()
});

/// Another key of the same kind.
pub(crate) fn other(kind: KeyKind) -> SecretKey {
    SecretKey::generate(kind, &mut System).unwrap()
}

/// A key ring of bare keys; counts what is asked of it.
pub(crate) struct Ring {
    keys: Vec<SecretKey>,
    held: Vec<HeldKey>,
    pub(crate) operations: std::cell::Cell<usize>,
}

impl Ring {
    pub(crate) fn of(keys: &[SecretKey]) -> Self {
        let held = keys.iter().map(held).collect();
        Self { keys: keys.to_vec(), held, operations: 0.into() }
    }

    pub(crate) fn locked(keys: &[SecretKey]) -> Self {
        let mut ring = Self::of(keys);
        ring.held.iter_mut().for_each(|key| key.locked = true);
        ring
    }

    /// The same keys under names that no message has.
    pub(crate) fn unnamed(keys: &[SecretKey]) -> Self {
        let mut ring = Self::of(keys);
        ring.held.iter_mut().for_each(|key| key.names.clear());
        ring
    }

    fn find(&self, fingerprint: &Fingerprint) -> Result<&SecretKey, KeyError> {
        self.operations.set(self.operations.get() + 1);
        self.keys.iter().find(|key| key.fingerprint() == *fingerprint).ok_or(KeyError::Absent)
    }
}

fn held(key: &SecretKey) -> HeldKey {
    HeldKey {
        fingerprint: key.fingerprint(),
        algorithm: key.algorithm(),
        public_key: key.public_key().as_der().to_vec(),
        certificates: Vec::new(),
        names: vec![KeyName::KeyIdentifier(key.public_key().key_identifier().to_vec())],
        locked: false,
    }
}

impl SecretKeys for Ring {
    fn held(&self) -> &[HeldKey] {
        &self.held
    }

    fn decrypt_rsa_pkcs1(
        &self,
        key: &Fingerprint,
        ciphertext: &[u8],
        length: usize,
    ) -> Result<RsaTransported, KeyError> {
        self.find(key)?.decrypt_rsa_pkcs1(ciphertext, length)
    }

    fn decrypt_rsa_oaep(
        &self,
        key: &Fingerprint,
        parameters: &OaepParameters,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, KeyError> {
        self.find(key)?.decrypt_rsa_oaep(parameters, ciphertext)
    }

    fn agree(&self, key: &Fingerprint, peer: &[u8]) -> Result<SecretBytes, KeyError> {
        self.find(key)?.agree(peer)
    }

    fn decapsulate(&self, key: &Fingerprint, ciphertext: &[u8]) -> Result<SecretBytes, KeyError> {
        self.find(key)?.decapsulate(ciphertext)
    }

    fn sign(
        &self,
        key: &Fingerprint,
        algorithm: crate::algorithm::SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        self.find(key)?.sign(algorithm, message)
    }
}
