//! `cseal keys find`: certificates from the network, and what they are worth.

use counterseal_core::address::{KeyDemand, StrongAddress};
use counterseal_core::limits;
use counterseal_core::policy::{LookupSources, Network};
use counterseal_core::time::Time;
use counterseal_core::trust::{HISTORY, Knowledge, Level, Pin, PublicRoots};
use counterseal_core::x509::Certificate;

use super::is_or_is_under;
use crate::args;
use crate::clock;
use crate::commands::introducers::Taken;
use crate::commands::store::Unlock;
use crate::commands::{looked_up, store, strong};
use crate::failure::{Exit, Failure};
use crate::lookup::{self, Answer, Candidate, Outcome, Source};
use crate::policy;
use crate::render::find::{self, Report};
use crate::store::{NewTrust, Store, StoreError, TrustKind, Writer};

/// Asks, shows, and takes in where that was said.
pub(super) fn run(arguments: &args::Find) -> Result<Exit, Failure> {
    let wanted = strong::parse(&arguments.address)?;
    let policy = policy::in_force()?;
    let offline = lookup::is_forbidden();
    if offline || policy.network == Network::Never {
        let who = if offline { "--offline" } else { "network = \"never\" in the policy" };
        return Err(Failure::unknown("offline", format!("nothing is asked of the network: {who}")));
    }
    let sources = sources(&arguments.source, &policy.lookups)?;
    let mut store = if arguments.import { Some(store::open()?) } else { store::open_if_any()? };
    let mut knowledge = match &store {
        Some(store) => store::knowledge(store)?,
        None => Knowledge { public_roots: Some(PublicRoots::default()), ..Knowledge::default() },
    };
    policy::apply(&policy, &mut knowledge)?;
    let at = clock::now();
    let found = Looked::up(&wanted, &sources, &policy.lookups, &knowledge, at);
    let imported = match store.as_mut().filter(|_| arguments.import && !found.acceptable().is_empty()) {
        Some(store) => {
            let unlock = Unlock::from_options(&arguments.passphrase);
            store::unlock(store, &unlock)?;
            found.import(store, &knowledge)?;
            strong::keep(store, &unlock, found.named())?;
            true
        }
        None => false,
    };
    let report =
        Report { address: &wanted.address, answers: &found.answers, candidates: &found.candidates, imported };
    find::report(&report, arguments.report.json)?;
    Ok(found.exit())
}

fn sources(typed: &[args::Source], how: &LookupSources) -> Result<Vec<Source>, Failure> {
    let named: Vec<Source> = typed.iter().map(|source| source_of(*source)).collect();
    let sources = if named.is_empty() { lookup::named(how) } else { named };
    if sources.is_empty() {
        return Err(Failure::usage("nothing says where to look")
            .hint("name a source with --source smimea, or put it into [sources] of policy.toml"));
    }
    let mut unique: Vec<Source> = Vec::new();
    sources.into_iter().for_each(|source| {
        if !unique.contains(&source) {
            unique.push(source);
        }
    });
    Ok(unique)
}

const fn source_of(typed: args::Source) -> Source {
    match typed {
        args::Source::Smimea => Source::Smimea,
        args::Source::Wkd => Source::Wkd,
        args::Source::Ldap => Source::Ldap,
        args::Source::Http => Source::Http,
        args::Source::Command => Source::Command,
    }
}

/// What a look-up came to.
pub(crate) struct Looked {
    wanted: StrongAddress,
    /// Of the address, the named key's among them.
    pins: Vec<Pin>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) candidates: Vec<Candidate>,
}

impl Looked {
    /// Asks all sources, one after the other.
    pub(crate) fn up(
        wanted: &StrongAddress,
        sources: &[Source],
        how: &LookupSources,
        knowledge: &Knowledge,
        at: Time,
    ) -> Self {
        let answers: Vec<Answer> =
            sources.iter().map(|source| lookup::ask(*source, &wanted.address, how, at)).collect();
        let (candidates, pins) = lookup::candidates(wanted, &answers, knowledge, at);
        Self { wanted: wanted.clone(), pins, answers, candidates }
    }

    /// Candidates that contradict nothing, and are what the address demands.
    pub(crate) fn acceptable(&self) -> Vec<&Candidate> {
        let least = match self.wanted.demand {
            KeyDemand::None => Level::None,
            KeyDemand::Key(_) if self.pins.is_empty() => return Vec::new(),
            KeyDemand::Key(_) => Level::Opportunistic,
            KeyDemand::Verified | KeyDemand::Introducer(_) => Level::Verified,
        };
        let fits = |candidate: &&Candidate| {
            let evaluation = &candidate.decision.evaluation;
            candidate.decision.level >= least
                && evaluation.conflict.is_none()
                && (evaluation.ended_pin.is_none() || evaluation.is_pinned)
        };
        self.candidates.iter().filter(fits).collect()
    }

    /// What the person compared by naming it.
    fn named(&self) -> &[Pin] {
        if matches!(self.wanted.demand, KeyDemand::Key(_)) { &self.pins } else { &[] }
    }

    /// Found; nothing there; or a source could not be asked, and may have had it.
    fn exit(&self) -> Exit {
        if self.candidates.is_empty() {
            let failed = self.answers.iter().any(|answer| matches!(answer.outcome, Outcome::Failed(_)));
            return if failed { Exit::Unknown } else { Exit::No };
        }
        if self.acceptable().is_empty() { Exit::Contradiction } else { Exit::Done }
    }

    /// Keeps every acceptable candidate: the certificates, that they are the address's, and what says so.
    pub(crate) fn import(&self, store: &mut Store, knowledge: &Knowledge) -> Result<(), Failure> {
        let keyrings: Vec<&[u8]> = self
            .answers
            .iter()
            .filter_map(Answer::found)
            .filter_map(|found| found.openpgp.as_deref())
            .collect();
        let taken = Taken::looked_up(store, &keyrings, &self.wanted.address)?;
        let chains = self.chains(knowledge);
        store.write(clock::now(), |writer| {
            for certificate in &chains {
                writer.add_certificate(certificate.as_der(), &certificate.fingerprint())?;
            }
            taken.keep(writer)?;
            self.acceptable().into_iter().try_for_each(|candidate| self.keep(candidate, writer))
        })?;
        Ok(())
    }

    /// Has what was found count without keeping it.
    pub(crate) fn teach(&self, knowledge: &mut Knowledge) {
        knowledge.certificates.extend(self.chains(knowledge));
        for candidate in self.acceptable() {
            if !knowledge.certificates.contains(&candidate.certificate) {
                knowledge.certificates.push(candidate.certificate.clone());
            }
            lookup::add_to(knowledge, &candidate.evidence);
        }
    }

    fn keep(&self, candidate: &Candidate, writer: &mut Writer<'_>) -> Result<(), StoreError> {
        let certificate = &candidate.certificate;
        writer.add_certificate(certificate.as_der(), &certificate.fingerprint())?;
        writer.add_trust(&NewTrust {
            kind: TrustKind::Contact,
            address: &self.wanted.address,
            key: &certificate.fingerprint(),
            points: HISTORY.into(),
            source: looked_up::SOURCE,
            capabilities: None,
            announced: None,
        })?;
        candidate.evidence.iter().try_for_each(|row| looked_up::keep(row, writer))
    }

    /// The CAs above the candidates that came along, or that records of theirs hold.
    fn chains(&self, knowledge: &Knowledge) -> Vec<Certificate> {
        let mut above: Vec<Certificate> = Vec::new();
        let found = self.answers.iter().filter_map(Answer::found).flat_map(|found| &found.certificates);
        let authorities: Vec<&Certificate> =
            found.filter(|certificate| certificate.is_certificate_authority()).collect();
        let mut below: Vec<Certificate> =
            self.acceptable().iter().map(|candidate| candidate.certificate.clone()).collect();
        while let Some(certificate) = below.pop().filter(|_| above.len() < limits::LOOKUP_CERTIFICATES) {
            for authority in authorities.iter().filter(|authority| is_or_is_under(&certificate, authority)) {
                if !above.contains(authority) && !knowledge.certificates.contains(authority) {
                    above.push((*authority).clone());
                    below.push((*authority).clone());
                }
            }
        }
        above
    }
}
