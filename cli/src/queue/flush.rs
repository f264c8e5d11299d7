//! Sends what is due.

mod for_somebody;

use std::collections::BTreeMap;
use std::io;
use std::process::{ChildStdin, Command, Stdio};
use std::time::Instant;
use std::{env, fs};

use counterseal_core::address::EmailAddress;
use counterseal_core::policy::Policy;

use super::log::{Event, EventKind, Settled};
use super::servers::Rest;
use super::{Box, Id, Mail, Queue, QueueError, Stored, Unit, report, schedule};
use crate::account::Account;
use crate::clock;
use crate::config::Config;
use crate::smtp::{Outcome, Patience, RECIPIENTS_AT_ONCE, Submission, Trouble};
use for_somebody::as_ourselves;

/// Connections of one account that may be lost in the middle of a mail before the account's other mails wait.
const LOSSES: u32 = 3;

/// What became of one mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The server has it, for everybody.
    Sent,
    /// It stays in the queue, and this is why.
    Queued(String),
    /// Some recipients will never get it; the sender was told where that is possible.
    Failed {
        /// Who, and what was said.
        refused: Vec<(EmailAddress, String)>,
        /// Whether anybody got it.
        is_partial: bool,
    },
}

/// Which mails are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those whose time has come, by servers that are not left in peace.
    Due,
    /// All.
    All,
}

/// What one run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) sent: usize,
    pub(crate) queued: usize,
    pub(crate) failed: usize,
    /// Mails that could not be worked on, and why.
    pub(crate) damaged: Vec<(Id, String)>,
    /// Accounts whose server could not be used, and why.
    pub(crate) troubles: Vec<(String, String)>,
}

/// Sends mails, one after the other, over connections that it keeps.
pub(crate) struct Flusher<'a> {
    queue: &'a Queue,
    config: &'a Config,
    patience: Patience,
    which: Which,
    open: BTreeMap<&'a str, Submission<'a>>,
    losses: BTreeMap<&'a str, u32>,
    stopped: BTreeMap<&'a str, String>,
    /// Accounts for which some mail was not sent, as what would become of it could not be written down.
    without_room: BTreeMap<&'a str, String>,
    /// What the administrator demands of mail that others handed in; nothing for one's own.
    demands: Option<&'a Policy>,
    /// After that no further mail is begun.
    until: Option<Instant>,
}

impl<'a> Flusher<'a> {
    /// For a whole run, which nobody waits for.
    pub(crate) fn new(queue: &'a Queue, config: &'a Config, which: Which) -> Self {
        let answer = config.queue.answer;
        let patience = Patience { answer, piece: answer, until: None };
        let (open, losses, stopped, without_room) = Default::default();
        Self {
            queue,
            config,
            patience,
            which,
            open,
            losses,
            stopped,
            without_room,
            demands: None,
            until: None,
        }
    }

    /// For a mail that was just committed, whose sender waits.
    pub(crate) fn first_try(queue: &'a Queue, config: &'a Config) -> Self {
        let mut flusher = Self::new(queue, config, Which::Due);
        // A message that moves is waited for, however large it is; one that does not is tried again later.
        flusher.patience.piece = config.queue.first_try.min(config.queue.answer);
        flusher.patience.until = Instant::now().checked_add(config.queue.first_try);
        flusher
    }

    /// Sends all of `new`, oldest first. What is wrong with one mail keeps no other one.
    ///
    /// # Errors
    /// [`QueueError::Io`] where the queue itself cannot be read.
    pub(crate) fn run(&mut self) -> Result<Summary, QueueError> {
        self.queue.sweep();
        let mut summary = Summary::default();
        for id in self.queue.list(Box::New)? {
            if self.until.is_some_and(|until| Instant::now() >= until) {
                summary.queued += 1;
                continue;
            }
            match self.deliver(&id) {
                Ok(Delivery::Sent) => summary.sent += 1,
                Ok(Delivery::Queued(_)) | Err(QueueError::Busy | QueueError::Full(_)) => summary.queued += 1,
                Ok(Delivery::Failed { .. }) => summary.failed += 1,
                // Somebody else sent or dropped it meanwhile.
                Err(QueueError::Missing) => {}
                Err(error) => summary.damaged.push((id, error.to_string())),
            }
        }
        let troubles = self.stopped.iter().chain(&self.without_room);
        summary.troubles = troubles.map(|(name, why)| ((*name).to_owned(), why.clone())).collect();
        Ok(summary)
    }

    /// Sends one mail of `new`.
    ///
    /// # Errors
    /// [`QueueError`]; the mail is as it was.
    pub(crate) fn deliver(&mut self, id: &Id) -> Result<Delivery, QueueError> {
        let mut mail = self.queue.take(Box::New, id)?;
        let tried = (0..mail.units.len()).try_for_each(|unit| self.send_unit(&mut mail, unit));
        // What all have can go, even where a full disk kept us from noting it; else it would be sent twice.
        if tried.is_err() && !mail.has_reached_all() {
            tried?;
        }
        self.give_up(&mut mail)?;
        self.conclude(mail)
    }

    /// Tries one copy with those of its recipients whose time has come.
    fn send_unit(&mut self, mail: &mut Mail, index: usize) -> Result<(), QueueError> {
        let now = clock::now().unix_seconds();
        let due = self.due(mail, index, now);
        if due.is_empty() {
            return Ok(());
        }
        let Some(unit) = mail.units.get(index).cloned() else { return Ok(()) };
        let account = match self.account_of(&unit) {
            Ok(account) => account,
            Err(why) => return note(mail, index, due, EventKind::Deferred, &why),
        };
        if let Err(why) = self.connect(account) {
            return note(mail, index, due, EventKind::Deferred, &why);
        }
        let message = self.message(mail, index)?;
        if let Err(why) = self.check(&unit, &message) {
            return note(mail, index, due, EventKind::Deferred, &why);
        }
        let mut open = due.chunks(RECIPIENTS_AT_ONCE);
        while let Some(some) = open.next() {
            if let Err(error) = mail.make_room() {
                self.without_room.insert(account.name.as_str(), error.to_string());
                return Ok(());
            }
            if let Some(trouble) = self.send_to_some(account, mail, &unit, (index, &message), some)? {
                let rest = some.iter().chain(open.flatten()).copied().collect();
                return note(mail, index, rest, EventKind::Deferred, &trouble.to_string());
            }
        }
        Ok(())
    }

    /// One transaction, noted before the next one begins: who has the mail must not get it again, whatever happens then.
    fn send_to_some(
        &mut self,
        account: &'a Account,
        mail: &mut Mail,
        unit: &Unit,
        (index, message): (usize, &Stored),
        places: &[usize],
    ) -> Result<Option<Trouble>, QueueError> {
        let recipients: Vec<_> = places.iter().filter_map(|place| unit.recipients.get(*place)).collect();
        let lost = Trouble::Lost("before the message");
        let Some(submission) = self.open.get_mut(account.name.as_str()) else { return Ok(Some(lost)) };
        let sent = as_ourselves(|| submission.send(unit, message, &recipients));
        match sent.unwrap_or(Err(lost)) {
            Ok(outcomes) => {
                if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Unknown(_))) {
                    self.lose(account, None);
                }
                note_outcomes(mail, index, places, outcomes)?;
                Ok(None)
            }
            Err(trouble) => {
                self.lose(account, Some(&trouble));
                Ok(Some(trouble))
            }
        }
    }

    fn due(&self, mail: &Mail, unit: usize, now: i64) -> Vec<usize> {
        let is_due =
            |tries, last| self.which == Which::All || schedule::is_due(mail.id.as_str(), tries, last, now);
        let standings = mail.standing(unit).iter().enumerate();
        let open = standings.filter(|(_, standing)| standing.settled.is_none());
        open.filter(|(_, standing)| is_due(standing.tries, standing.last)).map(|(place, _)| place).collect()
    }

    /// Has a connection to the server of an account.
    fn connect(&mut self, account: &'a Account) -> Result<(), String> {
        let name = account.name.as_str();
        if self.open.contains_key(name) {
            return Ok(());
        }
        if let Some(why) = self.stopped.get(name) {
            return Err(why.clone());
        }
        let servers = self.queue.servers();
        let before = Rest::read(&servers, name);
        let now = clock::now().unix_seconds();
        if let Some(rest) = before.as_ref().filter(|rest| self.which == Which::Due && rest.holds(name, now)) {
            self.stopped.insert(name, rest.why.clone());
            return Err(rest.why.clone());
        }
        let opened = as_ourselves(|| Submission::open(account, self.patience));
        match opened.unwrap_or_else(|why| Err(Trouble::Ours(why))) {
            Ok(submission) => {
                Rest::end(&servers, name);
                self.open.insert(name, submission);
                Ok(())
            }
            Err(trouble) => Err(self.stop(account, &trouble, before)),
        }
    }

    /// Leaves the server of an account in peace, and tells the person once where somebody has to do something.
    fn stop(&mut self, account: &'a Account, trouble: &Trouble, before: Option<Rest>) -> String {
        let why = trouble.to_string();
        let needs_somebody = trouble.needs_somebody();
        let mut rest = Rest::after(before, clock::now().unix_seconds(), &why, needs_somebody);
        if needs_somebody && !rest.is_reported {
            rest.is_reported = as_ourselves(|| report::account(self.config, account, &why)).unwrap_or(false);
        }
        rest.write(&self.queue.servers(), &account.name);
        self.stopped.insert(&account.name, why.clone());
        why
    }

    /// A connection is gone. One mail that brings a server down must not keep the others; a server that always goes down must.
    fn lose(&mut self, account: &'a Account, trouble: Option<&Trouble>) {
        let name = account.name.as_str();
        self.open.remove(name);
        let losses = self.losses.entry(name).or_default();
        *losses += 1;
        let is_of_this_mail = trouble.is_none_or(Trouble::is_of_this_mail) && *losses < LOSSES;
        if !is_of_this_mail {
            let trouble = trouble.cloned().unwrap_or(Trouble::Lost("after the final dot"));
            let before = Rest::read(&self.queue.servers(), name);
            self.stop(account, &trouble, before);
        }
    }

    /// Ends what nobody took for too long.
    fn give_up(&self, mail: &mut Mail) -> Result<(), QueueError> {
        let now = clock::now().unix_seconds();
        if !schedule::is_over(mail.committed.unix_seconds(), now, self.config.queue.give_up) {
            return Ok(());
        }
        for unit in 0..mail.units.len() {
            let open =
                mail.standing(unit).iter().enumerate().filter(|(_, standing)| standing.settled.is_none());
            let open: Vec<(usize, String)> =
                open.map(|(place, standing)| (place, standing.reply.clone())).collect();
            for (reply, places) in grouped(open) {
                let text =
                    format!("given up after {} h: {reply}", self.config.queue.give_up.as_secs() / 3600);
                note(mail, unit, places, EventKind::Refused, &text)?;
            }
        }
        Ok(())
    }

    /// Removes what everybody has, reports what somebody will never have, and leaves the rest.
    fn conclude(&self, mut mail: Mail) -> Result<Delivery, QueueError> {
        if mail.standings.all().any(|standing| standing.settled.is_none()) {
            let why = mail.standings.all().filter(|standing| standing.settled.is_none());
            let why = why.map(|standing| standing.reply.clone()).max().unwrap_or_default();
            self.report_delay(&mut mail)?;
            return Ok(Delivery::Queued(why));
        }
        if mail.has_reached_all() {
            mail.remove()?;
            return Ok(Delivery::Sent);
        }
        let is_partial = mail.standings.all().any(|standing| standing.settled == Some(Settled::Accepted));
        let refused = mail.refused();
        // A report that cannot be written is no reason to lose the mail: it goes to `failed` in any case.
        let _ = as_ourselves(|| report::failure(self.config, &mail));
        mail.fail(self.queue)?;
        Ok(Delivery::Failed { refused, is_partial })
    }

    fn report_delay(&self, mail: &mut Mail) -> Result<(), QueueError> {
        let now = clock::now().unix_seconds();
        let is_late = now.saturating_sub(mail.committed.unix_seconds()) >= schedule::DELAY_SECONDS;
        let is_reported = mail.standings.all().any(|standing| standing.is_reported);
        if !is_late || is_reported || !as_ourselves(|| report::delay(self.config, mail)).unwrap_or(false) {
            return Ok(());
        }
        for unit in 0..mail.units.len() {
            mail.note(&Event {
                at: now,
                unit,
                recipients: None,
                result: EventKind::Reported,
                reply: String::new(),
            })?;
        }
        Ok(())
    }

    /// Says good-bye to all servers.
    pub(crate) fn close(self) {
        self.open.into_values().for_each(Submission::close);
    }
}

fn note_outcomes(
    mail: &mut Mail,
    unit: usize,
    due: &[usize],
    outcomes: Vec<Outcome>,
) -> Result<(), QueueError> {
    let said = due.iter().zip(outcomes).map(|(place, outcome)| {
        let said = match outcome {
            Outcome::Accepted(reply) => (EventKind::Accepted, reply.to_string()),
            Outcome::Refused(reply) => (EventKind::Refused, reply.to_string()),
            Outcome::Deferred(reply) => (EventKind::Deferred, reply.to_string()),
            Outcome::Unknown(why) => (EventKind::Unknown, why),
        };
        (*place, said)
    });
    let mut noted = Ok(());
    for ((kind, reply), places) in grouped(said) {
        noted = noted.and(note(mail, unit, places, kind, &reply));
    }
    noted
}

/// The places that have the same value, by value.
fn grouped<T: Ord>(pairs: impl IntoIterator<Item = (usize, T)>) -> BTreeMap<T, Vec<usize>> {
    let mut groups: BTreeMap<T, Vec<usize>> = BTreeMap::new();
    for (place, value) in pairs {
        groups.entry(value).or_default().push(place);
    }
    groups
}

fn note(
    mail: &mut Mail,
    unit: usize,
    recipients: Vec<usize>,
    result: EventKind,
    reply: &str,
) -> Result<(), QueueError> {
    if recipients.is_empty() {
        return Ok(());
    }
    let at = clock::now().unix_seconds();
    mail.note(&Event { at, unit, recipients: Some(recipients), result, reply: reply.to_owned() })
}

/// Tries a mail that was just committed, while its sender waits.
///
/// # Errors
/// As [`Flusher::deliver`]; the mail is in the queue all the same.
pub(crate) fn send_now(queue: &Queue, config: &Config, id: &Id) -> Result<Delivery, QueueError> {
    let mut flusher = Flusher::first_try(queue, config);
    let delivery = flusher.deliver(id);
    flusher.close();
    delivery
}

/// Has what is due sent by a process of its own, which nobody waits for. Where it cannot be begun, the next one or the
/// timer does it.
pub(crate) fn flush_soon(is_of_machine: bool) {
    let spawned = background().map(|mut command| command.args(is_of_machine.then_some("--system")).spawn());
    drop(spawned);
}

/// The same, and what `remember` writes is told to the history before.
///
/// # Errors
/// Where the process cannot be begun, or does not listen.
pub(crate) fn remember_and_flush_soon(remember: impl FnOnce(ChildStdin) -> io::Result<()>) -> io::Result<()> {
    let mut child = background()?.arg("--remember").stdin(Stdio::piped()).spawn()?;
    child.stdin.take().map_or(Ok(()), remember)
}

fn background() -> io::Result<Command> {
    let mut command = Command::new(env::current_exe()?.with_file_name("cseal"));
    command.args(["queue", "flush", "--due", "--background"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command)
}

impl Mail {
    fn has_reached_all(&self) -> bool {
        self.standings.all().all(|standing| standing.settled == Some(Settled::Accepted))
    }

    /// Who will never get it, and what was said.
    pub(crate) fn refused(&self) -> Vec<(EmailAddress, String)> {
        self.settled_as(Some(Settled::Refused))
    }

    /// Who may still get it, and what was said last.
    pub(crate) fn waiting(&self) -> Vec<(EmailAddress, String)> {
        self.settled_as(None)
    }

    /// Who has it.
    pub(crate) fn accepted(&self) -> Vec<(EmailAddress, String)> {
        self.settled_as(Some(Settled::Accepted))
    }

    fn settled_as(&self, end: Option<Settled>) -> Vec<(EmailAddress, String)> {
        let mut found = Vec::new();
        for (index, unit) in self.units.iter().enumerate() {
            let pairs = unit.recipients.iter().zip(self.standing(index));
            let pairs = pairs.filter(|(_, standing)| standing.settled == end);
            found.extend(
                pairs.map(|(recipient, standing)| (recipient.address.clone(), standing.reply.clone())),
            );
        }
        found
    }
}

impl Queue {
    /// Removes what a writer left that died, and puts a log where its mail is.
    fn sweep(&self) {
        for entry in self.entries(super::TMP) {
            if super::is_abandoned(&entry) {
                let _ = fs::remove_file(entry);
            }
        }
        for log in self.entries(Box::New.word()) {
            let name = log.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            let Some(id) = name.strip_suffix(".log").and_then(Id::parse) else { continue };
            // A mail that is being written has its log already. Looked at in the order in which it moves, it is not missed.
            let temporary = self.directory.join(super::TMP).join(id.as_str());
            if !temporary.exists() && !self.path(Box::New, &id).exists() {
                let failed = self.path(Box::Failed, &id);
                let _ = if failed.exists() {
                    fs::rename(log, failed.with_extension("log"))
                } else {
                    fs::remove_file(log)
                };
            }
        }
    }
}
