//! Integrity: HMAC over the AuthenticatedSafe (RFC 7292, section 5.1; RFC 9579).

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912;
use der::Sequence;
use hmac::{Hmac, KeyInit, Mac};
use spki::AlgorithmIdentifierRef;

use super::derivation::{self, Budget, Purpose};
use super::encryption::{Pbkdf2, hmac_digest};
use super::passphrase::Passphrase;
use super::structure::{MacData, Pfx, malformed};
use super::{Integrity, Pkcs12Error};
use crate::algorithm::DigestAlgorithm;
use crate::secret::SecretBytes;

pub(super) const PBMAC1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.14");

/// Checks the MAC of a file, if it has one, and keeps the form of the passphrase that fits.
pub(super) fn check(
    pfx: &Pfx<'_>,
    passphrase: &mut Passphrase,
    budget: &mut Budget,
) -> Result<Integrity, Pkcs12Error> {
    match &pfx.mac_data {
        None => Ok(Integrity::None),
        Some(mac) if mac.mac.algorithm.oid == PBMAC1 => check_pbmac1(pfx, mac, passphrase, budget),
        Some(mac) => check_mac(pfx, mac, passphrase, budget),
    }
}

fn check_mac(
    pfx: &Pfx<'_>,
    mac: &MacData<'_>,
    passphrase: &mut Passphrase,
    budget: &mut Budget,
) -> Result<Integrity, Pkcs12Error> {
    let digest = digest_algorithm(mac.mac.algorithm.oid)?;
    let mut fitting = None;
    for (index, form) in passphrase.terminated().iter().enumerate() {
        let key = mac_key(digest, form, mac.salt.as_bytes(), mac.iterations, budget)?;
        if hmac_verifies(digest, &key, pfx.authenticated_safe(), mac.mac.digest.as_bytes())? {
            fitting = Some(index);
            break;
        }
    }
    passphrase.keep_terminated(fitting.ok_or(Pkcs12Error::WrongPassphrase)?);
    Ok(Integrity::Mac(digest))
}

/// The key of a MAC: as long as the digest (RFC 7292, appendix B.4).
pub(super) fn mac_key(
    digest: DigestAlgorithm,
    passphrase: &SecretBytes,
    salt: &[u8],
    iterations: u32,
    budget: &mut Budget,
) -> Result<SecretBytes, Pkcs12Error> {
    let length = derivation::output_length(digest);
    derivation::derive(digest, Purpose::Mac, passphrase, salt, iterations, length, budget)
}

/// PBMAC1-params of RFC 8018, appendix A.5.
#[derive(Sequence)]
struct Pbmac1<'a> {
    derivation: AlgorithmIdentifierRef<'a>,
    scheme: AlgorithmIdentifierRef<'a>,
}

/// RFC 9579: the salt and iterations of MacData are not used, and the key length must be given.
fn check_pbmac1(
    pfx: &Pfx<'_>,
    mac: &MacData<'_>,
    passphrase: &Passphrase,
    budget: &mut Budget,
) -> Result<Integrity, Pkcs12Error> {
    let parameters = mac.mac.algorithm.parameters.ok_or(malformed("PBMAC1-params"))?;
    let parameters: Pbmac1<'_> = parameters.decode_as().map_err(|_| malformed("PBMAC1-params"))?;
    let digest = hmac_digest(&parameters.scheme)?;
    let derivation = Pbkdf2::read(&parameters.derivation)?;
    // RFC 9579, section 5: "less than 20 octets MUST be rejected".
    let length = derivation.key_length.filter(|length| (20..=128).contains(length));
    let length = length.ok_or(malformed("PBMAC1-params"))?;
    for form in passphrase.plain() {
        let key = derivation.derive(form, length, budget)?;
        if hmac_verifies(digest, &key, pfx.authenticated_safe(), mac.mac.digest.as_bytes())? {
            return Ok(Integrity::Pbmac1(digest));
        }
    }
    Err(Pkcs12Error::WrongPassphrase)
}

fn digest_algorithm(oid: ObjectIdentifier) -> Result<DigestAlgorithm, Pkcs12Error> {
    match oid {
        rfc5912::ID_SHA_1 => Ok(DigestAlgorithm::Sha1),
        rfc5912::ID_SHA_224 => Ok(DigestAlgorithm::Sha224),
        rfc5912::ID_SHA_256 => Ok(DigestAlgorithm::Sha256),
        rfc5912::ID_SHA_384 => Ok(DigestAlgorithm::Sha384),
        rfc5912::ID_SHA_512 => Ok(DigestAlgorithm::Sha512),
        other => Err(Pkcs12Error::Unsupported { what: other.to_string() }),
    }
}

/// Compares in constant time.
fn hmac_verifies(
    digest: DigestAlgorithm,
    key: &SecretBytes,
    message: &[u8],
    expected: &[u8],
) -> Result<bool, Pkcs12Error> {
    let computed = hmac(digest, key, message)?;
    Ok(subtle::ConstantTimeEq::ct_eq(computed.as_slice(), expected).into())
}

pub(super) fn hmac(
    digest: DigestAlgorithm,
    key: &SecretBytes,
    message: &[u8],
) -> Result<Vec<u8>, Pkcs12Error> {
    let key = key.expose();
    let mac = match digest {
        DigestAlgorithm::Sha1 => hmac_with::<Hmac<sha1::Sha1>>(key, message),
        DigestAlgorithm::Sha224 => hmac_with::<Hmac<sha2::Sha224>>(key, message),
        DigestAlgorithm::Sha256 => hmac_with::<Hmac<sha2::Sha256>>(key, message),
        DigestAlgorithm::Sha384 => hmac_with::<Hmac<sha2::Sha384>>(key, message),
        DigestAlgorithm::Sha512 => hmac_with::<Hmac<sha2::Sha512>>(key, message),
        _ => None,
    };
    mac.ok_or_else(|| Pkcs12Error::Unsupported { what: format!("HMAC with {}", digest.name()) })
}

/// HMAC takes keys of any length, so there is always a result.
fn hmac_with<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let mac = <M as KeyInit>::new_from_slice(key).ok()?;
    Some(mac.chain_update(message).finalize().into_bytes().to_vec())
}
