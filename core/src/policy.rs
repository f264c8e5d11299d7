//! Whether what is known of a key is good enough to encrypt to it.
//!
//! "Encrypt to whom I did not check" does not compile: sealing takes [`Accepted`], and only this
//! module makes one.

mod accept;

pub use accept::{Accepted, Refusal, accept_given, accept_key, accept_known};
