//! `[sources]` of a policy: what counts, and what is asked.

use std::net::SocketAddr;

use crate::lookup::UrlTemplate;

use super::words::Network;

/// `[sources]` of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourcesSection {
    /// Records in the DNS.
    pub smimea: Option<SourceRow<SmimeaSource>>,
    /// Web key directories.
    pub wkd: Option<SourceRow<()>>,
    /// A directory server.
    pub ldap: Option<SourceRow<String>>,
    /// A web server with certificates.
    pub http: Option<SourceRow<UrlTemplate>>,
    /// A program.
    pub finder: Option<SourceRow<Vec<String>>>,
    /// Key servers.
    pub keyserver: Option<bool>,
    /// Keys that came with the mail of others.
    pub gossip: Option<bool>,
    /// Endorsements by correspondents who are no introducers.
    pub peers: Option<bool>,
    /// Whether the network is asked.
    pub network: Option<Network>,
    /// Where hosts are.
    pub hosts: Vec<HostRow>,
    /// Whether hosts that mail addresses and certificates name may be in private networks.
    pub private_addresses: Option<bool>,
}

/// What a file says of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceRow<T> {
    /// It is not asked, and does not count.
    Off,
    /// It is asked, this way.
    On(T),
}

impl<T> SourceRow<T> {
    /// Of two files: off where one says so, else what the first says.
    pub(super) fn stricter(first: Self, second: Self) -> Self {
        if matches!(second, Self::Off) { second } else { first }
    }

    pub(super) fn into_source(self) -> Option<T> {
        match self {
            Self::Off => None,
            Self::On(source) => Some(source),
        }
    }
}

/// How SMIMEA records are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SmimeaSource {
    /// The resolver, in the place of the system's. It need not be trusted: what it says is validated here.
    pub resolver: Option<SocketAddr>,
    /// A file of DNSKEY records that are trusted in the place of the root's.
    pub trust_anchor: Option<String>,
}

/// Where a host of the web is, in the place of what the DNS says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRow {
    /// Its name, in small letters.
    pub name: String,
    /// Its address and port; nothing where it is to be as if it did not exist.
    pub at: Option<SocketAddr>,
}

/// The sources that are asked where nobody names any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LookupSources {
    /// Records in the DNS.
    pub smimea: Option<SmimeaSource>,
    /// Web key directories.
    pub wkd: bool,
    /// URL of a directory server.
    pub ldap: Option<String>,
    /// A web server with certificates.
    pub http: Option<UrlTemplate>,
    /// A program with its arguments.
    pub finder: Option<Vec<String>>,
    /// Whether hosts that mail addresses and certificates name may be in private networks.
    pub private_addresses: bool,
    /// Where hosts are.
    pub hosts: Vec<HostRow>,
}

/// URLs of directory servers: one over TLS, or one that TLS is begun with.
pub(super) fn is_directory_url(text: &str) -> bool {
    let rest = text.strip_prefix("ldaps://").or_else(|| text.strip_prefix("ldap://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}
