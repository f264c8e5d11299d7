//! Which mail addresses a certificate speaks for (RFC 5280, section 4.2.1.6; RFC 8550, section 3;
//! RFC 9598).

use const_oid::ObjectIdentifier;

use super::certificate::CertificateError;
use super::name_text;
use super::tlv::{self, Elements, tag};
use crate::address::EmailAddress;
use crate::limits;

/// id-on-SmtpUTF8Mailbox (RFC 9598, section 3).
pub(super) const SMTP_UTF8_MAILBOX: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.8.9");
const EMAIL_ADDRESS: &str = "1.2.840.113549.1.9.1";

/// The addresses of subjectAltName, or those of the subject where subjectAltName names no mailbox
/// at all. A name that is no address is left out, and still counts as a mail name: a certificate
/// must not fall back to its subject because a name in it is malformed.
pub(super) fn addresses(
    alternative_names: Option<&[u8]>,
    subject: &[u8],
) -> Result<Vec<EmailAddress>, CertificateError> {
    let mut mail_names = 0;
    let mut addresses = Vec::new();
    if let Some(value) = alternative_names {
        let names = tlv::only(value, tag::SEQUENCE).ok_or(CertificateError::Malformed)?;
        let mut names = Elements::new(names);
        let mut count = 0;
        while !names.is_empty() {
            let name = names.any().ok_or(CertificateError::Malformed)?;
            count += 1;
            if count > limits::CERTIFICATE_NAMES {
                return Err(CertificateError::TooManyNames);
            }
            let found = match name.tag {
                RFC822_NAME => Some(EmailAddress::from_rfc822_name(name.content).ok()),
                OTHER_NAME => smtp_utf8_mailbox(name.content),
                _ => None,
            };
            mail_names += usize::from(found.is_some());
            add(&mut addresses, found.flatten());
        }
    }
    if mail_names == 0 {
        for value in name_text::values(subject, EMAIL_ADDRESS).ok_or(CertificateError::Malformed)? {
            add(&mut addresses, EmailAddress::from_rfc822_name(value.as_bytes()).ok());
        }
    }
    Ok(addresses)
}

const RFC822_NAME: u8 = tag::primitive(1);
const OTHER_NAME: u8 = tag::constructed(0);

fn add(addresses: &mut Vec<EmailAddress>, address: Option<EmailAddress>) {
    if let Some(address) = address.filter(|address| !addresses.contains(address)) {
        addresses.push(address);
    }
}

/// The address of an otherName: the outer answer says whether it is a mailbox at all.
fn smtp_utf8_mailbox(content: &[u8]) -> Option<Option<EmailAddress>> {
    let mut fields = Elements::new(content);
    if fields.expect(tag::OBJECT_IDENTIFIER)?.content != SMTP_UTF8_MAILBOX.as_bytes() {
        return None;
    }
    let mailbox = || {
        let value = fields.expect(tag::constructed(0))?;
        let text = std::str::from_utf8(tlv::only(value.content, tag::UTF8_STRING)?).ok()?;
        EmailAddress::from_smtp_utf8_mailbox(text).ok()
    };
    Some({ mailbox }())
}
