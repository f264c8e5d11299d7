//! When two distinguished names are the same (RFC 5280, section 7.1).

use crate::x509::tlv::{Elements, only, tag};

/// A Name in a form in which equal names are equal, and a subtree is a prefix.
///
/// Letter case, string types and the amount of white space do not matter. We leave RFC 4518 where
/// it asks for compatibility normalization: names that differ in that are different here, which
/// can only break a chain, never make one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct DistinguishedName {
    relative: Vec<Vec<u8>>,
}

impl DistinguishedName {
    /// From the DER of a Name; nothing where it is malformed.
    pub(crate) fn from_der(name: &[u8]) -> Option<Self> {
        let mut rest = Elements::new(only(name, tag::SEQUENCE)?);
        let mut relative = Vec::new();
        while !rest.is_empty() {
            relative.push(relative_name(rest.expect(tag::SET)?.content)?);
        }
        Some(Self { relative })
    }

    /// This name with one more RelativeDistinguishedName, given its content octets.
    pub(crate) fn join(&self, relative: &[u8]) -> Option<Self> {
        let mut joined = self.clone();
        joined.relative.push(relative_name(relative)?);
        Some(joined)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.relative.is_empty()
    }

    /// Whether this name lies at or below `base` (RFC 5280, section 4.2.1.10).
    pub(crate) fn is_within(&self, base: &Self) -> bool {
        self.relative.starts_with(&base.relative)
    }
}

/// A RelativeDistinguishedName: a set, hence sorted.
fn relative_name(content: &[u8]) -> Option<Vec<u8>> {
    let mut attributes = Vec::new();
    let mut rest = Elements::new(content);
    while !rest.is_empty() {
        let mut attribute = Elements::new(rest.expect(tag::SEQUENCE)?.content);
        let kind = attribute.expect(tag::OBJECT_IDENTIFIER)?;
        let value = attribute.any().filter(|_| attribute.is_empty())?;
        let value = match text(value.tag, value.content) {
            Some(text) => [&[1], fold(&text).as_bytes()].concat(),
            None => [&[0], value.whole].concat(),
        };
        // Lengths in front, so that no value can imitate the end of another.
        let lengths = [(kind.whole.len() as u64).to_be_bytes(), (value.len() as u64).to_be_bytes()];
        attributes.push([lengths.concat(), kind.whole.to_vec(), value].concat());
    }
    attributes.sort();
    (!attributes.is_empty()).then(|| attributes.concat())
}

/// The characters of the string types that names use; nothing for other types and for bytes that
/// are not of the type.
pub(crate) fn text(tag: u8, content: &[u8]) -> Option<String> {
    match tag {
        // UTF8String.
        0x0c => String::from_utf8(content.to_vec()).ok(),
        // PrintableString, IA5String, VisibleString.
        0x13 | 0x16 | 0x1a => {
            content.is_ascii().then(|| content.iter().map(|&byte| char::from(byte)).collect())
        }
        // TeletexString: Latin-1 in all programs that write it, whatever T.61 says.
        0x14 => Some(content.iter().map(|&byte| char::from(byte)).collect()),
        // UniversalString.
        0x1c => units::<4>(content)?.map(|unit| char::from_u32(u32::from_be_bytes(unit))).collect(),
        // BMPString.
        0x1e => {
            let units: Vec<u16> = units::<2>(content)?.map(u16::from_be_bytes).collect();
            String::from_utf16(&units).ok()
        }
        _ => None,
    }
}

fn units<const SIZE: usize>(content: &[u8]) -> Option<impl Iterator<Item = [u8; SIZE]>> {
    let chunks = content.chunks_exact(SIZE);
    chunks.remainder().is_empty().then(|| chunks.filter_map(|chunk| chunk.try_into().ok()))
}

/// Lower case, white space collapsed and trimmed (RFC 4518, sections 2.2 and 2.6.1).
fn fold(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::x509::tlv::encode;

    fn name(values: &[(u8, &[u8])]) -> DistinguishedName {
        let relative: Vec<u8> = values
            .iter()
            .flat_map(|(kind, value)| {
                let attribute = [encode(tag::OBJECT_IDENTIFIER, &[0x55, 4, 3]), encode(*kind, value)];
                encode(tag::SET, &encode(tag::SEQUENCE, &attribute.concat()))
            })
            .collect();
        DistinguishedName::from_der(&encode(tag::SEQUENCE, &relative)).unwrap()
    }

    #[test]
    fn case_white_space_and_string_type_do_not_matter() {
        let plain = name(&[(0x13, b"Example Mail CA")]);
        assert_eq!(plain, name(&[(0x0c, b"  example  MAIL ca ")]));
        assert_eq!(
            plain,
            name(&[(0x1e, &"EXAMPLE mail CA".encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>())])
        );
        assert_ne!(plain, name(&[(0x13, b"ExampleMail CA")]));
        assert_ne!(plain, name(&[(0x04, b"Example Mail CA")]));
    }

    #[test]
    fn a_subtree_ends_at_a_whole_relative_name() {
        let base = name(&[(0x13, b"Example")]);
        assert!(name(&[(0x13, b"example"), (0x13, b"Alice")]).is_within(&base));
        assert!(base.is_within(&base));
        assert!(!name(&[(0x13, b"Example Two")]).is_within(&base));
        assert!(!base.is_within(&name(&[(0x13, b"example"), (0x13, b"Alice")])));
    }

    #[test]
    fn malformed_names_are_no_names() {
        for der in [&b""[..], b"\x30\x02\x31\x00", b"\x30\x01\x31", b"\x31\x00", b"\x30\x00\x00"] {
            assert_eq!(DistinguishedName::from_der(der), None);
        }
        assert!(DistinguishedName::from_der(b"\x30\x00").unwrap().is_empty());
    }
}
