//! Certificates that we issue: the personal CA of a person, and what it vouches for (RFC 5280,
//! RFC 8550, RFC 9598).
//!
//! A personal CA stands for a person: it is what people compare, and everything issued from it
//! follows without a new comparison. Its name constraints are not critical, because gpgsm refuses
//! every chain with critical ones; whoever understands them enforces them all the same.

mod device;
mod extensions;
mod request;
mod revocation_list;

use std::fmt;

use der::Encode as _;
use der::flagset::FlagSet;
use x509_cert::ext::pkix::KeyUsages;

use super::algorithm_identifier::signature_to;
use super::asn1_time;
use super::certificate::Certificate;
use super::name_constraints::{ComparisonBudget, GeneralName, NameConstraints};
use super::public_key::PublicKey;
use super::tlv::{self, tag};
use crate::address::EmailAddress;
use crate::algorithm::{DigestAlgorithm, KeyAlgorithm, SignatureAlgorithm};
use crate::limits;
use crate::ports::{KeyError, Random, SecretKeys};
use crate::time::Time;
pub use device::{DEVICE_PURPOSE, device_certificate};
use extensions::Extensions;
pub use request::{CertificationRequest, certification_request};
pub use revocation_list::revocation_list;

/// Bytes of a random serial number; RFC 5280 allows 20.
const SERIAL_NUMBER_BYTES: usize = 16;
/// Letters of a common name (RFC 5280, appendix A.1: ub-common-name).
const COMMON_NAME_LETTERS: usize = 64;

/// Whom a certificate is for.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What people read: a name, or the address. Becomes the common name.
    pub name: &'a str,
    /// The mail addresses; at least one.
    pub addresses: &'a [EmailAddress],
    /// The key that the certificate is about.
    pub public_key: &'a PublicKey,
}

/// From when until when; both ends are included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// First moment.
    pub not_before: Time,
    /// Last moment.
    pub not_after: Time,
}

/// Who issues: a CA certificate, and the keys that hold its secret half.
#[derive(Clone, Copy)]
pub struct Issuer<'a> {
    /// The personal CA.
    pub certificate: &'a Certificate,
    /// Where its secret key is.
    pub keys: &'a dyn SecretKeys,
}

/// Why no certificate was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssueError {
    /// The subject has no address, or more than a certificate may have.
    Addresses,
    /// The validity ends before it begins, or lies outside of what can be written.
    Validity,
    /// The key cannot do what the certificate would be for.
    UnsuitableKey(KeyAlgorithm),
    /// The issuer is no CA.
    NotAnAuthority,
    /// The issuer's secret key failed.
    Key(KeyError),
}

impl fmt::Display for IssueError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addresses => formatter.write_str("no address, or too many"),
            Self::Validity => formatter.write_str("the validity cannot be written"),
            Self::UnsuitableKey(algorithm) => write!(formatter, "a {} key cannot do this", algorithm.name()),
            Self::NotAnAuthority => formatter.write_str("the issuer is no CA"),
            Self::Key(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for IssueError {}

/// The certificate of a personal CA, signed with its own key: it may issue certificates for the
/// subject's addresses, and no further CA.
///
/// # Errors
/// [`IssueError`].
pub fn personal_ca(
    keys: &dyn SecretKeys,
    subject: &Subject<'_>,
    validity: Validity,
    random: &mut dyn Random,
) -> Result<Certificate, IssueError> {
    check_addresses(subject)?;
    let extensions = Extensions::of_authority(subject).map_err(addresses)?;
    let name = authority_name(subject);
    let draft = Draft { issuer: &name, subject: &name, public_key: subject.public_key, validity, extensions };
    draft.sign(keys, subject.public_key, random)
}

/// A certificate to encrypt to. `capabilities` is the DER of SMIMECapabilities (RFC 4262): what
/// its holder reads, for senders who have no signed mail yet.
///
/// # Errors
/// [`IssueError::UnsuitableKey`] for a key that only signs, and the others of [`IssueError`].
pub fn encryption_certificate(
    issuer: &Issuer<'_>,
    subject: &Subject<'_>,
    validity: Validity,
    capabilities: Option<&[u8]>,
    random: &mut dyn Random,
) -> Result<Certificate, IssueError> {
    let usage = encryption_usage(subject.public_key)?;
    leaf(issuer, subject, validity, usage, capabilities, random)
}

/// A certificate to sign mail with.
///
/// # Errors
/// [`IssueError::UnsuitableKey`] for a key that only encrypts, and the others of [`IssueError`].
pub fn signing_certificate(
    issuer: &Issuer<'_>,
    subject: &Subject<'_>,
    validity: Validity,
    random: &mut dyn Random,
) -> Result<Certificate, IssueError> {
    let algorithm = subject.public_key.algorithm();
    signature_by(algorithm).ok_or(IssueError::UnsuitableKey(algorithm))?;
    leaf(issuer, subject, validity, KeyUsages::DigitalSignature.into(), None, random)
}

/// A certificate signed with its own key, for whatever the key can do. It is no CA, so programs
/// that ask for a chain do not take it.
///
/// # Errors
/// [`IssueError`].
pub fn self_signed(
    keys: &dyn SecretKeys,
    subject: &Subject<'_>,
    validity: Validity,
    capabilities: Option<&[u8]>,
    random: &mut dyn Random,
) -> Result<Certificate, IssueError> {
    check_addresses(subject)?;
    let encryption = encryption_usage(subject.public_key).unwrap_or_default();
    let usage = encryption | KeyUsages::DigitalSignature;
    let extensions = Extensions::of_leaf(subject, usage, capabilities).map_err(addresses)?;
    let name = person_name(subject);
    let draft = Draft { issuer: &name, subject: &name, public_key: subject.public_key, validity, extensions };
    draft.sign(keys, subject.public_key, random)
}

/// The signature that a key makes where nothing else is asked for: the digest is as strong as the
/// key.
#[must_use]
pub fn signature_by(key: KeyAlgorithm) -> Option<SignatureAlgorithm> {
    match key {
        KeyAlgorithm::Rsa { .. } => Some(SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256)),
        KeyAlgorithm::P256 => Some(SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256)),
        KeyAlgorithm::P384 => Some(SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha384)),
        KeyAlgorithm::P521 => Some(SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha512)),
        KeyAlgorithm::Ed25519 => Some(SignatureAlgorithm::Ed25519),
        KeyAlgorithm::MlDsa44 | KeyAlgorithm::MlDsa65 | KeyAlgorithm::MlDsa87 => {
            Some(SignatureAlgorithm::MlDsa)
        }
        KeyAlgorithm::X25519
        | KeyAlgorithm::MlKem512
        | KeyAlgorithm::MlKem768
        | KeyAlgorithm::MlKem1024
        | KeyAlgorithm::Dsa => None,
    }
}

fn encryption_usage(key: &PublicKey) -> Result<FlagSet<KeyUsages>, IssueError> {
    match key.algorithm() {
        KeyAlgorithm::Rsa { .. }
        | KeyAlgorithm::MlKem512
        | KeyAlgorithm::MlKem768
        | KeyAlgorithm::MlKem1024 => Ok(KeyUsages::KeyEncipherment.into()),
        KeyAlgorithm::P256 | KeyAlgorithm::P384 | KeyAlgorithm::P521 | KeyAlgorithm::X25519 => {
            Ok(KeyUsages::KeyAgreement.into())
        }
        other => Err(IssueError::UnsuitableKey(other)),
    }
}

fn leaf(
    issuer: &Issuer<'_>,
    subject: &Subject<'_>,
    validity: Validity,
    usage: FlagSet<KeyUsages>,
    capabilities: Option<&[u8]>,
    random: &mut dyn Random,
) -> Result<Certificate, IssueError> {
    check_addresses(subject)?;
    if !issuer.certificate.is_certificate_authority() {
        return Err(IssueError::NotAnAuthority);
    }
    let mut extensions = Extensions::of_leaf(subject, usage, capabilities).map_err(addresses)?;
    extensions.add_authority_key_identifier(issuer.certificate).map_err(addresses)?;
    let draft = Draft {
        issuer: issuer.certificate.subject_der(),
        subject: &person_name(subject),
        public_key: subject.public_key,
        validity,
        extensions,
    };
    draft.sign(issuer.keys, issuer.certificate.public_key(), random)
}

/// Whether a CA may certify all of these addresses, as far as its own name constraints say.
#[must_use]
pub fn may_certify(authority: &Certificate, addresses: &[EmailAddress]) -> bool {
    let Some((_, constraints)) = authority.extension(super::certificate::extension::NAME_CONSTRAINTS) else {
        return true;
    };
    let name = |address: &EmailAddress| {
        let text = address.to_string();
        let is_ascii = text.is_ascii();
        if is_ascii { GeneralName::Rfc822(text.into_bytes()) } else { GeneralName::SmtpUtf8Mailbox(text) }
    };
    let names: Vec<_> = addresses.iter().map(name).collect();
    NameConstraints::from_der(constraints)
        .is_some_and(|constraints| constraints.check(&names, &mut ComparisonBudget::new()).is_ok())
}

/// Only addresses can be what no extension can hold: all else in them has a form of its own.
fn addresses(_: der::Error) -> IssueError {
    IssueError::Addresses
}

fn check_addresses(subject: &Subject<'_>) -> Result<(), IssueError> {
    let possible = 1..=limits::CERTIFICATE_NAMES;
    if possible.contains(&subject.addresses.len()) { Ok(()) } else { Err(IssueError::Addresses) }
}

/// Everything of a certificate but its serial number and signature.
struct Draft<'a> {
    issuer: &'a [u8],
    subject: &'a [u8],
    public_key: &'a PublicKey,
    validity: Validity,
    extensions: Extensions,
}

impl Draft<'_> {
    fn sign(
        &self,
        keys: &dyn SecretKeys,
        signer: &PublicKey,
        random: &mut dyn Random,
    ) -> Result<Certificate, IssueError> {
        let key = signer.algorithm();
        let signature = signature_by(key).ok_or(IssueError::UnsuitableKey(key))?;
        let algorithm = signature_to(signature, key).and_then(|algorithm| algorithm.to_der().ok());
        let algorithm = algorithm.ok_or(IssueError::UnsuitableKey(key))?;
        let to_be_signed = self.to_be_signed(&algorithm, random)?;
        let value = keys.sign(&signer.fingerprint(), signature, &to_be_signed).map_err(IssueError::Key)?;
        let der = tlv::sequence(&[&to_be_signed, &algorithm, &tlv::bit_string(&value)]);
        // What we issue must pass what we check, signature included: a fault in signing would
        // otherwise go out.
        let certificate = Certificate::from_der(&der).map_err(|_| IssueError::Key(KeyError::Failed))?;
        certificate.is_signed_by(signer).map_err(|_| IssueError::Key(KeyError::Failed))?;
        Ok(certificate)
    }

    /// TBSCertificate (RFC 5280, section 4.1) of version 3.
    fn to_be_signed(&self, algorithm: &[u8], random: &mut dyn Random) -> Result<Vec<u8>, IssueError> {
        let version = tlv::encode(tag::constructed(0), &tlv::integer(&[2]));
        let extensions = tlv::encode(tag::constructed(3), &self.extensions.to_der().map_err(addresses)?);
        Ok(tlv::sequence(&[
            &version,
            &tlv::integer(&serial_number(random)),
            algorithm,
            self.issuer,
            &validity(self.validity)?,
            self.subject,
            self.public_key.as_der(),
            &extensions,
        ]))
    }
}

/// Positive, and always of the same length.
fn serial_number(random: &mut dyn Random) -> [u8; SERIAL_NUMBER_BYTES] {
    let mut serial_number = [0; SERIAL_NUMBER_BYTES];
    random.fill(&mut serial_number);
    if let Some(first) = serial_number.first_mut() {
        *first = (*first & 0x7f) | 0x40;
    }
    serial_number
}

fn validity(validity: Validity) -> Result<Vec<u8>, IssueError> {
    if validity.not_before > validity.not_after {
        return Err(IssueError::Validity);
    }
    Ok(tlv::sequence(&[&time(validity.not_before)?, &time(validity.not_after)?]))
}

/// Years that have a form in certificates (RFC 5280, section 4.1.2.5).
fn time(time: Time) -> Result<Vec<u8>, IssueError> {
    let (year, ..) = time.civil_date();
    if (1950..=9999).contains(&year) { Ok(asn1_time::write(time)) } else { Err(IssueError::Validity) }
}

/// A Name of a common name alone.
fn person_name(subject: &Subject<'_>) -> Vec<u8> {
    named(subject.name)
}

/// A Name of this common name.
fn named(name: &str) -> Vec<u8> {
    tlv::sequence(&[&relative_name(COMMON_NAME, name)])
}

/// The common name and the fingerprint: two personal CAs of one person must have different names,
/// or programs that look issuers up by name take the wrong one.
fn authority_name(subject: &Subject<'_>) -> Vec<u8> {
    let unit = format!("personal CA {}", subject.public_key.fingerprint());
    tlv::sequence(&[&relative_name(ORGANIZATIONAL_UNIT, &unit), &relative_name(COMMON_NAME, subject.name)])
}

/// Content octets of 2.5.4.3 and 2.5.4.11.
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ORGANIZATIONAL_UNIT: &[u8] = &[0x55, 4, 11];

fn relative_name(kind: &[u8], value: &str) -> Vec<u8> {
    let value: String =
        value.chars().filter(|character| !character.is_control()).take(COMMON_NAME_LETTERS).collect();
    let attribute = tlv::sequence(&[
        &tlv::encode(tag::OBJECT_IDENTIFIER, kind),
        &tlv::encode(tag::UTF8_STRING, value.as_bytes()),
    ]);
    tlv::encode(tag::SET, &attribute)
}

#[cfg(test)]
mod tests;
