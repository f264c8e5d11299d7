//! What a response says of one certificate (RFC 6960, section 4.2.1).

use der::Decode;
use spki::AlgorithmIdentifierOwned;

use super::super::extensions::{EntryExtensions, reason};
use super::super::{Revocation, RevocationReason, UnusableList};
use super::ENUMERATED;
use crate::algorithm::DigestAlgorithm;
use crate::time::Time;
use crate::x509::algorithm_identifier::{algorithm_der, digest_from, digest_oid};
use crate::x509::digest::digest;
use crate::x509::tlv::{self, Element, Elements, only, tag};
use crate::x509::{Certificate, PublicKey, asn1_time};

/// CertID: a certificate by its serial number and digests of its issuer's name and key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CertificateIdentifier {
    /// Nothing where it is not known; then no certificate is meant.
    algorithm: Option<DigestAlgorithm>,
    issuer_name: Vec<u8>,
    issuer_key: Vec<u8>,
    serial_number: Vec<u8>,
}

impl CertificateIdentifier {
    /// Of a certificate whose issuer has this key.
    pub(super) fn of(certificate: &Certificate, issuer: &PublicKey, algorithm: DigestAlgorithm) -> Self {
        Self {
            algorithm: Some(algorithm),
            issuer_name: digest(algorithm, certificate.issuer_der()),
            issuer_key: digest(algorithm, issuer.bits()),
            serial_number: certificate.serial_number().to_vec(),
        }
    }

    /// Whether this certificate is meant. Broken digests do: whoever finds a collision needs the
    /// issuer to certify it.
    pub(crate) fn is_of(&self, certificate: &Certificate, issuer: &PublicKey) -> bool {
        self.serial_number == certificate.serial_number()
            && self.algorithm.is_some_and(|algorithm| *self == Self::of(certificate, issuer, algorithm))
    }

    pub(super) fn read(content: &[u8]) -> Option<Self> {
        let mut fields = Elements::new(content);
        let algorithm = AlgorithmIdentifierOwned::from_der(fields.expect(tag::SEQUENCE)?.whole).ok()?;
        let mut octets = |tag| Some(fields.expect(tag)?.content.to_vec());
        let (issuer_name, issuer_key) = (octets(tag::OCTET_STRING)?, octets(tag::OCTET_STRING)?);
        let serial_number = octets(tag::INTEGER)?;
        let identifier =
            Self { algorithm: digest_from(&algorithm).ok(), issuer_name, issuer_key, serial_number };
        fields.is_empty().then_some(identifier)
    }

    pub(super) fn to_der(&self) -> Vec<u8> {
        let algorithm = digest_oid(self.algorithm.unwrap_or(DigestAlgorithm::Sha1));
        // Responders from before RFC 5754 compare the parameters, and they have NULL.
        tlv::sequence(&[
            &algorithm_der(algorithm, &[tag::NULL, 0]),
            &tlv::encode(tag::OCTET_STRING, &self.issuer_name),
            &tlv::encode(tag::OCTET_STRING, &self.issuer_key),
            &tlv::encode(tag::INTEGER, &self.serial_number),
        ])
    }
}

/// What is said of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CertificateStatus {
    Good,
    Revoked(Revocation),
    /// The responder does not know it.
    Unknown,
}

/// SingleResponse.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SingleResponse {
    pub(crate) identifier: CertificateIdentifier,
    pub(crate) status: CertificateStatus,
    pub(crate) this_update: Time,
    pub(crate) next_update: Option<Time>,
    /// Since when certificates that expired are still known (RFC 6960, section 4.4.4).
    pub(crate) keeps_since: Option<Time>,
    pub(crate) unusable: Option<UnusableList>,
}

impl SingleResponse {
    pub(super) fn read(content: &[u8]) -> Option<Self> {
        let mut fields = Elements::new(content);
        let identifier = CertificateIdentifier::read(fields.expect(tag::SEQUENCE)?.content)?;
        let status = fields.any()?;
        let this_update = asn1_time::read(&fields.any()?)?;
        let next_update = match fields.optional(tag::constructed(0))? {
            Some(time) => Some(asn1_time::read_generalized(time.content)?),
            None => None,
        };
        let extensions = match fields.optional(tag::constructed(1))? {
            Some(list) => EntryExtensions::read(list.content)?,
            None => EntryExtensions::default(),
        };
        if !fields.is_empty() {
            return None;
        }
        Some(Self {
            identifier,
            status: read_status(&status, &extensions)?,
            this_update,
            next_update,
            keeps_since: extensions.keeps_since,
            unusable: extensions.unusable,
        })
    }
}

/// CertStatus; extensions of revocation lists may say more (RFC 6960, section 4.4.5).
fn read_status(status: &Element<'_>, extensions: &EntryExtensions) -> Option<CertificateStatus> {
    match status.tag {
        good if good == tag::primitive(0) && status.content.is_empty() => Some(CertificateStatus::Good),
        unknown if unknown == tag::primitive(2) && status.content.is_empty() => {
            Some(CertificateStatus::Unknown)
        }
        revoked if revoked == tag::constructed(1) => {
            let mut fields = Elements::new(status.content);
            let date = asn1_time::read(&fields.any()?)?;
            let reason = match fields.optional(tag::constructed(0))? {
                Some(field) => reason(only(field.content, ENUMERATED)?),
                None => extensions.reason,
            };
            // Only a delta list takes something back.
            let reason = match reason {
                RevocationReason::RemoveFromCrl => RevocationReason::Unspecified,
                other => other,
            };
            let when = extensions.invalid_since.map_or(date, |since| since.min(date));
            fields.is_empty().then_some(CertificateStatus::Revoked(Revocation { when, reason }))
        }
        _ => None,
    }
}
