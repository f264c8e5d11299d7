//! Mailboxes that other programs write to (as mutt and procmail lock them).

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;

use crate::failure::Failure;

/// Keeps programs that lock with fcntl(2) from writing to an mbox as long as the file is open, and
/// refuses one that somebody writes to now, by that lock or by a file `NAME.lock` beside it.
pub(super) fn shared(file: &File, path: &Path) -> Result<(), Failure> {
    let mut beside = OsString::from(path);
    beside.push(".lock");
    if Path::new(&beside).exists() {
        return Err(
            locked(path).hint(format!("if no program is at work, remove {}", Path::new(&beside).display()))
        );
    }
    match fcntl_lock(file, FlockOperation::NonBlockingLockShared) {
        Err(Errno::AGAIN | Errno::ACCESS) => Err(locked(path)),
        // Some network file systems have no locks, and then nobody relies on them.
        Ok(()) | Err(_) => Ok(()),
    }
}

fn locked(path: &Path) -> Failure {
    Failure::unknown("mailbox-locked", format!("{}: another program is writing to it", path.display()))
}
