//! Twin certificates: an S/MIME key as the primary key of an OpenPGP certificate
//! (`docs/formats/twin.md`).

use std::fmt;

use sequoia_openpgp::armor::{Kind, Writer};
use sequoia_openpgp::cert::raw::RawCert;
use sequoia_openpgp::packet::Tag;
use sequoia_openpgp::parse::Parse as _;
use sha1::{Digest as _, Sha1};
use std::io::Write as _;

use super::certificate::{Certificate, KeyId};
use super::signing::{Unsigned, hash_octet, length16, number, packet, subpacket};
use super::{Basis, FULL};
use crate::address::EmailAddress;
use crate::algorithm::{DigestAlgorithm, KeyAlgorithm};
use crate::fingerprint::OpenPgpFingerprint;
use crate::ports::{KeyError, SecretKeys};
use crate::time::Time;
use crate::x509::PublicKey;
use crate::x509::tlv::{self, Elements, tag};

/// When every twin was created: 2014-01-01T00:00:00Z. A constant, so that a key has one twin.
pub const TWIN_CREATED: Time = Time::from_unix_seconds(1_388_534_400);

/// The notation that says how a certifier knows whose key it is; its values are those of
/// [`Basis`](super::Basis).
pub const BASIS_NOTATION: &str = "basis@counterseal.example";

/// Object identifiers of curves without their tags (RFC 9580, section 9.2).
const ED25519: [u8; 9] = [0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01];
const P256: [u8; 8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: [u8; 5] = [0x2b, 0x81, 0x04, 0x00, 0x22];
const P521: [u8; 5] = [0x2b, 0x81, 0x04, 0x00, 0x23];

/// Public key algorithms (RFC 9580, section 9.1).
const RSA: u8 = 1;
const ECDSA: u8 = 19;
const EDDSA_LEGACY: u8 = 22;

/// The primary key of a twin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwinKey {
    body: Vec<u8>,
}

impl TwinKey {
    /// Recomputed from an S/MIME key; nothing for keys that have no twin.
    #[must_use]
    pub fn of(key: &PublicKey) -> Option<Self> {
        let bits = key_bits(key.as_der())?;
        let (algorithm, material) = match key.algorithm() {
            KeyAlgorithm::Rsa { .. } => (RSA, rsa_material(bits)?),
            KeyAlgorithm::P256 => (ECDSA, curve_material(&P256, bits)),
            KeyAlgorithm::P384 => (ECDSA, curve_material(&P384, bits)),
            KeyAlgorithm::P521 => (ECDSA, curve_material(&P521, bits)),
            KeyAlgorithm::Ed25519 => (EDDSA_LEGACY, curve_material(&ED25519, &[&[0x40], bits].concat())),
            KeyAlgorithm::X25519
            | KeyAlgorithm::MlKem512
            | KeyAlgorithm::MlKem768
            | KeyAlgorithm::MlKem1024
            | KeyAlgorithm::MlDsa44
            | KeyAlgorithm::MlDsa65
            | KeyAlgorithm::MlDsa87
            | KeyAlgorithm::Dsa => return None,
        };
        let created = u32::try_from(TWIN_CREATED.unix_seconds()).ok()?;
        let body = [&[4][..], &created.to_be_bytes(), &[algorithm], &material].concat();
        Some(Self { body })
    }

    /// Body of the public key packet.
    #[must_use]
    pub fn packet_body(&self) -> &[u8] {
        &self.body
    }

    /// Its fingerprint, as `gpg` and `sq` print it.
    #[must_use]
    pub fn fingerprint(&self) -> OpenPgpFingerprint {
        fingerprint(&self.body)
    }

    /// Whether a certificate is this key's twin: octet for octet, since a fingerprint is a SHA-1.
    #[must_use]
    pub fn is_primary_key_of(&self, certificate: &Certificate) -> bool {
        certificate.fingerprint == self.fingerprint() && certificate.primary_key == self.body
    }
}

/// Why no twin was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TwinError {
    /// A key of this kind has no twin.
    Unsuitable,
    /// There is no address to make a user identifier of.
    NoAddress,
    /// The name has characters that a user identifier must not have.
    BadName,
    /// The key could not be used.
    Key(KeyError),
    /// What the key returned is no signature.
    Failed,
}

impl fmt::Display for TwinError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsuitable => formatter.write_str("a key of this kind has no OpenPGP twin"),
            Self::NoAddress => formatter.write_str("a twin needs an address"),
            Self::BadName => formatter.write_str("the name has characters that OpenPGP names do not have"),
            Self::Key(error) => write!(formatter, "{error}"),
            Self::Failed => formatter.write_str("the key's signature does not hold"),
        }
    }
}

impl std::error::Error for TwinError {}

impl From<KeyError> for TwinError {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

/// The twin certificate of a key that we hold, armored for `gpg --import` and `sq`: one user
/// identifier for each address, signed by the key itself at `now`.
///
/// # Errors
/// See [`TwinError`].
pub fn export_twin(
    keys: &dyn SecretKeys,
    key: &PublicKey,
    name: &str,
    addresses: &[EmailAddress],
    now: Time,
) -> Result<String, TwinError> {
    armored(&twin_certificate(keys, key, name, addresses, now)?).ok_or(TwinError::Failed)
}

/// The same without armor, as web key directories serve it.
///
/// # Errors
/// See [`TwinError`].
pub fn twin_certificate(
    keys: &dyn SecretKeys,
    key: &PublicKey,
    name: &str,
    addresses: &[EmailAddress],
    now: Time,
) -> Result<Vec<u8>, TwinError> {
    let twin = TwinKey::of(key).ok_or(TwinError::Unsuitable)?;
    if addresses.is_empty() {
        return Err(TwinError::NoAddress);
    }
    let mut packets = packet(6, &twin.body);
    for (place, address) in addresses.iter().enumerate() {
        let user_id = user_id(name, address)?;
        packets.extend(packet(13, user_id.as_bytes()));
        let unsigned = Unsigned::of_own(&twin, &user_id, place == 0, now);
        packets.extend(packet(2, &unsigned.signed_by(keys, key)?));
    }
    Ok(packets)
}

/// What is said of a user identifier of somebody else's twin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCertification {
    /// How sure the certifier is, 1 to 120.
    pub amount: u8,
    /// How they know.
    pub basis: Basis,
    /// The first moment when it does not hold any more.
    pub expires: Option<Time>,
}

/// Certifies a user identifier of somebody's twin with a key that has a twin itself (RFC 9580, section
/// 5.2.1.10). Answers with the certificate that its owner made and the certification in its place, for
/// [`to_armor`]; where there is none at hand, with the key, the user identifier and the certification.
///
/// # Errors
/// See [`TwinError`].
pub fn certify_twin(
    keys: &dyn SecretKeys,
    certifier: &PublicKey,
    (subject, made): (&TwinKey, Option<&[u8]>),
    user_id: &str,
    certification: &NewCertification,
    now: Time,
) -> Result<Vec<u8>, TwinError> {
    if user_id.is_empty() || user_id.contains(char::is_control) {
        return Err(TwinError::BadName);
    }
    let issuer = TwinKey::of(certifier).ok_or(TwinError::Unsuitable)?;
    let unsigned = Unsigned::of_other(&issuer, subject, user_id, certification, now);
    let signature = packet(2, &unsigned.signed_by(keys, certifier)?);
    match made {
        Some(made) => with_certification(made, user_id, &signature).ok_or(TwinError::Unsuitable),
        None => Ok([packet(6, &subject.body), packet(13, user_id.as_bytes()), signature].concat()),
    }
}

/// A certificate with a signature right behind one of its user identifiers; nothing where that is not
/// in it.
fn with_certification(certificate: &[u8], user_id: &str, signature: &[u8]) -> Option<Vec<u8>> {
    let certificate = RawCert::from_bytes(certificate).ok()?;
    let mut packets = Vec::new();
    let mut is_in = false;
    for part in certificate.packets() {
        packets.extend_from_slice(part.as_bytes());
        if part.tag() == Tag::UserID && part.body() == user_id.as_bytes() {
            packets.extend_from_slice(signature);
            is_in = true;
        }
    }
    is_in.then_some(packets)
}

/// Packets of certificates as people exchange them.
///
/// # Errors
/// [`TwinError::Failed`], which does not happen with memory to spare.
pub fn to_armor(packets: &[u8]) -> Result<String, TwinError> {
    armored(packets).ok_or(TwinError::Failed)
}

/// `Name <addr>`, or the address alone, as GnuPG writes it.
fn user_id(name: &str, address: &EmailAddress) -> Result<String, TwinError> {
    let is_bad = |character: char| character.is_control() || matches!(character, '<' | '>');
    if name.contains(is_bad) {
        return Err(TwinError::BadName);
    }
    match name.trim() {
        "" => Ok(address.to_string()),
        name => Ok(format!("{name} <{address}>")),
    }
}

/// Certifications of user identifiers, to be signed.
impl Unsigned {
    /// By the owner: a positive certification.
    fn of_own(twin: &TwinKey, user_id: &str, is_first: bool, now: Time) -> Self {
        const POSITIVE_CERTIFICATION: u8 = 0x13;
        let fingerprint = twin.fingerprint();
        let seconds = u32::try_from(now.unix_seconds().max(TWIN_CREATED.unix_seconds())).unwrap_or(u32::MAX);
        let algorithm = twin.body.get(5).copied().unwrap_or_default();
        let hashed = [
            subpacket(33, &[&[4], fingerprint.as_bytes()].concat()),
            subpacket(2, &seconds.to_be_bytes()),
            // Critical: who does not understand key flags must not take this for a signing key.
            subpacket(27 | 0x80, &[0x01]),
            if is_first { subpacket(25, &[0x01]) } else { Vec::new() },
            subpacket(30, &[0x01]),
        ]
        .concat();
        let kind = [4, POSITIVE_CERTIFICATION, algorithm, hash_octet(digest_of(algorithm, &twin.body))];
        let head = [&kind[..], &length16(&hashed), &hashed].concat();
        let input = certification_input(&twin.body, user_id.as_bytes(), &head);
        Self { head, input, unhashed: subpacket(16, &KeyId::of(&fingerprint).0) }
    }

    /// A generic certification of somebody else's user identifier.
    fn of_other(
        issuer: &TwinKey,
        subject: &TwinKey,
        user_id: &str,
        certification: &NewCertification,
        now: Time,
    ) -> Self {
        const GENERIC_CERTIFICATION: u8 = 0x10;
        let fingerprint = issuer.fingerprint();
        let octets = |seconds: i64| u32::try_from(seconds.max(1)).unwrap_or(u32::MAX).to_be_bytes();
        let lifetime = certification.expires.map(|at| at.unix_seconds().saturating_sub(now.unix_seconds()));
        let algorithm = issuer.body.get(5).copied().unwrap_or_default();
        let hashed = [
            subpacket(33, &[&[4], fingerprint.as_bytes()].concat()),
            subpacket(2, &octets(now.unix_seconds())),
            lifetime.map(|seconds| subpacket(3, &octets(seconds))).unwrap_or_default(),
            // Depth 0: how sure, and nobody is made an introducer.
            if certification.amount < FULL { subpacket(5, &[0, certification.amount]) } else { Vec::new() },
            notation(BASIS_NOTATION, certification.basis.word()),
        ]
        .concat();
        let kind = [4, GENERIC_CERTIFICATION, algorithm, hash_octet(digest_of(algorithm, &issuer.body))];
        let head = [&kind[..], &length16(&hashed), &hashed].concat();
        let input = certification_input(&subject.body, user_id.as_bytes(), &head);
        Self { head, input, unhashed: subpacket(16, &KeyId::of(&fingerprint).0) }
    }
}

/// What a certification of version 4 is a signature over (RFC 9580, section 5.2.4): the key, the
/// user identifier, and the signature packet up to the end of its hashed subpackets.
pub(super) fn certification_input(key: &[u8], user_id: &[u8], head: &[u8]) -> Vec<u8> {
    let length32 = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
    let key = framed_key(key);
    [&key[..], &[0xb4], &length32(user_id), user_id, head, &[0x04, 0xff], &length32(head)].concat()
}

/// The fingerprint of a key of version 4, from its packet's body.
pub(super) fn fingerprint(body: &[u8]) -> OpenPgpFingerprint {
    OpenPgpFingerprint::Version4(Sha1::digest(framed_key(body)).into())
}

/// A key's packet as it is hashed (RFC 9580, section 5.5.4.1).
fn framed_key(body: &[u8]) -> Vec<u8> {
    [&[0x99], &length16(body)[..], body].concat()
}

/// The digest that goes with a key: of the size of its curve.
pub(super) fn digest_of(algorithm: u8, body: &[u8]) -> DigestAlgorithm {
    let curve = body.get(7..).unwrap_or_default();
    match algorithm {
        ECDSA if curve.starts_with(&P256) => DigestAlgorithm::Sha256,
        ECDSA if curve.starts_with(&P384) => DigestAlgorithm::Sha384,
        _ => DigestAlgorithm::Sha512,
    }
}

/// The bits of a SubjectPublicKeyInfo's key.
fn key_bits(spki: &[u8]) -> Option<&[u8]> {
    let mut fields = Elements::new(tlv::only(spki, tag::SEQUENCE)?);
    fields.expect(tag::SEQUENCE)?;
    tlv::whole_bits(fields.expect(tag::BIT_STRING)?.content)
}

fn rsa_material(key: &[u8]) -> Option<Vec<u8>> {
    let mut numbers = Elements::new(tlv::only(key, tag::SEQUENCE)?);
    let modulus = tlv::unsigned(numbers.expect(tag::INTEGER)?.content)?;
    let exponent = tlv::unsigned(numbers.expect(tag::INTEGER)?.content)?;
    Some([number(modulus), number(exponent)].concat())
}

fn curve_material(identifier: &[u8], point: &[u8]) -> Vec<u8> {
    let length = u8::try_from(identifier.len()).unwrap_or(u8::MAX);
    [&[length], identifier, &number(point)].concat()
}

/// A human-readable notation (RFC 9580, section 5.2.3.24).
fn notation(name: &str, value: &str) -> Vec<u8> {
    let text = [name.as_bytes(), value.as_bytes()].concat();
    let lengths = [length16(name.as_bytes()), length16(value.as_bytes())].concat();
    subpacket(20, &[&[0x80, 0, 0, 0], &lengths[..], &text].concat())
}

fn armored(packets: &[u8]) -> Option<String> {
    let mut writer = Writer::new(Vec::new(), Kind::PublicKey).ok()?;
    writer.write_all(packets).ok()?;
    String::from_utf8(writer.finalize().ok()?).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::keys::Keyring;
    use crate::openpgp::Web;
    use crate::testing::SystemRandom;
    use crate::x509::{KeyKind, SecretKey};

    const NOW: Time = Time::from_unix_seconds(1_790_000_000);

    fn bytes(hexadecimal: &str) -> Vec<u8> {
        let digits: Vec<u8> = hexadecimal.bytes().collect();
        digits
            .chunks_exact(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    #[test]
    fn a_twin_has_the_fingerprint_that_gpg_and_sq_compute() {
        let p256 = "3059301306072a8648ce3d020106082a8648ce3d03010703420004f40ddd44bb0a046d72a17b67c3dd474454cba676c\
                    ce2be66542e3857f8e532798f0f47793f6d5ba671d996a02a4878dd9dd9150e253c71ff9ae1d2188f6ef40e";
        let ed25519 =
            "302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        for (key, fingerprint) in [
            (p256, "69F94A59CD6AF56FE034979F40AE1D7E72C11D4A"),
            (ed25519, "B24CBA7E0CCE6760B1CCF220788C7B95A31DDDDD"),
        ] {
            let key = PublicKey::from_der(&bytes(key)).unwrap();
            assert_eq!(TwinKey::of(&key).unwrap().fingerprint().to_string(), fingerprint);
        }
    }

    #[test]
    fn what_is_exported_is_read_as_the_twin_that_was_computed() {
        let addresses = ["alice@example.org", "a@example.net"].map(|text| EmailAddress::parse(text).unwrap());
        for kind in [KeyKind::P256, KeyKind::P384, KeyKind::P521, KeyKind::Ed25519, KeyKind::Rsa2048] {
            let secret = SecretKey::generate(kind, &mut SystemRandom).unwrap();
            let key = secret.public_key().clone();
            let mut keys = Keyring::new();
            keys.add_key(secret);
            let armored = export_twin(&keys, &key, "Alice", &addresses, NOW).unwrap();
            let mut web = Web::new();
            web.import(&[armored.as_bytes()]).unwrap();
            let twin = TwinKey::of(&key).unwrap();
            let certificate = web.certificate(&twin.fingerprint()).unwrap();
            assert!(twin.is_primary_key_of(certificate));
            assert!(certificate.is_usable_at(NOW) && !certificate.is_usable_at(NOW.plus_seconds(-1)));
            for (user_id, text) in
                certificate.user_ids.iter().zip(["Alice <alice@example.org>", "Alice <a@example.net>"])
            {
                assert_eq!(user_id.text, text);
                assert!(user_id.self_signed.contains(NOW));
            }
        }
    }

    #[test]
    fn a_key_that_differs_in_one_octet_is_no_twin() {
        let secret = SecretKey::generate(KeyKind::P256, &mut SystemRandom).unwrap();
        let mut keys = Keyring::new();
        keys.add_key(secret.clone());
        let address = [EmailAddress::parse("alice@example.org").unwrap()];
        let armored = export_twin(&keys, secret.public_key(), "", &address, NOW).unwrap();
        let mut web = Web::new();
        web.import(&[armored.as_bytes()]).unwrap();
        let twin = TwinKey::of(secret.public_key()).unwrap();
        let mut certificate = web.certificate(&twin.fingerprint()).unwrap().clone();
        assert_eq!(certificate.user_ids[0].text, "alice@example.org");
        certificate.primary_key[20] ^= 1;
        assert!(!twin.is_primary_key_of(&certificate));
    }

    #[test]
    fn a_name_cannot_end_its_user_identifier_early() {
        let address = EmailAddress::parse("alice@example.org").unwrap();
        for name in ["Bob <bob@example.org> ", "a\nb", "a>"] {
            assert_eq!(user_id(name, &address), Err(TwinError::BadName));
        }
    }
}
