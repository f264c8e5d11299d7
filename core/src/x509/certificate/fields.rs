//! The fields of a certificate as slices of its bytes (RFC 5280, section 4.1).

use super::super::asn1_time;
use super::super::tlv::{self, Elements, tag};
use super::CertificateError;
use crate::time::Time;

/// Octets of a serial number. RFC 5280, section 4.1.2.2, allows 20; some count the sign apart.
const SERIAL_NUMBER_OCTETS: usize = 21;

/// The fields; names, keys and what is signed with their exact bytes.
pub(super) struct Fields<'a> {
    pub(super) to_be_signed: &'a [u8],
    pub(super) version: u8,
    /// Content octets.
    pub(super) serial_number: &'a [u8],
    pub(super) issuer: &'a [u8],
    pub(super) not_before: Time,
    pub(super) not_after: Time,
    pub(super) subject: &'a [u8],
    pub(super) public_key: &'a [u8],
    /// The content of `[3]`.
    pub(super) extensions: Option<&'a [u8]>,
    /// The one outside, and the one that is signed.
    pub(super) signature_algorithms: [&'a [u8]; 2],
    pub(super) signature: &'a [u8],
}

impl<'a> Fields<'a> {
    /// From the DER of one certificate.
    pub(super) fn read(der: &'a [u8]) -> Result<Self, CertificateError> {
        let mut outer = Elements::new(der);
        let certificate = outer.expect(tag::SEQUENCE).ok_or(CertificateError::Malformed)?;
        if !outer.is_empty() {
            return Err(CertificateError::TrailingBytes);
        }
        Self::of_content(certificate.content).ok_or(CertificateError::Malformed)
    }

    fn of_content(content: &'a [u8]) -> Option<Self> {
        let mut parts = Elements::new(content);
        let to_be_signed = parts.expect(tag::SEQUENCE)?;
        let outer_algorithm = parts.expect(tag::SEQUENCE)?.whole;
        let signature = tlv::whole_bits(parts.expect(tag::BIT_STRING)?.content)?;
        let mut fields = Elements::new(to_be_signed.content);
        let version = version(fields.optional(tag::constructed(0))?.map(|field| field.content))?;
        let serial_number = serial_number(fields.expect(tag::INTEGER)?.content)?;
        let inner_algorithm = fields.expect(tag::SEQUENCE)?.whole;
        let issuer = fields.expect(tag::SEQUENCE)?.whole;
        let mut validity = Elements::new(fields.expect(tag::SEQUENCE)?.content);
        let not_before = asn1_time::read(&validity.any()?)?;
        let not_after = asn1_time::read(&validity.any()?)?;
        let subject = fields.expect(tag::SEQUENCE)?.whole;
        let public_key = fields.expect(tag::SEQUENCE)?.whole;
        // Unique identifiers of issuer and subject say nothing to anybody.
        fields.optional(tag::primitive(1))?;
        fields.optional(tag::primitive(2))?;
        let extensions = fields.optional(tag::constructed(3))?.map(|field| field.content);
        let complete = parts.is_empty() && validity.is_empty() && fields.is_empty();
        complete.then_some(Self {
            to_be_signed: to_be_signed.whole,
            version,
            serial_number,
            issuer,
            not_before,
            not_after,
            subject,
            public_key,
            extensions,
            signature_algorithms: [outer_algorithm, inner_algorithm],
            signature,
        })
    }
}

/// 1 to 3; absent means 1.
fn version(content: Option<&[u8]>) -> Option<u8> {
    let Some(content) = content else { return Some(1) };
    match tlv::only(content, tag::INTEGER)? {
        [version @ 0..=2] => Some(version + 1),
        _ => None,
    }
}

/// Negative numbers and zero exist and are read; other encodings than the shortest are not.
fn serial_number(content: &[u8]) -> Option<&[u8]> {
    let shortest = match content {
        [] => false,
        [0, second, ..] => *second >= 0x80,
        [0xff, second, ..] => *second < 0x80,
        _ => true,
    };
    (shortest && content.len() <= SERIAL_NUMBER_OCTETS).then_some(content)
}
