//! Who wrote a mail, and who gets it.

use std::fmt;

use super::mailbox::{AddressEntry, Mailbox, MailboxError, parse_address_list};
use super::{HeaderField, HeaderSection};
use crate::address::EmailAddress;
use crate::limits::ADDRESSES;

/// Why a mail has no author that a signature could be compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorError {
    /// There is no From field.
    Missing,
    /// There is more than one From field: programs differ in which one they show.
    SeveralFields,
    /// The From field holds more than one mailbox. RFC 5322 allows it, but a signature would then
    /// say less than its reader believes.
    SeveralMailboxes,
    /// The From field holds a group (RFC 6854).
    Group,
    /// There is white space between `From` and its colon.
    SpaceBeforeColon,
    /// The From field cannot be read.
    Unreadable(MailboxError),
}

impl fmt::Display for AuthorError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Missing => "no From field",
            Self::SeveralFields => "several From fields",
            Self::SeveralMailboxes => "several addresses in From",
            Self::Group => "a group in From",
            Self::SpaceBeforeColon => "white space before the colon of From",
            Self::Unreadable(error) => return write!(formatter, "unreadable From: {error}"),
        })
    }
}

impl std::error::Error for AuthorError {}

/// The author of a mail: the one mailbox of its one From field, read without any recovery.
///
/// # Errors
/// [`AuthorError`]; then no signature is this mail's author's.
pub fn author(headers: &HeaderSection<'_>) -> Result<Mailbox, AuthorError> {
    let field = match headers.count("From") {
        0 => return Err(AuthorError::Missing),
        1 => headers.first("From").ok_or(AuthorError::Missing)?,
        _ => return Err(AuthorError::SeveralFields),
    };
    author_of_field(&field)
}

fn author_of_field(field: &HeaderField<'_>) -> Result<Mailbox, AuthorError> {
    if field.has_space_before_colon() {
        return Err(AuthorError::SpaceBeforeColon);
    }
    let mut entries = parse_address_list(field.raw_value()).map_err(AuthorError::Unreadable)?;
    match (entries.pop(), entries.is_empty()) {
        (Some(AddressEntry::Mailbox(mailbox)), true) => Ok(mailbox),
        (Some(AddressEntry::Group(_)), true) => Err(AuthorError::Group),
        _ => Err(AuthorError::SeveralMailboxes),
    }
}

/// Whom a mail is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipients {
    /// The addresses of the To fields.
    pub to: Vec<EmailAddress>,
    /// The addresses of the Cc fields.
    pub cc: Vec<EmailAddress>,
    /// The addresses of the Bcc fields.
    pub bcc: Vec<EmailAddress>,
}

/// Why the recipients of a mail cannot be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientsError {
    /// The name of the field.
    pub field: &'static str,
    /// What is wrong with it.
    pub error: MailboxError,
}

impl fmt::Display for RecipientsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "unreadable {}: {}", self.field, self.error)
    }
}

impl std::error::Error for RecipientsError {}

/// Whom a mail is for, groups dissolved. Fields may be repeated: nobody is left out.
///
/// # Errors
/// [`RecipientsError`] where one address of one field cannot be read: half a list is worse than
/// none.
pub fn recipients(headers: &HeaderSection<'_>) -> Result<Recipients, RecipientsError> {
    Ok(Recipients {
        to: addresses(headers, "To")?,
        cc: addresses(headers, "Cc")?,
        bcc: addresses(headers, "Bcc")?,
    })
}

/// The addresses of every field of that name, groups dissolved. An empty field has none.
///
/// # Errors
/// [`RecipientsError`].
pub fn addresses(
    headers: &HeaderSection<'_>,
    name: &'static str,
) -> Result<Vec<EmailAddress>, RecipientsError> {
    let mut addresses = Vec::new();
    for field in headers.all(name) {
        // RFC 5322, section 3.6.3: a Bcc field may be empty; To and Cc are so in practice.
        if field.raw_value().trim_ascii().is_empty() {
            continue;
        }
        let entries =
            parse_address_list(field.raw_value()).map_err(|error| RecipientsError { field: name, error })?;
        for entry in entries {
            match entry {
                AddressEntry::Mailbox(mailbox) => addresses.push(mailbox.address),
                AddressEntry::Group(members) => {
                    addresses.extend(members.into_iter().map(|member| member.address));
                }
            }
        }
        if addresses.len() > ADDRESSES {
            return Err(RecipientsError { field: name, error: MailboxError::TooMany });
        }
    }
    Ok(addresses)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn author_of(header: &str) -> Result<String, AuthorError> {
        author(&HeaderSection::read(header.as_bytes()).unwrap()).map(|mailbox| mailbox.address.to_string())
    }

    #[test]
    fn the_author_is_the_one_mailbox_of_the_one_from() {
        let header = "Sender: bob@example.org\r\nFrom: \"Alice\"\r\n <alice@example.org>\r\n\r\n";
        assert_eq!(author_of(header).unwrap(), "alice@example.org");
    }

    #[test]
    fn whatever_can_be_read_in_two_ways_has_no_author() {
        for (header, error) in [
            ("Subject: x\n\n", AuthorError::Missing),
            ("Sender: alice@example.org\n\n", AuthorError::Missing),
            ("From: a@b\nFrom: a@b\n\n", AuthorError::SeveralFields),
            ("From: a@b\nfrom : c@d\n\n", AuthorError::SeveralFields),
            ("From : a@b\n\n", AuthorError::SpaceBeforeColon),
            ("From: a@b, c@d\n\n", AuthorError::SeveralMailboxes),
            ("From: a@b, g: c@d;\n\n", AuthorError::SeveralMailboxes),
            ("From: g: a@b;\n\n", AuthorError::Group),
            ("From: g:;\n\n", AuthorError::Group),
            ("From:\n\n", AuthorError::Unreadable(MailboxError::Empty)),
            ("From: Alice\n\n", AuthorError::Unreadable(MailboxError::MissingDomain)),
            ("From: a@b\rFrom: c@d\n\n", AuthorError::Unreadable(MailboxError::BareCarriageReturn)),
            ("From: a@b\0c\n\n", AuthorError::Unreadable(MailboxError::Nul)),
            ("From: =?utf-8?q?a=40b?=\n\n", AuthorError::Unreadable(MailboxError::MissingDomain)),
        ] {
            assert_eq!(author_of(header), Err(error), "{header:?}");
        }
    }

    #[test]
    fn nobody_is_left_out() {
        let header = "To: a@b, friends: c@d, e@f;\nTo: g@h\nCc: undisclosed:;\nBcc:\nBcc: i@j\n\n";
        let found = recipients(&HeaderSection::read(header.as_bytes()).unwrap()).unwrap();
        let texts = |list: &[EmailAddress]| list.iter().map(EmailAddress::to_string).collect::<Vec<_>>();
        assert_eq!(texts(&found.to), ["a@b", "c@d", "e@f", "g@h"]);
        assert!(found.cc.is_empty());
        assert_eq!(texts(&found.bcc), ["i@j"]);
    }

    #[test]
    fn one_unreadable_address_makes_the_list_unreadable() {
        let headers = HeaderSection::read(b"To: a@b\nCc: c@d, e\n\n").unwrap();
        assert_eq!(
            recipients(&headers),
            Err(RecipientsError { field: "Cc", error: MailboxError::MissingDomain })
        );
    }
}
