//! Output: a file that gets its name in the end; or standard output.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::blocks::Blocks;
use super::temporary::Temporary;
use crate::args;
use crate::failure::{Exit, Failure};

/// What is written, which decides where it may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A mail, PEM: a terminal can show it.
    Text,
    /// Not for a terminal, unless the person wrote `-o -`.
    Binary,
}

/// Where a command writes. A file is there after [`Output::commit`], and not before.
#[derive(Debug)]
pub(crate) enum Output {
    /// A file that does not exist yet, or is replaced.
    File {
        /// What is written, until it has its name.
        temporary: Blocks<Temporary>,
        /// Its name then.
        target: PathBuf,
        /// Whether a file of that name may go.
        overwrite: bool,
    },
    /// A device or a named pipe that exists: it is written into, not replaced.
    Device(Blocks<File>, PathBuf),
    /// Standard output.
    Stdout(Blocks<File>),
}

impl Output {
    /// Opens what the options name.
    pub(crate) fn open(options: &args::Output, content: Content) -> Result<Self, Failure> {
        Self::at(options.output.as_deref(), options.overwrite, content)
    }

    /// Opens a path, or standard output where there is none or it is `-`.
    pub(crate) fn at(path: Option<&Path>, overwrite: bool, content: Content) -> Result<Self, Failure> {
        match path {
            None if content == Content::Binary && io::stdout().is_terminal() => Err(Failure::new(
                Exit::Usage,
                "binary-to-terminal",
                "the output is binary, and standard output is a terminal",
            )
            .hint("name a file with -o FILE, or write it anyway with -o -")),
            Some(path) if path.as_os_str() != "-" => Self::file(path, overwrite),
            _ => Self::stdout().map_err(|error| Failure::io("standard output", &error)),
        }
    }

    /// The descriptor itself: Rust's own standard output breaks what it gets at the ends of lines.
    fn stdout() -> io::Result<Self> {
        Ok(Self::Stdout(Blocks::new(File::from(rustix::io::dup(rustix::stdio::stdout())?))))
    }

    /// A file that does not exist yet, or is replaced.
    pub(crate) fn file(path: &Path, overwrite: bool) -> Result<Self, Failure> {
        let failed = |error: &io::Error| Failure::io(path.display().to_string(), error);
        // A link is followed, so that the file it names is replaced and not the link.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        match fs::symlink_metadata(&target) {
            Ok(found) if found.is_dir() => return Err(failed(&io::ErrorKind::IsADirectory.into())),
            Ok(found) if !found.is_file() && !found.is_symlink() => {
                let device = File::options().write(true).open(&target).map_err(|error| failed(&error))?;
                return Ok(Self::Device(Blocks::new(device), target));
            }
            Ok(_) if !overwrite => return Err(exists(path)),
            _ => {}
        }
        let temporary = Temporary::create(parent(&target)).map_err(|error| failed(&error))?;
        Ok(Self::File { temporary: Blocks::new(temporary), target, overwrite })
    }

    /// Makes what was written final.
    pub(crate) fn commit(self) -> Result<(), Failure> {
        match self {
            Self::File { temporary, target, overwrite } => persist(temporary, &target, overwrite),
            Self::Device(mut device, path) => {
                device.flush().map_err(|error| Failure::io(path.display().to_string(), &error))
            }
            Self::Stdout(mut stdout) => {
                stdout.flush().map_err(|error| Failure::io("standard output", &error))
            }
        }
    }

    /// Whether standard output is where it goes.
    pub(crate) const fn is_stdout(&self) -> bool {
        matches!(self, Self::Stdout(_))
    }
}

fn persist(temporary: Blocks<Temporary>, target: &Path, overwrite: bool) -> Result<(), Failure> {
    let failed = |error: &io::Error| Failure::io(target.display().to_string(), error);
    let temporary = temporary.into_inner().map_err(|error| failed(&error))?;
    // A name may be durable before the content is: after a power cut the old file would be gone
    // and the new one empty.
    temporary.sync().map_err(|error| failed(&error))?;
    match temporary.persist(target, overwrite) {
        Ok(()) => sync_directory(parent(target)).map_err(|error| failed(&error)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists(target)),
        Err(error) => Err(failed(&error)),
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a new name durable. Some file systems cannot and say so, and a directory that we may write
/// into but not read cannot be opened.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    match File::open(directory).and_then(|directory| directory.sync_all()) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        result => result,
    }
}

/// The name of one of several files: FILE, then FILE-2 and so on before the last dot.
pub(crate) fn numbered(path: &Path, number: usize) -> PathBuf {
    if number == 1 {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = match path.extension() {
        Some(extension) => format!("{stem}-{number}.{}", extension.to_string_lossy()),
        None => format!("{stem}-{number}"),
    };
    path.with_file_name(name)
}

/// The refusal to replace a file unasked.
pub(crate) fn exists(path: &Path) -> Failure {
    Failure::unknown("output-exists", format!("{} exists already", path.display()))
        .hint("name another file, or add --overwrite")
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File { temporary, .. } => temporary.write(bytes),
            Self::Device(device, _) => device.write(bytes),
            Self::Stdout(stdout) => stdout.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File { temporary, .. } => temporary.flush(),
            Self::Device(device, _) => device.flush(),
            Self::Stdout(stdout) => stdout.flush(),
        }
    }
}

/// Writes a small file, whole or not at all.
pub(crate) fn write_file(path: &Path, bytes: &[u8], overwrite: bool) -> Result<(), Failure> {
    let mut output = Output::file(path, overwrite)?;
    output.write_all(bytes).map_err(|error| Failure::io(path.display().to_string(), &error))?;
    output.commit()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn further_files_stand_beside_the_first() {
        let path = Path::new("/tmp/a.b/keys.p12");
        assert_eq!(numbered(path, 1), path);
        assert_eq!(numbered(path, 2), Path::new("/tmp/a.b/keys-2.p12"));
        assert_eq!(numbered(Path::new("keys"), 3), Path::new("keys-3"));
    }

    #[test]
    fn a_file_appears_whole_and_only_at_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        let mut output = Output::at(Some(&path), false, Content::Binary).unwrap();
        output.write_all(b"half").unwrap();
        output.flush().unwrap();
        assert!(!path.exists());
        drop(output);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);

        write_file(&path, b"whole", false).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn nothing_is_replaced_unasked() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        write_file(&path, b"first", false).unwrap();
        assert_eq!(write_file(&path, b"second", false).unwrap_err().word, "output-exists");
        assert_eq!(fs::read(&path).unwrap(), b"first");
        write_file(&path, b"second", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
    }

    #[test]
    fn a_file_that_appeared_meanwhile_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        let mut output = Output::at(Some(&path), false, Content::Text).unwrap();
        output.write_all(b"ours").unwrap();
        fs::write(&path, b"theirs").unwrap();
        assert_eq!(output.commit().unwrap_err().word, "output-exists");
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
    }

    #[test]
    fn a_device_is_written_into_and_stays() {
        write_file(Path::new("/dev/null"), b"gone", false).unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
