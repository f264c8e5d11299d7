//! What the process does to itself before it reads anything: no core file, nobody attaches, and
//! every file it makes is the owner's alone.

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getegid, geteuid, getgid, getuid, setrlimit, umask};

use crate::failure::Failure;

/// Refuses to run with rights that the caller does not have: settings and files that the caller names would be read by them.
///
/// # Errors
/// `set-id`.
pub(crate) fn refuse_set_id() -> Result<(), Failure> {
    if getuid() == geteuid() && getgid() == getegid() {
        return Ok(());
    }
    Err(Failure::unknown("set-id", "this program does not run with rights that its caller does not have")
        .hint("take the set-user-ID and set-group-ID bits away: chmod ug-s PROGRAM; a whole machine sends by cseal setup --system"))
}

/// Applies all of it. Where the system refuses a part, the rest still protects.
pub(crate) fn apply() {
    umask(Mode::from_raw_mode(0o077));
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none);
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
