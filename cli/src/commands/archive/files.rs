//! A Maildir or a folder: each mail is a file, and stays one.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, Metadata, Permissions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, ErrorKind, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags, flock};

use super::outcome::{Outcome, Trouble};
use super::pool;
use super::progress::Progress;
use super::report::{Item, Reporter};
use super::task::Task;
use super::tree::{Kind, Mails, without_size};
use crate::failure::Failure;
use crate::files::{Temporary, exists, sync_directory};

/// Where the mails go.
pub(super) enum Target {
    /// Nowhere.
    None,
    /// Into a new archive.
    New(PathBuf),
    /// Each into its own place.
    InPlace {
        /// Where what was replaced is kept.
        backup: Option<PathBuf>,
    },
}

/// Names the command of a new archive that is not finished.
const MARKER: &str = ".cseal-archive";

/// Does the task with every mail.
pub(super) fn run(
    task: &Task,
    (input, kind): (&Path, Kind),
    target: &Target,
    identity: &str,
    reporter: &mut Reporter<'_>,
    progress: impl Fn(u64) -> Progress,
) -> Result<(), Failure> {
    let (mut total, mut names) = (0, Vec::new());
    for mail in Mails::of(input, kind)? {
        names.push(digest(&without_size(&mail?)));
        total += 1;
    }
    let claim = match target {
        Target::New(output) => Some(Claim::take(output, identity, kind)?),
        Target::None | Target::InPlace { .. } => None,
    };
    let folder = Folder { task, input, kind, target, shared: twice(names) };
    let mut touched = BTreeSet::new();
    let mut progress = progress(total);
    let work = |mail: PathBuf| {
        let worked = folder.one(&mail);
        (mail, worked)
    };
    pool::in_order(Mails::of(input, kind)?, work, |(mail, worked)| {
        reporter.add(&worked?)?;
        progress.add(1);
        touched.extend(mail.parent().map(Path::to_owned));
        Ok(())
    })?;
    drop(progress);
    for below in touched {
        let folder = match target {
            Target::None => break,
            Target::New(output) => output.join(below),
            Target::InPlace { .. } => input.join(below),
        };
        // Where no mail of a folder could be read, it was not made.
        if folder.is_dir() {
            sync_directory(&folder).map_err(|error| failed(&folder, &error))?;
        }
    }
    match claim {
        // Whoever imports a key runs the same command again for the mails that wanted it.
        Some(claim) if reporter.summary.troubles() == 0 => claim.give_up(),
        _ => Ok(()),
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::io(path.display().to_string(), error)
}

/// A new archive that this run alone writes to.
struct Claim {
    marker: PathBuf,
    _lock: File,
}

impl Claim {
    fn take(output: &Path, identity: &str, kind: Kind) -> Result<Self, Failure> {
        let marker = output.join(MARKER);
        let is_new = match make_folder(output) {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let mut entries = fs::read_dir(output).map_err(|error| failed(output, &error))?;
                entries.next().is_none()
            }
            Err(error) => return Err(failed(output, &error)),
        };
        if !is_new && fs::read_to_string(&marker).ok().as_deref() != Some(identity) {
            return Err(exists(output));
        }
        own_folder(output).map_err(|error| failed(output, &error))?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::open(&marker, flags, Mode::RUSR | Mode::WUSR);
        let mut file = file.map(File::from).map_err(|error| failed(&marker, &error.into()))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(Failure::unknown("busy", format!("{}: another run writes it", output.display())));
        }
        let written = file.write_all(identity.as_bytes()).and_then(|()| file.sync_all());
        written.map_err(|error| failed(&marker, &error))?;
        if kind == Kind::Maildir {
            for name in ["cur", "new", "tmp"] {
                existing_folder(&output.join(name)).map_err(|error| failed(output, &error))?;
            }
        }
        Ok(Self { marker, _lock: file })
    }

    fn give_up(self) -> Result<(), Failure> {
        fs::remove_file(&self.marker).map_err(|error| failed(&self.marker, &error))
    }
}

/// A folder for its owner alone, whatever the umask.
fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o700))
}

/// A folder that was there must be ours, and becomes ours alone.
fn own_folder(path: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_dir() {
        return Err(ErrorKind::NotADirectory.into());
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(ErrorKind::PermissionDenied.into());
    }
    fs::set_permissions(path, Permissions::from_mode(0o700))
}

fn existing_folder(path: &Path) -> io::Result<()> {
    match make_folder(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => own_folder(path),
        result => result,
    }
}

struct Folder<'f> {
    task: &'f Task,
    input: &'f Path,
    kind: Kind,
    target: &'f Target,
    /// Digests of names that several mails would have without their sizes.
    shared: BTreeSet<u64>,
}

/// What stands for a name: a name that is taken for another one keeps its size, and no harm is done.
fn digest(name: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// What is there more than once.
fn twice(mut names: Vec<u64>) -> BTreeSet<u64> {
    names.sort_unstable();
    names.array_windows().filter(|[one, next]| one == next).map(|[one, _]| *one).collect()
}

impl Folder<'_> {
    /// Does the task with one mail and writes what comes of it.
    fn one(&self, mail: &Path) -> Result<Item, Failure> {
        let path = self.input.join(mail);
        let place = mail.to_string_lossy().into_owned();
        let (mut file, metadata) = match open(&path) {
            Ok(opened) => opened,
            // Gone, or renamed because somebody read it; or not ours to read.
            Err(error) => {
                let outcome = Outcome::Trouble(Trouble::from(failed(&path, &error)));
                return Ok(Item { place, ..Item::from(outcome) });
            }
        };
        let item = match self.target {
            Target::None => Item::of(self.task, &mut file)?.0,
            Target::New(output) => self.written_anew(output, mail, &mut file, &metadata)?,
            Target::InPlace { backup } => {
                let (item, written) = Item::of(self.task, &mut file)?;
                if let Some(mut written) = written {
                    self.replace(mail, &mut written, &metadata, backup.as_deref())?;
                }
                item
            }
        };
        Ok(Item { place, ..item })
    }

    fn written_anew(
        &self,
        output: &Path,
        mail: &Path,
        file: &mut File,
        metadata: &Metadata,
    ) -> Result<Item, Failure> {
        let target = output.join(self.name(mail));
        let there = open(&target).ok();
        let is_there = there.is_some();
        if there.is_some_and(|(mut written, _)| self.task.is_done(&mut written)) {
            return Ok(Item::from(Outcome::Before));
        }
        let (item, mut written) = Item::of(self.task, file)?;
        let folder = target.parent().unwrap_or(output);
        if !folder.is_dir() {
            self.make_folders(output, mail).map_err(|error| failed(folder, &error))?;
        }
        let content: &mut dyn Seekable = match &mut written {
            Some(mail) => mail,
            None => file,
        };
        let hint = "the same command goes on where it was, once the cause is gone";
        write(content, &target, is_there, metadata, 0o600)
            .map_err(|error| failed(&target, &error).hint(hint))?;
        Ok(item)
    }

    /// The name of a mail that may have another size now. Where another file has that name, which a run
    /// that was killed leaves behind, or would have it, all keep theirs: no mail takes the place of another.
    fn name(&self, mail: &Path) -> PathBuf {
        if self.kind == Kind::Maildir {
            let name = without_size(mail);
            let is_free = || {
                !self.shared.contains(&digest(&name)) && fs::symlink_metadata(self.input.join(&name)).is_err()
            };
            if name == mail || is_free() {
                return name;
            }
        }
        mail.to_owned()
    }

    fn make_folders(&self, output: &Path, mail: &Path) -> io::Result<()> {
        let folder = mail.parent().unwrap_or(Path::new(""));
        let mut path = output.to_owned();
        for component in folder {
            path.push(component);
            existing_folder(&path)?;
        }
        if self.kind == Kind::Maildir {
            // The folders beside the one that was needed, and what marks a folder as one of a Maildir.
            let maildir = path.parent().unwrap_or(output);
            for name in ["cur", "new", "tmp"] {
                existing_folder(&maildir.join(name))?;
            }
            if maildir != output {
                fs::write(maildir.join("maildirfolder"), b"")?;
            }
        }
        Ok(())
    }

    /// Puts a mail that was checked into the place of another one: the new one is on the disk before the
    /// old one goes.
    fn replace(
        &self,
        mail: &Path,
        written: &mut dyn Seekable,
        metadata: &Metadata,
        backup: Option<&Path>,
    ) -> Result<(), Failure> {
        let old = self.input.join(mail);
        if let Some(backup) = backup {
            let kept = backup.join(mail);
            keep(&old, &kept).map_err(|error| failed(&kept, &error))?;
        }
        let new = self.input.join(self.name(mail));
        let mode = metadata.permissions().mode() & 0o777;
        write(written, &new, new == old, metadata, mode).map_err(|error| failed(&new, &error))?;
        if new != old {
            // A crash leaves both, never neither.
            sync_directory(new.parent().unwrap_or(self.input))
                .and_then(|()| fs::remove_file(&old))
                .map_err(|error| failed(&old, &error))?;
        }
        Ok(())
    }
}

/// What a mail is read from.
trait Seekable: io::Read + Seek {}
impl<T: io::Read + Seek> Seekable for T {}

fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok((file, metadata)) } else { Err(ErrorKind::InvalidInput.into()) }
}

/// A file with this content, that is there when all of it is on the disk. Its time is that of the mail,
/// which mail programs show.
fn write(
    content: &mut dyn Seekable,
    target: &Path,
    overwrite: bool,
    metadata: &Metadata,
    mode: u32,
) -> io::Result<()> {
    content.rewind()?;
    let mut temporary = Temporary::create(&working_folder(target))?;
    io::copy(content, &mut temporary)?;
    temporary.flush()?;
    let file = temporary.file();
    file.set_permissions(Permissions::from_mode(mode))?;
    if let Ok(modified) = metadata.modified() {
        file.set_modified(modified)?;
    }
    temporary.sync()?;
    temporary.persist(target, overwrite)
}

/// Where a file is written before it has its name: in a Maildir that is what `tmp` is for.
fn working_folder(target: &Path) -> PathBuf {
    let folder = target.parent().unwrap_or(Path::new("."));
    let tmp = folder.with_file_name("tmp");
    let is_maildir = folder.ends_with("cur") || folder.ends_with("new");
    if is_maildir && tmp.is_dir() { tmp } else { folder.to_owned() }
}

/// A second name, or a copy on another file system. One that is there from an earlier run stays.
fn keep(old: &Path, kept: &Path) -> io::Result<()> {
    if let Some(folder) = kept.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    match fs::hard_link(old, kept) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {
            let (mut file, metadata) = open(old)?;
            write(&mut file, kept, false, &metadata, 0o600)
        }
        result => result,
    }
}
