//! Keys from passphrases: RFC 7292 appendix B, PBKDF1 and PBKDF2 (RFC 8018), scrypt (RFC 7914),
//! and the budget that keeps a file from working us to death.

use sha2::Digest;
use zeroize::{Zeroize, Zeroizing};

use super::{Pkcs12Error, Pkcs12Limit};
use crate::algorithm::DigestAlgorithm;
use crate::limits;
use crate::secret::SecretBytes;

/// Iterations that are left for all derivations of one file.
pub(crate) struct Budget {
    iterations: u32,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self { iterations: limits::PKCS12_ITERATIONS }
    }

    /// Takes the price of one derivation before it starts.
    fn spend(&mut self, iterations: u32, blocks: usize) -> Result<(), Pkcs12Error> {
        if iterations == 0 {
            return Err(Pkcs12Error::Malformed { what: "iteration count" });
        }
        if iterations > limits::PBKDF2_ITERATIONS {
            return Err(Pkcs12Error::Limit(Pkcs12Limit::Iterations));
        }
        let price = u32::try_from(blocks).ok().and_then(|blocks| iterations.checked_mul(blocks));
        let left = price.and_then(|price| self.iterations.checked_sub(price));
        self.iterations = left.ok_or(Pkcs12Error::Limit(Pkcs12Limit::Iterations))?;
        Ok(())
    }
}

/// What the derived bytes are for (RFC 7292, appendix B.3).
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// An encryption key.
    Key = 1,
    /// An initialization vector.
    InitializationVector = 2,
    /// A MAC key.
    Mac = 3,
}

/// RFC 7292, appendix B.2, for the digests that have block and output sizes there.
pub(super) fn derive(
    digest: DigestAlgorithm,
    purpose: Purpose,
    passphrase: &SecretBytes,
    salt: &[u8],
    iterations: u32,
    length: usize,
    budget: &mut Budget,
) -> Result<SecretBytes, Pkcs12Error> {
    let derive = match digest {
        DigestAlgorithm::Sha1 => derive_with::<sha1::Sha1>,
        DigestAlgorithm::Sha224 => derive_with::<sha2::Sha224>,
        DigestAlgorithm::Sha256 => derive_with::<sha2::Sha256>,
        DigestAlgorithm::Sha384 => derive_with::<sha2::Sha384>,
        DigestAlgorithm::Sha512 => derive_with::<sha2::Sha512>,
        other => return Err(unsupported(other)),
    };
    let block_size =
        if matches!(digest, DigestAlgorithm::Sha384 | DigestAlgorithm::Sha512) { 128 } else { 64 };
    budget.spend(iterations, length.div_ceil(output_length(digest)))?;
    Ok(derive(block_size, purpose, passphrase.expose(), salt, iterations, length))
}

/// The steps of appendix B.2 with their names: D, S, P, I, A, B.
fn derive_with<D: Digest>(
    block_size: usize,
    purpose: Purpose,
    passphrase: &[u8],
    salt: &[u8],
    iterations: u32,
    length: usize,
) -> SecretBytes {
    let diversifier = vec![purpose as u8; block_size];
    let mut input = input_blocks(salt, passphrase, block_size);
    let mut output = Vec::with_capacity(length + 64);
    while output.len() < length {
        let mut block = D::new().chain_update(&diversifier).chain_update(&*input).finalize();
        for _ in 1..iterations {
            block = D::digest(&block);
        }
        output.extend_from_slice(&block);
        advance(&mut input, &block, block_size);
    }
    output.truncate(length);
    SecretBytes::new(output)
}

/// Whether gpgsm 2.2 makes another key than this Triple DES key of everybody else: where a block of
/// the input of the second round begins with a zero octet, its `string_to_key` (`sm/minip12.c`)
/// writes the block as a number without it, and so shifted. That happens to two salts in 256.
pub(super) fn is_misread_by_gpgsm(key: &SecretBytes, salt: &[u8], passphrase: &SecretBytes) -> bool {
    const BLOCK_SIZE: usize = 64;
    let Some(first_round) = key.expose().get(..output_length(DigestAlgorithm::Sha1)) else { return false };
    let mut input = input_blocks(salt, passphrase.expose(), BLOCK_SIZE);
    advance(&mut input, first_round, BLOCK_SIZE);
    input.chunks(BLOCK_SIZE).any(|block| block.first() == Some(&0))
}

/// I: salt and passphrase, each repeated to whole blocks.
fn input_blocks(salt: &[u8], passphrase: &[u8], block_size: usize) -> Zeroizing<Vec<u8>> {
    let mut input = Zeroizing::new(repeat_to_blocks(salt, block_size));
    input.extend(Zeroizing::new(repeat_to_blocks(passphrase, block_size)).iter());
    input
}

/// Step 6C: the input of the next round, by the output of this one.
fn advance(input: &mut [u8], output: &[u8], block_size: usize) {
    let increment: Zeroizing<Vec<u8>> =
        Zeroizing::new(output.iter().copied().cycle().take(block_size).collect());
    for chunk in input.chunks_mut(block_size) {
        add_and_one(chunk, &increment);
    }
}

/// Copies of `bytes`, to the next multiple of the block size; nothing of nothing.
fn repeat_to_blocks(bytes: &[u8], block_size: usize) -> Vec<u8> {
    let length = bytes.len().div_ceil(block_size) * block_size;
    bytes.iter().copied().cycle().take(length).collect()
}

/// `chunk = chunk + increment + 1`, big-endian, without the last carry.
fn add_and_one(chunk: &mut [u8], increment: &[u8]) {
    let mut carry = 1u16;
    for (byte, &more) in chunk.iter_mut().zip(increment).rev() {
        carry += u16::from(*byte) + u16::from(more);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
}

/// PBKDF1 (RFC 8018, section 5.1): the first 16 bytes, which are a DES or RC2 key and an
/// initialization vector.
pub(super) fn pbkdf1(
    digest: DigestAlgorithm,
    passphrase: &SecretBytes,
    salt: &[u8],
    iterations: u32,
    budget: &mut Budget,
) -> Result<SecretBytes, Pkcs12Error> {
    budget.spend(iterations, 1)?;
    match digest {
        DigestAlgorithm::Md5 => Ok(pbkdf1_with::<md5::Md5>(passphrase.expose(), salt, iterations)),
        DigestAlgorithm::Sha1 => Ok(pbkdf1_with::<sha1::Sha1>(passphrase.expose(), salt, iterations)),
        other => Err(unsupported(other)),
    }
}

fn pbkdf1_with<D: Digest>(passphrase: &[u8], salt: &[u8], iterations: u32) -> SecretBytes {
    let mut block = D::new().chain_update(passphrase).chain_update(salt).finalize();
    for _ in 1..iterations {
        block = D::digest(&block);
    }
    let mut bytes = block.to_vec();
    if let Some(rest) = bytes.get_mut(16..) {
        rest.zeroize();
    }
    bytes.truncate(16);
    SecretBytes::new(bytes)
}

/// PBKDF2 (RFC 8018, section 5.2) with HMAC.
pub(super) fn pbkdf2(
    digest: DigestAlgorithm,
    passphrase: &SecretBytes,
    salt: &[u8],
    iterations: u32,
    length: usize,
    budget: &mut Budget,
) -> Result<SecretBytes, Pkcs12Error> {
    let derive = match digest {
        DigestAlgorithm::Sha1 => pbkdf2::pbkdf2_hmac::<sha1::Sha1>,
        DigestAlgorithm::Sha224 => pbkdf2::pbkdf2_hmac::<sha2::Sha224>,
        DigestAlgorithm::Sha256 => pbkdf2::pbkdf2_hmac::<sha2::Sha256>,
        DigestAlgorithm::Sha384 => pbkdf2::pbkdf2_hmac::<sha2::Sha384>,
        DigestAlgorithm::Sha512 => pbkdf2::pbkdf2_hmac::<sha2::Sha512>,
        other => return Err(unsupported(other)),
    };
    budget.spend(iterations, length.div_ceil(output_length(digest)))?;
    let mut key = vec![0; length];
    derive(passphrase.expose(), salt, iterations, &mut key);
    Ok(SecretBytes::new(key))
}

/// scrypt (RFC 7914), within [`limits::SCRYPT_BYTES`] of memory.
pub(super) fn scrypt(
    passphrase: &SecretBytes,
    salt: &[u8],
    cost: u64,
    block_size: u32,
    parallelization: u32,
    length: usize,
) -> Result<SecretBytes, Pkcs12Error> {
    let malformed = Pkcs12Error::Malformed { what: "scrypt-params" };
    // Parallelization costs time where we do not run in parallel; it counts as memory does.
    let memory =
        [128, u64::from(block_size), u64::from(parallelization)].into_iter().try_fold(cost, u64::checked_mul);
    if memory.is_none_or(|memory| memory > limits::SCRYPT_BYTES) {
        return Err(Pkcs12Error::Limit(Pkcs12Limit::Memory));
    }
    if !cost.is_power_of_two() {
        return Err(malformed);
    }
    let log_cost = u8::try_from(cost.trailing_zeros()).map_err(|_| malformed.clone())?;
    let parameters =
        scrypt::Params::new(log_cost, block_size, parallelization).map_err(|_| malformed.clone())?;
    let mut key = vec![0; length];
    scrypt::scrypt(passphrase.expose(), salt, &parameters, &mut key).map_err(|_| malformed)?;
    Ok(SecretBytes::new(key))
}

/// Bytes of a digest, or the least of any where the algorithm is not used here.
pub(super) fn output_length(digest: DigestAlgorithm) -> usize {
    match digest {
        DigestAlgorithm::Sha1 => 20,
        DigestAlgorithm::Sha224 => 28,
        DigestAlgorithm::Sha256 => 32,
        DigestAlgorithm::Sha384 => 48,
        DigestAlgorithm::Sha512 => 64,
        _ => 16,
    }
}

fn unsupported(digest: DigestAlgorithm) -> Pkcs12Error {
    Pkcs12Error::Unsupported { what: format!("key derivation with {}", digest.name()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_file_cannot_buy_more_iterations_than_the_limit() {
        let spend = |iterations| Budget::new().spend(iterations, 1);
        assert_eq!(spend(limits::PBKDF2_ITERATIONS), Ok(()));
        assert_eq!(spend(limits::PBKDF2_ITERATIONS + 1), Err(Pkcs12Error::Limit(Pkcs12Limit::Iterations)));
    }

    #[test]
    fn all_derivations_of_a_file_share_one_budget() {
        let mut shared = Budget::new();
        for _ in 0..limits::PKCS12_ITERATIONS / limits::PBKDF2_ITERATIONS {
            shared.spend(limits::PBKDF2_ITERATIONS, 1).unwrap();
        }
        assert!(shared.spend(1, 1).is_err());
    }

    #[test]
    fn scrypt_stays_within_its_memory() {
        let secret = SecretBytes::copy_of(b"x");
        assert!(scrypt(&secret, b"salt", 1 << 10, 8, 1, 32).is_ok());
        let limit = Some(Pkcs12Error::Limit(Pkcs12Limit::Memory));
        assert_eq!(scrypt(&secret, b"salt", 1 << 40, 8, 1, 32).err(), limit);
        assert!(scrypt(&secret, b"salt", 0, 8, 1, 32).is_err());
        assert!(scrypt(&secret, b"salt", 3, 8, 1, 32).is_err());
    }
}
