//! AES-GCM (NIST SP 800-38D) a piece at a time, with the associated data coming last.
//!
//! In AuthEnvelopedData the authenticated attributes stand behind the content (RFC 5083, section
//! 2.1), but GHASH takes them first. GHASH is a polynomial in its key H, so the hash of the
//! attributes can be moved in front of n content blocks afterwards: multiply it by H to the n.
//! That saves a second pass over the content.

use aes::Aes128;
use aes::cipher::consts::U16;
use aes::cipher::{Block, BlockCipherEncrypt, BlockSizeUser, KeyInit, KeyIvInit, StreamCipher};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use zeroize::Zeroizing;

use super::ContentError;

/// Bytes that one nonce may encrypt: 2^39 - 256 bits (SP 800-38D, section 5.2.1.1).
const MOST_BYTES: u64 = (1 << 36) - 32;
/// The one of the field in which GHASH computes: its first bit is the coefficient of x^0.
const ONE: [u8; 16] = [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// One content under AES-GCM. All pieces but the last are whole blocks.
pub(super) struct Gcm {
    keystream: Box<dyn StreamCipher>,
    hash_key: Zeroizing<[u8; 16]>,
    hash: GHash,
    tag_mask: Zeroizing<[u8; 16]>,
    bytes: u64,
}

impl Gcm {
    /// Nothing where the key is no AES key.
    pub(super) fn new(key: &[u8], nonce: &[u8; 12]) -> Option<Self> {
        match key.len() {
            16 => Self::with::<Aes128>(key, nonce),
            24 => Self::with::<aes::Aes192>(key, nonce),
            32 => Self::with::<aes::Aes256>(key, nonce),
            _ => None,
        }
    }

    fn with<C>(key: &[u8], nonce: &[u8; 12]) -> Option<Self>
    where
        C: BlockCipherEncrypt + KeyInit + BlockSizeUser<BlockSize = U16> + 'static,
    {
        let cipher = C::new_from_slice(key).ok()?;
        let hash_key = encrypt_block(&cipher, &[0; 16]);
        let tag_mask = encrypt_block(&cipher, &counter_block(nonce, 1));
        let keystream = ctr::Ctr32BE::<C>::new_from_slices(key, &counter_block(nonce, 2)).ok()?;
        Some(Self {
            keystream: Box::new(keystream),
            hash: GHash::new(&(*hash_key).into()),
            hash_key,
            tag_mask,
            bytes: 0,
        })
    }

    /// Encrypts a piece in place.
    pub(super) fn encrypt(&mut self, piece: &mut [u8]) -> Result<(), ContentError> {
        self.count(piece)?;
        self.keystream.try_apply_keystream(piece).map_err(|_| ContentError::TooLong)?;
        self.hash.update_padded(piece);
        Ok(())
    }

    /// Decrypts a piece in place.
    pub(super) fn decrypt(&mut self, piece: &mut [u8]) -> Result<(), ContentError> {
        self.count(piece)?;
        self.hash.update_padded(piece);
        self.keystream.try_apply_keystream(piece).map_err(|_| ContentError::TooLong)
    }

    /// The whole tag over `associated` and the content so far.
    pub(super) fn tag(self, associated: &[u8]) -> [u8; 16] {
        let key = &self.hash_key;
        let mut state: Zeroizing<[u8; 16]> = Zeroizing::new(self.hash.finalize().into());
        if !associated.is_empty() {
            let mut hash = GHash::new(&(**key).into());
            hash.update_padded(associated);
            let shift = power(key, self.bytes.div_ceil(16));
            xor(&mut state, &multiply(&hash.finalize().into(), &shift));
        }
        xor(&mut state, &lengths(associated.len() as u64, self.bytes));
        let mut tag = multiply(&state, key);
        xor(&mut tag, &self.tag_mask);
        tag
    }

    fn count(&mut self, piece: &[u8]) -> Result<(), ContentError> {
        self.bytes = self.bytes.saturating_add(piece.len() as u64);
        if self.bytes > MOST_BYTES { Err(ContentError::TooLong) } else { Ok(()) }
    }
}

fn encrypt_block<C>(cipher: &C, block: &[u8; 16]) -> Zeroizing<[u8; 16]>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    let mut bytes = Block::<C>::from(*block);
    cipher.encrypt_block(&mut bytes);
    Zeroizing::new(bytes.into())
}

fn counter_block(nonce: &[u8; 12], counter: u32) -> [u8; 16] {
    let mut block = [0; 16];
    let (front, back) = block.split_at_mut(12);
    front.copy_from_slice(nonce);
    back.copy_from_slice(&counter.to_be_bytes());
    block
}

/// The last block of GHASH: both lengths in bits.
fn lengths(associated: u64, content: u64) -> [u8; 16] {
    (((u128::from(associated) * 8) << 64) | (u128::from(content) * 8)).to_be_bytes()
}

/// The product in GHASH's field: GHASH of one block is that block times the key.
fn multiply(left: &[u8; 16], right: &[u8; 16]) -> [u8; 16] {
    let mut hash = GHash::new(&(*right).into());
    hash.update(&[(*left).into()]);
    hash.finalize().into()
}

/// The key to the power of `exponent`, by squaring. The exponent is public.
fn power(key: &[u8; 16], exponent: u64) -> Zeroizing<[u8; 16]> {
    let mut result = Zeroizing::new(ONE);
    for bit in (0..u64::BITS - exponent.leading_zeros()).rev() {
        *result = multiply(&result, &result);
        if exponent >> bit & 1 == 1 {
            *result = multiply(&result, key);
        }
    }
    result
}

fn xor(target: &mut [u8; 16], other: &[u8; 16]) {
    for (byte, other) in target.iter_mut().zip(other) {
        *byte ^= other;
    }
}
