//! What is believed, and why, in words and as JSON.

mod change;
mod domains;
mod evidence;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod meet;
pub(crate) mod openpgp;
pub(crate) mod policy;
pub(crate) mod show;
pub(crate) mod statement;
pub(crate) mod witness;
