//! One line of the file.

use base64ct::{Base64, Encoding};
use counterseal_core::address::EmailAddress;
use counterseal_core::time::Time;
use counterseal_core::trust::VERIFIED;
use counterseal_core::trust::log::{Content, Entry, Event, EventKind};
use serde::{Deserialize, Serialize};

use crate::render::json::hexadecimal;
use crate::store::{DatedCertificate, EvidenceKind, EvidenceRecord, Kept, TrustKind, TrustRecord};

/// Letters of the word for how a row came into a store.
const SOURCE_LETTERS: usize = 32;

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "row", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Row {
    Begin { format: String, version: u32, store: String, made: i64 },
    Certificate { der: String, added: i64 },
    Contact(TrustLine),
    Pin(TrustLine),
    Evidence(EvidenceLine),
    History(HistoryLine),
    End { rows: u64, key: String, signature: String },
}

/// A contact or a pin.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrustLine {
    address: String,
    key: String,
    points: i64,
    source: String,
    created: i64,
    capabilities: Option<String>,
    announced: Option<i64>,
}

/// An item of evidence.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EvidenceLine {
    pub(crate) kind: String,
    name: String,
    content: String,
    added: i64,
}

/// An entry of the history with all that its digests are made from.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistoryLine {
    number: u64,
    at: i64,
    event: String,
    commitment: String,
    previous: String,
    salt: Option<String>,
    address: Option<String>,
    key: Option<String>,
    own: Option<String>,
}

impl Row {
    pub(super) fn of_certificate(own: &DatedCertificate) -> Self {
        Self::Certificate { der: Base64::encode_string(&own.der), added: own.added.unix_seconds() }
    }

    pub(super) fn of_trust(own: &TrustRecord) -> Self {
        let line = TrustLine {
            address: own.address.clone(),
            key: hexadecimal(&own.key),
            points: own.points,
            source: own.source.clone(),
            created: own.created.unix_seconds(),
            capabilities: own.capabilities.as_deref().map(Base64::encode_string),
            announced: own.announced.map(Time::unix_seconds),
        };
        if own.kind == TrustKind::Pin { Self::Pin(line) } else { Self::Contact(line) }
    }

    pub(super) fn of_evidence(own: &EvidenceRecord) -> Self {
        Self::Evidence(EvidenceLine {
            kind: own.kind.word().to_owned(),
            name: hexadecimal(&own.item.name),
            content: Base64::encode_string(&own.item.content),
            added: own.item.added.unix_seconds(),
        })
    }
}

impl HistoryLine {
    /// Of an entry.
    pub(crate) fn of(entry: &Entry) -> Self {
        let content = entry.content.as_ref();
        Self {
            number: entry.number,
            at: entry.at.unix_seconds(),
            event: entry.event.word().to_owned(),
            commitment: hexadecimal(&entry.commitment),
            previous: hexadecimal(&entry.previous),
            salt: content.map(|content| hexadecimal(&content.salt)),
            address: content.map(|content| content.address.lookup_key()),
            key: content.map(|content| hexadecimal(&content.key)),
            own: content.map(|content| hexadecimal(&content.event.own_bytes())),
        }
    }

    /// The entry; nothing where the line is none.
    pub(super) fn entry(&self, latest: Time) -> Option<Entry> {
        let event = EventKind::from_word(&self.event)?;
        let content = match (&self.salt, &self.address, &self.key, &self.own) {
            (None, None, None, None) => None,
            (Some(salt), Some(address), Some(key), Some(own)) => Some(Content {
                salt: digits(salt)?,
                address: looked_up(address)?,
                key: digits(key)?,
                event: taken_over_by(Event::from_own_bytes(event, &octets(own)?)?, latest)?,
            }),
            _ => return None,
        };
        Some(Entry {
            number: self.number,
            at: date(self.at, latest)?,
            event,
            commitment: digits(&self.commitment)?,
            previous: digits(&self.previous)?,
            content,
        })
    }
}

/// An event, unless it says that a key will be seen first.
fn taken_over_by(event: Event, latest: Time) -> Option<Event> {
    match event {
        Event::TakenOver { sum } => date(sum.first_seen.unix_seconds(), latest).map(|_| event),
        Event::Plain(_) | Event::Sent { .. } | Event::Received { .. } | Event::Succession { .. } => {
            Some(event)
        }
    }
}

impl TrustLine {
    pub(super) fn record(&self, kind: TrustKind, latest: Time) -> Option<TrustRecord> {
        let is_word = |text: &str| {
            (1..=SOURCE_LETTERS).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        };
        let has_good_values = is_word(&self.source) && (0..=i64::from(VERIFIED)).contains(&self.points);
        has_good_values.then_some(())?;
        Some(TrustRecord {
            kind,
            address: looked_up(&self.address)?.lookup_key(),
            key: digits(&self.key)?,
            points: self.points,
            source: self.source.clone(),
            created: date(self.created, latest)?,
            capabilities: optional(self.capabilities.as_deref(), base64)?,
            announced: optional(self.announced, |at| date(at, latest))?,
        })
    }
}

impl EvidenceLine {
    /// The item; its kind is known.
    pub(super) fn record(&self, kind: EvidenceKind, latest: Time) -> Option<EvidenceRecord> {
        let (name, content) = (octets(&self.name)?, base64(&self.content)?);
        Some(EvidenceRecord { kind, item: Kept { name, content, added: date(self.added, latest)? } })
    }
}

/// What may be missing, and is good where it is there.
fn optional<T, U>(value: Option<T>, read: impl Fn(T) -> Option<U>) -> Option<Option<U>> {
    value.map_or(Some(None), |value| read(value).map(Some))
}

/// An address, written as it is looked up: another writing of it would be another row here.
fn looked_up(text: &str) -> Option<EmailAddress> {
    EmailAddress::parse(text).ok().filter(|address| address.lookup_key() == text)
}

/// A date that is not to come.
pub(super) fn date(seconds: i64, latest: Time) -> Option<Time> {
    let at = Time::from_unix_seconds(seconds);
    (seconds >= 0 && at <= latest).then_some(at)
}

pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(text).ok()
}

/// Octets in lower-case hexadecimal, so many of them.
pub(super) fn digits<const N: usize>(text: &str) -> Option<[u8; N]> {
    octets(text)?.try_into().ok()
}

pub(super) fn octets(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks_exact(2);
    let is_even = pairs.remainder().is_empty();
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let octets = pairs.map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    octets.collect::<Option<_>>().filter(|_| is_even)
}
