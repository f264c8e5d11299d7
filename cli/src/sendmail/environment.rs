//! Variables of the environment that other programs of this name know. They are defaults and no more, and none is secret.

use std::env;
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use counterseal_core::submission::Invocation;

/// The file of settings that the caller names: by `-C`, or by the folder in `MAIL_CONFIG` where ours is in it. That of
/// another program is none of ours.
pub(super) fn configuration(invocation: &Invocation) -> Option<PathBuf> {
    let named = invocation.configuration.as_deref();
    named.map(|named| PathBuf::from(OsStr::from_bytes(named))).or_else(|| {
        let folder = env::var_os("MAIL_CONFIG")?;
        let file = Path::new(&folder).join("config.toml");
        (file.is_absolute() && file.is_file()).then_some(file)
    })
}

/// The author's name, for a mail without From.
pub(super) fn name() -> Option<Vec<u8>> {
    env::var_os("NAME").map(OsStringExt::into_vec)
}

/// The author's address, for a mail without From.
pub(super) fn address() -> Option<Vec<u8>> {
    env::var_os("EMAIL").map(OsStringExt::into_vec)
}
