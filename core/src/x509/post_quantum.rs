//! ML-KEM (FIPS 203, RFC 9935) and ML-DSA (FIPS 204, RFC 9881), every parameter set in the same
//! way. Secret keys are seeds; the expanded form of other programs is read, too.

use ml_dsa::signature::SignatureEncoding as _;
use ml_kem::array::Array;
use ml_kem::kem::{Decapsulate as _, Encapsulate as _, KeyExport as _};
use shake::{ExtendableOutput as _, Shake256, Update as _};
use zeroize::Zeroizing;

use super::random_adapter::RandomAdapter;
use crate::algorithm::KeyAlgorithm;
use crate::ports::Random;
use crate::secret::SecretBytes;

/// Bytes of an ML-KEM seed (FIPS 203, section 7.1: `d || z`).
pub(crate) const KEM_SEED_BYTES: usize = 64;
/// Bytes of an ML-DSA seed (FIPS 204, section 3.6.3).
pub(crate) const DSA_SEED_BYTES: usize = 32;

/// Does the same for the parameter set of an ML-KEM key; nothing for any other kind of key.
macro_rules! with_kem {
    ($algorithm:expr, $set:ident => $body:expr) => {
        match $algorithm {
            KeyAlgorithm::MlKem512 => {
                type $set = ml_kem::MlKem512;
                $body
            }
            KeyAlgorithm::MlKem768 => {
                type $set = ml_kem::MlKem768;
                $body
            }
            KeyAlgorithm::MlKem1024 => {
                type $set = ml_kem::MlKem1024;
                $body
            }
            _ => None,
        }
    };
}

/// Does the same for the parameter set of an ML-DSA key; nothing for any other kind of key.
macro_rules! with_dsa {
    ($algorithm:expr, $set:ident => $body:expr) => {
        match $algorithm {
            KeyAlgorithm::MlDsa44 => {
                type $set = ml_dsa::MlDsa44;
                $body
            }
            KeyAlgorithm::MlDsa65 => {
                type $set = ml_dsa::MlDsa65;
                $body
            }
            KeyAlgorithm::MlDsa87 => {
                type $set = ml_dsa::MlDsa87;
                $body
            }
            _ => None,
        }
    };
}

/// The decapsulation key of a secret; a macro, because ml-kem does not name its bound.
macro_rules! kem_key {
    ($set:ident, $secret:expr) => {
        match $secret {
            PostQuantumSecret::Seed(seed) => {
                let seed = Zeroizing::new(ml_kem::Seed::try_from(seed.expose()).ok()?);
                ml_kem::DecapsulationKey::<$set>::from_seed(*seed)
            }
            PostQuantumSecret::Expanded(expanded) => {
                let expanded = Zeroizing::new(Array::try_from(expanded.expose()).ok()?);
                #[allow(deprecated)] // Other programs write the expanded form.
                ml_kem::DecapsulationKey::<$set>::from_expanded(&expanded).ok()?
            }
        }
    };
}

/// A secret key in one of the forms of RFC 9935 and RFC 9881.
#[derive(Clone)]
pub(crate) enum PostQuantumSecret {
    /// What everything else is made from.
    Seed(SecretBytes),
    /// The expanded key alone, from programs that throw the seed away.
    Expanded(SecretBytes),
}

/// Whether keys of this kind sign; the others encapsulate.
pub(crate) const fn signs(algorithm: KeyAlgorithm) -> bool {
    matches!(algorithm, KeyAlgorithm::MlDsa44 | KeyAlgorithm::MlDsa65 | KeyAlgorithm::MlDsa87)
}

/// Whether these are the bytes of such a public key (FIPS 203, section 7.2: the modulus check).
pub(crate) fn is_public_key(algorithm: KeyAlgorithm, key: &[u8]) -> bool {
    checked_public_key(algorithm, key).is_some()
}

fn checked_public_key(algorithm: KeyAlgorithm, key: &[u8]) -> Option<()> {
    let kem: Option<()> = with_kem!(algorithm, Set => {
        let key = Array::try_from(key).ok()?;
        ml_kem::EncapsulationKey::<Set>::new(&key).ok().map(|_| ())
    });
    let dsa: Option<()> = with_dsa!(algorithm, Set => {
        ml_dsa::EncodedVerifyingKey::<Set>::try_from(key).ok().map(|_| ())
    });
    kem.or(dsa)
}

/// Ciphertext and shared secret for a public key.
pub(crate) fn encapsulate(
    algorithm: KeyAlgorithm,
    key: &[u8],
    random: &mut dyn Random,
) -> Option<(Vec<u8>, SecretBytes)> {
    with_kem!(algorithm, Set => {
        let key = ml_kem::EncapsulationKey::<Set>::new(&Array::try_from(key).ok()?).ok()?;
        let (ciphertext, secret) = key.encapsulate_with_rng(&mut RandomAdapter(random));
        Some((ciphertext.to_vec(), SecretBytes::copy_of(&secret)))
    })
}

/// The shared secret of a ciphertext; nothing where its length is wrong or the key is none.
pub(crate) fn decapsulate(
    algorithm: KeyAlgorithm,
    secret: &PostQuantumSecret,
    ciphertext: &[u8],
) -> Option<SecretBytes> {
    with_kem!(algorithm, Set => {
        let key = kem_key!(Set, secret);
        let ciphertext = ml_kem::Ciphertext::<Set>::try_from(ciphertext).ok()?;
        Some(SecretBytes::copy_of(&key.decapsulate(&ciphertext)))
    })
}

/// The public key of a secret one; nothing where the secret key is inconsistent.
pub(crate) fn public_key(algorithm: KeyAlgorithm, secret: &PostQuantumSecret) -> Option<Vec<u8>> {
    let kem: Option<Vec<u8>> = with_kem!(algorithm, Set => {
        Some(kem_key!(Set, secret).encapsulation_key().to_bytes().to_vec())
    });
    let dsa: Option<Vec<u8>> = with_dsa!(algorithm, Set => {
        Some(dsa_key::<Set>(algorithm, secret)?.verifying_key().encode().to_vec())
    });
    kem.or(dsa)
}

/// Whether an expanded secret key is the one that belongs to the seed (RFC 9881, section 8.2).
pub(crate) fn belongs_to_seed(algorithm: KeyAlgorithm, seed: &SecretBytes, expanded: &[u8]) -> bool {
    same_as_expanded(algorithm, seed, expanded).unwrap_or(false)
}

fn same_as_expanded(algorithm: KeyAlgorithm, seed: &SecretBytes, expanded: &[u8]) -> Option<bool> {
    use subtle::ConstantTimeEq as _;
    #[allow(deprecated)] // Other programs write the expanded form.
    let kem: Option<bool> = with_kem!(algorithm, Set => {
        use ml_kem::ExpandedKeyEncoding as _;
        let key = kem_key!(Set, PostQuantumSecret::Seed(seed.clone()));
        Some(Zeroizing::new(key.to_expanded_bytes()).as_slice().ct_eq(expanded).into())
    });
    #[allow(deprecated)]
    let dsa: Option<bool> = with_dsa!(algorithm, Set => {
        let key = dsa_key::<Set>(algorithm, &PostQuantumSecret::Seed(seed.clone()))?;
        Some(Zeroizing::new(key.to_expanded()).as_slice().ct_eq(expanded).into())
    });
    kem.or(dsa)
}

/// A pure, deterministic ML-DSA signature with an empty context (RFC 9882).
pub(crate) fn sign(algorithm: KeyAlgorithm, secret: &PostQuantumSecret, message: &[u8]) -> Option<Vec<u8>> {
    with_dsa!(algorithm, Set => {
        let signature = dsa_key::<Set>(algorithm, secret)?.sign_deterministic(message, &[]).ok()?;
        Some(signature.to_bytes().to_vec())
    })
}

/// Whether a pure ML-DSA signature with an empty context holds.
pub(crate) fn verify(algorithm: KeyAlgorithm, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    holds(algorithm, key, message, signature).unwrap_or(false)
}

fn holds(algorithm: KeyAlgorithm, key: &[u8], message: &[u8], signature: &[u8]) -> Option<bool> {
    with_dsa!(algorithm, Set => {
        let key = ml_dsa::EncodedVerifyingKey::<Set>::try_from(key).ok()?;
        let signature = ml_dsa::EncodedSignature::<Set>::try_from(signature).ok()?;
        let signature = ml_dsa::Signature::<Set>::decode(&signature)?;
        Some(ml_dsa::VerifyingKey::<Set>::decode(&key).verify_with_context(message, &[], &signature))
    })
}

/// The signing key of a secret.
///
/// ml-dsa does not check an expanded key and can panic on a wrong one, so the coefficients of its
/// two secret vectors are checked before (FIPS 204, section 7.2), and its digest after.
fn dsa_key<Set: ml_dsa::MlDsaParams>(
    algorithm: KeyAlgorithm,
    secret: &PostQuantumSecret,
) -> Option<ml_dsa::ExpandedSigningKey<Set>> {
    match secret {
        PostQuantumSecret::Seed(seed) => {
            let seed = Zeroizing::new(ml_dsa::Seed::try_from(seed.expose()).ok()?);
            Some(ml_dsa::ExpandedSigningKey::from_seed(&seed))
        }
        PostQuantumSecret::Expanded(expanded) => {
            let expanded = expanded.expose();
            let bytes = ml_dsa::ExpandedSigningKeyBytes::<Set>::try_from(expanded).ok()?;
            let bytes = Zeroizing::new(bytes);
            if !coefficients_are_small(algorithm, expanded) {
                return None;
            }
            #[allow(deprecated)] // Other programs write the expanded form.
            let key = ml_dsa::ExpandedSigningKey::<Set>::from_expanded(&bytes);
            let public_key = key.verifying_key().encode();
            let digest = Shake256::default().chain(public_key).finalize_boxed(64);
            (expanded.get(64..128)? == digest.as_ref()).then_some(key)
        }
    }
}

/// Whether every coefficient of the vectors s1 and s2 is between -eta and eta. They stand behind
/// 128 bytes of seeds and digest, in 3 or 4 bits each, little end first (FIPS 204, algorithm 24).
fn coefficients_are_small(algorithm: KeyAlgorithm, expanded: &[u8]) -> bool {
    let (polynomials, bits, largest) = match algorithm {
        KeyAlgorithm::MlDsa44 => (8, 3, 4),
        KeyAlgorithm::MlDsa65 => (11, 4, 8),
        KeyAlgorithm::MlDsa87 => (15, 3, 4),
        _ => return false,
    };
    let Some(packed) = expanded.get(128..128 + polynomials * 256 * bits / 8) else { return false };
    // Three bytes hold a whole number of coefficients of either width.
    packed.chunks(3).all(|chunk| {
        let number = chunk.iter().rev().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
        (0..chunk.len() * 8 / bits).all(|index| (number >> (index * bits)) & ((1 << bits) - 1) <= largest)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, deprecated)]
    use super::*;

    struct Sevens;

    impl Random for Sevens {
        fn fill(&mut self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    const KEMS: [KeyAlgorithm; 3] = [KeyAlgorithm::MlKem512, KeyAlgorithm::MlKem768, KeyAlgorithm::MlKem1024];
    const DSAS: [KeyAlgorithm; 3] = [KeyAlgorithm::MlDsa44, KeyAlgorithm::MlDsa65, KeyAlgorithm::MlDsa87];

    #[test]
    fn what_is_encapsulated_is_decapsulated() {
        for algorithm in KEMS {
            let secret = PostQuantumSecret::Seed(SecretBytes::new(vec![3; KEM_SEED_BYTES]));
            let key = public_key(algorithm, &secret).unwrap();
            assert!(is_public_key(algorithm, &key));
            let (ciphertext, shared) = encapsulate(algorithm, &key, &mut Sevens).unwrap();
            assert_eq!(decapsulate(algorithm, &secret, &ciphertext).unwrap().expose(), shared.expose());
            assert!(decapsulate(algorithm, &secret, &ciphertext[1..]).is_none());
            assert!(decapsulate(KeyAlgorithm::MlDsa44, &secret, &ciphertext).is_none());
        }
    }

    #[test]
    fn signatures_hold_and_changed_messages_do_not() {
        for algorithm in DSAS {
            let secret = PostQuantumSecret::Seed(SecretBytes::new(vec![3; DSA_SEED_BYTES]));
            let key = public_key(algorithm, &secret).unwrap();
            let signature = sign(algorithm, &secret, b"message").unwrap();
            assert!(verify(algorithm, &key, b"message", &signature));
            assert!(!verify(algorithm, &key, b"messagf", &signature));
            assert!(!verify(algorithm, &key, b"message", &signature[1..]));
        }
    }

    #[test]
    fn an_expanded_signing_key_that_was_changed_is_refused_and_does_not_panic() {
        let seed = ml_dsa::Seed::try_from(&[3_u8; 32][..]).unwrap();
        let expanded = ml_dsa::ExpandedSigningKey::<ml_dsa::MlDsa44>::from_seed(&seed).to_expanded();
        let good = PostQuantumSecret::Expanded(SecretBytes::copy_of(&expanded));
        let key = public_key(KeyAlgorithm::MlDsa44, &good).unwrap();
        let signature = sign(KeyAlgorithm::MlDsa44, &good, b"message").unwrap();
        assert!(verify(KeyAlgorithm::MlDsa44, &key, b"message", &signature));
        assert!(belongs_to_seed(KeyAlgorithm::MlDsa44, &SecretBytes::new(vec![3; 32]), &expanded));
        for position in [0, 70, 128, 200, 800] {
            let mut changed = expanded.to_vec();
            changed[position] ^= 0xff;
            let changed = PostQuantumSecret::Expanded(SecretBytes::new(changed));
            assert!(public_key(KeyAlgorithm::MlDsa44, &changed).is_none(), "{position}");
        }
    }
}
