//! Small DER values as slices: what the typed crates cannot give is the exact bytes.
//!
//! Lengths must be definite and minimal (X.690, section 10.1); tags are of one octet, because no
//! structure of X.509 has a longer one.

/// Tags of the values that are read and written here.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const NULL: u8 = 0x05;
    pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
    pub(crate) const UTF8_STRING: u8 = 0x0c;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;

    /// Of a constructed context-specific value.
    pub(crate) const fn constructed(number: u8) -> u8 {
        0xa0 | number
    }

    /// Of a primitive context-specific value.
    pub(crate) const fn primitive(number: u8) -> u8 {
        0x80 | number
    }
}

/// One value: its tag, its content, and all of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    pub(crate) whole: &'a [u8],
}

/// Reads one value after the other from a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elements<'a> {
    rest: &'a [u8],
}

impl<'a> Elements<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The tag of the next value, if there is one.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next value, whatever its tag; nothing where it is malformed or there is none.
    pub(crate) fn any(&mut self) -> Option<Element<'a>> {
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
    pub(crate) fn expect(&mut self, tag: u8) -> Option<Element<'a>> {
        (self.peek()? == tag).then(|| self.any())?
    }

    /// The next value if it has that tag; otherwise nothing is read.
    pub(crate) fn optional(&mut self, tag: u8) -> Option<Option<Element<'a>>> {
        if self.peek() == Some(tag) { self.any().map(Some) } else { Some(None) }
    }
}

/// The content of the only value in `bytes`, which must have that tag.
pub(crate) fn only(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let mut elements = Elements::new(bytes);
    let element = elements.expect(tag)?;
    elements.is_empty().then_some(element.content)
}

/// The bytes of a BIT STRING of whole octets, given its content.
pub(crate) fn whole_bits(content: &[u8]) -> Option<&[u8]> {
    content.split_first().filter(|(unused, _)| **unused == 0).map(|(_, bits)| bits)
}

/// The magnitude of an INTEGER that is not negative, minimally encoded, without leading zeros.
pub(crate) fn unsigned(content: &[u8]) -> Option<&[u8]> {
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
pub(crate) fn encode(tag: u8, content: &[u8]) -> Vec<u8> {
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
pub(crate) fn sequence(values: &[&[u8]]) -> Vec<u8> {
    encode(tag::SEQUENCE, &values.concat())
}

/// An INTEGER that is not negative, given its magnitude in big-endian order.
pub(crate) fn integer(magnitude: &[u8]) -> Vec<u8> {
    let mut content: Vec<u8> = magnitude.iter().copied().skip_while(|octet| *octet == 0).collect();
    if content.first().is_none_or(|octet| *octet >= 0x80) {
        content.insert(0, 0);
    }
    encode(tag::INTEGER, &content)
}

/// A BIT STRING of whole octets.
pub(crate) fn bit_string(bits: &[u8]) -> Vec<u8> {
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
