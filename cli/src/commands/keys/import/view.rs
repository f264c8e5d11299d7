//! A folder of our own that shows some files of another one, for a program of others that would take the
//! settings beside them for its user's: what they have it write, start or load may be anything.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::Path;

use tempfile::TempDir;

use crate::failure::Failure;

/// Files that are shown; above that it is no folder of keys.
const FILES: usize = 10_000;

/// The folder. It goes with this value, and what it shows stays.
pub(crate) struct View(TempDir);

impl View {
    /// Shows these files of a folder, and the files in these folders of it. What is neither, as a pipe in which a
    /// program would wait, is not shown.
    pub(crate) fn of(folder: &Path, names: &[&str]) -> Result<Self, Failure> {
        let failed = |error: &io::Error| Failure::io("a temporary directory", error);
        let unread = |error: &io::Error| Failure::io(folder.display().to_string(), error);
        let view = tempfile::tempdir().map_err(|error| failed(&error))?;
        let folder = fs::canonicalize(folder).map_err(|error| unread(&error))?;
        for name in names {
            let (from, to) = (folder.join(name), view.path().join(name));
            if from.is_dir() {
                fs::DirBuilder::new().mode(0o700).create(&to).map_err(|error| failed(&error))?;
                for entry in fs::read_dir(&from).map_err(|error| unread(&error))?.take(FILES) {
                    let entry = entry.map_err(|error| unread(&error))?;
                    show(&entry.path(), &to.join(entry.file_name())).map_err(|error| failed(&error))?;
                }
            }
            show(&from, &to).map_err(|error| failed(&error))?;
        }
        Ok(Self(view))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

fn show(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_file() { symlink(from, to) } else { Ok(()) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn files_are_shown_and_settings_pipes_and_folders_are_not() {
        let place = tempfile::tempdir().unwrap();
        let keys = place.path().join("keys");
        fs::create_dir_all(keys.join("folder")).unwrap();
        for file in ["box", "settings", "keys/a.key"] {
            fs::write(place.path().join(file), file).unwrap();
        }
        for pipe in [place.path().join("pipe"), keys.join("b.key")] {
            rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        }
        let view = View::of(place.path(), &["box", "pipe", "keys", "missing"]).unwrap();
        let names = |folder: &Path| {
            let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
            let mut names: Vec<_> = names.collect();
            names.sort();
            names
        };
        assert_eq!(names(view.path()), ["box", "keys"]);
        assert_eq!(names(&view.path().join("keys")), ["a.key"]);
        assert_eq!(fs::read(view.path().join("keys/a.key")).unwrap(), b"keys/a.key");
        drop(view);
        assert!(keys.join("a.key").is_file());
    }
}
