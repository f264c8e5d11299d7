//! Turning the crank of a pairing: objects to and from the boxes, words to and from the person, and time.

mod boxes;
pub(crate) mod carrier;
mod endings;
mod picture;
mod screen;
mod typed;
mod ways;

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::time::{Duration, Instant};

use counterseal_core::secret::SecretBytes;
use counterseal_keysync::pairing::{
    Ask, Circumstances, Devices, Input, Met, Method, Pairing, Ports, Purpose, Released, Show, Signer, State,
    Step,
};
use counterseal_keysync::transport::ObjectName;

use serde_json::json;

use boxes::OpenBox;
pub(crate) use screen::{Screen, Wording};
pub(crate) use typed::{refuse_argument, scanned, typed};
pub(crate) use ways::Ways;

use crate::clock;
use crate::failure::Failure;
use crate::randomness::SystemRandom;
use crate::terminal::SafeText;

/// How long nobody answers a code or words before the person hears so.
const SILENCE: Duration = Duration::from_secs(5);

/// What the caller has to do with its store.
pub(crate) enum Happening {
    /// The person is to be asked for the passphrase again; then [`Crank::approve`].
    Approve,
    /// The grant is to be built; then [`Crank::grant`].
    Release(Released),
    /// The grant is to be imported; then [`Crank::imported`].
    Import(SecretBytes),
    /// A file is to be written for the other side.
    File(Vec<u8>),
    /// Two people met.
    Met(Met),
    /// The state is to be kept, before anything of it leaves this machine. Nothing, where none is needed any more.
    Keep(Option<SecretBytes>),
    /// Nothing happens before the answer file comes.
    Pause,
    /// It is done.
    Done(Option<Vec<u8>>),
}

/// A pairing with everything around it.
pub(crate) struct Crank<'a, P: Purpose> {
    pairing: Pairing<P>,
    signer: &'a dyn Signer,
    ways: &'a Ways,
    screen: Screen,
    open: Vec<OpenBox>,
    queue: VecDeque<Step>,
    /// What we put: it is the other side's to fetch and to remove.
    own: BTreeSet<ObjectName>,
    fetched: BTreeSet<ObjectName>,
    /// Whether the state changed since it was kept.
    is_unkept: bool,
    /// When the person hears that nobody answers; nothing after that was said.
    silent_until: Option<Instant>,
    /// Whether the person answered, and waits for the other side since.
    has_answered: bool,
}

impl<'a, P: Purpose> Crank<'a, P> {
    /// Begins, or goes on where the pairing was kept.
    pub(crate) fn new(
        mut pairing: Pairing<P>,
        signer: &'a dyn Signer,
        ways: &'a Ways,
        screen: Screen,
    ) -> Self {
        let mut random = SystemRandom;
        let mut ports = Ports { now: clock::now(), random: &mut random, signer };
        let steps = match pairing.state() {
            State::Idle => pairing.begin(&mut ports),
            _ => pairing.resume(&mut ports),
        };
        Self {
            pairing,
            signer,
            ways,
            screen,
            open: Vec::new(),
            queue: steps.into(),
            own: BTreeSet::new(),
            fetched: BTreeSet::new(),
            is_unkept: true,
            silent_until: Some(Instant::now() + SILENCE),
            has_answered: false,
        }
    }

    /// What both sides said and showed so far.
    pub(crate) const fn pairing(&self) -> &Pairing<P> {
        &self.pairing
    }

    /// The screen, for what the caller says.
    pub(crate) const fn screen(&mut self) -> &mut Screen {
        &mut self.screen
    }

    /// Goes on until the caller is needed.
    ///
    /// # Errors
    /// Why the pairing was given up, in its word; and whatever a question or a way to a box says.
    pub(crate) fn next(&mut self) -> Result<Happening, Failure> {
        loop {
            if std::mem::take(&mut self.is_unkept) {
                return Ok(Happening::Keep(self.pairing.save()));
            }
            let Some(step) = self.queue.pop_front() else {
                if self.open.is_empty() && !self.pairing.state().is_final() {
                    return Ok(Happening::Pause);
                }
                self.say_what_is_awaited()?;
                self.look();
                continue;
            };
            if let Some(happening) = self.take(step)? {
                return Ok(happening);
            }
        }
    }

    fn take(&mut self, step: Step) -> Result<Option<Happening>, Failure> {
        match step {
            Step::Listen(object_box) => {
                let place = *object_box.id();
                let opened = match self.ways.open(&object_box, self.pairing.side()) {
                    // A code that was shown before can still be answered.
                    Err(_) if !self.open.is_empty() => Vec::new(),
                    opened => opened?,
                };
                self.open.extend(opened.into_iter().map(|way| OpenBox::new(place, way)));
            }
            Step::Close(place) => self.close(place),
            Step::Send { place, object } => self.put(place, &object)?,
            Step::Show(show) => {
                let is_code = matches!(show, Show::Code(..));
                self.screen.show(&show, &self.ways.there(is_code))?;
            }
            // One answer is for the offer that came last.
            Step::Ask(Ask::Words(_))
                if self.queue.iter().any(|step| matches!(step, Step::Ask(Ask::Words(_)))) => {}
            Step::Ask(Ask::Approve) => return Ok(Some(Happening::Approve)),
            Step::Ask(ask) => {
                if let Some(input) = self.screen.ask(&ask)? {
                    self.has_answered = true;
                    self.input(input);
                }
            }
            Step::File(bytes) => return Ok(Some(Happening::File(bytes))),
            Step::Release(released) => return Ok(Some(Happening::Release(released))),
            Step::Import(payload) => return Ok(Some(Happening::Import(payload))),
            Step::Met(met) => return Ok(Some(Happening::Met(met))),
            Step::Done(beacon) => return Ok(Some(Happening::Done(beacon))),
            Step::Aborted(reason) => {
                let (method, wording) = (self.pairing.method(), self.screen.wording());
                return Err(endings::given_up(reason, method, wording));
            }
        }
        Ok(None)
    }

    /// Says once that nobody answers, and after each answer of the person that it is the other side's turn.
    fn say_what_is_awaited(&mut self) -> Result<(), Failure> {
        let state = self.pairing.state();
        let is_alone = matches!(state, State::Scanned | State::HelloSent);
        if is_alone && self.silent_until.is_some_and(|until| Instant::now() >= until) {
            self.silent_until = None;
            let shown = match self.pairing.method() {
                Method::Code => "is that code",
                Method::Words => "are those words",
                Method::Sas | Method::File => return Ok(()),
            };
            let said = format!("Nobody answers yet: {shown} still on the other screen? Ctrl-C ends.");
            self.screen.say("waiting", json!({}), &said)?;
        }
        let is_their_turn = matches!(state, State::AwaitGate | State::Granting);
        if std::mem::take(&mut self.has_answered) && is_their_turn {
            self.screen.say("waiting", json!({}), "Waiting for the other device.")?;
        }
        Ok(())
    }

    fn input(&mut self, input: Input) {
        let mut random = SystemRandom;
        let mut ports = Ports { now: clock::now(), random: &mut random, signer: self.signer };
        let steps = self.pairing.input(input, &mut ports);
        self.is_unkept |= !steps.is_empty();
        self.queue.extend(steps);
    }

    /// The person was asked again; the device was reached over these ways.
    pub(crate) fn approve(&mut self, circumstances: Circumstances) {
        self.has_answered = true;
        self.input(Input::Circumstances(circumstances));
    }

    /// What was granted is durable.
    pub(crate) fn imported(&mut self, beacon: Vec<u8>) {
        self.input(Input::Imported(beacon));
    }

    /// The answer came, in the file at `path`; `maker` is the command that writes one.
    ///
    /// # Errors
    /// It cannot be read, or answers something else.
    pub(crate) fn answer(&mut self, path: &Path, maker: &str) -> Result<(), Failure> {
        self.input(Input::File(carrier::read(path)?));
        if self.pairing.state() != State::Offered {
            return Ok(());
        }
        let path = path.display().to_string();
        let what = format!("{} is no answer to the request of this machine", SafeText(&path));
        Err(Failure::unknown("no-pairing-file", what).hint(format!("take the file that `{maker}` wrote")))
    }

    /// Gives it up, and says so to the other side.
    pub(crate) fn cancel(&mut self) {
        self.input(Input::Cancel);
        // What is left to be sent is a last word; where it does not arrive, time ends it over there.
        while let Some(step) = self.queue.pop_front() {
            if let Step::Send { place, object } = step {
                let _ = self.put(place, &object);
            }
        }
    }

    /// Whether the other side was reached over the local network: all that was believed of it is there, too. What anybody
    /// else puts there says nothing.
    pub(crate) fn is_on_local_network(&mut self) -> bool {
        let accepted = self.pairing.accepted();
        // Asking may reach somebody else than before.
        let is_near = |name: &ObjectName| {
            self.open.iter_mut().any(|open| {
                open.way.is_local() && open.way.transport.get(name).is_ok() && open.way.is_local()
            })
        };
        !accepted.is_empty() && accepted.iter().all(is_near)
    }
}

impl Crank<'_, Devices> {
    /// Sends the grant.
    ///
    /// # Errors
    /// The pairing ended meanwhile, or the grant is too large.
    pub(crate) fn grant(&mut self, released: Released, payload: &SecretBytes) -> Result<(), Failure> {
        let mut random = SystemRandom;
        let mut ports = Ports { now: clock::now(), random: &mut random, signer: self.signer };
        let steps = self.pairing.grant(released, payload, &mut ports).map_err(|error| {
            Failure::unknown("not-granted", "the keys were not handed over").because(error)
        })?;
        self.is_unkept = true;
        self.queue.extend(steps);
        Ok(())
    }
}
