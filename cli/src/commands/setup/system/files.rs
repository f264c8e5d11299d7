//! What is made on the disk, each thing whole or not at all, and remembered so that it can be said.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::files::{read_file, write_file};
use crate::system::{SPOOL_MODE, SPOOLS, check_directory, check_file, users};

/// Bytes of a file of ours.
const FILE_BYTES: usize = 1 << 20;

/// What was done about a file or a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// It is new.
    Made,
    /// It was other before.
    Replaced,
    /// It was there.
    Kept,
}

/// All that was done.
#[derive(Debug, Default)]
pub(super) struct Deeds {
    pub(super) done: Vec<(Deed, PathBuf)>,
}

impl Deeds {
    /// A directory of root's with its mode.
    pub(super) fn directory(&mut self, path: &Path, mode: u32) -> Result<(), Failure> {
        let deed = match DirBuilder::new().mode(mode).create(path) {
            Ok(()) => Deed::Made,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Deed::Kept,
            Err(error) => return Err(failed(path)(error)),
        };
        let found = fs::symlink_metadata(path).map_err(failed(path))?;
        if !found.is_dir() || found.uid() != 0 {
            return Err(unsafe_place(format!("{} is no directory of root's", path.display())));
        }
        // What the umask took away, or somebody else changed.
        let wrong = found.mode() & 0o7777 != mode;
        if wrong {
            fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed(path))?;
        }
        let deed = if wrong && deed == Deed::Kept { Deed::Replaced } else { deed };
        self.done.push((deed, path.to_owned()));
        Ok(())
    }

    /// A file that everybody reads. One that is there is replaced or kept, as `if_there` says.
    pub(super) fn file(&mut self, path: &Path, text: &str, if_there: Deed) -> Result<(), Failure> {
        let deed = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Deed::Made,
            Err(error) => return Err(failed(path)(error)),
            Ok(_) => {
                check_file(path).map_err(unsafe_place)?;
                let is_same = **read_file(path, FILE_BYTES)? == *text.as_bytes();
                if is_same { Deed::Kept } else { if_there }
            }
        };
        if deed != Deed::Kept {
            write_file(path, text.as_bytes(), true)?;
            fs::set_permissions(path, Permissions::from_mode(0o644)).map_err(failed(path))?;
        }
        self.done.push((deed, path.to_owned()));
        Ok(())
    }

    /// An empty file that only root reads, for a secret that the administrator writes.
    pub(super) fn secret(&mut self, path: &Path) -> Result<(), Failure> {
        if fs::symlink_metadata(path).is_ok() {
            check_file(path).map_err(unsafe_place)?;
            fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed(path))?;
            self.done.push((Deed::Kept, path.to_owned()));
            return Ok(());
        }
        write_file(path, b"", false)?;
        self.done.push((Deed::Made, path.to_owned()));
        Ok(())
    }

    /// A spool for everybody who has an account, so that nobody else takes their place.
    pub(super) fn spools(&self) -> Result<(), Failure> {
        check_directory_of_spools()?;
        for user in users::all()? {
            let path = Path::new(SPOOLS).join(user.number.to_string());
            match DirBuilder::new().mode(SPOOL_MODE).create(&path) {
                Ok(()) => {
                    chown(&path, Some(user.number), Some(user.group)).map_err(failed(&path))?;
                }
                // Whose it is, is looked at each time that it is used.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(&path)(error)),
            }
        }
        Ok(())
    }
}

fn check_directory_of_spools() -> Result<(), Failure> {
    let path = Path::new(SPOOLS);
    // Everybody writes in it, as in /tmp; it is the folder above that must be root's alone.
    path.parent().map_or(Ok(()), |parent| check_directory(parent).map_err(unsafe_place))
}

pub(super) fn failed(path: &Path) -> impl Fn(io::Error) -> Failure + '_ {
    |error| Failure::io(path.display().to_string(), &error)
}

fn unsafe_place(what: String) -> Failure {
    Failure::unknown("system-files", what)
}
