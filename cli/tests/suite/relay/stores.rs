//! The same deeds on the embedded store, and on PostgreSQL with two processes and an object store.

use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use counterseal_keysync::relay::protocol::Class;
use rustix::process::Signal;

use super::api;
use super::process::{Relay, ask, object_box};
use crate::peers::command;

/// How long a server may take to begin.
const PATIENCE: Duration = Duration::from_secs(30);
/// What no file of the test's machine has as a password.
const PASSWORD: &str = "pw-of-the-database-in-a-test";

#[test]
fn the_embedded_store_does_what_the_page_says() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path(), &["--store", "relay.db", "--rate", "0"]);
    api::whole(&[relay]);
    let mode = fs::metadata(folder.path().join("relay.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn two_processes_with_postgresql_and_an_object_store_are_one_relay() {
    let folder = tempfile::tempdir().unwrap();
    let (Some(database), Some(objects)) = (Database::start(folder.path()), ObjectStore::start()) else {
        return;
    };
    let config = database.config(folder.path(), &objects);
    let start = || Relay::start(folder.path(), &["--config", &config, "--rate", "0"]);
    let relays = [start(), start()];
    api::whole(&relays);
    assert_eq!(database.ask("select count(*) > 0 from relay_object where key is not null"), "t");
    assert_eq!(
        database.ask("select count(*) from relay_object where bytes > 8192 and body is not null"),
        "0"
    );
    // What was refused or removed goes from the object store with the sweep that comes with the start; what is kept stays.
    let before = objects.keys();
    let [one, other] = relays;
    assert!(one.end(Signal::TERM).0.success());
    drop(other);
    let again = start();
    let is_swept = || {
        let kept = database.ask("select count(*) from relay_object where key is not null");
        objects.keys().to_string() == kept && database.ask("select count(*) from relay_stray") == "0"
    };
    let begun = Instant::now();
    while !is_swept() {
        assert!(begun.elapsed() < PATIENCE, "{}", again.journal());
        thread::sleep(Duration::from_millis(100));
    }
    assert!((1..before).contains(&objects.keys()));
    database_that_is_gone_is_busy(again, database);
}

fn database_that_is_gone_is_busy(relay: Relay, mut database: Database) {
    let alice = object_box("alice");
    relay.create(&alice, Class::Account);
    database.process.kill().unwrap();
    database.process.wait().unwrap();
    let answer = relay.put(&alice, b"late");
    assert_eq!((answer.status, answer.error().as_str()), (503, "busy"), "{answer:?}");
    assert_eq!(relay.ask("GET", "/healthz", &[], b"").status, 503);
    let (status, journal) = relay.end(Signal::TERM);
    assert!(status.success());
    assert!(journal.contains("store-failed") && !journal.contains(PASSWORD), "{journal}");
}

/// A cluster of its own, on a port that was free, with a password.
struct Database {
    process: Child,
    address: SocketAddr,
    programs: PathBuf,
}

impl Drop for Database {
    fn drop(&mut self) {
        // Its children end when it does; SIGQUIT is what PostgreSQL calls immediate.
        let _ = rustix::process::kill_process(rustix::process::Pid::from_child(&self.process), Signal::QUIT);
        let _ = self.process.wait();
    }
}

impl Database {
    fn start(folder: &Path) -> Option<Self> {
        let Some(programs) = programs() else {
            command::missing("postgresql");
            return None;
        };
        let home = folder.join("postgres");
        fs::create_dir(&home).unwrap();
        fs::write(folder.join("password"), PASSWORD).unwrap();
        // PostgreSQL does not run as root.
        let is_root = rustix::process::geteuid().is_root();
        if is_root {
            fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
            run(Command::new("chown").arg("postgres").args([&home, &folder.join("password")]));
        }
        let as_user = |program: &str| {
            let mut command = if is_root {
                let mut command = Command::new("setpriv");
                command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]);
                command.arg(programs.join(program));
                command
            } else {
                Command::new(programs.join(program))
            };
            command.current_dir(&home).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        let password = format!("--pwfile={}", folder.join("password").display());
        run(as_user("initdb")
            .args(["--no-sync", "--auth=scram-sha-256", "--username=relay", "--encoding=UTF8"])
            .args(["--locale=C", &password, "data"]));
        let port = free_port();
        let sockets = format!("unix_socket_directories={}", home.display());
        // What the disk does is the database's business: these tests are in a hurry.
        let process = as_user("postgres")
            .args(["-D", "data", "-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", &sockets])
            .args(["-c", "fsync=off", "-c", "full_page_writes=off"])
            .spawn()
            .unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let database = Self { process, address, programs: programs.clone() };
        wait_for(|| database.try_to_ask("select 1").as_deref() == Some("1"));
        Some(database)
    }

    fn config(&self, folder: &Path, objects: &ObjectStore) -> String {
        let path = folder.join("relay.toml");
        let text = format!(
            "[store]\nurl = \"postgres://relay@{}/postgres\"\npassword = \"{PASSWORD}\"\n\
             [bodies]\nurl = \"s3://relay/bodies\"\nendpoint = \"http://{}\"\nkey_id = \"x\"\nsecret_key = \"y\"\n",
            self.address, objects.address
        );
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    }

    fn ask(&self, sql: &str) -> String {
        self.try_to_ask(sql).unwrap_or_else(|| panic!("{sql}"))
    }

    fn try_to_ask(&self, sql: &str) -> Option<String> {
        let said = Command::new(self.programs.join("psql"))
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &self.address.port().to_string(),
                "-U",
                "relay",
                "-d",
                "postgres",
            ])
            .args(["-Atc", sql])
            .env("PGPASSWORD", PASSWORD)
            .output()
            .unwrap();
        said.status.success().then(|| String::from_utf8(said.stdout).unwrap().trim().to_owned())
    }
}

/// The newest PostgreSQL of the machine.
fn programs() -> Option<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(Result::ok);
    let mut found: Vec<_> = debian.map(|version| version.path().join("bin")).collect();
    found.sort();
    found.into_iter().rev().find(|programs| programs.join("initdb").is_file())
}

/// moto, which answers like S3.
struct ObjectStore {
    process: Child,
    address: SocketAddr,
}

impl Drop for ObjectStore {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl ObjectStore {
    fn start() -> Option<Self> {
        let program = command::cache("python/bin/moto_server");
        if !program.is_file() {
            command::missing("moto");
            return None;
        }
        let port = free_port();
        let process = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let store = Self { process, address };
        wait_for(|| TcpStream::connect(address).is_ok());
        assert_eq!(ask(address, "PUT", "/relay", &[], b"").status, 200);
        Some(store)
    }

    /// How many bodies it has.
    fn keys(&self) -> usize {
        let listing = ask(self.address, "GET", "/relay?list-type=2", &[], b"");
        String::from_utf8(listing.body).unwrap().matches("<Key>").count()
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn wait_for(mut happens: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !happens() {
        assert!(begun.elapsed() < PATIENCE, "a server does not start");
        thread::sleep(Duration::from_millis(30));
    }
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}
