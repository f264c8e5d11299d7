//! Devices that do what they may not: a thief's, and a reader's that writes like an admin.

use super::account::{Account, admitted, device};
use super::craft::sign_as;
use crate::device::{DeviceId, Role};
use crate::log::{Announced, Author, Body, Entry, EntryId, KeyId, Log, PackageName, Purpose};
use crate::sync::{Change, SharedKey, SignedKind};
use crate::transport::ObjectName;

impl Account {
    pub(super) fn steal(&mut self) {
        if self.settings.thief && self.stolen.is_none() && self.machines.len() > 3 {
            self.stolen = Some(1 + self.dice.below(self.machines.len() as u64 - 1) as usize);
            self.note("stolen");
        }
    }

    /// A reader writes what it has no right to.
    pub(super) fn rogue(&mut self, number: usize) {
        let stranger = device(3_000 + self.dice.below(50) as usize);
        let Some((log, heads)) = self.state_of(number) else { return };
        let is_admin = log
            .evaluate()
            .is_ok_and(|told| told.devices.get(&device(number)).is_none_or(|it| it.role.administers()));
        // Who has ever been an admin may have had the right beside what took it away.
        let was_admin = log.iter().any(|(_, entry)| match &entry.body {
            Body::Add(admitted) => admitted.device == device(number) && admitted.role.administers(),
            Body::Role { device: other, role } => *other == device(number) && role.administers(),
            _ => false,
        });
        if is_admin || was_admin || number == 0 {
            return;
        }
        self.strangers.insert(stranger);
        self.write_as(number, &log, &heads, Body::Add(admitted(stranger, Role::Admin)));
        self.note("rogue");
    }

    /// Writes an entry as a machine that does not care for rules, and posts it wherever it can.
    fn write_as(&mut self, number: usize, log: &Log, heads: &[EntryId], body: Body) -> EntryId {
        let author = Author::Device(device(number));
        let mut entry = Entry {
            account: Some(self.account),
            parents: Vec::new(),
            lamport: 0,
            time: self.now,
            author,
            body,
        };
        log.place(&mut entry, heads);
        self.post_everywhere(number, &entry, &device(number))
    }

    fn post_everywhere(&mut self, number: usize, entry: &Entry, author: &DeviceId) -> EntryId {
        let signed = sign_as(author, SignedKind::Entry, &entry.to_der());
        let id = entry.id();
        let craft = self.craft(number);
        let secrets: Vec<SharedKey> = self.machines[number]
            .store
            .disk
            .keys
            .values()
            .filter(|key| key.purpose == Purpose::LogSecret)
            .cloned()
            .collect();
        for secret in secrets {
            let object =
                crate::sync::Craft::seal(&craft, &secret.secret, &crate::sync::Parcel::Entry(signed.clone()))
                    .unwrap();
            let id = *crate::transport::ObjectBox::derive(&secret.secret, crate::sync::ACCOUNT_BOX).id();
            for place in ["folder", "relay"] {
                let mut boxes = self.boxes.lock().unwrap();
                boxes
                    .shelves
                    .entry((place.into(), id))
                    .or_default()
                    .push((ObjectName::of(&object), object.clone()));
            }
        }
        let change = Change::Entry { id, entry: entry.clone(), signed };
        let store = &mut self.machines[number].store;
        store.fate = None;
        crate::sync::Store::commit(store, &[change]).unwrap();
        id
    }

    /// A thief writes with a device that it has, as if it had heard of nothing since it was put out.
    pub(super) fn forge(&mut self) {
        let Some(number) = self.stolen else { return };
        let _ = self.sync(number, true);
        let Some((log, _)) = self.state_of(number) else { return };
        let out = self
            .put_out
            .iter()
            .find(|(_, (device, _))| *device == self.machines[number].id)
            .map(|(id, _)| *id);
        // Before it is put out it has the rights that it has, and uses them to listen.
        let Some(out) = out else { return };
        let Some(parents) = log.entry(&out).map(|entry| entry.parents.clone()) else { return };
        let stranger = device(2_000 + self.forged.len());
        let me = device(number);
        let others: Vec<DeviceId> =
            (0..self.machines.len()).map(device).filter(|other| *other != me).collect();
        let last = self.forged.last().copied().filter(|_| self.dice.once_in(3));
        let heads = last.map_or(parents, |last| vec![last]);
        let body = match self.dice.below(6) {
            0 | 1 => Body::Add(admitted(stranger, Role::Admin)),
            2 | 3 => Body::Revoke { device: self.dice.one_of(&others), retired: Vec::new() },
            4 => Body::Role { device: me, role: Role::Admin },
            _ => Body::Key(Announced {
                key: KeyId::of_public_key(&self.dice.next().to_be_bytes()),
                purpose: Purpose::Decryption,
                certificate: None,
                package: PackageName::of(b"forged"),
                recipients: Vec::new(),
            }),
        };
        if self.forged.len() > 12 {
            return;
        }
        if matches!(body, Body::Add(_)) {
            self.strangers.insert(stranger);
        }
        let id = self.write_as(number, &log, &heads, body);
        self.forged.push(id);
        self.note("forged");
        // The friend that was let in lets in another one.
        if self.strangers.contains(&stranger) && self.dice.once_in(2) {
            let friend = device(2_500 + self.forged.len());
            self.strangers.insert(friend);
            let Some((log, _)) = self.state_of(number) else { return };
            let author = Author::Device(stranger);
            let body = Body::Add(admitted(friend, Role::Admin));
            let mut entry = Entry {
                account: Some(self.account),
                parents: Vec::new(),
                lamport: 0,
                time: self.now,
                author,
                body,
            };
            log.place(&mut entry, &[id]);
            let id = self.post_everywhere(number, &entry, &stranger);
            self.forged.push(id);
        }
    }
}
