//! Giving something sealed to other readers, without touching what is sealed.

mod frame;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Seek, SeekFrom, Write};

use self::frame::Frame;
use super::enveloped::Head;
use super::open::{OpenError, OpenOptions, Opened, open, open_with_key};
use super::seal::{Recipient, SealError, seal, write_recipients};
use crate::algorithm::{ContentEncryption, DigestAlgorithm};
use crate::der::Reader;
use crate::ports::{KeyName, Random, SecretKeys, Source, Spools};
use crate::x509::digest::Hasher;

/// What is to become of something sealed.
pub struct RewrapRequest<'r> {
    /// Who can open it afterwards; nobody else.
    pub recipients: &'r [Recipient],
    /// The cipher under which content is sealed anew whose own cipher notices no change; where
    /// nothing is given every content stays as it is.
    pub reseal: Option<ContentEncryption>,
    /// How it is opened.
    pub open: &'r OpenOptions,
}

/// What became of it.
#[derive(Debug)]
pub enum Rewrapped {
    /// Its readers are those that are wanted, as far as the names say; nothing was written.
    Already,
    /// Other RecipientInfos, and every byte of the rest as it was.
    Replaced(Change),
    /// The same content under another cipher.
    Resealed(Change),
}

/// A change that was made.
#[derive(Debug)]
pub struct Change {
    /// How it was opened.
    pub opened: Opened,
    /// SHA-256 of the content, to be compared when it is opened again.
    pub digest: Vec<u8>,
}

/// Why nothing was rewrapped. What stands in the output then is of no use.
#[derive(Debug)]
pub enum RewrapError {
    /// It does not open.
    Open(OpenError),
    /// It cannot be sealed for these readers.
    Seal(SealError),
}

impl fmt::Display for RewrapError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(error) => error.fmt(formatter),
            Self::Seal(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for RewrapError {}

impl From<OpenError> for RewrapError {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<SealError> for RewrapError {
    fn from(error: SealError) -> Self {
        Self::Seal(error)
    }
}

fn read_failed(error: io::Error) -> RewrapError {
    RewrapError::Open(OpenError::Io(error))
}

/// Replaces the RecipientInfos of EnvelopedData or AuthEnvelopedData (RFC 5652, section 6; RFC 5083)
/// that stands in `input` in BER or DER, from where it is now to its end.
///
/// It is opened first, so that nothing is given on that could not be read. The version follows from
/// the new RecipientInfos (RFC 5652, section 6.1), and lengths around them change; everything else
/// keeps its bytes. Memory is constant; content that is sealed anew goes through a spool.
///
/// # Errors
/// [`RewrapError`].
pub fn rewrap(
    input: &mut dyn Source,
    keys: &dyn SecretKeys,
    random: &mut dyn Random,
    request: &RewrapRequest<'_>,
    spools: &dyn Spools,
    output: &mut dyn Write,
) -> Result<Rewrapped, RewrapError> {
    let start = input.stream_position().map_err(read_failed)?;
    let (cipher, names) = survey(input)?;
    let reseal = request.reseal.filter(|_| !cipher.is_authenticated());
    if reseal.is_none() && names == wanted_names(request.recipients) {
        return Ok(Rewrapped::Already);
    }
    input.seek(SeekFrom::Start(start)).map_err(read_failed)?;
    match reseal {
        Some(cipher) => resealed(input, keys, random, (request, cipher), spools, output),
        None => replaced(input, start, keys, random, request, output),
    }
}

/// SHA-256 of the content of something sealed, for those who want to know that two of them are the
/// same inside.
///
/// # Errors
/// As [`open`].
pub fn content_digest(
    input: &mut dyn Source,
    keys: &dyn SecretKeys,
    random: &mut dyn Random,
    options: &OpenOptions,
) -> Result<Vec<u8>, OpenError> {
    let mut digest = Digesting::new(io::sink());
    open(input, keys, random, options, &mut digest)?;
    Ok(digest.finish())
}

/// The cipher of the content and who can open it; a reader without a name makes the set unlike any
/// that is wanted.
fn survey(input: &mut dyn Source) -> Result<(ContentEncryption, Option<BTreeSet<KeyName>>), OpenError> {
    let mut names = Some(BTreeSet::new());
    let head = Head::read(&mut Reader::new(input), |key_box| {
        match key_box.name {
            Some(name) => names.as_mut().map(|names| names.insert(name)),
            None => names.take().map(|_| false),
        };
        Ok(())
    })?;
    Ok((head.cipher.algorithm(), names))
}

fn wanted_names(recipients: &[Recipient]) -> Option<BTreeSet<KeyName>> {
    recipients.iter().map(Recipient::name).collect()
}

fn replaced(
    input: &mut dyn Source,
    start: u64,
    keys: &dyn SecretKeys,
    random: &mut dyn Random,
    request: &RewrapRequest<'_>,
    output: &mut dyn Write,
) -> Result<Rewrapped, RewrapError> {
    let mut digest = Digesting::new(io::sink());
    let (opened, key) = open_with_key(input, keys, random, request.open, &mut digest)?;
    if request.recipients.is_empty() {
        return Err(SealError::NoRecipients.into());
    }
    let recipient_infos = write_recipients(request.recipients, &key, random)?;
    input.seek(SeekFrom::Start(start)).map_err(read_failed)?;
    let frame = Frame::read(input)?;
    frame.write(input, start, request.recipients, &recipient_infos, output)?;
    Ok(Rewrapped::Replaced(Change { opened, digest: digest.finish() }))
}

fn resealed(
    input: &mut dyn Source,
    keys: &dyn SecretKeys,
    random: &mut dyn Random,
    (request, cipher): (&RewrapRequest<'_>, ContentEncryption),
    spools: &dyn Spools,
    output: &mut dyn Write,
) -> Result<Rewrapped, RewrapError> {
    let mut digest = Digesting::new(spools.create().map_err(read_failed)?);
    let opened = open(input, keys, random, request.open, &mut digest)?;
    let Digesting { inner: spool, hasher } = digest;
    let mut content = spool.into_source().map_err(read_failed)?;
    let length = content.seek(SeekFrom::End(0)).map_err(read_failed)?;
    content.rewind().map_err(read_failed)?;
    seal(&mut content, Some(length), &opened.content_type, request.recipients, cipher, random, output)?;
    Ok(Rewrapped::Resealed(Change { opened, digest: hasher.finish() }))
}

/// Passes everything on, and digests it.
struct Digesting<W> {
    inner: W,
    hasher: Hasher,
}

impl<W> Digesting<W> {
    fn new(inner: W) -> Self {
        Self { inner, hasher: Hasher::new(DigestAlgorithm::Sha256) }
    }

    fn finish(self) -> Vec<u8> {
        self.hasher.finish()
    }
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write_all(bytes)?;
        self.hasher.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
