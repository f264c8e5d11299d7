//! What a mail that is answered kept secret, so that the answer keeps it too (RFC 9788, section
//! 6.1).

use super::field_value::same_value;
use super::{OUTER_FIELD, PARAMETER};
use crate::address::EmailAddress;
use crate::mail::{ContentType, HeaderSection, addresses};

/// Header fields that hold addresses of people who take part.
const ADDRESS_FIELDS: [&str; 6] = ["From", "To", "Cc", "Reply-To", "Sender", "Followup-To"];

/// What the header section of a decrypted mail kept from everybody but its readers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    subject: bool,
    addresses: Vec<EmailAddress>,
    message_id: Option<String>,
}

impl Reference {
    /// Reads the header section of the payload of the mail that is answered: the innermost entity,
    /// which has the parameter `hp="cipher"`. Of any other mail nothing was secret.
    #[must_use]
    pub fn of(payload: &HeaderSection<'_>) -> Self {
        let is_cipher = ContentType::of(payload, "text/plain").is_ok_and(|(found, _)| {
            found.parameter(PARAMETER).is_some_and(|hp| hp.eq_ignore_ascii_case("cipher"))
        });
        if !is_cipher {
            return Self::default();
        }
        let outer: Vec<(String, Vec<u8>)> =
            payload.all(OUTER_FIELD).filter_map(|field| split_outer(&field.unfolded())).collect();
        let is_hidden = |name: &str| {
            payload.first(name).is_some_and(|inner| {
                !outer.iter().any(|(outer_name, value)| {
                    outer_name.eq_ignore_ascii_case(name) && same_value(value, &inner.unfolded())
                })
            })
        };
        let seen_outside = outer_addresses(&outer);
        let hidden = ADDRESS_FIELDS
            .iter()
            .flat_map(|name| addresses(payload, name).unwrap_or_default())
            .filter(|address| !seen_outside.iter().any(|seen| seen.matches(address)));
        let message_id = is_hidden("Message-ID").then(|| payload.first("Message-ID")).flatten();
        Self {
            subject: is_hidden("Subject"),
            addresses: hidden.collect(),
            message_id: message_id.map(|field| field.text()),
        }
    }

    /// Whether the Subject was hidden.
    #[must_use]
    pub const fn hides_subject(&self) -> bool {
        self.subject
    }

    /// Whether this address was hidden.
    #[must_use]
    pub fn hides_address(&self, address: &EmailAddress) -> bool {
        self.addresses.iter().any(|hidden| hidden.matches(address))
    }

    /// Whether this Message-ID was hidden.
    #[must_use]
    pub fn hides_message_id(&self, message_id: &str) -> bool {
        self.message_id.as_deref() == Some(message_id)
    }
}

/// `Name: value` of an HP-Outer field.
pub(super) fn split_outer(value: &[u8]) -> Option<(String, Vec<u8>)> {
    let colon = memchr::memchr(b':', value)?;
    let (name, rest) = value.split_at_checked(colon)?;
    let name = std::str::from_utf8(name).ok()?.trim().to_owned();
    Some((name, rest.get(1..)?.trim_ascii().to_vec()))
}

fn outer_addresses(outer: &[(String, Vec<u8>)]) -> Vec<EmailAddress> {
    let mut section = Vec::new();
    for (name, value) in outer {
        section.extend_from_slice(name.as_bytes());
        section.extend_from_slice(b": ");
        section.extend_from_slice(value);
        section.push(b'\n');
    }
    let Ok(section) = HeaderSection::read(&section) else { return Vec::new() };
    ADDRESS_FIELDS.iter().flat_map(|name| addresses(&section, name).unwrap_or_default()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn reference(header: &str) -> Reference {
        Reference::of(&HeaderSection::read(header.as_bytes()).unwrap())
    }

    #[test]
    fn what_is_not_outside_was_secret() {
        let found = reference(
            "Subject: Handling the case\nFrom: alice@example.org\nTo: bob@example.org\nCc: carol@example.org\n\
             Message-ID: <1@example.org>\nHP-Outer: Subject: [...]\nHP-Outer: From: Alice <alice@example.org>\n\
             HP-Outer: To: bob@example.org\nHP-Outer: Message-ID: <1@example.org>\n\
             Content-Type: text/plain; hp=cipher\n\n",
        );
        assert!(found.hides_subject());
        assert!(found.hides_address(&EmailAddress::parse("carol@example.org").unwrap()));
        assert!(!found.hides_address(&EmailAddress::parse("bob@example.org").unwrap()));
        assert!(!found.hides_address(&EmailAddress::parse("alice@example.org").unwrap()));
        assert!(!found.hides_message_id("<1@example.org>"));
    }

    #[test]
    fn what_is_outside_too_was_not() {
        let found =
            reference("Subject: Lunch\nHP-Outer: Subject: Lunch\nContent-Type: text/plain; hp=cipher\n\n");
        assert!(!found.hides_subject());
        assert_eq!(reference("Subject: Lunch\nContent-Type: text/plain; hp=clear\n\n"), Reference::default());
        assert_eq!(reference("Subject: Lunch\n\n"), Reference::default());
    }
}
