//! Secret keys from their bare numbers, as OpenPGP keeps them.

use ::rsa::{BoxedUint, RsaPrivateKey};

use super::super::algorithm_identifier::oid;
use super::super::curve::Curve;
use super::{SecretKey, SecretKeyError, generate, read};
use crate::algorithm::KeyAlgorithm;
use crate::limits;

/// The numbers of a key, big-endian, with or without leading zeros.
pub(crate) enum Numbers<'a> {
    /// RSA with two primes, whose product the modulus is.
    Rsa { exponent: &'a [u8], secret_exponent: &'a [u8], modulus: &'a [u8], primes: [&'a [u8]; 2] },
    /// P-256, P-384 or P-521.
    Elliptic { curve: KeyAlgorithm, scalar: &'a [u8] },
    /// Ed25519: the 32 octets of RFC 8032.
    Ed25519(&'a [u8]),
}

impl SecretKey {
    /// A key from its numbers, which must belong together.
    ///
    /// # Errors
    /// [`SecretKeyError::BadKey`] where they do not, or lie outside of [`limits::RSA_SECRET_BITS`].
    pub(crate) fn from_numbers(numbers: &Numbers<'_>) -> Result<Self, SecretKeyError> {
        match numbers {
            Numbers::Rsa { exponent, secret_exponent, modulus, primes } => {
                rsa(exponent, secret_exponent, modulus, *primes)
            }
            Numbers::Elliptic { curve: KeyAlgorithm::P256, scalar } => read::elliptic(Curve::P256, scalar),
            Numbers::Elliptic { curve: KeyAlgorithm::P384, scalar } => read::elliptic(Curve::P384, scalar),
            Numbers::Elliptic { curve: KeyAlgorithm::P521, scalar } => read::elliptic(Curve::P521, scalar),
            Numbers::Elliptic { .. } => Err(SecretKeyError::BadKey),
            Numbers::Ed25519(seed) => read::edwards(oid::ED25519, seed),
        }
    }
}

/// Exponents and coefficient of each prime are computed once, here.
fn rsa(
    exponent: &[u8],
    secret_exponent: &[u8],
    modulus: &[u8],
    primes: [&[u8]; 2],
) -> Result<SecretKey, SecretKeyError> {
    // Before any arithmetic: checking a key costs more the longer its numbers are.
    let longest = *limits::RSA_SECRET_BITS.end();
    let number = |octets: &[u8]| {
        let zeros = octets.iter().take_while(|octet| **octet == 0).count();
        let significant = octets.get(zeros..).unwrap_or_default();
        let bits = u32::try_from(significant.len().saturating_mul(8)).unwrap_or(u32::MAX);
        if bits > longest {
            return Err(SecretKeyError::BadKey);
        }
        BoxedUint::from_be_slice(significant, bits.max(8)).map_err(|_| SecretKeyError::BadKey)
    };
    let [first, second] = primes;
    let primes = vec![number(first)?, number(second)?];
    let key =
        RsaPrivateKey::from_components(number(modulus)?, number(exponent)?, number(secret_exponent)?, primes);
    let key = key.map_err(|_| SecretKeyError::BadKey)?;
    generate::from_rsa(&key)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use ::rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};

    use super::*;
    use crate::testing::SystemRandom;
    use crate::x509::secret_key::{KeyKind, Kind};

    #[test]
    fn an_rsa_key_is_the_same_from_its_numbers_and_another_number_makes_none() {
        let key = SecretKey::generate(KeyKind::Rsa2048, &mut SystemRandom).unwrap();
        let Kind::Rsa(inner) = &key.0.kind else { panic!("no RSA key") };
        let numbers = inner.portable().unwrap();
        let octets = |number: &BoxedUint| number.to_be_bytes().to_vec();
        let [p, q] = numbers.primes() else { panic!("no two primes") };
        let (modulus, exponent, secret_exponent) =
            (octets(numbers.n().as_ref()), octets(numbers.e()), octets(numbers.d()));
        let (p, q) = (octets(p), octets(q));
        for primes in [[p.as_slice(), &q], [&q, &p]] {
            let from = |modulus: &[u8], secret_exponent: &[u8]| {
                SecretKey::from_numbers(&Numbers::Rsa {
                    exponent: &exponent,
                    secret_exponent,
                    modulus,
                    primes,
                })
            };
            assert_eq!(from(&modulus, &secret_exponent).unwrap().fingerprint(), key.fingerprint());
            let mut other = secret_exponent.clone();
            *other.last_mut().unwrap() ^= 2;
            assert!(from(&modulus, &other).is_err());
            let mut other = modulus.clone();
            *other.last_mut().unwrap() ^= 2;
            assert!(from(&other, &secret_exponent).is_err());
            assert!(from(&vec![0xff; 4096], &secret_exponent).is_err());
            assert!(from(&[], &[]).is_err());
        }
    }

    #[test]
    fn a_scalar_must_lie_on_its_curve() {
        let from = |curve, scalar: &[u8]| SecretKey::from_numbers(&Numbers::Elliptic { curve, scalar });
        assert_eq!(from(KeyAlgorithm::P384, &[0, 0, 7]).unwrap().algorithm(), KeyAlgorithm::P384);
        assert!(from(KeyAlgorithm::P256, &[]).is_err());
        assert!(from(KeyAlgorithm::P256, &[0xff; 32]).is_err());
        assert!(from(KeyAlgorithm::Ed25519, &[7; 32]).is_err());
        assert!(SecretKey::from_numbers(&Numbers::Ed25519(&[7; 31])).is_err());
    }
}
