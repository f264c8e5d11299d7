//! Fetching what is new, and believing what can be verified.

use std::collections::{BTreeMap, HashSet};

use sha2::{Digest, Sha256};

use super::note::Note;
use super::ports::{Change, CraftError, Parcel, SharedKey, SignedKind, Unpacked};
use super::put_out::{Speakers, Word};
use super::report::{Alarm, Report};
use super::state::{Sync, SyncError};
use crate::device::DeviceId;
use crate::limits;
use crate::log::{EntryId, InsertError, KeyId, Rules, Standing, VerifiedEntry};
use crate::transport::{Cursor, Listing, ObjectName, Transport, TransportError};

/// What one box had.
pub(super) struct Pulled {
    /// All that it lists, but for what is not what its name says.
    pub(super) listed: HashSet<ObjectName>,
    /// The devices by whom something new was in it.
    pub(super) speakers: Speakers,
}

/// The notes of a listing. Names of objects have no order, so what a note says of the log is judged when the rest of
/// the listing is known.
#[derive(Default)]
struct Heard {
    /// The newest one of each device.
    newest: BTreeMap<DeviceId, Note>,
    /// The objects that brought them and older ones.
    objects: Vec<ObjectName>,
    /// The devices by whom a note or an entry is that was taken in.
    speakers: Speakers,
}

impl Sync<'_> {
    /// Takes in all that is new in one box. What could not be fetched now is fetched another time.
    ///
    /// # Errors
    /// [`SyncError`], where the store cannot keep more. What a box or its place does wrong is in the report; then
    /// nothing was pulled.
    pub(super) fn pull(
        &mut self,
        place: &str,
        secret: &KeyId,
        transport: &mut dyn Transport,
        again: bool,
        report: &mut Report,
    ) -> Result<Option<Pulled>, SyncError> {
        let key = (place.to_owned(), *secret);
        let cursor = self.cursors.get(&key).filter(|_| !again).cloned().unwrap_or_else(Cursor::default);
        let listing = match transport.list(&cursor) {
            // Nobody has put anything there yet.
            Err(TransportError::Absent) => Listing { names: Vec::new(), cursor: cursor.clone() },
            Ok(listing) if listing.names.len() <= limits::LISTED_OBJECTS => listing,
            Ok(_) => {
                report.trouble(place, TransportError::Forged("lists more than a box can hold".into()));
                return Ok(None);
            }
            Err(error) => {
                report.trouble(place, error);
                return Ok(None);
            }
        };
        let (mut is_complete, mut heard, mut forged) = (true, Heard::default(), Vec::new());
        for name in &listing.names {
            if self.seen.contains(name) {
                continue;
            }
            match transport.get(name) {
                Ok(object) if ObjectName::of(&object) == *name => {
                    is_complete &= self.take_in(*name, &object, secret, &mut heard, report)?;
                }
                // What lies beside it may be sound: nobody hides that by one bad file.
                Ok(_) => forged.push(*name),
                Err(TransportError::Forged(_)) => forged.push(*name),
                // It may be back another time; a box may also list what never was.
                Err(TransportError::Absent) => {}
                Err(error @ TransportError::TooLarge { .. }) => {
                    report.trouble(place, error);
                    self.commit(vec![Change::Seen(*name)])?;
                }
                Err(error) => {
                    is_complete = false;
                    report.trouble(place, error);
                    break;
                }
            }
        }
        let speakers = self.take_notes(heard, report)?;
        if is_complete && cursor != listing.cursor {
            let (place, secret) = key;
            self.commit(vec![Change::Listed { place, secret, cursor: listing.cursor }])?;
        }
        let mut listed: HashSet<ObjectName> = listing.names.into_iter().collect();
        for name in forged {
            report.trouble(place, TransportError::Forged(name.to_string()));
            listed.remove(&name);
        }
        Ok(Some(Pulled { listed, speakers }))
    }

    /// Takes in one object. Whatever it is, it is looked at once; but for an entry of a stranger where too many wait
    /// already, which is looked at again when more is known.
    fn take_in(
        &mut self,
        name: ObjectName,
        object: &[u8],
        secret: &KeyId,
        heard: &mut Heard,
        report: &mut Report,
    ) -> Result<bool, SyncError> {
        let opened = if object.len() > limits::OBJECT_BYTES {
            Err(CraftError::Forged)
        } else {
            self.craft.unseal(self.secret(secret)?, object)
        };
        let mut changes = match opened {
            Ok(Parcel::Entry(signed)) => match self.entry(signed, report) {
                Some(changes) => {
                    heard.speakers.extend(word_of(&changes));
                    changes
                }
                None => return Ok(false),
            },
            Ok(Parcel::Note(signed)) => {
                if let Some(note) = self.read_note(&signed) {
                    heard.objects.push(name);
                    heard.add(note, report);
                    return Ok(true);
                }
                refused(report)
            }
            Ok(Parcel::Package(package)) => self.package(name, package, report)?,
            Err(_) => refused(report),
        };
        changes.push(Change::Seen(name));
        self.commit(changes)?;
        Ok(true)
    }

    /// What to keep of an entry; nothing where it has to wait outside.
    fn entry(&mut self, signed: Vec<u8>, report: &mut Report) -> Option<Vec<Change>> {
        if signed.len() > limits::SIGNED_ENTRY_BYTES {
            return Some(refused(report));
        }
        let verified = self.craft.verify(SignedKind::Entry, &signed).ok();
        let verified =
            verified.and_then(|signed| VerifiedEntry::from_signed(&signed.content, &signed.signer).ok());
        let Some(verified) = verified else { return Some(refused(report)) };
        let standing = self.told.standing(&verified.entry().author);
        Some(match self.log.would_take(&verified, standing) {
            Ok(true) if standing == Standing::Stranger && self.strangers >= limits::LOG_STRANGERS => {
                return None;
            }
            Ok(true) => {
                report.entries += 1;
                vec![Change::Entry { id: verified.id(), entry: verified.entry().clone(), signed }]
            }
            Ok(false) => Vec::new(),
            Err(InsertError::OtherAccount) => refused(report),
            Err(InsertError::Full) => {
                report.alarm(Alarm::LogFull);
                Vec::new()
            }
        })
    }

    /// A note, if its device signed it.
    fn read_note(&mut self, signed: &[u8]) -> Option<Note> {
        if signed.len() > limits::NOTE_BYTES + limits::SIGNED_ENTRY_BYTES {
            return None;
        }
        let signed = self.craft.verify(SignedKind::Note, signed).ok()?;
        let note = Note::read(&signed.content).ok()?;
        (signed.signer == note.device && note.account == self.told.account).then_some(note)
    }

    /// Takes in the notes of a listing, after everything else in it. Gives who was heard in it.
    fn take_notes(&mut self, heard: Heard, report: &mut Report) -> Result<Speakers, SyncError> {
        let mut speakers = heard.speakers;
        if heard.objects.is_empty() {
            return Ok(speakers);
        }
        self.refresh()?;
        for note in heard.newest.into_values() {
            let device = note.device;
            let changes = self.note(note, report);
            speakers.extend((!changes.is_empty()).then_some((device, Word::Note)));
            self.commit(changes)?;
        }
        self.commit(heard.objects.into_iter().map(Change::Seen).collect())?;
        Ok(speakers)
    }

    fn note(&mut self, note: Note, report: &mut Report) -> Vec<Change> {
        let is_known = self.told.devices.contains_key(&note.device) || self.notes.contains_key(&note.device);
        if !is_known && self.notes.len() >= 2 * limits::RECIPIENTS {
            return refused(report);
        }
        let known = self.notes.get(&note.device);
        match known {
            Some(known) if known.counter == note.counter && *known != note => {
                report.alarm(Alarm::Cloned(note.device));
                Vec::new()
            }
            Some(known) if known.counter >= note.counter => Vec::new(),
            // A note of ours that we do not know: this store was put back to an earlier state, or somebody has a copy.
            _ if note.device == self.me => {
                report.alarm(Alarm::Cloned(self.me));
                vec![Change::Note(note)]
            }
            known => {
                if let Some(known) = known
                    && self.goes_back(known, &note)
                {
                    report.alarm(Alarm::WentBack(note.device));
                }
                report.notes += 1;
                vec![Change::Note(note)]
            }
        }
    }

    /// Whether the device knows less than it did: heads that it had, and that still count, are not behind its new ones.
    fn goes_back(&self, before: &Note, after: &Note) -> bool {
        let counted = |id: &&EntryId| {
            self.log.entry(id).is_some() && !self.told.void.contains_key(*id) && !self.told.is_waiting(id)
        };
        let had: Vec<_> =
            before.heads.iter().filter(counted).filter(|id| !after.heads.contains(id)).collect();
        let behind = self.log.ancestors(&after.heads);
        // What we do not have ourselves, up to the first entry, cannot be judged.
        let known = |id: &EntryId| behind.contains(id);
        let mut parents = behind.iter().filter_map(|id| self.log.entry(id)).flat_map(|entry| &entry.parents);
        let is_whole = after.heads.iter().all(known) && parents.all(known);
        // One with as many heads as fit may have left some out.
        let is_whole = is_whole && after.heads.len() < limits::NOTE_HEADS;
        is_whole && had.into_iter().any(|id| !behind.contains(id))
    }

    fn package(
        &mut self,
        name: ObjectName,
        package: Vec<u8>,
        report: &mut Report,
    ) -> Result<Vec<Change>, SyncError> {
        match self.craft.unpack(&package) {
            Ok(unpacked) => Ok(match self.judge(&unpacked) {
                Verdict::Import => self.import(unpacked.key, report),
                Verdict::Later => self.shelve(name, package, report),
                Verdict::Never => refused(report),
            }),
            Err(CraftError::NotForUs) => Ok(Vec::new()),
            Err(CraftError::Locked) => Ok(self.shelve(name, package, report)),
            Err(_) => Ok(refused(report)),
        }
    }

    fn shelve(&self, name: ObjectName, package: Vec<u8>, report: &mut Report) -> Vec<Change> {
        let bytes: u64 = self.shelved.values().map(|package| package.bytes).sum();
        if bytes.saturating_add(package.len() as u64) > limits::SHELVED_BYTES {
            return refused(report);
        }
        vec![Change::Shelve { name, package }]
    }

    fn import(&mut self, key: SharedKey, report: &mut Report) -> Vec<Change> {
        if self.held.contains_key(&key.id) {
            return Vec::new();
        }
        report.imported.push(key.id);
        vec![Change::Key(key)]
    }

    /// Whether a key is one to take in. Its id follows from its secret and is announced by an entry that counts, so
    /// that it does not matter who packed it, as long as he brings the certificate that was announced.
    fn judge(&self, unpacked: &Unpacked) -> Verdict {
        let Unpacked { author, heading, key } = unpacked;
        if heading.account != self.told.account || !heading.recipients.contains(&self.me) {
            return Verdict::Never;
        }
        let is_ours = self.told.devices.contains_key(author)
            || self.told.root.as_ref().is_some_and(|root| root.id == *author);
        let Some(announced) = self.told.key(&key.id).map(|key| &key.announced) else { return Verdict::Later };
        if !is_ours {
            return Verdict::Later;
        }
        let brings =
            |announced: [u8; 32]| key.certificates.iter().any(|certificate| digest(certificate) == announced);
        let fits = announced.purpose == key.purpose && announced.certificate.is_none_or(brings);
        let is_wanted = Rules::in_force().import_all
            || self.told.current(key.purpose).is_some_and(|current| current.announced.key == key.id);
        if fits && is_wanted { Verdict::Import } else { Verdict::Never }
    }

    /// Looks again at the packages that wait.
    pub(super) fn open_shelved(&mut self, report: &mut Report) -> Result<(), SyncError> {
        for name in self.shelved.keys().copied().collect::<Vec<_>>() {
            let Some(package) = self.store.shelved(&name)? else { continue };
            let mut changes = match self.craft.unpack(&package) {
                Err(CraftError::Locked) => continue,
                Err(_) => refused(report),
                Ok(unpacked) => match self.judge(&unpacked) {
                    Verdict::Later => continue,
                    Verdict::Import => self.import(unpacked.key, report),
                    Verdict::Never => refused(report),
                },
            };
            changes.push(Change::Unshelve(name));
            self.commit(changes)?;
        }
        Ok(())
    }

    /// Takes in entries that came with a pairing, as they were signed. Their order does not matter.
    ///
    /// # Errors
    /// [`SyncError`].
    pub fn take_entries(&mut self, entries: Vec<Vec<u8>>, report: &mut Report) -> Result<(), SyncError> {
        for signed in entries {
            let changes = self.entry(signed, report);
            self.commit(changes.unwrap_or_default())?;
        }
        self.refresh()
    }
}

impl Heard {
    /// Keeps a note, unless a newer one of its device came before it.
    fn add(&mut self, note: Note, report: &mut Report) {
        match self.newest.get(&note.device) {
            Some(known) if known.counter == note.counter && *known != note => {
                report.alarm(Alarm::Cloned(note.device));
            }
            Some(known) if known.counter >= note.counter => {}
            _ => drop(self.newest.insert(note.device, note)),
        }
    }
}

/// The entry that changes bring, and whose it is.
fn word_of(changes: &[Change]) -> Option<(DeviceId, Word)> {
    changes.iter().find_map(|change| match change {
        Change::Entry { id, entry, .. } => Some((entry.author.device()?, Word::Entry(*id))),
        _ => None,
    })
}

/// What comes of a package that was opened.
enum Verdict {
    Import,
    Later,
    Never,
}

fn refused(report: &mut Report) -> Vec<Change> {
    report.refused += 1;
    Vec::new()
}

pub(super) fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
