//! Header sections, with every byte accounted for (RFC 5322, section 2.2).

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr_iter};

use super::{Defect, MailError, decode_words};
use crate::limits::{HEADER_BYTES, HEADER_LINES};

/// A header section: its bytes and where each field stands in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderSection<'a> {
    bytes: Cow<'a, [u8]>,
    fields: Vec<FieldRange>,
    defects: Vec<Defect>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct FieldRange {
    /// With all its lines and their ends.
    whole: Range<usize>,
    name_end: usize,
    value_start: usize,
}

impl<'a> HeaderSection<'a> {
    /// Reads the header section at the start of `mail`, up to and with the empty line behind it.
    ///
    /// A line that is no field starts the body and is noted as a defect, because some programs
    /// skip it and read on. The line that mbox files put in front is left out in silence.
    ///
    /// # Errors
    /// [`MailError`] where a limit is passed.
    pub fn read(mail: &'a [u8]) -> Result<Self, MailError> {
        let mut section = Self { bytes: Cow::Borrowed(&[]), fields: Vec::new(), defects: Vec::new() };
        let mut start = 0;
        let mut ends = memchr_iter(b'\n', mail).map(|end| end + 1);
        for line_number in 0.. {
            let end = ends.next().unwrap_or(mail.len());
            let line = mail.get(start..end).unwrap_or_default();
            if end > HEADER_BYTES {
                return Err(MailError::HeaderTooLong);
            }
            if line_number > HEADER_LINES {
                return Err(MailError::TooManyHeaderLines);
            }
            if matches!(line, b"\n" | b"\r\n" | b"") {
                start = end;
                break;
            }
            if !section.add_line(line, start) {
                section.note(Defect::MalformedHeaderLine);
                break;
            }
            start = end;
        }
        let bytes = mail.get(..start).unwrap_or_default();
        section.note_characters(bytes);
        section.bytes = Cow::Borrowed(bytes);
        Ok(section)
    }

    /// Takes a line in; says whether it belongs to a header section at all.
    fn add_line(&mut self, line: &[u8], start: usize) -> bool {
        let end = start + line.len();
        if matches!(line, [b' ' | b'\t', ..]) {
            return match self.fields.last_mut() {
                Some(field) => {
                    field.whole.end = end;
                    true
                }
                None => false,
            };
        }
        let name = memchr(b':', line).and_then(|colon| line.get(..colon)).unwrap_or_default();
        let trimmed = name.trim_ascii_end();
        if !is_field_name(trimmed) {
            return start == 0 && (line.starts_with(b"From ") || line.starts_with(b">From "));
        }
        if trimmed.len() != name.len() {
            self.note(Defect::SpaceBeforeColon);
        }
        self.fields.push(FieldRange {
            whole: start..end,
            name_end: start + trimmed.len(),
            value_start: start + name.len() + 1,
        });
        true
    }

    fn note_characters(&mut self, bytes: &[u8]) {
        if memchr(0, bytes).is_some() {
            self.note(Defect::Nul);
        }
        if memchr_iter(b'\r', bytes).any(|at| bytes.get(at + 1) != Some(&b'\n')) {
            self.note(Defect::BareCarriageReturn);
        }
    }

    fn note(&mut self, defect: Defect) {
        if !self.defects.contains(&defect) {
            self.defects.push(defect);
        }
    }

    /// The bytes of the section, with the empty line that ends it where there is one.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the body starts.
    #[must_use]
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    /// What is ambiguous in this section.
    #[must_use]
    pub fn defects(&self) -> &[Defect] {
        &self.defects
    }

    /// Every field, in order.
    pub fn fields(&self) -> impl DoubleEndedIterator<Item = HeaderField<'_>> {
        self.fields.iter().map(|range| HeaderField { section: &self.bytes, range })
    }

    /// Every field of that name, in whatever letter case.
    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = HeaderField<'s>> {
        self.fields().filter(move |field| field.is(name))
    }

    /// The first field of that name.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<HeaderField<'_>> {
        self.fields().find(|field| field.is(name))
    }

    /// The field of that name where it stands there exactly once.
    #[must_use]
    pub fn only(&self, name: &str) -> Option<HeaderField<'_>> {
        let first = self.first(name)?;
        (self.count(name) == 1).then_some(first)
    }

    /// How many fields have that name.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        self.fields().filter(|field| field.is(name)).count()
    }

    /// The same section with bytes of its own.
    #[must_use]
    pub fn into_owned(self) -> HeaderSection<'static> {
        HeaderSection {
            bytes: Cow::Owned(self.bytes.into_owned()),
            fields: self.fields,
            defects: self.defects,
        }
    }
}

/// RFC 5322, section 3.6.8: printable ASCII without the colon.
fn is_field_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_graphic() && *byte != b':')
}

/// One field of a header section.
#[derive(Clone, Copy, Debug)]
pub struct HeaderField<'s> {
    section: &'s [u8],
    range: &'s FieldRange,
}

impl<'s> HeaderField<'s> {
    fn slice(&self, range: Range<usize>) -> &'s [u8] {
        self.section.get(range).unwrap_or_default()
    }

    /// The name as it was written.
    #[must_use]
    pub fn name(&self) -> &'s str {
        std::str::from_utf8(self.slice(self.range.whole.start..self.range.name_end)).unwrap_or_default()
    }

    /// Whether the field has that name, in whatever letter case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name)
    }

    /// Where the field stands in its section, with all its lines and their ends.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.range.whole.clone()
    }

    /// The field as it was written, with all its lines and their ends.
    #[must_use]
    pub fn raw(&self) -> &'s [u8] {
        self.slice(self.range())
    }

    /// What stands behind the colon, without the last line end, otherwise as it was written.
    #[must_use]
    pub fn raw_value(&self) -> &'s [u8] {
        let value = self.slice(self.range.value_start..self.range.whole.end);
        let value = value.strip_suffix(b"\n").unwrap_or(value);
        value.strip_suffix(b"\r").unwrap_or(value)
    }

    /// Whether white space stands before the colon, which only obsolete mail has.
    #[must_use]
    pub fn has_space_before_colon(&self) -> bool {
        self.range.value_start != self.range.name_end + 1
    }

    /// The value with its lines joined (RFC 5322, section 2.2.3) and without white space around.
    #[must_use]
    pub fn unfolded(&self) -> Vec<u8> {
        let raw = self.raw_value();
        let mut value = Vec::with_capacity(raw.len());
        for line in raw.split(|byte| *byte == b'\n') {
            value.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        }
        value.trim_ascii().to_vec()
    }

    /// The value as people read it: encoded words decoded, and never a control character.
    #[must_use]
    pub fn text(&self) -> String {
        decode_words(&self.unfolded())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const MAIL: &[u8] =
        b"From: alice@example.org\r\nSubject: a\r\n folded\r\n\tsubject\r\nsubject: again\r\n\r\nbody";

    #[test]
    fn a_section_ends_at_the_first_empty_line() {
        let section = HeaderSection::read(MAIL).unwrap();
        assert_eq!(&MAIL[section.length()..], b"body");
        assert!(section.defects().is_empty());
        let names: Vec<&str> = section.fields().map(|field| field.name()).collect();
        assert_eq!(names, ["From", "Subject", "subject"]);
    }

    #[test]
    fn fields_cover_the_section() {
        let section = HeaderSection::read(MAIL).unwrap();
        let joined: Vec<u8> = section.fields().flat_map(|field| field.raw().to_vec()).collect();
        assert_eq!([joined.as_slice(), b"\r\n"].concat(), section.bytes());
    }

    #[test]
    fn folded_lines_are_one_value() {
        let section = HeaderSection::read(MAIL).unwrap();
        let subject = section.first("SUBJECT").unwrap();
        assert_eq!(subject.text(), "a folded\tsubject".replace('\t', " "));
        assert_eq!(subject.unfolded(), b"a folded\tsubject");
        assert_eq!(section.count("subject"), 2);
        assert!(section.only("subject").is_none());
        assert!(section.only("from").is_some());
    }

    #[test]
    fn a_line_that_is_no_field_starts_the_body() {
        for (mail, body) in [
            ("A: 1\nno field\nB: 2\n\n", "no field\nB: 2\n\n"),
            ("just text", "just text"),
            (" a: b\n", " a: b\n"),
        ] {
            let section = HeaderSection::read(mail.as_bytes()).unwrap();
            assert_eq!(section.defects(), [Defect::MalformedHeaderLine]);
            assert_eq!(&mail[section.length()..], body);
            assert_eq!(section.count("B"), 0);
        }
        let section = HeaderSection::read(b"From : x\n\n").unwrap();
        assert_eq!(section.defects(), [Defect::SpaceBeforeColon]);
    }

    #[test]
    fn control_characters_are_defects() {
        let section = HeaderSection::read(b"From: alice\rBcc: bob\0\n\n").unwrap();
        assert_eq!(section.defects(), [Defect::Nul, Defect::BareCarriageReturn]);
        assert_eq!(section.count("Bcc"), 0);
    }

    #[test]
    fn an_mbox_line_is_no_defect() {
        let section = HeaderSection::read(b"From alice Thu Jan  1 00:00:00 1970\nA: 1\n\n").unwrap();
        assert!(section.defects().is_empty());
        assert_eq!(section.fields().count(), 1);
    }

    #[test]
    fn a_mail_may_be_a_header_alone() {
        assert_eq!(HeaderSection::read(b"A: 1").unwrap().first("a").unwrap().raw_value(), b" 1");
        assert_eq!(HeaderSection::read(b"").unwrap().length(), 0);
        assert_eq!(HeaderSection::read(b"\r\nbody").unwrap().length(), 2);
    }

    #[test]
    fn limits_hold() {
        let lines = |count: usize| format!("{}\n", "a: b\n".repeat(count));
        assert!(HeaderSection::read(lines(HEADER_LINES).as_bytes()).is_ok());
        assert_eq!(
            HeaderSection::read(lines(HEADER_LINES + 1).as_bytes()),
            Err(MailError::TooManyHeaderLines)
        );
        let long = |count: usize| format!("a:{}\n", "b".repeat(count - 3));
        assert!(HeaderSection::read(long(HEADER_BYTES).as_bytes()).is_ok());
        assert_eq!(HeaderSection::read(long(HEADER_BYTES + 1).as_bytes()), Err(MailError::HeaderTooLong));
    }
}
