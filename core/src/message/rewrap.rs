//! Giving a mail that is kept to other readers, without touching what it says or who signed it.

use std::io::{self, Write};

use super::ReadError;
use super::readers;
use super::sealed_layer::SealedLayer;
use super::unseal::Opening;
use super::wrap::Headed;
use crate::algorithm::ContentEncryption;
use crate::cms::{self, KeyTransport};
use crate::mail::{Base64Encoder, CmsBody, FilterWriter, Section, TransferEncoding};
use crate::policy::Accepted;
use crate::ports::{Random, Source};

pub use crate::cms::Rewrapped;

/// Whom a mail is given to, and how.
pub struct RewrapRequest<'r> {
    /// Who can open it afterwards; nobody else.
    pub recipients: &'r [Accepted],
    /// How RSA carries the key; by what is known of each reader where nothing is given.
    pub key_transport: Option<&'r KeyTransport>,
    /// The cipher under which content is sealed anew whose own cipher notices no change.
    pub reseal: Option<ContentEncryption>,
}

/// Why a mail was not given to other readers. What stands in the output then is of no use.
#[derive(Debug)]
pub enum RewrapError {
    /// It cannot be opened, or is not encrypted.
    Read(ReadError),
    /// It cannot be sealed for these readers.
    Seal(cms::SealError),
    /// A signature stands around the encryption and would break.
    SignedOutside,
    /// Its body has a transfer encoding that is not written.
    Encoding,
}

impl From<ReadError> for RewrapError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<cms::RewrapError> for RewrapError {
    fn from(error: cms::RewrapError) -> Self {
        match error {
            cms::RewrapError::Open(cms::OpenError::Io(error))
                if error.kind() != io::ErrorKind::InvalidData =>
            {
                Self::Read(ReadError::Io(error))
            }
            cms::RewrapError::Open(error) => Self::Read(ReadError::Open(error)),
            cms::RewrapError::Seal(error) => Self::Seal(error),
        }
    }
}

fn io_failed(error: io::Error) -> RewrapError {
    RewrapError::Read(ReadError::Io(error))
}

/// Writes a mail with other readers: its header section byte for byte, the encrypted object with other
/// RecipientInfos ([`cms::rewrap`]), in the transfer encoding that it had.
///
/// Where the readers are the wanted ones already nothing is written, and the mail can stay as it is.
/// With `request.reseal` the header section still stays: mail programs go by what the object is.
///
/// # Errors
/// [`RewrapError`].
pub fn rewrap(
    mail: &mut dyn Source,
    request: &RewrapRequest<'_>,
    opening: &Opening<'_>,
    random: &mut dyn Random,
    output: &mut dyn Write,
) -> Result<Rewrapped, RewrapError> {
    let layer = SealedLayer::find(mail, opening.spools)?;
    if layer.inside_signature.is_some() {
        return Err(RewrapError::SignedOutside);
    }
    let body = layer.body;
    let mut encoder = Encoder::of(mail, &body, output)?;
    mail.rewind().map_err(io_failed)?;
    let mut input = body.open(mail).map_err(io_failed)?;
    let recipients: Vec<_> = request
        .recipients
        .iter()
        .map(|accepted| readers::recipient(accepted, request.key_transport))
        .collect();
    let request =
        cms::RewrapRequest { recipients: &recipients, reseal: request.reseal, open: opening.options };
    let done = cms::rewrap(&mut input, opening.keys, random, &request, opening.spools, &mut encoder)?;
    encoder.finish().map_err(io_failed)?;
    Ok(done)
}

/// SHA-256 of the content of a mail's encrypted layer: the same before and after [`rewrap`].
///
/// # Errors
/// [`ReadError`].
pub fn content_digest(
    mail: &mut dyn Source,
    opening: &Opening<'_>,
    random: &mut dyn Random,
) -> Result<Vec<u8>, ReadError> {
    let mut layer = SealedLayer::find(mail, opening.spools)?;
    let body = layer.body.clone();
    let mut input = body.open(layer.source(mail)).map_err(ReadError::Io)?;
    cms::content_digest(&mut input, opening.keys, random, opening.options).map_err(ReadError::Open)
}

/// Writes the header section before the first byte of the object, and the object in the encoding and with
/// the line ends of the mail.
struct Encoder<'o> {
    body: Body<'o>,
}

enum Body<'o> {
    Base64(FilterWriter<Lines<'o>, Base64Encoder>),
    Identity(Headed<'o>),
}

impl<'o> Encoder<'o> {
    fn of(mail: &mut dyn Source, body: &CmsBody, output: &'o mut dyn Write) -> Result<Self, RewrapError> {
        let mut header = Vec::new();
        let mut section = Section::new(mail, 0..body.range.start).map_err(io_failed)?;
        io::copy(&mut section, &mut header).map_err(io_failed)?;
        let is_line_feed = !header.split(|byte| *byte == b'\n').next().unwrap_or_default().ends_with(b"\r");
        let headed = Headed { header, output };
        let body = match body.encoding {
            TransferEncoding::Base64 => Body::Base64(FilterWriter::new(
                Lines { inner: headed, is_line_feed },
                Base64Encoder::default(),
            )),
            encoding if encoding.is_identity() => Body::Identity(headed),
            _ => return Err(RewrapError::Encoding),
        };
        Ok(Self { body })
    }

    fn finish(self) -> io::Result<()> {
        match self.body {
            Body::Base64(encoder) => encoder.finish().map(drop),
            Body::Identity(_) => Ok(()),
        }
    }
}

impl Write for Encoder<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.body {
            Body::Base64(encoder) => encoder.write(bytes),
            Body::Identity(headed) => headed.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Lines of base64, ended as the mail's are.
struct Lines<'o> {
    inner: Headed<'o>,
    is_line_feed: bool,
}

impl Write for Lines<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        if !self.is_line_feed {
            return self.inner.write(bytes);
        }
        let lines: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != b'\r').collect();
        self.inner.write_all(&lines)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
