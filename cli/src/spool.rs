//! Spools: content that must be read twice, in memory up to 8 MiB, then in a temporary file.
//!
//! The file is encrypted with AES-256-CTR under a random key that exists only in this process, and
//! it has no name: it is gone when the process is. CTR tells nobody who changed the file, but only
//! the same user can reach it, through this process itself.

use std::fs::File;
use std::io::{self, BufWriter, Cursor, Read, Seek, SeekFrom, Write};

use aes::Aes256;
use counterseal_core::ports::{Source, Spool, Spools};
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use zeroize::Zeroizing;

use crate::randomness::random;

/// Bytes that are kept in memory.
pub(crate) const IN_MEMORY: usize = 8 << 20;
/// Bytes that are encrypted and read in one go.
const PIECE: usize = 64 << 10;

/// Makes spools.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EncryptedSpools;

impl Spools for EncryptedSpools {
    fn create(&self) -> io::Result<Box<dyn Spool>> {
        Ok(Box::new(Growing::new(IN_MEMORY)))
    }
}

/// A spool that is being written.
pub(crate) struct Growing {
    memory: Zeroizing<Vec<u8>>,
    limit: usize,
    file: Option<Sealed>,
}

/// The file, and the key stream that belongs to the next byte.
struct Sealed {
    file: BufWriter<File>,
    cipher: Ctr128BE<Aes256>,
    key: Key,
    piece: Zeroizing<Vec<u8>>,
}

/// The key and the counter's start; a fresh pair for each file.
#[derive(Clone)]
struct Key(Zeroizing<[u8; 32]>);

impl Key {
    fn cipher(&self) -> Ctr128BE<Aes256> {
        // The key is used for one file only, so the counter may start at zero.
        Ctr128BE::<Aes256>::new((&*self.0).into(), (&[0_u8; 16]).into())
    }
}

impl Growing {
    /// An empty spool that a thread fills and another one reads.
    pub(crate) fn empty() -> Self {
        Self::new(IN_MEMORY)
    }

    /// Ends the writing; the result reads from the first byte.
    pub(crate) fn into_reader(self) -> io::Result<SpoolReader> {
        Ok(match self.file {
            Some(sealed) => SpoolReader::Sealed(Box::new(sealed.into_reader()?)),
            None => SpoolReader::Memory(Cursor::new(Erased(self.memory))),
        })
    }

    fn new(limit: usize) -> Self {
        Self { memory: Zeroizing::default(), limit, file: None }
    }

    /// Moves what is in memory to a file, and goes on there.
    fn spill(&mut self) -> io::Result<&mut Sealed> {
        if self.file.is_none() {
            let mut sealed = Sealed::create()?;
            sealed.write_all(&self.memory)?;
            self.memory = Zeroizing::default();
            self.file = Some(sealed);
        }
        self.file.as_mut().ok_or_else(|| io::Error::other("no spool file"))
    }
}

impl Write for Growing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.file.is_some() || self.memory.len() + bytes.len() > self.limit {
            self.spill()?.write_all(bytes)?;
            return Ok(bytes.len());
        }
        append(&mut self.memory, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Grows a buffer without leaving a copy of its content in freed memory.
fn append(memory: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) {
    if memory.capacity() < memory.len() + bytes.len() {
        let capacity = (memory.len() + bytes.len()).max(memory.capacity() * 2).max(4096);
        let mut larger = Zeroizing::new(Vec::with_capacity(capacity));
        larger.extend_from_slice(memory);
        *memory = larger;
    }
    memory.extend_from_slice(bytes);
}

impl Spool for Growing {
    fn into_source(self: Box<Self>) -> io::Result<Box<dyn Source>> {
        Ok(Box::new(self.into_reader()?))
    }
}

/// What a spool holds, wherever it is.
pub(crate) enum SpoolReader {
    /// In memory.
    Memory(Cursor<Erased>),
    /// In a file, encrypted.
    Sealed(Box<SealedReader>),
}

impl Read for SpoolReader {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Memory(memory) => memory.read(bytes),
            Self::Sealed(file) => file.read(bytes),
        }
    }
}

impl Seek for SpoolReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Memory(memory) => memory.seek(to),
            Self::Sealed(file) => file.seek(to),
        }
    }
}

/// Erased when dropped, and readable through a cursor.
pub(crate) struct Erased(Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for Erased {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Sealed {
    fn create() -> io::Result<Self> {
        let key = Key(Zeroizing::new(random()));
        let file = BufWriter::with_capacity(PIECE, tempfile::tempfile()?);
        Ok(Self { file, cipher: key.cipher(), key, piece: Zeroizing::new(vec![0; PIECE]) })
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        for plain in bytes.chunks(PIECE) {
            let Some(piece) = self.piece.get_mut(..plain.len()) else { continue };
            piece.copy_from_slice(plain);
            self.cipher.apply_keystream(piece);
            self.file.write_all(piece)?;
        }
        Ok(())
    }

    fn into_reader(self) -> io::Result<SealedReader> {
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(0))?;
        Ok(SealedReader { file, cipher: self.key.cipher(), position: 0, length })
    }
}

/// Reads the file back, from any place.
pub(crate) struct SealedReader {
    file: File,
    cipher: Ctr128BE<Aes256>,
    position: u64,
    length: u64,
}

impl Read for SealedReader {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(bytes)?;
        if let Some(read) = bytes.get_mut(..count) {
            self.cipher.apply_keystream(read);
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for SealedReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
        };
        let position = position.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        self.file.seek(SeekFrom::Start(position))?;
        self.cipher.try_seek(position).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        self.position = position;
        Ok(position)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn content() -> Vec<u8> {
        (0..300_000_u32).map(|number| (number % 251) as u8).collect()
    }

    fn read_back(limit: usize) -> Vec<u8> {
        let mut spool = Box::new(Growing::new(limit));
        for piece in content().chunks(7777) {
            spool.write_all(piece).unwrap();
        }
        let mut source = spool.into_source().unwrap();
        let mut all = Vec::new();
        source.read_to_end(&mut all).unwrap();
        source.seek(SeekFrom::Start(123_457)).unwrap();
        let mut ten = [0; 10];
        source.read_exact(&mut ten).unwrap();
        assert_eq!(ten, content()[123_457..123_467]);
        source.seek(SeekFrom::Current(-5)).unwrap();
        source.read_exact(&mut ten[..5]).unwrap();
        assert_eq!(ten[..5], content()[123_462..123_467]);
        assert!(source.seek(SeekFrom::Current(-1_000_000)).is_err());
        all
    }

    #[test]
    fn what_was_written_is_read_back_from_memory_and_from_a_file() {
        assert_eq!(read_back(IN_MEMORY), content());
        assert_eq!(read_back(0), content());
        assert_eq!(read_back(100_000), content());
    }

    #[test]
    fn the_file_holds_no_plaintext() {
        let mut sealed = Sealed::create().unwrap();
        sealed.write_all(&[b'A'; 100_000]).unwrap();
        let mut file = sealed.file.into_inner().unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        let mut stored = Vec::new();
        file.read_to_end(&mut stored).unwrap();
        assert_eq!(stored.len(), 100_000);
        assert!(!stored.windows(8).any(|window| window == b"AAAAAAAA"));
    }
}
