//! From a set of entries to what it means: a pure function, the same in whatever order entries came.
//!
//! Close to linear in the entries, and quadratic in those about membership, of which there are few
//! ([`crate::limits::LOG_MEMBERSHIP_ENTRIES`]). Nothing here recurses: a hostile log is as deep as it is long.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::entry::{AccountId, Admitted, Author, Body, Entry, EntryId, KeyId, Policy, Purpose};
use super::evaluation::{Device, Evaluation, Key, Request, Root, Void};
use super::graph::{BLOCK, Graph, Node};
use super::members::{Members, Restriction};
use super::rules::Rules;
use crate::device::{DeviceId, Role};
use crate::limits;

/// Why a set of entries means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvaluateError {
    /// The founding entry of the account is not among them, or is not signed by its root or its first device.
    NotFounded,
    /// More entries about membership than can be judged. Only the root can end that, by a cut.
    TooManyMembershipEntries {
        /// How many there are.
        count: usize,
    },
}

impl fmt::Display for EvaluateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFounded => formatter.write_str("the entry that founds the account is missing"),
            Self::TooManyMembershipEntries { count } => {
                let limit = limits::LOG_MEMBERSHIP_ENTRIES;
                write!(formatter, "{count} entries about devices, {limit} may be")
            }
        }
    }
}

impl std::error::Error for EvaluateError {}

/// What these entries of the account mean.
///
/// # Errors
/// [`EvaluateError`].
pub fn evaluate(
    entries: &BTreeMap<EntryId, Entry>,
    account: &AccountId,
) -> Result<Evaluation, EvaluateError> {
    let rules = Rules::in_force();
    let graph = Graph::of(entries, &EntryId::from_bytes(*account.as_bytes()));
    let root = root(&graph)?;
    let mut void = Voids::of(&graph, root.as_ref());
    if rules.root_cut {
        void.cut(&graph);
    }
    let places = void.membership(&graph, rules);
    if places.len() > limits::LOG_MEMBERSHIP_ENTRIES {
        return Err(EvaluateError::TooManyMembershipEntries { count: places.len() });
    }
    let members = Members::of(&graph, &places, rules);
    void.judge_members(&members);
    let exposed = void.judge_others(&graph, &members, rules);
    Ok(tell(*account, entries, &graph, &members, &void, &exposed, rules))
}

/// Who the root is, by the entry that founds the account.
fn root(graph: &Graph<'_>) -> Result<Option<DeviceId>, EvaluateError> {
    let founding = graph.nodes().first().map(|node| (&node.entry.author, &node.entry.body));
    match founding {
        Some((Author::Root(root), Body::Genesis { .. })) => Ok(Some(*root)),
        Some((Author::Device(device), Body::Genesis { first, root }))
            if *device == first.device && root.is_empty() =>
        {
            Ok(None)
        }
        _ => Err(EvaluateError::NotFounded),
    }
}

/// For each node of the graph why it does not count, if it does not.
struct Voids(Vec<Option<Void>>);

impl Voids {
    /// What can be said of an entry without the others.
    fn of(graph: &Graph<'_>, root: Option<&DeviceId>) -> Self {
        let judge = |node: &Node<'_>| {
            let is_for_root =
                matches!(node.entry.body, Body::Genesis { .. } | Body::Recover { .. } | Body::Revoke { .. });
            match &node.entry.author {
                _ if node.entry.lamport != node.depth => Some(Void::Lamport),
                Author::Root(author) if Some(author) != root || !is_for_root => Some(Void::NotTheRoot),
                Author::Device(_) if matches!(node.entry.body, Body::Recover { .. }) => {
                    Some(Void::NotTheRoot)
                }
                Author::Root(_) | Author::Device(_) => None,
            }
        };
        Self(graph.nodes().iter().map(judge).collect())
    }

    fn is_void(&self, place: usize) -> bool {
        self.0.get(place).is_none_or(Option::is_some)
    }

    fn set(&mut self, place: usize, reason: Void) {
        if let Some(slot @ None) = self.0.get_mut(place) {
            *slot = Some(reason);
        }
    }

    /// Rule 4. The greatest cut holds, and those that its author knew.
    fn cut(&mut self, graph: &Graph<'_>) {
        let cuts: Vec<usize> = graph
            .nodes()
            .iter()
            .enumerate()
            .filter(|(place, node)| matches!(node.entry.body, Body::Recover { .. }) && !self.is_void(*place))
            .map(|(place, _)| place)
            .collect();
        let Some(last) = cuts.last() else { return };
        let mut holding = Vec::new();
        for block in cuts.chunks(BLOCK) {
            let later = graph.descendants_in(&[*last]);
            let is_known = |place: &usize| place == last || later.get(*place).is_some_and(|bits| *bits != 0);
            holding.extend(block.iter().copied().filter(is_known));
        }
        for block in holding.chunks(BLOCK) {
            let (before, after) = (graph.ancestors_in(block), graph.descendants_in(block));
            for (place, node) in graph.nodes().iter().enumerate() {
                let related = before.get(place).copied().unwrap_or_default()
                    | after.get(place).copied().unwrap_or_default();
                let cut_by =
                    block.iter().enumerate().find(|(bit, cut)| **cut != place && related & (1 << bit) == 0);
                if let (Some((_, cut)), Author::Device(_)) = (cut_by, &node.entry.author)
                    && let Some(cut) = graph.nodes().get(*cut)
                {
                    self.set(place, Void::CutOff(cut.id));
                }
            }
        }
    }

    /// The entries about membership that somebody wrote who may have been an admin at some time. Others are void.
    fn membership(&mut self, graph: &Graph<'_>, rules: Rules) -> Vec<usize> {
        let mut ever_admins = BTreeSet::new();
        let mut places = Vec::new();
        for (place, node) in graph.nodes().iter().enumerate() {
            if self.is_void(place) {
                continue;
            }
            let may = !rules.authority
                || node.entry.author.device().is_none_or(|device| ever_admins.contains(&device))
                || matches!(node.entry.body, Body::Genesis { .. });
            match &node.entry.body {
                Body::Genesis { .. }
                | Body::Add(_)
                | Body::Role { .. }
                | Body::Revoke { .. }
                | Body::Recover { .. }
                    if !may =>
                {
                    self.set(place, Void::NoRight);
                    continue;
                }
                Body::Genesis { first, .. } => ever_admins.extend([first.device]),
                Body::Add(Admitted { device, role, .. }) | Body::Role { device, role } => {
                    ever_admins.extend(role.administers().then_some(*device));
                }
                Body::Recover { added, .. } => {
                    ever_admins.extend(added.iter().map(|admitted| admitted.device))
                }
                Body::Revoke { .. } => {}
                _ => continue,
            }
            places.push(place);
        }
        places
    }

    fn judge_members(&mut self, members: &Members<'_>) {
        let mut number = 0;
        while let (Some(place), Some(node)) = (members.place(number), members.node(number)) {
            let counts = match node.entry.body {
                Body::Revoke { .. } => members.effective().has(number),
                _ => members.counted().has(number),
            };
            if !counts {
                self.set(place, reason(members, number, node));
            }
            number += 1;
        }
    }

    /// Judges all that is not about membership. Gives the places of keys that somebody announced without knowing of
    /// a revocation that counts.
    fn judge_others(&mut self, graph: &Graph<'_>, members: &Members<'_>, rules: Rules) -> BTreeSet<usize> {
        let others = graph.nodes().iter().enumerate();
        let others = others.filter_map(|(place, node)| {
            let right = required(&node.entry.body).filter(|_| !self.is_void(place))?;
            Some(Judged::new(place, node.entry.author.device()?, right))
        });
        let mut judged: Vec<Judged> = others.collect();
        for (block, places) in members.blocks() {
            let (before, after) = (graph.ancestors_in(&places), graph.descendants_in(&places));
            for judged in &mut judged {
                let bits = |bits: &[u64]| bits.get(judged.place).copied().unwrap_or_default();
                judged.look(members, block, bits(&before), bits(&after), rules);
            }
        }
        for judged in &judged {
            if let Some(reason) = judged.verdict(members, rules) {
                self.set(judged.place, reason);
            }
        }
        judged
            .iter()
            .filter(|judged| judged.exposed && !self.is_void(judged.place))
            .map(|judged| judged.place)
            .collect()
    }
}

/// Why an entry about membership does not count.
fn reason(members: &Members<'_>, number: usize, node: &Node<'_>) -> Void {
    let Some(author) = node.entry.author.device() else { return Void::Unknown };
    let past = members.past_of(number);
    for other in members.effective().iter() {
        let Some(by) = members.node(other).map(|node| node.id) else { continue };
        match members.restriction(other, &author) {
            Some(Restriction::Out) if !members.past_of(other).has(number) => return Void::Revoked(by),
            Some(Restriction::Now(role))
                if !role.administers()
                    && !past.has(other)
                    && !members.past_of(other).has(number)
                    && other != number =>
            {
                return Void::RightTaken(by);
            }
            Some(_) | None => {}
        }
    }
    let had_a_grant = members.grants_of(&author).iter().any(|grant| past.has(grant));
    if !members.knows(number, &author, members.counted()) {
        return if had_a_grant { Void::AdmissionVoid } else { Void::NoRight };
    }
    match &node.entry.body {
        Body::Add(admitted) if members.knows(number, &admitted.device, members.counted()) => {
            Void::AlreadyThere
        }
        Body::Role { device, .. } if !members.knows(number, device, members.counted()) => Void::Unknown,
        _ => Void::NoRight,
    }
}

/// Which right an entry needs that is not about membership.
fn required(body: &Body) -> Option<fn(Role) -> bool> {
    match body {
        Body::Key(announced) => Some(match announced.purpose {
            Purpose::Decryption => Role::signs,
            Purpose::PersonalAuthority | Purpose::LogSecret => Role::administers,
        }),
        Body::CertificateRequest(_) => Some(Role::signs),
        Body::CertificateAnswer { .. } | Body::Policy(_) => Some(Role::administers),
        Body::KemRoll(_) | Body::Snapshot(_) => Some(|_| true),
        Body::Genesis { .. }
        | Body::Add(_)
        | Body::Role { .. }
        | Body::Revoke { .. }
        | Body::Recover { .. } => None,
    }
}

/// What is known so far of an entry that is judged, block by block of entries about membership.
struct Judged {
    place: usize,
    author: DeviceId,
    right: fn(Role) -> bool,
    admitted_by: Option<usize>,
    had_a_grant: bool,
    out_by: Option<usize>,
    taken_by: Option<usize>,
    exposed: bool,
}

impl Judged {
    fn new(place: usize, author: DeviceId, right: fn(Role) -> bool) -> Self {
        Self {
            place,
            author,
            right,
            admitted_by: None,
            had_a_grant: false,
            out_by: None,
            taken_by: None,
            exposed: false,
        }
    }

    /// Looks at one block: bits of those before the entry, and of those after it.
    fn look(&mut self, members: &Members<'_>, block: usize, before: u64, after: u64, rules: Rules) {
        let grants = members.grants_of(&self.author).word(block) & before;
        self.had_a_grant |= grants != 0;
        let grants = if rules.transitive { grants & members.counted().word(block) } else { grants };
        if grants != 0 {
            self.admitted_by = Some(block * BLOCK + 63 - grants.leading_zeros() as usize);
        }
        let effective = members.effective().word(block);
        let beside = !before & !after;
        self.exposed |= effective & members.revocations().word(block) & beside != 0;
        let mut restrictions = effective & members.restrictions_of(&self.author).word(block);
        while restrictions != 0 {
            let bit = restrictions.trailing_zeros() as usize;
            let (number, mask) = (block * BLOCK + bit, restrictions & restrictions.wrapping_neg());
            restrictions &= restrictions - 1;
            match members.restriction(number, &self.author) {
                Some(Restriction::Out) => {
                    let voids = if rules.strong_remove { after & mask == 0 } else { before & mask != 0 };
                    self.out_by = self.out_by.or(voids.then_some(number));
                }
                Some(Restriction::Now(role)) if beside & mask != 0 && !(self.right)(role) => {
                    self.taken_by = self.taken_by.or(Some(number));
                }
                Some(Restriction::Now(_)) | None => {}
            }
        }
    }

    fn verdict(&self, members: &Members<'_>, rules: Rules) -> Option<Void> {
        let id_of = |number: usize| members.node(number).map(|node| node.id);
        if let Some(by) = self.out_by.and_then(id_of) {
            return Some(Void::Revoked(by));
        }
        if let Some(by) = self.taken_by.and_then(id_of) {
            return Some(Void::RightTaken(by));
        }
        if !rules.authority {
            return None;
        }
        let role = self.admitted_by.and_then(|number| members.role_given(number, &self.author));
        match role {
            Some(role) if (self.right)(role) => None,
            Some(_) => Some(Void::NoRight),
            None if self.had_a_grant => Some(Void::AdmissionVoid),
            None => Some(Void::NoRight),
        }
    }
}

/// Puts together what the entries that count say.
fn tell(
    account: AccountId,
    entries: &BTreeMap<EntryId, Entry>,
    graph: &Graph<'_>,
    members: &Members<'_>,
    void: &Voids,
    exposed: &BTreeSet<usize>,
    rules: Rules,
) -> Evaluation {
    let counting: Vec<bool> = (0..graph.nodes().len()).map(|place| !void.is_void(place)).collect();
    let heads = graph.heads(&counting).into_iter().filter_map(|place| graph.nodes().get(place));
    let mut heads: Vec<EntryId> = heads.map(|node| node.id).collect();
    heads.sort_unstable();
    let mut evaluation = Evaluation {
        account,
        root: None,
        devices: BTreeMap::new(),
        keys: Vec::new(),
        requests: Vec::new(),
        policy: Policy::default(),
        heads,
        void: BTreeMap::new(),
        waiting: Vec::new(),
        revocations: Vec::new(),
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
    for number in members.effective().iter() {
        if let Some(node) = members.node(number) {
            evaluation.put_out(node);
        }
    }
    let without_voided: Vec<usize> = members.effective().iter().collect();
    for number in without_voided {
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
        let device = Device { role, name, certificates, added: entry.time, revoked: None };
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

#[cfg(test)]
mod tests;
