//! The library itself, in the process that may die of it.

use std::collections::BTreeMap;
use std::path::Path;

use counterseal_core::algorithm::DigestAlgorithm;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, CertificateType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;
use zeroize::Zeroizing;

use super::protocol::{Answer, Found, NewCertificate, NewKey, Object, Operation, Refusal, State, short};
use crate::frames::{MESSAGE_BYTES, Octets};

/// Objects of one kind that are looked at. Cards hold a handful.
const MOST_OBJECTS: usize = 256;

/// A library that was loaded and has begun.
pub(super) struct Library {
    context: Pkcs11,
    /// By serial number.
    sessions: BTreeMap<String, Session>,
}

impl Library {
    /// Loads a library. Whatever it does to this process, it does from here on.
    pub(super) fn load(path: &Path) -> Result<Self, Refusal> {
        let failed = |error: Error| Refusal::Library(words(&error));
        let context = Pkcs11::new(path).map_err(failed)?;
        context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).map_err(failed)?;
        Ok(Self { context, sessions: BTreeMap::new() })
    }

    /// Leaves the tokens as they were: whoever logged in is logged out.
    pub(super) fn end(self) {
        drop(self.sessions);
        // The process ends anyway.
        let _ = self.context.finalize();
    }

    /// The tokens that are there now.
    pub(super) fn tokens(&self) -> Result<Answer, Refusal> {
        Ok(Answer::Tokens(self.slots()?.into_iter().map(|(_, token)| state(&token)).collect()))
    }

    /// What can be seen on a token.
    pub(super) fn objects(&mut self, serial: &str) -> Result<Answer, Refusal> {
        let session = self.session(serial)?;
        let mut found = Vec::new();
        for class in [ObjectClass::CERTIFICATE, ObjectClass::PUBLIC_KEY, ObjectClass::PRIVATE_KEY] {
            let handles = session.find_objects(&[Attribute::Class(class)]).map_err(refusal)?;
            for handle in handles.into_iter().take(MOST_OBJECTS) {
                found.extend(look_at(session, class, handle));
            }
        }
        // What does not fit into an answer is no certificate of a person.
        let mut left = MESSAGE_BYTES / 2;
        found.retain(|found| {
            let fits = found.size() <= left;
            left -= if fits { found.size() } else { 0 };
            fits
        });
        Ok(Answer::Objects(found))
    }

    /// Gives the PIN to a token, once.
    pub(super) fn log_in(&mut self, serial: &str, pin: Option<&Octets>) -> Result<Answer, Refusal> {
        let session = self.session(serial)?;
        let pin = match pin.map(|pin| std::str::from_utf8(pin)) {
            Some(Ok(pin)) => Some(AuthPin::from(pin.to_owned())),
            Some(Err(_)) => return Err(Refusal::WrongPin),
            None => None,
        };
        match session.login(UserType::User, pin.as_ref()) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(Answer::Done),
            Err(error) => Err(refusal(error)),
        }
    }

    /// One operation with a secret key.
    pub(super) fn use_key(
        &mut self,
        serial: &str,
        id: &[u8],
        operation: &Operation,
    ) -> Result<Answer, Refusal> {
        let session = self.session(serial)?;
        let template = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Id(id.to_vec())];
        let keys = session.find_objects(&template).map_err(refusal)?;
        let key = *keys.first().ok_or(Refusal::NoKey)?;
        operate(session, key, operation).map(|value| Answer::Result(Zeroizing::new(value)))
    }

    /// Makes a key that never leaves the token, for signing alone or for opening mail alone.
    pub(super) fn generate(
        &mut self,
        serial: &str,
        (id, label): (&[u8], &str),
        kind: NewKey,
        signs: bool,
    ) -> Result<Answer, Refusal> {
        let session = self.writing_session(serial)?;
        let named = |private| {
            [
                Attribute::Token(true),
                Attribute::Private(private),
                Attribute::Id(id.to_vec()),
                Attribute::Label(label.as_bytes().to_vec()),
            ]
        };
        let mut public = named(false).to_vec();
        let mut secret = named(true).to_vec();
        secret.extend([Attribute::Sensitive(true), Attribute::Extractable(false)]);
        let mechanism = match kind {
            NewKey::Rsa { bits } => {
                public.push(Attribute::ModulusBits(u64::from(bits).into()));
                public.push(Attribute::PublicExponent(vec![1, 0, 1]));
                secret.push(if signs { Attribute::Sign(true) } else { Attribute::Decrypt(true) });
                Mechanism::RsaPkcsKeyPairGen
            }
            NewKey::P256 | NewKey::P384 | NewKey::P521 => {
                public.push(Attribute::EcParams(curve(kind).to_vec()));
                secret.push(if signs { Attribute::Sign(true) } else { Attribute::Derive(true) });
                Mechanism::EccKeyPairGen
            }
        };
        let (made, _) = session.generate_key_pair(&mechanism, &public, &secret).map_err(refusal)?;
        let object = numbers(&session, made).ok_or(Refusal::Unsuitable)?;
        Ok(Answer::Objects(vec![Found { id: id.to_vec(), object }]))
    }

    /// Keeps a certificate beside its key, for other programs.
    pub(super) fn keep_certificate(
        &mut self,
        serial: &str,
        id: &[u8],
        certificate: &NewCertificate,
    ) -> Result<Answer, Refusal> {
        let session = self.writing_session(serial)?;
        let template = [
            Attribute::Class(ObjectClass::CERTIFICATE),
            Attribute::CertificateType(CertificateType::X_509),
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::Id(id.to_vec()),
            Attribute::Label(certificate.label.as_bytes().to_vec()),
            Attribute::Subject(certificate.subject.clone()),
            Attribute::Value(certificate.der.clone()),
        ];
        session.create_object(&template).map(|_| Answer::Done).map_err(refusal)
    }

    /// A session that may change the token. Who logged in in another one is logged in here.
    fn writing_session(&self, serial: &str) -> Result<Session, Refusal> {
        self.context.open_rw_session(self.slot(serial)?).map_err(refusal)
    }

    fn slot(&self, serial: &str) -> Result<Slot, Refusal> {
        let slots = self.slots()?;
        let found = slots.iter().find(|(_, token)| short(token.serial_number()) == serial);
        found.map(|(slot, _)| *slot).ok_or(Refusal::NoToken)
    }

    fn slots(&self) -> Result<Vec<(Slot, TokenInfo)>, Refusal> {
        let slots = self.context.get_slots_with_initialized_token().map_err(refusal)?;
        let token = |slot: Slot| Some((slot, self.context.get_token_info(slot).ok()?));
        Ok(slots.into_iter().filter_map(token).collect())
    }

    fn session(&mut self, serial: &str) -> Result<&Session, Refusal> {
        if !self.sessions.contains_key(serial) {
            let session = self.context.open_ro_session(self.slot(serial)?).map_err(refusal)?;
            self.sessions.insert(serial.to_owned(), session);
        }
        self.sessions.get(serial).ok_or(Refusal::NoToken)
    }
}

fn state(token: &TokenInfo) -> State {
    State {
        label: short(token.label()),
        serial: short(token.serial_number()),
        needs_pin: token.login_required(),
        asks_itself: token.protected_authentication_path(),
        had_wrong_pin: token.user_pin_count_low(),
        is_last_try: token.user_pin_final_try(),
        is_locked: token.user_pin_locked(),
    }
}

/// What an object is; nothing for what cannot be used.
fn look_at(session: &Session, class: ObjectClass, handle: ObjectHandle) -> Vec<Found> {
    let id = octets(session, handle, AttributeType::Id).unwrap_or_default();
    let found = |object| Found { id: id.clone(), object };
    match class {
        ObjectClass::CERTIFICATE => {
            certificate(session, handle).map(Object::Certificate).map(found).into_iter().collect()
        }
        ObjectClass::PUBLIC_KEY => numbers(session, handle).map(found).into_iter().collect(),
        _ => {
            // A secret RSA key has its public numbers with it; a card that holds no public keys has those.
            let public = numbers(session, handle).map(found);
            std::iter::once(found(Object::SecretKey)).chain(public).collect()
        }
    }
}

fn certificate(session: &Session, handle: ObjectHandle) -> Option<Vec<u8>> {
    let attributes = session.get_attributes(handle, &[AttributeType::CertificateType]).ok()?;
    let is_x509 = attributes.contains(&Attribute::CertificateType(CertificateType::X_509));
    octets(session, handle, AttributeType::Value).filter(|_| is_x509)
}

fn numbers(session: &Session, handle: ObjectHandle) -> Option<Object> {
    let octets = |kind| octets(session, handle, kind);
    match session.get_attributes(handle, &[AttributeType::KeyType]).ok()?.first()? {
        Attribute::KeyType(KeyType::RSA) => Some(Object::RsaNumbers {
            modulus: octets(AttributeType::Modulus)?,
            exponent: octets(AttributeType::PublicExponent)?,
        }),
        Attribute::KeyType(KeyType::EC) => Some(Object::CurvePoint {
            parameters: octets(AttributeType::EcParams)?,
            point: octets(AttributeType::EcPoint)?,
        }),
        _ => None,
    }
}

/// An attribute that is a string of octets, where the object has it and shows it.
fn octets(session: &Session, handle: ObjectHandle, kind: AttributeType) -> Option<Vec<u8>> {
    match session.get_attributes(handle, &[kind]).ok()?.into_iter().next()? {
        Attribute::Id(octets)
        | Attribute::Value(octets)
        | Attribute::Modulus(octets)
        | Attribute::PublicExponent(octets)
        | Attribute::EcParams(octets)
        | Attribute::EcPoint(octets) => Some(octets).filter(|octets| !octets.is_empty()),
        _ => None,
    }
}

fn operate(session: &Session, key: ObjectHandle, operation: &Operation) -> Result<Vec<u8>, Refusal> {
    match operation {
        Operation::Rsa { number } => session.decrypt(&Mechanism::RsaX509, key, number).map_err(refusal),
        Operation::RsaOaep { digest, mask_digest, label, ciphertext } => {
            let source = match label.as_slice() {
                [] => PkcsOaepSource::empty(),
                label => PkcsOaepSource::data_specified(label),
            };
            let parameters = PkcsOaepParams::new(hash(*digest)?.0, hash(*mask_digest)?.1, source);
            session.decrypt(&Mechanism::RsaPkcsOaep(parameters), key, ciphertext).map_err(refusal)
        }
        Operation::SignPkcs1 { digest_info } => {
            session.sign(&Mechanism::RsaPkcs, key, digest_info).map_err(refusal)
        }
        Operation::SignPss { digest, salt_length, value } => {
            let (hash_alg, mgf) = hash(*digest)?;
            let parameters = PkcsPssParams { hash_alg, mgf, s_len: u64::from(*salt_length).into() };
            session.sign(&Mechanism::RsaPkcsPss(parameters), key, value).map_err(refusal)
        }
        Operation::Agree { peer } => agree(session, key, peer),
        Operation::Ecdsa { value } => session.sign(&Mechanism::Ecdsa, key, value).map_err(refusal),
    }
}

/// The shared secret is a key of its own on the token, which we are allowed to read.
fn agree(session: &Session, key: ObjectHandle, peer: &[u8]) -> Result<Vec<u8>, Refusal> {
    // An uncompressed point: one octet, and two coordinates.
    let field = peer.len() / 2;
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::Token(false),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
        Attribute::ValueLen(u64::try_from(field).map_err(|_| Refusal::Unsuitable)?.into()),
    ];
    let mechanism = Mechanism::Ecdh1Derive(Ecdh1DeriveParams::new(EcKdf::null(), peer));
    let secret = session.derive_key(&mechanism, key, &template).map_err(refusal)?;
    let value = octets(session, secret, AttributeType::Value);
    // A session's object ends with the session anyway.
    let _ = session.destroy_object(secret);
    value.ok_or(Refusal::Unsuitable)
}

/// CKA_EC_PARAMS: the DER of a curve's object identifier (RFC 5480, section 2.1.1.1).
const fn curve(kind: NewKey) -> &'static [u8] {
    match kind {
        NewKey::P384 => &[6, 5, 0x2b, 0x81, 4, 0, 0x22],
        NewKey::P521 => &[6, 5, 0x2b, 0x81, 4, 0, 0x23],
        NewKey::P256 | NewKey::Rsa { .. } => &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
    }
}

fn hash(digest: DigestAlgorithm) -> Result<(MechanismType, PkcsMgfType), Refusal> {
    Ok(match digest {
        DigestAlgorithm::Sha1 => (MechanismType::SHA1, PkcsMgfType::MGF1_SHA1),
        DigestAlgorithm::Sha224 => (MechanismType::SHA224, PkcsMgfType::MGF1_SHA224),
        DigestAlgorithm::Sha256 => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
        DigestAlgorithm::Sha384 => (MechanismType::SHA384, PkcsMgfType::MGF1_SHA384),
        DigestAlgorithm::Sha512 => (MechanismType::SHA512, PkcsMgfType::MGF1_SHA512),
        _ => return Err(Refusal::Unsuitable),
    })
}

fn refusal(error: Error) -> Refusal {
    let Error::Pkcs11(value, _) = error else { return Refusal::Failed(words(&error)) };
    match value {
        RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange => Refusal::WrongPin,
        RvError::PinLocked => Refusal::PinLocked,
        RvError::UserNotLoggedIn => Refusal::NoPin,
        RvError::TokenNotPresent
        | RvError::TokenNotRecognized
        | RvError::DeviceRemoved
        | RvError::SlotIdInvalid
        | RvError::SessionHandleInvalid
        | RvError::SessionClosed => Refusal::NoToken,
        RvError::MechanismInvalid
        | RvError::MechanismParamInvalid
        | RvError::KeyFunctionNotPermitted
        | RvError::KeyTypeInconsistent
        | RvError::KeySizeRange
        | RvError::FunctionNotSupported
        | RvError::ArgumentsBad => Refusal::Unsuitable,
        _ => Refusal::Failed(words(&error)),
    }
}

fn words(error: &Error) -> String {
    short(&error.to_string())
}
