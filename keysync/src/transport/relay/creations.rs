//! What a client remembers of the boxes that it asked a relay to create, however many transports it makes: a relay that
//! never has what was created, and wants work each time, costs its clients little.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::Result;
use crate::limits::{CREATION_MEMORY, WORK_TIME};

/// For one relay.
#[derive(Default)]
pub(super) struct Creations {
    asked: BTreeMap<[u8; 16], Asked>,
    work: Option<Work>,
}

struct Asked {
    at: Instant,
    result: Result<()>,
}

struct Work {
    since: Instant,
    took: Duration,
}

impl Creations {
    /// What came of it when this box was last to be created, if that is not long ago.
    pub(super) fn recall(&mut self, id: &[u8; 16], now: Instant) -> Option<Result<()>> {
        self.asked.retain(|_, asked| now.saturating_duration_since(asked.at) < CREATION_MEMORY);
        self.asked.get(id).map(|asked| asked.result.clone())
    }

    /// Remembers what came of it.
    pub(super) fn note(&mut self, id: &[u8; 16], now: Instant, result: &Result<()>) {
        self.asked.insert(*id, Asked { at: now, result: result.clone() });
    }

    /// How long may be worked for this relay now.
    pub(super) fn time_for_work(&mut self, now: Instant) -> Duration {
        self.work.take_if(|work| now.saturating_duration_since(work.since) >= CREATION_MEMORY);
        WORK_TIME.saturating_sub(self.work.as_ref().map_or(Duration::ZERO, |work| work.took))
    }

    /// Notes that it was worked for so long.
    pub(super) fn worked(&mut self, since: Instant, took: Duration) {
        let work = self.work.get_or_insert(Work { since, took: Duration::ZERO });
        work.took = work.took.saturating_add(took);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::TransportError;

    #[test]
    fn what_came_of_it_is_known_for_a_while() {
        let (mut creations, begun) = (Creations::default(), Instant::now());
        creations.note(&[1; 16], begun, &Err(TransportError::Absent));
        let soon = begun + CREATION_MEMORY.saturating_sub(Duration::from_secs(1));
        assert_eq!(creations.recall(&[1; 16], soon), Some(Err(TransportError::Absent)));
        assert_eq!(creations.recall(&[2; 16], soon), None);
        assert_eq!(creations.recall(&[1; 16], begun + CREATION_MEMORY), None);
        assert!(creations.asked.is_empty());
    }

    #[test]
    fn the_time_for_work_is_for_all_boxes_of_a_relay_together() {
        let (mut creations, begun) = (Creations::default(), Instant::now());
        let second = Duration::from_secs(1);
        assert_eq!(creations.time_for_work(begun), WORK_TIME);
        creations.worked(begun, second);
        creations.worked(begun + second, second);
        assert_eq!(creations.time_for_work(begun + 2 * second), WORK_TIME.saturating_sub(2 * second));
        creations.worked(begun, WORK_TIME);
        assert_eq!(creations.time_for_work(begun + 3 * second), Duration::ZERO);
        assert_eq!(creations.time_for_work(begun + CREATION_MEMORY), WORK_TIME);
    }
}
