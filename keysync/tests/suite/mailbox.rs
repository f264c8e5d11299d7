//! A box in a mailbox of Dovecot, with other mail in it.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use counterseal_core::secret::SecretBytes;
use counterseal_keysync::transport::imap::{Credential, ImapTransport, Mailbox, direct, try_log_in};
use counterseal_keysync::transport::{Cursor, ObjectBox, ObjectName, Transport, TransportError};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::dovecot::{Dovecot, Kind, certified, token};

fn way(dovecot: &Dovecot, byte: u8) -> ImapTransport {
    with_password(dovecot, byte, "geheim")
}

fn with_password(dovecot: &Dovecot, byte: u8, password: &str) -> ImapTransport {
    let credential = Credential::Password(SecretBytes::copy_of(password.as_bytes()));
    ImapTransport::new(mailbox(dovecot, credential), &target(byte)).unwrap()
}

fn with_token(dovecot: &Dovecot, token: &str) -> ImapTransport {
    let credential = Credential::Token(SecretBytes::copy_of(token.as_bytes()));
    ImapTransport::new(mailbox(dovecot, credential), &target(1)).unwrap()
}

fn target(byte: u8) -> ObjectBox {
    ObjectBox::derive(&SecretBytes::copy_of(&[byte; 32]), "test")
}

/// Alice's, with something to log in by.
fn mailbox(dovecot: &Dovecot, credential: Credential) -> Mailbox {
    Mailbox {
        host: "localhost".into(),
        connect: direct("127.0.0.1", dovecot.port),
        user: "alice".into(),
        credential,
        tls: dovecot.authority.as_deref().map(client),
    }
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

#[test]
fn devices_meet_in_a_mailbox_and_leave_all_other_mail_as_it_was() {
    let Some(dovecot) = Dovecot::of(Kind::default()) else { return };
    let inbox = "From: bob@example.org\nSubject: hello\n\nDear Alice\n";
    dovecot.deliver("", "1700000000.M1P1.host", inbox);
    dovecot.deliver(".Archive", "1700000001.M1P1.host", "From: carol@example.org\n\nold\n");
    let others = [dovecot.mails(""), dovecot.mails(".Archive")];

    let (mut one, mut other) = (way(&dovecot, 1), way(&dovecot, 1));
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
    assert!(way(&dovecot, 2).list(&Cursor::default()).unwrap().names.is_empty(), "another box");

    one.remove(&first).unwrap();
    assert_eq!(other.get(&first), Err(TransportError::Absent));
    let foreign =
        dovecot.mails(".KeySync").into_values().filter(|mail| mail.starts_with(b"From: carol")).count();
    assert_eq!(foreign, 1);
    assert_eq!([dovecot.mails(""), dovecot.mails(".Archive")], others, "other mail is as it was");
}

#[test]
fn waiting_ends_when_another_device_puts_something() {
    let Some(dovecot) = Dovecot::of(Kind::default()) else { return };
    let (mut one, mut other) = (way(&dovecot, 1), way(&dovecot, 1));
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
    let (mut one, mut other) = (way(&dovecot, 1), way(&dovecot, 1));
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
    let (mut one, mut other) = (way(&dovecot, 1), way(&dovecot, 1));
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
    let said = dovecot.log();
    assert_eq!(said.matches("Login: user=<alice>").count(), 2, "{said}");
}

#[test]
fn a_token_of_oauth_opens_the_mailbox_by_each_mechanism_that_takes_one() {
    for (mechanisms, method) in [
        ("plain oauthbearer xoauth2", "OAUTHBEARER"),
        ("plain oauthbearer", "OAUTHBEARER"),
        ("plain xoauth2", "XOAUTH2"),
    ] {
        let kind = Kind { tls: true, tokens: Some(mechanisms), ..Kind::default() };
        let Some(dovecot) = Dovecot::of(kind) else { return };
        let good = token("alice", 600);
        let (mut one, mut other) = (with_token(&dovecot, &good), with_token(&dovecot, &good));
        let first = one.put(b"first").unwrap();
        assert_eq!(other.list(&Cursor::default()).unwrap().names, [first]);
        assert_eq!(other.get(&first).unwrap(), b"first");
        let said = dovecot.log();
        assert_eq!(said.matches(&format!("Login: user=<alice>, method={method}")).count(), 2, "{said}");

        // One that ended, one that was changed, one of somebody else, and none: refused, at once, and said nowhere.
        let changed = format!("{}AAAA", &good[..good.len() - 4]);
        for bad in [token("alice", -600), changed, token("bob", 600), "no-token".to_owned()] {
            let began = Instant::now();
            let refused = with_token(&dovecot, &bad).list(&Cursor::default());
            let Err(TransportError::Refused(why)) = &refused else { panic!("{method}: {refused:?}") };
            assert!(why.contains("refuses the login") && !why.contains(&bad), "{method}: {why}");
            assert!(began.elapsed() < Duration::from_secs(20), "{method}: its refusal is answered");
        }
        let said = dovecot.log();
        assert_eq!(said.matches("Login: user=").count(), 2, "{said}");
    }
}

#[test]
fn who_only_tries_to_log_in_leaves_no_folder() {
    let Some(dovecot) = Dovecot::of(Kind { tls: true, ..Kind::default() }) else { return };
    let inbox = "From: bob@example.org\nSubject: hello\n\nDear Alice\n";
    dovecot.deliver("", "1700000000.M1P1.host", inbox);
    let before = dovecot.mails("");
    let tried = |password: &[u8]| {
        let credential = Credential::Password(SecretBytes::copy_of(password));
        try_log_in(&mailbox(&dovecot, credential), Duration::from_secs(20))
    };
    assert_eq!(tried(b"geheim"), Ok(()));
    assert!(
        matches!(tried(b"falsch"), Err(TransportError::Refused(why)) if why.contains("refuses the login"))
    );
    assert_eq!(dovecot.mails(""), before);
    assert!(!dovecot.maildir().join(".KeySync").exists());
}

#[test]
fn a_wrong_password_is_refused_and_said_nowhere() {
    let Some(dovecot) = Dovecot::of(Kind::default()) else { return };
    let refused = with_password(&dovecot, 1, "falsch").list(&Cursor::default());
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
