//! The directory and the file of the store: ours alone, and on a disk of this machine.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::error::StoreError;

/// Magic numbers of file systems whose shared memory or locks do not reach other machines (statfs(2)).
#[cfg(target_os = "linux")]
const NETWORK: [u32; 12] = [
    0x6969,      // NFS
    0x517B,      // SMB
    0xFF53_4D42, // CIFS
    0xFE53_4D42, // SMB2
    0x5346_414F, // AFS
    0x6B41_4653, // kAFS
    0x0102_1997, // 9P
    0x00C3_6400, // Ceph
    0x7375_7245, // Coda
    0x7461_636F, // OCFS2
    0x0116_1970, // GFS2
    0x0BD0_0BD0, // Lustre
];

/// Makes the directory where it is missing.
pub(super) fn make(directory: &Path) -> Result<(), StoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|error| StoreError::Io(directory.to_owned(), error))
}

/// Checks the directory, takes away what others may do there, and answers with its real path.
pub(super) fn prepare(directory: &Path) -> Result<PathBuf, StoreError> {
    let failed = |error: io::Error| StoreError::Io(directory.to_owned(), error);
    let directory = fs::canonicalize(directory).map_err(failed)?;
    refuse_network(&directory)?;
    let found = fs::metadata(&directory).map_err(failed)?;
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(StoreError::Unsafe(directory, "belongs to another user"));
    }
    if found.mode() & 0o022 != 0 {
        return Err(StoreError::Unsafe(directory, "may be written to by others"));
    }
    if found.mode() & 0o077 != 0 {
        fs::set_permissions(&directory, Permissions::from_mode(0o700)).map_err(failed)?;
    }
    Ok(directory)
}

/// Keeps others out of what exchanges files in a directory, until it is dropped.
pub(super) fn lock(directory: &Path) -> Result<File, StoreError> {
    locked(directory, FlockOperation::LockExclusive)
}

/// Keeps files from being exchanged while one of them is being opened. Any number may hold this one.
pub(super) fn lock_shared(directory: &Path) -> Result<File, StoreError> {
    locked(directory, FlockOperation::LockShared)
}

fn locked(directory: &Path, operation: FlockOperation) -> Result<File, StoreError> {
    let failed = |error: io::Error| StoreError::Io(directory.to_owned(), error);
    let lock = File::open(directory).map_err(failed)?;
    flock(&lock, operation).map_err(|error| failed(error.into()))?;
    Ok(lock)
}

/// A file beside another, named after it.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

/// Removes a file if it is there.
pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::Io(path.to_owned(), error)),
        _ => Ok(()),
    }
}

/// Takes away what others may do with the file.
pub(super) fn narrow(path: &Path) -> Result<(), StoreError> {
    let failed = |error: io::Error| StoreError::Io(path.to_owned(), error);
    let found = fs::symlink_metadata(path).map_err(failed)?;
    if !found.is_file() {
        return Err(StoreError::NotAStore);
    }
    if found.mode() & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)?;
    }
    Ok(())
}

/// Makes the empty file. One that is there is left for the caller to look into.
pub(super) fn create_file(path: &Path) -> Result<(), StoreError> {
    match File::options().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => narrow(path),
        Err(error) => Err(StoreError::Io(path.to_owned(), error)),
    }
}

#[cfg(target_os = "linux")]
fn refuse_network(directory: &Path) -> Result<(), StoreError> {
    let found =
        rustix::fs::statfs(directory).map_err(|error| StoreError::Io(directory.to_owned(), error.into()))?;
    // The field is wider than the number, and signed on some machines.
    let kind = (found.f_type as u64 & 0xFFFF_FFFF) as u32;
    if NETWORK.contains(&kind) { Err(StoreError::NetworkFileSystem(directory.to_owned())) } else { Ok(()) }
}

#[cfg(not(target_os = "linux"))]
fn refuse_network(_: &Path) -> Result<(), StoreError> {
    Ok(())
}
