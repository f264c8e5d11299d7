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
    Entry(EntryId),
    Note,
}

/// The devices by whom something new was in a box.
pub(super) type Speakers = BTreeSet<(DeviceId, Word)>;

/// Additions that do not count, by the device.
type Voided = BTreeMap<DeviceId, Vec<(EntryId, Void)>>;

impl Sync<'_> {
    /// Tells those speakers that are out: in the box where they were heard, by the entry that put them out and all before
    /// it. That they may know, and they learn nothing of what came after.
    ///
    /// Other devices that are out may read that box, too. So what was written before its device was put out is no reason:
    /// such notes and entries lie in old boxes, and are read by whoever comes new or slept.
    pub(super) fn tell_those_who_are_out(&mut self, heard: &[(KeyId, Speakers)]) -> Result<(), SyncError> {
        let is_in = |device: &DeviceId| self.told.live(device).is_some();
        let mut speakers = heard.iter().flat_map(|(_, speakers)| speakers);
        if !is_in(&self.me) || speakers.all(|(device, _)| is_in(device)) {
            return Ok(());
        }
        let voided = self.voided();
        for (secret, speakers) in heard {
            let mut words: BTreeMap<DeviceId, Vec<Word>> = BTreeMap::new();
            speakers.iter().for_each(|(device, word)| words.entry(*device).or_default().push(*word));
            let mut reasons = BTreeSet::new();
            for (device, words) in words {
                for by in self.what_put_out(device, &voided).difference(&reasons.clone()) {
                    let before = self.log.ancestors(&[*by]);
                    if words.iter().any(|word| self.is_unaware(&device, *word, by, &before)) {
                        reasons.insert(*by);
                    }
                }
            }
            for by in reasons {
                self.say_all_of(&by, secret)?;
            }
        }
        Ok(())
    }

    fn voided(&self) -> Voided {
        let mut voided = Voided::new();
        for (id, void) in &self.told.void {
            if let Some(Body::Add(added)) = self.log.entry(id).map(|entry| &entry.body) {
                voided.entry(added.device).or_default().push((*id, *void));
            }
        }
        voided
    }

    /// The entries without which a device would belong to the account: that put it out, or whoever let it in.
    fn what_put_out(&self, device: DeviceId, voided: &Voided) -> BTreeSet<EntryId> {
        let (mut reasons, mut asked, mut open) = (BTreeSet::new(), BTreeSet::new(), vec![device]);
        while let Some(device) = open.pop() {
            if !asked.insert(device) {
                continue;
            }
            if let Some(known) = self.told.devices.get(&device) {
                reasons.extend(known.revoked.map(|(by, _)| by));
                continue;
            }
            for (addition, void) in voided.get(&device).into_iter().flatten() {
                let author = self.log.entry(addition).and_then(|entry| entry.author.device());
                match void {
                    Void::Revoked(by) | Void::RightTaken(by) => reasons.extend([*by]),
                    // Who would be out without the cut learns of that, and not of what the root said later.
                    Void::CutOff(by) => {
                        let is_in = author.is_some_and(|author| self.told.live(&author).is_some());
                        if is_in {
                            reasons.insert(*by);
                        }
                        open.extend(author);
                    }
                    Void::AdmissionVoid => open.extend(author),
                    _ => {}
                }
            }
        }
        reasons
    }

    /// Whether a device wrote this when it was out, and did not know it. `before` is what stands before that.
    fn is_unaware(&self, device: &DeviceId, word: Word, by: &EntryId, before: &BTreeSet<EntryId>) -> bool {
        let Word::Entry(entry) = word else {
            let (Some(note), Some(by_entry)) = (self.notes.get(device), self.log.entry(by)) else {
                return false;
            };
            return note.time > by_entry.time && !self.log.ancestors(&note.heads).contains(by);
        };
        !before.contains(&entry)
    }

    /// Says an entry and all before it in the box of a log secret, where that was not done.
    fn say_all_of(&mut self, id: &EntryId, secret: &KeyId) -> Result<(), SyncError> {
        // What a device says stands behind all that it knew; the root says it in every box without what is before it.
        let is_by_device = self.log.entry(id).is_some_and(|entry| entry.author.device().is_some());
        if is_by_device && self.saying(id, secret)?.is_none() {
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
