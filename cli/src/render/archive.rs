//! What became of the mails of an archive, in words and as JSON (`docs/formats/json.md`).

use std::collections::BTreeMap;

use serde::Serialize;

use super::json::{self, RecipientObject, StatusObject};
use super::status;
use crate::commands::archive::{Item, Named, Outcome, Summary};
use crate::terminal::SafeText;

/// Mails and keys that the words of a summary list.
const SHOWN: usize = 20;

/// One mail in one line.
pub(crate) fn item(item: &Item) -> String {
    let (word, message) = match &item.outcome {
        Outcome::Trouble(trouble) => (trouble.failure.word, trouble.message()),
        Outcome::Judged(judged, least) => {
            (item.outcome.word(), status::lines(judged, *least, false).into_iter().next().unwrap_or_default())
        }
        outcome => (outcome.word(), String::new()),
    };
    let id = identifier(item.message_id.as_ref());
    let message = if message.is_empty() { message } else { format!("  {}", SafeText(&message)) };
    format!("{}  {word}{message}{id}", place(&item.place))
}

/// A file by its name, a mail of an mbox by its number.
fn place(place: &str) -> String {
    let is_number = place.bytes().all(|byte| byte.is_ascii_digit());
    format!("{}{}", if is_number { "mail " } else { "" }, SafeText(place))
}

fn identifier(message_id: Option<&String>) -> String {
    message_id.map(|id| format!("  {}", SafeText(id))).unwrap_or_default()
}

/// One mail for machines.
#[derive(Serialize)]
struct ItemObject<'a> {
    version: u32,
    place: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a str>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recipients: Vec<RecipientObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusObject>,
}

/// One mail as one line of JSON.
pub(crate) fn item_json(item: &Item) -> String {
    let mut object = ItemObject {
        version: 1,
        place: &item.place,
        offset: item.offset,
        message_id: item.message_id.as_deref(),
        outcome: item.outcome.word(),
        error: None,
        message: None,
        recipients: Vec::new(),
        status: None,
    };
    match &item.outcome {
        Outcome::Trouble(trouble) => {
            object.error = Some(trouble.failure.word);
            object.message = Some(&trouble.failure.message);
            object.recipients = trouble.recipients.iter().map(json::recipient).collect();
        }
        Outcome::Judged(judged, _) => object.status = Some(json::status(judged, None)),
        _ => {}
    }
    json::line(&object)
}

/// All of them for machines.
#[derive(Serialize)]
struct SummaryObject<'a> {
    version: u32,
    archive: &'static str,
    mails: u64,
    outcomes: &'a BTreeMap<String, u64>,
    weak_cipher: u64,
    no_integrity: u64,
    wanted: &'a BTreeMap<String, u64>,
    wanted_others: u64,
    named: &'a [Named],
    unnamed: u64,
}

/// All of them as one line of JSON.
pub(crate) fn summary_json(verb: &'static str, summary: &Summary) -> String {
    json::line(&SummaryObject {
        version: 1,
        archive: verb,
        mails: summary.mails,
        outcomes: &summary.outcomes,
        weak_cipher: summary.weak_cipher,
        no_integrity: summary.no_integrity,
        wanted: &summary.wanted,
        wanted_others: summary.wanted_others,
        named: &summary.named,
        unnamed: summary.unnamed,
    })
}

/// All of them in words.
pub(crate) fn summary(verb: &'static str, summary: &Summary, is_new: bool) -> Vec<String> {
    let mut lines = vec![mails(summary.mails)];
    lines.extend(summary.outcomes.iter().map(|(word, count)| format!("  {count:>8}  {}", meaning(word))));
    if summary.weak_cipher > 0 {
        lines.push(format!("{} under a broken or outdated cipher", mails(summary.weak_cipher)));
    }
    if summary.no_integrity > 0 {
        lines.push(format!(
            "{} without integrity protection: who carried them could have changed them",
            mails(summary.no_integrity)
        ));
    }
    if !summary.wanted.is_empty() {
        lines.push(String::new());
        lines.push("What could not be opened was sealed for".to_owned());
        lines.extend(wanted(summary));
    }
    if !summary.named.is_empty() {
        lines.push(String::new());
        lines.push(if verb == "verify" { "Not verified" } else { "Not opened" }.to_owned());
        lines.extend(named(summary));
    }
    if summary.count("not-opened") > 0 && is_new {
        lines.push(String::new());
        lines.push("These were copied as they are. Once the key is imported, try them again".to_owned());
    }
    lines
}

fn wanted(summary: &Summary) -> Vec<String> {
    let mut wanted: Vec<(&String, &u64)> = summary.wanted.iter().collect();
    wanted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let rest: u64 = wanted.iter().skip(SHOWN).map(|(_, count)| **count).sum::<u64>() + summary.wanted_others;
    let mut lines: Vec<String> =
        wanted.iter().take(SHOWN).map(|(key, count)| format!("  {count:>8}  {}", SafeText(key))).collect();
    if rest > 0 {
        lines.push(format!("  {rest:>8}  others"));
    }
    lines
}

fn named(summary: &Summary) -> Vec<String> {
    let line = |named: &Named| {
        let id = identifier(named.message_id.as_ref());
        format!("  {}  {}: {}{id}", place(&named.place), named.word, SafeText(&named.message))
    };
    let mut lines: Vec<String> = summary.named.iter().take(SHOWN).map(line).collect();
    let more = summary.named.len().saturating_sub(SHOWN) as u64 + summary.unnamed;
    if more > 0 {
        lines.push(format!("  and {more} more: --verbose or --json name all"));
    }
    lines
}

fn mails(count: u64) -> String {
    if count == 1 { "1 mail".to_owned() } else { format!("{count} mails") }
}

fn meaning(word: &str) -> &str {
    match word {
        "not-opened" => "not opened",
        "not-encrypted" => "without S/MIME encryption",
        "before" => "done by an earlier run",
        "already" => "for the wanted readers already",
        "resealed" => "sealed anew",
        word => word,
    }
}
