//! Asking a responder (RFC 6960, section 4.1).

use super::single::CertificateIdentifier;
use super::{NONCE, OcspResponse};
use crate::algorithm::DigestAlgorithm;
use crate::limits;
use crate::ports::Random;
use crate::x509::Certificate;
use crate::x509::tlv::{self, tag};

/// A question to a responder, about one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcspRequest {
    der: Vec<u8>,
    nonce: Option<Vec<u8>>,
}

impl OcspRequest {
    /// A question about a certificate, given that of its issuer. `digest` is SHA-1 for responders
    /// of public CAs, which know no other (RFC 5019, section 2.1.1), else SHA-256. With `random`
    /// it has a nonce (RFC 9654), which responders of prepared answers do not repeat.
    #[must_use]
    pub fn new(
        certificate: &Certificate,
        issuer: &Certificate,
        digest: DigestAlgorithm,
        random: Option<&mut dyn Random>,
    ) -> Self {
        let identifier = CertificateIdentifier::of(certificate, issuer.public_key(), digest);
        let nonce = random.map(|random| {
            let mut nonce = vec![0; limits::OCSP_NONCE_BYTES];
            random.fill(&mut nonce);
            nonce
        });
        let requests = tlv::sequence(&[&tlv::sequence(&[&identifier.to_der()])]);
        let extensions = nonce.as_deref().map(nonce_extension).unwrap_or_default();
        let to_be_signed = tlv::sequence(&[&requests, &extensions]);
        Self { der: tlv::sequence(&[&to_be_signed]), nonce }
    }

    /// The bytes to send, as `application/ocsp-request`.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// Whether the response is not one to another request: it has this one's nonce, or none.
    /// Responders may leave the nonce out, and then only the dates say how fresh it is.
    #[must_use]
    pub fn may_be_answered_by(&self, response: &OcspResponse) -> bool {
        response.nonce().is_none_or(|nonce| Some(nonce) == self.nonce.as_deref())
    }
}

/// requestExtensions with the nonce alone.
fn nonce_extension(nonce: &[u8]) -> Vec<u8> {
    let value = tlv::encode(tag::OCTET_STRING, nonce);
    let extension = tlv::sequence(&[
        &tlv::encode(tag::OBJECT_IDENTIFIER, NONCE.as_bytes()),
        &tlv::encode(tag::OCTET_STRING, &value),
    ]);
    tlv::encode(tag::constructed(2), &tlv::sequence(&[&extension]))
}
