//! CompressedData (RFC 3274): one layer, and only so far as it may grow.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};

use const_oid::ObjectIdentifier;
use flate2::bufread::ZlibDecoder;

use super::content_type::{ContentType, read_content_type};
use super::elements::{self, OBJECT_IDENTIFIER, SEQUENCE};
use super::signed::object::version;
use crate::der::{DerError, DerErrorKind, Reader, Tag, to_der};
use crate::limits;

/// id-alg-zlibCompress (RFC 3274, section 2).
const ZLIB: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.8");
/// Bytes that are decompressed at once.
const BUFFER_BYTES: usize = 64 << 10;

/// Why a CompressedData cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompressedError {
    /// The encoding is broken, or something follows the object.
    Malformed(DerError),
    /// It is another CMS object.
    OtherContent(ContentType),
    /// It is compressed by something else than zlib.
    UnknownAlgorithm,
    /// The compressed content is broken, or something follows it.
    Corrupt,
    /// The content is larger than [`limits::DECOMPRESSED_BYTES`] and more than
    /// [`limits::DECOMPRESSION_RATIO`] times as large as what it is made from.
    TooLarge,
    /// Reading or writing failed.
    Io(io::ErrorKind),
}

impl fmt::Display for CompressedError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(formatter, "the compressed object is malformed: {error}"),
            Self::OtherContent(found) => write!(formatter, "{found} instead of compressed-data"),
            Self::UnknownAlgorithm => formatter.write_str("compressed by an unknown algorithm"),
            Self::Corrupt => formatter.write_str("the compressed content is broken"),
            Self::TooLarge => formatter.write_str("the compressed content grows too large"),
            Self::Io(kind) => write!(formatter, "{kind}"),
        }
    }
}

impl std::error::Error for CompressedError {}

impl From<DerError> for CompressedError {
    fn from(error: DerError) -> Self {
        match error.kind {
            DerErrorKind::Io(kind) => Self::Io(kind),
            _ => Self::Malformed(error),
        }
    }
}

/// Writes what a CompressedData holds to `output`, from where it must not be used before this
/// function has returned, and says what it is. A content that is compressed again stays so.
///
/// # Errors
/// [`CompressedError`]; the content that was written until then is incomplete.
pub fn decompress(input: &mut dyn Read, output: &mut dyn Write) -> Result<ContentType, CompressedError> {
    let mut reader = Reader::new(input);
    reader.enter(Tag::SEQUENCE)?;
    let found = read_content_type(&mut reader)?;
    if found != ContentType::CompressedData {
        return Err(CompressedError::OtherContent(found));
    }
    reader.enter(Tag::context(0))?;
    reader.enter(Tag::SEQUENCE)?;
    version(&mut reader)?;
    check_algorithm(&to_der(&reader.element_of(Tag::SEQUENCE, limits::STRUCTURE_BYTES)?)?)?;
    reader.enter(Tag::SEQUENCE)?;
    let content_type = read_content_type(&mut reader)?;
    reader.enter(Tag::context(0))?;
    inflate(&mut reader.string(Tag::OCTET_STRING)?, output)?;
    for _ in 0..5 {
        reader.leave()?;
    }
    reader.finish()?;
    Ok(content_type)
}

/// zlib, with parameters absent, or NULL as some programs write.
fn check_algorithm(algorithm: &[u8]) -> Result<(), CompressedError> {
    let parts = elements::content_of(algorithm, SEQUENCE).and_then(elements::elements);
    match parts.as_deref() {
        Ok([identifier, parameters @ ..])
            if identifier.expect(OBJECT_IDENTIFIER) == Ok(ZLIB.as_bytes())
                && matches!(parameters, [] | [elements::Element { whole: [elements::NULL, 0], .. }]) =>
        {
            Ok(())
        }
        _ => Err(CompressedError::UnknownAlgorithm),
    }
}

fn inflate(compressed: &mut dyn Read, output: &mut dyn Write) -> Result<(), CompressedError> {
    let mut decoder = ZlibDecoder::new(BufReader::new(compressed));
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = decoder.read(&mut buffer).map_err(|error| read_error(&error))?;
        if count == 0 {
            break;
        }
        let allowed =
            decoder.total_in().saturating_mul(limits::DECOMPRESSION_RATIO).max(limits::DECOMPRESSED_BYTES);
        if decoder.total_out() > allowed {
            return Err(CompressedError::TooLarge);
        }
        let piece = buffer.get(..count).unwrap_or_default();
        output.write_all(piece).map_err(|error| CompressedError::Io(error.kind()))?;
    }
    let mut rest = decoder.into_inner();
    match rest.fill_buf() {
        Ok([]) => Ok(()),
        Ok(_) => Err(CompressedError::Corrupt),
        Err(error) => Err(read_error(&error)),
    }
}

/// Tells an encoding error below from a broken compression and from a failing input.
fn read_error(error: &io::Error) -> CompressedError {
    let encoding = DerError::from_io(error, 0);
    match (&encoding.kind, error.kind()) {
        (
            DerErrorKind::Io(_),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof,
        ) => CompressedError::Corrupt,
        _ => encoding.into(),
    }
}
