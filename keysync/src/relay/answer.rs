//! What a relay answers: the same fields in every answer, and refusals that tell a stranger nothing.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName,
    RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::body::Outgoing;
use super::protocol::{PolicyWord, Refusal};
use super::room::Room;
use super::store::StoreError;

/// Fields of every answer. Nothing that a relay keeps is shown by a browser, or kept by what lies between.
const ALWAYS: [(HeaderName, &str); 4] = [
    (CACHE_CONTROL, "no-store"),
    (CONTENT_DISPOSITION, "attachment"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];
const JSON: &str = "application/json";

/// Why a request is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Request,
    Name,
    Policy { word: PolicyWord, bits: Option<u8> },
    Browser,
    Absent,
    Method,
    Slow,
    Conflict,
    Length,
    Large { limit: u64 },
    Rate { seconds: u64 },
    Daily { seconds: u64 },
    Busy,
    Full,
}

impl Refused {
    fn status(&self) -> StatusCode {
        match self {
            Self::Request | Self::Name => StatusCode::BAD_REQUEST,
            Self::Policy { .. } => StatusCode::UNAUTHORIZED,
            Self::Browser => StatusCode::FORBIDDEN,
            Self::Absent => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Length => StatusCode::LENGTH_REQUIRED,
            Self::Large { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Rate { .. } | Self::Daily { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Full => StatusCode::INSUFFICIENT_STORAGE,
        }
    }

    /// The word of `docs/formats/relay.md`.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Name => "name",
            Self::Policy { .. } => "policy",
            Self::Browser => "browser",
            Self::Absent => "absent",
            Self::Method => "method",
            Self::Slow => "slow",
            Self::Conflict => "conflict",
            Self::Length => "length",
            Self::Large { .. } => "large",
            Self::Rate { .. } => "rate",
            Self::Daily { .. } => "daily",
            Self::Busy => "busy",
            Self::Full => "full",
        }
    }

    const fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Rate { seconds } | Self::Daily { seconds } => Some(*seconds),
            Self::Busy => Some(1),
            _ => None,
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut refusal = Refusal { error: self.word().to_owned(), ..Refusal::default() };
        match self {
            Self::Large { limit } => refusal.limit = Some(limit),
            Self::Policy { word, bits } => (refusal.policy, refusal.bits) = (Some(word), bits),
            _ => {}
        }
        let mut response = json(self.status(), &refusal);
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self == Self::Method {
            // Which methods a path has is on the page; the field must be there (RFC 9110, section 15.5.6).
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, PUT, DELETE"));
        }
        response
    }
}

/// A store that failed. Why stands in the journal, not in the answer.
impl From<StoreError> for Refused {
    fn from(_: StoreError) -> Self {
        Self::Busy
    }
}

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    with_type(status, JSON, Body::from(written(body)))
}

/// A long answer in JSON, in its room.
pub(super) fn long_json(body: &impl Serialize, room: Room) -> Response {
    in_room(JSON, written(body), room)
}

fn written(body: &impl Serialize) -> Vec<u8> {
    // Numbers and texts alone always become JSON.
    serde_json::to_vec(body).unwrap_or_default()
}

/// A text for programs that watch.
pub(crate) fn text(body: String) -> Response {
    with_type(StatusCode::OK, "text/plain; version=0.0.4", Body::from(body))
}

/// The bytes of an object, in their room.
pub(super) fn octets(object: Vec<u8>, room: Room) -> Response {
    in_room("application/octet-stream", object, room)
}

/// With how it gets on, for the connection on which it goes.
fn in_room(content_type: &'static str, bytes: Vec<u8>, room: Room) -> Response {
    let body = Outgoing::new(bytes, room);
    let pace = Arc::clone(body.pace());
    let mut response = with_type(StatusCode::OK, content_type, Body::new(body));
    response.extensions_mut().insert(pace);
    response
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::from(Bytes::new()));
    *response.status_mut() = status;
    response
}

/// Adds the ETag of a head.
pub(crate) fn tagged(mut response: Response, etag: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(etag) {
        response.headers_mut().insert(ETAG, value);
    }
    response
}

/// Adds what stands in every answer.
pub(crate) fn finish(headers: &mut HeaderMap) {
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

fn with_type(status: StatusCode, content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
