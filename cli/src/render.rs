//! Every sentence that a person reads, and the JSON that machines read.

pub(crate) mod failure;
mod store;
