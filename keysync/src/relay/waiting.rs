//! Requests that wait until something comes into a box.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use super::store::BoxNumber;
use crate::limits::WAITERS;

/// Who waits, for which box.
#[derive(Debug, Default)]
pub struct Waiting {
    hall: Mutex<Hall>,
}

#[derive(Debug, Default)]
struct Hall {
    boxes: HashMap<BoxNumber, Bell>,
    /// Of all boxes together.
    waiters: usize,
}

#[derive(Debug)]
struct Bell {
    notify: Arc<Notify>,
    waiters: usize,
}

impl Waiting {
    /// One who waits. Nothing where too many do.
    pub(crate) fn join(self: &Arc<Self>, number: BoxNumber) -> Option<Waiter> {
        let mut hall = self.hall();
        if hall.waiters >= WAITERS {
            return None;
        }
        hall.waiters += 1;
        let bell = hall.boxes.entry(number).or_insert_with(|| Bell { notify: Arc::default(), waiters: 0 });
        bell.waiters += 1;
        Some(Waiter { notify: Arc::clone(&bell.notify), waiting: Arc::clone(self), number })
    }

    /// Something came into a box.
    pub fn wake(&self, number: BoxNumber) {
        if let Some(bell) = self.hall().boxes.get(&number) {
            bell.notify.notify_waiters();
        }
    }

    /// Perhaps something came into each.
    pub fn wake_all(&self) {
        self.hall().boxes.values().for_each(|bell| bell.notify.notify_waiters());
    }

    pub(crate) fn count(&self) -> usize {
        self.hall().waiters
    }

    fn hall(&self) -> MutexGuard<'_, Hall> {
        self.hall.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request that waits; it leaves when dropped.
pub(crate) struct Waiter {
    notify: Arc<Notify>,
    waiting: Arc<Waiting>,
    number: BoxNumber,
}

impl Waiter {
    /// Ends with the first bell after this call, also where that rings before anybody listens.
    pub(crate) fn bell(&self) -> OwnedNotified {
        Arc::clone(&self.notify).notified_owned()
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut hall = self.waiting.hall();
        hall.waiters = hall.waiters.saturating_sub(1);
        if let Some(bell) = hall.boxes.get_mut(&self.number) {
            bell.waiters -= 1;
            if bell.waiters == 0 {
                hall.boxes.remove(&self.number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiters_are_counted_whichever_box_they_wait_for() {
        let waiting = Arc::<Waiting>::default();
        let mut all: Vec<_> = (0..WAITERS).map(|_| waiting.join(BoxNumber(1))).collect();
        assert!(all.iter().all(Option::is_some));
        assert!(waiting.join(BoxNumber(1)).is_none());
        assert!(waiting.join(BoxNumber(2)).is_none());
        all.pop();
        assert!(waiting.join(BoxNumber(2)).is_some());
        drop(all);
        assert_eq!((waiting.count(), waiting.hall().boxes.len()), (0, 0));
    }
}
