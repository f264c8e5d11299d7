//! Distinguished names as text (RFC 4514), safe to look at.

use super::tlv::{self, Elements, tag};

/// Attribute types with a short name (RFC 4514, section 3, and what certificates really have).
const TYPES: [(&str, &str); 14] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.6", "C"),
    ("2.5.4.9", "STREET"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("2.5.4.4", "SN"),
    ("2.5.4.42", "GN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.97", "organizationIdentifier"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];

const PRINTABLE_STRING: u8 = 0x13;
const TELETEX_STRING: u8 = 0x14;
const IA5_STRING: u8 = 0x16;
const UNIVERSAL_STRING: u8 = 0x1c;
const BMP_STRING: u8 = 0x1e;

/// The text of a Name, given its DER: the last name first, as RFC 4514 asks. Control characters
/// and those that turn the direction of writing are escaped. Nothing where it is no Name.
pub(super) fn text(name: &[u8]) -> Option<String> {
    let mut sets = Elements::new(tlv::only(name, tag::SEQUENCE)?);
    let mut names = Vec::new();
    while !sets.is_empty() {
        names.push(relative(sets.expect(tag::SET)?.content)?);
    }
    names.reverse();
    Some(names.join(","))
}

/// Every value of one attribute type, as text.
pub(super) fn values(name: &[u8], attribute: &str) -> Option<Vec<String>> {
    let mut sets = Elements::new(tlv::only(name, tag::SEQUENCE)?);
    let mut found = Vec::new();
    while !sets.is_empty() {
        let mut attributes = Elements::new(sets.expect(tag::SET)?.content);
        while !attributes.is_empty() {
            let (kind, value_tag, value) = pair(attributes.expect(tag::SEQUENCE)?.content)?;
            if kind == attribute {
                found.extend(string(value_tag, value));
            }
        }
    }
    Some(found)
}

fn relative(set: &[u8]) -> Option<String> {
    let mut attributes = Elements::new(set);
    let mut parts = Vec::new();
    while !attributes.is_empty() {
        let (kind, value_tag, value) = pair(attributes.expect(tag::SEQUENCE)?.content)?;
        let short = TYPES.iter().find(|(identifier, _)| *identifier == kind).map(|(_, short)| *short);
        parts.push(match (short, string(value_tag, value)) {
            (Some(short), Some(value)) => format!("{short}={}", escaped(&value)),
            (_, Some(value)) => format!("{kind}={}", escaped(&value)),
            (_, None) => format!("{kind}=#{}", hexadecimal(&tlv::encode(value_tag, value))),
        });
    }
    (!parts.is_empty()).then(|| parts.join("+"))
}

/// Attribute type, and tag and content of its value.
fn pair(content: &[u8]) -> Option<(String, u8, &[u8])> {
    let mut fields = Elements::new(content);
    let kind =
        const_oid::ObjectIdentifier::from_bytes(fields.expect(tag::OBJECT_IDENTIFIER)?.content).ok()?;
    let value = fields.any()?;
    fields.is_empty().then(|| (kind.to_string(), value.tag, value.content))
}

/// A DirectoryString or IA5String as text; Teletex is taken as Latin-1, as everybody does.
fn string(value_tag: u8, value: &[u8]) -> Option<String> {
    match value_tag {
        tag::UTF8_STRING => std::str::from_utf8(value).ok().map(str::to_owned),
        PRINTABLE_STRING | IA5_STRING => {
            value.is_ascii().then(|| value.iter().map(|byte| char::from(*byte)).collect())
        }
        TELETEX_STRING => Some(value.iter().map(|byte| char::from(*byte)).collect()),
        BMP_STRING => {
            let units = value.chunks_exact(2);
            let whole = units.remainder().is_empty();
            let units = units.map(|pair| pair.iter().fold(0, |unit, byte| (unit << 8) | u16::from(*byte)));
            char::decode_utf16(units).collect::<Result<String, _>>().ok().filter(|_| whole)
        }
        UNIVERSAL_STRING => {
            let units = value.chunks_exact(4);
            let whole = units.remainder().is_empty();
            let units = units.map(|unit| unit.iter().fold(0, |unit, byte| (unit << 8) | u32::from(*byte)));
            units.map(char::from_u32).collect::<Option<String>>().filter(|_| whole)
        }
        _ => None,
    }
}

/// RFC 4514, section 2.4; and whatever could not be seen is written in hexadecimal.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (position, character) in value.chars().enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '=' => text.extend(['\\', character]),
            '#' if position == 0 => text.push_str("\\#"),
            ' ' if position == 0 || position == last => text.push_str("\\ "),
            _ if is_invisible(character) => {
                let mut buffer = [0; 4];
                for byte in character.encode_utf8(&mut buffer).bytes() {
                    text.push_str(&format!("\\{byte:02X}"));
                }
            }
            _ => text.push(character),
        }
    }
    text
}

/// Control characters, and those that change the order or the look of what stands around them.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn name(value_tag: u8, value: &[u8]) -> Vec<u8> {
        let attribute = tlv::sequence(&[&[6, 3, 0x55, 4, 3], &tlv::encode(value_tag, value)]);
        tlv::sequence(&[&tlv::encode(tag::SET, &attribute)])
    }

    #[test]
    fn names_are_text_that_cannot_deceive() {
        assert_eq!(text(&name(tag::UTF8_STRING, b"Alice")).unwrap(), "CN=Alice");
        assert_eq!(text(&name(tag::UTF8_STRING, b"a,O=Bank\x1b[2J")).unwrap(), "CN=a\\,O\\=Bank\\1B[2J");
        let turned = text(&name(tag::UTF8_STRING, "a\u{202e}b".as_bytes())).unwrap();
        assert_eq!(turned, "CN=a\\E2\\80\\AEb");
        assert_eq!(text(&name(BMP_STRING, &[0, 0x41, 0, 0x42])).unwrap(), "CN=AB");
        assert_eq!(text(&name(tag::OCTET_STRING, &[1])).unwrap(), "2.5.4.3=#040101");
    }

    #[test]
    fn the_last_name_comes_first() {
        let country = tlv::sequence(&[&[6, 3, 0x55, 4, 6], &tlv::encode(PRINTABLE_STRING, b"DE")]);
        let common = tlv::sequence(&[&[6, 3, 0x55, 4, 3], &tlv::encode(PRINTABLE_STRING, b"Bob")]);
        let both = tlv::sequence(&[&tlv::encode(tag::SET, &country), &tlv::encode(tag::SET, &common)]);
        assert_eq!(text(&both).unwrap(), "CN=Bob,C=DE");
        assert_eq!(text(&tlv::sequence(&[])).unwrap(), "");
    }
}
