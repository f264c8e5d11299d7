//! Accounts that live through everything at random: lost, repeated, reordered and bent objects, places that show each
//! device something else, clocks that are wrong, power that fails at any commit, disks that are full, and a stolen admin
//! that writes as if it had not heard of its revocation. The code is the real one; only cryptography, disk and places
//! are ours. A schedule follows from its seed.

mod account;
mod checks;
mod craft;
mod dice;
mod places;
mod store;
mod thief;
mod trace;

use std::collections::BTreeMap;
use std::time::Instant;

use account::Account;
pub(super) use places::{Boxes, FakeWays, fair_ways};
pub(super) use store::FakeStore;

use crate::log::Rules;

/// What a schedule runs with.
#[derive(Clone, Copy, Debug)]
struct Settings {
    /// Devices at most.
    devices: usize,
    /// Things that happen.
    steps: usize,
    /// Whether a commit is durable when it returns, as the store promises.
    durable: bool,
    /// Whether a thief is at work.
    thief: bool,
}

const SETTINGS: Settings = Settings { devices: 7, steps: 60, durable: true, thief: true };

/// What a schedule came to, in numbers.
#[derive(Clone, Debug, Default)]
struct Outcome {
    violations: Vec<String>,
    events: BTreeMap<&'static str, usize>,
}

fn run(seed: u64, settings: Settings) -> Outcome {
    let mut account = Account::new(seed, settings);
    for _ in 0..settings.steps {
        account.step();
    }
    account.end();
    checks::check(&mut account);
    Outcome { violations: account.violations, events: account.events }
}

/// Runs schedules; gives those that went wrong, and what happened in all.
fn run_many(
    seeds: std::ops::Range<u64>,
    settings: Settings,
) -> (Vec<(u64, Vec<String>)>, BTreeMap<&'static str, usize>) {
    let (mut wrong, mut events) = (Vec::new(), BTreeMap::new());
    for seed in seeds {
        let outcome = run(seed, settings);
        for (event, count) in outcome.events {
            *events.entry(event).or_default() += count;
        }
        if !outcome.violations.is_empty() {
            wrong.push((seed, outcome.violations));
        }
    }
    (wrong, events)
}

/// How many schedules run: `COUNTERSEAL_SCHEDULES`, or as many.
fn schedules(default: u64) -> u64 {
    std::env::var("COUNTERSEAL_SCHEDULES").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The first seed: `COUNTERSEAL_FIRST_SEED`.
fn first_seed() -> u64 {
    std::env::var("COUNTERSEAL_FIRST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_default()
}

#[test]
fn all_invariants_hold_in_every_schedule() {
    let (begin, first, count) = (Instant::now(), first_seed(), schedules(1_000));
    let (wrong, events) = run_many(first..first + count, SETTINGS);
    eprintln!(
        "{count} schedules from seed {first} in {:.0?}: {} went wrong {:?}; {events:?}",
        begin.elapsed(),
        wrong.len(),
        wrong.iter().map(|(seed, _)| seed).collect::<Vec<_>>()
    );
    assert!(wrong.is_empty(), "{:?}", &wrong[..wrong.len().min(5)]);
    for event in [
        "added",
        "rolled over",
        "revoked",
        "crashed",
        "disk full",
        "forged",
        "recovered",
        "bent",
        "withheld",
        "only holder",
    ] {
        assert!(
            events.get(event).copied().unwrap_or_default() > 0 || count < 300,
            "no schedule had: {event}"
        );
    }
}

/// Runs schedules without something until one goes wrong in the expected way.
fn goes_wrong_without(what: &str, expected: &[&str], settings: Settings, take_away: fn(&mut Rules)) {
    let found = (0..schedules(1_000).max(1_000)).find_map(|seed| {
        let outcome = Rules::without(take_away, || run(seed, settings));
        let is_expected = |violation: &String| expected.iter().any(|word| violation.contains(word));
        outcome
            .violations
            .iter()
            .find(|violation| is_expected(violation))
            .map(|violation| (seed, violation.clone()))
    });
    match found {
        Some((seed, violation)) => eprintln!("without {what}: seed {seed}: {violation}"),
        None => panic!("nothing noticed that {what} was missing"),
    }
}

#[test]
fn without_authority_anybody_adds_devices() {
    goes_wrong_without("rule 1, authority", &["I8"], SETTINGS, |rules| rules.authority = false);
}

#[test]
fn without_transitivity_friends_of_a_forged_admin_stay() {
    goes_wrong_without("rule 1, transitive", &["I8"], SETTINGS, |rules| rules.transitive = false);
}

#[test]
fn without_strong_remove_backdated_entries_count() {
    goes_wrong_without("rule 2, strong remove", &["I8"], SETTINGS, |rules| rules.strong_remove = false);
}

#[test]
fn without_standing_revocations_a_thief_undoes_its_own() {
    goes_wrong_without("rule 2, revocations stand", &["I9"], SETTINGS, |rules| {
        rules.revocations_stand = false
    });
}

#[test]
fn without_sticky_retirement_a_stolen_key_comes_back() {
    goes_wrong_without("rule 3, sticky", &["I6"], SETTINGS, |rules| rules.sticky_retirement = false);
}

#[test]
fn without_exposure_a_key_that_was_sealed_for_the_thief_is_advertised() {
    goes_wrong_without("rule 3, exposure", &["I6"], SETTINGS, |rules| rules.exposure = false);
}

#[test]
fn without_the_cut_the_root_cannot_put_things_right() {
    goes_wrong_without("rule 4", &["I10"], SETTINGS, |rules| rules.root_cut = false);
}

#[test]
fn without_the_union_a_key_made_at_the_same_time_is_lost() {
    goes_wrong_without("rule 5", &["I2"], SETTINGS, |rules| rules.import_all = false);
}

#[test]
fn without_the_look_before_a_revocation_keys_are_lost() {
    goes_wrong_without("rule 6", &["I11"], SETTINGS, |rules| rules.look_first = false);
}

#[test]
fn without_repair_a_device_misses_keys() {
    goes_wrong_without("repair", &["I2"], SETTINGS, |rules| rules.repair = false);
}

#[test]
fn without_durable_commits_a_key_is_announced_that_nobody_holds() {
    goes_wrong_without("durable commits", &["I4"], Settings { durable: false, ..SETTINGS }, |_| {});
}
