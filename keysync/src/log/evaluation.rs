//! What a log means.

use std::collections::{BTreeMap, BTreeSet};

use counterseal_core::time::Time;
use sha2::{Digest, Sha256};

use super::entry::{AccountId, Announced, Author, EntryId, KeyId, Policy, Purpose};
use super::verified::Standing;
use crate::device::{DeviceId, Role};
use crate::limits;

/// What a set of entries means. Two devices with the same entries have the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The account.
    pub account: AccountId,
    /// The root, where the account has one.
    pub root: Option<Root>,
    /// Every device that ever belonged to it.
    pub devices: BTreeMap<DeviceId, Device>,
    /// Every key that counts, in the order of (lamport, id) of what announced it.
    pub keys: Vec<Key>,
    /// Requests for certificates that count, with the answers that do.
    pub requests: Vec<Request>,
    /// Rules for all devices.
    pub policy: Policy,
    /// Entries that count and that no other one that counts comes after. What is written next has them as parents.
    pub heads: Vec<EntryId>,
    /// Entries that take a right away without counting, and that nothing comes after. What a device writes next has them as
    /// parents, too, or it would be beside them for ever.
    pub restricting: Vec<EntryId>,
    /// Entries that do not count, and why.
    pub void: BTreeMap<EntryId, Void>,
    /// Entries whose ancestors are not all there, by id.
    pub waiting: Vec<EntryId>,
    /// Revocations that count, the root's among them.
    pub revocations: Vec<EntryId>,
    /// Where each key is among the keys: a log may announce a hundred thousand.
    pub(super) places: BTreeMap<KeyId, usize>,
    /// Keys whose announcement does not know of every revocation that counts.
    pub(super) exposed: Vec<KeyId>,
    /// Keys that somebody retired, whether there is such a key or not.
    pub(super) retired: Vec<KeyId>,
}

/// The seed on paper, by its public half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Of its signing key.
    pub id: DeviceId,
    /// DER, signing key first.
    pub certificates: Vec<Vec<u8>>,
}

/// A device, as the log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// What it is for.
    pub role: Role,
    /// What its person calls it.
    pub name: String,
    /// DER of its certificates, signing key first: what to seal to.
    pub certificates: Vec<Vec<u8>>,
    /// Every role that it was ever given, also by what does not count any more: what it had then, it may have kept.
    pub has_been: Vec<Role>,
    /// When it was added, by the clock of who did it.
    pub added: Time,
    /// The entry that put it out, where one did, and when.
    pub revoked: Option<(EntryId, Time)>,
}

/// A key that devices share, as the log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// What was announced.
    pub announced: Announced,
    /// By which entry.
    pub entry: EntryId,
    /// By whom; nothing for the root.
    pub author: Option<DeviceId>,
    /// When, by its author's clock.
    pub time: Time,
    /// Whether its certificate is advertised no more: somebody retired it, or a device was put out while it was made.
    pub retired: bool,
}

/// A device that asked for a certificate of its mail signing key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The entry that asks.
    pub entry: EntryId,
    /// Who asks.
    pub device: DeviceId,
    /// DER of its PKCS#10 request.
    pub request: Vec<u8>,
    /// The certificates of the first answer that counts.
    pub certificates: Option<Vec<Vec<u8>>>,
}

/// Why an entry does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Void {
    /// Its lamport is not what its parents say.
    Lamport,
    /// It is signed by a root that is not this account's, or says what only the root may.
    NotTheRoot,
    /// Its author had no right to it in its own past.
    NoRight,
    /// Its author's own admission does not count.
    AdmissionVoid,
    /// Its author is put out by that entry, and it is not among the ancestors of it.
    Revoked(EntryId),
    /// Its author lost the right to it by that entry, beside which it was written.
    RightTaken(EntryId),
    /// The root cut it off by that entry.
    CutOff(EntryId),
    /// It adds a device that is there already.
    AlreadyThere,
    /// It speaks of a device, or a request, that is not there.
    Unknown,
    /// Its author wrote more about devices than is judged.
    TooMany,
}

impl Void {
    /// The reason in one word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lamport => "wrong-lamport",
            Self::NotTheRoot => "not-the-root",
            Self::NoRight => "no-right",
            Self::AdmissionVoid => "admission-void",
            Self::Revoked(_) => "author-revoked",
            Self::RightTaken(_) => "right-taken",
            Self::CutOff(_) => "cut-off",
            Self::AlreadyThere => "already-there",
            Self::Unknown => "unknown",
            Self::TooMany => "too-many",
        }
    }
}

impl Evaluation {
    /// The device, if it belongs to the account now.
    #[must_use]
    pub fn live(&self, device: &DeviceId) -> Option<&Device> {
        self.devices.get(device).filter(|device| device.revoked.is_none())
    }

    /// The heads, and what restricts without counting, ascending: as many as a note or a key package may name.
    #[must_use]
    pub fn named_heads(&self) -> Vec<EntryId> {
        let heads = self.heads.iter().chain(&self.restricting).take(limits::NOTE_HEADS);
        heads.copied().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Who somebody is to the account.
    #[must_use]
    pub fn standing(&self, author: &Author) -> Standing {
        match author {
            Author::Root(id) if self.root.as_ref().is_some_and(|root| root.id == *id) => Standing::Root,
            Author::Root(_) => Standing::Stranger,
            Author::Device(id) => match (self.live(id), self.devices.contains_key(id)) {
                (Some(device), _) if device.role.administers() => Standing::Admin,
                (_, true) => Standing::Device,
                (_, false) => Standing::Stranger,
            },
        }
    }

    /// The devices that belong to the account now.
    pub fn live_devices(&self) -> impl Iterator<Item = (&DeviceId, &Device)> {
        self.devices.iter().filter(|(_, device)| device.revoked.is_none())
    }

    /// The key whose certificate is advertised, or that is used now: the last one that is not retired. Without one
    /// nothing is advertised, and it is for the root to speak.
    #[must_use]
    pub fn current(&self, purpose: Purpose) -> Option<&Key> {
        self.keys.iter().rev().find(|key| key.announced.purpose == purpose && !key.retired)
    }

    /// The key that others encrypt to now, whether it also signs or not.
    #[must_use]
    pub fn current_mail_key(&self) -> Option<&Key> {
        self.keys.iter().rev().find(|key| key.announced.purpose.opens_mail() && !key.retired)
    }

    /// A key that counts.
    #[must_use]
    pub fn key(&self, id: &KeyId) -> Option<&Key> {
        self.places.get(id).and_then(|place| self.keys.get(*place))
    }

    /// Whether an entry is there, and not all of its ancestors.
    pub(crate) fn is_waiting(&self, id: &EntryId) -> bool {
        self.waiting.binary_search(id).is_ok()
    }

    /// The keys that a device of this role is to have: all of its purposes, retired ones too, because old mail stays.
    pub fn keys_for(&self, role: Role) -> impl Iterator<Item = &Key> {
        let first = self.first_for(role);
        let is_new_enough =
            move |place: usize, key: &Key| key.announced.purpose != Purpose::Decryption || place >= first;
        self.keys
            .iter()
            .enumerate()
            .filter(move |(place, key)| key.announced.purpose.is_for(role) && is_new_enough(*place, key))
            .map(|(_, key)| key)
    }

    /// A kiosk gets no key to decrypt by that another one followed before its time: its first is the last of that time.
    fn first_for(&self, role: Role) -> usize {
        let Role::Kiosk { since } = role else { return 0 };
        let is_before = |key: &Key| key.announced.purpose == Purpose::Decryption && key.time <= since;
        self.keys.iter().rposition(is_before).unwrap_or(0)
    }

    /// The keys that this device is to have now; none where it does not belong to the account.
    pub fn keys_of(&self, device: &DeviceId) -> impl Iterator<Item = &Key> {
        self.live(device).map(|device| device.role).into_iter().flat_map(|role| self.keys_for(role))
    }

    /// SHA-256 of all that is said here about devices and keys. Whoever has the same entries has the same.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut digest =
            Sha256::new().chain_update(b"counterseal log meaning 1").chain_update(self.account.as_bytes());
        for (id, device) in &self.devices {
            digest.update(id.as_bytes());
            digest.update([device.role.word().len() as u8]);
            digest.update(device.role.word());
            digest.update(device.revoked.map_or([0; 32], |(entry, _)| *entry.as_bytes()));
        }
        for key in &self.keys {
            digest.update(key.announced.key.as_bytes());
            digest.update(key.entry.as_bytes());
            digest.update([u8::from(key.retired)]);
        }
        digest.finalize().into()
    }
}
