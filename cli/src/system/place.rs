//! Whether what the system's settings and certificates are read from is root's, and only root's to write.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

const OTHERS_WRITE: u32 = 0o022;

/// A directory of root's, no link, in which nobody else writes.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn check_directory(path: &Path) -> Result<(), String> {
    let found = look_at(path)?;
    if !found.is_dir() {
        return Err(format!("{} is no directory", path.display()));
    }
    is_of_root(path, &found)
}

/// A file of root's, no link, which nobody else writes.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn check_file(path: &Path) -> Result<(), String> {
    let found = look_at(path)?;
    if !found.is_file() {
        return Err(format!("{} is no file", path.display()));
    }
    is_of_root(path, &found)
}

fn look_at(path: &Path) -> Result<Metadata, String> {
    fs::symlink_metadata(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn is_of_root(path: &Path, found: &Metadata) -> Result<(), String> {
    if found.uid() != 0 {
        return Err(format!("{} does not belong to root", path.display()));
    }
    if found.mode() & OTHERS_WRITE != 0 {
        return Err(format!("{} can be written to by others than root", path.display()));
    }
    Ok(())
}
