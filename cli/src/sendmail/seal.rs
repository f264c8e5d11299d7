//! The copies of a mail: sealed ones, and where the policy allows it plain ones.

use std::io::{self, Cursor, Write};

use counterseal_core::mail::protected::{HeaderConfidentiality, Reference};
use counterseal_core::mail::{HeaderSection, TransferEncoding, Wrapping, cms_part, sendable};
use counterseal_core::message::{self, EncryptRequest, Recipient, SignRequest, SignatureForm, Signer};
use counterseal_core::policy::Accepted;
use counterseal_core::time::Time;

use super::rejection::Rejection;
use crate::failure::Failure;
use crate::queue;
use crate::randomness::SystemRandom;
use crate::spool::EncryptedSpools;

/// A message, and which of its addresses it is for.
pub(super) struct Copy {
    pub(super) message: queue::Message,
    pub(super) recipients: Vec<counterseal_core::address::EmailAddress>,
    pub(super) smtputf8: bool,
}

/// One copy for each class of readers, and one for each Bcc.
pub(super) fn sealed(
    text: &[u8],
    recipients: &[Recipient],
    signer: Option<&Signer<'_>>,
    own: Option<&Accepted>,
    at: Time,
) -> Result<Vec<Copy>, Rejection> {
    let request = EncryptRequest {
        recipients,
        signer,
        form: SignatureForm::Detached,
        own,
        cipher: None,
        key_transport: None,
        single_copy: false,
        hide_recipients: false,
        confidentiality: HeaderConfidentiality::Baseline,
        reference: Reference::default(),
        at,
    };
    let outgoing = message::encrypt(text, &request, &mut SystemRandom).map_err(Failure::from)?;
    let mut copies = Vec::new();
    for copy in outgoing.copies() {
        let seal = |output: &mut dyn Write| {
            outgoing.write(copy, &mut SystemRandom, output).map_err(|error| Failure::from(error).into())
        };
        let message = queue::Message::written(seal, not_kept)?;
        copies.push(Copy { message, recipients: copy.recipients.clone(), smtputf8: copy.smtputf8 });
    }
    Ok(copies)
}

/// The mail as it is, signed where there is a signer.
pub(super) fn plain(text: &[u8], signer: Option<&Signer<'_>>, at: Time) -> Result<queue::Message, Rejection> {
    let malformed =
        |error| Failure::unknown("malformed", format!("the mail cannot be sent as it is: {error}"));
    let Some(signer) = signer else {
        let mut message = sendable(text).map_err(malformed)?;
        let header = HeaderSection::read(&message).map_err(malformed)?;
        if header.count("MIME-Version") == 0 && header.count("Content-Type") > 0 {
            message.splice(..0, *b"MIME-Version: 1.0\r\n");
        }
        let write = |output: &mut dyn Write| output.write_all(&message).map_err(not_kept);
        return queue::Message::written(write, not_kept);
    };
    let request = SignRequest { signer, form: SignatureForm::Detached, at };
    let signed = message::sign(text, &request, &mut SystemRandom).map_err(Failure::from)?;
    let write = |mut output: &mut dyn Write| signed.write_to(&mut output).map_err(not_kept);
    queue::Message::written(write, not_kept)
}

/// Whether a program sealed the mail already: all of its body is one encrypted object in base64, so nothing of it can
/// be read on the way, whatever its header claims.
pub(super) fn is_sealed(text: &[u8]) -> bool {
    let mut mail = Cursor::new(text);
    let Ok(part) = cms_part(&mut mail) else { return false };
    let Wrapping::Cms(body) = &part.wrapping else { return false };
    let start = usize::try_from(body.range.start).unwrap_or(usize::MAX);
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=\r\n".contains(byte);
    body.encoding == TransferEncoding::Base64
        && part.defects.is_empty()
        && text.get(start..).is_some_and(|body| body.iter().all(is_base64))
        && message::is_sealed(&mut mail, &EncryptedSpools).is_ok_and(|sealed| sealed)
}

/// A temporary file could not be written, or read.
fn not_kept(error: io::Error) -> Rejection {
    Failure::io("a temporary file", &error).into()
}
