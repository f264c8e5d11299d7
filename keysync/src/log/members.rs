//! Who belonged to the account, seen from any point of the log.
//!
//! Only entries about membership are looked at here: the founding one, `add`, `role`, `revoke` and `recover`, as far as
//! an admin or the root wrote them. There are few, so that whole sets of them are kept as bits.

use std::collections::{BTreeMap, BTreeSet};

use super::bits::Bits;
use super::entry::{Author, Body, Purpose};
use super::graph::{BLOCK, Graph, Node};
use super::rules::Rules;
use crate::device::{DeviceId, Role};

/// The entries about membership, in the order of the graph, each known by its number here.
pub(super) struct Members<'a> {
    rules: Rules,
    nodes: Vec<(usize, &'a Node<'a>)>,
    past: Vec<Bits>,
    future: Vec<Bits>,
    grants: BTreeMap<DeviceId, Bits>,
    restrictions: BTreeMap<DeviceId, Bits>,
    written: BTreeMap<DeviceId, Bits>,
    /// Those that put a device out.
    revocations: Bits,
    /// Of these, by purpose, the ones of devices that may hold keys of it.
    exposing: BTreeMap<Purpose, Bits>,
    nothing: Bits,
    /// Those that take a right away and whose author might: judged by their own past alone.
    effective: Bits,
    /// Of these the ones that restrict: a revocation does, and a change of role unless a revocation beside it put out its
    /// author, or whom that owes its rights to.
    restricting: Bits,
    /// Those that give a right and count.
    counted: Bits,
}

impl<'a> Members<'a> {
    /// Judges these nodes of the graph.
    pub(super) fn of(graph: &'a Graph<'a>, places: &[usize], rules: Rules) -> Self {
        let nodes: Vec<(usize, &Node<'_>)> =
            places.iter().filter_map(|place| graph.nodes().get(*place).map(|node| (*place, node))).collect();
        let (past, future) = relations(graph, places);
        let nothing = Bits::none(nodes.len());
        let (mut grants, mut restrictions, mut written) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut revocations = nothing.clone();
        for (number, (_, node)) in nodes.iter().enumerate() {
            let add = |sets: &mut BTreeMap<DeviceId, Bits>, device| {
                sets.entry(device).or_insert_with(|| nothing.clone()).add(number);
            };
            for (device, _) in granted(&node.entry.body) {
                add(&mut grants, device);
            }
            for device in restricted(&node.entry.body) {
                add(&mut restrictions, device);
                if restriction(&node.entry.body, &device) == Some(Restriction::Out) {
                    revocations.add(number);
                }
            }
            if let Some(device) = node.entry.author.device() {
                add(&mut written, device);
            }
        }
        let (effective, restricting, counted) = (nothing.clone(), nothing.clone(), nothing.clone());
        let mut members = Self {
            rules,
            nodes,
            past,
            future,
            grants,
            restrictions,
            written,
            revocations,
            exposing: BTreeMap::new(),
            nothing,
            effective,
            restricting,
            counted,
        };
        members.find_exposing();
        members.find_effective();
        let all = Bits::all(members.nodes.len());
        members.restricting = members.restricting_in(&all, &members.barred_by_revocations_in(&all));
        members.counted = members.counted_in(&all);
        members
    }

    /// Numbers of blocks of [`BLOCK`] entries.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (usize, Vec<usize>)> + '_ {
        let places: Vec<usize> = self.nodes.iter().map(|(place, _)| *place).collect();
        let count = places.len().div_ceil(BLOCK);
        (0..count).map(move |block| (block, places.iter().skip(block * BLOCK).take(BLOCK).copied().collect()))
    }

    pub(super) fn node(&self, number: usize) -> Option<&'a Node<'a>> {
        self.nodes.get(number).map(|(_, node)| *node)
    }

    pub(super) fn place(&self, number: usize) -> Option<usize> {
        self.nodes.get(number).map(|(place, _)| *place)
    }

    /// Entries that take a right away, and count.
    pub(super) const fn restricting(&self) -> &Bits {
        &self.restricting
    }

    pub(super) const fn counted(&self) -> &Bits {
        &self.counted
    }

    /// Entries that give this device a role.
    pub(super) fn grants_of(&self, device: &DeviceId) -> &Bits {
        self.grants.get(device).unwrap_or(&self.nothing)
    }

    /// Entries that take something from this device, whether they count or not.
    pub(super) fn restrictions_of(&self, device: &DeviceId) -> &Bits {
        self.restrictions.get(device).unwrap_or(&self.nothing)
    }

    /// Entries that put any device out, whether they count or not.
    pub(super) const fn revocations(&self) -> &Bits {
        &self.revocations
    }

    /// Those that put out a device that may hold keys of this purpose, whether they count or not.
    pub(super) fn exposing(&self, purpose: Purpose) -> &Bits {
        self.exposing.get(&purpose).unwrap_or(&self.nothing)
    }

    /// Every role that this device was ever given, whether that counts or not: somebody may have acted on it, and what a
    /// device had it keeps.
    pub(super) fn roles_of(&self, device: &DeviceId) -> Vec<Role> {
        self.grants_of(device).iter().filter_map(|number| self.role_given(number, device)).collect()
    }

    /// What an entry makes of a device.
    pub(super) fn role_given(&self, number: usize, device: &DeviceId) -> Option<Role> {
        let node = self.node(number)?;
        granted(&node.entry.body).find(|(other, _)| other == device).map(|(_, role)| role)
    }

    /// How an entry restricts a device, if it counts.
    pub(super) fn restriction(&self, number: usize, device: &DeviceId) -> Option<Restriction> {
        restriction(&self.node(number)?.entry.body, device)
    }

    /// What the author knew, as numbers.
    pub(super) fn past_of(&self, number: usize) -> &Bits {
        self.past.get(number).unwrap_or(&self.nothing)
    }

    fn future_of(&self, number: usize) -> &Bits {
        self.future.get(number).unwrap_or(&self.nothing)
    }

    fn find_exposing(&mut self) {
        for purpose in [Purpose::Decryption, Purpose::SigningAndDecryption, Purpose::LogSecret] {
            let mut exposing = self.nothing.clone();
            for (number, device, restriction) in self.restrictions_in(&self.revocations, &self.revocations) {
                let may_hold = self.roles_of(&device).into_iter().any(|role| purpose.is_for(role));
                if restriction == Restriction::Out && may_hold {
                    exposing.add(number);
                }
            }
            self.exposing.insert(purpose, exposing);
        }
    }

    /// Rule 2: whether a restriction counts is decided by its own past alone, so it is decided in order.
    fn find_effective(&mut self) {
        for number in 0..self.nodes.len() {
            let Some(node) = self.node(number) else { continue };
            let takes_away = match &node.entry.body {
                Body::Revoke { .. } | Body::Role { .. } => true,
                Body::Recover { revoked, .. } => !revoked.is_empty(),
                _ => false,
            };
            if takes_away && self.was_admin(number, &node.entry.author) {
                self.effective.add(number);
            }
        }
        if !self.rules.revocations_stand {
            let barred = self.barred_in(&Bits::all(self.nodes.len()));
            let mut standing = self.nothing.clone();
            standing.add_all_without(&self.effective, &[&barred]);
            self.effective = standing;
        }
    }

    /// Whether the author was an admin, as far as anybody could tell who knew what the author knew.
    fn was_admin(&self, number: usize, author: &Author) -> bool {
        let device = match author {
            Author::Root(_) => return true,
            Author::Device(device) => device,
        };
        if !self.rules.authority {
            return true;
        }
        let past = self.past_of(number);
        let is_out = past
            .iter()
            .filter(|earlier| self.effective.has(*earlier))
            .any(|earlier| self.restriction(earlier, device) == Some(Restriction::Out));
        !is_out && self.administers(number, device, &self.counted_in(past))
    }

    fn administers(&self, number: usize, device: &DeviceId, counted: &Bits) -> bool {
        let grant = Bits::last_of(counted, self.past_of(number), self.grants_of(device));
        grant.and_then(|grant| self.role_given(grant, device)).is_some_and(Role::administers)
    }

    /// Which of the entries within `within`, a set that has the past of each of its members, count for whoever knows
    /// just these.
    fn counted_in(&self, within: &Bits) -> Bits {
        self.counted_without(&self.barred_in(within), within)
    }

    fn counted_without(&self, barred: &Bits, within: &Bits) -> Bits {
        let mut counted = self.nothing.clone();
        for number in within.iter() {
            if !barred.has(number) && self.gives_rightly(number, &counted) {
                counted.add(number);
            }
        }
        counted
    }

    fn gives_rightly(&self, number: usize, counted: &Bits) -> bool {
        let Some(node) = self.node(number) else { return false };
        let may = self.is_by_an_admin(number, counted);
        match &node.entry.body {
            Body::Genesis { .. } | Body::Recover { .. } => true,
            Body::Add(admitted) => may && !self.knows(number, &admitted.device, counted),
            Body::Role { device, .. } => may && self.knows(number, device, counted),
            _ => false,
        }
    }

    /// Whether the author administers, where these entries count.
    fn is_by_an_admin(&self, number: usize, counted: &Bits) -> bool {
        match self.node(number).map(|node| &node.entry.author) {
            None => false,
            Some(Author::Root(_)) => true,
            Some(Author::Device(_)) if !self.rules.authority => true,
            Some(Author::Device(device)) if !self.rules.transitive => {
                self.administers(number, device, self.past_of(number))
            }
            Some(Author::Device(device)) => self.administers(number, device, counted),
        }
    }

    /// Whether the device was there for the author of this entry.
    pub(super) fn knows(&self, number: usize, device: &DeviceId, counted: &Bits) -> bool {
        Bits::last_of(counted, self.past_of(number), self.grants_of(device)).is_some()
    }

    /// Entries within `within` whose author is put out, or loses the right to administer, by another of them that it
    /// did not know of.
    fn barred_in(&self, within: &Bits) -> Bits {
        let mut barred = self.barred_by_revocations_in(within);
        let restricting = self.restricting_in(within, &barred);
        for (number, device, restriction) in self.restrictions_in(within, &restricting) {
            let Some(written) = self.written.get(&device) else { continue };
            if matches!(restriction, Restriction::Now(role) if !role.administers()) {
                // An admin may well give up its own right.
                let mut itself = self.nothing.clone();
                itself.add(number);
                barred.add_all_without(written, &[self.past_of(number), self.future_of(number), &itself]);
            }
        }
        barred
    }

    /// Entries within `within` whose author is put out by another of them that did not know of them.
    fn barred_by_revocations_in(&self, within: &Bits) -> Bits {
        let mut barred = self.nothing.clone();
        for (number, device, restriction) in self.restrictions_in(within, &self.effective) {
            let Some(written) = self.written.get(&device) else { continue };
            match restriction {
                Restriction::Out if self.rules.strong_remove => {
                    barred.add_all_without(written, &[self.past_of(number)]);
                }
                Restriction::Out => {
                    let mut later = self.nothing.clone();
                    later.add_all_without(&Bits::all(self.nodes.len()), &[self.future_of(number)]);
                    barred.add_all_without(written, &[&later]);
                }
                Restriction::Now(_) => {}
            }
        }
        barred
    }

    /// What takes a right away within `within`, where revocations bar these entries. Revocations are not barred. What else
    /// a device wrote that is out, or that such a device let in, restricts nobody.
    fn restricting_in(&self, within: &Bits, barred_by_revocations: &Bits) -> Bits {
        let believed = self.counted_without(barred_by_revocations, within);
        let mut restricting = self.nothing.clone();
        for number in within.iter().filter(|number| self.effective.has(*number)) {
            let is_believed = !barred_by_revocations.has(number) && self.is_by_an_admin(number, &believed);
            if is_believed || self.revocations.has(number) {
                restricting.add(number);
            }
        }
        restricting
    }

    /// Which of these entries within `within` takes what from which device.
    fn restrictions_in<'b>(
        &'b self,
        within: &'b Bits,
        these: &'b Bits,
    ) -> impl Iterator<Item = (usize, DeviceId, Restriction)> + 'b {
        let entries = within.iter().filter(|number| these.has(*number));
        let entries = entries.filter_map(|number| Some((number, &self.node(number)?.entry.body)));
        entries.flat_map(|(number, body)| {
            let devices = restricted(body).into_iter();
            devices.filter_map(move |device| Some((number, device, restriction(body, &device)?)))
        })
    }
}

/// What an entry takes from a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Restriction {
    /// It is out.
    Out,
    /// It is this from here on.
    Now(Role),
}

/// Devices that an entry gives a role, and which.
fn granted(body: &Body) -> impl Iterator<Item = (DeviceId, Role)> {
    let (one, many) = match body {
        Body::Genesis { first, .. } => (Some((first.device, Role::Admin)), None),
        Body::Add(admitted) => (Some((admitted.device, admitted.role)), None),
        Body::Role { device, role } => (Some((*device, *role)), None),
        Body::Recover { added, .. } => (None, Some(added)),
        _ => (None, None),
    };
    one.into_iter().chain(many.into_iter().flatten().map(|admitted| (admitted.device, Role::Admin)))
}

/// Devices that an entry takes something from.
fn restricted(body: &Body) -> BTreeSet<DeviceId> {
    match body {
        Body::Revoke { device, .. } | Body::Role { device, .. } => BTreeSet::from([*device]),
        Body::Recover { revoked, .. } => revoked.iter().copied().collect(),
        _ => BTreeSet::new(),
    }
}

fn restriction(body: &Body, device: &DeviceId) -> Option<Restriction> {
    match body {
        Body::Revoke { device: out, .. } => (out == device).then_some(Restriction::Out),
        Body::Recover { revoked, .. } => revoked.contains(device).then_some(Restriction::Out),
        Body::Role { device: other, role } => (other == device).then_some(Restriction::Now(*role)),
        _ => None,
    }
}

/// For each entry the numbers of those before it, and of those after it.
fn relations(graph: &Graph<'_>, places: &[usize]) -> (Vec<Bits>, Vec<Bits>) {
    let (mut past, mut future) =
        (vec![Bits::none(places.len()); places.len()], vec![Bits::none(places.len()); places.len()]);
    for (block, members) in places.chunks(BLOCK).enumerate() {
        let (ancestors, descendants) = (graph.ancestors_in(members), graph.descendants_in(members));
        for ((place, past), future) in places.iter().zip(&mut past).zip(&mut future) {
            past.set_word(block, ancestors.get(*place).copied().unwrap_or_default());
            future.set_word(block, descendants.get(*place).copied().unwrap_or_default());
        }
    }
    (past, future)
}
