//! Connections: how many, how long, and how they end.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::body::Pace;
use super::service::Service;
use super::visitors::Held;
use crate::limits::{
    CONNECTION_SECONDS, HEAD_BYTES, HEAD_FIELDS, HEAD_SECONDS, IDLE_SECONDS, SHUTDOWN_SECONDS, STREAM_BYTES,
    STREAMS,
};

/// How often a connection is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// How long to wait where the system gives no connection: it has no more file descriptors, mostly.
const BREATH: Duration = Duration::from_millis(100);

/// What connections share.
pub(super) struct Connections {
    pub(super) service: Arc<Service>,
    pub(super) router: Router,
    pub(super) tls: Option<TlsAcceptor>,
    /// One permit for each connection that may be.
    pub(super) permits: Arc<Semaphore>,
    /// Whether a visitor who says nothing more still waits for an answer. On a network they have gone, mostly.
    pub(super) half_closed: bool,
}

impl Connections {
    /// Takes connections until the relay stops.
    pub(super) async fn accept(self: Arc<Self>, listener: TcpListener) {
        let mut stop = self.service.stop.clone();
        loop {
            // Where there are too many, the system's queue holds the next ones.
            let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else { return };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = stop.wait_for(|stops| *stops) => return,
            };
            let Ok((stream, peer)) = accepted else {
                sleep(BREATH).await;
                continue;
            };
            let peer = peer.ip().to_canonical();
            let Some(held) = self.service.visitors.connect(peer) else {
                self.service.metrics.refused_connections.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            let connections = Arc::clone(&self);
            tokio::spawn(async move {
                connections.serve(stream, peer, held).await;
                drop(permit);
            });
        }
    }

    async fn serve(&self, stream: TcpStream, peer: IpAddr, _held: Held) {
        let count = Count::of(&self.service.metrics.connections);
        // An answer is small, and waited for.
        let _ = stream.set_nodelay(true);
        match &self.tls {
            None => self.speak(stream, peer).await,
            Some(tls) => {
                let shaken = timeout(Duration::from_secs(HEAD_SECONDS), tls.accept(stream)).await;
                if let Ok(Ok(stream)) = shaken {
                    self.speak(stream, peer).await;
                }
            }
        }
        drop(count);
    }

    /// Answers the requests of one connection.
    pub(super) async fn speak(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: IpAddr,
    ) {
        let activity = Arc::new(Activity::new());
        let (service, router, of_requests) =
            (Arc::clone(&self.service), self.router.clone(), Arc::clone(&activity));
        let answer = service_fn(move |request: hyper::Request<Incoming>| {
            let going = Going::on(&of_requests);
            let answer = Arc::clone(&service).answer(router.clone(), peer, request.map(Body::new));
            let of_answers = Arc::clone(&of_requests);
            async move {
                let mut answer = answer.await;
                if let Some(pace) = answer.extensions_mut().remove::<Arc<Pace>>() {
                    of_answers.follow(&pace);
                }
                drop(going);
                Ok::<_, Infallible>(answer)
            }
        });
        let mut protocols = protocols();
        protocols.http1().half_close(self.half_closed);
        let mut connection = pin!(protocols.serve_connection(TokioIo::new(stream), answer));
        let mut stop = self.service.stop.clone();
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ends = None;
        loop {
            tokio::select! {
                // An error is the visitor's: they left, or spoke something else.
                _ = connection.as_mut() => return,
                _ = stop.wait_for(|stops| *stops), if ends.is_none() => {
                    connection.as_mut().graceful_shutdown();
                    ends = Some(Instant::now());
                }
                _ = look.tick() => match ends {
                    // What it was to be sent stays in memory as long as it lives.
                    _ if activity.is_too_slow() => return,
                    None if activity.is_over() => {
                        connection.as_mut().graceful_shutdown();
                        ends = Some(Instant::now());
                    }
                    Some(since) if since.elapsed().as_secs() > SHUTDOWN_SECONDS => return,
                    _ => {}
                },
            }
        }
    }
}

fn protocols() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(HEAD_SECONDS))
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEAD_FIELDS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(STREAM_BYTES)
        .initial_connection_window_size(STREAM_BYTES)
        .max_send_buf_size(STREAM_BYTES as usize)
        .max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX))
        .keep_alive_interval(Duration::from_secs(IDLE_SECONDS))
        .keep_alive_timeout(Duration::from_secs(HEAD_SECONDS));
    builder
}

/// What happens on one connection.
struct Activity {
    begun: Instant,
    last: Mutex<Instant>,
    going: AtomicUsize,
    /// Answers of which bytes are in memory.
    answers: Mutex<Vec<Weak<Pace>>>,
}

impl Activity {
    fn new() -> Self {
        let now = Instant::now();
        Self { begun: now, last: Mutex::new(now), going: AtomicUsize::new(0), answers: Mutex::default() }
    }

    /// Whether nothing happens any more, or it takes too long.
    fn is_over(&self) -> bool {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_idle = self.going.load(Ordering::Relaxed) == 0 && last.elapsed().as_secs() > IDLE_SECONDS;
        is_idle || self.begun.elapsed().as_secs() > CONNECTION_SECONDS
    }

    /// Looks at an answer until none of its bytes is in memory.
    fn follow(&self, pace: &Arc<Pace>) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(pace));
    }

    /// Whether the visitor reads an answer too slowly.
    fn is_too_slow(&self) -> bool {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.retain(|pace| pace.strong_count() > 0);
        answers.iter().filter_map(Weak::upgrade).any(|pace| pace.is_behind())
    }

    fn touch(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// One request that is being answered.
struct Going(Arc<Activity>);

impl Going {
    fn on(activity: &Arc<Activity>) -> Self {
        activity.going.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(activity))
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        self.0.touch();
        self.0.going.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One more of something, while it lasts.
struct Count<'c>(&'c AtomicU64);

impl<'c> Count<'c> {
    fn of(counter: &'c AtomicU64) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }
}

impl Drop for Count<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
