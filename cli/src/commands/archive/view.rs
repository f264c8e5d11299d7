//! One file that several threads read, each at its own place.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// A place in a file. Copies share the file, not the place.
#[derive(Clone)]
pub(super) struct View {
    file: Arc<File>,
    position: u64,
    length: u64,
}

impl View {
    /// The start of a file, as long as it is now.
    pub(super) fn new(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { file: Arc::new(file), position: 0, length })
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) const fn length(&self) -> u64 {
        self.length
    }
}

impl Read for View {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        // What is appended meanwhile is not ours yet.
        let left = usize::try_from(self.length.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let room = bytes.len().min(left);
        let count = self.file.read_at(bytes.get_mut(..room).unwrap_or_default(), self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for View {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
