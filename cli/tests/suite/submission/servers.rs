//! Postfix and Dovecot as a provider runs them, on this machine: Postfix takes mail by TLS from who logs in, Dovecot
//! knows the passwords, keeps the mailboxes and hands them out by IMAP. They need root, and touch nothing of the system's own.

mod dovecot;
mod postfix;

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::servers::program;

pub use dovecot::{Dovecot, PASSWORD};
pub use postfix::{Port, Postfix};

/// How long anything of theirs may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// Both, and what they need.
pub struct MailServers {
    // Dropped in this order: who sends before who takes.
    pub postfix: Postfix,
    pub dovecot: Dovecot,
    _directory: TempDir,
}

impl MailServers {
    /// Starts both; nothing, said loudly, where a program or the right to run them is missing.
    pub fn start() -> Option<Self> {
        let programs = [program("postfix")?, program("dovecot")?];
        if !nix::unistd::geteuid().is_root() {
            eprintln!("SKIPPED: {programs:?}: only root starts them");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        // Both run parts of themselves as users of their own.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let dovecot = Dovecot::start(&directory.path().join("dovecot"), &programs[1]);
        let postfix = Postfix::start(&directory.path().join("postfix"), &programs[0], &dovecot);
        Some(Self { postfix, dovecot, _directory: directory })
    }
}

/// A program that stays until it is stopped, at the latest with the test that started it.
struct Daemon(Child);

impl Daemon {
    fn start(program: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM"]).arg(program).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("setpriv, of util-linux"))
    }

    fn stop(&mut self) {
        let pid = self.0.id().to_string();
        if self.0.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ = Command::new("kill").arg(&pid).stderr(Stdio::null()).status();
        }
        let _ = self.0.wait();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A port that nobody has.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Waits until something is so.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A file for a server, in a folder of its own.
fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}
