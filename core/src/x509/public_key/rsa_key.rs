//! RSA public keys (RFC 8017): which are good, and what they verify and encrypt.

use der::Decode as _;
use pkcs1::RsaPublicKeyRef;
use rsa::traits::PublicKeyParts as _;
use rsa::{BoxedUint, RsaPublicKey};
use zeroize::Zeroizing;

use super::super::certificate::CertificateError;
use super::super::digest::digest;
use super::super::native;
use super::super::rsa_padding::{self, DigestParameters};
use super::roca;
use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::limits;
use crate::ports::{KeyError, OaepParameters, Random};

/// An RSA key.
pub(super) struct RsaKey {
    modulus: Vec<u8>,
    exponent: u32,
    /// DER of the RSAPublicKey.
    der: Vec<u8>,
    pss: PssOnly,
}

/// An id-RSASSA-PSS key signs with nothing else, and where it has parameters with no other digests
/// (RFC 4055, section 3.1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PssOnly {
    No,
    AnyParameters,
    Parameters(SignatureAlgorithm),
}

impl RsaKey {
    /// Reads and judges an RSAPublicKey (RFC 8017, appendix A.1.1).
    pub(super) fn read(der: &[u8], pss: PssOnly) -> Result<Self, CertificateError> {
        let numbers = RsaPublicKeyRef::from_der(der).map_err(|_| CertificateError::Malformed)?;
        let exponent = good_exponent(&numbers).ok_or(CertificateError::BadKey)?;
        Ok(Self { modulus: numbers.modulus.as_bytes().to_vec(), exponent, der: der.to_vec(), pss })
    }

    pub(super) fn bits(&self) -> u32 {
        modulus_bits(&self.modulus).unwrap_or_default()
    }

    pub(super) const fn exponent(&self) -> u32 {
        self.exponent
    }

    pub(super) fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// Bytes of the modulus, and of everything the key makes.
    const fn size(&self) -> usize {
        self.modulus.len()
    }

    /// The key for the portable code. Its Montgomery form costs as much as a signature's check, so
    /// it is made only where it is needed.
    fn portable(&self) -> Option<RsaPublicKey> {
        portable_key(&self.modulus, self.exponent)
    }

    pub(super) fn may_encrypt(&self) -> bool {
        self.pss == PssOnly::No
    }

    /// Whether the key's own parameters allow a signature of that kind.
    pub(super) fn may_sign_with(&self, algorithm: SignatureAlgorithm) -> bool {
        match (self.pss, algorithm) {
            (PssOnly::No, _) | (PssOnly::AnyParameters, SignatureAlgorithm::RsaPss { .. }) => true,
            (
                PssOnly::Parameters(SignatureAlgorithm::RsaPss { digest, mask_digest, salt_length }),
                SignatureAlgorithm::RsaPss { digest: used, mask_digest: used_mask, salt_length: used_length },
            ) => digest == used && mask_digest == used_mask && used_length >= salt_length,
            _ => false,
        }
    }

    /// How the key must sign, if it may sign in one way alone: with SHA-256 and 32 bytes of salt
    /// where it leaves the choice.
    pub(super) fn required_signature(&self) -> Option<SignatureAlgorithm> {
        let digest = DigestAlgorithm::Sha256;
        match self.pss {
            PssOnly::No => None,
            PssOnly::AnyParameters => {
                Some(SignatureAlgorithm::RsaPss { digest, mask_digest: digest, salt_length: 32 })
            }
            PssOnly::Parameters(algorithm) => Some(algorithm),
        }
    }

    /// Whether a signature holds. What aws-lc-rs does not take or finds wrong is looked at again
    /// here: it knows no DigestInfo without NULL, and not every digest.
    pub(super) fn verify(&self, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        if signature.len() != self.size() {
            return false;
        }
        if native::verify_rsa(algorithm, &self.der, message, signature) == Some(true) {
            return true;
        }
        let Some(encoded) = self.raw_verify(signature) else { return false };
        match algorithm {
            SignatureAlgorithm::RsaPkcs1(hash) => {
                let value = digest(hash, message);
                [DigestParameters::Null, DigestParameters::Absent].into_iter().any(|parameters| {
                    let expected = rsa_padding::encode_signature(hash, parameters, &value, self.size());
                    expected.as_ref() == Some(&encoded)
                })
            }
            SignatureAlgorithm::RsaPss { digest: hash, mask_digest, salt_length } => {
                let (value, bits) = (digest(hash, message), self.bits() as usize);
                rsa_padding::verify_pss(hash, mask_digest, salt_length as usize, &value, bits, &encoded)
            }
            _ => false,
        }
    }

    /// With aws-lc-rs, which draws its own random bytes, where there is one.
    pub(super) fn encrypt_pkcs1(&self, random: &mut dyn Random, secret: &[u8]) -> Result<Vec<u8>, KeyError> {
        if let Some(ciphertext) = native::encrypt_rsa_pkcs1(&self.der, secret) {
            return Ok(ciphertext);
        }
        let encoded = rsa_padding::encode_encryption(random, secret, self.size());
        self.raw_encrypt(&encoded.ok_or(KeyError::Failed)?)
    }

    /// As [`Self::encrypt_pkcs1`].
    pub(super) fn encrypt_oaep(
        &self,
        random: &mut dyn Random,
        parameters: &OaepParameters,
        secret: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        if let Some(ciphertext) = native::encrypt_rsa_oaep(&self.der, parameters, secret) {
            return Ok(ciphertext);
        }
        let encoded = rsa_padding::encode_oaep(random, parameters, secret, self.size());
        self.raw_encrypt(&encoded.ok_or(KeyError::Failed)?)
    }

    /// RSAVP1 (RFC 8017, section 5.2.2): the signature must be below the modulus.
    fn raw_verify(&self, signature: &[u8]) -> Option<Vec<u8>> {
        let key = self.portable()?;
        let number = BoxedUint::from_be_slice(signature, key.n_bits_precision()).ok()?;
        if number >= *key.n().as_ref() {
            return None;
        }
        fixed_length(&rsa::hazmat::rsa_encrypt(&key, &number).ok()?, self.size())
    }

    /// RSAEP (RFC 8017, section 5.1.1).
    fn raw_encrypt(&self, encoded: &[u8]) -> Result<Vec<u8>, KeyError> {
        let key = self.portable().ok_or(KeyError::Failed)?;
        let number = BoxedUint::from_be_slice(encoded, key.n_bits_precision());
        let number = Zeroizing::new(number.map_err(|_| KeyError::Failed)?);
        let ciphertext = rsa::hazmat::rsa_encrypt(&key, &number).map_err(|_| KeyError::Failed)?;
        fixed_length(&ciphertext, self.size()).ok_or(KeyError::Failed)
    }
}

/// The exponent of a key within the limits: the modulus odd and not one that can be factored
/// (ROCA), the exponent odd, at least 3, at most 32 bits and below the modulus.
pub(in super::super) fn good_exponent(numbers: &RsaPublicKeyRef<'_>) -> Option<u32> {
    let (modulus, exponent) = (numbers.modulus.as_bytes(), numbers.public_exponent.as_bytes());
    let is_good_exponent = match exponent {
        [] | [0..=2] => false,
        [.., last] => exponent.len() <= 4 && last & 1 == 1,
    };
    let is_odd = modulus.last()? & 1 == 1;
    if !limits::RSA_PUBLIC_BITS.contains(&modulus_bits(modulus)?)
        || !is_odd
        || !is_good_exponent
        || roca::is_marked(modulus)
    {
        return None;
    }
    Some(exponent.iter().fold(0, |number, octet| (number << 8) | u32::from(*octet)))
}

/// How long a modulus is.
pub(in super::super) fn modulus_bits(modulus: &[u8]) -> Option<u32> {
    u32::try_from(modulus.len()).ok()?.checked_mul(8)?.checked_sub(modulus.first()?.leading_zeros())
}

fn portable_key(modulus: &[u8], exponent: u32) -> Option<RsaPublicKey> {
    let limits = limits::RSA_PUBLIC_BITS;
    let precision = modulus_bits(modulus)?.next_multiple_of(64);
    let modulus = BoxedUint::from_be_slice(modulus, precision).ok()?;
    let exponent = BoxedUint::from_be_slice(&exponent.to_be_bytes(), 64).ok()?;
    let size = *limits.start() as usize..=*limits.end() as usize;
    RsaPublicKey::new_with_size_limits(modulus, exponent, size).ok()
}

/// I2OSP (RFC 8017, section 4.1).
pub(in super::super) fn fixed_length(number: &BoxedUint, size: usize) -> Option<Vec<u8>> {
    let octets = Zeroizing::new(number.to_be_bytes().to_vec());
    octets.get(octets.len().checked_sub(size)?..).map(<[u8]>::to_vec)
}
