//! The pull reader.

use std::io::{self, Read};

use super::error::{DerError, DerErrorKind};
use super::tag::Tag;
use crate::limits;

/// Bytes that are asked of the input at once.
const BUFFER_BYTES: usize = 64 << 10;

/// Identifier and length of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its tag.
    pub tag: Tag,
    /// Whether its content is elements.
    pub constructed: bool,
    /// Octets of its content; nothing for the indefinite form.
    pub length: Option<u64>,
    /// Where its identifier octet stands, from the start of the object.
    pub offset: u64,
}

/// One construction that was entered and not left yet.
struct Frame {
    /// Where its content ends; nothing for the indefinite form.
    end: Option<u64>,
}

/// A string that is being read, possibly in nested pieces.
struct StringState {
    /// Octets left of the piece at hand.
    remaining: u64,
    /// Constructions of this string that were entered.
    open: usize,
}

/// Reads BER elements one after the other.
pub struct Reader<R> {
    input: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    position: u64,
    frames: Vec<Frame>,
    peeked: Option<Header>,
    string: Option<StringState>,
    captured: Option<(Vec<u8>, usize)>,
    nodes: u32,
}

impl<R: Read> Reader<R> {
    /// Reads from `input`, which is buffered here.
    pub fn new(input: R) -> Self {
        Self {
            input,
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            start: 0,
            end: 0,
            position: 0,
            frames: Vec::new(),
            peeked: None,
            string: None,
            captured: None,
            nodes: 0,
        }
    }

    /// Octets consumed so far. A header that was only looked at counts.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next element of the construction at hand, without consuming it; nothing at its end.
    ///
    /// # Errors
    /// An encoding that is not allowed, with its place.
    pub fn peek(&mut self) -> Result<Option<Header>, DerError> {
        if self.string.is_some() {
            return Err(self.error(DerErrorKind::UnfinishedString));
        }
        self.next_header()
    }

    /// Whether the construction at hand (or the input, outside of all) has no further element.
    ///
    /// # Errors
    /// As [`Reader::peek`].
    pub fn at_end(&mut self) -> Result<bool, DerError> {
        Ok(self.peek()?.is_none())
    }

    /// Whether the next element has this tag.
    ///
    /// # Errors
    /// As [`Reader::peek`].
    pub fn next_is(&mut self, tag: Tag) -> Result<bool, DerError> {
        Ok(self.peek()?.is_some_and(|header| header.tag == tag))
    }

    /// Enters the next element, which must be constructed and have this tag.
    ///
    /// # Errors
    /// [`DerErrorKind::Unexpected`] for another element, [`DerErrorKind::TooDeep`], and what
    /// [`Reader::peek`] says.
    pub fn enter(&mut self, expected: Tag) -> Result<Header, DerError> {
        let header = self.expect(expected)?;
        if !header.constructed {
            return Err(DerError {
                offset: header.offset,
                kind: DerErrorKind::Unexpected { expected, found: Some(header.tag) },
            });
        }
        self.open(&header)?;
        Ok(header)
    }

    /// Leaves the construction at hand, all of whose elements must have been consumed.
    ///
    /// # Errors
    /// [`DerErrorKind::TrailingData`] where elements are left.
    pub fn leave(&mut self) -> Result<(), DerError> {
        if !self.at_end()? {
            return Err(self.error(DerErrorKind::TrailingData));
        }
        self.close()
    }

    /// The next element as it stands in the input, identifier and length included; only a length
    /// in more octets than needed becomes minimal.
    ///
    /// # Errors
    /// [`DerErrorKind::TooLarge`] above `limit` bytes; [`DerErrorKind::Truncated`] at the end of
    /// the construction; what [`Reader::peek`] says.
    pub fn element(&mut self, limit: usize) -> Result<Vec<u8>, DerError> {
        let header = self.peek()?.ok_or_else(|| self.error(DerErrorKind::Truncated))?;
        self.peeked = None;
        let mut bytes = encode_as_read(&header);
        bytes.truncate(bytes.len().min(limit));
        self.captured = Some((bytes, limit));
        let outcome = self.consume_content(&header);
        let captured = self.captured.take().map(|(bytes, _)| bytes).unwrap_or_default();
        outcome.map(|()| captured)
    }

    /// The next element, which must have this tag, as it stands in the input.
    ///
    /// # Errors
    /// As [`Reader::element`], and [`DerErrorKind::Unexpected`].
    pub fn element_of(&mut self, expected: Tag, limit: usize) -> Result<Vec<u8>, DerError> {
        match self.peek()? {
            Some(header) if header.tag == expected => self.element(limit),
            found => Err(self.unexpected(expected, found)),
        }
    }

    /// Passes over the next element, however large it is.
    ///
    /// # Errors
    /// As [`Reader::peek`].
    pub fn skip(&mut self) -> Result<(), DerError> {
        let header = self.peek()?.ok_or_else(|| self.error(DerErrorKind::Truncated))?;
        self.peeked = None;
        self.consume_content(&header)
    }

    /// The content of the next element, an OCTET STRING or one tagged in its place, whatever the
    /// pieces it comes in. It must be read to its end before anything else is asked for.
    ///
    /// # Errors
    /// [`DerErrorKind::Unexpected`] for another element, and what [`Reader::peek`] says.
    pub fn string(&mut self, expected: Tag) -> Result<StringReader<'_, R>, DerError> {
        let header = self.expect(expected)?;
        let state = if header.constructed {
            self.open(&header)?;
            StringState { remaining: 0, open: 1 }
        } else {
            StringState { remaining: header.length.unwrap_or_default(), open: 0 }
        };
        self.string = Some(state);
        Ok(StringReader { reader: self })
    }

    /// Ends the reading: nothing may follow.
    ///
    /// # Errors
    /// [`DerErrorKind::TrailingData`] where something does, or where a construction is open.
    pub fn finish(mut self) -> Result<(), DerError> {
        if self.frames.is_empty() && self.peeked.is_none() && self.string.is_none() && !self.refill()? {
            return Ok(());
        }
        Err(self.error(DerErrorKind::TrailingData))
    }

    fn error(&self, kind: DerErrorKind) -> DerError {
        DerError { offset: self.position, kind }
    }

    fn unexpected(&self, expected: Tag, found: Option<Header>) -> DerError {
        DerError {
            offset: found.map_or(self.position, |header| header.offset),
            kind: DerErrorKind::Unexpected { expected, found: found.map(|header| header.tag) },
        }
    }

    fn expect(&mut self, expected: Tag) -> Result<Header, DerError> {
        match self.peek()? {
            Some(header) if header.tag == expected => {
                self.peeked = None;
                Ok(header)
            }
            found => Err(self.unexpected(expected, found)),
        }
    }

    fn open(&mut self, header: &Header) -> Result<(), DerError> {
        if self.frames.len() >= limits::ASN1_DEPTH {
            return Err(DerError { offset: header.offset, kind: DerErrorKind::TooDeep });
        }
        // The header's length was held against the parent's end when it was read.
        let end = header.length.map(|length| self.position.saturating_add(length));
        self.frames.push(Frame { end });
        Ok(())
    }

    fn close(&mut self) -> Result<(), DerError> {
        match self.frames.pop() {
            Some(Frame { end: None }) => self.take(2).map(drop),
            Some(Frame { end: Some(_) }) => Ok(()),
            None => Err(self.error(DerErrorKind::TrailingData)),
        }
    }

    fn next_header(&mut self) -> Result<Option<Header>, DerError> {
        if self.peeked.is_some() {
            return Ok(self.peeked);
        }
        let at_end = match self.frames.last() {
            Some(Frame { end: Some(end) }) => self.position == *end,
            Some(Frame { end: None }) => self.look(2)?.is_some_and(|octets| octets == [0, 0]),
            None => !self.refill()?,
        };
        if !at_end {
            self.peeked = Some(self.read_header()?);
        }
        Ok(self.peeked)
    }

    /// Reads identifier and length octets (X.690, sections 8.1.2 and 8.1.3).
    fn read_header(&mut self) -> Result<Header, DerError> {
        let offset = self.position;
        let bad = |kind| DerError { offset, kind };
        let (tag, constructed) =
            Tag::from_octet(self.take_octet()?).ok_or_else(|| bad(DerErrorKind::BadTag))?;
        if tag == Tag::universal(0) {
            return Err(bad(DerErrorKind::BadTag));
        }
        let length = match self.take_octet()? {
            short @ 0..=0x7f => Some(u64::from(short)),
            0x80 if constructed => None,
            long => {
                let octets = usize::from(long & 0x7f);
                if octets == 0 || octets > limits::STREAM_LENGTH_OCTETS {
                    return Err(bad(DerErrorKind::BadLength));
                }
                let mut length = 0_u64;
                for _ in 0..octets {
                    length = length << 8 | u64::from(self.take_octet()?);
                }
                Some(length)
            }
        };
        self.check_extent(length).map_err(bad)?;
        if self.string.is_none() {
            // A content's own pieces do not count: they cost no memory and are as many as they are.
            self.nodes += 1;
            if self.nodes > limits::ASN1_NODES {
                return Err(bad(DerErrorKind::TooMany));
            }
        }
        Ok(Header { tag, constructed, length, offset })
    }

    /// Holds a content's length against the nearest end that is known.
    fn check_extent(&self, length: Option<u64>) -> Result<(), DerErrorKind> {
        let Some(end) = self.frames.iter().rev().find_map(|frame| frame.end) else {
            return Ok(());
        };
        let reach = self.position.checked_add(length.unwrap_or(0)).ok_or(DerErrorKind::BadLength)?;
        if reach > end { Err(DerErrorKind::Overrun) } else { Ok(()) }
    }

    fn consume_content(&mut self, header: &Header) -> Result<(), DerError> {
        match header.length {
            Some(length) => self.consume(length),
            None => self.consume_indefinite(header),
        }
    }

    /// Passes over the content of an indefinite element, however it is nested.
    fn consume_indefinite(&mut self, header: &Header) -> Result<(), DerError> {
        let outside = self.frames.len();
        self.open(header)?;
        while self.frames.len() > outside {
            match self.next_header()? {
                None => self.close()?,
                Some(inner) => {
                    self.peeked = None;
                    match inner.length {
                        Some(length) => self.consume(length)?,
                        None => self.open(&inner)?,
                    }
                }
            }
        }
        Ok(())
    }

    fn consume(&mut self, mut length: u64) -> Result<(), DerError> {
        while length > 0 {
            if !self.refill()? {
                return Err(self.error(DerErrorKind::Truncated));
            }
            let step = usize::try_from(length).unwrap_or(usize::MAX).min(self.end - self.start);
            self.take(step)?;
            length -= step as u64;
        }
        Ok(())
    }

    fn take_octet(&mut self) -> Result<u8, DerError> {
        if self.refill()? {
            let octet = self.buffer.get(self.start).copied().unwrap_or_default();
            self.advance(1)?;
            Ok(octet)
        } else {
            Err(self.error(DerErrorKind::Truncated))
        }
    }

    /// Consumes octets, at most as many as the buffer holds after looking.
    fn take(&mut self, count: usize) -> Result<(), DerError> {
        if self.look(count)?.is_none() {
            return Err(self.error(DerErrorKind::Truncated));
        }
        self.advance(count)
    }

    fn advance(&mut self, count: usize) -> Result<(), DerError> {
        if let Some((bytes, limit)) = &mut self.captured {
            let piece = self.buffer.get(self.start..self.start + count).unwrap_or_default();
            if bytes.len() + piece.len() > *limit {
                let kind = DerErrorKind::TooLarge { limit: *limit };
                return Err(self.error(kind));
            }
            bytes.extend_from_slice(piece);
        }
        self.start += count;
        self.position += count as u64;
        Ok(())
    }

    /// The next octets without consuming them; nothing where the input ends before.
    fn look(&mut self, count: usize) -> Result<Option<&[u8]>, DerError> {
        while self.end - self.start < count {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            if !self.fill()? {
                return Ok(None);
            }
        }
        Ok(self.buffer.get(self.start..self.start + count))
    }

    /// Makes sure that at least one octet is at hand; `false` at the end of the input.
    fn refill(&mut self) -> Result<bool, DerError> {
        if self.start < self.end {
            return Ok(true);
        }
        self.start = 0;
        self.end = 0;
        self.fill()
    }

    fn fill(&mut self) -> Result<bool, DerError> {
        loop {
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.input.read(room) {
                Ok(count) => {
                    self.end += count;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(DerError::from_io(&error, self.position)),
            }
        }
    }

    /// Content octets of the string at hand; 0 at its end, where the string is closed.
    fn read_string(&mut self, out: &mut [u8]) -> Result<usize, DerError> {
        loop {
            let Some(state) = &self.string else { return Ok(0) };
            let (remaining, open) = (state.remaining, state.open);
            if out.is_empty() {
                return Ok(0);
            }
            if remaining > 0 {
                let count = self.read_piece(out, remaining)?;
                self.string = Some(StringState { remaining: remaining - count as u64, open });
                return Ok(count);
            }
            if open == 0 {
                self.string = None;
                return Ok(0);
            }
            self.next_piece(open)?;
        }
    }

    /// Goes on to the next piece of a string in pieces, or out of a construction of pieces.
    fn next_piece(&mut self, open: usize) -> Result<(), DerError> {
        let (remaining, open) = match self.next_header()? {
            None => {
                self.close()?;
                (0, open - 1)
            }
            Some(header) => {
                self.peeked = None;
                if header.tag != Tag::OCTET_STRING {
                    return Err(DerError { offset: header.offset, kind: DerErrorKind::BadString });
                }
                if header.constructed {
                    self.open(&header)?;
                    (0, open + 1)
                } else {
                    (header.length.unwrap_or_default(), open)
                }
            }
        };
        self.string = Some(StringState { remaining, open });
        Ok(())
    }

    fn read_piece(&mut self, out: &mut [u8], remaining: u64) -> Result<usize, DerError> {
        let wanted = usize::try_from(remaining).unwrap_or(usize::MAX).min(out.len());
        let room = out.get_mut(..wanted).unwrap_or_default();
        let count = if self.start == self.end && wanted >= BUFFER_BYTES {
            // Large contents go past the buffer.
            let count = loop {
                match self.input.read(room) {
                    Ok(count) => break count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(DerError::from_io(&error, self.position)),
                }
            };
            self.position += count as u64;
            count
        } else {
            self.refill()?;
            let at_hand = self.buffer.get(self.start..self.end).unwrap_or_default();
            let count = at_hand.len().min(room.len());
            for (to, from) in room.iter_mut().zip(at_hand) {
                *to = *from;
            }
            self.start += count;
            self.position += count as u64;
            count
        };
        if count == 0 { Err(self.error(DerErrorKind::Truncated)) } else { Ok(count) }
    }
}

/// The identifier and length octets of a header. A length in more octets than needed becomes
/// minimal: no signature covers those octets, and the content stays as it is.
fn encode_as_read(header: &Header) -> Vec<u8> {
    super::writer::header(header.tag, header.constructed, header.length)
}

/// The content of one string; see [`Reader::string`].
pub struct StringReader<'r, R> {
    reader: &'r mut Reader<R>,
}

impl<R: Read> StringReader<'_, R> {
    /// All of the content that is left.
    ///
    /// # Errors
    /// [`DerErrorKind::TooLarge`] above `limit` bytes, and encoding errors.
    pub fn read_all(self, limit: usize) -> Result<Vec<u8>, DerError> {
        let mut content = Vec::new();
        let mut piece = [0; 4096];
        loop {
            let count = self.reader.read_string(&mut piece)?;
            if count == 0 {
                return Ok(content);
            }
            if content.len() + count > limit {
                return Err(self.reader.error(DerErrorKind::TooLarge { limit }));
            }
            content.extend_from_slice(piece.get(..count).unwrap_or_default());
        }
    }
}

impl<R: Read> Read for StringReader<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.reader.read_string(out).map_err(DerError::into_io)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn content(bytes: &[u8]) -> Result<Vec<u8>, DerError> {
        let mut reader = Reader::new(bytes);
        let content = reader.string(Tag::OCTET_STRING)?.read_all(1000)?;
        reader.finish()?;
        Ok(content)
    }

    #[test]
    fn a_string_reads_the_same_whatever_its_pieces() {
        assert_eq!(content(b"\x04\x03abc").unwrap(), b"abc");
        assert_eq!(content(b"\x24\x80\x04\x01a\x04\x02bc\0\0").unwrap(), b"abc");
        assert_eq!(content(b"\x24\x07\x04\x01a\x04\x02bc").unwrap(), b"abc");
        assert_eq!(content(b"\x24\x80\x24\x80\x04\x01a\0\0\x24\x04\x04\x02bc\x04\0\0\0").unwrap(), b"abc");
        assert_eq!(content(b"\x04\x83\0\0\x03abc").unwrap(), b"abc");
    }

    #[test]
    fn a_piece_that_is_no_string_is_refused() {
        assert_eq!(content(b"\x24\x80\x02\x01a\0\0").unwrap_err().kind, DerErrorKind::BadString);
    }

    #[test]
    fn every_truncation_is_an_error() {
        let whole = b"\x24\x80\x24\x80\x04\x01a\0\0\x24\x04\x04\x02bc\x04\0\0\0";
        for length in 0..whole.len() {
            assert!(content(&whole[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn bytes_after_the_end_are_refused() {
        assert_eq!(content(b"\x04\x03abc\n").unwrap_err().kind, DerErrorKind::TrailingData);
    }

    #[test]
    fn an_element_may_not_reach_beyond_its_parent() {
        let mut reader = Reader::new(&b"\x30\x04\x04\x03abc"[..]);
        reader.enter(Tag::SEQUENCE).unwrap();
        assert_eq!(reader.peek().unwrap_err().kind, DerErrorKind::Overrun);
    }

    #[test]
    fn an_element_comes_as_it_stands() {
        let bytes = b"\x30\x80\x30\x80\x02\x01\x05\0\0\x04\x01x\0\0";
        let mut reader = Reader::new(&bytes[..]);
        reader.enter(Tag::SEQUENCE).unwrap();
        assert_eq!(reader.element(100).unwrap(), b"\x30\x80\x02\x01\x05\0\0");
        assert_eq!(reader.element_of(Tag::OCTET_STRING, 3).unwrap(), b"\x04\x01x");
        reader.leave().unwrap();
        reader.finish().unwrap();
    }

    #[test]
    fn a_structure_over_its_limit_is_refused() {
        let mut reader = Reader::new(&b"\x04\x03abc"[..]);
        assert_eq!(reader.element(4).unwrap_err().kind, DerErrorKind::TooLarge { limit: 4 });
    }

    #[test]
    fn a_million_constructions_are_refused_at_the_limit() {
        let nested = [0x30, 0x80].repeat(1_000_000);
        let mut reader = Reader::new(&nested[..]);
        assert_eq!(reader.skip().unwrap_err().kind, DerErrorKind::TooDeep);
        assert!(reader.position() < 100);
        assert_eq!(super::super::to_der(&nested).unwrap_err().kind, DerErrorKind::TooDeep);
    }

    #[test]
    fn the_deepest_allowed_nesting_is_read() {
        let depth = limits::ASN1_DEPTH;
        let nested = [[0x30, 0x80].repeat(depth), [0, 0].repeat(depth)].concat();
        Reader::new(&nested[..]).skip().unwrap();
        super::super::to_der(&nested).unwrap();
    }

    #[test]
    fn what_is_left_unread_is_an_error() {
        let mut reader = Reader::new(&b"\x30\x06\x04\x01a\x04\x01b"[..]);
        reader.enter(Tag::SEQUENCE).unwrap();
        reader.skip().unwrap();
        assert_eq!(reader.leave().unwrap_err().kind, DerErrorKind::TrailingData);
        let _ = reader.string(Tag::OCTET_STRING).unwrap();
        assert_eq!(reader.peek().unwrap_err().kind, DerErrorKind::UnfinishedString);
    }
}
