//! The requests of `docs/formats/relay.md`.
//!
//! Whoever shows no capability of a box gets one answer, whatever the reason, and before that answer the same is looked
//! up: the claim, and for an object the object too.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::IF_NONE_MATCH;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use axum::routing::{get, put};
use counterseal_core::time::DAY;
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::answer::{self, Refused, json};
use super::asker::Who;
use super::body;
use super::protocol::{
    CAPABILITY_HEADER, CapabilityHash, Created, Creation, Head, Listed, Numbered, Page, Right, etag, hex,
    unhex,
};
use super::room::Room;
use super::service::{Asker, Service};
use super::store::{Answer, BoxNumber, BoxState, Claim, Creating, NewBox, Putting};
use crate::limits::{
    CREATION_BYTES, LISTED_BYTES, PAGE_OBJECTS, RELAY_SECONDS, WAIT_SECONDS, WAIT_SECONDS_USUAL,
};
use crate::transport::ObjectName;

type Relay = State<Arc<Service>>;
type Result<T = Response> = std::result::Result<T, Refused>;

/// The paths.
pub(super) fn router() -> Router<Arc<Service>> {
    Router::new()
        .route("/v1/box/{id}", put(create).delete(remove_box))
        .route("/v1/box/{id}/head", get(head))
        .route("/v1/box/{id}/o", get(list))
        .route("/v1/box/{id}/o/{name}", get(fetch).put(keep).delete(remove))
        .route("/v1/info", get(info))
        .route("/healthz", get(health))
        .route("/metrics", get(metrics))
        .fallback(async || Refused::Absent)
        .method_not_allowed_fallback(async || Refused::Method)
}

async fn create(State(relay): Relay, request: Request) -> Result {
    let id = box_id(request.uri())?;
    let (parts, body) = request.into_parts();
    let asker = asker(&parts.extensions)?;
    let body = body::read(body, CREATION_BYTES, None).await?;
    let creation: Creation = serde_json::from_slice(&body).map_err(|_| Refused::Request)?;
    let hashes = creation.hashes().ok_or(Refused::Request)?;
    let now = relay.now();
    let permission = relay.policy.permits(&id, &creation, &parts.headers, asker.is_proxied, now);
    let epoch = getrandom::u64().map_err(|_| Refused::Busy)?;
    let new = NewBox { id, hashes, class: creation.class, epoch };
    let (status, state) = match relay.ask(relay.store.create(new, permission, now)).await? {
        Creating::Created(state) => (StatusCode::CREATED, state),
        Creating::WasThere(state) => (StatusCode::OK, state),
        Creating::Conflict => return Err(Refused::Conflict),
        Creating::Full => return Err(Refused::Full),
        Creating::Denied => {
            return Err(Refused::Policy { word: relay.policy.word(), bits: relay.policy.bits() });
        }
    };
    Ok(json(status, &Created { epoch: epoch_digits(&state), expires: state.expires }))
}

async fn head(State(relay): Relay, request: Request) -> Result {
    let claim = claim(request.uri(), request.headers(), Right::Read)?;
    let seconds = match number(request.uri(), "wait")? {
        None => 0,
        Some(None) => WAIT_SECONDS_USUAL,
        Some(Some(seconds)) => seconds.min(WAIT_SECONDS),
    };
    let known = request.headers().get(IF_NONE_MATCH).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
    let mut state = relay.open(claim).await?;
    if seconds > 0 && known.as_deref() == Some(&etag(state.epoch, state.last)) {
        state = relay.wait(claim, state, Duration::from_secs(seconds)).await?;
    }
    relay.note_read(&state);
    let tag = etag(state.epoch, state.last);
    if known.as_deref() == Some(&tag) {
        return Ok(answer::tagged(answer::empty(StatusCode::NOT_MODIFIED), &tag));
    }
    let BoxState { last, objects, bytes, expires, .. } = state;
    let head = Head { epoch: epoch_digits(&state), last, objects, bytes, expires };
    Ok(answer::tagged(json(StatusCode::OK, &head), &tag))
}

async fn list(State(relay): Relay, request: Request) -> Result {
    let claim = claim(request.uri(), request.headers(), Right::Read)?;
    let after = number(request.uri(), "after")?.flatten().unwrap_or(0);
    let most = number(request.uri(), "max")?.flatten().unwrap_or(PAGE_OBJECTS).min(PAGE_OBJECTS);
    let state = relay.open(claim).await?;
    relay.note_read(&state);
    let expected = state.objects.min(most).saturating_mul(LISTED_BYTES as u64);
    let room = relay.room(asker(request.extensions())?.who, expected).await?;
    let kept = relay.ask(relay.store.list(state.number, after, most)).await?;
    let objects =
        kept.iter().map(|kept| Listed { n: kept.sequence, name: kept.name.to_string(), bytes: kept.bytes });
    let page = Page { epoch: epoch_digits(&state), last: state.last, objects: objects.collect() };
    Ok(answer::long_json(&page, room))
}

async fn fetch(State(relay): Relay, request: Request) -> Result {
    let claim = claim(request.uri(), request.headers(), Right::Read)?;
    let name = object_name(request.uri())?;
    let asker = asker(request.extensions())?;
    let state = relay.ask(relay.store.find(claim, relay.now())).await?;
    // Also where there is no such box: an object that is missing is then the same work as a box that is missing.
    let number = state.map_or(BoxNumber::NONE, |state| state.number);
    let length = relay.ask(relay.store.length(number, name)).await?;
    let (Some(state), Some(length)) = (state, length) else { return Err(Refused::Absent) };
    relay.note_read(&state);
    let room = relay.room(asker.who, length).await?;
    let object = relay.ask(relay.store.get(number, name)).await?.ok_or(Refused::Absent)?;
    Ok(answer::octets(object, room))
}

async fn keep(State(relay): Relay, request: Request) -> Result {
    let claim = claim(request.uri(), request.headers(), Right::Write)?;
    let name = object_name(request.uri())?;
    let state = relay.open(claim).await?;
    let limit = relay.limits.of(state.class).object_bytes;
    let asker = asker(request.extensions())?;
    let body = request.into_body();
    // What a request costs follows from its length, so each says it (RFC 9110, section 15.5.12).
    let announced = body::announced(&body).ok_or(Refused::Length)?;
    let most = usize::try_from(announced).map_err(|_| Refused::Large { limit })?;
    if announced > limit {
        return Err(Refused::Large { limit });
    }
    let mut room = relay.rooms.enter(&relay.visitors, asker.who, most);
    let object = body::read(body, most, Some(&mut room)).await?;
    if ObjectName::of(&object) != name {
        return Err(Refused::Name);
    }
    let now = relay.now();
    match relay.ask(relay.store.put(state.number, name, object, now)).await? {
        Putting::Kept(n) => {
            relay.waiting.wake(state.number);
            Ok(json(StatusCode::CREATED, &Numbered { n }))
        }
        Putting::WasThere(n) => Ok(json(StatusCode::OK, &Numbered { n })),
        Putting::Full => Err(Refused::Full),
        Putting::Daily => {
            let left = DAY - now.unix_seconds().rem_euclid(DAY);
            Err(Refused::Daily { seconds: left.unsigned_abs() })
        }
        Putting::Gone => Err(Refused::Absent),
    }
}

async fn remove(State(relay): Relay, request: Request) -> Result {
    let claim = claim(request.uri(), request.headers(), Right::Admin)?;
    let name = object_name(request.uri())?;
    let state = relay.open(claim).await?;
    relay.ask(relay.store.remove(state.number, name)).await?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

async fn remove_box(State(relay): Relay, request: Request) -> Result {
    let claim = claim(request.uri(), request.headers(), Right::Admin)?;
    let state = relay.open(claim).await?;
    relay.ask(relay.store.remove_box(state.number)).await?;
    relay.waiting.wake(state.number);
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

async fn info(State(relay): Relay) -> Response {
    let limits = |class: &super::limits::BoxLimits| {
        json!({
            "objects": class.objects,
            "object_bytes": class.object_bytes,
            "bytes": class.bytes,
            "puts_a_day": class.puts_a_day,
            "seconds": class.seconds,
        })
    };
    let info = json!({
        "relay": "counterseal",
        "version": 1,
        "policy": relay.policy.word(),
        "bits": relay.policy.bits(),
        "wait": WAIT_SECONDS,
        "pairing": limits(&relay.limits.pairing),
        "account": limits(&relay.limits.account),
    });
    json(StatusCode::OK, &info)
}

async fn health(State(relay): Relay) -> Result {
    relay.ask(relay.store.check()).await?;
    Ok(json(StatusCode::OK, &json!({"status": "ok"})))
}

/// Only for those whom the administrator named, and not through a proxy that asks for anyone, or does not say for whom.
async fn metrics(State(relay): Relay, request: Request) -> Result {
    let asker = asker(request.extensions())?;
    let Who::At(address) = asker.who else { return Err(Refused::Absent) };
    let is_known = relay.metrics_for.iter().any(|network| network.contains(address));
    if !is_known || !(asker.is_direct || asker.is_proxied) {
        return Err(Refused::Absent);
    }
    Ok(answer::text(relay.metrics.page(relay.store.totals(), relay.waiting.count())))
}

impl Service {
    /// Asks the store, within a time.
    async fn ask<T>(&self, answer: Answer<'_, T>) -> Result<T> {
        match timeout(Duration::from_secs(RELAY_SECONDS), answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                self.failed(&error);
                Err(Refused::Busy)
            }
            Err(_) => Err(Refused::Busy),
        }
    }

    /// Room in memory for so many bytes.
    async fn room(&self, asker: Who, bytes: u64) -> Result<Room> {
        let bytes = usize::try_from(bytes).map_err(|_| Refused::Busy)?;
        let mut room = self.rooms.enter(&self.visitors, asker, bytes);
        room.grow(bytes).await?;
        Ok(room)
    }

    /// The box that a claim opens.
    async fn open(&self, claim: Claim) -> Result<BoxState> {
        self.ask(self.store.find(claim, self.now())).await?.ok_or(Refused::Absent)
    }

    /// The state of a box after something came into it, or after the time.
    async fn wait(&self, claim: Claim, known: BoxState, most: Duration) -> Result<BoxState> {
        let waiter = self.waiting.join(known.number).ok_or(Refused::Busy)?;
        // What comes from here on rings; what came before is seen by the search.
        let bell = waiter.bell();
        let state = self.open(claim).await?;
        if (state.epoch, state.last) != (known.epoch, known.last) {
            return Ok(state);
        }
        let mut stop = self.stop.clone();
        tokio::select! {
            () = bell => {}
            () = sleep(most) => {}
            _ = stop.wait_for(|stops| *stops) => {}
        }
        self.open(claim).await
    }

    fn note_read(&self, state: &BoxState) {
        if let Some(expires) = self.limits.prolonged(state.class, state.expires, self.now()) {
            self.store.note_read(state.number, expires);
        }
    }
}

fn asker(extensions: &axum::http::Extensions) -> Result<Asker> {
    extensions.get::<Asker>().copied().ok_or(Refused::Busy)
}

/// The third segment of the path. Whatever is none is the name of no box.
fn box_id(uri: &Uri) -> Result<[u8; 16]> {
    uri.path().split('/').nth(3).and_then(unhex).ok_or(Refused::Absent)
}

fn object_name(uri: &Uri) -> Result<ObjectName> {
    let digits = uri.path().split('/').nth(5);
    digits.and_then(unhex).map(ObjectName::from_bytes).ok_or(Refused::Absent)
}

fn claim(uri: &Uri, headers: &HeaderMap, right: Right) -> Result<Claim> {
    let id = box_id(uri)?;
    let shown = headers.get(CAPABILITY_HEADER).and_then(|digits| digits.to_str().ok());
    let capability = shown.and_then(unhex::<32>);
    // What cannot be a capability is searched for like one that is wrong: no capability has this length.
    let hash = CapabilityHash::of(capability.as_ref().map_or(&[], <[u8; 32]>::as_slice));
    Ok(Claim { id, right, hash })
}

/// A number of the query: not named, named without a value, or its value.
fn number(uri: &Uri, name: &str) -> Result<Option<Option<u64>>> {
    let mut found = None;
    for pair in uri.query().unwrap_or_default().split('&') {
        let (key, value) = pair.split_once('=').map_or((pair, None), |(key, value)| (key, Some(value)));
        if key != name {
            continue;
        }
        let value = value.map(|digits| digits.parse().map_err(|_| Refused::Request)).transpose()?;
        found = Some(value);
    }
    Ok(found)
}

fn epoch_digits(state: &BoxState) -> String {
    hex(&state.epoch.to_be_bytes())
}
