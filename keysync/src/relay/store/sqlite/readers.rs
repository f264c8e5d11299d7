//! The threads that read: questions go to them in turn, so that no thread of the runtime waits for a disk.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use futures::FutureExt;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::relay::store::{Answer, StoreError};

/// Threads where the machine does not say how many cores it has.
const USUAL: usize = 2;

type Question = Box<dyn FnOnce(&Connection) + Send>;

/// They end when this is dropped.
pub(super) struct Readers {
    threads: Vec<Sender<Question>>,
    next: AtomicUsize,
}

impl Readers {
    pub(super) fn start(open: impl Fn() -> Result<Connection, StoreError>) -> Result<Self, StoreError> {
        let count = thread::available_parallelism().map_or(USUAL, |cores| cores.get().max(USUAL));
        let threads = (0..count).map(|_| {
            let connection = open()?;
            let (sender, questions) = channel();
            thread::Builder::new()
                .name("relay-read".to_owned())
                .spawn(move || answer_all(&connection, &questions))
                .map_err(|error| StoreError(error.to_string()))?;
            Ok(sender)
        });
        Ok(Self { threads: threads.collect::<Result<_, StoreError>>()?, next: AtomicUsize::new(0) })
    }

    pub(super) fn read<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<'static, T> {
        let (sender, answer) = oneshot::channel();
        let question: Question = Box::new(move |connection| {
            // Whoever asked may have gone.
            let _ = sender.send(ask(connection));
        });
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.threads.len().max(1);
        if let Some(thread) = self.threads.get(turn) {
            let _ = thread.send(question);
        }
        async move {
            match answer.await {
                Ok(answer) => answer.map_err(StoreError::from),
                Err(_) => Err(StoreError("a thread that reads has ended".to_owned())),
            }
        }
        .boxed()
    }
}

fn answer_all(connection: &Connection, questions: &Receiver<Question>) {
    while let Ok(question) = questions.recv() {
        question(connection);
    }
}
