//! The state of a pairing between two starts of the program. It is secret as a whole: the caller seals it.
//!
//! Only codes and files have one. A password's exchange is never written anywhere, and names are compared by people who
//! are there.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use counterseal_core::x509::Certificate;
use der::asn1::OctetStringRef;
use der::{Decode as _, Encode as _, Sequence};

use super::file::Files;
use super::gate::{Proof, ReleasePolicy, Side};
use super::handshake::{Known, OpenOffer, SentHello};
use super::identity::{Peer, role_number, role_of};
use super::session::{Bound, BoxId, Session};
use super::{AbortReason, Method, Opening, Pairing, Profile, Purpose, Question, Release, State, sealed};
use crate::channel::{self, EphemeralKey};
use crate::code::{Intent, PairingCode};
use crate::transport::ObjectName;

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

type Bytes<'a> = &'a OctetStringRef;

#[derive(Sequence)]
struct Saved<'a> {
    version: u8,
    meeting: bool,
    intent: u8,
    side: u8,
    method: u8,
    state: u8,
    since: i64,
    deadline: i64,
    profile: SavedProfile<'a>,
    /// The scanned code.
    scanned: Bytes<'a>,
    /// The codes that are shown, one for each offer; then the one whose box the session is in.
    codes: Vec<Bytes<'a>>,
    offers: Vec<SavedOffer<'a>>,
    hellos: Vec<SavedHello<'a>>,
    session: Vec<SavedSession<'a>>,
    gate: SavedGate<'a>,
    parts: Vec<SavedPart<'a>>,
    part_count: u8,
    file: Vec<SavedFile<'a>>,
    outbox: Vec<SavedObject<'a>>,
    seen: Vec<Bytes<'a>>,
    counters: SavedCounters<'a>,
}

#[derive(Sequence)]
struct SavedProfile<'a> {
    name: Bytes<'a>,
    role: u8,
    account: Bytes<'a>,
    request: Bytes<'a>,
    relay: Bytes<'a>,
    lan_only: bool,
    trust_scan: bool,
    policy_lan_only: bool,
    policy_approvals: u8,
    policy_hold: i64,
}

#[derive(Sequence)]
struct SavedOffer<'a> {
    key: Bytes<'a>,
    nonce: Bytes<'a>,
    object: Bytes<'a>,
}

#[derive(Sequence)]
struct SavedHello<'a> {
    place: Bytes<'a>,
    offer: Bytes<'a>,
    root: Bytes<'a>,
    commitment: Bytes<'a>,
    certificate: Bytes<'a>,
    object: Bytes<'a>,
}

#[derive(Sequence)]
struct SavedSession<'a> {
    place: Bytes<'a>,
    offer: Bytes<'a>,
    hello: Bytes<'a>,
    key: Bytes<'a>,
    check: Bytes<'a>,
    peer: SavedPeer<'a>,
}

#[derive(Sequence)]
struct SavedPeer<'a> {
    certificates: Vec<Bytes<'a>>,
    name: Bytes<'a>,
    role: u8,
    account: Bytes<'a>,
}

#[derive(Sequence)]
struct SavedGate<'a> {
    proof: u8,
    ready: Vec<Bytes<'a>>,
    question: u8,
    told_ready: bool,
    granted: bool,
}

#[derive(Sequence)]
struct SavedPart<'a> {
    index: u8,
    content: Bytes<'a>,
}

#[derive(Sequence)]
struct SavedFile<'a> {
    kind: u8,
    first: Bytes<'a>,
    second: Bytes<'a>,
    third: Bytes<'a>,
    peer: Vec<SavedPeer<'a>>,
}

#[derive(Sequence)]
struct SavedObject<'a> {
    place: Bytes<'a>,
    object: Bytes<'a>,
}

#[derive(Sequence)]
struct SavedCounters<'a> {
    strays: u8,
    tries: u8,
    renewals: u8,
    asked_twice: bool,
    suspicion: Bytes<'a>,
}

fn bytes(bytes: &[u8]) -> Option<Bytes<'_>> {
    OctetStringRef::new(bytes).ok()
}

fn fixed<const LENGTH: usize>(field: Bytes<'_>) -> Option<[u8; LENGTH]> {
    field.as_bytes().try_into().ok()
}

fn text(field: Bytes<'_>) -> Option<&str> {
    std::str::from_utf8(field.as_bytes()).ok()
}

fn secret(field: Bytes<'_>) -> SecretBytes {
    SecretBytes::copy_of(field.as_bytes())
}

/// A value where the field is not empty.
fn optional<'a, T>(field: Bytes<'a>, read: impl FnOnce(Bytes<'a>) -> Option<T>) -> Option<Option<T>> {
    if field.as_bytes().is_empty() { Some(None) } else { read(field).map(Some) }
}

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
        strays: saved.counters.strays,
        tries: saved.counters.tries,
        renewals: saved.counters.renewals,
        asked_twice: saved.counters.asked_twice,
        suspicion: optional(saved.counters.suspicion, |word| AbortReason::of(text(word)?))?,
        purpose: PhantomData,
    })
}

fn profile_to_saved(profile: &Profile) -> Option<SavedProfile<'_>> {
    Some(SavedProfile {
        name: bytes(profile.name.as_bytes())?,
        role: role_number(profile.role),
        account: bytes(profile.account.as_ref().map_or(&[], |hash| hash.as_slice()))?,
        request: bytes(&profile.request)?,
        relay: bytes(profile.relay.as_deref().unwrap_or_default().as_bytes())?,
        lan_only: profile.lan_only,
        trust_scan: profile.trust_scan,
        policy_lan_only: profile.policy.lan_only,
        policy_approvals: profile.policy.approvals,
        policy_hold: profile.policy.hold_seconds,
    })
}

fn profile_from(saved: &SavedProfile<'_>) -> Option<Profile> {
    Some(Profile {
        name: text(saved.name)?.to_owned(),
        role: role_of(saved.role)?,
        account: optional(saved.account, fixed)?,
        request: saved.request.as_bytes().to_vec(),
        relay: optional(saved.relay, |relay| text(relay).map(str::to_owned))?,
        lan_only: saved.lan_only,
        trust_scan: saved.trust_scan,
        policy: ReleasePolicy {
            lan_only: saved.policy_lan_only,
            approvals: saved.policy_approvals,
            hold_seconds: saved.policy_hold,
        },
    })
}

fn offer_to_saved(offer: &OpenOffer) -> Option<SavedOffer<'_>> {
    Some(SavedOffer {
        key: bytes(offer.key.secret().expose())?,
        nonce: bytes(&offer.nonce)?,
        object: bytes(&offer.object)?,
    })
}

fn offer_from(saved: &SavedOffer<'_>, code: &PairingCode) -> Option<OpenOffer> {
    let object = saved.object.as_bytes().to_vec();
    Some(OpenOffer {
        bound: Bound { place: *code.object_box().id(), offer: channel::hash(&object), hello: None },
        key: EphemeralKey::restore(&secret(saved.key)).ok()?,
        nonce: fixed(saved.nonce)?,
        known: Known::Code(code.secret.clone()),
        waiting: None,
        object,
    })
}

fn hello_to_saved(hello: &SentHello) -> Option<SavedHello<'_>> {
    Some(SavedHello {
        place: bytes(&hello.bound.place)?,
        offer: bytes(&hello.bound.offer)?,
        root: bytes(hello.root.expose())?,
        commitment: bytes(&hello.commitment)?,
        certificate: bytes(&hello.certificate)?,
        object: bytes(&hello.object)?,
    })
}

fn hello_from(saved: &SavedHello<'_>, intent: Intent) -> Option<SentHello> {
    let object = saved.object.as_bytes().to_vec();
    let hello = Some(channel::hash(&object));
    Some(SentHello {
        bound: Bound { place: fixed(saved.place)?, offer: fixed(saved.offer)?, hello },
        root: secret(saved.root),
        commitment: fixed(saved.commitment)?,
        intent,
        certificate: fixed(saved.certificate)?,
        object,
    })
}

fn session_to_saved(session: &Session) -> Option<SavedSession<'_>> {
    Some(SavedSession {
        place: bytes(&session.bound.place)?,
        offer: bytes(&session.bound.offer)?,
        hello: bytes(session.bound.hello.as_ref()?)?,
        key: bytes(session.key.expose())?,
        check: bytes(session.check.expose())?,
        peer: peer_to_saved(&session.peer)?,
    })
}

fn session_from(saved: &SavedSession<'_>, side: Side) -> Option<Session> {
    let place: BoxId = fixed(saved.place)?;
    Some(Session {
        bound: Bound { place, offer: fixed(saved.offer)?, hello: Some(fixed(saved.hello)?) },
        key: secret(saved.key),
        check: secret(saved.check),
        peer: peer_from(&saved.peer)?,
        side,
    })
}

fn peer_to_saved(peer: &Peer) -> Option<SavedPeer<'_>> {
    Some(SavedPeer {
        certificates: peer.certificates().iter().map(|one| bytes(one.as_der())).collect::<Option<_>>()?,
        name: bytes(peer.name().as_bytes())?,
        role: role_number(peer.role()),
        account: bytes(peer.account().map_or(&[], |hash| hash.as_slice()))?,
    })
}

fn peer_from(saved: &SavedPeer<'_>) -> Option<Peer> {
    let parse = |der: &Bytes<'_>| Certificate::from_der(der.as_bytes()).ok();
    let certificates = saved.certificates.iter().map(parse).collect::<Option<_>>()?;
    let account = optional(saved.account, fixed)?;
    Some(Peer::known(certificates, text(saved.name)?.to_owned(), role_of(saved.role)?, account))
}

fn file_to_saved(file: &Files) -> Option<SavedFile<'_>> {
    let (kind, [first, second, third], peer): (_, [&[u8]; 3], _) = match file {
        Files::Offered { offer, key } => (0, [offer, key.secret().expose(), &[]], None),
        Files::Answered { offer, key, answer } => (1, [offer, key.secret().expose(), answer], None),
        Files::Opened { id, peer, payload } => (2, [id, payload.expose(), &[]], Some(peer)),
        Files::Taken { offer, public_key, peer, request } => (3, [offer, public_key, request], Some(peer)),
    };
    Some(SavedFile {
        kind,
        first: bytes(first)?,
        second: bytes(second)?,
        third: bytes(third)?,
        peer: peer.into_iter().map(peer_to_saved).collect::<Option<_>>()?,
    })
}

fn file_from(saved: &SavedFile<'_>) -> Option<Files> {
    let peer = || saved.peer.first().and_then(peer_from);
    let key = || EphemeralKey::restore(&secret(saved.second)).ok();
    let bytes = |field: Bytes<'_>| field.as_bytes().to_vec();
    Some(match saved.kind {
        0 => Files::Offered { offer: bytes(saved.first), key: key()? },
        1 => Files::Answered { offer: bytes(saved.first), key: key()?, answer: bytes(saved.third) },
        2 => Files::Opened { id: fixed(saved.first)?, peer: peer()?, payload: secret(saved.second) },
        3 => Files::Taken {
            offer: bytes(saved.first),
            public_key: bytes(saved.second),
            peer: peer()?,
            request: bytes(saved.third),
        },
        _ => return None,
    })
}

const fn state_number(state: State) -> u8 {
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
const fn state_of(number: u8) -> Option<State> {
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

const fn proof_number(proof: Proof) -> u8 {
    match proof {
        Proof::OfferScanned => 1,
        Proof::CodeTyped => 2,
        Proof::WordsCompared => 3,
        Proof::FingerprintCompared => 4,
        Proof::PasswordKnown => 5,
    }
}

#[allow(clippy::option_option)]
const fn proof_of(number: u8) -> Option<Option<Proof>> {
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

const fn question_number(question: Option<Question>) -> u8 {
    match question {
        None => 0,
        Some(Question::Words) => 1,
        Some(Question::Fingerprint) => 2,
        Some(Question::Peer) => 3,
    }
}

#[allow(clippy::option_option)]
const fn question_of(number: u8) -> Option<Option<Question>> {
    Some(match number {
        0 => None,
        1 => Some(Question::Words),
        2 => Some(Question::Fingerprint),
        3 => Some(Question::Peer),
        _ => return None,
    })
}
