//! Secret keys on tokens: smart cards and hardware security modules that are reached by a PKCS#11 library.
//!
//! The library is somebody else's code with its own memory errors, so it is loaded in a process of its own
//! (`helper`), which is asked over a socket (`docs/formats/token.md`). What it may be is said by `config.toml`
//! alone: no mail and no store names a library.

mod client;
mod error;
mod helper;
mod keys;
mod library;
mod path;
mod pin;
mod place;
mod protocol;
mod tokens;

pub(crate) use helper::serve;
pub(crate) use keys::{OnToken, TokenKeys};
pub(crate) use path::check_file as check_settings;
pub(crate) use pin::PinSource;
pub(crate) use place::TokenPlace;
pub(crate) use protocol::{Found, NewKey, Object};
pub(crate) use tokens::{Configured, Present, Tokens};
