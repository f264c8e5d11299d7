//! Takes the CMS layers off a mail, from outside in (RFC 8551, section 3.7).

use std::io::{self, Read, Seek, SeekFrom};

use super::{Context, ReadError};
use crate::cms::{self, ContentType, OpenOptions, Opened, Signed, SignedError};
use crate::der::{DerError, DerErrorKind, Reader, Tag};
use crate::limits;
use crate::mail::{self, CmsBody, CmsPart, CmsPartError, SignedParts, Wrapping};
use crate::ports::{Random, Source, Spool};

/// One CMS layer that was taken off.
pub(super) enum Layer {
    /// It was encrypted, and a key of ours opened it.
    Encrypted(Box<Opened>),
    /// It was signed; whether the signatures hold is in the value.
    Signed(SignedLayer),
    /// It was compressed.
    Compressed,
}

/// A signed layer.
pub(super) struct SignedLayer {
    /// What the SignedData says; nothing where it, or the MIME structure around it (RFC 1847),
    /// is not what it must be.
    pub(super) signed: Option<Signed>,
    /// Whether text that is not signed stands before or behind the two parts.
    pub(super) foreign_text: bool,
}

/// A mail without its CMS layers.
pub(super) struct Unwrapped {
    /// The outermost header section and what it says.
    pub(super) outer: CmsPart,
    /// From outside in.
    pub(super) layers: Vec<Layer>,
    /// What is inside of all layers; nothing where there was no layer.
    pub(super) inner: Option<Box<dyn Source>>,
    /// What the innermost header section says.
    pub(super) innermost: CmsPart,
    /// The content of the innermost encrypted layer, with the signatures inside it as they came.
    pub(super) decrypted: Option<Box<dyn Source>>,
}

/// What to do beside taking layers off.
pub(super) struct UnwrapOptions<'o> {
    /// How encrypted layers are opened.
    pub(super) open: &'o OpenOptions,
    /// Whether the decrypted content is to be kept with its signatures.
    pub(super) keep_decrypted: bool,
    /// Whether encrypted layers are opened at all.
    pub(super) open_encrypted: bool,
}

/// Takes all CMS layers off.
///
/// # Errors
/// An encrypted layer that cannot be opened, a mail that cannot be taken apart, too many layers.
/// A signature that does not hold is no error: the layer says so.
pub(super) fn unwrap(
    mail: &mut dyn Source,
    context: &Context<'_>,
    random: &mut dyn Random,
    options: &UnwrapOptions<'_>,
) -> Result<Unwrapped, ReadError> {
    let outer = part_of(mail)?;
    let mut unwrapped =
        Unwrapped { innermost: outer.clone(), outer, layers: Vec::new(), inner: None, decrypted: None };
    loop {
        let source: &mut dyn Source = match &mut unwrapped.inner {
            Some(inner) => inner.as_mut(),
            None => mail,
        };
        let mut peeler = Peeler { source, context, random, options };
        let Some((layer, content)) = peeler.peel(&unwrapped.innermost.wrapping)? else {
            return Ok(unwrapped);
        };
        if unwrapped.layers.len() >= limits::CMS_LAYERS {
            return Err(ReadError::TooManyLayers);
        }
        let keep = options.keep_decrypted && matches!(layer, Layer::Encrypted(_));
        unwrapped.layers.push(layer);
        let Some(content) = content else { return Ok(unwrapped) };
        let mut content = content.into_source().map_err(ReadError::Io)?;
        if keep {
            unwrapped.decrypted = Some(copy_of(content.as_mut(), context)?);
        }
        unwrapped.innermost = part_of(content.as_mut())?;
        unwrapped.inner = Some(content);
    }
}

pub(super) fn part_of(source: &mut dyn Source) -> Result<CmsPart, ReadError> {
    mail::cms_part(source).map_err(|error| match error {
        CmsPartError::Mail(error) => ReadError::Malformed(error),
        CmsPartError::Io(error) => ReadError::Io(error),
    })
}

fn copy_of(source: &mut dyn Source, context: &Context<'_>) -> Result<Box<dyn Source>, ReadError> {
    let mut copy = context.spools.create().map_err(ReadError::Io)?;
    source.rewind().map_err(ReadError::Io)?;
    io::copy(source, &mut copy).map_err(ReadError::Io)?;
    copy.into_source().map_err(ReadError::Io)
}

/// A layer, and the spool that its content went to, where it has any.
type Peeled = Option<(Layer, Option<Box<dyn Spool>>)>;

struct Peeler<'p> {
    source: &'p mut dyn Source,
    context: &'p Context<'p>,
    random: &'p mut dyn Random,
    options: &'p UnwrapOptions<'p>,
}

impl Peeler<'_> {
    fn peel(&mut self, wrapping: &Wrapping) -> Result<Peeled, ReadError> {
        match wrapping {
            Wrapping::Cms(body) => self.object(body),
            Wrapping::Signed(parts) => self.detached(parts).map(Some),
            Wrapping::SignedMalformed(_) => Ok(Some((signed_layer(None, false), None))),
            Wrapping::Multipart | Wrapping::Plain => Ok(None),
        }
    }

    fn object(&mut self, body: &CmsBody) -> Result<Peeled, ReadError> {
        match content_type_of(&mut body.open(self.source).map_err(ReadError::Io)?) {
            Ok(ContentType::SignedData) => self.attached(body).map(Some),
            Ok(ContentType::CompressedData) => self.compressed(body).map(Some),
            Ok(_) | Err(_) if !self.options.open_encrypted => Ok(None),
            Ok(ContentType::EnvelopedData | ContentType::AuthEnvelopedData) => self.encrypted(body).map(Some),
            // What is announced as a signature and is none does not count as nothing.
            Ok(_) if body.is_announced_as_signed() => Ok(Some((signed_layer(None, false), None))),
            Err(error) if body.is_announced_as_signed() && !matches!(error.kind, DerErrorKind::Io(_)) => {
                Ok(Some((signed_layer(None, false), None)))
            }
            // Whatever else it is, opening says what is wrong with it.
            Ok(_) | Err(_) => self.encrypted(body).map(Some),
        }
    }

    fn encrypted(&mut self, body: &CmsBody) -> Result<(Layer, Option<Box<dyn Spool>>), ReadError> {
        let mut content = self.spool()?;
        let mut input = body.open(self.source).map_err(ReadError::Io)?;
        let opened = cms::open(&mut input, self.context.keys, self.random, self.options.open, &mut content)
            .map_err(ReadError::Open)?;
        Ok((Layer::Encrypted(Box::new(opened)), Some(content)))
    }

    fn compressed(&mut self, body: &CmsBody) -> Result<(Layer, Option<Box<dyn Spool>>), ReadError> {
        let mut content = self.spool()?;
        let mut input = body.open(self.source).map_err(ReadError::Io)?;
        cms::decompress(&mut input, &mut content).map_err(ReadError::Compressed)?;
        Ok((Layer::Compressed, Some(content)))
    }

    fn attached(&mut self, body: &CmsBody) -> Result<(Layer, Option<Box<dyn Spool>>), ReadError> {
        let mut content = self.spool()?;
        let mut input = body.open(self.source).map_err(ReadError::Io)?;
        match cms::read_signed(&mut input, None, &self.context.knowledge.certificates, &mut content) {
            Ok(signed) => Ok((signed_layer(Some(signed), false), Some(content))),
            Err(SignedError::Io(kind)) => Err(ReadError::Io(kind.into())),
            Err(_) => Ok((signed_layer(None, false), None)),
        }
    }

    fn detached(&mut self, parts: &SignedParts) -> Result<(Layer, Option<Box<dyn Spool>>), ReadError> {
        let mut spool = self.spool()?;
        let mut signature = io::Cursor::new(&parts.signature);
        let mut signed_part = parts.open(self.source).map_err(ReadError::Io)?;
        let extra = &self.context.knowledge.certificates;
        let signed = match cms::read_signed(&mut signature, Some(&mut signed_part), extra, &mut io::sink()) {
            Ok(signed) => Some(signed),
            Err(SignedError::Io(kind)) => return Err(ReadError::Io(kind.into())),
            Err(_) => None,
        };
        signed_part.seek(SeekFrom::Start(0)).map_err(ReadError::Io)?;
        io::copy(&mut signed_part, &mut spool).map_err(ReadError::Io)?;
        Ok((signed_layer(signed, parts.foreign_preamble || parts.epilogue), Some(spool)))
    }

    fn spool(&self) -> Result<Box<dyn Spool>, ReadError> {
        self.context.spools.create().map_err(ReadError::Io)
    }
}

fn signed_layer(signed: Option<Signed>, foreign_text: bool) -> Layer {
    Layer::Signed(SignedLayer { signed, foreign_text })
}

/// Which content a CMS object says it has (RFC 5652, section 3).
pub(super) fn content_type_of(input: &mut dyn Read) -> Result<ContentType, DerError> {
    let mut reader = Reader::new(input);
    reader.enter(Tag::SEQUENCE)?;
    let identifier = reader.element_of(Tag::OBJECT_IDENTIFIER, limits::OBJECT_IDENTIFIER_BYTES + 2)?;
    Ok(ContentType::from_object_identifier(identifier.get(2..).unwrap_or_default()))
}
