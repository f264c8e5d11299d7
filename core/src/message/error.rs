//! Why a mail could not be read or written.

use super::Signer;
use crate::address::EmailAddress;
use crate::cms::{CompressedError, OpenError, RecipientDescription, SealError, SignError, SignedError};
use crate::mail::{self, HeaderSection, MailError};
use crate::policy::Refusal;

/// Why a mail could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// The mail is not encrypted, but decrypting was asked for.
    NotEncrypted {
        /// Whether an encrypted part stands inside another structure (which is never opened).
        nested: bool,
    },
    /// The encrypted layer cannot be opened.
    Open(OpenError),
    /// The mail is not well-formed enough to be read.
    Malformed(MailError),
    /// The signed object cannot be read.
    Signed(SignedError),
    /// The compressed layer cannot be read.
    Compressed(CompressedError),
    /// More CMS layers than [`crate::limits::CMS_LAYERS`].
    TooManyLayers,
    /// Input, output or spool failed.
    Io(std::io::Error),
}

impl ReadError {
    /// The stable word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NotEncrypted { .. } => "not-encrypted",
            Self::Open(error) => error.word(),
            Self::Malformed(_) | Self::Signed(_) | Self::Compressed(_) => "malformed",
            Self::TooManyLayers => "limit",
            Self::Io(_) => "input-output",
        }
    }

    /// For whom the mail was sealed, where that is known.
    #[must_use]
    pub fn recipients(&self) -> &[RecipientDescription] {
        match self {
            Self::Open(error) => error.recipients(),
            _ => &[],
        }
    }
}

/// Why a mail could not be written. Nothing was written then.
#[derive(Debug)]
pub enum WriteError {
    /// The mail is not well-formed enough to be sent.
    Malformed(MailError),
    /// There is no recipient.
    NoRecipients,
    /// Some recipients cannot be written to; all of them are named.
    Refused(Vec<(EmailAddress, Refusal)>),
    /// The author's address is not among those of the signing certificate.
    NotTheSigner {
        /// The From address.
        author: Option<EmailAddress>,
        /// The certificate's addresses.
        addresses: Vec<EmailAddress>,
    },
    /// Signing failed.
    Sign(SignError),
    /// Sealing failed.
    Seal(SealError),
    /// Input or output failed.
    Io(std::io::Error),
}

/// Checks that the signing certificate names the author: a reader would see a mismatch otherwise.
///
/// # Errors
/// [`WriteError::NotTheSigner`].
pub(super) fn check_author(headers: &HeaderSection<'_>, signer: &Signer<'_>) -> Result<(), WriteError> {
    let author = mail::author(headers).ok().map(|mailbox| mailbox.address);
    match author {
        Some(author) if signer.is(&author) => Ok(()),
        author => Err(WriteError::NotTheSigner {
            author,
            addresses: signer
                .certificate()
                .map(|certificate| certificate.addresses().to_vec())
                .unwrap_or_default(),
        }),
    }
}
