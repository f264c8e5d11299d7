//! Evidence as files of `testdata/trust` write it: names stand for keys, people and operators.

use std::fs;
use std::path::Path;

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::{Fingerprint, OpenPgpFingerprint};
use counterseal_core::time::{DAY, Time};
use counterseal_core::trust::evidence::{
    Anchor, Binding, Chain, Comparison, Correspondence, Dossier, Endorsement, Endorser, Evidence,
    Explanation, ExplanationKind, Introducer, IntroducerName, KeyFacts, KeyRevocation, KeyUse, Kind,
    Operator, Period, Succession, Validation, Vouching, Witness, Witnessed,
};
use counterseal_core::trust::points::{Capacities, Profile};
use counterseal_core::trust::{Claim, Cost, Domain, Rules};
use toml_edit::{Document, Item, Table};

/// When the cases play.
pub const NOW: Time = Time::from_unix_seconds(1_795_262_400);
const YEAR: i64 = 31_557_600;

/// One case of a file.
pub struct Case {
    pub name: String,
    pub table: Table,
}

/// All cases of all files whose name begins so.
pub fn cases(start: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/trust");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.starts_with(start) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let document = Document::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        for table in document["case"].as_array_of_tables().unwrap() {
            let case = table["name"].as_str().unwrap();
            cases.push(Case { name: format!("{name}: {case}"), table: table.clone() });
        }
    }
    assert!(!cases.is_empty(), "no file begins with {start}");
    cases
}

impl Case {
    pub fn claim(&self) -> Claim {
        let asked = self.table.get("asked").and_then(Item::as_str).unwrap_or("key");
        claim(asked)
    }

    pub fn dossier(&self) -> Dossier {
        let mut dossier = Dossier::default();
        for entry in self.entries("evidence") {
            dossier.evidence.push(evidence(&entry));
        }
        for entry in self.entries("explained") {
            let keys = (key(text(&entry, "one")), key(text(&entry, "other")));
            let why = match text(&entry, "why") {
                "renewal" => ExplanationKind::Renewal,
                "same-openpgp-certificate" => ExplanationKind::SameOpenPgpCertificate,
                "same-record-set" => ExplanationKind::SameRecordSet,
                "approved" => ExplanationKind::Approved,
                other => panic!("{other}"),
            };
            dossier.explanations.push(Explanation { keys, why });
        }
        for entry in self.entries("revoked") {
            let since = number(&entry, "days_ago").map(|days| NOW.plus_days(-days));
            dossier.revocations.push(KeyRevocation { key: key(text(&entry, "key")), since });
        }
        for entry in self.entries("keys") {
            let usage = match entry.get("usage").and_then(Item::as_str) {
                None => KeyUse::Both,
                Some("signing") => KeyUse::Signing,
                Some("encryption") => KeyUse::Encryption,
                Some(other) => panic!("{other}"),
            };
            let ends = number(&entry, "ended_days_ago").map(|days| NOW.plus_days(-days));
            dossier.keys.push(KeyFacts { key: key(text(&entry, "key")), usage, ends });
        }
        dossier
    }

    /// The rules of a profile, with the case's own changes.
    pub fn rules(&self, profile: Profile) -> Rules {
        let mut rules = Rules::of(profile);
        if let Some(domain) = self.table.get("authoritative").and_then(Item::as_str) {
            rules.authoritative.push(domain.to_owned());
        }
        rules.sources.peers = self.flag("peers");
        rules.sources.keyserver = true;
        if let Some(mailbox) = number(&self.table, "mailbox") {
            rules.capacities = Capacities { mailbox: points(mailbox), ..rules.capacities };
        }
        rules
    }

    pub fn flag(&self, name: &str) -> bool {
        self.table.get(name).and_then(Item::as_bool).unwrap_or(false)
    }

    /// The tables of an array of the case.
    fn entries(&self, name: &str) -> Vec<Table> {
        let Some(array) = self.table.get(name).and_then(Item::as_array) else { return Vec::new() };
        array.iter().map(|value| value.as_inline_table().unwrap().clone().into_table()).collect()
    }
}

pub fn text<'t>(table: &'t Table, name: &str) -> &'t str {
    table.get(name).and_then(Item::as_str).unwrap_or_else(|| panic!("{name} in {table:?}"))
}

pub fn number(table: &Table, name: &str) -> Option<i64> {
    table.get(name).and_then(Item::as_integer)
}

pub fn points(number: i64) -> u32 {
    u32::try_from(number).unwrap()
}

/// A name stands in the place of the bytes of a key.
pub fn key(name: &str) -> Fingerprint {
    Fingerprint::of_public_key(name.as_bytes())
}

/// `key`, of alice, or `key of bob@example.net`.
pub fn claim(text: &str) -> Claim {
    let (name, address) = text.split_once(" of ").unwrap_or((text, "alice@example.org"));
    Claim::new(&EmailAddress::parse(address).unwrap(), key(name))
}

pub fn openpgp(name: &str) -> OpenPgpFingerprint {
    OpenPgpFingerprint::Version6(*key(name).sha256())
}

fn evidence(entry: &Table) -> Evidence {
    let about = claim(entry.get("about").and_then(Item::as_str).unwrap_or("key"));
    let days = |name: &str| number(entry, name).map(|days| NOW.plus_days(-days));
    let period = Period { from: days("from_days_ago"), until: days("until_days_ago") };
    Evidence::new(about, kind(entry)).during(period)
}

fn kind(entry: &Table) -> Kind {
    let name = |name: &str| entry.get(name).and_then(Item::as_str);
    let amount = number(entry, "amount").map(points);
    match text(entry, "kind") {
        "pin" => Kind::Pinned(match text(entry, "how") {
            "in-person" => Comparison::InPerson,
            "video" => Comparison::ByVideo,
            "strong-address" => Comparison::StrongAddress { bits: points(number(entry, "bits").unwrap()) },
            other => panic!("{other}"),
        }),
        "chain" => Kind::Chain(Chain {
            anchor: match name("operator") {
                Some("unknown") => Anchor::Public { operator: Operator::Unknown, amount },
                Some(operator) => Anchor::Public { operator: Operator::Named(operator.to_owned()), amount },
                None => Anchor::Own { authority: key(text(entry, "own")), amount },
            },
            name: "a CA".to_owned(),
            validation: match name("validation") {
                None | Some("mailbox") => Validation::Mailbox,
                Some("individual") => Validation::Individual,
                Some("organisation") => Validation::Organisation,
                Some(other) => panic!("{other}"),
            },
            witnessed: witnessed(entry),
        }),
        "certified-by-user" => Kind::CertifiedByUser { root: openpgp("user"), binding: binding(entry) },
        "vouched" => Kind::Vouched(Vouching {
            introducers: introducers(entry),
            amount: amount.unwrap_or(120),
            binding: binding(entry),
            carried: number(entry, "carried").map(points),
        }),
        "endorsed" => Kind::Endorsed(Endorsement {
            endorser: match text(entry, "as") {
                "openpgp" => Endorser::OpenPgp(introducers(entry)),
                "contact" => Endorser::Contact {
                    signer: claim(text(entry, "by")),
                    amount: points(number(entry, "trust").unwrap()),
                },
                "correspondent" => Endorser::Correspondent { signer: claim(text(entry, "by")) },
                other => panic!("{other}"),
            },
            amount: amount.unwrap_or(120),
            witnessed: witnessed(entry),
        }),
        "history" => {
            let messages = points(number(entry, "messages").unwrap());
            Kind::History(Correspondence {
                first_seen: NOW.plus_seconds(-number(entry, "days").unwrap() * DAY),
                messages,
                two_way: entry.get("two_way").and_then(Item::as_bool).unwrap_or(messages > 0),
                taken_by_hand: entry.get("by_hand").and_then(Item::as_bool).unwrap_or(false),
            })
        }
        "dns" => Kind::DnsRecord { secure: entry["secure"].as_bool().unwrap() },
        "web-directory" => Kind::WebDirectory,
        "keyserver" => Kind::Keyserver { name: "keys".to_owned() },
        "gossip" => Kind::Gossip { by: claim(text(entry, "by")) },
        "succeeds" => Kind::Succeeds(Succession {
            old: key(text(entry, "old")),
            issued: NOW.plus_days(-number(entry, "days_ago").unwrap_or(0)),
            old_ended: number(entry, "old_ended_days_ago").map(|days| NOW.plus_days(-days)),
        }),
        "issued-by" => Kind::IssuedBy { authority: key(text(entry, "authority")) },
        "named-by" => Kind::NamedBy { signing_key: key(text(entry, "signing_key")) },
        other => panic!("{other}"),
    }
}

fn witnessed(entry: &Table) -> Option<Witnessed> {
    let years = number(entry, "years")?;
    let witnesses = entry.get("witnesses").and_then(Item::as_array);
    let named = witnesses.into_iter().flatten().map(|name| match name.as_str().unwrap() {
        "own-history" => Witness::OwnHistory,
        other => Witness::Independent(other.to_owned()),
    });
    let witnesses: Vec<Witness> = named.collect();
    Some(Witnessed { since: NOW.plus_seconds(-years * YEAR), witnesses })
}

fn binding(entry: &Table) -> Binding {
    match entry.get("link").and_then(Item::as_str) {
        Some(certificate) => Binding::Linked(openpgp(certificate)),
        None => Binding::Twin,
    }
}

/// `by = ["carol 80", "dave"]`: each relied upon with the amount, or 120; `user` is the user.
fn introducers(entry: &Table) -> Vec<Introducer> {
    let introducer = |text: &str| {
        let (name, amount) = text.split_once(' ').unwrap_or((text, "120"));
        Introducer {
            name: IntroducerName::OpenPgp(openpgp(name)),
            amount: amount.parse().unwrap(),
            is_user: name == "user",
        }
    };
    let by = entry["by"].as_array().unwrap();
    by.iter().map(|name| introducer(name.as_str().unwrap())).collect()
}

/// What a cost is called in the files: the word of its domain, and the operator where it has one.
pub fn cost_text(cost: &Cost) -> String {
    let word = cost.domain.word();
    match &cost.domain {
        Domain::Operator(operator) | Domain::Identity(operator) | Domain::Organisation(operator) => {
            match operator {
                Operator::Named(name) => format!("{word} {name}"),
                Operator::Unknown => format!("{word} unknown"),
            }
        }
        _ => word.to_owned(),
    }
}
