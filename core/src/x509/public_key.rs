//! Public keys: what a SubjectPublicKeyInfo holds (RFC 5280, section 4.1.2.7), and what can be
//! done with it: verify, encrypt, agree, encapsulate.

mod kind;
mod numbers;
mod roca;
mod rsa_key;

use std::fmt;
use std::sync::Arc;

use const_oid::ObjectIdentifier;
use sha1::{Digest as _, Sha1};
use zeroize::Zeroizing;

use self::kind::Kind;
pub(super) use self::kind::{curve_named, named_curve, post_quantum_algorithm};
use self::rsa_key::RsaKey;
pub(super) use self::rsa_key::{fixed_length, good_exponent, modulus_bits};
use super::algorithm_identifier::algorithm_in;
use super::certificate::CertificateError;
use super::curve::Curve;
use super::dsa::DsaPublicKey;
use super::signature::SignatureInvalid;
use super::tlv::{self, Elements, tag};
use super::{curve, diffie_hellman, post_quantum};
use crate::algorithm::{KeyAlgorithm, SignatureAlgorithm};
use crate::fingerprint::Fingerprint;
use crate::ports::{KeyError, OaepParameters, Random};
use crate::secret::SecretBytes;

/// A public key. Cloning is cheap; two keys are equal when their SubjectPublicKeyInfo is.
#[derive(Clone)]
pub struct PublicKey(Arc<Inner>);

struct Inner {
    der: Vec<u8>,
    fingerprint: Fingerprint,
    key_identifier: [u8; 20],
    kind: Kind,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// [`CertificateError::Malformed`] for what is no such structure,
    /// [`CertificateError::UnsupportedKey`] for a kind of key that we do not know,
    /// [`CertificateError::BadKey`] for an RSA modulus that is even or outside of
    /// [`crate::limits::RSA_PUBLIC_BITS`], an exponent that is even, below 3 or above 32 bits, a point
    /// that is not on its curve, and the like.
    pub fn from_der(spki: &[u8]) -> Result<Self, CertificateError> {
        let content = tlv::only(spki, tag::SEQUENCE).ok_or(CertificateError::Malformed)?;
        let mut fields = Elements::new(content);
        let algorithm = fields.expect(tag::SEQUENCE).ok_or(CertificateError::Malformed)?;
        let bits = fields.expect(tag::BIT_STRING).ok_or(CertificateError::Malformed)?;
        let key = tlv::whole_bits(bits.content).ok_or(CertificateError::Malformed)?;
        if !fields.is_empty() {
            return Err(CertificateError::Malformed);
        }
        Ok(Self(Arc::new(Inner {
            der: spki.to_vec(),
            fingerprint: Fingerprint::of_public_key(spki),
            key_identifier: Sha1::digest(key).into(),
            kind: Kind::read(algorithm.whole, key)?,
        })))
    }

    /// The exact SubjectPublicKeyInfo.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.0.der
    }

    /// Kind and strength.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        match &self.0.kind {
            Kind::Rsa(key) => KeyAlgorithm::Rsa { bits: key.bits() },
            Kind::Elliptic { curve, .. } => curve.key_algorithm(),
            Kind::X25519(_) => KeyAlgorithm::X25519,
            Kind::Ed25519(_) => KeyAlgorithm::Ed25519,
            Kind::PostQuantum { algorithm, .. } => *algorithm,
            Kind::Dsa(_) => KeyAlgorithm::Dsa,
        }
    }

    /// Of the SubjectPublicKeyInfo.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint
    }

    /// SHA-1 of the key's bits (RFC 5280, section 4.2.1.2, method 1).
    #[must_use]
    pub fn key_identifier(&self) -> [u8; 20] {
        self.0.key_identifier
    }

    /// The octets of the subjectPublicKey, of which OCSP and key identifiers have digests.
    pub(crate) fn bits(&self) -> &[u8] {
        let mut fields = Elements::new(tlv::only(&self.0.der, tag::SEQUENCE).unwrap_or_default());
        let bits = fields.any().and_then(|_| fields.expect(tag::BIT_STRING));
        bits.and_then(|bits| tlv::whole_bits(bits.content)).unwrap_or_default()
    }

    /// Checks a signature over `message`, which is digested here.
    ///
    /// Strict everywhere: an RSA signature has exactly the bytes of the modulus and is below it,
    /// and what comes out is compared with the only two encodings there are (DigestInfo with
    /// NULL, or without parameters); PSS has exactly the parameters given; ECDSA numbers are DER
    /// with nothing behind, and in range; Ed25519 is of the cofactorless kind without small
    /// orders; ML-DSA is pure with an empty context.
    ///
    /// # Errors
    /// [`SignatureInvalid`].
    pub fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureInvalid> {
        let holds = match (&self.0.kind, algorithm) {
            (Kind::Rsa(key), SignatureAlgorithm::RsaPkcs1(_) | SignatureAlgorithm::RsaPss { .. })
                if key.may_sign_with(algorithm) =>
            {
                key.verify(algorithm, message, signature)
            }
            (Kind::Elliptic { curve, point }, SignatureAlgorithm::Ecdsa(hash)) => {
                curve::verify_message(*curve, point, hash, message, signature)
            }
            (Kind::Ed25519(key), SignatureAlgorithm::Ed25519) => {
                ed25519_dalek::Signature::from_slice(signature)
                    .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
            }
            (Kind::PostQuantum { algorithm, key }, SignatureAlgorithm::MlDsa)
                if post_quantum::signs(*algorithm) =>
            {
                post_quantum::verify(*algorithm, key, message, signature)
            }
            (Kind::Dsa(Some(key)), SignatureAlgorithm::Dsa(hash)) => key.verify(hash, message, signature),
            (Kind::Dsa(None), SignatureAlgorithm::Dsa(_)) => return Err(SignatureInvalid::Unsupported),
            _ => return Err(SignatureInvalid::WrongKey),
        };
        if holds { Ok(()) } else { Err(SignatureInvalid::Invalid) }
    }

    /// RSAES-PKCS1-v1_5 (RFC 8017, section 7.2.1).
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] if it is no RSA key that encrypts, [`KeyError::Failed`] if the
    /// secret is too long.
    pub fn encrypt_rsa_pkcs1(
        &self,
        random: &mut dyn Random,
        secret: &SecretBytes,
    ) -> Result<Vec<u8>, KeyError> {
        self.rsa_for_encryption()?.encrypt_pkcs1(random, secret.expose())
    }

    /// RSAES-OAEP (RFC 8017, section 7.1.1).
    ///
    /// # Errors
    /// As [`PublicKey::encrypt_rsa_pkcs1`].
    pub fn encrypt_rsa_oaep(
        &self,
        random: &mut dyn Random,
        parameters: &OaepParameters,
        secret: &SecretBytes,
    ) -> Result<Vec<u8>, KeyError> {
        self.rsa_for_encryption()?.encrypt_oaep(random, parameters, secret.expose())
    }

    /// Diffie-Hellman with a new ephemeral key: its public half (an uncompressed point, or the 32
    /// bytes of X25519) and the shared secret (RFC 5753, section 3.1; RFC 8418).
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] if the key does not agree on secrets, [`KeyError::Failed`] if the
    /// secret is all zero.
    pub fn agree_ephemeral(&self, random: &mut dyn Random) -> Result<(Vec<u8>, SecretBytes), KeyError> {
        match &self.0.kind {
            Kind::Elliptic { curve, point } => {
                let ephemeral = curve::generate(*curve, random);
                let public = curve::public_point(*curve, ephemeral.expose()).ok_or(KeyError::Failed)?;
                let secret = diffie_hellman::on_curve(*curve, &ephemeral, point).ok_or(KeyError::Failed)?;
                Ok((public, secret))
            }
            Kind::X25519(peer) => {
                let mut scalar = Zeroizing::new([0; 32]);
                random.fill(scalar.as_mut());
                let public = x25519_dalek::x25519(*scalar, x25519_dalek::X25519_BASEPOINT_BYTES);
                let secret = diffie_hellman::x25519(&scalar, peer).ok_or(KeyError::Failed)?;
                Ok((public.to_vec(), secret))
            }
            Kind::Rsa(_) | Kind::Ed25519(_) | Kind::PostQuantum { .. } | Kind::Dsa(_) => {
                Err(KeyError::Unsuitable)
            }
        }
    }

    /// ML-KEM encapsulation (FIPS 203): the ciphertext and the shared secret.
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] if it is no ML-KEM key.
    pub fn encapsulate(&self, random: &mut dyn Random) -> Result<(Vec<u8>, SecretBytes), KeyError> {
        match &self.0.kind {
            Kind::PostQuantum { algorithm, key } => {
                post_quantum::encapsulate(*algorithm, key, random).ok_or(KeyError::Unsuitable)
            }
            _ => Err(KeyError::Unsuitable),
        }
    }

    /// Whether it is a DSA key without parameters, which are then those of its issuer's key
    /// (RFC 3279, section 2.3.2).
    pub(crate) fn lacks_domain(&self) -> bool {
        let is_absent = || algorithm_of(&self.0.der).is_some_and(|(_, parameters)| parameters.is_none());
        matches!(self.0.kind, Kind::Dsa(None)) && is_absent()
    }

    /// A key that lacks its domain, in that of its issuer's key (RFC 5280, section 6.1.4 (f)).
    pub(crate) fn in_domain_of(&self, issuer: &Self) -> Option<Self> {
        let (_, domain) =
            algorithm_of(&issuer.0.der).filter(|_| matches!(issuer.0.kind, Kind::Dsa(Some(_))))?;
        let mut fields = Elements::new(tlv::only(&self.0.der, tag::SEQUENCE)?);
        let (_, bits) = (fields.expect(tag::SEQUENCE)?, fields.expect(tag::BIT_STRING)?);
        let key = DsaPublicKey::read(domain?.whole, tlv::whole_bits(bits.content)?)?;
        Some(Self(Arc::new(Inner {
            der: self.0.der.clone(),
            fingerprint: self.0.fingerprint,
            key_identifier: self.0.key_identifier,
            kind: Kind::Dsa(Some(Box::new(key))),
        })))
    }

    /// How a key must sign that may sign in one way alone: an id-RSASSA-PSS key.
    pub(crate) fn required_signature(&self) -> Option<SignatureAlgorithm> {
        match &self.0.kind {
            Kind::Rsa(key) => key.required_signature(),
            _ => None,
        }
    }

    /// The public exponent of an RSA key, for judging it.
    #[must_use]
    pub fn rsa_exponent(&self) -> Option<u32> {
        match &self.0.kind {
            Kind::Rsa(key) => Some(key.exponent()),
            _ => None,
        }
    }

    /// The modulus of an RSA key.
    pub(super) fn rsa_modulus(&self) -> Option<&[u8]> {
        match &self.0.kind {
            Kind::Rsa(key) => Some(key.modulus()),
            _ => None,
        }
    }

    /// The NIST curve of a key that is on one.
    pub(super) fn curve(&self) -> Option<Curve> {
        match &self.0.kind {
            Kind::Elliptic { curve, .. } => Some(*curve),
            _ => None,
        }
    }

    /// Whether the key encrypts by RSA: an id-RSASSA-PSS key does not.
    pub(super) fn may_encrypt(&self) -> bool {
        self.rsa_for_encryption().is_ok()
    }

    /// Whether the key's own parameters allow an RSA signature of that kind.
    pub(super) fn may_sign_with(&self, algorithm: SignatureAlgorithm) -> bool {
        matches!(&self.0.kind, Kind::Rsa(key) if key.may_sign_with(algorithm))
    }

    /// The uncompressed public point, or the bytes of the kinds that have no structure; nothing
    /// for RSA.
    #[must_use]
    pub fn raw(&self) -> Option<&[u8]> {
        match &self.0.kind {
            Kind::Elliptic { point, .. } => Some(point),
            Kind::X25519(key) => Some(key),
            Kind::Ed25519(key) => Some(key.as_bytes()),
            Kind::PostQuantum { key, .. } => Some(key),
            Kind::Rsa(_) | Kind::Dsa(_) => None,
        }
    }

    fn rsa_for_encryption(&self) -> Result<&RsaKey, KeyError> {
        match &self.0.kind {
            Kind::Rsa(key) if key.may_encrypt() => Ok(key),
            _ => Err(KeyError::Unsuitable),
        }
    }
}

/// The AlgorithmIdentifier of a SubjectPublicKeyInfo.
fn algorithm_of(spki: &[u8]) -> Option<(ObjectIdentifier, Option<tlv::Element<'_>>)> {
    let mut fields = Elements::new(tlv::only(spki, tag::SEQUENCE)?);
    algorithm_in(fields.expect(tag::SEQUENCE)?.whole)
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({}, {})", self.algorithm().name(), self.fingerprint())
    }
}

#[cfg(test)]
mod tests;
