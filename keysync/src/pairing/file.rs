//! Two files instead of a box: the offer one way, the answer the other, each in its own time.

use argon2::{Algorithm, Argon2, Params, Version};
use counterseal_core::ports::Random;
use counterseal_core::secret::SecretBytes;
use der::Decode as _;

use super::gate::{Part, Proof};
use super::gates::GrantError;
use super::handshake::{self, Known, OfferTerms};
use super::identity::{self, Peer, Statement};
use super::messages::{
    FileAnswer, FileGrant, FileOffer, Introduction, Message, Offer, Unreadable, array, octets, to_der,
};
use super::session::BoxId;
use super::{
    AbortReason, Ask, Method, Opening, Pairing, Ports, Profile, Purpose, Question, Show, Slip, State, Step,
};
use crate::channel::{self, Binding, EphemeralKey, SharedSecret};
use crate::code::Intent;
use crate::limits;
use crate::words::{ANSWER_WORDS, FINGERPRINT_WORDS, Words};

/// There is no box.
const NO_PLACE: BoxId = [0; 16];

/// What this side knows of the two files.
#[derive(Clone, Debug)]
pub(super) enum Files {
    /// D, before the answer.
    Offered {
        /// The offer file.
        offer: Vec<u8>,
        /// The key that the answer is sealed to.
        key: EphemeralKey,
    },
    /// D, with an answer that is not open yet.
    Answered { offer: Vec<u8>, key: EphemeralKey, answer: Vec<u8> },
    /// D, with what was in it.
    Opened { id: [u8; 32], peer: Peer, payload: SecretBytes },
    /// S, with the offer.
    Taken { offer: Vec<u8>, public_key: Vec<u8>, peer: Peer, request: Vec<u8> },
}

impl Files {
    pub(super) const fn peer(&self) -> Option<&Peer> {
        match self {
            Self::Offered { .. } | Self::Answered { .. } => None,
            Self::Opened { peer, .. } | Self::Taken { peer, .. } => Some(peer),
        }
    }

    /// What a proof is bound to.
    pub(super) fn id(&self) -> [u8; 32] {
        match self {
            Self::Opened { id, .. } => *id,
            Self::Offered { offer, .. } | Self::Answered { offer, .. } | Self::Taken { offer, .. } => {
                channel::hash(offer)
            }
        }
    }

    /// An offer file is ready from the beginning, and so is an answer.
    pub(super) fn request(&self) -> Option<Vec<u8>> {
        match self {
            Self::Taken { request, .. } => Some(request.clone()),
            Self::Opened { .. } => Some(Vec::new()),
            Self::Offered { .. } | Self::Answered { .. } => None,
        }
    }

    pub(super) const fn payload(&self) -> Option<&SecretBytes> {
        match self {
            Self::Opened { payload, .. } => Some(payload),
            Self::Offered { .. } | Self::Answered { .. } | Self::Taken { .. } => None,
        }
    }
}

/// The words by which people recognise an offer file.
fn fingerprint(offer: &[u8]) -> Words {
    Words::of(&channel::hash(offer), FINGERPRINT_WORDS)
}

impl<P: Purpose> Pairing<P> {
    /// D makes the offer file.
    pub(super) fn offer_file(&mut self, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        let identity = self.identity(ports.signer);
        let terms = OfferTerms {
            intent: self.intent,
            method: Method::File,
            place: NO_PLACE,
            known: Known::Nothing,
            name: None,
            identity: &identity,
        };
        let Ok(offer) = handshake::offer(terms, ports.random) else {
            return self.abort(AbortReason::Damaged, steps, ports);
        };
        let request = self.profile.request.clone();
        let (offer_hash, request_hash) = (channel::hash(&offer.object), channel::hash(&request));
        let statement =
            Statement { message: "m1", intent: self.intent.number(), parts: &[&offer_hash, &request_hash] };
        let Ok(introduction) = identity::introduce(identity, &offer.nonce, &statement, ports.signer) else {
            return self.abort(AbortReason::Damaged, steps, ports);
        };
        let request = (!request.is_empty()).then(|| octets(&request));
        let file = FileOffer { offer: octets(&offer.object), introduction, request };
        let bytes = to_der(&Message::FileOffer(file));
        self.file = Some(Files::Offered { offer: bytes.clone(), key: offer.key });
        self.state = State::Offered;
        self.deadline = ports.now.plus_seconds(limits::FILE_SECONDS);
        steps.push(Step::File(bytes));
        self.prompt_file(steps);
    }

    /// S reads the offer file, and asks whether it is the one that is meant.
    pub(super) fn take_file(&mut self, file: &[u8], steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        match self.read_offer(file) {
            Ok(taken) => {
                self.file = Some(taken);
                self.state = State::AwaitGate;
                self.question = Some(Question::Fingerprint);
                self.deadline = ports.now.plus_seconds(limits::GATE_SECONDS);
                self.prompt_gate(steps);
            }
            Err(reason) => self.abort(reason, steps, ports),
        }
    }

    /// Whether a file is a request that this part answers, before anything begins.
    ///
    /// # Errors
    /// Why it would be given up: [`AbortReason::Damaged`] for what is no request, [`AbortReason::WrongIntent`] for one of
    /// another purpose, [`AbortReason::VersionTooOld`] for a later version.
    pub fn check_request(file: &[u8], part: P::Part) -> Result<(), AbortReason> {
        let pairing = Self::new(Opening::AnswerFile(Vec::new()), part, Profile::default())?;
        pairing.read_offer(file).map(drop)
    }

    fn read_offer(&self, file: &[u8]) -> Result<Files, AbortReason> {
        let damaged = AbortReason::Damaged;
        let read = |bytes: &[u8]| {
            Message::parse_file(bytes).map_err(|unreadable| match unreadable {
                Unreadable::Damaged => AbortReason::Damaged,
                Unreadable::NewerVersion => AbortReason::VersionTooOld,
            })
        };
        let Message::FileOffer(outer) = read(file)? else { return Err(damaged) };
        let Message::Offer(offer) = read(outer.offer.as_bytes())? else { return Err(damaged) };
        let is_meant =
            Intent::of(offer.intent) == Some(self.intent) && Method::of(offer.method) == Some(Method::File);
        if !is_meant {
            return Err(AbortReason::WrongIntent);
        }
        let request = outer.request.as_ref().map(|field| field.as_bytes().to_vec()).unwrap_or_default();
        let (offer_hash, request_hash) = (channel::hash(outer.offer.as_bytes()), channel::hash(&request));
        let statement =
            Statement { message: "m1", intent: offer.intent, parts: &[&offer_hash, &request_hash] };
        let (peer, nonce) = identity::recognise(&outer.introduction, &statement).ok_or(damaged)?;
        if handshake::commitment(&nonce, &outer.introduction.identity) != array(&offer.commitment) {
            return Err(damaged);
        }
        let Offer { public_key, .. } = offer;
        Ok(Files::Taken { offer: file.to_vec(), public_key: public_key.as_bytes().to_vec(), peer, request })
    }

    /// S seals the answer, and shows the words that open it.
    pub(super) fn write_answer(
        &mut self,
        payload: &SecretBytes,
        steps: &mut Vec<Step>,
        ports: &mut Ports<'_>,
    ) -> Result<(), GrantError> {
        let Some(Files::Taken { offer, public_key, .. }) = self.file.clone() else {
            return Err(GrantError::OtherRun);
        };
        if payload.len() > limits::PAIRING_FILE_BYTES - limits::PAIRING_OBJECT_BYTES {
            return Err(GrantError::TooLarge);
        }
        let words = Words::random(ANSWER_WORDS, ports.random);
        let mut salt = [0; 16];
        ports.random.fill(&mut salt);
        let shared = stretched(&words, &salt).ok_or(GrantError::NotSealed)?;
        let (identity, intent) = (self.identity(ports.signer), self.intent.number());
        let (h1, nonce) = (channel::hash(&offer), random_nonce(ports.random));
        let binding = Binding { offer: &h1, place: b"" };
        let signer = ports.signer;
        let sealed = channel::hello(&public_key, &shared, &binding, ports.random, |enc| {
            let enc_hash = channel::hash(enc);
            let statement = answer_statement(intent, &h1, &enc_hash);
            let introduction = identity::introduce(identity, &nonce, &statement.of(), signer)
                .map_err(|_| channel::ChannelError::BadKey)?;
            let grant = FileGrant { introduction, payload: octets(payload.expose()) };
            Ok::<_, channel::ChannelError>(SecretBytes::new(to_der(&grant)))
        })
        .map_err(|_| GrantError::NotSealed)?;
        let answer = FileAnswer {
            offer: octets(&h1),
            salt: octets(&salt),
            enc: octets(&sealed.encapsulated),
            sealed: octets(&sealed.sealed),
        };
        steps.push(Step::File(to_der(&Message::FileAnswer(answer))));
        steps.push(Step::Show(Show::AnswerWords(words)));
        Ok(())
    }

    /// The answer came to D.
    pub(super) fn answer_file(&mut self, bytes: &[u8], steps: &mut Vec<Step>) {
        let Some(Files::Offered { offer, key }) = &self.file else { return };
        let is_ours = |answer: &FileAnswer| array(&answer.offer) == channel::hash(offer);
        match Message::parse_file(bytes) {
            Ok(Message::FileAnswer(answer)) if is_ours(&answer) => {
                let (offer, key) = (offer.clone(), key.clone());
                self.file = Some(Files::Answered { offer, key, answer: bytes.to_vec() });
                self.state = State::AwaitGate;
                self.prompt_file(steps);
            }
            _ => steps.push(Step::Show(Show::OtherFile)),
        }
    }

    /// The words that open the answer were typed at D.
    pub(super) fn typed_words(&mut self, text: &str, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        let Some(Files::Answered { offer, key, answer }) = &self.file else { return };
        // What are not six words of the list is a slip, and no try.
        let words = match Words::parse(text, ANSWER_WORDS) {
            Ok(words) => words,
            Err(error) => {
                steps.push(Step::Show(Show::Slip(Slip::Words(error))));
                steps.push(Step::Ask(Ask::AnswerWords));
                return;
            }
        };
        match open_answer(offer, key, answer, self.intent, &words) {
            Some(opened) => {
                self.file = Some(opened);
                self.recognised(steps, ports);
            }
            None => {
                self.tries = self.tries.saturating_add(1);
                if self.tries >= limits::STRANGERS {
                    return self.abort(AbortReason::WordsMismatch, steps, ports);
                }
                steps.push(Step::Show(Show::TriesLeft(limits::STRANGERS - self.tries)));
                steps.push(Step::Ask(Ask::AnswerWords));
            }
        }
    }

    /// The answer is open: two people confirm whom they met, a new device imports.
    fn recognised(&mut self, steps: &mut Vec<Step>, ports: &mut Ports<'_>) {
        match self.part() {
            Part::Person => {
                self.question = Some(Question::Peer);
                self.prompt_gate(steps);
            }
            Part::New | Part::Old => {
                self.proof = Some(Proof::PasswordKnown);
                self.pass_gate(steps, ports);
            }
        }
    }

    pub(super) fn import_from_file(&self, steps: &mut Vec<Step>) {
        let payload = self.file.as_ref().and_then(Files::payload);
        steps.extend(payload.cloned().map(Step::Import));
    }

    pub(super) fn prompt_file(&self, steps: &mut Vec<Step>) {
        match &self.file {
            Some(Files::Offered { offer, .. } | Files::Taken { offer, .. }) => {
                steps.push(Step::Show(Show::Fingerprint(fingerprint(offer))));
            }
            Some(Files::Answered { .. }) => steps.push(Step::Ask(Ask::AnswerWords)),
            Some(Files::Opened { .. }) if self.part() == Part::New => self.import_from_file(steps),
            Some(Files::Opened { .. }) | None => {}
        }
    }
}

fn open_answer(
    offer: &[u8],
    key: &EphemeralKey,
    answer: &[u8],
    intent: Intent,
    words: &Words,
) -> Option<Files> {
    let Ok(Message::FileAnswer(answer)) = Message::parse_file(answer) else { return None };
    let salt = answer.salt.as_bytes().first_chunk()?;
    let h1 = channel::hash(offer);
    let binding = Binding { offer: &h1, place: b"" };
    let (enc, sealed) = (answer.enc.as_bytes(), answer.sealed.as_bytes());
    let (plaintext, _) = channel::open_hello(key, &stretched(words, salt)?, &binding, enc, sealed).ok()?;
    let grant = FileGrant::from_der(plaintext.expose()).ok()?;
    let enc_hash = channel::hash(enc);
    let statement = answer_statement(intent.number(), &h1, &enc_hash);
    let introduction: &Introduction = &grant.introduction;
    let (peer, _) = identity::recognise(introduction, &statement.of())?;
    let payload = SecretBytes::copy_of(grant.payload.as_bytes());
    Some(Files::Opened { id: h1, peer, payload })
}

/// S signs in a file as it does in m2.
struct AnswerStatement<'a> {
    intent: u8,
    parts: [&'a [u8]; 3],
}

fn answer_statement<'a>(intent: u8, h1: &'a [u8; 32], enc_hash: &'a [u8; 32]) -> AnswerStatement<'a> {
    AnswerStatement { intent, parts: [h1, enc_hash, NO_SHARE] }
}

impl AnswerStatement<'_> {
    fn of(&self) -> Statement<'_> {
        Statement { message: "m2", intent: self.intent, parts: &self.parts }
    }
}

/// H of no share.
const NO_SHARE: &[u8] = &[
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

fn random_nonce(random: &mut dyn Random) -> [u8; 32] {
    let mut nonce = [0; 32];
    random.fill(&mut nonce);
    nonce
}

/// Argon2id of the words (RFC 9106).
fn stretched(words: &Words, salt: &[u8; 16]) -> Option<SharedSecret> {
    let parameters = Params::new(limits::ANSWER_MEMORY_KIB, limits::ANSWER_PASSES, 1, Some(32)).ok()?;
    let mut key = vec![0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
        .hash_password_into(words.to_secret(' ').expose(), salt, &mut key)
        .ok()?;
    Some(SharedSecret::Known(SecretBytes::new(key), "file"))
}
