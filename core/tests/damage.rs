//! A mail that is damaged on the way never passes for another good one: every bit is turned once,
//! and every place is the end once.
//!
//! The mails are good twins of the attack suite (`testdata/forged`), so each run also shows that
//! they are good.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Cursor;
use std::path::PathBuf;

use base64ct::{Base64, Encoding};
use counterseal_core::keys::Keyring;
use counterseal_core::message::{Context, ReadError, ReadOptions, Status, Verdict, decrypt, verify};
use counterseal_core::ports::{MemorySpools, Random};
use counterseal_core::time::Time;
use counterseal_core::trust::{Anchor, Knowledge};
use counterseal_core::x509::{Certificate, SecretKey, pem};

/// 2026-11-21 12:00 UTC.
const AT: Time = Time::from_unix_seconds(1_795_262_400);
/// Bits that may be turned without harm: versions and other fields that a reader need not look at.
/// Whatever they are, what is read is the same.
const HARMLESS_BITS: usize = 400;

struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

fn file(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testdata/forged");
    std::fs::read(folder.join(name)).unwrap()
}

fn certificate(name: &str) -> Certificate {
    let blocks = pem::blocks(&file(name));
    let (_, der) = blocks.first().unwrap();
    Certificate::from_der(der.expose()).unwrap()
}

/// A mail whose body is one CMS object.
struct Mail {
    headers: String,
    object: Vec<u8>,
}

impl Mail {
    fn read(name: &str) -> Self {
        let mail = String::from_utf8(file(name)).unwrap();
        let (headers, body) = mail.split_once("\r\n\r\n").unwrap();
        let body: String = body.split_whitespace().collect();
        Self { headers: format!("{headers}\r\n\r\n"), object: Base64::decode_vec(&body).unwrap() }
    }

    fn with(&self, object: &[u8]) -> Vec<u8> {
        let body = Base64::encode_string(object);
        let lines = body.as_bytes().chunks(76).flat_map(|line| [line, b"\r\n"].concat());
        self.headers.bytes().chain(lines).collect()
    }

    /// Every object that differs in one bit.
    fn with_one_bit_turned(&self) -> impl Iterator<Item = Vec<u8>> {
        (0..self.object.len() * 8).map(|bit| {
            let mut object = self.object.clone();
            *object.get_mut(bit / 8).unwrap() ^= 1 << (bit % 8);
            self.with(&object)
        })
    }

    /// Every beginning of the object.
    fn cut(&self) -> impl Iterator<Item = Vec<u8>> {
        (0..self.object.len()).map(|length| self.with(self.object.get(..length).unwrap()))
    }
}

/// What is read, with the verdict; nothing where it is refused.
type Read = Result<(Vec<u8>, Status), ReadError>;

fn read(is_sealed: bool, keys: &Keyring, knowledge: &Knowledge, mail: &[u8]) -> Read {
    let context = Context { keys, knowledge, at: AT, spools: &MemorySpools };
    let verb = if is_sealed { decrypt } else { verify };
    let mut output = Vec::new();
    let options = ReadOptions::default();
    let readable = verb(&mut Cursor::new(mail), &context, &mut SystemRandom, &options, &mut output)?;
    Ok((output, readable.status))
}

#[test]
fn no_damage_of_a_signed_mail_leaves_it_verified_with_another_text() {
    let anchor = Anchor::own(certificate("people/root.pem"), None);
    let knowledge = Knowledge { anchors: vec![anchor], ..Knowledge::default() };
    let keys = Keyring::new();
    let mail = Mail::read("signed/good-opaque.eml");
    let verified = |bytes: &[u8]| {
        read(false, &keys, &knowledge, bytes)
            .ok()
            .filter(|(_, status)| status.verdict == Verdict::Verified)
            .map(|(text, _)| text)
    };
    let text = verified(&mail.with(&mail.object)).unwrap();
    let passed: Vec<Vec<u8>> = mail.with_one_bit_turned().filter_map(|damaged| verified(&damaged)).collect();
    assert!(passed.iter().all(|other| *other == text));
    assert!(passed.len() < HARMLESS_BITS, "{} bits do not matter", passed.len());
    assert_eq!(mail.cut().filter_map(|damaged| verified(&damaged)).count(), 0);
}

#[test]
fn no_damage_of_a_sealed_mail_opens_to_another_text() {
    let mut keys = Keyring::new();
    keys.add_key(SecretKey::from_any(&file("people/bob-p256.key"), None).unwrap());
    keys.add_certificate(certificate("people/bob-p256.pem"));
    let mail = Mail::read("decrypt/good-p256.eml");
    let opened = |bytes: &[u8]| read(true, &keys, &Knowledge::default(), bytes).ok().map(|(text, _)| text);
    let text = opened(&mail.with(&mail.object)).unwrap();
    let passed: Vec<Vec<u8>> = mail.with_one_bit_turned().filter_map(|damaged| opened(&damaged)).collect();
    assert!(passed.iter().all(|other| *other == text));
    assert_eq!(mail.cut().filter_map(|damaged| opened(&damaged)).count(), 0);
}
