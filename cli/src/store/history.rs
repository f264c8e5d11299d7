//! The log of what was seen and decided (`docs/formats/history.md`), and what it comes to.
//!
//! The head of the store is signed for the end of the log and for the sums, so that whoever asks about a
//! contact reads a row and not the log. That each entry follows the one before is checked by
//! [`Store::log`].

use std::collections::{BTreeMap, BTreeSet};

use counterseal_core::address::EmailAddress;
use counterseal_core::time::Time;
use counterseal_core::trust::ExposureKind;
use counterseal_core::trust::evidence::Correspondence;
use counterseal_core::trust::log::{self, Before, Content, Entry, Event, EventKind, Head, LogError};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::encoding::Encoding;
use super::error::StoreError;
use super::{Store, Writer};
use crate::randomness::random;

const COLUMNS: &str = "number, at, event, commitment, previous, salt, address, key, own";

/// The whole log, and whether it holds.
pub(crate) struct Log {
    /// Oldest first.
    pub(crate) entries: Vec<Entry>,
    /// Where it ends.
    pub(crate) head: Head,
    /// What is wrong with it, if anything is.
    pub(crate) fault: Option<LogError>,
}

/// What mail with a key came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptCorrespondence {
    id: i64,
    /// Of whom; equal text means the same mailbox.
    pub(crate) address: String,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub(crate) key: [u8; 32],
    /// The sum.
    pub(crate) correspondence: Correspondence,
}

impl KeptCorrespondence {
    pub(super) fn encode(&self) -> Encoding {
        let Correspondence { first_seen, messages, two_way, taken_by_hand } = self.correspondence;
        Encoding::of("correspondence")
            .integer(self.id)
            .text(&self.address)
            .bytes(&self.key)
            .integer(first_seen.unix_seconds())
            .integer(messages.into())
            .integer(two_way.into())
            .integer(taken_by_hand.into())
    }
}

/// The end of the log, and when its last entry was written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HistoryEnd {
    pub(super) head: Head,
    last: Option<Time>,
}

impl HistoryEnd {
    /// Nothing where there is no entry.
    pub(super) fn encode(&self) -> Option<Encoding> {
        let length = i64::try_from(self.head.length).ok().filter(|length| *length > 0)?;
        Some(Encoding::of("history").integer(length).bytes(&self.head.digest))
    }
}

/// The end as the last entry has it.
pub(super) fn end(connection: &Connection) -> Result<HistoryEnd, StoreError> {
    let query = format!("SELECT {COLUMNS} FROM history ORDER BY number DESC LIMIT 1");
    let mut statement = connection.prepare_cached(&query)?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else { return Ok(HistoryEnd::default()) };
    let entry = read_entry(row)?;
    let head = Head { length: entry.number.saturating_add(1), digest: entry.digest() };
    Ok(HistoryEnd { head, last: Some(entry.at) })
}

/// All sums in the order of their ids.
pub(super) fn read_correspondence(connection: &Connection) -> Result<Vec<KeptCorrespondence>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, address, key, first_seen, messages, two_way, by_hand FROM correspondence ORDER BY id",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(KeptCorrespondence {
            id: row.get(0)?,
            address: row.get(1)?,
            key: row.get(2)?,
            correspondence: Correspondence {
                first_seen: Time::from_unix_seconds(row.get(3)?),
                messages: row.get(4)?,
                two_way: row.get(5)?,
                taken_by_hand: row.get(6)?,
            },
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read_entry(row: &Row<'_>) -> Result<Entry, StoreError> {
    let tampered = || StoreError::Tampered("history");
    let event: String = row.get(2)?;
    let event = EventKind::from_word(&event).ok_or_else(tampered)?;
    let content = match row.get::<_, Option<[u8; 16]>>(5)? {
        None => None,
        Some(salt) => {
            let (address, own): (String, Vec<u8>) = (row.get(6)?, row.get(8)?);
            Some(Content {
                salt,
                address: EmailAddress::parse(&address).map_err(|_| tampered())?,
                key: row.get(7)?,
                event: Event::from_own_bytes(event, &own).ok_or_else(tampered)?,
            })
        }
    };
    Ok(Entry {
        number: u64::try_from(row.get::<_, i64>(0)?).map_err(|_| tampered())?,
        at: Time::from_unix_seconds(row.get(1)?),
        event,
        commitment: row.get(3)?,
        previous: row.get(4)?,
        content,
    })
}

/// The entries about a key of an address, oldest first.
fn entries_about(
    connection: &Connection,
    address: &EmailAddress,
    key: &[u8; 32],
) -> Result<Vec<Entry>, StoreError> {
    let query = format!("SELECT {COLUMNS} FROM history WHERE address = ?1 AND key = ?2 ORDER BY number");
    let mut statement = connection.prepare_cached(&query)?;
    let mut rows = statement.query(params![address.lookup_key(), key])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(read_entry(row)?);
    }
    Ok(entries)
}

impl Store {
    /// The whole log, with what is wrong with it.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] where it does not end as this store signed, or cannot be read.
    pub(crate) fn log(&self) -> Result<Log, StoreError> {
        let transaction = self.connection.unchecked_transaction()?;
        let signed = self.signed(&transaction)?;
        let query = format!("SELECT {COLUMNS} FROM history ORDER BY number");
        let mut statement = transaction.prepare_cached(&query)?;
        let mut rows = statement.query([])?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            entries.push(read_entry(row)?);
        }
        let head = end(&transaction)?.head;
        let fault = head.verify(&entries).err();
        if fault.is_none() && !are_sums(&signed.correspondence, &entries) {
            return Err(StoreError::Tampered("correspondence"));
        }
        Ok(Log { entries, head, fault })
    }

    /// What mail with each key came to.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] where it is not exactly what this store signed.
    pub(crate) fn correspondence(&self) -> Result<Vec<KeptCorrespondence>, StoreError> {
        let transaction = self.connection.unchecked_transaction()?;
        self.signed(&transaction).map(|signed| signed.correspondence.clone())
    }

    /// Whether one of these mails (SHA-256 of their Message-IDs) was encrypted to a key.
    pub(crate) fn was_sent(
        &self,
        address: &EmailAddress,
        key: &[u8; 32],
        messages: &[[u8; 32]],
    ) -> Result<bool, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM history WHERE address = ?1 AND key = ?2 AND event = 'sent' AND own = ?3)",
        )?;
        for message in messages {
            if statement.query_row(params![address.lookup_key(), key, message], |row| row.get(0))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether one of these mails (SHA-256 of their Message-IDs) was encrypted to anybody.
    pub(crate) fn was_encrypted(&self, messages: &[[u8; 32]]) -> Result<bool, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM history WHERE event = 'sent' AND own = ?1)
                 OR EXISTS (SELECT 1 FROM pending WHERE event = 'sent' AND message = ?1)",
        )?;
        for message in messages {
            if statement.query_row(params![message], |row| row.get(0))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The addresses to which mail was ever encrypted, as they are looked up.
    pub(crate) fn encrypted_to(&self) -> Result<BTreeSet<String>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT address FROM history WHERE event = 'sent' AND address IS NOT NULL
             UNION SELECT address FROM pending WHERE event = 'sent'",
        )?;
        let addresses = statement.query_map([], |row| row.get(0))?;
        Ok(addresses.collect::<Result<_, _>>()?)
    }

    /// Whether writing an event would add anything.
    pub(crate) fn is_news(
        &self,
        address: &EmailAddress,
        key: &[u8; 32],
        event: &Event,
    ) -> Result<bool, StoreError> {
        Ok(is_news(&entries_about(&self.connection, address, key)?, event))
    }
}

/// Whether the sums are those of the entries.
fn are_sums(kept: &[KeptCorrespondence], entries: &[Entry]) -> bool {
    let mut about: BTreeMap<(String, [u8; 32]), Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        if let Some(content) = &entry.content {
            about.entry((content.address.lookup_key(), content.key)).or_default().push(entry);
        }
    }
    kept.iter().all(|kept| {
        let entries = about.get(&(kept.address.clone(), kept.key)).into_iter().flatten().copied();
        let address = EmailAddress::parse(&kept.address);
        let sum = address.ok().and_then(|address| log::correspondence(&address, &kept.key, entries));
        sum == Some(kept.correspondence)
    })
}

/// Whether an event says anything that these entries about the same key do not.
fn is_news(entries: &[Entry], event: &Event) -> bool {
    let events = || entries.iter().filter_map(|entry| entry.content.as_ref()).map(|content| content.event);
    // What a key was known for before another took its place is to be said anew.
    let since_replaced = || {
        let known: Vec<Event> = events().collect();
        let replaced = |event: &Event| event.kind() == EventKind::Replaced;
        let begin = known.iter().rposition(replaced).map_or(0, |last| last.saturating_add(1));
        known.into_iter().skip(begin)
    };
    match event {
        // The same mail again is one mail, unless it is only now known that it is an answer.
        Event::Received { message, answers } => !events().any(|known| match known {
            Event::Received { message: other, answers: answered } => {
                other == *message && answered >= *answers
            }
            Event::Plain(_) | Event::Sent { .. } | Event::Succession { .. } | Event::TakenOver { .. } => {
                false
            }
        }),
        Event::Plain(EventKind::Seen) => !since_replaced().any(|known| {
            let seen = [EventKind::Seen, EventKind::Imported, EventKind::Received];
            seen.contains(&known.kind())
        }),
        Event::Plain(EventKind::Imported) => !since_replaced().any(|known| known == *event),
        Event::Plain(EventKind::Conflict | EventKind::Revoked)
        | Event::Sent { message: Some(_) }
        | Event::Succession { .. }
        | Event::TakenOver { .. } => !events().any(|known| known == *event),
        Event::Plain(_) | Event::Sent { message: None } => true,
    }
}

/// What earlier entries about the same key say of an event.
fn before(entries: &[Entry], event: &Event) -> Before {
    let events = || entries.iter().filter_map(|entry| entry.content.as_ref()).map(|content| content.event);
    let is_same = |known: Event| match (known, event) {
        (Event::Received { message: known, .. }, Event::Received { message, .. }) => known == *message,
        _ => false,
    };
    Before { is_new: !events().any(is_same), was_sent: events().any(|known| known.kind() == EventKind::Sent) }
}

impl Writer<'_> {
    /// Writes an entry, unless it says nothing new. Answers whether it did.
    pub(crate) fn record(
        &mut self,
        address: &EmailAddress,
        key: &[u8; 32],
        event: Event,
    ) -> Result<bool, StoreError> {
        let about = entries_about(&self.transaction, address, key)?;
        if !is_news(&about, &event) {
            return Ok(false);
        }
        let content = Content { salt: random(), address: address.to_lookup_form(), key: *key, event };
        if matches!(event, Event::Received { answers: true, .. }) {
            self.exposed(&address.lookup_key(), key, ExposureKind::TwoWayMail)?;
        }
        let end = end(&self.transaction)?;
        let (entry, _) = end.head.append(end.last, self.now, content);
        self.insert(&entry)?;
        // The sum is signed, the single entries are not: whoever changed one of them changed no sum by it.
        let sum = self.kept(address, key)?;
        self.keep_sum(address, key, log::after(sum, entry.at, &event, before(&about, &event)))?;
        Ok(true)
    }

    /// Keeps what mail with a key came to, or that it came to nothing.
    pub(super) fn keep_sum(
        &self,
        address: &EmailAddress,
        key: &[u8; 32],
        sum: Option<Correspondence>,
    ) -> Result<(), StoreError> {
        let Some(sum) = sum else {
            let query = "DELETE FROM correspondence WHERE address = ?1 AND key = ?2";
            self.transaction.execute(query, params![address.lookup_key(), key])?;
            return Ok(());
        };
        self.keep(address, key, &sum)
    }

    pub(super) fn kept(
        &self,
        address: &EmailAddress,
        key: &[u8; 32],
    ) -> Result<Option<Correspondence>, StoreError> {
        let address = address.lookup_key();
        let all = read_correspondence(&self.transaction)?;
        let own = all.into_iter().find(|kept| kept.address == address && kept.key == *key);
        Ok(own.map(|kept| kept.correspondence))
    }

    pub(super) fn insert(&self, entry: &Entry) -> Result<(), StoreError> {
        let content = entry.content.as_ref();
        self.transaction
            .prepare_cached(
                "INSERT INTO history (number, at, event, commitment, previous, salt, address, key, own)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                i64::try_from(entry.number).unwrap_or(i64::MAX),
                entry.at.unix_seconds(),
                entry.event.word(),
                entry.commitment,
                entry.previous,
                content.map(|content| content.salt),
                content.map(|content| content.address.lookup_key()),
                content.map(|content| content.key),
                content.map(|content| content.event.own_bytes()),
            ])?;
        Ok(())
    }

    fn keep(&self, address: &EmailAddress, key: &[u8; 32], sum: &Correspondence) -> Result<(), StoreError> {
        self.transaction.execute(
            "INSERT INTO correspondence (address, key, first_seen, messages, two_way, by_hand)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (address, key) DO UPDATE SET first_seen = ?3, messages = ?4, two_way = ?5, by_hand = ?6",
            params![
                address.lookup_key(),
                key,
                sum.first_seen.unix_seconds(),
                sum.messages,
                sum.two_way,
                sum.taken_by_hand,
            ],
        )?;
        Ok(())
    }
}

/// Whether an address has entries.
pub(super) fn knows(connection: &Connection, address: &EmailAddress) -> Result<bool, StoreError> {
    let query = "SELECT 1 FROM history WHERE address = ?1 LIMIT 1";
    Ok(connection.query_row(query, [address.lookup_key()], |_| Ok(())).optional()?.is_some())
}
