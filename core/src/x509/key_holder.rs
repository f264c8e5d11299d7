//! From whole keys to the port that only uses them.

use super::SecretKey;
use crate::algorithm::SignatureAlgorithm;
use crate::fingerprint::Fingerprint;
use crate::ports::{HeldKey, KeyError, KeyName, OaepParameters, RsaTransported, SecretKeys};
use crate::secret::SecretBytes;

/// Somebody who has the secret keys themselves, in memory or sealed in a store. Whoever is one is
/// the port [`SecretKeys`] too; a token or an agent, which never gives a key away, is only the port.
pub trait SecretKeyHolder {
    /// Every key that is held, locked ones included.
    fn held(&self) -> &[HeldKey];

    /// Every held key that a CMS object may mean by this name.
    fn named(&self, name: &KeyName) -> Vec<&HeldKey> {
        self.held().iter().filter(|key| key.names.contains(name)).collect()
    }

    /// The key, for one operation.
    ///
    /// # Errors
    /// [`KeyError::Absent`] and [`KeyError::Locked`].
    fn usable(&self, key: &Fingerprint) -> Result<SecretKey, KeyError>;
}

impl<H: SecretKeyHolder> SecretKeys for H {
    fn held(&self) -> &[HeldKey] {
        SecretKeyHolder::held(self)
    }

    fn named(&self, name: &KeyName) -> Vec<&HeldKey> {
        SecretKeyHolder::named(self, name)
    }

    fn decrypt_rsa_pkcs1(
        &self,
        key: &Fingerprint,
        ciphertext: &[u8],
        length: usize,
    ) -> Result<RsaTransported, KeyError> {
        self.usable(key)?.decrypt_rsa_pkcs1(ciphertext, length)
    }

    fn decrypt_rsa_oaep(
        &self,
        key: &Fingerprint,
        parameters: &OaepParameters,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, KeyError> {
        self.usable(key)?.decrypt_rsa_oaep(parameters, ciphertext)
    }

    fn agree(&self, key: &Fingerprint, peer: &[u8]) -> Result<SecretBytes, KeyError> {
        self.usable(key)?.agree(peer)
    }

    fn decapsulate(&self, key: &Fingerprint, ciphertext: &[u8]) -> Result<SecretBytes, KeyError> {
        self.usable(key)?.decapsulate(ciphertext)
    }

    fn sign(
        &self,
        key: &Fingerprint,
        algorithm: SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        self.usable(key)?.sign(algorithm, message)
    }
}
