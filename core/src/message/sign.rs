//! Signing a mail.

use super::error::check_author;
use super::wrap::{SignatureForm, signed_entity};
use super::{Signer, WriteError};
use crate::mail::protected::{self, Protection};
use crate::mail::{HeaderSection, Pieces};
use crate::ports::Random;
use crate::time::Time;

/// How a mail is signed.
pub struct SignRequest<'r> {
    /// Who signs. The certificate must name the From address.
    pub signer: &'r Signer<'r>,
    /// multipart/signed, or all in one object.
    pub form: SignatureForm,
    /// When it is signed.
    pub at: Time,
}

/// Signs a mail: everything in it that a reader sees, header fields included (RFC 9788).
///
/// What is signed is what arrives: bodies are encoded for a 7-bit transport first. Bcc fields are
/// left out.
///
/// # Errors
/// [`WriteError`].
pub fn sign<'m>(
    mail: &'m [u8],
    request: &SignRequest<'_>,
    random: &mut dyn Random,
) -> Result<Pieces<'m>, WriteError> {
    let headers = HeaderSection::read(mail).map_err(WriteError::Malformed)?;
    check_author(&headers, request.signer)?;
    let composed = protected::protect(mail, &Protection::Signed).map_err(WriteError::Malformed)?;
    let mut signed = Pieces::from(composed.outer);
    signed.append(signed_entity(composed.payload, request.signer, request.form, request.at, random)?);
    Ok(signed)
}
