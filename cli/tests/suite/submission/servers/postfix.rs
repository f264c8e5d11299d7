//! Postfix: submission for who logs in. Mail for example.org goes to Dovecot's mailboxes, all other is thrown away.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Daemon, Dovecot, free_port, wait_until, write};
use crate::servers::succeed;
use crate::submission::certificates::CERTIFICATES;

/// Where it listens.
#[derive(Clone, Copy, Debug)]
pub enum Port {
    /// TLS from the first octet (RFC 8314), any mechanism.
    Tls,
    /// STARTTLS (RFC 3207), any mechanism.
    StartTls,
    /// TLS, and one mechanism only.
    Only(&'static str),
}

const MECHANISMS: [&str; 5] = ["plain", "login", "scram-sha-256", "oauthbearer", "xoauth2"];
/// Octets of the largest mail that it takes.
pub const LARGEST: usize = 1_000_000;

pub struct Postfix {
    directory: PathBuf,
    /// Of TLS, of STARTTLS, of each mechanism.
    ports: Vec<u16>,
    daemon: Option<Daemon>,
}

impl Postfix {
    pub(super) fn start(directory: &Path, program: &Path, dovecot: &Dovecot) -> Self {
        for name in ["queue", "data"] {
            fs::create_dir_all(directory.join(name)).unwrap();
        }
        succeed(Command::new("chown").arg("postfix").arg(directory.join("data")));
        write(directory, "mailboxes", "alice@example.org x\nbob@example.org x\ncarol@example.org x\n");
        let ports: Vec<u16> = (0..2 + MECHANISMS.len()).map(|_| free_port()).collect();
        write(directory, "main.cf", &main(directory, dovecot));
        write(directory, "master.cf", &master(&ports));
        let mut postfix = Self { directory: directory.to_owned(), ports, daemon: None };
        // Makes the queue. What it starts with `start-fg` would not end with it.
        succeed(Command::new(program).arg("-c").arg(directory).arg("check"));
        postfix.begin();
        postfix
    }

    /// Starts it, again.
    pub fn begin(&mut self) {
        let _ = fs::remove_file(self.directory.join("log"));
        let directory = self.directory.to_str().unwrap();
        self.daemon = Some(Daemon::start(&self.master(), &["-c", directory, "-s"]));
        wait_until("Postfix begins", || self.log().contains("daemon started"));
    }

    /// The process that all parts of it are children of.
    fn master(&self) -> PathBuf {
        let asked = Command::new("postconf").args(["-h", "daemon_directory"]).output().unwrap();
        Path::new(String::from_utf8(asked.stdout).unwrap().trim()).join("master")
    }

    /// Stops it, with all that it works at.
    pub fn end(&mut self) {
        self.daemon = None;
        let port = self.port(Port::Tls);
        wait_until("Postfix ends", || std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    }

    pub fn port(&self, port: Port) -> u16 {
        let index = match port {
            Port::Tls => 0,
            Port::StartTls => 1,
            Port::Only(mechanism) => 2 + MECHANISMS.iter().position(|one| *one == mechanism).unwrap(),
        };
        self.ports[index]
    }

    /// What `smtp` of an account says for it.
    pub fn url(&self, port: Port) -> String {
        let scheme = if matches!(port, Port::StartTls) { "smtp+starttls" } else { "smtps" };
        format!("{scheme}://127.0.0.1:{}", self.port(port))
    }

    /// What it wrote of its work since it began.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    /// Waits for a word in that.
    #[track_caller]
    pub fn wait_for(&self, word: &str) {
        wait_until(word, || self.log().contains(word));
    }

    /// Its own `sendmail`, as a program that takes our arguments.
    pub fn sendmail(&self) -> String {
        format!("exec /usr/sbin/sendmail -C {} \"$@\"", self.directory.display())
    }
}

fn main(directory: &Path, dovecot: &Dovecot) -> String {
    let (at, lmtp, sasl) = (directory.display(), dovecot.lmtp(), dovecot.sasl());
    let (certificate, key) = (CERTIFICATES.path("good.pem"), CERTIFICATES.path("good.key"));
    format!(
        "compatibility_level = 3.6
queue_directory = {at}/queue
data_directory = {at}/data
maillog_file = {at}/log
maillog_file_prefixes = {at}
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = mail.example.org
mydestination =
alias_maps =
alias_database =
smtputf8_enable = yes
virtual_mailbox_domains = example.org
virtual_mailbox_maps = texthash:{at}/mailboxes
virtual_transport = lmtp:unix:{}
default_transport = discard
smtpd_tls_cert_file = {}
smtpd_tls_key_file = {}
smtpd_tls_auth_only = yes
smtpd_tls_security_level = encrypt
smtpd_sasl_type = dovecot
smtpd_sasl_path = {}
smtpd_sasl_auth_enable = yes
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = reject_unlisted_recipient
message_size_limit = {LARGEST}
",
        lmtp.display(),
        certificate.display(),
        key.display(),
        sasl.display()
    )
}

fn master(ports: &[u16]) -> String {
    let mut text = String::from(
        "pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
",
    );
    for (index, port) in ports.iter().enumerate() {
        let wrapped = if index == 1 { "" } else { " -o smtpd_tls_wrappermode=yes" };
        let mechanism = index.checked_sub(2).map(|place| MECHANISMS[place]);
        let only = mechanism.map(|one| format!(" -o smtpd_sasl_mechanism_filter={one}")).unwrap_or_default();
        text.push_str(&format!("127.0.0.1:{port} inet n - n - - smtpd{wrapped}{only}\n"));
    }
    text
}
