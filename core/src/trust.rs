//! Whether a key belongs to an address, and what it would cost a forger to make us believe so.
//!
//! The score counts points; [`VERIFIED`] of them are *verified*. Evidence comes from pins (a
//! person compared the fingerprint), from chains to anchors, and from history.

mod decide;
mod knowledge;

pub use decide::{Decision, Evidence, Level, Purpose, check_chain, decide, decide_chain};
pub use knowledge::{Anchor, Knowledge, KnownKey, Pin};

/// Points from which a key is verified.
pub const VERIFIED: u32 = 120;
/// Points from which a key is checked.
pub const CHECKED: u32 = 40;
/// Points of a key that was imported by hand or came with a signed mail.
pub const HISTORY: u32 = 10;
