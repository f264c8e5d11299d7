//! What stands behind a relay: PostgreSQL, and moto, which answers like S3.

use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::process::ask;
use crate::peers::command;
use crate::servers::{TlsNames, succeed};

/// How long a server may take to begin, or a relay to see what is new.
const PATIENCE: Duration = Duration::from_secs(30);
/// What no file of the test's machine has as a password.
pub const PASSWORD: &str = "pw-of-the-database-in-a-test";

/// Writes a relay's file that others cannot read, and answers with its path.
pub fn configure(folder: &Path, text: &str) -> String {
    let path = folder.join("relay.toml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

/// A cluster of its own, on a port that was free, with a password.
pub struct Database {
    process: Child,
    pub address: SocketAddr,
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
    pub fn start(folder: &Path) -> Option<Self> {
        Self::start_with(folder, None)
    }

    /// With TLS, where it has a certificate.
    pub fn start_with(folder: &Path, tls: Option<&TlsNames>) -> Option<Self> {
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
            let key = tls.map(|tls| &tls.key);
            succeed(Command::new("chown").arg("postgres").args([&home, &folder.join("password")]).args(key));
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
        succeed(
            as_user("initdb")
                .args(["--no-sync", "--auth=scram-sha-256", "--username=relay", "--encoding=UTF8"])
                .args(["--locale=C", &password, "data"]),
        );
        let port = free_port();
        let sockets = format!("unix_socket_directories={}", home.display());
        // What the disk does is the database's business: these tests are in a hurry.
        let process = as_user("postgres")
            .args(["-D", "data", "-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", &sockets])
            .args(["-c", "fsync=off", "-c", "full_page_writes=off"])
            .args(tls.map(encrypted).unwrap_or_default())
            .spawn()
            .unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let database = Self { process, address, programs: programs.clone() };
        wait_for("PostgreSQL", || database.try_to_ask("select 1").as_deref() == Some("1"));
        Some(database)
    }

    /// `[store]` of a relay's file.
    pub fn section(&self) -> String {
        self.section_of(&format!("postgres://relay@{}/postgres", self.address))
    }

    /// The same with another URL.
    pub fn section_of(&self, url: &str) -> String {
        format!("[store]\nurl = \"{url}\"\npassword = \"{PASSWORD}\"\n")
    }

    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub fn ask(&self, sql: &str) -> String {
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

/// What makes it speak TLS.
fn encrypted(tls: &TlsNames) -> Vec<String> {
    let (certificate, key) = (tls.certificate.display(), tls.key.display());
    ["ssl=on".to_owned(), format!("ssl_cert_file={certificate}"), format!("ssl_key_file={key}")]
        .into_iter()
        .flat_map(|setting| ["-c".to_owned(), setting])
        .collect()
}

/// The newest PostgreSQL of the machine.
fn programs() -> Option<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(Result::ok);
    let mut found: Vec<_> = debian.map(|version| version.path().join("bin")).collect();
    found.sort();
    found.into_iter().rev().find(|programs| programs.join("initdb").is_file())
}

/// moto, which answers like S3.
pub struct ObjectStore {
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
    pub fn start() -> Option<Self> {
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
        wait_for("moto", || TcpStream::connect(address).is_ok());
        assert_eq!(ask(address, "PUT", "/relay", &[], b"").status, 200);
        Some(store)
    }

    /// `[bodies]` of a relay's file.
    pub fn section(&self) -> String {
        let address = self.address;
        format!(
            "[bodies]\nurl = \"s3://relay/bodies\"\nendpoint = \"http://{address}\"\nkey_id = \"x\"\nsecret_key = \"y\"\n"
        )
    }

    /// How many bodies it has.
    pub fn keys(&self) -> usize {
        let listing = ask(self.address, "GET", "/relay?list-type=2", &[], b"");
        String::from_utf8(listing.body).unwrap().matches("<Key>").count()
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Waits until something happens.
#[track_caller]
pub fn wait_for(what: &str, mut happens: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !happens() {
        assert!(begun.elapsed() < PATIENCE, "{what} does not come");
        thread::sleep(Duration::from_millis(30));
    }
}
