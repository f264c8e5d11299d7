//! What rules are worth against attackers, as a table and as JSON.

use std::collections::BTreeMap;

use counterseal_core::address::EmailAddress;
use counterseal_core::policy::{Encrypt, Mixed, SendRow, SendRule, Sign};
use counterseal_core::trust::points::TABLE_VERSION;
use counterseal_core::trust::{ComparisonRow, Level, Outcome, Profile, Rules, SCENARIOS, Scenario, Side};
use serde::Serialize;

use crate::failure::Failure;
use crate::render::json::line;
use crate::terminal::{self, SafeText};

/// One profile: what each attacker and each honest person reaches.
#[derive(Serialize)]
struct Capabilities {
    version: u32,
    profile: &'static str,
    table_version: u32,
    years: u32,
    verified: u32,
    rows: Vec<CapabilityRow>,
}

#[derive(Serialize)]
struct CapabilityRow {
    side: &'static str,
    scenario: &'static str,
    #[serde(flatten)]
    outcome: OutcomeObject,
}

#[derive(Serialize)]
struct OutcomeObject {
    score: u32,
    verified: bool,
}

/// All profiles.
#[derive(Serialize)]
struct Comparison {
    version: u32,
    table_version: u32,
    years: u32,
    rows: Vec<ComparedRow>,
}

#[derive(Serialize)]
struct ComparedRow {
    side: &'static str,
    scenario: &'static str,
    profiles: BTreeMap<&'static str, OutcomeObject>,
}

/// What holds for mail to an address.
#[derive(Serialize)]
struct RuleObject {
    version: u32,
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    encrypt: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accept: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sign: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mixed: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stale: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<bool>,
}

/// What holds for mail to an address.
pub(crate) fn rule(address: &EmailAddress, rule: SendRule, stale: bool, json: bool) -> Result<(), Failure> {
    if json {
        let object = RuleObject {
            version: 1,
            address: address.to_string(),
            encrypt: Some(rule.encrypt.word()),
            accept: Some(rule.accept.word()),
            sign: Some(rule.sign.word()),
            mixed: Some(rule.mixed.word()),
            stale: Some(stale),
            removed: None,
        };
        return print(&format!("{}\n", line(&object)));
    }
    let encrypt = match rule.encrypt {
        Encrypt::Require => "always, or it is not sent",
        Encrypt::IfPossible => "where there is a key; `cseal encrypt` always",
        Encrypt::Never => "not by programs that send mail; by `cseal encrypt` always",
    };
    let mixed = match rule.mixed {
        Mixed::Refuse => "it is not sent",
        Mixed::Hold => "it waits for their keys",
        Mixed::Split => "they get it plaintext",
    };
    let sign = if rule.sign == Sign::Yes { "yes" } else { "no" };
    let stale = if stale { "for 30 days after its end" } else { "no" };
    let text = format!(
        "Mail to {}\n  encrypted          {encrypt}\n  with a key         {} or better\n  \
         with an ended one  {stale}\n  signed             {sign}\n  others without key {mixed}\n",
        SafeText(&address.to_string()),
        rule.accept.word()
    );
    print(&text)
}

/// What was kept for a contact, or forgotten.
pub(crate) fn kept(row: &SendRow, removed: bool, json: bool) -> Result<(), Failure> {
    if json {
        let object = RuleObject {
            version: 1,
            address: row.address.to_string(),
            encrypt: row.encrypt.map(Encrypt::word),
            accept: row.accept.map(Level::word),
            sign: row.sign.map(Sign::word),
            mixed: row.mixed.map(Mixed::word),
            stale: None,
            removed: Some(removed),
        };
        return print(&format!("{}\n", line(&object)));
    }
    let what = if removed { "forgotten" } else { "kept" };
    print(&format!("{what}: what holds for mail to {}\n", SafeText(&row.address.to_string())))
}

/// What everybody reaches by these rules.
pub(crate) fn capabilities(rules: &Rules, years: u32, json: bool) -> Result<(), Failure> {
    let rows: Vec<_> = SCENARIOS.iter().map(|row| (row, row.outcome(rules, years))).collect();
    let profile = rules.capacities.profile.word();
    if json {
        let row = |(row, outcome): (&Scenario, Outcome)| CapabilityRow {
            side: side(row.side),
            scenario: row.word,
            outcome: object(outcome),
        };
        return print(&format!(
            "{}\n",
            line(&Capabilities {
                version: 1,
                profile,
                table_version: TABLE_VERSION,
                years,
                verified: rules.thresholds.verified,
                rows: rows.into_iter().map(row).collect(),
            })
        ));
    }
    let mut table = Table::new(vec![profile.to_owned()]);
    for (row, outcome) in rows {
        table.row(row.side, row.word, &[outcome]);
    }
    print(&table.finished(years))
}

/// What everybody reaches by the rules of each profile.
pub(crate) fn comparison(rows: &[ComparisonRow], years: u32, json: bool) -> Result<(), Failure> {
    if json {
        let row = |row: &ComparisonRow| ComparedRow {
            side: side(row.side),
            scenario: row.word,
            profiles: row
                .outcomes
                .iter()
                .map(|(profile, outcome)| (profile.word(), object(*outcome)))
                .collect(),
        };
        let rows = rows.iter().map(row).collect();
        return print(&format!(
            "{}\n",
            line(&Comparison { version: 1, table_version: TABLE_VERSION, years, rows })
        ));
    }
    let mut table = Table::new(Profile::ALL.map(|profile| profile.word().to_owned()).to_vec());
    for row in rows {
        let outcomes: Vec<Outcome> = row.outcomes.iter().map(|(_, outcome)| *outcome).collect();
        table.row(row.side, row.word, &outcomes);
    }
    print(&table.finished(years))
}

const fn side(side: Side) -> &'static str {
    match side {
        Side::Attacker => "attacker",
        Side::Honest => "honest",
    }
}

const fn object(outcome: Outcome) -> OutcomeObject {
    OutcomeObject { score: outcome.score, verified: outcome.is_verified }
}

/// Rows under one heading for each side.
struct Table {
    columns: Vec<String>,
    side: Option<Side>,
    text: String,
}

/// Characters of the first column, and of each other.
const SCENARIO: usize = 54;
const COLUMN: usize = 10;

impl Table {
    const fn new(columns: Vec<String>) -> Self {
        Self { columns, side: None, text: String::new() }
    }

    fn row(&mut self, side: Side, word: &'static str, outcomes: &[Outcome]) {
        if self.side != Some(side) {
            if self.side.is_some() {
                self.text.push('\n');
            }
            let heading = match side {
                Side::Attacker => "Attackers: the most that a wrong key can get",
                Side::Honest => "Honest people",
            };
            self.line(heading, &self.columns.clone());
            self.side = Some(side);
        }
        let points = |outcome: &Outcome| {
            let mark = if outcome.is_verified { "*" } else { " " };
            format!("{}{mark}", outcome.score)
        };
        self.line(sentence(word), &outcomes.iter().map(points).collect::<Vec<_>>());
    }

    fn line(&mut self, first: &str, others: &[String]) {
        let mut line = format!("{first:SCENARIO$}");
        for other in others {
            line.push_str(&format!("{other:>COLUMN$}"));
        }
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn finished(self, years: u32) -> String {
        let age = match years {
            0 => "certificates of today".to_owned(),
            1 => "certificates that were logged a year ago".to_owned(),
            years => format!("certificates that were logged {years} years ago"),
        };
        format!("{}\n* counts as verified. Table {TABLE_VERSION}, {age}.\n", self.text)
    }
}

fn print(text: &str) -> Result<(), Failure> {
    terminal::print(text).map_err(|error| Failure::io("standard output", &error))
}

/// What a scenario is, in words.
fn sentence(word: &'static str) -> &'static str {
    match word {
        "spoofed-from" => "a forged From, a key of the forger's own",
        "mailbox-for-an-hour" => "the mailbox for an hour, certificates of nine CAs",
        "mailbox-for-90-days" => "the mailbox for 90 days, answering mail",
        "dns-hijack" => "the DNS without its DNSSEC keys",
        "mail-provider" => "the mail provider, with its DNSSEC keys",
        "mail-provider-and-marginal-introducer" => "  and a marginal introducer who was lied to",
        "mail-provider-and-full-introducer" => "  and a full introducer who was lied to",
        "full-introducer" => "one full introducer lied to",
        "two-full-introducers" => "two full introducers lied to",
        "operator-misissues" => "a CA that certifies a wrong organisation",
        "operator-misissues-and-90-days" => "  and 90 days of forged mail, answered",
        "operator-and-full-introducer" => "  and a full introducer who was lied to",
        "two-operators" => "  and a second such CA",
        "stolen-key-of-pinned-contact" => "the secret key of a contact whom you compared",
        "mailbox-certificate" => "a certificate for the mailbox",
        "mailbox-certificate-and-90-days" => "  and 90 days of mail both ways",
        "sponsored-certificate" => "a certificate by an organisation",
        "sponsored-certificate-and-30-days" => "  and 30 days, 20 mails",
        "sponsored-certificate-and-90-days" => "  and 90 days of mail both ways",
        "individual-certificate-and-90-days" => "a certificate of a person, 90 days of mail",
        "mailbox-certificate-and-full-introducer" => "a mailbox certificate, a full introducer",
        "mailbox-certificate-and-two-marginal-introducers" => {
            "a mailbox certificate, two marginal introducers"
        }
        "mailbox-certificate-90-days-and-marginal-introducer" => {
            "a mailbox certificate, 90 days, a marginal introducer"
        }
        "two-introducers" => "two full introducers",
        "three-marginal-introducers" => "three marginal introducers",
        "full-introducer-and-90-days" => "a full introducer, 90 days of mail both ways",
        "sponsored-certificate-and-full-introducer" => "a certificate by an organisation, a full introducer",
        "pin-in-person" => "a fingerprint compared in person",
        "pin-by-video-and-mailbox-certificate" => "compared by video, a mailbox certificate",
        "own-authority" => "your organisation's own CA",
        "mailbox-certificate-logged-4-years-90-days-and-marginal-introducer" => {
            "mailbox certificate of 4 years ago, 90 days, marginal"
        }
        "succession-from-pinned-key" => "named by the key that you compared before",
        "pin-mailbox-certificate-and-full-introducer" => "compared, a mailbox certificate, a full introducer",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_has_words_that_fit_their_column() {
        for scenario in SCENARIOS {
            let words = sentence(scenario.word);
            assert_ne!(words, scenario.word);
            assert!(words.chars().count() < SCENARIO, "{words}");
        }
    }
}
