//! What is said over the socket (`docs/formats/agent.md`): a length, an octet that says what it is, and
//! fields of known number, each behind its length.

use counterseal_core::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use counterseal_core::ports::{KeyError, OaepParameters};
use zeroize::Zeroizing;

use crate::frames::{Fields, Message, digest, digest_of, index};
pub(super) use crate::frames::{Octets, receive, send};

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// How it is.
    State,
    /// To forget everything and end.
    Lock,
    /// To take what waits in the store's history into it.
    Seal,
    /// An operation with a secret key.
    Use { key: [u8; 32], operation: Operation },
}

/// What is done with a key: the operations of the library's port.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Operation {
    DecryptRsaPkcs1 { ciphertext: Vec<u8>, length: u32 },
    DecryptRsaOaep { parameters: OaepParametersKey, ciphertext: Vec<u8> },
    Agree { peer: Vec<u8> },
    Decapsulate { ciphertext: Vec<u8> },
    Sign { algorithm: SignatureAlgorithm, message: Vec<u8> },
}

/// [`OaepParameters`], which are compared in tests.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OaepParametersKey {
    pub(super) digest: DigestAlgorithm,
    pub(super) mask_digest: DigestAlgorithm,
    pub(super) label: Vec<u8>,
}

impl OaepParametersKey {
    pub(super) fn of(parameters: &OaepParameters) -> Self {
        let OaepParameters { digest, mask_digest, label } = parameters.clone();
        Self { digest, mask_digest, label }
    }

    pub(super) fn parameters(&self) -> OaepParameters {
        OaepParameters { digest: self.digest, mask_digest: self.mask_digest, label: self.label.clone() }
    }
}

/// How an agent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// The process.
    pub(crate) process: u32,
    /// Seconds until it ends, if nobody asks for anything.
    pub(crate) seconds: u64,
    /// Operations so far.
    pub(crate) operations: u64,
}

/// What is answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Response {
    State(State),
    Done,
    /// What the operation gave: one value, or two for RSA with implicit rejection.
    Result(Vec<Octets>),
    Refused(KeyError),
    /// The key was used too often.
    TooOften,
    /// Another store than the agent holds, or a message that is none.
    NotForMe,
}

const KEY_ERRORS: [KeyError; 4] =
    [KeyError::Absent, KeyError::Locked, KeyError::Unsuitable, KeyError::Failed];

impl Request {
    /// The message, for the store with this id.
    pub(super) fn encode(&self, store: &[u8; 16]) -> Octets {
        let mut message = Message::new();
        match self {
            Self::State => message.kind(0).field(store),
            Self::Lock => message.kind(1).field(store),
            Self::Seal => message.kind(2).field(store),
            Self::Use { key, operation } => {
                operation.encode(message.kind(operation.kind()).field(store).field(key))
            }
        };
        message.into_octets()
    }

    /// The message and the store that it is for; nothing for whatever is none.
    pub(super) fn decode(message: &[u8]) -> Option<([u8; 16], Self)> {
        let (kind, mut fields) = Fields::of(message)?;
        let store = fields.array()?;
        let request = match kind {
            0 => Self::State,
            1 => Self::Lock,
            2 => Self::Seal,
            _ => Self::Use { key: fields.array()?, operation: Operation::decode(kind, &mut fields)? },
        };
        fields.end()?;
        Some((store, request))
    }
}

impl Operation {
    const fn kind(&self) -> u8 {
        match self {
            Self::DecryptRsaPkcs1 { .. } => 16,
            Self::DecryptRsaOaep { .. } => 17,
            Self::Agree { .. } => 18,
            Self::Decapsulate { .. } => 19,
            Self::Sign { .. } => 20,
        }
    }

    fn encode<'m>(&self, message: &'m mut Message) -> &'m mut Message {
        match self {
            Self::DecryptRsaPkcs1 { ciphertext, length } => {
                message.field(ciphertext).field(&length.to_be_bytes())
            }
            Self::DecryptRsaOaep { parameters, ciphertext } => {
                let digests = [digest(parameters.digest), digest(parameters.mask_digest)];
                message.field(&digests).field(&parameters.label).field(ciphertext)
            }
            Self::Agree { peer } => message.field(peer),
            Self::Decapsulate { ciphertext } => message.field(ciphertext),
            Self::Sign { algorithm, message: text } => message.field(&signature(*algorithm)).field(text),
        }
    }

    fn decode(kind: u8, fields: &mut Fields<'_>) -> Option<Self> {
        Some(match kind {
            16 => Self::DecryptRsaPkcs1 {
                ciphertext: fields.next()?.to_vec(),
                length: u32::from_be_bytes(fields.array()?),
            },
            17 => {
                let [own, mask] = fields.array()?;
                let label = fields.next()?.to_vec();
                let parameters =
                    OaepParametersKey { digest: digest_of(own)?, mask_digest: digest_of(mask)?, label };
                Self::DecryptRsaOaep { parameters, ciphertext: fields.next()?.to_vec() }
            }
            18 => Self::Agree { peer: fields.next()?.to_vec() },
            19 => Self::Decapsulate { ciphertext: fields.next()?.to_vec() },
            20 => Self::Sign { algorithm: signature_of(fields.array()?)?, message: fields.next()?.to_vec() },
            _ => return None,
        })
    }
}

impl Response {
    pub(super) fn encode(&self) -> Octets {
        let mut message = Message::new();
        match self {
            Self::State(state) => message
                .kind(0)
                .field(&state.process.to_be_bytes())
                .field(&state.seconds.to_be_bytes())
                .field(&state.operations.to_be_bytes()),
            Self::Done => message.kind(1),
            Self::Result(values) => {
                let message = message.kind(2);
                for value in values {
                    message.field(value);
                }
                message
            }
            Self::Refused(error) => message.kind(3).field(&[index(&KEY_ERRORS, error)]),
            Self::TooOften => message.kind(4),
            Self::NotForMe => message.kind(5),
        };
        message.into_octets()
    }

    pub(super) fn decode(message: &[u8]) -> Option<Self> {
        let (kind, mut fields) = Fields::of(message)?;
        let response = match kind {
            0 => Self::State(State {
                process: u32::from_be_bytes(fields.array()?),
                seconds: u64::from_be_bytes(fields.array()?),
                operations: u64::from_be_bytes(fields.array()?),
            }),
            1 => Self::Done,
            2 => {
                let mut values = Vec::new();
                while !fields.is_empty() {
                    values.push(Zeroizing::new(fields.next()?.to_vec()));
                }
                Self::Result(values)
            }
            3 => {
                let [error] = fields.array()?;
                Self::Refused(*KEY_ERRORS.get(usize::from(error))?)
            }
            4 => Self::TooOften,
            5 => Self::NotForMe,
            _ => return None,
        };
        fields.end()?;
        Some(response)
    }
}

/// Kind, digest, digest of the mask, length of the salt.
fn signature(algorithm: SignatureAlgorithm) -> [u8; 7] {
    let of = |kind, own, mask, salt: u32| {
        let [a, b, c, d] = salt.to_be_bytes();
        [kind, own, mask, a, b, c, d]
    };
    match algorithm {
        SignatureAlgorithm::RsaPkcs1(own) => of(0, digest(own), 0, 0),
        SignatureAlgorithm::RsaPss { digest: own, mask_digest, salt_length } => {
            of(1, digest(own), digest(mask_digest), salt_length)
        }
        SignatureAlgorithm::Ecdsa(own) => of(2, digest(own), 0, 0),
        SignatureAlgorithm::Ed25519 => of(3, 0, 0, 0),
        SignatureAlgorithm::MlDsa => of(4, 0, 0, 0),
        SignatureAlgorithm::Dsa(own) => of(5, digest(own), 0, 0),
    }
}

fn signature_of([kind, own, mask, a, b, c, d]: [u8; 7]) -> Option<SignatureAlgorithm> {
    let (own, mask_digest) = (digest_of(own)?, digest_of(mask)?);
    Some(match kind {
        0 => SignatureAlgorithm::RsaPkcs1(own),
        1 => {
            let salt_length = u32::from_be_bytes([a, b, c, d]);
            SignatureAlgorithm::RsaPss { digest: own, mask_digest, salt_length }
        }
        2 => SignatureAlgorithm::Ecdsa(own),
        3 => SignatureAlgorithm::Ed25519,
        4 => SignatureAlgorithm::MlDsa,
        5 => SignatureAlgorithm::Dsa(own),
        _ => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn requests() -> Vec<Request> {
        let used = |operation| Request::Use { key: [7; 32], operation };
        let mut requests = vec![Request::State, Request::Lock, Request::Seal];
        requests.push(used(Operation::DecryptRsaPkcs1 { ciphertext: vec![1; 256], length: 32 }));
        let label = b"label".to_vec();
        let (digest, mask_digest) = (DigestAlgorithm::Sha256, DigestAlgorithm::Sha1);
        let parameters = OaepParametersKey { digest, mask_digest, label };
        requests.push(used(Operation::DecryptRsaOaep { parameters, ciphertext: vec![2; 256] }));
        requests.push(used(Operation::Agree { peer: vec![4; 65] }));
        requests.push(used(Operation::Decapsulate { ciphertext: vec![5; 1088] }));
        for algorithm in [
            SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha512),
            SignatureAlgorithm::RsaPss { digest, mask_digest, salt_length: 32 },
            SignatureAlgorithm::Ecdsa(digest),
            SignatureAlgorithm::Ed25519,
            SignatureAlgorithm::MlDsa,
            SignatureAlgorithm::Dsa(digest),
        ] {
            requests.push(used(Operation::Sign { algorithm, message: b"to be signed".to_vec() }));
        }
        requests
    }

    #[test]
    fn what_is_asked_and_answered_goes_both_ways_and_not_when_cut_or_longer() {
        for request in requests() {
            let message = request.encode(&[9; 16]);
            for length in 0..message.len() {
                assert_eq!(Request::decode(&message[..length]), None);
            }
            assert_eq!(Request::decode(&[&message[..], &[0]].concat()), None);
            assert_eq!(Request::decode(&message), Some(([9; 16], request)));
        }
        let state = State { process: 7, seconds: 600, operations: 3 };
        let mut responses =
            vec![Response::State(state), Response::Done, Response::TooOften, Response::NotForMe];
        responses.extend(KEY_ERRORS.map(Response::Refused));
        responses.push(Response::Result(vec![Zeroizing::new(vec![1; 32]), Zeroizing::new(vec![2; 32])]));
        for response in responses {
            let message = response.encode();
            assert_eq!(Response::decode(&message), Some(response));
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_a_message_or_none(octets in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some((store, request)) = Request::decode(&octets) {
                let again = request.encode(&store);
                prop_assert_eq!(Request::decode(&again), Some((store, request)));
            }
            let _ = Response::decode(&octets);
        }
    }
}
