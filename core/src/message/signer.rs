//! Who signs.

use crate::address::EmailAddress;
use crate::algorithm::SignatureAlgorithm;
use crate::cms::{Capabilities, ContentType, SigningRequest};
use crate::fingerprint::Fingerprint;
use crate::ports::SecretKeys;
use crate::time::Time;
use crate::x509::Certificate;

/// A signing key of ours, and what is sent along with its signatures.
#[derive(Clone)]
pub struct Signer<'s> {
    /// Where the secret key is.
    pub keys: &'s dyn SecretKeys,
    /// Which key.
    pub key: Fingerprint,
    /// Its certificate and the chain above, in any order; all of them are sent.
    pub certificates: Vec<Certificate>,
    /// The certificate that answers are to be encrypted to; it is sent along.
    pub encryption_certificate: Option<Certificate>,
    /// OpenPGP certificates and statements that go along, each of which proves itself.
    pub carried: Vec<Vec<u8>>,
    /// DER of the revocation lists of our own CA, which go along.
    pub revocation_lists: Vec<Vec<u8>>,
    /// What is announced to those who answer.
    pub capabilities: Capabilities,
    /// How to sign; by the kind of key where nothing is said.
    pub algorithm: Option<SignatureAlgorithm>,
}

impl Signer<'_> {
    /// The signer's own certificate.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificates.iter().find(|certificate| certificate.fingerprint() == self.key)
    }

    /// Whether a reader will find the author's address in the certificate.
    #[must_use]
    pub fn is(&self, author: &EmailAddress) -> bool {
        self.certificate()
            .is_some_and(|certificate| certificate.addresses().iter().any(|address| address.matches(author)))
    }

    pub(super) fn request(&self, signing_time: Time) -> SigningRequest<'_> {
        SigningRequest {
            keys: self.keys,
            key: self.key,
            certificates: &self.certificates,
            algorithm: self.algorithm,
            signing_time,
            encryption_certificate: self.encryption_certificate.as_ref(),
            capabilities: Some(&self.capabilities),
            content_type: ContentType::Data,
            carried_evidence: &self.carried,
            revocation_lists: &self.revocation_lists,
            further_attributes: &[],
        }
    }
}
