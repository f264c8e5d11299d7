//! The verbs: encrypt, decrypt, sign, verify, and for kept mail unseal and rewrap. For mails, and with [`object`] for any bytes.
//!
//! Everything here takes what it needs as arguments and gives values back. Plaintext goes to an
//! output that the caller must not use before the verb has said `Ok`: an AEAD's plaintext that
//! is read before its tag was checked is the attacker's.

mod author_signature;
mod encrypt;
mod error;
mod layers;
mod list;
pub mod object;
mod options;
mod read;
mod readers;
mod rewrap;
mod sealed_layer;
mod sign;
mod signer;
mod signers;
mod status;
mod structure;
mod undo;
mod unseal;
mod wrap;
mod write_readable;

pub use author_signature::{AuthorSignature, message_name};
pub use encrypt::{EncryptRequest, Outgoing, OutgoingCopy, Recipient, encrypt};
pub use error::{ReadError, WriteError};
pub use options::ReadOptions;
pub use read::{Readable, decrypt, verify};
pub use rewrap::{RewrapError, RewrapRequest, Rewrapped, content_digest, rewrap};
pub use sign::{SignRequest, sign};
pub use signer::Signer;
pub use signers::reasons_of;
pub use status::{
    Accept, Contradiction, EncryptionStatus, ListChanges, PartStatus, Reason, SignerStatus, Status, Verdict,
};
pub use undo::{Addition, Place, Repair, Undone, undo};
pub use unseal::{Opening, is_sealed, unseal};
pub use wrap::SignatureForm;

use crate::ports::{SecretKeys, Spools};
use crate::time::Time;
use crate::trust::Knowledge;

/// What a verb may use: our keys, what is known of others, the time, and room for large content.
#[derive(Clone, Copy)]
pub struct Context<'c> {
    /// Our secret keys.
    pub keys: &'c dyn SecretKeys,
    /// What is known of other people's keys.
    pub knowledge: &'c Knowledge,
    /// The moment that dates are checked against.
    pub at: Time,
    /// Room for content that is too large for memory.
    pub spools: &'c dyn Spools,
}

#[cfg(test)]
mod tests;
