//! A box in a mailbox of Dovecot, with other mail in it.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use counterseal_core::secret::SecretBytes;
use counterseal_keysync::transport::imap::{Credential, ImapTransport, Mailbox, direct};
use counterseal_keysync::transport::{Cursor, ObjectBox, ObjectName, Transport, TransportError};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

const NOBODY: u32 = 65534;

struct Dovecot {
    directory: tempfile::TempDir,
    port: u16,
    child: Child,
    /// The certificate, where TLS is spoken.
    authority: Option<PathBuf>,
}

/// How a server is set up.
#[derive(Clone, Copy, Default)]
struct Kind {
    /// TLS from the first byte.
    tls: bool,
    /// All folders are below INBOX, as old Cyrus and Courier have them.
    prefix: bool,
}

impl Dovecot {
    fn start() -> Option<Self> {
        Self::of(Kind::default())
    }

    fn of(kind: Kind) -> Option<Self> {
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
        let configuration = format!(
            "base_dir = {at}/run\nstate_dir = {at}/state\nlog_path = {at}/log\nprotocols = imap\nlisten = 127.0.0.1\n\
             {keys}{namespace}disable_plaintext_auth = no\nfirst_valid_uid = 1\nmail_location = maildir:~/Maildir\n\
             passdb {{\n  driver = passwd-file\n  args = {at}/users\n}}\n\
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

    fn maildir(&self) -> PathBuf {
        self.directory.path().join("mail/alice/Maildir")
    }

    fn way(&self, byte: u8) -> ImapTransport {
        self.with_password(byte, "geheim")
    }

    fn with_password(&self, byte: u8, password: &str) -> ImapTransport {
        let target = ObjectBox::derive(&SecretBytes::copy_of(&[byte; 32]), "test");
        let mailbox = Mailbox {
            host: "localhost".into(),
            connect: direct("127.0.0.1", self.port),
            user: "alice".into(),
            credential: Credential::Password(SecretBytes::copy_of(password.as_bytes())),
            tls: self.authority.as_deref().map(client),
        };
        ImapTransport::new(mailbox, &target).unwrap()
    }

    /// Puts a mail into a folder, as other programs do.
    fn deliver(&self, folder: &str, name: &str, mail: &str) {
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
    fn mails(&self, folder: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        ["cur", "new"]
            .iter()
            .filter_map(|part| fs::read_dir(self.maildir().join(folder).join(part)).ok())
            .flatten()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect()
    }
}

/// A certificate for `localhost` that is its own authority, made by OpenSSL.
fn certified(directory: &Path) -> PathBuf {
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

/// Knows this certificate and no other.
fn client(authority: &Path) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let versions = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap();
    Arc::new(versions.with_root_certificates(roots).with_no_client_auth())
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

#[test]
fn devices_meet_in_a_mailbox_and_leave_all_other_mail_as_it_was() {
    let Some(dovecot) = Dovecot::start() else { return };
    let inbox = "From: bob@example.org\nSubject: hello\n\nDear Alice\n";
    dovecot.deliver("", "1700000000.M1P1.host", inbox);
    dovecot.deliver(".Archive", "1700000001.M1P1.host", "From: carol@example.org\n\nold\n");
    let others = [dovecot.mails(""), dovecot.mails(".Archive")];

    let (mut one, mut other) = (dovecot.way(1), dovecot.way(1));
    let empty = one.list(&Cursor::default()).unwrap();
    assert!(empty.names.is_empty());
    assert_eq!(one.get(&ObjectName::of(b"first")), Err(TransportError::Absent));
    one.remove(&ObjectName::of(b"first")).unwrap();

    let first = one.put(b"first").unwrap();
    assert_eq!(other.put(b"first").unwrap(), first);
    assert_eq!(dovecot.mails(".KeySync").len(), 1, "putting twice is putting once");
    let listing = other.list(&empty.cursor).unwrap();
    assert_eq!(listing.names, [first]);
    assert!(other.list(&listing.cursor).unwrap().names.is_empty());
    assert_eq!(other.get(&first).unwrap(), b"first");
    let large: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let second = one.put(&large).unwrap();
    assert_eq!(other.list(&listing.cursor).unwrap().names, [second]);
    assert_eq!(other.get(&second).unwrap(), large);

    // A mail of somebody else in the folder, and one that lies.
    dovecot.deliver(
        ".KeySync",
        "1700000002.M1P1.host",
        "From: carol@example.org\nMessage-ID: <x@example.org>\n\nhello\n",
    );
    let name = ObjectName::of(b"right");
    let id = ObjectBox::derive(&SecretBytes::copy_of(&[1; 32]), "test");
    let id: String = id.id().iter().map(|byte| format!("{byte:02x}")).collect();
    dovecot.deliver(
        ".KeySync",
        "1700000003.M1P1.host",
        &format!("Message-ID: <{name}.{id}@keysync.invalid>\n\nd3Jvbmc=\n"),
    );
    assert!(matches!(one.get(&name), Err(TransportError::Forged(_))));
    one.put(b"right").unwrap();
    assert_eq!(one.get(&name).unwrap(), b"right");
    assert!(dovecot.way(2).list(&Cursor::default()).unwrap().names.is_empty(), "another box");

    one.remove(&first).unwrap();
    assert_eq!(other.get(&first), Err(TransportError::Absent));
    let foreign =
        dovecot.mails(".KeySync").into_values().filter(|mail| mail.starts_with(b"From: carol")).count();
    assert_eq!(foreign, 1);
    assert_eq!([dovecot.mails(""), dovecot.mails(".Archive")], others, "other mail is as it was");
}

#[test]
fn waiting_ends_when_another_device_puts_something() {
    let Some(dovecot) = Dovecot::start() else { return };
    let (mut one, mut other) = (dovecot.way(1), dovecot.way(1));
    one.put(b"first").unwrap();
    let cursor = one.list(&Cursor::default()).unwrap().cursor;
    let putting = thread::spawn(move || {
        thread::sleep(Duration::from_millis(500));
        other.put(b"second").unwrap()
    });
    let began = Instant::now();
    one.wait(&cursor, Duration::from_secs(60)).unwrap();
    assert!(began.elapsed() < Duration::from_secs(40), "the server told of it");
    assert_eq!(one.list(&cursor).unwrap().names, [putting.join().unwrap()]);
}

#[test]
fn where_all_folders_are_below_the_inbox_ours_is_too() {
    let Some(dovecot) = Dovecot::of(Kind { prefix: true, ..Kind::default() }) else { return };
    let inbox = "From: bob@example.org\nSubject: hello\n\nDear Alice\n";
    dovecot.deliver("", "1700000000.M1P1.host", inbox);
    let before = dovecot.mails("");
    let (mut one, mut other) = (dovecot.way(1), dovecot.way(1));
    let first = one.put(b"first").unwrap();
    assert_eq!(other.list(&Cursor::default()).unwrap().names, [first]);
    assert_eq!(other.get(&first).unwrap(), b"first");
    assert_eq!(dovecot.mails(".KeySync").len(), 1);
    one.remove(&first).unwrap();
    assert_eq!(dovecot.mails(".KeySync").len(), 0);
    assert_eq!(dovecot.mails(""), before);
}

#[test]
fn with_tls_the_server_shows_who_it_is_and_a_stranger_gets_no_password() {
    let Some(dovecot) = Dovecot::of(Kind { tls: true, ..Kind::default() }) else { return };
    let (mut one, mut other) = (dovecot.way(1), dovecot.way(1));
    let first = one.put(b"first").unwrap();
    assert_eq!(other.get(&first).unwrap(), b"first");
    // Another authority, another name, and TLS that nobody speaks there.
    let elsewhere = tempfile::tempdir().unwrap();
    let target = ObjectBox::derive(&SecretBytes::copy_of(&[1; 32]), "test");
    let mailbox = |host: &str, tls: Option<Arc<ClientConfig>>| Mailbox {
        host: host.into(),
        connect: direct("127.0.0.1", dovecot.port),
        user: "alice".into(),
        credential: Credential::Password(SecretBytes::copy_of(b"geheim")),
        tls,
    };
    let own = dovecot.authority.as_deref().map(client);
    for mailbox in [
        mailbox("localhost", Some(client(&certified(elsewhere.path())))),
        mailbox("mail.example.org", own.clone()),
    ] {
        let refused = ImapTransport::new(mailbox, &target).unwrap().list(&Cursor::default());
        assert!(matches!(&refused, Err(TransportError::Refused(why)) if why.contains("TLS")), "{refused:?}");
    }
    let plain = mailbox("localhost", None);
    let lost =
        ImapTransport::new(plain, &target).unwrap().within(Duration::from_secs(5)).list(&Cursor::default());
    assert!(lost.is_err());
    let said = fs::read_to_string(dovecot.directory.path().join("log")).unwrap();
    assert_eq!(said.matches("Login: user=<alice>").count(), 2, "{said}");
}

#[test]
fn a_wrong_password_is_refused_and_said_nowhere() {
    let Some(dovecot) = Dovecot::start() else { return };
    let refused = dovecot.with_password(1, "falsch").list(&Cursor::default());
    assert!(
        matches!(&refused, Err(TransportError::Refused(reason)) if !reason.contains("falsch")),
        "{refused:?}"
    );
}

#[test]
fn nobody_beyond_this_machine_is_talked_to_without_tls() {
    let target = ObjectBox::derive(&SecretBytes::copy_of(&[1; 32]), "test");
    let own = Command::new("hostname").arg("-I").output().map(|output| output.stdout).unwrap_or_default();
    let own = String::from_utf8_lossy(&own);
    let Some(address) = own.split_whitespace().find(|address| address.contains('.')) else {
        eprintln!("SKIPPED: this machine has no address beside loopback");
        return;
    };
    let listener = TcpListener::bind((address, 0)).unwrap();
    let mailbox = Mailbox {
        host: address.into(),
        connect: direct(address, listener.local_addr().unwrap().port()),
        user: "alice".into(),
        credential: Credential::Password(SecretBytes::copy_of(b"geheim")),
        tls: None,
    };
    let refused = ImapTransport::new(mailbox, &target).unwrap().list(&Cursor::default());
    assert!(
        matches!(&refused, Err(TransportError::Refused(reason)) if reason.contains("TLS")),
        "{refused:?}"
    );
}
