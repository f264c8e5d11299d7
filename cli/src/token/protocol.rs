//! What is said to the process that loads a library (`docs/formats/token.md`).

use counterseal_core::algorithm::DigestAlgorithm;
use counterseal_core::x509::PublicKey;
use zeroize::Zeroizing;

use crate::frames::{Fields, Message, Octets, digest, digest_of};

/// Octets of a text that a library or a token brings: labels, serial numbers, names of errors.
const TEXT_BYTES: usize = 256;

/// What is asked for. Tokens are called by their serial number, keys by their CKA_ID.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// To load the library at this path. It is the first request, and there is no second one.
    Load { library: Vec<u8> },
    /// Which tokens are there.
    Tokens,
    /// What can be seen on a token: before the PIN what is public, then the keys too.
    Objects { serial: String },
    /// To give the PIN to a token; without one the token asks for it itself.
    LogIn { serial: String, pin: Option<Octets> },
    /// To make a key. Its CKA_ID comes from us.
    Generate { serial: String, id: Vec<u8>, label: String, kind: NewKey, signs: bool },
    /// To keep the certificate of a key beside it.
    KeepCertificate { serial: String, id: Vec<u8>, certificate: NewCertificate },
    /// An operation with a secret key.
    Use { serial: String, id: Vec<u8>, operation: Operation },
}

/// The kinds of keys that tokens make for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NewKey {
    Rsa { bits: u16 },
    P256,
    P384,
    P521,
}

/// A certificate for a token, with what PKCS#11 wants to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NewCertificate {
    pub(super) label: String,
    pub(super) subject: Vec<u8>,
    pub(super) der: Vec<u8>,
}

/// What a token does with a key: the library's [`counterseal_core::x509::TokenOperations`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Rsa { number: Vec<u8> },
    RsaOaep { digest: DigestAlgorithm, mask_digest: DigestAlgorithm, label: Vec<u8>, ciphertext: Vec<u8> },
    SignPkcs1 { digest_info: Vec<u8> },
    SignPss { digest: DigestAlgorithm, salt_length: u32, value: Vec<u8> },
    Agree { peer: Vec<u8> },
    Ecdsa { value: Vec<u8> },
}

/// What is answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Done,
    Tokens(Vec<State>),
    Objects(Vec<Found>),
    Result(Octets),
    Refused(Refusal),
}

/// How a token is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// What its owner called it.
    pub(crate) label: String,
    /// What its maker called it.
    pub(crate) serial: String,
    /// Whether its keys need a PIN.
    pub(crate) needs_pin: bool,
    /// Whether the PIN is typed at the reader.
    pub(crate) asks_itself: bool,
    /// Whether a wrong PIN was given since the last right one.
    pub(crate) had_wrong_pin: bool,
    /// Whether the next wrong PIN locks it.
    pub(crate) is_last_try: bool,
    /// Whether too many wrong PINs locked it.
    pub(crate) is_locked: bool,
}

/// Something on a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// CKA_ID, which a key has in common with its certificate.
    pub(crate) id: Vec<u8>,
    /// What it is.
    pub(crate) object: Object,
}

/// What something on a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Object {
    /// A certificate: its DER.
    Certificate(Vec<u8>),
    /// A public RSA key, or the public numbers of a secret one.
    RsaNumbers { modulus: Vec<u8>, exponent: Vec<u8> },
    /// A public key on a curve: CKA_EC_PARAMS and CKA_EC_POINT.
    CurvePoint { parameters: Vec<u8>, point: Vec<u8> },
    /// A secret key.
    SecretKey,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The library cannot be loaded, or does not begin.
    Library(String),
    /// No token with that serial number.
    NoToken,
    /// No secret key with that CKA_ID can be seen on it.
    NoKey,
    WrongPin,
    PinLocked,
    NoPin,
    /// The token cannot do this, or not with this key.
    Unsuitable,
    /// It failed, as the library calls it.
    Failed(String),
}

impl Object {
    /// The public key that it is.
    pub(crate) fn public_key(&self) -> Option<PublicKey> {
        match self {
            Self::RsaNumbers { modulus, exponent } => PublicKey::from_rsa_numbers(modulus, exponent).ok(),
            Self::CurvePoint { parameters, point } => PublicKey::from_curve_point(parameters, point).ok(),
            Self::Certificate(_) | Self::SecretKey => None,
        }
    }
}

impl Request {
    pub(super) fn encode(&self) -> Octets {
        let mut message = Message::new();
        match self {
            Self::Load { library } => message.kind(0).field(library),
            Self::Tokens => message.kind(1),
            Self::Objects { serial } => message.kind(2).field(serial.as_bytes()),
            Self::LogIn { serial, pin: None } => message.kind(3).field(serial.as_bytes()),
            Self::LogIn { serial, pin: Some(pin) } => message.kind(4).field(serial.as_bytes()).field(pin),
            Self::Generate { serial, id, label, kind, signs } => message
                .kind(5)
                .field(serial.as_bytes())
                .field(id)
                .field(label.as_bytes())
                .field(&kind.number().to_be_bytes())
                .field(&[u8::from(*signs)]),
            Self::KeepCertificate { serial, id, certificate } => message
                .kind(6)
                .field(serial.as_bytes())
                .field(id)
                .field(certificate.label.as_bytes())
                .field(&certificate.subject)
                .field(&certificate.der),
            Self::Use { serial, id, operation } => {
                operation.encode(message.kind(operation.kind()).field(serial.as_bytes()).field(id))
            }
        };
        message.into_octets()
    }

    pub(super) fn decode(message: &[u8]) -> Option<Self> {
        let (kind, mut fields) = Fields::of(message)?;
        let request = match kind {
            0 => Self::Load { library: fields.next()?.to_vec() },
            1 => Self::Tokens,
            2 => Self::Objects { serial: text(&mut fields)? },
            3 => Self::LogIn { serial: text(&mut fields)?, pin: None },
            4 => {
                let serial = text(&mut fields)?;
                Self::LogIn { serial, pin: Some(Zeroizing::new(fields.next()?.to_vec())) }
            }
            5 => {
                let (serial, id, label) = (text(&mut fields)?, fields.next()?.to_vec(), text(&mut fields)?);
                let kind = NewKey::of(u16::from_be_bytes(fields.array()?))?;
                let [signs] = fields.array()?;
                Self::Generate { serial, id, label, kind, signs: flag(signs)? }
            }
            6 => {
                let (serial, id, label) = (text(&mut fields)?, fields.next()?.to_vec(), text(&mut fields)?);
                let (subject, der) = (fields.next()?.to_vec(), fields.next()?.to_vec());
                Self::KeepCertificate { serial, id, certificate: NewCertificate { label, subject, der } }
            }
            _ => Self::Use {
                serial: text(&mut fields)?,
                id: fields.next()?.to_vec(),
                operation: Operation::decode(kind, &mut fields)?,
            },
        };
        fields.end()?;
        Some(request)
    }
}

impl NewKey {
    /// The bits of an RSA key, or of a curve.
    const fn number(self) -> u16 {
        match self {
            Self::Rsa { bits } => bits,
            Self::P256 => 256,
            Self::P384 => 384,
            Self::P521 => 521,
        }
    }

    const fn of(number: u16) -> Option<Self> {
        match number {
            256 => Some(Self::P256),
            384 => Some(Self::P384),
            521 => Some(Self::P521),
            2048..=8192 => Some(Self::Rsa { bits: number }),
            _ => None,
        }
    }
}

const fn flag(octet: u8) -> Option<bool> {
    match octet {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

impl Operation {
    const fn kind(&self) -> u8 {
        match self {
            Self::Rsa { .. } => 16,
            Self::RsaOaep { .. } => 17,
            Self::SignPkcs1 { .. } => 18,
            Self::SignPss { .. } => 19,
            Self::Agree { .. } => 20,
            Self::Ecdsa { .. } => 21,
        }
    }

    fn encode<'m>(&self, message: &'m mut Message) -> &'m mut Message {
        match self {
            Self::Rsa { number: value } | Self::SignPkcs1 { digest_info: value } => message.field(value),
            Self::Agree { peer: value } | Self::Ecdsa { value } => message.field(value),
            Self::RsaOaep { digest: own, mask_digest, label, ciphertext } => {
                message.field(&[digest(*own), digest(*mask_digest)]).field(label).field(ciphertext)
            }
            Self::SignPss { digest: own, salt_length, value } => {
                message.field(&[digest(*own)]).field(&salt_length.to_be_bytes()).field(value)
            }
        }
    }

    fn decode(kind: u8, fields: &mut Fields<'_>) -> Option<Self> {
        Some(match kind {
            16 => Self::Rsa { number: fields.next()?.to_vec() },
            17 => {
                let [own, mask] = fields.array()?;
                Self::RsaOaep {
                    digest: digest_of(own)?,
                    mask_digest: digest_of(mask)?,
                    label: fields.next()?.to_vec(),
                    ciphertext: fields.next()?.to_vec(),
                }
            }
            18 => Self::SignPkcs1 { digest_info: fields.next()?.to_vec() },
            19 => {
                let [own] = fields.array()?;
                Self::SignPss {
                    digest: digest_of(own)?,
                    salt_length: u32::from_be_bytes(fields.array()?),
                    value: fields.next()?.to_vec(),
                }
            }
            20 => Self::Agree { peer: fields.next()?.to_vec() },
            21 => Self::Ecdsa { value: fields.next()?.to_vec() },
            _ => return None,
        })
    }
}

impl Answer {
    pub(super) fn encode(&self) -> Octets {
        let mut message = Message::new();
        match self {
            Self::Done => {
                message.kind(0);
            }
            Self::Tokens(tokens) => {
                message.kind(1);
                tokens.iter().for_each(|token| token.encode(&mut message));
            }
            Self::Objects(found) => {
                message.kind(2);
                found.iter().for_each(|found| found.encode(&mut message));
            }
            Self::Result(value) => {
                message.kind(3).field(value);
            }
            Self::Refused(refusal) => refusal.encode(message.kind(4)),
        }
        message.into_octets()
    }

    pub(super) fn decode(message: &[u8]) -> Option<Self> {
        let (kind, mut fields) = Fields::of(message)?;
        let answer = match kind {
            0 => Self::Done,
            1 => Self::Tokens(all(&mut fields, State::decode)?),
            2 => Self::Objects(all(&mut fields, Found::decode)?),
            3 => Self::Result(Zeroizing::new(fields.next()?.to_vec())),
            4 => Self::Refused(Refusal::decode(&mut fields)?),
            _ => return None,
        };
        fields.end()?;
        Some(answer)
    }
}

fn all<T>(fields: &mut Fields<'_>, decode: fn(&mut Fields<'_>) -> Option<T>) -> Option<Vec<T>> {
    let mut items = Vec::new();
    while !fields.is_empty() {
        items.push(decode(fields)?);
    }
    Some(items)
}

impl State {
    fn encode(&self, message: &mut Message) {
        let flags = [self.needs_pin, self.asks_itself, self.had_wrong_pin, self.is_last_try, self.is_locked];
        message.field(self.label.as_bytes()).field(self.serial.as_bytes()).field(&flags.map(u8::from));
    }

    fn decode(fields: &mut Fields<'_>) -> Option<Self> {
        let (label, serial) = (text(fields)?, text(fields)?);
        let flags: [u8; 5] = fields.array()?;
        if flags.iter().any(|flag| *flag > 1) {
            return None;
        }
        let [needs_pin, asks_itself, had_wrong_pin, is_last_try, is_locked] = flags.map(|flag| flag == 1);
        Some(Self { label, serial, needs_pin, asks_itself, had_wrong_pin, is_last_try, is_locked })
    }
}

impl Found {
    /// About how many octets it takes in an answer.
    pub(super) fn size(&self) -> usize {
        let octets = match &self.object {
            Object::Certificate(der) => der.len(),
            Object::RsaNumbers { modulus, exponent } => modulus.len().saturating_add(exponent.len()),
            Object::CurvePoint { parameters, point } => parameters.len().saturating_add(point.len()),
            Object::SecretKey => 0,
        };
        octets.saturating_add(self.id.len()).saturating_add(17)
    }

    fn encode(&self, message: &mut Message) {
        let (kind, first, second): (u8, &[u8], &[u8]) = match &self.object {
            Object::Certificate(der) => (0, der, &[]),
            Object::RsaNumbers { modulus, exponent } => (1, modulus, exponent),
            Object::CurvePoint { parameters, point } => (2, parameters, point),
            Object::SecretKey => (3, &[], &[]),
        };
        message.field(&[kind]).field(&self.id).field(first).field(second);
    }

    fn decode(fields: &mut Fields<'_>) -> Option<Self> {
        let [kind] = fields.array()?;
        let id = fields.next()?.to_vec();
        let (first, second) = (fields.next()?.to_vec(), fields.next()?.to_vec());
        let object = match (kind, first.is_empty(), second.is_empty()) {
            (0, _, true) => Object::Certificate(first),
            (1, ..) => Object::RsaNumbers { modulus: first, exponent: second },
            (2, ..) => Object::CurvePoint { parameters: first, point: second },
            (3, true, true) => Object::SecretKey,
            _ => return None,
        };
        Some(Self { id, object })
    }
}

impl Refusal {
    fn encode(&self, message: &mut Message) {
        let (kind, words) = match self {
            Self::Library(words) => (0, words.as_str()),
            Self::NoToken => (1, ""),
            Self::NoKey => (2, ""),
            Self::WrongPin => (3, ""),
            Self::PinLocked => (4, ""),
            Self::NoPin => (5, ""),
            Self::Unsuitable => (6, ""),
            Self::Failed(words) => (7, words.as_str()),
        };
        message.field(&[kind]).field(words.as_bytes());
    }

    fn decode(fields: &mut Fields<'_>) -> Option<Self> {
        let [kind] = fields.array()?;
        let words = text(fields)?;
        Some(match (kind, words.is_empty()) {
            (0, _) => Self::Library(words),
            (1, true) => Self::NoToken,
            (2, true) => Self::NoKey,
            (3, true) => Self::WrongPin,
            (4, true) => Self::PinLocked,
            (5, true) => Self::NoPin,
            (6, true) => Self::Unsuitable,
            (7, _) => Self::Failed(words),
            _ => return None,
        })
    }
}

fn text(fields: &mut Fields<'_>) -> Option<String> {
    let octets = fields.next()?;
    if octets.len() > TEXT_BYTES { None } else { String::from_utf8(octets.to_vec()).ok() }
}

/// What a library says, as a text that fits.
pub(super) fn short(words: &str) -> String {
    let mut short = String::new();
    for character in words.chars().filter(|character| !character.is_control()) {
        if short.len().saturating_add(character.len_utf8()) > TEXT_BYTES {
            break;
        }
        short.push(character);
    }
    short
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn requests() -> Vec<Request> {
        let serial = || "1f2e".to_owned();
        let (digest, mask_digest) = (DigestAlgorithm::Sha256, DigestAlgorithm::Sha1);
        let operations = [
            Operation::Rsa { number: vec![1; 256] },
            Operation::RsaOaep { digest, mask_digest, label: b"label".to_vec(), ciphertext: vec![2; 256] },
            Operation::SignPkcs1 { digest_info: vec![3; 51] },
            Operation::SignPss { digest, salt_length: 32, value: vec![4; 32] },
            Operation::Agree { peer: vec![5; 65] },
            Operation::Ecdsa { value: vec![6; 32] },
        ];
        let mut requests = vec![
            Request::Load { library: b"/usr/lib/library.so".to_vec() },
            Request::Tokens,
            Request::Objects { serial: serial() },
            Request::LogIn { serial: serial(), pin: None },
            Request::Generate {
                serial: serial(),
                id: vec![1; 8],
                label: "alice".into(),
                kind: NewKey::Rsa { bits: 3072 },
                signs: true,
            },
            Request::KeepCertificate {
                serial: serial(),
                id: vec![1; 8],
                certificate: NewCertificate {
                    label: "alice".into(),
                    subject: vec![0x30, 0],
                    der: vec![2; 700],
                },
            },
            Request::LogIn { serial: serial(), pin: Some(Zeroizing::new(b"1234".to_vec())) },
        ];
        let used = |operation| Request::Use { serial: serial(), id: vec![7], operation };
        requests.extend(operations.map(used));
        requests
    }

    #[test]
    fn what_is_asked_and_answered_goes_both_ways_and_not_when_cut_or_longer() {
        for request in requests() {
            let message = request.encode();
            for length in 0..message.len() {
                assert_eq!(Request::decode(&message[..length]), None);
            }
            assert_eq!(Request::decode(&[&message[..], &[0]].concat()), None);
            assert_eq!(Request::decode(&message), Some(request));
        }
        let state =
            State { label: "alice".into(), serial: "1".into(), is_last_try: true, ..State::default() };
        let found = [
            Object::Certificate(vec![1; 900]),
            Object::RsaNumbers { modulus: vec![2; 256], exponent: vec![1, 0, 1] },
            Object::CurvePoint { parameters: vec![6, 0], point: vec![4; 67] },
            Object::SecretKey,
        ];
        let found = found.map(|object| Found { id: vec![1, 2], object }).to_vec();
        let mut answers =
            vec![Answer::Done, Answer::Tokens(vec![state.clone(), state]), Answer::Objects(found)];
        answers.push(Answer::Result(Zeroizing::new(vec![1; 32])));
        answers.extend(
            [
                Refusal::Library("no".into()),
                Refusal::NoToken,
                Refusal::NoKey,
                Refusal::WrongPin,
                Refusal::PinLocked,
                Refusal::NoPin,
                Refusal::Unsuitable,
                Refusal::Failed("CKR_GENERAL_ERROR".into()),
            ]
            .map(Answer::Refused),
        );
        for answer in answers {
            assert_eq!(Answer::decode(&answer.encode()), Some(answer));
        }
    }

    #[test]
    fn what_a_library_says_is_cut_and_holds_no_control_characters() {
        assert_eq!(short("a\x1b[31m\nb"), "a[31mb");
        assert_eq!(short(&"é".repeat(300)).len(), TEXT_BYTES);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_a_message_or_none(octets in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(answer) = Answer::decode(&octets) {
                prop_assert_eq!(Answer::decode(&answer.encode()), Some(answer));
            }
            if let Some(request) = Request::decode(&octets) {
                prop_assert_eq!(Request::decode(&request.encode()), Some(request));
            }
        }
    }
}
