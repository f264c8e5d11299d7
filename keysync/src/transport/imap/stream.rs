//! The connection to a mail server: TLS, and no more bytes than were allowed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::super::TransportError;
use super::Mailbox;
use crate::limits;

/// A connection that ends where the server sends more than was allowed: what it announces costs no memory.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Stream,
    allowed: usize,
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
        let stream = TcpStream::connect((mailbox.host.as_str(), mailbox.port)).await.map_err(unreachable)?;
        let stream = match &mailbox.tls {
            Some(config) => {
                let name = ServerName::try_from(mailbox.host.clone()).map_err(|_| {
                    TransportError::Refused(format!("{} is no name of a server", mailbox.host))
                })?;
                let connector = TlsConnector::from(config.clone());
                Stream::Tls(Box::new(connector.connect(name, stream).await.map_err(unreachable)?))
            }
            None if stream.peer_addr().is_ok_and(|address| address.ip().is_loopback()) => {
                Stream::ThisMachine(stream)
            }
            None => return Err(TransportError::Refused(format!("{} without TLS", mailbox.host))),
        };
        Ok(Self { stream, allowed: limits::IMAP_ANSWER_BYTES })
    }

    /// Allows this many bytes from now on.
    pub(super) const fn allow(&mut self, bytes: usize) {
        self.allowed = bytes;
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.allowed == 0 {
            return Poll::Ready(Err(io::Error::other("the mail server sends too much")));
        }
        let before = buffer.filled().len();
        let polled = match &mut self.stream {
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::ThisMachine(stream) => Pin::new(stream).poll_read(context, buffer),
        };
        let came = buffer.filled().len().saturating_sub(before);
        self.allowed = self.allowed.saturating_sub(came);
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
