//! Paddings of RSA (RFC 8017), with the digests chosen at run time.
//!
//! What is public (signatures) is compared plainly; what is secret (decryption) is looked at in
//! constant time, so that neither Bleichenbacher's nor Manger's question gets an answer.

use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::Zeroizing;

use super::algorithm_identifier::{algorithm_der, digest_oid};
use super::digest::{Hasher, digest, length, mask_generation};
use super::tlv::{self, tag};
use crate::algorithm::DigestAlgorithm;
use crate::ports::{OaepParameters, Random};
use crate::secret::SecretBytes;

/// Whether the parameters field of a DigestInfo is NULL or absent; some signers leave it out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum DigestParameters {
    Null,
    Absent,
}

/// EMSA-PKCS1-v1_5 (RFC 8017, section 9.2) in `size` bytes; nothing where it does not fit.
pub(crate) fn encode_signature(
    algorithm: DigestAlgorithm,
    parameters: DigestParameters,
    hash: &[u8],
    size: usize,
) -> Option<Vec<u8>> {
    let info = digest_info(algorithm, parameters, hash);
    let filler = size.checked_sub(info.len() + 3).filter(|filler| *filler >= 8)?;
    let mut encoded = vec![0, 1];
    encoded.resize(2 + filler, 0xff);
    encoded.push(0);
    encoded.extend(info);
    Some(encoded)
}

/// A DigestInfo (RFC 8017, section 9.2, step 2).
pub(crate) fn digest_info(algorithm: DigestAlgorithm, parameters: DigestParameters, hash: &[u8]) -> Vec<u8> {
    let null = if parameters == DigestParameters::Null { &[tag::NULL, 0][..] } else { &[] };
    let identifier = algorithm_der(digest_oid(algorithm), null);
    tlv::sequence(&[&identifier, &tlv::encode(tag::OCTET_STRING, hash)])
}

/// EMSA-PSS-VERIFY (RFC 8017, section 9.1.2). `encoded` has as many bytes as the modulus.
pub(crate) fn verify_pss(
    algorithm: DigestAlgorithm,
    mask_digest: DigestAlgorithm,
    salt_length: usize,
    hash: &[u8],
    modulus_bits: usize,
    encoded: &[u8],
) -> bool {
    pss_salt(algorithm, mask_digest, salt_length, modulus_bits, encoded)
        .is_some_and(|(salt, expected)| pss_hash(algorithm, hash, &salt).as_slice() == expected)
}

/// Takes an encoded message apart: the salt, and the digest that must come out.
fn pss_salt(
    algorithm: DigestAlgorithm,
    mask_digest: DigestAlgorithm,
    salt_length: usize,
    modulus_bits: usize,
    encoded: &[u8],
) -> Option<(Vec<u8>, &[u8])> {
    let encoded_bits = modulus_bits.checked_sub(1)?;
    let encoded_length = encoded_bits.div_ceil(8);
    let (leading, encoded) = encoded.split_at_checked(encoded.len().checked_sub(encoded_length)?)?;
    let (body, trailer) = encoded.split_at_checked(encoded_length.checked_sub(1)?)?;
    let (masked, expected) = body.split_at_checked(body.len().checked_sub(length(algorithm))?)?;
    let filler = masked.len().checked_sub(salt_length)?.checked_sub(1)?;
    // Bits above those that are encoded must be zero, in the signature and below the mask.
    let first_mask = 0xff_u8 >> (8 * encoded_length - encoded_bits);
    let excess = masked.first()? & !first_mask;
    if leading.iter().any(|byte| *byte != 0) || trailer != [0xbc] || excess != 0 {
        return None;
    }
    let mut data = masked.to_vec();
    mask_generation(mask_digest, expected, &mut data);
    *data.first_mut()? &= first_mask;
    let (zeros, rest) = data.split_at_checked(filler)?;
    let (one, salt) = rest.split_first()?;
    (zeros.iter().all(|byte| *byte == 0) && *one == 1).then(|| (salt.to_vec(), expected))
}

/// The digest of eight zero bytes, the message's digest and the salt.
fn pss_hash(algorithm: DigestAlgorithm, hash: &[u8], salt: &[u8]) -> Vec<u8> {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(&[0; 8]);
    hasher.update(hash);
    hasher.update(salt);
    hasher.finish()
}

/// EMSA-PSS-ENCODE (RFC 8017, section 9.1.1), as long as the modulus; nothing where it does not
/// fit.
pub(crate) fn encode_pss(
    algorithm: DigestAlgorithm,
    mask_digest: DigestAlgorithm,
    salt: &[u8],
    hash: &[u8],
    modulus_bits: usize,
) -> Option<Vec<u8>> {
    let encoded_bits = modulus_bits.checked_sub(1)?;
    let encoded_length = encoded_bits.div_ceil(8);
    let salted = pss_hash(algorithm, hash, salt);
    let filler = encoded_length.checked_sub(salted.len() + salt.len() + 2)?;
    let mut data = vec![0; filler];
    data.push(1);
    data.extend_from_slice(salt);
    mask_generation(mask_digest, &salted, &mut data);
    *data.first_mut()? &= 0xff_u8 >> (8 * encoded_length - encoded_bits);
    let mut encoded = vec![0; modulus_bits.div_ceil(8) - encoded_length];
    encoded.extend([data, salted, vec![0xbc]].concat());
    Some(encoded)
}

/// EME-PKCS1-v1_5 (RFC 8017, section 7.2.1); nothing where the secret is too long.
pub(crate) fn encode_encryption(
    random: &mut dyn Random,
    secret: &[u8],
    size: usize,
) -> Option<Zeroizing<Vec<u8>>> {
    let filler = size.checked_sub(secret.len() + 3).filter(|filler| *filler >= 8)?;
    let mut encoded = Zeroizing::new(vec![0; size]);
    let (head, message) = encoded.split_at_mut_checked(size - secret.len())?;
    let (_, filling) = head.split_at_mut_checked(2)?;
    let filling = filling.get_mut(..filler)?;
    random.fill(filling);
    while let Some(zero) = filling.iter_mut().find(|byte| **byte == 0) {
        random.fill(std::slice::from_mut(zero));
    }
    message.copy_from_slice(secret);
    *encoded.get_mut(1)? = 2;
    Some(encoded)
}

/// EME-PKCS1-v1_5 decoding with implicit rejection (RFC 3218): the last bytes of `encoded` if it
/// holds a message of exactly the length of `instead`, otherwise `instead`, in the same time.
pub(crate) fn decode_encryption(encoded: &[u8], instead: &SecretBytes) -> SecretBytes {
    let message_length = instead.len();
    // The length of the modulus and of the expected key are public.
    let Some(filler_end) = encoded.len().checked_sub(message_length + 1).filter(|end| *end >= 10) else {
        return instead.clone();
    };
    let mut good = Choice::from(1);
    for (position, byte) in encoded.iter().take(filler_end + 1).enumerate() {
        good &= match position {
            0 => byte.ct_eq(&0),
            1 => byte.ct_eq(&2),
            _ if position == filler_end => byte.ct_eq(&0),
            _ => !byte.ct_eq(&0),
        };
    }
    let message = encoded.get(filler_end + 1..).unwrap_or_default();
    select(good, message, instead)
}

/// `message` where `good`, otherwise `instead`, of the same length and in the same time.
pub(crate) fn select(good: Choice, message: &[u8], instead: &SecretBytes) -> SecretBytes {
    let selected = message
        .iter()
        .zip(instead.expose())
        .map(|(byte, instead)| u8::conditional_select(instead, byte, good))
        .collect();
    SecretBytes::new(selected)
}

/// EME-OAEP encoding (RFC 8017, section 7.1.1); nothing where the secret is too long.
pub(crate) fn encode_oaep(
    random: &mut dyn Random,
    parameters: &OaepParameters,
    secret: &[u8],
    size: usize,
) -> Option<Zeroizing<Vec<u8>>> {
    let digest_length = length(parameters.digest);
    let data_length = size.checked_sub(digest_length + 1)?;
    let filler = data_length.checked_sub(digest_length + 1 + secret.len())?;
    let mut data = Zeroizing::new(digest(parameters.digest, &parameters.label));
    data.resize(digest_length + filler, 0);
    data.push(1);
    data.extend_from_slice(secret);
    let mut seed = Zeroizing::new(vec![0; digest_length]);
    random.fill(&mut seed);
    mask_generation(parameters.mask_digest, &seed, &mut data);
    mask_generation(parameters.mask_digest, &data, &mut seed);
    let mut encoded = Zeroizing::new(Vec::with_capacity(size));
    encoded.push(0);
    encoded.extend_from_slice(&seed);
    encoded.extend_from_slice(&data);
    Some(encoded)
}

/// EME-OAEP decoding (RFC 8017, section 7.1.2, step 3): one answer for every failure, in a time
/// that does not depend on which it was.
pub(crate) fn decode_oaep(parameters: &OaepParameters, encoded: &[u8]) -> Option<SecretBytes> {
    let digest_length = length(parameters.digest);
    let (first, rest) = encoded.split_first()?;
    let (masked_seed, masked_data) = rest.split_at_checked(digest_length)?;
    let mut seed = Zeroizing::new(masked_seed.to_vec());
    let mut data = Zeroizing::new(masked_data.to_vec());
    mask_generation(parameters.mask_digest, &data, &mut seed);
    mask_generation(parameters.mask_digest, &seed, &mut data);
    let (label_hash, padded) = data.split_at_checked(digest_length)?;
    let mut good = first.ct_eq(&0) & label_hash.ct_eq(&digest(parameters.digest, &parameters.label));
    let mut looking = Choice::from(1);
    let mut start = 0_u32;
    for (position, byte) in (1_u32..).zip(padded) {
        let is_one = byte.ct_eq(&1);
        start.conditional_assign(&position, looking & is_one);
        good &= !looking | is_one | byte.ct_eq(&0);
        looking &= !is_one;
    }
    good &= !looking;
    if bool::from(good) { padded.get(start as usize..).map(SecretBytes::copy_of) } else { None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    struct Sevens;

    impl Random for Sevens {
        fn fill(&mut self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    const SHA256: DigestAlgorithm = DigestAlgorithm::Sha256;

    fn oaep(label: &[u8]) -> OaepParameters {
        OaepParameters { digest: SHA256, mask_digest: DigestAlgorithm::Sha1, label: label.to_vec() }
    }

    #[test]
    fn oaep_reads_back_and_one_changed_bit_is_refused() {
        let encoded = encode_oaep(&mut Sevens, &oaep(b"x"), b"secret", 128).unwrap();
        assert_eq!(decode_oaep(&oaep(b"x"), &encoded).unwrap().expose(), b"secret");
        assert!(decode_oaep(&oaep(b"y"), &encoded).is_none());
        for bit in 0..encoded.len() * 8 {
            let mut changed = encoded.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            let refused = decode_oaep(&oaep(b"x"), &changed).is_none_or(|found| found.expose() != b"secret");
            assert!(refused, "bit {bit}");
        }
        assert!(encode_oaep(&mut Sevens, &oaep(b""), &[0; 63], 128).is_none());
        assert!(encode_oaep(&mut Sevens, &oaep(b""), &[0; 62], 128).is_some());
    }

    #[test]
    fn whatever_is_wrong_with_the_padding_the_other_secret_comes_back() {
        let instead = SecretBytes::new(vec![9; 16]);
        let good = encode_encryption(&mut Sevens, &[5; 16], 128).unwrap();
        assert_eq!(decode_encryption(&good, &instead).expose(), [5; 16]);
        for position in 0..=111 {
            let mut changed = good.to_vec();
            changed[position] = if changed[position] == 0 { 1 } else { 0 };
            assert_eq!(decode_encryption(&changed, &instead).expose(), [9; 16], "{position}");
        }
        let longer = SecretBytes::new(vec![9; 24]);
        assert_eq!(decode_encryption(&good, &longer).expose(), [9; 24]);
    }

    #[test]
    fn pss_reads_back_for_every_number_of_bits() {
        let hash = digest(SHA256, b"message");
        for bits in 1024..1040 {
            let encoded = encode_pss(SHA256, SHA256, &[3; 32], &hash, bits).unwrap();
            assert_eq!(encoded.len(), bits.div_ceil(8));
            assert!(verify_pss(SHA256, SHA256, 32, &hash, bits, &encoded));
            assert!(!verify_pss(SHA256, SHA256, 31, &hash, bits, &encoded));
            assert!(!verify_pss(SHA256, DigestAlgorithm::Sha1, 32, &hash, bits, &encoded));
        }
    }
}
