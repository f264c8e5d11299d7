//! From certificates and what is known to evidence.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::Purpose;
use super::claim::Claim;
use super::evidence::{
    self, Chain, Dossier, Evidence, Explanation, ExplanationKind, KeyFacts, KeyRevocation, KeyUse, Kind,
    Validation, Witnessed,
};
use super::exposure::AgeQuestion;
use super::family::family_key;
use super::knowledge::{Anchor, Knowledge};
use super::statements::{Statements, aliases};
use super::web::WebOfTrust;
use crate::address::EmailAddress;
use crate::fingerprint::{Fingerprint, OpenPgpFingerprint};
use crate::limits;
use crate::time::{DAY, Time};
use crate::x509::Certificate;
use crate::x509::path::{self, Allowance, PathError, PathRequest, ValidPath, WeaknessKind};
use crate::x509::revocation::{RevocationDemand, RevocationEvidence, RevocationStatus};

/// A certificate that is asked about, and what may help to answer.
pub(super) struct Inquiry<'i> {
    pub(super) certificate: &'i Certificate,
    /// Everything that paths may be built from.
    pub(super) certificates: &'i [Certificate],
    pub(super) knowledge: &'i Knowledge,
    pub(super) purpose: Purpose,
    pub(super) at: Time,
    pub(super) allowance: &'i Allowance,
}

/// What was found.
pub(super) struct Gathered {
    pub(super) dossier: Dossier,
    /// Why no chain to an anchor counts, where none does.
    pub(super) chain_error: Option<PathError>,
    /// What is known of the revocation of each certificate of the chain that counts.
    pub(super) revocation: Vec<RevocationStatus>,
}

impl Inquiry<'_> {
    /// All evidence about the certificate's key and about the other keys of the address.
    pub(super) fn gather(&self, address: &EmailAddress) -> Gathered {
        let claim = Claim::new(address, self.certificate.fingerprint());
        let mut dossier = self.known(address);
        let statements = Statements::of(self, address);
        self.add_certified(&claim, &statements.links(), &mut dossier);
        statements.add_to(&mut dossier);
        let keys: BTreeSet<Fingerprint> = dossier
            .evidence
            .iter()
            .filter(|evidence| evidence.claim.address() == claim.address())
            .map(|evidence| *evidence.claim.key())
            .collect();
        let (error, revocation) = self.add(&claim, &keys, &mut dossier);
        let own = (self.revoked_under(&keys).or(error), revocation);
        dossier.revocations.extend(key_revocation(*claim.key(), own.0.as_ref()));
        self.add_certificates_of_same_key(&claim, &keys, &mut dossier);
        let rivals = keys.iter().filter(|key| *key != claim.key()).take(limits::RIVALS);
        for key in rivals {
            self.add_other(&claim, *key, &keys, &mut dossier);
        }
        dossier.keys.extend(facts(*claim.key(), std::slice::from_ref(self.certificate)));
        let (chain_error, revocation) = own;
        Gathered { dossier, chain_error, revocation }
    }

    /// What the chain of the certificate says by itself.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn gather_chain(&self, claim: &Claim) -> Result<Gathered, PathError> {
        let (chain, revocation) = self.chain_to(&self.anchors(claim.address()))?;
        let evidence = vec![Evidence::new(claim.clone(), Kind::Chain(chain))];
        let dossier = Dossier { evidence, ..Dossier::default() };
        Ok(Gathered { dossier, chain_error: None, revocation })
    }

    /// What was known before: pins, history, and everything that is no certificate.
    fn known(&self, address: &EmailAddress) -> Dossier {
        let mut dossier = self.knowledge.dossier.clone();
        let pins = self.knowledge.pins.iter().filter(|pin| pin.address.matches(address));
        let known = self.knowledge.known.iter().filter(|known| known.address.matches(address));
        let pins = pins.map(|pin| Evidence::new(Claim::new(address, pin.fingerprint), Kind::Pinned(pin.how)));
        let known = known
            .map(|known| Evidence::new(Claim::new(address, known.fingerprint), Kind::History(known.history)));
        // The person's own comes first: it must not be what a limit cuts off.
        let own: Vec<Evidence> = pins.chain(known).collect();
        dossier.evidence.splice(0..0, own);
        dossier
    }

    /// What OpenPGP says of the key, and of every other one at hand that is said to be the address's:
    /// the personal CA above it among them.
    fn add_certified(
        &self,
        claim: &Claim,
        links: &[(OpenPgpFingerprint, Fingerprint)],
        dossier: &mut Dossier,
    ) {
        let Some(openpgp) = &self.knowledge.openpgp else { return };
        let network = openpgp.web.network(&openpgp.reliances, self.at);
        let web = WebOfTrust {
            web: &openpgp.web,
            reliances: &openpgp.reliances,
            network: &network,
            own: &openpgp.own,
            links,
            aliases: &aliases(&self.knowledge.introducers, openpgp, self),
            purpose: Some(self.purpose),
        };
        // A personal CA need not name the address: it is known by what it issued.
        let named = self.certificates.iter().filter(|held| {
            let is_issuer =
                held.is_certificate_authority() && held.subject_der() == self.certificate.issuer_der();
            is_issuer || held.addresses().iter().any(|address| address.to_lookup_form() == *claim.address())
        });
        let certificates: Vec<Certificate> =
            std::iter::once(self.certificate).chain(named).take(limits::RIVALS).cloned().collect();
        web.add_to(dossier, claim.address(), &certificates);
    }

    /// What the certificate adds for its key: its chain, and the personal CAs that issued it.
    fn add(
        &self,
        claim: &Claim,
        authorities: &BTreeSet<Fingerprint>,
        dossier: &mut Dossier,
    ) -> (Option<PathError>, Vec<RevocationStatus>) {
        for authority in authorities {
            if authority != claim.key() && self.is_issued_by(authority) {
                let kind = Kind::IssuedBy { authority: *authority };
                dossier.evidence.push(Evidence::new(claim.clone(), kind));
            }
        }
        let anchors = self.anchors(claim.address());
        if anchors.is_empty() {
            return (None, Vec::new());
        }
        match self.chain_to(&anchors) {
            Ok((mut chain, revocation)) => {
                chain.witnessed = self.witnessed(claim, &chain, dossier);
                dossier.evidence.push(Evidence::new(claim.clone(), Kind::Chain(chain)));
                (None, revocation)
            }
            Err(error) => (Some(error), Vec::new()),
        }
    }

    /// Since when a chain was there to be noticed, where that counts: what a CA found out by a mail to
    /// the address costs more to forge the longer nobody objects.
    fn witnessed(&self, claim: &Claim, chain: &Chain, dossier: &Dossier) -> Option<Witnessed> {
        let by_mailbox = chain.validation != Validation::Organisation;
        if !by_mailbox || !matches!(chain.anchor, evidence::Anchor::Public { .. }) {
            return None;
        }
        let capacity = self.knowledge.rules.capacities.mailbox;
        self.age_question().answer(claim, self.certificate.as_der(), capacity, dossier)
    }

    /// What is known of the age of evidence.
    pub(super) fn age_question(&self) -> AgeQuestion<'_> {
        AgeQuestion {
            ages: &self.knowledge.ages,
            authorities: &self.knowledge.proof.authorities,
            rules: &self.knowledge.rules,
            at: self.at,
        }
    }

    /// The same for the key's other certificates for the address: what is scored is the key, and several
    /// CAs may speak for it.
    fn add_certificates_of_same_key(
        &self,
        claim: &Claim,
        authorities: &BTreeSet<Fingerprint>,
        dossier: &mut Dossier,
    ) {
        let others = self.certificates.iter().filter(|other| {
            other.fingerprint() == *claim.key()
                && *other != self.certificate
                && !other.is_certificate_authority()
                && names(other, claim)
        });
        for certificate in others.take(limits::RIVALS) {
            let inquiry = Inquiry { certificate, ..*self };
            let (error, _) = inquiry.add(claim, authorities, dossier);
            dossier.revocations.extend(key_revocation(*claim.key(), error.as_ref()));
        }
    }

    /// The same for another key of the address, from the certificates that we hold for it. What
    /// they cost to check does not come out of the mail's allowance: whoever sends a mail that costs
    /// much must not thereby hide the key that contradicts it.
    fn add_other(
        &self,
        claim: &Claim,
        key: Fingerprint,
        authorities: &BTreeSet<Fingerprint>,
        dossier: &mut Dossier,
    ) {
        let other = claim.with_key(key);
        let own: Vec<Certificate> =
            self.knowledge.certificates.iter().filter(|held| held.fingerprint() == key).cloned().collect();
        dossier.keys.extend(facts(key, &own));
        let allowance = Allowance::of_message();
        let checking = Inquiry { allowance: &allowance, ..*self };
        if checking.was_made_by(&key) || checking.is_of_one_owner(&own) {
            let keys = (key, *claim.key());
            dossier.explanations.push(Explanation { keys, why: ExplanationKind::SameOwner });
        }
        // Anybody can write the names of a renewal into a certificate of their own making.
        let is_issued = dossier.evidence.iter().any(|evidence| {
            evidence.claim == *claim && matches!(evidence.kind, Kind::Chain(_) | Kind::IssuedBy { .. })
        });
        for certificate in own.iter().filter(|held| !held.is_certificate_authority() && names(held, claim)) {
            let certificates = &self.knowledge.certificates;
            let inquiry = Inquiry { certificate, certificates, allowance: &allowance, ..*self };
            let (error, _) = inquiry.add(&other, authorities, dossier);
            dossier.revocations.extend(key_revocation(key, error.as_ref()));
            if is_issued && is_renewal(certificate, self.certificate) {
                let keys = (key, *claim.key());
                dossier.explanations.push(Explanation { keys, why: ExplanationKind::Renewal });
            }
        }
    }

    /// The anchors that may speak for an address: the person's own, and what the public list has for
    /// these certificates.
    fn anchors(&self, address: &EmailAddress) -> Vec<Anchor> {
        let mut anchors = self.knowledge.anchors.clone();
        if let Some(public) = &self.knowledge.public_roots {
            let at_hand: Vec<Certificate> =
                std::iter::once(self.certificate).chain(self.certificates).cloned().collect();
            anchors.extend(public.anchors_for(&at_hand, &anchors));
        }
        anchors.retain(|anchor| anchor.may_speak_for(address));
        anchors
    }

    fn chain_to(&self, anchors: &[Anchor]) -> Result<(Chain, Vec<RevocationStatus>), PathError> {
        let authorities: Vec<path::Anchor> = anchors.iter().map(|anchor| anchor.authority.clone()).collect();
        let revocation = self.revocation(&authorities)?;
        let path = self.path(&authorities, &revocation, self.at)?;
        let Some(anchor) = anchors.get(path.anchor()) else {
            let which = path::Which { depth: 0, subject: self.certificate.subject() };
            return Err(PathError::NoAnchor { which, issuer: self.certificate.issuer() });
        };
        let chain = Chain {
            anchor: anchor.standing.clone(),
            name: path.certificates().last().map(Certificate::subject).unwrap_or_default(),
            validation: Validation::of_policies(path.policies()),
            witnessed: None,
        };
        Ok((chain, path.revocation().to_vec()))
    }

    /// What is at hand about revocation, and what more is asked for once there is a path to an anchor.
    fn revocation(&self, anchors: &[path::Anchor]) -> Result<Cow<'_, RevocationEvidence>, PathError> {
        let at_hand = &self.knowledge.revocation;
        let Some(source) = at_hand.source.as_ref().filter(|_| at_hand.demand != RevocationDemand::Off) else {
            return Ok(Cow::Borrowed(at_hand));
        };
        let unasked = RevocationEvidence { demand: RevocationDemand::Off, ..RevocationEvidence::default() };
        let reached = self.path(anchors, &unasked, self.at)?;
        let (lists, responses) = source.about(reached.certificates(), self.at);
        let mut all = at_hand.clone();
        all.lists.extend(lists);
        all.responses.extend(responses);
        Ok(Cow::Owned(all))
    }

    fn path(
        &self,
        anchors: &[path::Anchor],
        revocation: &RevocationEvidence,
        at: Time,
    ) -> Result<ValidPath, PathError> {
        let purpose = match self.purpose {
            Purpose::Sign => path::Purpose::SignMail,
            Purpose::Encrypt => path::Purpose::EncryptMail,
        };
        let path = path::validate(
            self.certificate,
            self.certificates,
            anchors,
            revocation,
            &PathRequest::new(purpose, at),
            self.allowance,
        )?;
        require_strong(path)
    }

    /// Whether another certificate was issued by this authority for signing mail, at a moment.
    pub(super) fn was_issued_by(
        &self,
        (certificate, offered): (&Certificate, &[Certificate]),
        authority: &Fingerprint,
        at: Time,
        allowance: &Allowance,
    ) -> bool {
        let is_issuer = |other: &&Certificate| {
            other.fingerprint() == *authority && other.subject_der() == certificate.issuer_der()
        };
        let mut at_hand = offered.iter().chain(self.certificates);
        if !certificate.is_valid_at(at) || !at_hand.any(|other| is_issuer(&other)) {
            return false;
        }
        let certificates: Vec<Certificate> = offered.iter().chain(self.certificates).cloned().collect();
        let certificates = certificates.as_slice();
        let inquiry = Inquiry { certificate, certificates, purpose: Purpose::Sign, at, allowance, ..*self };
        inquiry.is_issued_by(authority)
    }

    fn is_issued_by(&self, authority: &Fingerprint) -> bool {
        self.issued_by(authority).is_some_and(|issued| issued.is_ok())
    }

    /// That one of these authorities made the certificate and revoked it.
    fn revoked_under(&self, authorities: &BTreeSet<Fingerprint>) -> Option<PathError> {
        let mut errors = authorities.iter().filter_map(|authority| self.issued_by(authority)?.err());
        errors.find(|error| matches!(error, PathError::Revoked { .. }))
    }

    /// Nothing where no certificate of the authority is at hand.
    fn issued_by(&self, authority: &Fingerprint) -> Option<Result<ValidPath, PathError>> {
        let anchors = self.authorities_of(authority);
        let is_personal = anchors.iter().any(|anchor| is_ones_own(anchor.certificate(), self.certificate));
        self.path_under(&anchors, &self.revocation_under(is_personal))
    }

    /// Whether the authority made the certificate, whatever became of it since.
    fn was_made_by(&self, authority: &Fingerprint) -> bool {
        let unasked = RevocationEvidence { demand: RevocationDemand::Off, ..RevocationEvidence::default() };
        self.path_under(&self.authorities_of(authority), &unasked).is_some_and(|path| path.is_ok())
    }

    /// Whether one personal CA issued this certificate and all that we hold of another key. One of them is
    /// not enough: anybody can certify a key of somebody else, and then a key of their own beside it.
    fn is_of_one_owner(&self, others: &[Certificate]) -> bool {
        let owner = family_key(self.certificate, self.certificates);
        let is_below = |other: &Certificate| family_key(other, self.certificates) == owner;
        owner != self.certificate.fingerprint()
            && !others.is_empty()
            && others.iter().all(is_below)
            && self.is_issued_by(&owner)
    }

    fn authorities_of(&self, authority: &Fingerprint) -> Vec<path::Anchor> {
        self.certificates
            .iter()
            .filter(|candidate| candidate.is_certificate_authority() && candidate.fingerprint() == *authority)
            .map(|candidate| path::Anchor::private(candidate.clone()))
            .collect()
    }

    /// A personal CA publishes no list: what it is known to have revoked is refused, and nothing more can
    /// be demanded of it.
    fn revocation_under(&self, is_personal: bool) -> Cow<'_, RevocationEvidence> {
        let at_hand = &self.knowledge.revocation;
        if !is_personal || at_hand.demand != RevocationDemand::Required {
            return Cow::Borrowed(at_hand);
        }
        Cow::Owned(RevocationEvidence { demand: RevocationDemand::BestEffort, ..at_hand.clone() })
    }

    fn path_under(
        &self,
        anchors: &[path::Anchor],
        revocation: &RevocationEvidence,
    ) -> Option<Result<ValidPath, PathError>> {
        // Who issued a certificate does not change when it expires: an old mail of a friend is no
        // conflict. What the dates say is counted apart.
        let then = self.at.min(self.certificate.not_after()).max(self.certificate.not_before());
        (!anchors.is_empty()).then(|| self.path(anchors, revocation, then))
    }
}

/// Whether a CA is that of the one person whom a certificate names. The CA of an address that is not ASCII
/// can name only the host (RFC 9598, section 6).
fn is_ones_own(authority: &Certificate, certificate: &Certificate) -> bool {
    let names_only_host = authority.is_self_issued()
        && authority.path_length() == Some(0)
        && certificate.addresses().iter().any(|address| !address.to_string().is_ascii());
    authority.is_personal_authority() || names_only_host
}

/// A revocation that ends the key.
fn key_revocation(key: Fingerprint, error: Option<&PathError>) -> Option<KeyRevocation> {
    let since = error.and_then(PathError::key_ended)?;
    Some(KeyRevocation { key, since: Some(since) })
}

fn names(certificate: &Certificate, claim: &Claim) -> bool {
    certificate.addresses().iter().any(|address| address.to_lookup_form() == *claim.address())
}

/// A chain with a weak signature or key in it counts for nothing; a small exponent alone does not
/// make a signature weak.
fn require_strong(path: ValidPath) -> Result<ValidPath, PathError> {
    let weakness = path.weaknesses().iter().find(|weakness| match weakness.kind {
        WeaknessKind::Key(_) | WeaknessKind::Signature(_) => true,
        WeaknessKind::SmallExponent(_) => false,
    });
    match weakness {
        Some(weakness) => Err(PathError::WeakAlgorithm(weakness.clone())),
        None => Ok(path),
    }
}

/// What certificates say of their key; nothing where there are none.
fn facts(key: Fingerprint, certificates: &[Certificate]) -> Option<KeyFacts> {
    let ends = certificates.iter().map(Certificate::not_after).max()?;
    let signs = certificates.iter().any(|own| own.may_sign_mail().is_ok());
    let receives = certificates.iter().any(|own| own.may_receive_encrypted_mail().is_ok());
    let usage = match (signs, receives) {
        (true, false) => KeyUse::Signing,
        (false, true) => KeyUse::Encryption,
        (true, true) | (false, false) => KeyUse::Both,
    };
    Some(KeyFacts { key, usage, ends: Some(ends) })
}

/// Whether `new` renews `old`: the same issuer's key, the same names, issued around the old one's end.
/// That the issuer really signed `new` is checked by whoever asks.
fn is_renewal(old: &Certificate, new: &Certificate) -> bool {
    let same_issuer = old.issuer_der() == new.issuer_der()
        && old.authority_key_identifier().is_some()
        && old.authority_key_identifier() == new.authority_key_identifier();
    let names = |certificate: &Certificate| -> BTreeSet<EmailAddress> {
        certificate.addresses().iter().map(EmailAddress::to_lookup_form).collect()
    };
    let after_end = new.not_before().unix_seconds().saturating_sub(old.not_after().unix_seconds());
    same_issuer
        && old.subject_der() == new.subject_der()
        && names(old) == names(new)
        && (-180 * DAY..=30 * DAY).contains(&after_end)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::evidence::Correspondence;
    use super::super::{KnownKey, Level, PublicRoots, decide};
    use super::*;
    use crate::testing::{NOW, Person, SystemRandom};
    use crate::x509::issue::{Issuer, Subject, Validity, signing_certificate};
    use crate::x509::{KeyKind, SecretKey};

    /// A certificate that takes the place of Alice's signing certificate ten days before its end.
    fn renewed(alice: &Person) -> Certificate {
        let key = SecretKey::generate(KeyKind::P256, &mut SystemRandom).unwrap();
        let name = alice.address.to_string();
        let addresses = std::slice::from_ref(&alice.address);
        let subject = Subject { name: &name, addresses, public_key: key.public_key() };
        let end = alice.signing.not_after();
        let validity = Validity { not_before: end.plus_days(-10), not_after: end.plus_days(500) };
        let issuer = Issuer { certificate: &alice.authority, keys: &alice.keys };
        signing_certificate(&issuer, &subject, validity, &mut SystemRandom).unwrap()
    }

    fn level(alice: &Person, certificate: &Certificate, at: Time) -> Level {
        let history = Correspondence { messages: 3, ..Correspondence::first_mail(NOW) };
        let fingerprint = alice.signing.fingerprint();
        let knowledge = Knowledge {
            anchors: vec![Anchor::own(alice.authority.clone(), Some(10))],
            known: vec![KnownKey { address: alice.address.clone(), fingerprint, history }],
            certificates: vec![alice.signing.clone()],
            ..Knowledge::default()
        };
        let allowance = Allowance::of_message();
        decide(certificate, &alice.address, &[], &knowledge, Purpose::Sign, at, &allowance).level
    }

    #[test]
    fn a_renewal_that_the_issuer_did_not_sign_is_a_conflict() {
        let alice = Person::new("alice@example.org");
        let renewed = renewed(&alice);
        let at = renewed.not_before().plus_days(3);
        assert_eq!(level(&alice, &renewed, at), Level::Opportunistic);
        let mut forged = renewed.as_der().to_vec();
        *forged.last_mut().unwrap() ^= 1;
        let forged = Certificate::from_der(&forged).unwrap();
        assert!(is_renewal(&alice.signing, &forged));
        assert_eq!(level(&alice, &forged, at), Level::Conflict);
    }

    #[test]
    fn a_certificate_under_no_name_of_the_public_list_costs_no_search() {
        let alice = Person::new("alice@example.org");
        let knowledge = Knowledge { public_roots: Some(PublicRoots::default()), ..Knowledge::default() };
        let allowance = Allowance::of_message();
        let decision =
            decide(&alice.signing, &alice.address, &[], &knowledge, Purpose::Sign, NOW, &allowance);
        assert!(decision.sources.is_empty() && decision.chain_error.is_none());
    }

    #[test]
    fn a_certificate_under_a_name_of_the_public_list_is_held_against_it() {
        let root = crate::x509::mail_roots::all().next().unwrap().certificate;
        let at = root.not_before().plus_days(100);
        let address = EmailAddress::of_an_example();
        let error = |public_roots| {
            let knowledge = Knowledge { public_roots, ..Knowledge::default() };
            let allowance = Allowance::of_message();
            decide(&root, &address, &[], &knowledge, Purpose::Sign, at, &allowance).chain_error
        };
        assert!(error(None).is_none());
        // A root signs no mail.
        assert!(matches!(error(Some(PublicRoots::default())), Some(PathError::KeyUsage { .. })));
    }
}
