//! The history in words and as JSON.

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::trust::log::{Entry, Event, LogError};
use serde::Serialize;

use super::domains::day;
use crate::failure::Failure;
use crate::render::json::{hexadecimal, line};
use crate::store::{Forgotten, Log};
use crate::terminal::{self, SafeText};
use crate::trust_file::HistoryLine;

/// A log, and what of it is shown.
pub(crate) struct Shown<'s> {
    pub(crate) log: &'s Log,
    /// Only entries about it.
    pub(crate) address: Option<&'s EmailAddress>,
    /// Keys that have a certificate here, for their fingerprints.
    pub(crate) keys: &'s [Fingerprint],
    /// Events that wait for the store to be unlocked.
    pub(crate) waiting: usize,
}

/// Shows the log on standard output.
pub(crate) fn show(shown: &Shown<'_>, as_json: bool) -> Result<(), Failure> {
    print(&if as_json { format!("{}\n", line(&Object::of(shown))) } else { words(shown) })
}

/// Writes every entry, one JSON object a line.
pub(crate) fn export(log: &Log) -> Result<(), Failure> {
    log.entries.iter().try_for_each(|entry| print(&format!("{}\n", line(&HistoryLine::of(entry)))))
}

/// The log does not hold.
pub(crate) fn broken(fault: LogError) -> Failure {
    let what = match fault {
        LogError::OutOfOrder(number) => format!("entry {number} is missing or in the wrong place"),
        LogError::BackInTime(number) => format!("entry {number} is older than the one before"),
        LogError::Broken(number) => format!("entry {number} does not follow the one before"),
        LogError::Content(number) => format!("entry {number} is not what was written"),
        LogError::Head => "it does not end as its head says".to_owned(),
    };
    Failure::unknown("history-broken", format!("the history was changed: {what}"))
        .hint("restore the store from a backup, and find out who could write to it")
}

/// Says what was forgotten.
pub(crate) fn forgotten(address: &str, forgotten: &Forgotten, as_json: bool) -> Result<(), Failure> {
    let Forgotten { entries, rows, certificates } = *forgotten;
    let object = ForgottenObject { version: 1, address, entries, rows, certificates };
    let words = format!(
        "forgotten: {}  ({certificates} certificates, {rows} keys and comparisons, {entries} entries of the history)\n",
        SafeText(address)
    );
    print(&if as_json { format!("{}\n", line(&object)) } else { words })
}

fn print(text: &str) -> Result<(), Failure> {
    terminal::print(text).map_err(|error| Failure::io("standard output", &error))
}

#[derive(Serialize)]
struct ForgottenObject<'a> {
    version: u32,
    address: &'a str,
    entries: usize,
    rows: usize,
    certificates: usize,
}

#[derive(Serialize)]
struct Object {
    version: u32,
    length: u64,
    head: String,
    holds: bool,
    waiting: usize,
    entries: Vec<EntryObject>,
}

impl Object {
    fn of(shown: &Shown<'_>) -> Self {
        Self {
            version: 1,
            length: shown.log.head.length,
            head: hexadecimal(&shown.log.head.digest),
            holds: shown.log.fault.is_none(),
            waiting: shown.waiting,
            entries: shown.entries().map(|entry| EntryObject::of(entry, shown.keys)).collect(),
        }
    }
}

#[derive(Serialize)]
struct EntryObject {
    number: u64,
    at: String,
    event: &'static str,
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answers: Option<bool>,
}

impl EntryObject {
    fn of(entry: &Entry, keys: &[Fingerprint]) -> Self {
        let content = entry.content.as_ref();
        Self {
            number: entry.number,
            at: entry.at.to_rfc3339(),
            event: entry.event.word(),
            address: content.map(|content| content.address.to_string()),
            fingerprint: content.and_then(|content| name(&content.key, keys)),
            sha256: content.map(|content| hexadecimal(&content.key)),
            answers: content.and_then(|content| match content.event {
                Event::Received { answers, .. } => Some(answers),
                Event::Plain(_) | Event::Sent { .. } | Event::Succession { .. } | Event::TakenOver { .. } => {
                    None
                }
            }),
        }
    }
}

impl Shown<'_> {
    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.log.entries.iter().filter(|entry| {
            self.address.is_none_or(|address| {
                entry.content.as_ref().is_some_and(|content| content.address.matches(address))
            })
        })
    }
}

fn words(shown: &Shown<'_>) -> String {
    let mut text: String = shown.entries().map(|entry| entry_words(entry, shown.keys)).collect();
    if shown.waiting > 0 {
        text.push_str(&format!("{} more wait until the store is unlocked\n", shown.waiting));
    }
    let holds = if shown.log.fault.is_none() { "the chain holds" } else { "the chain is broken" };
    let digest: String = hexadecimal(&shown.log.head.digest).chars().take(16).collect();
    let entries = match shown.log.head.length {
        1 => "1 entry".to_owned(),
        more => format!("{more} entries"),
    };
    text.push_str(&format!("{entries}, {holds}, head {digest}\n"));
    text
}

fn entry_words(entry: &Entry, keys: &[Fingerprint]) -> String {
    let day = day(&entry.at.to_rfc3339()).to_owned();
    let word = entry.event.word();
    let Some(content) = &entry.content else { return format!("{day}  {word:10}  (forgotten)\n") };
    let key =
        name(&content.key, keys).unwrap_or_else(|| hexadecimal(&content.key).chars().take(16).collect());
    let answer = match content.event {
        Event::Received { answers: true, .. } => "  answers you",
        Event::Received { .. }
        | Event::Plain(_)
        | Event::Sent { .. }
        | Event::Succession { .. }
        | Event::TakenOver { .. } => "",
    };
    format!("{day}  {word:10}  {}  {key}{answer}\n", SafeText(&content.address.to_string()))
}

fn name(key: &[u8; 32], keys: &[Fingerprint]) -> Option<String> {
    keys.iter().find(|own| own.sha256() == key).map(ToString::to_string)
}
