//! How the lines of a mail end.

use std::io::{self, BufRead, BufReader, Read, Write};

use crate::ports::Source;

/// How lines end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnds {
    /// As on the wire.
    CarriageReturnLineFeed,
    /// As in files of Unix.
    LineFeed,
}

impl LineEnds {
    /// As the first line of a mail ends.
    ///
    /// # Errors
    /// What the source says.
    pub(crate) fn of(mail: &mut dyn Source) -> io::Result<Self> {
        mail.rewind()?;
        let mut first = Vec::new();
        Read::take(BufReader::new(mail), 4096).read_until(b'\n', &mut first)?;
        Ok(match first.as_slice() {
            [.., b'\r', b'\n'] => Self::CarriageReturnLineFeed,
            [.., b'\n'] => Self::LineFeed,
            _ => Self::CarriageReturnLineFeed,
        })
    }

    /// Writes a text whose lines end with CRLF.
    ///
    /// # Errors
    /// What the output says.
    pub(crate) fn write(self, text: &[u8], output: &mut dyn Write) -> io::Result<()> {
        if self == Self::CarriageReturnLineFeed {
            return output.write_all(text);
        }
        let mut rest = text;
        while let Some(position) = memchr::memmem::find(rest, b"\r\n") {
            let (line, end) = rest.split_at_checked(position).unwrap_or_default();
            output.write_all(line)?;
            output.write_all(b"\n")?;
            rest = end.get(2..).unwrap_or_default();
        }
        output.write_all(rest)
    }
}
