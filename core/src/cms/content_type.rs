//! Which content a CMS object holds (RFC 5652, section 3), so that nobody guesses from a label.

use crate::der::dotted;
use std::fmt;
use std::io::{Read, SeekFrom};

use const_oid::ObjectIdentifier;

use super::elements::{self, OBJECT_IDENTIFIER};
use crate::der::{DerError, DerErrorKind, Reader, Tag, to_der};
use crate::limits;
use crate::ports::Source;

/// Which content the CMS object holds that begins where `input` stands; `input` stays there.
///
/// # Errors
/// What is no ContentInfo (RFC 5652, section 3), and what the input says.
pub fn content_type(input: &mut dyn Source) -> Result<ContentType, DerError> {
    let io = |error: std::io::Error| DerError::from_io(&error, 0);
    let start = input.stream_position().map_err(io)?;
    let mut reader = Reader::new(&mut *input);
    let content_type = reader.enter(Tag::SEQUENCE).and_then(|_| read_content_type(&mut reader));
    input.seek(SeekFrom::Start(start)).map_err(io)?;
    content_type
}

/// The next element, which names a content.
pub(crate) fn read_content_type<R: Read>(reader: &mut Reader<R>) -> Result<ContentType, DerError> {
    let offset = reader.position();
    let element = to_der(&reader.element_of(Tag::OBJECT_IDENTIFIER, limits::OBJECT_IDENTIFIER_BYTES)?)?;
    match elements::content_of(&element, OBJECT_IDENTIFIER) {
        Ok(octets) if !octets.is_empty() => Ok(ContentType::from_object_identifier(octets)),
        _ => Err(DerError { offset, kind: DerErrorKind::BadValue }),
    }
}

/// The type of a content: of a whole CMS object, or of what a layer of it carries.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContentType {
    /// Bytes without further structure; in mail, a MIME entity (RFC 5652, section 4).
    Data,
    /// Signatures, or only certificates (RFC 5652, section 5).
    SignedData,
    /// Encrypted for recipients (RFC 5652, section 6).
    EnvelopedData,
    /// A digest without any key: proves nothing (RFC 5652, section 7).
    DigestedData,
    /// Encrypted with a key that is agreed elsewhere (RFC 5652, section 8).
    EncryptedData,
    /// A MAC for recipients (RFC 5652, section 9).
    AuthenticatedData,
    /// Encrypted for recipients, changes noticed (RFC 5083).
    AuthEnvelopedData,
    /// Compressed (RFC 3274).
    CompressedData,
    /// The content of a time-stamp (RFC 3161): never a mail.
    TimeStampInfo,
    /// Anything else: the content octets of its object identifier.
    Other(Vec<u8>),
}

const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const ENVELOPED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.3");
const DIGESTED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.5");
const ENCRYPTED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");
const AUTHENTICATED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.2");
const TIME_STAMP_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const COMPRESSED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.9");
const AUTH_ENVELOPED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.23");

impl ContentType {
    /// By the content octets of an object identifier.
    #[must_use]
    pub fn from_object_identifier(octets: &[u8]) -> Self {
        Self::known()
            .into_iter()
            .find(|(_, identifier)| identifier.as_bytes() == octets)
            .map_or_else(|| Self::Other(octets.to_vec()), |(content_type, _)| content_type)
    }

    /// The content octets of its object identifier.
    #[must_use]
    pub fn object_identifier(&self) -> Vec<u8> {
        if let Self::Other(octets) = self {
            return octets.clone();
        }
        Self::known()
            .into_iter()
            .find(|(content_type, _)| content_type == self)
            .map(|(_, identifier)| identifier.as_bytes().to_vec())
            .unwrap_or_default()
    }

    /// The standards' name, or the dotted object identifier.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Data => "data".into(),
            Self::SignedData => "signed-data".into(),
            Self::EnvelopedData => "enveloped-data".into(),
            Self::DigestedData => "digested-data".into(),
            Self::EncryptedData => "encrypted-data".into(),
            Self::AuthenticatedData => "authenticated-data".into(),
            Self::AuthEnvelopedData => "auth-enveloped-data".into(),
            Self::CompressedData => "compressed-data".into(),
            Self::TimeStampInfo => "time-stamp-info".into(),
            Self::Other(octets) => dotted(octets),
        }
    }

    fn known() -> [(Self, ObjectIdentifier); 9] {
        [
            (Self::Data, DATA),
            (Self::SignedData, SIGNED_DATA),
            (Self::EnvelopedData, ENVELOPED_DATA),
            (Self::DigestedData, DIGESTED_DATA),
            (Self::EncryptedData, ENCRYPTED_DATA),
            (Self::AuthenticatedData, AUTHENTICATED_DATA),
            (Self::AuthEnvelopedData, AUTH_ENVELOPED_DATA),
            (Self::CompressedData, COMPRESSED_DATA),
            (Self::TimeStampInfo, TIME_STAMP_INFO),
        ]
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_type_comes_back_from_its_identifier() {
        for (content_type, identifier) in ContentType::known() {
            assert_eq!(ContentType::from_object_identifier(identifier.as_bytes()), content_type);
            assert_eq!(content_type.object_identifier(), identifier.as_bytes());
        }
    }

    #[test]
    fn the_type_of_an_object_is_told_and_the_object_stays_unread() {
        let object = b"before\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x80";
        let mut source = std::io::Cursor::new(&object[..]);
        source.set_position(6);
        assert_eq!(content_type(&mut source), Ok(ContentType::EnvelopedData));
        assert_eq!(source.position(), 6);
        source.set_position(0);
        assert!(content_type(&mut source).is_err());
        assert_eq!(source.position(), 0);
    }

    #[test]
    fn an_unknown_type_keeps_its_identifier() {
        let octets = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.99");
        let content_type = ContentType::from_object_identifier(octets.as_bytes());
        assert_eq!(content_type, ContentType::Other(octets.as_bytes().to_vec()));
        assert_eq!(content_type.to_string(), "1.2.840.113549.1.9.16.1.99");
    }
}
