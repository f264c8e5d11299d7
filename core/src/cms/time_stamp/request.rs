//! Asking for a time stamp (RFC 3161, section 2.4.1).

use super::TimeStamp;
use crate::algorithm::DigestAlgorithm;
use crate::limits;
use crate::ports::Random;
use crate::x509::algorithm_identifier::{algorithm_der, digest_oid};
use crate::x509::digest::digest;
use crate::x509::tlv::{self, tag};

/// A question to a time stamping authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeStampRequest {
    der: Vec<u8>,
    nonce: Vec<u8>,
}

impl TimeStampRequest {
    /// For these bytes, of which the authority sees the SHA-256 digest only. It asks for the
    /// authority's certificate too.
    #[must_use]
    pub fn new(data: &[u8], random: &mut dyn Random) -> Self {
        let mut nonce = vec![0; limits::TIME_STAMP_NONCE_BYTES];
        random.fill(&mut nonce);
        let algorithm = DigestAlgorithm::Sha256;
        let imprint = tlv::sequence(&[
            &algorithm_der(digest_oid(algorithm), &[]),
            &tlv::encode(tag::OCTET_STRING, &digest(algorithm, data)),
        ]);
        let wants_certificate = tlv::encode(tag::BOOLEAN, &[0xff]);
        let der = tlv::sequence(&[&tlv::integer(&[1]), &imprint, &tlv::integer(&nonce), &wants_certificate]);
        nonce = nonce.into_iter().skip_while(|octet| *octet == 0).collect();
        Self { der, nonce }
    }

    /// The bytes to send, as `application/timestamp-query`.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// Whether the time stamp repeats the nonce: an old one does not.
    #[must_use]
    pub fn is_answered_by(&self, time_stamp: &TimeStamp) -> bool {
        time_stamp.nonce() == Some(self.nonce.as_slice())
    }
}
