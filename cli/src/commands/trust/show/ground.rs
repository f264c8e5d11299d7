//! What answers are given from: the options of the command line, and the store where it is used.

use counterseal_core::address::{EmailAddress, KeyDemand};
use counterseal_core::limits;
use counterseal_core::message::reasons_of;
use counterseal_core::policy::with_demand;
use counterseal_core::time::Time;
use counterseal_core::trust::{Decision, Deed, Knowledge, PublicRoots, Purpose, Rules, advise, decide};
use counterseal_core::x509::Certificate;
use counterseal_core::x509::path::Allowance;

use super::super::with_amount;
use super::Question;
use super::web::Asked;
use crate::args;
use crate::commands::{statements, store};
use crate::failure::Failure;
use crate::policy;
use crate::render::trust::show::{Answer, OtherKey};
use crate::sources;
use crate::store::Store;

/// What a person can do that is counted even where mails are not.
const WITHOUT_HISTORY: [Deed; 3] = [Deed::CompareByVideo, Deed::CompareInPerson, Deed::Certify];

/// Everything that is known, whoever is asked about.
pub(super) struct Ground {
    knowledge: Knowledge,
    /// What a person can do that is counted.
    deeds: &'static [Deed],
}

impl Ground {
    /// By the options, and by the store where one is given.
    pub(super) fn of(arguments: &args::TrustShow, store: Option<&Store>) -> Result<Self, Failure> {
        let mut knowledge = store.map_or_else(|| Ok(Knowledge::default()), store::knowledge)?;
        // Whoever names anchors without a store asks about these alone.
        if arguments.anchors.is_empty() {
            knowledge.public_roots = Some(PublicRoots::default());
        }
        for typed in &arguments.anchors {
            let (path, amount) = with_amount(typed)?;
            knowledge.anchors.extend(sources::anchors(&[path.into()], amount)?);
        }
        knowledge.revocation = sources::revocation(&arguments.revocation_lists, arguments.revocation)?;
        let policy = policy::in_force()?;
        policy::apply(&policy, &mut knowledge)?;
        statements::add_files(&arguments.statements, &mut knowledge)?;
        let counts_mail = store.is_some() && policy.keep_history;
        let deeds: &[Deed] = if counts_mail { &Deed::ALL } else { &WITHOUT_HISTORY };
        if let Some(profile) = arguments.profile {
            knowledge.rules = Rules::of(super::super::profile(profile));
        }
        Ok(Self { knowledge, deeds })
    }

    /// The answer to one question, with what the web of OpenPGP says.
    pub(super) fn answer(&self, question: &Question, web: &mut Asked<'_>) -> Result<Answer, Failure> {
        let Question { address, certificate, at, .. } = question;
        let (given, candidates) = match certificate {
            Some(path) => {
                let file = sources::certificates(std::slice::from_ref(path))?;
                (file.clone(), leaves(&file, address))
            }
            None => (Vec::new(), named(&self.knowledge.certificates, address)),
        };
        let mut knowledge = self.demanding(question, &given)?;
        let at_hand: Vec<Certificate> = given.iter().chain(&knowledge.certificates).cloned().collect();
        web.add_to(&mut knowledge.dossier, address, &at_hand, *at);
        let mut decided: Vec<(Certificate, Decision)> = candidates
            .into_iter()
            .take(limits::RIVALS)
            .map(|certificate| {
                let decision = decide_about(&certificate, address, &given, &knowledge, *at);
                (certificate, decision)
            })
            .collect();
        decided.sort_by_key(|(certificate, decision)| {
            let receives = certificate.may_receive_encrypted_mail().is_ok();
            let began = certificate.not_before();
            std::cmp::Reverse((certificate.is_valid_at(*at), receives, decision.score, began))
        });
        let mut decided = decided.into_iter();
        let Some((certificate, decision)) = decided.next() else {
            return Err(Failure::unknown("no-key", format!("{address}: no certificate of it is known"))
                .hint("take one in with `cseal keys import FILE`, or name one with --certificate FILE"));
        };
        let others = decided.map(|(other, decision)| OtherKey::of(&other, &decision)).collect();
        let names_address = names(&certificate, address);
        let is_known = question.certificate.is_none();
        Ok(Answer { names_address, is_known, ..self.explained(certificate, decision, others, *at) })
    }

    /// What is known, and what the person says by naming a key.
    fn demanding(&self, question: &Question, given: &[Certificate]) -> Result<Knowledge, Failure> {
        let Question { address, demand, at, .. } = question;
        let mut knowledge = self.knowledge.clone();
        if let KeyDemand::Key(_) | KeyDemand::Introducer(_) = demand {
            knowledge.certificates.extend_from_slice(given);
        }
        let demanding = with_demand(address, demand, &knowledge, *at);
        if matches!(demand, KeyDemand::Key(_))
            && !demanding.pins.iter().any(|pin| pin.address.matches(address))
        {
            return Err(Failure::no(
                "not-the-pin",
                format!("{address}: no key that is known is the one that you named"),
            )
            .hint("name its certificate with --certificate FILE, or `cseal keys import` it first"));
        }
        Ok(demanding)
    }

    fn explained(
        &self,
        certificate: Certificate,
        decision: Decision,
        others: Vec<OtherKey>,
        at: Time,
    ) -> Answer {
        let rules = self.knowledge.rules.clone();
        Answer {
            reasons: reasons_of(&decision, &certificate, at),
            advice: advise(&decision.evaluation, &decision.dossier, &rules, self.deeds),
            names_address: true,
            is_known: true,
            certificate,
            decision,
            rules,
            others,
        }
    }
}

fn decide_about(
    certificate: &Certificate,
    address: &EmailAddress,
    given: &[Certificate],
    knowledge: &Knowledge,
    at: Time,
) -> Decision {
    let receives = certificate.may_receive_encrypted_mail().is_ok();
    let purpose = if receives { Purpose::Encrypt } else { Purpose::Sign };
    let allowance = Allowance::of_message();
    if names(certificate, address) {
        return decide(certificate, address, given, knowledge, purpose, at, &allowance);
    }
    // Whatever a CA checked, it was not this address.
    let knowledge = Knowledge { anchors: Vec::new(), ..knowledge.clone() };
    decide(certificate, address, given, &knowledge, purpose, at, &allowance)
}

/// The certificates of a file that are asked about: those that name the address; where none does,
/// the people's; and where there are only CAs, the first.
fn leaves(file: &[Certificate], address: &EmailAddress) -> Vec<Certificate> {
    let named = named(file, address);
    if !named.is_empty() {
        return named;
    }
    let people = file.iter().filter(|certificate| !certificate.is_certificate_authority());
    let people: Vec<Certificate> = people.cloned().collect();
    if people.is_empty() { file.iter().take(1).cloned().collect() } else { newest_of_each_key(people) }
}

/// The people's certificates that name an address.
fn named(certificates: &[Certificate], address: &EmailAddress) -> Vec<Certificate> {
    let people = certificates.iter().filter(|certificate| !certificate.is_certificate_authority());
    newest_of_each_key(people.filter(|certificate| names(certificate, address)).cloned().collect())
}

fn names(certificate: &Certificate, address: &EmailAddress) -> bool {
    certificate.addresses().iter().any(|own| own.matches(address))
}

fn newest_of_each_key(mut certificates: Vec<Certificate>) -> Vec<Certificate> {
    certificates.sort_by_key(|certificate| std::cmp::Reverse(certificate.not_before()));
    let mut newest: Vec<Certificate> = Vec::new();
    for certificate in certificates {
        if !newest.iter().any(|other| other.fingerprint() == certificate.fingerprint()) {
            newest.push(certificate);
        }
    }
    newest
}
