//! A mail as it comes in, piece by piece: whatever its size, it is in memory once.

use std::io::{self, Write};

use memchr::{memchr, memchr3_iter};
use zeroize::Zeroizing;

use super::SubmissionError;
use crate::limits::SUBMITTED_BYTES;

/// Bytes of the first piece: most mails are small, and what is erased in the end is all of it.
const FIRST: usize = 16 << 10;
/// Bytes of a piece behind the first: enough that the system takes each of them back when it is dropped.
const PIECE: usize = 1 << 20;
/// Bytes by which the header may grow in place.
const ROOM: usize = 4 << 10;

/// A mail that a program hands over. No copy of it stays behind in freed memory.
///
/// What is beyond [`SUBMITTED_BYTES`] is not kept, but taken: whoever is not read to the end is killed by a signal,
/// and never learns why.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    pieces: Vec<Zeroizing<Vec<u8>>>,
    length: usize,
    is_too_large: bool,
}

impl Gathered {
    /// Adds what came next.
    pub fn push(&mut self, mut bytes: &[u8]) {
        self.is_too_large |= bytes.len() > SUBMITTED_BYTES - self.length;
        if self.is_too_large {
            return;
        }
        self.length += bytes.len();
        while !bytes.is_empty() {
            let room = self.pieces.last().map_or(0, |piece| piece.capacity() - piece.len());
            let Some(piece) = self.pieces.last_mut().filter(|_| room > 0) else {
                let capacity = if self.pieces.is_empty() { FIRST } else { PIECE };
                self.pieces.push(Zeroizing::new(Vec::with_capacity(capacity)));
                continue;
            };
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            piece.extend_from_slice(now);
            bytes = later;
        }
    }

    /// The mail with CRLF line ends, one at the end, and nothing before the first field.
    pub(super) fn into_canonical(mut self) -> Result<Zeroizing<Vec<u8>>, SubmissionError> {
        if self.is_too_large {
            return Err(SubmissionError::TooLarge);
        }
        let bare = self.bare_line_feeds()?;
        self.drop_mailbox_line();
        let mut text = Zeroizing::new(Vec::with_capacity(self.length + bare + 2 + ROOM));
        for piece in self.pieces {
            for line in piece.split_inclusive(|byte| *byte == b'\n') {
                let content = line.strip_suffix(b"\n").unwrap_or(line);
                text.extend_from_slice(content);
                if content.len() < line.len() {
                    end_line(&mut text);
                }
            }
        }
        if text.last().is_some_and(|byte| *byte != b'\n') {
            end_line(&mut text);
        }
        Ok(text)
    }

    /// The lines that end without CR. A CR or a NUL that ends no line is read in one way here, and in another by a server.
    fn bare_line_feeds(&self) -> Result<usize, SubmissionError> {
        let (mut count, mut before) = (0, b'\n');
        for piece in &self.pieces {
            let mut end = 0;
            for place in memchr3_iter(b'\r', b'\n', 0, piece) {
                let byte = piece.get(place).copied().unwrap_or_default();
                let is_after_cr = before == b'\r' && place == end;
                match byte {
                    0 => return Err(SubmissionError::Nul),
                    b'\n' if is_after_cr => {}
                    _ if before == b'\r' => return Err(SubmissionError::BareCarriageReturn),
                    b'\n' => count += 1,
                    _ => {}
                }
                (before, end) = (byte, place + 1);
            }
            if before == b'\r' && end < piece.len() {
                return Err(SubmissionError::BareCarriageReturn);
            }
        }
        if before == b'\r' { Err(SubmissionError::BareCarriageReturn) } else { Ok(count) }
    }

    /// Drops the line that mailboxes put between mails, which mailx and others pass on.
    fn drop_mailbox_line(&mut self) {
        let Some(first) = self.pieces.first_mut() else { return };
        if let Some(end) = memchr(b'\n', first)
            && (first.starts_with(b"From ") || first.starts_with(b">From "))
        {
            first.drain(..=end);
        }
    }
}

/// Ends a line whose CR is there, or missing.
fn end_line(text: &mut Vec<u8>) {
    if text.last() != Some(&b'\r') {
        text.push(b'\r');
    }
    text.push(b'\n');
}

impl From<&[u8]> for Gathered {
    fn from(mail: &[u8]) -> Self {
        let mut gathered = Self::default();
        gathered.push(mail);
        gathered
    }
}

impl Write for Gathered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn canonical(mail: &[u8]) -> Result<Vec<u8>, SubmissionError> {
        Gathered::from(mail).into_canonical().map(|text| text.to_vec())
    }

    #[test]
    fn a_line_end_between_two_pieces_is_one_line_end() {
        for before in [FIRST - 2, FIRST - 1, FIRST, FIRST + PIECE - 1] {
            let line = vec![b'a'; before];
            let expected = [&line, &b"\r\nb\r\n"[..]].concat();
            assert_eq!(canonical(&[&line, &b"\r\nb\r\n"[..]].concat()).unwrap(), expected);
            assert_eq!(canonical(&[&line, &b"\nb"[..]].concat()).unwrap(), expected);
            for bad in [&b"\rb\n"[..], b"\r", b"\r\r\n"] {
                let refused = canonical(&[&line, bad].concat());
                assert_eq!(refused.unwrap_err(), SubmissionError::BareCarriageReturn, "{before} {bad:?}");
            }
            assert_eq!(canonical(&[&line, &b"\0"[..]].concat()).unwrap_err(), SubmissionError::Nul);
        }
    }

    #[test]
    fn pieces_of_any_size_are_one_mail() {
        let mail = b"From x\nTo: b@example.org\r\n\r\n.\nfrom here\n".repeat(50_000);
        let mut gathered = Gathered::default();
        mail.chunks(7777).for_each(|piece| gathered.push(piece));
        assert_eq!(gathered.into_canonical().unwrap().to_vec(), canonical(&mail).unwrap());
    }

    #[test]
    fn what_is_too_large_is_refused_however_it_comes() {
        let mut gathered = Gathered::default();
        for _ in 0..=SUBMITTED_BYTES / PIECE {
            gathered.push(&[b'a'; PIECE]);
        }
        assert_eq!(gathered.into_canonical().unwrap_err(), SubmissionError::TooLarge);
        assert!(canonical(&vec![b'a'; SUBMITTED_BYTES]).is_ok());
    }
}
