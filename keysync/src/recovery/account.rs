//! An account, brought back by the seed on paper from any copy of what its devices left in a box.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use counterseal_core::ports::Random;
use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;

use super::Seed;
use crate::craft::DeviceCraft;
use crate::device::{DeviceCertificates, DeviceId, DeviceKeys, Role};
use crate::limits;
use crate::log::{
    AccountId, Admitted, Author, Entry, EntryId, EvaluateError, Evaluation, KeyId, Log, Purpose,
    VerifiedEntry,
};
use crate::root::{RootKeys, first_log_secret};
use crate::sync::{Change, Craft, CraftError, Parcel, SharedKey, SignedKind, Sync, SyncError};

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
    /// The new device could not be brought in.
    Sync(SyncError),
}

impl fmt::Display for RecoverError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherSeed => formatter.write_str("nothing there opens with these words"),
            Self::NoAccount => formatter.write_str("the first entry of the account is missing"),
            Self::Log(error) => error.fmt(formatter),
            Self::Craft(error) => error.fmt(formatter),
            Self::Sync(error) => error.fmt(formatter),
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
    let failed = |reason: String| RecoverError::Craft(CraftError::Failed(reason));
    let root = RootKeys::from_seed(seed.secret()).map_err(|error| failed(error.to_string()))?;
    let root = root.certify(now, random).map_err(|error| failed(error.to_string()))?;
    let mut found = Found::default();
    {
        let mut craft = DeviceCraft::new(root.secret_keys(), root.certificates(), random);
        found.open(first_log_secret(seed.secret()), objects, &mut craft);
    }
    if found.entries.is_empty() {
        return Err(RecoverError::OtherSeed);
    }
    let is_founding = |entry: &&(EntryId, Entry, Vec<u8>)| {
        entry.1.account.is_none() && entry.1.author == Author::Root(root.certificates().id())
    };
    let founding = found.entries.iter().find(is_founding).ok_or(RecoverError::NoAccount)?;
    let account = AccountId::founded_by(&founding.0);
    found.entries.retain(|(id, entry, _)| entry.account.unwrap_or(AccountId::founded_by(id)) == account);
    let log = found.entries.iter().map(|(id, entry, _)| (*id, entry.clone()));
    let told = Log::from_kept(account, log).evaluate().map_err(RecoverError::Log)?;
    let entries = found.entries.into_iter();
    let mut changes: Vec<Change> =
        entries.map(|(id, entry, signed)| Change::Entry { id, entry, signed }).collect();
    let announced = found.keys.into_values().filter(|key| told.key(&key.id).is_some());
    changes.extend(announced.map(Change::Key));
    Ok(Recovered { account, changes, told, root })
}

/// What objects held.
#[derive(Default)]
struct Found {
    entries: Vec<(EntryId, Entry, Vec<u8>)>,
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
                if self.entries.len() < limits::LOG_ENTRIES
                    && !self.entries.iter().any(|(id, ..)| *id == verified.id())
                {
                    self.entries.push((verified.id(), verified.entry().clone(), signed));
                }
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

    /// The entry that puts all devices out and this one in, as an admin, signed by the root. `sync` is the new device's,
    /// whose store has [`Recovered::changes`]. All keys are retired with it: the new device makes new ones.
    ///
    /// # Errors
    /// [`RecoverError`].
    pub fn bring_in(
        &self,
        sync: &mut Sync<'_>,
        device: &DeviceCertificates,
        now: Time,
        random: &mut dyn Random,
    ) -> Result<(), RecoverError> {
        let admitted = Admitted {
            device: device.id(),
            role: Role::Admin,
            name: device.name(),
            certificates: device.to_list(),
        };
        let entry = sync.draft_recovery(&[], self.devices(), vec![admitted], now);
        let entry = entry.ok_or(RecoverError::OtherSeed)?;
        let mut craft = DeviceCraft::new(self.root.secret_keys(), self.root.certificates(), random);
        let signed = craft.sign(SignedKind::Entry, &entry.to_der(), now).map_err(RecoverError::Craft)?;
        sync.take_root_entry(signed).map(drop).map_err(RecoverError::Sync)
    }
}

impl fmt::Debug for Recovered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Recovered({} devices, ..)", self.told.devices.len())
    }
}

#[cfg(test)]
mod tests;
