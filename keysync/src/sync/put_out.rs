//! Telling devices that are out and have not heard of it.
//!
//! A revocation is said in the box that its author writes to. A device that was let in, or wrote, while it was made may
//! know older boxes alone, and would go on for ever as if it belonged to the account.

use std::collections::{BTreeMap, BTreeSet};

use super::ports::{Change, Parcel};
use super::state::{Sync, SyncError};
use crate::device::DeviceId;
use crate::log::{Body, EntryId, KeyId, Void};

/// What of a device came that was not known before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Word {
    Entry,
    Note,
}

/// The devices by whom something new was in a box.
pub(super) type Speakers = BTreeSet<(DeviceId, Word)>;

/// Additions that do not count, by the device.
type Voided = BTreeMap<DeviceId, (EntryId, Void)>;

impl Sync<'_> {
    /// Tells those speakers that are out: in the box where they were heard, by the entry that put them out and all before
    /// it. That they may know, and they learn nothing of what came after.
    ///
    /// Other devices that are out may read that box, too. So a note that was written before its device was put out is no
    /// reason: such ones lie in old boxes, and are read by whoever comes new.
    pub(super) fn tell_those_who_are_out(&mut self, heard: &[(KeyId, Speakers)]) -> Result<(), SyncError> {
        let is_in = |device: &DeviceId| self.told.live(device).is_some();
        let mut speakers = heard.iter().flat_map(|(_, speakers)| speakers);
        if !is_in(&self.me) || speakers.all(|(device, _)| is_in(device)) {
            return Ok(());
        }
        let voided = self.voided();
        for (secret, speakers) in heard {
            let reasons = speakers.iter().filter_map(|(device, word)| {
                let by = self.what_put_out(*device, &voided)?;
                (*word == Word::Entry || self.goes_on_after(device, &by)).then_some(by)
            });
            for by in reasons.collect::<BTreeSet<_>>() {
                self.say_all_of(&by, secret)?;
            }
        }
        Ok(())
    }

    fn voided(&self) -> Voided {
        let additions = self.told.void.iter().filter_map(|(id, void)| match &self.log.entry(id)?.body {
            Body::Add(added) => Some((added.device, (*id, *void))),
            _ => None,
        });
        additions.collect()
    }

    /// The entry without which a device would belong to the account: that put it out, or whoever let it in.
    fn what_put_out(&self, device: DeviceId, voided: &Voided) -> Option<EntryId> {
        let (mut device, mut asked) = (device, BTreeSet::new());
        while asked.insert(device) {
            if let Some(known) = self.told.devices.get(&device) {
                return known.revoked.map(|(by, _)| by);
            }
            let (addition, void) = voided.get(&device)?;
            let author = self.log.entry(addition)?.author.device()?;
            match void {
                Void::Revoked(by) | Void::RightTaken(by) => return Some(*by),
                // Where its author is out without the cut, it learns of that, and not of what the root said later.
                Void::CutOff(by) => {
                    let known = self.told.devices.get(&author).and_then(|author| author.revoked);
                    return Some(known.map_or(*by, |(by, _)| by));
                }
                Void::AdmissionVoid => device = author,
                _ => return None,
            }
        }
        None
    }

    /// Whether a device wrote its last note after it was put out, and did not know it.
    fn goes_on_after(&self, device: &DeviceId, by: &EntryId) -> bool {
        let (Some(note), Some(entry)) = (self.notes.get(device), self.log.entry(by)) else { return false };
        note.time > entry.time && !self.log.ancestors(&note.heads).contains(by)
    }

    /// Says an entry and all before it in the box of a log secret, where that was not done.
    fn say_all_of(&mut self, id: &EntryId, secret: &KeyId) -> Result<(), SyncError> {
        // What the root says comes without what is before it.
        let parents = self.log.entry(id).into_iter().flat_map(|entry| entry.parents.clone());
        let mut first: Vec<EntryId> = parents.collect();
        first.push(*id);
        let mut is_said = true;
        for id in &first {
            is_said &= self.saying(id, secret)?.is_none();
        }
        if is_said {
            return Ok(());
        }
        for id in self.log.ancestry(&[*id]) {
            if let Some(change) = self.saying(&id, secret)? {
                self.commit(vec![change])?;
            }
        }
        Ok(())
    }

    /// The change that says an entry in the box of a log secret; nothing where that had it.
    fn saying(&self, id: &EntryId, secret: &KeyId) -> Result<Option<Change>, SyncError> {
        let Some(signed) = self.store.signed_entry(id)? else { return Ok(None) };
        let change = self.outgoing(&Parcel::Entry(signed), secret)?;
        let is_there = matches!(&change, Change::Post { name, .. } if self.seen.contains(name));
        Ok((!is_there).then_some(change))
    }
}
