//! The thread that writes, and commits what came meanwhile together.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use futures::FutureExt;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use crate::limits::COMMIT_GROUP;
use crate::relay::store::{Answer, StoreError, Sums};

/// Says how it went, after the commit. Dropped, where there was none.
type Deliver = Box<dyn FnOnce() + Send>;
type Job = Box<dyn FnOnce(&Connection) -> rusqlite::Result<(Deliver, Sums)> + Send>;

/// The thread, from outside.
pub(super) struct Writer {
    jobs: Mutex<Option<Sender<Job>>>,
    shared: Arc<Shared>,
    pub(super) ended: Arc<Ended>,
}

struct Shared {
    sums: Mutex<Sums>,
    /// Why the last group was not committed.
    trouble: Mutex<String>,
}

/// How the thread ended, once it did.
#[derive(Default)]
pub(super) struct Ended {
    how: Mutex<Option<Result<(), StoreError>>>,
    happened: Condvar,
}

impl Ended {
    pub(super) fn wait(&self) -> Result<(), StoreError> {
        let mut how = self.how.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match how.as_ref() {
                Some(how) => return how.clone(),
                None => how = self.happened.wait(how).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn tell(&self, result: Result<(), StoreError>) {
        *self.how.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        self.happened.notify_all();
    }
}

impl Writer {
    pub(super) fn start(connection: Connection) -> Result<Self, StoreError> {
        let (sender, jobs) = channel();
        let sums = connection.query_row(
            "select count(*), coalesce(sum(objects), 0), coalesce(sum(bytes), 0) from box",
            [],
            |row| Ok(Sums { boxes: row.get(0)?, objects: row.get(1)?, bytes: row.get(2)? }),
        )?;
        let shared = Arc::new(Shared { sums: Mutex::new(sums), trouble: Mutex::default() });
        let ended = Arc::new(Ended::default());
        let (of_thread, end) = (Arc::clone(&shared), Arc::clone(&ended));
        thread::Builder::new()
            .name("relay-write".to_owned())
            .spawn(move || end.tell(run(connection, &jobs, &of_thread)))
            .map_err(|error| StoreError(error.to_string()))?;
        Ok(Self { jobs: Mutex::new(Some(sender)), shared, ended })
    }

    /// Writes within the next commit.
    pub(super) fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<(T, Sums)> + Send + 'static,
    ) -> Answer<'static, T> {
        let (sender, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // Whoever asked may have gone; it is written all the same.
            match job(connection) {
                Ok((result, changed)) => {
                    let deliver: Deliver = Box::new(move || drop(sender.send(Ok(result))));
                    Ok((deliver, changed))
                }
                Err(error) => {
                    let _ = sender.send(Err(StoreError(error.to_string())));
                    Err(error)
                }
            }
        });
        if let Some(jobs) = &*self.jobs.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = jobs.send(job);
        }
        let shared = Arc::clone(&self.shared);
        async move { answer.await.unwrap_or_else(|_| Err(shared.error())) }.boxed()
    }

    /// What all boxes have together.
    pub(super) fn sums(&self) -> Sums {
        *self.shared.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread ends when it has done what it has.
    pub(super) fn end(&self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Shared {
    fn error(&self) -> StoreError {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        StoreError(if trouble.is_empty() { "the relay is being stopped".to_owned() } else { trouble.clone() })
    }
}

fn run(mut connection: Connection, jobs: &Receiver<Job>, shared: &Shared) -> Result<(), StoreError> {
    while let Ok(first) = jobs.recv() {
        let mut group: Vec<Job> =
            std::iter::once(first).chain(jobs.try_iter().take(COMMIT_GROUP - 1)).collect();
        let mut delivers = Vec::with_capacity(group.len());
        match commit(&mut connection, &mut group, &mut delivers) {
            Ok(changed) => {
                *shared.sums.lock().unwrap_or_else(PoisonError::into_inner) += changed;
                delivers.into_iter().for_each(|deliver| deliver());
            }
            // The group is dropped after this, and whoever waits for one of it is told so by that.
            Err(error) => *shared.trouble.lock().unwrap_or_else(PoisonError::into_inner) = error.to_string(),
        }
    }
    connection.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))?;
    connection.close().map_err(|(_, error)| error.into())
}

fn commit(
    connection: &mut Connection,
    group: &mut Vec<Job>,
    delivers: &mut Vec<Deliver>,
) -> rusqlite::Result<Sums> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut changed = Sums::NOTHING;
    for job in group.drain(..) {
        let (deliver, one) = job(&transaction)?;
        delivers.push(deliver);
        changed += one;
    }
    transaction.commit()?;
    Ok(changed)
}
