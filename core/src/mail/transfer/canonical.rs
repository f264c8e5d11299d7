//! The canonical form of text: every line ends with CRLF (RFC 8551, section 3.1.1).

use memchr::memchr2;

use super::TransferError;
use super::filter::Filter;

/// What to do with a carriage return that no line feed follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BareCarriageReturn {
    /// Refuse it: some programs take it for the end of a line and some do not, so a signature over
    /// it would mean two things. For everything that we write.
    Refuse,
    /// Leave it: for checking what others signed.
    Keep,
}

/// Turns bare line feeds into CRLF. What is canonical already stays as it is.
#[derive(Clone, Debug)]
pub struct Canonical {
    bare: BareCarriageReturn,
    /// Whether the last byte was a carriage return that is not written yet.
    pending: bool,
}

impl Canonical {
    /// A filter with that rule.
    #[must_use]
    pub const fn new(bare: BareCarriageReturn) -> Self {
        Self { bare, pending: false }
    }

    fn bare(&self, output: &mut Vec<u8>) -> Result<(), TransferError> {
        match self.bare {
            BareCarriageReturn::Refuse => Err(TransferError::BareCarriageReturn),
            BareCarriageReturn::Keep => {
                output.push(b'\r');
                Ok(())
            }
        }
    }
}

impl Filter for Canonical {
    fn push(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<(), TransferError> {
        output.reserve(input.len() + input.len() / 64);
        let mut rest = input;
        if self.pending {
            match rest.first() {
                None => return Ok(()),
                Some(b'\n') => {}
                Some(_) => self.bare(output)?,
            }
            self.pending = false;
        }
        while let Some(end) = memchr2(b'\r', b'\n', rest) {
            let (line, ending) = rest.split_at_checked(end).unwrap_or_default();
            output.extend_from_slice(line);
            rest = match ending {
                [b'\r', b'\n', after @ ..] | [b'\n', after @ ..] => {
                    output.extend_from_slice(b"\r\n");
                    after
                }
                [_] => {
                    self.pending = true;
                    return Ok(());
                }
                [_, after @ ..] => {
                    self.bare(output)?;
                    after
                }
                [] => return Ok(()),
            };
        }
        output.extend_from_slice(rest);
        Ok(())
    }

    fn finish(&mut self, output: &mut Vec<u8>) -> Result<(), TransferError> {
        if std::mem::take(&mut self.pending) { self.bare(output) } else { Ok(()) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(text: &str, bare: BareCarriageReturn) -> Result<String, TransferError> {
        Canonical::new(bare).apply(text.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn every_line_ends_with_both() {
        for text in ["a\nb\n", "a\r\nb\r\n", "a\r\nb\n"] {
            assert_eq!(canonical(text, BareCarriageReturn::Refuse).as_deref(), Ok("a\r\nb\r\n"));
        }
        assert_eq!(canonical("\n\n", BareCarriageReturn::Refuse).as_deref(), Ok("\r\n\r\n"));
        assert_eq!(canonical("a", BareCarriageReturn::Refuse).as_deref(), Ok("a"));
    }

    #[test]
    fn a_lone_carriage_return_is_refused_or_kept() {
        for text in ["a\rb", "a\r\r\nb", "a\r"] {
            assert_eq!(canonical(text, BareCarriageReturn::Refuse), Err(TransferError::BareCarriageReturn));
            assert_eq!(canonical(text, BareCarriageReturn::Keep).as_deref(), Ok(text));
        }
    }

    proptest! {
        #[test]
        fn canonical_stays_canonical(text in "[a\r\n]{0,40}", piece in 1usize..5) {
            let once = canonical(&text, BareCarriageReturn::Keep).unwrap();
            prop_assert_eq!(&canonical(&once, BareCarriageReturn::Keep).unwrap(), &once);
            let mut filter = Canonical::new(BareCarriageReturn::Keep);
            let mut output = Vec::new();
            for bytes in text.as_bytes().chunks(piece) {
                filter.push(bytes, &mut output).unwrap();
            }
            filter.finish(&mut output).unwrap();
            prop_assert_eq!(output, once.as_bytes());
        }
    }
}
