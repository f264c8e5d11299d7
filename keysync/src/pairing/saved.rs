//! The state of a pairing between two starts of the program. It is secret as a whole: the caller seals it.
//!
//! Only codes and files have one. A password's exchange is never written anywhere, and names are compared by people who
//! are there.

mod fields;
mod numbers;
mod shape;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use der::{Decode as _, Encode as _};

use super::gate::Side;
use super::session::Session;
use super::{AbortReason, Method, Opening, Pairing, Purpose, Release, State, sealed};
use crate::code::{Intent, PairingCode};
use crate::transport::ObjectName;
use fields::{
    file_from, file_to_saved, hello_from, hello_to_saved, offer_from, offer_to_saved, profile_from,
    profile_to_saved, session_from, session_to_saved,
};
use numbers::{proof_number, proof_of, question_number, question_of, state_number, state_of};
use shape::{Saved, SavedCounters, SavedGate, SavedObject, SavedPart, bytes, fixed, optional, secret, text};

/// The version of the state; another one is not read, and the pairing begins anew.
const VERSION: u8 = 1;

/// Why a saved state cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreError {
    /// It cannot be read.
    Damaged,
    /// It is of the other purpose, or of another version.
    OtherKind,
}

impl fmt::Display for RestoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Damaged => "the state of the pairing is damaged",
            Self::OtherKind => "the state is of another kind of pairing",
        })
    }
}

impl std::error::Error for RestoreError {}

impl<P: Purpose> Pairing<P> {
    /// The state, as DER; nothing where there is none to keep: before it began, after it ended, with words and with names.
    /// It is secret. What a step says is done after the state was kept.
    #[must_use]
    pub fn save(&self) -> Option<SecretBytes> {
        let keeps = matches!(self.method, Method::Code | Method::File);
        if !keeps || self.state == State::Idle || self.state.is_final() {
            return None;
        }
        let codes: Vec<String> = self.codes.iter().map(PairingCode::to_text).collect();
        let scanned = match &self.opening {
            Opening::ScanCode(code) => code.to_text(),
            _ => String::new(),
        };
        let saved = Saved {
            version: VERSION,
            meeting: <P as sealed::Purpose>::MEETING,
            intent: self.intent.number(),
            side: u8::from(self.side == Side::Scans),
            method: self.method.number(),
            state: state_number(self.state),
            since: self.since.unix_seconds(),
            deadline: self.deadline.unix_seconds(),
            profile: profile_to_saved(&self.profile)?,
            scanned: bytes(scanned.as_bytes())?,
            codes: codes.iter().map(|code| bytes(code.as_bytes())).collect::<Option<_>>()?,
            offers: self.offers.iter().map(offer_to_saved).collect::<Option<_>>()?,
            hellos: self.hellos.iter().map(hello_to_saved).collect::<Option<_>>()?,
            session: self.session.iter().map(session_to_saved).collect::<Option<_>>()?,
            gate: SavedGate {
                proof: self.proof.map_or(0, proof_number),
                ready: self.ready.iter().map(|request| bytes(request)).collect::<Option<_>>()?,
                question: question_number(self.question),
                told_ready: self.told_ready,
                granted: self.release == Release::Granted,
            },
            parts: self
                .parts
                .iter()
                .map(|(index, part)| Some(SavedPart { index: *index, content: bytes(part.expose())? }))
                .collect::<Option<_>>()?,
            part_count: self.part_count,
            file: self.file.iter().map(file_to_saved).collect::<Option<_>>()?,
            outbox: self
                .outbox
                .iter()
                .map(|(place, object)| Some(SavedObject { place: bytes(place)?, object: bytes(object)? }))
                .collect::<Option<_>>()?,
            seen: self.seen.iter().map(|name| bytes(name.as_bytes())).collect::<Option<_>>()?,
            counters: SavedCounters {
                strays: self.strays,
                tries: self.tries,
                renewals: self.renewals,
                asked_twice: self.asked_twice,
                suspicion: bytes(self.suspicion.map_or("", AbortReason::word).as_bytes())?,
            },
        };
        saved.to_der().ok().map(SecretBytes::new)
    }

    /// The pairing whose state was kept. [`resume`](Self::resume) says what to do next.
    ///
    /// # Errors
    /// [`RestoreError`].
    pub fn restore(state: &SecretBytes) -> Result<Self, RestoreError> {
        let saved = Saved::from_der(state.expose()).map_err(|_| RestoreError::Damaged)?;
        if saved.version != VERSION || saved.meeting != <P as sealed::Purpose>::MEETING {
            return Err(RestoreError::OtherKind);
        }
        restored(&saved).ok_or(RestoreError::Damaged)
    }
}

fn restored<P: Purpose>(saved: &Saved<'_>) -> Option<Pairing<P>> {
    let side = if saved.side == 0 { Side::Displays } else { Side::Scans };
    let method = Method::of(saved.method)?;
    let opening = match (method, side) {
        (Method::Code, Side::Displays) => Opening::ShowCode,
        (Method::Code, Side::Scans) => Opening::ScanCode(PairingCode::parse(text(saved.scanned)?).ok()?),
        (Method::File, Side::Displays) => Opening::OfferFile,
        (Method::File, Side::Scans) => Opening::AnswerFile(Vec::new()),
        (Method::Words | Method::Sas, _) => return None,
    };
    let codes: Vec<PairingCode> =
        saved.codes.iter().map(|code| PairingCode::parse(text(code)?).ok()).collect::<Option<_>>()?;
    let mut boxes = BTreeMap::new();
    let scanned = match &opening {
        Opening::ScanCode(code) => Some(code),
        _ => None,
    };
    for code in codes.iter().chain(scanned) {
        let object_box = code.object_box();
        boxes.insert(*object_box.id(), object_box);
    }
    let session: Option<Session> = match saved.session.first() {
        Some(session) => Some(session_from(session, side)?),
        None => None,
    };
    let intent = Intent::of(saved.intent)?;
    Some(Pairing {
        opening,
        intent,
        side,
        method,
        profile: profile_from(&saved.profile)?,
        state: state_of(saved.state)?,
        since: Time::from_unix_seconds(saved.since),
        deadline: Time::from_unix_seconds(saved.deadline),
        boxes,
        offers: saved
            .offers
            .iter()
            .zip(&codes)
            .map(|(offer, code)| offer_from(offer, code))
            .collect::<Option<_>>()?,
        codes,
        nearby: Vec::new(),
        hellos: saved.hellos.iter().map(|hello| hello_from(hello, intent)).collect::<Option<_>>()?,
        session,
        early: Vec::new(),
        proof: proof_of(saved.gate.proof)?,
        ready: saved.gate.ready.first().map(|request| request.as_bytes().to_vec()),
        question: question_of(saved.gate.question)?,
        // A passphrase that was asked for before a restart was not asked for again.
        circumstances: None,
        told_ready: saved.gate.told_ready,
        // A proof that was not used before a restart is gone; the gate makes another.
        release: if saved.gate.granted { Release::Granted } else { Release::Withheld },
        parts: saved.parts.iter().map(|part| (part.index, secret(part.content))).collect(),
        part_count: saved.part_count,
        file: match saved.file.first() {
            Some(file) => Some(file_from(file)?),
            None => None,
        },
        outbox: saved
            .outbox
            .iter()
            .map(|object| Some((fixed(object.place)?, object.object.as_bytes().to_vec())))
            .collect::<Option<_>>()?,
        seen: saved.seen.iter().map(|name| fixed(name).map(ObjectName::from_bytes)).collect::<Option<_>>()?,
        accepted: BTreeSet::new(),
        strays: saved.counters.strays,
        tries: saved.counters.tries,
        renewals: saved.counters.renewals,
        asked_twice: saved.counters.asked_twice,
        suspicion: optional(saved.counters.suspicion, |word| AbortReason::of(text(word)?))?,
        purpose: PhantomData,
    })
}
