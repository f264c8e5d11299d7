//! From a set of entries to what it means: a pure function, the same in whatever order entries came.
//!
//! Close to linear in the entries, and quadratic in those about membership, of which there are few
//! ([`crate::limits::LOG_MEMBERSHIP_ENTRIES`]). Nothing here recurses: a hostile log is as deep as it is long.

mod crowd;
mod judged;
mod tell;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::entry::{AccountId, Admitted, Author, Body, Entry, EntryId, Purpose};
use super::evaluation::{Evaluation, Void};
use super::graph::{BLOCK, Graph, Node};
use super::members::{Members, Restriction};
use super::rules::Rules;
use crate::device::{DeviceId, Role};
use judged::Judged;
use tell::tell;

/// Why a set of entries means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvaluateError {
    /// The founding entry of the account is not among them, or is not signed by its root or its first device.
    NotFounded,
}

impl fmt::Display for EvaluateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFounded => formatter.write_str("the entry that founds the account is missing"),
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
    let (places, excess) = crowd::choose(&graph, void.membership(&graph, rules));
    excess.into_iter().for_each(|place| void.set(place, Void::TooMany));
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
                Body::Revoke { .. } => members.restricting().has(number),
                _ => members.counted().has(number),
            };
            if !counts {
                self.set(place, reason(members, number, node));
            }
            number += 1;
        }
    }

    /// Judges all that is not about membership. Gives the places of keys that a device may have that a revocation put
    /// out of which their authors did not know.
    fn judge_others(&mut self, graph: &Graph<'_>, members: &Members<'_>, rules: Rules) -> BTreeSet<usize> {
        let others = graph.nodes().iter().enumerate();
        let others = others.filter_map(|(place, node)| {
            let right = required(&node.entry.body).filter(|_| !self.is_void(place))?;
            Some(Judged::new(place, node.entry.author.device()?, right, &node.entry.body))
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
    for other in members.restricting().iter() {
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
            Purpose::Decryption | Purpose::SigningAndDecryption => Role::signs,
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

#[cfg(test)]
mod tests;
