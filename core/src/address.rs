//! Mail addresses, read strictly and written in one way only (RFC 5322, section 3.4.1; RFC 6531).

#![cfg_attr(not(test), forbid(clippy::indexing_slicing, clippy::string_slice))]

mod domain;
mod local_part;
mod strong;

pub(crate) use local_part::is_atom_character;
pub use strong::{KeyDemand, NamedKey, StrongAddress, StrongAddressError};

use std::fmt;
use std::str::FromStr;

/// A mail address: the addr-spec alone, without a display name or comments.
///
/// It is kept in one form, so that equal addresses are equal text: a local part is quoted only
/// where it must be, a domain is in lower case and internationalised labels are A-labels
/// (RFC 5890). The letter case of the local part is kept. `==` compares that form exactly; whether
/// two addresses mean the same mailbox is asked with [`EmailAddress::matches`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress {
    local_part: String,
    domain: String,
}

impl EmailAddress {
    /// Reads an addr-spec: no display name, no comment, no white space around or inside.
    ///
    /// Stricter than RFC 5322: a quoted local part without content, control characters and the
    /// invisible characters that make one address look like another are refused.
    ///
    /// # Errors
    /// [`AddressError`] with the part that is wrong.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (local_part, domain) = split(text)?;
        Ok(Self { local_part: local_part::normalise(local_part)?, domain: domain::normalise(domain)? })
    }

    /// The address of nobody, for tables that are about no address in particular.
    pub(crate) fn of_an_example() -> Self {
        Self { local_part: "someone".to_owned(), domain: "example.org".to_owned() }
    }

    /// Reads an rfc822Name or the emailAddress attribute of a certificate (RFC 5280, section
    /// 4.2.1.6): an IA5String, hence ASCII only, and nothing but the address.
    ///
    /// # Errors
    /// [`AddressError`]; such a name is to be ignored as if it were not there.
    pub fn from_rfc822_name(name: &[u8]) -> Result<Self, AddressError> {
        match std::str::from_utf8(name) {
            Ok(text) if text.is_ascii() => Self::parse(text),
            _ => Err(AddressError::NotAscii),
        }
    }

    /// Reads a SmtpUTF8Mailbox of a certificate (RFC 9598, section 3): only for local parts
    /// beyond ASCII, and with a domain in A-labels.
    ///
    /// # Errors
    /// [`AddressError`]; such a name is to be ignored as if it were not there.
    pub fn from_smtp_utf8_mailbox(name: &str) -> Result<Self, AddressError> {
        let (local_part, domain) = split(name)?;
        if local_part.is_ascii() {
            return Err(AddressError::LocalPart);
        }
        if !domain.is_ascii() || domain.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(AddressError::Domain);
        }
        Self::parse(name)
    }

    /// What stands before the `@`, with quotes where they are needed.
    #[must_use]
    pub fn local_part(&self) -> &str {
        &self.local_part
    }

    /// What stands after the `@`: lower case, A-labels, or an address literal in brackets.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Whether both name the same mailbox.
    ///
    /// Domains are equal without regard to case. Local parts too where they are ASCII (RFC 8550,
    /// section 3), because no provider gives `Alice` and `alice` to two people; beyond ASCII they
    /// are compared octet by octet (RFC 9598, section 5). No `+tag` and no dot is dropped.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.domain == other.domain
            && if self.local_part.is_ascii() && other.local_part.is_ascii() {
                self.local_part.eq_ignore_ascii_case(&other.local_part)
            } else {
                self.local_part == other.local_part
            }
    }

    /// The text under which this address is looked up: equal for two addresses exactly where
    /// [`EmailAddress::matches`] holds.
    #[must_use]
    pub fn lookup_key(&self) -> String {
        self.to_lookup_form().to_string()
    }

    /// The address of [`EmailAddress::lookup_key`].
    #[must_use]
    pub fn to_lookup_form(&self) -> Self {
        let mut form = self.clone();
        if form.local_part.is_ascii() {
            form.local_part.make_ascii_lowercase();
        }
        form
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@{}", self.local_part, self.domain)
    }
}

impl FromStr for EmailAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text)
    }
}

/// Why a text is no mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// There is no `@` outside quotes, or one side of it is empty.
    Incomplete,
    /// A character that is invisible or that controls a terminal, a mail header or text direction.
    HiddenCharacter,
    /// The local part is neither a dot-atom nor a quoted string.
    LocalPart,
    /// The local part is longer than [`crate::limits::LOCAL_PART_BYTES`].
    LocalPartTooLong,
    /// The domain is neither a sequence of labels nor an address literal.
    Domain,
    /// The domain is longer than [`crate::limits::DOMAIN_BYTES`].
    DomainTooLong,
    /// A character beyond ASCII where a certificate may have none.
    NotAscii,
}

impl fmt::Display for AddressError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Incomplete => "not of the form local-part@domain",
            Self::HiddenCharacter => "a control or invisible character",
            Self::LocalPart => "the part before the @ is malformed",
            Self::LocalPartTooLong => "the part before the @ is too long",
            Self::Domain => "the domain is malformed",
            Self::DomainTooLong => "the domain is too long",
            Self::NotAscii => "a character beyond ASCII",
        })
    }
}

impl std::error::Error for AddressError {}

/// Whether a character is not seen, or changes how its neighbours are seen.
pub(crate) fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// The two sides of the `@` that is outside quotes.
fn split(text: &str) -> Result<(&str, &str), AddressError> {
    if text.chars().any(is_hidden) {
        return Err(AddressError::HiddenCharacter);
    }
    // A domain holds no `@`, so the last one divides, whatever a quoted local part holds.
    match text.rsplit_once('@') {
        Some((local_part, domain)) if !local_part.is_empty() && !domain.is_empty() => {
            Ok((local_part, domain))
        }
        _ => Err(AddressError::Incomplete),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn address(text: &str) -> EmailAddress {
        EmailAddress::parse(text).unwrap()
    }

    #[test]
    fn an_ordinary_address_is_kept_as_it_is() {
        let alice = address("Alice.Smith+news@example.org");
        assert_eq!((alice.local_part(), alice.domain()), ("Alice.Smith+news", "example.org"));
        assert_eq!(alice.to_string(), "Alice.Smith+news@example.org");
    }

    #[test]
    fn one_mailbox_has_one_text() {
        assert_eq!(address("\"alice\"@example.org"), address("alice@example.org"));
        assert_eq!(address("\"al\\ice\"@EXAMPLE.org"), address("alice@example.org"));
        assert_eq!(address("alice@bücher.example"), address("alice@xn--bcher-kva.example"));
        assert_eq!(address("alice@BÜCHER.example"), address("alice@XN--BCHER-KVA.example"));
        assert_eq!(address("\"a\\\"b\"@example.org").to_string(), "\"a\\\"b\"@example.org");
    }

    #[test]
    fn letter_case_of_ascii_does_not_part_mailboxes() {
        assert!(address("ALICE@Example.ORG").matches(&address("alice@example.org")));
        assert_ne!(address("ALICE@example.org"), address("alice@example.org"));
        assert_eq!(address("ALICE@example.org").lookup_key(), address("alice@example.org").lookup_key());
    }

    #[test]
    fn letter_case_beyond_ascii_does() {
        assert!(address("élise@example.org").matches(&address("élise@example.org")));
        assert!(!address("Élise@example.org").matches(&address("élise@example.org")));
        assert!(!address("éLISE@example.org").matches(&address("élise@example.org")));
        // The Kelvin sign folds to k, and still is another octet sequence.
        assert!(!address("\u{212a}im@example.org").matches(&address("kim@example.org")));
    }

    #[test]
    fn tags_and_dots_part_mailboxes() {
        assert!(!address("alice+x@example.org").matches(&address("alice@example.org")));
        assert!(!address("al.ice@example.org").matches(&address("alice@example.org")));
        assert!(!address("alice@sub.example.org").matches(&address("alice@example.org")));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (text, error) in [
            ("", AddressError::Incomplete),
            ("alice", AddressError::Incomplete),
            ("@example.org", AddressError::Incomplete),
            ("alice@", AddressError::Incomplete),
            ("alice@example.org\r\nBcc: bob@example.org", AddressError::HiddenCharacter),
            ("alice\0@example.org", AddressError::HiddenCharacter),
            ("alice\u{202e}@example.org", AddressError::HiddenCharacter),
            ("\u{feff}alice@example.org", AddressError::HiddenCharacter),
            (" alice@example.org", AddressError::LocalPart),
            ("alice@example.org ", AddressError::Domain),
            ("alice(bob)@example.org", AddressError::LocalPart),
            ("<alice@example.org>", AddressError::LocalPart),
            ("alice@bob@example.org", AddressError::LocalPart),
            ("alice@*.example.org", AddressError::Domain),
        ] {
            assert_eq!(EmailAddress::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn a_star_stands_for_itself_only() {
        assert!(!address("*@example.org").matches(&address("alice@example.org")));
    }

    #[test]
    fn a_certificate_name_is_ascii() {
        assert!(EmailAddress::from_rfc822_name(b"alice@example.org").is_ok());
        assert_eq!(
            EmailAddress::from_rfc822_name("élise@example.org".as_bytes()),
            Err(AddressError::NotAscii)
        );
        assert_eq!(EmailAddress::from_rfc822_name(b"alice@example.org\xff"), Err(AddressError::NotAscii));
        assert!(EmailAddress::from_rfc822_name(b"alice@example.org\0.attacker.example").is_err());
    }

    #[test]
    fn an_internationalised_certificate_name_keeps_its_rules() {
        assert!(EmailAddress::from_smtp_utf8_mailbox("élise@xn--bcher-kva.example").is_ok());
        assert_eq!(EmailAddress::from_smtp_utf8_mailbox("élise@bücher.example"), Err(AddressError::Domain));
        assert_eq!(EmailAddress::from_smtp_utf8_mailbox("alice@example.org"), Err(AddressError::LocalPart));
    }
}
