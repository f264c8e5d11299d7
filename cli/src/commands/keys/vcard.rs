//! vCards (RFC 6350) with certificates in them, for address books.

use base64ct::{Base64, Encoding};
use counterseal_core::x509::Certificate;

use crate::terminal::is_unsafe;

/// Octets of a line without its end (RFC 6350, section 3.2).
const LINE_OCTETS: usize = 75;

/// One vCard: whose name the first certificate says, the address, and every certificate as a KEY.
pub(super) fn write(address: &str, certificates: &[&Certificate]) -> String {
    let name = certificates.iter().find_map(|own| common_name(&own.subject()));
    let name = name.map(|name| visible(&name)).filter(|name| !name.trim().is_empty());
    let mut card = String::new();
    for (property, value) in [
        ("BEGIN", "VCARD".to_owned()),
        ("VERSION", "4.0".to_owned()),
        ("FN", escaped(&name.unwrap_or_else(|| visible(address)))),
        ("EMAIL", escaped(&visible(address))),
    ] {
        card.push_str(&folded(&format!("{property}:{value}")));
    }
    for certificate in certificates {
        let base64 = Base64::encode_string(certificate.as_der());
        // A URI, in which nothing is escaped (section 4.2, RFC 2397).
        card.push_str(&folded(&format!("KEY:data:application/pkix-cert;base64,{base64}")));
    }
    card.push_str("END:VCARD\r\n");
    card
}

/// Text without what controls the reader.
fn visible(text: &str) -> String {
    text.chars().filter(|letter| *letter == '\n' || !is_unsafe(*letter)).collect()
}

/// A text value (section 3.4). Semicolons are structure in some properties, and are escaped in all.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => escaped.push_str("\\n"),
            '\\' | ',' | ';' => escaped.extend(['\\', letter]),
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// A line in pieces, none of which ends within a character.
fn folded(line: &str) -> String {
    let mut folded = String::with_capacity(line.len() + line.len() / LINE_OCTETS * 3 + 2);
    let mut octets = 0;
    for letter in line.chars() {
        if octets + letter.len_utf8() > LINE_OCTETS {
            folded.push_str("\r\n ");
            octets = 1;
        }
        folded.push(letter);
        octets += letter.len_utf8();
    }
    folded.push_str("\r\n");
    folded
}

/// The common name in a name as RFC 4514 writes it.
fn common_name(subject: &str) -> Option<String> {
    let (mut parts, mut is_escaped) = (vec![String::new()], false);
    for letter in subject.chars() {
        let is_end = !is_escaped && matches!(letter, ',' | '+');
        if is_end {
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(letter);
        }
        is_escaped = letter == '\\' && !is_escaped;
    }
    parts.iter().find_map(|part| part.trim_start().strip_prefix("CN=")).and_then(unescaped)
}

/// A value without the escapes of RFC 4514, section 2.4; nothing where they are not good.
fn unescaped(value: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(value.len());
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            octets.extend(letter.encode_utf8(&mut [0; 4]).bytes());
            continue;
        }
        let next = letters.next()?;
        match next.to_digit(16) {
            Some(high) => octets.push(u8::try_from(high * 16 + letters.next()?.to_digit(16)?).ok()?),
            None => octets.extend(next.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    String::from_utf8(octets).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_were_meant() {
        let read = |subject| common_name(subject);
        assert_eq!(read("CN=Bob,O=Example").unwrap(), "Bob");
        assert_eq!(
            read("O=CN\\=x,CN=M\\C3\\BCller\\, Bob\\; \\\"the\\\\\\\"").unwrap(),
            "Müller, Bob; \"the\\\""
        );
        assert_eq!(read("O=Example+CN=Bob").unwrap(), "Bob");
        assert!(read("O=Example").is_none() && read("CN=\\C3").is_none() && read("CN=x\\").is_none());
    }

    #[test]
    fn a_name_is_no_property() {
        let hostile = "Eve\r\nEMAIL:mallory@example.org;x,y\\\u{202e}\u{1b}";
        assert_eq!(escaped(&visible(hostile)), "Eve\\nEMAIL:mallory@example.org\\;x\\,y\\\\");
    }

    #[test]
    fn lines_are_folded_between_characters() {
        let line = format!("FN:{}", "é€😀".repeat(60));
        let folded = folded(&line);
        assert!(folded.split("\r\n").all(|piece| piece.len() <= LINE_OCTETS));
        assert_eq!(folded.replace("\r\n ", ""), format!("{line}\r\n"));
    }
}
