//! What attackers reach, and what honest people reach: the table by which a policy is judged.
//!
//! Each scenario is evidence for a fresh key of a fresh address. For an attacker it is what they
//! can bring about for a wrong key; the score is then the best that the wrong key can get. The
//! sentences for the words are the caller's.

use super::claim::Claim;
use super::evaluate::evaluate;
use super::evidence::{
    Anchor, Binding, Chain, Comparison, Correspondence, Dossier, Evidence, Introducer, IntroducerName, Kind,
    Operator, Succession, Validation, Vouching, Witness, Witnessed,
};
use super::points::{CHECKED, Profile, VERIFIED};
use super::rules::Rules;
use crate::address::EmailAddress;
use crate::fingerprint::{Fingerprint, OpenPgpFingerprint};
use crate::time::{DAY, Time};

/// Whether a scenario is an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// A wrong key.
    Attacker,
    /// A right one.
    Honest,
}

/// One row of the table.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Whose evidence it is.
    pub side: Side,
    /// The word for it; it never changes.
    pub word: &'static str,
    items: &'static [Item],
}

/// One row for one set of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Points that the key gets.
    pub score: u32,
    /// Whether they suffice for *verified*.
    pub is_verified: bool,
}

/// One row for every profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparisonRow {
    /// Whose evidence it is.
    pub side: Side,
    /// The word for the scenario.
    pub word: &'static str,
    /// In the order of [`Profile::ALL`].
    pub outcomes: Vec<(Profile, Outcome)>,
}

/// The table over all profiles, for certificates that were logged `years` ago and that nobody
/// objected to since.
#[must_use]
pub fn compare(years: u32) -> Vec<ComparisonRow> {
    let row = |scenario: &Scenario| {
        let outcome = |profile| (profile, scenario.outcome(&Rules::of(profile), years));
        let outcomes = Profile::ALL.into_iter().map(outcome).collect();
        ComparisonRow { side: scenario.side, word: scenario.word, outcomes }
    };
    SCENARIOS.iter().map(row).collect()
}

impl Scenario {
    /// What the key gets by these rules; certificates were logged `years` ago.
    #[must_use]
    pub fn outcome(&self, rules: &Rules, years: u32) -> Outcome {
        let claim = Claim::new(&EmailAddress::of_an_example(), key("new"));
        let mut dossier = Dossier::default();
        for item in self.items {
            item.add_to(&mut dossier, &claim, years);
        }
        let score = evaluate(&claim, &dossier, rules, NOW).score;
        Outcome { score, is_verified: score >= rules.thresholds.verified }
    }
}

/// When the scenarios play; only differences from it matter.
const NOW: Time = Time::from_unix_seconds(1_795_262_400);
/// A year of 365.25 days.
const YEAR: i64 = 31_557_600;

/// What a scenario is made of.
#[derive(Clone, Copy, Debug)]
enum Item {
    /// A certificate of an operator.
    Certificate(&'static str, Validation),
    /// The same, logged so many years before the evidence of the table.
    Logged(&'static str, Validation, u32),
    OwnAuthority,
    History {
        days: i64,
        messages: u32,
    },
    Introducer(&'static str, u32),
    Dns {
        secure: bool,
    },
    WebDirectory,
    Pin(Comparison),
    SuccessorOfPinned,
}

use Item::{
    Certificate, Dns, History, Introducer as Introduced, Logged, OwnAuthority, Pin, SuccessorOfPinned,
    WebDirectory,
};
use Validation::{Individual, Mailbox, Organisation};

const FIRST_MAIL: Item = History { days: 0, messages: 0 };
const NINETY_DAYS: Item = History { days: 90, messages: 20 };
const FULL: Item = Introduced("carol", VERIFIED);
const SECOND_FULL: Item = Introduced("dave", VERIFIED);
const MARGINAL: Item = Introduced("erin", CHECKED);
const SECOND_MARGINAL: Item = Introduced("frank", CHECKED);
const MAILBOX: Item = Certificate("X", Mailbox);
const SPONSORED: Item = Certificate("X", Organisation);

const fn attack(word: &'static str, items: &'static [Item]) -> Scenario {
    Scenario { side: Side::Attacker, word, items }
}

const fn honest(word: &'static str, items: &'static [Item]) -> Scenario {
    Scenario { side: Side::Honest, word, items }
}

/// All rows, in the order of the table.
pub const SCENARIOS: &[Scenario] = &[
    attack("spoofed-from", &[FIRST_MAIL]),
    attack(
        "mailbox-for-an-hour",
        &[
            Certificate("1", Mailbox),
            Certificate("2", Mailbox),
            Certificate("3", Mailbox),
            Certificate("4", Mailbox),
            Certificate("5", Mailbox),
            Certificate("6", Mailbox),
            Certificate("7", Mailbox),
            Certificate("8", Mailbox),
            Certificate("9", Mailbox),
            FIRST_MAIL,
        ],
    ),
    attack("mailbox-for-90-days", &[MAILBOX, NINETY_DAYS]),
    attack("dns-hijack", &[MAILBOX, WebDirectory, Dns { secure: false }, FIRST_MAIL]),
    attack("mail-provider", &[MAILBOX, NINETY_DAYS, Dns { secure: true }, WebDirectory]),
    attack(
        "mail-provider-and-marginal-introducer",
        &[MAILBOX, NINETY_DAYS, Dns { secure: true }, WebDirectory, MARGINAL],
    ),
    attack(
        "mail-provider-and-full-introducer",
        &[MAILBOX, NINETY_DAYS, Dns { secure: true }, WebDirectory, FULL],
    ),
    attack("full-introducer", &[FULL]),
    attack("two-full-introducers", &[FULL, SECOND_FULL]),
    attack("operator-misissues", &[SPONSORED]),
    attack("operator-misissues-and-90-days", &[SPONSORED, NINETY_DAYS]),
    attack("operator-and-full-introducer", &[SPONSORED, FULL]),
    attack("two-operators", &[SPONSORED, Certificate("Y", Organisation)]),
    attack("stolen-key-of-pinned-contact", &[SuccessorOfPinned]),
    honest("mailbox-certificate", &[MAILBOX]),
    honest("mailbox-certificate-and-90-days", &[MAILBOX, NINETY_DAYS]),
    honest("sponsored-certificate", &[SPONSORED]),
    honest("sponsored-certificate-and-30-days", &[SPONSORED, History { days: 30, messages: 20 }]),
    honest("sponsored-certificate-and-90-days", &[SPONSORED, NINETY_DAYS]),
    honest("individual-certificate-and-90-days", &[Certificate("X", Individual), NINETY_DAYS]),
    honest("mailbox-certificate-and-full-introducer", &[MAILBOX, FULL]),
    honest("mailbox-certificate-and-two-marginal-introducers", &[MAILBOX, MARGINAL, SECOND_MARGINAL]),
    honest("mailbox-certificate-90-days-and-marginal-introducer", &[MAILBOX, NINETY_DAYS, MARGINAL]),
    honest("two-introducers", &[FULL, SECOND_FULL]),
    honest("three-marginal-introducers", &[MARGINAL, SECOND_MARGINAL, Introduced("grace", CHECKED)]),
    honest("full-introducer-and-90-days", &[FULL, NINETY_DAYS]),
    honest("sponsored-certificate-and-full-introducer", &[SPONSORED, FULL]),
    honest("pin-in-person", &[Pin(Comparison::InPerson)]),
    honest("pin-by-video-and-mailbox-certificate", &[Pin(Comparison::ByVideo), MAILBOX]),
    honest("own-authority", &[OwnAuthority]),
    honest(
        "mailbox-certificate-logged-4-years-90-days-and-marginal-introducer",
        &[Logged("X", Mailbox, 4), NINETY_DAYS, MARGINAL],
    ),
    honest("succession-from-pinned-key", &[SuccessorOfPinned]),
    honest("pin-mailbox-certificate-and-full-introducer", &[Pin(Comparison::InPerson), MAILBOX, FULL]),
];

impl Item {
    fn add_to(self, dossier: &mut Dossier, claim: &Claim, years: u32) {
        let kind = match self {
            Certificate(operator, validation) => certificate(operator, validation, years),
            Logged(operator, validation, before) => {
                certificate(operator, validation, years.saturating_add(before))
            }
            OwnAuthority => Kind::Chain(Chain {
                anchor: Anchor::Own { authority: key("authority"), amount: None },
                name: "authority".to_owned(),
                validation: Mailbox,
                witnessed: None,
            }),
            History { days, messages } => Kind::History(Correspondence {
                first_seen: NOW.plus_seconds(-days * DAY),
                messages,
                two_way: messages > 0,
                taken_by_hand: false,
            }),
            Introduced(name, amount) => Kind::Vouched(Vouching {
                introducers: vec![Introducer { name: introducer(name), amount, is_user: false }],
                amount: VERIFIED,
                binding: Binding::Twin,
                carried: None,
            }),
            Dns { secure } => Kind::DnsRecord { secure },
            WebDirectory => Kind::WebDirectory,
            Pin(how) => Kind::Pinned(how),
            SuccessorOfPinned => {
                let old = claim.with_key(key("old"));
                dossier.evidence.push(Evidence::new(old, Kind::Pinned(Comparison::InPerson)));
                Kind::Succeeds(Succession { old: key("old"), issued: NOW, old_ended: None })
            }
        };
        dossier.evidence.push(Evidence::new(claim.clone(), kind));
    }
}

fn certificate(operator: &str, validation: Validation, years: u32) -> Kind {
    let since = NOW.plus_seconds(-i64::from(years) * YEAR);
    let log = || Witnessed { since, witnesses: vec![Witness::Independent("log".to_owned())] };
    Kind::Chain(Chain {
        anchor: Anchor::Public { operator: Operator::Named(operator.to_owned()), amount: None },
        name: operator.to_owned(),
        validation,
        witnessed: (years > 0).then(log),
    })
}

/// A key of the scenarios: a name stands in the place of the bytes of a key.
fn key(name: &str) -> Fingerprint {
    Fingerprint::of_public_key(name.as_bytes())
}

fn introducer(name: &str) -> IntroducerName {
    IntroducerName::OpenPgp(OpenPgpFingerprint::Version6(*key(name).sha256()))
}
