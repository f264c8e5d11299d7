//! Takes the CMS layers off a mail, from outside in (RFC 8551, section 3.7).

use std::io::{self, Read, Seek};

use super::undo::{Addition, Undone, undo};
use super::{Context, ReadError};
use crate::algorithm::DigestAlgorithm;
use crate::cms::{
    self, ContentType, OpenOptions, Opened, SignatureFault, SignatureOutcome, Signed, SignedError,
};
use crate::der::{DerError, DerErrorKind, Reader, Tag};
use crate::limits;
use crate::mail::{self, CmsBody, CmsPart, CmsPartError, Part, SignedFault, SignedParts, Wrapping};
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
    /// What was done to the signed part on the way, where that could be taken back.
    pub(super) undone: Option<Undone>,
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
    /// Some layer can be read in two ways.
    pub(super) ambiguous: bool,
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
    /// Whether what lists change is taken back.
    pub(super) undo: bool,
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
    let mut unwrapped = Unwrapped {
        ambiguous: !outer.defects.is_empty(),
        innermost: outer.clone(),
        outer,
        layers: Vec::new(),
        inner: None,
        decrypted: None,
    };
    // Below an altered layer nothing is worth the work, which would be done for each of them.
    let mut undo = options.undo;
    loop {
        let source: &mut dyn Source = match &mut unwrapped.inner {
            Some(inner) => inner.as_mut(),
            None => mail,
        };
        let mut peeler = Peeler { source, context, random, options, undo };
        let Some((layer, content)) = peeler.peel(&unwrapped.innermost.wrapping)? else {
            return Ok(unwrapped);
        };
        if unwrapped.layers.len() >= limits::CMS_LAYERS {
            return Err(ReadError::TooManyLayers);
        }
        let keep = options.keep_decrypted && matches!(layer, Layer::Encrypted(_));
        undo &= !matches!(&layer, Layer::Signed(signed) if !signed.signed.as_ref().is_some_and(holds));
        unwrapped.layers.push(layer);
        let Some(content) = content else { return Ok(unwrapped) };
        let mut content = content.into_source().map_err(ReadError::Io)?;
        if keep {
            unwrapped.decrypted = Some(copy_of(content.as_mut(), context)?);
        }
        unwrapped.innermost = part_of(content.as_mut())?;
        unwrapped.ambiguous |= !unwrapped.innermost.defects.is_empty();
        unwrapped.inner = Some(content);
    }
}

pub(super) fn part_of(source: &mut dyn Source) -> Result<CmsPart, ReadError> {
    mail::cms_part(source).map_err(part_error)
}

fn part_error(error: CmsPartError) -> ReadError {
    match error {
        CmsPartError::Mail(error) => ReadError::Malformed(error),
        CmsPartError::Io(error) => ReadError::Io(error),
    }
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
    undo: bool,
}

impl Peeler<'_> {
    fn peel(&mut self, wrapping: &Wrapping) -> Result<Peeled, ReadError> {
        match wrapping {
            Wrapping::Cms(body) => self.object(body),
            Wrapping::Signed(parts) => self.detached(parts).map(Some),
            Wrapping::SignedMalformed(SignedFault::PartCount) => self.with_trailer().map(Some),
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
        let mut signed_part = parts.open(self.source).map_err(ReadError::Io)?;
        let signed = read_detached(&parts.signature, &mut signed_part, self.context)?;
        let mut layer = SignedLayer {
            signed,
            foreign_text: parts.foreign_preamble || parts.epilogue || parts.trailer.is_some(),
            undone: None,
        };
        signed_part.rewind().map_err(ReadError::Io)?;
        if let Some((digest, wanted)) = layer.signed.as_ref().filter(|_| self.undo).and_then(changed_digest) {
            let mut content = Vec::new();
            let limit = limits::LIST_PART_BYTES as u64 + 1;
            (&mut signed_part).take(limit).read_to_end(&mut content).map_err(ReadError::Io)?;
            if let Some((content, undone)) = undo(&content, digest, &wanted) {
                let mut source = io::Cursor::new(content);
                let signed = read_detached(&parts.signature, &mut source, self.context)?;
                if signed.as_ref().is_some_and(holds) {
                    layer.signed = signed;
                    layer.foreign_text |= !undone.added.is_empty();
                    layer.undone = Some(undone);
                    spool.write_all(source.get_ref()).map_err(ReadError::Io)?;
                    return Ok((Layer::Signed(layer), Some(spool)));
                }
            }
            signed_part.rewind().map_err(ReadError::Io)?;
        }
        io::copy(&mut signed_part, &mut spool).map_err(ReadError::Io)?;
        Ok((Layer::Signed(layer), Some(spool)))
    }

    /// A multipart/signed with one part too many, which some lists add. Programs differ in what they show of it as
    /// signed (RFC 1847, section 2.1, wants two), so it is none that counts; but where the signature over the first
    /// part holds, what was added is named.
    fn with_trailer(&mut self) -> Result<(Layer, Option<Box<dyn Spool>>), ReadError> {
        let broken = Ok((signed_layer(None, false), None));
        let parts = mail::signed_parts_with_trailer(self.source).map_err(part_error)?;
        let Some((parts, trailer)) =
            parts.and_then(|parts| parts.trailer.clone().map(|range| (parts, range)))
        else {
            return broken;
        };
        let (Layer::Signed(mut layer), content) = self.detached(&parts)? else { return broken };
        if !layer.signed.take().as_ref().is_some_and(holds) {
            return broken;
        }
        let mut bytes = Vec::new();
        let section = mail::Section::new(self.source, trailer).map_err(ReadError::Io)?;
        section.take(limits::LIST_PART_BYTES as u64).read_to_end(&mut bytes).map_err(ReadError::Io)?;
        let part = Part::read(&bytes).map_err(ReadError::Malformed)?;
        let undone = layer.undone.get_or_insert_with(|| Undone { repairs: Vec::new(), added: Vec::new() });
        undone.added.push(Addition::of_part(&part));
        layer.foreign_text = false;
        drop(content);
        Ok((Layer::Signed(layer), None))
    }

    fn spool(&self) -> Result<Box<dyn Spool>, ReadError> {
        self.context.spools.create().map_err(ReadError::Io)
    }
}

fn signed_layer(signed: Option<Signed>, foreign_text: bool) -> Layer {
    Layer::Signed(SignedLayer { signed, foreign_text, undone: None })
}

/// What a signature beside its content says; nothing where it cannot be read.
fn read_detached(
    signature: &[u8],
    content: &mut dyn Source,
    context: &Context<'_>,
) -> Result<Option<Signed>, ReadError> {
    let extra = &context.knowledge.certificates;
    match cms::read_signed(&mut io::Cursor::new(signature), Some(content), extra, &mut io::sink()) {
        Ok(signed) => Ok(Some(signed)),
        Err(SignedError::Io(kind)) => Err(ReadError::Io(kind.into())),
        Err(_) => Ok(None),
    }
}

/// Whether nothing is wrong with any signature.
fn holds(signed: &Signed) -> bool {
    let is_good = |signer: &cms::Signer| !matches!(signer.outcome, SignatureOutcome::Bad(_));
    !signed.signers.is_empty() && signed.signers.iter().all(is_good)
}

/// The digest of what was signed, where that is not what arrived and nothing else is known to be wrong.
fn changed_digest(signed: &Signed) -> Option<(DigestAlgorithm, Vec<u8>)> {
    let [signer] = signed.signers.as_slice() else { return None };
    let is_changed = signer.outcome == SignatureOutcome::Bad(SignatureFault::ContentChanged);
    signer.digest.zip(signer.claimed_digest.clone().filter(|_| is_changed))
}

/// Which content a CMS object says it has (RFC 5652, section 3).
pub(super) fn content_type_of(input: &mut dyn Read) -> Result<ContentType, DerError> {
    let mut reader = Reader::new(input);
    reader.enter(Tag::SEQUENCE)?;
    let identifier = reader.element_of(Tag::OBJECT_IDENTIFIER, limits::OBJECT_IDENTIFIER_BYTES + 2)?;
    Ok(ContentType::from_object_identifier(identifier.get(2..).unwrap_or_default()))
}
