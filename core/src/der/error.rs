//! What was wrong with the encoding, and where.

use std::{fmt, io};

use super::tag::Tag;

/// An encoding that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DerError {
    /// Bytes from the start of the object to the place of the error.
    pub offset: u64,
    /// What was wrong.
    pub kind: DerErrorKind,
}

/// What was wrong with an encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DerErrorKind {
    /// The input ends within an element.
    Truncated,
    /// Bytes follow where the object, or a construction in it, should have ended.
    TrailingData,
    /// Another element stands where this one is required.
    Unexpected {
        /// What the structure asks for.
        expected: Tag,
        /// What stands there.
        found: Option<Tag>,
    },
    /// An element is longer than what contains it.
    Overrun,
    /// A tag with a number above 30, or the reserved tag 0.
    BadTag,
    /// A length that is not allowed: too many octets, or indefinite for a primitive.
    BadLength,
    /// A string's piece is no string.
    BadString,
    /// A content is not what its type allows (an INTEGER without octets, say).
    BadValue,
    /// A string was not read to its end before the next element was asked for.
    UnfinishedString,
    /// Constructions are nested deeper than [`crate::limits::ASN1_DEPTH`].
    TooDeep,
    /// More elements than [`crate::limits::ASN1_NODES`].
    TooMany,
    /// One structure is larger than its limit.
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// What the object is wrapped in is broken: its base64, say, is none.
    BadWrapping,
    /// The input or output failed.
    Io(io::ErrorKind),
}

impl fmt::Display for DerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            DerErrorKind::Truncated => write!(formatter, "the object ends early"),
            DerErrorKind::TrailingData => write!(formatter, "unexpected data after the end"),
            DerErrorKind::Unexpected { expected, found: Some(found) } => {
                write!(formatter, "{found} where {expected} is required")
            }
            DerErrorKind::Unexpected { expected, found: None } => write!(formatter, "{expected} is missing"),
            DerErrorKind::Overrun => write!(formatter, "an element is longer than what contains it"),
            DerErrorKind::BadTag => write!(formatter, "a tag that is not allowed"),
            DerErrorKind::BadLength => write!(formatter, "a length that is not allowed"),
            DerErrorKind::BadString => write!(formatter, "a piece of a string is no string"),
            DerErrorKind::BadValue => write!(formatter, "a content that its type does not allow"),
            DerErrorKind::UnfinishedString => write!(formatter, "a string was not read to its end"),
            DerErrorKind::TooDeep => write!(formatter, "nested too deep"),
            DerErrorKind::TooMany => write!(formatter, "too many elements"),
            DerErrorKind::TooLarge { limit } => write!(formatter, "a structure of more than {limit} bytes"),
            DerErrorKind::BadWrapping => write!(formatter, "what it is wrapped in is broken"),
            DerErrorKind::Io(kind) => write!(formatter, "{kind}"),
        }?;
        write!(formatter, " (at byte {})", self.offset)
    }
}

impl std::error::Error for DerError {}

impl DerError {
    /// The same error for callers of [`io::Read`]; [`DerError::from_io`] brings it back.
    #[must_use]
    pub fn into_io(self) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, self)
    }

    /// The encoding error that an [`io::Error`] carries, or the failure of the input itself.
    #[must_use]
    pub fn from_io(error: &io::Error, offset: u64) -> Self {
        error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()).cloned().unwrap_or_else(|| match error
            .kind()
        {
            io::ErrorKind::InvalidData => Self { offset, kind: DerErrorKind::BadWrapping },
            kind => Self { offset, kind: DerErrorKind::Io(kind) },
        })
    }
}
