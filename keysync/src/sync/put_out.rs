//! Telling devices that are out and have not heard of it.
//!
//! A revocation is said in the box that its author writes to. A device that was let in, or wrote, while it was made may
//! know older boxes alone, and would go on for ever as if it belonged to the account.

use std::collections::BTreeSet;

use super::ports::{Change, Parcel};
use super::state::{Sync, SyncError};
use crate::device::DeviceId;
use crate::log::{Body, EntryId, KeyId, Void};

impl Sync<'_> {
    /// Tells those of these devices, heard in the box of a log secret, that are out: in that box, by the entry that put
    /// them out and all before it. That they may know, and they learn nothing of what came after.
    pub(super) fn tell_those_who_are_out(
        &mut self,
        devices: &BTreeSet<DeviceId>,
        secret: &KeyId,
    ) -> Result<(), SyncError> {
        if self.told.live(&self.me).is_none() {
            return Ok(());
        }
        for by in devices.iter().filter_map(|device| self.what_put_out(*device)).collect::<BTreeSet<_>>() {
            // The entry itself comes last: where it is, all before it is, too.
            if self.is_said(&by, secret)? {
                continue;
            }
            for id in self.log.ancestry(&[by]) {
                if let Some(change) = self.saying(&id, secret)? {
                    self.commit(vec![change])?;
                }
            }
        }
        Ok(())
    }

    /// The entry without which a device would belong to the account: that put it out, or whoever let it in.
    fn what_put_out(&self, device: DeviceId) -> Option<EntryId> {
        let (mut device, mut asked) = (device, BTreeSet::new());
        while asked.insert(device) {
            if let Some(known) = self.told.devices.get(&device) {
                return known.revoked.map(|(by, _)| by);
            }
            let void = self.told.void.iter().find(|(id, _)| self.lets_in(id, &device));
            match void? {
                (_, Void::Revoked(by) | Void::RightTaken(by) | Void::CutOff(by)) => return Some(*by),
                (id, Void::AdmissionVoid) => device = self.log.entry(id)?.author.device()?,
                _ => return None,
            }
        }
        None
    }

    fn lets_in(&self, id: &EntryId, device: &DeviceId) -> bool {
        matches!(self.log.entry(id).map(|entry| &entry.body), Some(Body::Add(added)) if added.device == *device)
    }

    fn is_said(&self, id: &EntryId, secret: &KeyId) -> Result<bool, SyncError> {
        Ok(self.saying(id, secret)?.is_none())
    }

    /// The change that says an entry in the box of a log secret, where that has not had it yet.
    fn saying(&self, id: &EntryId, secret: &KeyId) -> Result<Option<Change>, SyncError> {
        let Some(signed) = self.store.signed_entry(id)? else { return Ok(None) };
        let change = self.outgoing(&Parcel::Entry(signed), secret)?;
        let is_there = matches!(&change, Change::Post { name, .. } if self.seen.contains(name));
        Ok((!is_there).then_some(change))
    }
}
