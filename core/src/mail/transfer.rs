//! Content transfer encodings and the canonical form of lines (RFC 2045, section 6; RFC 8551,
//! section 3.1.1), as filters that work on streams of any length.

pub mod base64;
pub mod canonical;
pub mod filter;
pub mod quoted_printable;

use std::fmt;

use self::base64::Base64Decoder;
use self::filter::Filter;
use self::quoted_printable::QuotedPrintableDecoder;

/// How the body of a part is encoded (RFC 2045, section 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferEncoding {
    /// Lines of ASCII, the default.
    SevenBit,
    /// Lines of any bytes.
    EightBit,
    /// Any bytes.
    Binary,
    /// Base64.
    Base64,
    /// Quoted-printable.
    QuotedPrintable,
    /// A name that we do not know; the content is to be treated as unreadable.
    Unknown,
}

impl TransferEncoding {
    /// The encoding with that name, in whatever letter case.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "7bit" => Self::SevenBit,
            "8bit" => Self::EightBit,
            "binary" => Self::Binary,
            "base64" => Self::Base64,
            "quoted-printable" => Self::QuotedPrintable,
            _ => Self::Unknown,
        }
    }

    /// Whether the body is the content itself, with nothing to decode.
    #[must_use]
    pub const fn is_identity(self) -> bool {
        matches!(self, Self::SevenBit | Self::EightBit | Self::Binary)
    }
}

/// Why a body could not be decoded or brought into canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferError {
    /// A character that base64 does not have, characters behind the padding, or an unfinished
    /// group at the end.
    Base64,
    /// A carriage return that ends no line: programs disagree whether it ends one.
    BareCarriageReturn,
    /// The encoding has a name that we do not know.
    UnknownEncoding,
}

impl fmt::Display for TransferError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Base64 => "malformed base64",
            Self::BareCarriageReturn => "a carriage return without a line feed",
            Self::UnknownEncoding => "an unknown content transfer encoding",
        })
    }
}

impl std::error::Error for TransferError {}

/// Decodes a body, whatever its encoding.
#[derive(Clone, Debug)]
pub enum TransferDecoder {
    /// Passes everything.
    Identity,
    /// Decodes base64.
    Base64(Base64Decoder),
    /// Decodes quoted-printable.
    QuotedPrintable(QuotedPrintableDecoder),
    /// Refuses everything.
    Unknown,
}

impl TransferDecoder {
    /// The decoder of an encoding.
    #[must_use]
    pub fn of(encoding: TransferEncoding) -> Self {
        match encoding {
            TransferEncoding::SevenBit | TransferEncoding::EightBit | TransferEncoding::Binary => {
                Self::Identity
            }
            TransferEncoding::Base64 => Self::Base64(Base64Decoder::default()),
            TransferEncoding::QuotedPrintable => Self::QuotedPrintable(QuotedPrintableDecoder::default()),
            TransferEncoding::Unknown => Self::Unknown,
        }
    }
}

impl Filter for TransferDecoder {
    fn push(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<(), TransferError> {
        match self {
            Self::Identity => {
                output.extend_from_slice(input);
                Ok(())
            }
            Self::Base64(decoder) => decoder.push(input, output),
            Self::QuotedPrintable(decoder) => decoder.push(input, output),
            Self::Unknown => Err(TransferError::UnknownEncoding),
        }
    }

    fn finish(&mut self, output: &mut Vec<u8>) -> Result<(), TransferError> {
        match self {
            Self::Identity => Ok(()),
            Self::Base64(decoder) => decoder.finish(output),
            Self::QuotedPrintable(decoder) => decoder.finish(output),
            Self::Unknown => Err(TransferError::UnknownEncoding),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_letter_case() {
        assert_eq!(TransferEncoding::from_name(" BASE64 "), TransferEncoding::Base64);
        assert_eq!(TransferEncoding::from_name("Quoted-Printable"), TransferEncoding::QuotedPrintable);
        assert_eq!(TransferEncoding::from_name("x-uuencode"), TransferEncoding::Unknown);
    }

    #[test]
    fn an_unknown_encoding_is_not_passed_through() {
        let mut decoder = TransferDecoder::of(TransferEncoding::Unknown);
        assert_eq!(decoder.apply(b"begin 644 x"), Err(TransferError::UnknownEncoding));
        assert_eq!(TransferDecoder::of(TransferEncoding::Binary).apply(b"\0\xff"), Ok(vec![0, 255]));
    }
}
