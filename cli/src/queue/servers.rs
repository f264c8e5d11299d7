//! Which servers are left in peace for a while: `servers/ACCOUNT`. One that cannot be reached costs one attempt, not one
//! for each mail that waits for it.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::schedule;

/// Bytes of such a file.
const BYTES: u64 = 4096;
/// Where the schedule begins when somebody has to do something: the next try is in an hour.
const TRIES_THAT_NEED_SOMEBODY: u32 = 4;

/// How the last attempts with the server of an account went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rest {
    tries: u32,
    last: i64,
    /// What went wrong.
    pub(crate) why: String,
    /// Whether the person has to do something, and was told.
    pub(super) is_reported: bool,
}

impl Rest {
    /// Of an account. A file that cannot be read is none.
    pub(super) fn read(directory: &Path, account: &str) -> Option<Self> {
        let file = super::open_regular(&directory.join(account), fs::OpenOptions::new().read(true)).ok()?;
        let mut text = String::new();
        file.take(BYTES).read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// After one more attempt that failed.
    pub(super) fn after(before: Option<Self>, now: i64, why: &str, needs_somebody: bool) -> Self {
        let tries = before.as_ref().map_or(0, |rest| rest.tries).saturating_add(1);
        let tries = if needs_somebody { tries.max(TRIES_THAT_NEED_SOMEBODY) } else { tries };
        let is_reported = before.is_some_and(|rest| rest.is_reported);
        Self { tries, last: now, why: why.chars().take(400).collect(), is_reported }
    }

    /// Whether the server is to be left in peace still.
    pub(super) fn holds(&self, account: &str, now: i64) -> bool {
        !schedule::is_due(account, self.tries, Some(self.last), now)
    }

    /// Writes it, whole or not at all. It is no harm where it fails: then one attempt more is made.
    pub(super) fn write(&self, directory: &Path, account: &str) {
        let write = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(directory)?;
            file.write_all(&serde_json::to_vec(self)?)?;
            file.persist(directory.join(account)).map(drop).map_err(|error| error.error)
        };
        let _ = write();
    }

    /// The server works again.
    pub(super) fn end(directory: &Path, account: &str) {
        let _ = fs::remove_file(directory.join(account));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_server_rests_longer_each_time_and_then_is_asked_again() {
        let directory = tempfile::tempdir().unwrap();
        let first = Rest::after(None, 1000, "down", false);
        assert!(first.holds("work", 1010) && !first.holds("work", 1100));
        let second = Rest::after(Some(first), 2000, "down", false);
        assert!(second.holds("work", 2100));
        second.write(directory.path(), "work");
        assert_eq!(Rest::read(directory.path(), "work"), Some(second));
        Rest::end(directory.path(), "work");
        assert_eq!(Rest::read(directory.path(), "work"), None);
    }

    #[test]
    fn a_wrong_password_is_not_tried_every_minute() {
        assert!(Rest::after(None, 1000, "535", true).holds("work", 1000 + 1800));
    }

    #[test]
    fn a_damaged_file_stops_nobody() {
        let directory = tempfile::tempdir().unwrap();
        for content in
            ["", "{}", "{\"tries\":1,\"last\":0,\"why\":\"\",\"is_reported\":false,\"more\":1}", "\0"]
        {
            fs::write(directory.path().join("work"), content).unwrap();
            assert_eq!(Rest::read(directory.path(), "work"), None, "{content}");
        }
    }
}
