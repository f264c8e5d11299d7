//! One round over all places.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use counterseal_core::time::{DAY, Time};

use super::ports::Ways;
use super::pull::Pulled;
use super::report::{Alarm, Report};
use super::state::{Sync, SyncError};
use crate::device::DeviceId;
use crate::log::{EntryId, KeyId, Void};
use crate::transport::{Cursor, ObjectName, Transport};

/// How often a round looks into boxes whose secrets came in the same round.
const PASSES: usize = 4;
/// How long a place may take to show what another one showed already.
const HELD_BACK_SECONDS: i64 = DAY;

/// Open ways, by place and log secret.
type Open = BTreeMap<(String, KeyId), Box<dyn Transport>>;

impl Sync<'_> {
    /// Pulls from every place, does what follows, and posts what is due.
    ///
    /// # Errors
    /// [`SyncError`], where the store or the keys of this device do not go on. A place that fails is in the report.
    pub fn round(&mut self, ways: &mut dyn Ways, now: Time) -> Result<Report, SyncError> {
        let mut report = Report::default();
        if self.pinned.iter().any(|id| self.log.entry(id).is_none()) {
            report.alarm(Alarm::LogShrank);
        }
        let void_before: HashSet<EntryId> = self.told.void.keys().copied().collect();
        let (places, again) = (ways.places(), self.beacon_is_due(now));
        self.leave(&places)?;
        let mut open = Open::new();
        let (mut to_fill, mut heard, mut settled) = (Vec::new(), Vec::new(), Ok(()));
        for _ in 0..PASSES {
            let new: Vec<KeyId> =
                self.boxes().into_iter().filter(|id| !open.keys().any(|(_, secret)| secret == id)).collect();
            for (place, secret) in
                places.iter().flat_map(|place| new.iter().map(move |secret| (place, *secret)))
            {
                let Some(mut transport) = self.way(ways, place, &secret, &mut report)? else { continue };
                let is_new = self
                    .cursors
                    .get(&(place.clone(), secret))
                    .is_none_or(|cursor| *cursor == Cursor::default());
                if let Some(Pulled { listed, speakers }) =
                    self.pull(place, &secret, &mut *transport, again, &mut report)?
                {
                    to_fill.extend((is_new || again).then_some((secret, listed)));
                    heard.push((secret, speakers));
                }
                open.insert((place.clone(), secret), transport);
            }
            settled = self.settle(now, &mut report);
            if settled.is_err() || new.is_empty() {
                break;
            }
        }
        self.tell_those_who_are_out(&heard)?;
        let filled = self.fill_all(to_fill, now)?;
        self.speak(now, filled)?;
        for ((place, secret), transport) in &mut open {
            self.push(place, secret, &mut **transport, &mut report)?;
        }
        // What was written before goes out all the same: a revocation, say.
        settled?;
        self.finish_posted(&places)?;
        report.waiting = self.outgoing.len();
        report.incomplete = self.told.waiting.len();
        self.raise(&void_before, now, &mut report);
        Ok(report)
    }

    /// What goes out while a place is not configured never comes there by itself: should it be again, it is a new one.
    fn leave(&mut self, places: &[String]) -> Result<(), SyncError> {
        let read = self.cursors.iter().filter(|(_, cursor)| **cursor != Cursor::default());
        let left: BTreeSet<String> =
            read.map(|((place, _), _)| place).filter(|place| !places.contains(place)).cloned().collect();
        left.iter().try_for_each(|place| self.begin_anew(place))
    }

    /// Says whether there was anything to fill.
    fn fill_all(&mut self, to_fill: Vec<(KeyId, HashSet<ObjectName>)>, now: Time) -> Result<bool, SyncError> {
        let writing = self.writing()?;
        let mut filled = false;
        let to_fill = to_fill.into_iter().filter(|(secret, _)| *secret == writing);
        for (_, listed) in to_fill {
            filled = true;
            self.fill(&writing, &listed, now)?;
        }
        Ok(filled)
    }

    /// Devices that are out by the word of another one that is out itself, and that whoever put that one out had not
    /// heard of: which of the two is the stolen one, only a person or the root can say.
    fn disputed(&self) -> Vec<(DeviceId, DeviceId)> {
        let mut disputed = Vec::new();
        for (id, device) in &self.told.devices {
            let Some((revocation, _)) = device.revoked else { continue };
            let by = self.log.entry(&revocation).and_then(|entry| entry.author.device());
            let Some(by) = by.filter(|by| by != id) else { continue };
            let theirs = self.told.devices.get(&by).and_then(|device| device.revoked);
            if theirs.is_some_and(|(theirs, _)| !self.log.ancestors(&[theirs]).contains(&revocation)) {
                disputed.push((*id, by));
            }
        }
        disputed
    }

    fn raise(&self, void_before: &HashSet<EntryId>, now: Time, report: &mut Report) {
        let policy = self.told.policy;
        for (id, device) in self.told.live_devices().filter(|(id, _)| **id != self.me) {
            let note = self.notes.get(id);
            // A clock that runs ahead does not keep a device from being missed.
            let since = note.map_or(device.added, |note| note.time).min(now);
            if since.plus_days(i64::from(policy.beacon_days)) < now {
                report.alarm(Alarm::Missing { device: *id, since });
            }
            let unknown =
                note.map_or(0, |note| note.heads.iter().filter(|id| self.log.entry(id).is_none()).count());
            if unknown > 0 && since.plus_seconds(HELD_BACK_SECONDS) < now {
                report.alarm(Alarm::HeldBack { device: *id, entries: unknown });
            }
        }
        let disputed = self.disputed();
        for (id, void) in self.told.void.iter().filter(|(id, _)| !void_before.contains(*id)) {
            let entry = self.log.entry(id);
            let author = entry.and_then(|entry| entry.author.device());
            let author = author.filter(|author| !disputed.iter().any(|(device, _)| device == author));
            if let (Some(author), Void::Revoked(_) | Void::AdmissionVoid | Void::CutOff(_)) = (author, void) {
                report.alarm(Alarm::Intruder(author));
            }
        }
        for (device, by) in disputed {
            report.alarm(Alarm::Disputed { device, by });
        }
        let had_keys = self.told.keys.iter().any(|key| key.announced.purpose.opens_mail());
        if self.told.live(&self.me).is_none() {
            // What is advertised without it is no concern of such a device.
            report.alarm(Alarm::PutOut);
        } else if had_keys && self.told.current_mail_key().is_none() {
            report.alarm(Alarm::NoKey);
        }
    }
}
