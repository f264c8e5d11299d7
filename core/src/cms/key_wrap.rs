//! Keys wrapped by keys: AES Key Wrap (RFC 3394, RFC 3565), Triple DES Key Wrap (RFC 3217).

use aes_kw::{KeyInit, KwAes128, KwAes192, KwAes256};
use const_oid::ObjectIdentifier;
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::content_cipher::decrypt_blocks;
use crate::algorithm::ContentEncryption;
use crate::secret::SecretBytes;
use crate::x509::algorithm_identifier::{algorithm_der, algorithm_in};
use crate::x509::tlv::tag;

const AES_128_WRAP: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.5");
const AES_192_WRAP: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.25");
const AES_256_WRAP: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.45");
const TRIPLE_DES_WRAP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.6");

/// The initialization vector of the outer layer (RFC 3217, section 3.1).
const TRIPLE_DES_INITIAL: [u8; 8] = [0x4a, 0xdd, 0xa2, 0x2c, 0x79, 0xe8, 0x21, 0x05];

/// A key-wrap algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrap {
    Aes128,
    Aes192,
    Aes256,
    /// Read only.
    TripleDes,
}

impl Wrap {
    /// From the DER of an AlgorithmIdentifier. Parameters must be absent for AES (RFC 3565,
    /// section 2.3.2) and NULL for Triple DES; NSS writes NULL for both, so either is read.
    pub(crate) fn parse(identifier: &[u8]) -> Option<Self> {
        let (oid, parameters) = algorithm_in(identifier)?;
        if parameters.is_some_and(|parameters| parameters.whole != [tag::NULL, 0]) {
            return None;
        }
        match oid {
            AES_128_WRAP => Some(Self::Aes128),
            AES_192_WRAP => Some(Self::Aes192),
            AES_256_WRAP => Some(Self::Aes256),
            TRIPLE_DES_WRAP => Some(Self::TripleDes),
            _ => None,
        }
    }

    /// The AES wrap for a key-encryption key of that many bytes.
    pub(crate) fn for_key_length(length: usize) -> Option<Self> {
        match length {
            16 => Some(Self::Aes128),
            24 => Some(Self::Aes192),
            32 => Some(Self::Aes256),
            _ => None,
        }
    }

    /// DER of the AlgorithmIdentifier.
    pub(crate) fn to_der(self) -> Vec<u8> {
        match self {
            Self::Aes128 => algorithm_der(AES_128_WRAP, &[]),
            Self::Aes192 => algorithm_der(AES_192_WRAP, &[]),
            Self::Aes256 => algorithm_der(AES_256_WRAP, &[]),
            Self::TripleDes => algorithm_der(TRIPLE_DES_WRAP, &[tag::NULL, 0]),
        }
    }

    /// Bytes of the key-encryption key.
    pub(crate) const fn key_length(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes256 => 32,
        }
    }

    /// The name that people and JSON see.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Aes128 => "aes-128-wrap",
            Self::Aes192 => "aes-192-wrap",
            Self::Aes256 => "aes-256-wrap",
            Self::TripleDes => "3des-wrap",
        }
    }

    /// Wraps a key. Nothing where a length does not fit, and for Triple DES.
    pub(crate) fn wrap(self, key_encryption_key: &SecretBytes, key: &SecretBytes) -> Option<Vec<u8>> {
        if key.len() < 16 || !key.len().is_multiple_of(8) {
            return None;
        }
        let mut wrapped = vec![0; key.len() + 8];
        let wrapping_key = key_encryption_key.expose();
        match self {
            Self::Aes128 => KwAes128::new_from_slice(wrapping_key).ok()?.wrap_key(key.expose(), &mut wrapped),
            Self::Aes192 => KwAes192::new_from_slice(wrapping_key).ok()?.wrap_key(key.expose(), &mut wrapped),
            Self::Aes256 => KwAes256::new_from_slice(wrapping_key).ok()?.wrap_key(key.expose(), &mut wrapped),
            Self::TripleDes => return None,
        }
        .ok()?;
        Some(wrapped)
    }

    /// Unwraps a key; nothing where that fails for whatever reason.
    pub(crate) fn unwrap(self, key_encryption_key: &SecretBytes, wrapped: &[u8]) -> Option<SecretBytes> {
        // RFC 3394, section 2: two blocks at least; the integrity check says nothing about fewer.
        if wrapped.len() < 24 || !wrapped.len().is_multiple_of(8) {
            return None;
        }
        let mut key = Zeroizing::new(vec![0; wrapped.len() - 8]);
        let wrapping_key = key_encryption_key.expose();
        match self {
            Self::Aes128 => KwAes128::new_from_slice(wrapping_key).ok()?.unwrap_key(wrapped, &mut key),
            Self::Aes192 => KwAes192::new_from_slice(wrapping_key).ok()?.unwrap_key(wrapped, &mut key),
            Self::Aes256 => KwAes256::new_from_slice(wrapping_key).ok()?.unwrap_key(wrapped, &mut key),
            Self::TripleDes => return unwrap_triple_des(wrapping_key, wrapped),
        }
        .ok()?;
        Some(SecretBytes::new(std::mem::take(&mut *key)))
    }
}

/// RFC 3217, section 3.2: two layers of CBC, the second over the bytes in reverse, and eight bytes
/// of SHA-1 as check.
fn unwrap_triple_des(wrapping_key: &[u8], wrapped: &[u8]) -> Option<SecretBytes> {
    let cipher = ContentEncryption::TripleDesCbc;
    let mut bytes = Zeroizing::new(wrapped.to_vec());
    decrypt_blocks(cipher, wrapping_key, &TRIPLE_DES_INITIAL, &mut bytes)?;
    bytes.reverse();
    let (initial, inner) = bytes.split_at_mut_checked(8)?;
    decrypt_blocks(cipher, wrapping_key, initial, inner)?;
    let (key, check) = inner.split_at_checked(inner.len().checked_sub(8)?)?;
    let digest = Sha1::digest(key);
    let good = digest.get(..8)?.ct_eq(check);
    bool::from(good).then(|| SecretBytes::copy_of(key))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn hex(digits: &str) -> Vec<u8> {
        let digits: Vec<u8> =
            digits.bytes().map(|digit| (digit as char).to_digit(16).unwrap() as u8).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    #[test]
    fn the_example_of_rfc_3394_with_256_bits_holds() {
        let kek = SecretBytes::new(hex("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"));
        let key = SecretBytes::new(hex("00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F"));
        let wrapped = Wrap::Aes256.wrap(&kek, &key).unwrap();
        assert_eq!(
            wrapped,
            hex("28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21")
        );
        assert_eq!(Wrap::Aes256.unwrap(&kek, &wrapped).unwrap().expose(), key.expose());
    }

    #[test]
    fn the_example_of_rfc_3217_holds() {
        let kek = SecretBytes::new(hex("255e0d1c07b646dfb3134cc843ba8aa71f025b7c0838251f"));
        let wrapped = hex("690107618ef092b3b48ca1796b234ae9fa33ebb4159604037db5d6a84eb3aac2768c632775a467d4");
        let key = Wrap::TripleDes.unwrap(&kek, &wrapped).unwrap();
        assert_eq!(key.expose(), hex("2923bf85e06dd6ae529149f1f1bae9eab3a7da3d860d3e98"));
    }

    #[test]
    fn a_wrapped_key_that_is_changed_short_or_odd_is_refused() {
        for wrap in [Wrap::Aes128, Wrap::Aes192, Wrap::Aes256] {
            let kek = SecretBytes::new(vec![3; wrap.key_length()]);
            let wrapped = wrap.wrap(&kek, &SecretBytes::new(vec![9; 16])).unwrap();
            for bit in 0..wrapped.len() * 8 {
                let mut changed = wrapped.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(wrap.unwrap(&kek, &changed).is_none());
            }
            for length in 0..wrapped.len() {
                assert!(wrap.unwrap(&kek, &wrapped[..length]).is_none());
            }
            assert!(wrap.unwrap(&SecretBytes::new(vec![3; 15]), &wrapped).is_none());
        }
        for length in 0..64 {
            assert!(Wrap::TripleDes.unwrap(&SecretBytes::new(vec![3; 24]), &vec![7; length]).is_none());
        }
    }

    #[test]
    fn null_parameters_are_read_as_absent_ones() {
        for wrap in [Wrap::Aes128, Wrap::Aes192, Wrap::Aes256, Wrap::TripleDes] {
            assert_eq!(Wrap::parse(&wrap.to_der()), Some(wrap));
        }
        assert_eq!(Wrap::parse(&algorithm_der(AES_256_WRAP, &[5, 0])), Some(Wrap::Aes256));
        assert_eq!(Wrap::parse(&algorithm_der(AES_256_WRAP, &[4, 0])), None);
    }
}
