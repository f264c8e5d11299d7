//! Verification with DSA (FIPS 186-4), so that an old signature can be called weak instead of
//! wrong. Nothing here makes a signature, and none that holds is ever good.

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, NonZero, Odd};

use super::digest::digest;
use super::tlv::{self, Elements, tag};
use crate::algorithm::DigestAlgorithm;

/// Bits of the modulus that are worth the work; FIPS 186-4 has at most 3072.
const MODULUS_BITS: u32 = 4096;
/// Bits of the order; FIPS 186-4 has at most 256.
const ORDER_BITS: u32 = 512;

/// A public key with the domain it belongs to.
pub(super) struct DsaPublicKey {
    modulus: Odd<BoxedUint>,
    order: Odd<BoxedUint>,
    generator: BoxedUint,
    key: BoxedUint,
}

impl DsaPublicKey {
    /// Reads the parameters and the key of a SubjectPublicKeyInfo (RFC 3279, section 2.3.2).
    /// Nothing where they are malformed or too large.
    pub(super) fn read(parameters: &[u8], key: &[u8]) -> Option<Self> {
        let mut fields = Elements::new(tlv::only(parameters, tag::SEQUENCE)?);
        let modulus = tlv::unsigned(fields.expect(tag::INTEGER)?.content)?;
        let order = tlv::unsigned(fields.expect(tag::INTEGER)?.content)?;
        let generator = tlv::unsigned(fields.expect(tag::INTEGER)?.content)?;
        let key = tlv::unsigned(tlv::only(key, tag::INTEGER)?)?;
        if !fields.is_empty() {
            return None;
        }
        let bits = precision(modulus, MODULUS_BITS)?;
        let order = number(order, precision(order, ORDER_BITS)?)?;
        let modulus = number(modulus, bits)?;
        let generator = number(generator, bits)?;
        let key = number(key, bits)?;
        let one = BoxedUint::one_with_precision(bits);
        let in_range = |value: &BoxedUint| *value > one && *value < modulus;
        // A group of two elements would accept everything.
        if !in_range(&generator) || !in_range(&key) || order.bits_vartime() < 160 {
            return None;
        }
        Some(Self {
            modulus: Option::from(Odd::new(modulus))?,
            order: Option::from(Odd::new(order))?,
            generator,
            key,
        })
    }

    /// FIPS 186-4, section 4.7.
    pub(super) fn verify(&self, algorithm: DigestAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        self.holds(&digest(algorithm, message), signature).unwrap_or(false)
    }

    fn holds(&self, hash: &[u8], signature: &[u8]) -> Option<bool> {
        let mut fields = Elements::new(tlv::only(signature, tag::SEQUENCE)?);
        let r = self.scalar(tlv::unsigned(fields.expect(tag::INTEGER)?.content)?)?;
        let s = self.scalar(tlv::unsigned(fields.expect(tag::INTEGER)?.content)?)?;
        if !fields.is_empty() {
            return None;
        }
        let field = BoxedMontyParams::new_vartime(self.order.clone());
        let inverse: BoxedMontyForm = Option::from(BoxedMontyForm::new(s, &field).invert_vartime())?;
        let times_inverse = |value: BoxedUint| BoxedMontyForm::new(value, &field).mul(&inverse).retrieve();
        let by_generator = times_inverse(self.leftmost(hash)?);
        let by_key = times_inverse(r.clone());
        let group = BoxedMontyParams::new_vartime(self.modulus.clone());
        let power =
            |base: &BoxedUint, exponent: &BoxedUint| BoxedMontyForm::new(base.clone(), &group).pow(exponent);
        let value = power(&self.generator, &by_generator).mul(&power(&self.key, &by_key)).retrieve();
        let order: NonZero<BoxedUint> = Option::from(NonZero::new(self.order.as_ref().clone()))?;
        Some(value.rem_vartime(&order) == r)
    }

    /// A number above 0 and below the order.
    fn scalar(&self, magnitude: &[u8]) -> Option<BoxedUint> {
        let value = number(magnitude, self.order.bits_precision())?;
        (!magnitude.is_empty() && value < *self.order.as_ref()).then_some(value)
    }

    /// As many leftmost bits of the digest as the order has, below the order.
    fn leftmost(&self, hash: &[u8]) -> Option<BoxedUint> {
        let bits = self.order.bits_vartime();
        let length = hash.len().min(bits.div_ceil(8) as usize);
        let value = number(hash.get(..length)?, self.order.bits_precision())?;
        let excess = (length as u32 * 8).saturating_sub(bits);
        let value = value.shr_vartime(excess)?;
        let order: NonZero<BoxedUint> = Option::from(NonZero::new(self.order.as_ref().clone()))?;
        Some(value.rem_vartime(&order))
    }
}

/// Whole words for this magnitude; nothing above the limit.
fn precision(magnitude: &[u8], limit: u32) -> Option<u32> {
    let bits = u32::try_from(magnitude.len()).ok()?.checked_mul(8)?.next_multiple_of(64);
    (bits > 0 && bits <= limit).then_some(bits)
}

fn number(magnitude: &[u8], bits: u32) -> Option<BoxedUint> {
    BoxedUint::from_be_slice(magnitude, bits).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A key of 1024 and 160 bits made by OpenSSL, and its signature of `MESSAGE` with SHA-1.
    const PUBLIC_KEY: &str = "308201bf3082013306072a8648ce38040130820126028181009f358d6bb23fb0bca24e449129ec0256b5164639b78612f8e478768f5679f9219d12b0be101ae1d524abd58c91f48987ce519225a8ea974cd387149db6f3f77bb8838bc0176240d0b61407a5411c8de124106e27c130afde5ccf813ee3192e7309c9f30286177261dc152a8623af91cc685e6c60f284699bb55ac958be17ef13021d00c93c24dcbb7ecb0b138d4a42c1ca1d813e9b3ea39aab79cb133cd1850281800f61dc73aa187c41694da17135fdbe8c9fa11774fdb62daf0e3d13dc1f10b43c646cd557587bf7c1bb018d00239e8d3f1d68ba4de04647edc63bdd0f73524fb9a3043046c40d2032c4ec2df0b0ebd1cf727eaeeaa0b4a5d0cb53d5d563892ad16e0d48f6a2aef41a2cd35ad5cd4f390c2f50765e9a64e4095df34fbc197140f5038185000281810084a0bb5f50f096c991732ebc30e822b5ab88e23241d38a5c59d7b754cdb3c123a51086a64e3f6e34647f11c73f46f8a1b2439910cd19414833005878ad66ba5ba8d42dedf66d2baeff0b0861634b4ce073e30c2c199241e6aab5fa90627ced94e5d2a0d201e9597253427ba075bcce18c6d0b77e56faddef6c08d5818fa71da6";
    const SIGNATURE: &str = "303d021d00a5c2e2fb9b6af87002f508f7c196ec832edd4eb59b9fdd20bda73a7a021c66b951086483ecf55334a473b164a48a79c5ec96d824bce390033164";
    const MESSAGE: &[u8] = b"abc";

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
        digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect()
    }

    fn key() -> DsaPublicKey {
        let key = bytes(PUBLIC_KEY);
        let mut fields = Elements::new(tlv::only(&key, tag::SEQUENCE).unwrap());
        let mut algorithm = Elements::new(fields.expect(tag::SEQUENCE).unwrap().content);
        algorithm.expect(tag::OBJECT_IDENTIFIER).unwrap();
        let bits = tlv::whole_bits(fields.expect(tag::BIT_STRING).unwrap().content).unwrap();
        DsaPublicKey::read(algorithm.any().unwrap().whole, bits).unwrap()
    }

    #[test]
    fn a_signature_of_another_program_holds() {
        assert!(key().verify(DigestAlgorithm::Sha1, MESSAGE, &bytes(SIGNATURE)));
    }

    #[test]
    fn a_signature_over_anything_else_does_not() {
        assert!(!key().verify(DigestAlgorithm::Sha1, b"abd", &bytes(SIGNATURE)));
        assert!(!key().verify(DigestAlgorithm::Sha256, MESSAGE, &bytes(SIGNATURE)));
        for index in 0..bytes(SIGNATURE).len() {
            let mut changed = bytes(SIGNATURE);
            *changed.get_mut(index).unwrap() ^= 1;
            assert!(!key().verify(DigestAlgorithm::Sha1, MESSAGE, &changed), "octet {index}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        let zeros = tlv::sequence(&[&tlv::integer(&[]), &tlv::integer(&[])]);
        assert!(!key().verify(DigestAlgorithm::Sha1, MESSAGE, &zeros));
        let mut trailing = bytes(SIGNATURE);
        trailing.push(0);
        assert!(!key().verify(DigestAlgorithm::Sha1, MESSAGE, &trailing));
        let order = key().order.as_ref().to_be_bytes_trimmed_vartime();
        let whole = tlv::sequence(&[&tlv::integer(&order), &tlv::integer(&[1])]);
        assert!(!key().verify(DigestAlgorithm::Sha1, MESSAGE, &whole));
    }
}
