//! Whether a key belongs to an address, and what it would cost a forger to make us believe so.
//!
//! The score counts points; [`VERIFIED`] of them are *verified*. Evidence comes from pins (a
//! person compared the fingerprint), from chains to anchors, and from history.

mod claim;
mod decide;
pub mod evidence;
mod knowledge;
pub mod points;

pub use claim::Claim;
pub use decide::{Decision, Evidence, Level, Purpose, check_chain, decide, decide_chain};
pub use knowledge::{Anchor, Knowledge, KnownKey, Pin};
pub use points::{CHECKED, HISTORY, Profile, VERIFIED};
