//! What is believed, and why, in words and as JSON.

pub(crate) mod policy;
