//! Mail that was accepted and is not sent yet (`docs/formats/queue.md`): one directory, no daemon.
//!
//! A mail is committed by one rename, whatever number of copies it has: a crash before it leaves nothing,
//! after it everything. What is in the queue is what goes over the wire, so no later try can send less
//! protected mail than was committed.

mod error;
mod file;
mod flush;
mod id;
mod log;
mod mail;
mod message;
mod report;
mod schedule;
mod servers;
mod unit;
mod waiting;

pub(crate) use error::QueueError;
pub(crate) use flush::{Delivery, Flusher, Summary, Which, flush_soon, remember_and_flush_soon, send_now};
pub(crate) use id::Id;
pub(crate) use mail::Mail;
pub(crate) use message::{Message, Stored};
pub(crate) use servers::Rest;
pub(crate) use unit::{Addressed, Held, Notify, Recipient, Requires, ReturnContent, Unit};

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use counterseal_core::limits;
use counterseal_core::time::Time;
use rustix::fs::{FlockOperation, OFlags, flock};

use file::Envelope;

use crate::failure::Failure;
use crate::places;
use crate::system::{Scope, spools};

/// Where a mail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Box {
    /// To be sent.
    New,
    /// Refused by the policy, or waiting for a key.
    Held,
    /// Some recipients will never get it.
    Failed,
}

impl Box {
    /// All of them, in the order in which they are listed.
    pub(crate) const ALL: [Self; 3] = [Self::New, Self::Held, Self::Failed];

    /// The name of its directory, and in JSON.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Held => "held",
            Self::Failed => "failed",
        }
    }
}

/// Names in one directory that are looked at: a log beside each mail, and room for those of a queue that was full.
const LISTED: usize = 4 * limits::QUEUE_MAILS;
const TMP: &str = "tmp";
const SERVERS: &str = "servers";
/// Seconds after which a temporary file that nobody holds is removed.
const ABANDONED_SECONDS: u64 = 3600;

/// The queue of one user.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    directory: PathBuf,
}

impl Queue {
    /// The queue in a directory, which is made where it is missing.
    ///
    /// # Errors
    /// [`QueueError::Unsafe`] where others could read or write it, [`QueueError::Full`] and [`QueueError::Io`] of the system.
    pub(crate) fn open(directory: &Path) -> Result<Self, QueueError> {
        Self::open_of(directory, rustix::process::geteuid().as_raw())
    }

    /// The same for somebody else, by whoever acts for them.
    ///
    /// # Errors
    /// As [`Queue::open`].
    pub(crate) fn open_of(directory: &Path, owner: u32) -> Result<Self, QueueError> {
        let names = Box::ALL.map(Box::word).into_iter().chain([TMP, SERVERS]);
        for path in [directory.to_owned()].into_iter().chain(names.map(|name| directory.join(name))) {
            DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(QueueError::at(&path))?;
            check(&path, owner)?;
        }
        Ok(Self { directory: directory.to_owned() })
    }

    /// The queue of this user: their own, or their spool on a machine that sends for them.
    ///
    /// # Errors
    /// As [`Queue::open`], and `no-home`.
    pub(crate) fn of_user() -> Result<Self, Failure> {
        match Scope::of_caller()? {
            Scope::Person => Ok(Self::open(&places::state()?.join("queue"))?),
            Scope::System => Ok(spools::own()?),
        }
    }

    /// Takes all copies of one mail, or none of them. When this returns, they are on the disk.
    ///
    /// # Errors
    /// [`QueueError`]; then nothing of it is in the queue, and nothing of it will be sent.
    pub(crate) fn commit(&self, copies: &[Addressed], now: Time) -> Result<Id, QueueError> {
        self.put(Box::New, &Envelope::of(copies, now, None), copies)
    }

    /// Keeps a mail that is not sent, sealed to its sender, with the reason.
    ///
    /// # Errors
    /// As [`Queue::commit`].
    pub(crate) fn hold(&self, held: &Held, now: Time) -> Result<Id, QueueError> {
        let copies = std::slice::from_ref(&held.mail);
        self.put(Box::Held, &Envelope::of(copies, now, Some((&held.reason, held.waits))), copies)
    }

    fn put(&self, place: Box, envelope: &Envelope, copies: &[Addressed]) -> Result<Id, QueueError> {
        envelope.check()?;
        if copies.iter().any(|copy| !copy.message.is_canonical()) {
            return Err(QueueError::Malformed("it has a bare CR or LF, or a NUL"));
        }
        // What could not be read back would be taken, and never sent.
        if envelope.units().is_none() {
            return Err(QueueError::Malformed("its envelope has a value that SMTP cannot carry"));
        }
        self.check_quota(place, envelope.message_bytes())?;
        let id = Id::new(envelope.committed);
        let temporary = self.directory.join(TMP).join(id.as_str());
        let target = self.path(place, &id);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary);
        let file = file.map_err(QueueError::at(&temporary))?;
        let log = target.with_extension("log");
        // What becomes of it can be noted even when the disk is full by then.
        let room = if place == Box::New { log::make_room(&log) } else { Ok(()) };
        let written = room.and_then(|()| self.write_and_rename(&file, &temporary, &target, envelope, copies));
        written.map_err(|error| {
            // Whoever is told that it was not taken must never see it sent. The file's lock is held until here.
            for left in [&temporary, &target, &log] {
                let _ = fs::remove_file(left);
            }
            QueueError::at(&target)(error)
        })?;
        Ok(id)
    }

    fn write_and_rename(
        &self,
        file: &File,
        temporary: &Path,
        target: &Path,
        envelope: &Envelope,
        copies: &[Addressed],
    ) -> io::Result<()> {
        // Says that somebody is still writing; it goes along with the rename and ends with the file.
        flock(file, FlockOperation::NonBlockingLockExclusive)?;
        let mut writer = BufWriter::with_capacity(64 << 10, file);
        envelope.write(&mut writer, copies)?;
        writer.flush()?;
        drop(writer);
        file.sync_all()?;
        fs::rename(temporary, target)?;
        target.parent().map_or(Ok(()), sync)
    }

    fn check_quota(&self, place: Box, bytes: u64) -> Result<(), QueueError> {
        // What is kept in case somebody wants it takes no place that is needed for what is sent: a form on the web lets
        // strangers write mail that is refused, as often as they like.
        let parts = if place == Box::Held { 2 } else { 1 };
        let (mut mails, mut total) = (0_usize, bytes);
        for place in Box::ALL {
            let directory = self.directory.join(place.word());
            for entry in fs::read_dir(&directory).map_err(QueueError::at(&directory))?.flatten() {
                mails += usize::from(entry.path().extension().is_none());
                total = total.saturating_add(entry.metadata().map_or(0, |found| found.len()));
            }
        }
        if mails >= limits::QUEUE_MAILS / parts || total > limits::QUEUE_BYTES / parts as u64 {
            return Err(QueueError::Quota { mails, bytes: total });
        }
        Ok(())
    }

    /// Throws a mail away, wherever it is.
    ///
    /// # Errors
    /// [`QueueError::Missing`], [`QueueError::Busy`] while it is being sent.
    pub(crate) fn discard(&self, id: &Id) -> Result<(), QueueError> {
        let place = self.find(id).ok_or(QueueError::Missing)?;
        match self.take(place, id) {
            Ok(mail) => mail.remove(),
            // A damaged one can be thrown away too.
            Err(QueueError::Damaged(path, _)) => {
                let _ = fs::remove_file(path.with_extension("log"));
                fs::remove_file(&path).map_err(QueueError::at(&path))
            }
            Err(error) => Err(error),
        }
    }

    /// How long the server of an account is left in peace, and why.
    pub(crate) fn rest(&self, account: &str) -> Option<Rest> {
        Rest::read(&self.servers(), account)
    }

    fn servers(&self) -> PathBuf {
        self.directory.join(SERVERS)
    }

    fn entries(&self, directory: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.directory.join(directory));
        entries.into_iter().flatten().flatten().map(|entry| entry.path()).take(LISTED).collect()
    }

    fn path(&self, place: Box, id: &Id) -> PathBuf {
        self.directory.join(place.word()).join(id.as_str())
    }
}

/// Whether the writer of a temporary file is dead: nobody holds it, and it is too old for one who was about to.
fn is_abandoned(path: &Path) -> bool {
    let Ok(file) = open_regular(path, OpenOptions::new().read(true)) else { return false };
    let age =
        file.metadata().ok().and_then(|found| found.modified().ok()).and_then(|time| time.elapsed().ok());
    age.is_some_and(|age| age.as_secs() > ABANDONED_SECONDS)
        && flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
}

/// Opens a file that is one: no link is followed, and a named pipe keeps nobody waiting.
fn open_regular(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
    let file = options.custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

/// A directory of ours, that nobody else can read or write.
fn check(path: &Path, owner: u32) -> Result<(), QueueError> {
    let found = fs::symlink_metadata(path).map_err(QueueError::at(path))?;
    if !found.is_dir() {
        return Err(QueueError::Unsafe(path.to_owned(), "is no directory"));
    }
    if found.uid() != owner {
        return Err(QueueError::Unsafe(path.to_owned(), "belongs to another user"));
    }
    if found.mode() & 0o077 != 0 {
        return Err(QueueError::Unsafe(path.to_owned(), "is open to others (its mode must be 0700)"));
    }
    Ok(())
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Read;

    use counterseal_core::address::EmailAddress;

    use super::*;

    fn copy(message: &[u8]) -> Addressed {
        let unit = Unit {
            account: "work".to_owned(),
            sender: None,
            recipients: vec![Recipient::new(EmailAddress::parse("bob@example.org").unwrap())],
            message_id: "<1@example.org>".to_owned(),
            requires: Requires::default(),
            return_content: None,
            envelope_id: None,
        };
        let message = Message::written(|output| output.write_all(message), |error| error).unwrap();
        Addressed { unit, message }
    }

    #[test]
    fn what_was_taken_is_read_back_with_each_of_its_copies() {
        let directory = tempfile::tempdir().unwrap();
        let queue = Queue::open(&directory.path().join("queue")).unwrap();
        let id = queue.commit(&[copy(b"a\r\n"), copy(b"bc\r\n")], Time::from_unix_seconds(7)).unwrap();
        assert_eq!(queue.list(Box::New).unwrap(), std::slice::from_ref(&id));
        let mail = queue.take(Box::New, &id).unwrap();
        for (place, expected) in [(0, "a\r\n"), (1, "bc\r\n")] {
            let mut message = String::new();
            mail.message(place).reader().read_to_string(&mut message).unwrap();
            assert_eq!(message, expected);
        }
        assert!(matches!(queue.take(Box::New, &id), Err(QueueError::Busy)));
    }

    #[test]
    fn what_could_not_be_sent_or_read_back_is_not_taken() {
        let directory = tempfile::tempdir().unwrap();
        let queue = Queue::open(&directory.path().join("queue")).unwrap();
        let now = Time::from_unix_seconds(7);
        for message in [&b"a\n.\nb\r\n"[..], b"a\rb\r\n", b"a\0\r\n", b"a\r", b"\r\r\n"] {
            assert!(
                matches!(queue.commit(&[copy(message)], now), Err(QueueError::Malformed(_))),
                "{message:?}"
            );
        }
        let mut injected = copy(b"a\r\n");
        injected.unit.envelope_id = Some("x\r\nRSET".to_owned());
        assert!(matches!(queue.commit(&[injected], now), Err(QueueError::Malformed(_))));
        let mut nobody = copy(b"a\r\n");
        nobody.unit.recipients.clear();
        assert!(queue.commit(&[nobody], now).is_err() && queue.commit(&[], now).is_err());
        assert!(queue.list(Box::New).unwrap().is_empty());
    }
}
