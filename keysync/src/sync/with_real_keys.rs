//! The loop with real keys, signatures and packages: a found account, a device that joins, a key that follows, a theft.

mod full_boxes;

use counterseal_core::keys::Keyring;
use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use counterseal_core::x509::issue::{self, Validity};
use counterseal_core::x509::{KeyKind, SecretKey};

use super::simulator::{Boxes, FakeStore, FakeWays, fair_ways};
use super::*;
use crate::craft::DeviceCraft;
use crate::device::{DeviceId, DeviceKeys, Role};
use crate::log::{Admitted, Author, Body, Entry, KeyId, Purpose};
use crate::root::{RootKeys, SEED_BYTES};
use crate::testing::{NOW, SystemRandom};

/// One machine: its keys and its disk.
struct Machine {
    keys: DeviceKeys,
    store: FakeStore,
}

impl Machine {
    fn new(name: &str) -> Self {
        let keys = DeviceKeys::generate(name, NOW, &mut SystemRandom).unwrap();
        Self { keys, store: FakeStore::new(true) }
    }

    fn admitted(&self, role: Role) -> Admitted {
        let certificates = self.keys.certificates();
        Admitted {
            device: certificates.id(),
            role,
            name: certificates.name(),
            certificates: certificates.to_list(),
        }
    }

    fn with<T>(&mut self, account: crate::log::AccountId, act: impl FnOnce(&mut Sync<'_>) -> T) -> T {
        let mut random = SystemRandom;
        let mut craft = DeviceCraft::new(self.keys.secret_keys(), self.keys.certificates(), &mut random);
        let me = self.keys.certificates().id();
        act(&mut Sync::open(&mut self.store, &mut craft, account, me).unwrap())
    }

    fn round(
        &mut self,
        account: crate::log::AccountId,
        boxes: &std::sync::Arc<std::sync::Mutex<Boxes>>,
    ) -> Report {
        self.round_at(account, boxes, NOW)
    }

    fn round_at(
        &mut self,
        account: crate::log::AccountId,
        boxes: &std::sync::Arc<std::sync::Mutex<Boxes>>,
        now: Time,
    ) -> Report {
        let mut ways: FakeWays = fair_ways(boxes);
        self.with(account, |sync| sync.round(&mut ways, now)).unwrap()
    }

    fn holds(&self, key: &KeyId) -> bool {
        self.store.disk.keys.contains_key(key)
    }
}

fn new_key() -> SharedKey {
    let key = SecretKey::generate(KeyKind::P256, &mut SystemRandom).unwrap();
    let (keys, public) = (Keyring::from(key.clone()), key.public_key());
    let validity = Validity { not_before: NOW, not_after: NOW.plus_days(700) };
    let certificate =
        issue::device_certificate(&keys, public, "alice", public, validity, &mut SystemRandom).unwrap();
    SharedKey {
        id: KeyId::of_public_key(public.as_der()),
        purpose: Purpose::Decryption,
        secret: key.to_pkcs8_der(),
        certificates: vec![certificate.as_der().to_vec()],
    }
}

/// An account of a desktop, with two more writers that know its log.
fn family() -> (crate::log::AccountId, [Machine; 3]) {
    let root = RootKeys::from_seed(&SecretBytes::new(vec![7; SEED_BYTES])).unwrap();
    let root = root.certify(NOW, &mut SystemRandom).unwrap();
    let [mut desk, mut laptop, mut phone] = ["desk", "laptop", "phone"].map(Machine::new);

    let genesis = Entry {
        account: None,
        parents: Vec::new(),
        lamport: 0,
        time: NOW,
        author: Author::Root(root.certificates().id()),
        body: Body::Genesis { first: desk.admitted(Role::Admin), root: root.certificates().to_list() },
    };
    let account = crate::log::AccountId::founded_by(&genesis.id());
    let mut random = SystemRandom;
    let mut roots = DeviceCraft::new(root.secret_keys(), root.certificates(), &mut random);
    let founding = roots.sign(SignedKind::Entry, &genesis.to_der(), NOW).unwrap();
    let mut random = SystemRandom;
    let mut craft = DeviceCraft::new(desk.keys.secret_keys(), desk.keys.certificates(), &mut random);
    let me = desk.keys.certificates().id();
    found(&mut desk.store, &mut craft, founding, me, NOW).unwrap();

    for machine in [&mut laptop, &mut phone] {
        let_in(&mut desk, machine, account);
    }
    (account, [desk, laptop, phone])
}

/// A writer joins: the pairing hands over the log, and the log secrets.
fn let_in(by: &mut Machine, machine: &mut Machine, account: crate::log::AccountId) {
    let admitted = machine.admitted(Role::Writer);
    by.with(account, |sync| sync.admit(admitted, NOW)).unwrap();
    let disk = &by.store.disk;
    let entries = disk.entries.iter().map(|(id, (entry, signed))| Change::Entry {
        id: *id,
        entry: entry.clone(),
        signed: signed.clone(),
    });
    let secrets = disk.keys.values().filter(|key| key.purpose == Purpose::LogSecret);
    let changes: Vec<Change> = entries.chain(secrets.cloned().map(Change::Key)).collect();
    machine.store.commit(&changes).unwrap();
}

#[test]
fn a_key_follows_to_every_device_but_to_none_that_is_out() {
    let boxes = std::sync::Arc::default();
    let (account, [mut desk, mut laptop, mut phone]) = family();
    let first = new_key();
    let first_id = first.id;
    desk.with(account, |sync| sync.announce(first, NOW)).unwrap();
    for _ in 0..2 {
        for machine in [&mut desk, &mut laptop, &mut phone] {
            let report = machine.round(account, &boxes);
            assert!(report.troubles.is_empty() && report.refused == 0, "{report:?}");
        }
    }
    assert!(laptop.holds(&first_id) && phone.holds(&first_id));

    // The telephone is stolen; the key after that reaches the laptop alone, in boxes that the telephone cannot find.
    let stolen = phone.keys.certificates().id();
    desk.with(account, |sync| sync.revoke(stolen, false, NOW)).unwrap();
    let second = new_key();
    let second_id = second.id;
    desk.with(account, |sync| sync.announce(second, NOW)).unwrap();
    for _ in 0..3 {
        for machine in [&mut desk, &mut laptop, &mut phone] {
            let report = machine.round(account, &boxes);
            assert!(report.troubles.is_empty() && report.refused == 0, "{report:?}");
        }
    }
    assert!(laptop.holds(&second_id) && !phone.holds(&second_id));
    let advertised = laptop.with(account, |sync| sync.advertised());
    assert_eq!(advertised, Some(second_id));
    let secrets = |machine: &Machine| {
        machine.store.disk.keys.values().filter(|key| key.purpose == Purpose::LogSecret).count()
    };
    assert_eq!((secrets(&desk), secrets(&laptop), secrets(&phone)), (2, 2, 1));
}

fn goes_back(report: &Report) -> bool {
    report.alarms.iter().any(|alarm| matches!(alarm, Alarm::WentBack(_)))
}

/// One key after the other, each of which the machine tells of.
fn make_keys(
    machine: &mut Machine,
    account: crate::log::AccountId,
    boxes: &std::sync::Arc<std::sync::Mutex<Boxes>>,
    count: usize,
) {
    for _ in 0..count {
        machine.with(account, |sync| sync.announce(new_key(), NOW)).unwrap();
        machine.round(account, boxes);
    }
}

#[test]
fn who_made_much_while_another_slept_is_not_accused_in_whatever_order_it_comes() {
    let boxes = std::sync::Arc::default();
    let (account, [mut desk, mut laptop, _]) = family();
    make_keys(&mut desk, account, &boxes, 1);
    laptop.round(account, &boxes);
    make_keys(&mut desk, account, &boxes, 4);
    let before = laptop.store.disk.clone();
    for seed in 0..16 {
        boxes.lock().unwrap().shuffle(seed);
        laptop.store.disk = before.clone();
        // After a week it looks at everything in a box, from the start.
        let report = laptop.round_at(account, &boxes, NOW.plus_days(8));
        assert_eq!(
            (report.entries, report.imported.len(), goes_back(&report)),
            (4, 4, false),
            "{seed}: {report:?}"
        );
    }
}

#[test]
fn who_was_put_back_and_goes_on_elsewhere_is_noticed() {
    let [boxes, others] = [(); 2].map(|()| std::sync::Arc::default());
    let (account, [mut desk, mut laptop, _]) = family();
    make_keys(&mut desk, account, &boxes, 1);
    let earlier = desk.store.disk.clone();
    make_keys(&mut desk, account, &boxes, 1);
    assert!(!goes_back(&laptop.round(account, &boxes)));
    desk.store.disk = earlier;
    make_keys(&mut desk, account, &others, 3);
    assert!(goes_back(&laptop.round_at(account, &others, NOW.plus_days(8))));
}

#[test]
fn who_was_let_in_by_one_that_went_out_meanwhile_hears_of_it_and_of_nothing_that_came_after() {
    let boxes = std::sync::Arc::default();
    let (account, [mut desk, mut laptop, mut phone]) = family();
    let [mut tablet, mut watch] = ["tablet", "watch"].map(Machine::new);
    let [laptops, phones, tablets] =
        [&laptop, &phone, &tablet].map(|machine| machine.keys.certificates().id());
    desk.with(account, |sync| sync.change_role(laptops, Role::Admin, NOW)).unwrap();
    for machine in [&mut desk, &mut laptop, &mut phone] {
        machine.round(account, &boxes);
    }
    // The telephone goes, and with it the box that everybody knows; then the laptop, which has not heard of either.
    desk.with(account, |sync| sync.revoke(phones, true, NOW)).unwrap();
    desk.round(account, &boxes);
    desk.with(account, |sync| sync.revoke(laptops, true, NOW)).unwrap();
    let_in(&mut laptop, &mut tablet, account);
    desk.round(account, &boxes);
    let is_in = |machine: &mut Machine| machine.with(account, |sync| sync.told().live(&tablets).is_some());
    assert!(is_in(&mut tablet) && !is_in(&mut desk));
    laptop.round(account, &boxes);
    desk.round(account, &boxes);
    let_in(&mut desk, &mut watch, account);
    desk.round(account, &boxes);
    let report = tablet.round(account, &boxes);
    assert!(report.alarms.contains(&Alarm::PutOut), "{report:?}");
    // Nothing is said twice, however often the laptop and the tablet speak.
    let said = boxes.lock().unwrap().objects();
    for machine in [&mut laptop, &mut tablet, &mut desk] {
        machine.round(account, &boxes);
    }
    assert_eq!(boxes.lock().unwrap().objects(), said);
    phone.round(account, &boxes);
    for machine in [&phone, &tablet] {
        let entries = machine.store.disk.entries.values();
        let has_watch = |entry: &Entry| matches!(&entry.body, Body::Add(added) if added.name == "watch");
        assert!(!entries.into_iter().any(|(entry, _)| has_watch(entry)));
    }
}

#[test]
fn a_device_with_certificates_that_are_none_keeps_nobody_from_new_keys() {
    let boxes = std::sync::Arc::default();
    let (account, [mut desk, mut laptop, phone]) = family();
    let nobody = DeviceId::from_bytes([9; 32]);
    let nobody =
        Admitted { device: nobody, role: Role::Writer, name: "nobody".into(), certificates: vec![vec![1]] };
    desk.with(account, |sync| sync.admit(nobody, NOW)).unwrap();
    desk.with(account, |sync| sync.revoke(phone.keys.certificates().id(), true, NOW)).unwrap();
    let key = new_key();
    let id = key.id;
    desk.with(account, |sync| sync.announce(key, NOW)).unwrap();
    for machine in [&mut desk, &mut laptop] {
        machine.round(account, &boxes);
    }
    assert!(laptop.holds(&id));
}

#[test]
fn what_was_written_before_is_no_reason_to_tell_anything_in_an_old_box() {
    let boxes = std::sync::Arc::default();
    let (account, [mut desk, mut laptop, mut phone]) = family();
    let [laptops, phones] = [&laptop, &phone].map(|machine| machine.keys.certificates().id());
    make_keys(&mut laptop, account, &boxes, 1);
    let asleep = desk.store.disk.clone();
    desk.round(account, &boxes);
    // The telephone goes, a tablet comes, and then the laptop goes, which knows all that.
    desk.with(account, |sync| sync.revoke(phones, true, NOW)).unwrap();
    let mut tablet = Machine::new("tablet");
    let_in(&mut desk, &mut tablet, account);
    for machine in [&mut desk, &mut laptop] {
        machine.round(account, &boxes);
    }
    desk.with(account, |sync| sync.revoke(laptops, true, NOW)).unwrap();
    desk.round(account, &boxes);
    // Somebody who slept meanwhile reads the key that the laptop made, in the box of its time.
    let mut sleeper = Machine { keys: desk.keys, store: FakeStore::new(true) };
    sleeper.store.disk = asleep;
    sleeper.round(account, &boxes);
    phone.round(account, &boxes);
    let has_tablet = |entry: &Entry| matches!(&entry.body, Body::Add(added) if added.name == "tablet");
    assert!(sleeper.store.disk.entries.values().any(|(entry, _)| has_tablet(entry)), "it caught up");
    assert!(!phone.store.disk.entries.values().any(|(entry, _)| has_tablet(entry)));
}
