//! Mails as a whole, before they are signed or encrypted.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use counterseal_core::address::EmailAddress;
use counterseal_core::limits::MAIL_IN_MEMORY;
use counterseal_core::mail::{self, HeaderSection, Recipients};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::files::open_input;

/// Reads a mail whole.
pub(crate) fn read_mail(path: Option<&Path>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let failed = |error: io::Error| Failure::io("the mail", &error);
    let mut source = open_input(path)?;
    let length = source.seek(SeekFrom::End(0)).map_err(failed)?;
    if length > MAIL_IN_MEMORY {
        return Err(Failure::unknown("limit", "the mail is larger than 100 MiB")
            .hint("send what makes it large as a file: `cseal encrypt --cms`"));
    }
    source.rewind().map_err(failed)?;
    // Room for all of it at once: a buffer that grows leaves copies of the text behind.
    let mut mail = Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or_default() + 1));
    source.take(length).read_to_end(&mut mail).map_err(failed)?;
    Ok(mail)
}

/// Who a mail says it is from.
pub(crate) fn author(mail: &[u8]) -> Result<EmailAddress, Failure> {
    match mail::author(&headers(mail)?) {
        Ok(author) => Ok(author.address),
        Err(error) => {
            Err(Failure::unknown("no-author", format!("the mail does not say who it is from: {error}"))
                .hint("write one From field with one address"))
        }
    }
}

/// Whom a mail is for.
pub(crate) fn recipients(mail: &[u8]) -> Result<Recipients, Failure> {
    mail::recipients(&headers(mail)?).map_err(|error| {
        Failure::unknown("malformed", format!("a recipient of the mail cannot be read: {error}"))
    })
}

/// What a mail is called, where it says so once.
pub(crate) fn message_identifier(mail: &[u8]) -> Result<Option<String>, Failure> {
    Ok(mail::message_identifiers(&headers(mail)?, "Message-ID").into_iter().next())
}

fn headers(mail: &[u8]) -> Result<HeaderSection<'_>, Failure> {
    HeaderSection::read(mail)
        .map_err(|error| Failure::unknown("malformed", format!("this is no mail: {error}")))
}
