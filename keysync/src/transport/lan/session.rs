//! Both sides prove that they hold the box, then talk in sealed frames.
//!
//! ```text
//! asks      "KSL1" nonce[32]
//! answers   nonce[32]
//! asks      HMAC(key, "asks" nonces)
//! answers   HMAC(key, "answers" nonces), or 32 random bytes to whom it does not know
//! both      u32 length, ChaCha20-Poly1305(key of this direction and these nonces, counter)
//! ```
//!
//! Neither proof helps to make another, and nobody learns which box it is. Objects are sealed by whoever made them;
//! the frames keep names and sizes from listeners and others' hands from the box.

use std::net::TcpStream;
use std::time::Duration;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use counterseal_core::secret::SecretBytes;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::super::{ObjectBox, TransportError};
use super::stream::TimedStream;
use super::wire::{Answer, Request};
use crate::limits;

const MAGIC: &[u8; 4] = b"KSL1";
const PROOF: usize = 32;
const TAG: usize = 16;

/// What follows from a box for these sessions.
#[derive(Clone)]
pub(super) struct Keys(SecretBytes);

impl Keys {
    pub(super) fn of(target: &ObjectBox) -> Self {
        let capabilities = [target.read_capability(), target.write_capability(), target.admin_capability()];
        let secret =
            SecretBytes::new(capabilities.iter().flat_map(|part| part.expose().iter().copied()).collect());
        Self(expanded(&secret, None, "lan"))
    }

    fn proof(&self, side: Side, nonces: &[u8]) -> [u8; PROOF] {
        let word: &[u8] = match side {
            Side::Asks => b"asks",
            Side::Answers => b"answers",
        };
        // Every length of key is one.
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(self.0.expose()) else { return [0; PROOF] };
        mac.chain_update(word).chain_update(nonces).finalize().into_bytes().into()
    }

    fn cipher(&self, side: Side, nonces: &[u8]) -> ChaCha20Poly1305 {
        let purpose = match side {
            Side::Asks => "lan asks",
            Side::Answers => "lan answers",
        };
        let key = expanded(&self.0, Some(nonces), purpose);
        let key: [u8; 32] = key.expose().try_into().unwrap_or_default();
        ChaCha20Poly1305::new(&Key::from(key))
    }
}

fn expanded(secret: &SecretBytes, salt: Option<&[u8]>, purpose: &str) -> SecretBytes {
    let mut bytes = vec![0; 32];
    let info = format!("counterseal-keysync/1 {purpose}");
    // The only error is an output above 8160 bytes.
    let _ = Hkdf::<Sha256>::new(salt, secret.expose()).expand(info.as_bytes(), &mut bytes);
    SecretBytes::new(bytes)
}

/// Which of the two somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// Connected, and works on the other's box.
    Asks,
    /// Listens, and has the box.
    Answers,
}

/// A connection to a device that holds the same box.
pub(super) struct Session {
    stream: TimedStream,
    sending: Direction,
    receiving: Direction,
    frame_bytes: usize,
}

struct Direction {
    cipher: ChaCha20Poly1305,
    counter: u64,
}

impl Direction {
    const fn new(cipher: ChaCha20Poly1305) -> Self {
        Self { cipher, counter: 0 }
    }

    /// Each frame has its number; none comes twice, or in another's place.
    fn nonce(&mut self) -> Nonce {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&self.counter.to_be_bytes());
        self.counter = self.counter.wrapping_add(1);
        Nonce::from(nonce)
    }
}

impl Session {
    /// Proves on a new connection that this side holds the box, and asks the other side to.
    ///
    /// # Errors
    /// [`TransportError::Absent`] where the other side does not hold it; [`TransportError::Unreachable`].
    pub(super) fn ask_for(
        stream: TcpStream,
        keys: &Keys,
        frame_bytes: usize,
    ) -> Result<Self, TransportError> {
        let mut stream = TimedStream::new(stream)?;
        let nonces = ask_to_begin(&mut stream, keys, &random()?)?;
        let [sending, receiving] = directions(keys, &nonces);
        Ok(Self { stream, sending, receiving, frame_bytes })
    }

    /// Lets the other side prove which of these boxes it holds, and proves the same; the number of the box, from 0.
    ///
    /// # Errors
    /// As [`Session::ask_for`].
    pub(super) fn answer_for(
        stream: TcpStream,
        offered: &[Keys],
        frame_bytes: usize,
    ) -> Result<(usize, Self), TransportError> {
        let mut stream = TimedStream::new(stream)?;
        let (number, nonces) = let_begin(&mut stream, offered, &random()?)?;
        let keys = offered.get(number).ok_or(TransportError::Absent)?;
        let [receiving, sending] = directions(keys, &nonces);
        Ok((number, Self { stream, sending, receiving, frame_bytes }))
    }

    /// Asks, and reads the answer.
    pub(super) fn ask(&mut self, request: &Request, patience: Duration) -> Result<Answer, TransportError> {
        self.send(&request.write())?;
        let answer = self.receive(patience)?;
        Answer::read(&answer).ok_or_else(|| TransportError::Forged("an answer that nobody gives".into()))
    }

    /// Reads what the other side asks, and answers, until it has nothing to ask for a while.
    pub(super) fn serve(&mut self, mut answer: impl FnMut(Request) -> Answer) -> Result<(), TransportError> {
        loop {
            let request = self.receive(limits::LAN_IDLE)?;
            let request = Request::read(&request)
                .ok_or_else(|| TransportError::Forged("a request that nobody makes".into()))?;
            self.send(&answer(request).write())?;
        }
    }

    fn send(&mut self, message: &[u8]) -> Result<(), TransportError> {
        super::super::fits(message.len() as u64, self.frame_bytes - TAG)?;
        let length = u32::try_from(message.len() + TAG).unwrap_or(u32::MAX).to_be_bytes();
        let nonce = self.sending.nonce();
        let sealed = self
            .sending
            .cipher
            .encrypt(&nonce, Payload { msg: message, aad: &length })
            .map_err(|_| TransportError::Io("a frame was not sealed".into()))?;
        self.stream.write(&[&length, sealed.as_slice()].concat(), limits::LAN_ANSWER)
    }

    /// The first byte may take as long as the other side may wait; the rest comes in time.
    fn receive(&mut self, patience: Duration) -> Result<Vec<u8>, TransportError> {
        let length = self.stream.read(4, patience)?;
        let length: [u8; 4] = length.try_into().unwrap_or_default();
        let bytes = u32::from_be_bytes(length);
        super::super::fits(bytes.into(), self.frame_bytes)?;
        let sealed = self.stream.read(bytes as usize, limits::LAN_ANSWER)?;
        let nonce = self.receiving.nonce();
        self.receiving
            .cipher
            .decrypt(&nonce, Payload { msg: &sealed, aad: &length })
            .map_err(|_| TransportError::Forged("a frame was changed on its way".into()))
    }
}

fn ask_to_begin(stream: &mut TimedStream, keys: &Keys, own: &[u8; 32]) -> Result<Vec<u8>, TransportError> {
    stream.write(&[MAGIC.as_slice(), own].concat(), limits::LAN_HANDSHAKE)?;
    let theirs = stream.read(32, limits::LAN_HANDSHAKE)?;
    let nonces = [own.as_slice(), &theirs].concat();
    stream.write(&keys.proof(Side::Asks, &nonces), limits::LAN_HANDSHAKE)?;
    let proof = stream.read(PROOF, limits::LAN_HANDSHAKE)?;
    if bool::from(proof.ct_eq(&keys.proof(Side::Answers, &nonces))) {
        Ok(nonces)
    } else {
        Err(TransportError::Absent)
    }
}

fn let_begin(
    stream: &mut TimedStream,
    offered: &[Keys],
    own: &[u8; 32],
) -> Result<(usize, Vec<u8>), TransportError> {
    let hello = stream.read(MAGIC.len() + 32, limits::LAN_HANDSHAKE)?;
    let theirs = hello.strip_prefix(MAGIC).ok_or(TransportError::Absent)?;
    let nonces = [theirs, own].concat();
    stream.write(own, limits::LAN_HANDSHAKE)?;
    let proof = stream.read(PROOF, limits::LAN_HANDSHAKE)?;
    let is_proven = |keys: &Keys| bool::from(proof.ct_eq(&keys.proof(Side::Asks, &nonces)));
    // Every one is tried, so that nobody learns which one it was.
    let proven = offered.iter().map(is_proven).collect::<Vec<_>>().iter().position(|is_proven| *is_proven);
    if let Some((number, keys)) = proven.and_then(|number| Some((number, offered.get(number)?))) {
        stream.write(&keys.proof(Side::Answers, &nonces), limits::LAN_HANDSHAKE)?;
        return Ok((number, nonces));
    }
    // Who holds another box sees what a listener of no box of his would send.
    stream.write(&random::<PROOF>()?, limits::LAN_HANDSHAKE)?;
    Err(TransportError::Absent)
}

/// From who asks, and from who answers.
fn directions(keys: &Keys, nonces: &[u8]) -> [Direction; 2] {
    [Side::Asks, Side::Answers].map(|side| Direction::new(keys.cipher(side, nonces)))
}

pub(super) fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], TransportError> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).map_err(|error| TransportError::Io(error.to_string()))?;
    Ok(bytes)
}
