//! Base64 bodies (RFC 2045, section 6.8), at the speed of memory.

use base64_simd::STANDARD;

use super::TransferError;
use super::filter::Filter;

/// Characters of a full line (RFC 2045, section 6.8).
const LINE_CHARACTERS: usize = 76;
/// Bytes that make a full line.
const LINE_INPUT: usize = LINE_CHARACTERS / 4 * 3;

/// Decodes base64 in lines of any length, with white space anywhere.
///
/// Stricter than RFC 2045, which lets a reader skip whatever is not base64: two programs that
/// skip differently read two contents, so a foreign character is an error here, and so is
/// anything behind the padding.
#[derive(Clone, Debug, Default)]
pub struct Base64Decoder {
    /// Characters of the group that is not complete yet: fewer than four.
    pending: Vec<u8>,
    /// Whether padding was seen, after which only white space may come.
    ended: bool,
}

impl Filter for Base64Decoder {
    fn push(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<(), TransferError> {
        let mut characters = std::mem::take(&mut self.pending);
        characters.reserve(input.len());
        collect(input, &mut characters);
        if self.ended {
            return if characters.is_empty() { Ok(()) } else { Err(TransferError::Base64) };
        }
        let rest = characters.len() % 4;
        let (groups, incomplete) = characters.split_at_checked(characters.len() - rest).unwrap_or_default();
        STANDARD.decode_append(groups, output).map_err(|_| TransferError::Base64)?;
        self.ended = groups.last() == Some(&b'=');
        if self.ended && !incomplete.is_empty() {
            return Err(TransferError::Base64);
        }
        self.pending = incomplete.to_vec();
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<u8>) -> Result<(), TransferError> {
        if self.pending.is_empty() { Ok(()) } else { Err(TransferError::Base64) }
    }
}

/// Appends everything but white space. Line by line, because white space within a line is rare.
fn collect(input: &[u8], characters: &mut Vec<u8>) {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    for line in lines(input) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if memchr::memchr3(b' ', b'\t', b'\r', line).is_none() {
            characters.extend_from_slice(line);
        } else {
            characters.extend(line.iter().filter(|byte| !is_space(byte)));
        }
    }
}

/// The pieces between line feeds.
fn lines(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', input).chain(std::iter::once(input.len())).map(move |end| {
        let line = input.get(start..end).unwrap_or_default();
        start = end + 1;
        line
    })
}

/// Encodes to lines of 76 characters, each ended by CRLF, the last one too.
#[derive(Clone, Debug, Default)]
pub struct Base64Encoder {
    /// Bytes of the line that is not full yet: fewer than [`LINE_INPUT`].
    pending: Vec<u8>,
}

impl Filter for Base64Encoder {
    fn push(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<(), TransferError> {
        let mut input = input;
        if !self.pending.is_empty() {
            let missing = (LINE_INPUT - self.pending.len()).min(input.len());
            let (head, tail) = input.split_at_checked(missing).unwrap_or_default();
            self.pending.extend_from_slice(head);
            input = tail;
            if self.pending.len() < LINE_INPUT {
                return Ok(());
            }
            encode_lines(&self.pending, output);
            self.pending.clear();
        }
        let full = input.len() - input.len() % LINE_INPUT;
        let (lines, rest) = input.split_at_checked(full).unwrap_or_default();
        encode_lines(lines, output);
        self.pending.extend_from_slice(rest);
        Ok(())
    }

    fn finish(&mut self, output: &mut Vec<u8>) -> Result<(), TransferError> {
        encode_lines(&std::mem::take(&mut self.pending), output);
        Ok(())
    }
}

/// Encodes whole lines; only the last may be shorter. The characters are made in one go, because
/// the vector instructions have little to do in a line of 76, and lines of known length are copied
/// much faster than others.
fn encode_lines(input: &[u8], output: &mut Vec<u8>) {
    const LINES_AT_ONCE: usize = 256;
    let mut characters = Vec::with_capacity(LINE_CHARACTERS * LINES_AT_ONCE);
    output.reserve(input.len().div_ceil(LINE_INPUT) * (LINE_CHARACTERS + 2));
    for block in input.chunks(LINE_INPUT * LINES_AT_ONCE) {
        characters.clear();
        STANDARD.encode_append(block, &mut characters);
        let (lines, last) = characters.as_chunks::<LINE_CHARACTERS>();
        for line in lines {
            output.extend_from_slice(line);
            output.extend_from_slice(b"\r\n");
        }
        if !last.is_empty() {
            output.extend_from_slice(last);
            output.extend_from_slice(b"\r\n");
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(text: &[u8]) -> Result<Vec<u8>, TransferError> {
        Base64Decoder::default().apply(text)
    }

    #[test]
    fn lines_have_76_characters() {
        let encoded = Base64Encoder::default().apply(&[0; 100]).unwrap();
        let lines: Vec<usize> = encoded.split(|byte| *byte == b'\n').map(<[u8]>::len).collect();
        assert_eq!(lines, [77, 61, 0]);
        assert_eq!(Base64Encoder::default().apply(b"").unwrap(), b"");
    }

    #[test]
    fn white_space_may_stand_anywhere() {
        for text in ["QWxpY2U=", "QW\r\nxp\nY2 U\t=\r\n\r\n", "\nQ\nW\nx\np\nY\n2\nU\n=", "QWxpY2U= \r\r\n"] {
            assert_eq!(decode(text.as_bytes()).unwrap(), b"Alice", "{text:?}");
        }
        assert_eq!(decode(b" \r\n").unwrap(), b"");
    }

    #[test]
    fn garbage_is_refused() {
        for text in
            ["QWxpY2U", "QWxpY2U=QQ==", "QWxpY2U=\r\n-- \r\n", "QWxp*2U=", "Q===", "=", "QWxpY2V=", "\0"]
        {
            assert_eq!(decode(text.as_bytes()), Err(TransferError::Base64), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_comes_back(bytes: Vec<u8>, pieces in 1usize..200) {
            let mut encoder = Base64Encoder::default();
            let mut encoded = Vec::new();
            for piece in bytes.chunks(pieces) {
                encoder.push(piece, &mut encoded).unwrap();
            }
            encoder.finish(&mut encoded).unwrap();
            prop_assert_eq!(&encoded, &Base64Encoder::default().apply(&bytes).unwrap());
            let mut decoder = Base64Decoder::default();
            let mut decoded = Vec::new();
            for piece in encoded.chunks(pieces) {
                decoder.push(piece, &mut decoded).unwrap();
            }
            decoder.finish(&mut decoded).unwrap();
            prop_assert_eq!(decoded, bytes);
        }
    }
}
