//! Reading secret keys: PKCS#8 (RFC 5958, 8410, 9881, 9935), PKCS#1, SEC 1, encrypted or not.

use const_oid::ObjectIdentifier;
use der::Decode as _;
use sec1::{EcParameters, EcPrivateKey};
use zeroize::Zeroizing;

use super::super::algorithm_identifier::{algorithm_in, oid};
use super::super::certificate::CertificateError;
use super::super::curve::{self, Curve};
use super::super::pem;
use super::super::pkcs12::{self, Pkcs12Error};
use super::super::post_quantum::{self, DSA_SEED_BYTES, KEM_SEED_BYTES, PostQuantumSecret};
use super::super::public_key::{PublicKey, curve_named, named_curve, post_quantum_algorithm};
use super::super::tlv::{self, Element, Elements, tag};
use super::rsa::RsaSecret;
use super::{Inner, Kind, SecretKey, SecretKeyError, structure};
use crate::algorithm::KeyAlgorithm;
use crate::limits;
use crate::secret::SecretBytes;

impl From<CertificateError> for SecretKeyError {
    fn from(error: CertificateError) -> Self {
        match error {
            CertificateError::UnsupportedKey(identifier) => Self::Unsupported(identifier),
            CertificateError::BadKey => Self::BadKey,
            _ => Self::Malformed,
        }
    }
}

impl From<Pkcs12Error> for SecretKeyError {
    fn from(error: Pkcs12Error) -> Self {
        match error {
            Pkcs12Error::WrongPassphrase => Self::WrongPassphrase,
            Pkcs12Error::Unsupported { what } => Self::UnsupportedEncryption(what),
            Pkcs12Error::Limit(_) => Self::TooExpensive,
            _ => Self::Malformed,
        }
    }
}

/// A secret key in whatever form it is.
pub(super) fn any(bytes: &[u8], passphrase: Option<&SecretBytes>) -> Result<SecretKey, SecretKeyError> {
    if bytes.len() > limits::STRUCTURE_BYTES {
        return Err(SecretKeyError::Malformed);
    }
    if !pem::is_pem(bytes) {
        return der(bytes, passphrase);
    }
    let block = pem::blocks(bytes).into_iter().find(|(label, _)| label.ends_with("PRIVATE KEY"));
    let (label, der) = block.ok_or(SecretKeyError::Malformed)?;
    pem_block(&label, &der, passphrase)
}

/// The key of a PEM block; the label says which form it has (RFC 7468, sections 10, 11 and 13).
pub(super) fn pem_block(
    label: &str,
    bytes: &SecretBytes,
    passphrase: Option<&SecretBytes>,
) -> Result<SecretKey, SecretKeyError> {
    if bytes.is_empty() {
        return Err(SecretKeyError::UnsupportedEncryption("PEM with header lines (RFC 1421)".into()));
    }
    match label {
        "PRIVATE KEY" => pkcs8(bytes.expose()),
        "ENCRYPTED PRIVATE KEY" => encrypted(bytes.expose(), passphrase),
        "RSA PRIVATE KEY" => rsa(&structure::rsa_algorithm(), bytes.expose()),
        "EC PRIVATE KEY" => sec1(bytes.expose()),
        _ => Err(SecretKeyError::Unsupported(label.to_owned())),
    }
}

/// Tells the forms apart by what their first field is.
fn der(bytes: &[u8], passphrase: Option<&SecretBytes>) -> Result<SecretKey, SecretKeyError> {
    let mut fields = tlv::only(bytes, tag::SEQUENCE).map(Elements::new).ok_or(SecretKeyError::Malformed)?;
    let first = fields.any().ok_or(SecretKeyError::Malformed)?;
    match (first.tag, fields.peek()) {
        (tag::INTEGER, Some(tag::SEQUENCE)) => pkcs8(bytes),
        (tag::INTEGER, Some(tag::OCTET_STRING)) => sec1(bytes),
        (tag::INTEGER, Some(tag::INTEGER)) => rsa(&structure::rsa_algorithm(), bytes),
        (tag::SEQUENCE, Some(tag::OCTET_STRING)) => encrypted(bytes, passphrase),
        _ => Err(SecretKeyError::Malformed),
    }
}

fn encrypted(bytes: &[u8], passphrase: Option<&SecretBytes>) -> Result<SecretKey, SecretKeyError> {
    let passphrase = passphrase.ok_or(SecretKeyError::PassphraseNeeded)?;
    pkcs8(pkcs12::decrypt_private_key(bytes, passphrase)?.expose())
}

/// The fields of a OneAsymmetricKey that matter.
struct PrivateKeyInfo<'a> {
    algorithm: Element<'a>,
    key: &'a [u8],
    public_key: Option<&'a [u8]>,
}

/// OneAsymmetricKey (RFC 5958, section 2) without its attributes.
fn private_key_info(bytes: &[u8]) -> Option<PrivateKeyInfo<'_>> {
    let mut fields = Elements::new(tlv::only(bytes, tag::SEQUENCE)?);
    let version = fields.expect(tag::INTEGER)?.content;
    let algorithm = fields.expect(tag::SEQUENCE)?;
    let key = fields.expect(tag::OCTET_STRING)?.content;
    fields.optional(tag::constructed(0))?;
    let public_key = match fields.optional(tag::primitive(1))? {
        None => None,
        Some(bits) => Some(tlv::whole_bits(bits.content)?),
    };
    (fields.is_empty() && matches!(version, [0 | 1])).then_some(PrivateKeyInfo { algorithm, key, public_key })
}

/// PKCS#8. A public key that comes along must be the right one.
pub(super) fn pkcs8(bytes: &[u8]) -> Result<SecretKey, SecretKeyError> {
    let info = private_key_info(bytes).ok_or(SecretKeyError::Malformed)?;
    let key = key_of(&info)?;
    match (info.public_key, key.0.public_key.raw()) {
        (Some(given), Some(computed)) if given != computed => Err(SecretKeyError::BadKey),
        _ => Ok(key),
    }
}

fn key_of(info: &PrivateKeyInfo<'_>) -> Result<SecretKey, SecretKeyError> {
    let (identifier, parameters) = algorithm_in(info.algorithm.whole).ok_or(SecretKeyError::Malformed)?;
    match identifier {
        oid::RSA_ENCRYPTION => rsa(&structure::rsa_algorithm(), info.key),
        oid::RSASSA_PSS => rsa(info.algorithm.whole, info.key),
        oid::EC_PUBLIC_KEY => {
            let curve = named_curve(parameters.ok_or(SecretKeyError::Malformed)?)?;
            ec_private_key(info.key, Some(curve))
        }
        oid::X25519 | oid::ED25519 => {
            let seed = tlv::only(info.key, tag::OCTET_STRING).ok_or(SecretKeyError::Malformed)?;
            edwards(identifier, seed)
        }
        other => match post_quantum_algorithm(&other) {
            Some(algorithm) => post_quantum(algorithm, info.key),
            None => Err(SecretKeyError::Unsupported(other.to_string())),
        },
    }
}

/// SEC 1 with its curve inside (RFC 5915).
fn sec1(bytes: &[u8]) -> Result<SecretKey, SecretKeyError> {
    ec_private_key(bytes, None)
}

/// ECPrivateKey: the curve stands outside, inside, or in both places alike.
fn ec_private_key(bytes: &[u8], outside: Option<Curve>) -> Result<SecretKey, SecretKeyError> {
    let read = EcPrivateKey::from_der(bytes).map_err(|_| SecretKeyError::Malformed)?;
    let inside = read.parameters.and_then(EcParameters::named_curve).map(curve_named).transpose()?;
    let curve = outside.or(inside).ok_or(SecretKeyError::Malformed)?;
    if inside.is_some_and(|inside| inside != curve) {
        return Err(SecretKeyError::BadKey);
    }
    let key = elliptic(curve, read.private_key)?;
    let Some(public) = read.public_key else { return Ok(key) };
    let given = curve::point(curve, public).ok_or(SecretKeyError::BadKey)?;
    if key.0.public_key.raw() == Some(&given) { Ok(key) } else { Err(SecretKeyError::BadKey) }
}

/// A key on a curve, given its scalar with or without leading zeros.
pub(super) fn elliptic(curve: Curve, scalar: &[u8]) -> Result<SecretKey, SecretKeyError> {
    let length = curve.field_length();
    let mut fixed = Zeroizing::new(vec![0; length.saturating_sub(scalar.len())]);
    let (excess, significant) = scalar.split_at(scalar.len().saturating_sub(length));
    if excess.iter().any(|octet| *octet != 0) {
        return Err(SecretKeyError::BadKey);
    }
    fixed.extend_from_slice(significant);
    let point = curve::public_point(curve, &fixed).ok_or(SecretKeyError::BadKey)?;
    let algorithm = structure::curve_algorithm(curve);
    let inner = structure::ec_private_key(&fixed, &point).ok_or(SecretKeyError::BadKey)?;
    let pkcs8 = structure::private_key_info(&algorithm, &inner);
    assemble(&algorithm, &point, pkcs8, Kind::Elliptic { curve, scalar: SecretBytes::copy_of(&fixed) })
}

/// X25519 and Ed25519 (RFC 8410, section 7).
pub(super) fn edwards(identifier: ObjectIdentifier, seed: &[u8]) -> Result<SecretKey, SecretKeyError> {
    let bytes: &[u8; 32] = seed.try_into().map_err(|_| SecretKeyError::Malformed)?;
    let secret = SecretBytes::copy_of(seed);
    let (public, kind) = if identifier == oid::X25519 {
        (x25519_dalek::x25519(*bytes, x25519_dalek::X25519_BASEPOINT_BYTES), Kind::X25519(secret))
    } else {
        (ed25519_dalek::SigningKey::from_bytes(bytes).verifying_key().to_bytes(), Kind::Ed25519(secret))
    };
    let algorithm = structure::plain_algorithm(identifier);
    let inner = Zeroizing::new(tlv::encode(tag::OCTET_STRING, seed));
    assemble(&algorithm, &public, structure::private_key_info(&algorithm, &inner), kind)
}

/// The three forms of RFC 9881, section 6, and RFC 9935, section 6: the seed, the expanded key,
/// or both, which then must belong together.
fn post_quantum(algorithm: KeyAlgorithm, key: &[u8]) -> Result<SecretKey, SecretKeyError> {
    let mut fields = Elements::new(key);
    let form = fields.any().filter(|_| fields.is_empty()).ok_or(SecretKeyError::Malformed)?;
    let secret = match form.tag {
        SEED => PostQuantumSecret::Seed(SecretBytes::copy_of(form.content)),
        tag::OCTET_STRING => PostQuantumSecret::Expanded(SecretBytes::copy_of(form.content)),
        tag::SEQUENCE => {
            let mut both = Elements::new(form.content);
            let seed = both.expect(tag::OCTET_STRING).ok_or(SecretKeyError::Malformed)?.content;
            let expanded = both.expect(tag::OCTET_STRING).ok_or(SecretKeyError::Malformed)?.content;
            let seed = SecretBytes::copy_of(seed);
            if !both.is_empty() || !post_quantum::belongs_to_seed(algorithm, &seed, expanded) {
                return Err(SecretKeyError::BadKey);
            }
            PostQuantumSecret::Seed(seed)
        }
        _ => return Err(SecretKeyError::Malformed),
    };
    post_quantum_secret(algorithm, secret)
}

const SEED: u8 = tag::primitive(0);

/// A post-quantum key, kept as its seed where there is one.
pub(super) fn post_quantum_secret(
    algorithm: KeyAlgorithm,
    secret: PostQuantumSecret,
) -> Result<SecretKey, SecretKeyError> {
    let identifier = structure::post_quantum_identifier(algorithm).ok_or(SecretKeyError::Malformed)?;
    let seed_bytes = if post_quantum::signs(algorithm) { DSA_SEED_BYTES } else { KEM_SEED_BYTES };
    let key = match &secret {
        PostQuantumSecret::Seed(seed) if seed.len() != seed_bytes => return Err(SecretKeyError::BadKey),
        PostQuantumSecret::Seed(seed) => tlv::encode(SEED, seed.expose()),
        PostQuantumSecret::Expanded(expanded) => tlv::encode(tag::OCTET_STRING, expanded.expose()),
    };
    let key = Zeroizing::new(key);
    let public = post_quantum::public_key(algorithm, &secret).ok_or(SecretKeyError::BadKey)?;
    let algorithm = structure::plain_algorithm(identifier);
    let pkcs8 = structure::private_key_info(&algorithm, &key);
    assemble(&algorithm, &public, pkcs8, Kind::PostQuantum(secret))
}

/// An RSA key, given its RSAPrivateKey (RFC 8017, appendix A.1.2) and the AlgorithmIdentifier.
pub(super) fn rsa(algorithm: &[u8], pkcs1: &[u8]) -> Result<SecretKey, SecretKeyError> {
    let (key, public) = RsaSecret::read(pkcs1)?;
    let pkcs8 = structure::private_key_info(algorithm, pkcs1);
    assemble(algorithm, &public, pkcs8, Kind::Rsa(Box::new(key)))
}

fn assemble(
    algorithm: &[u8],
    public: &[u8],
    pkcs8: SecretBytes,
    kind: Kind,
) -> Result<SecretKey, SecretKeyError> {
    let public_key = PublicKey::from_der(&structure::public_key_info(algorithm, public))?;
    Ok(SecretKey(std::sync::Arc::new(Inner { public_key, pkcs8, kind })))
}
