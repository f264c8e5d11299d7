//! Output in whole blocks.

use std::io::{self, Write};

/// Bytes of a block. On ext4, 64 KiB at a multiple of 64 KiB cost half of what pieces of other sizes
/// do, because each fills whole folios of the page cache.
const BLOCK_BYTES: usize = 64 << 10;

/// Gathers what is written and passes it on in whole blocks; the rest with [`Write::flush`]. What was
/// not flushed is not written when this is dropped.
#[derive(Debug)]
pub(crate) struct Blocks<W> {
    inner: W,
    block: Vec<u8>,
}

impl<W: Write> Blocks<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, block: Vec::with_capacity(BLOCK_BYTES) }
    }

    /// Writes what is left, and gives the inside back.
    pub(super) fn into_inner(mut self) -> io::Result<W> {
        self.flush()?;
        Ok(self.inner)
    }
}

impl<W: Write> Write for Blocks<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = BLOCK_BYTES - self.block.len();
        let (taken, _) = bytes.split_at(room.min(bytes.len()));
        self.block.extend_from_slice(taken);
        if self.block.len() == BLOCK_BYTES {
            self.inner.write_all(&self.block)?;
            self.block.clear();
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.write_all(&self.block)?;
        self.block.clear();
        self.inner.flush()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Remembers how long each piece was.
    #[derive(Default)]
    struct Pieces(Vec<usize>, Vec<u8>);

    impl Write for Pieces {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes.len());
            self.1.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn everything_arrives_in_whole_blocks_and_a_rest() {
        let all: Vec<u8> = (0..200_000_u32).map(|number| number as u8).collect();
        for size in [1_000, 65_536, 89_700, 200_000] {
            let mut blocks = Blocks::new(Pieces::default());
            all.chunks(size).for_each(|piece| blocks.write_all(piece).unwrap());
            let Pieces(lengths, written) = blocks.into_inner().unwrap();
            assert_eq!(lengths, [65_536, 65_536, 65_536, 3_392]);
            assert_eq!(written, all);
        }
    }
}
