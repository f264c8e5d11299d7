//! What both sides share after three messages, and the one guard before every later one.

use counterseal_core::ports::Random;
use counterseal_core::secret::SecretBytes;
use der::Decode as _;
use der::asn1::Null;

use super::gate::Side;
use super::identity::Peer;
use super::messages::{Content, Message, Sealed, array, octets, to_der};
use crate::channel::{self, ChannelError};
use crate::sas::{self, CheckCode};
use crate::words::Words;

/// The name of a box.
pub type BoxId = [u8; 16];

/// What an object belongs to: a box, an offer, and the hello that answered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bound {
    pub(super) place: BoxId,
    pub(super) offer: [u8; 32],
    pub(super) hello: Option<[u8; 32]>,
}

/// An object that is none of ours. It changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stray;

/// The guard of every transition: same box, same offer, same hello. That it is the same peer, too, follows from the
/// keys, which the certificates of both sides are mixed into.
pub(super) fn guard(expected: &Bound, found: &Bound) -> Result<(), Stray> {
    if expected == found { Ok(()) } else { Err(Stray) }
}

/// The channel of one run between two certificates.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) bound: Bound,
    pub(super) key: SecretBytes,
    pub(super) check: SecretBytes,
    pub(super) peer: Peer,
    pub(super) side: Side,
}

/// What a session is derived from.
pub(super) struct Transcript<'a> {
    pub(super) bound: Bound,
    pub(super) root: &'a SecretBytes,
    /// H(m3).
    pub(super) answer: [u8; 32],
    /// Hash of D's certificate, and of S's.
    pub(super) certificates: [[u8; 32]; 2],
    pub(super) nonce_d: &'a [u8; 32],
}

impl Session {
    pub(super) fn new(transcript: &Transcript<'_>, peer: Peer, side: Side) -> Self {
        let Transcript { bound, root, answer, certificates: [certificate_d, certificate_s], nonce_d } =
            transcript;
        let hello = bound.hello.unwrap_or_default();
        let parts: [&[u8]; 6] = [&bound.place, &bound.offer, &hello, answer, certificate_d, certificate_s];
        Self {
            bound: *bound,
            key: channel::expand(root, "session", &parts),
            // Without m3: the displaying side could try signatures until two checks are alike.
            check: channel::expand(root, "check", &[&bound.offer, &hello, nonce_d.as_slice()]),
            peer,
            side,
        }
    }

    /// What a proof is bound to.
    pub(super) fn id(&self) -> [u8; 32] {
        channel::hash(channel::expand(&self.key, "id", &[]).expose())
    }

    pub(super) fn code(&self) -> CheckCode {
        CheckCode::of(&self.check)
    }

    pub(super) fn words(&self) -> Words {
        sas::compared_words(&self.check)
    }

    /// An object for the other side.
    pub(super) fn seal(&self, content: &Content, random: &mut dyn Random) -> Result<Vec<u8>, ChannelError> {
        let plaintext = SecretBytes::new(to_der(content));
        let secret = self.direction(self.side);
        let ciphertext = channel::seal_response(&secret, &[], &[], plaintext.expose(), random)?;
        let (offer, hello) = (octets(&self.bound.offer), octets(&self.bound.hello.unwrap_or_default()));
        Ok(to_der(&Message::Sealed(Sealed { offer, hello, ciphertext: octets(&ciphertext) })))
    }

    /// What the other side sent.
    pub(super) fn open(&self, place: &BoxId, sealed: &Sealed) -> Result<Content, Stray> {
        let found = Bound { place: *place, offer: array(&sealed.offer), hello: Some(array(&sealed.hello)) };
        guard(&self.bound, &found)?;
        let from = match self.side {
            Side::Displays => Side::Scans,
            Side::Scans => Side::Displays,
        };
        let secret = self.direction(from);
        let plaintext = channel::open_response(&secret, &[], &[], sealed.ciphertext.as_bytes());
        Content::from_der(plaintext.map_err(|_| Stray)?.expose()).map_err(|_| Stray)
    }

    fn direction(&self, from: Side) -> SecretBytes {
        let label = match from {
            Side::Displays => "d2s",
            Side::Scans => "s2d",
        };
        channel::expand(&self.key, label, &[])
    }
}

/// What says that S took in the answer.
pub(super) const SEEN: Content = Content::Seen(Null);
