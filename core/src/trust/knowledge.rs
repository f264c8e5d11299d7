//! What is known before a mail is read: anchors, pins, keys of contacts, revocation lists, and the
//! rules that say what it is worth.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::evidence::{self, Comparison, Correspondence, Dossier, Operator};
use super::exposure::Ages;
use super::rules::Rules;
use crate::address::EmailAddress;
use crate::fingerprint::{Fingerprint, OpenPgpFingerprint};
use crate::openpgp::{Reliances, SignedStatement, Web};
use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::mail_roots::{self, MailRoot};
use crate::x509::path;
use crate::x509::revocation::RevocationEvidence;

/// A CA certificate that is accepted, and how far.
#[derive(Clone, Debug)]
pub struct Anchor {
    /// The CA.
    pub authority: path::Anchor,
    /// Whose it is and what it is worth.
    pub standing: evidence::Anchor,
    /// The mail domains that it may speak for, as [`EmailAddress::domain`] has them; all where none is
    /// named.
    pub domains: Vec<String>,
}

impl Anchor {
    /// The organisation's own CA, or one that the user relies on, with the amount of the profile
    /// where none is given.
    #[must_use]
    pub fn own(certificate: Certificate, amount: Option<u32>) -> Self {
        let standing = evidence::Anchor::Own { authority: certificate.fingerprint(), amount };
        Self { authority: path::Anchor::private(certificate), standing, domains: Vec::new() }
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
        Self { authority: path::Anchor::public(certificate, distrust_after), standing, domains: Vec::new() }
    }

    /// The same anchor, for some mail domains alone.
    #[must_use]
    pub fn within(self, domains: Vec<String>) -> Self {
        Self { domains, ..self }
    }

    /// Whether it may speak for an address.
    #[must_use]
    pub fn may_speak_for(&self, address: &EmailAddress) -> bool {
        self.domains.is_empty() || self.domains.iter().any(|domain| domain == address.domain())
    }
}

/// The public list of mail roots ([`mail_roots`]), or another one in its place. Of it only the roots are read that may have issued
/// what is asked about.
#[derive(Clone, Debug, Default)]
pub struct PublicRoots {
    /// The roots in the place of Mozilla's.
    pub list: Option<Arc<Vec<MailRoot>>>,
    /// Limits of single roots, by the SHA-256 of their keys.
    pub limits: BTreeMap<[u8; 32], RootLimits>,
}

/// What an administrator says of a root of the public list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RootLimits {
    /// Points in the place of the profile's.
    pub amount: Option<u32>,
    /// The mail domains that it may speak for; all where none is named.
    pub domains: Vec<String>,
}

impl PublicRoots {
    /// The roots under whose names certificates were issued, but for those that are anchors already.
    pub(super) fn anchors_for(&self, certificates: &[Certificate], others: &[Anchor]) -> Vec<Anchor> {
        let is_other = |root: &MailRoot| {
            let key = root.certificate.fingerprint();
            others.iter().any(|anchor| anchor.authority.certificate().fingerprint() == key)
        };
        let roots = match &self.list {
            Some(list) => mail_roots::issuers_among(list, certificates).cloned().collect(),
            None => mail_roots::issuers_of(certificates),
        };
        let roots = roots.into_iter().filter(|root| !is_other(root));
        let anchor = |root: MailRoot| {
            let limits = self.limits.get(root.certificate.fingerprint().sha256()).cloned();
            let limits = limits.unwrap_or_default();
            let operator = root.operator.clone().map_or(Operator::Unknown, Operator::Named);
            let anchor = Anchor::public(root.certificate, root.distrust_after, operator, limits.amount);
            anchor.within(limits.domains)
        };
        roots.map(anchor).collect()
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

/// A contact whom the person made an introducer.
#[derive(Clone, Debug)]
pub struct ContactIntroducer {
    /// Who.
    pub address: EmailAddress,
    /// The key that stands for them: the personal CA's where they have one.
    pub key: Fingerprint,
    /// How far the person relies on them, 1 to 120.
    pub amount: u32,
    /// The mail domains that they may speak for; all where none is named.
    pub domains: Vec<String>,
    /// Whether the person relies on them for this question as on their own key.
    pub is_own: bool,
}

impl ContactIntroducer {
    /// Whether they may speak for an address.
    #[must_use]
    pub fn speaks_for(&self, address: &EmailAddress) -> bool {
        self.domains.is_empty() || self.domains.iter().any(|domain| domain == address.domain())
    }
}

/// Everything that is known before a mail is read.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    /// CAs that are accepted.
    pub anchors: Vec<Anchor>,
    /// Whether the public list of mail roots counts too, and what single roots of it are worth.
    pub public_roots: Option<PublicRoots>,
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
    /// Statements whose signatures hold, by whomever.
    pub statements: Vec<SignedStatement>,
    /// Contacts whose endorsements count.
    pub introducers: Vec<ContactIntroducer>,
    /// What proves when a mail was there.
    pub proof: TimeProof,
    /// Since when evidence was there for its true owner to notice.
    pub ages: Arc<Ages>,
    /// What it is all worth.
    pub rules: Rules,
}

/// What proves that a signature was there at an earlier moment. What the signer says of the time is not
/// among it.
#[derive(Clone, Debug, Default)]
pub struct TimeProof {
    /// CAs of time stamping authorities (RFC 3161) that the person chose.
    pub authorities: Vec<path::Anchor>,
    /// When mails came, by our own history: each by the name that it gives them.
    pub arrivals: BTreeMap<[u8; 32], Time>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn standing(public: &PublicRoots, root: &MailRoot, others: &[Anchor]) -> Vec<evidence::Anchor> {
        let anchors = public.anchors_for(std::slice::from_ref(&root.certificate), others);
        let of_root =
            anchors.into_iter().filter(|anchor| *anchor.authority.certificate() == root.certificate);
        of_root.map(|anchor| anchor.standing).collect()
    }

    #[test]
    fn a_root_of_the_list_stands_for_its_operator_with_the_amount_of_the_profile_or_the_administrators() {
        let root = mail_roots::all().find(|root| root.operator.is_some()).unwrap();
        let operator = Operator::Named(root.operator.clone().unwrap());
        let of_profile = evidence::Anchor::Public { operator: operator.clone(), amount: None };
        assert_eq!(standing(&PublicRoots::default(), &root, &[]), [of_profile]);
        let limits = RootLimits { amount: Some(20), domains: vec!["example.org".to_owned()] };
        let limits = BTreeMap::from([(*root.certificate.fingerprint().sha256(), limits)]);
        let lowered = evidence::Anchor::Public { operator, amount: Some(20) };
        let public = PublicRoots { limits, ..PublicRoots::default() };
        assert_eq!(standing(&public, &root, &[]), [lowered]);
        let anchors = public.anchors_for(std::slice::from_ref(&root.certificate), &[]);
        let speaks_for = |address: &str| {
            let address = EmailAddress::parse(address).unwrap();
            anchors.iter().any(|anchor| anchor.may_speak_for(&address))
        };
        assert!(speaks_for("alice@Example.org") && !speaks_for("alice@sub.example.org"));
    }

    #[test]
    fn a_root_that_the_person_relies_on_is_not_the_public_one_too() {
        let root = mail_roots::all().next().unwrap();
        let own = Anchor::own(root.certificate.clone(), Some(10));
        assert!(standing(&PublicRoots::default(), &root, &[own]).is_empty());
    }
}
