//! Bytes in several pieces: a large mail is written without being copied first.

use std::borrow::Cow;
use std::io::{self, Read, Write};

/// Bytes that stand in several places, in the order in which they are written.
#[derive(Clone, Debug, Default)]
pub struct Pieces<'a>(Vec<Cow<'a, [u8]>>);

impl<'a> Pieces<'a> {
    /// Adds bytes at the end.
    pub fn push(&mut self, piece: impl Into<Cow<'a, [u8]>>) {
        self.0.push(piece.into());
    }

    /// Adds all pieces of another at the end.
    pub fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many bytes there are in all.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.0.iter().map(|piece| piece.len() as u64).sum()
    }

    /// Reads them from the start.
    #[must_use]
    pub fn reader(&self) -> impl Read {
        PiecesReader { current: &[], rest: &self.0 }
    }

    /// Writes all of them.
    ///
    /// # Errors
    /// As the output says.
    pub fn write_to(&self, output: &mut dyn Write) -> io::Result<()> {
        self.0.iter().try_for_each(|piece| output.write_all(piece))
    }

    /// All in one; without a copy where they are one already.
    #[must_use]
    pub fn into_bytes(mut self) -> Vec<u8> {
        match (self.0.pop(), self.0.is_empty()) {
            (Some(only), true) => only.into_owned(),
            (last, _) => {
                self.0.extend(last);
                self.0.concat()
            }
        }
    }
}

impl<'a> From<Vec<u8>> for Pieces<'a> {
    fn from(bytes: Vec<u8>) -> Self {
        Self(vec![Cow::Owned(bytes)])
    }
}

struct PiecesReader<'p> {
    current: &'p [u8],
    rest: &'p [Cow<'p, [u8]>],
}

impl Read for PiecesReader<'_> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            let Some((next, rest)) = self.rest.split_first() else { return Ok(0) };
            (self.current, self.rest) = (next, rest);
        }
        self.current.read(output)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_are_read_and_written_as_if_they_were_one(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..6)) {
            let mut pieces = Pieces::default();
            for part in &parts {
                pieces.push(part.as_slice());
            }
            let whole = parts.concat();
            let (mut read, mut written) = (Vec::new(), Vec::new());
            pieces.reader().read_to_end(&mut read).unwrap();
            pieces.write_to(&mut written).unwrap();
            prop_assert_eq!(&read, &whole);
            prop_assert_eq!(&written, &whole);
            prop_assert_eq!(pieces.length(), whole.len() as u64);
            prop_assert_eq!(pieces.into_bytes(), whole);
        }
    }
}
