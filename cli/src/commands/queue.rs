//! `cseal queue`

mod machine;
mod visit;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

pub(crate) use machine::SpoolReport;

use counterseal_core::limits::LISTED_RECIPIENTS;

use super::remember;
use super::store::Unlock;
use crate::args::{self, QueueCommand};
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::lookup;
use crate::queue::{Box, Delivery, Flusher, Id, Queue, QueueError, Which, send_now};
use crate::render::queue::{self as render, Released};
use crate::sendmail;
use crate::system::Scope;
use visit::Visit;

/// How long root looks at the mail of one user, to list it.
const LISTING: Duration = Duration::from_secs(20);

/// Runs the sub-command that was typed.
pub(super) fn run(arguments: &args::Queue) -> Result<Exit, Failure> {
    match &arguments.command {
        QueueCommand::List(arguments) => list(arguments.report.json),
        QueueCommand::Show(arguments) => show(arguments),
        QueueCommand::Flush(arguments) => flush(arguments),
        QueueCommand::Drop(arguments) => discard(arguments),
        QueueCommand::Release(arguments) => release(arguments),
    }
}

/// The queue of this user; for root of a machine that sends for its users, those of all of them.
pub(crate) fn list(json: bool) -> Result<Exit, Failure> {
    let config = Config::of_caller()?;
    let (mut listing, mut resting, mut wrong) = (render::Listing::new(json), BTreeMap::new(), Vec::new());
    for user in Visit::all()? {
        let visit = match (Visit::of(user), user) {
            (Ok(visit), _) => visit,
            (Err(failure), Some(user)) => {
                wrong.push((user, failure.message));
                continue;
            }
            (Err(failure), None) => return Err(failure),
        };
        match (add_all(&mut listing, &visit.queue, user), user) {
            (Ok(()), _) => {}
            (Err(failure), Some(user)) => wrong.push((user, failure.message)),
            (Err(failure), None) => return Err(failure),
        }
        // Whoever has a spool could write there what is said of a server.
        let rests = config.accounts.iter().map(|account| (account.name.clone(), user));
        resting.extend(rests.filter_map(|row| visit.queue.rest(&row.0).map(|rest| (row, rest))));
    }
    render::list(&listing, &resting.into_iter().collect::<Vec<_>>(), &wrong)?;
    Ok(Exit::Done)
}

/// What a user put there does not keep root from seeing what others have there.
fn add_all(listing: &mut render::Listing, queue: &Queue, user: Option<u32>) -> Result<(), Failure> {
    let (begun, mut recipients) = (Instant::now(), 0);
    let is_too_much =
        |recipients| user.is_some() && (recipients > LISTED_RECIPIENTS || begun.elapsed() > LISTING);
    for place in Box::ALL {
        for id in queue.list(place)? {
            match queue.look_at(place, &id) {
                // It was sent, or dropped, between two lines.
                Err(QueueError::Missing) => {}
                found => recipients += listing.add(&id, place, user, &found),
            }
            if is_too_much(recipients) {
                return Err(Failure::unknown("limit", "there is more mail than is listed"));
            }
        }
    }
    Ok(())
}

fn show(arguments: &args::QueueShow) -> Result<Exit, Failure> {
    let (visit, id, place) = Visit::to(&arguments.id)?;
    let is_of_machine = Scope::of_caller()? == Scope::System;
    render::show(&visit.queue.look_at(place, &id)?, is_of_machine, arguments.report.json)?;
    Ok(Exit::Done)
}

fn flush(arguments: &args::QueueFlush) -> Result<Exit, Failure> {
    if arguments.background {
        // Whoever began us may end: the mail goes on.
        let _ = rustix::process::setsid();
        let _ = std::env::set_current_dir("/");
    }
    if arguments.remember {
        // Should this fail, the mail is sent all the same.
        let _ = remember::read(std::io::stdin().lock());
    }
    let which = if arguments.due { Which::Due } else { Which::All };
    match arguments.spool {
        Some(user) => machine::flush_one(user, which),
        None if arguments.system => for_all(which, arguments.report.json),
        None => flush_now(which, arguments.report.json),
    }
}

fn for_all(which: Which, json: bool) -> Result<Exit, Failure> {
    if lookup::is_forbidden() {
        return Err(offline());
    }
    machine::flush_all(which, json)
}

fn offline() -> Failure {
    Failure::unknown("offline", "nothing is asked of the network, so nothing is sent")
}

/// Sends, and says what came of it. The exit code of a timer is about the queue, not about servers.
pub(crate) fn flush_now(which: Which, json: bool) -> Result<Exit, Failure> {
    if lookup::is_forbidden() {
        return Err(offline());
    }
    if Scope::of_caller()? == Scope::System {
        // Only root can send, and does so by itself: who has it tried when it is due need not know.
        let is_root = rustix::process::geteuid().is_root();
        return if which == Which::Due && !is_root {
            Ok(Exit::Done)
        } else {
            machine::flush_all(which, json)
        };
    }
    let queue = Queue::of_user()?;
    let config = Config::read()?;
    let given_up = release_waiting(&queue, &config, which)?;
    let mut flusher = Flusher::new(&queue, &config, which);
    let summary = flusher.run();
    flusher.close();
    let mut summary = summary?;
    summary.failed += given_up;
    let is_quiet = which == Which::Due && !json && summary.damaged.is_empty();
    if !is_quiet {
        render::flushed(&summary, json)?;
    }
    Ok(match which {
        _ if !summary.damaged.is_empty() => Exit::Unknown,
        Which::All if summary.queued + summary.failed > 0 => Exit::No,
        Which::All | Which::Due => Exit::Done,
    })
}

/// Puts what waits for a key into the queue, where the key is there now. How many are waited for no more.
fn release_waiting(queue: &Queue, config: &Config, which: Which) -> Result<usize, Failure> {
    let mut given_up = 0;
    for id in queue.list(Box::Held)? {
        // Whoever cannot be read, or is worked on by somebody else, keeps no other.
        let Ok(held) = queue.take(Box::Held, &id) else { continue };
        if !held.waits || !held.is_due(which) {
            continue;
        }
        let Some(unit) = held.units.first() else { continue };
        match sendmail::release(queue, unit, &held.message(0), None) {
            Ok(_) => held.remove()?,
            Err(failure) => given_up += usize::from(held.waits_on(queue, config, &failure.message)?),
        }
    }
    Ok(given_up)
}

fn discard(arguments: &args::QueueDrop) -> Result<Exit, Failure> {
    // All or none of them, as far as names go.
    let found = arguments.ids.iter().map(|typed| Visit::to(typed).map(|(_, id, _)| id));
    let ids = found.collect::<Result<Vec<Id>, _>>()?;
    for id in &ids {
        let (visit, id, _) = Visit::to(id.as_str())?;
        visit.queue.discard(&id)?;
    }
    render::dropped(&ids, arguments.report.json)?;
    Ok(Exit::Done)
}

/// Sends what was held, up to the first that cannot go.
fn release(arguments: &args::QueueRelease) -> Result<Exit, Failure> {
    let how = Unlock::from_options(&arguments.passphrase);
    let mut released = Vec::new();
    let outcome = arguments.ids.iter().try_for_each(|typed| {
        released.push(release_one(typed, &how)?);
        Ok(())
    });
    if !released.is_empty() {
        render::released(&released, arguments.report.json)?;
    }
    outcome.map(|()| Exit::Done)
}

fn release_one(typed: &str, how: &Unlock) -> Result<Released, Failure> {
    let (visit, id, place) = Visit::to(typed)?;
    let queue = &visit.queue;
    if place != Box::Held {
        return Err(Failure::no("not-held", format!("{id} is not held: it is in {}", place.word())));
    }
    let held = queue.take(place, &id)?;
    let unit = held.units.first().ok_or_else(|| Failure::from(QueueError::Missing))?;
    let id = sendmail::release(queue, unit, &held.message(0), Some(how))?;
    // Should this fail, the mail could be released twice; better than not at all.
    held.remove()?;
    let delivery = first_try(queue, &id)?;
    Ok(Released { id, delivery })
}

/// Tries to send what a person released. On a machine that sends for its users the timer of root does it, and where nothing
/// is asked of the network a later flush; then it is nothing.
fn first_try(queue: &Queue, id: &Id) -> Result<Option<Delivery>, Failure> {
    if lookup::is_forbidden() || Scope::of_caller()? == Scope::System {
        return Ok(None);
    }
    Ok(send_now(queue, &Config::read()?, id).ok())
}

impl From<QueueError> for Failure {
    fn from(error: QueueError) -> Self {
        let message = error.to_string();
        match error {
            QueueError::Full(_) | QueueError::Quota { .. } => Self::unknown("queue-full", message)
                .hint("see what is there with `cseal queue list`, and throw away what you do not need: cseal queue drop"),
            QueueError::TooLarge(_) => Self::unknown("limit", message),
            QueueError::Malformed(_) => Self::unknown("malformed", message),
            QueueError::Unsafe(..) => Self::unknown("queue-unsafe", message),
            QueueError::Damaged(..) => Self::unknown("queue-damaged", message)
                .hint("look at the file; `cseal queue drop` throws it away"),
            QueueError::Busy => Self::no("queue-busy", message),
            QueueError::Missing => Self::no("no-such-mail", message),
            QueueError::Io(..) => Self::unknown("io", message),
        }
    }
}
