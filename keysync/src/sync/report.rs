//! What a round of the loop did, and what a person has to hear of.

use std::collections::BTreeSet;

use counterseal_core::time::Time;

use crate::device::DeviceId;
use crate::log::{EntryId, KeyId};
use crate::transport::TransportError;

/// What a round did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries that were new.
    pub entries: usize,
    /// Notes that were new.
    pub notes: usize,
    /// Keys that were taken in.
    pub imported: Vec<KeyId>,
    /// Entries that wait for others, which did not come.
    pub incomplete: usize,
    /// Objects that were not what they should be, or nothing that this account needs.
    pub refused: usize,
    /// Keys that were packed again for a device that misses them.
    pub repaired: Vec<(DeviceId, KeyId)>,
    /// Certificates that were issued for a writer: the entries that asked.
    pub answered: Vec<EntryId>,
    /// Objects that were posted, to however many places.
    pub posted: usize,
    /// What is to be posted yet.
    pub waiting: usize,
    /// Places that did not do what they should.
    pub troubles: Vec<(String, TransportError)>,
    /// Places where the others find nothing new.
    pub closed: Closed,
    /// What a person has to hear of.
    pub alarms: Vec<Alarm>,
}

/// Places where nothing can be left for the others now, by the box that is written to. An older box says nothing of its
/// place: a device that was put out can fill it, or break it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// Not reached, or nobody is let in.
    pub unreached: BTreeSet<String>,
    /// Without room.
    pub full: BTreeSet<String>,
    /// Whether the box that is looked at is the one that is written to.
    is_current: bool,
}

/// What a person has to hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// A device has said nothing for longer than it may.
    Missing {
        /// Which one.
        device: DeviceId,
        /// When it last did, or was added.
        since: Time,
    },
    /// Two notes of a device have the same number, or this device meets notes of its own that it did not write: its
    /// disk was copied, or put back to an earlier state.
    Cloned(DeviceId),
    /// A device knows less of the log than it did: it was put back to an earlier state, or shown another log.
    WentBack(DeviceId),
    /// A device names entries that no place has shown to this one for a day: somebody holds them back.
    HeldBack {
        /// Which device.
        device: DeviceId,
        /// How many entries.
        entries: usize,
    },
    /// This device's own log lacks entries that it had.
    LogShrank,
    /// Somebody signed an entry that cannot count any more, after it was put out: a stolen device is at work.
    Intruder(DeviceId),
    /// A device is out by the word of another one that is out, too: one of them is stolen.
    Disputed {
        /// The device.
        device: DeviceId,
        /// The one that put it out.
        by: DeviceId,
    },
    /// This device was put out: nothing is sealed for it any more.
    PutOut,
    /// No key is advertised any more: an admin has to make one, or the root to speak.
    NoKey,
    /// The log has as many entries as it may have.
    LogFull,
}

impl Alarm {
    /// The word in JSON.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "device-missing",
            Self::Cloned(_) => "device-cloned",
            Self::WentBack(_) => "device-went-back",
            Self::HeldBack { .. } => "entries-held-back",
            Self::LogShrank => "log-shrank",
            Self::Intruder(_) => "intruder",
            Self::Disputed { .. } => "disputed",
            Self::PutOut => "put-out",
            Self::NoKey => "no-key",
            Self::LogFull => "log-full",
        }
    }

    /// The device that it is about.
    #[must_use]
    pub const fn device(&self) -> Option<DeviceId> {
        match self {
            Self::Missing { device, .. }
            | Self::HeldBack { device, .. }
            | Self::Disputed { device, .. }
            | Self::Cloned(device)
            | Self::WentBack(device)
            | Self::Intruder(device) => Some(*device),
            Self::LogShrank | Self::PutOut | Self::NoKey | Self::LogFull => None,
        }
    }
}

impl Report {
    /// Another box is looked at: troubles are of that one from now on.
    pub(super) fn look_at(&mut self, is_current: bool) {
        self.closed.is_current = is_current;
    }

    pub(super) fn trouble(&mut self, place: &str, error: TransportError) {
        self.closed.note(place, &error);
        // One of a kind says enough, though a place has many boxes; and a hostile one has many kinds.
        let trouble = (place.to_owned(), error);
        let of_place = self.troubles.iter().filter(|(other, _)| other == place).count();
        if of_place < 10 && !self.troubles.contains(&trouble) {
            self.troubles.push(trouble);
        }
    }

    pub(super) fn alarm(&mut self, alarm: Alarm) {
        if !self.alarms.contains(&alarm) {
            self.alarms.push(alarm);
        }
    }
}

impl Closed {
    fn note(&mut self, place: &str, error: &TransportError) {
        if !self.is_current {
            return;
        }
        match error {
            TransportError::Unreachable(_) | TransportError::Refused(_) | TransportError::Io(_) => {
                self.unreached.insert(place.to_owned());
            }
            TransportError::Quota => {
                self.full.insert(place.to_owned());
            }
            _ => {}
        }
    }

    /// A box that came after the one that was written to is in its place now.
    pub(super) fn begin(&mut self, place: &str) {
        self.unreached.remove(place);
        self.full.remove(place);
    }
}
