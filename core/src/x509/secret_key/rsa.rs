//! RSA secret keys: aws-lc-rs where it takes the key, the blinded portable code for the rest
//! (1024 bits, OAEP with two hashes, unusual PSS).

use std::convert::Infallible;
use std::sync::OnceLock;

use ::rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use ::rsa::{BoxedUint, RsaPrivateKey};
use der::asn1::UintRef;
use der::{Decode as _, Encode as _};
use pkcs1::RsaPrivateKeyRef;
use rand_core::{TryCryptoRng, TryRng};
use shake::{ExtendableOutput as _, Shake256, Shake256Reader, Update as _, XofReader as _};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::super::digest::digest;
use super::super::native;
use super::super::public_key::{fixed_length, good_exponent, modulus_bits};
use super::super::rsa_padding::{self, DigestParameters};
use super::implicit_rejection::RejectionKey;
use super::{SecretKeyError, structure};
use crate::algorithm::SignatureAlgorithm;
use crate::limits;
use crate::ports::{KeyError, OaepParameters, RsaTransported};
use crate::secret::SecretBytes;

/// The secret half of an RSA key.
pub(super) struct RsaSecret {
    native: Option<native::RsaSecret>,
    /// Made when first needed: checking and precomputing take longer than an operation.
    portable: OnceLock<Option<RsaPrivateKey>>,
    /// The RSAPrivateKey (RFC 8017, appendix A.1.2).
    der: SecretBytes,
    rejection: RejectionKey,
    /// Bytes of the modulus.
    size: usize,
}

impl RsaSecret {
    /// Reads an RSAPrivateKey and checks that it is one; with it comes the DER of the
    /// RSAPublicKey.
    pub(super) fn read(der: &[u8]) -> Result<(Self, Vec<u8>), SecretKeyError> {
        let numbers = numbers(der).ok_or(SecretKeyError::Malformed)?;
        let public = numbers.public_key();
        let modulus = public.modulus.as_bytes();
        good_exponent(&public).ok_or(SecretKeyError::BadKey)?;
        if !modulus_bits(modulus).is_some_and(|bits| limits::RSA_SECRET_BITS.contains(&bits)) {
            return Err(SecretKeyError::BadKey);
        }
        let pkcs8 = structure::private_key_info(&structure::rsa_algorithm(), der);
        let key = Self {
            native: native::RsaSecret::from_pkcs8(pkcs8.expose()),
            portable: OnceLock::new(),
            der: SecretBytes::copy_of(der),
            rejection: RejectionKey::new(numbers.private_exponent.as_bytes(), modulus.len()),
            size: modulus.len(),
        };
        // aws-lc-rs has checked what it takes.
        if key.native.is_none() && key.portable().is_none() {
            return Err(SecretKeyError::BadKey);
        }
        Ok((key, public.to_der().map_err(|_| SecretKeyError::Malformed)?))
    }

    /// RSAES-PKCS1-v1_5 with implicit rejection; nothing for a length beyond that of the modulus.
    pub(super) fn decrypt_pkcs1(&self, ciphertext: &[u8], length: usize) -> Option<RsaTransported> {
        if length > self.size {
            return None;
        }
        let rejection = self.rejection.replacement(ciphertext, length);
        Some(RsaTransported { secret: self.decrypt_pkcs1_or(ciphertext, &rejection), rejection })
    }

    /// The message if it is as long as `instead`, otherwise `instead`.
    fn decrypt_pkcs1_or(&self, ciphertext: &[u8], instead: &SecretBytes) -> SecretBytes {
        let Some(native) = &self.native else {
            let encoded = self.raw(ciphertext);
            return encoded
                .map_or_else(|| instead.clone(), |it| rsa_padding::decode_encryption(&it, instead));
        };
        let (mut message, length) = native.decrypt_pkcs1(ciphertext);
        let fits = length.ct_eq(&(instead.len() as u64));
        message.truncate(instead.len());
        rsa_padding::select(fits, &message, instead)
    }

    /// The same key without aws-lc-rs.
    #[cfg(test)]
    pub(super) fn portable_only(self) -> Self {
        Self { native: None, ..self }
    }

    /// RSAES-OAEP.
    pub(super) fn decrypt_oaep(
        &self,
        parameters: &OaepParameters,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, KeyError> {
        if ciphertext.len() != self.size {
            return Err(KeyError::Failed);
        }
        if let Some(answer) = self.native.as_ref().and_then(|key| key.decrypt_oaep(parameters, ciphertext)) {
            return answer;
        }
        let encoded = self.raw(ciphertext).ok_or(KeyError::Failed)?;
        rsa_padding::decode_oaep(parameters, &encoded).ok_or(KeyError::Failed)
    }

    /// A signature of either padding.
    pub(super) fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        if let Some(signature) = self.native.as_ref().and_then(|key| key.sign(algorithm, message)) {
            return Ok(signature);
        }
        let encoded = self.encode(algorithm, message).ok_or(KeyError::Unsuitable)?;
        self.raw(&encoded).map(|signature| signature.to_vec()).ok_or(KeyError::Failed)
    }

    fn encode(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Option<Vec<u8>> {
        match algorithm {
            SignatureAlgorithm::RsaPkcs1(hash) => {
                let value = digest(hash, message);
                rsa_padding::encode_signature(hash, DigestParameters::Null, &value, self.size)
            }
            SignatureAlgorithm::RsaPss { digest: hash, mask_digest, salt_length } => {
                let mut salt =
                    vec![0; usize::try_from(salt_length).ok().filter(|length| *length <= self.size)?];
                self.derived(b"salt", message).fill(&mut salt);
                let bits = self.portable()?.n().bits_vartime() as usize;
                rsa_padding::encode_pss(hash, mask_digest, &salt, &digest(hash, message), bits)
            }
            _ => None,
        }
    }

    /// RSADP, blinded, and checked against faults; nothing for a number that is not below the
    /// modulus, which is public.
    pub(super) fn raw(&self, input: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let key = self.portable()?;
        if input.len() != self.size {
            return None;
        }
        let number = BoxedUint::from_be_slice(input, key.n_bits_precision()).ok()?;
        if number >= *key.n().as_ref() {
            return None;
        }
        let mut blinding = self.derived(b"blinding", input);
        let output = ::rsa::hazmat::rsa_decrypt_and_check(key, Some(&mut blinding), &number).ok()?;
        fixed_length(&Zeroizing::new(output), self.size).map(Zeroizing::new)
    }

    pub(super) fn portable(&self) -> Option<&RsaPrivateKey> {
        self.portable.get_or_init(|| portable(self.der.expose())).as_ref()
    }

    /// Random bytes that only the owner of the key can know, so that the port needs no generator:
    /// a blinding factor must be unknown to others, and need not be new.
    fn derived(&self, purpose: &[u8], input: &[u8]) -> DerivedRandom {
        let length = (self.der.len() as u64).to_be_bytes();
        DerivedRandom(
            Shake256::default()
                .chain(length)
                .chain(self.der.expose())
                .chain(purpose)
                .chain(input)
                .finalize_xof(),
        )
    }
}

/// Two-prime keys only (RFC 8017, version 0).
fn numbers(der: &[u8]) -> Option<RsaPrivateKeyRef<'_>> {
    RsaPrivateKeyRef::from_der(der).ok().filter(|key| key.other_prime_infos.is_none())
}

fn portable(der: &[u8]) -> Option<RsaPrivateKey> {
    let numbers = numbers(der)?;
    let bits = u32::try_from(numbers.modulus.as_bytes().len()).ok()?.checked_mul(8)?.next_multiple_of(64);
    let number = |number: UintRef<'_>| BoxedUint::from_be_slice(number.as_bytes(), bits).ok();
    let primes = vec![number(numbers.prime1)?, number(numbers.prime2)?];
    let exponent = BoxedUint::from_be_slice(numbers.public_exponent.as_bytes(), 64).ok()?;
    let secret_exponent = number(numbers.private_exponent)?;
    let key =
        RsaPrivateKey::from_components(number(numbers.modulus)?, exponent, secret_exponent, primes).ok()?;
    has_remainders(&key, &numbers).then_some(key)
}

/// Whether the numbers for the Chinese remainder theorem follow from the key, in constant time:
/// other programs use them unchecked.
fn has_remainders(key: &RsaPrivateKey, numbers: &RsaPrivateKeyRef<'_>) -> bool {
    let coefficient = key.crt_coefficient();
    let computed = [key.dp(), key.dq(), coefficient.as_ref()];
    let given = [numbers.exponent1, numbers.exponent2, numbers.coefficient];
    computed.into_iter().zip(given).all(|(computed, given)| {
        let (Some(computed), given) = (computed, given.as_bytes()) else { return false };
        let computed = Zeroizing::new(computed.to_be_bytes().to_vec());
        let Some(padding) = computed.len().checked_sub(given.len()) else { return false };
        let given = Zeroizing::new([&vec![0; padding], given].concat());
        computed.ct_eq(&given).into()
    })
}

struct DerivedRandom(Shake256Reader);

impl DerivedRandom {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.0.read(bytes);
    }
}

impl TryRng for DerivedRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for DerivedRandom {}
