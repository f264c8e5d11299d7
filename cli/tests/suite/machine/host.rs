//! A machine of its own for a test: a namespace of mounts with folders of the test in the place of /etc, /root, /home,
//! /var/lib and /var/spool. Nothing in the programs knows of that.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::people::Ran;
use crate::sendmail::Outbox;
use crate::sendmail::clients::copy_programs;

/// A service, whose home is root's.
pub const SERVICE: u32 = 33;
/// A user whose home is not there.
pub const GHOST: u32 = 4242;
/// A person with a home.
pub const DAVE: u32 = 4300;
/// Who attacks.
pub const MALLORY: u32 = 4400;

const USERS: &str = "ghost:x:4242:4242::/nonexistent:/bin/sh\ndave:x:4300:4300::/home/dave:/bin/sh\n\
                     mallory:x:4400:4400::/home/mallory:/bin/sh\n";

/// Puts the folders in their places, and becomes what is asked for.
const ENTER: &str = "for place in etc root home var/lib var/spool; do \
                     mount --bind \"$0/$place\" \"/$place\" || exit 99; done; cd /; exec \"$@\"";

pub struct Machine {
    /// Alice and the others, who are elsewhere, and OpenSSL with their keys.
    pub outbox: Outbox,
    directory: TempDir,
}

impl Machine {
    /// Nothing where this process may not make one: only root may.
    pub fn bare() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let machine = Self { outbox: Outbox::new(), directory };
        for place in ["etc", "root", "home/dave", "home/mallory", "var/lib", "var/spool", "bin"] {
            fs::create_dir_all(machine.path(place)).unwrap();
        }
        let copied = Command::new("cp").args(["-a", "/etc/."]).arg(machine.path("etc")).output().unwrap();
        copy_programs(&machine.path("bin"));
        if !copied.status.success() || machine.as_user(0, "true", &[], b"").code != 0 {
            eprintln!("SKIPPED: sending for a whole machine, because only root can make one for a test");
            return None;
        }
        let users = fs::read_to_string(machine.path("etc/passwd")).unwrap();
        fs::write(machine.path("etc/passwd"), users + USERS).unwrap();
        for (home, user) in [("home/dave", DAVE), ("home/mallory", MALLORY)] {
            chown(machine.path(home), Some(user), Some(user)).unwrap();
        }
        let _ = fs::remove_file(machine.path("etc/aliases"));
        Some(machine)
    }

    /// One that is set up, whose mail goes to a server at a port of loopback.
    pub fn new(port: u16) -> Option<Self> {
        let machine = Self::bare()?;
        let server = format!("smtp://127.0.0.1:{port}");
        let certificate = machine.outbox.place.path("alice.pem");
        let reader = ["setup", "--system", "--root-mail", "alice@example.org", "--smtp", &server];
        machine.cseal(0, &[&reader[..], &["--certificate", certificate.to_str().unwrap()]].concat()).exits(0);
        Some(machine)
    }

    /// A path of the machine.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn spool(&self, user: u32) -> PathBuf {
        self.path(&format!("var/spool/counterseal/{user}"))
    }

    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub fn cseal(&self, user: u32, arguments: &[&str]) -> Ran {
        self.as_user(user, self.path("bin/cseal").to_str().unwrap(), arguments, b"")
    }

    pub fn sendmail(&self, user: u32, arguments: &[&str], mail: &str) -> Ran {
        let program = self.path("bin/cseal-sendmail");
        self.as_user(user, program.to_str().unwrap(), arguments, mail.as_bytes())
    }

    /// A line of a shell.
    #[track_caller]
    pub fn shell(&self, user: u32, line: &str) -> Ran {
        self.as_user(user, "sh", &["-c", line], b"")
    }

    pub fn command(&self, user: u32, program: &str, arguments: &[&str]) -> Command {
        let user = user.to_string();
        let mut command = Command::new("setsid");
        command
            .args(["--wait", "unshare", "-m", "--propagation", "private", "sh", "-c", ENTER])
            .arg(self.directory.path())
            .args(["setpriv", "--reuid", &user, "--regid", &user, "--clear-groups", program])
            .args(arguments)
            .env_clear()
            // As cron and sudo leave it: the home is that of somebody else.
            .envs([("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("HOME", "/root"), ("NO_COLOR", "1")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn as_user(&self, user: u32, program: &str, arguments: &[&str], input: &[u8]) -> Ran {
        let mut child = self.command(user, program, arguments).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input);
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&stderr).into_owned();
        Ran { code: status.code().expect("ended by itself"), stdout, stderr }
    }

    /// Names of mails in a box of a user.
    pub fn mails(&self, user: u32, place: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.spool(user).join(place)) else { return Vec::new() };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| !name.ends_with(".log")).collect();
        names.sort();
        names
    }

    /// Puts a file into a box of a user's spool, as the user could.
    pub fn plant(&self, user: u32, number: u32, content: &[u8]) -> String {
        self.open_spool(user);
        self.plant_in_open(user, number, content)
    }

    /// The same, where the boxes are there.
    pub fn plant_in_open(&self, user: u32, number: u32, content: &[u8]) -> String {
        let id = format!("{number:010x}-0123456789abcdef");
        let path = self.spool(user).join("new").join(&id);
        fs::write(&path, content).unwrap();
        chown(&path, Some(user), Some(user)).unwrap();
        id
    }

    /// Has the boxes of a user made.
    pub fn open_spool(&self, user: u32) {
        self.cseal(user, &["queue", "list"]).exits(0);
    }
}
