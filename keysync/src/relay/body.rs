//! Bodies of requests and answers: how large, how slow, and how much of them at once in memory.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use hyper::body::{Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::answer::Refused;
use super::service::{PERMIT_BYTES, Service};
use super::visitors::Held;
use crate::limits::{BODY_BYTES_A_SECOND, RELAY_SECONDS};

/// How long a request waits for memory that others hold.
const PATIENCE: Duration = Duration::from_secs(5);
/// What goes to a connection at once.
const CHUNK_BYTES: usize = 64 << 10;

/// What a body will have, where its sender says.
pub(super) fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// How long a body of so many bytes may take.
pub(super) fn patience(bytes: usize) -> Duration {
    Duration::from_secs(RELAY_SECONDS + bytes as u64 / BODY_BYTES_A_SECOND)
}

/// Reads a body of at most so many bytes.
pub(super) async fn read(mut body: Body, most: usize) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    loop {
        let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        let Some(frame) = frame else { return Ok(bytes) };
        // A connection that broke: nobody reads the answer.
        let Ok(data) = frame.map_err(|_| Refused::Request)?.into_data() else { continue };
        if bytes.len().saturating_add(data.len()) > most {
            return Err(Refused::Large { limit: most as u64 });
        }
        bytes.extend_from_slice(&data);
    }
}

/// Room in memory for one body; given back when dropped.
pub(super) struct Room {
    _of_all: OwnedSemaphorePermit,
    _of_visitor: Held,
}

impl Service {
    /// Room for a body, unless this visitor, or all, have too many bodies in memory.
    pub(super) async fn room_for(&self, asker: IpAddr, bytes: usize) -> Result<Room, Refused> {
        let of_visitor = self.visitors.hold(asker, bytes).ok_or(Refused::Busy)?;
        let permits = u32::try_from(bytes.div_ceil(PERMIT_BYTES)).map_err(|_| Refused::Busy)?;
        let of_all = timeout(PATIENCE, Arc::clone(&self.bodies).acquire_many_owned(permits)).await;
        match of_all {
            Ok(Ok(permit)) => Ok(Room { _of_all: permit, _of_visitor: of_visitor }),
            _ => Err(Refused::Busy),
        }
    }
}

/// A body that holds its room until its last part went to the connection.
pub(super) struct Outgoing {
    bytes: Bytes,
    _room: Room,
}

impl Outgoing {
    pub(super) fn new(bytes: Vec<u8>, room: Room) -> Self {
        Self { bytes: bytes.into(), _room: room }
    }
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let chunk = self.bytes.len().min(CHUNK_BYTES);
        let chunk = self.bytes.split_to(chunk);
        Poll::Ready((!chunk.is_empty()).then(|| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}
