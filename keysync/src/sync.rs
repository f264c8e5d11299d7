//! The sync loop: pull, verify, take in, open, acknowledge, repair, push.
//!
//! Everything here decides and nothing does: entries and keys are kept by a [`Store`], signed and sealed by a
//! [`Craft`], and carried by a [`crate::transport::Transport`] that [`Ways`] open. Two rules keep keys from being lost.
//! What is announced is held: a change is committed, durable, before anything about it is posted. And what is taken in
//! is committed before it is acknowledged.

mod note;
mod people;
mod ports;
mod post;
mod pull;
mod put_out;
mod report;
mod round;
mod settle;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::print_stderr)]
mod simulator;
mod state;
mod want;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod with_real_keys;

pub use note::{NOTE_CONTENT_TYPE, Note, digest_of};
pub use people::{AfterCare, found};
pub use ports::{
    Change, Craft, CraftError, Heading, Kept, Outgoing, Parcel, SharedKey, Shelved, Signed, SignedKind,
    Store, StoreError, Unpacked, Ways,
};
pub use post::ACCOUNT_BOX;
pub use report::{Alarm, Closed, Report};
pub use state::{Meeting, Sync, SyncError};
pub use want::wanted_name;
