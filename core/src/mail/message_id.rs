//! What a mail is called, and which mails it answers (RFC 5322, section 3.6.4).

use super::HeaderSection;
use crate::limits;

/// The identifiers in a field of message identifiers (Message-ID, In-Reply-To, References), without
/// their angle brackets; of many the last, which are those nearest to the mail.
///
/// What stands in a field twice as far as its name goes is nobody's word, so it says nothing.
#[must_use]
pub fn message_identifiers(headers: &HeaderSection<'_>, name: &str) -> Vec<String> {
    let Some(field) = headers.only(name) else { return Vec::new() };
    let text = field.text();
    let mut found: Vec<String> = text
        .split('<')
        .skip(1)
        .filter_map(|rest| rest.split_once('>'))
        .map(|(identifier, _)| identifier.trim().to_owned())
        .filter(|identifier| identifier.contains('@') && !identifier.contains(char::is_whitespace))
        .collect();
    found.drain(..found.len().saturating_sub(limits::ANSWERED_MESSAGES));
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn identifiers(header: &str, name: &str) -> Vec<String> {
        message_identifiers(&HeaderSection::read(header.as_bytes()).unwrap(), name)
    }

    #[test]
    fn identifiers_are_read_from_a_folded_field() {
        let header = "References: <1@example.org>\r\n <2@example.org> junk <3>\r\n\r\n";
        assert_eq!(identifiers(header, "References"), ["1@example.org", "2@example.org"]);
        assert!(identifiers(header, "In-Reply-To").is_empty());
    }

    #[test]
    fn a_field_that_stands_there_twice_says_nothing() {
        let header = "In-Reply-To: <1@example.org>\r\nIn-Reply-To: <2@example.org>\r\n\r\n";
        assert!(identifiers(header, "In-Reply-To").is_empty());
    }

    #[test]
    fn of_many_the_last_are_read() {
        let many: String = (0..200).map(|number| format!(" <{number}@example.org>\r\n")).collect();
        let found = identifiers(&format!("References:{many}\r\n"), "References");
        assert_eq!(found.len(), limits::ANSWERED_MESSAGES);
        assert_eq!(found.last().map(String::as_str), Some("199@example.org"));
    }
}
