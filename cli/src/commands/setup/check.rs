//! The mail to oneself: sent, and opened.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use counterseal_core::address::EmailAddress;

use crate::account::{self, Account};
use crate::commands::store::Unlock;
use crate::config::Config;
use crate::failure::Failure;
use crate::sendmail::{NotOpened, Trial};
use crate::smtp::{Outcome, Patience, Submission, Trouble};

/// How long one answer of the server is waited for: a person sits in front of it.
const ANSWER: Duration = Duration::from_secs(30);
/// How long a copy in the Maildir is waited for.
const ARRIVAL: Duration = Duration::from_secs(10);
/// Files of a Maildir that are looked at, and bytes of each.
const LOOKED_AT: usize = 1_000;
const COPY_BYTES: u64 = 256 << 10;

/// Which copy was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The one that came into this Maildir.
    Delivered(PathBuf),
    /// The one that was sent, octet for octet: where mail arrives, cseal cannot look.
    AsSent,
    /// The same, since nothing came into the Maildir in time.
    NotYet(PathBuf),
}

/// Logs in, sends the mail, and opens it.
///
/// # Errors
/// Each way that it fails, in one sentence, with what to do.
pub(super) fn check(address: &EmailAddress, how: &Unlock) -> Result<Seen, Failure> {
    let trial = Trial::seal(address, how)?;
    let config = Config::read()?;
    let account = account::choose(&config.accounts, Some(&trial.unit.account), None, None)?;
    let old = config.queue.maildir.as_deref().map(names).unwrap_or_default();
    send(address, account, &trial, config.queue.answer.min(ANSWER))?;
    let (copy, seen) = match config.queue.maildir.as_deref() {
        None => (None, Seen::AsSent),
        Some(maildir) => match arrived(maildir, &trial, &old) {
            Some(copy) => (Some(copy), Seen::Delivered(maildir.to_owned())),
            None => (None, Seen::NotYet(maildir.to_owned())),
        },
    };
    let opened = match copy {
        Some(copy) => trial.open(&mut Cursor::new(copy)),
        None => trial.open(&mut trial.message.reader()),
    };
    match opened? {
        Ok(()) => Ok(seen),
        Err(why) => Err(not_opened(why)),
    }
}

fn not_opened(why: NotOpened) -> Failure {
    let message = match why {
        NotOpened::OtherContent => "the mail to yourself opens, and holds something else than was sent",
        NotOpened::NotEncrypted => {
            "the mail to yourself is not encrypted: something on its way took the encryption off"
        }
        NotOpened::NotSigned => {
            "the mail to yourself opens, and its signature is not yours: something on its way changed it"
        }
    };
    Failure::no("check-failed", message)
        .hint("look at your keys with `cseal doctor`, and ask who runs the server whether it changes mail")
}

fn send(address: &EmailAddress, account: &Account, trial: &Trial, answer: Duration) -> Result<(), Failure> {
    let patience = Patience { answer, piece: answer, until: None };
    let mut submission =
        Submission::open(account, patience).map_err(|trouble| sentence(address, account, &trouble))?;
    let recipients: Vec<_> = trial.unit.recipients.iter().collect();
    let outcomes = submission.send(&trial.unit, &trial.message, &recipients);
    let outcomes = outcomes.map_err(|trouble| sentence(address, account, &trouble))?;
    submission.close();
    for outcome in outcomes {
        let message = match outcome {
            Outcome::Accepted(_) => continue,
            Outcome::Refused(reply) => format!("{} does not take your mail: {reply}", account.server),
            Outcome::Deferred(reply) => format!("{} does not take your mail now: {reply}", account.server),
            Outcome::Unknown(why) => format!("{} has your mail, or not: {why}", account.server),
        };
        return Err(Failure::no("server-refused", message)
            .hint(format!("its words say why; later, or when it is mended: cseal setup {address} --check")));
    }
    Ok(())
}

/// What is wrong with the server, or with us, and what to do.
fn sentence(address: &EmailAddress, account: &Account, trouble: &Trouble) -> Failure {
    let name = &account.name;
    let said = format!("[account.{name}]: {trouble}");
    let (failure, what) = match trouble {
        Trouble::Unreachable(_) | Trouble::Slow(_) | Trouble::Lost(_) => (
            Failure::unknown("unreachable", said),
            "is smtp in config.toml right, and does this network let its port through?",
        ),
        Trouble::Tls(_) => (
            Failure::unknown("tls", said),
            "nothing was sent; is smtp in config.toml the name that the provider says?",
        ),
        Trouble::Garbage(_) => {
            (Failure::unknown("bad-answer", said), "is the port of smtp in config.toml one for mail?")
        }
        Trouble::LogIn(_) => (
            Failure::unknown("log-in", said),
            "look at user and password in config.toml; some providers want a password for programs.",
        ),
        Trouble::Ours(_) => (Failure::unknown("no-password", said), "look at password in config.toml."),
        Trouble::Unwilling(_) | Trouble::Lacks(_) => {
            (Failure::no("server-refused", said), "its words say why.")
        }
    };
    failure.hint(format!("{what} Then: cseal setup {address} --check"))
}

/// The copy that came into the Maildir, waited for a while.
fn arrived(maildir: &Path, trial: &Trial, old: &[PathBuf]) -> Option<Vec<u8>> {
    let started = Instant::now();
    loop {
        for path in names(maildir).iter().filter(|path| !old.contains(path)) {
            let is_small = fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() <= COPY_BYTES);
            if let Some(bytes) = fs::read(path).ok().filter(|_| is_small) {
                let has_name = bytes
                    .windows(trial.unit.message_id.len())
                    .any(|window| window == trial.unit.message_id.as_bytes());
                if has_name {
                    return Some(bytes);
                }
            }
        }
        if started.elapsed() > ARRIVAL {
            return None;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Mails that nobody has read yet.
fn names(maildir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(maildir.join("new")) else { return Vec::new() };
    entries.filter_map(Result::ok).map(|entry| entry.path()).take(LOOKED_AT).collect()
}
