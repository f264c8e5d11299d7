//! Why a mail is not taken.

use std::fmt;

use crate::limits::{SUBMITTED_BYTES, SUBMITTED_RECIPIENTS};
use crate::mail::{DemandsError, MailError, MailboxError};

/// Why a mail is not taken: as a whole, and for no recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmissionError {
    /// It holds a NUL.
    Nul,
    /// It holds a carriage return that ends no line: two programs would see two mails (RFC 5321,
    /// section 2.3.8).
    BareCarriageReturn,
    /// It is larger than [`SUBMITTED_BYTES`].
    TooLarge,
    /// The header passes a limit.
    Header(MailError),
    /// More than one From field: nobody could say whose signature it is.
    SeveralFrom,
    /// From cannot be read, or names several people.
    From,
    /// A recipient of the command line cannot be read.
    Argument {
        /// As it was written.
        argument: String,
        /// What is wrong with it.
        error: MailboxError,
    },
    /// A recipient of a field cannot be read.
    Field {
        /// The field.
        field: String,
        /// What is wrong with it.
        error: MailboxError,
    },
    /// A demand on a key that cannot be taken out.
    Demand(DemandsError),
    /// A name without a domain that means nobody here.
    NoDomain(String),
    /// An alias that runs a program, writes a file, or goes round in a circle.
    Alias(String),
    /// More than [`SUBMITTED_RECIPIENTS`] recipients.
    TooManyRecipients,
    /// Nobody is to get it.
    NoRecipients,
}

impl fmt::Display for SubmissionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nul => formatter.write_str("the mail holds a NUL byte"),
            Self::BareCarriageReturn => {
                formatter.write_str("the mail holds a carriage return that ends no line")
            }
            Self::TooLarge => write!(formatter, "the mail is larger than {} MiB", SUBMITTED_BYTES >> 20),
            Self::Header(error) => write!(formatter, "the header cannot be read: {error}"),
            Self::SeveralFrom => formatter.write_str("the mail has several From fields"),
            Self::From => formatter.write_str("the field From must name one person"),
            Self::Argument { argument, error } => write!(formatter, "recipient {argument:?}: {error}"),
            Self::Field { field, error } => write!(formatter, "field {field}: {error}"),
            Self::Demand(error) => error.fmt(formatter),
            Self::NoDomain(name) => write!(formatter, "recipient {name:?}: no domain, and no alias"),
            Self::Alias(name) => write!(
                formatter,
                "alias {name:?}: it names a program, a file or itself, and only addresses are written to"
            ),
            Self::TooManyRecipients => write!(formatter, "more than {SUBMITTED_RECIPIENTS} recipients"),
            Self::NoRecipients => formatter.write_str("the mail has no recipients"),
        }
    }
}

impl std::error::Error for SubmissionError {}
