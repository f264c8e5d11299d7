//! `cseal relay`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use counterseal_keysync::relay::store::postgres::{BodySettings, PostgresSettings};
use counterseal_keysync::relay::{
    CreationPolicy, Journal, Network, RelayError, Settings, StoreSettings, TlsFiles, start,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::args::{Relay, RelayPolicy};
use crate::clock;
use crate::failure::{Exit, Failure};
use crate::places;
use crate::relay_config::RelayConfig;

/// Where a relay listens that is told nothing: its own machine.
const LISTEN: ([u8; 4], u16) = ([127, 0, 0, 1], 8790);
const FILE: &str = "relay.db";

/// Runs the relay until a signal ends it.
pub(super) fn run(arguments: &Relay) -> Result<Exit, Failure> {
    let config = arguments.config.as_deref().map(RelayConfig::read).transpose()?.unwrap_or_default();
    let mut journal = Journal::new(Box::new(std::io::stderr()), arguments.report.json);
    journal.requests = arguments.log_requests || config.log_requests;
    journal.addresses = arguments.log_addresses || config.log_addresses;
    let settings = settings(arguments, config)?;
    let running = start(settings, Arc::new(clock::now), journal, true).map_err(failed)?;
    running.wait().map_err(failed)?;
    Ok(Exit::Done)
}

fn failed(error: RelayError) -> Failure {
    Failure::unknown("relay", error.to_string())
}

fn settings(arguments: &Relay, mut config: RelayConfig) -> Result<Settings, Failure> {
    if !arguments.listen.is_empty() {
        config.listen.clone_from(&arguments.listen);
    }
    if config.listen.is_empty() {
        config.listen.push(LISTEN.into());
    }
    if !arguments.trusted_proxy.is_empty() {
        config.visitors.proxies =
            arguments.trusted_proxy.iter().map(|typed| network(typed)).collect::<Result<_, _>>()?;
    }
    if let Some(rate) = arguments.rate {
        if !rate.is_finite() || rate < 0.0 {
            return Err(Failure::usage(format!("--rate {rate}: a number, not below 0, please")));
        }
        config.visitors.rate = rate;
        config.visitors.burst = config.visitors.burst.max(rate);
    }
    let tls = tls(arguments, &config)?;
    if tls.is_none()
        && config.visitors.proxies.is_empty()
        && config.listen.iter().any(|at| !at.ip().is_loopback())
    {
        return Err(Failure::usage("without TLS a relay listens on this machine alone, or behind a proxy")
            .hint("give --tls-certificate and --tls-key, or name the proxy with --trusted-proxy"));
    }
    let policy = policy(arguments.policy.unwrap_or(config.policy), &mut config)?;
    let store = store(arguments, &mut config)?;
    Ok(Settings {
        listen: config.listen,
        tls,
        store,
        policy,
        limits: config.limits,
        visitors: config.visitors,
        metrics_for: config.metrics_for,
    })
}

fn network(typed: &str) -> Result<Network, Failure> {
    Network::parse(typed).ok_or_else(|| {
        Failure::usage(format!("--trusted-proxy {typed}: neither an address nor a network"))
            .hint("write 127.0.0.1, 10.0.0.0/8 or 2001:db8::/32")
    })
}

fn tls(arguments: &Relay, config: &RelayConfig) -> Result<Option<TlsFiles>, Failure> {
    let typed = arguments.tls_certificate.clone().zip(arguments.tls_key.clone());
    let files = match (typed, config.certificate.clone(), config.key.clone()) {
        (Some(typed), ..) => Some(typed),
        (None, Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None, None) => None,
        (None, ..) => {
            return Err(Failure::unknown("relay-config", "a certificate without its key, or a key without"));
        }
    };
    Ok(files.map(|(certificate, key)| TlsFiles { certificate, key }))
}

fn policy(asked: RelayPolicy, config: &mut RelayConfig) -> Result<CreationPolicy, Failure> {
    match asked {
        RelayPolicy::Open => Ok(CreationPolicy::Open),
        RelayPolicy::Work => Ok(CreationPolicy::Work(config.bits)),
        RelayPolicy::Invite if config.invites.is_empty() => {
            Err(Failure::unknown("relay-config", "boxes by invitation, and nobody is invited")
                .hint("write [[invite]] into the file of --config: docs/formats/relay-config.md"))
        }
        RelayPolicy::Invite => Ok(CreationPolicy::Invite(std::mem::take(&mut config.invites))),
        RelayPolicy::Account if config.visitors.proxies.is_empty() => {
            Err(Failure::usage("accounts are known to a proxy, and none is trusted")
                .hint("name it with --trusted-proxy"))
        }
        RelayPolicy::Account => {
            Ok(CreationPolicy::Account { header: config.account_header.clone(), boxes: config.account_boxes })
        }
    }
}

fn store(arguments: &Relay, config: &mut RelayConfig) -> Result<StoreSettings, Failure> {
    let typed = arguments.store.clone().or_else(|| config.store.take());
    let bodies = bodies(arguments, config)?;
    match typed {
        Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
            no_password(&url)?;
            let roots = config.store_ca.as_deref().map(roots).transpose()?.unwrap_or_default();
            let password = config.password.take();
            Ok(StoreSettings::Postgres(PostgresSettings { url, password, roots, bodies }))
        }
        _ if bodies.is_some() => {
            Err(Failure::usage("an object store stands beside PostgreSQL, not beside a file")
                .hint("name the database with --store postgres://USER@HOST/DATABASE"))
        }
        Some(path) => Ok(StoreSettings::Sqlite(PathBuf::from(path))),
        None => Ok(StoreSettings::Sqlite(default_file()?)),
    }
}

/// Arguments are seen by every user of the machine.
fn no_password(url: &str) -> Result<(), Failure> {
    let user = url.split_once("://").and_then(|(_, rest)| rest.split('/').next()?.rsplit_once('@'));
    if user.is_some_and(|(user, _)| user.contains(':')) || url.contains("password=") {
        return Err(Failure::usage("a password in the URL of the database")
            .hint("write it into the file of --config: [store] password = \"…\""));
    }
    Ok(())
}

fn bodies(arguments: &Relay, config: &mut RelayConfig) -> Result<Option<BodySettings>, Failure> {
    let Some(url) = arguments.bodies.clone().or_else(|| config.bodies.take()) else { return Ok(None) };
    if config.key_id.is_some() != config.secret_key.is_some() {
        return Err(Failure::unknown(
            "relay-config",
            "[bodies] needs both \"key_id\" and \"secret_key\", or none",
        ));
    }
    Ok(Some(BodySettings {
        url,
        endpoint: config.endpoint.take(),
        region: config.region.take(),
        key_id: config.key_id.take(),
        secret_key: config.secret_key.take(),
    }))
}

fn roots(path: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let wrong = |why: &str| Failure::unknown("relay-config", format!("{}: {why}", path.display()));
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error.to_string()))?;
    let roots: Vec<Vec<u8>> = certificates
        .map(|certificate| certificate.map(|certificate| certificate.to_vec()))
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(&error.to_string()))?;
    if roots.is_empty() { Err(wrong("no certificate in PEM")) } else { Ok(roots) }
}

fn default_file() -> Result<PathBuf, Failure> {
    let folder = places::data()?;
    make(&folder)?;
    Ok(folder.join(FILE))
}

fn make(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| Failure::io(folder.display().to_string(), &error))
}
