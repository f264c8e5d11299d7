//! What EnvelopedData (RFC 5652, section 6) and AuthEnvelopedData (RFC 5083) have around their
//! content, read from the stream.

use std::io::{self, Read};

use super::auth_enveloped::AuthTail;
use super::content_cipher::{ContentCipher, ParametersError};
use super::content_type::ContentType;
use super::open::{Fault, OpenError};
use super::recipients::{self, KeyBox};
use crate::der::{DerErrorKind, Reader, Tag, to_der};
use crate::limits;
use crate::x509::tlv;

/// Bytes of an INTEGER or an OBJECT IDENTIFIER with its header.
pub(super) const SMALL: usize = limits::OBJECT_IDENTIFIER_BYTES + 8;

/// Which of the two structures it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Envelope {
    Enveloped,
    AuthEnveloped,
}

/// What stands before the content.
pub(super) struct Head {
    pub(super) envelope: Envelope,
    pub(super) content_type: ContentType,
    pub(super) cipher: ContentCipher,
}

impl Head {
    /// Reads up to the encryptedContent, every recipient on the way.
    pub(super) fn read<R: Read>(
        reader: &mut Reader<R>,
        mut recipient: impl FnMut(KeyBox) -> Result<(), OpenError>,
    ) -> Result<Self, OpenError> {
        let envelope = enter(reader)?;
        reader.enter(Tag::SET)?;
        while !reader.at_end()? {
            let recipient_info = to_der(&reader.element(limits::STRUCTURE_BYTES)?)?;
            recipients::read(&recipient_info).into_iter().try_for_each(&mut recipient)?;
        }
        reader.leave()?;
        reader.enter(Tag::SEQUENCE)?;
        let content_type = object_identifier(reader)?;
        let identifier = to_der(&reader.element_of(Tag::SEQUENCE, limits::STRUCTURE_BYTES)?)?;
        let cipher = ContentCipher::parse(&identifier)?;
        if !reader.next_is(Tag::context(0))? {
            return Err(OpenError::Unsound(Fault::NoContent));
        }
        if envelope == Envelope::AuthEnveloped && !cipher.algorithm().is_authenticated() {
            return Err(OpenError::Unsound(Fault::NotAuthenticated));
        }
        Ok(Self { envelope, content_type, cipher })
    }

    /// Passes over what [`Head::read`] has read before.
    pub(super) fn skip<R: Read>(reader: &mut Reader<R>) -> Result<(), OpenError> {
        enter(reader)?;
        reader.skip()?;
        reader.enter(Tag::SEQUENCE)?;
        reader.skip()?;
        reader.skip()?;
        Ok(())
    }

    /// Whether the tag stands at the end of the ciphertext: GCM inside EnvelopedData, as some
    /// Java and JavaScript programs write it.
    pub(super) fn tag_is_inside(&self) -> bool {
        self.envelope == Envelope::Enveloped && self.cipher.algorithm().is_authenticated()
    }

    /// Reads everything behind the encryptedContent; nothing may follow.
    pub(super) fn read_tail<R: Read>(&self, mut reader: Reader<R>) -> Result<AuthTail, OpenError> {
        reader.leave()?;
        let tail = match self.envelope {
            Envelope::AuthEnveloped => AuthTail::read(&mut reader, self.cipher.tag_length())?,
            Envelope::Enveloped => {
                if reader.next_is(Tag::context(1))? {
                    // unprotectedAttrs: nobody vouches for them.
                    reader.skip()?;
                }
                AuthTail::default()
            }
        };
        reader.leave()?;
        reader.leave()?;
        reader.leave()?;
        reader.finish()?;
        Ok(tail)
    }
}

/// Enters ContentInfo and the structure in it, up to the recipients.
fn enter<R: Read>(reader: &mut Reader<R>) -> Result<Envelope, OpenError> {
    reader.enter(Tag::SEQUENCE)?;
    let envelope = match object_identifier(reader)? {
        ContentType::EnvelopedData => Envelope::Enveloped,
        ContentType::AuthEnvelopedData => Envelope::AuthEnveloped,
        found => return Err(OpenError::NotEnveloped { found }),
    };
    reader.enter(Tag::context(0))?;
    reader.enter(Tag::SEQUENCE)?;
    reader.element_of(Tag::INTEGER, SMALL)?;
    if reader.next_is(Tag::context(0))? {
        // originatorInfo: certificates of static agreement keys, which are refused.
        reader.skip()?;
    }
    Ok(envelope)
}

fn object_identifier<R: Read>(reader: &mut Reader<R>) -> Result<ContentType, OpenError> {
    let element = to_der(&reader.element_of(Tag::OBJECT_IDENTIFIER, SMALL)?)?;
    let octets = tlv::only(&element, tlv::tag::OBJECT_IDENTIFIER).unwrap_or_default();
    Ok(ContentType::from_object_identifier(octets))
}

impl From<ParametersError> for OpenError {
    fn from(error: ParametersError) -> Self {
        match error {
            ParametersError::Unknown(identifier) => Self::Unsupported { what: identifier },
            ParametersError::Parameters => Self::Unsound(Fault::Parameters),
            ParametersError::NonceLength => Self::Unsound(Fault::NonceLength),
            ParametersError::TagLength => Self::Unsound(Fault::TagLength),
        }
    }
}

impl From<crate::der::DerError> for OpenError {
    fn from(error: crate::der::DerError) -> Self {
        match error.kind {
            DerErrorKind::Io(kind) => Self::Io(io::Error::from(kind)),
            _ => Self::Malformed(error),
        }
    }
}

/// Passes on all of a stream but its last bytes, which are kept.
pub(super) struct WithoutEnd<'r> {
    inner: &'r mut dyn Read,
    end: Vec<u8>,
    length: usize,
}

impl<'r> WithoutEnd<'r> {
    pub(super) fn new(inner: &'r mut dyn Read, length: usize) -> Self {
        Self { inner, end: Vec::new(), length }
    }

    /// The last bytes, once everything was read; fewer where the stream had fewer.
    pub(super) fn into_end(self) -> Vec<u8> {
        self.end
    }
}

impl Read for WithoutEnd<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.end.len() < self.length {
            let mut more = vec![0; self.length - self.end.len()];
            let count = self.inner.read(&mut more)?;
            if count == 0 {
                return Ok(0);
            }
            self.end.extend(more.iter().take(count));
        }
        if out.is_empty() {
            return Ok(0);
        }
        let count = self.inner.read(out)?;
        // What was kept goes out first, and as many of the new bytes are kept instead.
        let fresh = out.get_mut(..count).unwrap_or_default();
        self.end.extend_from_slice(fresh);
        for (to, from) in fresh.iter_mut().zip(self.end.drain(..count)) {
            *to = from;
        }
        Ok(count)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time.
    struct Dripping<'b>(&'b [u8], usize);

    impl Read for Dripping<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let step = self.1.min(out.len());
            self.0.read(&mut out[..step])
        }
    }

    #[test]
    fn the_end_of_a_stream_is_kept_whatever_pieces_it_comes_in() {
        let bytes: Vec<u8> = (0..200).collect();
        for step in [1, 3, 15, 16, 17, 200] {
            for length in [0, 5, 15, 16, 17, 200] {
                let mut input = Dripping(&bytes[..length], step);
                let mut reader = WithoutEnd::new(&mut input, 16);
                let mut front = Vec::new();
                reader.read_to_end(&mut front).unwrap();
                let split = length.saturating_sub(16);
                assert_eq!((&front[..], &reader.into_end()[..]), (&bytes[..split], &bytes[split..length]));
            }
        }
    }
}
