//! Where the database is, and whether the way to it needs TLS.

use std::net::IpAddr;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::{PATIENCE, PostgresSettings, trouble};
use crate::relay::store::StoreError;

/// How to connect. To another machine only over TLS, whatever the URL says.
pub(super) fn config(settings: &PostgresSettings) -> Result<Config, StoreError> {
    let mut config: Config = settings
        .url
        .parse()
        .map_err(|error| StoreError(format!("the URL of the database: {}", trouble(&error))))?;
    if let Some(password) = &settings.password {
        config.password(password.expose());
    }
    let mode = mode(&config)?;
    config.ssl_mode(mode);
    // One plan for each question: planning anew over all partitions takes four times as long as asking.
    let options =
        format!("{} -c plan_cache_mode=force_generic_plan", config.get_options().unwrap_or_default());
    config.options(options.trim_start());
    config.connect_timeout(PATIENCE).application_name("counterseal-relay");
    Ok(config)
}

fn mode(config: &Config) -> Result<SslMode, StoreError> {
    match (config.get_ssl_mode(), is_this_machine(config)) {
        (SslMode::Disable, false) => Err(StoreError(
            "the URL of the database: sslmode=disable is for a database on this machine; to another one only over TLS"
                .to_owned(),
        )),
        // What the client would do without TLS where the server has none: an attacker in between has none.
        (SslMode::Prefer, false) => Ok(SslMode::Require),
        (SslMode::Prefer, true) => Ok(SslMode::Disable),
        (mode, _) => Ok(mode),
    }
}

/// Whether all names and addresses are this machine's: where both are written, the name is not looked up.
fn is_this_machine(config: &Config) -> bool {
    let is_here = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
        }
    };
    config.get_hosts().iter().all(is_here) && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(url: &str) -> Result<SslMode, String> {
        let settings =
            PostgresSettings { url: url.to_owned(), password: None, roots: Vec::new(), bodies: None };
        config(&settings).map(|config| config.get_ssl_mode()).map_err(|error| error.0)
    }

    #[test]
    fn another_machine_is_asked_over_tls_alone() {
        for url in [
            "postgres://relay@db.example.org/relay",
            "postgres://relay@192.0.2.1/relay",
            "postgres://relay@db.example.org/relay?sslmode=prefer",
            "postgres://relay@localhost,db.example.org/relay",
            "postgres://relay@localhost/relay?hostaddr=192.0.2.1",
            "postgres://relay@db.example.org/relay?hostaddr=127.0.0.1",
            "postgres:///relay?user=relay&hostaddr=192.0.2.1",
            "postgres://relay@localhost.example.org/relay",
        ] {
            assert_eq!(of(url), Ok(SslMode::Require), "{url}");
            let separator = if url.contains('?') { '&' } else { '?' };
            let refused = of(&format!("{url}{separator}sslmode=disable")).unwrap_err();
            assert!(refused.contains("only over TLS"), "{url}: {refused}");
        }
    }

    #[test]
    fn this_machine_is_asked_without_tls_unless_the_url_says_otherwise() {
        for url in [
            "postgres://relay@localhost/relay",
            "postgres://relay@127.0.0.1:5433/relay",
            "postgres://relay@[::1]/relay",
            "postgres://relay@%2Frun%2Fpostgresql/relay",
            "postgres://relay@localhost/relay?hostaddr=127.0.0.1",
        ] {
            assert_eq!(of(url), Ok(SslMode::Disable), "{url}");
        }
        assert_eq!(of("postgres://relay@localhost/relay?sslmode=require"), Ok(SslMode::Require));
    }

    #[test]
    fn what_is_wrong_in_the_url_is_named() {
        let wrong = of("postgres://relay@db.example.org/relay?sslmode=verify-full").unwrap_err();
        assert!(wrong.contains("sslmode"), "{wrong}");
    }
}
