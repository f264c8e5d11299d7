//! The parts of a SignedData as they stream by, before anything is judged.

use std::io::{Read, SeekFrom, Write};

use const_oid::ObjectIdentifier;

use super::algorithms::read_digest_algorithm;
use super::digests::Digests;
use super::outcome::SignedError;
use super::signer_info::SignerInfo;
use crate::algorithm::DigestAlgorithm;
use crate::cms::content_type::{ContentType, read_content_type};
use crate::cms::elements::{self, OBJECT_IDENTIFIER};
use crate::der::{DerError, DerErrorKind, Reader, Tag, to_der};
use crate::limits;
use crate::ports::Source;
use crate::x509::Certificate;

/// id-ri-ocsp-response (RFC 5940, section 2.1).
const OCSP_RESPONSE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.16.2");

/// A SignedData, its content digested and passed on.
pub(crate) struct Object {
    pub content_type: ContentType,
    pub had_content: bool,
    pub digests: Digests,
    pub certificates: Vec<Certificate>,
    pub revocations: Revocations,
    pub signer_infos: Vec<SignerInfo>,
}

/// What the field `crls` holds: DER of each.
#[derive(Default)]
pub(crate) struct Revocations {
    /// Certificate revocation lists.
    pub lists: Vec<Vec<u8>>,
    /// OCSP responses.
    pub answers: Vec<Vec<u8>>,
}

impl Object {
    /// Reads a ContentInfo with a SignedData, to the end of `input`.
    pub(crate) fn read(
        input: &mut dyn Source,
        detached: Option<&mut dyn Source>,
        output: &mut dyn Write,
    ) -> Result<Self, SignedError> {
        let mut reader = Reader::new(input);
        enter(&mut reader)?;
        let algorithms = digest_algorithms(&mut reader)?;
        let content_type = enter_content(&mut reader)?;
        let inside = content(&mut reader, &algorithms, output)?;
        let had_content = inside.is_some();
        let digests = match (inside, detached) {
            (Some(_), Some(_)) => return Err(SignedError::ContentTwice),
            (Some(digests), None) => Some(digests),
            (None, Some(content)) => Some(Digests::of(content, &algorithms, &mut std::io::sink())?),
            (None, None) => None,
        };
        let certificates = certificates(&mut reader)?;
        let revocations = revocations(&mut reader)?;
        let signer_infos = signer_infos(&mut reader)?;
        for _ in 0..3 {
            reader.leave()?;
        }
        reader.finish()?;
        if digests.is_none() && !signer_infos.is_empty() {
            return Err(SignedError::ContentMissing);
        }
        Ok(Self {
            content_type,
            had_content,
            digests: digests.unwrap_or_default(),
            certificates,
            revocations,
            signer_infos,
        })
    }

    /// Digests that a signer uses although digestAlgorithms does not announce them.
    pub(crate) fn missing_digests(&self) -> Vec<DigestAlgorithm> {
        let mut missing: Vec<_> = self.signer_infos.iter().filter_map(|signer| signer.digest).collect();
        missing.retain(|algorithm| self.digests.get(*algorithm).is_none());
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// Makes further digests of the content, which is in `input` from `start`.
    pub(crate) fn digest_again(
        &mut self,
        input: &mut dyn Source,
        start: u64,
        algorithms: &[DigestAlgorithm],
    ) -> Result<(), SignedError> {
        input.seek(SeekFrom::Start(start))?;
        let more = if self.had_content {
            let mut reader = Reader::new(input);
            enter(&mut reader)?;
            reader.skip()?;
            enter_content(&mut reader)?;
            content(&mut reader, algorithms, &mut std::io::sink())?.ok_or(SignedError::ContentMissing)?
        } else {
            Digests::of(input, algorithms, &mut std::io::sink())?
        };
        self.digests.extend(more);
        Ok(())
    }
}

/// Into ContentInfo and SignedData, to behind the version.
fn enter<R: Read>(reader: &mut Reader<R>) -> Result<(), SignedError> {
    reader.enter(Tag::SEQUENCE)?;
    let content_type = read_content_type(reader)?;
    if content_type != ContentType::SignedData {
        return Err(SignedError::OtherContent(content_type));
    }
    reader.enter(Tag::context(0))?;
    reader.enter(Tag::SEQUENCE)?;
    version(reader)?;
    Ok(())
}

/// A CMSVersion. Which one it is says nothing that the object itself does not say better.
pub(crate) fn version<R: Read>(reader: &mut Reader<R>) -> Result<(), DerError> {
    let offset = reader.position();
    let version = to_der(&reader.element_of(Tag::INTEGER, limits::OBJECT_IDENTIFIER_BYTES)?)?;
    match elements::content_of(&version, elements::INTEGER) {
        Ok([_]) => Ok(()),
        _ => Err(DerError { offset, kind: DerErrorKind::BadValue }),
    }
}

/// The digests that are announced and that we know. None is required: a signer whose digest is not
/// among them costs a second pass.
fn digest_algorithms<R: Read>(reader: &mut Reader<R>) -> Result<Vec<DigestAlgorithm>, SignedError> {
    let mut algorithms = Vec::new();
    reader.enter(Tag::SET)?;
    while !reader.at_end()? {
        let algorithm = to_der(&reader.element_of(Tag::SEQUENCE, limits::STRUCTURE_BYTES)?)?;
        if let Some(algorithm) = read_digest_algorithm(&algorithm)
            && !algorithms.contains(&algorithm)
        {
            algorithms.push(algorithm);
        }
    }
    reader.leave()?;
    Ok(algorithms)
}

/// Into EncapsulatedContentInfo, to behind the type.
fn enter_content<R: Read>(reader: &mut Reader<R>) -> Result<ContentType, SignedError> {
    reader.enter(Tag::SEQUENCE)?;
    Ok(read_content_type(reader)?)
}

/// The content, whatever its pieces, and out of EncapsulatedContentInfo.
fn content<R: Read>(
    reader: &mut Reader<R>,
    algorithms: &[DigestAlgorithm],
    output: &mut dyn Write,
) -> Result<Option<Digests>, SignedError> {
    let mut digests = None;
    if reader.next_is(Tag::context(0))? {
        reader.enter(Tag::context(0))?;
        digests = Some(Digests::of(&mut reader.string(Tag::OCTET_STRING)?, algorithms, output)?);
        reader.leave()?;
    }
    reader.leave()?;
    Ok(digests)
}

/// Certificates; attribute certificates, other choices and what no certificate can be read from
/// are passed over, because they say nothing about a signature.
fn certificates<R: Read>(reader: &mut Reader<R>) -> Result<Vec<Certificate>, SignedError> {
    let mut certificates = Vec::new();
    let mut room = limits::CERTIFICATES_BYTES;
    if !reader.next_is(Tag::context(0))? {
        return Ok(certificates);
    }
    reader.enter(Tag::context(0))?;
    let mut count = 0;
    while !reader.at_end()? {
        count += 1;
        if count > limits::CERTIFICATES {
            return Err(SignedError::Limit("certificates"));
        }
        if !reader.next_is(Tag::SEQUENCE)? {
            reader.skip()?;
            continue;
        }
        let certificate = reader.element(room.min(limits::STRUCTURE_BYTES))?;
        room -= certificate.len();
        certificates.extend(Certificate::from_der(&certificate).ok());
    }
    reader.leave()?;
    Ok(certificates)
}

/// Certificate revocation lists and OCSP responses; other forms are passed over.
fn revocations<R: Read>(reader: &mut Reader<R>) -> Result<Revocations, SignedError> {
    let mut found = Revocations::default();
    let mut room = limits::REVOCATION_LIST_BYTES;
    if !reader.next_is(Tag::context(1))? {
        return Ok(found);
    }
    reader.enter(Tag::context(1))?;
    while !reader.at_end()? {
        if reader.next_is(Tag::SEQUENCE)? {
            let list = reader.element(room)?;
            room -= list.len();
            found.lists.push(list);
        } else if reader.next_is(Tag::context(1))? {
            let other = reader.element(room)?;
            room -= other.len();
            found.answers.extend(ocsp_response(&to_der(&other)?));
        } else {
            reader.skip()?;
        }
    }
    reader.leave()?;
    Ok(found)
}

/// The OCSP response of an OtherRevocationInfoFormat, where it is one.
fn ocsp_response(other: &[u8]) -> Option<Vec<u8>> {
    let parts = elements::elements(elements::content_of(other, elements::context(1)).ok()?).ok()?;
    let [format, response] = parts.as_slice() else { return None };
    let is_ocsp = format.expect(OBJECT_IDENTIFIER) == Ok(OCSP_RESPONSE.as_bytes());
    is_ocsp.then(|| response.whole.to_vec())
}

fn signer_infos<R: Read>(reader: &mut Reader<R>) -> Result<Vec<SignerInfo>, SignedError> {
    let mut signer_infos = Vec::new();
    reader.enter(Tag::SET)?;
    while !reader.at_end()? {
        if signer_infos.len() == limits::SIGNERS {
            return Err(SignedError::Limit("signers"));
        }
        signer_infos.push(SignerInfo::read(&reader.element_of(Tag::SEQUENCE, limits::STRUCTURE_BYTES)?)?);
    }
    reader.leave()?;
    Ok(signer_infos)
}
