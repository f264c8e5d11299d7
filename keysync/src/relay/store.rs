//! Where a relay keeps boxes: one file of SQLite, or PostgreSQL for several processes.

pub mod postgres;
pub mod sqlite;
mod sums;

use std::fmt;

use counterseal_core::time::Time;
use futures::future::BoxFuture;

use super::limits::Limits;
use super::protocol::{CapabilityHash, Class, Right};
use crate::transport::ObjectName;
pub(crate) use sums::Sums;
pub use sums::Totals;

/// What a store answers, when it does.
pub type Answer<'s, T> = BoxFuture<'s, Result<T, StoreError>>;

/// Where boxes are kept. What a store acknowledges survives the death of its process and of its machine.
pub trait Store: Send + Sync {
    /// The kind of store, in one word.
    fn kind(&self) -> &'static str;

    /// Finds the box that a capability opens, by one search for all three parts of the claim.
    fn find(&self, claim: Claim, now: Time) -> Answer<'_, Option<BoxState>>;

    /// Creates a box, unless exactly this one is there.
    fn create(&self, new: NewBox, permission: Permission, now: Time) -> Answer<'_, Creating>;

    /// Notes that the box was read, so that it lives until `expires`. Nobody waits for it.
    fn note_read(&self, number: BoxNumber, expires: i64);

    /// Keeps an object.
    fn put(&self, number: BoxNumber, name: ObjectName, body: Vec<u8>, now: Time) -> Answer<'_, Putting>;

    /// Objects from number `after` + 1, at most `most`.
    fn list(&self, number: BoxNumber, after: u64, most: u64) -> Answer<'_, Vec<Kept>>;

    /// The length of one object, for whoever needs room before it is read.
    fn length(&self, number: BoxNumber, name: ObjectName) -> Answer<'_, Option<u64>>;

    /// One object.
    fn get(&self, number: BoxNumber, name: ObjectName) -> Answer<'_, Option<Vec<u8>>>;

    /// Removes one object; one that is not there is removed.
    fn remove(&self, number: BoxNumber, name: ObjectName) -> Answer<'_, ()>;

    /// Removes a box and all in it.
    fn remove_box(&self, number: BoxNumber) -> Answer<'_, ()>;

    /// Removes boxes that have ended, some of them: how many.
    fn sweep(&self, now: Time) -> Answer<'_, u64>;

    /// How much is kept, as far as this process knows.
    fn totals(&self) -> Totals;

    /// Whether the store answers.
    fn check(&self) -> Answer<'_, ()>;

    /// Does what was asked for, then writes everything to its place and ends.
    fn close(&self) -> Answer<'_, ()>;
}

/// A box within its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BoxNumber(pub i64);

impl BoxNumber {
    /// A box that is never there. Searches in it do the same work as in others.
    pub const NONE: Self = Self(0);
}

/// What a request shows: the name of a box, and the hash of a capability with the right that it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The name of the box.
    pub id: [u8; 16],
    /// What the request needs.
    pub right: Right,
    /// Of the capability that was shown.
    pub hash: CapabilityHash,
}

/// A box to be created.
#[derive(Clone, Copy, Debug)]
pub struct NewBox {
    /// Its name.
    pub id: [u8; 16],
    /// Hashes of the capabilities to read, write and remove.
    pub hashes: [CapabilityHash; 3],
    /// What it is for.
    pub class: Class,
    /// What no other box has.
    pub epoch: u64,
}

impl NewBox {
    /// What its creator could claim: read, write, admin.
    pub(crate) fn claims(&self) -> [Claim; 3] {
        let [read, write, admin] = self.hashes;
        [(Right::Read, read), (Right::Write, write), (Right::Admin, admin)].map(|(right, hash)| Claim {
            id: self.id,
            right,
            hash,
        })
    }

    /// What these claims found: this box, or one that is in its way. Nothing where none is there.
    pub(crate) fn is_there(&self, found: &[Option<BoxState>; 3]) -> Option<Creating> {
        match found {
            [None, None, None] => None,
            [Some(read), Some(write), Some(admin)]
                if read.number == write.number
                    && write.number == admin.number
                    && read.class == self.class =>
            {
                Some(Creating::WasThere(*read))
            }
            _ => Some(Creating::Conflict),
        }
    }

    /// As it stands when it is new.
    pub(crate) const fn state(&self, number: BoxNumber, expires: i64) -> BoxState {
        let Self { class, epoch, .. } = *self;
        BoxState { number, class, epoch, last: 0, objects: 0, bytes: 0, expires }
    }
}

/// Whether a box may be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// No.
    Denied,
    /// As many as are asked for.
    Free,
    /// As long as fewer than `boxes` were created with this grant.
    Counted {
        /// The grant: SHA-256 of a token or of an account's name.
        grant: [u8; 32],
        /// How many it is good for.
        boxes: u64,
    },
}

/// How a box stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoxState {
    /// Where it is.
    pub number: BoxNumber,
    /// What it is for.
    pub class: Class,
    /// What no other box has.
    pub epoch: u64,
    /// The number of its newest object.
    pub last: u64,
    /// Its objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When it ends, in seconds since 1970.
    pub expires: i64,
}

/// What became of a box to be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creating {
    /// It is new.
    Created(BoxState),
    /// It was there.
    WasThere(BoxState),
    /// A box with the same name and one, but not all, of its hashes is there.
    Conflict,
    /// It may not be created.
    Denied,
    /// The relay is full.
    Full,
}

/// What became of an object to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Putting {
    /// It is kept, and has this number.
    Kept(u64),
    /// It was there, with this number.
    WasThere(u64),
    /// The box or the relay is full.
    Full,
    /// There were too many today.
    Daily,
    /// The box is there no longer.
    Gone,
}

/// One object of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its number in the box.
    pub sequence: u64,
    /// Its name.
    pub name: ObjectName,
    /// Its length.
    pub bytes: u64,
}

/// Why a store did not do it. Nothing was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError(pub String);

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for StoreError {}

/// What a box has before a put, as far as its limits go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) class: Class,
    pub(crate) objects: u64,
    pub(crate) bytes: u64,
    pub(crate) puts_today: u64,
}

impl Standing {
    /// Why a further object of so many bytes does not go in; nothing where it does. The limits of the box go before that of
    /// the relay, which may be too full for it.
    pub(crate) fn refuses(self, bytes: u64, is_full: bool, limits: &Limits) -> Option<Putting> {
        let limits = limits.of(self.class);
        if self.objects >= limits.objects || self.bytes.saturating_add(bytes) > limits.bytes {
            return Some(Putting::Full);
        }
        if self.puts_today >= limits.puts_a_day {
            return Some(Putting::Daily);
        }
        is_full.then_some(Putting::Full)
    }
}

/// The number that stands for a class in tables.
pub(crate) const fn class_number(class: Class) -> i16 {
    match class {
        Class::Pairing => 0,
        Class::Account => 1,
    }
}

/// The class of a number in a table.
pub(crate) const fn class_of(number: i16) -> Class {
    if number == 0 { Class::Pairing } else { Class::Account }
}

/// Databases count with a sign.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// No count of ours is negative.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
