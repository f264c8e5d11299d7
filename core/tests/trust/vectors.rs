//! Every case of `testdata/trust`, and the table of 1.5.

use counterseal_core::trust::points::Profile;
use counterseal_core::trust::{self, Conflict, Rules, SCENARIOS, Side};
use toml_edit::Item;

use super::case::{Case, NOW, cases, cost_text, key, number, points};

/// The profiles that a case is asked under, with the score that each must give.
fn scores(case: &Case) -> Vec<(Profile, u32)> {
    if let Some(score) = number(&case.table, "score") {
        let profile = case.table.get("profile").and_then(Item::as_str).unwrap_or("blended");
        return vec![(Profile::from_word(profile).unwrap(), points(score))];
    }
    let scores = case.table["scores"].as_inline_table().unwrap();
    scores
        .iter()
        .map(|(profile, score)| (Profile::from_word(profile).unwrap(), points(score.as_integer().unwrap())))
        .collect()
}

#[test]
fn every_case_has_its_score_its_level_and_its_cheapest_attack() {
    let mut wrong = Vec::new();
    for case in cases("score-") {
        for (profile, expected) in scores(&case) {
            let found = trust::evaluate(&case.claim(), &case.dossier(), &case.rules(profile), NOW);
            let mut cut: Vec<String> = found.attack.iter().map(cost_text).collect();
            cut.sort();
            if found.score != expected {
                wrong.push(format!("{} ({}): {} {cut:?}", case.name, profile.word(), found.score));
            }
            if let Some(expected) = case.table.get("cut").and_then(Item::as_array) {
                let mut expected: Vec<&str> = expected.iter().map(|word| word.as_str().unwrap()).collect();
                expected.sort_unstable();
                if cut != expected {
                    wrong.push(format!("{} ({}): {cut:?}", case.name, profile.word()));
                }
            }
            if let Some(level) = case.table.get("level").and_then(Item::as_str)
                && found.level.word() != level
            {
                wrong.push(format!("{} ({}): {:?}", case.name, profile.word(), found.level));
            }
            let cost: u32 = found.attack.iter().map(|cost| cost.points).sum();
            assert!(found.attack.is_empty() || cost == found.score, "{}: {cost}", case.name);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_meeting_of_keys_ends_as_the_table_says() {
    let mut wrong = Vec::new();
    for case in cases("conflict") {
        let found = trust::evaluate(&case.claim(), &case.dossier(), &case.rules(Profile::Blended), NOW);
        let conflict = match found.conflict {
            None => "none",
            Some(Conflict::Pin { is_renewal: true, .. }) => "pin-renewal",
            Some(Conflict::Pin { .. }) => "pin",
            Some(Conflict::Supported { .. }) => "supported",
            Some(Conflict::UnverifiedChange { .. }) => "unverified-change",
            Some(Conflict::SecondSuccession { .. }) => "second-succession",
        };
        let text = |name: &str| case.table[name].as_str().unwrap();
        if conflict != text("conflict") || found.level.word() != text("level") {
            wrong.push(format!("{}: {conflict} {} {}", case.name, found.level.word(), found.score));
        }
        let ended = case.table.get("ended_pin").and_then(Item::as_str).map(key);
        assert_eq!(found.ended_pin, ended, "{}", case.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_tables_of_attackers_and_honest_people_hold() {
    let mut wrong = Vec::new();
    let rows = cases("table-");
    assert_eq!(rows.len(), SCENARIOS.len(), "each row of the table has its expectation");
    for case in rows {
        let word = case.table["name"].as_str().unwrap();
        let scenario = SCENARIOS.iter().find(|scenario| scenario.word == word).unwrap();
        let side = if case.flag("attack") { Side::Attacker } else { Side::Honest };
        assert_eq!(scenario.side, side, "{word}");
        assert_eq!(scores(&case).len(), Profile::ALL.len(), "{word}");
        for (profile, expected) in scores(&case) {
            let outcome = scenario.outcome(&Rules::of(profile), 0);
            if outcome.score != expected || outcome.is_verified != (expected >= 120) {
                wrong.push(format!("{word} ({}): {}", profile.word(), outcome.score));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_row_of_the_table_loses_points_with_age() {
    let mut before = trust::compare(0);
    for years in 1..=10 {
        let rows = trust::compare(years);
        for (row, earlier) in rows.iter().zip(&before) {
            for ((profile, now), (_, then)) in row.outcomes.iter().zip(&earlier.outcomes) {
                assert!(now.score >= then.score, "{} {} after {years} years", row.word, profile.word());
            }
        }
        before = rows;
    }
}

#[test]
fn no_attack_through_mail_and_names_alone_verifies_however_old_it_is() {
    for years in 0..=10 {
        for row in trust::compare(years) {
            let alone = [
                "spoofed-from",
                "mailbox-for-an-hour",
                "mailbox-for-90-days",
                "dns-hijack",
                "mail-provider",
                "full-introducer",
                "operator-misissues",
            ];
            if alone.contains(&row.word) {
                let blended = row.outcomes.iter().find(|(profile, _)| *profile == Profile::Blended);
                assert!(!blended.unwrap().1.is_verified, "{} after {years} years", row.word);
            }
        }
    }
}

#[test]
fn the_page_about_trust_shows_what_attackers_reach() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/trust.md");
    let page = std::fs::read_to_string(page).unwrap();
    for scenario in SCENARIOS.iter().filter(|scenario| scenario.side == Side::Attacker) {
        let score = scenario.outcome(&Rules::of(Profile::Blended), 0).score;
        let row = format!("| `{}` | {score} |", scenario.word);
        assert!(page.contains(&row), "{row}");
    }
}
