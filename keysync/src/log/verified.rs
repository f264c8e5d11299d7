//! Entries whose signature was checked, and the set of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use counterseal_core::time::Time;

use super::entry::{AccountId, Author, Body, Entry, EntryId};
use super::evaluate::{EvaluateError, evaluate};
use super::evaluation::Evaluation;
use super::read::EntryError;
use crate::device::DeviceId;
use crate::limits;

/// An entry that the key of its author signed. Whether it counts is for [`evaluate`] to say.
#[derive(Clone, Debug)]
pub struct VerifiedEntry {
    id: EntryId,
    entry: Entry,
}

/// Why an object is no entry of a device log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unverified {
    /// Nobody's signature holds.
    Signature,
    /// Somebody else signed than the entry says.
    OtherAuthor,
    /// What is signed is no entry.
    Entry(EntryError),
}

impl fmt::Display for Unverified {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature => formatter.write_str("the signature does not hold"),
            Self::OtherAuthor => formatter.write_str("signed by another one than it says"),
            Self::Entry(error) => write!(formatter, "{error}"),
        }
    }
}

impl std::error::Error for Unverified {}

impl VerifiedEntry {
    /// Reads an entry from what a signature was verified over, with the key that signed.
    ///
    /// # Errors
    /// [`Unverified`].
    pub fn from_signed(content: &[u8], signer: &DeviceId) -> Result<Self, Unverified> {
        let entry = Entry::read(content).map_err(Unverified::Entry)?;
        if entry.author.key() != signer {
            return Err(Unverified::OtherAuthor);
        }
        Ok(Self { id: EntryId::of(content), entry })
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> EntryId {
        self.id
    }

    /// What it says.
    #[must_use]
    pub const fn entry(&self) -> &Entry {
        &self.entry
    }
}

/// Who the author of an entry is to those who have evaluated the log so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The root of the account.
    Root,
    /// A device that may add and revoke devices.
    Admin,
    /// A device without that right, or one that is out.
    Device,
    /// Nobody that the log names.
    Stranger,
}

impl Standing {
    /// How many entries there may be for one of this author to be taken in: whoever can put an end to a flood finds
    /// room when it is there.
    const fn room(self) -> usize {
        match self {
            Self::Root => limits::LOG_ENTRIES,
            Self::Admin => limits::LOG_ENTRIES - limits::LOG_RESERVE,
            Self::Device | Self::Stranger => limits::LOG_ENTRIES - 2 * limits::LOG_RESERVE,
        }
    }
}

/// Why a log does not take an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsertError {
    /// It is of another account.
    OtherAccount,
    /// The log has as many entries as it may have.
    Full,
}

impl fmt::Display for InsertError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherAccount => formatter.write_str("an entry of another account"),
            Self::Full => write!(formatter, "the log has {} entries already", limits::LOG_ENTRIES),
        }
    }
}

impl std::error::Error for InsertError {}

/// The entries of an account, each verified, in no order.
#[derive(Clone, Debug)]
pub struct Log {
    account: AccountId,
    entries: BTreeMap<EntryId, Entry>,
}

impl Log {
    /// The log of an account, without entries.
    #[must_use]
    pub const fn new(account: AccountId) -> Self {
        Self { account, entries: BTreeMap::new() }
    }

    /// A log as a device keeps it: each entry was verified before it was kept.
    #[must_use]
    pub fn from_kept(account: AccountId, entries: impl IntoIterator<Item = (EntryId, Entry)>) -> Self {
        Self { account, entries: entries.into_iter().collect() }
    }

    /// The account.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// Whether an entry is new. Whether its parents are there does not matter; how full the log may be for it follows
    /// from who its author is.
    ///
    /// # Errors
    /// [`InsertError`].
    pub fn would_take(&self, verified: &VerifiedEntry, author: Standing) -> Result<bool, InsertError> {
        let account = verified.entry.account.unwrap_or(AccountId::founded_by(&verified.id));
        if account != self.account {
            return Err(InsertError::OtherAccount);
        }
        if self.entries.contains_key(&verified.id) {
            return Ok(false);
        }
        if self.entries.len() >= author.room() { Err(InsertError::Full) } else { Ok(true) }
    }

    /// Takes in an entry; says whether it is new.
    ///
    /// # Errors
    /// [`InsertError`].
    pub fn insert(&mut self, verified: VerifiedEntry) -> Result<bool, InsertError> {
        let is_new = self.would_take(&verified, Standing::Root)?;
        if is_new {
            self.entries.insert(verified.id, verified.entry);
        }
        Ok(is_new)
    }

    /// Takes in an entry that was verified and kept, or that this device just signed.
    pub(crate) fn keep(&mut self, id: EntryId, entry: Entry) {
        self.entries.insert(id, entry);
    }

    /// These entries and all before them, as far as they are there.
    pub(crate) fn ancestors(&self, ids: &[EntryId]) -> BTreeSet<EntryId> {
        let mut found = BTreeSet::new();
        let mut open = ids.to_vec();
        while let Some(id) = open.pop() {
            if let Some(entry) = self.entries.get(&id)
                && found.insert(id)
            {
                open.extend(&entry.parents);
            }
        }
        found
    }

    /// These entries and all before them, ancestors first, as far as they are there: what of the log is handed on to
    /// somebody who has nothing of it, when it begins with the heads of what counts.
    #[must_use]
    pub fn ancestry(&self, heads: &[EntryId]) -> Vec<EntryId> {
        let (mut order, mut done) = (Vec::new(), BTreeSet::new());
        let mut open: Vec<(EntryId, bool)> = heads.iter().map(|id| (*id, false)).collect();
        while let Some((id, is_behind_its_parents)) = open.pop() {
            let Some(entry) = self.entries.get(&id).filter(|_| !done.contains(&id)) else { continue };
            if is_behind_its_parents {
                done.insert(id);
                order.push(id);
            } else {
                open.push((id, true));
                open.extend(entry.parents.iter().map(|parent| (*parent, false)));
            }
        }
        order
    }

    /// An entry.
    #[must_use]
    pub fn entry(&self, id: &EntryId) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// All entries, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&EntryId, &Entry)> {
        self.entries.iter()
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What it means.
    ///
    /// # Errors
    /// [`EvaluateError`].
    pub fn evaluate(&self) -> Result<Evaluation, EvaluateError> {
        evaluate(&self.entries, &self.account)
    }

    /// The next entry, to be signed by its author: it comes after all that counts.
    #[must_use]
    pub fn draft(&self, evaluation: &Evaluation, author: Author, time: Time, body: Body) -> Entry {
        let (account, parents) = (Some(self.account), Vec::new());
        let mut entry = Entry { account, parents, lamport: 0, time, author, body };
        let mut heads = self.foremost(&evaluation.heads, evaluation);
        // The root takes over nothing that does not count; a device is beside it until it does.
        if let Author::Device(_) = entry.author {
            let reserved = evaluation.restricting.len().min(limits::RESTRICTING_PARENTS);
            heads.truncate(limits::ENTRY_PARENTS - reserved);
            // Its own first: what it took from others it has to know itself.
            let is_other = |id: &EntryId| self.entries.get(id).is_none_or(|it| it.author != entry.author);
            let mut restricting = evaluation.restricting.clone();
            restricting.sort_by_key(is_other);
            heads.extend(restricting);
        }
        self.place(&mut entry, &heads);
        entry
    }

    /// Puts an entry behind these heads; where they are too many, behind the first ones.
    pub(crate) fn place(&self, entry: &mut Entry, heads: &[EntryId]) {
        let heads = heads.iter().filter_map(|id| Some((*id, self.entries.get(id)?)));
        let heads: Vec<(EntryId, &Entry)> = heads.take(limits::ENTRY_PARENTS).collect();
        let lamport = heads.iter().map(|(_, entry)| entry.lamport.saturating_add(1)).max();
        entry.lamport = lamport.unwrap_or_default();
        entry.parents = heads.into_iter().map(|(id, _)| id).collect();
        entry.parents.sort_unstable();
    }

    /// Heads, those first that matter most: by the root and by admins, then by others that the log knows, then by whom a
    /// device let in that is out; among them those that take rights away, then the latest. A device that is out writes as
    /// many heads as it likes, and must not push aside what put it out.
    pub(crate) fn foremost(&self, heads: &[EntryId], evaluation: &Evaluation) -> Vec<EntryId> {
        let rank = |id: &EntryId| {
            let entry = self.entries.get(id)?;
            let standing = match evaluation.standing(&entry.author) {
                Standing::Root | Standing::Admin => 2,
                Standing::Device => 1,
                Standing::Stranger => 0,
            };
            let takes_away =
                matches!(entry.body, Body::Revoke { .. } | Body::Recover { .. } | Body::Role { .. });
            Some((standing, takes_away, entry.lamport, *id))
        };
        let mut ranked: Vec<(u8, bool, u64, EntryId)> = heads.iter().filter_map(rank).collect();
        ranked.sort_unstable_by(|one, other| other.cmp(one));
        ranked.into_iter().map(|(.., id)| id).collect()
    }

    /// The heads of what is left without these entries and all that came after them: the last good state, as a root
    /// that does not believe them names it.
    #[must_use]
    pub fn heads_without(&self, evaluation: &Evaluation, disbelieved: &[EntryId]) -> Vec<EntryId> {
        let mut children: BTreeMap<&EntryId, Vec<&EntryId>> = BTreeMap::new();
        for (id, entry) in &self.entries {
            entry.parents.iter().for_each(|parent| children.entry(parent).or_default().push(id));
        }
        let mut bad = BTreeSet::new();
        let mut open: Vec<&EntryId> = disbelieved.iter().collect();
        while let Some(id) = open.pop() {
            if bad.insert(*id) {
                open.extend(children.get(id).into_iter().flatten().copied());
            }
        }
        let is_good = |id: &EntryId| !bad.contains(id) && !evaluation.is_waiting(id);
        let good = self.entries.keys().filter(|id| is_good(id));
        good.filter(|id| !children.get(id).into_iter().flatten().any(|child| is_good(child)))
            .copied()
            .collect()
    }
}
