//! What follows from what is known: certificates for writers, a new log secret, keys for devices that miss them, and
//! word of oneself.

use std::collections::BTreeMap;

use counterseal_core::time::{DAY, Time};

use super::note::{Note, digest_of};
use super::ports::{Change, Parcel, SharedKey, SignedKind};
use super::report::Report;
use super::state::{Sync, SyncError};
use crate::device::DeviceId;
use crate::limits;
use crate::log::{Body, EntryId, KeyId, Purpose, Rules};

/// Seconds after which a device says again that it is there.
const BEACON_SECONDS: i64 = 7 * DAY;
/// Seconds that pass at least between two notes that only ask for other keys: mail of strangers makes a device ask.
const WANT_SECONDS: i64 = 3600;
/// Days after which a key that nobody has is asked for no more.
const WANT_DAYS: i64 = 30;

impl Sync<'_> {
    /// Does what follows from the log, as far as this device has the right to it.
    pub(super) fn settle(&mut self, now: Time, report: &mut Report) -> Result<(), SyncError> {
        self.refresh()?;
        self.open_shelved(report)?;
        let Some(role) = self.told.live(&self.me).map(|device| device.role) else { return Ok(()) };
        if role.administers() {
            self.renew_log_secret(now)?;
            self.answer_requests(now, report)?;
        }
        if role.signs() && Rules::in_force().repair {
            self.repair(now, report)?;
        }
        let heads = self.told.heads.clone();
        if !heads.iter().all(|id| self.pinned.contains(id)) {
            self.commit(vec![Change::Pin(heads)])?;
        }
        Ok(())
    }

    /// A log secret that was announced without knowing of every revocation may be known to a device that is out: then
    /// there has to be another one. It is announced in the boxes of the old ones, where the others look for it.
    pub(super) fn renew_log_secret(&mut self, now: Time) -> Result<(), SyncError> {
        if self.log_secret_is_good() {
            return Ok(());
        }
        let secret = self.craft.new_log_secret();
        let id = KeyId::of_log_secret(&secret);
        let key = SharedKey { id, purpose: Purpose::LogSecret, secret, certificates: Vec::new() };
        let boxes: Vec<KeyId> = self.boxes().into_iter().chain([id]).collect();
        match self.announcing(key, &boxes, now) {
            // It is for a person to put out who takes this device's right away.
            Err(SyncError::InVain) => Ok(()),
            announced => {
                self.commit(announced?)?;
                self.refresh()
            }
        }
    }

    fn log_secret_is_good(&self) -> bool {
        let Some(current) = self.told.current(Purpose::LogSecret) else { return false };
        if self.told.revocations.is_empty() {
            return true;
        }
        let known = self.log.ancestors(&[current.entry]);
        self.told.revocations.iter().all(|revocation| known.contains(revocation))
    }

    fn answer_requests(&mut self, now: Time, report: &mut Report) -> Result<(), SyncError> {
        let open = self.told.requests.iter().filter(|request| request.certificates.is_none());
        let open =
            open.filter(|request| self.told.live(&request.device).is_some_and(|device| device.role.signs()));
        let open: Vec<(EntryId, Vec<u8>)> =
            open.map(|request| (request.entry, request.request.clone())).collect();
        let authority = self.told.current(Purpose::PersonalAuthority).map(|key| key.announced.key);
        let Some(authority) = authority.filter(|_| !open.is_empty()) else { return Ok(()) };
        let Some(authority) = self.shared_key(&authority)? else { return Ok(()) };
        for (request, der) in open {
            // What is refused stays open: another admin, or a newer program, may know better.
            let Ok(certificates) = self.craft.issue(&authority, &der, now) else { continue };
            let answer = Body::CertificateAnswer { request, certificates };
            let written = match self.write(answer, now) {
                Err(SyncError::InVain) => return Ok(()),
                written => written?,
            };
            let changes = self.keep_and_post(written, &self.writing()?)?;
            self.commit(changes)?;
            self.refresh()?;
            report.answered.push(request);
        }
        Ok(())
    }

    /// Whether a device has said that it holds a key; nothing where it did not say.
    #[must_use]
    pub fn acknowledged(&self, device: &DeviceId, key: &KeyId) -> Option<bool> {
        if *device == self.me {
            return Some(self.held.contains_key(key));
        }
        let note = self.notes.get(device)?;
        let mut expected: Vec<KeyId> = self.told.keys_of(device).map(|key| key.announced.key).collect();
        expected.sort_unstable();
        if note.digest == digest_of(expected.iter()) {
            return Some(expected.binary_search(key).is_ok());
        }
        note.held.as_ref().map(|held| held.binary_search(key).is_ok())
    }

    /// Packs keys again for devices that miss them: those that no package was ever for, those that said so since the
    /// last package, and those that ask for a key by name.
    fn repair(&mut self, now: Time, report: &mut Report) -> Result<(), SyncError> {
        let (missing, covered) = self.missing()?;
        self.commit(covered)?;
        for (id, devices) in missing {
            let Some(key) = self.shared_key(&id)? else { continue };
            let mut recipients = self.candidates(&key);
            recipients.retain(|(device, _)| devices.contains(device));
            recipients.sort();
            // Who misses the secret of a box looks into the boxes before it.
            let boxes = if key.purpose == Purpose::LogSecret { self.boxes() } else { vec![self.writing()?] };
            for some in recipients.chunks(limits::RECIPIENTS) {
                let package = Parcel::Package(self.packed(&key, some, now)?);
                let mut changes = Vec::new();
                for secret in &boxes {
                    changes.push(self.outgoing(&package, secret)?);
                }
                for (device, _) in some {
                    changes.push(self.wrapped_now(*device, id));
                    report.repaired.push((*device, id));
                }
                self.commit(changes)?;
            }
        }
        Ok(())
    }

    /// Keys with the devices to pack them for; and what is on its way by somebody else's package.
    fn missing(&self) -> Result<(BTreeMap<KeyId, Vec<DeviceId>>, Vec<Change>), SyncError> {
        let (mut missing, mut covered): (BTreeMap<KeyId, Vec<DeviceId>>, _) = (BTreeMap::new(), Vec::new());
        let administers = self.told.live(&self.me).is_some_and(|device| device.role.administers());
        for device in self.told.live_devices().map(|(id, _)| *id).filter(|id| *id != self.me) {
            let wanted = self.wanted_by(&device)?;
            let counter = self.notes.get(&device).map_or(0, |note| note.counter);
            for key in self.told.keys_of(&device) {
                let id = key.announced.key;
                let ours = self.held.contains_key(&id)
                    && (administers || key.announced.purpose != Purpose::PersonalAuthority);
                if !ours {
                    continue;
                }
                let asks = wanted.contains(&id) || self.acknowledged(&device, &id) == Some(false);
                match self.wrapped.get(&(device, id)) {
                    None if key.announced.recipients.contains(&device) => {
                        covered.push(self.wrapped_now(device, id))
                    }
                    None if self.acknowledged(&device, &id) != Some(true) => {
                        missing.entry(id).or_default().push(device);
                    }
                    Some(before) if counter > *before && asks => missing.entry(id).or_default().push(device),
                    None | Some(_) => {}
                }
            }
        }
        Ok((missing, covered))
    }

    fn wanted_by(&self, device: &DeviceId) -> Result<Vec<KeyId>, SyncError> {
        let names = self.notes.get(device).map(|note| &note.wanted[..]).unwrap_or_default();
        let mut keys = Vec::new();
        for name in names {
            keys.extend(self.store.key_named(name)?);
        }
        Ok(keys)
    }

    fn wrapped_now(&self, device: DeviceId, key: KeyId) -> Change {
        Change::Wrapped { device, key, counter: self.notes.get(&device).map_or(0, |note| note.counter) }
    }

    /// Says what this device knows, holds and wants, where that is news, or a week has gone by.
    pub(super) fn speak(&mut self, now: Time, is_due: bool) -> Result<(), SyncError> {
        if self.told.live(&self.me).is_none() {
            return Ok(());
        }
        let last = self.notes.get(&self.me);
        let counter = last.map_or(0, |note| note.counter).saturating_add(1);
        let (note, mut changes) = self.draft_note(counter, now)?;
        let is_news = self.notes.get(&self.me).is_none_or(|last| {
            (&last.heads, last.digest, &last.held) != (&note.heads, note.digest, &note.held)
                || (last.wanted != note.wanted && may_ask(last, now))
                || last.time.plus_seconds(BEACON_SECONDS) <= now
        });
        if is_news || is_due {
            let signed = self.craft.sign(SignedKind::Note, &note.to_der(), now)?;
            changes.push(self.outgoing(&Parcel::Note(signed), &self.writing()?)?);
            let unasked = note.wanted.iter().filter(|name| self.wanted.get(*name) == Some(&None));
            changes.extend(unasked.map(|name| Change::Want { name: *name, asked: Some(now) }));
            changes.push(Change::Note(note));
        }
        self.commit(changes)
    }

    fn draft_note(&self, counter: u64, now: Time) -> Result<(Note, Vec<Change>), SyncError> {
        let mut expected: Vec<KeyId> = self.told.keys_of(&self.me).map(|key| key.announced.key).collect();
        expected.sort_unstable();
        let held: Vec<KeyId> = self.held.keys().copied().collect();
        let listed = (held != expected).then(|| held.iter().take(limits::HELD_KEYS).copied().collect());
        let (mut wanted, mut changes) = (Vec::new(), Vec::new());
        for (name, asked) in &self.wanted {
            let is_over = asked.is_some_and(|asked| asked.plus_days(WANT_DAYS) <= now);
            if is_over || self.store.key_named(name)?.is_some_and(|key| self.held.contains_key(&key)) {
                changes.push(Change::Unwant(*name));
            } else if wanted.len() < limits::WANTED_KEYS {
                wanted.push(*name);
            }
        }
        let note = Note {
            account: self.told.account,
            device: self.me,
            counter,
            time: now,
            heads: self.told.named_heads(),
            digest: digest_of(held.iter()),
            held: listed,
            wanted,
        };
        Ok((note, changes))
    }

    /// Whether it is time for the weekly word, and for a look at everything that the boxes have.
    pub(super) fn beacon_is_due(&self, now: Time) -> bool {
        self.notes.get(&self.me).is_none_or(|last| last.time.plus_seconds(BEACON_SECONDS) <= now)
    }

    /// Mail came that no key of this device opens: its other devices are asked, for a month.
    ///
    /// # Errors
    /// [`SyncError`].
    pub fn want(&mut self, name: [u8; 32]) -> Result<(), SyncError> {
        if self.wanted.contains_key(&name) || self.wanted.len() >= limits::WANTED_KEYS {
            return Ok(());
        }
        self.commit(vec![Change::Want { name, asked: None }])
    }
}

/// Whether a note may go out only to ask for other keys than the last one.
fn may_ask(last: &Note, now: Time) -> bool {
    // A clock that was put back does not silence a device.
    last.wanted.is_empty() || last.time.plus_seconds(WANT_SECONDS) <= now || last.time > now
}
