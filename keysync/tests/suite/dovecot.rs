//! A Dovecot of a test's own, with one mailbox: `alice`, password `geheim`, or a token.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

const NOBODY: u32 = 65534;
/// What signs tokens.
const TOKEN_KEY: &str = "secret-key-of-the-tests";

pub struct Dovecot {
    directory: tempfile::TempDir,
    pub port: u16,
    child: Child,
    /// The certificate, where TLS is spoken.
    pub authority: Option<PathBuf>,
}

/// How a server is set up.
#[derive(Clone, Copy, Default)]
pub struct Kind {
    /// TLS from the first byte.
    pub tls: bool,
    /// All folders are below INBOX, as old Cyrus and Courier have them.
    pub prefix: bool,
    /// It lets in by tokens of OAuth 2.0, by these mechanisms.
    pub tokens: Option<&'static str>,
}

impl Dovecot {
    pub fn of(kind: Kind) -> Option<Self> {
        let root = fs::metadata("/proc/self").is_ok_and(|found| found.uid() == 0);
        if !root || !Path::new("/usr/lib/dovecot/imap").exists() {
            eprintln!("SKIPPED: Dovecot is not installed (scripts/install-test-tools), or this is not root");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let at = directory.path().display();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        fs::create_dir(directory.path().join("mail")).unwrap();
        chown(directory.path().join("mail"), Some(NOBODY), Some(NOBODY)).unwrap();
        fs::write(
            directory.path().join("users"),
            format!("alice:{{PLAIN}}geheim:{NOBODY}:{NOBODY}::{at}/mail/alice\n"),
        )
        .unwrap();
        let authority = kind.tls.then(|| certified(directory.path()));
        let namespace = if kind.prefix {
            "namespace inbox {\n  inbox = yes\n  prefix = INBOX.\n  separator = .\n}\n"
        } else {
            ""
        };
        let (plain, tls) = if kind.tls { (0, port) } else { (port, 0) };
        let keys = if kind.tls {
            format!("ssl = required\nssl_cert = <{at}/server.pem\nssl_key = <{at}/server.key\n")
        } else {
            "ssl = no\n".to_owned()
        };
        let tokens =
            kind.tokens.map(|mechanisms| by_tokens(directory.path(), mechanisms)).unwrap_or_default();
        let configuration = format!(
            "base_dir = {at}/run\nstate_dir = {at}/state\nlog_path = {at}/log\nprotocols = imap\nlisten = 127.0.0.1\n\
             {keys}{namespace}disable_plaintext_auth = no\nfirst_valid_uid = 1\nmail_location = maildir:~/Maildir\n\
             {tokens}passdb {{\n  driver = passwd-file\n  args = {at}/users\n}}\n\
             userdb {{\n  driver = passwd-file\n  args = {at}/users\n}}\n\
             service imap-login {{\n  inet_listener imap {{\n    port = {plain}\n  }}\n  inet_listener imaps {{\n    port = {tls}\n    ssl = yes\n  }}\n}}\n"
        );
        let file = directory.path().join("dovecot.conf");
        fs::write(&file, configuration).unwrap();
        let child = Command::new("/usr/sbin/dovecot")
            .arg("-F")
            .arg("-c")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let dovecot = Self { directory, port, child, authority };
        let until = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < until, "Dovecot does not answer");
            thread::sleep(Duration::from_millis(50));
        }
        Some(dovecot)
    }

    /// What it wrote of itself.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    pub fn maildir(&self) -> PathBuf {
        self.directory.path().join("mail/alice/Maildir")
    }

    /// Puts a mail into a folder, as other programs do.
    pub fn deliver(&self, folder: &str, name: &str, mail: &str) {
        let directory = self.maildir().join(folder);
        for part in ["", "cur", "new", "tmp"] {
            fs::create_dir_all(directory.join(part)).unwrap();
        }
        fs::write(directory.join("cur").join(format!("{name}:2,S")), mail).unwrap();
        let mut owned = vec![self.directory.path().join("mail/alice")];
        while let Some(path) = owned.pop() {
            chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
            if path.is_dir() {
                owned.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
    }

    /// Every mail of a folder, by its file's name.
    pub fn mails(&self, folder: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        ["cur", "new"]
            .iter()
            .filter_map(|part| fs::read_dir(self.maildir().join(folder).join(part)).ok())
            .flatten()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect()
    }
}

/// Dovecot checks tokens itself, by a key that it has, and takes them by these mechanisms and by no others.
fn by_tokens(directory: &Path, mechanisms: &str) -> String {
    let at = directory.display();
    let keys = directory.join("keys/default/HS256");
    fs::create_dir_all(&keys).unwrap();
    fs::write(keys.join("default"), base64(TOKEN_KEY.as_bytes())).unwrap();
    let settings = format!(
        "introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix={at}/keys/\nusername_attribute = sub\n"
    );
    fs::write(directory.join("oauth2.conf"), settings).unwrap();
    // Whoever comes with several bad tokens does not wait longer each time.
    let penalty = "service anvil {\n  unix_listener anvil-auth-penalty {\n    mode = 0\n  }\n}\n";
    format!(
        "auth_mechanisms = {mechanisms}\nauth_failure_delay = 0\n{penalty}\
         passdb {{\n  driver = oauth2\n  mechanisms = {mechanisms}\n  args = {at}/oauth2.conf\n}}\n"
    )
}

/// A token for somebody that ends so many seconds from now: a JWT, signed with HMAC-SHA-256 (RFC 7519).
pub fn token(who: &str, seconds: i64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let ends = now.cast_signed() + seconds;
    let content = [r#"{"alg":"HS256","typ":"JWT"}"#.to_owned(), format!(r#"{{"sub":"{who}","exp":{ends}}}"#)]
        .map(|part| base64_url(part.as_bytes()))
        .join(".");
    let signature = openssl(&["dgst", "-sha256", "-hmac", TOKEN_KEY, "-binary"], content.as_bytes());
    format!("{content}.{}", base64_url(&signature))
}

fn base64(octets: &[u8]) -> String {
    String::from_utf8(openssl(&["base64", "-A"], octets)).unwrap()
}

fn base64_url(octets: &[u8]) -> String {
    base64(octets).replace('+', "-").replace('/', "_").replace('=', "")
}

fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let pipes = (Stdio::piped(), Stdio::piped());
    let mut child = Command::new("openssl").args(arguments).stdin(pipes.0).stdout(pipes.1).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap().stdout
}

/// A certificate for `localhost` that is its own authority, made by OpenSSL.
pub fn certified(directory: &Path) -> PathBuf {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args([
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
            "server.key",
            "-out",
            "server.pem",
        ])
        .current_dir(directory)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success());
    directory.join("server.pem")
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        let stopped = Command::new("/usr/bin/doveadm")
            .arg("-c")
            .arg(self.directory.path().join("dovecot.conf"))
            .arg("stop")
            .status();
        if stopped.is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
