//! The DNS by way of a SOCKS proxy: over TCP, and to the resolver of the policy alone.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use counterseal_core::limits;
use hickory_resolver::net::runtime::iocompat::AsyncIoTokioAsStd;
use hickory_resolver::net::runtime::{RuntimeProvider, TokioRuntimeProvider};
use tokio::net::TcpStream;

use super::Trouble;
use crate::account::Host;
use crate::socks::{self, ProxyError};

/// Connects through a proxy, and in no other way.
#[derive(Clone)]
pub(super) struct Proxied {
    proxy: &'static Host,
    resolver: SocketAddr,
    usual: TokioRuntimeProvider,
    /// Why there was no connection.
    failed: Arc<Mutex<Option<ProxyError>>>,
}

impl Proxied {
    pub(super) fn new(proxy: &'static Host, resolver: SocketAddr) -> Self {
        Self { proxy, resolver, usual: TokioRuntimeProvider::default(), failed: Arc::default() }
    }

    /// What the proxy had against it, where it had something.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.failed.lock().ok()?.as_ref().map(Trouble::of_proxy)
    }
}

impl RuntimeProvider for Proxied {
    type Handle = <TokioRuntimeProvider as RuntimeProvider>::Handle;
    type Timer = <TokioRuntimeProvider as RuntimeProvider>::Timer;
    type Udp = <TokioRuntimeProvider as RuntimeProvider>::Udp;
    type Tcp = <TokioRuntimeProvider as RuntimeProvider>::Tcp;

    fn create_handle(&self) -> Self::Handle {
        self.usual.create_handle()
    }

    fn connect_tcp(
        &self,
        server: SocketAddr,
        _: Option<SocketAddr>,
        wait_for: Option<Duration>,
    ) -> Pin<Box<dyn Send + Future<Output = Result<Self::Tcp, io::Error>>>> {
        let Self { proxy, resolver, failed, .. } = self.clone();
        Box::pin(async move {
            if server != resolver {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            let until = Instant::now() + wait_for.unwrap_or(Duration::from_secs(limits::DNS_SECONDS));
            let host = Host { name: server.ip().to_string(), port: server.port() };
            let opened = tokio::task::spawn_blocking(move || socks::open(proxy, &host, until)).await?;
            let stream = opened.map_err(|error| {
                if let Ok(mut failed) = failed.lock() {
                    *failed = Some(error.clone());
                }
                io::Error::other(error)
            })?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            TcpStream::from_std(stream).map(AsyncIoTokioAsStd)
        })
    }

    /// SOCKS carries UDP in a way that hardly any proxy knows.
    fn bind_udp(
        &self,
        _: SocketAddr,
        _: SocketAddr,
    ) -> Pin<Box<dyn Send + Future<Output = Result<Self::Udp, io::Error>>>> {
        Box::pin(async { Err(io::ErrorKind::Unsupported.into()) })
    }
}
