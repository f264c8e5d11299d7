//! AES-CCM (NIST SP 800-38C, RFC 5084) a piece at a time.
//!
//! CCM hashes the length and the associated data first, so both must be known when it starts.

use aes::cipher::consts::U16;
use aes::cipher::{Block, BlockCipherEncrypt, BlockSizeUser, KeyInit, KeyIvInit, StreamCipher};
use zeroize::Zeroizing;

use super::ContentError;

/// One content under AES-CCM. All pieces but the last are whole blocks.
pub(super) struct Ccm {
    keystream: Box<dyn StreamCipher>,
    mac: Box<dyn CbcMac>,
    tag_mask: Zeroizing<[u8; 16]>,
    remaining: u64,
}

impl Ccm {
    /// Nothing where key, nonce, tag or content have a length that CCM does not allow.
    pub(super) fn new(
        key: &[u8],
        nonce: &[u8],
        tag_length: usize,
        length: u64,
        associated: &[u8],
    ) -> Option<Self> {
        match key.len() {
            16 => Self::with::<aes::Aes128>(key, nonce, tag_length, length, associated),
            24 => Self::with::<aes::Aes192>(key, nonce, tag_length, length, associated),
            32 => Self::with::<aes::Aes256>(key, nonce, tag_length, length, associated),
            _ => None,
        }
    }

    fn with<C>(key: &[u8], nonce: &[u8], tag_length: usize, length: u64, associated: &[u8]) -> Option<Self>
    where
        C: BlockCipherEncrypt + KeyInit + BlockSizeUser<BlockSize = U16> + 'static,
    {
        let first = first_block(nonce, tag_length, length, !associated.is_empty())?;
        let mut keystream = ctr::Ctr128BE::<C>::new_from_slices(key, &counter_block(nonce)?).ok()?;
        let mut tag_mask = Zeroizing::new([0; 16]);
        keystream.try_apply_keystream(tag_mask.as_mut_slice()).ok()?;
        let mut mac = Mac { cipher: C::new_from_slice(key).ok()?, state: Block::<C>::default() };
        mac.update(&first);
        mac.update(&encoded_associated(associated));
        Some(Self { keystream: Box::new(keystream), mac: Box::new(mac), tag_mask, remaining: length })
    }

    /// Encrypts a piece in place.
    pub(super) fn encrypt(&mut self, piece: &mut [u8]) -> Result<(), ContentError> {
        self.count(piece)?;
        self.mac.update(piece);
        self.keystream.try_apply_keystream(piece).map_err(|_| ContentError::TooLong)
    }

    /// Decrypts a piece in place.
    pub(super) fn decrypt(&mut self, piece: &mut [u8]) -> Result<(), ContentError> {
        self.count(piece)?;
        self.keystream.try_apply_keystream(piece).map_err(|_| ContentError::TooLong)?;
        self.mac.update(piece);
        Ok(())
    }

    /// The whole tag; the message's is its beginning.
    pub(super) fn tag(self) -> [u8; 16] {
        let mut tag = self.mac.state();
        for (byte, mask) in tag.iter_mut().zip(self.tag_mask.iter()) {
            *byte ^= mask;
        }
        tag
    }

    fn count(&mut self, piece: &[u8]) -> Result<(), ContentError> {
        self.remaining = self.remaining.checked_sub(piece.len() as u64).ok_or(ContentError::TooLong)?;
        Ok(())
    }
}

/// CBC-MAC over zero-padded pieces.
trait CbcMac {
    fn update(&mut self, bytes: &[u8]);
    fn state(&self) -> [u8; 16];
}

struct Mac<C: BlockSizeUser> {
    cipher: C,
    state: Block<C>,
}

impl<C: BlockCipherEncrypt> CbcMac for Mac<C> {
    fn update(&mut self, bytes: &[u8]) {
        for block in bytes.chunks(16) {
            for (byte, input) in self.state.iter_mut().zip(block) {
                *byte ^= input;
            }
            self.cipher.encrypt_block(&mut self.state);
        }
    }

    fn state(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(self.state.iter()).for_each(|(byte, state)| *byte = *state);
        bytes
    }
}

/// Flags, nonce and length (SP 800-38C, appendix A.2.1).
fn first_block(nonce: &[u8], tag_length: usize, length: u64, associated: bool) -> Option<[u8; 16]> {
    let length_octets = length_octets(nonce)?;
    if !(4..=16).contains(&tag_length) || !tag_length.is_multiple_of(2) {
        return None;
    }
    if length_octets < 8 && length >> (8 * length_octets) != 0 {
        return None;
    }
    let flags = u8::from(associated) << 6 | ((tag_length as u8 - 2) / 2) << 3 | (length_octets as u8 - 1);
    let mut block = u128::from(length).to_be_bytes();
    write_front(&mut block, flags, nonce);
    Some(block)
}

/// The counter block with counter zero (appendix A.3).
fn counter_block(nonce: &[u8]) -> Option<[u8; 16]> {
    let mut block = [0; 16];
    write_front(&mut block, length_octets(nonce)? as u8 - 1, nonce);
    Some(block)
}

fn length_octets(nonce: &[u8]) -> Option<usize> {
    (7..=13).contains(&nonce.len()).then(|| 15 - nonce.len())
}

fn write_front(block: &mut [u8; 16], flags: u8, nonce: &[u8]) {
    block.iter_mut().zip(std::iter::once(&flags).chain(nonce)).for_each(|(byte, value)| *byte = *value);
}

/// The associated data with its length in front (appendix A.2.2).
fn encoded_associated(associated: &[u8]) -> Vec<u8> {
    let length = associated.len() as u64;
    let mut encoded = match length {
        0 => return Vec::new(),
        1..0xFF00 => (length as u16).to_be_bytes().to_vec(),
        0xFF00..0x1_0000_0000 => [&[0xFF, 0xFE], (length as u32).to_be_bytes().as_slice()].concat(),
        _ => [&[0xFF, 0xFF], length.to_be_bytes().as_slice()].concat(),
    };
    encoded.extend_from_slice(associated);
    encoded
}
