//! Where things are kept: `COUNTERSEAL_HOME`, or the XDG directories.

use std::env;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The directory of the store.
pub(crate) fn data() -> Result<PathBuf, Failure> {
    place("XDG_DATA_HOME", ".local/share")
}

/// The directory of what a person configures.
pub(crate) fn configuration() -> Result<PathBuf, Failure> {
    place("XDG_CONFIG_HOME", ".config")
}

/// The directory of what can be fetched again.
pub(crate) fn cache() -> Result<PathBuf, Failure> {
    match env::var_os("COUNTERSEAL_HOME").filter(|value| !value.is_empty()) {
        Some(all) => Ok(PathBuf::from(all).join("cache")),
        None => place("XDG_CACHE_HOME", ".cache"),
    }
}

/// The directory of what is on its way: the queue.
pub(crate) fn state() -> Result<PathBuf, Failure> {
    place("XDG_STATE_HOME", ".local/state")
}

/// The directory of sockets, which is gone after a restart of the system; beside the store where the
/// system has none.
pub(crate) fn runtime() -> Result<PathBuf, Failure> {
    let is_elsewhere = env::var_os("COUNTERSEAL_HOME").is_some_and(|value| !value.is_empty());
    let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    match runtime {
        Some(runtime) if !is_elsewhere => Ok(runtime.join("counterseal")),
        _ => data(),
    }
}

/// The file in which other programs keep passwords too.
pub(crate) fn netrc() -> Result<PathBuf, Failure> {
    Ok(home_or_all()?.join(".netrc"))
}

/// The settings of msmtp.
pub(crate) fn msmtprc() -> Result<PathBuf, Failure> {
    Ok(home_or_all()?.join(".msmtprc"))
}

/// Where systemd looks for units of this user.
pub(crate) fn user_units() -> Result<PathBuf, Failure> {
    let chosen = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let base = match chosen.filter(|path| is_of_user(path)) {
        Some(base) => base,
        None => home()?.join(".config"),
    };
    Ok(base.join("systemd/user"))
}

fn home_or_all() -> Result<PathBuf, Failure> {
    let elsewhere = env::var_os("COUNTERSEAL_HOME").filter(|value| !value.is_empty());
    elsewhere.map_or_else(home, |all| Ok(PathBuf::from(all)))
}

/// `COUNTERSEAL_HOME` puts everything in one folder; else the variable of the XDG base directory
/// specification, which counts only where it is absolute, else its default below the home.
fn place(variable: &str, below_home: &str) -> Result<PathBuf, Failure> {
    if let Some(all) = env::var_os("COUNTERSEAL_HOME").filter(|value| !value.is_empty()) {
        return Ok(PathBuf::from(all));
    }
    let chosen = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = match chosen.filter(|path| is_of_user(path)) {
        Some(base) => base,
        None => home()?.join(below_home),
    };
    Ok(base.join("counterseal"))
}

/// Whether a folder that a variable names may be this user's. Who becomes another user by `sudo` or `su` may bring
/// the variables of the first along. One that is not there yet would be made in a folder of this user, or of root.
fn is_of_user(path: &Path) -> bool {
    let own = rustix::process::geteuid().as_raw();
    if let Ok(found) = path.metadata() {
        return found.uid() == own;
    }
    let above = path.ancestors().find_map(|folder| folder.metadata().ok());
    above.is_none_or(|above| above.uid() == own || above.uid() == 0)
}

/// The home directory that the system knows. The variable HOME is not asked: cron, sudo and at set
/// a wrong one.
fn home() -> Result<PathBuf, Failure> {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten();
    user.map(|user| user.dir).filter(|home| home.is_absolute()).ok_or_else(|| {
        Failure::unknown("no-home", "the system knows no home directory for this user")
            .hint("name a directory in the variable COUNTERSEAL_HOME")
    })
}
