//! The push writer.

use std::io::{self, Write};

use super::tag::Tag;

/// Octets of one piece of a string of unknown length. OpenSSL writes 4 KiB pieces; larger ones
/// cost fewer headers and every reader takes them.
const PIECE_BYTES: usize = 32 << 10;

/// One construction that was begun and not ended yet.
struct Frame {
    /// Where its content must end; nothing for the indefinite form.
    end: Option<u64>,
}

/// Writes elements one after the other: DER where lengths are given, BER where not.
pub struct Writer<W> {
    output: W,
    position: u64,
    frames: Vec<Frame>,
    piece: Option<Vec<u8>>,
}

impl<W: Write> Writer<W> {
    /// Writes to `output`, unbuffered.
    pub fn new(output: W) -> Self {
        Self { output, position: 0, frames: Vec::new(), piece: None }
    }

    /// Begins a construction; without a length in the indefinite form.
    ///
    /// # Errors
    /// What the output says.
    pub fn push(&mut self, tag: Tag, length: Option<u64>) -> io::Result<()> {
        self.write(&header(tag, true, length))?;
        self.frames.push(Frame { end: length.map(|length| self.position + length) });
        Ok(())
    }

    /// Ends the construction that was begun last.
    ///
    /// # Errors
    /// `InvalidInput` where its content is not as long as was said, and what the output says.
    pub fn pop(&mut self) -> io::Result<()> {
        match self.frames.pop() {
            Some(Frame { end: None }) => self.write(&[0, 0]),
            Some(Frame { end: Some(end) }) if end == self.position => Ok(()),
            _ => Err(wrong_length()),
        }
    }

    /// A whole primitive element.
    ///
    /// # Errors
    /// What the output says.
    pub fn primitive(&mut self, tag: Tag, content: &[u8]) -> io::Result<()> {
        self.write(&header(tag, false, Some(content.len() as u64)))?;
        self.write(content)
    }

    /// Octets that are encoded already.
    ///
    /// # Errors
    /// What the output says.
    pub fn raw(&mut self, encoded: &[u8]) -> io::Result<()> {
        self.write(encoded)
    }

    /// Begins a string whose content follows by [`Writer::string_content`]: primitive where its
    /// length is known, else in pieces.
    ///
    /// # Errors
    /// What the output says.
    pub fn begin_string(&mut self, tag: Tag, length: Option<u64>) -> io::Result<()> {
        self.write(&header(tag, length.is_none(), length))?;
        self.frames.push(Frame { end: length.map(|length| self.position + length) });
        self.piece = length.is_none().then(Vec::new);
        Ok(())
    }

    /// Content of the string that was begun.
    ///
    /// # Errors
    /// What the output says.
    pub fn string_content(&mut self, mut content: &[u8]) -> io::Result<()> {
        let Some(mut piece) = self.piece.take() else { return self.write(content) };
        while !content.is_empty() {
            let room = PIECE_BYTES - piece.len();
            let (now, later) = content.split_at(room.min(content.len()));
            piece.extend_from_slice(now);
            content = later;
            if piece.len() == PIECE_BYTES {
                self.primitive(Tag::OCTET_STRING, &piece)?;
                piece.clear();
            }
        }
        self.piece = Some(piece);
        Ok(())
    }

    /// Ends the string that was begun.
    ///
    /// # Errors
    /// As [`Writer::pop`].
    pub fn end_string(&mut self) -> io::Result<()> {
        if let Some(piece) = self.piece.take()
            && !piece.is_empty()
        {
            self.primitive(Tag::OCTET_STRING, &piece)?;
        }
        self.pop()
    }

    /// Ends the writing and gives the output back.
    ///
    /// # Errors
    /// `InvalidInput` where a construction is open, and what flushing says.
    pub fn finish(mut self) -> io::Result<W> {
        if !self.frames.is_empty() {
            return Err(wrong_length());
        }
        self.output.flush()?;
        Ok(self.output)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.write_all(bytes)?;
        self.position += bytes.len() as u64;
        Ok(())
    }
}

fn wrong_length() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "a construction is not as long as was said")
}

/// Identifier and length octets, as short as they can be (X.690, section 10.1).
#[must_use]
pub fn header(tag: Tag, constructed: bool, length: Option<u64>) -> Vec<u8> {
    let mut octets = vec![tag.to_octet(constructed)];
    match length {
        None => octets.push(0x80),
        Some(length @ 0..=0x7f) => octets.push(length as u8),
        Some(length) => {
            let significant = 8 - length.leading_zeros() as usize / 8;
            octets.push(0x80 | significant as u8);
            octets.extend(length.to_be_bytes().iter().skip(8 - significant));
        }
    }
    octets
}

/// How many octets [`header`] has for a content of this length.
#[must_use]
pub const fn header_length(length: u64) -> u64 {
    if length < 0x80 { 2 } else { 2 + 8 - length.leading_zeros() as u64 / 8 }
}

/// A whole element in memory.
#[must_use]
pub fn encode(tag: Tag, constructed: bool, content: &[u8]) -> Vec<u8> {
    let mut element = header(tag, constructed, Some(content.len() as u64));
    element.extend_from_slice(content);
    element
}

/// A construction in memory, of elements that are encoded already.
#[must_use]
pub fn encode_all(tag: Tag, elements: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let content: Vec<u8> = elements.iter().flat_map(|element| element.as_ref().iter().copied()).collect();
    encode(tag, true, &content)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::super::{Reader, to_der};
    use super::*;

    #[test]
    fn what_is_written_is_read_back_with_and_without_lengths() {
        let content = vec![7; 3 * PIECE_BYTES + 5];
        let size = content.len() as u64;
        for length in [Some(size), None] {
            let mut writer = Writer::new(Vec::new());
            writer.push(Tag::SEQUENCE, length.map(|length| header_length(length) + length)).unwrap();
            writer.begin_string(Tag::context(0), length).unwrap();
            writer.string_content(&content).unwrap();
            writer.end_string().unwrap();
            writer.pop().unwrap();
            let bytes = writer.finish().unwrap();

            let mut reader = Reader::new(&bytes[..]);
            reader.enter(Tag::SEQUENCE).unwrap();
            assert_eq!(reader.string(Tag::context(0)).unwrap().read_all(1 << 20).unwrap(), content);
            reader.leave().unwrap();
            reader.finish().unwrap();
        }
    }

    #[test]
    fn a_content_of_another_length_than_was_said_is_refused() {
        let mut writer = Writer::new(Vec::new());
        writer.push(Tag::SEQUENCE, Some(4)).unwrap();
        writer.primitive(Tag::OCTET_STRING, b"a").unwrap();
        assert!(writer.pop().is_err());
    }

    #[test]
    fn lengths_are_minimal() {
        for (length, octets) in [(0, 2), (127, 2), (128, 3), (255, 3), (256, 4), (1 << 32, 7)] {
            assert_eq!(header(Tag::SET, true, Some(length)).len(), octets);
            assert_eq!(header_length(length), octets as u64);
        }
    }

    #[test]
    fn ber_becomes_der() {
        let ber = b"\x30\x80\x24\x80\x04\x01a\x04\x02bc\0\0\x31\x81\x02\x05\0\x23\x08\x03\x02\0\xff\x03\x02\x04\xf0\0\0";
        assert_eq!(to_der(ber).unwrap(), b"\x30\x0e\x04\x03abc\x31\x02\x05\0\x03\x03\x04\xff\xf0");
        assert!(to_der(b"\x30\x80\x05\0").is_err());
        assert!(to_der(b"\x05\0\0").is_err());
    }
}
