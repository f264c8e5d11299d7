//! The store's secret keys as the library's port: known without unlocking, opened when one is used.

use std::cell::RefCell;
use std::collections::BTreeMap;

use counterseal_core::algorithm::SignatureAlgorithm;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::keys::Keyring;
use counterseal_core::ports::{HeldKey, KeyError, OaepParameters, RsaTransported, SecretKeys};
use counterseal_core::secret::SecretBytes;
use counterseal_core::x509::{Certificate, PublicKey, SecretKey};

use super::{Store, StoreError, StoredKey};
use crate::agent::{Agent, AgentError};
use crate::failure::Failure;

/// Unlocks a store, once, when a key is used for the first time.
pub(crate) type UnlockStore<'a> = Box<dyn Fn(&Store) -> Result<(), Failure> + 'a>;

/// The keys of a store. Only the key that an operation asks for is opened, and only then is a
/// passphrase asked for.
pub(crate) struct StoreKeys<'a> {
    store: &'a Store,
    stored: Vec<StoredKey>,
    held: Vec<HeldKey>,
    opened: RefCell<BTreeMap<Fingerprint, SecretKey>>,
    unlock: UnlockStore<'a>,
    agent: Option<Agent>,
    failure: RefCell<Option<Failure>>,
}

impl<'a> StoreKeys<'a> {
    /// All secret keys of a store. Where no agent holds it, nobody can `unlock` it, and somebody would have
    /// to, they count as locked.
    pub(crate) fn new(
        store: &'a Store,
        unlock: Option<UnlockStore<'a>>,
        agent: Option<Agent>,
    ) -> Result<Self, StoreError> {
        let stored = store.secret_keys()?;
        let locked = unlock.is_none() && agent.is_none() && store.needs_passphrase()?;
        let held = held(store, &stored, locked)?;
        let unlock = unlock.unwrap_or_else(|| Box::new(|store| Ok(store.unlock(None)?)));
        Ok(Self {
            store,
            stored,
            held,
            opened: RefCell::default(),
            unlock,
            agent,
            failure: RefCell::default(),
        })
    }

    /// Why a key could not be opened, where one could not: the library only learns that it is locked.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.failure.borrow_mut().take()
    }

    /// What is known of the keys, newest first.
    pub(crate) fn stored(&self) -> &[StoredKey] {
        &self.stored
    }

    /// The secret key itself: for moving it, and for issuing with it.
    pub(crate) fn open(&self, fingerprint: &Fingerprint) -> Result<SecretKey, Failure> {
        if let Some(key) = self.opened.borrow().get(fingerprint) {
            return Ok(key.clone());
        }
        let stored = self.stored.iter().find(|stored| stored.fingerprint == *fingerprint);
        let stored =
            stored.ok_or_else(|| Failure::unknown("no-key", format!("no secret key {fingerprint}")))?;
        (self.unlock)(self.store)?;
        let pkcs8 = self.store.open_secret_key(stored)?;
        let key = SecretKey::from_pkcs8_der(pkcs8.expose())
            .map_err(|error| Failure::from(StoreError::Tampered("secret_key")).because(error))?;
        self.opened.borrow_mut().insert(*fingerprint, key.clone());
        Ok(key)
    }
}

/// The public halves, with every certificate and every name. A key in the table that cannot be
/// read is left out: it must not keep the others from being used.
fn held(store: &Store, stored: &[StoredKey], locked: bool) -> Result<Vec<HeldKey>, StoreError> {
    let mut keyring = Keyring::new();
    for key in stored {
        let Ok(public_key) = PublicKey::from_der(&key.public_key) else { continue };
        keyring.add_locked(&public_key);
        for der in store.certificates_of(key.fingerprint.sha256())? {
            if let Ok(certificate) = Certificate::from_der(&der) {
                keyring.add_certificate(certificate);
            }
        }
    }
    let mut held = keyring.held().to_vec();
    held.iter_mut().for_each(|key| key.locked = locked);
    Ok(held)
}

impl StoreKeys<'_> {
    /// Does it in the agent, where one holds the store; else with the key itself.
    fn with<T>(
        &self,
        key: &Fingerprint,
        in_agent: impl FnOnce(&Agent) -> Result<T, AgentError>,
        here: impl FnOnce(SecretKey) -> Result<T, KeyError>,
    ) -> Result<T, KeyError> {
        if !self.stored.iter().any(|stored| stored.fingerprint == *key) {
            return Err(KeyError::Absent);
        }
        if let Some(agent) = &self.agent {
            match in_agent(agent) {
                Ok(result) => return Ok(result),
                Err(AgentError::Key(error)) if error != KeyError::Locked => return Err(error),
                Err(AgentError::TooOften) => {
                    self.failed(Failure::unknown(
                        "too-often",
                        "the agent used this key too often within a minute",
                    ));
                    return Err(KeyError::Locked);
                }
                // It ended meanwhile: as if there had been none.
                Err(AgentError::Key(_) | AgentError::Gone) => {}
            }
        }
        let key = self.open(key).map_err(|failure| {
            self.failed(failure);
            KeyError::Locked
        })?;
        here(key)
    }

    fn failed(&self, failure: Failure) {
        self.failure.borrow_mut().get_or_insert(failure);
    }
}

impl SecretKeys for StoreKeys<'_> {
    fn held(&self) -> &[HeldKey] {
        &self.held
    }

    fn decrypt_rsa_pkcs1(
        &self,
        key: &Fingerprint,
        ciphertext: &[u8],
        length: usize,
    ) -> Result<RsaTransported, KeyError> {
        let in_agent = |agent: &Agent| agent.decrypt_rsa_pkcs1(key, ciphertext, length);
        self.with(key, in_agent, |own| own.decrypt_rsa_pkcs1(ciphertext, length))
    }

    fn decrypt_rsa_oaep(
        &self,
        key: &Fingerprint,
        parameters: &OaepParameters,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, KeyError> {
        let in_agent = |agent: &Agent| agent.decrypt_rsa_oaep(key, parameters, ciphertext);
        self.with(key, in_agent, |own| own.decrypt_rsa_oaep(parameters, ciphertext))
    }

    fn agree(&self, key: &Fingerprint, peer: &[u8]) -> Result<SecretBytes, KeyError> {
        self.with(key, |agent| agent.agree(key, peer), |own| own.agree(peer))
    }

    fn decapsulate(&self, key: &Fingerprint, ciphertext: &[u8]) -> Result<SecretBytes, KeyError> {
        self.with(key, |agent| agent.decapsulate(key, ciphertext), |own| own.decapsulate(ciphertext))
    }

    fn sign(
        &self,
        key: &Fingerprint,
        algorithm: SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        let in_agent = |agent: &Agent| agent.sign(key, algorithm, message);
        self.with(key, in_agent, |own| own.sign(algorithm, message))
    }
}
