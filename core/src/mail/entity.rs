//! A MIME entity that can be changed and written again.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

use super::field_writer::{parameterised, sendable_field, write_address_field, write_field};
use super::parameter::{Parameter, Parameterised};
use super::transfer::filter::Filter;
use super::{
    BareCarriageReturn, Base64Encoder, Canonical, HeaderField, MailError, Part, Pieces,
    QuotedPrintableEncoder, TransferEncoding, TransferError,
};
use crate::limits::LINE_BYTES;

/// A part with a header section of its own bytes.
#[derive(Clone, Debug)]
pub(crate) struct Entity<'a> {
    pub(crate) fields: Vec<OwnedField>,
    pub(crate) body: Body<'a>,
}

/// A field as it will be written: lines ended by CRLF, ASCII but for addresses (RFC 6532).
#[derive(Clone, Debug)]
pub(crate) struct OwnedField {
    pub(crate) name: String,
    pub(crate) raw: Vec<u8>,
}

/// What an entity holds.
#[derive(Clone, Debug)]
pub(crate) enum Body<'a> {
    /// Bytes as they will be written, but for their line ends.
    Encoded(Cow<'a, [u8]>),
    /// Bytes as they will be written, looked at already.
    Canonical(&'a [u8]),
    /// Text that needs no encoding.
    Text(String),
    /// Text of ours, and behind it bytes as they will be written, looked at already.
    Preceded(String, &'a [u8]),
    Multipart {
        boundary: String,
        preamble: &'a [u8],
        epilogue: &'a [u8],
        parts: Vec<Entity<'a>>,
    },
    Message(Box<Entity<'a>>),
}

impl OwnedField {
    pub(crate) fn new(name: &str, value: &str) -> Result<Self, MailError> {
        Ok(Self { name: name.to_owned(), raw: write_field(name, value)? })
    }

    /// A field whose value may hold addresses beyond ASCII.
    pub(crate) fn with_addresses(name: &str, value: &str) -> Result<Self, MailError> {
        Ok(Self { name: name.to_owned(), raw: write_address_field(name, value)? })
    }

    pub(crate) fn of(field: &HeaderField<'_>) -> Result<Self, MailError> {
        Ok(Self { name: field.name().to_owned(), raw: sendable_field(field)? })
    }

    /// The field as it came, whatever it holds, with CRLF line ends.
    pub(crate) fn verbatim(field: &HeaderField<'_>) -> Self {
        let mut raw = Vec::with_capacity(field.raw().len() + 2);
        for line in field.raw().strip_suffix(b"\n").unwrap_or(field.raw()).split(|byte| *byte == b'\n') {
            raw.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
            raw.extend_from_slice(b"\r\n");
        }
        Self { name: field.name().to_owned(), raw }
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Whether the field describes the body beside it, and not the mail.
    pub(crate) fn is_structural(&self) -> bool {
        is_structural(&self.name)
    }

    /// What stands behind the colon, on one line.
    pub(crate) fn value(&self) -> String {
        let value = self.raw.get(self.name.len() + 1..).unwrap_or_default();
        let value = String::from_utf8_lossy(value).replace("\r\n", "");
        value.trim().to_owned()
    }
}

/// RFC 9787, section 1.1.1: MIME-Version and Content-*.
pub(crate) fn is_structural(name: &str) -> bool {
    name.eq_ignore_ascii_case("MIME-Version")
        || name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("Content-"))
}

impl<'a> Entity<'a> {
    /// An entity of which every part arrives as it is sent: 7bit but for addresses beyond ASCII in
    /// header fields, no line over [`LINE_BYTES`], no
    /// white space at the end of a line, no line that starts with `From `. What is not so is
    /// encoded anew; the content stays the same.
    ///
    /// # Errors
    /// [`MailError`] where that is impossible.
    pub(crate) fn sendable(part: &Part<'a>) -> Result<Self, MailError> {
        let mut fields = Vec::new();
        for field in part.headers().fields() {
            fields.push(OwnedField::of(&field)?);
        }
        let mut entity = Self { fields, body: Body::Encoded(Cow::Borrowed(part.body())) };
        let is_multipart = part.content_type().media_type() == "multipart";
        if part.is_container() && !part.content_type().is("multipart/signed") {
            let mut children = Vec::new();
            for child in part.children() {
                children.push(Self::sendable(child)?);
            }
            entity.set_encoding(TransferEncoding::SevenBit)?;
            entity.body = match (is_multipart, children.pop()) {
                (false, Some(message)) => Body::Message(Box::new(message)),
                (_, last) => Body::Multipart {
                    boundary: part.content_type().boundary().unwrap_or_default().to_owned(),
                    preamble: sendable_or_nothing(part.preamble()),
                    epilogue: sendable_or_nothing(part.epilogue()),
                    parts: children.into_iter().chain(last).collect(),
                },
            };
        } else if is_multipart {
            // Bytes that are signed already, or that nobody knows how to split, stay as they are.
            if passage(part.body()) == Passage::Broken {
                return Err(MailError::PartNotSendable);
            }
        } else {
            let passage = passage(part.body());
            if passage < Passage::Safe || part.encoding() == TransferEncoding::Binary {
                entity.encode_anew(part)?;
                return Ok(entity);
            }
            if part.encoding() == TransferEncoding::EightBit {
                entity.set_encoding(TransferEncoding::SevenBit)?;
            }
            if passage == Passage::Canonical {
                entity.body = Body::Canonical(part.body());
            }
        }
        Ok(entity)
    }

    fn encode_anew(&mut self, part: &Part<'_>) -> Result<(), MailError> {
        let mut content = part.decoded()?;
        let is_text = part.content_type().media_type() == "text";
        if is_text {
            self.give_content_type(&content)?;
        }
        let is_lines = is_text && part.encoding() != TransferEncoding::Binary;
        if is_lines && !content.contains(&0) {
            // RFC 2046, section 4.1.1: the line ends of text are CRLF, also where they are encoded.
            content = Canonical::new(BareCarriageReturn::Keep).apply(&content)?;
        }
        self.encode(&content, is_lines)
    }

    /// Encodes content in the way that suits it: quoted-printable for text that is mostly ASCII.
    fn encode(&mut self, content: &[u8], is_text: bool) -> Result<(), MailError> {
        let foreign =
            content.iter().filter(|byte| !matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')).count();
        let (encoding, body) = if is_text && foreign * 6 <= content.len() {
            (TransferEncoding::QuotedPrintable, QuotedPrintableEncoder::default().apply(content)?)
        } else {
            (TransferEncoding::Base64, Base64Encoder::default().apply(content)?)
        };
        self.body = Body::Encoded(Cow::Owned(body));
        self.set_encoding(encoding)
    }

    /// Puts lines before the text of `part`, which this entity is. It becomes UTF-8. What needs no encoding is not
    /// copied, however large it is.
    pub(crate) fn put_before(&mut self, lines: String, part: &Part<'_>) -> Result<(), MailError> {
        let charset = part.content_type().parameter("charset").unwrap_or("us-ascii");
        let is_unicode = ["us-ascii", "utf-8"].iter().any(|name| charset.eq_ignore_ascii_case(name));
        let is_encoded = !matches!(part.encoding(), TransferEncoding::SevenBit | TransferEncoding::EightBit);
        match self.body {
            Body::Canonical(bytes)
                if is_unicode && !is_encoded && passage(lines.as_bytes()) == Passage::Canonical =>
            {
                self.set_unicode()?;
                self.body = Body::Preceded(lines, bytes);
                Ok(())
            }
            _ => self.set_text(lines + &part.text()?),
        }
    }

    fn set_unicode(&mut self) -> Result<(), MailError> {
        let mut content_type = self.content_type()?;
        content_type.parameters.retain(|parameter| parameter.name != "charset");
        content_type.parameters.insert(0, parameter("charset", "utf-8"));
        self.set_field("Content-Type", &parameterised(&content_type))
    }

    /// Replaces the text of a text part. It becomes UTF-8.
    pub(crate) fn set_text(&mut self, text: String) -> Result<(), MailError> {
        self.set_unicode()?;
        let text = text.replace("\r\n", "\n").replace('\n', "\r\n");
        if passage(text.as_bytes()) >= Passage::Safe {
            self.set_encoding(TransferEncoding::SevenBit)?;
            self.body = Body::Text(text);
            Ok(())
        } else {
            self.encode(text.as_bytes(), true)
        }
    }

    /// Sets a parameter of the Content-Type, and removes it where `value` is nothing.
    pub(crate) fn set_parameter(&mut self, name: &str, value: Option<&str>) -> Result<(), MailError> {
        let mut content_type = self.content_type()?;
        let before = content_type.clone();
        content_type.parameters.retain(|parameter| parameter.name != name);
        content_type.parameters.extend(value.map(|value| parameter(name, value)));
        if content_type == before {
            return Ok(());
        }
        self.set_field("Content-Type", &parameterised(&content_type))
    }

    /// As [`Entity::set_parameter`], where it can be done.
    pub(crate) fn set_parameter_if_possible(&mut self, name: &str, value: Option<&str>) {
        let before = self.fields.clone();
        if self.set_parameter(name, value).is_err() {
            self.fields = before;
        }
    }

    /// Replaces the text and takes the mark of a Legacy Display Element away, where that can be
    /// done.
    pub(crate) fn replace_text(&mut self, text: String) {
        let before = self.clone();
        if self.set_text(text).and_then(|()| self.set_parameter("hp-legacy-display", None)).is_err() {
            *self = before;
        }
    }

    /// The Content-Type, or the one that holds where there is none.
    fn content_type(&self) -> Result<Parameterised, MailError> {
        match self.fields.iter().find(|field| field.is("Content-Type")) {
            Some(field) => Parameterised::parse(field.value().as_bytes()),
            None => Parameterised::parse(b"text/plain; charset=\"us-ascii\""),
        }
    }

    /// A part without a Content-Type is ASCII text. Where it is not, the truth is written.
    fn give_content_type(&mut self, content: &[u8]) -> Result<(), MailError> {
        if self.fields.iter().any(|field| field.is("Content-Type")) || content.is_ascii() {
            return Ok(());
        }
        // RFC 1428 has a name for what nobody knows.
        let charset = if std::str::from_utf8(content).is_ok() { "utf-8" } else { "unknown-8bit" };
        self.set_field("Content-Type", &format!("text/plain; charset=\"{charset}\""))
    }

    fn set_encoding(&mut self, encoding: TransferEncoding) -> Result<(), MailError> {
        match encoding {
            TransferEncoding::Base64 => self.set_field("Content-Transfer-Encoding", "base64"),
            TransferEncoding::QuotedPrintable => {
                self.set_field("Content-Transfer-Encoding", "quoted-printable")
            }
            // The default needs no field.
            _ => {
                self.fields.retain(|field| !field.is("Content-Transfer-Encoding"));
                Ok(())
            }
        }
    }

    /// Replaces a field in its place, and all its repetitions with it; a new one comes last.
    pub(crate) fn set_field(&mut self, name: &str, value: &str) -> Result<(), MailError> {
        let new = OwnedField::new(name, value)?;
        let place = self.fields.iter().position(|field| field.is(name)).unwrap_or(self.fields.len());
        self.fields.retain(|field| !field.is(name));
        self.fields.insert(place.min(self.fields.len()), new);
        Ok(())
    }

    /// Every entity inside that stands for `part`, by the way to it.
    pub(crate) fn at(&mut self, path: &[usize]) -> Option<&mut Self> {
        let Some((number, rest)) = path.split_first() else { return Some(self) };
        match &mut self.body {
            Body::Multipart { parts, .. } => parts.get_mut(number.checked_sub(1)?)?.at(rest),
            Body::Message(message) if *number == 1 => message.at(rest),
            _ => None,
        }
    }

    /// The entity as it is written: canonical line ends throughout. What has them is not copied.
    ///
    /// # Errors
    /// [`TransferError::BareCarriageReturn`] in bytes that were not encoded anew.
    pub(crate) fn into_pieces(self) -> Result<Pieces<'a>, MailError> {
        let mut pieces = Pieces::default();
        self.write(&mut pieces)?;
        Ok(pieces)
    }

    fn write(self, output: &mut Pieces<'a>) -> Result<(), MailError> {
        let mut fields: Vec<u8> = self.fields.into_iter().flat_map(|field| field.raw).collect();
        fields.extend_from_slice(b"\r\n");
        output.push(fields);
        match self.body {
            Body::Encoded(bytes) => output.push(canonical(bytes)?),
            Body::Canonical(bytes) => output.push(bytes),
            Body::Text(text) => output.push(text.into_bytes()),
            Body::Preceded(text, bytes) => {
                output.push(text.into_bytes());
                output.push(bytes);
            }
            Body::Message(message) => message.write(output)?,
            Body::Multipart { boundary, preamble, epilogue, parts } => {
                if !preamble.is_empty() {
                    output.push(canonical(preamble.into())?);
                    output.push(b"\r\n".as_slice());
                }
                for part in parts {
                    output.push(format!("--{boundary}\r\n").into_bytes());
                    part.write(output)?;
                    output.push(b"\r\n".as_slice());
                }
                output.push(format!("--{boundary}--\r\n").into_bytes());
                output.push(canonical(epilogue.into())?);
            }
        }
        Ok(())
    }
}

fn parameter(name: &str, value: &str) -> Parameter {
    Parameter { name: name.to_owned(), value: value.to_owned(), extended: false }
}

fn canonical(bytes: Cow<'_, [u8]>) -> Result<Vec<u8>, TransferError> {
    Canonical::new(BareCarriageReturn::Refuse).apply(&bytes)
}

/// Preambles and epilogues are shown by no program: what cannot be sent is left out.
fn sendable_or_nothing(bytes: &[u8]) -> &[u8] {
    if passage(bytes) >= Passage::Safe { bytes } else { &[] }
}

/// What transports do to lines of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Passage {
    /// Some transport changes or refuses them: not ASCII, too long, a bare carriage return.
    Broken,
    /// Every transport passes them; programs that trim white space or write mbox files do not.
    SevenBit,
    /// Nothing changes them but the form of their line ends.
    Safe,
    /// Nothing changes them, and their lines end with CRLF.
    Canonical,
}

/// How text gets through. One pass, because most of what is asked is the base64 of large files.
pub(crate) fn passage(bytes: &[u8]) -> Passage {
    let (mut passage, mut start, mut feeds, mut returns, mut pairs) = (Passage::Safe, 0, 0, 0, 0);
    for (number, block) in bytes.chunks(BLOCK).enumerate() {
        if !block.is_ascii() || memchr(0, block).is_some() {
            return Passage::Broken;
        }
        returns += memchr_iter(b'\r', block).count();
        for feed in memchr_iter(b'\n', block) {
            let end = number * BLOCK + feed;
            let line = bytes.get(start..end).unwrap_or_default();
            let stripped = line.strip_suffix(b"\r");
            pairs += usize::from(stripped.is_some());
            passage = passage.min(line_passage(stripped.unwrap_or(line)));
            (start, feeds) = (end + 1, feeds + 1);
        }
    }
    passage = passage.min(line_passage(bytes.get(start..).unwrap_or_default()));
    match passage {
        // A carriage return that ends no line is left over.
        _ if returns != pairs => Passage::Broken,
        Passage::Safe if feeds == pairs => Passage::Canonical,
        _ => passage,
    }
}

/// The scans of one block find it in the processor's cache.
const BLOCK: usize = 32 << 10;

fn line_passage(line: &[u8]) -> Passage {
    if line.len() > LINE_BYTES {
        Passage::Broken
    } else if matches!(line, [.., b' ' | b'\t']) || line.starts_with(b"From ") {
        Passage::SevenBit
    } else {
        Passage::Safe
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_transports_change_is_not_safe() {
        for text in ["a \n", "a\t\r\n", "From a\n", "x\nFrom a", "-- "] {
            assert_eq!(passage(text.as_bytes()), Passage::SevenBit, "{text:?}");
        }
        for text in ["é", "a\rb", "a\r", "a\r\r\n", "a\0"] {
            assert_eq!(passage(text.as_bytes()), Passage::Broken, "{text:?}");
        }
        for text in ["\n", "a\r\nb\n", "From: a\n"] {
            assert_eq!(passage(text.as_bytes()), Passage::Safe, "{text:?}");
        }
        for text in ["", "\r\n", "a\r\nb\r\n", "From: a\r\n", " From a"] {
            assert_eq!(passage(text.as_bytes()), Passage::Canonical, "{text:?}");
        }
        assert_eq!(passage("a".repeat(LINE_BYTES).as_bytes()), Passage::Canonical);
        assert_eq!(passage("a".repeat(LINE_BYTES + 1).as_bytes()), Passage::Broken);
    }

    #[test]
    fn lines_are_the_same_wherever_a_block_ends() {
        let line = "0123456789abcde";
        for ending in ["\r\n", "\n"] {
            for shift in 0..20 {
                let text = "x".repeat(shift) + &format!("{line}{ending}").repeat(2 * BLOCK / line.len());
                let expected = if ending == "\n" { Passage::Safe } else { Passage::Canonical };
                assert_eq!(passage(text.as_bytes()), expected);
                assert_eq!(passage((text.clone() + "a \r\n").as_bytes()), Passage::SevenBit);
                assert_eq!(passage((text + "a\r").as_bytes()), Passage::Broken);
            }
        }
    }

    #[test]
    fn parameters_are_set_and_removed() {
        let part = Part::read(b"Content-Type: text/plain; charset=us-ascii; hp=cipher\n\nx").unwrap();
        let mut entity = Entity::sendable(&part).unwrap();
        entity.set_parameter("hp", Some("clear")).unwrap();
        assert_eq!(entity.fields[0].value(), "text/plain; charset=\"us-ascii\"; hp=\"clear\"");
        entity.set_parameter("hp", None).unwrap();
        assert_eq!(entity.fields[0].value(), "text/plain; charset=\"us-ascii\"");
    }

    #[test]
    fn structure_is_described_by_content_fields() {
        assert!(is_structural("mime-version") && is_structural("content-id"));
        assert!(!is_structural("Subject") && !is_structural("Content"));
    }
}
