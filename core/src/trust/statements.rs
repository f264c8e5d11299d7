//! From statements to evidence.
//!
//! That a signature holds makes no statement evidence: an endorsement counts where the person relies
//! on the signer, and what a key says of another one counts where something speaks for that key.

use std::collections::{BTreeMap, BTreeSet};

use super::claim::Claim;
use super::decide::{Purpose, decide};
use super::evidence::{
    Comparison, Dossier, Endorsement, Endorser, Evidence, Introducer, IntroducerName, KeyRevocation, Kind,
    Period, Succession,
};
use super::gather::Inquiry;
use super::knowledge::{ContactIntroducer, Knowledge, OpenPgpKnowledge};
use crate::address::EmailAddress;
use crate::fingerprint::{Fingerprint, OpenPgpFingerprint};
use crate::limits;
use crate::openpgp::{LinkPurpose, SignedStatement, StatementKind, StatementSigner, TwinKey};
use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::path::Allowance;

/// Whether a statement counts, and why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is evidence.
    Counts,
    /// It is the person's own word, which counts for others.
    Own,
    /// It is a withdrawal: it ends a statement that its signer made.
    Withdraws,
    /// It holds only later.
    NotYet,
    /// It does not hold any more.
    Ended,
    /// Its signer took it back.
    Withdrawn,
    /// No certificate of the key that it is about is at hand.
    SubjectUnknown,
    /// Nobody relies on the signer; or nothing speaks for the signer's key, where it is the subject's.
    NotReliedOn,
}

impl Standing {
    /// Of a statement, by what is known.
    #[must_use]
    pub fn of(signed: &SignedStatement, knowledge: &Knowledge, at: Time) -> Self {
        if matches!(signed.statement.kind, StatementKind::Withdrawal { .. }) {
            return Self::Withdraws;
        }
        if !signed.holds_at(at) {
            return if signed.statement.issued > at { Self::NotYet } else { Self::Ended };
        }
        if is_withdrawn(signed, knowledge, at) {
            return Self::Withdrawn;
        }
        if is_own_statement(signed, knowledge) {
            return Self::Own;
        }
        let mut held =
            knowledge.certificates.iter().filter(|held| signed.statement.is_about(&held.fingerprint()));
        let Some(certificate) = held.next() else { return Self::SubjectUnknown };
        let others = knowledge.statements.iter().filter(|other| *other != signed).cloned().collect();
        let without = Knowledge { statements: others, ..knowledge.clone() };
        let mut with = without.clone();
        with.statements.insert(0, signed.clone());
        let claim = Claim::new(&signed.statement.subject, certificate.fingerprint());
        let evidence = |knowledge: &Knowledge| {
            let (address, allowance) = (&signed.statement.subject, Allowance::of_message());
            let decision = decide(certificate, address, &[], knowledge, Purpose::Sign, at, &allowance);
            decision.dossier.evidence.iter().filter(|evidence| evidence.claim == claim).count()
        };
        if evidence(&with) > evidence(&without) { Self::Counts } else { Self::NotReliedOn }
    }

    /// The word of it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Counts => "counts",
            Self::Own => "own",
            Self::Withdraws => "withdraws",
            Self::NotYet => "not-yet",
            Self::Ended => "ended",
            Self::Withdrawn => "withdrawn",
            Self::SubjectUnknown => "subject-unknown",
            Self::NotReliedOn => "not-relied-on",
        }
    }
}

/// The statements about the keys of one address that hold at the moment of a question.
pub(super) struct Statements<'s> {
    inquiry: &'s Inquiry<'s>,
    address: &'s EmailAddress,
    /// Each with the key that it is about.
    about: Vec<(&'s SignedStatement, Fingerprint)>,
    /// What it may cost to check who issued the signers' certificates, for all statements together.
    allowance: Allowance,
}

impl<'s> Statements<'s> {
    /// Those that are known.
    pub(super) fn of(inquiry: &'s Inquiry<'s>, address: &'s EmailAddress) -> Self {
        let all = &inquiry.knowledge.statements;
        let live = all.iter().take(limits::STATEMENTS).filter(|signed| {
            signed.holds_at(inquiry.at)
                && signed.statement.subject.matches(address)
                && !matches!(signed.statement.kind, StatementKind::Withdrawal { .. })
                && !is_withdrawn(signed, inquiry.knowledge, inquiry.at)
        });
        let about = live.filter_map(|signed| Some((signed, subject_key(signed, inquiry)?))).collect();
        Self { inquiry, address, about, allowance: Allowance::of_message() }
    }

    /// Links by OpenPGP certificates: which certificate names which key.
    pub(super) fn links(&self) -> Vec<(OpenPgpFingerprint, Fingerprint)> {
        let links =
            self.about.iter().filter_map(|(signed, key)| match (&signed.statement.kind, &signed.signer) {
                (StatementKind::Link | StatementKind::Uses, StatementSigner::OpenPgp(signer)) => {
                    signer.user_ids_of(self.address).next().map(|_| (signer.certificate, *key))
                }
                _ => None,
            });
        links.collect()
    }

    /// Adds everything else that counts.
    pub(super) fn add_to(&self, dossier: &mut Dossier) {
        for (signed, key) in &self.about {
            if let StatementKind::Endorsement { amount, .. } = signed.statement.kind {
                self.endorsement(signed, key, amount.into(), dossier);
            }
        }
        // What one statement makes known may be the signer of the next.
        let mut open: Vec<&(&SignedStatement, Fingerprint)> = self.about.iter().collect();
        loop {
            let before = open.len();
            open.retain(|(signed, key)| !self.named_by_own_key(signed, key, dossier));
            if open.len() == before {
                return;
            }
        }
    }

    fn endorsement(&self, signed: &SignedStatement, key: &Fingerprint, stated: u32, dossier: &mut Dossier) {
        let endorser = match &signed.signer {
            StatementSigner::OpenPgp(signer) => self.by_openpgp(&signer.certificate),
            StatementSigner::Key(signer) => self.by_contact(signed, signer, key, dossier),
        };
        let Some(endorser) = endorser else { return };
        let claim = Claim::new(self.address, *key);
        let witnessed = self.inquiry.age_question().answer(&claim, &signed.bytes, stated, dossier);
        let endorsement = Endorsement { endorser, amount: stated, witnessed };
        dossier.evidence.push(Evidence::new(claim, Kind::Endorsed(endorsement)).during(period(signed)));
    }

    /// Somebody whose OpenPGP certificate the person relies on directly.
    fn by_openpgp(&self, certificate: &OpenPgpFingerprint) -> Option<Endorser> {
        let openpgp = self.inquiry.knowledge.openpgp.as_deref()?;
        let root = openpgp.reliances.root(certificate).filter(|root| root.speaks_for(self.address))?;
        // The signature held when it was made; since then the certificate may have been revoked.
        openpgp.web.certificate(certificate).filter(|known| known.is_usable_at(self.inquiry.at))?;
        let names = aliases(&self.inquiry.knowledge.introducers, openpgp, self.inquiry);
        let name = names
            .get(certificate)
            .map_or(IntroducerName::OpenPgp(*certificate), |key| IntroducerName::Key(*key));
        let is_user = openpgp.own.contains(certificate);
        Some(Endorser::OpenPgp(vec![Introducer { name, amount: root.amount.into(), is_user }]))
    }

    /// A contact who was made an introducer: by the key that stands for them, or by one that it
    /// certified. All of them are one introducer.
    fn by_contact(
        &self,
        signed: &SignedStatement,
        signer: &Fingerprint,
        key: &Fingerprint,
        dossier: &mut Dossier,
    ) -> Option<Endorser> {
        let introducers = self.inquiry.knowledge.introducers.iter();
        let introducer =
            introducers.filter(|introducer| introducer.speaks_for(self.address)).find(|introducer| {
                introducer.key == *signer || self.is_under(signed, &introducer.address, &introducer.key)
            })?;
        let ContactIntroducer { address, key: own, amount, is_own, .. } = introducer;
        if own == key {
            return None;
        }
        if *is_own {
            let name = IntroducerName::Key(*own);
            return Some(Endorser::OpenPgp(vec![Introducer { name, amount: *amount, is_user: true }]));
        }
        let claim = Claim::new(address, *own);
        self.add_standing(&claim, dossier);
        Some(Endorser::Contact { signer: claim, amount: *amount })
    }

    /// What the person did to know an endorser's key, and that it is dead where it is.
    fn add_standing(&self, claim: &Claim, dossier: &mut Dossier) {
        let knowledge = self.inquiry.knowledge;
        let pins = knowledge.pins.iter().filter(|pin| Claim::new(&pin.address, pin.fingerprint) == *claim);
        let pins = pins.map(|pin| Evidence::new(claim.clone(), Kind::Pinned(pin.how)));
        let new: Vec<Evidence> = pins.filter(|pin| !dossier.evidence.contains(pin)).collect();
        dossier.evidence.extend(new);
        let Some(openpgp) = knowledge.openpgp.as_deref() else { return };
        let holder = self.inquiry.certificates.iter().find(|held| held.fingerprint() == *claim.key());
        let twin = holder.and_then(|holder| TwinKey::of(holder.public_key()));
        let known = twin.as_ref().and_then(|twin| openpgp.web.certificate(&twin.fingerprint()));
        let is_dead = |known: &crate::openpgp::Certificate| {
            known.revocation.hard && twin.as_ref().is_some_and(|twin| twin.is_primary_key_of(known))
        };
        if known.is_some_and(is_dead) {
            dossier.revocations.push(KeyRevocation { key: *claim.key(), since: None });
        }
    }

    /// A succession, or a key that another one of the address names. Answers whether it counts.
    fn named_by_own_key(&self, signed: &SignedStatement, key: &Fingerprint, dossier: &mut Dossier) -> bool {
        let StatementSigner::Key(signer) = &signed.signer else { return false };
        let claim = Claim::new(self.address, *key);
        let known: BTreeSet<Fingerprint> = dossier
            .evidence
            .iter()
            .filter(|evidence| evidence.claim.address() == claim.address())
            .map(|evidence| *evidence.claim.key())
            .collect();
        // What a personal CA issued is followed by what it issues next: whoever steals a device must
        // name neither the successor of a person nor the key that is written to.
        if !known.contains(signer) || signer == key || self.has_authority(signer, signed, &known) {
            return false;
        }
        let kind = match &signed.statement.kind {
            StatementKind::Succession { .. } => Kind::Succeeds(Succession {
                old: *signer,
                issued: signed.statement.issued,
                old_ended: self.end_of(signed, signer),
            }),
            StatementKind::Uses => Kind::NamedBy { signing_key: *signer },
            StatementKind::Link | StatementKind::Endorsement { .. } | StatementKind::Withdrawal { .. } => {
                return false;
            }
        };
        // A key that follows another one does so for good; only the statement's own time is over.
        dossier.evidence.push(Evidence::new(claim, kind).during(period(signed)));
        true
    }

    /// Whether one of these keys issued any certificate of a key that is at hand. Whoever holds the key
    /// can make another certificate for it, so none of them makes it free. Where finding out costs too much,
    /// the answer is yes: whoever brings hundreds of certificates gains nothing by it.
    fn has_authority(
        &self,
        key: &Fingerprint,
        signed: &SignedStatement,
        authorities: &BTreeSet<Fingerprint>,
    ) -> bool {
        let at_hand = || {
            let own = std::iter::once(self.inquiry.certificate);
            own.chain(self.inquiry.certificates).chain(&signed.certificates)
        };
        let is_issuer = |other: &&Certificate| {
            let issuer = other.fingerprint();
            other.is_certificate_authority() && issuer != *key && authorities.contains(&issuer)
        };
        let issuers: Vec<&Certificate> = at_hand().filter(is_issuer).collect();
        at_hand().filter(|held| held.fingerprint() == *key).any(|held| {
            let mut named = issuers.iter().filter(|issuer| held.issuer_der() == issuer.subject_der());
            named.any(|issuer| !self.allowance.spend() || held.is_signed_by(issuer.public_key()).is_ok())
        })
    }

    /// When the last certificate of a key ended, as far as they are at hand.
    fn end_of(&self, signed: &SignedStatement, key: &Fingerprint) -> Option<Time> {
        let certificates = self.inquiry.certificates.iter().chain(&signed.certificates);
        certificates.filter(|held| held.fingerprint() == *key).map(Certificate::not_after).max()
    }

    /// Whether the signer's certificate is of an address and was issued by an authority.
    fn is_under(&self, signed: &SignedStatement, address: &EmailAddress, authority: &Fingerprint) -> bool {
        let Some(own) = signed.certificates.first() else { return false };
        own.fingerprint() != *authority
            && own.addresses().iter().any(|named| named.matches(address))
            && self.inquiry.was_issued_by(
                (own, &signed.certificates),
                authority,
                signed.statement.issued,
                &self.allowance,
            )
    }
}

/// Who is known by two names: OpenPGP certificates that are the twins of introducers' keys, or that
/// name them. One person must not count twice.
pub(super) fn aliases(
    introducers: &[ContactIntroducer],
    openpgp: &OpenPgpKnowledge,
    inquiry: &Inquiry<'_>,
) -> BTreeMap<OpenPgpFingerprint, Fingerprint> {
    let mut aliases = BTreeMap::new();
    for ContactIntroducer { address, key, .. } in introducers {
        let holder = inquiry.certificates.iter().find(|held| held.fingerprint() == *key);
        let twin = holder.and_then(|holder| TwinKey::of(holder.public_key()));
        aliases.extend(twin.map(|twin| (twin.fingerprint(), *key)));
        let linked = openpgp.web.certificates().filter(|certificate| certificate.has_links());
        let linked = linked.filter(|certificate| {
            certificate.user_ids_linked_to(key, address, LinkPurpose::Sign, inquiry.at).next().is_some()
        });
        aliases.extend(linked.map(|certificate| (certificate.fingerprint, *key)));
    }
    aliases
}

/// Whether the person signed a statement: with a key that stands for them, or one that such a key certified.
#[must_use]
pub fn is_own_statement(signed: &SignedStatement, knowledge: &Knowledge) -> bool {
    let StatementSigner::Key(signer) = &signed.signer else { return false };
    let own = knowledge.pins.iter().filter(|pin| pin.how == Comparison::Own).map(|pin| pin.fingerprint);
    let is_issuer = |key: Fingerprint| {
        let mut holders = knowledge.certificates.iter().filter(|held| held.fingerprint() == key);
        holders.any(|holder| {
            signed.certificates.first().is_some_and(|leaf| {
                leaf.issuer_der() == holder.subject_der() && leaf.is_signed_by(holder.public_key()).is_ok()
            })
        })
    };
    own.into_iter().any(|key| key == *signer || is_issuer(key))
}

/// The key at hand that a statement is about.
fn subject_key(signed: &SignedStatement, inquiry: &Inquiry<'_>) -> Option<Fingerprint> {
    let at_hand = std::iter::once(inquiry.certificate).chain(inquiry.certificates);
    at_hand.map(Certificate::fingerprint).find(|key| signed.statement.is_about(key))
}

fn period(signed: &SignedStatement) -> Period {
    Period { from: Some(signed.statement.issued), until: None }
}

/// Whether its signer took it back.
fn is_withdrawn(signed: &SignedStatement, knowledge: &Knowledge, at: Time) -> bool {
    let digest = signed.statement.digest();
    let mut withdrawals = knowledge.statements.iter().filter(|other| {
        matches!(other.statement.kind, StatementKind::Withdrawal { statement, .. } if statement == digest)
            && other.holds_at(at)
    });
    let mut person_of_signer = None;
    withdrawals.any(|other| {
        is_same_key(&signed.signer, &other.signer) || {
            let own = person_of_signer.get_or_insert_with(|| person(signed, &knowledge.certificates));
            own.as_ref().is_some_and(|own| is_by_person(own, other, &knowledge.certificates))
        }
    })
}

fn is_same_key(one: &StatementSigner, other: &StatementSigner) -> bool {
    match (one, other) {
        (StatementSigner::OpenPgp(one), StatementSigner::OpenPgp(other)) => {
            one.certificate == other.certificate
        }
        (StatementSigner::Key(one), StatementSigner::Key(other)) => one == other,
        (StatementSigner::OpenPgp(_), StatementSigner::Key(_))
        | (StatementSigner::Key(_), StatementSigner::OpenPgp(_)) => false,
    }
}

/// The CA above a signer's certificate, and whose certificate it is.
type PersonUnderAuthority = (Fingerprint, Vec<EmailAddress>);

/// Whether whoever can revoke a person's certificate signed a statement, or the person with another key:
/// the CA, or a certificate for the same addresses under it.
fn is_by_person(own: &PersonUnderAuthority, other: &SignedStatement, known: &[Certificate]) -> bool {
    matches!(&other.signer, StatementSigner::Key(key) if *key == own.0)
        || person(other, known).as_ref() == Some(own)
}

/// Who signed. Nobody signed which certificates come along with a statement, so the CA is looked for among
/// those that are known too: whoever takes it out must not thereby undo that a statement was taken back.
fn person(signed: &SignedStatement, known: &[Certificate]) -> Option<PersonUnderAuthority> {
    let (own, others) = signed.certificates.split_first()?;
    let is_named = |authority: &&Certificate| {
        authority.is_certificate_authority() && authority.subject_der() == own.issuer_der()
    };
    let brought = others.iter().filter(is_named).take(limits::SIGNER_CANDIDATES);
    let mut authorities = known.iter().filter(is_named).chain(brought);
    let authority = authorities.find(|authority| own.is_signed_by(authority.public_key()).is_ok())?;
    let mut addresses: Vec<EmailAddress> = own.addresses().iter().map(EmailAddress::to_lookup_form).collect();
    addresses.sort();
    (!addresses.is_empty()).then(|| (authority.fingerprint(), addresses))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::openpgp::{Basis, Reason, Statement};
    use crate::testing::{NOW, Person, SystemRandom};
    use crate::trust::evidence::Correspondence;
    use crate::trust::{Conflict, Decision, KnownKey, Level, Pin, bring};
    use crate::x509::issue::{self, Subject, Validity};

    const ENDORSEMENT: StatementKind = StatementKind::Endorsement { basis: Basis::InPerson, amount: 120 };

    fn succession(old: &Certificate) -> StatementKind {
        StatementKind::Succession { old: Statement::name_of(&old.fingerprint()), reason: Reason::Superseded }
    }

    /// A statement by the signing key or the personal CA of somebody.
    fn signed(
        by: &Person,
        with: &Certificate,
        kind: StatementKind,
        about: (&Person, &Certificate),
    ) -> Vec<u8> {
        issued(by, with, kind, about, NOW.plus_days(-1))
    }

    fn issued(
        by: &Person,
        with: &Certificate,
        kind: StatementKind,
        (subject, key): (&Person, &Certificate),
        at: Time,
    ) -> Vec<u8> {
        let statement = Statement::new(kind, subject.address.clone(), &key.fingerprint(), at);
        statement.sign(&by.keys, &[with.clone(), by.authority.clone()]).unwrap()
    }

    /// A certificate that a key issued for itself.
    fn self_issued(person: &Person, of: &Certificate) -> Certificate {
        let subject = Subject {
            name: "me",
            addresses: std::slice::from_ref(&person.address),
            public_key: of.public_key(),
        };
        let validity = Validity { not_before: NOW.plus_days(-30), not_after: NOW.plus_days(700) };
        issue::personal_ca(&person.keys, &subject, validity, &mut SystemRandom).unwrap()
    }

    fn introducer(person: &Person, amount: u32) -> ContactIntroducer {
        let (address, key) = (person.address.clone(), person.authority.fingerprint());
        ContactIntroducer { address, key, amount, domains: Vec::new(), is_own: false }
    }

    fn pin(person: &Person) -> Pin {
        let (address, fingerprint) = (person.address.clone(), person.authority.fingerprint());
        Pin { address, fingerprint, how: Comparison::InPerson }
    }

    /// Relies on some, who are all compared, and holds the certificates of others.
    fn relying(introducers: &[(&Person, u32)], others: &[&Person]) -> Knowledge {
        let people = introducers.iter().map(|(person, _)| *person).chain(others.iter().copied());
        let certificates =
            people.flat_map(|person| [person.authority.clone(), person.encryption.clone()]).collect();
        Knowledge {
            pins: introducers.iter().map(|(person, _)| pin(person)).collect(),
            introducers: introducers.iter().map(|(person, amount)| introducer(person, *amount)).collect(),
            certificates,
            ..Knowledge::default()
        }
    }

    fn decided(certificate: &Certificate, of: &Person, knowledge: &Knowledge, items: &[Vec<u8>]) -> Decision {
        let knowledge = bring(knowledge, items, &[]).knowledge;
        let offered = [of.authority.clone()];
        let allowance = Allowance::of_message();
        decide(certificate, &of.address, &offered, &knowledge, Purpose::Sign, NOW, &allowance)
    }

    fn score(of: &Person, knowledge: &Knowledge, items: &[Vec<u8>]) -> u32 {
        decided(&of.signing, of, knowledge, items).score
    }

    fn people() -> [Person; 3] {
        ["alice@example.org", "bob@example.org", "carol@example.org"].map(Person::new)
    }

    #[test]
    fn an_endorsement_counts_by_whom_the_person_relies_on_and_as_far() {
        let [alice, bob, carol] = people();
        let by = |person: &Person| signed(person, &person.signing, ENDORSEMENT, (&alice, &alice.authority));
        let knowledge = |people: &[(&Person, u32)]| relying(people, &[&alice]);
        assert_eq!(score(&alice, &knowledge(&[(&bob, 120)]), &[by(&bob)]), 80, "the profile's limit");
        assert_eq!(score(&alice, &knowledge(&[(&bob, 40)]), &[by(&bob)]), 40);
        assert_eq!(score(&alice, &knowledge(&[(&bob, 120), (&carol, 120)]), &[by(&bob), by(&carol)]), 120);
        assert_eq!(score(&alice, &knowledge(&[]), &[by(&bob), by(&carol)]), 0, "nobody relies on them");
        let low = StatementKind::Endorsement { basis: Basis::Correspondence, amount: 20 };
        let low = signed(&bob, &bob.signing, low, (&alice, &alice.authority));
        assert_eq!(score(&alice, &knowledge(&[(&bob, 120)]), &[low]), 20);
    }

    #[test]
    fn who_signs_with_several_keys_is_one_introducer() {
        let [alice, bob, _] = people();
        let by = |with: &Certificate| signed(&bob, with, ENDORSEMENT, (&alice, &alice.authority));
        let items = [by(&bob.signing), by(&bob.authority)];
        assert_eq!(score(&alice, &relying(&[(&bob, 120)], &[&alice]), &items), 80);
    }

    #[test]
    fn an_introducer_whose_key_the_person_does_not_know_says_nothing() {
        let [alice, bob, _] = people();
        let item = signed(&bob, &bob.signing, ENDORSEMENT, (&alice, &alice.authority));
        let knowledge = Knowledge { pins: Vec::new(), ..relying(&[(&bob, 120)], &[&alice]) };
        assert_eq!(score(&alice, &knowledge, &[item]), 0);
    }

    #[test]
    fn nobody_endorses_in_the_name_of_an_introducer_or_beyond_their_domains() {
        let [alice, bob, _] = people();
        let impostor = Person::new("bob@example.org");
        let about = (&alice, &alice.authority);
        let mut knowledge = relying(&[(&bob, 120)], &[&alice]);
        assert_eq!(score(&alice, &knowledge, &[signed(&impostor, &impostor.signing, ENDORSEMENT, about)]), 0);
        let item = signed(&bob, &bob.signing, ENDORSEMENT, about);
        knowledge.introducers[0].domains = vec!["example.net".to_owned()];
        assert_eq!(score(&alice, &knowledge, &[item]), 0);
    }

    #[test]
    fn an_endorsement_ends_when_it_says_and_when_it_is_taken_back() {
        let [alice, bob, carol] = people();
        let about = (&alice, &alice.authority);
        let knowledge = relying(&[(&bob, 120)], &[&alice]);
        let old = issued(&bob, &bob.authority, ENDORSEMENT, about, NOW.plus_days(-2000));
        assert_eq!(score(&alice, &knowledge, &[old]), 0, "after five years");
        let item = signed(&bob, &bob.signing, ENDORSEMENT, about);
        let digest =
            bring(&knowledge, std::slice::from_ref(&item), &[]).knowledge.statements[0].statement.digest();
        let kind = StatementKind::Withdrawal { statement: digest, reason: Reason::Error };
        let withdrawn = signed(&bob, &bob.signing, kind.clone(), about);
        assert_eq!(score(&alice, &knowledge, &[item.clone(), withdrawn]), 0);
        let by_his_ca = signed(&bob, &bob.authority, kind.clone(), about);
        assert_eq!(score(&alice, &knowledge, &[item.clone(), by_his_ca]), 0);
        let by_carol = signed(&carol, &carol.signing, kind, about);
        assert_eq!(score(&alice, &knowledge, &[item, by_carol]), 80, "nobody takes back what another said");
    }

    #[test]
    fn whoever_leaves_the_ca_out_of_a_statement_does_not_undo_that_it_was_taken_back() {
        let [alice, bob, _] = people();
        let about = (&alice, &alice.authority);
        let knowledge = relying(&[(&bob, 120)], &[&alice]);
        let statement = Statement::new(
            ENDORSEMENT,
            alice.address.clone(),
            &alice.authority.fingerprint(),
            NOW.plus_days(-1),
        );
        let bare = statement.sign(&bob.keys, std::slice::from_ref(&bob.signing)).unwrap();
        assert_eq!(score(&alice, &knowledge, std::slice::from_ref(&bare)), 80);
        let kind = StatementKind::Withdrawal { statement: statement.digest(), reason: Reason::Compromised };
        let withdrawn = signed(&bob, &bob.authority, kind, about);
        assert_eq!(score(&alice, &knowledge, &[bare, withdrawn]), 0);
    }

    /// The certificate with signatures that do not hold.
    fn damaged(certificate: &Certificate, number: usize) -> Vec<Certificate> {
        let damaged = (1..=number).map(|number| {
            let mut der = certificate.as_der().to_vec();
            let place = der.len() - 1 - number / 255;
            der[place] ^= u8::try_from(number % 255 + 1).unwrap();
            Certificate::from_der(&der).unwrap()
        });
        damaged.collect()
    }

    #[test]
    fn statements_by_a_key_of_a_hundred_certificates_under_a_ca_of_a_hundred_are_answered() {
        let [alice, _, _] = people();
        let known = |key: &Certificate| {
            let (address, fingerprint) = (alice.address.clone(), key.fingerprint());
            KnownKey { address, fingerprint, history: Correspondence::first_mail(NOW.plus_days(-9)) }
        };
        let knowledge =
            Knowledge { known: vec![known(&alice.signing), known(&alice.authority)], ..Knowledge::default() };
        let offered = [damaged(&alice.signing, 99), damaged(&alice.authority, 99)].concat();
        let item = |days: i64| {
            let about = &alice.encryption.fingerprint();
            let at = NOW.plus_days(-days);
            let statement = Statement::new(StatementKind::Uses, alice.address.clone(), about, at);
            statement.sign(&alice.keys, &offered[..1]).unwrap()
        };
        let items: Vec<Vec<u8>> = (1..=32).map(item).collect();
        let knowledge = bring(&knowledge, &items, &[]).knowledge;
        assert_eq!(knowledge.statements.len(), 32);
        let allowance = Allowance::of_message();
        let start = std::time::Instant::now();
        let (certificate, purpose) = (&alice.encryption, Purpose::Encrypt);
        let _ = decide(certificate, &alice.address, &offered, &knowledge, purpose, NOW, &allowance);
        assert!(start.elapsed() < std::time::Duration::from_secs(10), "{:?}", start.elapsed());
    }

    #[test]
    fn a_successor_is_worth_what_the_key_before_was() {
        let [alice, _, _] = people();
        let new = Person::new("alice@example.org");
        let mut knowledge = relying(&[], &[&alice, &new]);
        let item = signed(&alice, &alice.authority, succession(&alice.authority), (&new, &new.authority));
        assert_eq!(score(&new, &knowledge, std::slice::from_ref(&item)), 0, "of nothing comes nothing");
        knowledge.pins.push(pin(&alice));
        assert_eq!(decided(&new.signing, &new, &knowledge, &[]).level, Level::Conflict);
        let decision = decided(&new.signing, &new, &knowledge, std::slice::from_ref(&item));
        assert_eq!((decision.score, decision.level), (120, Level::Verified));
        let third = Person::new("alice@example.org");
        knowledge.certificates.push(third.authority.clone());
        let second =
            signed(&alice, &alice.authority, succession(&alice.authority), (&third, &third.authority));
        let both = decided(&new.signing, &new, &knowledge, &[item, second]);
        assert!(matches!(both.evaluation.conflict, Some(Conflict::SecondSuccession { .. })));
    }

    #[test]
    fn why_a_statement_does_not_count_is_said() {
        let [alice, bob, _] = people();
        let item = signed(&bob, &bob.signing, ENDORSEMENT, (&alice, &alice.authority));
        let read = SignedStatement::read(&item, &[], &[]).unwrap();
        let standing = |knowledge: &Knowledge, at| Standing::of(&read, knowledge, at);
        let relied = relying(&[(&bob, 120)], &[&alice]);
        assert_eq!(standing(&relied, NOW), Standing::Counts);
        assert_eq!(standing(&bring(&relied, &[item], &[]).knowledge, NOW), Standing::Counts);
        assert_eq!(standing(&relied, NOW.plus_days(-9)), Standing::NotYet);
        assert_eq!(standing(&relied, NOW.plus_days(3000)), Standing::Ended);
        assert_eq!(standing(&relying(&[(&bob, 120)], &[]), NOW), Standing::SubjectUnknown);
        assert_eq!(standing(&relying(&[], &[&alice]), NOW), Standing::NotReliedOn);
    }

    #[test]
    fn a_stolen_device_does_not_name_the_successor_of_a_person() {
        let [alice, _, _] = people();
        let thief = Person::new("alice@example.org");
        let mut knowledge = relying(&[], &[&alice, &thief]);
        knowledge.certificates.push(alice.signing.clone());
        knowledge.pins.push(pin(&alice));
        let history = Correspondence::first_mail(NOW.plus_days(-9));
        let (address, fingerprint) = (alice.address.clone(), alice.signing.fingerprint());
        knowledge.known.push(KnownKey { address, fingerprint, history });
        let item = signed(&alice, &alice.signing, succession(&alice.signing), (&thief, &thief.authority));
        assert_eq!(decided(&thief.signing, &thief, &knowledge, &[item]).level, Level::Conflict);
        // Under a certificate that the thief made for the device's key, which no CA issued.
        let own = self_issued(&alice, &alice.signing);
        let kind = succession(&alice.signing);
        let statement =
            Statement::new(kind, alice.address.clone(), &thief.authority.fingerprint(), NOW.plus_days(-1));
        let item = statement.sign(&alice.keys, &[own]).unwrap();
        assert_eq!(decided(&thief.signing, &thief, &knowledge, &[item]).level, Level::Conflict);
    }

    #[test]
    fn a_signing_key_without_a_personal_ca_names_the_encryption_key_of_its_own_address() {
        let [alice, bob, _] = people();
        let other = Person::new("alice@example.org");
        let mut knowledge = relying(&[], &[&alice, &other, &bob]);
        let uses = |by: &Person| signed(by, &by.signing, StatementKind::Uses, (&other, &other.encryption));
        let (address, fingerprint) = (alice.address.clone(), alice.signing.fingerprint());
        knowledge.pins.push(Pin { address, fingerprint, how: Comparison::InPerson });
        let named = decided(&other.encryption, &other, &knowledge, &[uses(&alice)]);
        assert_eq!((named.score, named.level), (120, Level::Verified));
        assert_eq!(decided(&other.encryption, &other, &knowledge, &[uses(&bob)]).level, Level::Conflict);
        // A device of a person with a personal CA names nothing.
        knowledge.pins = vec![pin(&alice)];
        assert_eq!(decided(&other.encryption, &other, &knowledge, &[uses(&alice)]).level, Level::Conflict);
    }

    #[test]
    fn what_is_brought_by_a_stranger_adds_nothing() {
        let [alice, bob, carol] = people();
        let knowledge = relying(&[(&bob, 120)], &[&alice, &carol]);
        let about = (&carol, &carol.authority);
        let items = [
            signed(&carol, &carol.signing, ENDORSEMENT, about),
            signed(&alice, &alice.authority, ENDORSEMENT, about),
            signed(&alice, &alice.signing, StatementKind::Uses, about),
            signed(&alice, &alice.authority, succession(&alice.authority), about),
            b"nonsense".to_vec(),
            vec![0x99, 0, 1],
        ];
        let decision = decided(&carol.signing, &carol, &knowledge, &items);
        assert_eq!((decision.score, decision.level), (0, Level::Unverified));
    }
}
