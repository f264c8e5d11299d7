//! Lines of a mail that look like a separator: quoted on the way in, as they were on the way out.

use memchr::memchr;

use super::{Dialect, FROM};
use crate::mail::TransferError;
use crate::mail::transfer::filter::Filter;

/// Which way a mail goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into an mbox.
    Quote,
    /// Out of one.
    Unquote,
}

/// Adds or removes the `>` before lines `From `, in memory that does not depend on their length.
#[derive(Clone, Debug)]
pub struct FromLines {
    dialect: Dialect,
    direction: Direction,
    place: Place,
}

/// Where in a line the next byte stands.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Behind this many `>` (2 stands for more), the first of which was not passed on yet, and this
    /// many bytes of `From `, none of which was.
    Start { quotes: u8, matched: usize },
    /// Where nothing depends on what comes.
    Inside,
}

impl Place {
    const START: Self = Self::Start { quotes: 0, matched: 0 };
}

impl FromLines {
    /// A filter for one mail, from its first byte.
    #[must_use]
    pub const fn new(dialect: Dialect, direction: Direction) -> Self {
        Self { dialect, direction, place: Place::START }
    }

    /// How many of the `>` that were held back, or are to be added, stand before this `From `.
    const fn quotes_before(&self, quotes: u8) -> usize {
        let held = if quotes > 0 { 1 } else { 0 };
        match (self.dialect, self.direction, quotes) {
            (Dialect::Mboxrd, Direction::Quote, _) | (Dialect::Mboxo, Direction::Quote, 0) => held + 1,
            (Dialect::Mboxrd, Direction::Unquote, 1..) | (Dialect::Mboxo, Direction::Unquote, 1) => 0,
            _ => held,
        }
    }
}

impl Filter for FromLines {
    fn push(&mut self, mut input: &[u8], output: &mut Vec<u8>) -> Result<(), TransferError> {
        if self.dialect == Dialect::Mboxcl2 {
            output.extend_from_slice(input);
            return Ok(());
        }
        while let Some((byte, rest)) = input.split_first() {
            match self.place {
                Place::Inside => {
                    let end = memchr(b'\n', input).map(|position| position + 1);
                    let (line, rest) = input.split_at_checked(end.unwrap_or(input.len())).unwrap_or_default();
                    output.extend_from_slice(line);
                    input = rest;
                    if end.is_some() {
                        self.place = Place::START;
                    }
                }
                Place::Start { quotes, matched: 0 } if *byte == b'>' => {
                    if quotes > 0 {
                        output.push(b'>');
                    }
                    self.place = Place::Start { quotes: (quotes + 1).min(2), matched: 0 };
                    input = rest;
                }
                Place::Start { quotes, matched } if FROM.get(matched) == Some(byte) => {
                    input = rest;
                    self.place = Place::Start { quotes, matched: matched + 1 };
                    if matched + 1 == FROM.len() {
                        output.extend(std::iter::repeat_n(b'>', self.quotes_before(quotes)));
                        output.extend_from_slice(FROM);
                        self.place = Place::Inside;
                    }
                }
                Place::Start { .. } => self.pass_held(output),
            }
        }
        Ok(())
    }

    fn finish(&mut self, output: &mut Vec<u8>) -> Result<(), TransferError> {
        self.pass_held(output);
        Ok(())
    }
}

impl FromLines {
    /// This line is an ordinary one: what was held back goes on as it came.
    fn pass_held(&mut self, output: &mut Vec<u8>) {
        if let Place::Start { quotes, matched } = self.place {
            output.extend_from_slice(if quotes > 0 { b">" } else { b"" });
            output.extend_from_slice(FROM.get(..matched).unwrap_or_default());
        }
        self.place = Place::Inside;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn apply(dialect: Dialect, direction: Direction, text: &[u8], piece: usize) -> Vec<u8> {
        let mut filter = FromLines::new(dialect, direction);
        let mut output = Vec::new();
        for piece in text.chunks(piece) {
            filter.push(piece, &mut output).unwrap();
        }
        filter.finish(&mut output).unwrap();
        output
    }

    fn quoted(dialect: Dialect, text: &str) -> String {
        String::from_utf8(apply(dialect, Direction::Quote, text.as_bytes(), 3)).unwrap()
    }

    #[test]
    fn only_lines_that_look_like_a_separator_are_quoted() {
        let text = "From a\n>From b\n>>From c\nFromage\n From d\n>F\n> From e\nFro";
        assert_eq!(
            quoted(Dialect::Mboxrd, text),
            ">From a\n>>From b\n>>>From c\nFromage\n From d\n>F\n> From e\nFro"
        );
        assert_eq!(
            quoted(Dialect::Mboxo, text),
            ">From a\n>From b\n>>From c\nFromage\n From d\n>F\n> From e\nFro"
        );
        assert_eq!(quoted(Dialect::Mboxcl2, text), text);
    }

    #[test]
    fn mboxo_takes_one_mark_and_no_more() {
        let text = b">From a\n>>From b\nFrom c\n>";
        assert_eq!(apply(Dialect::Mboxo, Direction::Unquote, text, 1), b"From a\n>>From b\nFrom c\n>");
        assert_eq!(apply(Dialect::Mboxrd, Direction::Unquote, text, 1), b"From a\n>From b\nFrom c\n>");
    }

    proptest! {
        #[test]
        fn mboxrd_gives_every_mail_back_whatever_pieces_it_comes_in(
            lines in proptest::collection::vec("(>{0,4}(From |Fro|From)?[a-z> ]{0,4}\r?\n?|.{0,8}\n)", 0..20),
            piece in 1usize..9,
        ) {
            let text = lines.concat().into_bytes();
            for dialect in [Dialect::Mboxrd, Dialect::Mboxcl2] {
                let quoted = apply(dialect, Direction::Quote, &text, piece);
                prop_assert_eq!(&apply(dialect, Direction::Unquote, &quoted, 1 + piece / 2), &text);
            }
            let quoted = apply(Dialect::Mboxrd, Direction::Quote, &text, piece);
            prop_assert!(!quoted.split(|byte| *byte == b'\n').any(|line| line.starts_with(FROM)));
        }
    }
}
