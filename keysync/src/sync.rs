//! The sync loop: pull, verify, take in, open, acknowledge, repair, push.
//!
//! Everything here decides and nothing does: entries and keys are kept by a [`Store`], signed and sealed by a
//! [`Craft`], and carried by a [`crate::transport::Transport`] that [`Ways`] open. Two rules keep keys from being lost.
//! What is announced is held: a change is committed, durable, before anything about it is posted. And what is taken in
//! is committed before it is acknowledged.

mod note;
mod ports;

pub use note::{NOTE_CONTENT_TYPE, Note, digest_of};
pub use ports::{
    Change, Craft, CraftError, Heading, Kept, Outgoing, Parcel, SharedKey, Shelved, Signed, SignedKind,
    Store, StoreError, Unpacked, Ways,
};
