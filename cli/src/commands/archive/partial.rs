//! An mbox that is being written, and how far it is: `docs/formats/archive.md`.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FlockOperation, Mode, OFlags, RenameFlags, flock, renameat_with};
use serde::{Deserialize, Serialize};

use super::outcome::Summary;
use crate::failure::Failure;
use crate::files::{exists, sync_directory, write_file};
use crate::render::json;

/// Between two notes of how far it is.
const PAUSE: Duration = Duration::from_secs(1);
/// Bytes that a note of how far it is may have.
const JOURNAL_BYTES: u64 = 4 << 20;

/// The new mbox under its working name.
pub(super) struct Partial {
    output: BufWriter<File>,
    path: PathBuf,
    journal: PathBuf,
    target: PathBuf,
    identity: String,
    noted: Instant,
}

/// How far a run is. Everything before it is on the disk.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Point {
    /// The command, its input and its readers: another run starts anew.
    identity: String,
    /// Where the next mail begins in the input.
    pub(super) position: u64,
    /// Mails until there.
    pub(super) number: u64,
    /// Bytes of the new mbox.
    written: u64,
    /// What became of them.
    pub(super) summary: Summary,
}

impl Partial {
    /// Goes on where an earlier run was stopped, or begins.
    pub(super) fn open(target: &Path, identity: &str) -> Result<(Self, Point), Failure> {
        let (path, journal) = (beside(target, "cseal-partial"), beside(target, "cseal-journal"));
        let failed = |error: &io::Error| Failure::io(path.display().to_string(), error);
        if fs::symlink_metadata(target).is_ok() {
            return Err(exists(target));
        }
        let mut file = open(&path).map_err(|error| failed(&error))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(Failure::unknown("busy", format!("{}: another run writes it", target.display())));
        }
        let length = file.metadata().map_err(|error| failed(&error))?.len();
        let point = read(&journal).filter(|point| point.identity == identity && point.written <= length);
        let point = point.unwrap_or_default();
        file.set_len(point.written)
            .and_then(|()| file.seek(SeekFrom::End(0)))
            .map_err(|error| failed(&error))?;
        let (target, identity) = (target.to_owned(), identity.to_owned());
        let output = BufWriter::with_capacity(256 << 10, file);
        Ok((Self { output, path, journal, target, identity, noted: Instant::now() }, point))
    }

    /// Notes that everything up to `position` is done, once a second.
    pub(super) fn note(&mut self, position: u64, number: u64, summary: &mut Summary) -> Result<(), Failure> {
        if self.noted.elapsed() < PAUSE {
            return Ok(());
        }
        let written = self.sync()?;
        let point = Point {
            identity: self.identity.clone(),
            position,
            number,
            written,
            summary: std::mem::take(summary),
        };
        let noted = write_file(&self.journal, json::line(&point).as_bytes(), true);
        *summary = point.summary;
        self.noted = Instant::now();
        noted
    }

    fn sync(&mut self) -> Result<u64, Failure> {
        let synced = self.output.flush().and_then(|()| {
            let file = self.output.get_mut();
            file.sync_data()?;
            file.stream_position()
        });
        synced.map_err(|error| self.failed(&error))
    }

    /// What to say where it cannot be written.
    pub(super) fn failed(&self, error: &io::Error) -> Failure {
        Failure::io(self.target.display().to_string(), error)
            .hint("the same command goes on where it was, once the cause is gone")
    }

    /// Gives it its name.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.sync()?;
        let Self { path, journal, target, .. } = &self;
        match renameat_with(CWD, path, CWD, target, RenameFlags::NOREPLACE).map_err(io::Error::from) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(exists(target)),
            // A file system that cannot refuse to replace.
            Err(error) if error.kind() == ErrorKind::InvalidInput => {
                fs::hard_link(path, target)
                    .and_then(|()| fs::remove_file(path))
                    .map_err(|error| self.failed(&error))?;
            }
            result => result.map_err(|error| self.failed(&error))?,
        }
        let synced = sync_directory(target.parent().unwrap_or(Path::new("/")));
        synced.map_err(|error| self.failed(&error))?;
        // Without it the next run would find nothing wrong either.
        let _ = fs::remove_file(journal);
        Ok(())
    }
}

impl Write for Partial {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// `.NAME.EXTENSION` in the same folder.
fn beside(target: &Path, extension: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(".");
    name.push(extension);
    target.with_file_name(name)
}

/// A file of ours alone: plaintext goes into it.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?);
    let metadata = file.metadata()?;
    let is_ours = metadata.uid() == rustix::process::geteuid().as_raw();
    if !metadata.is_file() || !is_ours || metadata.nlink() != 1 {
        return Err(ErrorKind::PermissionDenied.into());
    }
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

fn read(journal: &Path) -> Option<Point> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(journal, flags, Mode::empty()).ok()?);
    if file.metadata().ok()?.uid() != rustix::process::geteuid().as_raw() {
        return None;
    }
    let mut text = String::new();
    file.take(JOURNAL_BYTES).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}
