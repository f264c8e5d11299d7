//! Logs for tests, entry by entry, with names instead of hashes.

use std::collections::BTreeMap;

use counterseal_core::time::Time;

use super::*;

/// A log that is being told.
#[derive(Clone, Debug)]
pub(super) struct Story {
    account: AccountId,
    root: bool,
    titles: Vec<String>,
    ids: BTreeMap<String, EntryId>,
    pub(super) entries: BTreeMap<EntryId, Entry>,
}

/// The device of that name.
pub(super) fn name(name: &str) -> DeviceId {
    DeviceId::from_bytes(*EntryId::of(name.as_bytes()).as_bytes())
}

/// The key of that name.
pub(super) fn key(name: &str) -> KeyId {
    KeyId::of_public_key(name.as_bytes())
}

pub(super) fn admitted(device: &str, role: Role) -> Admitted {
    Admitted { device: name(device), role, name: device.into(), certificates: Vec::new() }
}

impl Story {
    /// An account whose first device is d0.
    pub(super) fn begin(root: bool) -> Self {
        let author = if root { Author::Root(name("root")) } else { Author::Device(name("d0")) };
        let genesis = Entry {
            account: None,
            parents: Vec::new(),
            lamport: 0,
            time: Time::from_unix_seconds(1_795_348_800),
            author,
            body: Body::Genesis { first: admitted("d0", Role::Admin), root: Vec::new() },
        };
        let id = genesis.id();
        Self {
            account: AccountId::founded_by(&id),
            root,
            titles: vec!["genesis".into()],
            ids: BTreeMap::from([("genesis".into(), id)]),
            entries: BTreeMap::from([(id, genesis)]),
        }
    }

    pub(super) fn account(&self) -> AccountId {
        self.account
    }

    pub(super) fn last(&self) -> String {
        self.titles.last().unwrap().clone()
    }

    pub(super) fn pick(&self, number: usize) -> String {
        self.titles[number % self.titles.len()].clone()
    }

    pub(super) fn titles(&self) -> Vec<String> {
        self.titles.clone()
    }

    pub(super) fn id(&self, title: &str) -> EntryId {
        self.ids[title]
    }

    pub(super) fn has_cuts(&self) -> bool {
        self.entries.values().any(|entry| matches!(entry.body, Body::Recover { .. }))
    }

    pub(super) fn try_tell(&self) -> Result<Evaluation, EvaluateError> {
        evaluate(&self.entries, &self.account)
    }

    pub(super) fn tell(&self) -> Evaluation {
        self.try_tell().unwrap()
    }

    pub(super) fn write(&mut self, title: &str, author: &str, body: Body, parents: &[&str]) {
        self.write_as(title, Author::Device(name(author)), body, parents);
    }

    fn write_as(&mut self, title: &str, author: Author, body: Body, parents: &[&str]) {
        let mut parents: Vec<EntryId> = parents.iter().map(|parent| self.id(parent)).collect();
        parents.sort_unstable();
        parents.dedup();
        let lamport = 1 + parents.iter().map(|id| self.entries[id].lamport).max().unwrap();
        let time = Time::from_unix_seconds(1_795_348_800 + 60 * lamport as i64);
        let entry = Entry { account: Some(self.account), parents, lamport, time, author, body };
        self.keep(title, entry);
    }

    pub(super) fn keep(&mut self, title: &str, entry: Entry) {
        let id = entry.id();
        self.entries.insert(id, entry);
        if self.ids.insert(title.into(), id).is_none() {
            self.titles.push(title.into());
        }
    }

    /// What this device would write next.
    pub(super) fn next(&self, told: &Evaluation, author: &DeviceId) -> Entry {
        let log = Log::from_kept(self.account, self.entries.clone());
        let body = Body::Add(admitted("next", Role::Reader));
        log.draft(told, Author::Device(*author), Time::from_unix_seconds(1_795_348_800), body)
    }

    pub(super) fn add(&mut self, title: &str, author: &str, device: &str, role: Role, parents: &[&str]) {
        self.write(title, author, Body::Add(admitted(device, role)), parents);
    }

    pub(super) fn role(&mut self, title: &str, author: &str, device: &str, role: Role, parents: &[&str]) {
        self.write(title, author, Body::Role { device: name(device), role }, parents);
    }

    pub(super) fn revoke(
        &mut self,
        title: &str,
        author: &str,
        device: &str,
        keys: &[&str],
        parents: &[&str],
    ) {
        let mut retired: Vec<KeyId> = keys.iter().map(|name| key(name)).collect();
        retired.sort_unstable();
        self.write(title, author, Body::Revoke { device: name(device), retired }, parents);
    }

    /// A key by the title of the entry that announces it.
    pub(super) fn key(&mut self, title: &str, author: &str, parents: &[&str]) {
        let announced = Announced {
            key: key(title),
            purpose: Purpose::Decryption,
            certificate: None,
            package: PackageName::of(title.as_bytes()),
            recipients: Vec::new(),
        };
        self.write(title, author, Body::Key(announced), parents);
    }

    pub(super) fn recover(&mut self, title: &str, out: &[&str], parents: &[&str]) {
        let revoked = out.iter().map(|device| name(device)).collect();
        let body = Body::Recover { revoked, retired: Vec::new(), added: Vec::new() };
        let root = name(if self.root { "root" } else { "nobody" });
        self.write_as(title, Author::Root(root), body, parents);
    }

    /// Changes an entry that nothing comes after.
    pub(super) fn bend(&mut self, title: &str, how: impl FnOnce(&mut Entry)) {
        let mut entry = self.entries.remove(&self.id(title)).unwrap();
        how(&mut entry);
        self.keep(title, entry);
    }

    pub(super) fn take_out(&mut self, title: &str) -> (EntryId, Entry) {
        let id = self.id(title);
        (id, self.entries.remove(&id).unwrap())
    }

    pub(super) fn put_back(&mut self, (id, entry): (EntryId, Entry)) {
        self.entries.insert(id, entry);
    }
}
