//! What stands around the RecipientInfos, by its places in the object.

use std::io::{self, Read, SeekFrom, Write};

use super::RewrapError;
use crate::cms::content_type::ContentType;
use crate::cms::enveloped::SMALL;
use crate::cms::open::OpenError;
use crate::cms::seal::{self, Recipient, SealError};
use crate::der::{DerError, DerErrorKind, Header, Reader, Tag, encode_all, header};
use crate::ports::Source;
use crate::x509::tlv;

/// A construction around the RecipientInfos.
struct Construction {
    header: Header,
    /// Where its content begins.
    content: u64,
}

/// Offsets from the start of the object.
pub(super) struct Frame {
    /// ContentInfo, its content, and the envelope.
    around: [Construction; 3],
    /// The version, in whatever encoding.
    version: Vec<u8>,
    /// Behind the version: originatorInfo, where there is one.
    version_end: u64,
    /// Where the RecipientInfos begin.
    recipients: u64,
    /// Where the EncryptedContentInfo begins.
    content: u64,
    is_authenticated: bool,
    has_unprotected_attributes: bool,
}

impl Frame {
    /// Reads an object that was opened before: what is malformed was refused there.
    pub(super) fn read(input: &mut dyn Source) -> Result<Self, OpenError> {
        let mut reader = Reader::new(input);
        let content_info = enter(&mut reader, Tag::SEQUENCE)?;
        let kind = reader.element_of(Tag::OBJECT_IDENTIFIER, SMALL)?;
        let explicit = enter(&mut reader, Tag::context(0))?;
        let envelope = enter(&mut reader, Tag::SEQUENCE)?;
        let version = reader.element_of(Tag::INTEGER, SMALL)?;
        let version_end = reader.position();
        if reader.next_is(Tag::context(0))? {
            reader.skip()?;
        }
        let recipients = offset(&mut reader)?;
        reader.skip()?;
        let content = offset(&mut reader)?;
        reader.skip()?;
        let kind = tlv::only(&kind, tlv::tag::OBJECT_IDENTIFIER).unwrap_or_default();
        let is_authenticated = ContentType::from_object_identifier(kind) == ContentType::AuthEnvelopedData;
        let has_unprotected_attributes = !is_authenticated && reader.next_is(Tag::context(1))?;
        Ok(Self {
            around: [content_info, explicit, envelope],
            version,
            version_end,
            recipients,
            content,
            is_authenticated,
            has_unprotected_attributes,
        })
    }

    #[cfg(test)]
    pub(super) const fn content_offset(&self) -> u64 {
        self.content
    }

    #[cfg(test)]
    pub(super) fn version_octets(&self) -> &[u8] {
        &self.version
    }

    /// Writes the object with other RecipientInfos.
    pub(super) fn write(
        &self,
        input: &mut dyn Source,
        start: u64,
        recipients: &[Recipient],
        recipient_infos: &[Vec<u8>],
        output: &mut dyn Write,
    ) -> Result<(), RewrapError> {
        let version = self.new_version(recipients);
        let set = encode_all(Tag::SET, recipient_infos);
        let [.., envelope] = &self.around;
        let before = self.content.saturating_sub(envelope.content);
        let after = version.len() as u64 + (self.recipients - self.version_end) + set.len() as u64;
        let [first, second, third] = self.headers(before, after).ok_or(SealError::Length)?;
        let [content_info, explicit, envelope] = &self.around;
        let mut copy = Copy { input, start, output };
        copy.write(&first)?;
        copy.range(content_info.content, Some(explicit.header.offset))?;
        copy.write(&second)?;
        copy.range(explicit.content, Some(envelope.header.offset))?;
        copy.write(&third)?;
        copy.write(&version)?;
        copy.range(self.version_end, Some(self.recipients))?;
        copy.write(&set)?;
        copy.range(self.content, None)
    }

    /// The headers of the three constructions, where so many octets of the innermost become so many.
    /// Those of indefinite length stay as they are.
    fn headers(&self, before: u64, after: u64) -> Option<[Vec<u8>; 3]> {
        let (mut removed, mut added) = (before, after);
        let mut headers = [const { Vec::new() }; 3];
        for (place, construction) in headers.iter_mut().zip(&self.around).rev() {
            let Header { tag, length, offset, .. } = construction.header;
            let length = match length {
                Some(length) => Some(length.checked_sub(removed)?.checked_add(added)?),
                None => None,
            };
            *place = header(tag, true, length);
            removed = removed.checked_add(construction.content.checked_sub(offset)?)?;
            added = added.checked_add(place.len() as u64)?;
        }
        Some(headers)
    }

    /// RFC 5652, section 6.1. The version of AuthEnvelopedData is always 0 (RFC 5083, section 2.1), and
    /// 4 comes from originatorInfo alone, which stays.
    fn new_version(&self, recipients: &[Recipient]) -> Vec<u8> {
        let old = tlv::only(&self.version, tlv::tag::INTEGER).unwrap_or_default();
        let has_originator = self.recipients > self.version_end;
        if self.is_authenticated || old == [4] || (old == [3] && has_originator) {
            return self.version.clone();
        }
        let is_plain = !has_originator && !self.has_unprotected_attributes;
        tlv::integer(&[match seal::version(recipients) {
            0 if !is_plain => 2,
            version => version,
        }])
    }
}

fn enter(reader: &mut Reader<&mut dyn Source>, tag: Tag) -> Result<Construction, OpenError> {
    let header = reader.enter(tag)?;
    Ok(Construction { header, content: reader.position() })
}

/// Where the next element begins.
fn offset(reader: &mut Reader<&mut dyn Source>) -> Result<u64, OpenError> {
    let position = reader.position();
    let next = reader.peek()?;
    next.map(|header| header.offset)
        .ok_or(OpenError::Malformed(DerError { offset: position, kind: DerErrorKind::Truncated }))
}

struct Copy<'c> {
    input: &'c mut dyn Source,
    start: u64,
    output: &'c mut dyn Write,
}

impl Copy<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), RewrapError> {
        self.output.write_all(bytes).map_err(|error| SealError::Output(error).into())
    }

    /// Octets of the original from one place to another, or to its end.
    fn range(&mut self, from: u64, to: Option<u64>) -> Result<(), RewrapError> {
        let failed = |error: io::Error| RewrapError::Open(OpenError::Io(error));
        let Self { input, start, output } = self;
        input.seek(SeekFrom::Start(*start + from)).map_err(failed)?;
        let length = to.map_or(u64::MAX, |to| to.saturating_sub(from));
        let mut octets = input.take(length);
        let mut piece = vec![0; 16 << 10];
        loop {
            let count = match octets.read(&mut piece) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed(error)),
            };
            if count == 0 {
                return Ok(());
            }
            let octets = piece.get(..count).unwrap_or_default();
            output.write_all(octets).map_err(SealError::Output)?;
        }
    }
}
