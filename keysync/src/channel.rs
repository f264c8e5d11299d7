//! The cryptography of pairing: the only file that names HPKE and CPace.
//!
//! One suite: HPKE (RFC 9180) with X-Wing, HKDF-SHA256 and ChaCha20Poly1305, in the modes PSK and base; answers as in
//! RFC 9458, section 4.4; CPace on ristretto255 for words. docs/formats/pairing.md says where each is used.

use std::fmt;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use counterseal_core::ports::Random;
use counterseal_core::secret::SecretBytes;
use hkdf::Hkdf;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::{Deserializable as _, Kem as KemTrait, OpModeR, OpModeS, PskBundle, Serializable as _};
use pakery_cpace::{CpaceInitiator, CpaceMode, CpaceResponder, InitiatorState};
use pakery_crypto::suites::CpaceRistretto255;
use sha2::{Digest as _, Sha256};

use crate::random_adapter::RandomAdapter;

/// Bytes of a public key.
pub const PUBLIC_KEY_BYTES: usize = 1216;
/// Bytes of an encapsulated key.
pub const ENCAPSULATED_BYTES: usize = 1120;
/// Bytes of a share of the password exchange.
pub const SHARE_BYTES: usize = 32;
/// Bytes of a random nonce before a response: the larger of Nn and Nk (RFC 9458, section 4.4).
const RESPONSE_NONCE_BYTES: usize = 32;
/// What every derivation begins with.
const LABEL: &str = "counterseal-keysync/1 ";

type PrivateKey = <XWing as KemTrait>::PrivateKey;
type PublicKey = <XWing as KemTrait>::PublicKey;
type EncapsulatedKey = <XWing as KemTrait>::EncappedKey;

/// Why a channel did not come about. It says no more on purpose: everything else would help a guesser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelError {
    /// A key or share is none.
    BadKey,
    /// What was sealed does not open: damaged, for somebody else, or the wrong words.
    NotOpened,
}

impl fmt::Display for ChannelError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::BadKey => "a key of the other side is none",
            Self::NotOpened => "it does not open",
        })
    }
}

impl std::error::Error for ChannelError {}

/// SHA-256.
#[must_use]
pub fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// HKDF-Expand (RFC 5869, section 2.3) to 32 bytes, with a label and parts that each have their length before them.
#[must_use]
pub fn expand(secret: &SecretBytes, label: &str, parts: &[&[u8]]) -> SecretBytes {
    let mut info = format!("{LABEL}{label}\0").into_bytes();
    for part in parts {
        info.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        info.extend_from_slice(part);
    }
    let mut output = vec![0; 32];
    // A key as short as 16 bytes is extracted first (section 3.3): all keys here are uniform, and one rule is simpler.
    // The only error is an output above 8160 bytes.
    let _ = Hkdf::<Sha256>::new(None, secret.expose()).expand(&info, &mut output);
    SecretBytes::new(output)
}

/// The key that an offer is made of. It is drawn for one offer and erased with it.
#[derive(Clone)]
pub struct EphemeralKey {
    secret: SecretBytes,
    public: Vec<u8>,
}

impl EphemeralKey {
    /// A new key.
    #[must_use]
    pub fn generate(random: &mut dyn Random) -> Self {
        let (secret, public) = XWing::gen_keypair_with_rng(&mut RandomAdapter(random));
        Self { secret: SecretBytes::copy_of(&secret.to_bytes()), public: public.to_bytes().to_vec() }
    }

    /// The key whose [`secret`](Self::secret) was kept.
    ///
    /// # Errors
    /// [`ChannelError::BadKey`].
    pub fn restore(secret: &SecretBytes) -> Result<Self, ChannelError> {
        let key = PrivateKey::from_bytes(secret.expose()).map_err(|_| ChannelError::BadKey)?;
        Ok(Self { secret: secret.clone(), public: XWing::sk_to_pk(&key).to_bytes().to_vec() })
    }

    /// What goes into the offer, [`PUBLIC_KEY_BYTES`].
    #[must_use]
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// What is kept, 32 bytes.
    #[must_use]
    pub const fn secret(&self) -> &SecretBytes {
        &self.secret
    }
}

impl fmt::Debug for EphemeralKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("EphemeralKey(..)")
    }
}

/// What both sides know beside the public key.
#[derive(Clone, Debug)]
pub enum SharedSecret {
    /// Nothing: they compare words afterwards (mode base, RFC 9180, section 5.1.1).
    Nothing,
    /// 32 bytes, and what they come from (mode PSK, section 5.1.2).
    Known(SecretBytes, &'static str),
}

/// What the channel is bound to.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// Hash of the offer.
    pub offer: &'a [u8; 32],
    /// The box, or nothing for files.
    pub place: &'a [u8],
}

impl Binding<'_> {
    fn info(&self) -> Vec<u8> {
        [format!("{LABEL}pair").as_bytes(), self.offer].concat()
    }

    fn associated(&self) -> Vec<u8> {
        [self.place, self.offer].concat()
    }
}

/// What a hello carries, and the secret that both sides have from it.
#[derive(Debug)]
pub struct Hello {
    /// The encapsulated key, [`ENCAPSULATED_BYTES`].
    pub encapsulated: Vec<u8>,
    /// The sealed plaintext.
    pub sealed: Vec<u8>,
    /// What everything later is derived from.
    pub root: SecretBytes,
}

/// Seals the first message to the key of an offer. `plaintext` gets the encapsulated key, which it may sign.
///
/// # Errors
/// [`ChannelError::BadKey`] where the public key is none; otherwise what `plaintext` says.
pub fn hello<E: From<ChannelError>>(
    public_key: &[u8],
    shared: &SharedSecret,
    binding: &Binding<'_>,
    random: &mut dyn Random,
    plaintext: impl FnOnce(&[u8]) -> Result<SecretBytes, E>,
) -> Result<Hello, E> {
    let public_key = PublicKey::from_bytes(public_key).map_err(|_| ChannelError::BadKey)?;
    let mode = match shared {
        SharedSecret::Nothing => OpModeS::Base,
        SharedSecret::Known(secret, id) => OpModeS::Psk(bundle(secret, id)?),
    };
    let (encapsulated, mut context) = hpke::setup_sender_with_rng::<ChaCha20Poly1305, HkdfSha256, XWing>(
        &mode,
        &public_key,
        &binding.info(),
        &mut RandomAdapter(random),
    )
    .map_err(|_| ChannelError::BadKey)?;
    let encapsulated = encapsulated.to_bytes().to_vec();
    let plaintext = plaintext(&encapsulated)?;
    let sealed =
        context.seal(plaintext.expose(), &binding.associated()).map_err(|_| ChannelError::NotOpened)?;
    let mut root = vec![0; 32];
    context.export(b"ks1 root", &mut root).map_err(|_| ChannelError::NotOpened)?;
    Ok(Hello { encapsulated, sealed, root: SecretBytes::new(root) })
}

/// Opens a first message: its plaintext, and the secret that both sides have from it.
///
/// # Errors
/// [`ChannelError`].
pub fn open_hello(
    key: &EphemeralKey,
    shared: &SharedSecret,
    binding: &Binding<'_>,
    encapsulated: &[u8],
    sealed: &[u8],
) -> Result<(SecretBytes, SecretBytes), ChannelError> {
    let secret = PrivateKey::from_bytes(key.secret.expose()).map_err(|_| ChannelError::BadKey)?;
    let encapsulated = EncapsulatedKey::from_bytes(encapsulated).map_err(|_| ChannelError::BadKey)?;
    let mode = match shared {
        SharedSecret::Nothing => OpModeR::Base,
        SharedSecret::Known(secret, id) => OpModeR::Psk(bundle(secret, id)?),
    };
    let mut context = hpke::setup_receiver::<ChaCha20Poly1305, HkdfSha256, XWing>(
        &mode,
        &secret,
        &encapsulated,
        &binding.info(),
    )
    .map_err(|_| ChannelError::BadKey)?;
    let plaintext = context.open(sealed, &binding.associated()).map_err(|_| ChannelError::NotOpened)?;
    let mut root = vec![0; 32];
    context.export(b"ks1 root", &mut root).map_err(|_| ChannelError::NotOpened)?;
    Ok((SecretBytes::new(plaintext), SecretBytes::new(root)))
}

fn bundle<'a>(secret: &'a SecretBytes, id: &'a str) -> Result<PskBundle<'a>, ChannelError> {
    PskBundle::new(secret.expose(), id.as_bytes()).map_err(|_| ChannelError::BadKey)
}

/// Seals under a secret that both sides have (RFC 9458, section 4.4): a fresh nonce, from it and the secret a key and
/// an AEAD nonce, each used once. `salt` stands for `enc` there.
///
/// # Errors
/// [`ChannelError::NotOpened`] above the 256 GiB of the cipher.
pub fn seal_response(
    secret: &SecretBytes,
    salt: &[u8],
    associated: &[u8],
    plaintext: &[u8],
    random: &mut dyn Random,
) -> Result<Vec<u8>, ChannelError> {
    let mut response = vec![0; RESPONSE_NONCE_BYTES];
    random.fill(&mut response);
    let (cipher, nonce) = response_cipher(secret, salt, &response);
    let payload = Payload { msg: plaintext, aad: associated };
    let sealed = cipher.encrypt(&nonce.into(), payload).map_err(|_| ChannelError::NotOpened)?;
    response.extend_from_slice(&sealed);
    Ok(response)
}

/// Opens what [`seal_response`] made.
///
/// # Errors
/// [`ChannelError::NotOpened`].
pub fn open_response(
    secret: &SecretBytes,
    salt: &[u8],
    associated: &[u8],
    response: &[u8],
) -> Result<SecretBytes, ChannelError> {
    let (nonce, sealed) = response.split_at_checked(RESPONSE_NONCE_BYTES).ok_or(ChannelError::NotOpened)?;
    let (cipher, nonce) = response_cipher(secret, salt, nonce);
    let payload = Payload { msg: sealed, aad: associated };
    cipher.decrypt(&nonce.into(), payload).map(SecretBytes::new).map_err(|_| ChannelError::NotOpened)
}

fn response_cipher(
    secret: &SecretBytes,
    salt: &[u8],
    response_nonce: &[u8],
) -> (chacha20poly1305::ChaCha20Poly1305, [u8; 12]) {
    let extracted = Hkdf::<Sha256>::new(Some(&[salt, response_nonce].concat()), secret.expose());
    let (mut key, mut nonce) = (zeroize::Zeroizing::new([0; 32]), [0; 12]);
    // The only error is an output above 8160 bytes.
    let _ = extracted.expand(b"key", key.as_mut_slice());
    let _ = extracted.expand(b"nonce", &mut nonce);
    let key: &[u8; 32] = &key;
    (chacha20poly1305::ChaCha20Poly1305::new(key.into()), nonce)
}

/// What a password exchange is bound to.
#[derive(Clone, Copy, Debug)]
pub struct ExchangeContext<'a> {
    /// Identifier of the session.
    pub session: &'a [u8],
    /// Identifier of the channel.
    pub channel: &'a [u8],
    /// Associated data of the initiator.
    pub initiator: &'a [u8],
}

/// An exchange of a few words for a strong secret: whoever does not know them has one guess for each run, and what he
/// sees of it tells him nothing. A door, so that another implementation can stand behind it.
pub trait PasswordExchange {
    /// The initiator between its share and the other's. It is used once, and never written anywhere.
    type Waiting;

    /// Begins: the initiator's share.
    ///
    /// # Errors
    /// [`ChannelError::BadKey`].
    fn begin(
        password: &SecretBytes,
        context: &ExchangeContext<'_>,
        random: &mut dyn Random,
    ) -> Result<(Vec<u8>, Self::Waiting), ChannelError>;

    /// Answers a share: the responder's share, and the secret.
    ///
    /// # Errors
    /// [`ChannelError::BadKey`] for a share that is no point, or the neutral one.
    fn answer(
        password: &SecretBytes,
        context: &ExchangeContext<'_>,
        share: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Vec<u8>, SecretBytes), ChannelError>;

    /// Ends: the secret, which is the responder's only if the password was the same.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    fn end(waiting: Self::Waiting, share: &[u8]) -> Result<SecretBytes, ChannelError>;
}

/// CPACE-RISTR255-SHA512 (draft-irtf-cfrg-cpace-21), initiator-responder.
#[derive(Clone, Copy, Debug)]
pub struct Cpace;

/// The initiator of [`Cpace`]. It is erased when dropped.
pub struct CpaceWaiting(InitiatorState<CpaceRistretto255>);

impl fmt::Debug for CpaceWaiting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CpaceWaiting(..)")
    }
}

impl PasswordExchange for Cpace {
    type Waiting = CpaceWaiting;

    fn begin(
        password: &SecretBytes,
        context: &ExchangeContext<'_>,
        random: &mut dyn Random,
    ) -> Result<(Vec<u8>, CpaceWaiting), ChannelError> {
        let (share, state) = CpaceInitiator::<CpaceRistretto255>::start(
            password.expose(),
            context.channel,
            context.session,
            context.initiator,
            &mut RandomAdapter(random),
        )
        .map_err(|_| ChannelError::BadKey)?;
        Ok((share, CpaceWaiting(state)))
    }

    fn answer(
        password: &SecretBytes,
        context: &ExchangeContext<'_>,
        share: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Vec<u8>, SecretBytes), ChannelError> {
        let (own, output) = CpaceResponder::<CpaceRistretto255>::respond(
            share,
            password.expose(),
            context.channel,
            context.session,
            context.initiator,
            NO_RESPONDER_DATA,
            CpaceMode::InitiatorResponder,
            &mut RandomAdapter(random),
        )
        .map_err(|_| ChannelError::BadKey)?;
        Ok((own, SecretBytes::copy_of(output.isk.as_bytes())))
    }

    fn end(waiting: CpaceWaiting, share: &[u8]) -> Result<SecretBytes, ChannelError> {
        let output = waiting
            .0
            .finish(share, NO_RESPONDER_DATA, CpaceMode::InitiatorResponder)
            .map_err(|_| ChannelError::BadKey)?;
        Ok(SecretBytes::copy_of(output.isk.as_bytes()))
    }
}

/// ADb: what the responder says of itself stands in the sealed hello.
const NO_RESPONDER_DATA: &[u8] = b"";

#[cfg(test)]
mod tests;
