//! Mails as a whole, before they are signed or encrypted.

use std::io::Read;
use std::path::Path;

use counterseal_core::address::EmailAddress;
use counterseal_core::limits::MAIL_IN_MEMORY;
use counterseal_core::mail::{self, HeaderSection, Recipients};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::files::open_input;

/// Reads a mail whole.
pub(super) fn read_mail(path: Option<&Path>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut mail = Zeroizing::new(Vec::new());
    let source = open_input(path)?;
    let read = source.take(MAIL_IN_MEMORY + 1).read_to_end(&mut mail);
    read.map_err(|error| Failure::io("the mail", &error))?;
    if mail.len() as u64 > MAIL_IN_MEMORY {
        return Err(Failure::unknown("limit", "the mail is larger than 100 MiB")
            .hint("send what makes it large as a file: `cseal encrypt --cms`"));
    }
    Ok(mail)
}

/// Who a mail says it is from.
pub(super) fn author(mail: &[u8]) -> Result<EmailAddress, Failure> {
    match mail::author(&headers(mail)?) {
        Ok(author) => Ok(author.address),
        Err(error) => Err(Failure::unknown("no-author", "the mail does not say who it is from")
            .because(error)
            .hint("write one From field with one address")),
    }
}

/// Whom a mail is for.
pub(super) fn recipients(mail: &[u8]) -> Result<Recipients, Failure> {
    mail::recipients(&headers(mail)?).map_err(|error| {
        Failure::unknown("malformed", "a recipient of the mail cannot be read").because(error)
    })
}

fn headers(mail: &[u8]) -> Result<HeaderSection<'_>, Failure> {
    HeaderSection::read(mail).map_err(|error| Failure::unknown("malformed", "this is no mail").because(error))
}
