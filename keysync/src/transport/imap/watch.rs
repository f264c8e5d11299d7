//! What a mail server announces is measured before anybody makes room for it: the library reserves what a literal says.

use crate::limits;

/// How far the answer was looked at.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Bytes of a literal that are still to come; what stands in it is not looked at.
    literal: u64,
    /// Bytes of the line until now.
    line: usize,
    /// The number at the end of the line, where it is one in braces so far.
    announced: Announced,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Announced {
    #[default]
    Nothing,
    /// `{` and these digits.
    Open(u64),
    /// And `}`.
    Closed(u64),
    /// And a carriage return.
    Ending(u64),
}

impl Watch {
    /// Looks at what came; `allowed` bytes more may come. False where something longer is announced, or a line does not
    /// end.
    pub(super) fn goes_on(&mut self, mut bytes: &[u8], allowed: usize) -> bool {
        while let Some((first, rest)) = bytes.split_first() {
            if self.literal > 0 {
                let skipped = usize::try_from(self.literal).unwrap_or(usize::MAX).min(bytes.len());
                self.literal = self.literal.saturating_sub(skipped as u64);
                bytes = bytes.get(skipped..).unwrap_or_default();
                continue;
            }
            self.line += 1;
            self.announced = match (self.announced, first) {
                (_, b'{') => Announced::Open(0),
                (Announced::Open(number), digit @ b'0'..=b'9') => {
                    Announced::Open(number.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
                }
                (Announced::Open(number), b'}') => Announced::Closed(number),
                // A literal may also end without the return, for whoever reads it so.
                (Announced::Closed(number) | Announced::Ending(number), b'\n') => {
                    self.literal = number;
                    Announced::Nothing
                }
                (Announced::Closed(number), b'\r') => Announced::Ending(number),
                _ => Announced::Nothing,
            };
            if *first == b'\n' {
                self.line = 0;
            }
            if self.literal > allowed as u64 || self.line > limits::IMAP_LINE_BYTES {
                return false;
            }
            bytes = rest;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_as_long_as_may_come_and_not_looked_into() {
        for (answer, goes_on) in [
            ("* 1 FETCH (BODY[TEXT] {5}\r\n{999}\r\n)\r\n", true),
            ("* 1 FETCH (BODY[TEXT] {101}\r\n", false),
            ("* 1 FETCH (BODY[TEXT] {99999999999999999999999}\r\n", false),
            ("* 1 FETCH (BODY[TEXT] {101}\n", false),
            ("* OK {101} bytes\r\n", true),
            ("{3}\r\nabc{101}\r\n", false),
        ] {
            assert_eq!(Watch::default().goes_on(answer.as_bytes(), 100), goes_on, "{answer:?}");
            let mut slowly = Watch::default();
            assert_eq!(
                answer.as_bytes().chunks(1).all(|byte| slowly.goes_on(byte, 100)),
                goes_on,
                "{answer:?}"
            );
        }
    }

    #[test]
    fn a_line_ends_sometime() {
        let mut watch = Watch::default();
        assert!(watch.goes_on(&vec![b'x'; limits::IMAP_LINE_BYTES], usize::MAX));
        assert!(watch.goes_on(b"", usize::MAX));
        assert!(!watch.goes_on(b"x", usize::MAX));
    }
}
