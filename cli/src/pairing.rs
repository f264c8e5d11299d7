//! Turning the crank of a pairing: objects to and from the boxes, words to and from the person, and time.

pub(crate) mod carrier;
mod picture;
mod screen;
mod ways;

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use counterseal_core::secret::SecretBytes;
use counterseal_keysync::code::PairingCode;
use counterseal_keysync::limits::PAIRING_LISTED_OBJECTS;
use counterseal_keysync::pairing::{
    AbortReason, Ask, BoxId, Circumstances, Devices, Input, Met, Method, Pairing, Password, Ports, Purpose,
    Released, Signer, State, Step,
};
use counterseal_keysync::transport::{Cursor, ObjectName, TransportError};
use counterseal_keysync::words::SpokenCode;

use serde_json::{Value, json};

pub(crate) use screen::{Screen, Wording};
use ways::Way;
pub(crate) use ways::Ways;

use crate::clock;
use crate::failure::{Exit, Failure};
use crate::randomness::SystemRandom;
use crate::scan;
use crate::terminal::SafeText;

/// How long one look at the boxes waits for something new.
const LOOK: Duration = Duration::from_millis(200);
/// Seconds after which an object is put again that no way took.
const RETRIES: [u64; 3] = [1, 2, 4];
/// How long whoever listens on the local network stays after the last word, for the other side to fetch it.
const LAST_WORD: Duration = Duration::from_secs(5);
/// How long nobody answers a code or words before the person hears so.
const SILENCE: Duration = Duration::from_secs(5);
/// How often what was pasted or typed may be damaged.
const TRIES: usize = 3;

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

/// One way to one box.
struct OpenBox {
    place: BoxId,
    way: Way,
    cursor: Cursor,
    /// What was put last.
    last: Option<ObjectName>,
    /// Whether all that was listed last could be fetched.
    is_complete: bool,
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
                self.open.extend(opened.into_iter().map(|way| OpenBox {
                    place,
                    way,
                    cursor: Cursor::default(),
                    last: None,
                    is_complete: true,
                }));
            }
            Step::Close(place) => self.close(place),
            Step::Send { place, object } => self.put(place, &object)?,
            Step::Show(show) => self.screen.show(&show, &self.ways.there())?,
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
            Step::Aborted(reason) => return Err(self.given_up(reason)),
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

    /// Why it ended. Where a request was compared, nothing was scanned.
    fn given_up(&self, reason: AbortReason) -> Failure {
        if (reason, self.pairing.method()) != (AbortReason::NotTheDevice, Method::File) {
            return failure(reason);
        }
        let (what, whose) = match self.screen.wording() {
            Wording::Person => ("met", "from the other one"),
            Wording::New | Wording::Old => ("added", "from the new device"),
        };
        Failure::new(Exit::Contradiction, reason.word(), format!("not {what}: the words differ")).hint(
            format!("take the file again {whose}; if they differ again, somebody changed it on its way"),
        )
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

    /// Puts an object by every way; one that works is enough. Where none is reached now, one may be in a moment.
    fn put(&mut self, place: BoxId, object: &[u8]) -> Result<(), Failure> {
        self.own.insert(ObjectName::of(object));
        for seconds in RETRIES {
            match self.try_to_put(place, object) {
                Err((_, TransportError::Unreachable(_))) => thread::sleep(Duration::from_secs(seconds)),
                tried => return tried.map_err(|(kind, error)| not_sent(kind, &error)),
            }
        }
        self.try_to_put(place, object).map_err(|(kind, error)| not_sent(kind, &error))
    }

    fn try_to_put(&mut self, place: BoxId, object: &[u8]) -> Result<(), (&'static str, TransportError)> {
        let mut last = None;
        let mut is_put = false;
        for open in self.open.iter_mut().filter(|open| open.place == place) {
            match open.way.transport.put(object) {
                Ok(name) => {
                    open.last = Some(name);
                    is_put = true;
                }
                Err(error) => last = Some((open.way.transport.kind(), error)),
            }
        }
        match last {
            Some(failed) if !is_put => Err(failed),
            _ => Ok(()),
        }
    }

    /// Looks into every box; waits a little where nothing is new.
    fn look(&mut self) {
        let mut came = false;
        for index in 0..self.open.len() {
            came |= self.look_into(index);
            if self.pairing.state().is_final() {
                return;
            }
        }
        if !came {
            let waited = match self.open.as_mut_slice() {
                [only] if only.is_complete => only.way.transport.wait(&only.cursor, LOOK).is_ok(),
                _ => false,
            };
            if !waited {
                thread::sleep(LOOK);
            }
        }
        self.input(Input::Tick);
    }

    /// Takes in what is new by one way, each object before the next is fetched; whether there was any.
    fn look_into(&mut self, index: usize) -> bool {
        let Some(open) = self.open.get_mut(index) else { return false };
        // A way that does not work now may work later, and another one works perhaps.
        let Ok(listing) = open.way.transport.list(&open.cursor) else { return false };
        let place = open.place;
        if listing.names.len() > PAIRING_LISTED_OBJECTS {
            self.input(Input::Crowded);
            return true;
        }
        let (mut came, mut is_complete) = (false, true);
        for name in listing.names {
            let Some(open) = self.open.get_mut(index) else { break };
            if self.pairing.state().is_final() {
                return came;
            }
            if self.fetched.contains(&name) || self.own.contains(&name) {
                continue;
            }
            let input = match open.way.transport.get(&name) {
                Ok(bytes) => {
                    self.fetched.insert(name);
                    came = true;
                    Input::Object { place, bytes }
                }
                Err(error) => {
                    is_complete &= error == TransportError::Absent;
                    Input::Tick
                }
            };
            self.input(input);
        }
        if let Some(open) = self.open.get_mut(index) {
            open.is_complete = is_complete;
            if is_complete {
                open.cursor = listing.cursor;
            }
        }
        came
    }

    /// What was fetched from a box served its purpose, and is removed; what we put is the other side's to remove. Where
    /// the box is in our own memory, the last word waits there for a moment.
    fn close(&mut self, place: BoxId) {
        let is_end = self.pairing.state().is_final();
        for open in self.open.iter_mut().filter(|open| open.place == place) {
            self.fetched.iter().for_each(|name| drop(open.way.transport.remove(name)));
            let until = Instant::now() + LAST_WORD;
            while is_end && open.way.is_ours() && Instant::now() < until {
                let left = open.way.transport.list(&Cursor::default()).map(|listing| listing.names);
                match (left, open.last) {
                    (Ok(names), Some(last)) if names.contains(&last) => thread::sleep(LOOK),
                    _ => break,
                }
            }
        }
        self.open.retain(|open| open.place != place);
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

fn not_sent(kind: &str, error: &TransportError) -> Failure {
    Failure::unknown("not-reached", format!("the other side is not reached by {kind}: {error}"))
}

/// Why it ended, in a person's words.
fn failure(reason: AbortReason) -> Failure {
    let (exit, message, hint) = match reason {
        AbortReason::Expired => (Exit::Unknown, "the time was over", "begin anew on both sides"),
        AbortReason::Cancelled => (Exit::Unknown, "it was cancelled", "begin anew on both sides"),
        AbortReason::CodeMismatch => (
            Exit::Contradiction,
            "what the two screens show is not the same, or it was mistyped three times",
            "if you did not mistype, somebody is between the two: use another network, or files",
        ),
        AbortReason::WordsMismatch => (
            Exit::No,
            "the words were wrong three times",
            "begin anew: the next words are others, and nobody had more than three guesses",
        ),
        AbortReason::NotTheDevice => (
            Exit::Contradiction,
            "what answered is not what you scanned",
            "begin anew; if it happens again, somebody is between the two",
        ),
        AbortReason::PolicyRefused => {
            (Exit::No, "what has to be fulfilled before keys leave is not", "no key left the device")
        }
        AbortReason::VersionTooOld => {
            (Exit::Unknown, "the other side speaks a later version", "update this program")
        }
        AbortReason::WrongIntent => (
            Exit::Unknown,
            "the two sides want different things of each other",
            "one says `cseal device join` and the other `cseal device add`; or both `cseal trust meet`",
        ),
        AbortReason::Damaged => {
            (Exit::Unknown, "what came was damaged on its way", "begin anew on both sides")
        }
        AbortReason::TooManyStrangers => {
            (Exit::Unknown, "too much came that is no part of this", "begin anew, by another way")
        }
    };
    Failure::new(exit, reason.word(), message).hint(hint)
}

/// The code that the other side shows: in a picture, before the camera, or pasted.
pub(crate) fn scanned(image: Option<&Path>, camera: bool, screen: &Screen) -> Result<PairingCode, Failure> {
    let ours = |text: &str| PairingCode::parse(text).ok();
    let code = match image {
        Some(path) => scan::from_picture(path, ours),
        None if camera => scan::from_camera(CAMERA_TIME, ours),
        None => ask_until(screen, "code", "The other side's code (CSEAL:…)", read_code),
    }?;
    if code.has_expired(clock::now()) {
        let (hour, minute, _) = code.expires.clock();
        let what = format!("the code is too old: it was good until {hour:02}:{minute:02} UTC");
        return Err(Failure::unknown(AbortReason::Expired.word(), what)
            .hint("take the code that the other screen shows now; if it is that one, one of the two clocks is wrong"));
    }
    Ok(code)
}

/// How long a code is waited for before the camera: as long as it is valid.
const CAMERA_TIME: Duration = Duration::from_secs(120);

/// Asks until what was typed can be read; a few times.
fn ask_until<T>(
    screen: &Screen,
    word: &str,
    question: &str,
    read: impl Fn(&str) -> Result<T, Failure>,
) -> Result<T, Failure> {
    for _ in 1..TRIES {
        match read(&screen.answer(word, question, Value::Null)?) {
            Ok(read) => return Ok(read),
            Err(failure) => {
                let why = SafeText(&failure.message).to_string();
                screen.say("slip", json!({ "why": why }), &format!("{why}. Once more."))?;
            }
        }
    }
    read(&screen.answer(word, question, Value::Null)?)
}

/// The words that the other side shows. They are asked for: what is an argument, every user of this machine can read.
pub(crate) fn typed(screen: &Screen) -> Result<Password, Failure> {
    ask_until(screen, "words", "The other side's words", |text| {
        let code = SpokenCode::parse(text).map_err(|error| Failure::usage(format!("the words: {error}")))?;
        Ok(Password::from(&code))
    })
}

/// What two machines recognise each other by is no argument: it would be known, and a proof of nothing.
pub(crate) fn refuse_argument(argument: Option<&str>) -> Result<(), Failure> {
    let Some(text) = argument else { return Ok(()) };
    let (what, hint) = if text.trim_start().starts_with("CSEAL:") {
        ("a code is", "say --paste, and paste it where it is asked for")
    } else {
        (
            "words are",
            "let the other side show new words, say --typed, and type them where they are asked for",
        )
    };
    let why = "not given as an argument, which every user of this machine can read";
    Err(Failure::usage(format!("{what} {why}")).hint(hint))
}

/// Reads a code.
fn read_code(text: &str) -> Result<PairingCode, Failure> {
    PairingCode::parse(text).map_err(|error| {
        Failure::unknown("no-code", error.to_string()).hint("take the whole line that begins with CSEAL:")
    })
}
