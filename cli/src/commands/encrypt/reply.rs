//! `--in-reply-to`: what the answered mail kept secret stays secret in the answer (RFC 9788, section 6.1).

use std::io;

use counterseal_core::mail::protected::Reference;
use counterseal_core::message::{self, Context, ReadOptions};
use counterseal_core::ports::SecretKeys;
use counterseal_core::time::Time;
use counterseal_core::trust::Knowledge;

use crate::args;
use crate::failure::Failure;
use crate::files::open_input;
use crate::randomness::SystemRandom;
use crate::spool::EncryptedSpools;

/// What the mail of `--in-reply-to` hid. It is opened for that; one that was not encrypted hid
/// nothing.
///
/// # Errors
/// Where it cannot be opened: then nobody knows what an answer would give away.
pub(super) fn reference(
    arguments: &args::Encrypt,
    keys: &dyn SecretKeys,
    at: Time,
) -> Result<Reference, Failure> {
    let Some(path) = &arguments.in_reply_to else { return Ok(Reference::default()) };
    let knowledge = Knowledge::default();
    let context = Context { keys, knowledge: &knowledge, at, spools: &EncryptedSpools };
    let mut mail = open_input(Some(path))?;
    let options = ReadOptions::default();
    let readable = message::verify(mail.as_mut(), &context, &mut SystemRandom, &options, &mut io::sink())?;
    Ok(readable.reference)
}
