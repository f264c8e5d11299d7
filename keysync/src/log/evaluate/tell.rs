//! From the entries that count to what the account is: devices, keys, requests, policy.

use std::collections::{BTreeMap, BTreeSet};

use super::Voids;
use crate::device::{DeviceId, Role};
use crate::log::entry::{AccountId, Admitted, Author, Body, Entry, EntryId, KeyId, Policy, Purpose};
use crate::log::evaluation::{Device, Evaluation, Key, Request, Root, Void};
use crate::log::graph::{Graph, Node};
use crate::log::members::Members;
use crate::log::rules::Rules;

/// Puts together what the entries that count say.
pub(super) fn tell(
    account: AccountId,
    entries: &BTreeMap<EntryId, Entry>,
    graph: &Graph<'_>,
    members: &Members<'_>,
    void: &Voids,
    exposed: &BTreeSet<usize>,
    rules: Rules,
) -> Evaluation {
    let counting: Vec<bool> = (0..graph.nodes().len()).map(|place| !void.is_void(place)).collect();
    let heads = ids(graph, graph.heads(&counting));
    let mut evaluation = Evaluation {
        account,
        root: None,
        devices: BTreeMap::new(),
        keys: Vec::new(),
        requests: Vec::new(),
        policy: Policy::default(),
        heads,
        restricting: restricting_heads(graph, members, &counting),
        void: BTreeMap::new(),
        waiting: Vec::new(),
        revocations: Vec::new(),
        places: BTreeMap::new(),
        exposed: Vec::new(),
        retired: Vec::new(),
    };
    let mut known = BTreeSet::new();
    let mut requested = BTreeMap::new();
    for (place, node) in graph.nodes().iter().enumerate() {
        known.insert(node.id);
        match void.0.get(place).copied().flatten() {
            Some(reason) => drop(evaluation.void.insert(node.id, reason)),
            None => evaluation.take(node, exposed.contains(&place), &mut requested),
        }
    }
    for (id, device) in &mut evaluation.devices {
        device.has_been = members.roles_of(id);
    }
    for number in members.restricting().iter() {
        if let Some(node) = members.node(number) {
            evaluation.put_out(node);
        }
    }
    for number in members.restricting().iter() {
        let Some(node) = members.node(number) else { continue };
        let is_out = node.entry.author.device().is_some_and(|author| evaluation.live(&author).is_none());
        if rules.sticky_retirement || !is_out {
            evaluation.retire(&node.entry.body);
        }
    }
    // A cut that puts nobody out may retire keys all the same.
    for node in graph.nodes().iter().zip(&counting).filter(|(_, counts)| **counts).map(|(node, _)| node) {
        if matches!(node.entry.body, Body::Recover { .. }) {
            evaluation.retire(&node.entry.body);
        }
    }
    evaluation.settle_keys(rules);
    evaluation.waiting = entries.keys().filter(|id| !known.contains(*id)).copied().collect();
    evaluation
}

/// What restricts a device without counting, and is behind nothing that counts or restricts.
fn restricting_heads(graph: &Graph<'_>, members: &Members<'_>, counting: &[bool]) -> Vec<EntryId> {
    let mut known = counting.to_vec();
    for place in members.restricting().iter().filter_map(|number| members.place(number)) {
        known.get_mut(place).into_iter().for_each(|is_known| *is_known = true);
    }
    let counts = |place: &usize| counting.get(*place).copied().unwrap_or_default();
    ids(graph, graph.heads(&known).into_iter().filter(|place| !counts(place)).collect())
}

fn ids(graph: &Graph<'_>, places: Vec<usize>) -> Vec<EntryId> {
    let nodes = places.into_iter().filter_map(|place| graph.nodes().get(place));
    let mut ids: Vec<EntryId> = nodes.map(|node| node.id).collect();
    ids.sort_unstable();
    ids
}

impl Evaluation {
    /// Takes in an entry that counts.
    fn take(&mut self, node: &Node<'_>, exposed: bool, requested: &mut BTreeMap<EntryId, usize>) {
        let entry = node.entry;
        match &entry.body {
            Body::Genesis { first, root } => {
                self.admit(entry, first, Role::Admin);
                if let Author::Root(id) = entry.author {
                    self.root = Some(Root { id, certificates: root.clone() });
                }
            }
            Body::Add(admitted) => self.admit(entry, admitted, admitted.role),
            Body::Recover { added, .. } => {
                added.iter().for_each(|admitted| self.admit(entry, admitted, Role::Admin));
            }
            Body::Role { device, role } => {
                if let Some(device) = self.devices.get_mut(device) {
                    device.role = *role;
                }
            }
            Body::Key(announced) => {
                if self.key(&announced.key).is_none() {
                    let (author, time) = (entry.author.device(), entry.time);
                    let key =
                        Key { announced: announced.clone(), entry: node.id, author, time, retired: false };
                    self.places.insert(announced.key, self.keys.len());
                    self.keys.push(key);
                    self.exposed.extend(exposed.then_some(announced.key));
                }
            }
            Body::CertificateRequest(request) => {
                if let Some(device) = entry.author.device() {
                    requested.insert(node.id, self.requests.len());
                    let request = request.clone();
                    self.requests.push(Request { entry: node.id, device, request, certificates: None });
                }
            }
            Body::CertificateAnswer { request, certificates } => {
                let place = requested.get(request).and_then(|place| self.requests.get_mut(*place));
                match place {
                    None => drop(self.void.insert(node.id, Void::Unknown)),
                    Some(request) if request.certificates.is_none() => {
                        request.certificates = Some(certificates.clone());
                    }
                    Some(_) => {}
                }
            }
            Body::KemRoll(certificates) => {
                let device = entry.author.device().and_then(|device| self.devices.get_mut(&device));
                if let Some(device) = device.filter(|_| !certificates.is_empty()) {
                    device.certificates.clone_from(certificates);
                }
            }
            Body::Policy(policy) => self.policy = *policy,
            Body::Revoke { .. } | Body::Snapshot(_) => {}
        }
    }

    fn admit(&mut self, entry: &Entry, admitted: &Admitted, role: Role) {
        let Admitted { name, certificates, .. } = admitted.clone();
        let (added, has_been) = (entry.time, Vec::new());
        let device = Device { role, has_been, name, certificates, added, revoked: None };
        self.devices.insert(admitted.device, device);
    }

    fn put_out(&mut self, node: &Node<'_>) {
        let out: Vec<DeviceId> = match &node.entry.body {
            Body::Revoke { device, .. } => vec![*device],
            Body::Recover { revoked, .. } => revoked.clone(),
            _ => return,
        };
        self.revocations.push(node.id);
        for device in out {
            if let Some(device) = self.devices.get_mut(&device) {
                device.revoked.get_or_insert((node.id, node.entry.time));
            }
        }
    }

    fn retire(&mut self, body: &Body) {
        if let Body::Revoke { retired, .. } | Body::Recover { retired, .. } = body {
            self.retired.extend(retired);
        }
    }

    /// Rule 3. A personal CA is not replaced for being made beside a revocation: people compared it.
    fn settle_keys(&mut self, rules: Rules) {
        let by_word: BTreeSet<KeyId> = self.retired.iter().copied().collect();
        let by_place: BTreeSet<KeyId> = self.exposed.iter().copied().collect();
        for key in &mut self.keys {
            let is_exposed = rules.exposure
                && key.announced.purpose != Purpose::PersonalAuthority
                && by_place.contains(&key.announced.key);
            key.retired = by_word.contains(&key.announced.key) || is_exposed;
        }
        self.retired = by_word.into_iter().collect();
        self.exposed = by_place.into_iter().collect();
    }
}
