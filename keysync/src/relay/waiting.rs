//! Requests that wait until something comes into a box.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use super::store::BoxNumber;
use crate::limits::WAITERS;

/// Who waits, for which box.
#[derive(Debug, Default)]
pub struct Waiting {
    boxes: Mutex<HashMap<BoxNumber, Bell>>,
}

#[derive(Debug)]
struct Bell {
    notify: Arc<Notify>,
    waiters: usize,
}

impl Waiting {
    /// One who waits. Nothing where too many do.
    pub(crate) fn join(self: &Arc<Self>, number: BoxNumber) -> Option<Waiter> {
        let mut boxes = self.boxes.lock().unwrap_or_else(PoisonError::into_inner);
        if boxes.len() >= WAITERS && !boxes.contains_key(&number) {
            return None;
        }
        let bell = boxes.entry(number).or_insert_with(|| Bell { notify: Arc::default(), waiters: 0 });
        bell.waiters += 1;
        Some(Waiter { notify: Arc::clone(&bell.notify), waiting: Arc::clone(self), number })
    }

    /// Something came into a box.
    pub fn wake(&self, number: BoxNumber) {
        let boxes = self.boxes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = boxes.get(&number) {
            bell.notify.notify_waiters();
        }
    }

    /// Perhaps something came into each.
    pub fn wake_all(&self) {
        let boxes = self.boxes.lock().unwrap_or_else(PoisonError::into_inner);
        boxes.values().for_each(|bell| bell.notify.notify_waiters());
    }

    pub(crate) fn count(&self) -> usize {
        self.boxes.lock().unwrap_or_else(PoisonError::into_inner).values().map(|bell| bell.waiters).sum()
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
        let mut boxes = self.waiting.boxes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = boxes.get_mut(&self.number) {
            bell.waiters -= 1;
            if bell.waiters == 0 {
                boxes.remove(&self.number);
            }
        }
    }
}
