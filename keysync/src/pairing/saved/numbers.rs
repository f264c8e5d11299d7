//! The numbers of states, proofs and questions in a saved state.

use crate::pairing::gate::Proof;
use crate::pairing::{Question, State};

pub(super) const fn state_number(state: State) -> u8 {
    match state {
        State::Idle => 0,
        State::Offered => 1,
        State::Scanned => 2,
        State::HelloSent => 3,
        State::HelloRecv => 4,
        State::AwaitGate => 5,
        State::Granting => 6,
        State::Done => 7,
        State::Aborted(_) => 8,
    }
}

/// States that are saved; the others need none.
pub(super) const fn state_of(number: u8) -> Option<State> {
    match number {
        1 => Some(State::Offered),
        2 => Some(State::Scanned),
        3 => Some(State::HelloSent),
        4 => Some(State::HelloRecv),
        5 => Some(State::AwaitGate),
        6 => Some(State::Granting),
        _ => None,
    }
}

pub(super) const fn proof_number(proof: Proof) -> u8 {
    match proof {
        Proof::OfferScanned => 1,
        Proof::CodeTyped => 2,
        Proof::WordsCompared => 3,
        Proof::FingerprintCompared => 4,
        Proof::PasswordKnown => 5,
    }
}

#[allow(clippy::option_option)]
pub(super) const fn proof_of(number: u8) -> Option<Option<Proof>> {
    Some(match number {
        0 => None,
        1 => Some(Proof::OfferScanned),
        2 => Some(Proof::CodeTyped),
        3 => Some(Proof::WordsCompared),
        4 => Some(Proof::FingerprintCompared),
        5 => Some(Proof::PasswordKnown),
        _ => return None,
    })
}

pub(super) const fn question_number(question: Option<Question>) -> u8 {
    match question {
        None => 0,
        Some(Question::Words) => 1,
        Some(Question::Fingerprint) => 2,
        Some(Question::Peer) => 3,
    }
}

#[allow(clippy::option_option)]
pub(super) const fn question_of(number: u8) -> Option<Option<Question>> {
    Some(match number {
        0 => None,
        1 => Some(Question::Words),
        2 => Some(Question::Fingerprint),
        3 => Some(Question::Peer),
        _ => return None,
    })
}
