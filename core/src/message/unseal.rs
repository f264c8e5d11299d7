//! Taking the encryption off a mail that is kept, and nothing else: what was signed inside stays as
//! it is, for whoever verifies it later.

use std::io::{self, Write};

use super::ReadError;
use super::layers::part_of;
use super::sealed_layer::{SealedLayer, is_encrypted, without_signature};
use crate::cms::{self, OpenError, OpenOptions, Opened};
use crate::limits;
use crate::mail::protected::{OUTER_FIELD, PARAMETER};
use crate::mail::{CmsBody, CmsPart, HeaderField, HeaderSection, Section, Wrapping, is_structural};
use crate::ports::{Random, SecretKeys, Source, Spools};

/// What is needed to open the mails of an archive.
#[derive(Clone, Copy)]
pub struct Opening<'o> {
    /// Our secret keys.
    pub keys: &'o dyn SecretKeys,
    /// What is allowed beyond the usual.
    pub options: &'o OpenOptions,
    /// Room for content that is too large for memory.
    pub spools: &'o dyn Spools,
}

/// Writes a mail without its encryption. Signatures around the encryption go with it; what was
/// inside, a signed layer above all, keeps its bytes.
///
/// The header fields outside stay. Where the author protected header fields inside (RFC 9788), those
/// take the place of the ones outside that have the same name, so that a hidden Subject is readable
/// again; they are not covered by a signature at that place, but stand inside of it too.
///
/// # Errors
/// [`ReadError`], [`ReadError::NotEncrypted`] among them. What stands in `output` then must not be
/// used.
pub fn unseal(
    mail: &mut dyn Source,
    opening: &Opening<'_>,
    random: &mut dyn Random,
    output: &mut dyn Write,
) -> Result<Opened, ReadError> {
    let mut layer = SealedLayer::find(mail, opening.spools)?;
    let outer = layer.outer.headers.clone();
    let body = layer.body.clone();
    let (opened, mut content) = open(&body, layer.source(mail), opening, random)?;
    let mut part = part_of(content.as_mut())?;
    // Sealed several times over: as far as our keys go.
    for _ in 1..limits::CMS_LAYERS {
        let Wrapping::Cms(body) = &part.wrapping else { break };
        if !is_encrypted(body, content.as_mut())? {
            break;
        }
        match open(body, content.as_mut(), opening, random) {
            Ok((_, inner)) => content = inner,
            Err(ReadError::Io(error)) => return Err(ReadError::Io(error)),
            Err(_) => break,
        }
        part = part_of(content.as_mut())?;
    }
    let protected = ProtectedFields::of(&part, content.as_mut(), opening.spools)?;
    write(&outer, &part, &protected, content.as_mut(), output).map_err(ReadError::Io)?;
    Ok(opened)
}

/// Whether a mail has an encrypted layer, whoever can open it.
///
/// # Errors
/// [`ReadError`], but for [`ReadError::NotEncrypted`].
pub fn is_sealed(mail: &mut dyn Source, spools: &dyn Spools) -> Result<bool, ReadError> {
    match SealedLayer::find(mail, spools) {
        Ok(_) => Ok(true),
        Err(ReadError::NotEncrypted { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn open(
    body: &CmsBody,
    source: &mut dyn Source,
    opening: &Opening<'_>,
    random: &mut dyn Random,
) -> Result<(Opened, Box<dyn Source>), ReadError> {
    let mut content = opening.spools.create().map_err(ReadError::Io)?;
    let mut input = body.open(source).map_err(ReadError::Io)?;
    let opened = cms::open(&mut input, opening.keys, random, opening.options, &mut content);
    let opened = opened.map_err(|error| match error {
        OpenError::Io(error) if error.kind() != io::ErrorKind::InvalidData => ReadError::Io(error),
        error => ReadError::Open(error),
    })?;
    Ok((opened, content.into_source().map_err(ReadError::Io)?))
}

/// Header fields that the author protected.
enum ProtectedFields {
    /// None.
    None,
    /// Those of the content itself, which is written anyway.
    OfTheContent,
    /// Those of the part that is signed.
    Signed(HeaderSection<'static>),
}

impl ProtectedFields {
    fn of(part: &CmsPart, content: &mut dyn Source, spools: &dyn Spools) -> Result<Self, ReadError> {
        if part.content_type.parameter(PARAMETER).is_some() {
            return Ok(Self::OfTheContent);
        }
        let signed = match &part.wrapping {
            // The header section is enough, and the content may be large.
            Wrapping::Signed(parts) => part_of(&mut parts.open(content).map_err(ReadError::Io)?),
            wrapping => match without_signature(wrapping, content, spools)? {
                Some(mut signed) => part_of(signed.as_mut()),
                None => return Ok(Self::None),
            },
        };
        Ok(match signed {
            Ok(signed) if signed.content_type.parameter(PARAMETER).is_some() => Self::Signed(signed.headers),
            _ => Self::None,
        })
    }
}

fn write(
    outer: &HeaderSection<'_>,
    part: &CmsPart,
    protected: &ProtectedFields,
    content: &mut dyn Source,
    output: &mut dyn Write,
) -> io::Result<()> {
    let inside = match protected {
        ProtectedFields::None => None,
        ProtectedFields::OfTheContent => Some(&part.headers),
        ProtectedFields::Signed(headers) => Some(headers),
    };
    let is_inside = |field: &HeaderField<'_>| {
        let counts = is_authors(field);
        counts && inside.is_some_and(|inside| inside.count(field.name()) > 0)
    };
    let describes_body = |field: &HeaderField<'_>| {
        is_structural(field.name()) && (!field.is("MIME-Version") || part.headers.count("MIME-Version") > 0)
    };
    for field in outer.fields().filter(|field| !describes_body(field) && !is_inside(field)) {
        write_field(&field, output)?;
    }
    if let ProtectedFields::Signed(headers) = protected {
        for field in headers.fields().filter(is_authors) {
            write_field(&field, output)?;
        }
    }
    // Without protection a field inside is none of the mail's, and beside one of the same name outside it
    // would make two.
    let is_second = |field: &HeaderField<'_>| {
        let is_kept = is_structural(field.name()) || matches!(protected, ProtectedFields::OfTheContent);
        !is_kept
            && (outer.count(field.name()) > 0 || inside.is_some_and(|inside| inside.count(field.name()) > 0))
    };
    let mut start = 0;
    if part.headers.fields().any(|field| is_second(&field)) {
        for field in part.headers.fields().filter(|field| !is_second(field)) {
            write_field(&field, output)?;
        }
        let is_crlf =
            part.headers.bytes().split(|byte| *byte == b'\n').next().unwrap_or_default().ends_with(b"\r");
        output.write_all(if is_crlf { b"\r\n" } else { b"\n" })?;
        start = part.headers.length() as u64;
    }
    let end = content.seek(io::SeekFrom::End(0))?;
    io::copy(&mut Section::new(content, start..end)?, output).map(drop)
}

/// Whether a field is one that an author writes about the mail.
fn is_authors(field: &HeaderField<'_>) -> bool {
    !is_structural(field.name()) && !field.is(OUTER_FIELD)
}

fn write_field(field: &HeaderField<'_>, output: &mut dyn Write) -> io::Result<()> {
    output.write_all(field.raw())?;
    if field.raw().ends_with(b"\n") { Ok(()) } else { output.write_all(b"\r\n") }
}
