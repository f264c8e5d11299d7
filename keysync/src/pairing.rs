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

mod displaying;
mod exchange;
mod file;
mod gate;
mod gates;
mod handshake;
mod identity;
mod messages;
mod opening;
mod purpose;
mod reason;
mod saved;
mod scanning;
mod session;
mod steps;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;

pub use gate::{Circumstances, Met, Part, Proof, ReleasePolicy, Released, Side, Withheld, needed};
pub use gates::GrantError;
pub use identity::{Peer, Signer};
pub use opening::{Opening, Password, Profile};
pub use purpose::{DevicePart, Devices, People, Purpose};
pub use reason::AbortReason;
pub use saved::RestoreError;
pub use session::BoxId;
pub use steps::{Ask, Input, Ports, Show, Slip, Step};

use crate::code::{Intent, PairingCode};
use crate::transport::{ObjectBox, ObjectName};
use handshake::{Known, OpenOffer, SentHello};
use purpose::sealed;
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
    /// What is of the other side in this run, and was believed.
    accepted: BTreeSet<ObjectName>,
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
            accepted: BTreeSet::new(),
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

    /// The objects of this run that the other side made: whoever asks which way it was reached by, asks for these.
    /// Nothing that a stranger put is among them.
    #[must_use]
    pub const fn accepted(&self) -> &BTreeSet<ObjectName> {
        &self.accepted
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
            Input::Crowded => self.abort(AbortReason::TooManyStrangers, &mut steps, ports),
            Input::Tick => {}
            Input::Cancel => self.abort(AbortReason::Cancelled, &mut steps, ports),
        }
        steps
    }

    /// Gives it up: tells the other side, if there is a channel, and forgets every secret. Whoever gave the keys away
    /// gives nothing up any more.
    fn abort(&mut self, reason: AbortReason, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        if self.release == Release::Granted {
            return self.end_unacknowledged(steps);
        }
        self.tell(&messages::Content::Abort(reason.word().to_owned()), steps, ports);
        self.end(State::Aborted(reason), steps);
        steps.push(Step::Aborted(reason));
    }

    /// The keys are given away and the new device is on the list, whatever ended it: the rest is the next sync's.
    fn end_unacknowledged(&mut self, steps: &mut Vec<Step>) {
        self.end(State::Done, steps);
        steps.push(Step::Done(None));
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
