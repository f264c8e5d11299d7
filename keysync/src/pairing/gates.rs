//! The machine between two people: what they type and confirm, what passes a gate, and what leaves behind it.

use std::fmt;

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;

use super::gate::{self, Evidence, Part, Proof, Side, Withheld};
use super::messages::{self, Content, octets};
use super::{
    AbortReason, Ask, Devices, Method, Pairing, Ports, Purpose, Question, Release, Released, Show, Slip,
    State, Step,
};
use crate::limits;
use crate::sas;

/// Why a grant was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantError {
    /// The proof is of another run, or this run ended meanwhile.
    OtherRun,
    /// The grant is larger than its parts may be.
    TooLarge,
    /// It could not be sealed.
    NotSealed,
}

impl fmt::Display for GrantError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::OtherRun => "the proof is of another pairing",
            Self::TooLarge => "the grant is too large",
            Self::NotSealed => "the grant could not be sealed",
        })
    }
}

impl std::error::Error for GrantError {}

impl<P: Purpose> Pairing<P> {
    /// The channel stands: shows what is to be compared or typed, and asks what is to be answered.
    pub(super) fn await_gate(&mut self, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        self.state = State::AwaitGate;
        self.deadline = ports.now.plus_seconds(limits::GATE_SECONDS);
        let needed = self.needed();
        self.question = match needed {
            Proof::WordsCompared => Some(Question::Words),
            Proof::PasswordKnown => Some(Question::Peer),
            Proof::FingerprintCompared => Some(Question::Fingerprint),
            Proof::OfferScanned | Proof::CodeTyped => None,
        };
        if needed == Proof::OfferScanned {
            self.proof = Some(Proof::OfferScanned);
        }
        if needed == Proof::CodeTyped && self.part() == Part::New && self.profile.trust_scan {
            self.proof = Some(Proof::CodeTyped);
        }
        self.prompt_gate(steps);
        self.pass_gate(steps, ports);
    }

    fn needed(&self) -> Proof {
        gate::needed(self.method, self.side, self.part())
    }

    /// What the other side needs of us.
    fn needed_by_peer(&self) -> Proof {
        let (side, part) = match (self.side, self.part()) {
            (Side::Displays, part) => (Side::Scans, other(part)),
            (Side::Scans, part) => (Side::Displays, other(part)),
        };
        gate::needed(self.method, side, part)
    }

    pub(super) fn prompt_gate(&self, steps: &mut Vec<Step>) {
        if let Some(peer) = self.peer() {
            steps.push(Step::Show(Show::Peer(peer.clone())));
        }
        if let Some(session) = &self.session {
            if self.needed_by_peer() == Proof::CodeTyped {
                steps.push(Step::Show(Show::CheckCode(session.code())));
            }
            if self.needed() == Proof::WordsCompared {
                steps.push(Step::Show(Show::CompareWords(session.words())));
            }
            if self.needed() == Proof::CodeTyped && self.proof.is_none() {
                steps.push(Step::Ask(Ask::CheckCode));
            }
        }
        self.prompt_file(steps);
        steps.extend(self.question.map(|question| {
            Step::Ask(match question {
                Question::Words => Ask::CompareWords,
                Question::Fingerprint => Ask::CompareFingerprint,
                Question::Peer => Ask::ConfirmPeer,
            })
        }));
        self.prompt_approval(steps);
        steps.extend(self.payload().map(Step::Import));
    }

    /// A device of the account is asked for the rest once the other side is proved: whoever mistypes, or says that the
    /// words differ, is not asked for a passphrase first.
    fn prompt_approval(&self, steps: &mut Vec<Step>) {
        let is_withheld = self.release == Release::Withheld && !self.state.is_final();
        if self.part() == Part::Old && self.proof.is_some() && is_withheld {
            steps.push(Step::Ask(Ask::Approve));
        }
    }

    /// The person proved the other side.
    fn proved(&mut self, proof: Proof, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        self.proof = Some(proof);
        self.pass_gate(steps, ports);
        if self.circumstances.is_none() {
            self.prompt_approval(steps);
        }
    }

    /// Digits or answer words were typed.
    pub(super) fn typed(&mut self, text: &str, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        if self.state == State::HelloSent && self.method == Method::Words {
            return self.retyped(text, steps, ports);
        }
        if self.state != State::AwaitGate || self.proof.is_some() {
            return;
        }
        if self.method == Method::File {
            return self.typed_words(text, steps, ports);
        }
        let Some(session) = self.session.as_ref().filter(|_| self.needed() == Proof::CodeTyped) else {
            return;
        };
        // What is not six digits is a slip, and no try.
        if sas::digits(text).is_none() {
            steps.push(Step::Show(Show::Slip(Slip::Digits)));
            steps.push(Step::Ask(Ask::CheckCode));
        } else if session.code().is(text) {
            self.proved(Proof::CodeTyped, steps, ports);
        } else {
            self.wrong_code(steps, ports);
        }
    }

    fn wrong_code(&mut self, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        self.tries = self.tries.saturating_add(1);
        if self.tries >= limits::WRONG_CODES {
            return self.abort(AbortReason::CodeMismatch, steps, ports);
        }
        steps.push(Step::Show(Show::TriesLeft(limits::WRONG_CODES - self.tries)));
        steps.push(Step::Ask(Ask::CheckCode));
    }

    /// A question was answered.
    pub(super) fn confirmed(&mut self, yes: bool, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        let Some(question) = self.question.take() else { return };
        let (proof, otherwise) = match question {
            Question::Words => (Proof::WordsCompared, AbortReason::CodeMismatch),
            Question::Fingerprint => (Proof::FingerprintCompared, AbortReason::NotTheDevice),
            Question::Peer => (Proof::PasswordKnown, AbortReason::Cancelled),
        };
        if !yes {
            return self.abort(otherwise, steps, ports);
        }
        self.proved(proof, steps, ports);
    }

    /// Goes on as far as the gate of this side allows. It is asked again whenever something was learned.
    pub(super) fn pass_gate(&mut self, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        if !matches!(self.state, State::AwaitGate | State::Granting) {
            return;
        }
        match self.part() {
            Part::New => self.pass_as_new(steps, ports),
            Part::Old => self.pass_as_old(steps, ports),
            Part::Person => self.pass_as_person(steps, ports),
        }
    }

    fn pass_as_new(&mut self, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        if self.told_ready || self.proof != Some(self.needed()) {
            return;
        }
        self.told_ready = true;
        self.state = State::Granting;
        self.deadline = ports.now.plus_seconds(limits::GATE_SECONDS + limits::GRANT_SECONDS);
        let request = octets(&self.profile.request);
        self.tell(&Content::Ready(request), steps, ports);
        self.import_from_file(steps);
    }

    fn pass_as_old(&mut self, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        let Some(circumstances) = self.circumstances.filter(|_| self.release == Release::Withheld) else {
            return;
        };
        let Some(evidence) = self.evidence() else { return };
        match gate::release(&evidence, &self.profile.policy, &circumstances, ports.now) {
            Ok(released) => {
                self.release = Release::Given;
                self.state = State::Granting;
                self.deadline = ports.now.plus_seconds(limits::GRANT_SECONDS);
                steps.push(Step::Release(released));
            }
            Err(Withheld::Unproved(_) | Withheld::NotReady) => {}
            Err(Withheld::Until(until)) => self.hold(until, steps, ports),
            Err(withheld @ Withheld::Approvals { .. }) => {
                self.deadline = self.deadline.max(ports.now.plus_seconds(limits::WORDS_SECONDS));
                steps.push(Step::Show(Show::Withheld(withheld)));
            }
            Err(withheld) => {
                steps.push(Step::Show(Show::Withheld(withheld)));
                self.abort(AbortReason::PolicyRefused, steps, ports);
            }
        }
    }

    /// Not before this time. Both sides may be switched off meanwhile; where the state cannot be kept, they wait.
    fn hold(&mut self, until: Time, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        let deadline = until.plus_days(1);
        if self.deadline < deadline {
            self.deadline = deadline;
            self.tell(&Content::Held(until.unix_seconds()), steps, ports);
        }
        steps.push(Step::Show(Show::Withheld(Withheld::Until(until))));
    }

    fn pass_as_person(&mut self, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        if self.proof != Some(self.needed()) {
            return;
        }
        if !self.told_ready {
            self.told_ready = true;
            self.state = State::Granting;
            self.deadline = ports.now.plus_seconds(limits::GATE_SECONDS + limits::GRANT_SECONDS);
            self.tell(&Content::Ready(octets(&[])), steps, ports);
        }
        let Some(evidence) = self.evidence() else { return };
        if let Ok(met) = gate::meet(&evidence) {
            if self.method == Method::File && self.side == Side::Scans {
                let nothing = SecretBytes::new(Vec::new());
                if self.write_answer(&nothing, steps, ports).is_err() {
                    return self.abort(AbortReason::Damaged, steps, ports);
                }
            }
            self.end(State::Done, steps);
            steps.push(Step::Met(met));
            steps.push(Step::Done(None));
        }
    }

    fn evidence(&self) -> Option<Evidence> {
        let (session, request) = match (&self.session, &self.file) {
            (Some(session), _) => (session.id(), self.ready.clone()),
            (None, Some(file)) => (file.id(), file.request()),
            (None, None) => return None,
        };
        Some(Evidence {
            session,
            method: self.method,
            intent: self.intent,
            side: self.side,
            proof: self.proof,
            peer: self.peer()?.clone(),
            request,
            since: self.since,
        })
    }

    /// What was granted is imported.
    pub(super) fn imported(&mut self, beacon: &[u8], steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        let was_granted = self.part() == Part::New
            && self.state == State::Granting
            && (self.payload().is_some() || self.file.as_ref().is_some_and(|file| file.payload().is_some()));
        if was_granted {
            self.tell(&Content::Done(octets(beacon)), steps, ports);
            let last = steps.pop();
            self.end(State::Done, steps);
            // The box is closed after the last word is in it.
            let closed = std::mem::take(steps);
            steps.extend(last);
            steps.extend(closed);
            steps.push(Step::Done(None));
        }
    }
}

impl Pairing<Devices> {
    /// Sends the grant: the device log, the entry that adds the new device, key packages, settings; opaque here. Only the
    /// release gate makes a [`Released`], and it serves one run.
    ///
    /// # Errors
    /// [`GrantError`].
    pub fn grant(
        &mut self,
        released: Released,
        payload: &SecretBytes,
        ports: &mut Ports<'_>,
    ) -> Result<Vec<Step>, GrantError> {
        let mut steps = Vec::new();
        let id =
            self.session.as_ref().map(super::Session::id).or(self.file.as_ref().map(super::file::Files::id));
        if self.release != Release::Given || id.as_ref() != Some(released.session()) {
            return Err(GrantError::OtherRun);
        }
        if self.method == Method::File {
            self.write_answer(payload, &mut steps, ports)?;
            self.end(State::Done, &mut steps);
            steps.push(Step::Done(None));
            return Ok(steps);
        }
        let parts: Vec<&[u8]> = payload.expose().chunks(limits::GRANT_PART_BYTES).collect();
        if parts.is_empty() || parts.len() > limits::GRANT_PARTS {
            return Err(GrantError::TooLarge);
        }
        let count = u8::try_from(parts.len()).map_err(|_| GrantError::TooLarge)?;
        for (index, content) in (0..count).zip(parts) {
            let part = messages::Part { index, count, content: octets(content) };
            self.tell(&Content::Grant(part), &mut steps, ports);
        }
        self.release = Release::Granted;
        self.deadline = ports.now.plus_seconds(limits::GRANT_SECONDS);
        Ok(steps)
    }
}

const fn other(part: Part) -> Part {
    match part {
        Part::New => Part::Old,
        Part::Old => Part::New,
        Part::Person => Part::Person,
    }
}
