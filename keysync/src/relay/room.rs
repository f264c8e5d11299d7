//! Memory for bodies: how much of it all may use together, and one visitor.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::answer::Refused;
use super::asker::Who;
use super::visitors::{Held, Share, Visitors};
use crate::limits::{BODIES_IN_MEMORY, SMALL_BODIES_IN_MEMORY, SMALL_BODY_BYTES, VISITOR_PART};

/// Bytes that one permit stands for.
const PERMIT_BYTES: usize = 1024;
/// How long a request waits for memory that others hold.
const PATIENCE: Duration = Duration::from_secs(5);

/// All the memory that bodies may use, in permits of [`PERMIT_BYTES`].
pub(crate) struct Rooms {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Rooms {
    pub(crate) fn new() -> Self {
        let semaphore = |share| Arc::new(Semaphore::new(bytes_of(share) / PERMIT_BYTES));
        Self { small: semaphore(Share::Small), large: semaphore(Share::Large) }
    }

    /// For a body of at most so many bytes. It takes no memory yet.
    pub(super) fn enter(&self, visitors: &Arc<Visitors>, asker: Who, most: usize) -> Room {
        let share = if most <= SMALL_BODY_BYTES { Share::Small } else { Share::Large };
        let of_all = match share {
            Share::Small => &self.small,
            Share::Large => &self.large,
        };
        Room { share, of_all: Arc::clone(of_all), permits: None, of_visitor: visitors.hold(asker) }
    }
}

const fn bytes_of(share: Share) -> usize {
    match share {
        Share::Small => SMALL_BODIES_IN_MEMORY,
        Share::Large => BODIES_IN_MEMORY - SMALL_BODIES_IN_MEMORY,
    }
}

/// Room in memory for one body; given back when dropped.
pub(crate) struct Room {
    share: Share,
    of_all: Arc<Semaphore>,
    permits: Option<OwnedSemaphorePermit>,
    of_visitor: Held,
}

impl Room {
    /// Room for so many bytes in all, unless this visitor, or all, have too many bodies in memory.
    pub(super) async fn grow(&mut self, bytes: usize) -> Result<(), Refused> {
        let has = self.permits.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = bytes.div_ceil(PERMIT_BYTES).saturating_sub(has);
        if more == 0 {
            return Ok(());
        }
        if !self.of_visitor.grow(self.share, more * PERMIT_BYTES, bytes_of(self.share) / VISITOR_PART) {
            return Err(Refused::Busy);
        }
        let more = u32::try_from(more).map_err(|_| Refused::Busy)?;
        let acquired = timeout(PATIENCE, Arc::clone(&self.of_all).acquire_many_owned(more)).await;
        let acquired = acquired.map_err(|_| Refused::Busy)?.map_err(|_| Refused::Busy)?;
        match &mut self.permits {
            Some(permits) => permits.merge(acquired),
            None => self.permits = Some(acquired),
        }
        Ok(())
    }
}
