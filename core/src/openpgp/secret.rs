//! Secret keys as `gpg --export-secret-keys` writes them (RFC 9580, sections 5.5.3 and 10.1).
//!
//! Sequoia reads the packets and takes off the passphrase. The numbers then leave it: what a secret key
//! does is done by [`SecretKey`], because Sequoia's portable RSA is not blinded.

use std::fmt;

use sequoia_openpgp::cert::amalgamation::ValidAmalgamation as _;
use sequoia_openpgp::cert::amalgamation::key::PrimaryKey as _;
use sequoia_openpgp::cert::{Cert, ValidCert};
use sequoia_openpgp::crypto::{S2K, mpi};
use sequoia_openpgp::packet::key::{
    PublicParts, SecretKeyMaterial, SecretParts, Unencrypted, UnspecifiedRole,
};
use sequoia_openpgp::packet::{Key, Tag};
use sequoia_openpgp::parse::Parse as _;
use sequoia_openpgp::serialize::MarshalInto;
use sequoia_openpgp::types::{Curve, PublicKeyAlgorithm, RevocationStatus};

use super::fast_key;
use super::keyring::{Keyring, fingerprint_of};
use super::parts::Parts;
use super::reader::{policy, system_time};
use crate::algorithm::KeyAlgorithm;
use crate::fingerprint::OpenPgpFingerprint;
use crate::limits;
use crate::secret::SecretBytes;
use crate::time::Time;
use crate::x509::secret_key::Numbers;
use crate::x509::{SecretKey, SecretKeyError};

/// Why a file is no secret key that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretFileError {
    /// More than [`limits::OPENPGP_SECRET_KEY_BYTES`], or than the limits of a certificate.
    TooLarge,
    /// Nothing of OpenPGP, or damaged.
    Malformed,
    /// Several certificates: how many.
    Several(usize),
    /// A certificate without its secret keys.
    PublicOnly,
    /// No signature of its own is good enough by the rules of today.
    NotValid,
    /// It has expired.
    Expired,
    /// Its owner revoked it.
    Revoked,
}

impl fmt::Display for SecretFileError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => formatter.write_str("it is too large"),
            Self::Malformed => formatter.write_str("it is no OpenPGP key, or a damaged one"),
            Self::Several(number) => write!(formatter, "it holds {number} OpenPGP certificates"),
            Self::PublicOnly => formatter.write_str("only the public half of the key is in it"),
            Self::NotValid => formatter.write_str(
                "its own signatures do not hold by the rules of today (SHA-1, or a key that is too short)",
            ),
            Self::Expired => formatter.write_str("the OpenPGP key has expired"),
            Self::Revoked => formatter.write_str("the OpenPGP key is revoked"),
        }
    }
}

impl std::error::Error for SecretFileError {}

/// A certificate with secret keys that is usable now.
#[derive(Debug)]
pub struct SecretCertificate {
    fingerprint: OpenPgpFingerprint,
    user_ids: Vec<String>,
    public: Vec<u8>,
    parts: Vec<(SecretPart, Key<PublicParts, UnspecifiedRole>)>,
}

/// The primary key, or a subkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretPart {
    /// Of this key.
    pub fingerprint: OpenPgpFingerprint,
    /// As people say it: `RSA-3072`, `Ed25519`.
    pub algorithm: String,
    /// What its owner uses it for; neither where it only certifies.
    pub purpose: Purpose,
    /// Whether it may be used now.
    pub validity: Validity,
    /// Where its secret half is.
    pub secret: SecretState,
    /// Whether readers of S/MIME know keys of this kind: RSA, and the curves of NIST.
    pub fits_smime: bool,
}

/// What a key is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purpose {
    /// It signs documents.
    pub signs: bool,
    /// Others encrypt to it.
    pub encrypts: bool,
}

/// Whether a key may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// It may.
    Good,
    /// Its time is over, or has not begun.
    Expired,
    /// Its owner revoked it.
    Revoked,
}

/// Where the secret half of a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretState {
    /// In the file, for everybody to read.
    Open,
    /// In the file, under a passphrase.
    Protected,
    /// Not in the file.
    Absent,
    /// Left out on purpose (GnuPG's `gnu-dummy`): it is kept elsewhere.
    LeftOut,
    /// On a smart card (GnuPG's `divert-to-card`).
    OnCard,
}

impl SecretCertificate {
    /// Reads the one key of a file, armored or binary.
    ///
    /// # Errors
    /// See [`SecretFileError`].
    pub fn read(file: &[u8], now: Time) -> Result<Self, SecretFileError> {
        let certificate = only_certificate(file)?;
        if !certificate.is_tsk() {
            return Err(SecretFileError::PublicOnly);
        }
        let policy = policy();
        let valid = certificate
            .with_policy(&policy, Some(system_time(now)))
            .map_err(|_| SecretFileError::NotValid)?;
        if matches!(valid.revocation_status(), RevocationStatus::Revoked(_)) {
            return Err(SecretFileError::Revoked);
        }
        valid.alive().map_err(|_| SecretFileError::Expired)?;
        let public = certificate.clone().strip_secret_key_material();
        let read = Self {
            fingerprint: fingerprint_of(&certificate.fingerprint()).ok_or(SecretFileError::Malformed)?,
            user_ids: user_ids(&valid),
            public: MarshalInto::export_to_vec(&public).map_err(|_| SecretFileError::Malformed)?,
            parts: parts(&valid),
        };
        Ok(read)
    }

    /// Of the primary key.
    #[must_use]
    pub const fn fingerprint(&self) -> OpenPgpFingerprint {
        self.fingerprint
    }

    /// The user identifiers that its owner signed and did not revoke, the main one first; foreign text.
    #[must_use]
    pub fn user_ids(&self) -> &[String] {
        &self.user_ids
    }

    /// The certificate as others have it, without armor.
    #[must_use]
    pub fn public_packets(&self) -> &[u8] {
        &self.public
    }

    /// The primary key, then the subkeys whose binding holds; the newest first.
    pub fn parts(&self) -> impl Iterator<Item = &SecretPart> {
        self.parts.iter().map(|(part, _)| part)
    }

    /// The body of a part's public key packet.
    #[must_use]
    pub fn packet_body(&self, part: &OpenPgpFingerprint) -> Option<Vec<u8>> {
        self.key(part)?.to_vec().ok()
    }

    /// Takes a secret key out, as a key of ours. Its public half must be the one of the certificate: who
    /// changed that in the file would learn the secret from what it does then.
    ///
    /// # Errors
    /// [`SecretKeyError::PassphraseNeeded`] and [`SecretKeyError::WrongPassphrase`] ask for another try;
    /// a damaged key looks like a wrong passphrase. [`SecretKeyError::Unsupported`] for kinds of keys that
    /// are none of ours.
    pub fn unlock(
        &self,
        part: &OpenPgpFingerprint,
        passphrase: Option<&SecretBytes>,
    ) -> Result<SecretKey, SecretKeyError> {
        let key = self.key(part).ok_or(SecretKeyError::Malformed)?;
        let numbers = match key.optional_secret().ok_or(SecretKeyError::Malformed)? {
            SecretKeyMaterial::Unencrypted(open) => open.clone(),
            SecretKeyMaterial::Encrypted(_) => opened(key, passphrase)?,
        };
        let expected = public_key_der(key).ok_or_else(|| SecretKeyError::Unsupported(algorithm(key)))?;
        let taken = numbers.map(|secret| taken_out(key.mpis(), secret))?;
        if taken.public_key().as_der() == expected { Ok(taken) } else { Err(SecretKeyError::BadKey) }
    }

    fn key(&self, part: &OpenPgpFingerprint) -> Option<&Key<PublicParts, UnspecifiedRole>> {
        self.parts.iter().find(|(held, _)| held.fingerprint == *part).map(|(_, key)| key)
    }
}

/// The one certificate of a file. The armor comes off first, and packets that say nothing here are left out.
fn only_certificate(file: &[u8]) -> Result<Cert, SecretFileError> {
    if file.len() > limits::OPENPGP_SECRET_KEY_BYTES {
        return Err(SecretFileError::TooLarge);
    }
    let keyring = Keyring::split(&[file]).map_err(|_| SecretFileError::Malformed)?;
    let mut certificates = keyring.certificates.values();
    let parts = match (certificates.next(), keyring.certificates.len()) {
        (Some(parts), 1) if keyring.skipped == 0 => parts,
        (Some(_), several @ 2..) => return Err(SecretFileError::Several(several)),
        _ => return Err(SecretFileError::Malformed),
    };
    // How many signatures and user identifiers there may be.
    Parts::of(parts).map_err(|_| SecretFileError::TooLarge)?;
    let packets = || parts.iter().flat_map(|part| part.packets());
    let is_subkey = |tag: Tag| matches!(tag, Tag::PublicSubkey | Tag::SecretSubkey);
    if packets().filter(|packet| is_subkey(packet.tag())).count() > limits::OPENPGP_SUBKEYS {
        return Err(SecretFileError::TooLarge);
    }
    let says_something = |tag: Tag| {
        is_subkey(tag) || matches!(tag, Tag::PublicKey | Tag::SecretKey | Tag::UserID | Tag::Signature)
    };
    let mut octets = zeroize::Zeroizing::new(Vec::with_capacity(file.len()));
    packets().filter(|packet| says_something(packet.tag())).for_each(|packet| {
        octets.extend_from_slice(packet.as_bytes());
    });
    Cert::from_bytes(octets.as_slice()).map_err(|_| SecretFileError::Malformed)
}

fn user_ids(valid: &ValidCert<'_>) -> Vec<String> {
    let primary = valid.primary_userid().ok().map(|user_id| user_id.userid().clone());
    let mut user_ids: Vec<_> = valid
        .userids()
        .filter(|user_id| !matches!(user_id.revocation_status(), RevocationStatus::Revoked(_)))
        .map(|user_id| user_id.userid().clone())
        .collect();
    user_ids.sort_by_key(|user_id| Some(user_id) != primary.as_ref());
    let texts = user_ids.iter().filter_map(|user_id| std::str::from_utf8(user_id.value()).ok());
    texts.take(limits::OPENPGP_USER_IDS).map(str::to_owned).collect()
}

fn parts(valid: &ValidCert<'_>) -> Vec<(SecretPart, Key<PublicParts, UnspecifiedRole>)> {
    let mut parts = Vec::new();
    for bound in valid.keys() {
        let key = bound.key();
        let Some(fingerprint) = fingerprint_of(&key.fingerprint()) else { continue };
        let validity = match (bound.revocation_status(), bound.alive()) {
            (RevocationStatus::Revoked(_), _) => Validity::Revoked,
            (_, Err(_)) => Validity::Expired,
            (_, Ok(())) => Validity::Good,
        };
        let purpose = Purpose {
            signs: bound.for_signing(),
            encrypts: bound.for_transport_encryption() || bound.for_storage_encryption(),
        };
        let part = SecretPart {
            fingerprint,
            algorithm: algorithm(key),
            purpose,
            validity,
            secret: secret_state(key),
            fits_smime: fits_smime(key),
        };
        parts.push((bound.primary(), key.creation_time(), part, key.clone()));
    }
    parts.sort_by_key(|(is_primary, created, ..)| (!is_primary, std::cmp::Reverse(*created)));
    parts.into_iter().map(|(_, _, part, key)| (part, key)).collect()
}

fn secret_state(key: &Key<PublicParts, UnspecifiedRole>) -> SecretState {
    const GNUPG: u8 = 101;
    match key.optional_secret() {
        None => SecretState::Absent,
        Some(SecretKeyMaterial::Unencrypted(_)) => SecretState::Open,
        Some(SecretKeyMaterial::Encrypted(encrypted)) => match encrypted.s2k() {
            S2K::Private { tag: GNUPG, .. } => match gnupg_mode(key) {
                Some(2) => SecretState::OnCard,
                _ => SecretState::LeftOut,
            },
            _ => SecretState::Protected,
        },
    }
}

/// What stands in the place of a secret key that GnuPG left out: the letters `GNU` and a number (doc/DETAILS
/// of GnuPG, "GNU extensions to the S2K algorithm").
fn gnupg_mode(key: &Key<PublicParts, UnspecifiedRole>) -> Option<u8> {
    let secret: Key<SecretParts, UnspecifiedRole> = key.clone().parts_into_secret().ok()?;
    let (packet, public) = (secret.to_vec().ok()?, key.to_vec().ok()?);
    let behind = packet.get(public.len()..)?;
    let place = memchr::memmem::find(behind, b"GNU")?;
    behind.get(place.checked_add(3)?).copied()
}

/// The numbers under a passphrase.
fn opened(
    key: &Key<PublicParts, UnspecifiedRole>,
    passphrase: Option<&SecretBytes>,
) -> Result<Unencrypted, SecretKeyError> {
    let Some(SecretKeyMaterial::Encrypted(encrypted)) = key.optional_secret() else {
        return Err(SecretKeyError::Malformed);
    };
    let unsupported = |what: String| SecretKeyError::UnsupportedEncryption(what);
    match encrypted.s2k() {
        S2K::Argon2 { t, m, .. }
            if *m > limits::OPENPGP_ARGON2_EXPONENT || *t > limits::OPENPGP_ARGON2_PASSES =>
        {
            return Err(SecretKeyError::TooExpensive);
        }
        // The format ends at 62 MiB of octets to be digested, which takes a fraction of a second.
        supported if supported.is_supported() => {}
        other => return Err(unsupported(other.to_string())),
    }
    if !encrypted.algo().is_supported() {
        return Err(unsupported(encrypted.algo().to_string()));
    }
    let passphrase = passphrase.ok_or(SecretKeyError::PassphraseNeeded)?;
    // Where the version of the packet and its protection do not go together it is refused here, too.
    encrypted.decrypt(key, &passphrase.expose().into()).map_err(|_| SecretKeyError::WrongPassphrase)
}

/// The numbers of a key as a key of ours.
fn taken_out(public: &mpi::PublicKey, secret: &mpi::SecretKeyMaterial) -> Result<SecretKey, SecretKeyError> {
    match (public, secret) {
        (mpi::PublicKey::RSA { e, n }, mpi::SecretKeyMaterial::RSA { d, p, q, .. }) => {
            SecretKey::from_numbers(&Numbers::Rsa {
                exponent: e.value(),
                secret_exponent: d.value(),
                modulus: n.value(),
                primes: [p.value(), q.value()],
            })
        }
        (mpi::PublicKey::ECDSA { curve, .. }, mpi::SecretKeyMaterial::ECDSA { scalar })
        | (mpi::PublicKey::ECDH { curve, .. }, mpi::SecretKeyMaterial::ECDH { scalar }) => {
            let curve = nist_curve(curve).ok_or_else(|| SecretKeyError::Unsupported(curve.to_string()))?;
            SecretKey::from_numbers(&Numbers::Elliptic { curve, scalar: scalar.value() })
        }
        (mpi::PublicKey::EdDSA { .. }, mpi::SecretKeyMaterial::EdDSA { scalar }) => {
            SecretKey::from_numbers(&Numbers::Ed25519(&scalar.value_padded(32)))
        }
        _ => Err(SecretKeyError::BadKey),
    }
}

/// The SubjectPublicKeyInfo of a key that can be one of ours.
fn public_key_der(key: &Key<PublicParts, UnspecifiedRole>) -> Option<Vec<u8>> {
    match key.mpis() {
        mpi::PublicKey::RSA { e, n } => Some(fast_key::rsa(n, e)),
        mpi::PublicKey::ECDSA { curve, q } | mpi::PublicKey::ECDH { curve, q, .. } => {
            fast_key::elliptic(curve, q)
        }
        mpi::PublicKey::EdDSA { curve: Curve::Ed25519, q } => fast_key::ed25519(q),
        _ => None,
    }
}

fn fits_smime(key: &Key<PublicParts, UnspecifiedRole>) -> bool {
    match key.mpis() {
        // Some keys of RSA have one purpose by their very kind (RFC 9580, section 9.1).
        mpi::PublicKey::RSA { n, .. } => {
            u32::try_from(n.bits()).is_ok_and(|bits| limits::RSA_SECRET_BITS.contains(&bits))
        }
        mpi::PublicKey::ECDSA { curve, .. } | mpi::PublicKey::ECDH { curve, .. } => {
            nist_curve(curve).is_some()
        }
        _ => false,
    }
}

const fn nist_curve(curve: &Curve) -> Option<KeyAlgorithm> {
    match curve {
        Curve::NistP256 => Some(KeyAlgorithm::P256),
        Curve::NistP384 => Some(KeyAlgorithm::P384),
        Curve::NistP521 => Some(KeyAlgorithm::P521),
        _ => None,
    }
}

/// What people call the kind of a key.
fn algorithm(key: &Key<PublicParts, UnspecifiedRole>) -> String {
    match key.mpis() {
        mpi::PublicKey::RSA { n, .. } => format!("RSA-{}", n.bits()),
        mpi::PublicKey::ECDSA { curve, .. }
        | mpi::PublicKey::ECDH { curve, .. }
        | mpi::PublicKey::EdDSA { curve, .. } => match nist_curve(curve) {
            Some(curve) => curve.name(),
            None => curve.to_string(),
        },
        _ => match key.pk_algo() {
            PublicKeyAlgorithm::X25519 => "X25519".to_owned(),
            PublicKeyAlgorithm::Ed25519 => "Ed25519".to_owned(),
            other => other.to_string(),
        },
    }
}

#[cfg(test)]
mod tests;
