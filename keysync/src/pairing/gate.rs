//! The gates: what must be known of the other side before anything follows from it.
//!
//! The rule that matters most is here and nowhere else: [`Released`] has one maker, and without a [`Released`] no GRANT
//! can be built.

use counterseal_core::time::Time;

use super::Method;
use super::identity::Peer;
use crate::code::Intent;

/// How one side knows that the other is the one that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Proof {
    /// It scanned the code, and the offer has the hash that stands there.
    OfferScanned,
    /// The digits of the other screen were typed here.
    CodeTyped,
    /// The person compared the words of both screens.
    WordsCompared,
    /// The person compared the words of the offer file.
    FingerprintCompared,
    /// The other side knew the password, and the person confirmed whom it says it is.
    PasswordKnown,
}

/// Which side this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// It displays the code, or makes the offer.
    Displays,
    /// It scans or types the code, or answers the offer.
    Scans,
}

/// What this side is in the pairing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The new device.
    New,
    /// A device of the account.
    Old,
    /// One of two people.
    Person,
}

impl Part {
    /// Follows from intent and side.
    #[must_use]
    pub const fn of(intent: Intent, side: Side) -> Self {
        match (intent, side) {
            (Intent::Meet, _) => Self::Person,
            (Intent::NewShows, Side::Displays) | (Intent::OldShows, Side::Scans) => Self::New,
            (Intent::NewShows, Side::Scans) | (Intent::OldShows, Side::Displays) => Self::Old,
        }
    }
}

/// The proof that this side needs of the other. The table stands in docs/formats/pairing.md.
#[must_use]
pub const fn needed(method: Method, side: Side, part: Part) -> Proof {
    match (method, side, part) {
        (Method::Code, Side::Scans, _) => Proof::OfferScanned,
        // Whoever photographed the code can answer the offer: the displaying side needs the digits.
        (Method::Code, Side::Displays, _) => Proof::CodeTyped,
        // Whoever overheard the words can make an offer: what releases keys needs the digits.
        (Method::Words, _, Part::Old) => Proof::CodeTyped,
        (Method::Words, _, Part::New | Part::Person) => Proof::PasswordKnown,
        (Method::Sas, _, _) => Proof::WordsCompared,
        (Method::File, Side::Displays, _) => Proof::PasswordKnown,
        (Method::File, Side::Scans, _) => Proof::FingerprintCompared,
    }
}

/// What the account asks for beside the proof, before keys leave a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReleasePolicy {
    /// Only to a device that was reached over the local network.
    pub lan_only: bool,
    /// Further admin devices that must agree.
    pub approvals: u8,
    /// Seconds from the first hello until keys may leave, in which other devices can object.
    pub hold_seconds: i64,
}

/// What is so at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// The person unlocked the store again, for this pairing.
    pub reauthenticated: bool,
    /// The person says that this is the device in front of them, with this role.
    pub confirmed: bool,
    /// The other side was reached over the local network.
    pub on_local_network: bool,
    /// Further admin devices that agreed.
    pub approvals: u8,
}

/// Why nothing is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// This is a meeting of two people.
    Meeting,
    /// This device has nothing to release: it is the new one.
    NotOurs,
    /// It is not known that the other side is the device that is meant.
    Unproved(Proof),
    /// The new device did not pass its own gate yet.
    NotReady,
    /// The passphrase was not asked for again.
    NotReauthenticated,
    /// The person did not confirm the device.
    NotConfirmed,
    /// It was not reached over the local network.
    NotOnLocalNetwork,
    /// Too few further admin devices agreed.
    Approvals {
        /// How many did.
        have: u8,
        /// How many must.
        need: u8,
    },
    /// The time in which others can object is not over.
    Until(Time),
}

/// What a gate looks at.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    pub(super) session: [u8; 32],
    pub(super) method: Method,
    pub(super) intent: Intent,
    pub(super) side: Side,
    pub(super) proof: Option<Proof>,
    pub(super) peer: Peer,
    /// What the other side's `ready` carried.
    pub(super) request: Option<Vec<u8>>,
    pub(super) since: Time,
}

/// Proof that keys may go to one device in one run. Nothing else makes it than the release gate, and it is used up by
/// the grant.
#[derive(Debug)]
pub struct Released {
    session: [u8; 32],
    peer: Peer,
    request: Vec<u8>,
}

impl Released {
    /// The device that gets the grant.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// What it asked for: opaque here; a certificate request, say.
    #[must_use]
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    pub(super) const fn session(&self) -> &[u8; 32] {
        &self.session
    }
}

/// The release gate.
///
/// # Errors
/// [`Withheld`], the first thing that is missing.
pub(super) fn release(
    evidence: &Evidence,
    policy: &ReleasePolicy,
    circumstances: &Circumstances,
    now: Time,
) -> Result<Released, Withheld> {
    let part = Part::of(evidence.intent, evidence.side);
    match part {
        Part::Person => return Err(Withheld::Meeting),
        Part::New => return Err(Withheld::NotOurs),
        Part::Old => {}
    }
    let needed = needed(evidence.method, evidence.side, part);
    if evidence.proof != Some(needed) {
        return Err(Withheld::Unproved(needed));
    }
    let Some(request) = &evidence.request else { return Err(Withheld::NotReady) };
    if !circumstances.reauthenticated {
        return Err(Withheld::NotReauthenticated);
    }
    if !circumstances.confirmed {
        return Err(Withheld::NotConfirmed);
    }
    if policy.lan_only && !circumstances.on_local_network {
        return Err(Withheld::NotOnLocalNetwork);
    }
    if circumstances.approvals < policy.approvals {
        return Err(Withheld::Approvals { have: circumstances.approvals, need: policy.approvals });
    }
    let until = evidence.since.plus_seconds(policy.hold_seconds.max(0));
    if now < until {
        return Err(Withheld::Until(until));
    }
    Ok(Released { session: evidence.session, peer: evidence.peer.clone(), request: request.clone() })
}

/// Proof that two people met: what a pin is made of. It is another type than [`Released`], and no grant takes it.
#[derive(Debug)]
pub struct Met {
    peer: Peer,
    proof: Proof,
}

impl Met {
    /// The other one.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// How this side knows.
    #[must_use]
    pub const fn proof(&self) -> Proof {
        self.proof
    }
}

/// The gate of a meeting: both sides passed their own.
pub(super) fn meet(evidence: &Evidence) -> Result<Met, Withheld> {
    let part = Part::of(evidence.intent, evidence.side);
    if part != Part::Person {
        return Err(Withheld::NotOurs);
    }
    let needed = needed(evidence.method, evidence.side, part);
    if evidence.proof != Some(needed) {
        return Err(Withheld::Unproved(needed));
    }
    if evidence.request.is_none() {
        return Err(Withheld::NotReady);
    }
    Ok(Met { peer: evidence.peer.clone(), proof: needed })
}
