//! What is told to the history: mails that were sent and received, and what the person decided.
//!
//! A mail is read and written whatever becomes of that: where nothing can be written, a note says so.

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::message::{AuthorSignature, Reason, Status};
use counterseal_core::time::Time;
use counterseal_core::trust::log::{Event, EventKind};
use counterseal_core::trust::{HISTORY, Harvest, Knowledge, Level, family_key, harvest};
use counterseal_core::x509::Certificate;

use crate::agent::Agent;
use crate::clock;
use crate::failure::Failure;
use crate::policy;
use crate::store::{NewTrust, Store, StoreError, TrustKind, TrustRow, Writer};
use crate::terminal::say;

/// Whether mails and decisions are to be counted.
///
/// # Errors
/// A policy that cannot be read.
pub(crate) fn is_kept() -> Result<bool, Failure> {
    Ok(policy::in_force()?.keep_history)
}

/// Writes changes together with what waited for the store to be unlocked.
///
/// # Errors
/// What the change or the store says; then nothing was changed.
pub(crate) fn write<T>(
    store: &mut Store,
    change: impl FnOnce(&mut Writer<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let waiting = Waiting::of(store)?;
    store.write(clock::now(), |writer| {
        waiting.seal(writer)?;
        change(writer)
    })
}

/// Takes what waits into the history. The store must be unlocked.
///
/// # Errors
/// What the store says; then it waits on.
pub(crate) fn seal(store: &mut Store) -> Result<(), StoreError> {
    if store.pending()?.is_empty() { Ok(()) } else { write(store, |_| Ok(())) }
}

/// Has an agent take in what waits, where one holds the store.
fn hand_over(store: &Store) {
    let waits = store.pending().is_ok_and(|waiting| !waiting.is_empty());
    if let (true, Some(agent)) = (waits, Agent::of(store.id())) {
        agent.seal();
    }
}

/// Tells the history of a mail that was read.
pub(crate) fn received(store: &mut Store, signature: &AuthorSignature, is_silent: bool) {
    note(Received::of(store, signature, clock::now()).and_then(|mail| mail.keep(store)), is_silent);
    hand_over(store);
}

/// What is known, and when the mail came by our own history: for one whose certificate has ended since, or
/// was replaced, and that was read before. Nothing for every other mail.
pub(crate) fn with_proof(
    store: Option<&Store>,
    status: &Status,
    signature: Option<&AuthorSignature>,
    knowledge: &Knowledge,
) -> Option<Knowledge> {
    let is_old = status.reasons.iter().any(|reason| matches!(reason, Reason::Expired | Reason::Revoked));
    let (store, signature) = (store.filter(|_| is_old)?, signature?);
    let (name, came) = arrival(store, signature)?;
    let mut knowledge = knowledge.clone();
    knowledge.proof.arrivals.insert(name, came);
    Some(knowledge)
}

/// When a mail was counted first, as far as the whole log holds.
fn arrival(store: &Store, signature: &AuthorSignature) -> Option<([u8; 32], Time)> {
    let log = store.log().ok().filter(|log| log.fault.is_none())?;
    let name = signature.mail(false).message;
    let entry = log.entries.iter().find(|entry| {
        entry.content.as_ref().is_some_and(|content| {
            content.key == *signature.key.sha256()
                && content.address.matches(&signature.address)
                && matches!(content.event, Event::Received { message, .. } if message == name)
        })
    })?;
    Some((name, entry.at))
}

/// A mail that was encrypted to somebody.
#[derive(Debug)]
pub(crate) struct Sent {
    /// To whom.
    pub(crate) address: EmailAddress,
    /// The certificate that it was encrypted to.
    pub(crate) certificate: Certificate,
    /// SHA-256 of its Message-ID.
    pub(crate) message: Option<[u8; 32]>,
}

/// Tells the history of mails that were written. `at_hand` are certificates that stand above theirs.
pub(crate) fn sent(store: &mut Store, mails: &[Sent], at_hand: &[Certificate], is_silent: bool) {
    let mails: Vec<(&Sent, Fingerprint)> =
        mails.iter().map(|mail| (mail, family_key(&mail.certificate, at_hand))).collect();
    note(keep_sent(store, &mails), is_silent);
    hand_over(store);
}

fn note(result: Result<(), StoreError>, is_silent: bool) {
    if let (Err(error), false) = (result, is_silent) {
        let failure = Failure::from(error);
        say(&format!("note: the mail is not counted: {}", failure.message));
    }
}

fn keep_sent(store: &mut Store, mails: &[(&Sent, Fingerprint)]) -> Result<(), StoreError> {
    if mails.is_empty() {
        return Ok(());
    }
    if !unlocked(store)? {
        return mails.iter().try_for_each(|(mail, key)| {
            let event = Event::Sent { message: mail.message };
            store.wait(&mail.address, key, &event, &[], clock::now()).map(drop)
        });
    }
    write(store, |writer| {
        mails.iter().try_for_each(|(mail, key)| {
            let event = Event::Sent { message: mail.message };
            writer.record(&mail.address, key.sha256(), event).map(drop)
        })
    })
}

/// Whether the store can be written to, without asking anybody for anything.
fn unlocked(store: &Store) -> Result<bool, StoreError> {
    if !store.can_write()? {
        return Ok(false);
    }
    store.unlock(None)?;
    Ok(true)
}

/// A mail that was read, and what is taken in from it.
struct Received<'m> {
    signature: &'m AuthorSignature,
    /// What the log is told.
    events: Vec<Event>,
    harvest: Harvest,
    signed_at: Option<Time>,
    at: Time,
}

impl<'m> Received<'m> {
    fn of(store: &Store, signature: &'m AuthorSignature, at: Time) -> Result<Self, StoreError> {
        let key = signature.key.sha256();
        let answers = store.was_sent(&signature.address, key, &signature.answered)?;
        let mail = signature.mail(answers);
        let harvest = harvest(&mail, announced(&store.trust_rows()?, signature), at);
        let events = match harvest.event {
            Some(event) => vec![Event::Plain(EventKind::Seen), event],
            None if signature.is_revoked => vec![Event::Plain(EventKind::Revoked)],
            None if signature.level == Level::Conflict => vec![Event::Plain(EventKind::Conflict)],
            None => Vec::new(),
        };
        let mut news = Vec::new();
        for event in events {
            if store.is_news(&signature.address, key, &event)? {
                news.push(event);
            }
        }
        Ok(Self { signature, events: news, harvest, signed_at: mail.signing_time, at })
    }

    fn keep(&self, store: &mut Store) -> Result<(), StoreError> {
        let is_own = store
            .trust_rows()?
            .iter()
            .any(|row| row.kind == TrustKind::Own && row.key == *self.signature.key.sha256());
        let nothing_new = self.events.is_empty() && !self.brings_capabilities(store)?;
        // Of mail with oneself nothing can be learnt.
        if is_own || (nothing_new && store.pending()?.is_empty()) {
            return Ok(());
        }
        if unlocked(store)? {
            return write(store, |writer| self.record(writer));
        }
        let signature = self.signature;
        let certificates: &[Certificate] =
            if self.harvest.certificates { &signature.certificates } else { &[] };
        self.events.iter().filter(|event| **event != Event::Plain(EventKind::Seen)).try_for_each(|event| {
            store.wait(&signature.address, &signature.key, event, certificates, self.at).map(drop)
        })
    }

    fn brings_capabilities(&self, store: &Store) -> Result<bool, StoreError> {
        let Some(capabilities) = self.capabilities() else { return Ok(false) };
        let rows = store.trust_rows()?;
        Ok(!contacts(&rows, self.signature).any(|row| row.capabilities.as_deref() == Some(capabilities)))
    }

    fn capabilities(&self) -> Option<&[u8]> {
        self.signature.capabilities.as_deref().filter(|_| self.harvest.capabilities)
    }

    fn record(&self, writer: &mut Writer<'_>) -> Result<(), StoreError> {
        let AuthorSignature { address, key, certificates, .. } = self.signature;
        if self.harvest.certificates {
            for certificate in certificates {
                writer.add_certificate(certificate.as_der(), &certificate.fingerprint())?;
            }
            for certificate in certificates.iter().filter(|own| !own.is_certificate_authority()) {
                let announced = self.capabilities().map(|capabilities| (capabilities, self.signed_at));
                contact(writer, address, certificate, announced)?;
            }
        }
        self.events.iter().try_for_each(|event| writer.record(address, key.sha256(), *event).map(drop))
    }
}

/// When the capabilities were signed that are known of an author.
fn announced(rows: &[TrustRow], signature: &AuthorSignature) -> Option<Time> {
    contacts(rows, signature).filter_map(|row| row.announced).max()
}

fn contacts<'r>(rows: &'r [TrustRow], signature: &AuthorSignature) -> impl Iterator<Item = &'r TrustRow> {
    let keys: Vec<[u8; 32]> =
        signature.certificates.iter().map(|certificate| *certificate.fingerprint().sha256()).collect();
    let address = signature.address.lookup_key();
    rows.iter().filter(move |row| {
        row.kind == TrustKind::Contact && row.address == address && keys.contains(&row.key)
    })
}

fn contact(
    writer: &mut Writer<'_>,
    address: &EmailAddress,
    certificate: &Certificate,
    announced: Option<(&[u8], Option<Time>)>,
) -> Result<(), StoreError> {
    let row = NewTrust {
        kind: TrustKind::Contact,
        address,
        key: &certificate.fingerprint(),
        points: HISTORY.into(),
        source: "mail",
        capabilities: announced.map(|(capabilities, _)| capabilities),
        announced: announced.and_then(|(_, at)| at),
    };
    writer.add_trust(&row).map(drop)
}

/// What waits for the store to be unlocked, with the certificates that it is about.
struct Waiting {
    events: Vec<(EmailAddress, [u8; 32], Event)>,
    certificates: Vec<Certificate>,
}

impl Waiting {
    fn of(store: &Store) -> Result<Self, StoreError> {
        let waiting = store.pending()?;
        let events: Vec<(EmailAddress, [u8; 32], Event)> = waiting
            .iter()
            .filter_map(|one| Some((EmailAddress::parse(&one.address).ok()?, one.key, one.event()?)))
            .collect();
        let certificates = if events.is_empty() { Vec::new() } else { certificates(store)? };
        Ok(Self { events, certificates })
    }

    /// Writes it as of now: when it was seen is only what the file says.
    fn seal(&self, writer: &mut Writer<'_>) -> Result<(), StoreError> {
        for (address, key, event) in &self.events {
            if event.kind() == EventKind::Received {
                writer.record(address, key, Event::Plain(EventKind::Seen))?;
                for certificate in self.contacts(address, key) {
                    writer.saw_certificate(certificate.as_der(), &certificate.fingerprint())?;
                    contact(writer, address, certificate, None)?;
                }
            }
            writer.record(address, key, *event)?;
        }
        writer.clear_pending()
    }

    fn contacts(&self, address: &EmailAddress, key: &[u8; 32]) -> impl Iterator<Item = &Certificate> {
        let named = self.certificates.iter().filter(move |certificate| {
            !certificate.is_certificate_authority()
                && certificate.addresses().iter().any(|own| own.matches(address))
        });
        named.filter(move |certificate| family_key(certificate, &self.certificates).sha256() == key)
    }
}

fn certificates(store: &Store) -> Result<Vec<Certificate>, StoreError> {
    Ok(store.certificates()?.iter().filter_map(|der| Certificate::from_der(der).ok()).collect())
}
