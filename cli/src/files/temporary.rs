//! A file that is not there yet: it gets its name when it is whole.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// How the names of temporary files begin, where they need one.
const PREFIX: &str = ".cseal-";

/// What will be a file. Plaintext stands in it before it was checked, so it has no name: nothing of
/// it is left where the program is killed. On file systems that make no such files it has one.
#[derive(Debug)]
pub(crate) enum Temporary {
    /// Without a name, in this directory.
    Unnamed(File, PathBuf),
    /// With a name, until it is renamed.
    Named(NamedTempFile),
}

impl Temporary {
    /// Makes one in a directory, readable for its owner only.
    pub(crate) fn create(directory: &Path) -> io::Result<Self> {
        match unnamed(directory) {
            Some(file) => Ok(Self::Unnamed(file, directory.to_owned())),
            None => Builder::new().prefix(PREFIX).tempfile_in(directory).map(Self::Named),
        }
    }

    /// The file itself.
    pub(crate) fn file(&self) -> &File {
        match self {
            Self::Unnamed(file, _) => file,
            Self::Named(file) => file.as_file(),
        }
    }

    /// Makes durable what was written.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file().sync_all()
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] where a file has that name and may not go.
    pub(crate) fn persist(self, target: &Path, overwrite: bool) -> io::Result<()> {
        match (self, overwrite) {
            (Self::Named(file), true) => file.persist(target).map(drop).map_err(|refused| refused.error),
            (Self::Named(file), false) => {
                file.persist_noclobber(target).map(drop).map_err(|refused| refused.error)
            }
            (Self::Unnamed(file, _), false) => link(&file, target),
            // A link replaces nothing; a rename does.
            (Self::Unnamed(file, directory), true) => {
                let named = Builder::new().prefix(PREFIX).make_in(directory, |path| link(&file, path))?;
                named.persist(target).map(drop).map_err(|refused| refused.error)
            }
        }
    }
}

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unnamed(file, _) => file.write(bytes),
            Self::Named(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Unnamed(file, _) => file.flush(),
            Self::Named(file) => file.flush(),
        }
    }
}

/// Where a process finds its own open files.
#[cfg(target_os = "linux")]
const DESCRIPTORS: &str = "/proc/self/fd";

#[cfg(target_os = "linux")]
fn unnamed(directory: &Path) -> Option<File> {
    use rustix::fs::{Mode, OFlags};

    // Without it the file could not be given a name (open(2), O_TMPFILE).
    if !Path::new(DESCRIPTORS).is_dir() {
        return None;
    }
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    rustix::fs::open(directory, flags, Mode::RUSR | Mode::WUSR).ok().map(File::from)
}

#[cfg(target_os = "linux")]
fn link(file: &File, name: &Path) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    use rustix::fs::{AtFlags, CWD, linkat};

    let open = format!("{DESCRIPTORS}/{}", file.as_raw_fd());
    linkat(CWD, open.as_str(), CWD, name, AtFlags::SYMLINK_FOLLOW).map_err(io::Error::from)
}

#[cfg(not(target_os = "linux"))]
fn unnamed(_: &Path) -> Option<File> {
    None
}

#[cfg(not(target_os = "linux"))]
fn link(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_not_whole_has_no_name_to_be_left_under() {
        let directory = tempfile::tempdir().unwrap();
        let mut temporary = Temporary::create(directory.path()).unwrap();
        temporary.write_all(b"not checked yet").unwrap();
        assert!(matches!(temporary, Temporary::Unnamed(..)), "the test needs a file system with O_TMPFILE");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn both_kinds_replace_a_file_only_where_they_may() {
        let kinds: [fn(&Path) -> Temporary; 2] = [
            |directory| Temporary::create(directory).unwrap(),
            |directory| Temporary::Named(Builder::new().tempfile_in(directory).unwrap()),
        ];
        for make in kinds {
            let directory = tempfile::tempdir().unwrap();
            let target = directory.path().join("out");
            let written = |content: &[u8]| {
                let mut temporary = make(directory.path());
                temporary.write_all(content).unwrap();
                temporary
            };
            written(b"first").persist(&target, false).unwrap();
            let refused = written(b"second").persist(&target, false).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read(&target).unwrap(), b"first");
            written(b"third").persist(&target, true).unwrap();
            assert_eq!(fs::read(&target).unwrap(), b"third");
            assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        }
    }
}
