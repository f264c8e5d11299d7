//! The tables of sending, cell by cell.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;

use counterseal_core::address::EmailAddress;
use counterseal_core::policy::{
    Encrypt, KeyState, Mixed, Named, Policy, PolicyFile, SendRefusal, Sending, Situation, WholeMail,
    whole_mail,
};
use counterseal_core::time::Time;
use counterseal_core::trust::Level;
use toml_edit::{Document, Item, Table};

fn cases(file: &str) -> Vec<Table> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/policy").join(file);
    let document = Document::parse(fs::read_to_string(path).unwrap()).unwrap();
    document["case"].as_array_of_tables().unwrap().iter().cloned().collect()
}

fn text<'t>(table: &'t Table, name: &str) -> &'t str {
    table[name].as_str().unwrap()
}

fn flag(table: &Table, name: &str) -> bool {
    table.get(name).and_then(Item::as_bool).unwrap_or(false)
}

fn key(word: &str) -> KeyState {
    match word.split_once(' ') {
        Some(("expired", days)) => KeyState::Expired { days: days.parse().unwrap() },
        Some(_) => panic!("{word}"),
        None => match word {
            "missing" => KeyState::Missing,
            "conflict" => KeyState::Conflict,
            "revoked" => KeyState::Revoked,
            level => KeyState::Usable(Level::ALL.into_iter().find(|known| known.word() == level).unwrap()),
        },
    }
}

fn sending_word(sending: Sending) -> &'static str {
    match sending {
        Sending::Encrypt => "encrypt",
        Sending::EncryptToExpired { .. } => "encrypt-expired",
        Sending::Plain => "plain",
        Sending::Refuse(refusal) => refusal.word(),
    }
}

#[test]
fn every_cell_of_the_sending_table_holds() {
    let mut wrong = Vec::new();
    let mut cells = 0;
    for case in cases("send.toml") {
        for (column, expected) in case["cells"].as_inline_table().unwrap() {
            let (encrypt, accept, named) = match column {
                "opportunistic" if flag(&case, "flagged") => {
                    (Encrypt::Never, Level::Opportunistic, Named::No)
                }
                "opportunistic" => (Encrypt::IfPossible, Level::Opportunistic, Named::No),
                "require" => (Encrypt::Require, Level::Opportunistic, Named::No),
                "verified" => (Encrypt::Require, Level::Verified, Named::No),
                "named" => (Encrypt::Require, Level::Opportunistic, Named::Matches),
                "differs" => (Encrypt::Require, Level::Opportunistic, Named::Differs),
                other => panic!("{other}"),
            };
            let situation = Situation {
                key: key(text(&case, "key")),
                encrypt,
                accept,
                named,
                was_encrypted: flag(&case, "was_encrypted"),
                quotes_encrypted: flag(&case, "quotes_encrypted"),
                stale: flag(&case, "stale"),
            };
            let found = sending_word(situation.sending());
            if Some(found) != expected.as_str() {
                wrong.push(format!("{}, {column}: {found}", text(&case, "name")));
            }
            cells += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(cells, 75);
}

fn recipient(words: &str) -> (Sending, Encrypt, bool) {
    let sending = match words.split(' ').next().unwrap() {
        "encrypt" => Sending::Encrypt,
        "plain" => Sending::Plain,
        "no-key" => Sending::Refuse(SendRefusal::NoKey),
        other => panic!("{other}"),
    };
    let encrypt = if words.contains("required") { Encrypt::Require } else { Encrypt::IfPossible };
    (sending, encrypt, words.contains("before"))
}

#[test]
fn a_mail_is_as_good_as_its_worst_recipient() {
    for case in cases("mixed.toml") {
        let recipients = case["recipients"].as_array().unwrap();
        let recipients: Vec<_> = recipients.iter().map(|words| recipient(words.as_str().unwrap())).collect();
        for (word, expected) in case["expected"].as_inline_table().unwrap() {
            let found = match whole_mail(&recipients, Mixed::from_word(word).unwrap()) {
                WholeMail::Encrypt => "encrypt",
                WholeMail::Plain => "plain",
                WholeMail::Split => "split",
                WholeMail::Hold => "hold",
                WholeMail::Refuse(refusal) => refusal.word(),
            };
            assert_eq!(Some(found), expected.as_str(), "{} {word}", text(&case, "name"));
        }
    }
}

#[test]
fn the_page_about_policies_shows_what_is_built_in() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/formats/policy.md");
    let page = fs::read_to_string(page).unwrap();
    let example = page.split("```toml").nth(1).unwrap().split("```").next().unwrap();
    let shown = Policy::in_force(&[PolicyFile::parse(example).unwrap()]);
    let built_in = Policy::default();
    assert_eq!(shown.rules.capacities, built_in.rules.capacities);
    assert_eq!(shown.rules.thresholds, built_in.rules.thresholds);
    assert_eq!(shown.rules.sources, built_in.rules.sources);
    assert_eq!(
        (shown.sticky, shown.stale, shown.revocation, shown.network, shown.read_positive),
        (built_in.sticky, built_in.stale, built_in.revocation, built_in.network, built_in.read_positive)
    );
    assert_eq!(
        (shown.max_age_days, shown.grace_offline_days),
        (built_in.max_age_days, built_in.grace_offline_days)
    );
    let alice = EmailAddress::parse("alice@example.org").unwrap();
    let now = Time::from_unix_seconds(1_795_262_400);
    assert_eq!(shown.for_address(&alice, now), built_in.for_address(&alice, now));
}
