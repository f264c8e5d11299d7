//! Small DER values as slices: what the typed crates cannot give is the exact bytes.
//!
//! Lengths must be definite and minimal (X.690, section 10.1); tags are of one octet, because no
//! structure of X.509, or of ours, has a longer one.

/// Tags of the values that are read and written here.
pub mod tag {
    /// BOOLEAN.
    pub const BOOLEAN: u8 = 0x01;
    /// INTEGER.
    pub const INTEGER: u8 = 0x02;
    /// BIT STRING.
    pub const BIT_STRING: u8 = 0x03;
    /// OCTET STRING.
    pub const OCTET_STRING: u8 = 0x04;
    /// NULL.
    pub const NULL: u8 = 0x05;
    /// OBJECT IDENTIFIER.
    pub const OBJECT_IDENTIFIER: u8 = 0x06;
    /// UTF8String.
    pub const UTF8_STRING: u8 = 0x0c;
    /// SEQUENCE.
    pub const SEQUENCE: u8 = 0x30;
    /// SET.
    pub const SET: u8 = 0x31;

    /// Of a constructed context-specific value.
    #[must_use]
    pub const fn constructed(number: u8) -> u8 {
        0xa0 | number
    }

    /// Of a primitive context-specific value.
    #[must_use]
    pub const fn primitive(number: u8) -> u8 {
        0x80 | number
    }
}

/// One value: its tag, its content, and all of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// Its identifier octet.
    pub tag: u8,
    /// What is inside.
    pub content: &'a [u8],
    /// All of it, identifier and length included.
    pub whole: &'a [u8],
}

/// Reads one value after the other from a slice.
#[derive(Clone, Copy, Debug)]
pub struct Elements<'a> {
    rest: &'a [u8],
}

impl<'a> Elements<'a> {
    /// The values in `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether no value is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The tag of the next value, if there is one.
    #[must_use]
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next value, whatever its tag; nothing where it is malformed or there is none.
    pub fn any(&mut self) -> Option<Element<'a>> {
        let (tag, after_tag) = self.rest.split_first()?;
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (length, after_length) = length(after_tag)?;
        let (content, rest) = after_length.split_at_checked(length)?;
        let whole = self.rest.get(..self.rest.len() - rest.len())?;
        self.rest = rest;
        Some(Element { tag: *tag, content, whole })
    }

    /// The next value, which must have that tag.
    pub fn expect(&mut self, tag: u8) -> Option<Element<'a>> {
        (self.peek()? == tag).then(|| self.any())?
    }

    /// The next value if it has that tag; otherwise nothing is read.
    pub fn optional(&mut self, tag: u8) -> Option<Option<Element<'a>>> {
        if self.peek() == Some(tag) { self.any().map(Some) } else { Some(None) }
    }
}

/// The content of the only value in `bytes`, which must have that tag.
#[must_use]
pub fn only(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let mut elements = Elements::new(bytes);
    let element = elements.expect(tag)?;
    elements.is_empty().then_some(element.content)
}

/// The bytes of a BIT STRING of whole octets, given its content.
#[must_use]
pub fn whole_bits(content: &[u8]) -> Option<&[u8]> {
    content.split_first().filter(|(unused, _)| **unused == 0).map(|(_, bits)| bits)
}

/// The magnitude of an INTEGER that is not negative, minimally encoded, without leading zeros.
#[must_use]
pub fn unsigned(content: &[u8]) -> Option<&[u8]> {
    match content {
        [] => None,
        [0] => Some(&[]),
        [0, second, ..] if *second < 0x80 => None,
        [0, rest @ ..] => Some(rest),
        [first, ..] if *first >= 0x80 => None,
        _ => Some(content),
    }
}

/// Tag, length and content as one value.
#[must_use]
pub fn encode(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut value = Vec::with_capacity(length + 6);
    value.push(tag);
    if length < 0x80 {
        value.push(length as u8);
    } else {
        let octets = length.to_be_bytes();
        let significant: Vec<u8> = octets.into_iter().skip_while(|octet| *octet == 0).collect();
        value.push(0x80 | significant.len() as u8);
        value.extend(significant);
    }
    value.extend_from_slice(content);
    value
}

/// A SEQUENCE of the values given.
#[must_use]
pub fn sequence(values: &[&[u8]]) -> Vec<u8> {
    encode(tag::SEQUENCE, &values.concat())
}

/// An INTEGER that is not negative, given its magnitude in big-endian order.
#[must_use]
pub fn integer(magnitude: &[u8]) -> Vec<u8> {
    let mut content: Vec<u8> = magnitude.iter().copied().skip_while(|octet| *octet == 0).collect();
    if content.first().is_none_or(|octet| *octet >= 0x80) {
        content.insert(0, 0);
    }
    encode(tag::INTEGER, &content)
}

/// A BIT STRING of whole octets.
#[must_use]
pub fn bit_string(bits: &[u8]) -> Vec<u8> {
    let mut content = Vec::with_capacity(bits.len() + 1);
    content.push(0);
    content.extend_from_slice(bits);
    encode(tag::BIT_STRING, &content)
}

/// A definite, minimal length, and what follows it.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let count = match first {
        0..0x80 => return Some((usize::from(*first), rest)),
        0x80 => return None,
        _ => usize::from(first & 0x7f),
    };
    let (octets, rest) = rest.split_at_checked(count)?;
    if count > crate::limits::STRUCTURE_LENGTH_OCTETS || octets.first() == Some(&0) {
        return None;
    }
    let length = octets.iter().fold(0_usize, |length, octet| (length << 8) | usize::from(*octet));
    (length >= 0x80).then_some((length, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x1_0000] {
            let content = vec![7; length];
            let value = encode(tag::OCTET_STRING, &content);
            assert_eq!(only(&value, tag::OCTET_STRING), Some(content.as_slice()));
        }
    }

    #[test]
    fn lengths_that_are_not_minimal_are_refused() {
        for value in [&[4_u8, 0x81, 1, 7][..], &[4, 0x82, 0, 0x80], &[4, 0x80, 7, 0, 0], &[4, 2, 7]] {
            assert_eq!(only(value, tag::OCTET_STRING), None);
        }
    }

    #[test]
    fn integers_are_minimal_and_not_negative() {
        assert_eq!(integer(&[0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(integer(&[]), [2, 1, 0]);
        assert_eq!(unsigned(&[0, 0x80]), Some(&[0x80_u8][..]));
        assert_eq!(unsigned(&[0, 0x7f]), None);
        assert_eq!(unsigned(&[0x80]), None);
    }
}
