//! The encrypted layer of a mail, found without opening or judging anything.

use std::io::{self, Read};

use super::ReadError;
use super::layers::{content_type_of, part_of};
use crate::cms::{self, ContentType};
use crate::der::DerErrorKind;
use crate::limits;
use crate::mail::{self, CmsBody, CmsPart, Part, Wrapping};
use crate::ports::{Source, Spools};

/// The outermost encrypted layer of a mail.
pub(super) struct SealedLayer {
    /// The mail's own header section.
    pub(super) outer: CmsPart,
    /// The encrypted object.
    pub(super) body: CmsBody,
    /// What is inside of the signatures around it; nothing where it is the mail itself.
    pub(super) inside_signature: Option<Box<dyn Source>>,
}

impl SealedLayer {
    /// Finds it. A mail without one is no error: it may be anything.
    ///
    /// # Errors
    /// [`ReadError::NotEncrypted`], [`ReadError::Malformed`] where the mail's own header section
    /// cannot be read, and [`ReadError::Io`].
    pub(super) fn find(mail: &mut dyn Source, spools: &dyn Spools) -> Result<Self, ReadError> {
        let outer = part_of(mail)?;
        let mut wrapping = outer.wrapping.clone();
        let mut inside_signature: Option<Box<dyn Source>> = None;
        for _ in 0..limits::CMS_LAYERS {
            let source: &mut dyn Source = match &mut inside_signature {
                Some(source) => source.as_mut(),
                None => &mut *mail,
            };
            if let Wrapping::Cms(body) = &wrapping
                && is_encrypted(body, source)?
            {
                return Ok(Self { outer, body: body.clone(), inside_signature });
            }
            let Some(mut content) = without_signature(&wrapping, source, spools)? else {
                let nested = matches!(wrapping, Wrapping::Multipart) && has_nested_cms(source)?;
                return Err(ReadError::NotEncrypted { nested });
            };
            let Ok(part) = part_of(content.as_mut()) else {
                return Err(ReadError::NotEncrypted { nested: false });
            };
            wrapping = part.wrapping;
            inside_signature = Some(content);
        }
        Err(ReadError::TooManyLayers)
    }

    /// The bytes that [`SealedLayer::body`] is a range of.
    pub(super) fn source<'s>(&'s mut self, mail: &'s mut dyn Source) -> &'s mut dyn Source {
        match &mut self.inside_signature {
            Some(source) => source.as_mut(),
            None => mail,
        }
    }
}

/// Whether an object is encrypted. One that is nothing at all counts as encrypted, so that opening
/// it says what is wrong with it.
pub(super) fn is_encrypted(body: &CmsBody, source: &mut dyn Source) -> Result<bool, ReadError> {
    match content_type_of(&mut body.open(source).map_err(ReadError::Io)?) {
        Ok(ContentType::EnvelopedData | ContentType::AuthEnvelopedData) => Ok(true),
        Ok(_) => Ok(false),
        Err(error) => match error.kind {
            DerErrorKind::Io(kind) if kind != io::ErrorKind::InvalidData => Err(ReadError::Io(kind.into())),
            _ => Ok(!body.is_announced_as_signed()),
        },
    }
}

/// What a signed or compressed layer holds, whether or not its signatures are good; nothing where
/// there is no such layer.
pub(super) fn without_signature(
    wrapping: &Wrapping,
    source: &mut dyn Source,
    spools: &dyn Spools,
) -> Result<Option<Box<dyn Source>>, ReadError> {
    let mut spool = spools.create().map_err(ReadError::Io)?;
    let is_read = match wrapping {
        Wrapping::Cms(body) => {
            let kind = content_type_of(&mut body.open(source).map_err(ReadError::Io)?);
            let mut input = body.open(source).map_err(ReadError::Io)?;
            match kind {
                Ok(ContentType::SignedData) => cms::read_signed(&mut input, None, &[], &mut spool).is_ok(),
                Ok(ContentType::CompressedData) => cms::decompress(&mut input, &mut spool).is_ok(),
                Ok(_) | Err(_) => false,
            }
        }
        Wrapping::Signed(parts) => {
            let mut signed = parts.open(source).map_err(ReadError::Io)?;
            io::copy(&mut signed, &mut spool).map_err(ReadError::Io)?;
            true
        }
        Wrapping::SignedMalformed(_) | Wrapping::Multipart | Wrapping::Plain => false,
    };
    if is_read { spool.into_source().map(Some).map_err(ReadError::Io) } else { Ok(None) }
}

/// Whether an encrypted object stands among the parts of a mail.
fn has_nested_cms(source: &mut dyn Source) -> Result<bool, ReadError> {
    let mut mail = Vec::new();
    source.rewind().map_err(ReadError::Io)?;
    let limit = limits::MAIL_IN_MEMORY;
    source.take(limit + 1).read_to_end(&mut mail).map_err(ReadError::Io)?;
    if mail.len() as u64 > limit {
        return Ok(false);
    }
    let Ok(root) = Part::read(&mail) else { return Ok(false) };
    let nested = mail::nested_cms(&root).unwrap_or_default();
    Ok(nested.iter().take(limits::NESTED_OBJECTS).any(|found| {
        let mut part = io::Cursor::new(found.part.bytes());
        match part_of(&mut part).map(|part| part.wrapping) {
            Ok(Wrapping::Cms(body)) => is_encrypted(&body, &mut part).unwrap_or_default(),
            _ => false,
        }
    }))
}
