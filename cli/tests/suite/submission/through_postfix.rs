//! The way of a mail as it is in earnest: from a program through ours to Postfix, by TLS and with a password, into a mailbox of
//! Dovecot's, from there by IMAP, and open again by OpenSSL and by us.

use std::process::Command;

use super::certificates::CERTIFICATES;
use super::home::Home;
use super::servers::{Dovecot, MailServers, PASSWORD, Port, wait_until};
use crate::sendmail::{MARKER, Outbox, clients};

const SECRET: &str = "password = { command = [\"echo\", \"ge heim\"] }";

/// An account at the server, of Alice.
fn account(servers: &MailServers, port: Port, secret: &str) -> String {
    let pin = CERTIFICATES.pin("good");
    format!("smtp = \"{}\"\nuser = \"alice\"\n{secret}\ntls_pin = \"{pin}\"", servers.postfix.url(port))
}

/// A queue whose account is at the server.
fn home(servers: &MailServers, port: Port, secret: &str) -> Home {
    Home::new(&account(servers, port, secret), "")
}

/// Alice with her keys, and an account.
fn alice(account: &str) -> Outbox {
    let outbox = Outbox::new();
    outbox.place.write("alice/config.toml", format!("[account.test]\n{account}\n"));
    outbox
}

#[test]
fn a_patch_goes_from_git_into_a_mailbox_and_only_its_reader_opens_it() {
    let Some(servers) = MailServers::start() else { return };
    assert_eq!(PASSWORD, "ge heim");
    let outbox = alice(&account(&servers, Port::Only("scram-sha-256"), SECRET));
    if !clients::send_patch(&outbox) {
        return;
    }
    for person in ["alice", "bob", "carol"] {
        let mail = servers.dovecot.one_mail(person);
        assert!(!mail.contains(MARKER) && !mail.to_ascii_lowercase().contains("\nbcc:"), "{mail}");
        let opened = outbox.opened(person, &mail).expect("OpenSSL opens it with the reader's key");
        assert!(opened.replace("\r\n", "\n").contains(clients::BODY), "{opened}");
        for other in ["alice", "bob", "carol"] {
            // Alice reads what she sent to others; who is blind to others is alone.
            let may = person != "alice" || other == "alice";
            assert_eq!(outbox.opened(other, &mail).is_some(), may, "{other} reads the copy of {person}");
        }
        let read = outbox.place.pipe(person, &["decrypt", "-"], mail.as_bytes());
        // Carol compared nothing with anybody.
        let verdict =
            if person == "carol" { "SIGNED: alice@example.org" } else { "VERIFIED: alice@example.org" };
        assert!(read.stderr.contains(verdict), "{person}: {}", read.stderr);
        assert!(String::from_utf8(read.exits(0).stdout).unwrap().contains("after the dot"));
    }
    let log = servers.postfix.log();
    assert!(log.contains("sasl_method=SCRAM-SHA-256, sasl_username=alice"), "{log}");
    wait_until("the queue is empty", || outbox.mails("new").is_empty());
}

#[test]
fn every_way_to_log_in_is_one_that_a_server_knows() {
    let Some(servers) = MailServers::start() else { return };
    let token = format!("oauth = {{ command = [\"echo\", \"{}\"] }}", Dovecot::token().trim());
    for (port, secret, method) in [
        (Port::Tls, SECRET, "SCRAM-SHA-256"),
        (Port::StartTls, SECRET, "SCRAM-SHA-256"),
        (Port::Only("plain"), SECRET, "PLAIN"),
        (Port::Only("login"), SECRET, "LOGIN"),
        (Port::Only("oauthbearer"), &token, "OAUTHBEARER"),
        (Port::Only("xoauth2"), &token, "XOAUTH2"),
    ] {
        let home = home(&servers, port, secret);
        home.put(1, &["bob@example.org"]);
        let said = home.flush();
        assert_eq!(said.code, 0, "{method}: {}\n{}", said.text(), servers.postfix.log());
        assert!(servers.postfix.log().contains(&format!("sasl_method={method}, sasl_username=alice")));
    }
    wait_until("all arrive", || servers.dovecot.inbox("bob").len() == 6);
}

#[test]
fn a_server_whose_certificate_the_roots_know_needs_no_pin() {
    let Some(servers) = MailServers::start() else { return };
    let mut accounts = Vec::new();
    for port in [Port::Tls, Port::StartTls] {
        let account = format!("smtp = \"{}\"\nuser = \"alice\"\n{SECRET}", servers.postfix.url(port));
        let home = Home::new(&account, "");
        home.put(1, &["bob@example.org"]);
        assert!(home.flush().exits(1).text().contains("certificate"));
        home.cseal_with_roots(&CERTIFICATES.path("other-ca.pem"), &["queue", "flush"]).exits(1);
        assert!(!servers.postfix.log().contains("sasl_method"), "nobody logs in at a stranger's");
        accounts.push(home);
    }
    for home in accounts {
        home.cseal_with_roots(&CERTIFICATES.path("ca.pem"), &["queue", "flush"]).exits(0);
        assert!(home.mails("new").is_empty());
    }
    servers.postfix.wait_for("status=sent");
}

#[test]
fn whom_the_server_does_not_know_keeps_nobody_else_from_their_mail() {
    let Some(servers) = MailServers::start() else { return };
    let home = home(&servers, Port::Tls, SECRET);
    let id = home.put(1, &["bob@example.org", "nobody@example.org", "carol@example.org"]);
    home.flush().exits(1);
    assert_eq!(home.mails("failed"), [id.as_str()]);
    let shown = home.cseal(&["queue", "show", &id]).exits(0).text();
    assert!(shown.contains("refused    nobody@example.org   550 5.1.1"), "{shown}");
    for person in ["bob", "carol"] {
        servers.dovecot.one_mail(person);
    }
}

#[test]
fn what_is_larger_than_the_server_takes_fails_before_it_is_sent() {
    let Some(servers) = MailServers::start() else { return };
    let home = home(&servers, Port::Tls, SECRET);
    let large = [b"Subject: x\r\n\r\n".to_vec(), b"0123456789abcdef\r\n".repeat(70_000)].concat();
    let id = home.put_message(1, &["bob@example.org"], &large, "");
    home.flush().exits(1);
    assert_eq!(home.mails("failed"), [id.as_str()]);
    let log = servers.postfix.log();
    assert!(!log.contains("client=localhost"), "no transaction was begun: {log}");
    home.put(2, &["bob@example.org"]);
    home.flush().exits(0);
}

#[test]
fn notices_are_asked_for_as_the_caller_wants_them() {
    let Some(servers) = MailServers::start() else { return };
    let outbox = alice(&account(&servers, Port::Tls, SECRET));
    let mail = format!("From: alice@example.org\nTo: bob@example.org\nSubject: x\n\n{MARKER}\n");
    outbox.send(&["-odi", "-t", "-N", "success", "-R", "hdrs", "-V", "a+b"], mail).exits(0);
    assert!(outbox.mails("new").is_empty(), "{}", servers.postfix.log());
    let notice = servers.dovecot.one_mail("alice");
    assert!(notice.contains("Original-Envelope-Id: a+b"), "{notice}");
    assert!(notice.contains("Original-Recipient: rfc822;bob@example.org"), "{notice}");
    assert!(!notice.contains(MARKER) && !notice.contains("pkcs7-mime; smime-type=enveloped-data\r\n\r\nMI"));
}

#[test]
fn names_in_utf8_go_where_the_server_takes_them() {
    let Some(servers) = MailServers::start() else { return };
    let home = home(&servers, Port::StartTls, SECRET);
    home.put_message(1, &["jörg@bücher.example"], super::home::MESSAGE, ",\"smtputf8\":true");
    home.flush().exits(0);
    servers.postfix.wait_for("status=sent");
    let log = servers.postfix.log();
    assert!(log.contains("jörg@"), "{log}");
}

#[test]
fn a_mail_that_wants_tls_all_the_way_waits_at_a_server_that_does_not_know_how() {
    let Some(servers) = MailServers::start() else { return };
    let home = home(&servers, Port::Tls, &format!("{SECRET}\nrequire_tls = \"always\""));
    home.put(1, &["bob@example.org"]);
    let said = home.flush().exits(1).text();
    assert!(said.contains("REQUIRETLS"), "{said}");
    assert!(!servers.postfix.log().contains("client=localhost"));
}

#[test]
fn a_wrong_password_stops_the_account_and_keeps_the_mail() {
    let Some(servers) = MailServers::start() else { return };
    let wrong = "password = { command = [\"echo\", \"no\"] }";
    for port in [Port::Tls, Port::Only("plain"), Port::Only("login")] {
        let home = home(&servers, port, wrong);
        let id = home.put(1, &["bob@example.org"]);
        let said = home.flush().exits(1).text();
        assert!(said.contains("(535)"), "{port:?}: {said}");
        assert_eq!(home.mails("new"), [id.as_str()]);
        let tries = servers.postfix.log().matches("authentication failed").count();
        home.cseal(&["queue", "flush", "--due"]);
        assert_eq!(
            servers.postfix.log().matches("authentication failed").count(),
            tries,
            "it is left in peace"
        );
        // With the right one everything goes.
        home.configure(&account(&servers, port, SECRET), "");
        home.flush().exits(0);
    }
}

#[test]
fn a_server_that_is_restarted_in_between_gets_every_mail() {
    let Some(mut servers) = MailServers::start() else { return };
    let home = home(&servers, Port::Tls, SECRET);
    for number in 1..=30 {
        let message = format!("Message-ID: <{number}@example.org>\r\n\r\n{number}\r\n");
        home.put_message(number, &["bob@example.org"], message.as_bytes(), "");
    }
    let mut flush = home.command(&["queue", "flush"]).spawn().unwrap();
    servers.postfix.wait_for("status=sent");
    servers.postfix.end();
    flush.wait().unwrap();
    servers.postfix.begin();
    home.flush().exits(0);
    assert!(home.mails("new").is_empty());
    let all = |mails: &[String]| {
        (1..=30).all(|number| mails.iter().any(|mail| mail.contains(&format!("<{number}@example.org>"))))
    };
    wait_until("all thirty arrive", || all(&servers.dovecot.inbox("bob")));
}

#[test]
fn a_mailbox_on_this_machine_is_reached_by_its_socket() {
    let Some(servers) = MailServers::start() else { return };
    let outbox = alice(&format!("smtp = \"lmtp:{}\"", servers.dovecot.lmtp().display()));
    let mail = format!("From: alice@example.org\nTo: bob@example.org\nBcc: carol@example.org\n\n{MARKER}\n");
    outbox.send(&["-odi", "-t"], mail).exits(0);
    for person in ["bob", "carol"] {
        let mail = servers.dovecot.one_mail(person);
        assert!(outbox.opened(person, &mail).unwrap().contains(MARKER));
    }
    let home = Home::new(&format!("smtp = \"lmtp:{}\"", servers.dovecot.lmtp().display()), "");
    let id = home.put(1, &["bob@example.org", "nobody@example.org"]);
    home.flush().exits(1);
    let shown = home.cseal(&["queue", "show", &id]).exits(0).text();
    assert!(shown.contains("sent       bob@example.org") && shown.contains("refused    nobody@"), "{shown}");
}

#[test]
fn the_sendmail_of_postfix_takes_what_is_handed_over() {
    let Some(servers) = MailServers::start() else { return };
    let outbox = alice("smtp = \"lmtp:/nowhere\"");
    let script = outbox.place.write("next", format!("#!/bin/sh\n{}\n", servers.postfix.sendmail()));
    Command::new("chmod").arg("700").arg(&script).status().unwrap();
    let config = format!("[account.test]\nsmtp = \"sendmail:{}\"\n", script.display());
    outbox.place.write("alice/config.toml", config);
    let mail = format!("From: alice@example.org\nTo: bob@example.org\n\n{MARKER}\n.\nend\n");
    outbox.send(&["-odi", "-t"], mail).exits(0);
    let mail = servers.dovecot.one_mail("bob");
    let opened = outbox.opened("bob", &mail).unwrap().replace("\r\n", "\n");
    assert!(opened.contains(&format!("{MARKER}\n.\nend")), "{opened}");
}
