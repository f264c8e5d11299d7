//! What programs hand to a `sendmail`: its arguments, a mail, or a dialogue in SMTP.
//!
//! Forty years of programs call it, and what they pass is only in part written down. What cannot be
//! read in one way only is refused whole: a mail that went to half of its recipients, or to others
//! than its author meant, is worse than an error that the author sees.

#![cfg_attr(not(test), forbid(clippy::indexing_slicing, clippy::string_slice))]

mod aliases;
mod arguments;
mod dialogue;
mod error;
mod gathered;
mod local;
mod text;
mod trigger;

pub use aliases::{AliasError, Aliases};
pub use arguments::{Delivery, Invocation, Mode, Notify, ReturnWhat, UsageError};
pub use dialogue::{Action, Data, Dialogue, Transaction};
pub use error::SubmissionError;
pub use gathered::Gathered;
pub use local::Local;
pub use text::{Defaults, Submission, argument_recipients, read};
