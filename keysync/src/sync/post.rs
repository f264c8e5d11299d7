//! What goes out: sealed, committed, and only then posted.

use std::collections::HashSet;

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;

use super::ports::{Change, Heading, Parcel, SharedKey, SignedKind, Ways};
use super::report::Report;
use super::state::{Sync, SyncError};
use crate::device::DeviceId;
use crate::limits;
use crate::log::{Announced, Author, Body, Entry, EntryId, KeyId, PackageName, Purpose};
use crate::transport::{ObjectBox, ObjectName, Transport, TransportError};

/// The purpose by which the box of an account follows from its log secret.
pub const ACCOUNT_BOX: &str = "account";

/// An entry that is signed and not committed yet.
pub(super) struct Written {
    pub(super) id: EntryId,
    pub(super) entry: Entry,
    pub(super) signed: Vec<u8>,
}

impl Sync<'_> {
    /// The change that puts a parcel on its way into the box of a log secret.
    pub(super) fn outgoing(&self, parcel: &Parcel, secret: &KeyId) -> Result<Change, SyncError> {
        self.sealed(parcel, secret, self.secret(secret)?)
    }

    fn sealed(&self, parcel: &Parcel, id: &KeyId, secret: &SecretBytes) -> Result<Change, SyncError> {
        let object = self.craft.seal(secret, parcel)?;
        Ok(Change::Post { name: ObjectName::of(&object), object, secret: *id })
    }

    /// Signs an entry that comes after all that counts.
    ///
    /// # Errors
    /// [`SyncError::InVain`] where the like was written in the same place and does not count: this would not, either.
    pub(super) fn write(&mut self, body: Body, now: Time) -> Result<Written, SyncError> {
        let entry = self.log.draft(&self.told, Author::Device(self.me), now, body);
        let mut void = self.told.void.keys().filter_map(|id| self.log.entry(id));
        let is_like = |other: &Entry| {
            (other.author, &other.parents) == (entry.author, &entry.parents)
                && is_alike(&other.body, &entry.body)
        };
        if void.any(is_like) {
            return Err(SyncError::InVain);
        }
        self.sign(entry, now)
    }

    pub(super) fn sign(&mut self, entry: Entry, now: Time) -> Result<Written, SyncError> {
        let content = entry.to_der();
        // What is kept is read again with every start: an entry that nobody can read would be the last.
        Entry::read(&content).map_err(SyncError::Entry)?;
        let signed = self.craft.sign(SignedKind::Entry, &content, now)?;
        Ok(Written { id: EntryId::of(&content), entry, signed })
    }

    /// The changes that keep an entry and put it on its way.
    pub(super) fn keep_and_post(&self, written: Written, secret: &KeyId) -> Result<Vec<Change>, SyncError> {
        let post = self.outgoing(&Parcel::Entry(written.signed.clone()), secret)?;
        Ok(vec![Change::Entry { id: written.id, entry: written.entry, signed: written.signed }, post])
    }

    /// Everybody who is to have a key, as many as one package has room for, ascending, with what is sealed to.
    pub(super) fn recipients(&self, key: &SharedKey) -> Vec<(DeviceId, Vec<Vec<u8>>)> {
        let mut recipients = self.candidates(key);
        recipients.truncate(limits::RECIPIENTS);
        recipients.sort();
        recipients
    }

    /// Everybody who is to have a key: the root, this device, admins, and the others. A device whose certificates are none
    /// keeps nobody else from it.
    pub(super) fn candidates(&self, key: &SharedKey) -> Vec<(DeviceId, Vec<Vec<u8>>)> {
        let root = self.told.root.iter().filter(|root| !root.certificates.is_empty());
        let root = root.map(|root| (root.id, root.certificates.clone()));
        let devices = self.told.live_devices().filter(|(_, device)| key.purpose.is_for(device.role));
        let devices = devices.filter(|(id, device)| self.craft.can_pack_for(id, &device.certificates));
        let mut devices: Vec<_> = devices.collect();
        devices.sort_by_key(|(id, device)| (**id != self.me, !device.role.administers()));
        root.chain(devices.into_iter().map(|(id, device)| (*id, device.certificates.clone()))).collect()
    }

    /// Packs a key for some.
    pub(super) fn packed(
        &mut self,
        key: &SharedKey,
        recipients: &[(DeviceId, Vec<Vec<u8>>)],
        now: Time,
    ) -> Result<Vec<u8>, SyncError> {
        let heading = Heading {
            account: self.told.account,
            recipients: recipients.iter().map(|(device, _)| *device).collect(),
            heads: self.told.named_heads(),
        };
        let certificates: Vec<&[Vec<u8>]> =
            recipients.iter().map(|(_, certificates)| &certificates[..]).collect();
        Ok(self.craft.pack(key, &heading, &certificates, now)?)
    }

    /// Makes a key known: it is kept, announced, packed and put on its way, all in one commit. What is announced is
    /// held.
    ///
    /// # Errors
    /// [`SyncError`]; nothing was changed then.
    pub fn announce(&mut self, key: SharedKey, now: Time) -> Result<EntryId, SyncError> {
        let changes = self.announcing(key, &[self.writing()?], now)?;
        let id = entry_of(&changes).ok_or(SyncError::NoRight)?;
        self.commit(changes)?;
        self.refresh()?;
        Ok(id)
    }

    /// The changes that make a key known in these boxes.
    pub(super) fn announcing(
        &mut self,
        key: SharedKey,
        boxes: &[KeyId],
        now: Time,
    ) -> Result<Vec<Change>, SyncError> {
        let role = self.told.live(&self.me).map(|device| device.role).ok_or(SyncError::NoRight)?;
        if !role.signs() || (!key.purpose.opens_mail() && !role.administers()) {
            return Err(SyncError::NoRight);
        }
        let recipients = self.recipients(&key);
        let package = self.packed(&key, &recipients, now)?;
        let announced = Announced {
            key: key.id,
            purpose: key.purpose,
            certificate: key.certificates.first().map(|der| super::pull::digest(der)),
            package: PackageName::of(&package),
            recipients: recipients.iter().map(|(device, _)| *device).collect(),
        };
        let written = self.write(Body::Key(announced), now)?;
        let parcels = [Parcel::Entry(written.signed.clone()), Parcel::Package(package)];
        let mut changes =
            vec![Change::Entry { id: written.id, entry: written.entry, signed: written.signed }];
        for id in boxes {
            // A new log secret has a box of its own already.
            let secret = if *id == key.id { &key.secret } else { self.secret(id)? };
            for parcel in &parcels {
                changes.push(self.sealed(parcel, id, secret)?);
            }
        }
        for (device, _) in recipients.iter().filter(|(device, _)| *device != self.me) {
            let counter = self.notes.get(device).map_or(0, |note| note.counter);
            changes.push(Change::Wrapped { device: *device, key: key.id, counter });
        }
        changes.push(Change::Key(key));
        Ok(changes)
    }

    /// Posts what waits for one box at one place.
    pub(super) fn push(
        &mut self,
        place: &str,
        secret: &KeyId,
        transport: &mut dyn Transport,
        report: &mut Report,
    ) -> Result<(), SyncError> {
        report.look_at(self.writing()? == *secret);
        for name in self.due(place, secret) {
            let Some(object) = self.store.outgoing(&name)? else { continue };
            match transport.put(&object) {
                Ok(_) => {
                    report.posted += 1;
                    self.commit(vec![Change::Posted { name, place: place.to_owned() }])?;
                }
                Err(error @ (TransportError::TooLarge { .. } | TransportError::Refused(_))) => {
                    report.trouble(place, error);
                }
                Err(error) => {
                    let gives_up = error == TransportError::Quota && self.is_left(secret);
                    report.trouble(place, error);
                    if gives_up {
                        let due = self.due(place, secret).into_iter();
                        self.commit(
                            due.map(|name| Change::Posted { name, place: place.to_owned() }).collect(),
                        )?;
                    }
                    break;
                }
            }
        }
        Ok(())
    }

    /// What one box at one place lacks yet.
    fn due(&self, place: &str, secret: &KeyId) -> Vec<ObjectName> {
        let due = self.outgoing.values().filter(|object| object.secret == *secret);
        let due = due.filter(|object| !object.posted.iter().any(|posted| posted == place));
        due.map(|object| object.name).collect()
    }

    /// Whether the devices have left a box: another one is written to since [`limits::LEFT_BOX_DAYS`], and each of them
    /// has said that it finds it. What an old box has no room for is then nothing that one of them waits for.
    fn is_left(&self, secret: &KeyId) -> bool {
        let current =
            self.told.current(Purpose::LogSecret).filter(|current| current.announced.key != *secret);
        let Some(current) = current else { return false };
        let since = self.log.entry(&current.entry).map(|entry| entry.time);
        // This device's own word of the week is its clock.
        let spoke = self.notes.get(&self.me).map(|note| note.time);
        let is_old =
            since.zip(spoke).is_some_and(|(since, now)| since.plus_days(limits::LEFT_BOX_DAYS) <= now);
        let knows = |device: &DeviceId| self.acknowledged(device, &current.announced.key) == Some(true);
        is_old && self.told.live_devices().all(|(device, _)| knows(device))
    }

    /// Forgets what every place has, and what is for a box that nobody reads any more.
    pub(super) fn finish_posted(&mut self, places: &[String]) -> Result<(), SyncError> {
        let read = self.boxes();
        let is_everywhere =
            |posted: &[String]| !posted.is_empty() && places.iter().all(|place| posted.contains(place));
        let done = self
            .outgoing
            .values()
            .filter(|object| is_everywhere(&object.posted) || !read.contains(&object.secret));
        let done = done.map(|object| Change::Done(object.name)).collect();
        self.commit(done)
    }

    /// Fills a box that was never seen before with what it lacks: every entry, and packages of all keys where there
    /// is nothing at all and nothing is on its way. So a new place, and the box of a new log secret, come to hold the
    /// whole account, from which the seed on paper opens it.
    pub(super) fn fill(
        &mut self,
        secret: &KeyId,
        listed: &HashSet<ObjectName>,
        now: Time,
    ) -> Result<(), SyncError> {
        let is_on_its_way = self.outgoing.values().any(|object| object.secret == *secret);
        for id in self.log.iter().map(|(id, _)| *id).collect::<Vec<_>>() {
            let Some(signed) = self.store.signed_entry(&id)? else { continue };
            let change = self.outgoing(&Parcel::Entry(signed), secret)?;
            let is_there = matches!(&change, Change::Post { name, .. } if listed.contains(name));
            if !is_there {
                self.commit(vec![change])?;
            }
        }
        let may = self.told.live(&self.me).is_some_and(|device| device.role.signs());
        // A package is another one each time: for a place that takes none they would become more and more.
        if !may || !listed.is_empty() || is_on_its_way {
            return Ok(());
        }
        for id in self.held.keys().copied().collect::<Vec<_>>() {
            let Some(key) = self.shared_key(&id)?.filter(|_| self.told.key(&id).is_some()) else { continue };
            let recipients = self.recipients(&key);
            let package = self.packed(&key, &recipients, now)?;
            let change = self.outgoing(&Parcel::Package(package), secret)?;
            self.commit(vec![change])?;
        }
        Ok(())
    }

    /// Opens the way to a box.
    pub(super) fn way(
        &self,
        ways: &mut dyn Ways,
        place: &str,
        secret: &KeyId,
        report: &mut Report,
    ) -> Result<Option<Box<dyn Transport>>, SyncError> {
        let object_box = ObjectBox::derive(self.secret(secret)?, ACCOUNT_BOX);
        let is_current = self.writing()? == *secret;
        report.look_at(is_current);
        if is_current {
            report.closed.begin(place);
        }
        match ways.open(place, &object_box) {
            Ok(transport) => Ok(Some(transport)),
            Err(error) => {
                report.trouble(place, error);
                Ok(None)
            }
        }
    }
}

/// Whether two entries need the same right.
fn is_alike(one: &Body, other: &Body) -> bool {
    match (one, other) {
        (Body::Key(one), Body::Key(other)) => one.purpose == other.purpose,
        _ => std::mem::discriminant(one) == std::mem::discriminant(other),
    }
}

/// The entry that changes bring.
pub(super) fn entry_of(changes: &[Change]) -> Option<EntryId> {
    changes.iter().find_map(|change| match change {
        Change::Entry { id, .. } => Some(*id),
        _ => None,
    })
}
