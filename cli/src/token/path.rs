//! Which files are loaded as libraries: only those that nobody else can write, since what is loaded sees PINs.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

/// Others than the owner may write.
const OTHERS_WRITE: u32 = 0o022;
/// What is in such a folder is renamed and removed by its own owner alone, as in `/tmp`.
const STICKY: u32 = 0o1000;

/// The file that a path leads to, if it and every folder above it belong to the user or to root, and nobody
/// else can write there.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn check(path: &Path) -> Result<PathBuf, String> {
    if !path.is_absolute() {
        return Err("not an absolute path".to_owned());
    }
    check_file(path)
}

/// The same for a file that names libraries: who writes it chooses what is loaded.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn check_file(path: &Path) -> Result<PathBuf, String> {
    let file = fs::canonicalize(path).map_err(|error| error.to_string())?;
    let found = fs::metadata(&file).map_err(|error| error.to_string())?;
    if !found.is_file() {
        return Err("not a file".to_owned());
    }
    if !is_own(&found) || found.mode() & OTHERS_WRITE != 0 {
        return Err("others can write it".to_owned());
    }
    for folder in file.ancestors().skip(1) {
        let found = fs::metadata(folder).map_err(|error| error.to_string())?;
        let is_open = found.mode() & OTHERS_WRITE != 0 && found.mode() & STICKY == 0;
        if !is_own(&found) || is_open {
            return Err(format!("others can write in {}", folder.display()));
        }
    }
    Ok(file)
}

fn is_own(found: &Metadata) -> bool {
    found.uid() == 0 || found.uid() == geteuid().as_raw()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_library_that_others_can_write_or_exchange_is_not_loaded() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("folder");
        fs::create_dir(&folder).unwrap();
        let library = folder.join("library.so");
        fs::write(&library, "x").unwrap();
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        mode(&folder, 0o755);
        mode(&library, 0o755);
        let real = fs::canonicalize(&library).unwrap();
        assert_eq!(check(&library).unwrap(), real);
        // A link is followed, and what it leads to is looked at.
        let link = place.path().join("link.so");
        symlink(&library, &link).unwrap();
        assert_eq!(check(&link).unwrap(), real);
        mode(&library, 0o757);
        assert_eq!(check(&link).unwrap_err(), "others can write it");
        mode(&library, 0o775);
        assert_eq!(check(&library).unwrap_err(), "others can write it");
        mode(&library, 0o755);
        mode(&folder, 0o777);
        assert!(check(&library).unwrap_err().starts_with("others can write in /"));
        mode(&folder, 0o1777);
        assert!(check(&library).is_ok());
        assert_eq!(check(&folder).unwrap_err(), "not a file");
        assert_eq!(check(Path::new("library.so")).unwrap_err(), "not an absolute path");
        assert!(check(&folder.join("missing.so")).is_err());
    }
}
