//! CompressedData (RFC 3274): one layer, and only so far as it may grow.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};

use const_oid::ObjectIdentifier;
use flate2::{Decompress, FlushDecompress, Status};

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
    let mut compressed = BufReader::new(compressed);
    let mut decompress = Decompress::new(true);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let (read, written) = (decompress.total_in(), decompress.total_out());
        let input = compressed.fill_buf().map_err(|error| read_error(&error))?;
        let is_end = input.is_empty();
        let status = decompress.decompress(input, &mut buffer, FlushDecompress::None);
        let status = status.map_err(|_| CompressedError::Corrupt)?;
        let consumed = decompress.total_in() - read;
        let produced = decompress.total_out() - written;
        compressed.consume(consumed as usize);
        check_growth(decompress.total_in(), decompress.total_out())?;
        let piece = buffer.get(..produced as usize).unwrap_or_default();
        output.write_all(piece).map_err(|error| CompressedError::Io(error.kind()))?;
        match status {
            Status::StreamEnd => break,
            Status::Ok | Status::BufError if is_end && produced == 0 => return Err(CompressedError::Corrupt),
            Status::Ok | Status::BufError => {}
        }
    }
    match compressed.fill_buf() {
        Ok([]) => Ok(()),
        Ok(_) => Err(CompressedError::Corrupt),
        Err(error) => Err(read_error(&error)),
    }
}

/// A small content may grow to a size that does no harm, a large one in proportion.
fn check_growth(compressed: u64, content: u64) -> Result<(), CompressedError> {
    let in_proportion = compressed.saturating_mul(limits::DECOMPRESSION_RATIO);
    if content > in_proportion.max(limits::DECOMPRESSED_BYTES) {
        Err(CompressedError::TooLarge)
    } else {
        Ok(())
    }
}

fn read_error(error: &io::Error) -> CompressedError {
    DerError::from_io(error, 0).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;
    use crate::cms::elements::{INTEGER, NULL, OCTET_STRING, context, encode};

    const CONTENT: &[u8] = b"Content-Type: text/plain\r\n\r\nHello Bob, hello Bob, hello Bob\r\n";

    fn zlib(content: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn object(algorithm: &[u8], compressed: &[u8]) -> Vec<u8> {
        let identifier = |content: &ContentType| encode(OBJECT_IDENTIFIER, &[&content.object_identifier()]);
        let content = encode(context(0), &[&encode(OCTET_STRING, &[compressed])]);
        let inner = encode(
            SEQUENCE,
            &[
                &encode(INTEGER, &[&[0]]),
                &encode(SEQUENCE, &[algorithm]),
                &encode(SEQUENCE, &[&identifier(&ContentType::Data), &content]),
            ],
        );
        encode(SEQUENCE, &[&identifier(&ContentType::CompressedData), &encode(context(0), &[&inner])])
    }

    fn algorithm() -> Vec<u8> {
        encode(OBJECT_IDENTIFIER, &[ZLIB.as_bytes()])
    }

    fn read(object: &[u8]) -> Result<Vec<u8>, CompressedError> {
        let mut content = Vec::new();
        let content_type = decompress(&mut &*object, &mut content)?;
        assert_eq!(content_type, ContentType::Data);
        Ok(content)
    }

    #[test]
    fn a_compressed_content_is_read() {
        assert_eq!(read(&object(&algorithm(), &zlib(CONTENT))).unwrap(), CONTENT);
        let with_null = [algorithm(), vec![NULL, 0]].concat();
        assert_eq!(read(&object(&with_null, &zlib(CONTENT))).unwrap(), CONTENT);
        assert_eq!(read(&object(&algorithm(), &zlib(b""))).unwrap(), b"");
    }

    #[test]
    fn another_algorithm_is_refused() {
        let other = encode(OBJECT_IDENTIFIER, &[b"\x2a\x03"]);
        assert_eq!(read(&object(&other, &zlib(CONTENT))), Err(CompressedError::UnknownAlgorithm));
        let garbage = [algorithm(), encode(OCTET_STRING, &[b"x"])].concat();
        assert_eq!(read(&object(&garbage, &zlib(CONTENT))), Err(CompressedError::UnknownAlgorithm));
    }

    #[test]
    fn another_object_is_named() {
        let signed = super::super::write_certificates_only(&[]);
        assert_eq!(read(&signed), Err(CompressedError::OtherContent(ContentType::SignedData)));
    }

    #[test]
    fn every_truncation_is_an_error() {
        let whole = object(&algorithm(), &zlib(CONTENT));
        for length in 0..whole.len() {
            assert!(read(whole.get(..length).unwrap()).is_err(), "{length} bytes");
        }
        let compressed = zlib(CONTENT);
        for length in 0..compressed.len() {
            let cut = object(&algorithm(), compressed.get(..length).unwrap());
            assert_eq!(read(&cut), Err(CompressedError::Corrupt), "{length} bytes");
        }
    }

    #[test]
    fn a_changed_content_does_not_pass_its_checksum() {
        let compressed = zlib(CONTENT);
        for index in 2..compressed.len() {
            let mut changed = compressed.clone();
            *changed.get_mut(index).unwrap() ^= 1;
            assert_ne!(read(&object(&algorithm(), &changed)).as_deref(), Ok(CONTENT), "octet {index}");
        }
    }

    #[test]
    fn what_follows_is_refused() {
        let mut behind = object(&algorithm(), &zlib(CONTENT));
        behind.push(0);
        assert!(matches!(read(&behind), Err(CompressedError::Malformed(_))));
        let inside = [zlib(CONTENT), vec![0]].concat();
        assert_eq!(read(&object(&algorithm(), &inside)), Err(CompressedError::Corrupt));
    }

    #[test]
    fn a_content_grows_to_its_limit_and_not_beyond() {
        // Zeros shrink a thousandfold, so only the absolute limit is in play.
        let limit = limits::DECOMPRESSED_BYTES as usize;
        let at_limit = object(&algorithm(), &zlib(&vec![0; limit]));
        assert_eq!(read(&at_limit).unwrap().len(), limit);
        let beyond = object(&algorithm(), &zlib(&vec![0; limit + 1]));
        assert_eq!(read(&beyond), Err(CompressedError::TooLarge));
    }

    #[test]
    fn growth_in_proportion_has_a_limit_too() {
        let compressed = limits::DECOMPRESSED_BYTES;
        let ratio = limits::DECOMPRESSION_RATIO;
        assert_eq!(check_growth(compressed, compressed * ratio), Ok(()));
        assert_eq!(check_growth(compressed, compressed * ratio + 1), Err(CompressedError::TooLarge));
    }

    #[test]
    fn a_bomb_stops_before_it_goes_off() {
        let bomb = object(&algorithm(), &zlib(&vec![0; 64 << 20]));
        let mut content = Vec::new();
        assert_eq!(decompress(&mut &*bomb, &mut content), Err(CompressedError::TooLarge));
        assert!(content.len() as u64 <= limits::DECOMPRESSED_BYTES);
    }

    #[test]
    fn a_second_layer_stays_compressed() {
        let inner = object(&algorithm(), &zlib(CONTENT));
        assert_eq!(read(&object(&algorithm(), &zlib(&inner))).unwrap(), inner);
    }
}
