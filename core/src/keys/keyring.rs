//! The keyring: secret keys with every certificate that was ever issued for them.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crate::fingerprint::Fingerprint;
use crate::ports::{HeldKey, KeyError, KeyName};
use crate::x509::{Certificate, PublicKey, SecretKey, SecretKeyHolder};

/// Secret keys in memory, and the public halves of those that are locked away.
///
/// Keys and certificates may come in any order: a certificate waits for its key. Old keys stay,
/// so that old mail stays readable.
#[derive(Default)]
pub struct Keyring {
    held: Vec<HeldKey>,
    secrets: BTreeMap<Fingerprint, SecretKey>,
    /// Positions in `held`. A name can belong to several keys, since anybody can repeat a key
    /// identifier.
    by_name: HashMap<KeyName, Vec<usize>>,
    certificates: BTreeMap<Fingerprint, Vec<Certificate>>,
}

impl Keyring {
    /// A keyring without keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a secret key, or unlocks the one that is held as locked.
    pub fn add_key(&mut self, key: SecretKey) {
        let position = self.hold(key.public_key());
        if let Some(held) = self.held.get_mut(position) {
            held.locked = false;
        }
        self.secrets.insert(key.fingerprint(), key);
    }

    /// Adds a key whose secret half cannot be used now. A key that is there already stays as it
    /// is.
    pub fn add_locked(&mut self, key: &PublicKey) {
        self.hold(key);
    }

    /// Adds a key whose secret half is on a token, where somebody else uses it.
    pub fn add_on_token(&mut self, key: &PublicKey) {
        let position = self.hold(key);
        if let Some(held) = self.held.get_mut(position) {
            (held.locked, held.on_token) = (false, true);
        }
    }

    /// Adds a certificate; it counts as soon as its key is held. Says whether the key is held now.
    pub fn add_certificate(&mut self, certificate: Certificate) -> bool {
        let fingerprint = certificate.fingerprint();
        let known = self.certificates.entry(fingerprint).or_default();
        if !known.contains(&certificate) {
            known.push(certificate);
            known.sort_by_key(|certificate| std::cmp::Reverse(certificate.not_before()));
        }
        let position = self.position(&fingerprint);
        if let Some(position) = position {
            self.refresh(position);
        }
        position.is_some()
    }

    /// Takes the secret half of every key away; what is held stays known as locked.
    pub fn lock(&mut self) {
        self.secrets.clear();
        self.held.iter_mut().for_each(|held| held.locked = true);
    }

    /// The secret key, if it is held and not locked.
    #[must_use]
    pub fn secret_key(&self, fingerprint: &Fingerprint) -> Option<&SecretKey> {
        self.secrets.get(fingerprint)
    }

    /// The certificates of a held key, newest first.
    #[must_use]
    pub fn certificates(&self, fingerprint: &Fingerprint) -> &[Certificate] {
        self.certificates.get(fingerprint).map(Vec::as_slice).unwrap_or_default()
    }

    /// Every held key that a CMS object may mean by this name.
    pub fn named<'a>(&'a self, name: &KeyName) -> impl Iterator<Item = &'a HeldKey> + use<'a> {
        let positions = self.by_name.get(name).map(Vec::as_slice).unwrap_or_default();
        positions.iter().filter_map(|position| self.held.get(*position))
    }

    fn position(&self, fingerprint: &Fingerprint) -> Option<usize> {
        self.held.iter().position(|held| held.fingerprint == *fingerprint)
    }

    /// The position of a key, which is added as locked where it is new.
    fn hold(&mut self, key: &PublicKey) -> usize {
        if let Some(position) = self.position(&key.fingerprint()) {
            return position;
        }
        self.held.push(HeldKey {
            fingerprint: key.fingerprint(),
            algorithm: key.algorithm(),
            public_key: key.as_der().to_vec(),
            certificates: Vec::new(),
            names: vec![KeyName::KeyIdentifier(key.key_identifier().to_vec())],
            locked: true,
            on_token: false,
        });
        let position = self.held.len() - 1;
        self.refresh(position);
        position
    }

    /// Brings certificates and names of a held key up to date.
    fn refresh(&mut self, position: usize) {
        let Some(held) = self.held.get_mut(position) else { return };
        let certificates = self.certificates.get(&held.fingerprint).map(Vec::as_slice).unwrap_or_default();
        held.certificates = certificates.iter().map(|certificate| certificate.as_der().to_vec()).collect();
        for name in certificates.iter().flat_map(Certificate::names) {
            if !held.names.contains(&name) {
                held.names.push(name);
            }
        }
        for name in &held.names {
            let positions = self.by_name.entry(name.clone()).or_default();
            if !positions.contains(&position) {
                positions.push(position);
            }
        }
    }
}

impl From<SecretKey> for Keyring {
    fn from(key: SecretKey) -> Self {
        let mut keyring = Self::new();
        keyring.add_key(key);
        keyring
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.held.iter().map(|held| held.fingerprint)).finish()
    }
}

impl SecretKeyHolder for Keyring {
    fn held(&self) -> &[HeldKey] {
        &self.held
    }

    fn named(&self, name: &KeyName) -> Vec<&HeldKey> {
        Self::named(self, name).collect()
    }

    fn usable(&self, fingerprint: &Fingerprint) -> Result<SecretKey, KeyError> {
        match self.secrets.get(fingerprint) {
            Some(key) => Ok(key.clone()),
            None if self.position(fingerprint).is_some() => Err(KeyError::Locked),
            None => Err(KeyError::Absent),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::address::EmailAddress;
    use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
    use crate::ports::SecretKeys as _;
    use crate::testing::SystemRandom;
    use crate::time::Time;
    use crate::x509::KeyKind;
    use crate::x509::issue::{self, Subject, Validity};

    const MESSAGE: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256);

    fn key() -> SecretKey {
        SecretKey::generate(KeyKind::P256, &mut SystemRandom).unwrap()
    }

    fn certificate(key: &SecretKey, days: i64) -> Certificate {
        let start = Time::from_unix_seconds(1_800_000_000).plus_days(days);
        let validity = Validity { not_before: start, not_after: start.plus_days(30) };
        let addresses = [EmailAddress::parse("alice@example.org").unwrap()];
        let subject = Subject { name: "Alice", addresses: &addresses, public_key: key.public_key() };
        let keys = Keyring::from(key.clone());
        issue::self_signed(&keys, &subject, validity, None, &mut SystemRandom).unwrap()
    }

    #[test]
    fn certificates_may_come_before_and_after_their_key_and_the_newest_is_first() {
        let key = key();
        let (old, new) = (certificate(&key, 0), certificate(&key, 10));
        let mut keyring = Keyring::new();
        assert!(!keyring.add_certificate(old.clone()));
        keyring.add_key(key.clone());
        assert!(keyring.add_certificate(new.clone()));
        assert_eq!(keyring.held[0].certificates, [new.as_der().to_vec(), old.as_der().to_vec()]);
        for name in old.names().iter().chain(&new.names()) {
            let found: Vec<_> = keyring.named(name).map(|held| held.fingerprint).collect();
            assert_eq!(found, [key.fingerprint()]);
        }
    }

    #[test]
    fn a_locked_key_is_known_and_does_nothing_until_it_is_unlocked() {
        let key = key();
        let mut keyring = Keyring::new();
        assert_eq!(keyring.sign(&key.fingerprint(), MESSAGE, b""), Err(KeyError::Absent));
        keyring.add_locked(key.public_key());
        assert!(keyring.held[0].locked);
        assert_eq!(keyring.sign(&key.fingerprint(), MESSAGE, b""), Err(KeyError::Locked));
        keyring.add_key(key.clone());
        let signature = keyring.sign(&key.fingerprint(), MESSAGE, b"message").unwrap();
        assert_eq!(key.public_key().verify(MESSAGE, b"message", &signature), Ok(()));
        keyring.lock();
        assert_eq!(keyring.sign(&key.fingerprint(), MESSAGE, b""), Err(KeyError::Locked));
    }
}
