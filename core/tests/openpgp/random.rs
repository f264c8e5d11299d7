//! Random webs: every amount is that of sequoia-wot.

use std::collections::{BTreeMap, BTreeSet};

use counterseal_core::fingerprint::OpenPgpFingerprint;
use counterseal_core::openpgp::{
    Certificate, Certification, Depth, Reliances, Revocation, Span, Spans, UserId, Web,
};
use counterseal_core::time::Time;
use proptest::prelude::*;
use sequoia_openpgp::Fingerprint;
use sequoia_openpgp::packet::UserID;
use sequoia_wot as wot;

/// When all of it is asked.
const NOW: Time = Time::from_unix_seconds(1_700_000_000);
const AMOUNTS: [u8; 5] = [1, 40, 60, 119, 120];
const DOMAINS: [&str; 2] = ["example.org", "example.net"];

#[derive(Clone, Debug)]
struct RandomWeb {
    /// For each certificate its user identifiers: whether self-signed, whether revoked.
    certificates: Vec<Vec<(bool, bool)>>,
    certifications: Vec<RandomCertification>,
    roots: BTreeMap<usize, u8>,
}

#[derive(Clone, Debug)]
struct RandomCertification {
    issuer: usize,
    target: usize,
    user_id: usize,
    amount: u8,
    depth: Depth,
    domain: Option<usize>,
    age: i64,
}

fn random_web(finite: bool) -> impl Strategy<Value = RandomWeb> {
    let depth = prop_oneof![
        6 => Just(Depth::Unlimited),
        u32::from(finite) * 6 => (0..4_u8).prop_map(Depth::Limited),
    ];
    let domain = prop_oneof![4 => Just(None), u32::from(finite) => (0..DOMAINS.len()).prop_map(Some)];
    let user_id = (prop::bool::weighted(0.8), prop::bool::weighted(0.05));
    let certificates = prop::collection::vec(prop::collection::vec(user_id, 1..4), 2..12);
    let certification = (
        any::<(prop::sample::Index, prop::sample::Index, prop::sample::Index)>(),
        0..AMOUNTS.len(),
        depth,
        domain,
        0..3_i64,
    );
    let certifications = prop::collection::vec(certification, 0..60);
    let roots = prop::collection::vec((any::<prop::sample::Index>(), 0..AMOUNTS.len()), 1..4);
    (certificates, certifications, roots).prop_map(|(certificates, certifications, roots)| {
        let certifications = certifications.into_iter().filter_map(
            |((issuer, target, user_id), amount, depth, domain, age)| {
                let (issuer, target) = (issuer.index(certificates.len()), target.index(certificates.len()));
                let user_id = user_id.index(certificates[target].len());
                let amount = AMOUNTS[amount];
                (issuer != target).then_some(RandomCertification {
                    issuer,
                    target,
                    user_id,
                    amount,
                    depth,
                    domain,
                    age,
                })
            },
        );
        let certifications = newest(certifications.collect());
        let roots = roots.into_iter().map(|(root, amount)| (root.index(certificates.len()), AMOUNTS[amount]));
        RandomWeb { roots: roots.collect(), certifications, certificates }
    })
}

/// sequoia-wot takes synopses as they are; of several certifications of a user identifier by one
/// issuer it must only get the newest.
fn newest(certifications: Vec<RandomCertification>) -> Vec<RandomCertification> {
    let mut newest: BTreeMap<(usize, usize, usize), RandomCertification> = BTreeMap::new();
    for new in certifications {
        let known = newest.entry((new.issuer, new.target, new.user_id)).or_insert_with(|| new.clone());
        if new.age < known.age {
            *known = new;
        }
    }
    newest.into_values().collect()
}

fn fingerprint(place: usize) -> [u8; 20] {
    [u8::try_from(place).unwrap() * 3 + 7; 20]
}

fn user_id(certificate: usize, place: usize) -> String {
    format!("<person-{certificate}-{place}@{}>", DOMAINS[(certificate + place) % DOMAINS.len()])
}

fn expression(domain: usize) -> Vec<u8> {
    format!("<[^>]+[@.]{}>$", DOMAINS[domain].replace('.', "\\.")).into_bytes()
}

impl RandomWeb {
    fn ours(&self) -> Web {
        let always = || Spans::new(vec![Span { from: Time::from_unix_seconds(0), until: None }]);
        let mut web = Web::new();
        for (place, user_ids) in self.certificates.iter().enumerate() {
            let spans = |holds: bool| if holds { always() } else { Spans::default() };
            let user_ids = user_ids.iter().enumerate().map(|(which, (self_signed, revoked))| UserId {
                text: user_id(place, which),
                self_signed: spans(*self_signed),
                revoked: spans(*revoked),
                links: Vec::new(),
            });
            let on_it = self.certifications.iter().filter(|certification| certification.target == place);
            let mut certifications: Vec<Certification> = on_it.map(RandomCertification::ours).collect();
            certifications.sort_by_key(|certification| {
                (certification.issuer, certification.user_id, certification.created)
            });
            web.insert(Certificate {
                fingerprint: OpenPgpFingerprint::Version4(fingerprint(place)),
                primary_key: Vec::new(),
                own_digest: [0; 32],
                valid: always(),
                live: always(),
                revocation: Revocation::default(),
                user_ids: user_ids.collect(),
                links: Vec::new(),
                certifications,
                unknown_issuers: Vec::new(),
            });
        }
        web
    }

    fn synopses(&self) -> Vec<wot::CertSynopsis> {
        let created = super::system_time(Time::from_unix_seconds(1_600_000_000));
        let synopsis = |(place, user_ids): (usize, &Vec<(bool, bool)>)| {
            let user_ids = user_ids.iter().enumerate().map(|(which, (self_signed, revoked))| {
                let revocation = if *revoked {
                    wot::RevocationStatus::Hard
                } else {
                    wot::RevocationStatus::NotAsFarAsWeKnow
                };
                let user_id = UserID::from(user_id(place, which));
                wot::UserIDSynopsis::new(user_id, self_signed.then_some(created), revocation)
            });
            let fingerprint = Fingerprint::from_bytes(4, &fingerprint(place)).unwrap();
            wot::CertSynopsis::new(fingerprint, None, wot::RevocationStatus::NotAsFarAsWeKnow, user_ids)
        };
        self.certificates.iter().enumerate().map(synopsis).collect()
    }
}

impl RandomWeb {
    fn reliances(&self) -> Reliances {
        self.roots.iter().fold(Reliances::new(), |reliances, (root, amount)| {
            reliances.with_root(OpenPgpFingerprint::Version4(fingerprint(*root)), *amount)
        })
    }

    fn has_equal_certifications(&self) -> bool {
        let pairs: BTreeSet<_> = self.certifications.iter().map(|one| (one.issuer, one.target)).collect();
        pairs.len() < self.certifications.len()
    }

    fn with_one_certification_a_pair(mut self) -> Self {
        let mut pairs = BTreeSet::new();
        self.certifications.retain(|one| pairs.insert((one.issuer, one.target)));
        self
    }
}

impl RandomCertification {
    fn ours(&self) -> Certification {
        Certification {
            issuer: OpenPgpFingerprint::Version4(fingerprint(self.issuer)),
            user_id: self.user_id,
            amount: self.amount,
            depth: self.depth,
            regular_expressions: self.domain.map(expression).into_iter().collect(),
            created: NOW.plus_seconds(-self.age - 1),
            expires: None,
            revoked: None,
            digest: [0; 32],
        }
    }

    fn theirs(&self, synopses: &[wot::CertSynopsis]) -> wot::Certification {
        let user_id = UserID::from(user_id(self.target, self.user_id));
        let depth = match self.depth {
            Depth::Unlimited => wot::Depth::Unconstrained,
            Depth::Limited(depth) => wot::Depth::Limit(depth.into()),
        };
        let created = super::system_time(NOW.plus_seconds(-self.age - 1));
        let certification = wot::Certification::new(
            synopses[self.issuer].clone(),
            Some(user_id),
            synopses[self.target].clone(),
            created,
        );
        let expressions: Vec<Vec<u8>> = self.domain.map(expression).into_iter().collect();
        certification
            .set_amount(self.amount.into())
            .set_depth(depth)
            .set_regular_expressions(expressions.iter().map(Vec::as_slice))
    }
}

/// Asks for all bindings of a random web. sequoia-wot takes equally good certifications of one pair
/// in the order of a hash map, a new one each time, and that can change what is left for the paths
/// that follow: then our amount must be one of those that it gives.
fn same_amounts(web: &RandomWeb) -> Result<(), TestCaseError> {
    let theirs = Theirs::new(web);
    let network = theirs.network();
    let ours = web.ours();
    let our_network = ours.network(&web.reliances(), NOW);
    for (place, user_ids) in web.certificates.iter().enumerate() {
        for which in 0..user_ids.len() {
            let text = user_id(place, which);
            for wanted in [120, 240, 100_000] {
                let certificate = OpenPgpFingerprint::Version4(fingerprint(place));
                let found = our_network.authenticate(&text, &certificate, wanted);
                let amount = |network: &Network<'_>| {
                    network
                        .authenticate(UserID::from(text.as_str()), theirs_of(place), wanted as usize)
                        .amount()
                };
                let mut expected = BTreeSet::from([amount(&network)]);
                if web.has_equal_certifications() && !expected.contains(&(found.amount as usize)) {
                    expected.extend((0..ORDERS).map(|_| amount(&theirs.network())));
                }
                prop_assert!(
                    expected.contains(&(found.amount as usize)),
                    "{text} of {wanted}: {expected:?}, {found:?}"
                );
            }
        }
    }
    Ok(())
}

fn theirs_of(place: usize) -> Fingerprint {
    Fingerprint::from_bytes(4, &fingerprint(place)).unwrap()
}

/// How many orders of equal certifications are tried.
const ORDERS: usize = 64;

type Network<'a> = wot::Network<wot::store::SynopsisSlice<'a>>;

/// A random web for sequoia-wot.
struct Theirs {
    synopses: Vec<wot::CertSynopsis>,
    certifications: Vec<wot::Certification>,
    roots: wot::Roots,
}

impl Theirs {
    fn new(web: &RandomWeb) -> Self {
        let synopses = web.synopses();
        let certifications = web.certifications.iter().map(|one| one.theirs(&synopses)).collect();
        let roots =
            web.roots.iter().map(|(root, amount)| wot::Root::new(theirs_of(*root), usize::from(*amount)));
        Self { certifications, roots: wot::Roots::new(roots), synopses }
    }

    fn network(&self) -> Network<'_> {
        let now = super::system_time(NOW);
        wot::Network::from_synopses(&self.synopses, &self.certifications, now, self.roots.clone()).unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn with_depths_and_scopes_every_amount_is_that_of_sequoia_wot(web in random_web(true)) {
        same_amounts(&web)?;
    }

    #[test]
    fn without_them_every_amount_is_that_of_sequoia_wot(web in random_web(false)) {
        same_amounts(&web)?;
    }

    #[test]
    fn with_one_certification_a_pair_every_amount_is_that_of_sequoia_wot(web in random_web(true)) {
        same_amounts(&web.with_one_certification_a_pair())?;
    }
}
