//! A folder of the person's own mailbox (IMAP, RFC 3501; IDLE, RFC 2177; UIDPLUS, RFC 4315).
//!
//! Each object is one mail in the folder `KeySync` of the person's own namespace (RFC 2342), which only who logs in can
//! fill: never INBOX, where strangers put mail. Its name stands in the Message-ID. Other mails in the folder are left alone, other folders are not opened.

mod log_in;
mod mail;
mod namespace;
mod plain;
mod stream;
mod watch;

use std::collections::BTreeSet;
use std::io;
use std::time::{Duration, SystemTime};

use async_imap::Session;
use async_imap::error::Error;
use counterseal_core::time::Time;
use futures::TryStreamExt;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

pub use log_in::{Connect, Credential, Mailbox, direct};
pub use mail::{name_in_header, object_in_body};
pub use namespace::personal_prefix;

use super::{Cursor, Listing, ObjectBox, ObjectName, Transport, TransportError};
use crate::limits;
use log_in::log_in;
use stream::Connection;

/// The folder. A person may look at it, and may remove what is in it.
const FOLDER: &str = "KeySync";

/// A box in a mailbox.
pub struct ImapTransport {
    runtime: Runtime,
    mailbox: Mailbox,
    box_name: String,
    patience: Duration,
    open: Option<Open>,
}

struct Open {
    session: Session<Connection>,
    folder: String,
    idle: bool,
    expunges: bool,
}

/// What a listing says of one mail.
struct Found {
    uid: u32,
    name: ObjectName,
    size: u32,
}

/// Logs in to a mailbox and out again. No folder is opened and none is looked for, so nothing in it changes.
///
/// # Errors
/// [`TransportError`]: who is not there, who cannot be trusted, and who does not let us in.
pub fn try_log_in(mailbox: &Mailbox, patience: Duration) -> Result<(), TransportError> {
    let within = async {
        let mut open = log_in(mailbox).await?;
        open.session.logout().await.map_err(|error| told(&error))
    };
    runtime()?.block_on(async { timeout(patience, within).await }).map_err(|_| slow())?
}

impl ImapTransport {
    /// The box in this mailbox. Nothing is connected yet.
    ///
    /// # Errors
    /// [`TransportError::Io`] where the system gives no event queue.
    pub fn new(mailbox: Mailbox, target: &ObjectBox) -> Result<Self, TransportError> {
        let box_name = super::hexadecimal(target.id());
        Ok(Self { runtime: runtime()?, mailbox, box_name, patience: limits::IMAP_TIME, open: None })
    }

    /// The same, where one question may take no longer than this.
    #[must_use]
    pub const fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Does something within the time limit; a connection that broke is opened once more.
    fn with_session<T>(
        &mut self,
        work: impl AsyncFn(&mut Open, &str) -> Result<T, Error>,
    ) -> Result<T, TransportError> {
        let Self { runtime, mailbox, box_name, patience, open } = self;
        let kept = open.take();
        let within = async {
            if let Some(mut kept) = kept {
                kept.session.get_mut().allow(limits::IMAP_ANSWER_BYTES);
                match work(&mut kept, box_name).await {
                    Ok(done) => return Ok((done, kept)),
                    // It may have been closed while nobody used it.
                    Err(Error::Io(_) | Error::ConnectionLost) => {}
                    Err(error) => return Err(told(&error)),
                }
            }
            let mut fresh = log_in(mailbox).await?;
            let done = work(&mut fresh, box_name).await.map_err(|error| told(&error))?;
            Ok((done, fresh))
        };
        let (done, kept) =
            runtime.block_on(async { timeout(*patience, within).await }).map_err(|_| slow())??;
        *open = Some(kept);
        Ok(done)
    }

    /// The mails that say they hold this object.
    fn find(&mut self, name: &ObjectName) -> Result<Vec<Found>, TransportError> {
        let name = *name;
        self.with_session(async move |open, box_name| {
            if select(open).await?.is_none() {
                return Ok(Vec::new());
            }
            let query = format!("UNDELETED HEADER Message-ID {name}.{box_name}");
            let uids: BTreeSet<u32> = open.session.uid_search(query).await?.into_iter().collect();
            let uids: Vec<String> = uids.iter().take(limits::IMAP_COPIES).map(u32::to_string).collect();
            if uids.is_empty() {
                return Ok(Vec::new());
            }
            // A search looks for parts of a field.
            let found = headers(open, box_name, &uids.join(",")).await?;
            Ok(found.into_iter().filter(|found| found.name == name).collect())
        })
    }

    fn fetch(&mut self, found: &Found) -> Result<Vec<u8>, TransportError> {
        super::fits(u64::from(found.size) / 4 * 3, limits::OBJECT_BYTES + limits::IMAP_HEADER_BYTES)?;
        let uid = found.uid;
        let body = self.with_session(async move |open, _| {
            let mut mails = open.session.uid_fetch(uid.to_string(), "(UID BODY.PEEK[TEXT])").await?;
            let mut body = None;
            while let Some(mail) = mails.try_next().await? {
                if mail.uid == Some(uid) {
                    body = mail.text().map(<[u8]>::to_vec).or(body);
                }
            }
            Ok(body)
        })?;
        object_in_body(&body.ok_or(TransportError::Absent)?)
            .ok_or_else(|| TransportError::Forged("no base64 in the mail".into()))
    }
}

impl Transport for ImapTransport {
    fn kind(&self) -> &'static str {
        "imap"
    }

    fn list(&mut self, cursor: &Cursor) -> Result<Listing, TransportError> {
        let (seen_validity, seen) = place(cursor);
        let (names, validity, last) = self.with_session(async move |open, box_name| {
            let Some(validity) = select(open).await? else { return Ok((Vec::new(), 0, 0)) };
            // Numbers of another validity say nothing (RFC 3501, section 2.3.1.1).
            let seen = if validity == seen_validity { seen } else { 0 };
            let range = format!("{}:*", seen.saturating_add(1));
            let found = headers(open, box_name, &range).await?;
            // The last mail is told even where it is not in the range.
            let new: Vec<_> = found.into_iter().filter(|found| found.uid > seen).collect();
            let last = new.iter().map(|found| found.uid).max().unwrap_or(seen);
            Ok((new.into_iter().map(|found| found.name).collect::<Vec<_>>(), validity, last))
        })?;
        if names.len() > limits::LISTED_OBJECTS {
            return Err(TransportError::Forged(format!("{} objects in one box", names.len())));
        }
        let unique: BTreeSet<_> = names.into_iter().collect();
        let cursor = [validity.to_be_bytes(), last.to_be_bytes()].concat();
        Ok(Listing { names: unique.into_iter().collect(), cursor: Cursor(cursor) })
    }

    fn get(&mut self, name: &ObjectName) -> Result<Vec<u8>, TransportError> {
        let mut refusal = TransportError::Absent;
        for found in self.find(name)? {
            match self.fetch(&found).and_then(|object| name.check(&object).map(|()| object)) {
                Ok(object) => return Ok(object),
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    fn put(&mut self, object: &[u8]) -> Result<ObjectName, TransportError> {
        super::fits(object.len() as u64, limits::OBJECT_BYTES)?;
        let name = ObjectName::of(object);
        if self.get(&name).is_ok() {
            return Ok(name);
        }
        let mail = mail::write(object, &name, &self.box_name, now());
        self.with_session(async move |open, _| {
            if select(open).await?.is_none() {
                open.session.create(&open.folder).await?;
            }
            open.session.append(&open.folder, Some("(\\Seen)"), None, mail.as_bytes()).await
        })?;
        Ok(name)
    }

    fn wait(&mut self, cursor: &Cursor, limit: Duration) -> Result<(), TransportError> {
        let until = SystemTime::now() + limit;
        loop {
            if !self.list(cursor)?.names.is_empty() {
                return Ok(());
            }
            let left = until.duration_since(SystemTime::now()).unwrap_or_default();
            if left.is_zero() {
                return Ok(());
            }
            self.wait_for_change(left)?;
        }
    }

    fn remove(&mut self, name: &ObjectName) -> Result<(), TransportError> {
        let uids: Vec<String> = self.find(name)?.iter().map(|found| found.uid.to_string()).collect();
        if uids.is_empty() {
            return Ok(());
        }
        let uids = uids.join(",");
        self.with_session(async move |open, _| {
            open.session.uid_store(&uids, "+FLAGS.SILENT (\\Deleted)").await?.try_for_each(ignore).await?;
            if open.expunges {
                open.session.uid_expunge(&uids).await?.try_for_each(ignore).await?;
            }
            // Elsewhere it stays marked: what removes it would also remove the person's own marked mails.
            Ok(())
        })
    }
}

async fn ignore<T>(_: T) -> Result<(), Error> {
    Ok(())
}

impl ImapTransport {
    /// Sleeps until the server tells of a change, or for a while where it cannot.
    fn wait_for_change(&mut self, limit: Duration) -> Result<(), TransportError> {
        let Some(open) = self.open.take() else { return Ok(()) };
        if !open.idle {
            self.open = Some(open);
            std::thread::sleep(limit.min(limits::IMAP_POLL));
            return Ok(());
        }
        let Open { session, folder, idle, expunges } = open;
        let limit = limit.min(limits::IMAP_IDLE);
        let waited = async {
            let mut handle = session.idle();
            handle.init().await?;
            let (change, _stop) = handle.wait_with_timeout(limit);
            change.await?;
            handle.done().await
        };
        let waited = self.runtime.block_on(async { timeout(limit + self.patience, waited).await });
        match waited {
            Ok(Ok(session)) => self.open = Some(Open { session, folder, idle, expunges }),
            Ok(Err(error)) => return Err(told(&error)),
            Err(_) => return Err(slow()),
        }
        Ok(())
    }
}

/// What waits for the server, on this thread.
fn runtime() -> Result<Runtime, TransportError> {
    Builder::new_current_thread().enable_all().build().map_err(|error| TransportError::Io(error.to_string()))
}

/// Opens the folder and tells the validity of its numbers; nothing where there is no such folder.
async fn select(open: &mut Open) -> Result<Option<u32>, Error> {
    match open.session.select(&open.folder).await {
        Ok(folder) => Ok(Some(folder.uid_validity.unwrap_or_default())),
        Err(Error::No(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The mails of a range that say they are of this box.
async fn headers(open: &mut Open, box_name: &str, range: &str) -> Result<Vec<Found>, Error> {
    const QUERY: &str = "(UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])";
    let mut mails = open.session.uid_fetch(range, QUERY).await?;
    let mut found = Vec::new();
    while let Some(mail) = mails.try_next().await? {
        let deleted = mail.flags().any(|flag| flag == async_imap::types::Flag::Deleted);
        let name = mail.header().and_then(|header| name_in_header(header, box_name));
        if let (Some(uid), Some(size), Some(name), false) = (mail.uid, mail.size, name, deleted) {
            found.push(Found { uid, name, size });
        }
        if found.len() > limits::LISTED_OBJECTS {
            return Err(Error::Bad("an endless listing".into()));
        }
    }
    Ok(found)
}

fn place(cursor: &Cursor) -> (u32, u32) {
    let Ok(bytes) = <[u8; 8]>::try_from(cursor.0.as_slice()) else { return (0, 0) };
    let [a, b, c, d, e, f, g, h] = bytes;
    (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))
}

fn now() -> Time {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    Time::from_unix_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// What a server said, in as many words as a person reads.
fn told(error: &Error) -> TransportError {
    match error {
        Error::Io(error) => told_by_system(error),
        Error::ConnectionLost => TransportError::Unreachable("the mail server closed the connection".into()),
        Error::No(text) if text.contains("OVERQUOTA") => TransportError::Quota,
        Error::No(_) | Error::Bad(_) | Error::Append => {
            TransportError::Refused(error.to_string().chars().take(limits::IMAP_WORDS).collect())
        }
        _ => unreadable(),
    }
}

fn told_by_system(error: &io::Error) -> TransportError {
    match error.kind() {
        io::ErrorKind::InvalidData => TransportError::Forged(error.to_string()),
        // The library repeats all that it could not read.
        io::ErrorKind::Other => unreadable(),
        _ => TransportError::Unreachable(error.to_string()),
    }
}

fn slow() -> TransportError {
    TransportError::Unreachable("the mail server takes too long".into())
}

fn unreadable() -> TransportError {
    TransportError::Forged("the mail server's answer cannot be read".into())
}
