//! Certificates (RFC 5280), with the exact bytes they came in.

pub(crate) mod extension;
mod fields;

use std::fmt;
use std::sync::{Arc, OnceLock};

use const_oid::ObjectIdentifier;
use der::Decode as _;
use spki::AlgorithmIdentifierOwned;

use self::extension::Extensions;
use self::fields::Fields;
use super::algorithm_identifier;
use super::name_constraints::NameConstraints;
use super::name_text;
use super::path::distinguished_name::DistinguishedName;
use super::public_key::PublicKey;
use super::signature::SignatureInvalid;
use super::usage::{ExtendedKeyUsage, KeyUsage, UsageError};
use crate::address::EmailAddress;
use crate::algorithm::{KeyAlgorithm, SignatureAlgorithm};
use crate::fingerprint::Fingerprint;
use crate::limits;
use crate::ports::KeyName;
use crate::time::Time;

/// Why bytes are no certificate that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateError {
    /// Not the DER of a certificate.
    Malformed,
    /// Something follows the certificate.
    TrailingBytes,
    /// Larger than [`limits::STRUCTURE_BYTES`].
    TooLarge,
    /// An extension stands twice in it (RFC 5280, section 4.2): its object identifier.
    DuplicateExtension(String),
    /// More names than [`limits::CERTIFICATE_NAMES`].
    TooManyNames,
    /// A kind of key that is not known here: its object identifier.
    UnsupportedKey(String),
    /// A key that nobody should have made: an even modulus, a point off its curve.
    BadKey,
}

impl fmt::Display for CertificateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => formatter.write_str("not a certificate"),
            Self::TrailingBytes => formatter.write_str("bytes after the certificate"),
            Self::TooLarge => formatter.write_str("the certificate is too large"),
            Self::DuplicateExtension(identifier) => write!(formatter, "extension {identifier} stands twice"),
            Self::TooManyNames => formatter.write_str("too many names"),
            Self::UnsupportedKey(identifier) => write!(formatter, "unsupported kind of key {identifier}"),
            Self::BadKey => formatter.write_str("a key that is not valid"),
        }
    }
}

impl std::error::Error for CertificateError {}

/// A certificate. Cloning is cheap; two certificates are equal when their bytes are.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    der: Vec<u8>,
    to_be_signed: Vec<u8>,
    version: u8,
    serial_number: Vec<u8>,
    issuer: Vec<u8>,
    issuer_text: String,
    not_before: Time,
    not_after: Time,
    subject: Vec<u8>,
    subject_text: String,
    public_key: PublicKey,
    extensions: Extensions,
    /// DER of the AlgorithmIdentifier outside and of the one that is signed.
    signature_algorithms: [Vec<u8>; 2],
    signature: Vec<u8>,
    /// Issuer and subject in the form in which they are compared, made when they first are.
    comparable_names: OnceLock<[Option<DistinguishedName>; 2]>,
    /// The key that signed this certificate, once that was checked: several paths lead over one certificate.
    signed_by: OnceLock<Fingerprint>,
}

impl Certificate {
    /// Reads one certificate, with nothing after it.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > limits::STRUCTURE_BYTES {
            return Err(CertificateError::TooLarge);
        }
        let fields = Fields::read(der)?;
        Ok(Self(Arc::new(Inner {
            der: der.to_vec(),
            to_be_signed: fields.to_be_signed.to_vec(),
            version: fields.version,
            serial_number: fields.serial_number.to_vec(),
            issuer: fields.issuer.to_vec(),
            issuer_text: name_text::text(fields.issuer).ok_or(CertificateError::Malformed)?,
            not_before: fields.not_before,
            not_after: fields.not_after,
            subject: fields.subject.to_vec(),
            subject_text: name_text::text(fields.subject).ok_or(CertificateError::Malformed)?,
            public_key: PublicKey::from_der(fields.public_key)?,
            extensions: Extensions::read(fields.extensions, fields.subject)?,
            signature_algorithms: fields.signature_algorithms.map(<[u8]>::to_vec),
            signature: fields.signature.to_vec(),
            comparable_names: OnceLock::new(),
            signed_by: OnceLock::new(),
        })))
    }

    /// The first common name of the subject, as it stands there: foreign text, unless the certificate is ours.
    #[must_use]
    pub fn common_name(&self) -> Option<String> {
        name_text::values(self.subject_der(), "2.5.4.3")?.into_iter().next()
    }

    /// The exact bytes.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.0.der
    }

    /// Of the public key (its SubjectPublicKeyInfo), not of the certificate.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.public_key.fingerprint()
    }

    /// The key that the certificate is about.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public_key
    }

    /// The subject's name by RFC 4514; what cannot be seen is escaped.
    #[must_use]
    pub fn subject(&self) -> String {
        self.0.subject_text.clone()
    }

    /// The issuer's name by RFC 4514; what cannot be seen is escaped.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.0.issuer_text.clone()
    }

    /// DER of the subject's Name.
    #[must_use]
    pub fn subject_der(&self) -> &[u8] {
        &self.0.subject
    }

    /// DER of the issuer's Name.
    #[must_use]
    pub fn issuer_der(&self) -> &[u8] {
        &self.0.issuer
    }

    /// The issuer's name, to be compared (RFC 5280, section 7.1); nothing where it is malformed.
    pub(crate) fn issuer_name(&self) -> Option<&DistinguishedName> {
        self.comparable_names()[0].as_ref()
    }

    /// The subject's name, to be compared; nothing where it is malformed.
    pub(crate) fn subject_name(&self) -> Option<&DistinguishedName> {
        self.comparable_names()[1].as_ref()
    }

    fn comparable_names(&self) -> &[Option<DistinguishedName>; 2] {
        self.0
            .comparable_names
            .get_or_init(|| [&self.0.issuer, &self.0.subject].map(|name| DistinguishedName::from_der(name)))
    }

    /// Content octets of the serial number's INTEGER.
    #[must_use]
    pub fn serial_number(&self) -> &[u8] {
        &self.0.serial_number
    }

    /// RFC 5280, section 4.2.1.2.
    #[must_use]
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        self.0.extensions.subject_key_identifier.as_deref()
    }

    /// The key identifier of the issuer (RFC 5280, section 4.2.1.1).
    #[must_use]
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.0.extensions.authority_key_identifier.as_deref()
    }

    /// First moment of validity.
    #[must_use]
    pub fn not_before(&self) -> Time {
        self.0.not_before
    }

    /// Last moment of validity.
    #[must_use]
    pub fn not_after(&self) -> Time {
        self.0.not_after
    }

    /// Whether `at` lies within the validity, both ends included.
    #[must_use]
    pub fn is_valid_at(&self, at: Time) -> bool {
        self.not_before() <= at && at <= self.not_after()
    }

    /// The mail addresses: rfc822Name and SmtpUTF8Mailbox of subjectAltName (RFC 9598); the
    /// emailAddress of the subject only where subjectAltName has none (RFC 8550, section 3). Names
    /// that are not addresses are left out.
    #[must_use]
    pub fn addresses(&self) -> &[EmailAddress] {
        &self.0.extensions.addresses
    }

    /// RFC 5280, section 4.2.1.3.
    #[must_use]
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.0.extensions.key_usage
    }

    /// RFC 5280, section 4.2.1.12.
    #[must_use]
    pub fn extended_key_usage(&self) -> Option<&ExtendedKeyUsage> {
        self.0.extensions.extended_key_usage.as_ref()
    }

    /// Whether this is the CA of one person: no CA may stand below it, and all that it may certify are
    /// mailboxes that it names (RFC 5280, section 4.2.1.10). One whose owner's address is not ASCII can
    /// name only the host (RFC 9598, section 6), and so looks like that of many people.
    #[must_use]
    pub fn is_personal_authority(&self) -> bool {
        let constraints = self.extension(extension::NAME_CONSTRAINTS);
        self.is_certificate_authority()
            && self.path_length() == Some(0)
            && constraints
                .and_then(|(_, der)| NameConstraints::from_der(der))
                .is_some_and(|constraints| constraints.permits_only_mailboxes())
    }

    /// `cA` of the basic constraints (RFC 5280, section 4.2.1.9).
    #[must_use]
    pub fn is_certificate_authority(&self) -> bool {
        self.0.extensions.is_certificate_authority
    }

    /// How many further CA certificates may follow this one in a path.
    #[must_use]
    pub fn path_length(&self) -> Option<u32> {
        self.0.extensions.path_length
    }

    /// 1, 2 or 3.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.0.version
    }

    /// Whether subject and issuer are the same name.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.0.subject == self.0.issuer
    }

    /// Critical extensions that nobody here understands: such a certificate counts for nothing
    /// (RFC 5280, section 4.2).
    #[must_use]
    pub fn unknown_critical_extensions(&self) -> &[String] {
        &self.0.extensions.unknown_critical
    }

    /// How a CMS object may name the certificate: by issuer and serial number, by its subject key
    /// identifier, by the SHA-1 identifier of its key.
    #[must_use]
    pub fn names(&self) -> Vec<KeyName> {
        let mut names = vec![KeyName::IssuerAndSerialNumber {
            issuer: self.0.issuer.clone(),
            serial_number: self.0.serial_number.clone(),
        }];
        names.extend(
            self.subject_key_identifier().map(|identifier| KeyName::KeyIdentifier(identifier.to_vec())),
        );
        let computed = KeyName::KeyIdentifier(self.0.public_key.key_identifier().to_vec());
        if !names.contains(&computed) {
            names.push(computed);
        }
        names
    }

    /// DER of the SMIMECapabilities extension (RFC 4262).
    #[must_use]
    pub fn capabilities(&self) -> Option<&[u8]> {
        self.0.extensions.capabilities.as_deref()
    }

    /// How the issuer signed; nothing where the algorithm is not known.
    #[must_use]
    pub fn signature_algorithm(&self) -> Option<SignatureAlgorithm> {
        let [outer, _] = &self.0.signature_algorithms;
        let algorithm = AlgorithmIdentifierOwned::from_der(outer).ok()?;
        algorithm_identifier::signature_from(&algorithm, None).ok()
    }

    /// Checks that the certificate may sign mail.
    ///
    /// RFC 8550, section 4.4.2: with a key usage extension, digitalSignature or nonRepudiation
    /// must be set; section 4.4.4: with an extended key usage, mail must be among the purposes.
    ///
    /// # Errors
    /// [`UsageError`] with what was found.
    pub fn may_sign_mail(&self) -> Result<(), UsageError> {
        let algorithm = self.0.public_key.algorithm();
        match algorithm {
            KeyAlgorithm::X25519
            | KeyAlgorithm::MlKem512
            | KeyAlgorithm::MlKem768
            | KeyAlgorithm::MlKem1024 => return Err(UsageError::KeyAlgorithm(algorithm)),
            _ => {}
        }
        self.check_key_usage(|usage| usage.digital_signature() || usage.non_repudiation())?;
        self.check_extended_key_usage()
    }

    /// Checks that mail may be encrypted to the certificate.
    ///
    /// With a key usage extension (RFC 8550, section 4.4.2): keyEncipherment for RSA and ML-KEM,
    /// keyAgreement for EC keys. EC keys sign as often as they agree, so without the extension
    /// only RSA, ML-KEM and X25519 keys are presumed to encrypt.
    ///
    /// # Errors
    /// [`UsageError`] with what was found.
    pub fn may_receive_encrypted_mail(&self) -> Result<(), UsageError> {
        let algorithm = self.0.public_key.algorithm();
        match algorithm {
            KeyAlgorithm::Rsa { .. }
            | KeyAlgorithm::MlKem512
            | KeyAlgorithm::MlKem768
            | KeyAlgorithm::MlKem1024 => self.check_key_usage(KeyUsage::key_encipherment)?,
            KeyAlgorithm::X25519 => self.check_key_usage(may_agree)?,
            KeyAlgorithm::P256 | KeyAlgorithm::P384 | KeyAlgorithm::P521 => {
                if self.key_usage().is_none() {
                    return Err(UsageError::KeyUsage(Vec::new()));
                }
                self.check_key_usage(may_agree)?;
            }
            KeyAlgorithm::Ed25519
            | KeyAlgorithm::MlDsa44
            | KeyAlgorithm::MlDsa65
            | KeyAlgorithm::MlDsa87
            | KeyAlgorithm::Dsa => return Err(UsageError::KeyAlgorithm(algorithm)),
        }
        self.check_extended_key_usage()
    }

    /// Checks the signature on this certificate: the two algorithm fields must be the same bytes
    /// (RFC 5280, section 4.1.1.2), and the signature must be strictly what [`PublicKey::verify`]
    /// asks for.
    ///
    /// # Errors
    /// [`SignatureInvalid`].
    pub fn is_signed_by(&self, issuer: &PublicKey) -> Result<(), SignatureInvalid> {
        let [outer, inner] = &self.0.signature_algorithms;
        if outer != inner {
            return Err(SignatureInvalid::AlgorithmMismatch);
        }
        if self.0.signed_by.get() == Some(&issuer.fingerprint()) {
            return Ok(());
        }
        let algorithm = self.signature_algorithm().ok_or(SignatureInvalid::Unsupported)?;
        issuer.verify(algorithm, &self.0.to_be_signed, &self.0.signature)?;
        // Whoever was first stays: a second key that fits too is checked each time.
        let _ = self.0.signed_by.set(issuer.fingerprint());
        Ok(())
    }

    /// An extension: whether it is critical, and the DER of its value.
    pub(crate) fn extension(&self, identifier: ObjectIdentifier) -> Option<(bool, &[u8])> {
        self.0.extensions.get(identifier)
    }

    fn check_key_usage(&self, allows: impl Fn(KeyUsage) -> bool) -> Result<(), UsageError> {
        match self.key_usage() {
            Some(usage) if !allows(usage) => Err(UsageError::KeyUsage(usage.names())),
            _ => Ok(()),
        }
    }

    fn check_extended_key_usage(&self) -> Result<(), UsageError> {
        match self.extended_key_usage() {
            Some(usage) if !usage.allows_email_protection() && !usage.allows_any() => {
                Err(UsageError::ExtendedKeyUsage(usage.purposes().to_vec()))
            }
            _ => Ok(()),
        }
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

impl std::hash::Hash for Certificate {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.der.hash(state);
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Certificate({}, {})", self.subject(), self.fingerprint())
    }
}

/// A sender seals to it, and its holder opens: encipherOnly is the sender's half alone.
fn may_agree(usage: KeyUsage) -> bool {
    usage.key_agreement() && !usage.encipher_only()
}

#[cfg(test)]
mod tests;
