//! HTTP by way of a SOCKS proxy: each connection goes to the proxy, which looks the names up.

use std::io;
use std::net::IpAddr;

use counterseal_core::lookup::is_public;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    ConnectionDetails, Connector, NextTimeout, TcpConnector, TransportAdapter,
};
use ureq::{Error, config::Config};

use super::Reach;
use crate::account::Host;
use crate::socks::{self, ProxyError};

/// The proxy, and where requests may go through it.
#[derive(Clone, Debug)]
pub(super) struct Proxied {
    pub(super) proxy: &'static Host,
    pub(super) reach: Reach,
}

type Tcp = <TcpConnector as Connector<()>>::Out;

impl Resolver for Proxied {
    /// The addresses of the proxy, for every host that may be asked: there is nowhere else to connect to.
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        self.target(uri)?;
        let Host { name, port } = self.proxy;
        let name = if name.contains(':') { format!("[{name}]") } else { name.clone() };
        let proxy: Uri = format!("http://{name}:{port}/").parse().map_err(|error| self.away(&error))?;
        DefaultResolver::default().resolve(&proxy, config, timeout).map_err(|error| self.away(&error))
    }
}

impl Connector<()> for Proxied {
    type Out = Tcp;

    fn connect(&self, details: &ConnectionDetails, chained: Option<()>) -> Result<Option<Tcp>, Error> {
        let target = self.target(details.uri)?;
        let tcp = TcpConnector::default().connect(details, chained).map_err(|error| self.away(&error))?;
        let Some(tcp) = tcp else { return Ok(None) };
        let mut stream = TransportAdapter::new(tcp, details.current_time.clone());
        stream.set_timeout(details.timeout);
        socks::ask(&mut stream, &target).map_err(failed)?;
        Ok(Some(stream.into_inner()))
    }
}

impl Proxied {
    /// What the proxy is asked to connect to.
    fn target(&self, uri: &Uri) -> Result<Host, Error> {
        let name = uri.host().unwrap_or_default().to_ascii_lowercase();
        if let Some(row) = self.reach.hosts.iter().find(|row| row.name == name) {
            let at = row.at.ok_or(Error::HostNotFound)?;
            return Ok(Host { name: at.ip().to_string(), port: at.port() });
        }
        let name = name.trim_start_matches('[').trim_end_matches(']').to_owned();
        if !self.reach.private_addresses && !may_be_asked(&name) {
            let text = format!("{name} is in a private network");
            return Err(Error::Io(io::Error::new(io::ErrorKind::PermissionDenied, text)));
        }
        let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        Ok(Host { name, port: uri.port_u16().unwrap_or(usual) })
    }

    fn away(&self, error: &dyn std::fmt::Display) -> Error {
        failed(ProxyError::unreachable(self.proxy, error))
    }
}

/// Where a name leads is the proxy's to know; what is written as an address, or means whoever asks, is seen here.
fn may_be_asked(name: &str) -> bool {
    if let Ok(address) = name.parse::<IpAddr>() {
        return is_public(address);
    }
    let last = name.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    // `127.1` and `0x7f000001` are addresses to many programs.
    let is_number = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    !is_number && !last.starts_with("0x") && last != "localhost"
}

fn failed(error: ProxyError) -> Error {
    Error::Io(io::Error::other(error))
}

/// What the proxy said, where an error is of it.
pub(super) fn said(error: &Error) -> Option<&ProxyError> {
    let Error::Io(error) = error else { return None };
    error.get_ref()?.downcast_ref()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use counterseal_core::policy::HostRow;

    use super::*;

    static PROXY: std::sync::LazyLock<Host> =
        std::sync::LazyLock::new(|| Host { name: "127.0.0.1".to_owned(), port: 9050 });

    fn target(uri: &str, private_addresses: bool) -> Result<Host, Error> {
        let row = |name: &str, at: Option<&str>| HostRow {
            name: name.to_owned(),
            at: at.map(|at| at.parse().unwrap()),
        };
        let hosts = vec![row("here.example", Some("127.0.0.1:8443")), row("none.example", None)];
        let reach = Reach { hosts, private_addresses, plain: true, redirections: 0 };
        Proxied { proxy: &PROXY, reach }.target(&uri.parse().unwrap())
    }

    #[test]
    fn names_are_left_to_the_proxy_and_addresses_of_private_networks_are_not_asked() {
        let host = |name: &str, port| Host { name: name.to_owned(), port };
        assert_eq!(target("https://Example.org/x", false).unwrap(), host("example.org", 443));
        assert_eq!(target("http://example.org:81/", false).unwrap(), host("example.org", 81));
        assert_eq!(target("http://[2606:4700::1]/", false).unwrap(), host("2606:4700::1", 80));
        assert_eq!(target("https://here.example/", false).unwrap(), host("127.0.0.1", 8443));
        assert!(matches!(target("https://none.example/", true), Err(Error::HostNotFound)));
        for name in [
            "127.0.0.1",
            "[::1]",
            "10.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "localhost",
            "a.localhost.",
        ] {
            let uri = format!("https://{name}/");
            assert!(target(&uri, false).unwrap_err().to_string().contains("private network"), "{name}");
            assert!(target(&uri, true).is_ok(), "{name}");
        }
    }
}
