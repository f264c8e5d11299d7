//! What comes of opening a message.

use std::{fmt, io};

use crate::algorithm::ContentEncryption;
use crate::cms::content_type::ContentType;
use crate::cms::recipients::RecipientDescription;
use crate::der::DerError;
use crate::fingerprint::Fingerprint;

/// A message that was opened: its content is in the output, complete.
#[derive(Clone, Debug)]
pub struct Opened {
    /// What the content is.
    pub content_type: ContentType,
    /// The cipher it was under.
    pub cipher: ContentEncryption,
    /// Whether a change of the content would have been noticed. Without it anyone on the way may
    /// have rewritten parts.
    pub integrity: bool,
    /// What deserves to be mentioned.
    pub warnings: Vec<Warning>,
    /// Everyone it was sealed for.
    pub recipients: Vec<RecipientDescription>,
    /// The key of ours that opened it; nothing for a passphrase or a shared key.
    pub opened_by: Option<Fingerprint>,
}

/// Something about a message that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Warning {
    /// The cipher is broken; whoever wanted to may have read the message.
    BrokenCipher,
    /// The cipher is outdated.
    OutdatedCipher,
    /// A change of the content would not have been noticed.
    NoIntegrity,
    /// An authenticated cipher inside EnvelopedData: read, although RFC 5084 forbids it.
    AuthenticatedCipherInEnvelopedData,
    /// The message does not name the key that opened it.
    KeyNotNamed,
}

/// Why a message was not opened.
#[derive(Debug)]
pub enum OpenError {
    /// The object is of another type.
    NotEnveloped {
        /// Which.
        found: ContentType,
    },
    /// No key of ours is meant, and none that may be tried fits.
    NotForUs {
        /// Everyone it was sealed for.
        recipients: Vec<RecipientDescription>,
    },
    /// Keys of ours are meant, but their store is locked.
    Locked {
        /// Everyone it was sealed for.
        recipients: Vec<RecipientDescription>,
        /// Which of ours.
        keys: Vec<Fingerprint>,
    },
    /// The decryption failed. Why is never said: it would help an attacker only.
    Failed {
        /// Everyone it was sealed for.
        recipients: Vec<RecipientDescription>,
    },
    /// The cipher is broken, and nobody said that it may be used.
    WeakCipher {
        /// Which.
        cipher: ContentEncryption,
    },
    /// The encoding cannot be read.
    Malformed(DerError),
    /// The message contradicts its standard where that would be dangerous.
    Unsound(Fault),
    /// An algorithm that nobody here knows.
    Unsupported {
        /// Its object identifier.
        what: String,
    },
    /// More than a limit of [`crate::limits`].
    Limit {
        /// Of what.
        what: &'static str,
    },
    /// Input or output failed.
    Io(io::Error),
}

/// What contradicts a standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The cipher's parameters are missing or malformed.
    Parameters,
    /// The nonce or initialization vector has a length that is not allowed.
    NonceLength,
    /// The tag has a length that is not allowed, or another than announced.
    TagLength,
    /// AuthEnvelopedData with a cipher that authenticates nothing (CVE-2026-34182).
    NotAuthenticated,
    /// The encrypted content is elsewhere, or missing.
    NoContent,
}

impl fmt::Display for OpenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotEnveloped { found } => write!(formatter, "not encrypted, but {found}"),
            Self::NotForUs { .. } => formatter.write_str("sealed for others"),
            Self::Locked { .. } => formatter.write_str("the key is locked"),
            Self::Failed { .. } => formatter.write_str("the decryption failed"),
            Self::WeakCipher { cipher } => write!(formatter, "the cipher {} is broken", cipher.name()),
            Self::Malformed(error) => write!(formatter, "malformed: {error}"),
            Self::Unsound(fault) => write!(formatter, "not sound: {}", fault.name()),
            Self::Unsupported { what } => write!(formatter, "unknown algorithm {what}"),
            Self::Limit { what } => write!(formatter, "too many {what}"),
            Self::Io(error) => write!(formatter, "{error}"),
        }
    }
}

impl std::error::Error for OpenError {}

impl OpenError {
    /// The stable word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NotEnveloped { .. } => "not-encrypted",
            Self::NotForUs { .. } => "not-for-us",
            Self::Locked { .. } => "locked",
            Self::Failed { .. } => "decryption-failed",
            Self::WeakCipher { .. } => "weak-cipher",
            Self::Malformed(_) => "malformed",
            Self::Unsound(fault) => fault.name(),
            Self::Unsupported { .. } => "unsupported",
            Self::Limit { .. } => "limit",
            Self::Io(_) => "input-output",
        }
    }

    /// Everyone it was sealed for, where that is known.
    #[must_use]
    pub fn recipients(&self) -> &[RecipientDescription] {
        match self {
            Self::NotForUs { recipients } | Self::Locked { recipients, .. } | Self::Failed { recipients } => {
                recipients
            }
            _ => &[],
        }
    }
}

impl Fault {
    /// The fault as a stable word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parameters => "cipher-parameters",
            Self::NonceLength => "nonce-length",
            Self::TagLength => "tag-length",
            Self::NotAuthenticated => "not-authenticated",
            Self::NoContent => "no-content",
        }
    }
}
