//! An account, brought back by the seed on paper from any copy of what its devices left in a box.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use counterseal_core::ports::Random;
use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;

use super::Seed;
use crate::craft::DeviceCraft;
use crate::device::{DeviceCertificates, DeviceId, DeviceKeys, Role};
use crate::grant::Grant;
use crate::limits;
use crate::log::{
    AccountId, Admitted, Author, Body, Entry, EntryId, EvaluateError, Evaluation, KeyId, Log, Purpose,
    VerifiedEntry,
};
use crate::root::{RootKeys, first_log_secret};
use crate::sync::{Change, Craft, CraftError, Heading, Parcel, SharedKey, SignedKind};

/// An account, as a copy has it.
pub struct Recovered {
    /// Which one.
    pub account: AccountId,
    /// Entries and keys, to be kept in a new store at once.
    pub changes: Vec<Change>,
    /// What the log in the copy means.
    pub told: Evaluation,
    root: DeviceKeys,
}

/// Why nothing comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecoverError {
    /// Nothing there opens with this seed: the words are of another sheet, or there is no copy of its account.
    OtherSeed,
    /// Objects open, and the entry that founds the account is not among them.
    NoAccount,
    /// The log has no meaning.
    Log(EvaluateError),
    /// Something could not be signed or sealed.
    Craft(CraftError),
}

impl fmt::Display for RecoverError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherSeed => formatter.write_str("nothing there opens with these words"),
            Self::NoAccount => formatter.write_str("the first entry of the account is missing"),
            Self::Log(error) => error.fmt(formatter),
            Self::Craft(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for RecoverError {}

/// Opens whatever objects of the account there are: those of `crate::copy::read`, or of its boxes on any transport. What
/// does not open is passed over, as others may put anything beside. Every entry is verified, every key opened, and only
/// keys that the log announces are taken. Nothing is written, so this is also the drill that shows that the paper is good.
///
/// # Errors
/// [`RecoverError`].
pub fn recover(
    seed: &Seed,
    objects: &[impl AsRef<[u8]>],
    now: Time,
    random: &mut dyn Random,
) -> Result<Recovered, RecoverError> {
    let root = root(seed, now, random)?;
    let mut found = Found::default();
    {
        let mut craft = DeviceCraft::new(root.secret_keys(), root.certificates(), random);
        found.open(first_log_secret(seed.secret()), objects, &mut craft);
    }
    if found.entries.is_empty() {
        return Err(RecoverError::OtherSeed);
    }
    let author = Author::Root(root.certificates().id());
    let mut founding = found.entries.iter().filter(|(_, (entry, _))| entry.account.is_none());
    let founding = founding.find(|(_, (entry, _))| entry.author == author).ok_or(RecoverError::NoAccount)?;
    let account = AccountId::founded_by(founding.0);
    found.entries.retain(|id, (entry, _)| entry.account.unwrap_or(AccountId::founded_by(id)) == account);
    let log = found.entries.iter().map(|(id, (entry, _))| (*id, entry.clone()));
    let told = Log::from_kept(account, log).evaluate().map_err(RecoverError::Log)?;
    let entries = found.entries.into_iter();
    let mut changes: Vec<Change> =
        entries.map(|(id, (entry, signed))| Change::Entry { id, entry, signed }).collect();
    let announced = found.keys.into_values().filter(|key| told.key(&key.id).is_some());
    changes.extend(announced.map(Change::Key));
    Ok(Recovered { account, changes, told, root })
}

/// The secrets of the log that these objects hold, and the first one, which follows from the seed: each has a box, where
/// more of them lie.
///
/// # Errors
/// [`RecoverError::Craft`].
pub fn log_secrets(
    seed: &Seed,
    objects: &[impl AsRef<[u8]>],
    now: Time,
    random: &mut dyn Random,
) -> Result<Vec<SecretBytes>, RecoverError> {
    let root = root(seed, now, random)?;
    let mut found = Found::default();
    let mut craft = DeviceCraft::new(root.secret_keys(), root.certificates(), random);
    let first = first_log_secret(seed.secret());
    found.open(first.clone(), objects, &mut craft);
    let later = found.keys.into_values().filter(|key| key.purpose == Purpose::LogSecret);
    Ok(std::iter::once(first).chain(later.map(|key| key.secret)).collect())
}

fn root(seed: &Seed, now: Time, random: &mut dyn Random) -> Result<DeviceKeys, RecoverError> {
    let failed = |reason: String| RecoverError::Craft(CraftError::Failed(reason));
    let root = RootKeys::from_seed(seed.secret()).map_err(|error| failed(error.to_string()))?;
    root.certify(now, random).map_err(|error| failed(error.to_string()))
}

/// What objects held.
#[derive(Default)]
struct Found {
    entries: BTreeMap<EntryId, (Entry, Vec<u8>)>,
    keys: BTreeMap<KeyId, SharedKey>,
}

impl Found {
    /// Opens objects with the first secret of the log, and with each later one that they hold.
    fn open(&mut self, first: SecretBytes, objects: &[impl AsRef<[u8]>], craft: &mut DeviceCraft<'_>) {
        let mut closed: Vec<&[u8]> = objects.iter().map(AsRef::as_ref).collect();
        let mut secrets = vec![first];
        let mut tried = BTreeSet::new();
        while let Some(secret) = secrets.pop() {
            if !tried.insert(KeyId::of_log_secret(&secret)) || tried.len() > limits::RECOVERED_SECRETS {
                continue;
            }
            closed.retain(|object| match craft.unseal(&secret, object) {
                Err(_) => true,
                Ok(parcel) => {
                    secrets.extend(self.take(parcel, craft));
                    false
                }
            });
        }
    }

    /// Takes in what an object held; a further secret of the log comes back.
    fn take(&mut self, parcel: Parcel, craft: &mut DeviceCraft<'_>) -> Option<SecretBytes> {
        match parcel {
            Parcel::Entry(signed) => {
                let verified = craft.verify(SignedKind::Entry, &signed).ok()?;
                let verified = VerifiedEntry::from_signed(&verified.content, &verified.signer).ok()?;
                self.entries.entry(verified.id()).or_insert_with(|| (verified.entry().clone(), signed));
                None
            }
            Parcel::Package(package) => {
                let key = craft.unpack(&package).ok()?.key;
                let secret = (key.purpose == Purpose::LogSecret).then(|| key.secret.clone());
                self.keys.entry(key.id).or_insert(key);
                secret
            }
            Parcel::Note(_) => None,
        }
    }
}

impl Recovered {
    /// Keys that the log knows and the copy does not bring: mail to them stays closed.
    #[must_use]
    pub fn missing(&self) -> Vec<KeyId> {
        let brought = self.changes.iter().filter_map(|change| match change {
            Change::Key(key) => Some(key.id),
            _ => None,
        });
        let brought: BTreeSet<KeyId> = brought.collect();
        let wanted = self.told.keys.iter().filter(|key| key.announced.purpose != Purpose::LogSecret);
        wanted.map(|key| key.announced.key).filter(|key| !brought.contains(key)).collect()
    }

    /// The devices that are put out: all that belong to the account.
    #[must_use]
    pub fn devices(&self) -> Vec<DeviceId> {
        self.told.live_devices().map(|(id, _)| *id).collect()
    }

    /// Every device that the log names: one that is out already, or never was in, would be in if the entry that says so
    /// were cut off.
    fn all_devices(&self) -> BTreeSet<DeviceId> {
        let added = self.log_entries().filter_map(|(_, entry, _)| match &entry.body {
            Body::Add(added) => Some(added.device),
            _ => None,
        });
        added.chain(self.told.devices.keys().copied()).collect()
    }

    /// What makes a new device the only one of the account, as an admin: the log with an entry of the root that puts all
    /// others out, and every key, packed for the new device. Keys that open mail are retired by it, so that others
    /// encrypt to a new one; the personal CA stays, by which contacts know the person.
    ///
    /// # Errors
    /// [`RecoverError::Craft`].
    pub fn grant(
        &self,
        device: &DeviceCertificates,
        now: Time,
        random: &mut dyn Random,
    ) -> Result<Grant, RecoverError> {
        let recovery = self.recovery(device, now);
        let mut craft = DeviceCraft::new(self.root.secret_keys(), self.root.certificates(), random);
        let mut entries = self.entries();
        for entry in &recovery {
            entries.push(craft.sign(SignedKind::Entry, &entry.to_der(), now).map_err(RecoverError::Craft)?);
        }
        let heads = recovery.last().map(Entry::id).into_iter().collect();
        let recipients = vec![device.id()];
        let heading = Heading { account: self.account, recipients, heads };
        let list = device.to_list();
        let mut packages = Vec::new();
        for change in &self.changes {
            if let Change::Key(key) = change {
                packages.push(craft.pack(key, &heading, &[&list], now).map_err(RecoverError::Craft)?);
            }
        }
        let account = self.account;
        // What the lost devices knew beside their keys is lost with them.
        Ok(Grant { account, entries, packages, places: Vec::new(), contacts: Vec::new() })
    }

    /// The entries of the root, each after the one before: a thief may have let in more devices than one entry can name.
    fn recovery(&self, device: &DeviceCertificates, now: Time) -> Vec<Entry> {
        let mut all = self.all_devices();
        all.remove(&device.id());
        let all: Vec<DeviceId> = all.into_iter().collect();
        let mut parts: Vec<Vec<DeviceId>> =
            all.chunks(limits::RECOVERED_DEVICES).map(<[_]>::to_vec).collect();
        let last = parts.pop().unwrap_or_default();
        let admitted = Admitted {
            device: device.id(),
            role: Role::Admin,
            name: device.name(),
            certificates: device.to_list(),
        };
        let parts = parts.into_iter().map(|revoked| (revoked, Vec::new(), Vec::new()));
        let parts = parts.chain([(last, self.retired(), vec![admitted])]);
        let (log, author) = (self.log(), Author::Root(self.root.certificates().id()));
        let mut entries: Vec<Entry> = Vec::new();
        for (revoked, retired, added) in parts {
            let mut entry = log.draft(&self.told, author, now, Body::Recover { revoked, retired, added });
            if let Some(before) = entries.last() {
                (entry.parents, entry.lamport) = (vec![before.id()], before.lamport.saturating_add(1));
            }
            entries.push(entry);
        }
        entries
    }

    /// Keys that others encrypt to, and secrets of the log: whoever has a lost device has them.
    #[must_use]
    pub fn retired(&self) -> Vec<KeyId> {
        let keys = self.told.keys.iter();
        let keys = keys.filter(|key| !key.retired && key.announced.purpose != Purpose::PersonalAuthority);
        let mut retired: Vec<KeyId> = keys.map(|key| key.announced.key).collect();
        retired.sort_unstable();
        retired.truncate(limits::ENTRY_KEYS);
        retired
    }

    /// Every entry that counts as it was signed, and those before it, ancestors first.
    fn entries(&self) -> Vec<Vec<u8>> {
        let signed: BTreeMap<EntryId, &Vec<u8>> =
            self.log_entries().map(|(id, _, signed)| (id, signed)).collect();
        let order = self.log().ancestry(&self.told.heads);
        order.iter().filter_map(|id| signed.get(id).map(|signed| (*signed).clone())).collect()
    }

    fn log(&self) -> Log {
        Log::from_kept(self.account, self.log_entries().map(|(id, entry, _)| (id, entry.clone())))
    }

    fn log_entries(&self) -> impl Iterator<Item = (EntryId, &Entry, &Vec<u8>)> {
        self.changes.iter().filter_map(|change| match change {
            Change::Entry { id, entry, signed } => Some((*id, entry, signed)),
            _ => None,
        })
    }
}

impl fmt::Debug for Recovered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Recovered({} devices, ..)", self.told.devices.len())
    }
}

#[cfg(test)]
mod tests;
