//! Cipher block chaining with the padding of RFC 5652, section 6.3, a piece at a time.

use std::io::{Read, Write};

use aes::cipher::array::{Array, ArraySize};
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, BlockSizeUser, KeyIvInit};
use subtle::{Choice, ConstantTimeEq, ConstantTimeGreater};

use super::{ContentError, Piece};
use crate::algorithm::ContentEncryption;

/// One direction of a block cipher in CBC mode, whatever the cipher.
trait Blocks {
    /// Transforms whole blocks in place; what is less than a block at the end stays as it is.
    fn transform(&mut self, blocks: &mut [u8]);
}

struct Encrypting<M>(M);
struct Decrypting<M>(M);

impl<M: BlockModeEncrypt> Blocks for Encrypting<M>
where
    M::BlockSize: ArraySize,
{
    fn transform(&mut self, blocks: &mut [u8]) {
        let (blocks, _) = Array::<u8, M::BlockSize>::slice_as_chunks_mut(blocks);
        self.0.encrypt_blocks(blocks);
    }
}

impl<M: BlockModeDecrypt> Blocks for Decrypting<M>
where
    M::BlockSize: ArraySize,
{
    fn transform(&mut self, blocks: &mut [u8]) {
        let (blocks, _) = Array::<u8, M::BlockSize>::slice_as_chunks_mut(blocks);
        self.0.decrypt_blocks(blocks);
    }
}

/// A cipher in CBC mode, in one direction.
pub(super) struct Cbc {
    blocks: Box<dyn Blocks>,
    block_size: usize,
}

impl Cbc {
    /// For sealing. Nothing where key or initialization vector have a wrong length.
    pub(super) fn encryptor(algorithm: ContentEncryption, key: &[u8], initial: &[u8]) -> Option<Self> {
        match algorithm {
            ContentEncryption::Aes128Cbc => Self::encrypting::<cbc::Encryptor<aes::Aes128>>(key, initial),
            ContentEncryption::Aes192Cbc => Self::encrypting::<cbc::Encryptor<aes::Aes192>>(key, initial),
            ContentEncryption::Aes256Cbc => Self::encrypting::<cbc::Encryptor<aes::Aes256>>(key, initial),
            ContentEncryption::TripleDesCbc => {
                Self::encrypting::<cbc::Encryptor<des::TdesEde3>>(key, initial)
            }
            ContentEncryption::DesCbc => Self::encrypting::<cbc::Encryptor<des::Des>>(key, initial),
            _ => None,
        }
    }

    /// For opening. Nothing where key or initialization vector have a wrong length.
    pub(super) fn decryptor(algorithm: ContentEncryption, key: &[u8], initial: &[u8]) -> Option<Self> {
        match algorithm {
            ContentEncryption::Aes128Cbc => Self::decrypting::<cbc::Decryptor<aes::Aes128>>(key, initial),
            ContentEncryption::Aes192Cbc => Self::decrypting::<cbc::Decryptor<aes::Aes192>>(key, initial),
            ContentEncryption::Aes256Cbc => Self::decrypting::<cbc::Decryptor<aes::Aes256>>(key, initial),
            ContentEncryption::TripleDesCbc => {
                Self::decrypting::<cbc::Decryptor<des::TdesEde3>>(key, initial)
            }
            ContentEncryption::DesCbc => Self::decrypting::<cbc::Decryptor<des::Des>>(key, initial),
            ContentEncryption::Rc2Cbc { effective_bits } => Self::rc2_decryptor(key, effective_bits, initial),
            _ => None,
        }
    }

    fn rc2_decryptor(key: &[u8], effective_bits: u32, initial: &[u8]) -> Option<Self> {
        use aes::cipher::InnerIvInit;
        if key.is_empty() || key.len() > 128 || !(1..=1024).contains(&effective_bits) {
            return None;
        }
        let cipher = rc2::Rc2::new_with_eff_key_len(key, effective_bits as usize);
        let mode = cbc::Decryptor::inner_iv_slice_init(cipher, initial).ok()?;
        Some(Self { blocks: Box::new(Decrypting(mode)), block_size: 8 })
    }

    fn encrypting<M>(key: &[u8], initial: &[u8]) -> Option<Self>
    where
        M: BlockModeEncrypt + KeyIvInit + 'static,
        M::BlockSize: ArraySize,
    {
        let mode = M::new_from_slices(key, initial).ok()?;
        Some(Self { blocks: Box::new(Encrypting(mode)), block_size: <M as BlockSizeUser>::block_size() })
    }

    fn decrypting<M>(key: &[u8], initial: &[u8]) -> Option<Self>
    where
        M: BlockModeDecrypt + KeyIvInit + 'static,
        M::BlockSize: ArraySize,
    {
        let mode = M::new_from_slices(key, initial).ok()?;
        Some(Self { blocks: Box::new(Decrypting(mode)), block_size: <M as BlockSizeUser>::block_size() })
    }

    /// Transforms whole blocks, without padding; nothing where there are no whole blocks.
    pub(super) fn transform_whole(mut self, blocks: &mut [u8]) -> Option<()> {
        blocks.len().is_multiple_of(self.block_size).then(|| self.blocks.transform(blocks))
    }

    /// Pads and encrypts all of `input`.
    pub(super) fn encrypt(
        mut self,
        input: &mut dyn Read,
        output: &mut dyn Write,
    ) -> Result<u64, ContentError> {
        let mut piece = Piece::new();
        let mut total = 0;
        while piece.fill(input)? {
            total += piece.len() as u64;
            self.blocks.transform(piece.bytes());
            output.write_all(piece.bytes()).map_err(ContentError::Output)?;
        }
        // The last piece is never full, so there is room for one to `block_size` bytes of padding.
        total += piece.len() as u64;
        let missing = self.block_size - piece.len() % self.block_size;
        piece.append(missing, missing as u8);
        self.blocks.transform(piece.bytes());
        output.write_all(piece.bytes()).map_err(ContentError::Output)?;
        Ok(total)
    }

    /// Decrypts all of `input` and removes the padding.
    ///
    /// What is wrong with length or padding shows only as [`ContentError::Failed`] at the very
    /// end, after the same work as for a good message (Vaudenay 2002).
    pub(super) fn decrypt(
        mut self,
        input: &mut dyn Read,
        output: &mut dyn Write,
    ) -> Result<(), ContentError> {
        let mut piece = Piece::new();
        let mut last = LastBlock::default();
        loop {
            let more = piece.fill(input)?;
            let whole = piece.len().is_multiple_of(self.block_size);
            self.blocks.transform(piece.bytes());
            last.exchange(piece.bytes(), self.block_size, output)?;
            if !more {
                return last.unpad(whole, output);
            }
        }
    }
}

/// The decrypted block that may be the last, held back because its end is padding.
#[derive(Default)]
struct LastBlock(zeroize::Zeroizing<Vec<u8>>);

impl LastBlock {
    /// Writes the block held so far and all of `bytes` but its last block, which is held from now.
    fn exchange(
        &mut self,
        bytes: &[u8],
        block_size: usize,
        output: &mut dyn Write,
    ) -> Result<(), ContentError> {
        let Some((ready, held)) =
            bytes.len().checked_sub(block_size).and_then(|split| bytes.split_at_checked(split))
        else {
            return Ok(());
        };
        output.write_all(&self.0).map_err(ContentError::Output)?;
        output.write_all(ready).map_err(ContentError::Output)?;
        self.0.clear();
        self.0.extend_from_slice(held);
        Ok(())
    }

    /// Checks all padding bytes without a branch on them, then writes what is not padding.
    fn unpad(self, whole: bool, output: &mut dyn Write) -> Result<(), ContentError> {
        let block = &self.0;
        let size = block.len() as u8;
        let count = block.last().copied().unwrap_or(0);
        let mut good = Choice::from(u8::from(whole && size > 0)) & count.ct_gt(&0) & !count.ct_gt(&size);
        for (distance, byte) in (1_u8..).zip(block.iter().rev()) {
            let outside = distance.ct_gt(&count);
            good &= outside | byte.ct_eq(&count);
        }
        let kept = block.len().checked_sub(usize::from(count)).and_then(|kept| block.get(..kept));
        match (bool::from(good), kept) {
            (true, Some(kept)) => output.write_all(kept).map_err(ContentError::Output),
            _ => Err(ContentError::Failed),
        }
    }
}
