//! The tree of MIME parts, each with its exact place in the mail (RFC 2046).

use std::ops::Range;

use memchr::memchr_iter;

use super::boundary::{Delimiter, delimiter, line_end_length};
use super::content_type::transfer_encoding;
use super::encoded_word::to_unicode;
use super::transfer::filter::Filter;
use super::{
    ContentDisposition, ContentType, Defect, HeaderSection, MailError, TransferDecoder, TransferEncoding,
    TransferError,
};
use crate::limits::{MAIL_IN_MEMORY, MIME_DEPTH, MIME_PARTS};

/// A part of a mail, or the mail itself.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    bytes: &'a [u8],
    offset: usize,
    headers: HeaderSection<'a>,
    content_type: ContentType,
    disposition: ContentDisposition,
    encoding: TransferEncoding,
    preamble: &'a [u8],
    epilogue: &'a [u8],
    children: Vec<Part<'a>>,
    defects: Vec<Defect>,
}

impl<'a> Part<'a> {
    /// Splits a mail, or a MIME entity of its own, into its parts.
    ///
    /// # Errors
    /// [`MailError`] where a limit is passed. Whatever is malformed within the limits gives a tree
    /// with defects.
    pub fn read(mail: &'a [u8]) -> Result<Self, MailError> {
        if mail.len() as u64 > MAIL_IN_MEMORY {
            return Err(MailError::TooLong);
        }
        let mut reader = Reader { parts: 0, boundaries: Vec::new() };
        reader.part(mail, 0, 0, "text/plain")
    }

    /// The part as it stands in the mail: header section and body.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Where the part stands in the mail.
    #[must_use]
    pub const fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.bytes.len()
    }

    /// The body, still encoded.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.bytes.get(self.headers.length()..).unwrap_or_default()
    }

    /// Where the body stands in the mail.
    #[must_use]
    pub fn body_range(&self) -> Range<usize> {
        self.offset + self.headers.length()..self.offset + self.bytes.len()
    }

    /// Its header section.
    #[must_use]
    pub const fn headers(&self) -> &HeaderSection<'a> {
        &self.headers
    }

    /// What its body is.
    #[must_use]
    pub const fn content_type(&self) -> &ContentType {
        &self.content_type
    }

    /// How it wants to be shown.
    #[must_use]
    pub const fn disposition(&self) -> &ContentDisposition {
        &self.disposition
    }

    /// How its body is encoded.
    #[must_use]
    pub const fn encoding(&self) -> TransferEncoding {
        self.encoding
    }

    /// The parts of a multipart, or the one message of a message/rfc822.
    #[must_use]
    pub fn children(&self) -> &[Part<'a>] {
        &self.children
    }

    /// What stands before the first boundary of a multipart.
    #[must_use]
    pub const fn preamble(&self) -> &'a [u8] {
        self.preamble
    }

    /// What stands behind the last boundary of a multipart.
    #[must_use]
    pub const fn epilogue(&self) -> &'a [u8] {
        self.epilogue
    }

    /// What is ambiguous about this part, those inside not counted.
    #[must_use]
    pub fn defects(&self) -> &[Defect] {
        &self.defects
    }

    /// Whether this is a multipart that could be split, or a message.
    #[must_use]
    pub const fn is_container(&self) -> bool {
        !self.children.is_empty()
    }

    /// The body without its content transfer encoding.
    ///
    /// # Errors
    /// [`TransferError`] where it is malformed.
    pub fn decoded(&self) -> Result<Vec<u8>, TransferError> {
        TransferDecoder::of(self.encoding).apply(self.body())
    }

    /// The body of a text part as Unicode. Control characters are not removed.
    ///
    /// # Errors
    /// [`TransferError`] where the body is malformed.
    pub fn text(&self) -> Result<String, TransferError> {
        let charset = self.content_type.parameter("charset").unwrap_or("us-ascii");
        // Half the mails that claim ASCII are UTF-8, and ASCII is a part of it.
        let charset = if charset.eq_ignore_ascii_case("us-ascii") { "utf-8" } else { charset };
        self.decoded().map(|bytes| to_unicode(charset.as_bytes(), &bytes))
    }

    /// This part and all inside it, each before what it holds, with the way from here: the number
    /// of the child, from 1, on each level.
    #[must_use]
    pub fn walk(&self) -> Vec<(Vec<usize>, &Part<'a>)> {
        let mut found = vec![(Vec::new(), self)];
        let mut next = 0;
        while let Some((path, part)) = found.get(next).cloned() {
            let children = part.children.iter().zip(1..).map(|(child, number)| {
                let mut path = path.clone();
                path.push(number);
                (path, child)
            });
            found.splice(next + 1..next + 1, children);
            next += 1;
        }
        found
    }
}

/// What is counted over the whole mail.
struct Reader<'a> {
    parts: usize,
    /// Boundaries of the multiparts around.
    boundaries: Vec<&'a str>,
}

impl Reader<'_> {
    fn part<'a>(
        &mut self,
        bytes: &'a [u8],
        offset: usize,
        depth: usize,
        default: &str,
    ) -> Result<Part<'a>, MailError> {
        self.parts += 1;
        if self.parts > MIME_PARTS {
            return Err(MailError::TooManyParts);
        }
        if depth > MIME_DEPTH {
            return Err(MailError::NestedTooDeep);
        }
        let headers = HeaderSection::read(bytes)?;
        let (content_type, type_defects) = ContentType::of(&headers, default)?;
        let disposition = ContentDisposition::of(&headers)?;
        let (encoding, encoding_defects) = transfer_encoding(&headers);
        let defects = [headers.defects(), &type_defects, &encoding_defects].concat();
        let mut part = Part {
            bytes,
            offset,
            headers,
            content_type,
            disposition,
            encoding,
            preamble: &[],
            epilogue: &[],
            children: Vec::new(),
            defects,
        };
        let is_message = part.content_type.is("message/rfc822") || part.content_type.is("message/global");
        if part.content_type.media_type() == "multipart" {
            self.multipart(&mut part, depth)?;
        } else if is_message && part.encoding.is_identity() {
            let message = self.part(part.body(), part.body_range().start, depth + 1, "text/plain")?;
            part.children.push(message);
        } else if is_message {
            // RFC 2046, section 5.2.1, forbids it, and programs differ in whether they look inside.
            part.defects.push(Defect::EncodedStructure);
        }
        Ok(part)
    }

    fn multipart(&mut self, part: &mut Part<'_>, depth: usize) -> Result<(), MailError> {
        if !part.encoding.is_identity() {
            part.defects.push(Defect::EncodedStructure);
        }
        let boundary = match part.content_type.boundary() {
            Ok(boundary) => boundary.to_owned(),
            Err(defect) => {
                part.defects.push(defect);
                return Ok(());
            }
        };
        if self.boundaries.contains(&boundary.as_str()) {
            part.defects.push(Defect::RepeatedBoundary);
        }
        let split = Split::read(part.body(), &boundary)?;
        part.defects.extend(split.defects());
        let slice = |range: &Range<usize>| part.body().get(range.clone()).unwrap_or_default();
        let (preamble, epilogue) = (slice(&split.preamble), slice(&split.epilogue));
        let default = if part.content_type.is("multipart/digest") { "message/rfc822" } else { "text/plain" };
        let mut inner = Reader {
            parts: self.parts,
            boundaries: self.boundaries.iter().copied().chain([boundary.as_str()]).collect(),
        };
        let mut children = Vec::new();
        for range in &split.parts {
            let offset = part.body_range().start + range.start;
            children.push(inner.part(slice(range), offset, depth + 1, default)?);
        }
        self.parts = inner.parts;
        (part.preamble, part.epilogue, part.children) = (preamble, epilogue, children);
        Ok(())
    }
}

/// Where the parts of a multipart stand in its body.
#[derive(Default)]
struct Split {
    preamble: Range<usize>,
    parts: Vec<Range<usize>>,
    epilogue: Range<usize>,
    closed: bool,
    ambiguous: bool,
    goes_on: bool,
}

impl Split {
    fn read(body: &[u8], boundary: &str) -> Result<Self, MailError> {
        let mut split = Self::default();
        // Where the text before a delimiter ends: without the line end that belongs to it.
        let mut text_end = 0;
        let mut start = 0;
        let ends = memchr_iter(b'\n', body).map(|end| end + 1).chain([body.len()]);
        for end in ends {
            let line = body.get(start..end).unwrap_or_default();
            match delimiter(line, boundary) {
                Some(Delimiter::Ambiguous) => split.ambiguous = true,
                Some(_) if split.closed => split.goes_on = true,
                Some(found) => {
                    split.end_part(text_end);
                    if found == Delimiter::Open {
                        if split.parts.len() >= MIME_PARTS {
                            return Err(MailError::TooManyParts);
                        }
                        split.parts.push(end..body.len());
                    } else {
                        split.closed = true;
                        split.epilogue = end..body.len();
                    }
                }
                None => {}
            }
            text_end = end - line_end_length(line);
            start = end;
        }
        if split.parts.is_empty() && !split.closed {
            split.preamble = 0..body.len();
        }
        Ok(split)
    }

    /// What was open ends here. The line end of a delimiter is not part of an empty part.
    fn end_part(&mut self, text_end: usize) {
        match self.parts.last_mut() {
            Some(part) => part.end = text_end.max(part.start),
            None => self.preamble = 0..text_end,
        }
    }

    fn defects(&self) -> impl Iterator<Item = Defect> {
        [
            (self.ambiguous, Defect::AmbiguousBoundary),
            (self.goes_on, Defect::BoundaryBehindEnd),
            (!self.closed, Defect::Unterminated),
            (self.parts.is_empty(), Defect::NoParts),
        ]
        .into_iter()
        .filter_map(|(present, defect)| present.then_some(defect))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIXED: &str = "Content-Type: multipart/mixed; boundary=a\r\n\r\npreamble\r\n--a\r\n\
        Content-Type: multipart/alternative; boundary=ab\r\n\r\n--ab\r\n\r\nplain\r\n--ab\r\n\
        Content-Type: text/html\r\n\r\n<p>\r\n--ab--\r\n\r\n--a\r\nContent-Type: message/rfc822\r\n\r\n\
        Subject: inner\r\n\r\ntext\r\n--a--\r\nepilogue";

    fn outline(part: &Part<'_>) -> Vec<String> {
        let describe =
            |(path, part): (Vec<usize>, &Part<'_>)| format!("{path:?} {}", part.content_type().name());
        part.walk().into_iter().map(describe).collect()
    }

    fn defects(mail: &str) -> Vec<Defect> {
        let root = Part::read(mail.as_bytes()).unwrap();
        root.walk().iter().flat_map(|(_, part)| part.defects().to_vec()).collect()
    }

    /// Parts are slices of the mail, in order, within the part around them and none over another.
    fn check_ranges(mail: &[u8], part: &Part<'_>) {
        assert_eq!(&mail[part.range()], part.bytes());
        assert_eq!(&mail[part.body_range()], part.body());
        let mut end = part.body_range().start;
        for child in part.children() {
            assert!(child.range().start >= end && child.range().end <= part.range().end);
            end = child.range().end;
            check_ranges(mail, child);
        }
    }

    #[test]
    fn a_tree_has_every_part_in_its_place() {
        let root = Part::read(MIXED.as_bytes()).unwrap();
        assert_eq!(
            outline(&root),
            [
                "[] multipart/mixed",
                "[1] multipart/alternative",
                "[1, 1] text/plain",
                "[1, 2] text/html",
                "[2] message/rfc822",
                "[2, 1] text/plain"
            ]
        );
        check_ranges(MIXED.as_bytes(), &root);
        assert_eq!((root.preamble(), root.epilogue()), (&b"preamble"[..], &b"epilogue"[..]));
        assert_eq!(root.children()[0].children()[0].body(), b"plain");
        assert_eq!(root.children()[1].children()[0].headers().first("Subject").unwrap().text(), "inner");
    }

    #[test]
    fn a_boundary_within_another_is_noted() {
        // `--ab` starts with `--a`.
        assert_eq!(defects(MIXED), [Defect::AmbiguousBoundary]);
        assert_eq!(defects(&MIXED.replace("ab", "z")), []);
    }

    #[test]
    fn what_can_be_split_in_two_ways_is_noted() {
        let mixed = |body: &str| format!("Content-Type: multipart/mixed; boundary=a\n\n{body}");
        for (body, defect) in [
            ("--a\n\nx\n", Defect::Unterminated),
            ("--a\n\nx\n--a--\n--a\n\ny\n--a--\n", Defect::BoundaryBehindEnd),
            ("--a--\n", Defect::NoParts),
            ("--a\nContent-Type: multipart/mixed; boundary=a\n\n--a--\n", Defect::RepeatedBoundary),
            ("--a\nContent-Type: multipart/mixed\n\n--a--\n", Defect::MalformedBoundary),
            ("--a\nContent-Type: text/plain\nContent-Type: text/html\n\n--a--\n", Defect::RepeatedField),
            (
                "--a\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n--a--\n",
                Defect::EncodedStructure,
            ),
        ] {
            assert!(defects(&mixed(body)).contains(&defect), "{body:?}: {:?}", defects(&mixed(body)));
        }
        assert_eq!(defects(&mixed("--a\n\nx\n--a--\n")), []);
    }

    #[test]
    fn parts_of_a_digest_are_messages() {
        let mail = "Content-Type: multipart/digest; boundary=a\n\n--a\n\nSubject: x\n\nbody\n--a--\n";
        let root = Part::read(mail.as_bytes()).unwrap();
        assert_eq!(outline(&root), ["[] multipart/digest", "[1] message/rfc822", "[1, 1] text/plain"]);
    }

    #[test]
    fn empty_parts_are_empty() {
        let mail = "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n--a\r\n\r\n--a--";
        let root = Part::read(mail.as_bytes()).unwrap();
        let bodies: Vec<&[u8]> = root.children().iter().map(Part::bytes).collect();
        assert_eq!(bodies, [b"", b""]);
        check_ranges(mail.as_bytes(), &root);
    }

    #[test]
    fn text_is_decoded() {
        let mail = "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\ncaf=E9";
        assert_eq!(Part::read(mail.as_bytes()).unwrap().text().unwrap(), "café");
    }

    #[test]
    fn limits_hold() {
        let flat = |count: usize| {
            format!("Content-Type: multipart/mixed; boundary=a\n\n{}--a--\n", "--a\n\nx\n".repeat(count))
        };
        assert_eq!(Part::read(flat(MIME_PARTS - 1).as_bytes()).unwrap().children().len(), MIME_PARTS - 1);
        assert_eq!(Part::read(flat(MIME_PARTS).as_bytes()).unwrap_err(), MailError::TooManyParts);
        let nested = |depth: usize| {
            (0..depth).fold("text".to_owned(), |inner, _| format!("Content-Type: message/rfc822\n\n{inner}"))
        };
        assert!(Part::read(nested(MIME_DEPTH).as_bytes()).is_ok());
        assert_eq!(Part::read(nested(MIME_DEPTH + 1).as_bytes()).unwrap_err(), MailError::NestedTooDeep);
        assert_eq!(Part::read(nested(2000).as_bytes()).unwrap_err(), MailError::NestedTooDeep);
    }

    proptest! {
        #[test]
        fn any_mail_gives_parts_in_their_places(
            lines in prop::collection::vec(prop::sample::select(vec![
                "--a", "--a--", "--b", "--b--", "", "text", " folded", "--ab",
                "Content-Type: multipart/mixed; boundary=a", "Content-Type: multipart/mixed; boundary=b",
                "Content-Type: message/rfc822", "Content-Type: multipart/digest; boundary=\"a\"",
            ]), 0..40),
            crlf: bool,
        ) {
            let mail = lines.join(if crlf { "\r\n" } else { "\n" });
            let root = Part::read(mail.as_bytes()).unwrap();
            check_ranges(mail.as_bytes(), &root);
            for (path, _) in root.walk() {
                prop_assert!(path.len() <= MIME_DEPTH);
            }
        }
    }
}
