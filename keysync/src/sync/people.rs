//! What a person does: found an account, add a device, change its role, put it out.

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;

use super::note::Note;
use super::ports::{Change, Craft, SharedKey, Signed, SignedKind, Store};
use super::state::{Sync, SyncError};
use crate::device::{DeviceId, Role};
use crate::limits;
use crate::log::{
    AccountId, Admitted, Author, Body, Entry, EntryId, KeyId, Policy, Purpose, Rules, Standing, VerifiedEntry,
};

/// What is left to do after a device was put out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AfterCare {
    /// The entry that put it out.
    pub entry: EntryId,
    /// Keys that are advertised no more; the device has them, and opens what is still sealed to them.
    pub retired: Vec<KeyId>,
    /// Whether another decryption key has to be made and advertised.
    pub new_key: bool,
    /// Whether the device held the personal CA, so that it can issue certificates in the person's name.
    pub authority: bool,
}

/// Founds an account: keeps the first entry, and the first log secret with the entry that announces it.
///
/// `founding` is a genesis entry as its author, the root or the first device, signed it.
///
/// # Errors
/// [`SyncError`].
pub fn found<'a>(
    store: &'a mut dyn Store,
    craft: &'a mut dyn Craft,
    founding: Vec<u8>,
    me: DeviceId,
    now: Time,
) -> Result<Sync<'a>, SyncError> {
    let Signed { content, signer } = craft.verify(SignedKind::Entry, &founding)?;
    let verified = VerifiedEntry::from_signed(&content, &signer).map_err(|_| SyncError::NoRight)?;
    let (id, entry) = (verified.id(), verified.entry().clone());
    let secret = craft.new_log_secret();
    let key = log_secret(secret);
    let first = key.id;
    store.commit(&[Change::Entry { id, entry, signed: founding.clone() }, Change::Key(key.clone())])?;
    let mut sync = Sync::open(store, craft, AccountId::founded_by(&id), me)?;
    let post = sync.outgoing(&super::ports::Parcel::Entry(founding), &first)?;
    let mut changes = sync.announcing(key, &[first], now)?;
    changes.push(post);
    sync.commit(changes)?;
    sync.refresh()?;
    Ok(sync)
}

fn log_secret(secret: SecretBytes) -> SharedKey {
    let id = KeyId::of_log_secret(&secret);
    SharedKey { id, purpose: Purpose::LogSecret, secret, certificates: Vec::new() }
}

impl Sync<'_> {
    /// Adds a device; one that is on the list already, because whoever added it was interrupted, is given this role.
    /// Keys come to it by the pairing, or by the next round.
    ///
    /// # Errors
    /// [`SyncError::NoRight`] where this device is no admin; [`SyncError::WasPutOut`] where the other one was: it comes
    /// back with keys of its own that are new. Other [`SyncError`]s.
    pub fn admit(&mut self, device: Admitted, now: Time) -> Result<(), SyncError> {
        match self.told.devices.get(&device.device) {
            None => self.decree(Body::Add(device), now).map(drop),
            Some(known) if known.revoked.is_some() => Err(SyncError::WasPutOut),
            Some(known) if known.role == device.role => Ok(()),
            Some(_) => self.change_role(device.device, device.role, now).map(drop),
        }
    }

    /// Changes what a device is for.
    ///
    /// # Errors
    /// [`SyncError::NoRight`] where this device is no admin; other [`SyncError`]s.
    pub fn change_role(&mut self, device: DeviceId, role: Role, now: Time) -> Result<EntryId, SyncError> {
        self.told.live(&device).ok_or(SyncError::UnknownDevice)?;
        self.decree(Body::Role { device, role }, now)
    }

    /// Changes the rules for all devices.
    ///
    /// # Errors
    /// [`SyncError::NoRight`] where this device is no admin; other [`SyncError`]s.
    pub fn change_policy(&mut self, policy: Policy, now: Time) -> Result<EntryId, SyncError> {
        self.decree(Body::Policy(policy), now)
    }

    /// Asks the admins for a certificate of this device's mail signing key.
    ///
    /// # Errors
    /// [`SyncError::NoRight`] where this device does not sign; other [`SyncError`]s.
    pub fn request_certificate(&mut self, request: Vec<u8>, now: Time) -> Result<EntryId, SyncError> {
        self.told.live(&self.me).filter(|device| device.role.signs()).ok_or(SyncError::NoRight)?;
        self.say(Body::CertificateRequest(request), now)
    }

    /// Tells the others the certificates of new keys that they seal to from now on: all of this device's, the signing
    /// key first.
    ///
    /// # Errors
    /// [`SyncError`].
    pub fn roll_keys(&mut self, certificates: Vec<Vec<u8>>, now: Time) -> Result<EntryId, SyncError> {
        self.told.live(&self.me).ok_or(SyncError::NoRight)?;
        self.say(Body::KemRoll(certificates), now)
    }

    /// Writes down what the log means to this device.
    ///
    /// # Errors
    /// [`SyncError`].
    pub fn snapshot(&mut self, now: Time) -> Result<EntryId, SyncError> {
        self.told.live(&self.me).ok_or(SyncError::NoRight)?;
        self.say(Body::Snapshot(self.told.digest()), now)
    }

    /// Keys that would be on no device any more, as far as this one knows: what has to be fetched first.
    #[must_use]
    pub fn only_holder_of(&self, device: &DeviceId) -> Vec<KeyId> {
        let stays = |id: &DeviceId| id != device;
        let theirs = self.told.keys_of(device).filter(|key| key.announced.purpose != Purpose::LogSecret);
        let is_elsewhere = |key: &KeyId| {
            let mut others = self.told.live_devices().map(|(id, _)| id).filter(|id| stays(id));
            others.any(|other| self.acknowledged(other, key) == Some(true))
        };
        theirs.map(|key| key.announced.key).filter(|key| !is_elsewhere(key)).collect()
    }

    /// Puts a device out: nothing new is sealed for it, keys that it has are retired, and the others move to boxes
    /// that it cannot find.
    ///
    /// # Errors
    /// [`SyncError::OnlyHolder`] where keys would be lost, unless `anyway`; other [`SyncError`]s.
    pub fn revoke(&mut self, device: DeviceId, anyway: bool, now: Time) -> Result<AfterCare, SyncError> {
        self.check_right_to_decree()?;
        let has_been = self.told.live(&device).ok_or(SyncError::UnknownDevice)?.has_been.clone();
        let lost = self.only_holder_of(&device);
        if !anyway && !lost.is_empty() && Rules::in_force().look_first {
            return Err(SyncError::OnlyHolder(lost));
        }
        let exposed = self.told.keys.iter().filter(|key| {
            let purpose = key.announced.purpose;
            let may_hold = has_been.iter().any(|role| purpose.is_for(*role));
            !key.retired && purpose != Purpose::PersonalAuthority && may_hold
        });
        let mut retired: Vec<KeyId> = exposed.map(|key| key.announced.key).collect();
        retired.sort_unstable();
        retired.truncate(limits::ENTRY_KEYS);
        let entry = self.decree(Body::Revoke { device, retired: retired.clone() }, now)?;
        if self.told.live(&self.me).is_some() {
            self.renew_log_secret(now)?;
        }
        let new_key = self.told.current_mail_key().is_none();
        let authority = has_been.iter().any(|role| role.administers());
        Ok(AfterCare { entry, retired, new_key, authority })
    }

    /// Takes in what the root signed, and posts it: the way back after a theft, or after all devices were lost.
    ///
    /// # Errors
    /// [`SyncError`].
    pub fn take_root_entry(&mut self, signed: Vec<u8>) -> Result<EntryId, SyncError> {
        let Signed { content, signer } = self.craft.verify(SignedKind::Entry, &signed)?;
        let verified = VerifiedEntry::from_signed(&content, &signer).map_err(|_| SyncError::NoRight)?;
        let is_root =
            self.told.root.as_ref().is_some_and(|root| verified.entry().author == Author::Root(root.id));
        if !is_root || !self.log.would_take(&verified, Standing::Root).unwrap_or_default() {
            return Err(SyncError::NoRight);
        }
        let (id, entry) = (verified.id(), verified.entry().clone());
        let mut changes = Vec::new();
        for secret in self.boxes() {
            changes.push(self.outgoing(&super::ports::Parcel::Entry(signed.clone()), &secret)?);
        }
        changes.push(Change::Entry { id, entry, signed });
        self.commit(changes)?;
        self.refresh()?;
        Ok(id)
    }

    /// Posts what the root said since it founded the account in every box that this device knows: the devices that it
    /// put out look there, and other ones of the person may, too. For a device that came in by such an entry.
    ///
    /// # Errors
    /// [`SyncError`].
    pub fn post_root_entries(&mut self) -> Result<(), SyncError> {
        let by_root = |entry: &Entry| matches!(entry.author, Author::Root(_)) && entry.account.is_some();
        let ids: Vec<EntryId> =
            self.log.iter().filter(|(_, entry)| by_root(entry)).map(|(id, _)| *id).collect();
        let mut changes = Vec::new();
        for id in ids {
            let Some(signed) = self.store.signed_entry(&id)? else { continue };
            for secret in self.boxes() {
                changes.push(self.outgoing(&super::ports::Parcel::Entry(signed.clone()), &secret)?);
            }
        }
        self.commit(changes)
    }

    /// The entry by which the root puts things right, to be signed by it: it comes after everything that counts, or
    /// after what is left without the entries that are not believed.
    #[must_use]
    pub fn draft_recovery(
        &self,
        disbelieved: &[EntryId],
        revoked: Vec<DeviceId>,
        added: Vec<Admitted>,
        now: Time,
    ) -> Option<Entry> {
        let root = self.told.root.as_ref()?.id;
        let retired = self.told.keys.iter().filter(|key| !key.retired && !revoked.is_empty());
        let mut retired: Vec<KeyId> = retired.map(|key| key.announced.key).collect();
        retired.sort_unstable();
        retired.truncate(limits::ENTRY_KEYS);
        let body = Body::Recover { revoked, retired, added };
        let mut entry = self.log.draft(&self.told, Author::Root(root), now, body);
        if !disbelieved.is_empty() {
            let heads = self.log.heads_without(&self.told, disbelieved);
            self.log.place(&mut entry, &self.log.foremost(&heads, &self.told));
        }
        Some(entry)
    }

    /// The key whose certificate may be advertised: the current one, once it cannot be lost any more with this device
    /// alone, because another device holds it or the seed on paper opens its package. Before that, the one before it.
    #[must_use]
    pub fn advertised(&self) -> Option<KeyId> {
        let keys = self.told.keys.iter().rev();
        let keys = keys.filter(|key| key.announced.purpose == Purpose::Decryption && !key.retired);
        let is_alone = self.told.live_devices().filter(|(_, device)| device.role.decrypts()).count() < 2;
        let root = self.told.root.as_ref().map(|root| root.id);
        let mut safe = keys.filter(|key| {
            let others = self.told.live_devices().map(|(id, _)| id).filter(|id| **id != self.me);
            is_alone
                || root.is_some_and(|root| key.announced.recipients.contains(&root))
                || others.into_iter().any(|other| self.acknowledged(other, &key.announced.key) == Some(true))
        });
        safe.next().map(|key| key.announced.key)
    }

    /// The newest note of a device.
    #[must_use]
    pub fn note_of(&self, device: &DeviceId) -> Option<&Note> {
        self.notes.get(device)
    }

    /// An entry that only an admin may write.
    fn decree(&mut self, body: Body, now: Time) -> Result<EntryId, SyncError> {
        self.check_right_to_decree()?;
        self.say(body, now)
    }

    fn check_right_to_decree(&self) -> Result<(), SyncError> {
        let own = self.told.live(&self.me).filter(|device| device.role.administers());
        own.map(drop).ok_or(SyncError::NoRight)
    }

    fn say(&mut self, body: Body, now: Time) -> Result<EntryId, SyncError> {
        let written = self.write(body, now)?;
        let id = written.id;
        let changes = self.keep_and_post(written, &self.writing()?)?;
        self.commit(changes)?;
        self.refresh()?;
        if self.told.void.contains_key(&id) { Err(SyncError::InVain) } else { Ok(id) }
    }
}
