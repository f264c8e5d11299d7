//! Quoted-printable bodies (RFC 2045, section 6.7).

use memchr::memchr;

use super::TransferError;
use super::filter::Filter;

/// Characters of an encoded line at most, the soft line break included.
const LINE_CHARACTERS: usize = 76;
/// Bytes of one line that are kept until its end is seen. Longer lines are not legal, so they are
/// decoded in pieces of this size.
const PENDING_BYTES: usize = 64 << 10;

/// Decodes quoted-printable. What is malformed stays as it is, as RFC 2045 suggests: the reader
/// sees it, and nothing is guessed.
#[derive(Clone, Debug, Default)]
pub struct QuotedPrintableDecoder {
    /// The line whose end was not seen yet.
    pending: Vec<u8>,
}

impl Filter for QuotedPrintableDecoder {
    fn push(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<(), TransferError> {
        let mut rest = input;
        while let Some(end) = memchr(b'\n', rest) {
            let (line, after) = rest.split_at_checked(end + 1).unwrap_or_default();
            if self.pending.is_empty() {
                decode_line(line, output);
            } else {
                self.pending.extend_from_slice(line);
                decode_line(&std::mem::take(&mut self.pending), output);
            }
            rest = after;
        }
        self.pending.extend_from_slice(rest);
        while self.pending.len() > PENDING_BYTES {
            // Not within an escape, and not within white space that may end the line.
            let cut = self
                .pending
                .iter()
                .rposition(|byte| !matches!(byte, b'=' | b' ' | b'\t' | b'\r') && !byte.is_ascii_hexdigit());
            let line = match cut {
                Some(cut) => {
                    let rest = self.pending.split_off(cut + 1);
                    std::mem::replace(&mut self.pending, rest)
                }
                None => std::mem::take(&mut self.pending),
            };
            decode_text(&line, output);
        }
        Ok(())
    }

    fn finish(&mut self, output: &mut Vec<u8>) -> Result<(), TransferError> {
        decode_line(&std::mem::take(&mut self.pending), output);
        Ok(())
    }
}

/// Decodes one line with its end, if it has one.
fn decode_line(line: &[u8], output: &mut Vec<u8>) {
    let (text, end) = match line {
        [text @ .., b'\r', b'\n'] => (text, &b"\r\n"[..]),
        [text @ .., b'\n'] => (text, &b"\n"[..]),
        text => (text, &b""[..]),
    };
    // White space at the end of a line was added in transport.
    let text = text.trim_ascii_end();
    match text.strip_suffix(b"=") {
        Some(text) => decode_text(text, output),
        None => {
            decode_text(text, output);
            output.extend_from_slice(end);
        }
    }
}

fn decode_text(text: &[u8], output: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(escape) = memchr(b'=', rest) {
        let (before, after) = rest.split_at_checked(escape).unwrap_or_default();
        output.extend_from_slice(before);
        rest = match after {
            [_, high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                output.push(hexadecimal(*high) << 4 | hexadecimal(*low));
                after
            }
            [equals, after @ ..] => {
                output.push(*equals);
                after
            }
            [] => after,
        };
    }
    output.extend_from_slice(rest);
}

/// The value of a hexadecimal digit.
pub(crate) const fn hexadecimal(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'A'..=b'F' => digit - b'A' + 10,
        b'a'..=b'f' => digit - b'a' + 10,
        _ => 0,
    }
}

/// Encodes text so that it arrives as it was sent: no line over 76 characters, no white space at
/// the end of a line, no line that starts with `From ` or with a dot, ASCII only.
///
/// The input's line ends, LF or CRLF, become CRLF.
#[derive(Clone, Debug, Default)]
pub struct QuotedPrintableEncoder {
    /// Characters of the line that is being written.
    column: usize,
    /// The line whose end was not seen yet.
    pending: Vec<u8>,
}

impl Filter for QuotedPrintableEncoder {
    fn push(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<(), TransferError> {
        let mut rest = input;
        while let Some(end) = memchr(b'\n', rest) {
            let (line, after) = rest.split_at_checked(end).unwrap_or_default();
            let mut whole = std::mem::take(&mut self.pending);
            whole.extend_from_slice(line);
            self.encode(whole.strip_suffix(b"\r").unwrap_or(&whole), true, output);
            output.extend_from_slice(b"\r\n");
            self.column = 0;
            rest = after.get(1..).unwrap_or_default();
        }
        self.pending.extend_from_slice(rest);
        if self.pending.len() > PENDING_BYTES {
            let last = self.pending.split_off(self.pending.len() - 1);
            let text = std::mem::replace(&mut self.pending, last);
            self.encode(&text, false, output);
        }
        Ok(())
    }

    fn finish(&mut self, output: &mut Vec<u8>) -> Result<(), TransferError> {
        let text = std::mem::take(&mut self.pending);
        self.encode(&text, true, output);
        Ok(())
    }
}

impl QuotedPrintableEncoder {
    /// Writes bytes of one line; `ends` says that they are its last.
    fn encode(&mut self, text: &[u8], ends: bool, output: &mut Vec<u8>) {
        let mut rest = text;
        while let [byte, after @ ..] = rest {
            // Only that many bytes fit into a line anyway, so a `From ` behind a soft line break is
            // found before it stands there.
            let starts = self.column == 0 || self.column >= LINE_CHARACTERS - 3;
            let plain = match byte {
                b'=' => false,
                b' ' | b'\t' => !(ends && after.is_empty()),
                b'F' if starts => !rest.starts_with(b"From "),
                b'.' if starts => false,
                b'!'..=b'~' => true,
                _ => false,
            };
            let width = if plain { 1 } else { 3 };
            // One place stays free for the soft line break.
            if self.column + width > LINE_CHARACTERS - 1 {
                output.extend_from_slice(b"=\r\n");
                self.column = 0;
            }
            self.column += width;
            if plain {
                output.push(*byte);
            } else {
                output.extend_from_slice(&escape(*byte));
            }
            rest = after;
        }
    }
}

fn escape(byte: u8) -> [u8; 3] {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'A' + value - 10 };
    [b'=', digit(byte >> 4), digit(byte & 15)]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(text: &str) -> Vec<u8> {
        QuotedPrintableDecoder::default().apply(text.as_bytes()).unwrap()
    }

    fn encode(text: &str) -> String {
        String::from_utf8(QuotedPrintableEncoder::default().apply(text.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn escapes_and_soft_breaks_are_undone() {
        assert_eq!(decode("caf=C3=A9 =\r\nau lait=20\r\n"), "café au lait \r\n".as_bytes());
        assert_eq!(decode("trailing   \r\nnext"), b"trailing\r\nnext");
        assert_eq!(decode("soft=  \nbreak"), b"softbreak");
    }

    #[test]
    fn what_is_malformed_stays() {
        assert_eq!(decode("a=b=ZZ=4"), b"a=b=ZZ=4");
        assert_eq!(decode("100% = all"), b"100% = all");
        assert_eq!(decode("=c3=a9"), "é".as_bytes());
    }

    #[test]
    fn what_transports_change_is_encoded() {
        assert_eq!(encode("From alice\n"), "=46rom alice\r\n");
        assert_eq!(encode("From: alice\nFr\n"), "From: alice\r\nFr\r\n");
        assert_eq!(encode("-- \nAlice"), "--=20\r\nAlice");
        assert_eq!(encode("a\t"), "a=09");
        assert_eq!(encode(".\r\n..\r\n"), "=2E\r\n=2E.\r\n");
        assert_eq!(encode("1 = 1 é\n"), "1 =3D 1 =C3=A9\r\n");
    }

    #[test]
    fn a_long_line_does_not_take_memory() {
        let mut decoder = QuotedPrintableDecoder::default();
        let mut output = Vec::new();
        for _ in 0..100 {
            decoder.push(&[b'='; 4096], &mut output).unwrap();
            assert!(decoder.pending.len() <= PENDING_BYTES + 4096);
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_comes_back(text in "[ \tF.rom=aé]{0,90}([\n][ \tF.rom=aé]{0,90}){0,3}", piece in 1usize..9) {
            let mut encoder = QuotedPrintableEncoder::default();
            let mut encoded = Vec::new();
            for bytes in text.as_bytes().chunks(piece) {
                encoder.push(bytes, &mut encoded).unwrap();
            }
            encoder.finish(&mut encoded).unwrap();
            let encoded = String::from_utf8(encoded).unwrap();
            for line in encoded.split("\r\n") {
                prop_assert!(line.len() <= LINE_CHARACTERS && line.is_ascii());
                prop_assert!(!line.ends_with([' ', '\t']) && !line.starts_with("From ") && line != ".");
            }
            prop_assert_eq!(decode(&encoded), text.replace('\n', "\r\n").into_bytes());
        }
    }
}
