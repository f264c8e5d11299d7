//! The attributes that bind a signature to one certificate (RFC 5035; RFC 2634, section 5.4), so
//! that nobody puts another certificate for the same key in its place.

use super::algorithms::read_digest_algorithm;
use super::outcome::SignatureFault;
use super::signer_info::issuer_and_serial_number;
use crate::algorithm::DigestAlgorithm;
use crate::cms::attributes::SignedAttributes;
use crate::cms::elements::{self, Element, INTEGER, NotDer, OCTET_STRING, SEQUENCE, context, encode};
use crate::ports::KeyName;
use crate::x509::Certificate;
use crate::x509::digest::digest;

/// One ESSCertID or ESSCertIDv2: what the signer says of its own certificate.
#[derive(Debug)]
pub(super) struct SigningCertificate {
    digest: Option<DigestAlgorithm>,
    hash: Vec<u8>,
    /// Issuer and serial number, where they are given.
    name: Option<KeyName>,
}

/// What both attributes say; either may be missing.
pub(super) fn read(attributes: &SignedAttributes<'_>) -> Result<Vec<SigningCertificate>, SignatureFault> {
    let mut named = Vec::new();
    if let Some(value) = attributes.signing_certificate()? {
        named.push(read_first(value, Version::One).map_err(|_| SignatureFault::MalformedAttributes)?);
    }
    if let Some(value) = attributes.signing_certificate_v2()? {
        named.push(read_first(value, Version::Two).map_err(|_| SignatureFault::MalformedAttributes)?);
    }
    Ok(named)
}

impl SigningCertificate {
    /// Whether it means this certificate.
    pub(super) fn is(&self, certificate: &Certificate) -> bool {
        let same_hash =
            self.digest.is_some_and(|algorithm| digest(algorithm, certificate.as_der()) == self.hash);
        let same_name = match &self.name {
            Some(KeyName::IssuerAndSerialNumber { issuer, serial_number }) => {
                issuer == certificate.issuer_der() && serial_number == certificate.serial_number()
            }
            _ => true,
        };
        same_hash && same_name
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// The first certificate that is named is the signer's; the others are its issuers.
fn read_first(value: &[u8], version: Version) -> Result<SigningCertificate, NotDer> {
    let parts = elements::elements(elements::content_of(value, SEQUENCE)?)?;
    let ([certificates] | [certificates, _]) = parts.as_slice() else { return Err(NotDer) };
    let certificates = elements::elements(certificates.expect(SEQUENCE)?)?;
    let first = certificates.first().ok_or(NotDer)?;
    let parts = elements::elements(first.expect(SEQUENCE)?)?;
    let (digest, parts) = match (version, parts.as_slice()) {
        (Version::One, parts) => (Some(DigestAlgorithm::Sha1), parts),
        (Version::Two, [algorithm, parts @ ..]) if algorithm.tag == SEQUENCE => {
            (read_digest_algorithm(algorithm.whole), parts)
        }
        (Version::Two, parts) => (Some(DigestAlgorithm::Sha256), parts),
    };
    let (hash, name) = match parts {
        [hash] => (hash, None),
        [hash, name] => (hash, Some(read_issuer_serial(name)?)),
        _ => return Err(NotDer),
    };
    Ok(SigningCertificate { digest, hash: hash.expect(OCTET_STRING)?.to_vec(), name })
}

/// `IssuerSerial ::= SEQUENCE { GeneralNames, serialNumber }`, the names being one directoryName.
fn read_issuer_serial(element: &Element<'_>) -> Result<KeyName, NotDer> {
    let parts = elements::elements(element.expect(SEQUENCE)?)?;
    let [names, serial_number] = parts.as_slice() else { return Err(NotDer) };
    let directory_name = elements::content_of(names.expect(SEQUENCE)?, context(4))?;
    issuer_and_serial_number(&[directory_name, serial_number.whole].concat())
}

/// SigningCertificateV2 for this certificate, with SHA-256, which is the default and left out.
pub(super) fn write(certificate: &Certificate) -> Vec<u8> {
    let hash = encode(OCTET_STRING, &[&digest(DigestAlgorithm::Sha256, certificate.as_der())]);
    let names = encode(SEQUENCE, &[&encode(context(4), &[certificate.issuer_der()])]);
    let serial_number = encode(INTEGER, &[certificate.serial_number()]);
    let issuer_serial = encode(SEQUENCE, &[&names, &serial_number]);
    let identifier = encode(SEQUENCE, &[&hash, &issuer_serial]);
    encode(SEQUENCE, &[&encode(SEQUENCE, &[&identifier])])
}
