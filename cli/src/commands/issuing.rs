//! Making keys and their certificates.

use clap::ValueEnum;
use counterseal_core::address::EmailAddress;
use counterseal_core::keys::Keyring;
use counterseal_core::time::Time;
use counterseal_core::x509::issue::{self, Issuer, Subject, Validity};
use counterseal_core::x509::{Certificate, KeyKind, PublicKey, SecretKey};

use crate::args;
use crate::config;
use crate::failure::Failure;
use crate::randomness::SystemRandom;
use crate::store::{KeyUse, StoreError, Writer};

/// Days that the personal CA is valid: it stands for a person, and changing it means comparing anew.
const AUTHORITY_DAYS: i64 = 20 * 365;
/// Days that its certificates are valid.
const CERTIFICATE_DAYS: i64 = 3 * 365;
/// Seconds that a certificate begins in the past, for readers whose clock is slow.
const CLOCK_TOLERANCE: i64 = 3600;

/// Adds a key with its certificate.
pub(super) fn add(
    writer: &mut Writer<'_>,
    key_use: KeyUse,
    (key, certificate): &(SecretKey, Certificate),
) -> Result<bool, StoreError> {
    let (algorithm, public_key) = (key.algorithm().name(), key.public_key());
    let is_new = writer.add_secret_key(key_use, &algorithm, public_key.as_der(), &key.to_pkcs8_der())?;
    // After its key, so that the store knows whose it is.
    writer.add_certificate(certificate.as_der(), &certificate.fingerprint())?;
    Ok(is_new)
}

/// The certificate of a personal CA, by its own key.
pub(super) fn authority_certificate(
    key: &SecretKey,
    name: &str,
    addresses: &[EmailAddress],
    now: Time,
) -> Result<Certificate, Failure> {
    let subject = Subject { name, addresses, public_key: key.public_key() };
    let keys = Keyring::from(key.clone());
    issue::personal_ca(&keys, &subject, validity(now, AUTHORITY_DAYS), &mut SystemRandom)
        .map_err(cannot_issue)
}

/// Makes a key and has the personal CA issue its certificate.
pub(super) fn further(
    (key_use, algorithm): (KeyUse, args::Algorithm),
    issuer: &Issuer<'_>,
    name: &str,
    addresses: &[EmailAddress],
    now: Time,
) -> Result<(SecretKey, Certificate), Failure> {
    let key = generate(kind(algorithm))?;
    let certificate = certify((key_use, key.public_key()), issuer, name, addresses, now)?;
    Ok((key, certificate))
}

/// Refuses a kind of key that cannot do what it is for, before anything is asked or made.
pub(super) fn suits(key_use: KeyUse, algorithm: args::Algorithm) -> Result<(), Failure> {
    use args::Algorithm::{Ed25519, MlDsa44, MlDsa65, MlDsa87, MlKem512, MlKem768, MlKem1024, X25519};
    let (cannot, hint) = match (key_use, algorithm) {
        (KeyUse::Encryption, Ed25519 | MlDsa44 | MlDsa65 | MlDsa87) => (
            "signs only; nobody can encrypt to it",
            "kinds to encrypt to: rsa-3072, p-256, x25519, ml-kem-768",
        ),
        (KeyUse::Signing | KeyUse::PersonalCa, X25519 | MlKem512 | MlKem768 | MlKem1024) => {
            ("cannot sign", "kinds that sign: p-256, rsa-3072, ed25519, ml-dsa-65")
        }
        _ => return Ok(()),
    };
    let name = algorithm.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    Err(Failure::usage(format!("a key of the kind {name} {cannot}")).hint(hint))
}

/// Has the personal CA issue a certificate for a key, wherever that is.
pub(super) fn certify(
    (key_use, public_key): (KeyUse, &PublicKey),
    issuer: &Issuer<'_>,
    name: &str,
    addresses: &[EmailAddress],
    now: Time,
) -> Result<Certificate, Failure> {
    let subject = Subject { name, addresses, public_key };
    // No certificate outlives the one that issued it.
    let mut validity = validity(now, CERTIFICATE_DAYS);
    validity.not_after = validity.not_after.min(issuer.certificate.not_after());
    let issued = match key_use {
        KeyUse::Encryption => {
            let capabilities = config::announced()?.to_der();
            issue::encryption_certificate(issuer, &subject, validity, Some(&capabilities), &mut SystemRandom)
        }
        KeyUse::Signing | KeyUse::PersonalCa => {
            issue::signing_certificate(issuer, &subject, validity, &mut SystemRandom)
        }
    };
    issued.map_err(cannot_issue)
}

/// A new key.
pub(super) fn generate(kind: KeyKind) -> Result<SecretKey, Failure> {
    SecretKey::generate(kind, &mut SystemRandom)
        .map_err(|error| Failure::unknown("cannot-generate", "no key could be made").because(error))
}

/// Why a certificate or a request was not made.
pub(super) fn cannot_issue(error: issue::IssueError) -> Failure {
    Failure::usage(format!("no certificate could be made: {error}"))
}

/// From a moment ago, for so many days.
fn validity(now: Time, days: i64) -> Validity {
    Validity { not_before: now.plus_seconds(-CLOCK_TOLERANCE), not_after: now.plus_days(days) }
}

/// The library's word for a kind of key.
pub(super) const fn kind(algorithm: args::Algorithm) -> KeyKind {
    match algorithm {
        args::Algorithm::Rsa2048 => KeyKind::Rsa2048,
        args::Algorithm::Rsa3072 => KeyKind::Rsa3072,
        args::Algorithm::Rsa4096 => KeyKind::Rsa4096,
        args::Algorithm::P256 => KeyKind::P256,
        args::Algorithm::P384 => KeyKind::P384,
        args::Algorithm::P521 => KeyKind::P521,
        args::Algorithm::X25519 => KeyKind::X25519,
        args::Algorithm::Ed25519 => KeyKind::Ed25519,
        args::Algorithm::MlKem512 => KeyKind::MlKem512,
        args::Algorithm::MlKem768 => KeyKind::MlKem768,
        args::Algorithm::MlKem1024 => KeyKind::MlKem1024,
        args::Algorithm::MlDsa44 => KeyKind::MlDsa44,
        args::Algorithm::MlDsa65 => KeyKind::MlDsa65,
        args::Algorithm::MlDsa87 => KeyKind::MlDsa87,
    }
}

/// A certificate that a key signs for itself, for people who have no CA at all.
pub(super) fn self_signed(
    key: &SecretKey,
    name: &str,
    addresses: &[EmailAddress],
    now: Time,
) -> Result<Certificate, Failure> {
    let subject = Subject { name, addresses, public_key: key.public_key() };
    let (keys, capabilities) = (Keyring::from(key.clone()), config::announced()?.to_der());
    let validity = validity(now, CERTIFICATE_DAYS);
    issue::self_signed(&keys, &subject, validity, Some(&capabilities), &mut SystemRandom)
        .map_err(cannot_issue)
}
