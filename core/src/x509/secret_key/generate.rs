//! Making keys.

use ::rsa::RsaPrivateKey;
use ::rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use der::Encode as _;
use der::asn1::UintRef;
use pkcs1::RsaPrivateKeyRef;
use zeroize::Zeroizing;

use super::super::algorithm_identifier::oid;
use super::super::curve::{self, Curve};
use super::super::post_quantum::{DSA_SEED_BYTES, KEM_SEED_BYTES, PostQuantumSecret};
use super::super::random_adapter::RandomAdapter;
use super::{SecretKey, SecretKeyError, read, structure};
use crate::algorithm::KeyAlgorithm;
use crate::ports::{KeyError, Random};
use crate::secret::SecretBytes;

/// The kinds of keys that can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA, 2048 bits.
    Rsa2048,
    /// RSA, 3072 bits.
    Rsa3072,
    /// RSA, 4096 bits.
    Rsa4096,
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
    /// X25519, for encryption.
    X25519,
    /// Ed25519, for signatures.
    Ed25519,
    /// ML-KEM-512, for encryption.
    MlKem512,
    /// ML-KEM-768, for encryption.
    MlKem768,
    /// ML-KEM-1024, for encryption.
    MlKem1024,
    /// ML-DSA-44, for signatures.
    MlDsa44,
    /// ML-DSA-65, for signatures.
    MlDsa65,
    /// ML-DSA-87, for signatures.
    MlDsa87,
}

impl KeyKind {
    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
        Self::P256,
        Self::P384,
        Self::P521,
        Self::X25519,
        Self::Ed25519,
        Self::MlKem512,
        Self::MlKem768,
        Self::MlKem1024,
        Self::MlDsa44,
        Self::MlDsa65,
        Self::MlDsa87,
    ];

    /// What kind of key comes out.
    #[must_use]
    pub const fn algorithm(self) -> KeyAlgorithm {
        match self {
            Self::Rsa2048 => KeyAlgorithm::Rsa { bits: 2048 },
            Self::Rsa3072 => KeyAlgorithm::Rsa { bits: 3072 },
            Self::Rsa4096 => KeyAlgorithm::Rsa { bits: 4096 },
            Self::P256 => KeyAlgorithm::P256,
            Self::P384 => KeyAlgorithm::P384,
            Self::P521 => KeyAlgorithm::P521,
            Self::X25519 => KeyAlgorithm::X25519,
            Self::Ed25519 => KeyAlgorithm::Ed25519,
            Self::MlKem512 => KeyAlgorithm::MlKem512,
            Self::MlKem768 => KeyAlgorithm::MlKem768,
            Self::MlKem1024 => KeyAlgorithm::MlKem1024,
            Self::MlDsa44 => KeyAlgorithm::MlDsa44,
            Self::MlDsa65 => KeyAlgorithm::MlDsa65,
            Self::MlDsa87 => KeyAlgorithm::MlDsa87,
        }
    }

    /// The kind of that name, as [`KeyAlgorithm::name`] spells it: `rsa-3072`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.algorithm().name() == name)
    }
}

pub(super) fn generate(kind: KeyKind, random: &mut dyn Random) -> Result<SecretKey, KeyError> {
    let key = match kind {
        KeyKind::Rsa2048 => rsa(2048, random),
        KeyKind::Rsa3072 => rsa(3072, random),
        KeyKind::Rsa4096 => rsa(4096, random),
        KeyKind::P256 => elliptic(Curve::P256, random),
        KeyKind::P384 => elliptic(Curve::P384, random),
        KeyKind::P521 => elliptic(Curve::P521, random),
        KeyKind::X25519 => read::edwards(oid::X25519, seed(random, 32).expose()),
        KeyKind::Ed25519 => read::edwards(oid::ED25519, seed(random, 32).expose()),
        KeyKind::MlKem512 | KeyKind::MlKem768 | KeyKind::MlKem1024 => {
            read::post_quantum_secret(kind.algorithm(), PostQuantumSecret::Seed(seed(random, KEM_SEED_BYTES)))
        }
        KeyKind::MlDsa44 | KeyKind::MlDsa65 | KeyKind::MlDsa87 => {
            read::post_quantum_secret(kind.algorithm(), PostQuantumSecret::Seed(seed(random, DSA_SEED_BYTES)))
        }
    };
    key.map_err(|_| KeyError::Failed)
}

pub(super) fn from_secret(kind: KeyKind, secret: &SecretBytes) -> Result<SecretKey, SecretKeyError> {
    match kind {
        KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => Err(SecretKeyError::BadKey),
        KeyKind::P256 => read::elliptic(Curve::P256, secret.expose()),
        KeyKind::P384 => read::elliptic(Curve::P384, secret.expose()),
        KeyKind::P521 => read::elliptic(Curve::P521, secret.expose()),
        KeyKind::X25519 => read::edwards(oid::X25519, secret.expose()),
        KeyKind::Ed25519 => read::edwards(oid::ED25519, secret.expose()),
        KeyKind::MlKem512
        | KeyKind::MlKem768
        | KeyKind::MlKem1024
        | KeyKind::MlDsa44
        | KeyKind::MlDsa65
        | KeyKind::MlDsa87 => {
            read::post_quantum_secret(kind.algorithm(), PostQuantumSecret::Seed(secret.clone()))
        }
    }
}

fn seed(random: &mut dyn Random, length: usize) -> SecretBytes {
    let mut bytes = Zeroizing::new(vec![0; length]);
    random.fill(&mut bytes);
    SecretBytes::copy_of(&bytes)
}

fn elliptic(curve: Curve, random: &mut dyn Random) -> Result<SecretKey, SecretKeyError> {
    read::elliptic(curve, curve::generate(curve, random).expose())
}

/// Two primes and the exponent 65537.
pub(super) fn rsa(bits: usize, random: &mut dyn Random) -> Result<SecretKey, SecretKeyError> {
    let key = RsaPrivateKey::new(&mut RandomAdapter(random), bits).map_err(|_| SecretKeyError::BadKey)?;
    from_rsa(&key)
}

/// A key of another crate as ours.
pub(super) fn from_rsa(key: &RsaPrivateKey) -> Result<SecretKey, SecretKeyError> {
    let pkcs1 = rsa_private_key(key).ok_or(SecretKeyError::BadKey)?;
    read::rsa(&structure::rsa_algorithm(), &pkcs1)
}

/// RSAPrivateKey (RFC 8017, appendix A.1.2).
fn rsa_private_key(key: &RsaPrivateKey) -> Option<Zeroizing<Vec<u8>>> {
    let [first, second] = key.primes() else { return None };
    let coefficient = key.crt_coefficient()?;
    let numbers = [key.n().as_ref(), key.e(), key.d(), first, second, key.dp()?, key.dq()?, &coefficient];
    let octets = numbers.map(|number| Zeroizing::new(number.to_be_bytes().to_vec()));
    let [modulus, public_exponent, private_exponent, prime1, prime2, exponent1, exponent2, coefficient] =
        octets.each_ref().map(|octets| UintRef::new(octets).ok());
    let key = RsaPrivateKeyRef {
        modulus: modulus?,
        public_exponent: public_exponent?,
        private_exponent: private_exponent?,
        prime1: prime1?,
        prime2: prime2?,
        exponent1: exponent1?,
        exponent2: exponent2?,
        coefficient: coefficient?,
        other_prime_infos: None,
    };
    key.to_der().ok().map(Zeroizing::new)
}
