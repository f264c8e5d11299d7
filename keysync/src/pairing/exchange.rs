//! The machine between two boxes: what begins, what comes in, what time does.

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;

use super::gate::Side;
use super::messages::{Content, Message, Part, Sealed, Unreadable, array};
use super::session::{BoxId, Session};
use super::{AbortReason, Ask, Method, Opening, Pairing, Ports, Purpose, Release, Show, State, Step};
use crate::limits;
use crate::transport::{ObjectBox, ObjectName};

/// What the box of offers without any secret is derived from.
const SAS_SECRET: &[u8] = b"sas";
/// Objects that may come before the session that they belong to.
const EARLY_OBJECTS: usize = 16;

impl<P: Purpose> Pairing<P> {
    pub(super) fn start(&mut self, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        self.since = ports.now;
        match self.opening.clone() {
            Opening::ShowCode => self.show_code(steps, ports),
            Opening::ShowPassword(password) => {
                let place = self.listen(password_box(password.nameplate), steps);
                self.deadline = ports.now.plus_seconds(limits::WORDS_SECONDS);
                self.offer_at(place, steps, ports);
                steps.extend(password.shown.map(|words| Step::Show(Show::Spoken(words))));
            }
            Opening::ShowName => {
                let place = self.listen(sas_box(), steps);
                self.deadline = ports.now.plus_seconds(limits::WORDS_SECONDS);
                self.offer_at(place, steps, ports);
            }
            Opening::ScanCode(code) if code.has_expired(ports.now) => {
                self.abort(AbortReason::Expired, steps, ports);
            }
            Opening::ScanCode(code) => {
                self.listen(code.object_box(), steps);
                self.wait_for_offer(limits::GATE_SECONDS, ports.now);
            }
            Opening::TypePassword(password) => {
                self.listen(password_box(password.nameplate), steps);
                self.wait_for_offer(limits::WORDS_SECONDS, ports.now);
            }
            Opening::PickName => {
                self.listen(sas_box(), steps);
                self.wait_for_offer(limits::WORDS_SECONDS, ports.now);
            }
            Opening::OfferFile => self.offer_file(steps, ports),
            Opening::AnswerFile(file) => self.take_file(&file, steps, ports),
        }
    }

    fn wait_for_offer(&mut self, seconds: i64, now: Time) {
        self.state = State::Scanned;
        self.deadline = now.plus_seconds(seconds);
    }

    /// Something lies in a box.
    pub(super) fn object(
        &mut self,
        place: BoxId,
        bytes: Vec<u8>,
        steps: &mut Vec<Step>,
        ports: &mut Ports<'_>,
    ) {
        let name = ObjectName::of(&bytes);
        if !self.boxes.contains_key(&place) || self.seen.contains(&name) {
            return;
        }
        let message = match Message::parse(&bytes) {
            Ok(message) => message,
            Err(unreadable) => {
                self.remember(name);
                return self.stray(suspicion_of(unreadable), steps, ports);
            }
        };
        if self.is_early(&message) {
            self.early.push((place, bytes));
            return;
        }
        self.remember(name);
        match (self.state, self.side, message) {
            (State::Scanned | State::HelloSent, Side::Scans, Message::Offer(offer)) => {
                self.on_offer(place, offer, bytes, steps, ports);
            }
            (State::Offered, Side::Displays, Message::HelloS(hello)) => {
                self.on_hello(place, &hello, &bytes, steps, ports);
            }
            (State::HelloSent, Side::Scans, Message::HelloD(answer)) => {
                self.on_answer(place, &answer, &bytes, steps, ports);
            }
            (_, _, Message::Sealed(sealed)) => self.on_sealed(place, &sealed, name, steps, ports),
            // Our own, others' in a box that many use, or too late.
            (
                _,
                _,
                Message::Offer(_)
                | Message::HelloS(_)
                | Message::HelloD(_)
                | Message::FileOffer(_)
                | Message::FileAnswer(_),
            ) => {}
        }
    }

    fn remember(&mut self, name: ObjectName) {
        if self.seen.len() < limits::REMEMBERED_OBJECTS {
            self.seen.insert(name);
        }
    }

    fn accept(&mut self, name: ObjectName) {
        if self.accepted.len() < limits::REMEMBERED_OBJECTS {
            self.accepted.insert(name);
        }
    }

    /// A sealed object that is perhaps for the session whose answer comes next.
    fn is_early(&self, message: &Message) -> bool {
        let Message::Sealed(sealed) = message else { return false };
        let hello = Some(array(&sealed.hello));
        self.session.is_none()
            && self.early.len() < EARLY_OBJECTS
            && self.hellos.iter().any(|sent| sent.bound.hello == hello)
    }

    /// What came is no part of this pairing. Before the channel stands, twenty of them end it.
    pub(super) fn stray(&mut self, suspicion: AbortReason, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        if self.session.is_some() {
            return;
        }
        self.suspicion.get_or_insert(suspicion);
        self.strays = self.strays.saturating_add(1);
        if self.strays >= limits::STRANGERS {
            self.abort(AbortReason::TooManyStrangers, steps, ports);
        }
    }

    /// The channel stands, by what `bytes` say.
    pub(super) fn stand(&mut self, session: Session, bytes: &[u8], now: Time) {
        self.accept(ObjectName::of(bytes));
        let place = &session.bound.place;
        self.codes.retain(|code| code.object_box().id() == place);
        self.session = Some(session);
        self.offers.clear();
        self.hellos.clear();
        self.nearby.clear();
        self.tries = 0;
        self.since = now;
        self.deadline = now.plus_seconds(limits::GATE_SECONDS);
    }

    pub(super) fn close_other_boxes(&mut self, kept: BoxId, steps: &mut Vec<Step>) {
        let others: Vec<BoxId> = self.boxes.keys().filter(|place| **place != kept).copied().collect();
        for place in others {
            self.boxes.remove(&place);
            self.outbox.retain(|(other, _)| *other != place);
            steps.push(Step::Close(place));
        }
    }

    pub(super) fn replay_early(&mut self, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        for (place, bytes) in std::mem::take(&mut self.early) {
            if !self.state.is_final() {
                self.object(place, bytes, steps, ports);
            }
        }
    }

    fn on_sealed(
        &mut self,
        place: BoxId,
        sealed: &Sealed,
        name: ObjectName,
        steps: &mut Vec<Step>,
        ports: &mut Ports<'_>,
    ) {
        let Some(content) = self.session.as_ref().and_then(|session| session.open(&place, sealed).ok())
        else {
            return;
        };
        self.accept(name);
        match content {
            Content::Seen(_) => self.seen(steps, ports),
            Content::Ready(request) => {
                self.seen(steps, ports);
                self.ready.get_or_insert_with(|| request.as_bytes().to_vec());
                self.pass_gate(steps, ports);
            }
            Content::Held(until) => self.held(Time::from_unix_seconds(until), steps, ports.now),
            Content::Grant(part) => self.granted_part(&part, steps),
            Content::Done(beacon) if self.release == Release::Granted => {
                self.end(State::Done, steps);
                steps.push(Step::Done(Some(beacon.as_bytes().to_vec())));
            }
            Content::Done(_) => {}
            // Whoever has the keys and says that it is over has the keys.
            Content::Abort(_) if self.release == Release::Granted => self.end_unacknowledged(steps),
            Content::Abort(word) => {
                // A word of a later version is at least an end.
                let reason = AbortReason::of(&word).unwrap_or(AbortReason::Cancelled);
                self.end(State::Aborted(reason), steps);
                steps.push(Step::Aborted(reason));
            }
        }
    }

    /// S took in the answer: now both screens show what there is to show.
    fn seen(&mut self, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        if self.state == State::HelloRecv {
            self.await_gate(steps, ports);
        }
    }

    /// Keys come later: a policy of the account. The new device waits as long, and a day.
    fn held(&mut self, until: Time, steps: &mut Vec<Step>, now: Time) {
        let longest = now.plus_seconds(limits::FILE_SECONDS);
        if self.state == State::Granting && self.told_ready && !P::MEETING {
            self.deadline = self.deadline.max(until.min(longest).plus_days(1));
            steps.push(Step::Show(Show::HeldUntil(until)));
        }
    }

    fn granted_part(&mut self, part: &Part, steps: &mut Vec<Step>) {
        let fits = part.index < part.count
            && usize::from(part.count) <= limits::GRANT_PARTS
            && part.content.as_bytes().len() <= limits::GRANT_PART_BYTES
            && (self.part_count == 0 || self.part_count == part.count);
        // Keys that come before our own gate are nobody's that we know.
        let is_awaited = self.state == State::Granting && self.told_ready && !self.has_payload();
        if P::MEETING || !fits || !is_awaited {
            return;
        }
        self.part_count = part.count;
        self.parts.entry(part.index).or_insert_with(|| SecretBytes::copy_of(part.content.as_bytes()));
        if let Some(payload) = self.payload() {
            steps.push(Step::Import(payload));
        }
    }

    fn has_payload(&self) -> bool {
        self.part_count > 0 && self.parts.len() == usize::from(self.part_count)
    }

    /// The grant, once all its parts are there.
    pub(super) fn payload(&self) -> Option<SecretBytes> {
        let total = self.parts.values().map(SecretBytes::len).sum();
        let mut payload = Vec::with_capacity(total);
        self.parts.values().for_each(|part| payload.extend_from_slice(part.expose()));
        self.has_payload().then(|| SecretBytes::new(payload))
    }

    /// Time went by.
    pub(super) fn tick(&mut self, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        if self.state.is_final() || self.state == State::Idle || ports.now < self.deadline {
            return;
        }
        let reason = self.suspicion.filter(|_| self.session.is_none()).unwrap_or(AbortReason::Expired);
        match self.state {
            State::Offered if self.method == Method::Code && self.renewals < limits::RENEWALS => {
                self.renewals += 1;
                self.show_code(steps, ports);
            }
            State::HelloSent if !self.asked_twice => {
                self.asked_twice = true;
                self.deadline = ports.now.plus_seconds(limits::GATE_SECONDS);
                steps.push(Step::Show(Show::StillWaiting));
            }
            State::Idle
            | State::Offered
            | State::Scanned
            | State::HelloSent
            | State::HelloRecv
            | State::AwaitGate
            | State::Granting
            | State::Done
            | State::Aborted(_) => self.abort(reason, steps, ports),
        }
    }

    /// Shows and asks what belongs to the state.
    pub(super) fn prompt(&self, steps: &mut Vec<Step>) {
        match self.state {
            State::Offered => match &self.opening {
                Opening::ShowCode => {
                    let shown = self.codes.last().map(|code| Show::Code(code.clone(), self.deadline));
                    steps.extend(shown.map(Step::Show));
                }
                Opening::OfferFile => self.prompt_file(steps),
                Opening::ShowPassword(password) => {
                    steps.extend(password.shown.clone().map(|words| Step::Show(Show::Spoken(words))));
                }
                _ => {}
            },
            State::HelloSent if self.method == Method::Words && !self.nearby.is_empty() => {
                steps.push(Step::Ask(self.ask_words()));
            }
            State::Scanned if self.method == Method::Sas => {
                let nearby = self.nearby.iter().map(|(hash, name, _)| (*hash, name.clone())).collect();
                steps.push(Step::Ask(Ask::Pick(nearby)));
            }
            State::AwaitGate | State::Granting => self.prompt_gate(steps),
            State::Idle
            | State::Scanned
            | State::HelloSent
            | State::HelloRecv
            | State::Done
            | State::Aborted(_) => {}
        }
    }
}

const fn suspicion_of(unreadable: Unreadable) -> AbortReason {
    match unreadable {
        Unreadable::Damaged => AbortReason::Damaged,
        Unreadable::NewerVersion => AbortReason::VersionTooOld,
    }
}

/// The box of a nameplate, which is no secret.
fn password_box(nameplate: u16) -> ObjectBox {
    ObjectBox::derive(&SecretBytes::new(nameplate.to_string().into_bytes()), "pairing words")
}

/// The box of everybody who offers themselves by name.
fn sas_box() -> ObjectBox {
    ObjectBox::derive(&SecretBytes::copy_of(SAS_SECRET), "pairing sas")
}
