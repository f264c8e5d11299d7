//! Two stores of one person, with real keys: what is granted, what a round of the loop brings, what a revocation ends.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use counterseal_core::address::EmailAddress;
use counterseal_core::keys::Keyring;
use counterseal_core::trust::VERIFIED;
use counterseal_core::x509::Certificate;
use counterseal_core::x509::KeyKind;
use counterseal_core::x509::issue::Issuer;
use counterseal_keysync::log::{Author, Body};
use counterseal_keysync::sync::{Report, SignedKind, Ways};
use counterseal_keysync::transport::{Cursor, Listing, ObjectBox, ObjectName, Transport, TransportError};

use super::super::{found, rollover};
use super::*;
use crate::args;
use crate::commands::issuing::{add, authority_certificate, further, generate};
use crate::store::{KeyUse, NewTrust, Protection, TrustKind};

fn now() -> Time {
    Time::from_unix_seconds(1_795_348_800)
}

/// The objects of each box, in the order they came.
type Boxes = Arc<Mutex<BTreeMap<[u8; 16], Vec<Vec<u8>>>>>;

/// One place that keeps what it is given.
struct Shelf(Boxes);

struct Way(Boxes, [u8; 16]);

impl Ways for Shelf {
    fn places(&self) -> Vec<String> {
        vec!["shelf".to_owned()]
    }

    fn open(&mut self, _: &str, object_box: &ObjectBox) -> Result<Box<dyn Transport>, TransportError> {
        Ok(Box::new(Way(Arc::clone(&self.0), *object_box.id())))
    }
}

impl Way {
    fn objects(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap().get(&self.1).cloned().unwrap_or_default()
    }
}

impl Transport for Way {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn list(&mut self, _: &Cursor) -> Result<Listing, TransportError> {
        let names = self.objects().iter().map(|object| ObjectName::of(object)).collect();
        Ok(Listing { names, cursor: Cursor::default() })
    }

    fn get(&mut self, name: &ObjectName) -> Result<Vec<u8>, TransportError> {
        self.objects()
            .into_iter()
            .find(|object| ObjectName::of(object) == *name)
            .ok_or(TransportError::Absent)
    }

    fn put(&mut self, object: &[u8]) -> Result<ObjectName, TransportError> {
        let mut boxes = self.0.lock().unwrap();
        let objects = boxes.entry(self.1).or_default();
        if !objects.iter().any(|other| other == object) {
            objects.push(object.to_vec());
        }
        Ok(ObjectName::of(object))
    }

    fn wait(&mut self, _: &Cursor, _: Duration) -> Result<(), TransportError> {
        Ok(())
    }

    fn remove(&mut self, _: &ObjectName) -> Result<(), TransportError> {
        Ok(())
    }
}

/// One machine of Alice.
struct Machine {
    home: tempfile::TempDir,
    store: Store,
}

impl Machine {
    fn empty() -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = Store::create(home.path(), &Protection::None, now()).unwrap();
        Self { home, store }
    }

    /// As `cseal init` leaves it, with an account.
    fn first() -> (Self, Membership) {
        let mut machine = Self::empty();
        let address = EmailAddress::parse("alice@example.org").unwrap();
        let addresses = std::slice::from_ref(&address);
        let authority_key = generate(KeyKind::P256).unwrap();
        let authority = authority_certificate(&authority_key, "Alice", addresses, now()).unwrap();
        let keys = Keyring::from(authority_key.clone());
        let issuer = Issuer { certificate: &authority, keys: &keys };
        let make =
            |key_use| further((key_use, args::Algorithm::P256), &issuer, "Alice", addresses, now()).unwrap();
        let (encryption, signing) = (make(KeyUse::Encryption), make(KeyUse::Signing));
        let own = authority_key.fingerprint();
        machine
            .store
            .write(now(), |writer| {
                add(writer, KeyUse::PersonalCa, &(authority_key, authority.clone()))?;
                add(writer, KeyUse::Encryption, &encryption)?;
                add(writer, KeyUse::Signing, &signing)?;
                writer.add_trust(&NewTrust {
                    kind: TrustKind::Own,
                    address: &address,
                    key: &own,
                    points: VERIFIED.into(),
                    source: "init",
                    capabilities: None,
                    announced: None,
                })
            })
            .unwrap();
        let sheet = machine.home.path().join("sheet.txt");
        let new = args::NewAccount {
            this_device: Some("desk".to_owned()),
            recovery_file: Some(sheet),
            no_recovery: false,
        };
        let membership = found::ensure(&mut machine.store, &new, now()).unwrap();
        (machine, membership)
    }

    fn kinds(&self) -> Vec<KeyUse> {
        self.store.secret_keys().unwrap().iter().map(|key| key.key_use).collect()
    }

    fn encryption_keys(&self) -> Vec<([u8; 32], bool)> {
        let keys = self.store.secret_keys().unwrap().into_iter();
        let keys = keys.filter(|key| key.key_use == KeyUse::Encryption);
        keys.map(|key| (*key.fingerprint.sha256(), key.retired.is_some())).collect()
    }

    fn round(&mut self, membership: &Membership, boxes: &Boxes, at: Time) {
        let mut shelf = Shelf(Arc::clone(boxes));
        account::announce_own(&mut self.store, membership, at).unwrap();
        account::with_sync(&mut self.store, membership, at, |sync| sync.round(&mut shelf, at)).unwrap();
        account::retire_as_told(&mut self.store, membership, at).unwrap();
    }
}

/// A second machine that was added with this role.
fn join(desk: &mut Machine, membership: &Membership, role: Role) -> (Machine, Membership) {
    let mut laptop = Machine::empty();
    let keys = DeviceKeys::generate("laptop", now(), &mut SystemRandom).unwrap();
    let grant = give(&mut desk.store, membership, keys.certificates(), (role, "laptop"), now()).unwrap();
    let grant = Grant::read(&grant.to_der()).unwrap();
    let taken = take(&mut laptop.store, &keys, &grant, now()).unwrap();
    account::ask_for_certificate(&mut laptop.store, &taken.membership, now()).unwrap();
    (laptop, taken.membership)
}

#[test]
fn a_reader_gets_the_keys_that_open_mail_and_no_other() {
    let (mut desk, membership) = Machine::first();
    let (laptop, joined) = join(&mut desk, &membership, Role::Reader);
    assert_eq!(laptop.kinds(), [KeyUse::Encryption]);
    assert_eq!(joined.account, membership.account);
    assert!(!laptop.store.trust_rows().unwrap().is_empty());
}

#[test]
fn a_writer_signs_with_a_key_of_its_own_under_the_personal_ca_that_it_does_not_have() {
    let (mut desk, membership) = Machine::first();
    let (mut laptop, joined) = join(&mut desk, &membership, Role::Writer);
    let boxes = Boxes::default();
    for minute in 1..4 {
        laptop.round(&joined, &boxes, now().plus_seconds(minute * 60));
        desk.round(&membership, &boxes, now().plus_seconds(minute * 60 + 30));
    }
    let mut kinds = laptop.kinds();
    kinds.sort_by_key(|key_use| key_use.word());
    assert_eq!(kinds, [KeyUse::Encryption, KeyUse::Signing]);
    let of = |machine: &Machine| {
        let keys = machine.store.secret_keys().unwrap().into_iter();
        keys.filter(|key| key.key_use == KeyUse::Signing).map(|key| key.fingerprint).next().unwrap()
    };
    assert_ne!(of(&laptop), of(&desk));
    let (told, _) = account::told(&mut laptop.store, &joined.account, now()).unwrap();
    let issued = Certificate::from_der(&told.requests[0].certificates.as_ref().unwrap()[0]).unwrap();
    assert_eq!(issued.fingerprint(), of(&laptop));
    assert_eq!(issued.may_sign_mail(), Ok(()));
}

#[test]
fn a_grant_for_somebody_else_is_not_taken_and_leaves_nothing_behind() {
    let (mut desk, membership) = Machine::first();
    let [meant, other] =
        ["laptop", "eve"].map(|name| DeviceKeys::generate(name, now(), &mut SystemRandom).unwrap());
    let given = give(&mut desk.store, &membership, meant.certificates(), (Role::Reader, "laptop"), now());
    let grant = given.unwrap();
    let without_packages = Grant { packages: Vec::new(), ..grant.clone() };
    let mut eve = Machine::empty();
    for grant in [grant, without_packages] {
        assert_eq!(take(&mut eve.store, &other, &grant, now()).err().unwrap().word, "bad-grant");
        assert!(Membership::of(&eve.store).unwrap().is_none());
        assert!(eve.store.log_entries().unwrap().is_empty() && eve.kinds().is_empty());
    }
}

#[test]
fn a_new_key_reaches_the_other_device_and_after_a_revocation_none_does() {
    let (mut desk, membership) = Machine::first();
    let (mut laptop, joined) = join(&mut desk, &membership, Role::Reader);
    let boxes = Boxes::default();
    let first = desk.encryption_keys();
    let second = rollover::replace(&mut desk.store, &[KeyId::from_bytes(first[0].0)], now()).unwrap();
    for minute in 1..4 {
        desk.round(&membership, &boxes, now().plus_seconds(minute * 60));
        laptop.round(&joined, &boxes, now().plus_seconds(minute * 60 + 30));
    }
    let on_laptop = laptop.encryption_keys();
    assert!(on_laptop.contains(&(*second.new.unwrap().sha256(), false)), "{on_laptop:?}");
    assert!(on_laptop.contains(&(first[0].0, true)));

    let later = now().plus_seconds(3600);
    let care = account::with_sync(&mut desk.store, &membership, later, |sync| {
        sync.revoke(joined.device.id(), false, later)
    });
    let care = care.unwrap();
    assert!(care.new_key && !care.authority);
    let third = rollover::replace(&mut desk.store, &care.retired, later).unwrap();
    for minute in 1..4 {
        desk.round(&membership, &boxes, later.plus_seconds(minute * 60));
        laptop.round(&joined, &boxes, later.plus_seconds(minute * 60 + 30));
    }
    let keys = laptop.encryption_keys();
    assert!(!keys.iter().any(|(key, _)| key == third.new.unwrap().sha256()));
    assert!(keys.iter().all(|(_, retired)| *retired), "a device that is out advertises nothing");
    let (told, _) = account::told(&mut desk.store, &membership.account, later).unwrap();
    assert_eq!(told.current_mail_key().unwrap().announced.key.as_bytes(), third.new.unwrap().sha256());
}

#[test]
fn what_does_not_count_in_the_log_is_not_handed_on() {
    let (mut desk, membership) = Machine::first();
    let (laptop, joined) = join(&mut desk, &membership, Role::Reader);
    let keys = joined.keys(&laptop.store).unwrap();
    let mut random = SystemRandom;
    let mut craft = DeviceCraft::new(keys.secret_keys(), keys.certificates(), &mut random);
    // One that waits for ever for what it says came before, and one that its author has no right to.
    let (told, _) = account::told(&mut desk.store, &membership.account, now()).unwrap();
    let entry = |parents: Vec<EntryId>, lamport, body| Entry {
        account: Some(membership.account),
        parents,
        lamport,
        time: now(),
        author: Author::Device(joined.device.id()),
        body,
    };
    let waits = entry(vec![EntryId::of(b"nothing")], 1, Body::Snapshot([7; 32]));
    let lamport = told.heads.len() as u64 + 1_000;
    let void = entry(told.heads.clone(), lamport, Body::Snapshot([8; 32]));
    let signed = [waits, void].map(|it| craft.sign(SignedKind::Entry, &it.to_der(), now()).unwrap());
    let mut report = Report::default();
    account::with_sync(&mut desk.store, &membership, now(), |sync| {
        sync.take_entries(signed.to_vec(), &mut report)
    })
    .unwrap();
    assert_eq!(report.entries, 2);
    let (tablet, _) = join(&mut desk, &membership, Role::Reader);
    assert_eq!(tablet.kinds(), [KeyUse::Encryption]);
    assert_eq!(tablet.store.log_entries().unwrap().len() + 2, desk.store.log_entries().unwrap().len());
}

#[test]
fn a_name_that_the_log_cannot_hold_does_not_get_into_it() {
    let (mut desk, membership) = Machine::first();
    let keys = DeviceKeys::generate("laptop", now(), &mut SystemRandom).unwrap();
    let before = desk.store.log_entries().unwrap().len();
    for name in ["tab\nlet", &"n".repeat(65)] {
        let given = give(&mut desk.store, &membership, keys.certificates(), (Role::Reader, name), now());
        assert_eq!(given.err().unwrap().word, "device-log");
    }
    assert_eq!(desk.store.log_entries().unwrap().len(), before);
    account::told(&mut desk.store, &membership.account, now()).unwrap();
}

#[test]
fn what_was_imported_twice_is_there_once() {
    let (mut desk, membership) = Machine::first();
    let (mut laptop, joined) = join(&mut desk, &membership, Role::Admin);
    let boxes = Boxes::default();
    for minute in 1..5 {
        desk.round(&membership, &boxes, now().plus_seconds(minute * 60));
        laptop.round(&joined, &boxes, now().plus_seconds(minute * 60 + 30));
    }
    let mut kinds = laptop.kinds();
    kinds.sort_by_key(|key_use| key_use.word());
    assert_eq!(kinds, [KeyUse::Encryption, KeyUse::PersonalCa, KeyUse::Signing]);
    assert_eq!(laptop.store.log_entries().unwrap().len(), desk.store.log_entries().unwrap().len());
    drop(laptop.store);
    let store = Store::open(laptop.home.path()).unwrap();
    assert!(Membership::of(&store).unwrap().is_some());
}

#[test]
fn a_key_to_encapsulate_to_is_replaced_and_the_others_seal_to_the_new_one() {
    let (mut desk, membership) = Machine::first();
    let (mut laptop, joined) = join(&mut desk, &membership, Role::Reader);
    let boxes = Boxes::default();
    let later = now().plus_days(91);
    account::roll_keys(&mut laptop.store, &joined, later).unwrap();
    let rolled = Membership::of(&laptop.store).unwrap().unwrap();
    assert_ne!(rolled.device.encapsulation(), joined.device.encapsulation());
    laptop.round(&rolled, &boxes, later);
    desk.round(&membership, &boxes, later.plus_seconds(60));
    let first = desk.encryption_keys();
    let new =
        rollover::replace(&mut desk.store, &[KeyId::from_bytes(first[0].0)], later).unwrap().new.unwrap();
    for minute in 2..5 {
        desk.round(&membership, &boxes, later.plus_seconds(minute * 60));
        laptop.round(&rolled, &boxes, later.plus_seconds(minute * 60 + 30));
    }
    assert!(laptop.encryption_keys().contains(&(*new.sha256(), false)));
}
