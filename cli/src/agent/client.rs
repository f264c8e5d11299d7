//! Asking an agent.

use std::cell::RefCell;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use counterseal_core::algorithm::SignatureAlgorithm;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::ports::{KeyError, OaepParameters, RsaTransported};
use counterseal_core::secret::SecretBytes;

use super::protocol::{self, OaepParametersKey, Operation, Request, Response, State};
use super::socket;

/// How long an answer may take: one operation, behind those of others.
const PATIENCE: Duration = Duration::from_secs(30);

/// An agent that holds a store.
pub(crate) struct Agent {
    stream: RefCell<UnixStream>,
    store: [u8; 16],
}

/// Why an agent did not do what it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AgentError {
    /// It cannot, as the library says it.
    Key(KeyError),
    /// The key was used too often within a minute.
    TooOften,
    /// It does not answer, or not as an agent does.
    Gone,
}

impl Agent {
    /// The agent for a store, where one is running that is the same user's.
    pub(crate) fn of(store: &[u8; 16]) -> Option<Self> {
        let stream = socket::connect(store)?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        stream.set_write_timeout(Some(PATIENCE)).ok()?;
        let agent = Self { stream: RefCell::new(stream), store: *store };
        agent.state().map(|_| agent)
    }

    /// How it is.
    pub(crate) fn state(&self) -> Option<State> {
        match self.ask(&Request::State) {
            Some(Response::State(state)) => Some(state),
            _ => None,
        }
    }

    /// Has it forget everything and end.
    pub(crate) fn lock(&self) -> bool {
        self.ask(&Request::Lock) == Some(Response::Done)
    }

    /// Has it take what waits into the history.
    pub(crate) fn seal(&self) -> bool {
        self.ask(&Request::Seal) == Some(Response::Done)
    }

    /// As [`counterseal_core::ports::SecretKeys::decrypt_rsa_pkcs1`].
    pub(crate) fn decrypt_rsa_pkcs1(
        &self,
        key: &Fingerprint,
        ciphertext: &[u8],
        length: usize,
    ) -> Result<RsaTransported, AgentError> {
        let length = u32::try_from(length).map_err(|_| AgentError::Key(KeyError::Unsuitable))?;
        let operation = Operation::DecryptRsaPkcs1 { ciphertext: ciphertext.to_vec(), length };
        let [secret, rejection] = self.operate(key, operation)?;
        Ok(RsaTransported { secret, rejection })
    }

    /// As [`counterseal_core::ports::SecretKeys::decrypt_rsa_oaep`].
    pub(crate) fn decrypt_rsa_oaep(
        &self,
        key: &Fingerprint,
        parameters: &OaepParameters,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, AgentError> {
        let parameters = OaepParametersKey::of(parameters);
        self.one(key, Operation::DecryptRsaOaep { parameters, ciphertext: ciphertext.to_vec() })
    }

    /// As [`counterseal_core::ports::SecretKeys::agree`].
    pub(crate) fn agree(&self, key: &Fingerprint, peer: &[u8]) -> Result<SecretBytes, AgentError> {
        self.one(key, Operation::Agree { peer: peer.to_vec() })
    }

    /// As [`counterseal_core::ports::SecretKeys::decapsulate`].
    pub(crate) fn decapsulate(
        &self,
        key: &Fingerprint,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, AgentError> {
        self.one(key, Operation::Decapsulate { ciphertext: ciphertext.to_vec() })
    }

    /// As [`counterseal_core::ports::SecretKeys::sign`].
    pub(crate) fn sign(
        &self,
        key: &Fingerprint,
        algorithm: SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, AgentError> {
        let signature = self.one(key, Operation::Sign { algorithm, message: message.to_vec() })?;
        Ok(signature.expose().to_vec())
    }

    fn one(&self, key: &Fingerprint, operation: Operation) -> Result<SecretBytes, AgentError> {
        let [value] = self.operate(key, operation)?;
        Ok(value)
    }

    fn operate<const N: usize>(
        &self,
        key: &Fingerprint,
        operation: Operation,
    ) -> Result<[SecretBytes; N], AgentError> {
        match self.ask(&Request::Use { key: *key.sha256(), operation }) {
            Some(Response::Result(values)) => {
                let values: Vec<SecretBytes> =
                    values.iter().map(|value| SecretBytes::copy_of(value)).collect();
                values.try_into().map_err(|_| AgentError::Gone)
            }
            Some(Response::Refused(error)) => Err(AgentError::Key(error)),
            Some(Response::TooOften) => Err(AgentError::TooOften),
            _ => Err(AgentError::Gone),
        }
    }

    fn ask(&self, request: &Request) -> Option<Response> {
        let mut stream = self.stream.borrow_mut();
        protocol::send(&mut *stream, &request.encode(&self.store)).ok()?;
        let answer = protocol::receive(&mut *stream).ok()??;
        Response::decode(&answer)
    }
}
