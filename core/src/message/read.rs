//! Reading a mail: decrypt and verify are one walk, and one verdict at its end.

use std::io::{Read, Write};

use super::layers::{self, Layer, SignedLayer, SignedLayerFault, UnwrapOptions, Unwrapped};
use super::object::reasons_of;
use super::signers::{self, Claim};
use super::status::{EncryptionStatus, Reason, SignerStatus, Status, Verdict};
use super::{Context, ReadError, structure};
use crate::address::EmailAddress;
use crate::cms::{ContentType, OpenOptions};
use crate::limits;
use crate::mail::{self, AuthorError, HeaderSection, Mailbox, ProtectedMail};
use crate::ports::{Random, Source};
use crate::time::Time;
use crate::trust::Level;
use crate::x509::Certificate;

/// How a mail is read.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// How encrypted layers are opened.
    pub open: OpenOptions,
    /// Leave the signed layer inside as it came, byte for byte.
    pub keep_signature: bool,
}

/// What came of reading a mail.
#[derive(Debug)]
pub struct Readable {
    /// The verdict and everything beside it.
    pub status: Status,
    /// Certificates that came with signatures that hold, for whoever collects them.
    pub certificates: Vec<Certificate>,
}

/// Decrypts a mail, writes it as it may be read, and says what to believe of it.
///
/// # Errors
/// [`ReadError`], [`ReadError::NotEncrypted`] among them. What stands in `output` then must not
/// be used.
pub fn decrypt(
    mail: &mut dyn Source,
    context: &Context<'_>,
    random: &mut dyn Random,
    options: &ReadOptions,
    output: &mut dyn Write,
) -> Result<Readable, ReadError> {
    let unwrap =
        UnwrapOptions { open: &options.open, keep_decrypted: options.keep_signature, open_encrypted: true };
    let unwrapped = layers::unwrap(mail, context, random, &unwrap)?;
    let encrypted = unwrapped.layers.iter().any(|layer| matches!(layer, Layer::Encrypted(_)));
    if !encrypted {
        return Err(ReadError::NotEncrypted { nested: structure::has_encrypted_part(mail, unwrapped)? });
    }
    finish(mail, unwrapped, context, options, output)
}

/// Verifies a mail, writes it as it may be read, and says what to believe of it. An encrypted
/// mail is opened for that.
///
/// # Errors
/// [`ReadError`]. What stands in `output` then must not be used.
pub fn verify(
    mail: &mut dyn Source,
    context: &Context<'_>,
    random: &mut dyn Random,
    options: &ReadOptions,
    output: &mut dyn Write,
) -> Result<Readable, ReadError> {
    let unwrap =
        UnwrapOptions { open: &options.open, keep_decrypted: options.keep_signature, open_encrypted: true };
    let unwrapped = layers::unwrap(mail, context, random, &unwrap)?;
    finish(mail, unwrapped, context, options, output)
}

fn finish(
    mail: &mut dyn Source,
    mut unwrapped: Unwrapped,
    context: &Context<'_>,
    options: &ReadOptions,
    output: &mut dyn Write,
) -> Result<Readable, ReadError> {
    let inner = load(mail, &mut unwrapped)?;
    let view = View::of(&unwrapped, &inner)?;
    let signers = view.judge_layers(&unwrapped, context);
    let readable = Readable {
        status: view.status(&unwrapped, signers, context),
        certificates: certificates_of(&unwrapped),
    };
    write_readable(mail, &mut unwrapped, &inner, options, output)?;
    Ok(readable)
}
