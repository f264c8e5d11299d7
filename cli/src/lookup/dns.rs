//! Records of the DNS, with the chain of DNSSEC signatures checked here: no resolver is believed.

mod proxied;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use counterseal_core::address::EmailAddress;
use counterseal_core::limits;
use counterseal_core::lookup::{SmimeaRecord, smimea_name};
use counterseal_core::policy::SmimeaSource;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::dnssec::{Proof, TrustAnchors};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::{ConnectionProvider, Resolver, ResolverBuilder, TokioResolver};

use super::{Answer, Found, Source, Standing, Trouble, proxy};
use proxied::Proxied;

const NO_RESOLVER: &str = "through a proxy, the DNS is asked only over TCP, and [sources.smimea] of the policy names no \
                           resolver that could be asked there";

/// Asks for the records of an address.
pub(super) fn ask(address: &EmailAddress, how: Option<&SmimeaSource>) -> Answer {
    let name = smimea_name(address);
    let usual = SmimeaSource::default();
    let outcome = query(&name, how.unwrap_or(&usual));
    Answer::new(Source::Smimea, name, outcome)
}

fn query(name: &str, how: &SmimeaSource) -> Result<Option<Found>, Trouble> {
    Ok(records(name, RecordType::SMIMEA, how)?.and_then(found))
}

/// What the DNS says under one name.
pub(crate) struct Records {
    pub(crate) data: Vec<RData>,
    /// Whether DNSSEC proves it; else the domain does not sign.
    pub(crate) secure: bool,
    /// Seconds for which it counts.
    pub(crate) lasts: i64,
}

/// Asks for the records of one kind under a name. Nothing where there are none.
///
/// # Errors
/// [`Trouble`]: `dnssec-bogus` where signatures do not hold, or are missing where they should be.
pub(crate) fn records(name: &str, kind: RecordType, how: &SmimeaSource) -> Result<Option<Records>, Trouble> {
    let name = Name::from_ascii(name).map_err(|error| Trouble::unusable(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::unreachable(error.to_string()))?;
    runtime.block_on(async {
        match (proxy()?, how.resolver) {
            (Some(proxy), Some(at)) => {
                let through = Proxied::new(proxy, at);
                let servers = NameServerConfig::tcp(at.ip());
                let builder = Resolver::builder_with_config(only(servers, at), through.clone());
                let patience = Duration::from_secs(limits::DNS_SECONDS);
                match asked(builder, patience, name, kind, how).await {
                    // The proxy's reason says more than that there was no connection.
                    Err(trouble) if trouble.word == "unreachable" => {
                        Err(through.trouble().unwrap_or(trouble))
                    }
                    answer => answer,
                }
            }
            (Some(_), None) => Err(Trouble::new("not-configured", NO_RESOLVER)),
            (None, at) => {
                let builder = match at {
                    Some(at) => {
                        let servers = NameServerConfig::udp_and_tcp(at.ip());
                        Resolver::builder_with_config(only(servers, at), TokioRuntimeProvider::default())
                    }
                    None => TokioResolver::builder_tokio().map_err(|error| unreachable(&error))?,
                };
                asked(builder, Duration::from_secs(limits::DNS_SECONDS / 3), name, kind, how).await
            }
        }
    })
}

/// Asks by a resolver that waits for so long for each answer.
async fn asked<P: ConnectionProvider>(
    mut builder: ResolverBuilder<P>,
    patience: Duration,
    name: Name,
    kind: RecordType,
    how: &SmimeaSource,
) -> Result<Option<Records>, Trouble> {
    let options = builder.options_mut();
    options.use_hosts_file = ResolveHosts::Never;
    options.timeout = patience;
    let resolver = builder
        .with_trust_anchor(Arc::new(trust_anchors(how)?))
        .build()
        .map_err(|error| unreachable(&error))?;
    let lookup = resolver.lookup(name, kind);
    match tokio::time::timeout(Duration::from_secs(limits::DNS_SECONDS), lookup).await {
        Ok(Ok(answer)) => proven(&answer, kind),
        Ok(Err(error)) => failed(&error).map(|()| None),
        Err(_) => Err(Trouble::unreachable("the resolver does not answer in time")),
    }
}

fn unreachable(error: &NetError) -> Trouble {
    Trouble::unreachable(error.to_string())
}

/// The keys of the root, or those of the file.
fn trust_anchors(how: &SmimeaSource) -> Result<TrustAnchors, Trouble> {
    match &how.trust_anchor {
        None => Ok(TrustAnchors::default()),
        Some(path) => TrustAnchors::from_file(Path::new(path))
            .map_err(|error| Trouble::new("not-configured", format!("trust_anchor {path}: {error}"))),
    }
}

/// One resolver alone.
fn only(mut server: NameServerConfig, at: SocketAddr) -> ResolverConfig {
    server.connections.iter_mut().for_each(|connection: &mut ConnectionConfig| connection.port = at.port());
    ResolverConfig::from_name_servers(vec![server])
}

/// What an answer holds. Each record of it must be proven to be what the domain says, or be proven to
/// be of a domain that does not sign; what is neither is an attack, or looks like one.
fn proven(answer: &Lookup, kind: RecordType) -> Result<Option<Records>, Trouble> {
    let answers: Vec<&Record> =
        answer.answers().iter().filter(|record| record.record_type() != RecordType::RRSIG).collect();
    if answers.iter().any(|record| matches!(record.proof, Proof::Bogus | Proof::Indeterminate)) {
        return Err(bogus());
    }
    // Names that lead on to others count too: whoever forges one of them leads elsewhere.
    let secure = answers.iter().all(|record| record.proof == Proof::Secure);
    let lasts = answers.iter().map(|record| i64::from(record.ttl)).min().unwrap_or_default();
    let of_kind = answers.iter().filter(|record| record.record_type() == kind);
    let data: Vec<RData> = of_kind.map(|record| record.data.clone()).take(limits::DNS_RECORDS).collect();
    if data.is_empty() {
        return Ok(None);
    }
    Ok(Some(Records { data, secure, lasts }))
}

/// The certificates of SMIMEA records.
fn found(answer: Records) -> Option<Found> {
    let mut records: Vec<SmimeaRecord> = Vec::new();
    for data in answer.data.iter().take(limits::SMIMEA_RECORDS) {
        let RData::SMIMEA(smimea) = data else { continue };
        let fields = [u8::from(smimea.cert_usage), u8::from(smimea.selector), u8::from(smimea.matching)];
        // RFC 6698, section 4.1: what is not understood is passed over.
        records.extend(SmimeaRecord::from_rdata(&[&fields[..], &smimea.cert_data].concat()));
    }
    if records.is_empty() {
        return None;
    }
    Some(Found {
        certificates: records.iter().filter_map(SmimeaRecord::certificate).collect(),
        records,
        openpgp: None,
        standing: Standing::Dns { secure: answer.secure },
        lasts: answer.lasts.min(limits::DNS_EVIDENCE_SECONDS),
    })
}

/// Whether an error only says that there is nothing.
fn failed(error: &NetError) -> Result<(), Trouble> {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(_)) => Ok(()),
        NetError::Dns(DnsError::Nsec { proof: Proof::Insecure, .. }) => Ok(()),
        NetError::Dns(DnsError::Nsec { .. } | DnsError::DnssecBogus) => Err(bogus()),
        other => Err(Trouble::unreachable(other.to_string())),
    }
}

fn bogus() -> Trouble {
    const WHY: &str = "the DNSSEC signatures do not hold, or are missing where they should be: an attack, or a \
                       resolver that leaves them out";
    Trouble::new("dnssec-bogus", WHY)
}
