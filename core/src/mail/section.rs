//! A window on a larger source.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use crate::ports::Source;

/// Some of the bytes of a source, read as if they were all.
pub struct Section<'s> {
    source: &'s mut dyn Source,
    range: Range<u64>,
    position: u64,
}

impl<'s> Section<'s> {
    /// The bytes of `range`.
    ///
    /// # Errors
    /// What the source says to the first seek.
    pub fn new(source: &'s mut dyn Source, range: Range<u64>) -> io::Result<Self> {
        source.seek(SeekFrom::Start(range.start))?;
        Ok(Self { source, range, position: 0 })
    }

    const fn length(&self) -> u64 {
        self.range.end.saturating_sub(self.range.start)
    }
}

impl Read for Section<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.length().saturating_sub(self.position);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.source.read(buffer.get_mut(..count).unwrap_or_default())?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Section<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(target) => Some(target),
            SeekFrom::Current(step) => self.position.checked_add_signed(step),
            SeekFrom::End(step) => self.length().checked_add_signed(step),
        }
        .ok_or(io::ErrorKind::InvalidInput)?;
        self.source.seek(SeekFrom::Start(self.range.start.saturating_add(target)))?;
        self.position = target;
        Ok(target)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_section_has_its_own_start_and_end() {
        let mut source = io::Cursor::new(b"0123456789");
        let mut section = Section::new(&mut source, 2..6).unwrap();
        let mut text = String::new();
        section.read_to_string(&mut text).unwrap();
        assert_eq!(text, "2345");
        assert_eq!(section.seek(SeekFrom::End(-1)).unwrap(), 3);
        text.clear();
        section.read_to_string(&mut text).unwrap();
        assert_eq!(text, "5");
        assert_eq!(section.seek(SeekFrom::Start(9)).unwrap(), 9);
        assert_eq!(section.read(&mut [0; 4]).unwrap(), 0);
        assert!(section.seek(SeekFrom::Current(-10)).is_err());
    }
}
