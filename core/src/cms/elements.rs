//! Small structures in DER, already in memory: attributes, identifiers, capabilities.
//!
//! What comes from outside passes `der::to_der` first, or is refused here where it is not DER.

/// One element: tag, content, and both with the length between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    /// The identifier octet. Tags above 30 do not occur in CMS and are refused.
    pub tag: u8,
    /// The content octets.
    pub content: &'a [u8],
    /// The whole element.
    pub bytes: &'a [u8],
}

/// Not DER, or not what should stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotDer;

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// The identifier octet of `[number]` around further elements.
pub(crate) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// The identifier octet of `[number]` around bytes.
pub(crate) const fn context_primitive(number: u8) -> u8 {
    0x80 | number
}

/// All elements of `bytes`, one after the other, to its end.
pub(crate) fn elements(mut bytes: &[u8]) -> Result<Vec<Element<'_>>, NotDer> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (element, rest) = first(bytes)?;
        found.push(element);
        bytes = rest;
    }
    Ok(found)
}

/// The one element that `bytes` is.
pub(crate) fn element(bytes: &[u8]) -> Result<Element<'_>, NotDer> {
    match first(bytes)? {
        (element, []) => Ok(element),
        _ => Err(NotDer),
    }
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

fn first(bytes: &[u8]) -> Result<(Element<'_>, &[u8]), NotDer> {
    let (&tag, after_tag) = bytes.split_first().ok_or(NotDer)?;
    if tag & 0x1f == 0x1f {
        return Err(NotDer);
    }
    let (length, after_length) = length(after_tag)?;
    let (content, rest) = after_length.split_at_checked(length).ok_or(NotDer)?;
    let (bytes, _) = bytes.split_at_checked(bytes.len() - rest.len()).ok_or(NotDer)?;
    Ok((Element { tag, content, bytes }, rest))
}

/// A definite length in the fewest octets (X.690, section 10.1).
fn length(bytes: &[u8]) -> Result<(usize, &[u8]), NotDer> {
    let (&head, rest) = bytes.split_first().ok_or(NotDer)?;
    if head < 0x80 {
        return Ok((usize::from(head), rest));
    }
    let (octets, rest) = rest.split_at_checked(usize::from(head & 0x7f)).ok_or(NotDer)?;
    if octets.is_empty() || octets.len() > crate::limits::STRUCTURE_LENGTH_OCTETS {
        return Err(NotDer);
    }
    let length = octets.iter().fold(0_u64, |length, octet| length << 8 | u64::from(*octet));
    let is_minimal = length >= 0x80 && octets.first() != Some(&0);
    let length = usize::try_from(length).map_err(|_| NotDer)?;
    if is_minimal { Ok((length, rest)) } else { Err(NotDer) }
}

/// An element of that tag around the parts, one after the other.
pub(crate) fn encode(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut element = vec![tag];
    if length < 0x80 {
        element.push(length as u8);
    } else {
        let octets = length.to_be_bytes();
        let leading = octets.iter().take_while(|octet| **octet == 0).count();
        element.push(0x80 | (octets.len() - leading) as u8);
        element.extend(octets.iter().skip(leading));
    }
    for part in parts {
        element.extend_from_slice(part);
    }
    element
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
            assert_eq!(element(&bytes).unwrap().bytes, bytes);
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
