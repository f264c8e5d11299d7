//! What `cseal trust` answers.

use crate::people::Place;

fn json(ran: &crate::people::Ran) -> serde_json::Value {
    serde_json::from_slice(&ran.stdout).unwrap()
}

#[test]
fn a_forger_with_one_authority_is_not_verified_by_the_rules_in_force_and_is_by_lenient_ones() {
    let place = Place::new();
    let score = |arguments: &[&str]| {
        let table =
            json(&place.run("nobody", &[&["trust", "policy", "check", "--json"], arguments].concat()));
        let rows = table["rows"].as_array().unwrap().clone();
        let row = rows.into_iter().find(|row| row["scenario"] == "operator-misissues").unwrap();
        (row["score"].clone(), row["verified"].clone())
    };
    assert_eq!(score(&[]), (80.into(), false.into()));
    assert_eq!(score(&["--profile", "either"]), (120.into(), true.into()));
}

#[test]
fn all_profiles_stand_side_by_side() {
    let place = Place::new();
    let text = place.run("nobody", &["trust", "policy", "check", "--compare"]).exits(0).text();
    let row = text.lines().find(|line| line.starts_with("two full introducers lied to")).unwrap();
    let scores: Vec<&str> = row.split_whitespace().skip(5).collect();
    assert_eq!(scores, ["0", "240*", "0", "240*", "160*", "120*"]);
    let table = json(&place.run("nobody", &["trust", "policy", "check", "--compare", "--json"]).exits(0));
    assert_eq!(table["rows"][1]["profiles"]["ca-only"]["score"], 1080);
    assert!(!place.path("nobody").exists(), "a question about rules makes no store");
}
