//! The verbs for any bytes (`--cms`): there is no mail around them, hence no author.

use std::io::{self, Read, SeekFrom, Write};

use super::layers::content_type_of;
use super::signers::{self, Claim};
use super::status::{EncryptionStatus, Reason, SignerStatus, Status, Verdict};
use super::{Context, ReadError, ReadOptions, Signer, WriteError};
use crate::algorithm::ContentEncryption;
use crate::cms::{self, ContentType, KeyTransport, Signed, SignedError, SignedInput, Warning};
use crate::policy::Accepted;
use crate::ports::{Random, Source, Spool, Spools};
use crate::secret::SecretBytes;
use crate::time::Time;
use crate::trust::Level;
use crate::x509::path::Allowance;

/// Bytes that tell a SignedData from anything else; its header is shorter.
const LOOK_AHEAD: usize = 64;

/// What to seal, and how.
pub struct SealRequest<'r> {
    /// Whom to seal for.
    pub recipients: &'r [Accepted],
    /// What opens it beside their keys.
    pub shared_secrets: &'r [SharedSecret],
    /// Who signs first; nobody where nothing is given.
    pub signer: Option<&'r Signer<'r>>,
    /// The cipher; what every reader is known to open where nothing is given.
    pub cipher: Option<ContentEncryption>,
    /// How RSA carries the key; by what is known of the reader where nothing is given.
    pub key_transport: Option<KeyTransport>,
    /// When it is signed.
    pub at: Time,
}

/// What sender and readers both have.
pub enum SharedSecret {
    /// A passphrase (PasswordRecipientInfo). A short one can be guessed at leisure.
    Passphrase(SecretBytes),
    /// A key of 16, 24 or 32 bytes (KEKRecipientInfo).
    Key {
        /// Its name on both sides.
        identifier: Vec<u8>,
        /// The key.
        key: SecretBytes,
    },
}

/// Bytes to be sealed.
pub enum Content<'c> {
    /// Bytes whose length is known: the object is DER.
    Source(&'c mut dyn Source),
    /// Bytes that come through a pipe: the object has indefinite lengths (BER), unless it is signed,
    /// which takes the bytes twice.
    Stream(&'c mut dyn Read),
}

/// Seals bytes for readers, signed before where there is a signer: DER.
///
/// A signed content goes inside as a whole CMS object of its own, so that any program can take
/// the two layers off one after the other.
///
/// # Errors
/// [`WriteError`]; the output is incomplete then.
pub fn encrypt(
    content: Content<'_>,
    request: &SealRequest<'_>,
    spools: &dyn Spools,
    random: &mut dyn Random,
    output: &mut dyn Write,
) -> Result<(), WriteError> {
    match (request.signer, content) {
        (None, Content::Source(source)) => {
            let length = length_of(source).map_err(WriteError::Io)?;
            seal(source, Some(length), request, random, output)
        }
        (None, Content::Stream(stream)) => seal(stream, None, request, random, output),
        (Some(signer), content) => {
            let mut signed = spools.create().map_err(WriteError::Io)?;
            match content {
                Content::Source(source) => sign(source, signer, false, request.at, &mut signed)?,
                Content::Stream(stream) => {
                    let mut spool = spools.create().map_err(WriteError::Io)?;
                    io::copy(stream, &mut spool).map_err(WriteError::Io)?;
                    let mut source = spool.into_source().map_err(WriteError::Io)?;
                    sign(source.as_mut(), signer, false, request.at, &mut signed)?;
                }
            }
            let mut signed = signed.into_source().map_err(WriteError::Io)?;
            let length = length_of(signed.as_mut()).map_err(WriteError::Io)?;
            seal(signed.as_mut(), Some(length), request, random, output)
        }
    }
}

/// Bytes from where the source is to its end.
fn length_of(source: &mut dyn Source) -> io::Result<u64> {
    let start = source.stream_position()?;
    let length = source.seek(SeekFrom::End(0))?.saturating_sub(start);
    source.seek(SeekFrom::Start(start))?;
    Ok(length)
}

fn seal(
    content: &mut dyn Read,
    length: Option<u64>,
    request: &SealRequest<'_>,
    random: &mut dyn Random,
    output: &mut dyn Write,
) -> Result<(), WriteError> {
    let readers = request.recipients.iter();
    let recipients: Vec<cms::Recipient> = readers
        .map(|accepted| super::readers::recipient(accepted, request.key_transport.as_ref()))
        .chain(request.shared_secrets.iter().map(SharedSecret::recipient))
        .collect();
    cms::seal(content, length, &ContentType::Data, &recipients, cipher_for(request), random, output)
        .map_err(WriteError::Seal)
}

/// Of whoever has a shared secret nothing is known, so they get what every program reads.
fn cipher_for(request: &SealRequest<'_>) -> ContentEncryption {
    match request.cipher {
        Some(cipher) => cipher,
        None if !request.shared_secrets.is_empty() => ContentEncryption::Aes256Cbc,
        None => super::readers::common_cipher(request.recipients.iter()),
    }
}

impl SharedSecret {
    fn recipient(&self) -> cms::Recipient {
        match self {
            Self::Passphrase(passphrase) => cms::Recipient::Passphrase(passphrase.clone()),
            Self::Key { identifier, key } => {
                cms::Recipient::KeyEncryptionKey { identifier: identifier.clone(), key: key.clone() }
            }
        }
    }
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
    let request = signer.request(at);
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
    signers::judge(signed, Claim::NoAuthor, context, &Allowance::of_message())
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
        list: None,
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

/// The signed object that was inside, and where its content goes.
type SignedInside<'p> = (Box<dyn Spool>, &'p mut dyn Write);

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
    fn finish(mut self) -> io::Result<Option<SignedInside<'p>>> {
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
