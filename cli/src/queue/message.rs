//! A message as it goes over the wire, whatever its size: on its way into the queue, and as it lies there.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use rustix::fs::{MemfdFlags, memfd_create};

use super::error::QueueError;
use crate::spool::{Growing, SpoolReader};

/// A message on its way into the queue: in memory while it is small, else in an encrypted file without a name.
#[derive(Clone)]
pub(crate) struct Message {
    content: Rc<RefCell<SpoolReader>>,
    seen: Seen,
}

/// What a message has in it.
#[derive(Clone, Copy, Debug)]
struct Seen {
    bytes: u64,
    is_ascii: bool,
    is_canonical: bool,
    /// Whether the header ended, and whether it had octets beyond ASCII until then.
    is_body: bool,
    has_ascii_header: bool,
    /// The last byte, and how many its line has.
    before: u8,
    line: usize,
}

impl Seen {
    const NOTHING: Self = Self {
        bytes: 0,
        is_ascii: true,
        is_canonical: true,
        is_body: false,
        has_ascii_header: true,
        before: b'\n',
        line: 0,
    };

    fn byte(&mut self, byte: u8) {
        self.bytes += 1;
        self.is_ascii &= byte.is_ascii();
        self.has_ascii_header &= self.is_body || byte.is_ascii();
        self.is_canonical &= (self.before == b'\r') == (byte == b'\n') && byte != 0;
        self.before = byte;
        self.line += 1;
        if byte == b'\n' {
            self.is_body |= self.line <= 2;
            self.line = 0;
        }
    }
}

impl Message {
    /// What `write` writes.
    ///
    /// # Errors
    /// Those of `write`, and of the system as `failed` words them.
    pub(crate) fn written<E>(
        write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
        failed: impl FnOnce(io::Error) -> E,
    ) -> Result<Self, E> {
        let mut writer = Watched { spool: Growing::empty(), seen: Seen::NOTHING };
        write(&mut writer)?;
        let Watched { spool, seen } = writer;
        Ok(Self { content: Rc::new(RefCell::new(spool.into_reader().map_err(failed)?)), seen })
    }

    /// The same in a file without a name: for a message that goes without the queue, sealed, and is lost where it is not
    /// sent at once.
    pub(crate) fn unqueued(&self) -> io::Result<Stored> {
        let mut file = tempfile::tempfile()?;
        self.copy_to(&mut file)?;
        Ok(Stored::new(Arc::new(file), 0, self.seen.bytes))
    }

    /// Its size.
    pub(crate) const fn bytes(&self) -> u64 {
        self.seen.bytes
    }

    /// Whether it has no octets beyond ASCII.
    pub(crate) const fn is_ascii(&self) -> bool {
        self.seen.is_ascii
    }

    /// Whether its header has none.
    pub(crate) const fn has_ascii_header(&self) -> bool {
        self.seen.has_ascii_header
    }

    /// Whether CR and LF stand only together, and there is no NUL: else a server could see another end of the message
    /// than we do (RFC 5321, section 2.3.8).
    pub(super) const fn is_canonical(&self) -> bool {
        self.seen.is_canonical && self.seen.before != b'\r'
    }

    /// Writes all of it.
    pub(super) fn copy_to(&self, output: &mut impl Write) -> io::Result<()> {
        let mut content = self.content.borrow_mut();
        content.seek(SeekFrom::Start(0))?;
        let copied = io::copy(&mut *content, output)?;
        if copied == self.seen.bytes { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// Looks at what is written.
struct Watched {
    spool: Growing,
    seen: Seen,
}

impl Write for Watched {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.spool.write_all(bytes)?;
        bytes.iter().for_each(|byte| self.seen.byte(*byte));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A message in a file of the queue. The file stays locked as long as there is one.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    file: Arc<File>,
    start: u64,
    bytes: u64,
}

impl Stored {
    pub(super) const fn new(file: Arc<File>, start: u64, bytes: u64) -> Self {
        Self { file, start, bytes }
    }

    /// Its size.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A copy that nobody can change between two looks; nothing where a server could see another end of it than we do.
    ///
    /// # Errors
    /// [`QueueError::Io`], where the file ends too early for one.
    pub(super) fn copied(&self) -> Result<Option<Self>, QueueError> {
        let copy = || -> io::Result<(File, Seen)> {
            // Memory without a name: it is there for this process alone.
            let mut file = File::from(memfd_create("message", MemfdFlags::CLOEXEC)?);
            let mut seen = Seen::NOTHING;
            let (mut reader, mut piece) = (self.reader(), vec![0; 64 << 10]);
            loop {
                let count = reader.read(&mut piece)?;
                let Some(read) = piece.get(..count).filter(|read| !read.is_empty()) else { break };
                file.write_all(read)?;
                read.iter().for_each(|byte| seen.byte(*byte));
            }
            Ok((file, seen))
        };
        let (file, seen) = copy().map_err(QueueError::at(Path::new("a message of the spool")))?;
        let is_canonical = seen.is_canonical && seen.before != b'\r';
        Ok(is_canonical.then(|| Self { file: Arc::new(file), start: 0, bytes: self.bytes }))
    }

    /// Reads it from its first byte, however often.
    pub(crate) fn reader(&self) -> StoredReader {
        StoredReader { message: self.clone(), position: 0 }
    }
}

/// Reads a message of the queue.
#[derive(Debug)]
pub(crate) struct StoredReader {
    message: Stored,
    position: u64,
}

impl Read for StoredReader {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.message.bytes.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let most = left.min(bytes.len());
        let Some(bytes) = bytes.get_mut(..most).filter(|bytes| !bytes.is_empty()) else { return Ok(0) };
        let count = self.message.file.read_at(bytes, self.message.start + self.position)?;
        // The file had all of it when it was locked.
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for StoredReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.message.bytes.checked_add_signed(by),
        };
        self.position = position.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn message(pieces: &[&[u8]]) -> Message {
        let write = |output: &mut dyn Write| pieces.iter().try_for_each(|piece| output.write_all(piece));
        Message::written(write, |error| error).unwrap()
    }

    #[test]
    fn what_was_written_is_copied_as_often_as_one_likes() {
        let message = message(&[b"a\r", b"\nb\r\n"]);
        assert!(message.is_canonical() && message.is_ascii());
        for _ in 0..2 {
            let mut copy = Vec::new();
            message.copy_to(&mut copy).unwrap();
            assert_eq!((copy.as_slice(), message.bytes()), (&b"a\r\nb\r\n"[..], 6));
        }
    }

    #[test]
    fn line_ends_that_a_server_could_take_for_others_are_seen_across_pieces() {
        for pieces in [&[&b"a\n"[..]][..], &[b"a\r", b"b"], &[b"a\r"], &[b"\r\r\n"], &[b"a", b"\n"], &[b"\0"]]
        {
            assert!(!message(pieces).is_canonical(), "{pieces:?}");
        }
        assert!(message(&[]).is_canonical());
    }

    #[test]
    fn octets_beyond_ascii_in_the_body_are_none_of_the_header() {
        for (header, body, is_ascii, has_ascii_header) in [
            ("A: b\r\n\r", "\nb\r\n", true, true),
            ("A: b\r\n\r\n", "é\r\n", false, true),
            ("A: é\r\n", "\r\n", false, false),
        ] {
            let message = message(&[header.as_bytes(), body.as_bytes()]);
            assert_eq!(
                (message.is_ascii(), message.has_ascii_header()),
                (is_ascii, has_ascii_header),
                "{header}"
            );
        }
    }

    #[test]
    fn a_message_of_the_queue_ends_where_the_next_one_begins() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"head|first|second").unwrap();
        let stored = Stored::new(Arc::new(file), 5, 5);
        let mut read = String::new();
        let mut reader = stored.reader();
        reader.read_to_string(&mut read).unwrap();
        reader.seek(SeekFrom::End(-2)).unwrap();
        reader.read_to_string(&mut read).unwrap();
        assert_eq!(read, "firstst");
        let cut = Stored::new(stored.file, 11, 7);
        assert!(cut.reader().read_to_end(&mut Vec::new()).is_err(), "the file was cut");
    }
}
