//! One entry that is not about membership, judged by those that are.

use crate::device::{DeviceId, Role};
use crate::log::entry::{Body, Purpose};
use crate::log::evaluation::Void;
use crate::log::graph::BLOCK;
use crate::log::members::{Members, Restriction};
use crate::log::rules::Rules;

/// What is known so far of an entry that is judged, block by block of entries about membership.
pub(super) struct Judged {
    pub(super) place: usize,
    author: DeviceId,
    right: fn(Role) -> bool,
    /// What the key is for, if it is about a key.
    purpose: Option<Purpose>,
    admitted_by: Option<usize>,
    had_a_grant: bool,
    out_by: Option<usize>,
    taken_by: Option<usize>,
    pub(super) exposed: bool,
}

impl Judged {
    pub(super) fn new(place: usize, author: DeviceId, right: fn(Role) -> bool, body: &Body) -> Self {
        let purpose = match body {
            Body::Key(announced) => Some(announced.purpose),
            _ => None,
        };
        Self {
            place,
            author,
            right,
            purpose,
            admitted_by: None,
            had_a_grant: false,
            out_by: None,
            taken_by: None,
            exposed: false,
        }
    }

    /// Looks at one block: bits of those before the entry, and of those after it.
    pub(super) fn look(
        &mut self,
        members: &Members<'_>,
        block: usize,
        before: u64,
        after: u64,
        rules: Rules,
    ) {
        let grants = members.grants_of(&self.author).word(block) & before;
        self.had_a_grant |= grants != 0;
        let grants = if rules.transitive { grants & members.counted().word(block) } else { grants };
        if grants != 0 {
            self.admitted_by = Some(block * BLOCK + 63 - grants.leading_zeros() as usize);
        }
        let restricting = members.restricting().word(block);
        let beside = !before & !after;
        let revocations = restricting & members.revocations().word(block);
        self.exposed |= revocations & beside != 0;
        // What the device had that was put out later, whatever the one who did it knew of its roles.
        let purpose = self.purpose.filter(|_| rules.sticky_retirement);
        let exposing = purpose.map_or(0, |purpose| members.exposing(purpose).word(block));
        self.exposed |= revocations & exposing & after != 0;
        let mut restrictions = restricting & members.restrictions_of(&self.author).word(block);
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

    pub(super) fn verdict(&self, members: &Members<'_>, rules: Rules) -> Option<Void> {
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
