//! A relay without sockets: bytes of a connection go in, bytes come out. For fuzzing, and for whoever wants to try a request.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::connections::Connections;
use super::creation::CreationPolicy;
use super::journal::Journal;
use super::limits::Limits;
use super::metrics::Metrics;
use super::room::Rooms;
use super::service::{self, Clock, Service};
use super::store::Store;
use super::visitors::{VisitorLimits, Visitors};
use super::{RelayError, waiting::Waiting};

/// Bytes that are on their way at once.
const BUFFER: usize = 64 << 10;
/// How long an answer may take: requests that wait for news are cut off.
const PATIENCE: Duration = Duration::from_millis(300);

/// A relay that listens nowhere, and lets everyone create boxes.
pub struct Offline {
    connections: Arc<Connections>,
    runtime: Runtime,
    /// Held: a relay whose stop is gone has stopped.
    _stop: watch::Sender<bool>,
}

impl Offline {
    /// A relay on this store.
    ///
    /// # Errors
    /// [`RelayError::System`] where there is no thread for it.
    pub fn new(store: Arc<dyn Store>, limits: Limits, clock: Clock) -> Result<Self, RelayError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| RelayError::System(error.to_string()))?;
        let (stop, stopped) = watch::channel(false);
        let service = Arc::new(Service {
            store,
            waiting: Arc::<Waiting>::default(),
            visitors: Arc::new(Visitors::new(VisitorLimits { rate: 0.0, ..VisitorLimits::default() })),
            metrics: Metrics::default(),
            journal: Journal::silent(),
            policy: CreationPolicy::Open,
            limits,
            metrics_for: Vec::new(),
            clock,
            rooms: Rooms::new(),
            stop: stopped,
            told: AtomicI64::default(),
        });
        let connections = Arc::new(Connections {
            router: service::router(&service),
            service,
            tls: None,
            permits: Arc::new(Semaphore::new(1)),
            half_closed: true,
        });
        Ok(Self { connections, runtime, _stop: stop })
    }

    /// What the relay says to a visitor who sends these bytes and then nothing more.
    #[must_use]
    pub fn exchange(&self, request: &[u8]) -> Vec<u8> {
        self.runtime.block_on(async {
            let (ours, theirs) = duplex(BUFFER);
            let peer = [192, 0, 2, 1].into();
            let (mut read, mut write) = tokio::io::split(ours);
            let mut answer = Vec::new();
            let talk = async {
                tokio::join!(
                    self.connections.speak(theirs, peer),
                    async {
                        let _ = write.write_all(request).await;
                        let _ = write.shutdown().await;
                    },
                    read.read_to_end(&mut answer)
                )
            };
            let _ = timeout(PATIENCE, talk).await;
            answer
        })
    }
}
