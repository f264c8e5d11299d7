//! Certificates (RFC 5280), with the exact bytes they came in.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use const_oid::ObjectIdentifier;
use der::Decode as _;

use super::algorithm_identifier;
use super::name_text;
use super::public_key::PublicKey;
use super::signature::SignatureInvalid;
use super::subject_names;
use super::tlv::{self, Elements, tag};
use super::usage::{ExtendedKeyUsage, KeyUsage, UsageError};
use crate::address::EmailAddress;
use crate::algorithm::{KeyAlgorithm, SignatureAlgorithm};
use crate::fingerprint::Fingerprint;
use crate::limits;
use crate::ports::KeyName;
use crate::time::Time;

/// Object identifiers of extensions.
pub(crate) mod extension {
    use const_oid::ObjectIdentifier;

    const fn oid(dotted: &str) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(dotted)
    }

    pub(crate) const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = oid("2.5.29.14");
    pub(crate) const KEY_USAGE: ObjectIdentifier = oid("2.5.29.15");
    pub(crate) const SUBJECT_ALT_NAME: ObjectIdentifier = oid("2.5.29.17");
    pub(crate) const ISSUER_ALT_NAME: ObjectIdentifier = oid("2.5.29.18");
    pub(crate) const BASIC_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.19");
    pub(crate) const NAME_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.30");
    pub(crate) const CRL_DISTRIBUTION_POINTS: ObjectIdentifier = oid("2.5.29.31");
    pub(crate) const CERTIFICATE_POLICIES: ObjectIdentifier = oid("2.5.29.32");
    pub(crate) const POLICY_MAPPINGS: ObjectIdentifier = oid("2.5.29.33");
    pub(crate) const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier = oid("2.5.29.35");
    pub(crate) const POLICY_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.36");
    pub(crate) const EXTENDED_KEY_USAGE: ObjectIdentifier = oid("2.5.29.37");
    pub(crate) const INHIBIT_ANY_POLICY: ObjectIdentifier = oid("2.5.29.54");
    pub(crate) const SMIME_CAPABILITIES: ObjectIdentifier = oid("1.2.840.113549.1.9.15");

    /// Extensions that may be critical because somebody here acts on them.
    pub(super) const KNOWN: [ObjectIdentifier; 13] = [
        SUBJECT_KEY_IDENTIFIER,
        KEY_USAGE,
        SUBJECT_ALT_NAME,
        ISSUER_ALT_NAME,
        BASIC_CONSTRAINTS,
        NAME_CONSTRAINTS,
        CRL_DISTRIBUTION_POINTS,
        CERTIFICATE_POLICIES,
        POLICY_MAPPINGS,
        AUTHORITY_KEY_IDENTIFIER,
        POLICY_CONSTRAINTS,
        EXTENDED_KEY_USAGE,
        INHIBIT_ANY_POLICY,
    ];
}

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
    parsed: x509_cert::Certificate,
    to_be_signed: Vec<u8>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    serial_number: Vec<u8>,
    public_key: PublicKey,
    extensions: Extensions,
}

/// What the extensions say.
#[derive(Default)]
struct Extensions {
    subject_key_identifier: Option<Vec<u8>>,
    authority_key_identifier: Option<Vec<u8>>,
    key_usage: Option<KeyUsage>,
    extended_key_usage: Option<ExtendedKeyUsage>,
    is_certificate_authority: bool,
    path_length: Option<u32>,
    addresses: Vec<EmailAddress>,
    capabilities: Option<Vec<u8>>,
    unknown_critical: Vec<String>,
}

/// The exact bytes of the fields that signatures, names and comparisons are about.
struct Fields<'a> {
    to_be_signed: &'a [u8],
    serial_number: &'a [u8],
    issuer: &'a [u8],
    subject: &'a [u8],
    public_key: &'a [u8],
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
        let fields = fields(der)?;
        let parsed = x509_cert::Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
        let extensions = extensions(&parsed, fields.subject)?;
        Ok(Self(Arc::new(Inner {
            to_be_signed: fields.to_be_signed.to_vec(),
            issuer: fields.issuer.to_vec(),
            subject: fields.subject.to_vec(),
            serial_number: fields.serial_number.to_vec(),
            public_key: PublicKey::from_der(fields.public_key)?,
            extensions,
            parsed,
            der: der.to_vec(),
        })))
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
        name_text::text(&self.0.subject).unwrap_or_default()
    }

    /// The issuer's name by RFC 4514; what cannot be seen is escaped.
    #[must_use]
    pub fn issuer(&self) -> String {
        name_text::text(&self.0.issuer).unwrap_or_default()
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
        time(self.0.parsed.tbs_certificate().validity().not_before)
    }

    /// Last moment of validity.
    #[must_use]
    pub fn not_after(&self) -> Time {
        time(self.0.parsed.tbs_certificate().validity().not_after)
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
        self.0.parsed.tbs_certificate().version() as u8 + 1
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
        algorithm_identifier::signature_from(self.0.parsed.signature_algorithm(), None).ok()
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
        let outer = self.0.parsed.signature_algorithm();
        if outer != self.0.parsed.tbs_certificate().signature() {
            return Err(SignatureInvalid::AlgorithmMismatch);
        }
        let algorithm =
            algorithm_identifier::signature_from(outer, None).map_err(|_| SignatureInvalid::Unsupported)?;
        let signature = self.0.parsed.signature().as_bytes().ok_or(SignatureInvalid::Invalid)?;
        issuer.verify(algorithm, &self.0.to_be_signed, signature)
    }

    /// The typed form, for the code that walks paths.
    pub(crate) fn inner(&self) -> &x509_cert::Certificate {
        &self.0.parsed
    }

    /// The exact bytes that are signed.
    pub(crate) fn tbs_der(&self) -> &[u8] {
        &self.0.to_be_signed
    }

    /// An extension: whether it is critical, and the DER of its value.
    pub(crate) fn extension(&self, identifier: ObjectIdentifier) -> Option<(bool, &[u8])> {
        let extensions = self.0.parsed.tbs_certificate().extensions()?;
        let found = extensions.iter().find(|extension| extension.extn_id == identifier)?;
        Some((found.critical, found.extn_value.as_bytes()))
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

fn fields(der: &[u8]) -> Result<Fields<'_>, CertificateError> {
    let mut outer = Elements::new(der);
    let certificate = outer.expect(tag::SEQUENCE).ok_or(CertificateError::Malformed)?;
    if !outer.is_empty() {
        return Err(CertificateError::TrailingBytes);
    }
    let read = || {
        let to_be_signed = Elements::new(certificate.content).expect(tag::SEQUENCE)?;
        let mut fields = Elements::new(to_be_signed.content);
        fields.optional(tag::constructed(0))?;
        let serial_number = fields.expect(tag::INTEGER)?.content;
        fields.expect(tag::SEQUENCE)?;
        let issuer = fields.expect(tag::SEQUENCE)?.whole;
        fields.expect(tag::SEQUENCE)?;
        let subject = fields.expect(tag::SEQUENCE)?.whole;
        let public_key = fields.expect(tag::SEQUENCE)?.whole;
        Some(Fields { to_be_signed: to_be_signed.whole, serial_number, issuer, subject, public_key })
    };
    read().ok_or(CertificateError::Malformed)
}

fn extensions(parsed: &x509_cert::Certificate, subject: &[u8]) -> Result<Extensions, CertificateError> {
    let mut result = Extensions::default();
    let mut seen = BTreeSet::new();
    let mut alternative_names = None;
    for found in parsed.tbs_certificate().extensions().map(Vec::as_slice).unwrap_or_default() {
        if !seen.insert(found.extn_id) {
            return Err(CertificateError::DuplicateExtension(found.extn_id.to_string()));
        }
        if found.critical && !extension::KNOWN.contains(&found.extn_id) {
            result.unknown_critical.push(found.extn_id.to_string());
        }
        let value = found.extn_value.as_bytes();
        if found.extn_id == extension::SUBJECT_ALT_NAME {
            alternative_names = Some(value);
        } else {
            result.read(found.extn_id, value).ok_or(CertificateError::Malformed)?;
        }
    }
    result.addresses = subject_names::addresses(alternative_names, subject)?;
    Ok(result)
}

impl Extensions {
    /// Takes in one extension; nothing where its value is malformed.
    fn read(&mut self, identifier: ObjectIdentifier, value: &[u8]) -> Option<()> {
        match identifier {
            extension::SUBJECT_KEY_IDENTIFIER => {
                self.subject_key_identifier = Some(tlv::only(value, tag::OCTET_STRING)?.to_vec());
            }
            extension::AUTHORITY_KEY_IDENTIFIER => {
                let mut fields = Elements::new(tlv::only(value, tag::SEQUENCE)?);
                let identifier = fields.optional(tag::primitive(0))?;
                self.authority_key_identifier = identifier.map(|field| field.content.to_vec());
            }
            extension::KEY_USAGE => self.key_usage = Some(KeyUsage::from_der(value)?),
            extension::EXTENDED_KEY_USAGE => {
                self.extended_key_usage = Some(ExtendedKeyUsage::from_der(value)?);
            }
            extension::BASIC_CONSTRAINTS => self.read_basic_constraints(value)?,
            extension::SMIME_CAPABILITIES => self.capabilities = Some(value.to_vec()),
            _ => {}
        }
        Some(())
    }

    fn read_basic_constraints(&mut self, value: &[u8]) -> Option<()> {
        let mut fields = Elements::new(tlv::only(value, tag::SEQUENCE)?);
        self.is_certificate_authority = match fields.optional(tag::BOOLEAN)?.map(|field| field.content) {
            None | Some([0]) => false,
            Some([0xff]) => true,
            Some(_) => return None,
        };
        if let Some(field) = fields.optional(tag::INTEGER)? {
            let magnitude = tlv::unsigned(field.content)?;
            let length = magnitude.iter().fold(0_u64, |number, octet| (number << 8) | u64::from(*octet));
            // More than any path could have means the same as any such number.
            self.path_length = Some(if magnitude.len() > 4 { u32::MAX } else { length as u32 });
        }
        fields.is_empty().then_some(())
    }
}

fn time(time: x509_cert::time::Time) -> Time {
    let seconds = time.to_unix_duration().as_secs();
    Time::from_unix_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
}
