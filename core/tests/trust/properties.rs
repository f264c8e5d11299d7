//! What the score does with any evidence.

use counterseal_core::trust::evidence::{Endorser, Evidence, Introducer, Kind};
use counterseal_core::trust::points::Profile;
use counterseal_core::trust::{self, Rules};
use proptest::collection::vec;
use proptest::prelude::*;

use super::case::NOW;
use super::generated::{any_evidence, asked, dossier};

fn rules(profile: Profile) -> Rules {
    let mut rules = Rules::of(profile);
    rules.sources.peers = true;
    rules.sources.keyserver = true;
    rules
}

fn score(evidence: &[Evidence], profile: Profile) -> u32 {
    trust::evaluate(&asked(), &dossier(evidence.to_vec()), &rules(profile), NOW).score
}

/// Two paths that share an introducer make a third, from the better half of each. Where an introducer
/// has the same amounts everywhere, it is not better than both.
fn with_one_amount(mut evidence: Evidence) -> Evidence {
    match &mut evidence.kind {
        Kind::Vouched(vouching) => {
            vouching.amount = 60;
            let last = vouching.introducers.pop().map(|last| Introducer { amount: 60, ..last });
            vouching.introducers = last.into_iter().collect();
        }
        Kind::Endorsed(endorsement) => {
            (endorsement.amount, endorsement.witnessed) = (60, None);
            if let Endorser::Contact { amount, .. } = &mut endorsement.endorser {
                *amount = 60;
            }
        }
        _ => {}
    }
    evidence
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn more_evidence_never_lowers_the_score(evidence in vec(any_evidence(), 0..14), more in any_evidence()) {
        for profile in Profile::ALL {
            let before = score(&evidence, profile);
            let mut with_more = evidence.clone();
            with_more.push(more.clone());
            prop_assert!(score(&with_more, profile) >= before, "{}", profile.word());
        }
    }

    #[test]
    fn the_order_of_evidence_does_not_matter(
        evidence in vec(any_evidence(), 0..14).prop_shuffle(),
        turn in 0..14_usize,
    ) {
        let mut other = evidence.clone();
        other.reverse();
        if !other.is_empty() {
            let turn = turn % other.len();
            other.rotate_left(turn);
        }
        let (one, other) = (dossier(evidence), dossier(other));
        let rules = rules(Profile::Blended);
        prop_assert_eq!(
            trust::evaluate(&asked(), &one, &rules, NOW),
            trust::evaluate(&asked(), &other, &rules, NOW)
        );
    }

    #[test]
    fn evidence_that_is_there_already_adds_nothing(evidence in vec(any_evidence(), 1..12), which in 0..12_usize) {
        let mut twice = evidence.clone();
        twice.push(evidence[which % evidence.len()].clone());
        for profile in Profile::ALL {
            prop_assert_eq!(score(&evidence, profile), score(&twice, profile));
        }
    }

    #[test]
    fn a_score_is_at_most_the_sum_of_its_sources(evidence in vec(any_evidence(), 0..14)) {
        let dossier = dossier(evidence.into_iter().map(with_one_amount).collect());
        let rules = rules(Profile::Either);
        let sources = trust::sources(&asked(), &dossier, &rules, NOW);
        let own = sources.iter().filter(|source| source.evidence.claim == asked());
        let sum: u32 = own.map(|source| source.points).sum();
        let score = trust::evaluate(&asked(), &dossier, &rules, NOW).score;
        prop_assert!(score <= sum, "{} > {}", score, sum);
        let best = sources.iter().filter(|source| source.evidence.claim == asked()).map(|source| source.points).max();
        prop_assert!(score >= best.unwrap_or(0));
    }

    #[test]
    fn the_cheapest_attack_costs_what_the_score_says(evidence in vec(any_evidence(), 0..14)) {
        for profile in Profile::ALL {
            let found = trust::evaluate(&asked(), &dossier(evidence.clone()), &rules(profile), NOW);
            prop_assert!(!found.is_lower_bound);
            let cost: u32 = found.attack.iter().map(|cost| cost.points).sum();
            prop_assert_eq!(cost, found.score);
        }
    }

    #[test]
    fn a_stricter_profile_never_gives_more(evidence in vec(any_evidence(), 0..14)) {
        let (either, blended, hardened) =
            (score(&evidence, Profile::Either), score(&evidence, Profile::Blended), score(&evidence, Profile::Hardened));
        prop_assert!(either >= blended && blended >= hardened, "{} {} {}", either, blended, hardened);
    }
}
