//! Putting a mail into an mbox.

use std::io::{self, Read, SeekFrom, Write};

use super::{Dialect, Direction, FromLines};
use crate::limits::HEADER_BYTES;
use crate::mail::transfer::filter::FilterWriter;
use crate::mail::{HeaderSection, Section};
use crate::ports::Source;

/// Writes what follows a separator: the mail, quoted as the dialect does, with a line end where its
/// last line has none, and the blank line.
///
/// In [`Dialect::Mboxcl2`] the field Content-Length is written anew.
///
/// # Errors
/// What source and output say; `InvalidData` for a header section that mboxcl2 would need to read
/// and that passes a limit.
pub fn write_mail(
    mail: &mut dyn Source,
    dialect: Dialect,
    line_end: &[u8],
    output: &mut dyn Write,
) -> io::Result<()> {
    let mut tracked = LastByte { inner: output, last: b'\n' };
    if dialect == Dialect::Mboxcl2 {
        write_with_length(mail, line_end, &mut tracked)?;
    } else {
        mail.rewind()?;
        let mut quoted = FilterWriter::new(&mut tracked, FromLines::new(dialect, Direction::Quote));
        io::copy(mail, &mut quoted)?;
        quoted.finish()?;
    }
    if tracked.last != b'\n' {
        output.write_all(line_end)?;
    }
    output.write_all(line_end)
}

fn write_with_length(mail: &mut dyn Source, line_end: &[u8], output: &mut dyn Write) -> io::Result<()> {
    let length = mail.seek(SeekFrom::End(0))?;
    mail.rewind()?;
    let mut start = Vec::new();
    (&mut *mail).take(HEADER_BYTES as u64 + 1).read_to_end(&mut start)?;
    let headers =
        HeaderSection::read(&start).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    for field in headers.fields().filter(|field| !field.is("Content-Length")) {
        output.write_all(field.raw())?;
        if !field.raw().ends_with(b"\n") {
            output.write_all(line_end)?;
        }
    }
    let body = headers.length() as u64..length;
    write!(output, "Content-Length: {}", length.saturating_sub(body.start))?;
    output.write_all(line_end)?;
    output.write_all(line_end)?;
    io::copy(&mut Section::new(mail, body)?, output).map(drop)
}

/// Remembers the last byte that was written.
struct LastByte<'o> {
    inner: &'o mut dyn Write,
    last: u8,
}

impl Write for LastByte<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        if let Some(last) = bytes.get(..count).and_then(<[u8]>::last) {
            self.last = *last;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
