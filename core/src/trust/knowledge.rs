//! What is known before a mail is read: anchors, pins, keys of contacts, revocation lists.

use crate::address::EmailAddress;
use crate::fingerprint::Fingerprint;
use crate::x509::Certificate;
use crate::x509::path;
use crate::x509::revocation::RevocationEvidence;

/// A CA certificate that is accepted, and how far.
#[derive(Clone, Debug)]
pub struct Anchor {
    /// The CA.
    pub authority: path::Anchor,
    /// Points that a chain to it is worth; 120 for the organisation's own CA.
    pub amount: u32,
}

/// A fingerprint that a person compared.
#[derive(Clone, Debug)]
pub struct Pin {
    /// Whose key it is.
    pub address: EmailAddress,
    /// Of the personal CA's key, or of the leaf's where there is none.
    pub fingerprint: Fingerprint,
    /// Points: 120 for a whole comparison.
    pub amount: u32,
}

/// A key that is known from earlier mail or was imported.
#[derive(Clone, Debug)]
pub struct KnownKey {
    /// Whose key it is said to be.
    pub address: EmailAddress,
    /// Of the key.
    pub fingerprint: Fingerprint,
}

/// Everything that is known before a mail is read.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    /// CAs that are accepted.
    pub anchors: Vec<Anchor>,
    /// Fingerprints that were compared.
    pub pins: Vec<Pin>,
    /// Keys seen before.
    pub known: Vec<KnownKey>,
    /// Certificates at hand: contacts', our own, intermediate ones.
    pub certificates: Vec<Certificate>,
    /// What is at hand about revoked certificates.
    pub revocation: RevocationEvidence,
}
