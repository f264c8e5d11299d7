//! Writing header fields: folded, nothing that could end a field early (RFC 5322, section 2.2.3),
//! and ASCII (RFC 2047; RFC 2231) but for addresses whose local part is not (RFC 6532).

use super::parameter::{Parameter, Parameterised};
use super::{AddressEntry, HeaderField, MailError, Mailbox, encode_words, parse_address_list};
use crate::address::is_hidden;
use crate::limits::LINE_BYTES;

/// Characters of a line after which a field is folded (RFC 5322, section 2.1.1).
const FOLD_AT: usize = 78;

/// Writes a field with its line ends, folded where white space allows it.
///
/// # Errors
/// [`MailError::HeaderNotEncodable`] where a line would be longer than [`LINE_BYTES`], and for a
/// value with control characters or characters beyond ASCII.
pub fn write_field(name: &str, value: &str) -> Result<Vec<u8>, MailError> {
    if value.is_ascii() { write_address_field(name, value) } else { Err(MailError::HeaderNotEncodable) }
}

/// As [`write_field`], where the value may hold addresses in UTF-8 (RFC 6532, section 3.2): nothing
/// but UTF-8 can say a local part beyond ASCII.
///
/// # Errors
/// [`MailError::HeaderNotEncodable`] where a line would be longer than [`LINE_BYTES`], and for a
/// value with control characters or invisible ones.
pub(crate) fn write_address_field(name: &str, value: &str) -> Result<Vec<u8>, MailError> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') {
        return Err(MailError::HeaderNotEncodable);
    }
    let is_visible =
        |character: char| character.is_ascii_graphic() || !(character.is_ascii() || is_hidden(character));
    let mut text = format!("{name}:");
    let mut column = text.len();
    for word in value.split([' ', '\t']).filter(|word| !word.is_empty()) {
        if column + 1 + word.len() > FOLD_AT && column > name.len() + 1 {
            text.push_str("\r\n");
            column = 0;
        }
        if column + 1 + word.len() > LINE_BYTES || !word.chars().all(is_visible) {
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
/// with the same meaning. Only addresses whose local part is not ASCII stay beyond ASCII: their
/// mail goes to servers with SMTPUTF8 (RFC 6531).
///
/// # Errors
/// [`MailError::HeaderNotEncodable`] where that cannot be done: a malformed address list, say.
pub(crate) fn sendable_field(field: &HeaderField<'_>) -> Result<Vec<u8>, MailError> {
    if let Some(raw) = crlf_lines(field.raw(), u8::is_ascii) {
        return Ok(raw);
    }
    if !is_address_field(field.name()) {
        return write_field(field.name(), &ascii_value(field)?);
    }
    let value = field.unfolded();
    let entries = parse_address_list(&value).map_err(|_| MailError::HeaderNotEncodable)?;
    let texts = address_list(&entries);
    let as_it_is =
        if is_foreign_only_in_addresses(&value, &texts) { crlf_lines(field.raw(), |_| true) } else { None };
    as_it_is.map_or_else(|| write_address_field(field.name(), &texts), Ok)
}

/// Whether a field need not be written anew: whatever is beyond ASCII in it is so in `texts` too,
/// where names are encoded and domains are A-labels, so it stands in local parts.
fn is_foreign_only_in_addresses(value: &[u8], texts: &str) -> bool {
    let foreign = |text: &[u8]| text.iter().filter(|byte| !byte.is_ascii()).count();
    foreign(value) == foreign(texts.as_bytes())
}

/// The bytes with CRLF line ends, where they are lines of legal length, `is_legal` allows every
/// byte and no control character but the tab stands in them.
fn crlf_lines(raw: &[u8], is_legal: impl Fn(&u8) -> bool) -> Option<Vec<u8>> {
    let mut lines = Vec::with_capacity(raw.len() + 8);
    for line in raw.strip_suffix(b"\n").unwrap_or(raw).split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let is_legal = |byte: &u8| *byte == b'\t' || !byte.is_ascii_control() && is_legal(byte);
        if line.len() > LINE_BYTES || !line.iter().all(is_legal) || line.trim_ascii().is_empty() {
            return None;
        }
        lines.extend_from_slice(line);
        lines.extend_from_slice(b"\r\n");
    }
    Some(lines)
}

/// The value in ASCII of a field that holds no addresses, by the rules of its kind.
fn ascii_value(field: &HeaderField<'_>) -> Result<String, MailError> {
    let value = field.unfolded();
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

fn address_list(entries: &[AddressEntry]) -> String {
    let mut texts = Vec::new();
    for entry in entries {
        match entry {
            AddressEntry::Mailbox(mailbox) => texts.push(write_mailbox(mailbox)),
            // The name of a group says nothing that is worth its encoding.
            AddressEntry::Group(members) if members.is_empty() => {
                texts.push("undisclosed-recipients:;".to_owned());
            }
            AddressEntry::Group(members) => texts.extend(members.iter().map(write_mailbox)),
        }
    }
    texts.join(", ")
}

/// A mailbox as it stands in a header field: its name in ASCII, its address as it is.
#[must_use]
pub fn write_mailbox(mailbox: &Mailbox) -> String {
    let address = &mailbox.address;
    let Some(name) = &mailbox.display_name else { return address.to_string() };
    let encoded = encode_words(name);
    let is_atoms =
        encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" !#$%&'*+-/=?^_`{|}~".contains(&byte));
    if is_atoms {
        format!("{encoded} <{address}>")
    } else {
        let quoted = encoded.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{quoted}\" <{address}>")
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
        assert_eq!(sendable("To: a@bücher.example\n").unwrap(), "To: a@xn--bcher-kva.example\r\n");
        let disposition = sendable("Content-Disposition: attachment; filename=\"café \\\" au lait, très long, deux fois trop long pour une ligne.pdf\"\n").unwrap();
        assert!(disposition.is_ascii());
        let read = ContentDisposition::of(&HeaderSection::read(disposition.as_bytes()).unwrap()).unwrap();
        assert_eq!(
            read.file_name.unwrap(),
            "café \" au lait, très long, deux fois trop long pour une ligne.pdf"
        );
    }

    #[test]
    fn a_field_that_is_not_ascii_only_in_its_local_parts_stays_as_it_is() {
        for field in [
            "To: élise@example.org\r\n",
            "Cc: =?utf-8?q?=C3=89lise?= <élise@example.org>,\r\n\t bob@xn--bcher-kva.example\r\n",
            "From: \"Alice, A.\" <δοκιμή@example.org> (at work)\r\n",
        ] {
            assert_eq!(sendable(field).unwrap(), field);
            assert_eq!(sendable(&field.replace('\r', "")).unwrap(), field);
        }
    }

    #[test]
    fn names_beside_an_address_beyond_ascii_are_encoded_and_its_domain_is_a_labels() {
        assert_eq!(
            sendable("To: Élise <élise@bücher.example>\n").unwrap(),
            "To: =?utf-8?b?w4lsaXNl?= <élise@xn--bcher-kva.example>\r\n"
        );
        assert_eq!(sendable("To: élise@example.org (café)\n").unwrap(), "To: élise@example.org\r\n");
        let long = format!("To: {}b@example.org\n", "élise@example.org, ".repeat(60));
        let written = sendable(&long).unwrap();
        assert!(written.lines().all(|line| line.len() <= FOLD_AT));
        assert_eq!(written.matches("élise@example.org").count(), 60);
    }

    #[test]
    fn an_address_list_that_cannot_be_read_is_not_sent() {
        for bytes in [&b"To: \xe9lise@example.org\n"[..], "To: é@ü@example.org\n".as_bytes()] {
            let section = HeaderSection::read(bytes).unwrap();
            let sent = sendable_field(&section.fields().next().unwrap());
            assert_eq!(sent, Err(MailError::HeaderNotEncodable));
        }
        for value in ["é\u{202e}@example.org", "é\r\nBcc: bob@example.org", "é\u{85}@example.org"] {
            assert_eq!(write_address_field("To", value), Err(MailError::HeaderNotEncodable), "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn a_mailbox_comes_back(name in "[ -~éü]{1,20}", local_part in "[a-zéδ]{1,20}") {
            let address = crate::address::EmailAddress::parse(&format!("{local_part}@example.org")).unwrap();
            let mailbox = Mailbox { address, display_name: Some(name.clone()), has_address_in_comment: false };
            let written = write_mailbox(&mailbox);
            let read = parse_address_list(written.as_bytes()).unwrap();
            let AddressEntry::Mailbox(read) = &read[0] else { return Err(TestCaseError::fail("group")) };
            prop_assert_eq!(&read.address, &mailbox.address);
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            prop_assert_eq!(words(&read.display_name.clone().unwrap_or_default()), words(&name));
        }
    }
}
