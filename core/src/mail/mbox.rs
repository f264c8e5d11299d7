//! Many mails in one file: mbox (RFC 4155, and the three ways in which programs write it).
//!
//! Each mail follows a line that begins with `From `, and a blank line stands before the next one.
//! What the dialects do about lines of a mail that look like such a separator is in [`Dialect`].
//! The entries of a file are found in constant memory, and together they are the whole file: who
//! copies the bytes of an entry changes nothing.

mod from_lines;
mod write;

use std::fmt;
use std::io::{self, Read, Seek};
use std::ops::Range;

use super::Section;
use super::lines::Lines;
use super::transfer::filter::FilterReader;
use crate::limits::MBOX_LENGTH_DIGITS;
use crate::ports::Source;

pub use self::from_lines::{Direction, FromLines};
pub use self::write::write_mail;

/// How a mail keeps its own lines from looking like a separator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// `>` before every line that is `From ` behind any number of `>`: what was written comes back
    /// byte for byte. Most programs of today.
    #[default]
    Mboxrd,
    /// `>` before `From ` alone. A line that had one `>` before loses it.
    Mboxo,
    /// Nothing; the field Content-Length says how long the body is.
    Mboxcl2,
}

impl Dialect {
    /// The name that people type.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mboxrd => "mboxrd",
            Self::Mboxo => "mboxo",
            Self::Mboxcl2 => "mboxcl2",
        }
    }
}

/// Where one mail stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MboxEntry {
    /// The line that begins with `From `.
    pub separator: Range<u64>,
    /// The mail, quoted as the dialect does.
    pub mail: Range<u64>,
    /// Where the next entry begins: behind the blank line, where there is one.
    pub end: u64,
}

/// Reads a mail of a file, without the quoting; seeking back starts anew.
pub type MboxMail<'s> = FilterReader<Section<'s>, FromLines>;

impl MboxEntry {
    /// The mail as it was before it was put into the file.
    ///
    /// # Errors
    /// What the source says.
    pub fn open<'s>(&self, source: &'s mut dyn Source, dialect: Dialect) -> io::Result<MboxMail<'s>> {
        let section = Section::new(source, self.mail.clone())?;
        Ok(FilterReader::new(section, FromLines::new(dialect, Direction::Unquote)))
    }
}

/// Why a file cannot be read as an mbox.
#[derive(Debug)]
pub enum MboxError {
    /// It does not begin with a separator.
    NotAnMbox,
    /// It cannot be read.
    Io(io::Error),
}

impl fmt::Display for MboxError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnMbox => formatter.write_str("not an mbox: it does not begin with a line `From ...`"),
            Self::Io(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for MboxError {}

impl From<io::Error> for MboxError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Finds the mails of a file, one after the other.
pub struct MboxReader<R> {
    lines: Lines<R>,
    dialect: Dialect,
    /// The separator that was found behind the mail before.
    separator: Option<Range<u64>>,
    /// Whether a separator must come next: at the start, and after [`MboxReader::at`].
    at_start: bool,
}

impl<R: Read + Seek> MboxReader<R> {
    /// Reads from the start of a file.
    pub fn new(file: R, dialect: Dialect) -> Self {
        Self { lines: Lines::new(file), dialect, separator: None, at_start: true }
    }

    /// Goes on where an entry ended before.
    ///
    /// # Errors
    /// What the file says.
    pub fn at(file: R, dialect: Dialect, position: u64) -> io::Result<Self> {
        let mut reader = Self::new(file, dialect);
        reader.lines.move_to(position)?;
        Ok(reader)
    }

    /// The next mail, if there is one.
    ///
    /// # Errors
    /// [`MboxError::NotAnMbox`] where no separator stands at the start, and what the file says.
    pub fn next_entry(&mut self) -> Result<Option<MboxEntry>, MboxError> {
        let Some(separator) = self.next_separator()? else { return Ok(None) };
        let mut end = separator.end;
        let mut blank = None;
        let mut header = Some(ContentLength::default());
        while let Some(line) = self.lines.next()? {
            let is_blank = matches!(line.start, b"\n" | b"\r\n");
            if is_separator(line.start, blank.is_some()) {
                self.separator = Some(line.range);
                break;
            }
            end = line.range.end;
            blank = is_blank.then_some(line.range.start);
            match &mut header {
                Some(length) if !is_blank => length.look_at(line.start),
                _ => {
                    let length = header.take().and_then(|header| header.value);
                    if let Some(length) = length.filter(|_| self.dialect == Dialect::Mboxcl2)
                        && let Some(behind) = self.body_end(end, length)?
                    {
                        end = behind;
                        blank = None;
                    }
                }
            }
        }
        let mail_end = blank.filter(|blank| *blank >= separator.end).unwrap_or(end);
        Ok(Some(MboxEntry { mail: separator.end..mail_end, separator, end }))
    }

    fn next_separator(&mut self) -> Result<Option<Range<u64>>, MboxError> {
        if !std::mem::take(&mut self.at_start) {
            return Ok(self.separator.take());
        }
        match self.lines.next()? {
            None => Ok(None),
            Some(line) if line.start.starts_with(FROM) => Ok(Some(line.range)),
            Some(_) => Err(MboxError::NotAnMbox),
        }
    }

    /// Where a body of this length ends, if a separator or the end of the file is there. Then reading
    /// goes on at that place; otherwise the length is wrong, and reading goes on as if it were not
    /// there.
    fn body_end(&mut self, start: u64, length: u64) -> io::Result<Option<u64>> {
        let file_length = self.lines.length()?;
        if let Some(end) = start.checked_add(length).filter(|end| *end <= file_length) {
            self.lines.move_to(end)?;
            let mut is_blank = false;
            let is_end = loop {
                match self.lines.next()? {
                    None => break true,
                    Some(line) if !is_blank && matches!(line.start, b"\n" | b"\r\n") => is_blank = true,
                    Some(line) => break is_separator(line.start, true),
                }
            };
            self.lines.move_to(if is_end { end } else { start })?;
            return Ok(is_end.then_some(end));
        }
        self.lines.move_to(start)?;
        Ok(None)
    }
}

/// What a separator begins with.
const FROM: &[u8] = b"From ";

/// Whether a line begins the next mail. As mutt and Dovecot have it, a separator carries a date;
/// where it does not, it has nothing at all (old Thunderbird), and stands behind a blank line.
fn is_separator(line: &[u8], behind_blank: bool) -> bool {
    let Some(rest) = line.strip_prefix(FROM) else { return false };
    if matches!(rest.trim_ascii(), b"" | b"-") {
        return behind_blank;
    }
    let words = || rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words().any(is_time_of_day) && words().any(is_year)
}

/// `12:08` or `12:08:34`.
fn is_time_of_day(word: &[u8]) -> bool {
    let mut numbers = 0;
    word.split(|byte| *byte == b':').all(|number| {
        numbers += 1;
        matches!(number.len(), 1 | 2) && number.iter().all(u8::is_ascii_digit)
    }) && matches!(numbers, 2 | 3)
}

fn is_year(word: &[u8]) -> bool {
    word.len() == 4 && word.iter().all(u8::is_ascii_digit)
}

/// The field Content-Length of a header section.
#[derive(Default)]
struct ContentLength {
    value: Option<u64>,
}

impl ContentLength {
    fn look_at(&mut self, line: &[u8]) {
        let Some((name, value)) =
            line.iter().position(|byte| *byte == b':').and_then(|colon| line.split_at_checked(colon))
        else {
            return;
        };
        if !name.eq_ignore_ascii_case(b"Content-Length") {
            return;
        }
        let digits = value.get(1..).unwrap_or_default().trim_ascii();
        if digits.len() <= MBOX_LENGTH_DIGITS {
            self.value = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
