//! The copies of a mail: sealed ones, and where the policy allows it plain ones.

use std::io::{self, Write};

use counterseal_core::mail::protected::{HeaderConfidentiality, Reference};
use counterseal_core::mail::{HeaderSection, sendable};
use counterseal_core::message::{self, EncryptRequest, Recipient, SignRequest, SignatureForm, Signer};
use counterseal_core::policy::Accepted;
use counterseal_core::time::Time;

use super::rejection::Rejection;
use crate::failure::Failure;
use crate::queue;
use crate::randomness::SystemRandom;

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

/// A temporary file could not be written, or read.
fn not_kept(error: io::Error) -> Rejection {
    Failure::io("a temporary file", &error).into()
}
