//! Bytes over TCP that come in time, or not at all.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::super::TransportError;

/// The bytes that a buffer grows by: a length is believed as far as bytes follow it.
const STEP: usize = 64 << 10;

/// A connection. Every call has its time in all, however slowly the other side drips.
#[derive(Debug)]
pub(super) struct TimedStream(TcpStream);

impl TimedStream {
    pub(super) fn new(stream: TcpStream) -> Result<Self, TransportError> {
        stream.set_nonblocking(false).map_err(|error| broken(&error))?;
        // Questions and answers are small and wait for each other.
        stream.set_nodelay(true).map_err(|error| broken(&error))?;
        Ok(Self(stream))
    }

    /// Reads exactly `length` bytes.
    pub(super) fn read(&mut self, length: usize, time: Duration) -> Result<Vec<u8>, TransportError> {
        let deadline = Instant::now() + time;
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let begin = bytes.len();
            bytes.resize(length.min(begin + STEP), 0);
            let read = self.read_some(bytes.get_mut(begin..).unwrap_or_default(), deadline)?;
            bytes.truncate(begin + read);
        }
        Ok(bytes)
    }

    fn read_some(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<usize, TransportError> {
        loop {
            self.0.set_read_timeout(Some(left(deadline)?)).map_err(|error| broken(&error))?;
            match self.0.read(buffer) {
                Ok(0) => return Err(TransportError::Unreachable("the other device ended".into())),
                Ok(read) => return Ok(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(broken(&error)),
            }
        }
    }

    pub(super) fn write(&mut self, mut bytes: &[u8], time: Duration) -> Result<(), TransportError> {
        let deadline = Instant::now() + time;
        while !bytes.is_empty() {
            self.0.set_write_timeout(Some(left(deadline)?)).map_err(|error| broken(&error))?;
            match self.0.write(bytes) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(broken(&error)),
            }
        }
        Ok(())
    }
}

fn left(deadline: Instant) -> Result<Duration, TransportError> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(TransportError::Unreachable("too slow".into())) } else { Ok(left) }
}

fn broken(error: &io::Error) -> TransportError {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => TransportError::Unreachable("too slow".into()),
        _ => TransportError::Unreachable(error.to_string()),
    }
}
