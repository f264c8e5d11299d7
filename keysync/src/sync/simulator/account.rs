//! Devices, and what happens to them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::{DAY, Time};

use super::Settings;
use super::craft::{FakeCraft, Ledger, name_in_mail, sign_as};
use super::dice::Dice;
use super::places::{Boxes, FakeWays};
use super::store::{FakeStore, Fate};
use super::trace;
use crate::device::{DeviceId, Role};
use crate::log::{AccountId, Admitted, Author, Body, Entry, EntryId, KeyId, Log, Purpose};
use crate::sync::{Change, Report, SharedKey, SignedKind, Sync, SyncError, found};

/// One device.
pub(super) struct Machine {
    pub(super) id: DeviceId,
    pub(super) store: FakeStore,
    /// Seconds by which its clock is wrong.
    skew: i64,
}

/// An account, with all that happened to it.
pub(super) struct Account {
    pub(super) settings: Settings,
    pub(super) account: AccountId,
    pub(super) root: DeviceId,
    pub(super) machines: Vec<Machine>,
    pub(super) boxes: Arc<Mutex<Boxes>>,
    pub(super) ledger: Rc<RefCell<Ledger>>,
    pub(super) dice: Dice,
    pub(super) now: Time,
    /// Which machine is in a thief's hands.
    pub(super) stolen: Option<usize>,
    /// Devices that an honest admin put out, with the keys that it retired, by the entry.
    pub(super) put_out: BTreeMap<EntryId, (DeviceId, Vec<KeyId>)>,
    /// Devices that only the thief, or nobody with a right, ever added.
    pub(super) strangers: BTreeSet<DeviceId>,
    /// Entries that the thief forged.
    pub(super) forged: Vec<EntryId>,
    /// Whether the root spoke.
    pub(super) has_recovered: bool,
    /// Decryption keys that were made, with the entry and the machine.
    pub(super) made: BTreeMap<KeyId, usize>,
    pub(super) violations: Vec<String>,
    pub(super) events: BTreeMap<&'static str, usize>,
    pub(super) deeds: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

pub(super) fn device(number: usize) -> DeviceId {
    DeviceId::from_bytes(*EntryId::of(format!("device {number}").as_bytes()).as_bytes())
}

pub(super) fn admitted(device: DeviceId, role: Role) -> Admitted {
    Admitted { device, role, name: "device".into(), certificates: vec![vec![1]] }
}

impl Account {
    pub(super) fn new(seed: u64, settings: Settings) -> Self {
        let root = device(1_000);
        let now = Time::from_unix_seconds(1_795_348_800);
        let genesis = Entry {
            account: None,
            parents: Vec::new(),
            lamport: 0,
            time: now,
            author: Author::Root(root),
            body: Body::Genesis { first: admitted(device(0), Role::Admin), root: vec![vec![1]] },
        };
        let mut account = Self {
            settings,
            account: AccountId::founded_by(&genesis.id()),
            root,
            machines: Vec::new(),
            boxes: Arc::default(),
            ledger: Rc::default(),
            dice: Dice::new(seed),
            now,
            stolen: None,
            put_out: BTreeMap::new(),
            strangers: BTreeSet::new(),
            forged: Vec::new(),
            has_recovered: false,
            made: BTreeMap::new(),
            violations: Vec::new(),
            events: BTreeMap::new(),
            deeds: Arc::default(),
        };
        account.build(0);
        let mut craft = account.craft(0);
        let signed = sign_as(&root, SignedKind::Entry, &genesis.to_der());
        let machine = &mut account.machines[0];
        found(&mut machine.store, &mut craft, signed, machine.id, now).unwrap();
        machine.store.flush();
        account.with(0, |sync, now| sync.announce(new_key(Purpose::PersonalAuthority, 0), now).map(drop));
        account.roll_over(0);
        account.machines[0].store.flush();
        account
    }

    fn build(&mut self, number: usize) {
        let skew = [0, 0, 0, 3600, -3600, 40 * DAY, -40 * DAY][self.dice.below(7) as usize];
        let store = FakeStore::new(self.settings.durable);
        self.machines.push(Machine { id: device(number), store, skew });
    }

    pub(super) fn craft(&self, machine: usize) -> FakeCraft {
        FakeCraft { me: device(machine), ledger: Rc::clone(&self.ledger) }
    }

    pub(super) fn note(&mut self, event: &'static str) {
        trace::event(event);
        *self.events.entry(event).or_default() += 1;
    }

    /// Lets a machine do something; a failure of power or disk ends it wherever it was.
    pub(super) fn with<T>(
        &mut self,
        number: usize,
        act: impl FnOnce(&mut Sync<'_>, Time) -> Result<T, SyncError>,
    ) -> Option<T> {
        let (mut craft, now, account) = (self.craft(number), self.now, self.account);
        let packed_before: Vec<[u8; 32]> = self.ledger.borrow().packages.keys().copied().collect();
        let machine = &mut self.machines[number];
        let out_before = out_in(&machine.store, account);
        let disk_before = trace::is_on().then(|| machine.store.disk.clone());
        let outcome = match Sync::open(&mut machine.store, &mut craft, account, machine.id) {
            Ok(mut sync) => act(&mut sync, now.plus_seconds(machine.skew)),
            Err(error) => Err(error),
        };
        let crashed = machine.store.has_crashed;
        if crashed {
            machine.store.reboot();
            self.note("crashed");
        }
        self.machines[number].store.fate = None;
        if let Some(before) = disk_before {
            trace::learned(number, &before, &self.machines[number].store.disk);
        }
        // Who is back by a cut of the root that came meanwhile is out no longer.
        let out_after = out_in(&self.machines[number].store, account);
        let out: BTreeSet<DeviceId> = out_before.intersection(&out_after).copied().collect();
        self.check_packed(&packed_before, &out);
        match outcome {
            Ok(outcome) => Some(outcome),
            Err(SyncError::Store(_)) if crashed => None,
            Err(SyncError::Store(crate::sync::StoreError::Full)) => {
                self.note("disk full");
                None
            }
            Err(SyncError::OnlyHolder(_)) => {
                self.note("only holder");
                None
            }
            Err(SyncError::NoRight | SyncError::UnknownDevice | SyncError::WasPutOut | SyncError::InVain) => {
                self.note("refused");
                None
            }
            Err(error) => {
                self.violations.push(format!("machine {number} stopped: {error:?}"));
                None
            }
        }
    }

    /// I3: nothing is packed for a device that the packer knew to be out.
    fn check_packed(&mut self, before: &[[u8; 32]], out: &BTreeSet<DeviceId>) {
        let before: BTreeSet<_> = before.iter().collect();
        let ledger = self.ledger.borrow();
        for package in
            ledger.packages.iter().filter(|(number, _)| !before.contains(number)).map(|(_, package)| package)
        {
            if package.heading.recipients.iter().any(|device| out.contains(device)) {
                self.violations.push("I3: packed for a device that was known to be out".into());
            }
        }
    }

    fn roll_over(&mut self, number: usize) {
        let serial = self.dice.next();
        let key = new_key(Purpose::Decryption, serial);
        let id = key.id;
        let done = self.with(number, |sync, now| sync.announce(key, now));
        // After a crash the key may be there or not; where it was announced the checks will find it.
        self.made.insert(id, number);
        if done.is_some() {
            self.note("rolled over");
        }
    }

    /// One thing happens.
    pub(super) fn step(&mut self) {
        self.now = self.now.plus_seconds(self.dice.below(20_000) as i64);
        let number = self.dice.below(self.machines.len() as u64) as usize;
        if self.dice.once_in(6) {
            let fate = self.dice.one_of(&[Fate::CrashBefore, Fate::CrashAfter, Fate::Full]);
            self.machines[number].store.fate = Some((self.dice.below(8) as u32, fate));
        }
        if self.stolen == Some(number) {
            return self.forge();
        }
        match self.dice.below(100) {
            0..10 => self.add(number),
            10..20 => self.roll_over(number),
            20..24 => self.revoke(number),
            24..26 => self.steal(),
            26..29 => self.machines[number].store.flush(),
            29..32 => self.crash(number),
            32..34 => self.ask(number),
            34..36 => self.rogue(number),
            36..38 => self.change_role(number),
            _ => drop(self.sync(number, false)),
        }
    }

    fn crash(&mut self, number: usize) {
        self.machines[number].store.reboot();
        self.note("crashed");
    }

    pub(super) fn sync(&mut self, number: usize, is_fair: bool) -> Option<Report> {
        let mut ways = FakeWays {
            boxes: Arc::clone(&self.boxes),
            dice: self.dice.fork(),
            reader: number,
            is_fair,
            deeds: Arc::clone(&self.deeds),
        };
        self.with(number, |sync, now| sync.round(&mut ways, now))
    }

    fn add(&mut self, by: usize) {
        let number = self.machines.len();
        if number >= self.settings.devices {
            return;
        }
        let role = self.dice.one_of(&[Role::Admin, Role::Writer, Role::Reader, Role::Reader, Role::Courier]);
        // It may be on the list already: the one who added it crashed before the device had anything.
        let admit = |sync: &mut Sync<'_>, now| sync.admit(admitted(device(number), role), now);
        if self.with(by, admit).is_none() {
            return;
        }
        self.build(number);
        self.pair(by, number, role);
        self.note("added");
    }

    /// A pairing hands over the log and the keys.
    fn pair(&mut self, by: usize, number: usize, role: Role) {
        let disk = &self.machines[by].store.disk;
        let entries = disk.entries.iter().map(|(id, (entry, signed))| Change::Entry {
            id: *id,
            entry: entry.clone(),
            signed: signed.clone(),
        });
        let keys = disk.keys.values().filter(|key| key.purpose.is_for(role)).cloned().map(Change::Key);
        let changes: Vec<Change> = entries.chain(keys).collect();
        let store = &mut self.machines[number].store;
        crate::sync::Store::commit(store, &changes).unwrap();
        store.flush();
    }

    fn revoke(&mut self, by: usize) {
        if self.put_out.len() >= 3 || self.machines.len() < 3 {
            return;
        }
        let target = self
            .stolen
            .filter(|_| self.dice.once_in(2))
            .unwrap_or_else(|| self.dice.below(self.machines.len() as u64) as usize);
        if target == by {
            return;
        }
        self.put_out_by(by, target);
    }

    fn put_out_by(&mut self, by: usize, target: usize) {
        let target = device(target);
        let lost = self.with(by, |sync, _| Ok(sync.only_holder_of(&target))).unwrap_or_default();
        let care = self.with(by, |sync, now| sync.revoke(target, false, now));
        if let Some(care) = care {
            self.note("revoked");
            if !lost.is_empty() {
                self.violations.push("I11: a key went with the only device that had it".into());
            }
            self.put_out.insert(care.entry, (target, care.retired));
            if care.new_key {
                self.roll_over(by);
            }
        }
    }

    fn change_role(&mut self, by: usize) {
        let target = device(self.dice.below(self.machines.len() as u64) as usize);
        let role = self.dice.one_of(&[Role::Reader, Role::Writer, Role::Admin]);
        if self.dice.once_in(4) && self.with(by, |sync, now| sync.change_role(target, role, now)).is_some() {
            self.note("role changed");
        }
    }

    fn ask(&mut self, number: usize) {
        let keys: Vec<KeyId> = self.made.keys().copied().collect();
        let name = name_in_mail(&self.dice.one_of(&keys));
        self.with(number, |sync, _| sync.want(name));
        self.note("asked");
    }

    pub(super) fn state_of(&self, number: usize) -> Option<(Log, Vec<EntryId>)> {
        let kept =
            self.machines[number].store.disk.entries.iter().map(|(id, (entry, _))| (*id, entry.clone()));
        let log = Log::from_kept(self.account, kept);
        let heads = log.evaluate().ok()?.heads;
        Some((log, heads))
    }

    /// Everything is delivered at last; the thief is put out; the root puts right what the thief broke.
    pub(super) fn end(&mut self) {
        for machine in &mut self.machines {
            machine.store.fate = None;
        }
        if self.dice.once_in(2) {
            (0..self.machines.len()).for_each(|number| self.crash(number));
        }
        self.calm_down(4);
        if let Some(stolen) = self.stolen {
            let admin = self.first_admin();
            if let Some(admin) = admin
                .filter(|_| !self.put_out.values().any(|(device, _)| *device == self.machines[stolen].id))
            {
                self.put_out_by(admin, stolen);
            }
            for _ in 0..3 {
                self.forge();
            }
        }
        self.calm_down(4);
        self.recover();
        self.calm_down(6);
    }

    fn calm_down(&mut self, rounds: usize) {
        for _ in 0..rounds {
            // More than a week, so that every device looks at everything again.
            self.now = self.now.plus_days(8);
            for number in 0..self.machines.len() {
                if self.stolen != Some(number) {
                    let _ = self.sync(number, true);
                }
            }
        }
        let deeds = std::mem::take(&mut *self.deeds.lock().unwrap());
        for (deed, count) in deeds {
            *self.events.entry(deed).or_default() += count;
        }
    }

    pub(super) fn first_admin(&self) -> Option<usize> {
        (0..self.machines.len()).filter(|number| self.stolen != Some(*number)).find(|number| {
            let told = self.state_of(*number).and_then(|(log, _)| log.evaluate().ok());
            told.is_some_and(|told| {
                told.live(&device(*number)).is_some_and(|device| device.role.administers())
            })
        })
    }

    /// The seed on paper: what the thief wrote is disbelieved.
    fn recover(&mut self) {
        let helper =
            (0..self.machines.len()).find(|number| self.stolen != Some(*number) && !self.is_put_out(*number));
        let Some(helper) = helper.filter(|_| !self.forged.is_empty()) else { return };
        // Not everybody finds the paper.
        if self.dice.once_in(3) {
            return;
        }
        let (forged, root) = (self.forged.clone(), self.root);
        let done = self.with(helper, |sync, now| {
            let known: Vec<EntryId> =
                forged.iter().filter(|id| sync.log().entry(id).is_some()).copied().collect();
            let entry = sync.draft_recovery(&known, Vec::new(), Vec::new(), now).ok_or(SyncError::NoRight)?;
            sync.take_root_entry(sign_as(&root, SignedKind::Entry, &entry.to_der()))
        });
        if done.is_some() {
            self.has_recovered = true;
            self.note("recovered");
        }
    }

    pub(super) fn is_put_out(&self, number: usize) -> bool {
        self.put_out.values().any(|(out, _)| *out == device(number))
    }
}

fn out_in(store: &FakeStore, account: AccountId) -> BTreeSet<DeviceId> {
    let kept = store.disk.entries.iter().map(|(id, (entry, _))| (*id, entry.clone()));
    let told = Log::from_kept(account, kept).evaluate();
    let out = told.map(|told| {
        told.devices.iter().filter(|(_, device)| device.revoked.is_some()).map(|(id, _)| *id).collect()
    });
    out.unwrap_or_default()
}

fn new_key(purpose: Purpose, serial: u64) -> SharedKey {
    let secret = SecretBytes::copy_of(&serial.to_be_bytes());
    SharedKey { id: KeyId::of_public_key(&serial.to_be_bytes()), purpose, secret, certificates: Vec::new() }
}
