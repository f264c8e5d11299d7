//! Small structures in DER, already in memory: attributes, identifiers, capabilities.
//!
//! What comes from outside passes `der::to_der` first, or is refused here where it is not DER.

use crate::x509::tlv::{self, Elements, tag};

pub(crate) use tlv::Element;

/// Not DER, or not what should stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotDer;

pub(crate) const INTEGER: u8 = tag::INTEGER;
pub(crate) const OCTET_STRING: u8 = tag::OCTET_STRING;
pub(crate) const NULL: u8 = tag::NULL;
pub(crate) const OBJECT_IDENTIFIER: u8 = tag::OBJECT_IDENTIFIER;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = tag::SEQUENCE;
pub(crate) const SET: u8 = tag::SET;

/// The identifier octet of `[number]` around further elements.
pub(crate) const fn context(number: u8) -> u8 {
    tag::constructed(number)
}

/// The identifier octet of `[number]` around bytes.
pub(crate) const fn context_primitive(number: u8) -> u8 {
    tag::primitive(number)
}

/// All elements of `bytes`, one after the other, to its end.
pub(crate) fn elements(bytes: &[u8]) -> Result<Vec<Element<'_>>, NotDer> {
    let mut reader = Elements::new(bytes);
    let mut found = Vec::new();
    while !reader.is_empty() {
        found.push(reader.any().ok_or(NotDer)?);
    }
    Ok(found)
}

/// The one element that `bytes` is.
pub(crate) fn element(bytes: &[u8]) -> Result<Element<'_>, NotDer> {
    let mut reader = Elements::new(bytes);
    reader.any().filter(|_| reader.is_empty()).ok_or(NotDer)
}

/// The content of the one element that `bytes` is, which must have that tag.
pub(crate) fn content_of(bytes: &[u8], tag: u8) -> Result<&[u8], NotDer> {
    element(bytes)?.expect(tag)
}

impl<'a> Element<'a> {
    /// The content, where the tag is that one.
    pub(crate) fn expect(&self, tag: u8) -> Result<&'a [u8], NotDer> {
        if self.tag == tag { Ok(self.content) } else { Err(NotDer) }
    }
}

/// An element of that tag around the parts, one after the other.
pub(crate) fn encode(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    tlv::encode(tag, &parts.concat())
}

/// A SET OF in DER: its elements in ascending order (X.690, section 11.6).
pub(crate) fn encode_set(tag: u8, mut parts: Vec<Vec<u8>>) -> Vec<u8> {
    parts.sort();
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    encode(tag, &parts)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_encoded_is_read_back_at_every_length_of_a_length() {
        for length in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let content = vec![7; length];
            let bytes = encode(OCTET_STRING, &[&content]);
            assert_eq!(content_of(&bytes, OCTET_STRING), Ok(content.as_slice()));
            assert_eq!(element(&bytes).unwrap().whole, bytes);
        }
    }

    #[test]
    fn a_length_in_too_many_octets_is_refused() {
        assert_eq!(element(&[4, 0x81, 1, 0]), Err(NotDer));
        assert_eq!(element(&[4, 0x82, 0, 0x80]), Err(NotDer));
        assert_eq!(element(&[0x30, 0x80, 0, 0]), Err(NotDer));
    }

    #[test]
    fn what_follows_an_element_is_refused_unless_asked_for() {
        assert_eq!(element(&[5, 0, 5, 0]), Err(NotDer));
        assert_eq!(elements(&[5, 0, 5, 0]).unwrap().len(), 2);
        assert_eq!(elements(&[5, 0, 5]), Err(NotDer));
        assert_eq!(elements(&[4, 2, 5]), Err(NotDer));
    }

    #[test]
    fn a_set_is_sorted() {
        assert_eq!(
            encode_set(SET, vec![vec![4, 1, 2], vec![4, 0], vec![2, 1, 9]]),
            [0x31, 8, 2, 1, 9, 4, 0, 4, 1, 2]
        );
    }
}
