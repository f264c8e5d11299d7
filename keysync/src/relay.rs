//! The relay: boxes of opaque objects for devices that are rarely awake at the same time. It learns network addresses,
//! times and lengths, and is believed in nothing. `docs/formats/relay.md` says what is said to it.
//!
//! ```text
//! protocol                      what client and server agree on
//! limits, creation              how much, and by whom
//! asker, visitors               who asks, how often, and how much at once
//! store                         where boxes are kept
//! waiting, metrics, journal     who waits, what is counted, what is told
//! room, body                    bodies in memory
//! answer, api, service          one request
//! tls, connections              many of them
//! offline                       the same without sockets
//! ```

mod answer;
mod api;
mod asker;
mod body;
mod connections;
mod creation;
mod journal;
mod limits;
mod metrics;
mod offline;
pub mod protocol;
mod room;
mod service;
pub mod store;
mod tls;
mod visitors;
mod waiting;

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio::time::{interval, timeout};
use tokio_rustls::TlsAcceptor;

pub use asker::Network;
use connections::Connections;
pub use creation::{CreationPolicy, Invite};
pub use journal::Journal;
pub use limits::{BoxLimits, Limits};
use metrics::Metrics;
pub use offline::Offline;
use room::Rooms;
pub use service::Clock;
use service::Service;
use store::Store;
use store::postgres::{PostgresSettings, PostgresStore};
use store::sqlite::SqliteStore;
use tls::Certificate;
pub use tls::TlsFiles;
pub use visitors::VisitorLimits;
use visitors::Visitors;
use waiting::Waiting;

use crate::limits::{SHUTDOWN_SECONDS, SWEEP_SECONDS};

/// What a relay is told by its administrator.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens; port 0 is a free one.
    pub listen: Vec<SocketAddr>,
    /// Its certificate; nothing behind a proxy that speaks TLS.
    pub tls: Option<TlsFiles>,
    /// Where boxes are kept.
    pub store: StoreSettings,
    /// Who creates boxes.
    pub policy: CreationPolicy,
    /// What a box may have.
    pub limits: Limits,
    /// What a visitor may do.
    pub visitors: VisitorLimits,
    /// Who sees `/metrics`.
    pub metrics_for: Vec<Network>,
}

/// Where boxes are kept.
#[derive(Clone, Debug)]
pub enum StoreSettings {
    /// In one file.
    Sqlite(PathBuf),
    /// In a database that several relays share.
    Postgres(PostgresSettings),
}

/// Why a relay does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelayError {
    /// The store: why.
    Store(String),
    /// Certificate or key: why.
    Tls(String),
    /// It cannot listen there: why.
    Listen(SocketAddr, String),
    /// The system gives no thread, or no signal: why.
    System(String),
}

impl fmt::Display for RelayError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(why) | Self::Tls(why) | Self::System(why) => formatter.write_str(why),
            Self::Listen(address, why) => write!(formatter, "{address}: {why}"),
        }
    }
}

impl std::error::Error for RelayError {}

/// A relay that runs.
pub struct Running {
    /// Where it listens.
    pub addresses: Vec<SocketAddr>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<Result<(), RelayError>>>,
}

impl Running {
    /// Asks it to end: requests that wait are answered, others are done, and the store is written to its place.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until it ended: after [`Running::stop`], or SIGTERM or SIGINT where those were asked for.
    ///
    /// # Errors
    /// [`RelayError`] where the store could not be closed.
    pub fn wait(mut self) -> Result<(), RelayError> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(RelayError::System("the relay panicked".to_owned())),
            None => Ok(()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Starts a relay. When this returns, it listens. With `signals`, SIGTERM and SIGINT end it, and SIGHUP reads the
/// certificate again.
///
/// # Errors
/// [`RelayError`].
pub fn start(
    settings: Settings,
    clock: Clock,
    journal: Journal,
    signals: bool,
) -> Result<Running, RelayError> {
    raise_files();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("relay")
        .build()
        .map_err(|error| RelayError::System(error.to_string()))?;
    let (stop, stopped) = watch::channel(false);
    let relay = runtime.block_on(Relay::begin(settings, clock, journal, signals, stopped))?;
    let addresses = relay.addresses.clone();
    let stops = stop.clone();
    let thread = std::thread::Builder::new()
        .name("relay".to_owned())
        .spawn(move || run(&runtime, relay, &stops))
        .map_err(|error| RelayError::System(error.to_string()))?;
    Ok(Running { addresses, stop, thread: Some(thread) })
}

fn run(runtime: &Runtime, relay: Relay, stop: &watch::Sender<bool>) -> Result<(), RelayError> {
    runtime.block_on(relay.run(stop))
}

/// Each connection is a file.
fn raise_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where that is refused, there are fewer connections.
    let _ = setrlimit(Resource::Nofile, limit);
}

/// All that runs.
struct Relay {
    service: Arc<Service>,
    connections: Arc<Connections>,
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    certificate: Option<Arc<Certificate>>,
    signals: Option<Signals>,
    most: usize,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }
}

impl Relay {
    async fn begin(
        settings: Settings,
        clock: Clock,
        journal: Journal,
        signals: bool,
        stop: watch::Receiver<bool>,
    ) -> Result<Self, RelayError> {
        let certificate = settings.tls.map(Certificate::load).transpose().map_err(RelayError::Tls)?;
        let tls = certificate.clone().map(Certificate::server).transpose().map_err(RelayError::Tls)?;
        let waiting = Arc::<Waiting>::default();
        let store = open(&settings.store, settings.limits, &waiting).await?;
        let (listeners, addresses) = listen(&settings.listen).await?;
        let most = settings.visitors.connections;
        let service = Arc::new(Service {
            store,
            waiting,
            visitors: Arc::new(Visitors::new(settings.visitors)),
            metrics: Metrics::default(),
            journal,
            policy: settings.policy,
            limits: settings.limits,
            metrics_for: settings.metrics_for,
            clock,
            rooms: Rooms::new(),
            stop,
            told: AtomicI64::new(i64::MIN),
        });
        let connections = Arc::new(Connections {
            router: service::router(&service),
            service: Arc::clone(&service),
            tls: tls.map(|tls| TlsAcceptor::from(Arc::new(tls))),
            permits: Arc::new(Semaphore::new(most)),
            half_closed: false,
        });
        let signals = signals.then(Signals::new).transpose();
        let signals = signals.map_err(|error| RelayError::System(error.to_string()))?;
        Ok(Self { service, connections, listeners, addresses, certificate, signals, most })
    }

    async fn run(mut self, stop: &watch::Sender<bool>) -> Result<(), RelayError> {
        let say = |event: &str, fields: &[(&str, serde_json::Value)]| {
            self.service.journal.say(self.service.now(), event, fields);
        };
        let addresses: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        say(
            "started",
            &[("listen", json!(addresses.join(" "))), ("store", json!(self.service.store.kind()))],
        );
        for listener in self.listeners.drain(..) {
            tokio::spawn(Arc::clone(&self.connections).accept(listener));
        }
        tokio::spawn(sweep(Arc::clone(&self.service)));
        wait_for_end(&self.service, self.signals.take(), self.certificate.as_deref()).await;
        stop.send_replace(true);
        self.service.journal.say(self.service.now(), "stopping", &[]);
        self.end().await
    }

    /// Requests come to their end, then the store.
    async fn end(self) -> Result<(), RelayError> {
        let all = u32::try_from(self.most).unwrap_or(u32::MAX);
        let ended = self.connections.permits.acquire_many(all);
        // Those that do not end in this time are cut off; what they were not told they will do again.
        let _ = timeout(Duration::from_secs(SHUTDOWN_SECONDS + 5), ended).await;
        let closed = self.service.store.close().await.map_err(|error| RelayError::Store(error.0));
        let event = if closed.is_ok() { "stopped" } else { "stopped-unclean" };
        self.service.journal.say(self.service.now(), event, &[]);
        closed
    }
}

async fn open(
    settings: &StoreSettings,
    limits: Limits,
    waiting: &Arc<Waiting>,
) -> Result<Arc<dyn Store>, RelayError> {
    let failed = |error: store::StoreError| RelayError::Store(error.0);
    Ok(match settings {
        StoreSettings::Sqlite(path) => Arc::new(SqliteStore::open(path, limits).map_err(failed)?),
        StoreSettings::Postgres(settings) => {
            let opened = PostgresStore::open(settings, limits, Arc::clone(waiting)).await;
            Arc::new(opened.map_err(failed)?)
        }
    })
}

async fn listen(addresses: &[SocketAddr]) -> Result<(Vec<TcpListener>, Vec<SocketAddr>), RelayError> {
    let (mut listeners, mut bound) = (Vec::new(), Vec::new());
    for address in addresses {
        let failed = |error: std::io::Error| RelayError::Listen(*address, error.to_string());
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        bound.push(listener.local_addr().map_err(failed)?);
        listeners.push(listener);
    }
    Ok((listeners, bound))
}

async fn wait_for_end(service: &Service, signals: Option<Signals>, certificate: Option<&Certificate>) {
    let mut stop = service.stop.clone();
    let Some(mut signals) = signals else {
        let _ = stop.wait_for(|stops| *stops).await;
        return;
    };
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => return,
            _ = signals.interrupt.recv() => return,
            _ = stop.wait_for(|stops| *stops) => return,
            _ = signals.hang_up.recv() => match certificate.map(Certificate::reload) {
                None => {}
                Some(Ok(())) => service.journal.say(service.now(), "certificate-read", &[]),
                Some(Err(why)) => {
                    service.journal.say(service.now(), "certificate-kept", &[("why", json!(why))]);
                }
            },
        }
    }
}

/// Removes what has ended, now and then.
async fn sweep(service: Arc<Service>) {
    let mut every = interval(Duration::from_secs(SWEEP_SECONDS));
    let mut stop = service.stop.clone();
    loop {
        tokio::select! {
            _ = every.tick() => {}
            _ = stop.wait_for(|stops| *stops) => return,
        }
        loop {
            match service.store.sweep(service.now()).await {
                Ok(0) => break,
                Ok(swept) => {
                    service.metrics.swept.fetch_add(swept, Ordering::Relaxed);
                }
                Err(error) => {
                    service.failed(&error);
                    break;
                }
            }
            if *service.stop.borrow() {
                return;
            }
        }
    }
}
