//! The spools: `/var/spool/counterseal/UID`, each the directory of one user alone.

use std::collections::BTreeSet;
use std::fs::{self, DirEntry};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use counterseal_core::limits;
use nix::unistd::{Gid, Uid, User, setgroups};

use super::{Acting, SPOOLS, users};
use crate::failure::Failure;
use crate::queue::{Queue, QueueError};

/// Whoever may write in the folder may not remove what others have there.
const STICKY: u32 = 0o1000;
const OTHERS_WRITE: u32 = 0o022;
/// The group of files in the spool of a user whom the system does not know any more: nobody's.
const NO_GROUP: u32 = 65_534;

/// The spool of the user who calls, made where it is missing.
///
/// # Errors
/// [`QueueError::Unsafe`] where it is somebody else's, or the folder of all is not as it must be.
pub(crate) fn own() -> Result<Queue, QueueError> {
    check_folder()?;
    Queue::open(&path(nix::unistd::geteuid().as_raw()))
}

/// Has root work in the spool of a user, with that user's rights.
///
/// # Errors
/// As [`own`], and `not-root`.
pub(crate) fn enter(user: u32) -> Result<(Queue, Acting), Failure> {
    let acting = act_for(user)?;
    Ok((Queue::open_of(&path(user), user)?, acting))
}

/// Drops the groups of root, and its rights with files.
fn act_for(user: u32) -> Result<Acting, Failure> {
    let refused = |error: &dyn std::fmt::Display| {
        Failure::unknown("not-root", format!("the rights of user {user} cannot be taken on: {error}"))
    };
    setgroups(&[]).map_err(|error| refused(&error))?;
    let known = User::from_uid(Uid::from_raw(user)).ok().flatten();
    let group = known.map_or(Gid::from_raw(NO_GROUP), |known| known.gid);
    Acting::of(user, group.as_raw()).map_err(|error| refused(&error))
}

/// What lies in the folder of the spools.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The users who have a spool, by their numbers, and some in whose names others made one.
    pub(crate) users: Vec<u32>,
    /// Some names of what else lies there.
    pub(crate) others: Vec<String>,
    /// How much more there is that is not looked at.
    pub(crate) more: usize,
}

/// What lies in the folder. Nothing in the spools is looked at: that is for those who act for their owners.
///
/// Everybody may make folders there, in whatever number: they take the place of nobody's spool.
///
/// # Errors
/// As [`own`].
pub(crate) fn all() -> Result<Found, QueueError> {
    check_folder()?;
    let folder = Path::new(SPOOLS);
    let (mut found, mut own, mut foreign) = (Found::default(), Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(QueueError::at(folder))?.flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.parse::<u32>().ok());
        match number.filter(|number| number.to_string() == name.to_string_lossy()) {
            Some(number) if is_of(number, &entry) => own.push(number),
            Some(number) if foreign.len() < limits::FALSE_SPOOLS => foreign.push(number),
            None if found.others.len() < limits::FALSE_SPOOLS => {
                found.others.push(name.to_string_lossy().into_owned());
            }
            Some(_) | None => found.more += 1,
        }
    }
    found.more += own.len().saturating_sub(limits::SPOOLS);
    found.users = known_first(own);
    found.users.truncate(limits::SPOOLS);
    found.users.extend(foreign);
    found.users.sort_unstable();
    Ok(found)
}

/// Whoever has many numbers (subuid(5)) may have many spools: those of the machine's users go first.
fn known_first(mut numbers: Vec<u32>) -> Vec<u32> {
    if numbers.len() > limits::SPOOLS {
        let known: BTreeSet<u32> =
            users::all().unwrap_or_default().into_iter().map(|user| user.number).collect();
        numbers.sort_unstable_by_key(|number| (!known.contains(number), *number));
    }
    numbers
}

fn is_of(user: u32, entry: &DirEntry) -> bool {
    entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == user)
}

fn path(user: u32) -> PathBuf {
    Path::new(SPOOLS).join(user.to_string())
}

fn check_folder() -> Result<(), QueueError> {
    let folder = Path::new(SPOOLS);
    let found = fs::symlink_metadata(folder).map_err(QueueError::at(folder))?;
    let wrong = |what| Err(QueueError::Unsafe(folder.to_owned(), what));
    if !found.is_dir() {
        return wrong("is no directory");
    }
    if found.uid() != 0 {
        return wrong("does not belong to root");
    }
    if found.mode() & OTHERS_WRITE != 0 && found.mode() & STICKY == 0 {
        return wrong("lets users remove the spools of others (its mode must be 1733)");
    }
    Ok(())
}
