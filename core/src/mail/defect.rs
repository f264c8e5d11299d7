//! What is wrong with a mail: what stops us, and what only makes it ambiguous.

use std::fmt;

use super::transfer::TransferError;

/// Why a mail cannot be taken apart at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailError {
    /// A header section is longer than [`crate::limits::HEADER_BYTES`].
    HeaderTooLong,
    /// A header section has more lines than [`crate::limits::HEADER_LINES`].
    TooManyHeaderLines,
    /// A header field has more parameters than [`crate::limits::HEADER_PARAMETERS`].
    TooManyParameters,
    /// Parts are nested deeper than [`crate::limits::MIME_DEPTH`].
    NestedTooDeep,
    /// There are more parts than [`crate::limits::MIME_PARTS`].
    TooManyParts,
    /// The mail is longer than [`crate::limits::MAIL_IN_MEMORY`].
    TooLong,
    /// A body that must be decoded is malformed.
    Transfer(TransferError),
    /// A header field can not be written in lines that every transport accepts.
    HeaderNotEncodable,
    /// The header section of a mail to be sent ends with this line, counted from 1, which is neither
    /// a field nor empty. Fields behind it would silently become text: a Bcc among them.
    MalformedHeaderLine(usize),
    /// A part that is signed already, or cannot be split, would have to be changed to be sent.
    PartNotSendable,
}

impl fmt::Display for MailError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::HeaderTooLong => "a header section is too long",
            Self::TooManyHeaderLines => "a header section has too many lines",
            Self::TooManyParameters => "a header field has too many parameters",
            Self::NestedTooDeep => "parts are nested too deep",
            Self::TooManyParts => "too many parts",
            Self::TooLong => "the mail is too long to be split into parts",
            Self::Transfer(error) => return error.fmt(formatter),
            Self::HeaderNotEncodable => {
                "a header field cannot be written in lines that every transport accepts"
            }
            Self::MalformedHeaderLine(line) => {
                return write!(formatter, "line {line} is neither a header field nor empty");
            }
            Self::PartNotSendable => "a part that must not be changed holds lines that no transport keeps",
        })
    }
}

impl std::error::Error for MailError {}

impl From<TransferError> for MailError {
    fn from(error: TransferError) -> Self {
        Self::Transfer(error)
    }
}

/// What two programs could read in two ways. A part with a defect can be shown, but nothing about
/// it is certain enough to be called verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Defect {
    /// A header section ends with a line that is neither a field nor empty.
    MalformedHeaderLine,
    /// There is white space between the name of a field and its colon.
    SpaceBeforeColon,
    /// A header section holds a carriage return that ends no line.
    BareCarriageReturn,
    /// A header section holds a NUL.
    Nul,
    /// A field that says how the body is to be read stands there more than once.
    RepeatedField,
    /// A parameter of such a field stands there more than once.
    RepeatedParameter,
    /// A Content-Type that is not of the form `type/subtype`.
    MalformedContentType,
    /// A multipart without a boundary, or with one that RFC 2046 does not allow.
    MalformedBoundary,
    /// A line that starts with a boundary and goes on.
    AmbiguousBoundary,
    /// A multipart has the same boundary as one that encloses it.
    RepeatedBoundary,
    /// A multipart that is not closed.
    Unterminated,
    /// A multipart without parts.
    NoParts,
    /// A multipart that goes on behind its last boundary.
    BoundaryBehindEnd,
    /// A multipart or a message with a content transfer encoding that changes its bytes.
    EncodedStructure,
    /// An encoding with an unknown name.
    UnknownEncoding,
}
