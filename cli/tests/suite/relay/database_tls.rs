//! The way from a relay to PostgreSQL on another machine. `hostaddr` stands for a name server that knows the name.

use std::path::Path;

use counterseal_keysync::relay::protocol::Class;

use super::backends::{Database, PASSWORD, configure, wait_for};
use super::process::{Relay, object_box};
use crate::servers::TlsNames;

/// The name of the database's machine, and that in the URL of whoever was sent to the wrong one.
const NAME: &str = "db.example.org";
const OTHER: &str = "other.example.org";

/// Starts a relay with the database under this name; `rest` is the end of the URL.
fn start(
    folder: &Path,
    database: &Database,
    (name, rest): (&str, &str),
    authority: Option<&Path>,
) -> Result<Relay, String> {
    let port = database.address.port();
    let store = database.section_of(&format!("postgres://relay@{name}:{port}/postgres{rest}"));
    let authority = authority.map(|path| format!("ca = \"{}\"\n", path.display())).unwrap_or_default();
    let config = configure(folder, &(store + &authority));
    let started = Relay::try_to_start(folder, &["--config", &config, "--rate", "0"]);
    if let Err(said) = &started {
        assert!(said.contains("\"relay\"") && !said.contains(PASSWORD), "{said}");
    }
    started
}

/// What a relay says that does not start.
#[track_caller]
fn refused(started: Result<Relay, String>, why: &str) {
    match started {
        Ok(_) => panic!("it started"),
        Err(said) => assert!(said.contains(why), "{said}"),
    }
}

#[test]
fn a_database_elsewhere_is_believed_by_its_certificate_alone() {
    let folder = tempfile::tempdir().unwrap();
    let names = TlsNames::make_for(&folder.path().join("tls"), &format!("DNS:{NAME},DNS:localhost"));
    let others = TlsNames::make_for(&folder.path().join("other"), &format!("DNS:{NAME}"));
    let Some(database) = Database::start_with(folder.path(), Some(&names)) else { return };
    let start = |name, rest, authority| start(folder.path(), &database, (name, rest), authority);
    let own = Some(names.authority.as_path());
    encrypted(&database, &[start(NAME, "?hostaddr=127.0.0.1", own), start(NAME, "?hostaddr=127.0.0.1", own)]);
    encrypted(&database, &[start("localhost", "?sslmode=require", own)]);
    let another = Some(others.authority.as_path());
    refused(start(NAME, "?hostaddr=127.0.0.1", another), "certificate");
    refused(start(NAME, "?hostaddr=127.0.0.1", None), "certificate");
    refused(start(OTHER, "?hostaddr=127.0.0.1", own), "certificate not valid for name");
    refused(start("127.0.0.1", "?sslmode=require", own), "certificate not valid for name");
    refused(start(NAME, "?hostaddr=127.0.0.1&sslmode=disable", own), "only over TLS");
    refused(start("localhost", "?hostaddr=192.0.2.1&sslmode=disable", own), "only over TLS");
    refused(start(NAME, "?hostaddr=127.0.0.1&sslmode=verify-full", own), "sslmode");
}

/// All that these relays do goes over TLS: questions, and news of one for the other.
fn encrypted(database: &Database, relays: &[Result<Relay, String>]) {
    let relays: Vec<&Relay> = relays.iter().map(|relay| relay.as_ref().unwrap()).collect();
    let alice = object_box("alice");
    for relay in &relays {
        relay.create(&alice, Class::Account);
        assert!(matches!(relay.put(&alice, b"sealed").status, 200 | 201));
        assert_eq!(relay.get(&alice, b"sealed").body, b"sealed");
    }
    let connections = "select bool_and(ssl), count(*) >= 2 from pg_stat_ssl join pg_stat_activity using(pid) \
                       where application_name = 'counterseal-relay'";
    assert_eq!(database.ask(connections), "t|t");
    let listens = "select bool_and(ssl), count(*) > 0 from pg_stat_ssl join pg_stat_activity using(pid) \
                   where query = 'listen counterseal_relay'";
    wait_for("a listener", || database.ask(listens) == "t|t");
}

#[test]
fn a_database_elsewhere_without_tls_gets_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let names = TlsNames::make_for(&folder.path().join("tls"), &format!("DNS:{NAME}"));
    let Some(database) = Database::start(folder.path()) else { return };
    let own = Some(names.authority.as_path());
    for rest in
        ["?hostaddr=127.0.0.1", "?hostaddr=127.0.0.1&sslmode=prefer", "?hostaddr=127.0.0.1&sslmode=require"]
    {
        refused(start(folder.path(), &database, (NAME, rest), own), "server does not support TLS");
    }
    refused(
        start(folder.path(), &database, (NAME, "?hostaddr=127.0.0.1&sslmode=disable"), own),
        "only over TLS",
    );
    // On this machine it may.
    let here = start(folder.path(), &database, ("localhost", ""), None).unwrap();
    assert_eq!(here.create(&object_box("alice"), Class::Account).status, 201);
}
