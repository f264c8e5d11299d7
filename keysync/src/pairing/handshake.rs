//! The three messages: what each is made of, and what must hold before it is believed.

use counterseal_core::ports::{KeyError, Random};
use counterseal_core::secret::SecretBytes;
use der::Decode as _;

use super::gate::Side;
use super::identity::{self, Peer, Statement};
use super::messages::{
    HelloD, HelloS, Identity, Introduction, Message, Offer, SUITE, VERSION, array, octets, to_der,
};
use super::session::{Bound, BoxId, Session, Transcript, guard};
use super::{Method, Ports};
use crate::channel::{
    self, Binding, ChannelError, Cpace, CpaceWaiting, EphemeralKey, ExchangeContext, PasswordExchange as _,
    SharedSecret,
};
use crate::code::Intent;

/// Why a message is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disbelief {
    /// It does not open, or cannot be read, or is not ours: perhaps from a stranger.
    Stray,
    /// Who holds the key of the channel sent it, and yet it is wrong.
    Wrong,
    /// Our own key did not sign.
    Key(KeyError),
}

impl From<ChannelError> for Disbelief {
    fn from(_: ChannelError) -> Self {
        Self::Stray
    }
}

/// What both sides know when the handshake begins.
#[derive(Clone, Debug)]
pub(super) enum Known {
    /// Secret of the code.
    Code(SecretBytes),
    /// The password.
    Password(SecretBytes),
    Nothing,
}

/// An offer of ours that stands.
#[derive(Debug)]
pub(super) struct OpenOffer {
    pub(super) bound: Bound,
    pub(super) key: EphemeralKey,
    pub(super) nonce: [u8; 32],
    pub(super) known: Known,
    pub(super) waiting: Option<CpaceWaiting>,
    pub(super) object: Vec<u8>,
}

/// What an offer says beside its keys.
pub(super) struct OfferTerms<'a> {
    pub(super) intent: Intent,
    pub(super) method: Method,
    /// Where it goes; nothing for a code, whose box follows from the offer's secret.
    pub(super) place: BoxId,
    pub(super) known: Known,
    pub(super) name: Option<&'a str>,
    pub(super) identity: &'a Identity,
}

/// m1.
pub(super) fn offer(terms: OfferTerms<'_>, random: &mut dyn Random) -> Result<OpenOffer, Disbelief> {
    let key = EphemeralKey::generate(random);
    let mut nonce = [0; 32];
    random.fill(&mut nonce);
    let mut offer = Offer {
        version: VERSION,
        suite: SUITE,
        intent: terms.intent.number(),
        method: terms.method.number(),
        public_key: octets(key.public()),
        commitment: octets(&commitment(&nonce, terms.identity)),
        share: None,
        name: terms.name.map(str::to_owned),
    };
    let waiting = match &terms.known {
        Known::Password(password) => {
            let (share, waiting) =
                with_context(&offer, &terms.place, |context| Cpace::begin(password, context, random))?;
            offer.share = Some(octets(&share));
            Some(waiting)
        }
        Known::Code(_) | Known::Nothing => None,
    };
    let object = to_der(&Message::Offer(offer));
    let bound = Bound { place: terms.place, offer: channel::hash(&object), hello: None };
    Ok(OpenOffer { bound, key, nonce, known: terms.known, waiting, object })
}

/// What D binds itself to before it sees anything of S: a nonce, and who it is.
pub(super) fn commitment(nonce: &[u8; 32], identity: &Identity) -> [u8; 32] {
    let derived =
        channel::expand(&SecretBytes::copy_of(nonce), "commitment", &[&channel::hash(&to_der(identity))]);
    derived.expose().first_chunk().copied().unwrap_or_default()
}

/// The password exchange is bound to the box, the intent and the offer.
fn with_context<T>(offer: &Offer, place: &BoxId, run: impl FnOnce(&ExchangeContext<'_>) -> T) -> T {
    let without_share = channel::hash(&to_der(&Offer { share: None, ..offer.clone() }));
    let channel = [b"counterseal-keysync/1".as_slice(), &[offer.intent]].concat();
    run(&ExchangeContext { session: place, channel: &channel, initiator: &without_share })
}

/// The strong secret of a password exchange.
fn from_exchange(secret: &SecretBytes) -> SharedSecret {
    let hashed = SecretBytes::copy_of(&channel::hash(secret.expose()));
    SharedSecret::Known(channel::expand(&hashed, "psk", &[]), "words")
}

fn from_code(secret: &SecretBytes) -> SharedSecret {
    SharedSecret::Known(channel::expand(secret, "psk", &[]), "code")
}

/// A hello of ours that waits for its answer.
#[derive(Debug)]
pub(super) struct SentHello {
    pub(super) bound: Bound,
    pub(super) root: SecretBytes,
    pub(super) commitment: [u8; 32],
    pub(super) intent: Intent,
    pub(super) certificate: [u8; 32],
    pub(super) object: Vec<u8>,
}

/// m2, as the answer to `offer`, which travelled as `bytes`.
pub(super) fn hello(
    offer: &Offer,
    bytes: &[u8],
    place: BoxId,
    known: &Known,
    identity: &Identity,
    ports: &mut Ports<'_>,
) -> Result<SentHello, Disbelief> {
    let intent = Intent::of(offer.intent).ok_or(Disbelief::Stray)?;
    let h1 = channel::hash(bytes);
    let (share, shared) = match known {
        Known::Code(secret) => (None, from_code(secret)),
        Known::Nothing => (None, SharedSecret::Nothing),
        Known::Password(password) => {
            let theirs = offer.share.as_ref().ok_or(Disbelief::Stray)?;
            let (share, secret) = with_context(offer, &place, |context| {
                Cpace::answer(password, context, theirs.as_bytes(), ports.random)
            })?;
            (Some(share), from_exchange(&secret))
        }
    };
    let mut nonce = [0; 32];
    ports.random.fill(&mut nonce);
    let binding = Binding { offer: &h1, place: &place };
    let share_hash = channel::hash(share.as_deref().unwrap_or_default());
    let signer = ports.signer;
    let sent = channel::hello(offer.public_key.as_bytes(), &shared, &binding, ports.random, |enc| {
        let enc_hash = channel::hash(enc);
        let statement =
            Statement { message: "m2", intent: offer.intent, parts: &[&h1, &enc_hash, &share_hash] };
        let introduction =
            identity::introduce(identity.clone(), &nonce, &statement, signer).map_err(Disbelief::Key)?;
        Ok::<_, Disbelief>(SecretBytes::new(to_der(&introduction)))
    })?;
    let object = to_der(&Message::HelloS(HelloS {
        offer: octets(&h1),
        enc: octets(&sent.encapsulated),
        share: share.as_deref().map(octets),
        sealed: octets(&sent.sealed),
    }));
    Ok(SentHello {
        bound: Bound { place, offer: h1, hello: Some(channel::hash(&object)) },
        root: sent.root,
        commitment: array(&offer.commitment),
        intent,
        certificate: own_certificate(identity),
        object,
    })
}

fn own_certificate(identity: &Identity) -> [u8; 32] {
    identity.certificates.first().map_or([0; 32], |der| channel::hash(der.as_bytes()))
}

/// Who answered an offer of ours, and what the answer's key follows from.
pub(super) struct OpenedHello {
    pub(super) peer: Peer,
    root: SecretBytes,
    bound: Bound,
    intent: u8,
    nonce_d: [u8; 32],
}

/// Opens m2, which travelled as `bytes`. The password exchange of the offer is used up by it, whatever comes out.
pub(super) fn open_hello(
    open: &mut OpenOffer,
    intent: Intent,
    place: BoxId,
    hello: &HelloS,
    bytes: &[u8],
) -> Result<OpenedHello, Disbelief> {
    let found = Bound { place, offer: array(&hello.offer), hello: None };
    guard(&open.bound, &found).map_err(|_| Disbelief::Stray)?;
    let shared = match (&open.known, &hello.share) {
        (Known::Code(secret), None) => from_code(secret),
        (Known::Nothing, None) => SharedSecret::Nothing,
        (Known::Password(_), Some(share)) => {
            let waiting = open.waiting.take().ok_or(Disbelief::Stray)?;
            from_exchange(&Cpace::end(waiting, share.as_bytes())?)
        }
        _ => return Err(Disbelief::Stray),
    };
    let h1 = open.bound.offer;
    let binding = Binding { offer: &h1, place: &place };
    let (plaintext, root) =
        channel::open_hello(&open.key, &shared, &binding, hello.enc.as_bytes(), hello.sealed.as_bytes())?;
    let introduction = Introduction::from_der(plaintext.expose()).map_err(|_| Disbelief::Stray)?;
    let enc_hash = channel::hash(hello.enc.as_bytes());
    let share_hash = channel::hash(hello.share.as_ref().map(|share| share.as_bytes()).unwrap_or_default());
    let statement =
        Statement { message: "m2", intent: intent.number(), parts: &[&h1, &enc_hash, &share_hash] };
    let (peer, _) = identity::recognise(&introduction, &statement).ok_or(Disbelief::Stray)?;
    let bound = Bound { hello: Some(channel::hash(bytes)), ..open.bound };
    Ok(OpenedHello { peer, root, bound, intent: intent.number(), nonce_d: open.nonce })
}

/// m3, and the session of D.
pub(super) fn answer(
    opened: OpenedHello,
    identity: &Identity,
    ports: &mut Ports<'_>,
) -> Result<(Vec<u8>, Session), Disbelief> {
    let OpenedHello { peer, root, bound, intent, nonce_d } = opened;
    let (h1, h2) = (bound.offer, bound.hello.unwrap_or_default());
    let certificate_s = peer.certificate_hash();
    let statement = Statement { message: "m3", intent, parts: &[&h1, &h2, &certificate_s] };
    let introduction =
        identity::introduce(identity.clone(), &nonce_d, &statement, ports.signer).map_err(Disbelief::Key)?;
    let plaintext = SecretBytes::new(to_der(&introduction));
    let secret = response_secret(&root, &bound);
    let response = channel::seal_response(&secret, &h2, &[], plaintext.expose(), ports.random)?;
    let object = to_der(&Message::HelloD(HelloD {
        offer: octets(&h1),
        hello: octets(&h2),
        response: octets(&response),
    }));
    let transcript = Transcript {
        bound,
        root: &root,
        answer: channel::hash(&object),
        certificates: [own_certificate(identity), certificate_s],
        nonce_d: &nonce_d,
    };
    let session = Session::new(&transcript, peer, Side::Displays);
    Ok((object, session))
}

fn response_secret(root: &SecretBytes, bound: &Bound) -> SecretBytes {
    let hello = bound.hello.unwrap_or_default();
    channel::expand(root, "response", &[&bound.place, &bound.offer, &hello])
}

/// Opens m3, which travelled as `bytes`: the session of S.
pub(super) fn open_answer(
    sent: &SentHello,
    place: BoxId,
    answer: &HelloD,
    bytes: &[u8],
) -> Result<Session, Disbelief> {
    let found = Bound { place, offer: array(&answer.offer), hello: Some(array(&answer.hello)) };
    guard(&sent.bound, &found).map_err(|_| Disbelief::Stray)?;
    let (h1, h2) = (sent.bound.offer, sent.bound.hello.unwrap_or_default());
    let secret = response_secret(&sent.root, &sent.bound);
    let plaintext = channel::open_response(&secret, &h2, &[], answer.response.as_bytes())?;
    let introduction = Introduction::from_der(plaintext.expose()).map_err(|_| Disbelief::Wrong)?;
    let statement =
        Statement { message: "m3", intent: sent.intent.number(), parts: &[&h1, &h2, &sent.certificate] };
    let (peer, nonce_d) = identity::recognise(&introduction, &statement).ok_or(Disbelief::Wrong)?;
    if commitment(&nonce_d, &introduction.identity) != sent.commitment {
        return Err(Disbelief::Wrong);
    }
    let transcript = Transcript {
        bound: sent.bound,
        root: &sent.root,
        answer: channel::hash(bytes),
        certificates: [peer.certificate_hash(), sent.certificate],
        nonce_d: &nonce_d,
    };
    Ok(Session::new(&transcript, peer, Side::Scans))
}
