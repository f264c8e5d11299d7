//! Evidence that is old, and was there to be noticed all the time, costs more to have forged.

use std::collections::BTreeSet;

use super::evidence::{Witness, Witnessed};
use super::points::{Capacities, DOUBLING_SECONDS, DOUBLINGS, UNLIMITED, WINDOW_DAYS};
use crate::time::{DAY, Time};

/// What evidence of `capacity` points has become worth at a moment.
///
/// A forger either acted then and stayed unnoticed since, which doubles in cost every two years and
/// at most twice; or forges it now and subverts every witness too. The cheaper of the two counts.
pub(super) fn aged(capacity: u32, witnessed: Option<&Witnessed>, at: Time, capacities: &Capacities) -> u32 {
    let Some(witnessed) = witnessed else { return capacity };
    let seconds = at.unix_seconds().saturating_sub(witnessed.since.unix_seconds());
    if seconds <= 0 || capacity == UNLIMITED {
        return capacity;
    }
    let unnoticed = doubled(capacity, seconds);
    let forged_now = capacity.saturating_add(witnesses(&witnessed.witnesses, capacities));
    unnoticed.min(forged_now)
}

/// `capacity * 2^(seconds / DOUBLING_SECONDS)`, rounded down, at most `2^DOUBLINGS` times as much.
///
/// Whole numbers only, so that every machine says the same: the fraction of the exponent is taken
/// bit by bit, each bit multiplying by the next root of two.
fn doubled(capacity: u32, seconds: i64) -> u32 {
    /// `2^(1/2)`, `2^(1/4)`, … with 32 binary digits after the point.
    const ROOTS: [u64; 16] = [
        6_074_000_999,
        5_107_605_667,
        4_683_695_047,
        4_485_121_743,
        4_389_014_833,
        4_341_736_423,
        4_318_288_543,
        4_306_612_133,
        4_300_785_773,
        4_297_875_550,
        4_296_421_177,
        4_295_694_174,
        4_295_330_720,
        4_295_149_004,
        4_295_058_149,
        4_295_012_722,
    ];
    let whole = u32::try_from(seconds / DOUBLING_SECONDS).unwrap_or(u32::MAX);
    if whole >= DOUBLINGS {
        return capacity.saturating_mul(1 << DOUBLINGS);
    }
    let mut rest = u64::try_from(seconds % DOUBLING_SECONDS).unwrap_or_default();
    let mut value = u64::from(capacity) << (32 + whole);
    for root in ROOTS {
        rest *= 2;
        if rest >= DOUBLING_SECONDS.unsigned_abs() {
            rest -= DOUBLING_SECONDS.unsigned_abs();
            value = u64::try_from((u128::from(value) * u128::from(root)) >> 32).unwrap_or(u64::MAX);
        }
    }
    u32::try_from(value >> 32).unwrap_or(UNLIMITED)
}

/// What all witnesses cost together; each counts once.
fn witnesses(witnesses: &[Witness], capacities: &Capacities) -> u32 {
    let different: BTreeSet<&Witness> = witnesses.iter().collect();
    different.into_iter().fold(0, |sum, witness| {
        sum.saturating_add(match witness {
            Witness::OwnHistory => UNLIMITED,
            Witness::Independent(_) => capacities.witness,
        })
    })
}

/// The windows of 30 days in which a forger bought witnessed mailbox evidence, by their first day.
///
/// Two calendars of such windows overlap by half, and both count: mail that was read for a fortnight
/// across the end of a window is one purchase, not two. Nothing for evidence of the last 30 days,
/// which is what can be bought now.
pub(super) fn windows(since: Time, at: Time) -> Option<[Time; 2]> {
    let window = WINDOW_DAYS * DAY;
    if at.unix_seconds().saturating_sub(since.unix_seconds()) < window {
        return None;
    }
    Some([0, window / 2].map(|offset| {
        let inside = since.unix_seconds().saturating_add(offset).rem_euclid(window);
        since.plus_seconds(-inside)
    }))
}

#[cfg(test)]
mod tests {
    use super::super::points::Profile;
    use super::*;

    const NOW: Time = Time::from_unix_seconds(1_795_262_400);
    const YEAR: i64 = 31_557_600;

    fn after(years: i64, capacity: u32, witnesses: &[Witness]) -> u32 {
        let witnessed = Witnessed { since: NOW.plus_seconds(-years * YEAR), witnesses: witnesses.to_vec() };
        aged(capacity, Some(&witnessed), NOW, &Capacities::of(Profile::Either))
    }

    fn log(name: &str) -> Witness {
        Witness::Independent(name.to_owned())
    }

    #[test]
    fn the_table_of_the_design_holds() {
        let one = [log("one")];
        let years: Vec<u32> = [0, 1, 2, 3, 4, 6, 10].map(|years| after(years, 40, &one)).to_vec();
        assert_eq!(years, [40, 56, 80, 100, 100, 100, 100]);
        let two = [log("one"), log("two")];
        assert_eq!([2, 4, 6].map(|years| after(years, 40, &two)), [80, 160, 160]);
        let own = [Witness::OwnHistory];
        assert_eq!([1, 2, 4, 8].map(|years| after(years, 40, &own)), [56, 80, 160, 160]);
    }

    #[test]
    fn nobody_else_than_a_witness_makes_evidence_older() {
        assert_eq!(after(4, 40, &[]), 40);
        assert_eq!(after(4, 40, &[log("one"), log("one")]), 100);
        assert_eq!(aged(40, None, NOW, &Capacities::of(Profile::Either)), 40);
    }

    #[test]
    fn evidence_from_the_future_is_not_old() {
        assert_eq!(after(-5, 40, &[log("one")]), 40);
    }

    #[test]
    fn age_never_makes_evidence_weaker() {
        let mut before = 0;
        for day in 0..4000 {
            let value = doubled(40, day * DAY);
            assert!(value >= before && value <= 160, "{day}: {value}");
            before = value;
        }
    }

    #[test]
    fn a_fortnight_across_the_end_of_a_window_is_one_purchase() {
        for day in 0..90 {
            let first = Time::from_unix_seconds(day * DAY);
            let shared = |later: i64| {
                let [a, b] = windows(first, NOW).unwrap_or([NOW; 2]);
                let [c, d] = windows(first.plus_days(later), NOW).unwrap_or([NOW; 2]);
                a == c || b == d
            };
            assert!((0..15).all(shared), "day {day}");
            assert!(!shared(30) && !shared(45), "day {day}");
        }
    }

    #[test]
    fn what_was_witnessed_lately_can_be_bought_now() {
        assert_eq!(windows(NOW.plus_days(-29), NOW), None);
        assert!(windows(NOW.plus_days(-30), NOW).is_some());
    }
}
