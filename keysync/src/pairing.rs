//! KS1: two devices of one person, or two people, authenticate each other (docs/formats/pairing.md).
//!
//! A machine without input or output: the caller brings objects, what people typed, and the time; the machine says what
//! to send, show, ask and import ([`Step`]). [`Pairing<Devices>`] ends with a grant of keys, and only after the release
//! gate gave a [`Released`]; [`Pairing<People>`] ends with [`Met`], of which a pin is made. That a meeting grants nothing
//! is a matter of types:
//!
//! ```compile_fail
//! use counterseal_core::secret::SecretBytes;
//! use counterseal_keysync::pairing::{Pairing, People, Ports, Released};
//! fn leak(meeting: &mut Pairing<People>, released: Released, keys: &SecretBytes, ports: &mut Ports<'_>) {
//!     meeting.grant(released, keys, ports); // there is no such method
//! }
//! ```
//!
//! ```
//! use counterseal_core::secret::SecretBytes;
//! use counterseal_keysync::pairing::{Devices, Pairing, Ports, Released};
//! fn give(pairing: &mut Pairing<Devices>, released: Released, keys: &SecretBytes, ports: &mut Ports<'_>) {
//!     let _ = pairing.grant(released, keys, ports);
//! }
//! ```

mod exchange;
mod file;
mod gate;
mod gates;
mod handshake;
mod identity;
mod messages;
mod reason;
mod saved;
mod session;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use counterseal_core::ports::Random;
use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;

pub use gate::{Circumstances, Met, Part, Proof, ReleasePolicy, Released, Side, Withheld, needed};
pub use gates::GrantError;
pub use identity::{Peer, Signer};
pub use reason::AbortReason;
pub use saved::RestoreError;
pub use session::BoxId;

use crate::code::{Intent, PairingCode};
use crate::device::Role;
use crate::sas::CheckCode;
use crate::transport::{ObjectBox, ObjectName};
use crate::words::{SpokenCode, Words};
use handshake::{Known, OpenOffer, SentHello};
use session::Session;

/// How the two sides find and recognise each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// A code is scanned or pasted.
    Code,
    /// Words are read aloud or typed, or a password is known to both.
    Words,
    /// Words are compared afterwards.
    Sas,
    /// Two files, by mail or stick.
    File,
}

impl Method {
    const fn number(self) -> u8 {
        match self {
            Self::Code => 0,
            Self::Words => 1,
            Self::Sas => 2,
            Self::File => 3,
        }
    }

    const fn of(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Code),
            1 => Some(Self::Words),
            2 => Some(Self::Sas),
            3 => Some(Self::File),
            _ => None,
        }
    }
}

/// Where a pairing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Not begun.
    Idle,
    /// Our offer stands.
    Offered,
    /// We have a code, or an answer to make, and wait for the offer.
    Scanned,
    /// We answered an offer.
    HelloSent,
    /// Our offer was answered, and we answered that.
    HelloRecv,
    /// The channel stands; people type and confirm.
    AwaitGate,
    /// A gate was passed; keys are on their way, or the other side passes its gate.
    Granting,
    /// Done.
    Done,
    /// Given up.
    Aborted(AbortReason),
}

impl State {
    /// Whether nothing happens any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Aborted(_))
    }
}

/// What two sides are to each other.
pub trait Purpose: sealed::Purpose {
    /// Which part a side takes.
    type Part: Copy + fmt::Debug;

    /// What they want of each other, given the side of one of them.
    fn intent(part: Self::Part, side: Side) -> Intent;
}

/// Two devices of one person: the new one gets keys.
#[derive(Clone, Copy, Debug)]
pub enum Devices {}

/// Two people: each gets to know the other's certificates, and nobody gets a key.
#[derive(Clone, Copy, Debug)]
pub enum People {}

/// Which of two devices this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DevicePart {
    /// The new one.
    New,
    /// One that belongs to the account.
    Old,
}

impl Purpose for Devices {
    type Part = DevicePart;

    fn intent(part: DevicePart, side: Side) -> Intent {
        match (part, side) {
            (DevicePart::New, Side::Displays) | (DevicePart::Old, Side::Scans) => Intent::NewShows,
            (DevicePart::Old, Side::Displays) | (DevicePart::New, Side::Scans) => Intent::OldShows,
        }
    }
}

impl Purpose for People {
    type Part = ();

    fn intent((): (), _: Side) -> Intent {
        Intent::Meet
    }
}

mod sealed {
    /// Only the two purposes of this file.
    pub trait Purpose {
        /// Whether a saved state is of this purpose.
        const MEETING: bool;
    }
    impl Purpose for super::Devices {
        const MEETING: bool = false;
    }
    impl Purpose for super::People {
        const MEETING: bool = true;
    }
}

/// A password that both sides know, and the number by which they find each other.
#[derive(Clone, Debug)]
pub struct Password {
    /// From 1 to 9999.
    pub nameplate: u16,
    /// What both know.
    pub secret: SecretBytes,
    /// What the displaying side shows; nothing for a password that was agreed on.
    pub shown: Option<String>,
}

impl From<&SpokenCode> for Password {
    fn from(code: &SpokenCode) -> Self {
        Self { nameplate: code.nameplate(), secret: code.password(), shown: Some(code.to_text()) }
    }
}

/// How this side begins.
#[derive(Clone, Debug)]
pub enum Opening {
    /// Shows a code.
    ShowCode,
    /// Has scanned a code.
    ScanCode(PairingCode),
    /// Shows words, or is the first of two with a password.
    ShowPassword(Password),
    /// Has the other one's words, or is the second of two with a password.
    TypePassword(Password),
    /// Offers itself by name.
    ShowName,
    /// Chooses among names.
    PickName,
    /// Makes an offer file.
    OfferFile,
    /// Has an offer file, and makes the answer.
    AnswerFile(Vec<u8>),
}

impl Opening {
    const fn side(&self) -> Side {
        match self {
            Self::ShowCode | Self::ShowPassword(_) | Self::ShowName | Self::OfferFile => Side::Displays,
            Self::ScanCode(_) | Self::TypePassword(_) | Self::PickName | Self::AnswerFile(_) => Side::Scans,
        }
    }

    const fn method(&self) -> Method {
        match self {
            Self::ShowCode | Self::ScanCode(_) => Method::Code,
            Self::ShowPassword(_) | Self::TypePassword(_) => Method::Words,
            Self::ShowName | Self::PickName => Method::Sas,
            Self::OfferFile | Self::AnswerFile(_) => Method::File,
        }
    }
}

/// What this side says of itself, and what it asks for.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// Its name on the other screen, at most [`limits::NAME_BYTES`](crate::limits::NAME_BYTES).
    pub name: String,
    /// What a new device would like to be.
    pub role: Option<Role>,
    /// The account of an old device: SHA-256 of its root key.
    pub account: Option<[u8; 32]>,
    /// What a new device asks for, once it is sure: a certificate request, say.
    pub request: Vec<u8>,
    /// Where the box is beside the local network, as it stands in a code.
    pub relay: Option<String>,
    /// Only over the local network.
    pub lan_only: bool,
    /// A new device does without the digits; whoever photographs its code could then lure it into another account.
    pub trust_scan: bool,
    /// What an old device asks for before it releases keys.
    pub policy: ReleasePolicy,
}

/// What every call needs.
pub struct Ports<'a> {
    /// The moment.
    pub now: Time,
    /// Randomness.
    pub random: &'a mut dyn Random,
    /// Our key.
    pub signer: &'a dyn Signer,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// Something lies in a box.
    Object {
        /// The box.
        place: BoxId,
        /// The object.
        bytes: Vec<u8>,
    },
    /// The answer file came.
    File(Vec<u8>),
    /// The digits, the words or the answer words were typed.
    Typed(String),
    /// A question was answered with yes or no.
    Confirmed(bool),
    /// One of the offers was chosen.
    Picked([u8; 32]),
    /// An old device looks whether it may release.
    Circumstances(Circumstances),
    /// What was granted is imported, and durable; with the beacon of the new device.
    Imported(Vec<u8>),
    /// Time went by.
    Tick,
    /// A person ended it.
    Cancel,
}

/// What the caller does next.
#[derive(Debug)]
pub enum Step {
    /// Looks into this box from now on.
    Listen(ObjectBox),
    /// Looks into it no more; what is there may be removed.
    Close(BoxId),
    /// Puts an object.
    Send {
        /// The box.
        place: BoxId,
        /// The object.
        object: Vec<u8>,
    },
    /// Writes a file for the other side.
    File(Vec<u8>),
    /// Shows something.
    Show(Show),
    /// Asks the person something.
    Ask(Ask),
    /// Builds the grant, and gives it to [`Pairing::grant`].
    Release(Released),
    /// Imports what was granted, then says [`Input::Imported`].
    Import(SecretBytes),
    /// The two have met.
    Met(Met),
    /// Done. An old device gets what the new one acknowledged with, if it did.
    Done(Option<Vec<u8>>),
    /// Given up.
    Aborted(AbortReason),
}

/// What a screen shows.
#[derive(Clone, Debug)]
pub enum Show {
    /// A code, as a picture or a text, until this moment.
    Code(PairingCode, Time),
    /// Words to be typed on the other side.
    Spoken(String),
    /// Digits to be typed on the other side.
    CheckCode(CheckCode),
    /// Words that the other screen shows alike.
    CompareWords(Words),
    /// Words of the offer file.
    Fingerprint(Words),
    /// Words that open the answer file; only over another way than the file's.
    AnswerWords(Words),
    /// Who is at the other end, as far as it is known.
    Peer(Peer),
    /// That was wrong; so many tries are left.
    TriesLeft(u8),
    /// Nothing is released yet.
    Withheld(Withheld),
    /// The other side waits with its keys until then.
    HeldUntil(Time),
    /// No answer came yet.
    StillWaiting,
    /// The file is no answer to our offer.
    OtherFile,
}

/// What a person is asked.
#[derive(Clone, Debug)]
pub enum Ask {
    /// The digits on the other screen ([`Input::Typed`]).
    CheckCode,
    /// Whether both screens show the same words ([`Input::Confirmed`]).
    CompareWords,
    /// Whether the other screen shows the same words for the offer ([`Input::Confirmed`]).
    CompareFingerprint,
    /// Whether this is the account, or the person, that is meant ([`Input::Confirmed`]).
    ConfirmPeer,
    /// Whether to release: the passphrase again, and whether this is the device in front of the person
    /// ([`Input::Circumstances`]).
    Approve,
    /// The words that open the answer file ([`Input::Typed`]).
    AnswerWords,
    /// The words again ([`Input::Typed`]): a guess at them was wrong here, or somebody else's was.
    Words,
    /// Which of these offers ([`Input::Picked`]); names are foreign text.
    Pick(Vec<([u8; 32], String)>),
}

/// One pairing, on one side.
pub struct Pairing<P: Purpose> {
    opening: Opening,
    intent: Intent,
    side: Side,
    method: Method,
    profile: Profile,
    state: State,
    /// When the hello came, or was answered.
    since: Time,
    deadline: Time,
    /// Boxes that are listened to.
    boxes: BTreeMap<BoxId, ObjectBox>,
    /// Secrets of the codes that are shown, the last one shown last.
    codes: Vec<PairingCode>,
    offers: Vec<OpenOffer>,
    /// Offers to choose among, or to answer with words that are typed again.
    nearby: Vec<([u8; 32], String, Vec<u8>)>,
    hellos: Vec<SentHello>,
    session: Option<Session>,
    /// What was sealed for a session before it stood.
    early: Vec<(BoxId, Vec<u8>)>,
    proof: Option<Proof>,
    /// What the other side's `ready` carried.
    ready: Option<Vec<u8>>,
    /// What a yes or no would answer.
    question: Option<Question>,
    circumstances: Option<Circumstances>,
    told_ready: bool,
    release: Release,
    parts: BTreeMap<u8, SecretBytes>,
    part_count: u8,
    file: Option<file::Files>,
    outbox: Vec<(BoxId, Vec<u8>)>,
    seen: BTreeSet<ObjectName>,
    strays: u8,
    tries: u8,
    renewals: u8,
    asked_twice: bool,
    /// What the strays looked like, for the reason at the end.
    suspicion: Option<AbortReason>,
    purpose: PhantomData<P>,
}

/// What a yes or no would answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Words,
    Fingerprint,
    Peer,
}

/// How far an old device is with its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Release {
    /// Nothing was released.
    Withheld,
    /// The caller has a [`Released`].
    Given,
    /// The grant is on its way.
    Granted,
}

impl<P: Purpose> fmt::Debug for Pairing<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Pairing({:?}, {:?})", self.method, self.state)
    }
}

impl<P: Purpose> Pairing<P> {
    /// A pairing that has not begun. Two times the same side cannot come out of it: with a scanned code, `part` must be
    /// the one that the code leaves.
    ///
    /// # Errors
    /// [`AbortReason::WrongIntent`] where the code is of the same part (two new devices), or of another purpose.
    pub fn new(opening: Opening, part: P::Part, profile: Profile) -> Result<Self, AbortReason> {
        let (side, method) = (opening.side(), opening.method());
        let intent = P::intent(part, side);
        if let Opening::ScanCode(code) = &opening
            && code.intent != intent
        {
            return Err(AbortReason::WrongIntent);
        }
        let never = Time::from_unix_seconds(0);
        Ok(Self {
            opening,
            intent,
            side,
            method,
            profile,
            state: State::Idle,
            since: never,
            deadline: never,
            boxes: BTreeMap::new(),
            codes: Vec::new(),
            offers: Vec::new(),
            nearby: Vec::new(),
            hellos: Vec::new(),
            session: None,
            early: Vec::new(),
            proof: None,
            ready: None,
            question: None,
            circumstances: None,
            told_ready: false,
            release: Release::Withheld,
            parts: BTreeMap::new(),
            part_count: 0,
            file: None,
            outbox: Vec::new(),
            seen: BTreeSet::new(),
            strays: 0,
            tries: 0,
            renewals: 0,
            asked_twice: false,
            suspicion: None,
            purpose: PhantomData,
        })
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// What this side is.
    #[must_use]
    pub const fn part(&self) -> Part {
        Part::of(self.intent, self.side)
    }

    /// Which side this is.
    #[must_use]
    pub const fn side(&self) -> Side {
        self.side
    }

    /// How the two find each other.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// When [`Input::Tick`] has something to do next.
    #[must_use]
    pub const fn deadline(&self) -> Time {
        self.deadline
    }

    /// The other side, once the channel stands.
    #[must_use]
    pub fn peer(&self) -> Option<&Peer> {
        let in_file = || self.file.as_ref().and_then(file::Files::peer);
        self.session.as_ref().map(|session| &session.peer).or_else(in_file)
    }

    /// Begins: nothing was sent or shown before.
    pub fn begin(&mut self, ports: &mut Ports<'_>) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.state == State::Idle {
            self.start(&mut steps, ports);
        }
        steps
    }

    /// Goes on after a restart: everything that was sent is sent again, which costs nothing where it arrived, and what
    /// was shown and asked last is shown and asked again.
    pub fn resume(&mut self, ports: &mut Ports<'_>) -> Vec<Step> {
        let mut steps: Vec<Step> = self.boxes.values().cloned().map(Step::Listen).collect();
        steps.extend(
            self.outbox.iter().map(|(place, object)| Step::Send { place: *place, object: object.clone() }),
        );
        self.prompt(&mut steps);
        self.tick(&mut steps, ports);
        steps
    }

    /// Takes in what happened. What does not fit the state changes nothing.
    pub fn input(&mut self, input: Input, ports: &mut Ports<'_>) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.state.is_final() || self.state == State::Idle {
            return steps;
        }
        // A clock that went over the deadline counts first, whatever came meanwhile.
        self.tick(&mut steps, ports);
        if self.state.is_final() {
            return steps;
        }
        match input {
            Input::Object { place, bytes } => self.object(place, bytes, &mut steps, ports),
            Input::File(bytes) => self.answer_file(&bytes, &mut steps),
            Input::Typed(text) => self.typed(&text, &mut steps, ports),
            Input::Confirmed(yes) => self.confirmed(yes, &mut steps, ports),
            Input::Picked(offer) => self.picked(offer, &mut steps, ports),
            Input::Circumstances(circumstances) => {
                self.circumstances = Some(circumstances);
                self.pass_gate(&mut steps, ports);
            }
            Input::Imported(beacon) => self.imported(&beacon, &mut steps, ports),
            Input::Tick => {}
            Input::Cancel => self.abort(AbortReason::Cancelled, &mut steps, ports),
        }
        steps
    }

    /// Gives it up: tells the other side, if there is a channel, and forgets every secret.
    fn abort(&mut self, reason: AbortReason, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        self.tell(&messages::Content::Abort(reason.word().to_owned()), steps, ports);
        self.end(State::Aborted(reason), steps);
        steps.push(Step::Aborted(reason));
    }

    /// Nothing happens any more, and no secret stays.
    fn end(&mut self, state: State, steps: &mut Vec<Step>) {
        self.state = state;
        self.offers.clear();
        self.hellos.clear();
        self.codes.clear();
        self.session = None;
        self.early.clear();
        self.parts.clear();
        self.file = None;
        self.question = None;
        self.outbox.clear();
        self.opening = match self.side {
            Side::Displays => Opening::ShowName,
            Side::Scans => Opening::PickName,
        };
        steps.extend(std::mem::take(&mut self.boxes).into_keys().map(Step::Close));
    }

    /// Puts an object, and knows it again when the box lists it.
    fn send(&mut self, place: BoxId, object: Vec<u8>, steps: &mut Vec<Step>) {
        self.seen.insert(ObjectName::of(&object));
        self.outbox.push((place, object.clone()));
        steps.push(Step::Send { place, object });
    }

    /// Sends something through the channel, if there is one.
    fn tell(&mut self, content: &messages::Content, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        let Some(session) = &self.session else { return };
        let place = session.bound.place;
        if let Ok(object) = session.seal(content, ports.random) {
            self.send(place, object, steps);
        }
    }

    fn listen(&mut self, object_box: ObjectBox, steps: &mut Vec<Step>) -> BoxId {
        let id = *object_box.id();
        if self.boxes.insert(id, object_box.clone()).is_none() {
            steps.push(Step::Listen(object_box));
        }
        id
    }

    fn identity(&self, signer: &dyn Signer) -> messages::Identity {
        let mut name = self.profile.name.clone();
        while !messages::is_name(&name) {
            name.pop();
        }
        messages::Identity {
            certificates: signer.certificates().iter().map(|der| messages::octets(der)).collect(),
            name,
            role: identity::role_number(self.profile.role),
            account: self.profile.account.as_ref().map(|hash| messages::octets(hash)),
        }
    }

    fn known(&self) -> Known {
        match &self.opening {
            Opening::ScanCode(code) => Known::Code(code.secret.clone()),
            Opening::ShowPassword(password) | Opening::TypePassword(password) => {
                Known::Password(password.secret.clone())
            }
            Opening::ShowCode
            | Opening::ShowName
            | Opening::PickName
            | Opening::OfferFile
            | Opening::AnswerFile(_) => Known::Nothing,
        }
    }
}

#[cfg(test)]
mod tests;
