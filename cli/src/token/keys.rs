//! Keys of the store that are on tokens, as the library uses them.

use std::collections::BTreeMap;
use std::sync::Arc;

use counterseal_core::algorithm::DigestAlgorithm;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::ports::{KeyError, OaepParameters};
use counterseal_core::secret::SecretBytes;
use counterseal_core::x509::{PublicKey, TokenKey, TokenOperations};

use super::place::TokenPlace;
use super::protocol::Operation;
use super::tokens::Tokens;
use crate::failure::Failure;
use crate::frames::Octets;

/// Keys on tokens. No token is spoken to before one of them is used.
pub(crate) struct TokenKeys {
    tokens: Arc<Tokens>,
    keys: BTreeMap<Fingerprint, TokenKey<OnToken>>,
}

impl TokenKeys {
    /// These keys, on these tokens.
    pub(crate) fn new(tokens: Tokens, places: impl IntoIterator<Item = (PublicKey, TokenPlace)>) -> Self {
        let tokens = Arc::new(tokens);
        let key = |(public_key, place): (PublicKey, TokenPlace)| {
            let operations = OnToken { tokens: Arc::clone(&tokens), place };
            (public_key.fingerprint(), TokenKey::new(public_key, operations))
        };
        Self { keys: places.into_iter().map(key).collect(), tokens }
    }

    /// One of them.
    pub(crate) fn get(&self, key: &Fingerprint) -> Option<&TokenKey<OnToken>> {
        self.keys.get(key)
    }

    /// Why one of them could not be used, where one could not.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.tokens.failure()
    }
}

/// A key at its place.
pub(crate) struct OnToken {
    tokens: Arc<Tokens>,
    place: TokenPlace,
}

impl OnToken {
    fn operate(&self, operation: Operation) -> Result<Octets, KeyError> {
        self.tokens.operate(&self.place, operation)
    }
}

impl TokenOperations for OnToken {
    fn rsa(&self, number: &[u8]) -> Result<SecretBytes, KeyError> {
        self.operate(Operation::Rsa { number: number.to_vec() }).map(|value| SecretBytes::copy_of(&value))
    }

    fn rsa_oaep(&self, parameters: &OaepParameters, ciphertext: &[u8]) -> Result<SecretBytes, KeyError> {
        let OaepParameters { digest, mask_digest, label } = parameters.clone();
        let operation = Operation::RsaOaep { digest, mask_digest, label, ciphertext: ciphertext.to_vec() };
        self.operate(operation).map(|value| SecretBytes::copy_of(&value))
    }

    fn rsa_sign_pkcs1(&self, digest_info: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.operate(Operation::SignPkcs1 { digest_info: digest_info.to_vec() }).map(|value| value.to_vec())
    }

    fn rsa_sign_pss(
        &self,
        digest: DigestAlgorithm,
        salt_length: u32,
        value: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        let operation = Operation::SignPss { digest, salt_length, value: value.to_vec() };
        self.operate(operation).map(|value| value.to_vec())
    }

    fn agree(&self, peer: &[u8]) -> Result<SecretBytes, KeyError> {
        self.operate(Operation::Agree { peer: peer.to_vec() }).map(|value| SecretBytes::copy_of(&value))
    }

    fn ecdsa(&self, digest: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.operate(Operation::Ecdsa { value: digest.to_vec() }).map(|value| value.to_vec())
    }
}
