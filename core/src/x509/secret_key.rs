//! Secret keys: read from every form they are kept in, made, and used.

mod generate;
mod implicit_rejection;
mod numbers;
mod read;
mod rsa;
mod structure;

use std::fmt;
use std::sync::Arc;

pub use generate::KeyKind;
pub(crate) use numbers::Numbers;

pub(super) use self::implicit_rejection::RejectionKey;
use self::rsa::RsaSecret;
use super::curve::{self, Curve};
use super::digest::digest;
use super::post_quantum::{self, PostQuantumSecret};
use super::public_key::PublicKey;
use super::{diffie_hellman, native, pem};
use crate::algorithm::{DigestAlgorithm, KeyAlgorithm, SignatureAlgorithm};
use crate::fingerprint::Fingerprint;
use crate::ports::{KeyError, OaepParameters, Random, RsaTransported};
use crate::secret::SecretBytes;

/// Why bytes are no secret key that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretKeyError {
    /// Not a secret key in any form that is known here.
    Malformed,
    /// A kind of key that is not known here: its object identifier.
    Unsupported(String),
    /// The key contradicts itself, or lies outside of the limits
    /// ([`crate::limits::RSA_SECRET_BITS`]).
    BadKey,
    /// It is encrypted, and no passphrase was given.
    PassphraseNeeded,
    /// It is encrypted with another passphrase.
    WrongPassphrase,
    /// It is encrypted in a way that is not known here, which is named.
    UnsupportedEncryption(String),
    /// Deriving its key would cost more than the limits allow.
    TooExpensive,
}

impl fmt::Display for SecretKeyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => formatter.write_str("not a secret key"),
            Self::Unsupported(identifier) => write!(formatter, "unsupported kind of key {identifier}"),
            Self::BadKey => formatter.write_str("a key that is not valid"),
            Self::PassphraseNeeded => formatter.write_str("the key needs a passphrase"),
            Self::WrongPassphrase => formatter.write_str("wrong passphrase"),
            Self::UnsupportedEncryption(what) => write!(formatter, "unsupported encryption of a key: {what}"),
            Self::TooExpensive => formatter.write_str("the passphrase check would cost too much"),
        }
    }
}

impl std::error::Error for SecretKeyError {}

/// A secret key. It is erased when the last copy is dropped; cloning copies no secret.
#[derive(Clone)]
pub struct SecretKey(Arc<Inner>);

struct Inner {
    public_key: PublicKey,
    pkcs8: SecretBytes,
    kind: Kind,
}

enum Kind {
    Rsa(Box<RsaSecret>),
    Elliptic { curve: Curve, scalar: SecretBytes },
    X25519(SecretBytes),
    Ed25519(SecretBytes),
    PostQuantum(PostQuantumSecret),
}

impl SecretKey {
    /// Reads an unencrypted PKCS#8 PrivateKeyInfo or OneAsymmetricKey (RFC 5958), with nothing
    /// after it.
    ///
    /// # Errors
    /// [`SecretKeyError`].
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, SecretKeyError> {
        read::pkcs8(der)
    }

    /// Reads a secret key in whatever form it is: PKCS#8, encrypted PKCS#8 of every generation,
    /// PKCS#1 (RFC 8017, appendix A.1.2), SEC 1 (RFC 5915), as DER or as the first PEM block that
    /// holds a secret key.
    ///
    /// # Errors
    /// [`SecretKeyError`]; [`SecretKeyError::PassphraseNeeded`] asks for a second try.
    pub fn from_any(bytes: &[u8], passphrase: Option<&SecretBytes>) -> Result<Self, SecretKeyError> {
        read::any(bytes, passphrase)
    }

    /// Reads the secret key of one PEM block.
    ///
    /// # Errors
    /// [`SecretKeyError`].
    pub fn from_pem_block(
        label: &str,
        bytes: &SecretBytes,
        passphrase: Option<&SecretBytes>,
    ) -> Result<Self, SecretKeyError> {
        read::pem_block(label, bytes, passphrase)
    }

    /// Makes a new key.
    ///
    /// # Errors
    /// [`KeyError::Failed`] if no RSA key could be made, which takes a broken generator.
    pub fn generate(kind: KeyKind, random: &mut dyn Random) -> Result<Self, KeyError> {
        generate::generate(kind, random)
    }

    /// The key whose secret is exactly these bytes: the scalar of a NIST curve, the 32 octets of X25519 or Ed25519
    /// (RFC 8410), the seed of ML-KEM or ML-DSA (RFC 9935, RFC 9881). For keys that follow from something else.
    ///
    /// # Errors
    /// [`SecretKeyError::BadKey`] and [`SecretKeyError::Malformed`] where there is no such key; always for RSA.
    pub fn from_secret(kind: KeyKind, secret: &SecretBytes) -> Result<Self, SecretKeyError> {
        generate::from_secret(kind, secret)
    }

    /// The key as PKCS#8 (RFC 5958), unencrypted.
    #[must_use]
    pub fn to_pkcs8_der(&self) -> SecretBytes {
        self.0.pkcs8.clone()
    }

    /// The key as an unencrypted PEM block.
    #[must_use]
    pub fn to_pkcs8_pem(&self) -> SecretBytes {
        SecretBytes::new(pem::encode("PRIVATE KEY", self.0.pkcs8.expose()).into_bytes())
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public_key
    }

    /// Kind and strength.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.0.public_key.algorithm()
    }

    /// Of the public half.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.public_key.fingerprint()
    }

    /// RSADP, for tests that play a token.
    #[cfg(test)]
    pub(super) fn rsa_power(&self, number: &[u8]) -> Option<zeroize::Zeroizing<Vec<u8>>> {
        match &self.0.kind {
            Kind::Rsa(key) => key.raw(number),
            _ => None,
        }
    }

    /// RSAES-PKCS1-v1_5 with implicit rejection (RFC 3218): whatever is wrong with the ciphertext,
    /// a secret of `length` bytes comes back, the same one every time. A message of another length
    /// is wrong, too.
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] if it is no RSA key that decrypts, or none that long.
    pub fn decrypt_rsa_pkcs1(&self, ciphertext: &[u8], length: usize) -> Result<RsaTransported, KeyError> {
        match &self.0.kind {
            Kind::Rsa(key) if self.0.public_key.may_encrypt() => {
                key.decrypt_pkcs1(ciphertext, length).ok_or(KeyError::Unsuitable)
            }
            _ => Err(KeyError::Unsuitable),
        }
    }

    /// RSAES-OAEP (RFC 8017, section 7.1.2).
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] if it is no RSA key that decrypts, [`KeyError::Failed`] for
    /// everything else.
    pub fn decrypt_rsa_oaep(
        &self,
        parameters: &OaepParameters,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, KeyError> {
        match &self.0.kind {
            Kind::Rsa(key) if self.0.public_key.may_encrypt() => key.decrypt_oaep(parameters, ciphertext),
            _ => Err(KeyError::Unsuitable),
        }
    }

    /// Diffie-Hellman with a peer's public key: a point, mostly uncompressed, or the 32 bytes of
    /// X25519.
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] for other kinds of keys, [`KeyError::Failed`] for a point that is
    /// not on the curve and for an all-zero secret.
    pub fn agree(&self, peer: &[u8]) -> Result<SecretBytes, KeyError> {
        match &self.0.kind {
            Kind::Elliptic { curve, scalar } => {
                diffie_hellman::on_curve(*curve, scalar, peer).ok_or(KeyError::Failed)
            }
            Kind::X25519(scalar) => {
                let scalar = scalar.expose().try_into().map_err(|_| KeyError::Failed)?;
                let peer = peer.try_into().map_err(|_| KeyError::Failed)?;
                diffie_hellman::x25519(scalar, peer).ok_or(KeyError::Failed)
            }
            Kind::Rsa(_) | Kind::Ed25519(_) | Kind::PostQuantum(_) => Err(KeyError::Unsuitable),
        }
    }

    /// ML-KEM decapsulation (FIPS 203); a changed ciphertext gives another secret, not an error.
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] for other kinds of keys, [`KeyError::Failed`] for a wrong length.
    pub fn decapsulate(&self, ciphertext: &[u8]) -> Result<SecretBytes, KeyError> {
        match (&self.0.kind, self.algorithm()) {
            (
                Kind::PostQuantum(secret),
                algorithm @ (KeyAlgorithm::MlKem512 | KeyAlgorithm::MlKem768 | KeyAlgorithm::MlKem1024),
            ) => post_quantum::decapsulate(algorithm, secret, ciphertext).ok_or(KeyError::Failed),
            _ => Err(KeyError::Unsuitable),
        }
    }

    /// Signs `message`, which is digested here; ECDSA signatures are DER. Weak digests are not
    /// signed with.
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] if the key cannot sign so, [`KeyError::Failed`] otherwise.
    pub fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        match (&self.0.kind, algorithm) {
            (
                Kind::Rsa(key),
                SignatureAlgorithm::RsaPkcs1(digest) | SignatureAlgorithm::RsaPss { digest, .. },
            ) if !digest.is_weak() && self.0.public_key.may_sign_with(algorithm) => {
                key.sign(algorithm, message)
            }
            (Kind::Elliptic { curve, scalar }, SignatureAlgorithm::Ecdsa(digest)) if !digest.is_weak() => {
                self.sign_ecdsa(*curve, scalar, digest, message)
            }
            (Kind::Ed25519(seed), SignatureAlgorithm::Ed25519) => sign_ed25519(seed, message),
            (Kind::PostQuantum(secret), SignatureAlgorithm::MlDsa) => {
                post_quantum::sign(self.algorithm(), secret, message).ok_or(KeyError::Unsuitable)
            }
            _ => Err(KeyError::Unsuitable),
        }
    }

    fn sign_ecdsa(
        &self,
        curve: Curve,
        scalar: &SecretBytes,
        hash: DigestAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        let point = self.0.public_key.raw().unwrap_or_default();
        native::sign_ecdsa(curve, hash, scalar.expose(), point, message)
            .or_else(|| curve::sign(curve, scalar.expose(), &digest(hash, message)))
            .ok_or(KeyError::Failed)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretKey(..)")
    }
}

fn sign_ed25519(seed: &SecretBytes, message: &[u8]) -> Result<Vec<u8>, KeyError> {
    use ed25519_dalek::Signer as _;
    let seed = seed.expose().try_into().map_err(|_| KeyError::Failed)?;
    Ok(ed25519_dalek::SigningKey::from_bytes(seed).sign(message).to_bytes().to_vec())
}

#[cfg(test)]
mod tests;
