//! What the score promises, held against an independent reading of the evidence.

use std::collections::BTreeMap;

use counterseal_core::trust::evidence::{
    Anchor, Chain, Comparison, Endorsement, Endorser, Evidence, IntroducerName, Kind, Operator, Validation,
};
use counterseal_core::trust::points::{Capacities, Profile};
use counterseal_core::trust::{self, Claim, Rules};
use proptest::collection::vec;
use proptest::prelude::*;

use super::case::{NOW, claim};
use super::generated::{any_evidence, asked, dossier, outside_evidence};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    /// No single outside authority verifies a key.
    #[test]
    fn two_seals(evidence in vec(outside_evidence(), 0..20)) {
        for profile in [Profile::Blended, Profile::Hardened] {
            let mut rules = Rules::of(profile);
            rules.sources.peers = true;
            rules.sources.keyserver = true;
            let found = trust::evaluate(&asked(), &dossier(evidence.clone()), &rules, NOW);
            prop_assert!(found.score < 120 || found.attack.len() >= 2, "{:?}", found.attack);
        }
    }

    /// However old it is, what rests on mail and names alone is worth no more than whoever runs the mail.
    #[test]
    fn mail_and_names_alone_never_verify(evidence in vec(outside_evidence(), 0..20)) {
        let evidence: Vec<Evidence> = evidence.into_iter().filter(rests_on_mail).collect();
        for profile in [Profile::Blended, Profile::Hardened, Profile::Either] {
            let mut rules = Rules::of(profile);
            rules.sources.keyserver = true;
            let found = trust::evaluate(&asked(), &dossier(evidence.clone()), &rules, NOW);
            prop_assert!(found.score <= 100, "{}: {:?}", found.score, found.attack);
        }
    }

    /// The soundness of the score: whoever spends less than the score breaks nothing, and there is a way
    /// to break everything for exactly the score.
    #[test]
    fn the_score_is_the_price_of_the_cheapest_attack(evidence in vec(any_evidence(), 0..10)) {
        let evidence: Vec<Evidence> = evidence.into_iter().filter(is_plain).collect();
        let rules = Rules::of(Profile::Blended);
        let world = World::of(&evidence, &rules.capacities);
        prop_assume!(world.prices.len() <= 14);
        let found = trust::evaluate(&asked(), &dossier(evidence), &rules, NOW);
        prop_assert_eq!(found.score, world.cheapest_attack());
    }
}

/// Carol is relied on with more for Bob's key than for Alice's: what comes in by the wider way does not go on by the other.
#[test]
fn an_introducer_is_worth_for_a_key_what_it_is_relied_on_with_for_that_key() {
    let (carol, bob) = (claim("carol of carol@example.net"), claim("bob of bob@example.org"));
    let endorsed = |of: &Claim, trust: u32, amount: u32| {
        let endorser = Endorser::Contact { signer: carol.clone(), amount: trust };
        Evidence::new(of.clone(), Kind::Endorsed(Endorsement { endorser, amount, witnessed: None }))
    };
    let evidence = vec![
        Evidence::new(carol.clone(), Kind::Pinned(Comparison::InPerson)),
        endorsed(&bob, 35, 1),
        Evidence::new(asked(), Kind::Gossip { by: bob.clone() }),
        endorsed(&asked(), 1, 2),
    ];
    assert_eq!(trust::evaluate(&asked(), &dossier(evidence), &Rules::of(Profile::Blended), NOW).score, 2);
}

/// Kinds that whoever runs the mail of a domain can make up.
fn rests_on_mail(evidence: &Evidence) -> bool {
    match &evidence.kind {
        Kind::Chain(chain) => chain.validation == Validation::Mailbox,
        Kind::History(_) | Kind::DnsRecord { .. } | Kind::WebDirectory | Kind::Keyserver { .. } => true,
        _ => false,
    }
}

/// Kinds that the independent reading below knows.
fn is_plain(evidence: &Evidence) -> bool {
    match &evidence.kind {
        Kind::Chain(chain) => chain.witnessed.is_none(),
        Kind::Endorsed(endorsement) => {
            matches!(endorsement.endorser, Endorser::Contact { .. }) && endorsement.witnessed.is_none()
        }
        Kind::Vouched(vouching) => vouching.introducers.len() == 1,
        Kind::Succeeds(_) | Kind::Keyserver { .. } => false,
        _ => true,
    }
}

/// One argument for a claim: it holds if everything in it is honest and its base holds.
struct Argument {
    claim: Claim,
    domains: u32,
    base: Option<Claim>,
}

/// The evidence as arguments, without any graph.
#[derive(Default)]
struct World {
    arguments: Vec<Argument>,
    names: BTreeMap<String, usize>,
    prices: Vec<u32>,
}

impl World {
    fn of(evidence: &[Evidence], capacities: &Capacities) -> Self {
        let mut world = Self::default();
        for item in evidence {
            world.add(item, capacities);
        }
        world
    }

    /// The bit of something to subvert; what is named twice has one price, the higher.
    fn bit(&mut self, name: String, price: u32) -> u32 {
        let next = self.prices.len();
        let position = *self.names.entry(name).or_insert(next);
        if position == next {
            self.prices.push(price);
        }
        let known = &mut self.prices[position];
        *known = (*known).max(price);
        1 << position
    }

    fn argue(&mut self, claim: &Claim, base: Option<Claim>, domains: &[(String, u32)]) {
        let domains = domains.iter().fold(0, |bits, (name, price)| bits | self.bit(name.clone(), *price));
        self.arguments.push(Argument { claim: claim.clone(), domains, base });
    }

    fn add(&mut self, evidence: &Evidence, capacities: &Capacities) {
        let claim = &evidence.claim;
        let domain = claim.address().domain();
        let provider = (format!("provider {domain}"), capacities.provider);
        let with_provider = |name: String, price: u32| vec![(name, price), provider.clone()];
        match &evidence.kind {
            Kind::Pinned(how) => {
                let price = if *how == Comparison::InPerson { 120 } else { 90 };
                self.argue(claim, None, &[(format!("pin {how:?} {claim:?}"), price)]);
            }
            Kind::CertifiedByUser { .. } => {
                self.argue(claim, None, &[(format!("own certification {claim:?}"), 120)]);
            }
            Kind::Chain(Chain { anchor: Anchor::Own { .. }, .. }) => {
                self.argue(claim, None, &[("own authority".to_owned(), 120)]);
            }
            Kind::Chain(Chain { anchor: Anchor::Public { operator, .. }, validation, .. }) => {
                self.chain(claim, operator, *validation, capacities);
            }
            Kind::History(history) => {
                let price = history.points(NOW);
                self.argue(claim, None, &with_provider(format!("history {claim:?}"), price));
            }
            Kind::DnsRecord { secure } => {
                let price = if *secure { capacities.dnssec } else { capacities.dns };
                self.argue(claim, None, &with_provider(format!("dns {secure} {domain}"), price));
            }
            Kind::WebDirectory => {
                self.argue(claim, None, &with_provider(format!("web {domain}"), capacities.web_pki));
            }
            Kind::Gossip { by } => {
                let all = (format!("all gossip {claim:?}"), capacities.all_gossip);
                let one = (format!("gossip {by:?} {claim:?}"), capacities.gossip);
                self.argue(claim, Some(by.clone()), &[one, all]);
            }
            Kind::IssuedBy { authority } => {
                let base = claim.with_key(*authority);
                let issued = (format!("issued {base:?}"), capacities.issued);
                self.argue(claim, Some(base), &[issued]);
            }
            Kind::NamedBy { signing_key } => {
                let base = claim.with_key(*signing_key);
                let named = (format!("named {base:?} {claim:?}"), capacities.named);
                self.argue(claim, Some(base), &[named]);
            }
            Kind::Vouched(vouching) => {
                let introducer = vouching.introducers[0].clone();
                self.introduced(claim, None, introducer.name, introducer.amount, vouching.amount);
            }
            Kind::Endorsed(Endorsement {
                endorser: Endorser::Contact { signer, amount },
                amount: stated,
                ..
            }) => {
                let name = IntroducerName::Key(*signer.key());
                self.introduced(claim, Some(signer.clone()), name, *amount, *stated);
            }
            other => panic!("{other:?} was filtered out"),
        }
    }

    fn introduced(
        &mut self,
        claim: &Claim,
        base: Option<Claim>,
        name: IntroducerName,
        trust: u32,
        amount: u32,
    ) {
        let reliance = (format!("reliance {name:?} {trust}"), trust);
        let introducer = (format!("introducer {name:?}"), trust.min(80));
        let certification = (format!("certification {name:?} {claim:?}"), amount);
        self.argue(claim, base, &[reliance, introducer, certification]);
    }

    fn chain(&mut self, claim: &Claim, operator: &Operator, validation: Validation, capacities: &Capacities) {
        let domain = claim.address().domain();
        let provider = (format!("provider {domain}"), capacities.provider);
        let mailbox = (format!("mailbox {}", claim.address()), capacities.mailbox);
        let authority = (format!("operator {operator:?}"), capacities.operator);
        let proof = (format!("{validation:?} {operator:?}"), 60);
        match validation {
            Validation::Mailbox => self.argue(claim, None, &[authority, mailbox, provider]),
            Validation::Individual => {
                self.argue(claim, None, &[authority.clone(), mailbox, provider]);
                self.argue(claim, None, &[authority, proof]);
            }
            Validation::Organisation => {
                self.argue(claim, None, &[authority.clone(), provider]);
                self.argue(claim, None, &[authority, proof]);
            }
        }
    }

    /// Whether the claim that is asked about still stands when these things are subverted.
    fn stands(&self, subverted: u32) -> bool {
        let mut standing: Vec<&Claim> = Vec::new();
        loop {
            let before = standing.len();
            for argument in &self.arguments {
                let is_honest = argument.domains & subverted == 0;
                let has_base = argument.base.as_ref().is_none_or(|base| standing.contains(&base));
                if is_honest && has_base && !standing.contains(&&argument.claim) {
                    standing.push(&argument.claim);
                }
            }
            if standing.len() == before {
                return standing.contains(&&asked());
            }
        }
    }

    /// By trying all of them.
    fn cheapest_attack(&self) -> u32 {
        (0..1_u32 << self.prices.len())
            .filter(|subverted| !self.stands(*subverted))
            .map(|subverted| {
                let prices = self.prices.iter().enumerate();
                prices.filter(|(bit, _)| subverted >> bit & 1 == 1).map(|(_, price)| price).sum()
            })
            .min()
            .unwrap_or(u32::MAX)
    }
}
