//! Whether a mail that somebody else wrote is really encrypted, and not only called so.

use std::io::{self, SeekFrom};

use counterseal_core::cms::{OpenError, OpenOptions};
use counterseal_core::der::Reader;
use counterseal_core::keys::Keyring;
use counterseal_core::mail::{CmsBody, TransferEncoding, Wrapping, cms_part};
use counterseal_core::message::{Opening, ReadError, unseal};
use counterseal_core::ports::Source;

use crate::randomness::SystemRandom;
use crate::spool::EncryptedSpools;

/// Whether all of the body is one encrypted object in base64 that somebody can open, so that nothing of it can be read on
/// the way, whatever its header claims. It is read to its end, as by somebody who has no key for it.
pub(crate) fn is_sealed(mail: &mut dyn Source) -> bool {
    let Ok(part) = cms_part(mail) else { return false };
    let Wrapping::Cms(body) = &part.wrapping else { return false };
    if body.encoding != TransferEncoding::Base64 || !part.defects.is_empty() {
        return false;
    }
    is_base64(mail, body.range.start).unwrap_or(false) && is_one_object(mail, body) && is_for_others(mail)
}

/// Nothing stands behind the object.
fn is_one_object(mail: &mut dyn Source, body: &CmsBody) -> bool {
    let Ok(body) = body.open(mail) else { return false };
    let mut reader = Reader::new(body);
    reader.skip().and_then(|()| reader.finish()).is_ok()
}

fn is_for_others(mail: &mut dyn Source) -> bool {
    let (keys, options) = (Keyring::default(), OpenOptions::default());
    let opening = Opening { keys: &keys, options: &options, spools: &EncryptedSpools };
    let opened = mail.rewind().map(|()| unseal(mail, &opening, &mut SystemRandom, &mut io::sink()));
    matches!(opened, Ok(Err(ReadError::Open(OpenError::NotForUs { recipients }))) if !recipients.is_empty())
}

/// Decoders pass over what is no base64; people read it.
fn is_base64(mail: &mut dyn Source, start: u64) -> io::Result<bool> {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=\r\n".contains(byte);
    mail.seek(SeekFrom::Start(start))?;
    let mut piece = [0; 8 << 10];
    loop {
        let count = mail.read(&mut piece)?;
        match piece.get(..count).unwrap_or_default() {
            [] => return Ok(true),
            read if read.iter().all(is_base64) => {}
            _ => return Ok(false),
        }
    }
}
