//! The rules of `docs/formats/device-log.md`, written down as they stand there, with no thought for speed.

use super::*;

/// What the reference says of a log.
pub(super) struct Plain {
    pub(super) live: BTreeMap<DeviceId, Role>,
    pub(super) keys: Vec<(KeyId, bool)>,
    pub(super) void: BTreeSet<EntryId>,
}

/// A set of entries that has the ancestors of each, without what a cut took out.
struct World<'a> {
    entries: BTreeMap<EntryId, &'a Entry>,
    ancestors: &'a BTreeMap<EntryId, BTreeSet<EntryId>>,
}

pub(super) fn evaluate(story: &Story) -> Plain {
    let ancestors: BTreeMap<EntryId, BTreeSet<EntryId>> =
        story.entries.keys().map(|id| (*id, ancestors(&story.entries, id))).collect();
    let all = World {
        entries: story.entries.iter().map(|(id, entry)| (*id, entry)).collect(),
        ancestors: &ancestors,
    };
    let world = all.cut();
    let (counting, out) = (world.counting(), world.effective());
    let mut live: BTreeMap<DeviceId, Role> = BTreeMap::new();
    for id in world.in_order() {
        if counting.contains(&id) {
            live.extend(given(&world.entries[&id].body));
        }
    }
    let revocations: Vec<EntryId> =
        out.iter().filter(|id| !matches!(world.entries[id].body, Body::Role { .. })).copied().collect();
    for id in &revocations {
        match &world.entries[id].body {
            Body::Revoke { device, .. } => {
                live.remove(device);
            }
            Body::Recover { revoked, .. } => live.retain(|device, _| !revoked.contains(device)),
            _ => {}
        }
    }
    let retired: BTreeSet<KeyId> = revocations
        .iter()
        .flat_map(|id| match &world.entries[id].body {
            Body::Revoke { retired, .. } | Body::Recover { retired, .. } => retired.clone(),
            _ => Vec::new(),
        })
        .collect();
    let ever_given = world.ever_given();
    let beside =
        |one: &EntryId, other: &EntryId| !ancestors[one].contains(other) && !ancestors[other].contains(one);
    let mut keys: Vec<(KeyId, bool)> = Vec::new();
    for id in world.in_order() {
        if let (true, Body::Key(announced)) = (counting.contains(&id), &world.entries[&id].body) {
            let may_hold = |revocation: &EntryId| {
                let out = |device: &DeviceId| takes(&world.entries[revocation].body, device) == Some(None);
                ever_given.iter().any(|(device, role)| out(device) && announced.purpose.is_for(*role))
            };
            let exposed = revocations.iter().any(|revocation| {
                beside(revocation, &id) || ancestors[revocation].contains(&id) && may_hold(revocation)
            });
            if !keys.iter().any(|(key, _)| *key == announced.key) {
                keys.push((announced.key, exposed || retired.contains(&announced.key)));
            }
        }
    }
    let counts = |id: &EntryId| match story.entries[id].body {
        Body::Revoke { .. } => out.contains(id),
        _ => counting.contains(id),
    };
    let void = story.entries.keys().filter(|id| !counts(id)).copied().collect();
    Plain { live, keys, void }
}

fn ancestors(entries: &BTreeMap<EntryId, Entry>, id: &EntryId) -> BTreeSet<EntryId> {
    let mut found = BTreeSet::new();
    let mut open = entries[id].parents.clone();
    while let Some(id) = open.pop() {
        if found.insert(id) {
            open.extend(&entries[&id].parents);
        }
    }
    found
}

fn given(body: &Body) -> Vec<(DeviceId, Role)> {
    match body {
        Body::Genesis { first, .. } => vec![(first.device, Role::Admin)],
        Body::Add(admitted) => vec![(admitted.device, admitted.role)],
        Body::Role { device, role } => vec![(*device, *role)],
        _ => Vec::new(),
    }
}

impl<'a> World<'a> {
    fn in_order(&self) -> Vec<EntryId> {
        let mut order: Vec<EntryId> = self.entries.keys().copied().collect();
        order.sort_by_key(|id| (self.entries[id].lamport, *id));
        order
    }

    /// What the author of this entry knew.
    fn past(&self, id: &EntryId) -> World<'a> {
        let known = self.entries.iter().filter(|(other, _)| self.ancestors[id].contains(other));
        World { entries: known.map(|(id, entry)| (*id, *entry)).collect(), ancestors: self.ancestors }
    }

    /// Rule 4.
    fn cut(&self) -> World<'a> {
        let cuts: Vec<EntryId> = self
            .in_order()
            .into_iter()
            .filter(|id| matches!(self.entries[id].body, Body::Recover { .. }))
            .collect();
        let Some(last) = cuts.last() else {
            return World { entries: self.entries.clone(), ancestors: self.ancestors };
        };
        let holding: Vec<EntryId> =
            cuts.iter().filter(|cut| *cut == last || self.ancestors[last].contains(*cut)).copied().collect();
        let stays = |id: &EntryId| {
            matches!(self.entries[id].author, Author::Root(_))
                || holding
                    .iter()
                    .all(|cut| self.ancestors[cut].contains(id) || self.ancestors[id].contains(cut))
        };
        let left = self.entries.iter().filter(|(id, _)| stays(id)).map(|(id, entry)| (*id, *entry)).collect();
        World { entries: left, ancestors: self.ancestors }
    }

    /// Every role that somebody gave who was given one to administer before.
    fn ever_given(&self) -> Vec<(DeviceId, Role)> {
        let mut ever: Vec<(DeviceId, Role)> = Vec::new();
        for id in self.in_order() {
            let entry = self.entries[&id];
            let is_admin =
                |author: DeviceId| ever.iter().any(|(device, role)| *device == author && role.administers());
            let founds = matches!(entry.body, Body::Genesis { .. });
            if founds || entry.author.device().is_none_or(is_admin) {
                ever.extend(given(&entry.body));
            }
        }
        ever
    }

    /// Rule 2: entries that take something away and count, each by its own past.
    fn effective(&self) -> Vec<EntryId> {
        let takes_away = |id: &EntryId| match &self.entries[id].body {
            Body::Revoke { .. } | Body::Role { .. } => true,
            Body::Recover { revoked, .. } => !revoked.is_empty(),
            _ => false,
        };
        let may = |id: &EntryId| match self.entries[id].author {
            Author::Root(_) => true,
            Author::Device(author) => {
                let past = self.past(id);
                !past.effective().iter().any(|other| takes(&past.entries[other].body, &author) == Some(None))
                    && past.role_of(&author, None, &past.counting()).is_some_and(Role::administers)
            }
        };
        self.entries.keys().filter(|id| takes_away(id)).filter(|id| may(id)).copied().collect()
    }

    /// The role by the last entry that counts, among what the author of an entry knew.
    fn role_of(
        &self,
        device: &DeviceId,
        known_to: Option<&EntryId>,
        counting: &BTreeSet<EntryId>,
    ) -> Option<Role> {
        let is_known = |id: &EntryId| known_to.is_none_or(|entry| self.ancestors[entry].contains(id));
        let grants = self.in_order().into_iter().filter(|id| counting.contains(id) && is_known(id));
        let mut grants = grants.flat_map(|id| given(&self.entries[&id].body));
        grants.rfind(|(other, _)| other == device).map(|(_, role)| role)
    }

    /// Rules 1 and 2: all that counts, except revocations.
    fn counting(&self) -> BTreeSet<EntryId> {
        let (roles, revocations): (Vec<EntryId>, Vec<EntryId>) =
            self.effective().into_iter().partition(|id| matches!(self.entries[id].body, Body::Role { .. }));
        // A role takes a right away where its author has the right to it by all that revocations leave.
        let believed = self.counting_beside(&revocations);
        let may = |id: &EntryId| match self.entries[id].author {
            Author::Root(_) => true,
            Author::Device(author) => {
                !self.is_by_a_device_put_out_beside(id, &revocations)
                    && self.role_of(&author, Some(id), &believed).is_some_and(Role::administers)
            }
        };
        let restricting = roles.into_iter().filter(may).chain(revocations.iter().copied());
        self.counting_beside(&restricting.collect::<Vec<_>>())
    }

    fn counting_beside(&self, restricting: &[EntryId]) -> BTreeSet<EntryId> {
        let mut counting = BTreeSet::new();
        for id in self.in_order() {
            if self.counts(&id, restricting, &counting) {
                counting.insert(id);
            }
        }
        counting
    }

    fn counts(&self, id: &EntryId, restricting: &[EntryId], counting: &BTreeSet<EntryId>) -> bool {
        let entry = self.entries[id];
        let Author::Device(author) = entry.author else { return true };
        let needs: fn(Role) -> bool = match entry.body {
            Body::Key(_) => Role::signs,
            Body::Add(_) | Body::Role { .. } => Role::administers,
            _ => return false,
        };
        for other in restricting {
            let (knew, known) = (self.ancestors[id].contains(other), self.ancestors[other].contains(id));
            match takes(&self.entries[other].body, &author) {
                Some(None) if !known => return false,
                Some(Some(role)) if !knew && !known && other != id && !needs(role) => return false,
                _ => {}
            }
        }
        let is_there = |device: &DeviceId| self.role_of(device, Some(id), counting).is_some();
        let makes_sense = match &entry.body {
            Body::Add(admitted) => !is_there(&admitted.device),
            Body::Role { device, .. } => is_there(device),
            _ => true,
        };
        makes_sense && self.role_of(&author, Some(id), counting).is_some_and(needs)
    }

    fn is_by_a_device_put_out_beside(&self, id: &EntryId, revocations: &[EntryId]) -> bool {
        let Author::Device(author) = self.entries[id].author else { return false };
        let puts_out = |other: &&EntryId| takes(&self.entries[*other].body, &author) == Some(None);
        revocations.iter().filter(puts_out).any(|other| !self.ancestors[other].contains(id))
    }
}

/// What an entry takes from a device: nothing, everything (`Some(None)`), or all but a role.
fn takes(body: &Body, device: &DeviceId) -> Option<Option<Role>> {
    match body {
        Body::Revoke { device: out, .. } if out == device => Some(None),
        Body::Recover { revoked, .. } if revoked.contains(device) => Some(None),
        Body::Role { device: other, role } if other == device => Some(Some(*role)),
        _ => None,
    }
}
