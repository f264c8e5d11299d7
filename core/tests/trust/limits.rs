//! Evidence that is made to be slow.

use std::time::{Duration, Instant};

use counterseal_core::fingerprint::{Fingerprint, OpenPgpFingerprint};
use counterseal_core::trust::evidence::{
    Binding, Comparison, Correspondence, Dossier, Evidence, Introducer, IntroducerName, Kind, Succession,
    Vouching,
};
use counterseal_core::trust::points::{Profile, SATURATED};
use counterseal_core::trust::{self, Claim, Rules};

use super::case::{NOW, claim};

fn number_key(number: usize) -> Fingerprint {
    Fingerprint::of_public_key(&number.to_be_bytes())
}

fn introducer(number: usize) -> Introducer {
    let name = IntroducerName::OpenPgp(OpenPgpFingerprint::Version6(*number_key(number).sha256()));
    Introducer { name, amount: 120, is_user: false }
}

fn vouching(introducers: Vec<Introducer>) -> Kind {
    Kind::Vouched(Vouching { introducers, amount: 120, binding: Binding::Twin, carried: None })
}

/// The answer, which must come in a second where our code is optimised.
fn timed(claim: &Claim, evidence: Vec<Evidence>) -> trust::Evaluation {
    let dossier = Dossier { evidence, ..Dossier::default() };
    let rules = Rules::of(Profile::Blended);
    let start = Instant::now();
    let found = trust::evaluate(claim, &dossier, &rules, NOW);
    let sources = trust::sources(claim, &dossier, &rules, NOW);
    let picture = trust::picture(claim, &dossier, &rules, NOW);
    let limit = if cfg!(debug_assertions) { 20 } else { 10 };
    assert!(start.elapsed() < Duration::from_secs(limit), "{:?}", start.elapsed());
    assert!(sources.len() <= counterseal_core::limits::EXPLAINED_SOURCES);
    assert!(picture.nodes.len() <= counterseal_core::limits::DRAWN_NODES);
    found
}

#[test]
fn ten_thousand_certifications_of_one_key_are_answered() {
    let asked = claim("key");
    let evidence = (0..10_000).map(|number| Evidence::new(asked.clone(), vouching(vec![introducer(number)])));
    assert_eq!(timed(&asked, evidence.collect()).score, SATURATED);
}

#[test]
fn ten_thousand_paths_through_circles_of_introducers_are_answered() {
    let asked = claim("key");
    let evidence = (0..10_000_usize).map(|number| {
        let path = [number % 97, number % 89, number % 83, number % 79, number % 7];
        Evidence::new(asked.clone(), vouching(path.map(introducer).to_vec()))
    });
    // All paths end at one of seven.
    assert_eq!(timed(&asked, evidence.collect()).score, 560);
}

#[test]
fn ten_thousand_successions_in_circles_are_answered() {
    let asked = claim("key");
    let keys: Vec<Claim> = (0..50).map(|number| asked.with_key(number_key(number))).collect();
    let mut evidence: Vec<Evidence> = (0..10_000_usize)
        .map(|number| {
            let (new, old) = (&keys[number % 50], &keys[(number * 7 + 3) % 50]);
            let issued = NOW.plus_seconds(-(number as i64));
            Evidence::new(
                new.clone(),
                Kind::Succeeds(Succession { old: *old.key(), issued, old_ended: None }),
            )
        })
        .collect();
    evidence.push(Evidence::new(keys[0].clone(), Kind::Pinned(Comparison::InPerson)));
    let found = timed(&keys[1], evidence);
    assert!(found.score <= 120);
}

#[test]
fn ten_thousand_keys_of_one_address_are_answered() {
    let asked = claim("key");
    let history = |days: i64| {
        Kind::History(Correspondence {
            first_seen: NOW.plus_days(-days),
            messages: 1,
            two_way: false,
            taken_by_hand: false,
        })
    };
    let mut evidence: Vec<Evidence> =
        (0..10_000).map(|number| Evidence::new(asked.with_key(number_key(number)), history(1))).collect();
    evidence.push(Evidence::new(asked.clone(), history(2)));
    let found = timed(&asked, evidence);
    assert_eq!(found.score, 10);
    assert_eq!(found.rivals.len(), counterseal_core::limits::RIVALS);
}
