//! What AuthEnvelopedData has behind its content: authenticated attributes and tag (RFC 5083,
//! section 2.1).

use std::io::Read;

use super::content_type::ContentType;
use super::open::{Fault, OpenError};
use crate::der::{Reader, Tag, to_der};
use crate::limits;
use crate::x509::tlv::{self, Elements, tag};

/// id-contentType (RFC 5652, section 11.1).
const CONTENT_TYPE_ATTRIBUTE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];

/// Authenticated attributes and tag; both empty for EnvelopedData.
#[derive(Debug, Default)]
pub(super) struct AuthTail {
    /// The attributes as they are authenticated: with the tag of a SET OF (RFC 5083, section 2.2).
    pub(super) attributes: Vec<u8>,
    pub(super) tag: Vec<u8>,
}

impl AuthTail {
    /// Reads from behind the EncryptedContentInfo to the end of AuthEnvelopedData.
    pub(super) fn read<R: Read>(reader: &mut Reader<R>, tag_length: usize) -> Result<Self, OpenError> {
        let mut attributes = Vec::new();
        if reader.next_is(Tag::context(1))? {
            attributes = to_der(&reader.element(limits::STRUCTURE_BYTES)?)?;
            if let Some(identifier) = attributes.first_mut() {
                *identifier = tag::SET;
            }
        }
        let element = to_der(&reader.element_of(Tag::OCTET_STRING, limits::STRUCTURE_BYTES)?)?;
        let tag = tlv::only(&element, tag::OCTET_STRING).unwrap_or_default().to_vec();
        if tag.len() != tag_length {
            return Err(OpenError::Unsound(Fault::TagLength));
        }
        if reader.next_is(Tag::context(2))? {
            // unauthAttrs: nobody vouches for them.
            reader.skip()?;
        }
        Ok(Self { attributes, tag })
    }

    /// Whether the attributes, once authenticated, agree with the content's type: a content-type
    /// attribute, where there is one, names it (RFC 5083, section 2.1).
    pub(super) fn agrees_with(&self, content_type: &ContentType) -> bool {
        self.attributes.is_empty()
            || named_types(&self.attributes).is_some_and(|types| {
                types.iter().all(|named| ContentType::from_object_identifier(named) == *content_type)
            })
    }
}

/// The values of all content-type attributes; nothing where these are no attributes.
fn named_types(attributes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut types = Vec::new();
    let mut attributes = Elements::new(tlv::only(attributes, tag::SET)?);
    while !attributes.is_empty() {
        let mut fields = Elements::new(attributes.expect(tag::SEQUENCE)?.content);
        let kind = fields.expect(tag::OBJECT_IDENTIFIER)?.content;
        let values = fields.expect(tag::SET)?.content;
        if kind == CONTENT_TYPE_ATTRIBUTE {
            types.push(tlv::only(values, tag::OBJECT_IDENTIFIER)?);
        }
    }
    Some(types)
}

/// The authenticated attributes of a content that is not id-data, as a SET OF: it must have them
/// (RFC 5083, section 2.1). Empty for id-data.
pub(super) fn attributes_for(content_type: &ContentType) -> Vec<u8> {
    if *content_type == ContentType::Data {
        return Vec::new();
    }
    let value = tlv::encode(tag::OBJECT_IDENTIFIER, &content_type.object_identifier());
    let attribute = tlv::sequence(&[
        &tlv::encode(tag::OBJECT_IDENTIFIER, CONTENT_TYPE_ATTRIBUTE),
        &tlv::encode(tag::SET, &value),
    ]);
    tlv::encode(tag::SET, &attribute)
}
