#![allow(clippy::unwrap_used, clippy::panic)]

use counterseal_core::address::EmailAddress;
use counterseal_core::keys::Keyring;
use counterseal_core::x509::issue::{self, Subject, Validity};
use counterseal_core::x509::{KeyKind, SecretKey};

use super::*;
use crate::sync::{Kept, Store, StoreError, Sync, found};
use crate::testing::{NOW, SystemRandom};
use crate::transport::ObjectName;

/// A store in memory: the loop's simulator has one with faults.
#[derive(Default)]
struct Memory {
    kept: Kept,
    signed: Vec<(EntryId, Vec<u8>)>,
    keys: Vec<SharedKey>,
    posted: Vec<Vec<u8>>,
}

impl Store for Memory {
    fn load(&self) -> Result<Kept, StoreError> {
        Ok(self.kept.clone())
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        for change in changes {
            match change {
                Change::Entry { id, entry, signed } => {
                    self.kept.entries.push((*id, entry.clone()));
                    self.signed.push((*id, signed.clone()));
                }
                Change::Key(key) => {
                    self.kept.keys.push((key.id, key.purpose));
                    self.keys.push(key.clone());
                }
                Change::Post { object, .. } => self.posted.push(object.clone()),
                _ => {}
            }
        }
        Ok(())
    }

    fn signed_entry(&self, id: &EntryId) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.signed.iter().find(|(known, _)| known == id).map(|(_, signed)| signed.clone()))
    }

    fn key(&self, id: &KeyId) -> Result<Option<SharedKey>, StoreError> {
        Ok(self.keys.iter().find(|key| key.id == *id).cloned())
    }

    fn key_named(&self, _: &[u8; 32]) -> Result<Option<KeyId>, StoreError> {
        Ok(None)
    }

    fn outgoing(&self, _: &ObjectName) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    fn shelved(&self, _: &ObjectName) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }
}

fn device(name: &str) -> DeviceKeys {
    DeviceKeys::generate(name, NOW, &mut SystemRandom).unwrap()
}

fn mail_key() -> SharedKey {
    let key = SecretKey::generate(KeyKind::P256, &mut SystemRandom).unwrap();
    let addresses = vec![EmailAddress::parse("alice@example.org").unwrap()];
    let subject = Subject { name: "Alice", addresses: &addresses, public_key: key.public_key() };
    let validity = Validity { not_before: NOW.plus_days(-1), not_after: NOW.plus_days(100) };
    let keys = Keyring::from(key.clone());
    let certificate = issue::personal_ca(&keys, &subject, validity, &mut SystemRandom).unwrap();
    SharedKey {
        id: KeyId::of_public_key(key.public_key().as_der()),
        purpose: Purpose::Decryption,
        secret: key.to_pkcs8_der(),
        certificates: vec![certificate.as_der().to_vec()],
    }
}

fn admitted(keys: &DeviceKeys) -> Admitted {
    let certificates = keys.certificates();
    let (device, name) = (certificates.id(), certificates.name());
    Admitted { device, role: Role::Admin, name, certificates: certificates.to_list() }
}

/// An account with two devices and two generations of keys: what lies in its boxes.
fn account(seed: &Seed) -> (Vec<Vec<u8>>, [KeyId; 2]) {
    account_with(seed, 0)
}

/// The same, into which a thief let in so many more.
fn account_with(seed: &Seed, strangers: usize) -> (Vec<Vec<u8>>, [KeyId; 2]) {
    let root = RootKeys::from_seed(seed.secret()).unwrap().certify(NOW, &mut SystemRandom).unwrap();
    let (desk, laptop) = (device("desk"), device("laptop"));
    let genesis = Entry {
        account: None,
        parents: Vec::new(),
        lamport: 0,
        time: NOW,
        author: Author::Root(root.certificates().id()),
        body: Body::Genesis { first: admitted(&desk), root: root.certificates().to_list() },
    };
    let mut random = SystemRandom;
    let mut craft = DeviceCraft::new(root.secret_keys(), root.certificates(), &mut random);
    let founding = craft.sign(SignedKind::Entry, &genesis.to_der(), NOW).unwrap();
    let mut store = Memory::default();
    let mut random = SystemRandom;
    let mut craft = DeviceCraft::new(desk.secret_keys(), desk.certificates(), &mut random)
        .with_log_secret(first_log_secret(seed.secret()));
    let mut sync = found(&mut store, &mut craft, founding, desk.certificates().id(), NOW).unwrap();
    sync.admit(admitted(&laptop), NOW).unwrap();
    let keys = [mail_key(), mail_key()];
    let ids = keys.each_ref().map(|key| key.id);
    for key in keys {
        sync.announce(key, NOW).unwrap();
    }
    let third = device("third");
    sync.admit(admitted(&third), NOW).unwrap();
    // From here on there is another secret of the log, and another box.
    sync.revoke(third.certificates().id(), true, NOW).unwrap();
    for number in 0..strangers {
        let device = DeviceId::from_bytes(std::array::from_fn(|place| (number >> (8 * (place % 8))) as u8));
        let certificates = vec![vec![1]];
        let name = format!("stranger {number}");
        sync.admit(Admitted { device, role: Role::Admin, name, certificates }, NOW).unwrap();
    }
    drop(sync);
    (store.posted, ids)
}

#[test]
fn all_devices_are_lost_and_the_paper_brings_the_keys_to_a_new_one() {
    let seed = Seed::generate(&mut SystemRandom);
    let (mut objects, keys) = account(&seed);
    objects.reverse();
    objects.push(b"something that a stranger put there".to_vec());
    let secrets = log_secrets(&seed, &objects, NOW, &mut SystemRandom).unwrap();
    assert_eq!(secrets.len(), 3, "the first, the same in its package, and that after the revocation");
    let words: Vec<&str> = seed.words().iter().collect();
    let typed = Seed::from_words(&words.join(" ")).unwrap();
    let recovered = recover(&typed, &objects, NOW, &mut SystemRandom).unwrap();
    assert_eq!((recovered.devices().len(), recovered.missing()), (2, Vec::new()));

    let new = device("new");
    let later = NOW.plus_days(1);
    let grant = recovered.grant(new.certificates(), later, &mut SystemRandom).unwrap();
    let mut random = SystemRandom;
    let mut craft = DeviceCraft::new(new.secret_keys(), new.certificates(), &mut random);
    let mut store = Memory::default();
    store.commit(&Grant::read(&grant.to_der()).unwrap().changes(&mut craft).unwrap()).unwrap();
    let mut sync = Sync::open(&mut store, &mut craft, recovered.account, new.certificates().id()).unwrap();
    let live: Vec<DeviceId> = sync.told().live_devices().map(|(id, _)| *id).collect();
    assert_eq!(live, [new.certificates().id()]);
    let advertised = sync.told().current(Purpose::Decryption);
    assert!(advertised.is_none(), "what lost devices had is advertised no more");
    for key in keys {
        assert!(sync.held().any(|(held, _)| *held == key), "and still opens old mail");
    }
    let key = mail_key();
    let id = key.id;
    sync.announce(key, NOW.plus_days(1)).unwrap();
    assert_eq!(sync.told().current(Purpose::Decryption).map(|key| key.announced.key), Some(id));
}

#[test]
fn a_recovery_puts_out_more_devices_than_one_entry_can_name() {
    let seed = Seed::generate(&mut SystemRandom);
    let (objects, _) = account_with(&seed, limits::RECOVERED_DEVICES + 40);
    let recovered = recover(&seed, &objects, NOW, &mut SystemRandom).unwrap();
    assert_eq!(recovered.devices().len(), 2 + limits::RECOVERED_DEVICES + 40);
    let new = device("new");
    let grant = recovered.grant(new.certificates(), NOW.plus_days(1), &mut SystemRandom).unwrap();
    let mut random = SystemRandom;
    let mut craft = DeviceCraft::new(new.secret_keys(), new.certificates(), &mut random);
    let mut store = Memory::default();
    store.commit(&Grant::read(&grant.to_der()).unwrap().changes(&mut craft).unwrap()).unwrap();
    let sync = Sync::open(&mut store, &mut craft, recovered.account, new.certificates().id()).unwrap();
    let live: Vec<DeviceId> = sync.told().live_devices().map(|(id, _)| *id).collect();
    assert_eq!(live, [new.certificates().id()]);
}

#[test]
fn another_sheet_opens_nothing_and_what_is_missing_is_said() {
    let seed = Seed::generate(&mut SystemRandom);
    let (objects, _) = account(&seed);
    let other = Seed::generate(&mut SystemRandom);
    let open = |seed: &Seed, objects: &[Vec<u8>]| recover(seed, objects, NOW, &mut SystemRandom);
    assert_eq!(open(&other, &objects).unwrap_err(), RecoverError::OtherSeed);
    assert_eq!(open(&seed, &[]).unwrap_err(), RecoverError::OtherSeed);
    // Without any one of the objects it is said, or nothing that is there is lost.
    for left_out in 0..objects.len() {
        let fewer: Vec<Vec<u8>> = objects
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != left_out)
            .map(|(_, it)| it.clone())
            .collect();
        match open(&seed, &fewer) {
            Ok(recovered) => assert!(recovered.told.devices.len() <= 3),
            Err(error) => assert_eq!(error, RecoverError::NoAccount),
        }
    }
    let changed: Vec<Vec<u8>> = objects
        .iter()
        .map(|object| object.iter().enumerate().map(|(index, byte)| byte ^ u8::from(index == 300)).collect())
        .collect();
    assert_eq!(open(&seed, &changed).unwrap_err(), RecoverError::OtherSeed);
}
