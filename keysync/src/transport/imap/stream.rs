//! The connection to a mail server: TLS, and no more bytes than were allowed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::super::TransportError;
use super::log_in::Mailbox;
use super::watch::Watch;
use crate::limits;

/// A connection that ends where the server sends more than was allowed: what it announces costs no memory.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Stream,
    allowed: usize,
    watch: Watch,
}

#[derive(Debug)]
enum Stream {
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
    ThisMachine(TcpStream),
}

impl Connection {
    pub(super) async fn open(mailbox: &Mailbox) -> Result<Self, TransportError> {
        let unreachable =
            |error: io::Error| TransportError::Unreachable(format!("{}: {error}", mailbox.host));
        let stream = (mailbox.connect)().map_err(unreachable)?;
        stream.set_nonblocking(true).map_err(unreachable)?;
        let stream = TcpStream::from_std(stream).map_err(unreachable)?;
        let stream = match &mailbox.tls {
            Some(config) => {
                let name = ServerName::try_from(mailbox.host.clone()).map_err(|_| {
                    TransportError::Refused(format!("{} is no name of a server", mailbox.host))
                })?;
                let connector = TlsConnector::from(config.clone());
                Stream::Tls(Box::new(connector.connect(name, stream).await.map_err(no_tls)?))
            }
            None if stream.peer_addr().is_ok_and(|address| address.ip().is_loopback()) => {
                Stream::ThisMachine(stream)
            }
            None => return Err(TransportError::Refused(format!("{} without TLS", mailbox.host))),
        };
        Ok(Self { stream, allowed: limits::IMAP_ANSWER_BYTES, watch: Watch::default() })
    }

    /// Allows this many bytes from now on.
    pub(super) const fn allow(&mut self, bytes: usize) {
        self.allowed = bytes;
    }
}

/// What no mail server says: another try would hear the same.
pub(super) fn hostile(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Why TLS did not begin. Who verifies certificates words it; everything else is a connection that broke.
fn no_tls(error: io::Error) -> TransportError {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::General(words)) => TransportError::Refused(words.clone()),
        Some(cause) => TransportError::Refused(format!("TLS with the mail server failed: {cause}")),
        None => TransportError::Unreachable(error.to_string()),
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.allowed == 0 {
            return Poll::Ready(Err(hostile("the mail server sends too much")));
        }
        let before = buffer.filled().len();
        let polled = match &mut self.stream {
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::ThisMachine(stream) => Pin::new(stream).poll_read(context, buffer),
        };
        let came = buffer.filled().get(before..).unwrap_or_default();
        self.allowed = self.allowed.saturating_sub(came.len());
        let allowed = self.allowed;
        if !self.watch.goes_on(came, allowed) {
            self.allowed = 0;
            return Poll::Ready(Err(hostile("the mail server announces too much")));
        }
        polled
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::ThisMachine(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tls(stream) => Pin::new(stream).poll_flush(context),
            Stream::ThisMachine(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::ThisMachine(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
