//! The keys of a run over an archive: those in memory, and those on tokens. Threads share them.

use counterseal_core::algorithm::SignatureAlgorithm;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::keys::Keyring;
use counterseal_core::ports::{HeldKey, KeyError, KeyName, OaepParameters, RsaTransported, SecretKeys};
use counterseal_core::secret::SecretBytes;

use crate::failure::Failure;
use crate::token::TokenKeys;

/// Keys in memory, and on tokens.
pub(super) struct ArchiveKeyring {
    keyring: Keyring,
    tokens: Option<TokenKeys>,
}

impl ArchiveKeyring {
    /// The keyring knows the public halves of the keys on tokens.
    pub(super) const fn new(keyring: Keyring, tokens: Option<TokenKeys>) -> Self {
        Self { keyring, tokens }
    }

    /// Why a key on a token could not be used, where one could not.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.tokens.as_ref().and_then(TokenKeys::failure)
    }
}

impl From<Keyring> for ArchiveKeyring {
    fn from(keyring: Keyring) -> Self {
        Self::new(keyring, None)
    }
}

/// Does the same with the key of a token, or with one in memory.
macro_rules! wherever_it_is {
    ($keys:expr, $key:expr, $method:ident($($argument:expr),*)) => {
        match $keys.tokens.as_ref().and_then(|tokens| tokens.get($key)) {
            Some(token) => token.$method($($argument),*),
            None => SecretKeys::$method(&$keys.keyring, $key, $($argument),*),
        }
    };
}

impl SecretKeys for ArchiveKeyring {
    fn held(&self) -> &[HeldKey] {
        SecretKeys::held(&self.keyring)
    }

    fn named(&self, name: &KeyName) -> Vec<&HeldKey> {
        SecretKeys::named(&self.keyring, name)
    }

    fn decrypt_rsa_pkcs1(
        &self,
        key: &Fingerprint,
        ciphertext: &[u8],
        length: usize,
    ) -> Result<RsaTransported, KeyError> {
        wherever_it_is!(self, key, decrypt_rsa_pkcs1(ciphertext, length))
    }

    fn decrypt_rsa_oaep(
        &self,
        key: &Fingerprint,
        parameters: &OaepParameters,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, KeyError> {
        wherever_it_is!(self, key, decrypt_rsa_oaep(parameters, ciphertext))
    }

    fn agree(&self, key: &Fingerprint, peer: &[u8]) -> Result<SecretBytes, KeyError> {
        wherever_it_is!(self, key, agree(peer))
    }

    fn decapsulate(&self, key: &Fingerprint, ciphertext: &[u8]) -> Result<SecretBytes, KeyError> {
        self.keyring.decapsulate(key, ciphertext)
    }

    fn sign(
        &self,
        key: &Fingerprint,
        algorithm: SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        wherever_it_is!(self, key, sign(algorithm, message))
    }
}
