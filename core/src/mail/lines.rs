//! The lines of a stream of any size, in constant memory.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use memchr::memchr;

/// Bytes that are read at a time.
const BLOCK_BYTES: usize = 64 << 10;
/// Bytes of a line that are kept where it does not stand in one block.
const START_BYTES: usize = 1024;

/// Gives the lines of a stream, the longest of them only in part.
pub(crate) struct Lines<R> {
    inner: R,
    block: Vec<u8>,
    /// What of the block was given out.
    taken: usize,
    /// Where the next line starts in the stream.
    position: u64,
    /// The start of a line that is longer than the blocks it was found in, and its last bytes.
    start: Vec<u8>,
    end: Vec<u8>,
}

/// One line.
pub(crate) struct Line<'l> {
    /// Where it stands in the stream, with its end.
    pub(crate) range: Range<u64>,
    /// Its bytes, or the first of them where it is long.
    pub(crate) start: &'l [u8],
    /// Its bytes, or the last two of them where it is long.
    pub(crate) end: &'l [u8],
}

impl Line<'_> {
    /// Whether it holds nothing but white space.
    pub(crate) fn is_blank(&self) -> bool {
        self.start.trim_ascii().is_empty() && self.range.end - self.range.start <= self.start.len() as u64
    }
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, block: Vec::new(), taken: 0, position: 0, start: Vec::new(), end: Vec::new() }
    }

    /// Goes on at another place, which is the start of a line.
    pub(crate) fn move_to(&mut self, position: u64) -> io::Result<()>
    where
        R: Seek,
    {
        self.inner.seek(SeekFrom::Start(position))?;
        self.block.clear();
        self.taken = 0;
        self.position = position;
        Ok(())
    }

    /// Bytes of the whole stream. The place in it is lost: [`Lines::move_to`] must follow.
    pub(crate) fn length(&mut self) -> io::Result<u64>
    where
        R: Seek,
    {
        self.inner.seek(SeekFrom::End(0))
    }

    /// The next line, if there is one.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.start.clear();
        self.end.clear();
        let begin = self.position;
        let mut length = 0;
        loop {
            if self.taken >= self.block.len() && !self.refill()? {
                break;
            }
            let rest = self.block.get(self.taken..).unwrap_or_default();
            let found = memchr(b'\n', rest).map(|end| end + 1);
            let count = found.unwrap_or(rest.len());
            let from = self.taken;
            self.taken += count;
            length += count as u64;
            if found.is_some() && length == count as u64 {
                // The usual case: the whole line stands in the block.
                self.position = begin + length;
                let line = self.block.get(from..from + count).unwrap_or_default();
                return Ok(Some(Line { range: begin..begin + length, start: line, end: line }));
            }
            self.keep(from..from + count);
            if found.is_some() {
                break;
            }
        }
        if length == 0 {
            return Ok(None);
        }
        self.position = begin + length;
        Ok(Some(Line { range: begin..begin + length, start: &self.start, end: &self.end }))
    }

    fn keep(&mut self, range: Range<usize>) {
        let piece = self.block.get(range).unwrap_or_default();
        let room = START_BYTES.saturating_sub(self.start.len()).min(piece.len());
        self.start.extend_from_slice(piece.get(..room).unwrap_or_default());
        self.end.extend_from_slice(piece.get(piece.len().saturating_sub(2)..).unwrap_or_default());
        let surplus = self.end.len().saturating_sub(2);
        self.end.drain(..surplus);
    }

    fn refill(&mut self) -> io::Result<bool> {
        self.taken = 0;
        self.block.resize(BLOCK_BYTES, 0);
        loop {
            match self.inner.read(&mut self.block) {
                Ok(count) => {
                    self.block.truncate(count);
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> Vec<(Range<u64>, Vec<u8>, Vec<u8>)> {
        let mut lines = Lines::new(text);
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push((line.range.clone(), line.start.to_vec(), line.end.to_vec()));
        }
        found
    }

    #[test]
    fn lines_follow_each_other() {
        let found = all(b"a\r\n\nlast");
        let ranges: Vec<_> = found.iter().map(|line| line.0.clone()).collect();
        assert_eq!(ranges, [0..3, 3..4, 4..8]);
        assert_eq!(found[2].1, b"last");
        assert!(all(b"").is_empty());
    }

    #[test]
    fn a_line_across_blocks_keeps_its_start_and_end() {
        let mut text = vec![b'a'; 3 * BLOCK_BYTES];
        text.extend_from_slice(b"z\r\nnext\n");
        let found = all(&text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].0, 0..3 * BLOCK_BYTES as u64 + 3);
        assert_eq!(found[0].1, vec![b'a'; START_BYTES]);
        assert_eq!(found[0].2, b"\r\n");
        assert_eq!(found[1].1, b"next\n");
    }

    #[test]
    fn a_short_line_across_blocks_is_whole() {
        for before in BLOCK_BYTES - 4..=BLOCK_BYTES {
            let mut text = vec![b'a'; before - 1];
            text.extend_from_slice(b"\n--b\r\n");
            assert_eq!(all(&text)[1].1, b"--b\r\n", "{before}");
            assert_eq!(all(&text)[1].2[all(&text)[1].2.len() - 2..], *b"\r\n", "{before}");
        }
    }
}
