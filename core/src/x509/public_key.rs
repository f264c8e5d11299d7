//! Public keys: what a SubjectPublicKeyInfo holds (RFC 5280, section 4.1.2.7), and what can be
//! done with it: verify, encrypt, agree, encapsulate.

use std::fmt;
use std::sync::Arc;

use rsa::traits::PublicKeyParts as _;
use rsa::{BoxedUint, RsaPublicKey};
use sha1::{Digest as _, Sha1};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::algorithm_identifier::{algorithm_in, oid, pss_parameters};
use super::certificate::CertificateError;
use super::curve::{self, Curve};
use super::digest::digest;
use super::dsa::DsaPublicKey;
use super::rsa_padding::{self, DigestParameters};
use super::signature::SignatureInvalid;
use super::tlv::{self, Element, Elements, tag};
use super::{native, post_quantum};
use crate::algorithm::{DigestAlgorithm, KeyAlgorithm, SignatureAlgorithm};
use crate::fingerprint::Fingerprint;
use crate::limits;
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

/// What the key is, checked: points are on their curve, moduli within limits.
enum Kind {
    Rsa {
        key: RsaPublicKey,
        /// DER of the RSAPublicKey.
        der: Vec<u8>,
        /// An id-RSASSA-PSS key signs with nothing else, and where it has parameters with no
        /// other digests (RFC 4055, section 3.1).
        pss: PssOnly,
    },
    /// The point is uncompressed.
    Elliptic {
        curve: Curve,
        point: Vec<u8>,
    },
    X25519([u8; 32]),
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
    PostQuantum {
        algorithm: KeyAlgorithm,
        key: Vec<u8>,
    },
    /// Nothing where its domain is its issuer's, or is malformed: then it verifies nothing.
    Dsa(Option<Box<DsaPublicKey>>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PssOnly {
    No,
    AnyParameters,
    Parameters(SignatureAlgorithm),
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// [`CertificateError::Malformed`] for what is no such structure,
    /// [`CertificateError::UnsupportedKey`] for a kind of key that we do not know,
    /// [`CertificateError::BadKey`] for an RSA modulus that is even or outside of
    /// [`limits::RSA_PUBLIC_BITS`], an exponent that is even, below 3 or above 32 bits, a point
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
            kind: kind(algorithm.whole, key)?,
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
            Kind::Rsa { key, .. } => KeyAlgorithm::Rsa { bits: key.n().bits_vartime() },
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
            (
                Kind::Rsa { key, der, pss },
                SignatureAlgorithm::RsaPkcs1(_) | SignatureAlgorithm::RsaPss { .. },
            ) => {
                if !pss.allows(algorithm) {
                    return Err(SignatureInvalid::WrongKey);
                }
                verify_rsa(key, der, algorithm, message, signature)
            }
            (Kind::Elliptic { curve, point }, SignatureAlgorithm::Ecdsa(hash)) => {
                verify_ecdsa(*curve, point, hash, message, signature)
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
        let key = self.rsa_for_encryption()?;
        let encoded = rsa_padding::encode_encryption(random, secret.expose(), key.size());
        raw_encrypt(key, &encoded.ok_or(KeyError::Failed)?)
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
        let key = self.rsa_for_encryption()?;
        let encoded = rsa_padding::encode_oaep(random, parameters, secret.expose(), key.size());
        raw_encrypt(key, &encoded.ok_or(KeyError::Failed)?)
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
                let secret = agree_on_curve(*curve, &ephemeral, point).ok_or(KeyError::Failed)?;
                Ok((public, secret))
            }
            Kind::X25519(peer) => {
                let mut scalar = Zeroizing::new([0; 32]);
                random.fill(scalar.as_mut());
                let public = x25519_dalek::x25519(*scalar, x25519_dalek::X25519_BASEPOINT_BYTES);
                let secret = agree_x25519(&scalar, peer).ok_or(KeyError::Failed)?;
                Ok((public.to_vec(), secret))
            }
            Kind::Rsa { .. } | Kind::Ed25519(_) | Kind::PostQuantum { .. } | Kind::Dsa(_) => {
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

    /// Whether the key encrypts by RSA: an id-RSASSA-PSS key does not.
    pub(super) fn may_encrypt(&self) -> bool {
        matches!(self.0.kind, Kind::Rsa { pss: PssOnly::No, .. })
    }

    /// Whether the key's own parameters allow an RSA signature of that kind.
    pub(super) fn may_sign_with(&self, algorithm: SignatureAlgorithm) -> bool {
        matches!(self.0.kind, Kind::Rsa { pss, .. } if pss.allows(algorithm))
    }

    /// How a key must sign that may sign in one way alone: an id-RSASSA-PSS key, with SHA-256 and 32
    /// bytes of salt where it leaves the choice.
    pub(crate) fn required_signature(&self) -> Option<SignatureAlgorithm> {
        let digest = DigestAlgorithm::Sha256;
        match self.0.kind {
            Kind::Rsa { pss: PssOnly::Parameters(algorithm), .. } => Some(algorithm),
            Kind::Rsa { pss: PssOnly::AnyParameters, .. } => {
                Some(SignatureAlgorithm::RsaPss { digest, mask_digest: digest, salt_length: 32 })
            }
            _ => None,
        }
    }

    /// The public exponent of an RSA key, for judging it.
    #[must_use]
    pub fn rsa_exponent(&self) -> Option<u32> {
        match &self.0.kind {
            Kind::Rsa { key, .. } => {
                let octets = key.e().to_be_bytes();
                Some(octets.iter().fold(0, |number, octet| (number << 8) | u32::from(*octet)))
            }
            _ => None,
        }
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
            Kind::Rsa { .. } | Kind::Dsa(_) => None,
        }
    }

    fn rsa_for_encryption(&self) -> Result<&RsaPublicKey, KeyError> {
        match &self.0.kind {
            Kind::Rsa { key, pss: PssOnly::No, .. } => Ok(key),
            _ => Err(KeyError::Unsuitable),
        }
    }
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

impl PssOnly {
    fn allows(self, algorithm: SignatureAlgorithm) -> bool {
        match (self, algorithm) {
            (Self::No, _) | (Self::AnyParameters, SignatureAlgorithm::RsaPss { .. }) => true,
            (
                Self::Parameters(SignatureAlgorithm::RsaPss { digest, mask_digest, salt_length }),
                SignatureAlgorithm::RsaPss { digest: used, mask_digest: used_mask, salt_length: used_length },
            ) => digest == used && mask_digest == used_mask && used_length >= salt_length,
            _ => false,
        }
    }
}

/// The key behind an AlgorithmIdentifier and the bits of a SubjectPublicKeyInfo.
fn kind(algorithm: &[u8], key: &[u8]) -> Result<Kind, CertificateError> {
    let (identifier, parameters) = algorithm_in(algorithm).ok_or(CertificateError::Malformed)?;
    let absent = parameters.is_none();
    match identifier {
        oid::RSA_ENCRYPTION if parameters.is_none_or(|value| value.whole == [tag::NULL, 0]) => {
            rsa(key, PssOnly::No)
        }
        oid::RSASSA_PSS => rsa(key, pss_only(parameters)?),
        oid::EC_PUBLIC_KEY => elliptic(parameters, key),
        oid::X25519 if absent => key.try_into().map(Kind::X25519).map_err(|_| CertificateError::BadKey),
        oid::ED25519 if absent => {
            let key = ed25519_dalek::VerifyingKey::try_from(key).map_err(|_| CertificateError::BadKey)?;
            if key.is_weak() { Err(CertificateError::BadKey) } else { Ok(Kind::Ed25519(Box::new(key))) }
        }
        oid::DSA => {
            Ok(Kind::Dsa(parameters.and_then(|domain| DsaPublicKey::read(domain.whole, key)).map(Box::new)))
        }
        other => match post_quantum_algorithm(&other) {
            Some(algorithm) if absent && post_quantum::is_public_key(algorithm, key) => {
                Ok(Kind::PostQuantum { algorithm, key: key.to_vec() })
            }
            Some(_) => Err(CertificateError::BadKey),
            None => Err(CertificateError::UnsupportedKey(other.to_string())),
        },
    }
}

/// The post-quantum key kind of an object identifier.
pub(super) fn post_quantum_algorithm(identifier: &const_oid::ObjectIdentifier) -> Option<KeyAlgorithm> {
    Some(match *identifier {
        oid::ML_KEM_512 => KeyAlgorithm::MlKem512,
        oid::ML_KEM_768 => KeyAlgorithm::MlKem768,
        oid::ML_KEM_1024 => KeyAlgorithm::MlKem1024,
        oid::ML_DSA_44 => KeyAlgorithm::MlDsa44,
        oid::ML_DSA_65 => KeyAlgorithm::MlDsa65,
        oid::ML_DSA_87 => KeyAlgorithm::MlDsa87,
        _ => return None,
    })
}

fn pss_only(parameters: Option<Element<'_>>) -> Result<PssOnly, CertificateError> {
    match parameters {
        None => Ok(PssOnly::AnyParameters),
        Some(value) => {
            pss_parameters(value.whole).map(PssOnly::Parameters).ok_or(CertificateError::Malformed)
        }
    }
}

/// Reads and judges an RSAPublicKey (RFC 8017, appendix A.1.1).
fn rsa(der: &[u8], pss: PssOnly) -> Result<Kind, CertificateError> {
    let numbers = || {
        let mut numbers = Elements::new(tlv::only(der, tag::SEQUENCE)?);
        let modulus = tlv::unsigned(numbers.expect(tag::INTEGER)?.content)?;
        let exponent = tlv::unsigned(numbers.expect(tag::INTEGER)?.content)?;
        numbers.is_empty().then_some((modulus, exponent))
    };
    let (modulus, exponent) = numbers().ok_or(CertificateError::Malformed)?;
    let key = rsa_key(modulus, exponent).ok_or(CertificateError::BadKey)?;
    Ok(Kind::Rsa { key, der: der.to_vec(), pss })
}

/// A key within the limits: the modulus odd, the exponent odd, at least 3, at most 32 bits.
pub(super) fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Option<RsaPublicKey> {
    let limits = limits::RSA_PUBLIC_BITS;
    let (first, last) = (modulus.first()?, modulus.last()?);
    let bits = u32::try_from(modulus.len()).ok()?.checked_mul(8)?.checked_sub(first.leading_zeros())?;
    let is_small_exponent = matches!(exponent, [] | [0..=2]);
    let exponent_is_odd = exponent.last().is_some_and(|octet| octet & 1 == 1);
    if !limits.contains(&bits) || last & 1 == 0 || is_small_exponent || !exponent_is_odd || exponent.len() > 4
    {
        return None;
    }
    let precision = bits.next_multiple_of(64);
    let modulus = BoxedUint::from_be_slice(modulus, precision).ok()?;
    let exponent = BoxedUint::from_be_slice(exponent, 64).ok()?;
    let size = *limits.start() as usize..=*limits.end() as usize;
    RsaPublicKey::new_with_size_limits(modulus, exponent, size).ok()
}

fn elliptic(parameters: Option<Element<'_>>, key: &[u8]) -> Result<Kind, CertificateError> {
    let curve = named_curve(parameters.ok_or(CertificateError::Malformed)?)?;
    let point = curve::point(curve, key).ok_or(CertificateError::BadKey)?;
    Ok(Kind::Elliptic { curve, point })
}

/// Named curves only: explicit parameters let a forger choose the generator (CVE-2020-0601).
pub(super) fn named_curve(parameters: Element<'_>) -> Result<Curve, CertificateError> {
    if parameters.tag != tag::OBJECT_IDENTIFIER {
        return Err(CertificateError::BadKey);
    }
    let identifier = const_oid::ObjectIdentifier::from_bytes(parameters.content)
        .map_err(|_| CertificateError::Malformed)?;
    match identifier {
        oid::P256 => Ok(Curve::P256),
        oid::P384 => Ok(Curve::P384),
        oid::P521 => Ok(Curve::P521),
        other => Err(CertificateError::UnsupportedKey(other.to_string())),
    }
}

fn verify_rsa(
    key: &RsaPublicKey,
    der: &[u8],
    algorithm: SignatureAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> bool {
    if signature.len() != key.size() {
        return false;
    }
    if native::verify_rsa(algorithm, der, message, signature) == Some(true) {
        return true;
    }
    let Some(encoded) = raw_verify(key, signature) else { return false };
    match algorithm {
        SignatureAlgorithm::RsaPkcs1(hash) => {
            let value = digest(hash, message);
            [DigestParameters::Null, DigestParameters::Absent].into_iter().any(|parameters| {
                rsa_padding::encode_signature(hash, parameters, &value, key.size()).as_ref() == Some(&encoded)
            })
        }
        SignatureAlgorithm::RsaPss { digest: hash, mask_digest, salt_length } => {
            let bits = key.n().bits_vartime() as usize;
            let value = digest(hash, message);
            rsa_padding::verify_pss(hash, mask_digest, salt_length as usize, &value, bits, &encoded)
        }
        _ => false,
    }
}

/// RSAVP1 (RFC 8017, section 5.2.2): the signature must be below the modulus.
fn raw_verify(key: &RsaPublicKey, signature: &[u8]) -> Option<Vec<u8>> {
    let number = BoxedUint::from_be_slice(signature, key.n_bits_precision()).ok()?;
    if number >= *key.n().as_ref() {
        return None;
    }
    fixed_length(&rsa::hazmat::rsa_encrypt(key, &number).ok()?, key.size())
}

/// RSAEP (RFC 8017, section 5.1.1).
fn raw_encrypt(key: &RsaPublicKey, encoded: &[u8]) -> Result<Vec<u8>, KeyError> {
    let number = BoxedUint::from_be_slice(encoded, key.n_bits_precision()).map_err(|_| KeyError::Failed)?;
    let ciphertext = rsa::hazmat::rsa_encrypt(key, &number).map_err(|_| KeyError::Failed)?;
    fixed_length(&ciphertext, key.size()).ok_or(KeyError::Failed)
}

/// I2OSP (RFC 8017, section 4.1).
pub(super) fn fixed_length(number: &BoxedUint, size: usize) -> Option<Vec<u8>> {
    let octets = Zeroizing::new(number.to_be_bytes().to_vec());
    octets.get(octets.len().checked_sub(size)?..).map(<[u8]>::to_vec)
}

fn verify_ecdsa(curve: Curve, point: &[u8], hash: DigestAlgorithm, message: &[u8], signature: &[u8]) -> bool {
    if curve::signature_numbers(curve, signature).is_none() {
        return false;
    }
    native::verify_ecdsa(curve, hash, point, message, signature)
        .unwrap_or_else(|| curve::verify(curve, point, &digest(hash, message), signature))
}

/// ECDH by the fastest means there are.
pub(super) fn agree_on_curve(curve: Curve, scalar: &SecretBytes, peer: &[u8]) -> Option<SecretBytes> {
    // What is no point on the curve must fail, and not be tried twice.
    let peer = curve::point(curve, peer)?;
    native::agree(curve, scalar.expose(), &peer).or_else(|| curve::agree(curve, scalar.expose(), &peer))
}

/// X25519 (RFC 7748, section 6.1); an all-zero secret is refused.
pub(super) fn agree_x25519(scalar: &[u8; 32], peer: &[u8; 32]) -> Option<SecretBytes> {
    let secret = Zeroizing::new(x25519_dalek::x25519(*scalar, *peer));
    let is_zero = bool::from(secret.ct_eq(&[0; 32]));
    (!is_zero).then(|| SecretBytes::copy_of(secret.as_ref()))
}
