//! The verbs for any bytes (`--cms`): there is no mail around them, hence no author.

use std::io::{self, Read, SeekFrom, Write};

use super::layers::content_type_of;
use super::signers::{self, Claim};
use super::status::{EncryptionStatus, Reason, SignerStatus, Status, Verdict};
use super::{Context, ReadError, ReadOptions, Signer, WriteError};
use crate::algorithm::ContentEncryption;
use crate::cms::{self, Capabilities, ContentType, KeyTransport, Signed, SignedError, SignedInput, Warning};
use crate::policy::Accepted;
use crate::ports::{Random, Source, Spool, Spools};
use crate::time::Time;
use crate::trust::Level;

/// Bytes that tell a SignedData from anything else; its header is shorter.
const LOOK_AHEAD: usize = 64;

/// What to seal, and how.
pub struct SealRequest<'r> {
    /// Whom to seal for.
    pub recipients: &'r [Accepted],
    /// Who signs first; nobody where nothing is given.
    pub signer: Option<&'r Signer<'r>>,
    /// The cipher; what every reader is known to open where nothing is given.
    pub cipher: Option<ContentEncryption>,
    /// How RSA carries the key; by what is known of the reader where nothing is given.
    pub key_transport: Option<KeyTransport>,
    /// When it is signed.
    pub at: Time,
}

/// Seals bytes for readers, signed before where there is a signer: DER.
///
/// A signed content goes inside as a whole CMS object of its own, so that any program can take
/// the two layers off one after the other.
///
/// # Errors
/// [`WriteError`]; the output is incomplete then.
pub fn encrypt(
    content: &mut dyn Source,
    request: &SealRequest<'_>,
    spools: &dyn Spools,
    random: &mut dyn Random,
    output: &mut dyn Write,
) -> Result<(), WriteError> {
    let Some(signer) = request.signer else {
        return seal(content, request, random, output);
    };
    let mut signed = spools.create().map_err(WriteError::Io)?;
    sign(content, signer, false, request.at, &mut signed)?;
    let mut signed = signed.into_source().map_err(WriteError::Io)?;
    seal(signed.as_mut(), request, random, output)
}

fn seal(
    content: &mut dyn Source,
    request: &SealRequest<'_>,
    random: &mut dyn Random,
    output: &mut dyn Write,
) -> Result<(), WriteError> {
    let start = content.stream_position().map_err(WriteError::Io)?;
    let length = content.seek(SeekFrom::End(0)).map_err(WriteError::Io)?.saturating_sub(start);
    content.seek(SeekFrom::Start(start)).map_err(WriteError::Io)?;
    let cipher = request.cipher.unwrap_or_else(|| super::readers::common_cipher(request.recipients.iter()));
    let recipients: Vec<cms::Recipient> = request
        .recipients
        .iter()
        .map(|accepted| super::readers::recipient(accepted, request.key_transport.as_ref()))
        .collect();
    cms::seal(content, Some(length), &ContentType::Data, &recipients, cipher, random, output)
        .map_err(WriteError::Seal)
}

/// Signs bytes: attached, or the signature alone.
///
/// # Errors
/// [`WriteError`]; the output is incomplete then.
pub fn sign(
    content: &mut dyn Source,
    signer: &Signer<'_>,
    detached: bool,
    at: Time,
    output: &mut dyn Write,
) -> Result<(), WriteError> {
    let capabilities = Capabilities::ours();
    let request = signer.request(&capabilities, at);
    let input = if detached { SignedInput::Detached(content) } else { SignedInput::Attached(content) };
    cms::write_signed(input, &request, output).map(drop).map_err(WriteError::Sign)
}

/// Opens sealed bytes, and takes off the signature inside, unless `options.keep_signature`.
///
/// # Errors
/// [`ReadError`]. What stands in `output` then must not be used.
pub fn decrypt(
    input: &mut dyn Source,
    context: &Context<'_>,
    random: &mut dyn Random,
    options: &ReadOptions,
    output: &mut dyn Write,
) -> Result<Status, ReadError> {
    let mut content = Parting {
        head: Vec::new(),
        target: if options.keep_signature { Target::Output } else { Target::Undecided },
        output,
        spools: context.spools,
    };
    let opened =
        cms::open(input, context.keys, random, &options.open, &mut content).map_err(ReadError::Open)?;
    let signers = match content.finish().map_err(ReadError::Io)? {
        None => Vec::new(),
        Some((spool, output)) => {
            let mut signed = spool.into_source().map_err(ReadError::Io)?;
            read_signed(signed.as_mut(), None, context, output)?
        }
    };
    let mut status = status_of(signers);
    status.reasons.extend(reasons_of(&opened));
    status.encrypted = Some(EncryptionStatus::of(opened));
    Ok(status)
}

/// Verifies signed bytes; an attached content goes to `output`.
///
/// # Errors
/// [`ReadError`]. A signature that does not hold is no error but a verdict.
pub fn verify(
    input: &mut dyn Source,
    detached: Option<&mut dyn Source>,
    context: &Context<'_>,
    output: &mut dyn Write,
) -> Result<Status, ReadError> {
    read_signed(input, detached, context, output).map(status_of)
}

fn read_signed(
    input: &mut dyn Source,
    detached: Option<&mut dyn Source>,
    context: &Context<'_>,
    output: &mut dyn Write,
) -> Result<Vec<SignerStatus>, ReadError> {
    match cms::read_signed(input, detached, &context.knowledge.certificates, output) {
        Ok(signed) => Ok(judged(&signed, context)),
        Err(SignedError::Io(kind)) => Err(ReadError::Io(kind.into())),
        Err(error) => Err(ReadError::Signed(error)),
    }
}

fn judged(signed: &Signed, context: &Context<'_>) -> Vec<SignerStatus> {
    if signed.signers.is_empty() {
        return vec![signers::unreadable(Verdict::Unsigned, Reason::NoSigners)];
    }
    signers::judge(signed, Claim::NoAuthor, context)
}

fn status_of(signers: Vec<SignerStatus>) -> Status {
    let worst = signers.iter().max_by_key(|signer| signer.verdict);
    Status {
        verdict: worst.map_or(Verdict::Unsigned, |signer| signer.verdict),
        address: None,
        score: signers.iter().map(|signer| signer.score).min().unwrap_or(0),
        level: worst.map_or(Level::None, |signer| signer.level),
        reasons: worst.map_or_else(|| vec![Reason::Unsigned], |signer| signer.reasons.clone()),
        encrypted: None,
        signers,
        parts: Vec::new(),
        changed_headers: Vec::new(),
        unprotected_headers: Vec::new(),
    }
}

/// What a reader should know of how bytes were encrypted.
pub(super) fn reasons_of(opened: &cms::Opened) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if !opened.integrity {
        reasons.push(Reason::NoIntegrity);
    }
    if opened.cipher.is_broken() || opened.cipher.is_outdated() {
        reasons.push(Reason::WeakCipher);
    }
    if opened.warnings.contains(&Warning::AuthenticatedCipherInEnvelopedData) {
        reasons.push(Reason::MisplacedCipher);
    }
    reasons
}

/// Sends plaintext to the output, or to a spool where it is a SignedData that is to be read.
struct Parting<'p> {
    head: Vec<u8>,
    target: Target,
    output: &'p mut dyn Write,
    spools: &'p dyn Spools,
}

enum Target {
    Undecided,
    Output,
    Spool(Box<dyn Spool>),
}

impl<'p> Parting<'p> {
    fn decide(&mut self) -> io::Result<()> {
        let mut head: &[u8] = &self.head;
        let is_signed = matches!(content_type_of(&mut head), Ok(ContentType::SignedData));
        let head = std::mem::take(&mut self.head);
        if is_signed {
            let mut spool = self.spools.create()?;
            spool.write_all(&head)?;
            self.target = Target::Spool(spool);
        } else {
            self.output.write_all(&head)?;
            self.target = Target::Output;
        }
        Ok(())
    }

    /// The spool with the signed object, and where its content goes; nothing where all went out.
    fn finish(mut self) -> io::Result<Option<(Box<dyn Spool>, &'p mut dyn Write)>> {
        if matches!(self.target, Target::Undecided) {
            self.decide()?;
        }
        match self.target {
            Target::Spool(spool) => Ok(Some((spool, self.output))),
            Target::Output | Target::Undecided => Ok(None),
        }
    }
}

impl Write for Parting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.target {
            Target::Output => self.output.write_all(bytes)?,
            Target::Spool(spool) => spool.write_all(bytes)?,
            Target::Undecided => {
                self.head.extend_from_slice(bytes);
                if self.head.len() >= LOOK_AHEAD {
                    self.decide()?;
                }
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether these bytes are one CMS object in binary form, by their first element.
#[must_use]
pub fn is_binary(head: &[u8]) -> bool {
    let mut head = head;
    content_type_of(&mut (&mut head as &mut dyn Read)).is_ok()
}

#[cfg(test)]
mod tests;
