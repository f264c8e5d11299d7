//! A folder that several machines see: a stick that is carried, a share, what a file synchroniser copies.
//!
//! An object is the file `BOX/NAME.p7m`. It appears under its name when it is whole and on the disk, and its name is
//! its hash, so that two machines never write different things to one place. Whatever else lies there is left alone,
//! and nothing that lies there leads out: no symbolic link is followed, nothing but plain files is read.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::{Cursor, Listing, ObjectBox, ObjectName, Transport, TransportError};
use crate::limits;

/// How the name of an object's file ends (RFC 8551, section 3.2.1).
const SUFFIX: &str = ".p7m";
/// How the name of a file begins that is still being written.
const UNFINISHED: &str = ".cseal-";
/// After this time nobody finishes it any more.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);
/// How often a folder is looked at while waiting: first soon, then less often.
const LOOK_FIRST: Duration = Duration::from_millis(250);
const LOOK_LAST: Duration = Duration::from_secs(5);

/// A box in a folder.
#[derive(Debug)]
pub struct FolderTransport {
    folder: PathBuf,
    box_name: String,
    /// Bytes of one object.
    object_bytes: usize,
    /// Which files seemed to hold which object when the directory was looked at last, and whether it was.
    files: Option<Files>,
    forged: Forged,
}

/// The names of the files of each object, its own name aside.
type Files = BTreeMap<ObjectName, Vec<String>>;

/// Files that did not hold what their names say, as they were then: they are not read again before they change.
type Forged = BTreeMap<String, State>;

/// What changes when a file does: its number, length, and the times of its content and of itself.
type State = (u64, u64, (i64, i64), (i64, i64));

/// Nothing where it changed just now: some file systems count in steps of two seconds, and perhaps it is being written.
fn settled(found: &Metadata) -> Option<State> {
    let (now, modified) = (SystemTime::now(), found.modified().ok()?);
    let age = now.duration_since(modified).unwrap_or_else(|ahead| ahead.duration());
    (age > limits::FOLDER_SETTLED).then(|| {
        let (content, own) = ((found.mtime(), found.mtime_nsec()), (found.ctime(), found.ctime_nsec()));
        (found.ino(), found.len(), content, own)
    })
}

impl FolderTransport {
    /// The box of an account in `folder`, which must be there: a mount point without its stick is not filled in its
    /// place.
    #[must_use]
    pub fn new(folder: &Path, target: &ObjectBox) -> Self {
        Self::with_limit(folder, target, limits::OBJECT_BYTES)
    }

    /// The box of one pairing: no object is large.
    #[must_use]
    pub fn for_pairing(folder: &Path, target: &ObjectBox) -> Self {
        Self::with_limit(folder, target, limits::PAIRING_OBJECT_BYTES)
    }

    fn with_limit(folder: &Path, target: &ObjectBox, object_bytes: usize) -> Self {
        let box_name = super::hexadecimal(target.id());
        Self { folder: folder.to_owned(), box_name, object_bytes, files: None, forged: Forged::new() }
    }

    /// Looks at the directory, once for all objects in it.
    fn look(&mut self, opened: &Opened) -> Result<&Files, TransportError> {
        let files = opened.files()?;
        // What is gone needs no memory.
        self.forged.retain(|file, _| {
            object_of(file).is_some_and(|name| {
                files.get(&name).is_some_and(|copies| *file == file_name(&name) || copies.contains(file))
            })
        });
        Ok(self.files.insert(files))
    }

    /// Reads a file that must hold this object, unless it did not and is as it was.
    fn read(&mut self, opened: &Opened, file: &str, name: &ObjectName) -> Result<Vec<u8>, TransportError> {
        let plain = opened.open_plain(file)?;
        let state = settled(&plain.metadata().map_err(failed)?);
        if state.is_some() && self.forged.get(file) == state.as_ref() {
            return Err(TransportError::Forged(format!("{file} holds still what it is not named after")));
        }
        let read = read_object(plain, name, self.object_bytes);
        match (&read, state) {
            (Err(TransportError::Forged(_)), Some(state)) if self.forged.len() < limits::LISTED_OBJECTS => {
                self.forged.insert(file.to_owned(), state);
            }
            _ => {}
        }
        read
    }

    /// The copies of an object as of the last look: whoever asks for many objects does not look for each.
    fn copies(&mut self, opened: &Opened, name: &ObjectName) -> Result<Vec<String>, TransportError> {
        if self.files.is_none() {
            self.look(opened)?;
        }
        Ok(self.files.as_ref().and_then(|files| files.get(name)).cloned().unwrap_or_default())
    }

    /// Opens the box's directory.
    ///
    /// # Errors
    /// [`TransportError::Absent`] where no device has put anything yet.
    fn open(&self) -> Result<Opened, TransportError> {
        let folder = self.open_folder()?;
        let directory = rustix::fs::openat(&folder, self.box_name.as_str(), DIRECTORY, Mode::empty());
        match directory {
            Ok(directory) => Ok(Opened { directory }),
            Err(Errno::NOENT) => Err(TransportError::Absent),
            Err(Errno::NOTDIR | Errno::LOOP) => Err(self.not_a_directory()),
            Err(error) => Err(failed(error.into())),
        }
    }

    fn open_or_make(&self) -> Result<Opened, TransportError> {
        match self.open() {
            Err(TransportError::Absent) => {
                let folder = self.open_folder()?;
                match rustix::fs::mkdirat(&folder, self.box_name.as_str(), Mode::RWXU) {
                    Ok(()) => sync(&folder)?,
                    // Another machine was faster.
                    Err(Errno::EXIST) => {}
                    Err(error) => return Err(failed(error.into())),
                }
                self.open()
            }
            opened => opened,
        }
    }

    /// The folder itself may be a link: its name comes from the person.
    fn open_folder(&self) -> Result<OwnedFd, TransportError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::openat(CWD, &self.folder, flags, Mode::empty()).map_err(|error| match error {
            Errno::NOENT => TransportError::Unreachable(format!("{} is not there", self.folder.display())),
            error => failed(error.into()),
        })
    }

    fn not_a_directory(&self) -> TransportError {
        let path = self.folder.join(&self.box_name);
        TransportError::Refused(format!("{} is not a directory", path.display()))
    }
}

/// A directory itself, not what a link names.
const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Transport for FolderTransport {
    fn kind(&self) -> &'static str {
        "folder"
    }

    fn list(&mut self, cursor: &Cursor) -> Result<Listing, TransportError> {
        let names: Vec<ObjectName> = match self.open() {
            Ok(opened) => self.look(&opened)?.keys().copied().collect(),
            Err(TransportError::Absent) => Vec::new(),
            Err(error) => return Err(error),
        };
        let now = state_of(&names);
        // A directory has no order to go on in: what changed is told as a whole.
        let names = if now == *cursor { Vec::new() } else { names };
        Ok(Listing { names, cursor: now })
    }

    fn get(&mut self, name: &ObjectName) -> Result<Vec<u8>, TransportError> {
        let opened = self.open()?;
        let mut result = Err(TransportError::Absent);
        if opened.plain(&file_name(name))? {
            result = self.read(&opened, &file_name(name), name);
        }
        if matches!(result, Err(TransportError::Absent | TransportError::Forged(_))) {
            for copy in self.copies(&opened, name)? {
                if let Ok(bytes) = self.read(&opened, &copy, name) {
                    return Ok(bytes);
                }
            }
        }
        result
    }

    fn put(&mut self, object: &[u8]) -> Result<ObjectName, TransportError> {
        super::fits(object.len() as u64, self.object_bytes)?;
        let name = ObjectName::of(object);
        let opened = self.open_or_make()?;
        if opened.plain(&file_name(&name))? && self.read(&opened, &file_name(&name), &name).is_ok() {
            // Who wrote it perhaps lost power before it was on the disk.
            opened.sync_file(&file_name(&name))?;
        } else {
            opened.write(&file_name(&name), object)?;
        }
        sync(&opened.directory)?;
        Ok(name)
    }

    fn wait(&mut self, cursor: &Cursor, limit: Duration) -> Result<(), TransportError> {
        let began = Instant::now();
        let mut pause = LOOK_FIRST;
        while self.list(cursor)?.cursor == *cursor {
            let left = limit.saturating_sub(began.elapsed());
            if left.is_zero() {
                break;
            }
            thread::sleep(pause.min(left));
            pause = (pause * 2).min(LOOK_LAST);
        }
        Ok(())
    }

    fn remove(&mut self, name: &ObjectName) -> Result<(), TransportError> {
        let opened = match self.open() {
            Err(TransportError::Absent) => return Ok(()),
            opened => opened?,
        };
        let copies = self.copies(&opened, name)?;
        for file in copies.into_iter().chain([file_name(name)]) {
            match rustix::fs::unlinkat(&opened.directory, file.as_str(), AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(Errno::ISDIR) => {
                    return Err(TransportError::Refused(format!("{file} is a directory")));
                }
                Err(error) => return Err(failed(error.into())),
            }
        }
        sync(&opened.directory)
    }
}

/// The directory of a box. All its files are named relative to it, so that nobody exchanges it below us.
struct Opened {
    directory: OwnedFd,
}

impl Opened {
    /// Every object that a file seems to hold, each once, in order; with the copies that a synchroniser made of it when
    /// two machines wrote it: `NAME (conflicted copy).p7m`.
    fn files(&self) -> Result<Files, TransportError> {
        let mut files = Files::new();
        self.each_file(|file, kind| {
            if file.starts_with(UNFINISHED) {
                return self.remove_abandoned(file);
            }
            let Some(name) = object_of(file) else { return };
            if !matches!(kind, FileType::RegularFile | FileType::Unknown) {
                return;
            }
            let copies = files.entry(name).or_default();
            if copies.len() < limits::FOLDER_COPIES && file != file_name(&name) {
                copies.push(file.to_owned());
            }
        })?;
        if files.len() > limits::LISTED_OBJECTS {
            return Err(TransportError::Forged(format!("{} objects in one box", files.len())));
        }
        Ok(files)
    }

    fn each_file(&self, mut each: impl FnMut(&str, FileType)) -> Result<(), TransportError> {
        // A descriptor of its own: the position in a directory belongs to the open file.
        let directory = rustix::fs::openat(&self.directory, ".", DIRECTORY, Mode::empty())
            .map_err(|error| failed(error.into()))?;
        let entries = Dir::new(directory).map_err(|error| failed(error.into()))?;
        for (index, entry) in entries.enumerate() {
            let entry = entry.map_err(|error| failed(error.into()))?;
            if index >= limits::FOLDER_ENTRIES {
                return Err(TransportError::Forged(format!(
                    "more than {} files in one box",
                    limits::FOLDER_ENTRIES
                )));
            }
            // What is not UTF-8 is none of ours.
            if let Ok(file) = entry.file_name().to_str() {
                each(file, entry.file_type());
            }
        }
        Ok(())
    }

    /// Whether a plain file has this name. A link, a pipe or a directory there is no object.
    fn plain(&self, file: &str) -> Result<bool, TransportError> {
        match rustix::fs::statat(&self.directory, file, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => Ok(FileType::from_raw_mode(found.st_mode) == FileType::RegularFile),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(failed(error.into())),
        }
    }

    /// Opens a plain file. Opening a pipe does not wait for its other end, and what was exchanged for a link since
    /// it was looked at is not followed.
    fn open_plain(&self, file: &str) -> Result<File, TransportError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened =
            rustix::fs::openat(&self.directory, file, flags, Mode::empty()).map_err(|error| match error {
                Errno::NOENT | Errno::LOOP => TransportError::Absent,
                error => failed(error.into()),
            })?;
        let opened = File::from(opened);
        if opened.metadata().map_err(failed)?.is_file() { Ok(opened) } else { Err(TransportError::Absent) }
    }

    fn sync_file(&self, file: &str) -> Result<(), TransportError> {
        self.open_plain(file)?.sync_all().map_err(failed)
    }

    /// Writes a file that appears whole: what has the name already and is not this object gives way.
    fn write(&self, file: &str, object: &[u8]) -> Result<(), TransportError> {
        let unfinished = unfinished_name()?;
        let written = self.write_whole(&unfinished, object).and_then(|()| {
            rustix::fs::renameat(&self.directory, unfinished.as_str(), &self.directory, file).map_err(
                |error| match error {
                    Errno::ISDIR | Errno::NOTEMPTY | Errno::EXIST => {
                        TransportError::Refused(format!("{file} is a directory"))
                    }
                    error => failed(error.into()),
                },
            )
        });
        if written.is_err() {
            // The cause is told, not what comes after it.
            let _ = rustix::fs::unlinkat(&self.directory, unfinished.as_str(), AtFlags::empty());
        }
        written
    }

    fn write_whole(&self, file: &str, object: &[u8]) -> Result<(), TransportError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&self.directory, file, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|error| failed(error.into()))?;
        let mut opened = File::from(opened);
        opened.write_all(object).map_err(failed)?;
        opened.sync_all().map_err(failed)
    }

    /// Removes what somebody was killed over.
    fn remove_abandoned(&self, file: &str) {
        let age = self
            .open_plain(file)
            .and_then(|file| file.metadata().and_then(|found| found.modified()).map_err(failed))
            .map(|modified| SystemTime::now().duration_since(modified).unwrap_or_default());
        if age.is_ok_and(|age| age > ABANDONED) {
            // The next listing tries again.
            let _ = rustix::fs::unlinkat(&self.directory, file, AtFlags::empty());
        }
    }
}

/// Reads a file that must hold this object.
fn read_object(file: File, name: &ObjectName, limit: usize) -> Result<Vec<u8>, TransportError> {
    super::fits(file.metadata().map_err(failed)?.len(), limit)?;
    let mut bytes = Vec::new();
    // It may grow while it is read.
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    super::fits(bytes.len() as u64, limit)?;
    name.check(&bytes)?;
    Ok(bytes)
}

fn sync(directory: &OwnedFd) -> Result<(), TransportError> {
    match rustix::fs::fsync(directory) {
        // Some file systems cannot make a name durable, and say so.
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        Err(error) => Err(failed(error.into())),
    }
}

fn file_name(name: &ObjectName) -> String {
    format!("{name}{SUFFIX}")
}

fn unfinished_name() -> Result<String, TransportError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| TransportError::Io(error.to_string()))?;
    Ok(format!("{UNFINISHED}{}", super::hexadecimal(&random)))
}

/// The object that a file of this name holds, if it is one of ours or a synchroniser's copy of one.
fn object_of(file: &str) -> Option<ObjectName> {
    let (name, rest) = file.split_at_checked(64)?;
    rest.ends_with(SUFFIX).then(|| ObjectName::from_hexadecimal(name))?
}

/// What tells that something came or went.
fn state_of(names: &[ObjectName]) -> Cursor {
    if names.is_empty() {
        return Cursor::default();
    }
    let mut digest = Sha256::new();
    names.iter().for_each(|name| digest.update(name.as_bytes()));
    Cursor(digest.finalize().to_vec())
}

/// What the system says, as a person needs it: is the folder gone, is it full, or is it broken?
fn failed(error: io::Error) -> TransportError {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOSPC | Errno::DQUOT) => TransportError::Quota,
        Some(Errno::NODEV | Errno::NXIO | Errno::STALE | Errno::NOTCONN | Errno::HOSTDOWN) => {
            TransportError::Unreachable(error.to_string())
        }
        // A stick that was pulled out while it was used.
        Some(Errno::IO) => {
            TransportError::Unreachable(format!("the folder cannot be read any more: {error}"))
        }
        _ => TransportError::Io(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
