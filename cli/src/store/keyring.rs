//! The store's secret keys as the library's port: known without unlocking, opened when one is used.

use std::cell::RefCell;
use std::collections::BTreeMap;

use counterseal_core::algorithm::SignatureAlgorithm;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::keys::Keyring;
use counterseal_core::ports::{HeldKey, KeyError, OaepParameters, RsaTransported, SecretKeys};
use counterseal_core::secret::SecretBytes;
use counterseal_core::x509::{Certificate, PublicKey, SecretKey, TokenKey};

use super::{Store, StoreError, StoredKey};
use crate::agent::{Agent, AgentError};
use crate::failure::Failure;
use crate::token::{OnToken, TokenKeys, TokenPlace, Tokens};

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
    /// Where the keys are that are on tokens.
    places: BTreeMap<[u8; 32], TokenPlace>,
    tokens: Option<Box<TokenKeys>>,
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
        let places = store.token_keys()?;
        let held = held(store, &stored, &places, locked)?;
        let unlock = unlock.unwrap_or_else(|| Box::new(|store| Ok(store.unlock(None)?)));
        Ok(Self {
            store,
            stored,
            held,
            opened: RefCell::default(),
            unlock,
            agent,
            places,
            tokens: None,
            failure: RefCell::default(),
        })
    }

    /// The same, where the keys that are on tokens are used there.
    pub(crate) fn with_tokens(mut self, tokens: Tokens) -> Self {
        self.tokens = Some(Box::new(TokenKeys::new(tokens, self.on_tokens())));
        self
    }

    /// Whether some of the keys are on tokens.
    pub(crate) fn has_tokens(&self) -> bool {
        !self.places.is_empty()
    }

    /// The keys on tokens, for whoever uses them where this store cannot go along.
    pub(crate) fn into_token_keys(self) -> Option<TokenKeys> {
        self.tokens.map(|tokens| *tokens)
    }

    /// Whether a key is on a token: then it cannot be opened here.
    pub(crate) fn is_on_token(&self, key: &Fingerprint) -> bool {
        self.places.contains_key(key.sha256())
    }

    fn on_tokens(&self) -> Vec<(PublicKey, TokenPlace)> {
        let keys = self.stored.iter().filter_map(|stored| {
            let place = self.places.get(stored.fingerprint.sha256())?;
            Some((PublicKey::from_der(&stored.public_key).ok()?, place.clone()))
        });
        keys.collect()
    }

    /// Why a key could not be opened, where one could not: the library only learns that it is locked.
    pub(crate) fn failure(&self) -> Option<Failure> {
        let on_token = self.tokens.as_ref().and_then(|tokens| tokens.failure());
        self.failure.borrow_mut().take().or(on_token)
    }

    /// Where they are kept.
    pub(super) const fn store(&self) -> &Store {
        self.store
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
        if let Some(place) = self.places.get(fingerprint.sha256()) {
            return Err(on_token(fingerprint, place));
        }
        (self.unlock)(self.store)?;
        let pkcs8 = self.store.open_secret_key(stored)?;
        let key = SecretKey::from_pkcs8_der(pkcs8.expose())
            .map_err(|error| Failure::from(StoreError::Tampered("secret_key")).because(error))?;
        self.opened.borrow_mut().insert(*fingerprint, key.clone());
        Ok(key)
    }
}

/// A key cannot leave its token.
fn on_token(key: &Fingerprint, place: &TokenPlace) -> Failure {
    let message = format!("the secret key {key} is on the token {}, and does not leave it", place.label);
    Failure::no("on-token", message)
}

/// The public halves, with every certificate and every name. A key in the table that cannot be
/// read is left out: it must not keep the others from being used.
fn held(
    store: &Store,
    stored: &[StoredKey],
    places: &BTreeMap<[u8; 32], TokenPlace>,
    locked: bool,
) -> Result<Vec<HeldKey>, StoreError> {
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
    for key in &mut held {
        key.on_token = places.contains_key(key.fingerprint.sha256());
        // What opens the store does not open a token.
        key.locked = locked && !key.on_token;
    }
    Ok(held)
}

impl StoreKeys<'_> {
    /// Does it on the token that the key is on; in the agent, where one holds the store; else with the key itself.
    fn with<T>(
        &self,
        key: &Fingerprint,
        on_token: impl FnOnce(&TokenKey<OnToken>) -> Result<T, KeyError>,
        in_agent: impl FnOnce(&Agent) -> Result<T, AgentError>,
        here: impl FnOnce(SecretKey) -> Result<T, KeyError>,
    ) -> Result<T, KeyError> {
        if !self.stored.iter().any(|stored| stored.fingerprint == *key) {
            return Err(KeyError::Absent);
        }
        if self.is_on_token(key) {
            let used = self.tokens.as_ref().and_then(|tokens| tokens.get(key));
            return used.map_or(Err(KeyError::Locked), on_token);
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
        let on_token = |token: &TokenKey<OnToken>| token.decrypt_rsa_pkcs1(ciphertext, length);
        let in_agent = |agent: &Agent| agent.decrypt_rsa_pkcs1(key, ciphertext, length);
        self.with(key, on_token, in_agent, |own| own.decrypt_rsa_pkcs1(ciphertext, length))
    }

    fn decrypt_rsa_oaep(
        &self,
        key: &Fingerprint,
        parameters: &OaepParameters,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, KeyError> {
        let on_token = |token: &TokenKey<OnToken>| token.decrypt_rsa_oaep(parameters, ciphertext);
        let in_agent = |agent: &Agent| agent.decrypt_rsa_oaep(key, parameters, ciphertext);
        self.with(key, on_token, in_agent, |own| own.decrypt_rsa_oaep(parameters, ciphertext))
    }

    fn agree(&self, key: &Fingerprint, peer: &[u8]) -> Result<SecretBytes, KeyError> {
        self.with(key, |token| token.agree(peer), |agent| agent.agree(key, peer), |own| own.agree(peer))
    }

    fn decapsulate(&self, key: &Fingerprint, ciphertext: &[u8]) -> Result<SecretBytes, KeyError> {
        let in_agent = |agent: &Agent| agent.decapsulate(key, ciphertext);
        self.with(key, |_| Err(KeyError::Unsuitable), in_agent, |own| own.decapsulate(ciphertext))
    }

    fn sign(
        &self,
        key: &Fingerprint,
        algorithm: SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        let in_agent = |agent: &Agent| agent.sign(key, algorithm, message);
        self.with(key, |token| token.sign(algorithm, message), in_agent, |own| own.sign(algorithm, message))
    }
}
