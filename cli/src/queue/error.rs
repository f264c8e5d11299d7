//! Why the queue did not do what it was asked for.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use counterseal_core::limits;

/// Why nothing was committed, or why a mail of the queue cannot be worked on.
#[derive(Debug)]
pub(crate) enum QueueError {
    /// The disk or the user's share of it is full: later it may work (exit 75).
    Full(PathBuf),
    /// The queue has reached [`limits::QUEUE_MAILS`] or [`limits::QUEUE_BYTES`] (exit 75).
    Quota { mails: usize, bytes: u64 },
    /// The mail is beyond a limit, which is named (exit 65).
    TooLarge(&'static str),
    /// The mail cannot go over the wire as it is (exit 65).
    Malformed(&'static str),
    /// The directory is not ours alone (exit 78).
    Unsafe(PathBuf, &'static str),
    /// The system refuses (exit 74).
    Io(PathBuf, io::Error),
    /// A file that is none of the queue, or was damaged.
    Damaged(PathBuf, &'static str),
    /// Somebody else is sending it just now.
    Busy,
    /// There is no such mail.
    Missing,
}

impl QueueError {
    /// What the system said, with the path.
    pub(crate) fn at(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        |error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full(path.to_owned()),
            _ => Self::Io(path.to_owned(), error),
        }
    }

    /// Whether the same may work later.
    pub(crate) const fn is_temporary(&self) -> bool {
        matches!(self, Self::Full(_) | Self::Quota { .. } | Self::Busy)
    }
}

impl fmt::Display for QueueError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(path) => write!(formatter, "{}: no space left on the disk", path.display()),
            Self::Quota { mails, bytes } => write!(
                formatter,
                "the queue is full: {mails} mails, {bytes} bytes ({} and {} are allowed, half of that for what is held)",
                limits::QUEUE_MAILS,
                limits::QUEUE_BYTES
            ),
            Self::TooLarge(what) => write!(formatter, "the mail is too large for the queue: {what}"),
            Self::Malformed(what) => write!(formatter, "the mail cannot be sent: {what}"),
            Self::Unsafe(path, why) => write!(formatter, "{} {why}", path.display()),
            Self::Io(path, error) => write!(formatter, "{}: {error}", path.display()),
            Self::Damaged(path, what) => write!(formatter, "{} is damaged: {what}", path.display()),
            Self::Busy => formatter.write_str("it is being sent just now"),
            Self::Missing => formatter.write_str("there is no such mail in the queue"),
        }
    }
}

impl std::error::Error for QueueError {}
