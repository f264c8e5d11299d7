//! HTTP, within limits: who names a host need not be our friend.

mod proxied;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use counterseal_core::address::EmailAddress;
use counterseal_core::limits;
use counterseal_core::lookup::is_public;
use counterseal_core::policy::{HostRow, LookupSources};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Connector, DefaultConnector, NextTimeout, RustlsConnector};
use ureq::{Agent, Error};

use super::{Answer, Found, Source, Standing, Trouble, proxy, template, tls};
use proxied::Proxied;

/// What a client sends as its name: not which version, nor whose.
const USER_AGENT: &str = "counterseal";

/// Where requests may go.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    /// Hosts that are elsewhere than the DNS says.
    pub(crate) hosts: Vec<HostRow>,
    /// Whether addresses of private networks may be asked.
    pub(crate) private_addresses: bool,
    /// Whether without TLS: lists and OCSP responses are signed by themselves.
    pub(crate) plain: bool,
    /// How often a server may send on to another address.
    pub(crate) redirections: u32,
}

impl Reach {
    /// Over TLS alone, to what a mail address or a domain names.
    pub(crate) fn of_domains(how: &LookupSources) -> Self {
        Self {
            hosts: how.hosts.clone(),
            private_addresses: how.private_addresses,
            plain: false,
            redirections: limits::HTTP_REDIRECTS,
        }
    }
}

/// A client.
pub(crate) struct Web {
    agent: Agent,
}

/// What became of a request.
pub(crate) enum Fetched {
    Body(Vec<u8>),
    /// The server has no such thing.
    Nothing,
    /// There is no such host.
    NoHost,
}

impl Web {
    /// Of requests that take so many seconds at most, redirections and name look-ups included. They go through the
    /// proxy of `config.toml`, else through the one of the environment, else straight.
    pub(crate) fn new(reach: Reach, seconds: Duration) -> Result<Self, Trouble> {
        let proxy = proxy()?;
        let https_only = !reach.plain;
        // Plain HTTP does without roots; a redirection to HTTPS then fails.
        let roots = match tls::roots() {
            Ok(roots) => roots,
            Err(_) if reach.plain => Vec::new(),
            Err(trouble) => return Err(trouble),
        };
        let roots: Vec<Certificate<'static>> =
            roots.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(tls::provider())
            .build();
        let config = Agent::config_builder()
            .https_only(https_only)
            .tls_config(tls)
            .user_agent(USER_AGENT)
            .timeout_global(Some(seconds))
            .max_redirects(reach.redirections)
            .max_response_header_size(limits::HTTP_HEADER_BYTES)
            .http_status_as_error(false);
        let agent = match proxy {
            None => Agent::with_parts(config.build(), DefaultConnector::default(), Hosts { reach }),
            Some(proxy) => {
                let proxied = Proxied { proxy, reach };
                let connector = proxied.clone().chain(RustlsConnector::default());
                // What the environment names is another proxy.
                Agent::with_parts(config.proxy(None).build(), connector, proxied)
            }
        };
        Ok(Self { agent })
    }

    /// The client itself, for what speaks a protocol of its own over HTTP.
    pub(crate) fn into_agent(self) -> Agent {
        self.agent
    }

    /// Gets a URL; of the answer, so many bytes at most.
    pub(crate) fn get(&self, url: &str, most: usize) -> Result<Fetched, Trouble> {
        read(self.agent.get(url).call(), most)
    }

    /// Sends bytes to a URL.
    pub(crate) fn post(
        &self,
        url: &str,
        content_type: &str,
        body: &[u8],
        most: usize,
    ) -> Result<Fetched, Trouble> {
        read(self.agent.post(url).content_type(content_type).send(body), most)
    }
}

fn read(answer: Result<ureq::http::Response<ureq::Body>, Error>, most: usize) -> Result<Fetched, Trouble> {
    let mut response = match answer {
        Ok(response) => response,
        Err(Error::HostNotFound) => return Ok(Fetched::NoHost),
        Err(error) => return Err(trouble(&error)),
    };
    match response.status().as_u16() {
        200 => {}
        404 | 410 => return Ok(Fetched::Nothing),
        status => return Err(Trouble::unreachable(format!("the server answers with status {status}"))),
    }
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    response
        .body_mut()
        .with_config()
        .limit(limit)
        .read_to_vec()
        .map(Fetched::Body)
        .map_err(|error| trouble(&error))
}

fn trouble(error: &Error) -> Trouble {
    if let Some(error) = proxied::said(error) {
        return Trouble::of_proxy(error);
    }
    match error {
        Error::BodyExceedsLimit(limit) => {
            Trouble::unusable(format!("the answer has more than {limit} bytes"))
        }
        Error::RequireHttpsOnly(_) => Trouble::unusable("the server redirects to an address without TLS"),
        error => Trouble::unreachable(error.to_string()),
    }
}

/// Looks names up, and leaves out what must not be asked.
#[derive(Debug)]
struct Hosts {
    reach: Reach,
}

impl Resolver for Hosts {
    fn resolve(
        &self,
        uri: &ureq::http::Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let name = uri.host().unwrap_or_default().to_ascii_lowercase();
        if let Some(row) = self.reach.hosts.iter().find(|row| row.name == name) {
            let mut addresses = self.empty();
            addresses.push(row.at.ok_or(Error::HostNotFound)?);
            return Ok(addresses);
        }
        let found =
            DefaultResolver::default().resolve(uri, config, timeout).map_err(|error| match error {
                Error::Io(error) if says_no_such_host(&error.to_string()) => Error::HostNotFound,
                other => other,
            })?;
        let mut allowed = self.empty();
        for address in found.iter().filter(|address| self.may_ask(address)) {
            allowed.push(*address);
        }
        if allowed.is_empty() {
            let text = format!("{name} is in a private network");
            return Err(Error::Io(std::io::Error::new(std::io::ErrorKind::PermissionDenied, text)));
        }
        Ok(allowed)
    }
}

impl Hosts {
    fn may_ask(&self, address: &SocketAddr) -> bool {
        self.reach.private_addresses || is_public(address.ip())
    }
}

/// Whether a look-up was answered, and there is no such name. Rust gives the answers of getaddrinfo as
/// texts alone: these are EAI_NONAME and EAI_NODATA of glibc, musl and the BSDs.
fn says_no_such_host(error: &str) -> bool {
    const TEXTS: [&str; 5] = [
        "Name or service not known",
        "No address associated with hostname",
        "Name does not resolve",
        "Name has no usable address",
        "nodename nor servname provided",
    ];
    TEXTS.iter().any(|text| error.contains(text))
}

/// Asks the web server of a template.
pub(super) fn ask(address: &EmailAddress, how: &LookupSources) -> Answer {
    let Some(template) = template(how) else {
        return Answer::new(Source::Http, "", Err(Trouble::unreachable("no web server is named")));
    };
    let url = template.url_for(address);
    let standing = if template.is_of_the_domain() {
        Standing::Domain
    } else {
        let host = url.trim_start_matches("https://").split(['/', '?', '#']).next().unwrap_or_default();
        Standing::Server(host.to_owned())
    };
    // A host that the policy names may be anywhere; one that the mail address names may not.
    let private_addresses = how.private_addresses || standing != Standing::Domain;
    let reach = Reach { private_addresses, ..Reach::of_domains(how) };
    let outcome = Web::new(reach, Duration::from_secs(limits::LOOKUP_SECONDS))
        .and_then(|web| web.get(&url, limits::LOOKUP_BYTES))
        .and_then(|fetched| match fetched {
            Fetched::Body(body) => Found::of_files(&[body], standing).map(Some),
            Fetched::Nothing | Fetched::NoHost => Ok(None),
        });
    Answer::new(Source::Http, url, outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_does_not_exist_is_told_from_a_look_up_that_failed() {
        let failed = |text| format!("failed to lookup address information: {text}");
        assert!(says_no_such_host(&failed("Name or service not known")));
        assert!(says_no_such_host(&failed("No address associated with hostname")));
        assert!(!says_no_such_host(&failed("Temporary failure in name resolution")));
    }
}
