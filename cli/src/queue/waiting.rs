//! Mail that waits for a key.

use super::log::{Event, EventKind};
use super::{Mail, Queue, QueueError, Which, report, schedule};
use crate::clock;
use crate::config::Config;

impl Mail {
    /// Whether it is time to ask again whether the key is there.
    pub(crate) fn is_due(&self, which: Which) -> bool {
        let now = clock::now().unix_seconds();
        let is_due = |tries, last| schedule::is_due(self.id.as_str(), tries, last, now);
        which == Which::All || self.standings.all().any(|standing| is_due(standing.tries, standing.last))
    }

    /// The key is not there yet. After the time of `[queue] give_up` it is waited for no more, and the sender is told.
    /// Whether it was given up.
    ///
    /// # Errors
    /// [`QueueError`]; then it waits on.
    pub(crate) fn waits_on(mut self, queue: &Queue, config: &Config, why: &str) -> Result<bool, QueueError> {
        let now = clock::now().unix_seconds();
        let is_over = schedule::is_over(self.committed.unix_seconds(), now, config.queue.give_up);
        let result = if is_over { EventKind::Refused } else { EventKind::Deferred };
        for unit in 0..self.units.len() {
            self.note(&Event { at: now, unit, recipients: None, result, reply: why.to_owned() })?;
        }
        if is_over {
            report::failure(config, &self);
            self.fail(queue)?;
        }
        Ok(is_over)
    }
}
