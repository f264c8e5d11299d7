//! Keys for the tests of this folder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::LazyLock;

use crate::fingerprint::Fingerprint;
use crate::ports::{HeldKey, KeyError, KeyName};
pub(crate) use crate::testing::SystemRandom;
use crate::x509::{KeyKind, SecretKey, SecretKeyHolder};

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
    .map(|kind| SecretKey::generate(kind, &mut SystemRandom).unwrap())
    .collect()
});

/// Another key of the same kind.
pub(crate) fn other(kind: KeyKind) -> SecretKey {
    SecretKey::generate(kind, &mut SystemRandom).unwrap()
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
}

fn held(key: &SecretKey) -> HeldKey {
    HeldKey {
        fingerprint: key.fingerprint(),
        algorithm: key.algorithm(),
        public_key: key.public_key().as_der().to_vec(),
        certificates: Vec::new(),
        names: vec![KeyName::KeyIdentifier(key.public_key().key_identifier().to_vec())],
        on_token: false,
        locked: false,
    }
}

impl SecretKeyHolder for Ring {
    fn held(&self) -> &[HeldKey] {
        &self.held
    }

    fn usable(&self, fingerprint: &Fingerprint) -> Result<SecretKey, KeyError> {
        self.operations.set(self.operations.get() + 1);
        self.keys.iter().find(|key| key.fingerprint() == *fingerprint).cloned().ok_or(KeyError::Absent)
    }
}
