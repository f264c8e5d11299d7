//! What a file holds: keys and certificates in any of the forms that programs write.

use std::fmt;

use crate::limits;
use crate::secret::SecretBytes;
use crate::x509::pem;
use crate::x509::pkcs12::{self, Pkcs12Error};
use crate::x509::{Certificate, CertificateError, PublicKey, SecretKey, SecretKeyError};

/// What was found in a file.
#[derive(Debug, Default)]
pub struct Import {
    /// Secret keys, in order.
    pub keys: Vec<SecretKey>,
    /// Certificates, in order, each once.
    pub certificates: Vec<Certificate>,
    /// Bare public keys (SubjectPublicKeyInfo), in order.
    pub public_keys: Vec<PublicKey>,
    /// What is there and was not taken.
    pub refused: Vec<Refused>,
}

/// One thing of a file that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What it is.
    pub item: Item,
    /// Why it was not taken.
    pub why: ImportError,
}

/// Something that a file can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// An X.509 certificate.
    Certificate,
    /// A bare public key.
    PublicKey,
    /// A secret key.
    SecretKey,
    /// A PKCS#12 file.
    Pkcs12,
    /// A PKCS#7 bag of certificates.
    Certificates,
    /// A PEM block with this label, which is foreign text.
    PemBlock(String),
    /// Bytes that nobody here knows.
    Unknown,
}

/// Why something was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportError {
    /// A certificate or public key that is not one.
    Certificate(CertificateError),
    /// A secret key that is not one.
    SecretKey(SecretKeyError),
    /// A PKCS#12 file that cannot be read.
    Pkcs12(Pkcs12Error),
    /// It is encrypted, and no passphrase was given.
    PassphraseNeeded,
    /// It is encrypted with another passphrase.
    WrongPassphrase,
    /// Not a form that is known here.
    NotRecognised,
    /// Larger than [`limits::PKCS12_BYTES`], or with more certificates than
    /// [`limits::CERTIFICATES`].
    TooLarge,
}

impl fmt::Display for ImportError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(error) => error.fmt(formatter),
            Self::SecretKey(error) => error.fmt(formatter),
            Self::Pkcs12(error) => error.fmt(formatter),
            Self::PassphraseNeeded => formatter.write_str("a passphrase is needed"),
            Self::WrongPassphrase => formatter.write_str("wrong passphrase"),
            Self::NotRecognised => formatter.write_str("not a form that is known here"),
            Self::TooLarge => formatter.write_str("too large"),
        }
    }
}

impl std::error::Error for ImportError {}

impl From<CertificateError> for ImportError {
    fn from(error: CertificateError) -> Self {
        Self::Certificate(error)
    }
}

impl From<SecretKeyError> for ImportError {
    fn from(error: SecretKeyError) -> Self {
        match error {
            SecretKeyError::PassphraseNeeded => Self::PassphraseNeeded,
            SecretKeyError::WrongPassphrase => Self::WrongPassphrase,
            other => Self::SecretKey(other),
        }
    }
}

impl Import {
    /// Whether nothing at all was taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.certificates.is_empty() && self.public_keys.is_empty()
    }

    /// Whether something only waits for a passphrase.
    #[must_use]
    pub fn needs_passphrase(&self) -> bool {
        self.refused.iter().any(|refused| refused.why == ImportError::PassphraseNeeded)
    }

    fn refuse(&mut self, item: Item, why: impl Into<ImportError>) {
        self.refused.push(Refused { item, why: why.into() });
    }

    fn certificate(&mut self, der: &[u8]) {
        match Certificate::from_der(der) {
            _ if self.certificates.len() >= limits::CERTIFICATES => {
                self.refuse(Item::Certificate, ImportError::TooLarge);
            }
            Ok(certificate) if self.certificates.contains(&certificate) => {}
            Ok(certificate) => self.certificates.push(certificate),
            Err(error) => self.refuse(Item::Certificate, error),
        }
    }

    fn public_key(&mut self, der: &[u8]) {
        match PublicKey::from_der(der) {
            Ok(key) => self.public_keys.push(key),
            Err(error) => self.refuse(Item::PublicKey, error),
        }
    }

    fn secret_key(&mut self, key: Result<SecretKey, SecretKeyError>) {
        match key {
            Ok(key) => self.keys.push(key),
            Err(error) => self.refuse(Item::SecretKey, error),
        }
    }

    fn certificates(&mut self, der: &[u8]) {
        match crate::cms::certificates_only(der) {
            Ok(bag) => bag.iter().for_each(|certificate| self.certificate(certificate.as_der())),
            Err(_) => self.refuse(Item::Certificates, ImportError::NotRecognised),
        }
    }

    /// A PKCS#12 file. Many have an empty passphrase, so that is what is tried without one.
    fn pkcs12(&mut self, file: &[u8], passphrase: Option<&SecretBytes>) {
        let empty = SecretBytes::new(Vec::new());
        let contents = match pkcs12::read(file, passphrase.unwrap_or(&empty)) {
            Ok(contents) => contents,
            Err(error) => {
                let why = match error {
                    Pkcs12Error::WrongPassphrase if passphrase.is_none() => ImportError::PassphraseNeeded,
                    Pkcs12Error::WrongPassphrase => ImportError::WrongPassphrase,
                    other => ImportError::Pkcs12(other),
                };
                return self.refuse(Item::Pkcs12, why);
            }
        };
        for entry in &contents.keys {
            self.secret_key(SecretKey::from_pkcs8_der(entry.private_key_info.expose()));
        }
        for entry in &contents.certificates {
            self.certificate(&entry.certificate);
        }
    }
}

/// Reads everything that a file holds: PEM with any number of blocks among other text, or one
/// DER object: a certificate, a bag of certificates, a public key, a secret key of any form, a
/// PKCS#12 file. What is broken is reported, and the rest is taken.
#[must_use]
pub fn import(file: &[u8], passphrase: Option<&SecretBytes>) -> Import {
    let mut result = Import::default();
    if file.len() > limits::PKCS12_BYTES {
        result.refuse(Item::Unknown, ImportError::TooLarge);
    } else if pem::is_pem(file) {
        for (label, bytes) in pem::blocks(file) {
            pem_block(&mut result, &label, &bytes, passphrase);
        }
    } else {
        der_object(&mut result, file, passphrase);
    }
    result
}

/// Labels of RFC 7468 and those of older programs.
fn pem_block(result: &mut Import, label: &str, bytes: &SecretBytes, passphrase: Option<&SecretBytes>) {
    match label {
        "CERTIFICATE" | "X509 CERTIFICATE" | "X.509 CERTIFICATE" => result.certificate(bytes.expose()),
        "PKCS7" | "CMS" | "PKCS #7 SIGNED DATA" => result.certificates(bytes.expose()),
        "PUBLIC KEY" => result.public_key(bytes.expose()),
        // The curve of the key that follows, which says so itself.
        "EC PARAMETERS" => {}
        _ if label.ends_with("PRIVATE KEY") => {
            result.secret_key(SecretKey::from_pem_block(label, bytes, passphrase));
        }
        _ => result.refuse(Item::PemBlock(label.to_owned()), ImportError::NotRecognised),
    }
}

/// What a DER or BER object is, by its first two fields.
fn der_object(result: &mut Import, file: &[u8], passphrase: Option<&SecretBytes>) {
    match shape(file) {
        Some(Shape::Certificate) => result.certificate(file),
        Some(Shape::Certificates) => result.certificates(file),
        Some(Shape::PublicKey) => result.public_key(file),
        Some(Shape::SecretKey) => result.secret_key(SecretKey::from_any(file, passphrase)),
        Some(Shape::Pkcs12) => result.pkcs12(file, passphrase),
        None => result.refuse(Item::Unknown, ImportError::NotRecognised),
    }
}

enum Shape {
    Certificate,
    Certificates,
    PublicKey,
    SecretKey,
    Pkcs12,
}

/// Tells objects apart without reading them; BER files have lengths that are not definite, so
/// only tags are looked at.
fn shape(file: &[u8]) -> Option<Shape> {
    const INTEGER: u8 = 0x02;
    const BIT_STRING: u8 = 0x03;
    const OCTET_STRING: u8 = 0x04;
    const OBJECT_IDENTIFIER: u8 = 0x06;
    const SEQUENCE: u8 = 0x30;
    let (_, content) = header(file).filter(|_| file.first() == Some(&SEQUENCE))?;
    let (length, inner) = header(content)?;
    let second = length.and_then(|length| inner.get(length)).copied();
    match (content.first().copied()?, second) {
        (OBJECT_IDENTIFIER, _) => Some(Shape::Certificates),
        (INTEGER, Some(SEQUENCE)) if inner.first() == Some(&3) => Some(Shape::Pkcs12),
        (INTEGER, Some(_)) => Some(Shape::SecretKey),
        (SEQUENCE, Some(OCTET_STRING)) => Some(Shape::SecretKey),
        (SEQUENCE, Some(BIT_STRING)) => Some(Shape::PublicKey),
        (SEQUENCE, Some(SEQUENCE)) => Some(Shape::Certificate),
        _ => None,
    }
}

/// The length of a value, if it is definite, and what follows its header.
fn header(bytes: &[u8]) -> Option<(Option<usize>, &[u8])> {
    let (length, rest) = bytes.get(1..)?.split_first()?;
    match *length {
        0..0x80 => Some((Some(usize::from(*length)), rest)),
        0x80 => Some((None, rest)),
        _ => {
            let (octets, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            if octets.len() > limits::STRUCTURE_LENGTH_OCTETS {
                return None;
            }
            let length = octets.iter().fold(0_usize, |length, octet| (length << 8) | usize::from(*octet));
            Some((Some(length), rest))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::address::EmailAddress;
    use crate::keys::Keyring;
    use crate::testing::SystemRandom;
    use crate::time::Time;
    use crate::x509::KeyKind;
    use crate::x509::issue::{self, Subject, Validity};

    fn key_and_certificate() -> (SecretKey, Certificate) {
        let key = SecretKey::generate(KeyKind::P256, &mut SystemRandom).unwrap();
        let addresses = [EmailAddress::parse("alice@example.org").unwrap()];
        let subject = Subject { name: "Alice", addresses: &addresses, public_key: key.public_key() };
        let start = Time::from_unix_seconds(1_795_262_400);
        let validity = Validity { not_before: start, not_after: start.plus_days(1) };
        let keys = Keyring::from(key.clone());
        let certificate = issue::self_signed(&keys, &subject, validity, None, &mut SystemRandom).unwrap();
        (key, certificate)
    }

    #[test]
    fn every_block_of_a_pem_file_is_taken() {
        let (key, certificate) = key_and_certificate();
        let file = [
            pem::encode("CERTIFICATE", certificate.as_der()),
            pem::encode("EC PARAMETERS", &[5, 0]),
            String::from_utf8(key.to_pkcs8_pem().expose().to_vec()).unwrap(),
            pem::encode("CERTIFICATE", certificate.as_der()),
            pem::encode("PUBLIC KEY", key.public_key().as_der()),
            pem::encode("CERTIFICATE REQUEST", &[0x30, 0]),
        ]
        .concat();
        let import = import(file.as_bytes(), None);
        assert_eq!(import.certificates, [certificate]);
        assert_eq!(import.keys[0].fingerprint(), key.fingerprint());
        assert_eq!(import.public_keys, [key.public_key().clone()]);
        let item = Item::PemBlock("CERTIFICATE REQUEST".into());
        assert_eq!(import.refused, [Refused { item, why: ImportError::NotRecognised }]);
    }

    #[test]
    fn der_objects_are_told_apart() {
        let (key, certificate) = key_and_certificate();
        assert_eq!(import(certificate.as_der(), None).certificates, [certificate]);
        assert_eq!(import(key.to_pkcs8_der().expose(), None).keys.len(), 1);
        assert_eq!(import(key.public_key().as_der(), None).public_keys.len(), 1);
    }

    #[test]
    fn what_nobody_knows_is_refused_without_a_panic() {
        for file in [&b""[..], b"\x30", b"\x30\x80", b"hello", b"\x30\x84\xff\xff\xff\xff\x02\x01\x03"] {
            let import = import(file, None);
            assert!(import.is_empty());
            assert!(!import.refused.is_empty());
        }
    }

    #[test]
    fn a_broken_certificate_does_not_hide_the_next() {
        let (_, certificate) = key_and_certificate();
        let mut broken = certificate.as_der().to_vec();
        broken.push(0);
        let file = [pem::encode("CERTIFICATE", &broken), pem::encode("CERTIFICATE", certificate.as_der())];
        let import = import(file.concat().as_bytes(), None);
        assert_eq!(import.certificates, [certificate]);
        assert_eq!(import.refused[0].why, ImportError::Certificate(CertificateError::TrailingBytes));
    }
}
