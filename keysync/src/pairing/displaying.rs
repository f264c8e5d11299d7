//! The side that displays: its offers, and the hello that answers one of them.

use counterseal_core::secret::SecretBytes;

use super::handshake::{self, Disbelief, Known, OfferTerms, OpenOffer};
use super::messages::{HelloS, array};
use super::session::BoxId;
use super::{AbortReason, Method, Pairing, Ports, Purpose, Show, State, Step};
use crate::code::PairingCode;
use crate::limits;

/// Live offers of a code: the one that is shown, and the one before it.
const LIVE_OFFERS: usize = 2;

impl<P: Purpose> Pairing<P> {
    /// Makes an offer with a code of its own, and shows it. The one before it stays valid.
    pub(super) fn show_code(&mut self, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        let mut secret = vec![0; 16];
        ports.random.fill(&mut secret);
        let secret = SecretBytes::new(secret);
        let mut code = PairingCode {
            intent: self.intent,
            lan_only: self.profile.lan_only,
            offer: [0; 16],
            secret: secret.clone(),
            expires: ports.now.plus_seconds(2 * limits::CODE_SECONDS),
            relay: self.profile.relay.clone().filter(|_| !self.profile.lan_only),
        };
        let place = self.listen(code.object_box(), steps);
        self.deadline = ports.now.plus_seconds(limits::CODE_SECONDS);
        if !self.make_offer(place, Known::Code(secret), steps, ports) {
            return;
        }
        let hash = self.offers.last().map_or([0; 32], |offer| offer.bound.offer);
        code.offer.copy_from_slice(hash.get(..16).unwrap_or(&[0; 16]));
        self.codes.push(code.clone());
        self.forget_old_codes(steps);
        steps.push(Step::Show(Show::Code(code, self.deadline)));
    }

    fn forget_old_codes(&mut self, steps: &mut Vec<Step>) {
        while self.offers.len() > LIVE_OFFERS {
            let old = self.offers.remove(0);
            self.codes.remove(0);
            self.boxes.remove(&old.bound.place);
            self.outbox.retain(|(place, _)| *place != old.bound.place);
            steps.push(Step::Close(old.bound.place));
        }
    }

    pub(super) fn offer_at(&mut self, place: BoxId, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        let known = self.known();
        self.make_offer(place, known, steps, ports);
    }

    fn make_offer(
        &mut self,
        place: BoxId,
        known: Known,
        steps: &mut Vec<Step>,
        ports: &mut Ports<'_>,
    ) -> bool {
        let identity = self.identity(ports.signer);
        let terms = OfferTerms {
            intent: self.intent,
            method: self.method,
            place,
            known,
            name: (self.method == Method::Sas).then_some(identity.name.as_str()),
            identity: &identity,
        };
        match handshake::offer(terms, ports.random) {
            Ok(offer) => {
                self.send(place, offer.object.clone(), steps);
                self.offers.push(offer);
                self.state = State::Offered;
                true
            }
            Err(_) => {
                self.abort(AbortReason::Damaged, steps, ports);
                false
            }
        }
    }

    pub(super) fn on_hello(
        &mut self,
        place: BoxId,
        hello: &HelloS,
        bytes: &[u8],
        steps: &mut Vec<Step>,
        ports: &mut Ports<'_>,
    ) {
        let (intent, meant) = (self.intent, array(&hello.offer));
        let is_meant = |offer: &OpenOffer| offer.bound.place == place && offer.bound.offer == meant;
        let Some(index) = self.offers.iter().position(is_meant) else { return };
        let Some(open) = self.offers.get_mut(index) else { return };
        let opened = handshake::open_hello(open, intent, place, hello, bytes);
        let identity = self.identity(ports.signer);
        match opened.and_then(|opened| handshake::answer(opened, &identity, ports)) {
            Ok((object, session)) => {
                self.send(place, object, steps);
                self.stand(session, bytes, ports.now);
                self.state = State::HelloRecv;
                self.close_other_boxes(place, steps);
                self.replay_early(steps, ports);
            }
            Err(Disbelief::Key(_)) => self.abort(AbortReason::Damaged, steps, ports),
            Err(Disbelief::Stray | Disbelief::Wrong) if self.method == Method::Words => {
                self.wrong_guess(index, place, steps, ports);
            }
            Err(Disbelief::Stray | Disbelief::Wrong) => self.stray(AbortReason::Damaged, steps, ports),
        }
    }

    /// The exchange of an offer serves one guess. The same words get a new offer, three times in all.
    fn wrong_guess(&mut self, index: usize, place: BoxId, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        self.offers.remove(index);
        self.tries = self.tries.saturating_add(1);
        if self.tries >= limits::WRONG_CODES {
            return self.abort(AbortReason::WordsMismatch, steps, ports);
        }
        steps.push(Step::Show(Show::TriesLeft(limits::WRONG_CODES - self.tries)));
        self.offer_at(place, steps, ports);
    }
}
