//! The sums over all boxes as one process knows them: what the database said some seconds ago, and what this process let
//! in since. Several processes go past their limit by what the others let in meanwhile.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool_postgres::Pool;
use tokio::time::sleep;

use super::{connect, sums};
use crate::limits::{SUM_ROWS, SUM_SECONDS};
use crate::relay::store::{StoreError, Sums, Totals};

/// What is known, and what it may be at most.
pub(super) struct KnownSums {
    /// Bytes on disk; nothing where there is no limit.
    most: Option<u64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What the database said.
    read: Sums,
    /// What was let in, and may not be in that.
    entered: Sums,
    /// The part of it that is still under way.
    under_way: Sums,
}

impl KnownSums {
    /// Reads what there is, and goes on reading until the pool is closed.
    pub(super) async fn start(pool: &Pool, most: Option<u64>) -> Result<Arc<Self>, StoreError> {
        let known = Arc::new(Self { most, state: Mutex::default() });
        known.read(pool).await?;
        tokio::spawn(Arc::clone(&known).keep_reading(pool.clone()));
        Ok(known)
    }

    async fn keep_reading(self: Arc<Self>, pool: Pool) {
        while !pool.is_closed() {
            sleep(Duration::from_secs(SUM_SECONDS)).await;
            // A database in trouble keeps nothing either, and whoever is told so is a put.
            let _ = self.read(&pool).await;
        }
    }

    /// Never twice at the same time.
    async fn read(&self, pool: &Pool) -> Result<(), StoreError> {
        let client = connect(pool).await?;
        let decided = self.state().decided();
        let (read, rows) = sums::read(&client).await?;
        self.state().now_read(read, decided);
        if rows > SUM_ROWS {
            sums::sum_up(&client).await?;
        }
        Ok(())
    }

    /// Lets something in, unless the relay would be too full with it.
    pub(super) fn enter(self: &Arc<Self>, more: Sums) -> Option<Entry> {
        let mut state = self.state();
        if self.most.is_some_and(|most| (state.read + state.entered + more).exceed(most)) {
            return None;
        }
        state.entered += more;
        state.under_way += more;
        drop(state);
        Some(Entry { known: Arc::clone(self), more, is_refused: false })
    }

    pub(super) fn totals(&self) -> Totals {
        let state = self.state();
        Totals::of(state.read + state.entered, self.most)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What the database has in its sums from now on, if it has it at all.
    fn decided(&self) -> Sums {
        self.entered - self.under_way
    }

    fn now_read(&mut self, sums: Sums, decided: Sums) {
        self.read = sums;
        self.entered -= decided;
    }
}

/// Something that was let in and is under way. Dropped, it counts until the next reading, which knows how it ended:
/// also where whoever asked has gone.
pub(super) struct Entry {
    known: Arc<KnownSums>,
    more: Sums,
    is_refused: bool,
}

impl Entry {
    /// It was not kept for another reason.
    pub(super) fn refused(mut self) {
        self.is_refused = true;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut state = self.known.state();
        state.under_way -= self.more;
        if self.is_refused {
            state.entered -= self.more;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::limits::{BOX_OVERHEAD, OBJECT_OVERHEAD};

    fn with_room_for(boxes: u64, objects: u64) -> Arc<KnownSums> {
        let most = Some(boxes * BOX_OVERHEAD + objects * OBJECT_OVERHEAD);
        Arc::new(KnownSums { most, state: Mutex::default() })
    }

    fn object() -> Sums {
        Sums::one_object(0)
    }

    #[test]
    fn what_is_under_way_counts_and_what_was_refused_does_not() {
        let known = with_room_for(1, 1);
        let a_box = known.enter(Sums::ONE_BOX).unwrap();
        let an_object = known.enter(object()).unwrap();
        assert!(known.enter(object()).is_none());
        an_object.refused();
        drop(known.enter(object()).unwrap());
        assert!(known.enter(object()).is_none(), "whoever left may have been kept");
        a_box.refused();
        assert_eq!(known.totals(), Totals { boxes: 0, objects: 1, bytes: 0, most: known.most });
    }

    #[test]
    fn a_reading_counts_nothing_twice_that_was_decided_before_it() {
        let known = with_room_for(0, 3);
        drop(known.enter(object()).unwrap());
        let under_way = known.enter(object()).unwrap();
        let decided = known.state().decided();
        drop(known.enter(object()).unwrap());
        // The database has the first, and perhaps the second.
        known.state().now_read(object(), decided);
        assert_eq!(known.totals().objects, 3);
        assert!(known.enter(object()).is_none());
        drop(under_way);
        let decided = known.state().decided();
        known.state().now_read(object() + object(), decided);
        assert_eq!(known.totals().objects, 2, "the third came to nothing");
        assert!(known.enter(object()).is_some());
    }

    #[test]
    fn without_a_limit_everything_enters_and_is_counted() {
        let known = Arc::new(KnownSums { most: None, state: Mutex::default() });
        drop(known.enter(Sums::one_object(u64::MAX)).unwrap());
        drop(known.enter(Sums::ONE_BOX).unwrap());
        assert_eq!((known.totals().boxes, known.totals().objects), (1, 1));
    }
}
