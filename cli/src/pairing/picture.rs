//! The picture of a code in a file: for another window, a larger screen, or a machine without one.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use counterseal_keysync::qr::{Code, Correction};

use crate::failure::Failure;
use crate::files::write_file;

/// Pixels to a module: what a telephone reads from a screen at arm's length.
const PIXELS: u16 = 8;

/// A file for pictures of codes.
pub(super) struct PictureFile {
    path: PathBuf,
    form: Form,
    /// Whether what stands there is ours: a code that ran out is replaced by the next one.
    is_ours: Cell<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Png,
    Svg,
}

impl PictureFile {
    /// The file of this name.
    ///
    /// # Errors
    /// Its ending is that of no picture that we make.
    pub(super) fn of(path: &Path) -> Result<Self, Failure> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        let form = match ending.as_deref() {
            Some("png") => Form::Png,
            Some("svg") => Form::Svg,
            _ => return Err(Failure::usage(format!("{}: a picture is a .png or .svg", path.display()))),
        };
        Ok(Self { path: path.to_owned(), form, is_ours: Cell::new(false) })
    }

    /// Writes the picture of this code.
    ///
    /// # Errors
    /// There is a file of that name already that is not ours, and what the disk says.
    pub(super) fn write(&self, code: &str) -> Result<(), Failure> {
        let failed = |error| Failure::unknown("no-picture", "the code cannot be drawn").because(error);
        let drawn = Code::of(code, Correction::Medium).map_err(failed)?;
        let picture = match self.form {
            Form::Png => drawn.png(PIXELS).map_err(failed)?,
            Form::Svg => drawn.svg().into_bytes(),
        };
        write_file(&self.path, &picture, self.is_ours.replace(true))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;

    #[test]
    fn a_code_replaces_the_one_before_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for ending in ["png", "SVG"] {
            let path = folder.path().join(format!("code.{ending}"));
            let file = PictureFile::of(&path).unwrap();
            file.write("CSEAL:ABCD").unwrap();
            let first = fs::read(&path).unwrap();
            file.write("CSEAL:EFGH").unwrap();
            assert_ne!(fs::read(&path).unwrap(), first);
            assert_eq!(
                PictureFile::of(&path).unwrap().write("CSEAL:ABCD").unwrap_err().word,
                "output-exists"
            );
        }
        assert!(PictureFile::of(Path::new("code.gif")).is_err());
    }
}
