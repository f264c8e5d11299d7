//! A mail of the queue, opened; and, where it is worked on, locked.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use counterseal_core::time::Time;
use rustix::fs::{FlockOperation, flock};

use super::error::QueueError;
use super::file::Envelope;
use super::id::Id;
use super::log::{self, Event, Standing, Standings};
use super::message::Stored;
use super::unit::Unit;
use super::{Box, LISTED, Queue};

/// A mail as its file says, and how far it has come.
pub(crate) struct Mail {
    pub(crate) id: Id,
    pub(crate) place: Box,
    /// When it was committed.
    pub(crate) committed: Time,
    /// Why it is held.
    pub(crate) reason: Option<String>,
    /// Whether it waits for a key, and not for a person.
    pub(crate) waits: bool,
    /// Its copies, without their messages.
    pub(crate) units: Vec<Unit>,
    pub(super) standings: Standings,
    sizes: Vec<u64>,
    first_message: u64,
    path: PathBuf,
    log: PathBuf,
    file: Arc<File>,
}

impl Queue {
    /// The names in one box, oldest first. Files of other names are none of ours.
    ///
    /// # Errors
    /// [`QueueError::Io`].
    pub(crate) fn list(&self, place: Box) -> Result<Vec<Id>, QueueError> {
        let directory = self.directory.join(place.word());
        let entries = fs::read_dir(&directory).map_err(QueueError::at(&directory))?;
        let mut ids: Vec<Id> = entries
            .flatten()
            .filter_map(|entry| Id::parse(entry.file_name().to_str()?))
            .take(LISTED)
            .collect();
        ids.sort();
        Ok(ids)
    }

    /// Where a mail is.
    pub(crate) fn find(&self, id: &Id) -> Option<Box> {
        Box::ALL.into_iter().find(|place| self.path(*place, id).is_file())
    }

    /// Opens a mail to look at it: its messages are not read, nor checked.
    ///
    /// # Errors
    /// [`QueueError::Missing`], [`QueueError::Damaged`], [`QueueError::Io`].
    pub(crate) fn look_at(&self, place: Box, id: &Id) -> Result<Mail, QueueError> {
        let (path, file) = self.open_file(place, id)?;
        let (envelope, first) = Envelope::read_head(&path, &mut BufReader::new(&file))?;
        self.mail(place, id, path, file, envelope, first)
    }

    /// Opens a mail to work on it: nobody else does until it is dropped, and all of it was checked.
    ///
    /// # Errors
    /// As [`Queue::look_at`], and [`QueueError::Busy`].
    pub(crate) fn take(&self, place: Box, id: &Id) -> Result<Mail, QueueError> {
        let (path, file) = self.open_file(place, id)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| QueueError::Busy)?;
        // Whoever had it before may have ended with it.
        let (locked, named) = (file.metadata().map_err(QueueError::at(&path))?, fs::metadata(&path));
        if !named.is_ok_and(|named| (named.dev(), named.ino()) == (locked.dev(), locked.ino())) {
            return Err(QueueError::Missing);
        }
        let (envelope, first) = Envelope::read(&path, &mut BufReader::with_capacity(64 << 10, &file))?;
        self.mail(place, id, path, file, envelope, first)
    }

    fn open_file(&self, place: Box, id: &Id) -> Result<(PathBuf, File), QueueError> {
        let path = self.path(place, id);
        match super::open_regular(&path, OpenOptions::new().read(true)) {
            Ok(file) => Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(QueueError::Missing),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                Err(QueueError::Damaged(path, "it is no file"))
            }
            Err(error) => Err(QueueError::at(&path)(error)),
        }
    }

    fn mail(
        &self,
        place: Box,
        id: &Id,
        path: PathBuf,
        file: File,
        envelope: Envelope,
        first_message: u64,
    ) -> Result<Mail, QueueError> {
        let units = envelope
            .units()
            .ok_or_else(|| QueueError::Damaged(path.clone(), "its envelope has a bad value"))?;
        let log = path.with_extension("log");
        let mut standings = Standings::new(units.iter().map(|unit| unit.recipients.len()));
        log::read(&log, |event| standings.hear(event)).map_err(QueueError::at(&log))?;
        Ok(Mail {
            id: id.clone(),
            place,
            committed: Time::from_unix_seconds(envelope.committed),
            sizes: envelope.units.iter().map(|unit| unit.bytes).collect(),
            reason: envelope.reason,
            waits: envelope.waits,
            units,
            standings,
            first_message,
            path,
            log,
            file: Arc::new(file),
        })
    }
}

impl Mail {
    /// Bytes of all its copies.
    pub(crate) fn bytes(&self) -> u64 {
        self.sizes.iter().sum()
    }

    /// The message of one copy.
    pub(crate) fn message(&self, unit: usize) -> Stored {
        let before: u64 = self.sizes.iter().take(unit).sum();
        let size = self.sizes.get(unit).copied().unwrap_or_default();
        // The sizes were checked against the limits, and the file against the sizes.
        Stored::new(Arc::clone(&self.file), self.first_message + before, size)
    }

    /// How the recipients of one copy stand.
    pub(super) fn standing(&self, unit: usize) -> &[Standing] {
        self.standings.unit(unit)
    }

    /// Makes sure that what happens next can be noted.
    ///
    /// # Errors
    /// [`QueueError::Full`]. The one recipient of a mail needs no note: who has it has all of it, and it is removed.
    pub(super) fn make_room(&self) -> Result<(), QueueError> {
        let made = log::make_room(&self.log).map_err(QueueError::at(&self.log));
        if self.standings.all().count() > 1 { made } else { Ok(()) }
    }

    /// Notes what happened, on the disk first.
    pub(super) fn note(&mut self, event: &Event) -> Result<(), QueueError> {
        // In memory in any case: within this run nobody gets a second copy because a disk is full.
        self.standings.hear(event);
        log::append(&self.log, event).map_err(QueueError::at(&self.log))
    }

    /// Ends it: all was sent, or somebody dropped it.
    pub(crate) fn remove(self) -> Result<(), QueueError> {
        fs::remove_file(&self.path).map_err(QueueError::at(&self.path))?;
        // A log without its mail means nothing; a mail without its log would be sent again.
        let _ = fs::remove_file(&self.log);
        Ok(())
    }

    /// Puts it among those that failed.
    pub(super) fn fail(self, queue: &Queue) -> Result<(), QueueError> {
        let target = queue.path(Box::Failed, &self.id);
        fs::rename(&self.path, &target).map_err(QueueError::at(&target))?;
        // Should this be missed, the next sweep does it.
        let _ = fs::rename(&self.log, target.with_extension("log"));
        Ok(())
    }
}
