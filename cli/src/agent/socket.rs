//! Where an agent is found, and that nobody else answers there.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};
use rustix::process::geteuid;

use crate::failure::Failure;
use crate::places;

/// The socket of the agent for a store.
pub(super) fn path(store: &[u8; 16]) -> Result<PathBuf, Failure> {
    let name: String = store.iter().take(8).map(|octet| format!("{octet:02x}")).collect();
    Ok(places::runtime()?.join(format!("agent-{name}")))
}

/// Connects to an agent of the same user; nothing where there is none.
pub(super) fn connect(store: &[u8; 16]) -> Option<UnixStream> {
    let stream = UnixStream::connect(path(store).ok()?).ok()?;
    is_own(&stream).then_some(stream)
}

/// Whether the process at the other end is the same user's.
pub(super) fn is_own(stream: &UnixStream) -> bool {
    rustix::net::sockopt::socket_peercred(stream).is_ok_and(|peer| peer.uid == geteuid())
}

/// A socket that listens. It goes away with this value.
pub(crate) struct Bound {
    pub(super) listener: UnixListener,
    path: PathBuf,
    _lock: File,
}

impl Bound {
    /// The socket for a store.
    ///
    /// # Errors
    /// `agent-running` where there is an agent already.
    pub(crate) fn at(store: &[u8; 16]) -> Result<Self, Failure> {
        let path = path(store)?;
        let failed = |error: &io::Error| Failure::io(path.display().to_string(), error);
        let directory = path.parent().map(PathBuf::from).unwrap_or_default();
        DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(|error| failed(&error))?;
        let folder = fs::symlink_metadata(&directory).map_err(|error| failed(&error))?;
        if !folder.is_dir() || folder.uid() != geteuid().as_raw() || folder.mode() & 0o022 != 0 {
            return Err(Failure::unknown(
                "permissions",
                format!("{}: others can write there", directory.display()),
            ));
        }
        // Of two that start at once, one gets the lock; the system gives it back whatever ends the other.
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.with_extension("lock"))
            .map_err(|error| failed(&error))?;
        if flock(lock.as_fd(), FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(Failure::no("agent-running", "an agent for this store is running already"));
        }
        if fs::symlink_metadata(&path).is_ok_and(|left| left.file_type().is_socket()) {
            fs::remove_file(&path).map_err(|error| failed(&error))?;
        }
        let listener = UnixListener::bind(&path).map_err(|error| failed(&error))?;
        fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(|error| failed(&error))?;
        Ok(Self { listener, path, _lock: lock })
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        // Where it stays, the next agent removes it.
        let _ = fs::remove_file(&self.path);
    }
}
