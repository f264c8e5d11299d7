//! Writing header fields: ASCII, folded, nothing that could end a field early (RFC 5322, section
//! 2.2.3; RFC 2047; RFC 2231).

use super::parameter::{Parameter, Parameterised};
use super::{AddressEntry, HeaderField, MailError, Mailbox, encode_words, parse_address_list};
use crate::limits::LINE_BYTES;

/// Characters of a line after which a field is folded (RFC 5322, section 2.1.1).
const FOLD_AT: usize = 78;

/// Writes a field with its line ends, folded where white space allows it.
///
/// # Errors
/// [`MailError::HeaderNotEncodable`] where a line would be longer than [`LINE_BYTES`], and for a
/// value with control characters or characters beyond ASCII.
pub fn write_field(name: &str, value: &str) -> Result<Vec<u8>, MailError> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') {
        return Err(MailError::HeaderNotEncodable);
    }
    let mut text = format!("{name}:");
    let mut column = text.len();
    for word in value.split([' ', '\t']).filter(|word| !word.is_empty()) {
        if column + 1 + word.len() > FOLD_AT && column > name.len() + 1 {
            text.push_str("\r\n");
            column = 0;
        }
        if column + 1 + word.len() > LINE_BYTES || !word.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(MailError::HeaderNotEncodable);
        }
        text.push(' ');
        text.push_str(word);
        column += 1 + word.len();
    }
    text.push_str("\r\n");
    Ok(text.into_bytes())
}

/// The field as it is, if it is made of lines that every transport keeps; otherwise written anew
/// with the same meaning.
///
/// # Errors
/// [`MailError::HeaderNotEncodable`] where that cannot be done: an address beyond ASCII, say.
pub(crate) fn sendable_field(field: &HeaderField<'_>) -> Result<Vec<u8>, MailError> {
    match crlf_lines(field.raw()) {
        Some(raw) => Ok(raw),
        None => write_field(field.name(), &ascii_value(field)?),
    }
}

/// The bytes with CRLF line ends, where they are ASCII lines of legal length and no control
/// character but the tab stands in them.
fn crlf_lines(raw: &[u8]) -> Option<Vec<u8>> {
    let mut lines = Vec::with_capacity(raw.len() + 8);
    for line in raw.strip_suffix(b"\n").unwrap_or(raw).split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let is_legal = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~');
        if line.len() > LINE_BYTES || !line.iter().all(is_legal) || line.trim_ascii().is_empty() {
            return None;
        }
        lines.extend_from_slice(line);
        lines.extend_from_slice(b"\r\n");
    }
    Some(lines)
}

/// The value of a field in ASCII, by the rules of its kind.
pub(crate) fn ascii_value(field: &HeaderField<'_>) -> Result<String, MailError> {
    let value = field.unfolded();
    if is_address_field(field.name()) {
        let entries = parse_address_list(&value).map_err(|_| MailError::HeaderNotEncodable)?;
        return address_list(&entries);
    }
    if ["Content-Type", "Content-Disposition"].iter().any(|name| field.is(name)) {
        return Ok(parameterised(&Parameterised::parse(&value)?));
    }
    if value.is_ascii() {
        // Encoded words that stand there already stay as they are.
        return Ok(super::encoded_word::visible(&String::from_utf8_lossy(&value)));
    }
    Ok(encode_words(&field.text()))
}

fn is_address_field(name: &str) -> bool {
    const FIELDS: [&str; 12] = [
        "From",
        "Sender",
        "Reply-To",
        "To",
        "Cc",
        "Bcc",
        "Followup-To",
        "Mail-Followup-To",
        "Resent-From",
        "Resent-Sender",
        "Resent-To",
        "Resent-Cc",
    ];
    FIELDS.iter().any(|field| name.eq_ignore_ascii_case(field))
}

fn address_list(entries: &[AddressEntry]) -> Result<String, MailError> {
    let mut texts = Vec::new();
    for entry in entries {
        match entry {
            AddressEntry::Mailbox(mailbox) => texts.push(write_mailbox(mailbox)?),
            // The name of a group says nothing that is worth its encoding.
            AddressEntry::Group(members) if members.is_empty() => {
                texts.push("undisclosed-recipients:;".to_owned());
            }
            AddressEntry::Group(members) => {
                for member in members {
                    texts.push(write_mailbox(member)?);
                }
            }
        }
    }
    Ok(texts.join(", "))
}

/// A mailbox as it stands in a header field.
///
/// # Errors
/// [`MailError::HeaderNotEncodable`] for an address beyond ASCII.
pub fn write_mailbox(mailbox: &Mailbox) -> Result<String, MailError> {
    let address = mailbox.address.to_string();
    if !address.is_ascii() {
        return Err(MailError::HeaderNotEncodable);
    }
    let Some(name) = &mailbox.display_name else { return Ok(address) };
    let encoded = encode_words(name);
    let is_atoms =
        encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" !#$%&'*+-/=?^_`{|}~".contains(&byte));
    if is_atoms {
        Ok(format!("{encoded} <{address}>"))
    } else {
        let quoted = encoded.replace('\\', "\\\\").replace('"', "\\\"");
        Ok(format!("\"{quoted}\" <{address}>"))
    }
}

/// A value with parameters, those beyond ASCII as RFC 2231 says.
pub(crate) fn parameterised(value: &Parameterised) -> String {
    let mut text = encode_words(&value.value);
    for parameter in &value.parameters {
        text.push_str("; ");
        text.push_str(&write_parameter(parameter));
    }
    text
}

fn write_parameter(parameter: &Parameter) -> String {
    let Parameter { name, value, .. } = parameter;
    if value.is_ascii() && value.len() < FOLD_AT {
        return format!("{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
    }
    let encoded: Vec<String> = value
        .bytes()
        .map(|byte| {
            let is_plain = byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            if is_plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
        })
        .collect();
    if encoded.len() < FOLD_AT / 3 {
        return format!("{name}*=utf-8''{}", encoded.concat());
    }
    let pieces = encoded.chunks(FOLD_AT / 4).enumerate().map(|(number, piece)| {
        let charset = if number == 0 { "utf-8''" } else { "" };
        format!("{name}*{number}*={charset}{}", piece.concat())
    });
    pieces.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::mail::{ContentDisposition, HeaderSection};
    use proptest::prelude::*;

    fn sendable(header: &str) -> Result<String, MailError> {
        let bytes = header.as_bytes();
        let section = HeaderSection::read(bytes)?;
        sendable_field(&section.fields().next().unwrap()).map(|raw| String::from_utf8(raw).unwrap())
    }

    #[test]
    fn long_fields_are_folded() {
        let written = write_field("Subject", &"word ".repeat(40)).unwrap();
        let text = String::from_utf8(written).unwrap();
        assert!(text.lines().all(|line| line.len() <= FOLD_AT));
        assert_eq!(HeaderSection::read(text.as_bytes()).unwrap().fields().count(), 1);
    }

    #[test]
    fn nothing_ends_a_field_early() {
        for value in ["a\r\nBcc: bob@example.org", "a\rb", "a\0b", "é", "\u{1b}[2J"] {
            assert_eq!(write_field("Subject", value), Err(MailError::HeaderNotEncodable), "{value:?}");
        }
        assert_eq!(write_field("Sub ject", "x"), Err(MailError::HeaderNotEncodable));
        assert_eq!(write_field("Subject", &"a".repeat(1000)), Err(MailError::HeaderNotEncodable));
        assert_eq!(write_field("Subject", "").unwrap(), b"Subject:\r\n");
    }

    #[test]
    fn a_good_field_stays_as_it_is() {
        let field = "Subject: a\r\n\tfolded  subject\r\n";
        assert_eq!(sendable(field).unwrap(), field);
        assert_eq!(sendable(&field.replace('\r', "")).unwrap(), field);
    }

    #[test]
    fn what_is_not_ascii_is_written_by_the_rules_of_its_field() {
        assert_eq!(sendable("Subject: café\n").unwrap(), "Subject: =?utf-8?b?Y2Fmw6k=?=\r\n");
        assert_eq!(sendable("To: Élise <a@b>, x@y\n").unwrap(), "To: =?utf-8?b?w4lsaXNl?= <a@b>, x@y\r\n");
        assert_eq!(sendable("To: élise@example.org\n"), Err(MailError::HeaderNotEncodable));
        let disposition = sendable("Content-Disposition: attachment; filename=\"café \\\" au lait, très long, deux fois trop long pour une ligne.pdf\"\n").unwrap();
        assert!(disposition.is_ascii());
        let read = ContentDisposition::of(&HeaderSection::read(disposition.as_bytes()).unwrap()).unwrap();
        assert_eq!(
            read.file_name.unwrap(),
            "café \" au lait, très long, deux fois trop long pour une ligne.pdf"
        );
    }

    proptest! {
        #[test]
        fn a_mailbox_comes_back(name in "[ -~éü]{1,20}") {
            let address = crate::address::EmailAddress::parse("alice@example.org").unwrap();
            let mailbox = Mailbox { address, display_name: Some(name.clone()), has_address_in_comment: false };
            let written = write_mailbox(&mailbox).unwrap();
            let read = parse_address_list(written.as_bytes()).unwrap();
            let AddressEntry::Mailbox(read) = &read[0] else { return Err(TestCaseError::fail("group")) };
            prop_assert_eq!(&read.address, &mailbox.address);
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            prop_assert_eq!(words(&read.display_name.clone().unwrap_or_default()), words(&name));
        }
    }
}
