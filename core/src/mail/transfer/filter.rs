//! Bytes in, bytes out: a step of encoding that knows nothing of where its bytes come from, and
//! the adapters that put it before a reader or a writer.

use std::io::{self, Read, Seek, SeekFrom, Write};

use super::TransferError;

/// Bytes that are read at a time.
const BLOCK_BYTES: usize = 64 << 10;

/// A step that turns one stream of bytes into another.
pub trait Filter {
    /// Takes the next bytes and appends what is ready to `output`.
    ///
    /// # Errors
    /// [`TransferError`] where the bytes are not of the form that this step reads.
    fn push(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<(), TransferError>;

    /// Appends what is left when nothing more comes.
    ///
    /// # Errors
    /// [`TransferError`] where the stream ends too early.
    fn finish(&mut self, output: &mut Vec<u8>) -> Result<(), TransferError>;

    /// The whole of a small input at once.
    ///
    /// # Errors
    /// As [`Filter::push`] and [`Filter::finish`].
    fn apply(&mut self, input: &[u8]) -> Result<Vec<u8>, TransferError> {
        let mut output = Vec::with_capacity(input.len());
        self.push(input, &mut output)?;
        self.finish(&mut output)?;
        Ok(output)
    }
}

/// Reads the outcome of a filter.
///
/// Seeking works where the underlying bytes can be read again: the filter starts anew, so a step
/// back costs as much as reading from the start.
#[derive(Debug)]
pub struct FilterReader<R, F> {
    inner: R,
    filter: F,
    initial: F,
    input: Vec<u8>,
    output: Vec<u8>,
    taken: usize,
    position: u64,
    ended: bool,
}

impl<R: Read, F: Filter + Clone> FilterReader<R, F> {
    /// Reads `inner` through `filter`.
    pub fn new(inner: R, filter: F) -> Self {
        Self {
            inner,
            initial: filter.clone(),
            filter,
            input: Vec::new(),
            output: Vec::new(),
            taken: 0,
            position: 0,
            ended: false,
        }
    }

    /// Makes sure that there is output, except at the end.
    fn fill(&mut self) -> io::Result<()> {
        if self.input.is_empty() {
            // Fresh memory: what a short input does not fill is never touched.
            self.input = vec![0; BLOCK_BYTES];
        }
        while self.taken == self.output.len() && !self.ended {
            self.output.clear();
            self.taken = 0;
            let count = match self.inner.read(&mut self.input) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let outcome = match self.input.get(..count) {
                Some(bytes) if !bytes.is_empty() => self.filter.push(bytes, &mut self.output),
                _ => {
                    self.ended = true;
                    self.filter.finish(&mut self.output)
                }
            };
            outcome.map_err(invalid)?;
        }
        Ok(())
    }

    /// Drops up to `count` bytes of output and says how many there were.
    fn skip(&mut self, count: u64) -> io::Result<u64> {
        let mut skipped = 0;
        while skipped < count {
            self.fill()?;
            let available = (self.output.len() - self.taken) as u64;
            if available == 0 {
                break;
            }
            let step = available.min(count - skipped);
            self.taken += step as usize;
            skipped += step;
        }
        self.position += skipped;
        Ok(skipped)
    }
}

impl<R: Read, F: Filter + Clone> Read for FilterReader<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.fill()?;
        let mut ready = self.output.get(self.taken..).unwrap_or_default();
        let count = ready.read(buffer)?;
        self.taken += count;
        self.position += count as u64;
        Ok(count)
    }
}

impl<R: Read + Seek, F: Filter + Clone> Seek for FilterReader<R, F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(target) => Some(target),
            SeekFrom::Current(step) => self.position.checked_add_signed(step),
            SeekFrom::End(step) => {
                self.skip(u64::MAX)?;
                self.position.checked_add_signed(step)
            }
        }
        .ok_or(io::ErrorKind::InvalidInput)?;
        if target < self.position {
            self.inner.rewind()?;
            self.filter = self.initial.clone();
            self.output.clear();
            self.taken = 0;
            self.position = 0;
            self.ended = false;
        }
        self.skip(target - self.position)?;
        // Behind the end nothing can be read; the position stays at the end.
        Ok(self.position)
    }
}

/// Writes through a filter. [`FilterWriter::finish`] must be called: dropping it loses the rest.
#[derive(Debug)]
pub struct FilterWriter<W, F> {
    inner: W,
    filter: F,
    output: Vec<u8>,
}

impl<W: Write, F: Filter> FilterWriter<W, F> {
    /// Writes to `inner` through `filter`.
    pub fn new(inner: W, filter: F) -> Self {
        Self { inner, filter, output: Vec::new() }
    }

    /// Ends the stream and gives the underlying writer back.
    ///
    /// # Errors
    /// What the writer says; [`TransferError`] inside where the stream ends too early.
    pub fn finish(mut self) -> io::Result<W> {
        self.filter.finish(&mut self.output).map_err(invalid)?;
        self.inner.write_all(&self.output)?;
        Ok(self.inner)
    }
}

impl<W: Write, F: Filter> Write for FilterWriter<W, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for block in bytes.chunks(BLOCK_BYTES) {
            self.output.clear();
            self.filter.push(block, &mut self.output).map_err(invalid)?;
            self.inner.write_all(&self.output)?;
        }
        self.output.clear();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn invalid(error: TransferError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::mail::{BareCarriageReturn, Base64Decoder, Canonical};

    /// Gives one byte at a time, as a slow pipe does.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(buffer.len()).min(1);
            self.0.read(&mut buffer[..count])
        }
    }

    #[test]
    fn how_the_bytes_arrive_makes_no_difference() {
        let text = b"QWxpY2Ug\r\nYW5kIEJv\r\nYg==\r\n";
        let mut read = Vec::new();
        FilterReader::new(Drip(text), Base64Decoder::default()).read_to_end(&mut read).unwrap();
        assert_eq!(read, b"Alice and Bob");
        let mut writer = FilterWriter::new(Vec::new(), Base64Decoder::default());
        for byte in text {
            writer.write_all(&[*byte]).unwrap();
        }
        assert_eq!(writer.finish().unwrap(), b"Alice and Bob");
    }

    #[test]
    fn what_was_read_can_be_read_again() {
        let text = "one\ntwo\nthree\n";
        let filter = Canonical::new(BareCarriageReturn::Refuse);
        let mut reader = FilterReader::new(io::Cursor::new(text), filter);
        let mut first = String::new();
        reader.read_to_string(&mut first).unwrap();
        assert_eq!(first, "one\r\ntwo\r\nthree\r\n");
        assert_eq!(reader.seek(SeekFrom::Start(5)).unwrap(), 5);
        let mut second = String::new();
        reader.read_to_string(&mut second).unwrap();
        assert_eq!(second, "two\r\nthree\r\n");
        assert_eq!(reader.seek(SeekFrom::End(-7)).unwrap(), 10);
        let mut third = String::new();
        reader.read_to_string(&mut third).unwrap();
        assert_eq!(third, "three\r\n");
    }

    #[test]
    fn garbage_is_an_error_of_its_kind() {
        let mut reader = FilterReader::new(&b"!!!!"[..], Base64Decoder::default());
        let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let inner = error.into_inner().unwrap();
        assert_eq!(inner.downcast_ref(), Some(&TransferError::Base64));
    }
}
