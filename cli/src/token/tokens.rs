//! The tokens that `config.toml` leads to: each library is loaded when something is asked of it, each token is
//! given its PIN once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use counterseal_core::ports::KeyError;
use counterseal_core::x509::{Certificate, PublicKey};
use zeroize::Zeroizing;

use super::client::Helper;
use super::error::TokenError;
use super::pin::PinSource;
use super::place::TokenPlace;
use super::protocol::{Answer, Found, NewCertificate, NewKey, Operation, Refusal, Request, State, short};
use crate::failure::Failure;
use crate::frames::Octets;
use crate::randomness::random;
use crate::terminal::{SafeText, say};

/// Octets of the CKA_ID of a key that we have made.
const ID_BYTES: usize = 8;

/// What `config.toml` says of tokens: a library, and which of its tokens are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Configured {
    /// The PKCS#11 library.
    pub(crate) library: PathBuf,
    /// Only the tokens that are called so.
    pub(crate) label: Option<String>,
    /// Only the token with this serial number.
    pub(crate) serial: Option<String>,
}

impl Configured {
    fn means(&self, token: &State) -> bool {
        self.label.as_ref().is_none_or(|label| *label == token.label)
            && self.serial.as_ref().is_none_or(|serial| *serial == token.serial)
    }
}

/// Tokens, and how their PINs are asked for. Threads take turns.
pub(crate) struct Tokens {
    configured: Vec<Configured>,
    pin: PinSource,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// By library.
    helpers: BTreeMap<PathBuf, Helper>,
    /// By serial number: the token that was given its PIN, or why not. What failed is not tried again.
    opened: BTreeMap<String, Result<(PathBuf, State), Failure>>,
    failure: Option<Failure>,
}

/// A token that is there.
pub(crate) struct Present {
    library: PathBuf,
    state: State,
}

impl Present {
    /// What it is called.
    pub(crate) fn label(&self) -> &str {
        &self.state.label
    }

    /// Its serial number.
    pub(crate) fn serial(&self) -> &str {
        &self.state.serial
    }
}

impl Tokens {
    /// The tokens of a configuration. Nothing is loaded yet.
    pub(crate) fn new(configured: Vec<Configured>, pin: PinSource) -> Self {
        Self { configured, pin, inner: Mutex::default() }
    }

    /// The tokens that are there, and what keeps others from being seen.
    pub(crate) fn present(&self) -> (Vec<Present>, Vec<Failure>) {
        let (present, errors) = self.inner().present(&self.configured);
        (present, errors.into_iter().map(Failure::from).collect())
    }

    /// The one token with this label or serial number.
    ///
    /// # Errors
    /// `no-token-library`, `token-library`, `no-token`, `several-tokens`.
    pub(crate) fn named(&self, name: &str) -> Result<Present, Failure> {
        if self.configured.is_empty() {
            return Err(TokenError::NotConfigured.into());
        }
        let (present, errors) = self.inner().present(&self.configured);
        let labels: Vec<String> =
            present.iter().map(|token| format!("{} ({})", token.label(), token.serial())).collect();
        let mut found: Vec<Present> =
            present.into_iter().filter(|token| token.label() == name || token.serial() == name).collect();
        match (found.len(), errors.into_iter().next()) {
            (0, Some(error)) => Err(error.into()),
            (0, None) => Err(Failure::from(TokenError::NotThere(name.to_owned())).details(labels)),
            (1, _) => found.pop().ok_or_else(|| TokenError::NotThere(name.to_owned()).into()),
            (2.., _) => {
                let serials = found.iter().map(|token| token.serial().to_owned()).collect();
                Err(TokenError::Several(name.to_owned(), serials).into())
            }
        }
    }

    /// Gives a token its PIN, and looks at what is on it.
    pub(crate) fn contents(&self, token: &Present) -> Result<Vec<Found>, Failure> {
        let mut inner = self.inner();
        inner.log_in(&token.library, &token.state, &self.pin)?;
        let serial = token.state.serial.clone();
        match inner.ask(&token.library, &token.state, &Request::Objects { serial })? {
            Answer::Objects(found) => Ok(found),
            _ => Err(TokenError::Failed(token.state.label.clone(), "not an answer".to_owned()).into()),
        }
    }

    /// Gives a token its PIN, and has it make a key that never leaves it.
    ///
    /// # Errors
    /// `token-unsuitable` where it makes none of this kind, and what [`Tokens::contents`] may say.
    pub(crate) fn generate(
        &self,
        token: &Present,
        label: &str,
        kind: NewKey,
        signs: bool,
    ) -> Result<(PublicKey, TokenPlace), Failure> {
        let mut inner = self.inner();
        inner.log_in(&token.library, &token.state, &self.pin)?;
        let id: [u8; ID_BYTES] = random();
        let serial = token.state.serial.clone();
        let request = Request::Generate { serial, id: id.to_vec(), label: short(label), kind, signs };
        let made = match inner.ask(&token.library, &token.state, &request)? {
            Answer::Objects(found) => found.into_iter().next().and_then(|found| found.object.public_key()),
            _ => None,
        };
        let label = token.state.label.clone();
        let wrong = || TokenError::Failed(label, "the key that it made is none".to_owned());
        Ok((made.ok_or_else(wrong)?, TokenPlace::new(&token.state.label, &token.state.serial, &id)))
    }

    /// Keeps the certificate of a key beside it, for other programs.
    pub(crate) fn keep_certificate(
        &self,
        token: &Present,
        place: &TokenPlace,
        label: &str,
        certificate: &Certificate,
    ) -> Result<(), Failure> {
        let kept = NewCertificate {
            label: short(label),
            subject: certificate.subject_der().to_vec(),
            der: certificate.as_der().to_vec(),
        };
        let serial = token.state.serial.clone();
        let request = Request::KeepCertificate { serial, id: place.id(), certificate: kept };
        Ok(self.inner().ask(&token.library, &token.state, &request).map(drop)?)
    }

    /// An operation with a key of a token.
    ///
    /// # Errors
    /// [`KeyError::Locked`] where the token could not be reached or opened: [`Tokens::failure`] says why.
    pub(super) fn operate(&self, place: &TokenPlace, operation: Operation) -> Result<Octets, KeyError> {
        let mut inner = self.inner();
        let Some((library, token)) = inner.open(place, &self.configured, &self.pin) else {
            return Err(KeyError::Locked);
        };
        let is_decryption = !matches!(
            operation,
            Operation::SignPkcs1 { .. } | Operation::SignPss { .. } | Operation::Ecdsa { .. }
        );
        let request = Request::Use { serial: place.serial.clone(), id: place.id(), operation };
        match inner.ask(&library, &token, &request) {
            Ok(Answer::Result(value)) => {
                // What the token could not do in one way it has done in another.
                inner.failure = None;
                Ok(value)
            }
            Ok(_) => Err(KeyError::Failed),
            // What a token says of a ciphertext is not repeated: it may be what somebody sent it for.
            Err(TokenError::Failed(..)) if is_decryption => Err(KeyError::Failed),
            Err(TokenError::Unsuitable(label)) => {
                inner.failed(TokenError::Unsuitable(label).into());
                Err(KeyError::Unsuitable)
            }
            Err(error) => {
                let failure = Failure::from(error);
                // A library that is begun anew knows no PIN, and nobody is asked twice.
                inner.opened.insert(place.serial.clone(), Err(failure.clone()));
                inner.failed(failure);
                Err(KeyError::Locked)
            }
        }
    }

    /// Why a key could not be used, where one could not.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.inner().failure.take()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn present(&mut self, configured: &[Configured]) -> (Vec<Present>, Vec<TokenError>) {
        let (mut present, mut errors): (Vec<Present>, Vec<TokenError>) = (Vec::new(), Vec::new());
        for entry in configured {
            match self.tokens(&entry.library) {
                Ok(tokens) => {
                    for state in tokens.into_iter().filter(|token| entry.means(token)) {
                        if !present.iter().any(|other| other.state.serial == state.serial) {
                            present.push(Present { library: entry.library.clone(), state });
                        }
                    }
                }
                Err(error) if errors.contains(&error) => {}
                Err(error) => errors.push(error),
            }
        }
        (present, errors)
    }

    fn tokens(&mut self, library: &Path) -> Result<Vec<State>, TokenError> {
        match self.ask(library, &State::default(), &Request::Tokens)? {
            Answer::Tokens(tokens) => Ok(tokens),
            _ => Err(TokenError::Library(library.to_owned(), "not an answer".to_owned())),
        }
    }

    /// The token of a key, once it was given its PIN.
    fn open(
        &mut self,
        place: &TokenPlace,
        configured: &[Configured],
        pin: &PinSource,
    ) -> Option<(PathBuf, State)> {
        if !self.opened.contains_key(&place.serial) {
            let opened = self.find_and_log_in(place, configured, pin);
            self.opened.insert(place.serial.clone(), opened);
        }
        match self.opened.get(&place.serial)?.clone() {
            Ok(opened) => Some(opened),
            Err(failure) => {
                self.failed(failure);
                None
            }
        }
    }

    fn find_and_log_in(
        &mut self,
        place: &TokenPlace,
        configured: &[Configured],
        pin: &PinSource,
    ) -> Result<(PathBuf, State), Failure> {
        if configured.is_empty() {
            return Err(TokenError::NotConfigured.into());
        }
        let (present, errors) = self.present(configured);
        let Some(found) = present.into_iter().find(|token| token.state.serial == place.serial) else {
            let absent = TokenError::NotThere(place.label.clone());
            return Err(errors.into_iter().next().unwrap_or(absent).into());
        };
        self.log_in(&found.library, &found.state, pin)?;
        Ok((found.library, found.state))
    }

    fn log_in(&mut self, library: &Path, token: &State, pin: &PinSource) -> Result<(), Failure> {
        if token.is_locked {
            return Err(TokenError::Locked(token.label.clone()).into());
        }
        if !token.needs_pin {
            return Ok(());
        }
        let typed = if token.asks_itself {
            pin.may_ask_at(token)?;
            say(&format!("the token {} asks for its PIN at its reader", SafeText(&token.label)));
            None
        } else {
            Some(Zeroizing::new(pin.of(token)?.expose().to_vec()))
        };
        let request = Request::LogIn { serial: token.serial.clone(), pin: typed };
        match self.ask(library, token, &request) {
            Ok(_) => Ok(()),
            Err(TokenError::WrongPin { .. }) => Err(self.wrong_pin(library, token).into()),
            Err(error) => Err(error.into()),
        }
    }

    /// A wrong PIN, with what that did to the token.
    fn wrong_pin(&mut self, library: &Path, token: &State) -> TokenError {
        let label = token.label.clone();
        let now = self.tokens(library).unwrap_or_default();
        match now.iter().find(|other| other.serial == token.serial) {
            Some(now) if now.is_locked => TokenError::Locked(label),
            now => TokenError::WrongPin { label, is_last_try: now.is_some_and(|now| now.is_last_try) },
        }
    }

    fn ask(&mut self, library: &Path, token: &State, request: &Request) -> Result<Answer, TokenError> {
        if !self.helpers.contains_key(library) {
            self.helpers.insert(library.to_owned(), Helper::begin(library)?);
        }
        let helper = self.helpers.get_mut(library);
        let helper = helper.ok_or_else(|| TokenError::NotThere(token.label.clone()))?;
        match helper.ask(request) {
            Ok(Answer::Refused(Refusal::Failed(words))) if *request == Request::Tokens => {
                Err(TokenError::Library(library.to_owned(), words))
            }
            Ok(Answer::Refused(refusal)) => Err(TokenError::of(refusal, token, library)),
            Ok(answer) => Ok(answer),
            Err(error) => {
                // What crashed or hung answers no second time either; who asks again begins another one.
                self.helpers.remove(library);
                Err(error)
            }
        }
    }

    fn failed(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
    }
}
