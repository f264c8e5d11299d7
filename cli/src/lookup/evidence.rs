//! From answers to evidence: what each found certificate is worth, by how it came.
//!
//! A source speaks only as far as its kind does, whatever it says: a directory cannot make itself the
//! DNS, and ten certificates of one server are that one server.

use std::sync::Arc;

use counterseal_core::address::{EmailAddress, StrongAddress};
use counterseal_core::limits;
use counterseal_core::openpgp::{LinkPurpose, TwinKey, Web as OpenPgpWeb};
use counterseal_core::policy::with_demand;
use counterseal_core::time::Time;
use counterseal_core::trust::evidence::{Evidence, Explanation, ExplanationKind, Kind, Period};
use counterseal_core::trust::{
    Claim, Decision, Knowledge, OpenPgpKnowledge, Pin, Purpose, check_chain, decide,
};
use counterseal_core::x509::Certificate;
use counterseal_core::x509::path::Allowance;
use serde::{Deserialize, Serialize};

use super::{Answer, Found, Source, Standing, news};

/// A certificate for the address, and what speaks for it.
pub(crate) struct Candidate {
    pub(crate) certificate: Certificate,
    /// The sources that had it, or that named it.
    pub(crate) sources: Vec<Source>,
    pub(crate) decision: Decision,
    /// What speaks for it and for the personal CA above it, from these sources alone.
    pub(crate) evidence: Vec<KeptEvidence>,
}

/// Evidence as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptEvidence {
    pub(crate) address: String,
    /// SHA-256 of the key, in hexadecimal.
    pub(crate) key: String,
    /// `dnssec`, `dns`, `web-directory` or `keyserver`.
    pub(crate) kind: String,
    /// The server, where it is none of the domain's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<String>,
    /// When it was fetched, and the last second at which it counts: seconds since 1970.
    pub(crate) fetched: i64,
    pub(crate) until: i64,
}

impl KeptEvidence {
    fn new(
        address: &EmailAddress,
        key: &Certificate,
        standing: &Standing,
        fetched: Time,
        lasts: i64,
    ) -> Option<Self> {
        let (kind, server) = match standing {
            Standing::Dns { secure: true } => ("dnssec", None),
            Standing::Dns { secure: false } => ("dns", None),
            Standing::Domain => ("web-directory", None),
            Standing::Server(name) => ("keyserver", Some(name.clone())),
            Standing::Nobody => return None,
        };
        Some(Self {
            address: address.lookup_key(),
            key: key.fingerprint().to_hex(),
            kind: kind.to_owned(),
            server,
            fetched: fetched.unix_seconds(),
            until: fetched.plus_seconds(lasts).unix_seconds(),
        })
    }

    /// For the engine, given a certificate of the key. Nothing for what a later version wrote.
    pub(crate) fn for_engine(&self, certificate: &Certificate) -> Option<Evidence> {
        let address = EmailAddress::parse(&self.address).ok()?;
        let kind = match self.kind.as_str() {
            "dnssec" => Kind::DnsRecord { secure: true },
            "dns" => Kind::DnsRecord { secure: false },
            "web-directory" => Kind::WebDirectory,
            "keyserver" => Kind::Keyserver { name: self.server.clone()? },
            _ => return None,
        };
        // However the row came here, nothing counts for longer than a week.
        let longest = self.fetched.saturating_add(limits::DNS_EVIDENCE_SECONDS);
        let period = Period {
            from: Some(Time::from_unix_seconds(self.fetched)),
            until: Some(Time::from_unix_seconds(self.until.min(longest))),
        };
        Some(Evidence::new(Claim::new(&address, certificate.fingerprint()), kind).during(period))
    }

    /// SHA-256 of the key.
    pub(crate) fn key_digest(&self) -> Option<[u8; 32]> {
        let mut digest = [0; 32];
        let pairs = self.key.as_bytes().chunks_exact(2);
        if self.key.len() != 2 * digest.len() {
            return None;
        }
        for (byte, pair) in digest.iter_mut().zip(pairs) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(digest)
    }

    /// Whether both came in one set of records of the DNS, which says that they belong together.
    pub(crate) fn is_of_one_set_with(&self, other: &Self) -> bool {
        self.kind == "dnssec"
            && other.kind == "dnssec"
            && (&self.address, self.fetched) == (&other.address, other.fetched)
            && self.key != other.key
    }
}

/// Evidence and explanations of kept rows, for certificates at hand.
pub(crate) fn add_to(knowledge: &mut Knowledge, kept: &[KeptEvidence]) {
    let held = |row: &KeptEvidence| {
        knowledge.certificates.iter().find(|certificate| certificate.fingerprint().to_hex() == row.key)
    };
    let evidence: Vec<Evidence> = kept.iter().filter_map(|row| row.for_engine(held(row)?)).collect();
    let mut explanations = Vec::new();
    for (index, row) in kept.iter().enumerate() {
        for other in kept.iter().skip(index + 1).filter(|other| row.is_of_one_set_with(other)) {
            if let (Some(one), Some(two)) = (held(row), held(other)) {
                let keys = (one.fingerprint(), two.fingerprint());
                explanations.push(Explanation { keys, why: ExplanationKind::SameRecordSet });
            }
        }
    }
    knowledge.dossier.evidence.extend(evidence);
    knowledge.dossier.explanations.extend(explanations);
}

/// Every certificate that the answers bring for an address, or name among those at hand, strongest first;
/// and the pins of the address, with the key that the person named in it.
pub(crate) fn candidates(
    StrongAddress { address, demand }: &StrongAddress,
    answers: &[Answer],
    knowledge: &Knowledge,
    at: Time,
) -> (Vec<Candidate>, Vec<Pin>) {
    let mut at_hand: Vec<Certificate> = Vec::new();
    let found = answers.iter().filter_map(Answer::found).flat_map(|found| &found.certificates);
    for certificate in found.chain(&knowledge.certificates) {
        if !at_hand.contains(certificate) {
            at_hand.push(certificate.clone());
        }
    }
    let mut knowledge = Knowledge { certificates: at_hand.clone(), ..knowledge.clone() };
    add_openpgp(&mut knowledge, address, answers);
    let names_address = |leaf: &&Certificate| {
        leaf.addresses().iter().any(|own| own.matches(address)) && !leaf.is_certificate_authority()
    };
    let named: Vec<(Certificate, Vec<Source>, Vec<KeptEvidence>)> = at_hand
        .iter()
        .filter(names_address)
        .map(|leaf| {
            let (sources, evidence) = spoken_for(leaf, address, answers, &knowledge, at);
            (leaf.clone(), sources, evidence)
        })
        .filter(|(_, sources, _)| !sources.is_empty())
        .take(limits::RIVALS)
        .collect();
    let all: Vec<KeptEvidence> = named.iter().flat_map(|(_, _, evidence)| evidence.clone()).collect();
    add_to(&mut knowledge, &unique(all));
    let knowledge = with_demand(address, demand, &knowledge, at);
    let mut decided: Vec<Candidate> = named
        .into_iter()
        .map(|(certificate, sources, evidence)| {
            let receives = certificate.may_receive_encrypted_mail().is_ok();
            let purpose = if receives { Purpose::Encrypt } else { Purpose::Sign };
            let allowance = Allowance::of_message();
            let decision = decide(&certificate, address, &[], &knowledge, purpose, at, &allowance);
            Candidate { certificate, sources, decision, evidence }
        })
        .collect();
    decided.sort_by_key(|candidate| {
        let certificate = &candidate.certificate;
        let receives = certificate.may_receive_encrypted_mail().is_ok();
        std::cmp::Reverse((
            certificate.is_valid_at(at),
            candidate.decision.score,
            receives,
            certificate.not_before(),
        ))
    });
    let pins = knowledge.pins.into_iter().filter(|pin| pin.address.matches(address)).collect();
    (decided, pins)
}

fn unique(rows: Vec<KeptEvidence>) -> Vec<KeptEvidence> {
    let mut unique: Vec<KeptEvidence> = Vec::new();
    for row in rows {
        if !unique.contains(&row) {
            unique.push(row);
        }
    }
    unique
}

/// OpenPGP certificates that came are a part of the web from now on: those whom the person relies on
/// may have certified them.
fn add_openpgp(knowledge: &mut Knowledge, address: &EmailAddress, answers: &[Answer]) {
    let Some(openpgp) = &knowledge.openpgp else { return };
    let mut web = openpgp.web.clone();
    for keyring in answers.iter().filter_map(Answer::found).filter_map(|found| found.openpgp.as_deref()) {
        news(&openpgp.web, &[keyring], address).into_iter().for_each(|certificate| web.insert(certificate));
    }
    let OpenPgpKnowledge { reliances, own, .. } = openpgp.as_ref();
    knowledge.openpgp =
        Some(Arc::new(OpenPgpKnowledge { web, reliances: reliances.clone(), own: own.clone() }));
}

/// The sources that speak for a certificate, and what they say.
fn spoken_for(
    leaf: &Certificate,
    address: &EmailAddress,
    answers: &[Answer],
    knowledge: &Knowledge,
    at: Time,
) -> (Vec<Source>, Vec<KeptEvidence>) {
    let (mut sources, mut evidence) = (Vec::new(), Vec::new());
    for answer in answers {
        let Some(found) = answer.found() else { continue };
        let keys = named_keys(leaf, address, found, knowledge, at);
        if !keys.is_empty() {
            sources.push(answer.source);
        }
        evidence.extend(
            keys.iter()
                .filter_map(|key| KeptEvidence::new(address, key, &found.standing, answer.at, found.lasts)),
        );
    }
    (sources, evidence)
}

/// The keys that an answer names as the address's: the certificate's own, or that of the personal CA
/// above it.
fn named_keys(
    leaf: &Certificate,
    address: &EmailAddress,
    found: &Found,
    knowledge: &Knowledge,
    at: Time,
) -> Vec<Certificate> {
    if !found.records.is_empty() {
        let has_chain = check_chain(leaf, Some(address), knowledge, at).is_ok();
        let is_spoken_for = found
            .records
            .iter()
            .any(|record| record.speaks_for(leaf, &knowledge.certificates, has_chain, at));
        return if is_spoken_for { vec![leaf.clone()] } else { Vec::new() };
    }
    if let Some(keyring) = &found.openpgp {
        let mut web = OpenPgpWeb::new();
        if web.import(&[keyring.as_slice()]).is_err() {
            return Vec::new();
        }
        let above = knowledge.certificates.iter().filter(|other| {
            other.is_certificate_authority()
                && other.subject_der() == leaf.issuer_der()
                && leaf.is_signed_by(other.public_key()).is_ok()
        });
        return std::iter::once(leaf)
            .chain(above)
            .filter(|key| is_named(&web, key, address, at))
            .cloned()
            .collect();
    }
    if found.certificates.contains(leaf) { vec![leaf.clone()] } else { Vec::new() }
}

/// Whether an OpenPGP certificate for the address is the twin of a key, or names it in a link.
fn is_named(web: &OpenPgpWeb, certificate: &Certificate, address: &EmailAddress, at: Time) -> bool {
    let key = certificate.fingerprint();
    web.certificates().filter(|openpgp| openpgp.is_usable_at(at)).any(|openpgp| {
        let is_twin = TwinKey::of(certificate.public_key())
            .is_some_and(|twin| twin.is_primary_key_of(openpgp))
            && openpgp
                .user_ids
                .iter()
                .any(|user_id| user_id.address().is_some_and(|own| own.matches(address)));
        is_twin || openpgp.user_ids_linked_to(&key, address, LinkPurpose::Both, at).next().is_some()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use counterseal_core::keys::Keyring;
    use counterseal_core::lookup::{Matching, Selector, SmimeaRecord, Usage};
    use counterseal_core::trust::{Level, Profile, Rules};
    use counterseal_core::x509::issue::{self, Issuer, Subject, Validity};
    use counterseal_core::x509::{KeyKind, SecretKey};

    use counterseal_core::address::KeyDemand;

    use super::*;
    use crate::lookup::{Outcome, Trouble};
    use crate::randomness::SystemRandom;

    const NOW: Time = Time::from_unix_seconds(1_795_262_400);

    fn bob() -> EmailAddress {
        EmailAddress::parse("bob@example.org").unwrap()
    }

    /// A personal CA and an encryption certificate of it.
    fn certificates(address: &EmailAddress) -> [Certificate; 2] {
        let [authority_key, key] =
            [0, 1].map(|_| SecretKey::generate(KeyKind::P256, &mut SystemRandom).unwrap());
        let validity = Validity { not_before: NOW.plus_days(-1), not_after: NOW.plus_days(100) };
        let subject =
            |key| Subject { name: "Bob", addresses: std::slice::from_ref(address), public_key: key };
        let keys = Keyring::from(authority_key.clone());
        let authority =
            issue::personal_ca(&keys, &subject(authority_key.public_key()), validity, &mut SystemRandom)
                .unwrap();
        let issuer = Issuer { certificate: &authority, keys: &keys };
        let subject = subject(key.public_key());
        let leaf = issue::encryption_certificate(&issuer, &subject, validity, None, &mut SystemRandom);
        [leaf.unwrap(), authority]
    }

    fn answer(standing: &Standing, certificates: &[Certificate], lasts: i64) -> Answer {
        let record = |certificate: &Certificate| {
            let usage = if certificate.is_certificate_authority() {
                Usage::AuthorityAssertion
            } else {
                Usage::CertificateAssertion
            };
            SmimeaRecord::of(certificate, usage, Selector::Certificate, Matching::Full)
        };
        let is_dns = matches!(standing, Standing::Dns { .. });
        let found = Found {
            records: certificates.iter().filter(|_| is_dns).map(record).collect(),
            certificates: certificates.to_vec(),
            openpgp: None,
            standing: standing.clone(),
            lasts,
        };
        let source = if is_dns { Source::Smimea } else { Source::Http };
        Answer { source, asked: String::new(), outcome: Outcome::Found(found), at: NOW }
    }

    fn knowledge(profile: Profile) -> Knowledge {
        let mut rules = Rules::of(profile);
        rules.sources.keyserver = true;
        Knowledge { rules, ..Knowledge::default() }
    }

    fn candidates(
        address: &EmailAddress,
        answers: &[Answer],
        knowledge: &Knowledge,
        at: Time,
    ) -> Vec<Candidate> {
        let strong = StrongAddress { address: address.clone(), demand: KeyDemand::None };
        super::candidates(&strong, answers, knowledge, at).0
    }

    fn best(answers: &[Answer], knowledge: &Knowledge, at: Time) -> u32 {
        let candidates = candidates(&bob(), answers, knowledge, at);
        candidates.iter().map(|candidate| candidate.decision.score).max().unwrap_or_default()
    }

    #[test]
    fn a_lying_server_never_makes_a_key_worth_more_than_its_row() {
        let server = |number: u8| Standing::Server(format!("server{number}.example"));
        let rows = [
            (Standing::Dns { secure: true }, 80),
            (Standing::Dns { secure: false }, 5),
            (Standing::Domain, 60),
            (server(0), 40),
            (Standing::Nobody, 0),
        ];
        // Its own CA, another key, and everything as often as it likes, to last for ever.
        let certificates = [certificates(&bob()), certificates(&bob())].concat();
        let twice = [&certificates[..], &certificates].concat();
        let one_key = &certificates[..2];
        for profile in [Profile::Blended, Profile::Hardened, Profile::Either] {
            let knowledge = knowledge(profile);
            for (standing, worth) in &rows {
                let answers = |certificates: &[Certificate]| -> Vec<Answer> {
                    (0..5).map(|_| answer(standing, certificates, i64::from(u32::MAX))).collect()
                };
                assert_eq!(best(&answers(one_key), &knowledge, NOW), *worth, "{standing:?} {profile:?}");
                assert!(best(&answers(&twice), &knowledge, NOW) <= *worth, "{standing:?} {profile:?}");
                assert_eq!(best(&answers(&twice), &knowledge, NOW.plus_days(8)), 0, "nothing lasts for ever");
            }
            // All key servers rest on one mailbox, and all of it on the one who operates the domain.
            let servers: Vec<Answer> = (0..9).map(|number| answer(&server(number), one_key, 3600)).collect();
            assert_eq!(best(&servers, &knowledge, NOW), 40);
            let all: Vec<Answer> = rows.iter().map(|(standing, _)| answer(standing, one_key, 3600)).collect();
            assert_eq!(best(&all, &knowledge, NOW), 100);
        }
        assert_eq!(
            best(&[answer(&Standing::Dns { secure: true }, one_key, 9)], &knowledge(Profile::CaOnly), NOW),
            0
        );
    }

    #[test]
    fn what_is_for_another_address_is_no_candidate() {
        let carol = EmailAddress::parse("carol@example.org").unwrap();
        let found = answer(&Standing::Dns { secure: true }, &certificates(&carol), 3600);
        assert!(candidates(&bob(), &[found], &knowledge(Profile::Blended), NOW).is_empty());
    }

    #[test]
    fn an_answer_counts_for_as_long_as_it_lasts() {
        let found = [answer(&Standing::Domain, &certificates(&bob()), 3600)];
        let knowledge = knowledge(Profile::Blended);
        let at = |seconds| best(&found, &knowledge, NOW.plus_seconds(seconds));
        assert_eq!((at(0), at(3600), at(3601)), (60, 60, 0));
    }

    #[test]
    fn a_source_that_failed_says_nothing() {
        let failed = Answer::new(Source::Smimea, "", Err(Trouble::unreachable("down"))).at(NOW);
        assert!(candidates(&bob(), &[failed], &knowledge(Profile::Blended), NOW).is_empty());
    }

    #[test]
    fn rows_of_the_store_are_what_this_version_knows_and_no_older_than_a_week() {
        let [leaf, _] = certificates(&bob());
        let row =
            KeptEvidence::new(&bob(), &leaf, &Standing::Dns { secure: true }, NOW, i64::MAX / 4).unwrap();
        let text = serde_json::to_string(&row).unwrap();
        assert_eq!(serde_json::from_str::<KeptEvidence>(&text).unwrap(), row);
        let evidence = row.for_engine(&leaf).unwrap();
        assert!(evidence.period.contains(NOW.plus_days(7)) && !evidence.period.contains(NOW.plus_days(8)));
        let later = KeptEvidence { kind: "oracle".to_owned(), ..row.clone() };
        assert!(later.for_engine(&leaf).is_none());
        assert!(KeptEvidence { kind: "keyserver".to_owned(), ..row }.for_engine(&leaf).is_none());
        let level =
            candidates(&bob(), &[answer(&Standing::Domain, &[leaf], 9)], &knowledge(Profile::Blended), NOW);
        assert_eq!(level.first().map(|candidate| candidate.decision.level), Some(Level::Checked));
    }
}
