//! What became of the tries of a mail: a line for each event, on the disk before anything else happens.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use counterseal_core::limits;
use rustix::fs::FallocateFlags;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::file::hexadecimal;

/// Digits before each line.
const CHECK_DIGITS: usize = 8;
/// Bytes that are kept free for the next events of a mail.
const ROOM_BYTES: u64 = 4 << 10;

/// What happened to some recipients of one copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Event {
    /// In Unix seconds.
    pub(super) at: i64,
    /// Which copy.
    pub(super) unit: usize,
    /// Which of its recipients; all that are still open, where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) recipients: Option<Vec<usize>>,
    pub(super) result: EventKind,
    /// What the server said, or what we say in its place.
    pub(super) reply: String,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum EventKind {
    Accepted,
    Refused,
    Deferred,
    Unknown,
    Reported,
}

/// How one recipient stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Settled one way or the other; nothing while it is open.
    pub(super) settled: Option<Settled>,
    /// Tries that settled nothing.
    pub(super) tries: u32,
    /// When the last one was.
    pub(super) last: Option<i64>,
    /// What was said last.
    pub(super) reply: String,
    /// Whether a delay was reported.
    pub(super) is_reported: bool,
}

/// An end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    Accepted,
    Refused,
}

impl Standing {
    fn hear(&mut self, event: &Event) {
        // What was settled stays so, whatever comes after it.
        if self.settled.is_some() {
            return;
        }
        match event.result {
            EventKind::Accepted => self.settled = Some(Settled::Accepted),
            EventKind::Refused => self.settled = Some(Settled::Refused),
            EventKind::Deferred | EventKind::Unknown => {
                self.tries = self.tries.saturating_add(1);
                self.last = Some(event.at);
            }
            EventKind::Reported => {
                self.is_reported = true;
                return;
            }
        }
        self.reply.clone_from(&event.reply);
    }
}

/// How all recipients of all copies stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standings(Vec<Vec<Standing>>);

impl Standings {
    /// Before any event, for copies with so many recipients.
    pub(super) fn new(recipients: impl Iterator<Item = usize>) -> Self {
        Self(recipients.map(|count| vec![Standing::default(); count]).collect())
    }

    /// Takes an event into account. One about what the mail does not have is passed over.
    pub(super) fn hear(&mut self, event: &Event) {
        let Some(unit) = self.0.get_mut(event.unit) else { return };
        match &event.recipients {
            None => unit.iter_mut().for_each(|standing| standing.hear(event)),
            Some(recipients) => {
                for recipient in recipients {
                    if let Some(standing) = unit.get_mut(*recipient) {
                        standing.hear(event);
                    }
                }
            }
        }
    }

    /// Those of one copy.
    pub(super) fn unit(&self, unit: usize) -> &[Standing] {
        self.0.get(unit).map_or(&[], Vec::as_slice)
    }

    /// All, whatever copy they belong to.
    pub(super) fn all(&self) -> impl Iterator<Item = &Standing> {
        self.0.iter().flatten()
    }
}

/// Makes sure that the next events find room, so that nobody gets a mail twice because it cannot be written down that they
/// have it. Where a file system cannot promise room, nothing is promised.
pub(super) fn make_room(path: &Path) -> io::Result<()> {
    let file = open(path)?;
    let length = file.metadata()?.len();
    match rustix::fs::fallocate(&file, FallocateFlags::KEEP_SIZE, length, ROOM_BYTES) {
        Err(error @ (Errno::NOSPC | Errno::DQUOT)) => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn open(path: &Path) -> io::Result<File> {
    super::open_regular(path, OpenOptions::new().read(true).append(true).create(true).mode(0o600))
}

/// Adds an event to the file, and has it on the disk.
pub(super) fn append(path: &Path, event: &Event) -> io::Result<()> {
    let mut file = open(path)?;
    let is_new = file.metadata()?.len() == 0;
    let json = serde_json::to_string(event)?;
    let mut line = String::new();
    if !ends_a_line(&file)? {
        line.push('\n');
    }
    line.push_str(&format!("{} {json}\n", check(json.as_bytes())));
    file.write_all(line.as_bytes())?;
    file.sync_all()?;
    match path.parent() {
        Some(directory) if is_new => File::open(directory)?.sync_all(),
        _ => Ok(()),
    }
}

fn ends_a_line(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::FileExt;
    let length = file.metadata()?.len();
    let mut last = [b'\n'];
    if let Some(place) = length.checked_sub(1) {
        file.read_exact_at(&mut last, place)?;
    }
    Ok(last == *b"\n")
}

/// The events of the file, in their order; none where there is no file. What is torn, or not ours, is passed over: at
/// worst something is tried once more.
pub(super) fn read(path: &Path, mut hear: impl FnMut(&Event)) -> io::Result<()> {
    let file = match super::open_regular(path, OpenOptions::new().read(true)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    let mut input = BufReader::new(file.take(limits::QUEUE_LOG_BYTES));
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut input).take(limits::QUEUE_LOG_LINE_BYTES as u64).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if let Some(event) = parse(&line) {
            hear(&event);
        }
    }
}

fn parse(line: &[u8]) -> Option<Event> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let (digits, rest) = line.split_at_checked(CHECK_DIGITS)?;
    let json = rest.strip_prefix(b" ")?;
    let is_ours = digits == check(json).as_bytes();
    let mut event: Event = is_ours.then(|| serde_json::from_slice(json).ok())??;
    if let Some((end, _)) = event.reply.char_indices().nth(limits::QUEUE_REPLY_CHARACTERS) {
        event.reply.truncate(end);
        event.reply.shrink_to_fit();
    }
    Some(event)
}

fn check(json: &[u8]) -> String {
    hexadecimal(&Sha256::digest(json)).chars().take(CHECK_DIGITS).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use std::fs;

    use super::*;

    fn event(recipients: &[usize], result: EventKind) -> Event {
        Event { at: 7, unit: 0, recipients: Some(recipients.to_vec()), result, reply: "250 ok".to_owned() }
    }

    fn events(path: &Path) -> Vec<Event> {
        let mut found = Vec::new();
        read(path, |event| found.push(event.clone())).unwrap();
        found
    }

    #[test]
    fn a_torn_line_costs_no_other_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        assert_eq!(events(&path), []);
        append(&path, &event(&[0], EventKind::Accepted)).unwrap();
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() - 1 {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(events(&path), [], "{length}");
            append(&path, &event(&[1], EventKind::Deferred)).unwrap();
            assert_eq!(events(&path), [event(&[1], EventKind::Deferred)], "{length}");
        }
    }

    #[test]
    fn what_nobody_wrote_is_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        fs::write(&path, b"\n00000000 {}\nffffffff\n\xff\xff\xff\xff\xff\xff\xff\xff \xff\n").unwrap();
        append(&path, &event(&[0], EventKind::Refused)).unwrap();
        assert_eq!(events(&path), [event(&[0], EventKind::Refused)]);
    }

    #[test]
    fn of_a_long_reply_the_beginning_is_remembered() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        append(&path, &Event { reply: "\u{fc}".repeat(10_000), ..event(&[0], EventKind::Deferred) }).unwrap();
        assert_eq!(events(&path)[0].reply, "\u{fc}".repeat(limits::QUEUE_REPLY_CHARACTERS));
    }

    #[test]
    fn what_is_settled_stays_so_and_the_rest_counts_its_tries() {
        let mut standings = Standings::new([2].into_iter());
        standings.hear(&event(&[0], EventKind::Accepted));
        standings.hear(&Event { recipients: None, ..event(&[], EventKind::Deferred) });
        standings.hear(&event(&[0, 1, 9], EventKind::Unknown));
        standings.hear(&Event { unit: 5, ..event(&[0], EventKind::Refused) });
        assert_eq!(standings.unit(0)[0].settled, Some(Settled::Accepted));
        assert_eq!((standings.unit(0)[1].settled, standings.unit(0)[1].tries), (None, 2));
    }
}
