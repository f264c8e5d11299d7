//! The side that scans: an offer that it believes, its hello, and the answer to that.

use counterseal_core::secret::SecretBytes;

use super::handshake::{self, Disbelief};
use super::messages::{HelloD, Message, Offer, array};
use super::session::{BoxId, SEEN};
use super::{AbortReason, Ask, Method, Opening, Pairing, Ports, Purpose, Show, Slip, State, Step};
use crate::channel;
use crate::code::Intent;
use crate::limits;
use crate::words::SpokenCode;

impl<P: Purpose> Pairing<P> {
    pub(super) fn on_offer(
        &mut self,
        place: BoxId,
        offer: Offer,
        bytes: Vec<u8>,
        steps: &mut Vec<Step>,
        ports: &mut Ports<'_>,
    ) {
        let hash = channel::hash(&bytes);
        if let Opening::ScanCode(code) = &self.opening
            && !code.is_of(&hash)
        {
            return self.stray(AbortReason::NotTheDevice, steps, ports);
        }
        if Intent::of(offer.intent) != Some(self.intent) || Method::of(offer.method) != Some(self.method) {
            return self.stray(AbortReason::WrongIntent, steps, ports);
        }
        match self.method {
            Method::Code => self.say_hello(place, &offer, &bytes, steps, ports),
            Method::Words if self.hellos.is_empty() => self.say_hello(place, &offer, &bytes, steps, ports),
            // An offer that took a wrong guess is replaced by a new one. Whose guess it was is not known here, so the
            // words are asked for again: one slip must not burn all guesses.
            Method::Words if self.hellos.len() < usize::from(limits::WRONG_CODES) => {
                self.nearby.push((hash, String::new(), bytes));
                steps.push(Step::Ask(self.ask_words()));
            }
            Method::Sas if self.state == State::Scanned => {
                if self.nearby.len() < usize::from(limits::STRANGERS) {
                    self.nearby.push((hash, offer.name.unwrap_or_default(), bytes));
                }
                self.prompt(steps);
            }
            Method::Words | Method::Sas | Method::File => {}
        }
    }

    /// Every offer but the first replaces one that took a wrong guess.
    pub(super) fn ask_words(&self) -> Ask {
        let offers = u8::try_from(self.hellos.len() + self.nearby.len()).unwrap_or(u8::MAX);
        Ask::Words((limits::WRONG_CODES + 1).saturating_sub(offers))
    }

    /// The words were typed again: the offer that came last is answered with them.
    pub(super) fn retyped(&mut self, text: &str, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        let Opening::TypePassword(password) = &mut self.opening else { return };
        let read = match (&password.shown, SpokenCode::parse(text)) {
            (Some(_), Ok(code)) if code.nameplate() == password.nameplate => Ok(code.password()),
            (Some(_), Ok(_)) => Err(Some(Slip::OtherNumber(password.nameplate))),
            (Some(_), Err(error)) => Err(Some(Slip::Words(error))),
            (None, _) if !text.trim().is_empty() => Ok(SecretBytes::copy_of(text.trim().as_bytes())),
            (None, _) => Err(None),
        };
        let secret = match read {
            Ok(secret) => secret,
            Err(slip) => {
                steps.extend(slip.map(|slip| Step::Show(Show::Slip(slip))));
                steps.push(Step::Ask(self.ask_words()));
                return;
            }
        };
        let Some((.., bytes)) = self.nearby.pop() else { return };
        password.secret = secret;
        self.nearby.clear();
        let place = self.boxes.keys().next().copied();
        if let (Some(place), Ok(Message::Offer(offer))) = (place, Message::parse(&bytes)) {
            self.say_hello(place, &offer, &bytes, steps, ports);
        }
    }

    /// One of the offers was chosen.
    pub(super) fn picked(&mut self, offer: [u8; 32], steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        if self.state != State::Scanned {
            return;
        }
        let chosen = self.nearby.iter().find(|(hash, ..)| *hash == offer).map(|(.., bytes)| bytes.clone());
        let place = self.boxes.keys().next().copied();
        if let (Some(bytes), Some(place)) = (chosen, place)
            && let Ok(Message::Offer(offer)) = Message::parse(&bytes)
        {
            self.say_hello(place, &offer, &bytes, steps, ports);
        }
    }

    fn say_hello(
        &mut self,
        place: BoxId,
        offer: &Offer,
        bytes: &[u8],
        steps: &mut Vec<Step>,
        ports: &mut Ports<'_>,
    ) {
        let (known, identity) = (self.known(), self.identity(ports.signer));
        match handshake::hello(offer, bytes, place, &known, &identity, ports) {
            Ok(sent) => {
                self.send(place, sent.object.clone(), steps);
                self.hellos.push(sent);
                self.state = State::HelloSent;
                self.deadline = ports.now.plus_seconds(limits::HELLO_SECONDS);
            }
            Err(Disbelief::Stray) => self.stray(AbortReason::Damaged, steps, ports),
            Err(Disbelief::Wrong | Disbelief::Key(_)) => self.abort(AbortReason::Damaged, steps, ports),
        }
    }

    pub(super) fn on_answer(
        &mut self,
        place: BoxId,
        answer: &HelloD,
        bytes: &[u8],
        steps: &mut Vec<Step>,
        ports: &mut Ports<'_>,
    ) {
        let hello = Some(array(&answer.hello));
        let Some(sent) = self.hellos.iter().find(|sent| sent.bound.hello == hello) else { return };
        match handshake::open_answer(sent, place, answer, bytes) {
            Ok(session) => {
                self.stand(session, bytes, ports.now);
                self.tell(&SEEN, steps, ports);
                self.await_gate(steps, ports);
                self.replay_early(steps, ports);
            }
            Err(Disbelief::Stray) => self.stray(AbortReason::Damaged, steps, ports),
            Err(Disbelief::Wrong | Disbelief::Key(_)) => self.abort(AbortReason::Damaged, steps, ports),
        }
    }
}
