//! Attachments, saved where the person said and nowhere else.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use crate::failure::Failure;
use crate::terminal::is_unsafe;

/// Bytes that a file name may have; file systems allow 255, and a number may be added.
const NAME_BYTES: usize = 200;
/// How often another number is tried where a name is taken.
const ATTEMPTS: u32 = 10_000;

/// A directory that attachments go to. It is held open, so that nobody can put another one in its
/// place between two files.
#[derive(Debug)]
pub(crate) struct ExtractDirectory {
    directory: OwnedFd,
    path: PathBuf,
}

impl ExtractDirectory {
    /// Opens the directory, and makes it where it is missing.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::io(path.display().to_string(), &error);
        fs::create_dir_all(path).map_err(failed)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| failed(error.into()))?;
        Ok(Self { directory, path: path.to_owned() })
    }

    /// Saves one attachment under a safe form of `name`, or under the next free number of it.
    /// Answers with the path that was written.
    pub(crate) fn save(&self, name: Option<&str>, content: &[u8]) -> Result<PathBuf, Failure> {
        let name = safe_name(name.unwrap_or_default());
        for attempt in 1..=ATTEMPTS {
            let candidate = numbered(&name, attempt);
            match self.create(&candidate) {
                Ok(mut file) => {
                    let path = self.path.join(&candidate);
                    file.write_all(content)
                        .map_err(|error| Failure::io(path.display().to_string(), &error))?;
                    return Ok(path);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(Failure::io(self.path.join(&candidate).display().to_string(), &error));
                }
            }
        }
        Err(Failure::unknown("output-exists", format!("{}: every name is taken", self.path.display())))
    }

    /// O_EXCL makes a new file or fails; with it, no link is followed and nothing is overwritten.
    fn create(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.directory, name, flags, Mode::RUSR | Mode::WUSR)?.into())
    }
}

/// The name with a number before its extension: `report.pdf`, `report-2.pdf`.
fn numbered(name: &str, attempt: u32) -> String {
    match (attempt, name.rsplit_once('.')) {
        (1, _) => name.to_owned(),
        (_, Some((stem, extension))) if !stem.is_empty() => format!("{stem}-{attempt}.{extension}"),
        _ => format!("{name}-{attempt}"),
    }
}

/// The base name only, without what steers terminals, hides the extension, or means something to a
/// shell or to another system.
fn safe_name(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let replaced: String = base
        .chars()
        .map(|character| if is_unsafe(character) || "<>:\"|?*".contains(character) { '_' } else { character })
        .collect();
    // A leading dot hides a file, a leading hyphen looks like an option, and trailing dots and
    // spaces vanish on some systems.
    let trimmed = replaced.trim().trim_end_matches(['.', ' ']).trim_start_matches(['.', '-', ' ', '~']);
    if trimmed.is_empty() { "attachment".to_owned() } else { shortened(trimmed) }
}

/// Shortens the stem, and keeps the extension.
fn shortened(name: &str) -> String {
    if name.len() <= NAME_BYTES {
        return name.to_owned();
    }
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if extension.len() <= 16 => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    let mut short = String::new();
    for character in stem.chars() {
        if short.len() + character.len_utf8() + extension.len() > NAME_BYTES {
            break;
        }
        short.push(character);
    }
    short + &extension
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn names_cannot_leave_the_directory_or_hide() {
        for (name, expected) in [
            ("report.pdf", "report.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Windows\\system.ini", "system.ini"),
            ("..", "attachment"),
            (".bashrc", "bashrc"),
            ("-rf", "rf"),
            ("", "attachment"),
            ("inv\u{202e}fdp.exe", "inv_fdp.exe"),
            ("a\nb\0c", "a_b_c"),
            ("über straße.txt", "über straße.txt"),
        ] {
            assert_eq!(safe_name(name), expected, "{name:?}");
        }
        let long = safe_name(&format!("{}.pdf", "ü".repeat(500)));
        assert!(long.len() <= NAME_BYTES && long.ends_with(".pdf"));
    }

    #[test]
    fn nothing_is_overwritten_and_no_link_is_followed() {
        let directory = tempfile::tempdir().unwrap();
        let outside = tempfile::NamedTempFile::new().unwrap();
        symlink(outside.path(), directory.path().join("a.txt")).unwrap();
        let extract = ExtractDirectory::open(directory.path()).unwrap();
        let first = extract.save(Some("a.txt"), b"one").unwrap();
        let second = extract.save(Some("x/a.txt"), b"two").unwrap();
        assert_eq!(first.file_name().unwrap(), "a-2.txt");
        assert_eq!(second.file_name().unwrap(), "a-3.txt");
        assert_eq!(fs::read(outside.path()).unwrap(), b"");
        assert_eq!(fs::read(second).unwrap(), b"two");
        assert_eq!(fs::metadata(first).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
