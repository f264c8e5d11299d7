//! What was seen while the store was locked. Nobody signed it, so it waits for the next unlocking, and
//! until then it is worth no more than a first mail.

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::time::Time;
use counterseal_core::trust::log::{Event, EventKind};
use counterseal_core::x509::Certificate;
use rusqlite::params;
use sha2::{Digest, Sha256};

use super::error::StoreError;
use super::{Store, Writer};

/// Rows that wait at most; later ones are dropped, because a flood of mail must not fill the store.
const MOST_ROWS: i64 = 10_000;

/// Something that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    /// When it was seen, as far as the file says.
    pub(crate) at: Time,
    /// Whose.
    pub(crate) address: String,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub(crate) key: [u8; 32],
    event: EventKind,
    message: Option<[u8; 32]>,
}

impl Pending {
    /// What the log is told of it. Whether a mail answered ours, and which mail was sent, is believed
    /// only where it was seen unlocked: whoever can write to the file could say so of any key.
    pub(crate) fn event(&self) -> Option<Event> {
        match (self.event, self.message) {
            (EventKind::Received, Some(message)) => Some(Event::Received { message, answers: false }),
            (EventKind::Sent, _) => Some(Event::Sent { message: None }),
            (EventKind::Conflict | EventKind::Revoked, None) => Some(Event::Plain(self.event)),
            _ => None,
        }
    }
}

impl Store {
    /// Keeps an event until the store is unlocked, with the certificates that belong to it. Answers
    /// whether it is new and there was room for it.
    pub(crate) fn wait(
        &self,
        address: &EmailAddress,
        key: &Fingerprint,
        event: &Event,
        certificates: &[Certificate],
        now: Time,
    ) -> Result<bool, StoreError> {
        let message = match event {
            Event::Received { message, .. } => Some(*message),
            Event::Sent { message } => *message,
            Event::Plain(_) | Event::Succession { .. } | Event::TakenOver { .. } => None,
        };
        let transaction = self.connection.unchecked_transaction()?;
        let parameters = params![
            now.unix_seconds(),
            event.kind().word(),
            address.lookup_key(),
            key.sha256(),
            message,
            MOST_ROWS
        ];
        let added = transaction.execute(
            "INSERT INTO pending (at, event, address, key, message)
             SELECT ?1, ?2, ?3, ?4, ?5
             WHERE (SELECT count(*) FROM pending) < ?6 AND NOT EXISTS (
                 SELECT 1 FROM pending WHERE event = ?2 AND address = ?3 AND key = ?4 AND message IS ?5)",
            parameters,
        )?;
        if added > 0 {
            for certificate in certificates {
                let digest: [u8; 32] = Sha256::digest(certificate.as_der()).into();
                transaction.execute(
                    "INSERT OR IGNORE INTO certificate (digest, key, der, added) VALUES (?1, ?2, ?3, ?4)",
                    params![
                        digest,
                        certificate.fingerprint().sha256(),
                        certificate.as_der(),
                        now.unix_seconds()
                    ],
                )?;
            }
        }
        transaction.commit()?;
        Ok(added > 0)
    }

    /// What waits, oldest first.
    pub(crate) fn pending(&self) -> Result<Vec<Pending>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT at, event, address, key, message FROM pending ORDER BY id")?;
        let mut rows = statement.query([])?;
        let mut waiting = Vec::new();
        while let Some(row) = rows.next()? {
            let event: String = row.get(1)?;
            // A word that is none of ours was not written by us, and is passed over.
            let Some(event) = EventKind::from_word(&event) else { continue };
            waiting.push(Pending {
                at: Time::from_unix_seconds(row.get(0)?),
                event,
                address: row.get(2)?,
                key: row.get(3)?,
                message: row.get(4)?,
            });
        }
        Ok(waiting)
    }
}

impl Writer<'_> {
    /// Takes everything away that waits.
    pub(crate) fn clear_pending(&mut self) -> Result<(), StoreError> {
        self.transaction.execute("DELETE FROM pending", [])?;
        Ok(())
    }
}
