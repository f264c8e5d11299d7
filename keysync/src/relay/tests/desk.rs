//! A relay without sockets: requests go in, answers come out.

use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::Response;
use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use serde_json::Value;
use tokio::io::{AsyncWriteExt, copy, duplex, sink};
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use super::counting::Counting;
use crate::relay::asker::Network;
use crate::relay::connections::Connections;
use crate::relay::creation::CreationPolicy;
use crate::relay::journal::Journal;
use crate::relay::limits::Limits;
use crate::relay::metrics::Metrics;
use crate::relay::protocol::{Class, Creation, hex};
use crate::relay::room::Rooms;
use crate::relay::service::{self, Service};
use crate::relay::store::sqlite::SqliteStore;
use crate::relay::visitors::{VisitorLimits, Visitors};
use crate::transport::{ObjectBox, ObjectName};

/// What a test chooses.
pub struct Chosen {
    pub policy: CreationPolicy,
    pub limits: Limits,
    pub visitors: VisitorLimits,
}

/// A relay.
pub struct Desk {
    pub service: Arc<Service>,
    /// What was asked of the store.
    pub asked: Arc<Mutex<Vec<&'static str>>>,
    router: Router,
    clock: Arc<AtomicI64>,
    stop: watch::Sender<bool>,
    runtime: Runtime,
    _folder: tempfile::TempDir,
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Said {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn etag(&self) -> Option<&str> {
        self.header("etag")
    }
}

impl Desk {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(choose: impl FnOnce(&mut Chosen)) -> Self {
        let mut chosen = Chosen {
            policy: CreationPolicy::Open,
            limits: Limits::default(),
            visitors: VisitorLimits { rate: 0.0, ..VisitorLimits::default() },
        };
        choose(&mut chosen);
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("relay.db"), chosen.limits).unwrap();
        let asked = Arc::<Mutex<Vec<_>>>::default();
        let store = Arc::new(Counting { store, asked: Arc::clone(&asked) });
        // Noon of a day.
        let clock = Arc::new(AtomicI64::new(20_000 * 86_400 + 43_200));
        let of_service = Arc::clone(&clock);
        let (stop, stopped) = watch::channel(false);
        let service = Arc::new(Service {
            store,
            waiting: Arc::default(),
            visitors: Arc::new(Visitors::new(chosen.visitors)),
            metrics: Metrics::default(),
            journal: Journal::silent(),
            policy: chosen.policy,
            limits: chosen.limits,
            metrics_for: vec![Network::parse("127.0.0.0/8").unwrap()],
            clock: Arc::new(move || Time::from_unix_seconds(of_service.load(Ordering::Relaxed))),
            rooms: Rooms::new(),
            stop: stopped,
            told: AtomicI64::default(),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { router: service::router(&service), service, asked, clock, stop, runtime, _folder: folder }
    }

    pub fn now(&self) -> Time {
        self.service.now()
    }

    /// Lets time pass, after what nobody waits for was written.
    pub fn pass(&self, seconds: i64) {
        self.runtime.block_on(self.service.store.check()).unwrap();
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Removes what has ended, as long as there is something.
    pub fn sweep(&self) {
        while self.runtime.block_on(self.service.store.sweep(self.now())).unwrap() > 0 {}
    }

    pub fn object_box(&self, name: &str) -> ObjectBox {
        ObjectBox::derive(&SecretBytes::copy_of(name.as_bytes()), "test")
    }

    pub fn creation(&self, name: &str, class: Class) -> Creation {
        Creation::of(&self.object_box(name), class)
    }

    pub fn create(&self, object_box: &ObjectBox, class: Class) -> Said {
        self.create_with(object_box, class, &[])
    }

    pub fn create_with(&self, object_box: &ObjectBox, class: Class, headers: &[(&str, String)]) -> Said {
        let body = serde_json::to_vec(&Creation::of(object_box, class)).unwrap();
        self.ask("PUT", &format!("/v1/box/{}", id(object_box)), headers, &body)
    }

    pub fn put(&self, object_box: &ObjectBox, object: &[u8]) -> Said {
        self.said(self.put_request(object_box, object))
    }

    pub fn put_request(&self, object_box: &ObjectBox, object: &[u8]) -> Request<Body> {
        let path = format!("/v1/box/{}/o/{}", id(object_box), name(object));
        request("PUT", &path, &[("x-cap", cap(object_box.write_capability()))], object)
    }

    pub fn get(&self, object_box: &ObjectBox, object: &[u8]) -> Said {
        let path = format!("/v1/box/{}/o/{}", id(object_box), name(object));
        self.ask("GET", &path, &[("x-cap", cap(object_box.read_capability()))], b"")
    }

    pub fn head(&self, object_box: &ObjectBox, etag: Option<&str>) -> Said {
        self.said(self.head_request(object_box, etag, None))
    }

    pub fn head_request(
        &self,
        object_box: &ObjectBox,
        etag: Option<&str>,
        wait: Option<u64>,
    ) -> Request<Body> {
        let wait = wait.map_or_else(String::new, |seconds| format!("?wait={seconds}"));
        let mut headers = vec![("x-cap", cap(object_box.read_capability()))];
        headers.extend(etag.map(|etag| ("if-none-match", etag.to_owned())));
        request("GET", &format!("/v1/box/{}/head{wait}", id(object_box)), &headers, b"")
    }

    /// Names of what came after a number.
    pub fn names(&self, object_box: &ObjectBox, after: u64) -> Vec<String> {
        let path = format!("/v1/box/{}/o?after={after}", id(object_box));
        let page = self.ask("GET", &path, &[("x-cap", cap(object_box.read_capability()))], b"").json();
        let objects = page["objects"].as_array().unwrap();
        objects.iter().map(|listed| listed["name"].as_str().unwrap().to_owned()).collect()
    }

    pub fn remove(&self, object_box: &ObjectBox, object: &[u8]) -> Said {
        let path = format!("/v1/box/{}/o/{}", id(object_box), name(object));
        self.ask("DELETE", &path, &[("x-cap", cap(object_box.admin_capability()))], b"")
    }

    pub fn remove_box(&self, object_box: &ObjectBox) -> Said {
        let headers = [("x-cap", cap(object_box.admin_capability()))];
        self.ask("DELETE", &format!("/v1/box/{}", id(object_box)), &headers, b"")
    }

    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, String)], body: &[u8]) -> Said {
        self.ask_from("127.0.0.1", method, path, headers, body)
    }

    pub fn ask_from(
        &self,
        peer: &str,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> Said {
        let answer = self.answer(peer.parse().unwrap(), request(method, path, headers, body));
        self.runtime.block_on(said(answer))
    }

    pub fn said(&self, request: Request<Body>) -> Said {
        self.runtime.block_on(said(self.answer([127, 0, 0, 1].into(), request)))
    }

    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Asks, and does not wait for the answer.
    pub fn begin(&self, peer: IpAddr, request: Request<Body>) -> JoinHandle<Said> {
        self.runtime.spawn(said(self.answer(peer, request)))
    }

    /// A connection on which a client says this, reads what comes, and says nothing more.
    pub fn connect(&self, peer: IpAddr, says: Vec<u8>) -> JoinHandle<()> {
        let connections = Connections {
            service: Arc::clone(&self.service),
            router: self.router.clone(),
            tls: None,
            permits: Arc::new(Semaphore::new(1)),
            half_closed: true,
        };
        self.runtime.spawn(async move {
            let (mut ours, theirs) = duplex(1 << 20);
            ours.write_all(&says).await.unwrap();
            let reads = async move { copy(&mut ours, &mut sink()).await };
            tokio::select! {
                () = connections.speak(theirs, peer) => {}
                _ = reads => panic!("the relay closed its half and goes on"),
            }
        })
    }

    /// Lets what was begun come as far as it comes.
    pub fn pass_on(&self) {
        self.runtime.block_on(async { tokio::time::sleep(Duration::from_millis(50)).await });
    }

    /// Two requests at once; the first is asked first.
    pub fn both(&self, first: Request<Body>, second: Request<Body>) -> (Said, Said) {
        let [first, second] =
            [first, second].map(|request| said(self.answer([127, 0, 0, 1].into(), request)));
        let second = async {
            // The first has found that nothing is new, and waits.
            while self.service.waiting.count() == 0 {
                tokio::task::yield_now().await;
            }
            second.await
        };
        self.runtime.block_on(async { tokio::join!(first, second) })
    }

    fn answer(&self, peer: IpAddr, request: Request<Body>) -> impl Future<Output = Response> + Send + use<> {
        Arc::clone(&self.service).answer(self.router.clone(), peer, request)
    }
}

async fn said(answer: impl Future<Output = Response>) -> Said {
    let (parts, body) = answer.await.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
    Said { status: parts.status, headers: parts.headers, body }
}

fn request(method: &str, path: &str, headers: &[(&str, String)], body: &[u8]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    request.body(Body::from(body.to_vec())).unwrap()
}

pub fn id(object_box: &ObjectBox) -> String {
    hex(object_box.id())
}

pub fn cap(capability: &SecretBytes) -> String {
    hex(capability.expose())
}

pub fn name(object: &[u8]) -> String {
    ObjectName::of(object).to_string()
}
