//! Bodies of requests and answers: how large, how slow, and how much of them at once in memory.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::time::timeout;

use super::answer::Refused;
use super::room::Room;
use crate::limits::{BODY_BYTES_A_SECOND, BODY_SECONDS};

/// Room that a body that comes has at first; it doubles.
const FIRST_BYTES: usize = 16 << 10;
/// What goes to a connection at once.
const CHUNK_BYTES: usize = 64 << 10;

/// What a body will have, where its sender says.
pub(super) fn announced(body: &Body) -> Option<u64> {
    body.size_hint().exact()
}

/// How long so many bytes may take on their way.
fn patience(bytes: usize) -> Duration {
    Duration::from_secs(BODY_SECONDS + bytes as u64 / BODY_BYTES_A_SECOND)
}

/// Reads a body of at most so many bytes. Memory is asked for as they come, so that who announces much and sends little
/// takes little.
pub(super) async fn read(
    mut body: Body,
    most: usize,
    mut room: Option<&mut Room>,
) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    let mut waited = Duration::ZERO;
    loop {
        let begun = Instant::now();
        let next = poll_fn(|context| Pin::new(&mut body).poll_frame(context));
        let left = patience(bytes.len()).saturating_sub(waited);
        let frame = timeout(left, next).await.map_err(|_| Refused::Slow)?;
        // Waiting for memory is not the sender's fault.
        waited += begun.elapsed();
        let Some(frame) = frame else { return Ok(bytes) };
        // A connection that broke: nobody reads the answer.
        let Ok(data) = frame.map_err(|_| Refused::Request)?.into_data() else { continue };
        let needed = bytes.len().saturating_add(data.len());
        if needed > most {
            return Err(Refused::Large { limit: most as u64 });
        }
        if needed > bytes.capacity() {
            let capacity = needed.max(2 * bytes.capacity()).max(FIRST_BYTES).min(most);
            if let Some(room) = &mut room {
                room.grow(capacity).await?;
            }
            bytes.reserve_exact(capacity - bytes.len());
        }
        bytes.extend_from_slice(&data);
    }
}

/// How an answer gets on. It is alive as long as any of its bytes is in memory.
#[derive(Debug)]
pub(super) struct Pace {
    begun: Instant,
    handed_over: AtomicUsize,
}

impl Pace {
    /// Whether whoever reads it is too slow.
    pub(super) fn is_behind(&self) -> bool {
        self.begun.elapsed() > patience(self.handed_over.load(Ordering::Relaxed))
    }
}

/// The bytes of an answer, and the room that they take: parts of them wait for the client long after the last one was
/// handed to the connection, and each part keeps the whole in memory.
struct Kept {
    bytes: Vec<u8>,
    _room: Room,
    _pace: Arc<Pace>,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A body in parts.
pub(super) struct Outgoing {
    bytes: Bytes,
    pace: Arc<Pace>,
}

impl Outgoing {
    /// These bytes; the room is given back with the last part of them.
    pub(super) fn new(bytes: Vec<u8>, room: Room) -> Self {
        let pace = Arc::new(Pace { begun: Instant::now(), handed_over: AtomicUsize::default() });
        let bytes = Bytes::from_owner(Kept { bytes, _room: room, _pace: Arc::clone(&pace) });
        Self { bytes, pace }
    }

    pub(super) const fn pace(&self) -> &Arc<Pace> {
        &self.pace
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
        self.pace.handed_over.fetch_add(chunk.len(), Ordering::Relaxed);
        Poll::Ready((!chunk.is_empty()).then(|| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}
