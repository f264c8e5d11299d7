//! What is known before a mail is read: anchors, pins, keys of contacts, revocation lists, and the
//! rules that say what it is worth.

use std::sync::Arc;

use super::evidence::{self, Comparison, Correspondence, Dossier, Operator};
use super::rules::Rules;
use crate::address::EmailAddress;
use crate::fingerprint::{Fingerprint, OpenPgpFingerprint};
use crate::openpgp::{Reliances, Web};
use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::path;
use crate::x509::revocation::RevocationEvidence;

/// A CA certificate that is accepted, and how far.
#[derive(Clone, Debug)]
pub struct Anchor {
    /// The CA.
    pub authority: path::Anchor,
    /// Whose it is and what it is worth.
    pub standing: evidence::Anchor,
}

impl Anchor {
    /// The organisation's own CA, or one that the user relies on, with the amount of the profile
    /// where none is given.
    #[must_use]
    pub fn own(certificate: Certificate, amount: Option<u32>) -> Self {
        let standing = evidence::Anchor::Own { authority: certificate.fingerprint(), amount };
        Self { authority: path::Anchor::private(certificate), standing }
    }

    /// A CA of the public list; certificates that were issued after `distrust_after` do not count.
    #[must_use]
    pub const fn public(
        certificate: Certificate,
        distrust_after: Option<Time>,
        operator: Operator,
        amount: Option<u32>,
    ) -> Self {
        let standing = evidence::Anchor::Public { operator, amount };
        Self { authority: path::Anchor::public(certificate, distrust_after), standing }
    }
}

/// A fingerprint that a person compared.
#[derive(Clone, Debug)]
pub struct Pin {
    /// Whose key it is.
    pub address: EmailAddress,
    /// Of the personal CA's key, or of the leaf's where there is none.
    pub fingerprint: Fingerprint,
    /// How it was compared.
    pub how: Comparison,
}

/// A key that is known from earlier mail or was imported.
#[derive(Clone, Debug)]
pub struct KnownKey {
    /// Whose key it is said to be.
    pub address: EmailAddress,
    /// Of the key.
    pub fingerprint: Fingerprint,
    /// What mail with it came to.
    pub history: Correspondence,
}

/// The web of OpenPGP certificates, and whom the user relies on in it.
#[derive(Clone, Debug, Default)]
pub struct OpenPgpKnowledge {
    /// Certificates and their certifications, verified.
    pub web: Web,
    /// Roots and introducers.
    pub reliances: Reliances,
    /// The user's own certificates among the roots: what they certify costs nothing to rely on.
    pub own: Vec<OpenPgpFingerprint>,
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
    /// Everything else that speaks for and against keys: OpenPGP, statements, look-ups.
    pub dossier: Dossier,
    /// The web of OpenPGP certificates.
    pub openpgp: Option<Arc<OpenPgpKnowledge>>,
    /// What it is all worth.
    pub rules: Rules,
}
