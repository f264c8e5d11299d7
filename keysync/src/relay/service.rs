//! One request, from its head to its answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use axum::response::{IntoResponse, Response};
use counterseal_core::time::Time;
use serde_json::json;
use tokio::sync::watch;
use tower::ServiceExt;

use super::answer::{self, Refused};
use super::api;
use super::asker::{self, Network, Who};
use super::body::announced;
use super::creation::CreationPolicy;
use super::journal::Journal;
use super::limits::Limits;
use super::metrics::Metrics;
use super::room::Rooms;
use super::store::{Store, StoreError};
use super::visitors::Visitors;
use super::waiting::Waiting;
use crate::limits::OBJECT_BYTES;

/// What creating a box counts for, beside a question.
const CREATION_COST: f64 = 20.0;
/// Bytes of an object that count as a further question.
const BYTES_OF_COST: f64 = 65_536.0;

/// What time it is.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// All that requests share.
pub(crate) struct Service {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) waiting: Arc<Waiting>,
    pub(crate) visitors: Arc<Visitors>,
    pub(crate) metrics: Metrics,
    pub(crate) journal: Journal,
    pub(crate) policy: CreationPolicy,
    pub(crate) limits: Limits,
    pub(crate) metrics_for: Vec<Network>,
    pub(crate) clock: Clock,
    /// Room for bodies in memory.
    pub(crate) rooms: Rooms,
    pub(crate) stop: watch::Receiver<bool>,
    /// The second in which the last trouble of the store was told: a line for each request would fill the disk.
    pub(crate) told: AtomicI64,
}

/// Who asks, for the handlers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker {
    pub(crate) who: Who,
    /// Whether the other end of the connection is a trusted proxy.
    pub(crate) is_proxied: bool,
    /// Whether nothing at all stands between.
    pub(crate) is_direct: bool,
}

impl Service {
    pub(crate) fn now(&self) -> Time {
        (self.clock)()
    }

    /// Answers one request.
    pub(crate) async fn answer(
        self: Arc<Self>,
        router: Router,
        peer: IpAddr,
        mut request: Request<Body>,
    ) -> Response {
        let begun = Instant::now();
        let kind = kind(request.method(), request.uri().path());
        let asker = self.asker(peer, request.headers());
        let waits = kind == "head" && request.uri().query().is_some();
        request.extensions_mut().insert(asker);
        let mut response = match self.admit(asker, kind, &request, begun) {
            Ok(()) => router.oneshot(request).await.unwrap_or_else(|never| match never {}),
            Err(refused) => refused.into_response(),
        };
        answer::finish(response.headers_mut());
        let took = begun.elapsed();
        self.metrics.answered(kind, response.status().as_u16(), (!waits).then_some(took));
        if self.journal.requests {
            self.tell(kind, &response, asker, took.as_secs_f64());
        }
        response
    }

    fn asker(&self, peer: IpAddr, headers: &HeaderMap) -> Asker {
        let proxies = &self.visitors.limits().proxies;
        Asker {
            who: asker::asker(peer, headers, proxies),
            is_proxied: proxies.iter().any(|proxy| proxy.contains(peer)),
            is_direct: !asker::is_forwarded(headers),
        }
    }

    /// Browsers that follow a link, and visitors who ask too much, are answered before anything is looked up.
    fn admit(&self, asker: Asker, kind: &str, request: &Request<Body>, now: Instant) -> Result<(), Refused> {
        if request.headers().get("sec-fetch-mode").is_some_and(|mode| mode == "navigate") {
            return Err(Refused::Browser);
        }
        let cost = match kind {
            "create" => CREATION_COST,
            "put" => 1.0 + cost_of(request.body()),
            _ => 1.0,
        };
        self.visitors.spend(asker.who, cost, now).map_err(|seconds| Refused::Rate { seconds })
    }

    fn tell(&self, kind: &str, response: &Response, asker: Asker, seconds: f64) {
        let mut fields = vec![
            ("request", json!(kind)),
            ("status", json!(response.status().as_u16())),
            ("seconds", json!(seconds)),
        ];
        if self.journal.addresses {
            fields.push(("address", json!(asker.who.to_string())));
        }
        self.journal.say(self.now(), "request", &fields);
    }

    /// Notes that the store failed, once a second.
    pub(crate) fn failed(&self, error: &StoreError) {
        self.metrics.store_errors.fetch_add(1, Ordering::Relaxed);
        let now = self.now();
        if self.told.swap(now.unix_seconds(), Ordering::Relaxed) != now.unix_seconds() {
            self.journal.say(now, "store-failed", &[("why", json!(error.0))]);
        }
    }
}

/// What a body counts for. One whose sender does not say how long it is gets refused before it is read.
#[allow(clippy::cast_precision_loss)] // a cost
fn cost_of(body: &Body) -> f64 {
    announced(body).unwrap_or(0).min(OBJECT_BYTES as u64) as f64 / BYTES_OF_COST
}

/// What is asked for, in one word that names no box.
fn kind(method: &Method, path: &str) -> &'static str {
    let segments: Vec<&str> = path.split('/').skip(1).take(6).collect();
    match (method.as_str(), segments.as_slice()) {
        ("PUT", ["v1", "box", _]) => "create",
        ("DELETE", ["v1", "box", _]) => "remove-box",
        ("GET" | "HEAD", ["v1", "box", _, "head"]) => "head",
        ("GET" | "HEAD", ["v1", "box", _, "o"]) => "list",
        ("GET" | "HEAD", ["v1", "box", _, "o", _]) => "get",
        ("PUT", ["v1", "box", _, "o", _]) => "put",
        ("DELETE", ["v1", "box", _, "o", _]) => "remove",
        ("GET" | "HEAD", ["v1", "info"]) => "info",
        ("GET" | "HEAD", ["healthz"]) => "health",
        ("GET" | "HEAD", ["metrics"]) => "metrics",
        _ => "other",
    }
}

/// The paths, and what answers them.
pub(crate) fn router(service: &Arc<Service>) -> Router {
    api::router().with_state(Arc::clone(service))
}
