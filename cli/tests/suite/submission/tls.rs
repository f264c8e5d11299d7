//! TLS: by the roots of the system or by a pin, and never without it. Each way to fail is one sentence.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use super::certificates::CERTIFICATES;
use super::home::{Home, MESSAGE};
use super::sink::{Deed, Manner, Sink, Tls};

fn implicit(name: &str) -> Sink {
    Sink::start(Manner { tls: Tls::Implicit(CERTIFICATES.tls(name)), ..Manner::usual() })
}

fn smtps(sink: &Sink) -> String {
    format!("smtp = \"smtps://127.0.0.1:{}\"", sink.port)
}

#[test]
fn a_server_whose_certificate_is_good_gets_the_mail() {
    let sink = implicit("good");
    let home = Home::new(&smtps(&sink), "");
    home.put(1, &["bob@example.org"]);
    home.cseal_with_roots(&CERTIFICATES.path("ca.pem"), &["queue", "flush"]).exits(0);
    assert_eq!(sink.received()[0].data, MESSAGE);
}

#[test]
fn each_way_that_tls_fails_is_one_sentence_and_the_mail_stays() {
    for (name, roots, said) in [
        ("elsewhere", "ca", "the certificate is for another host than 127.0.0.1"),
        ("expired", "ca", "the certificate of 127.0.0.1 expired on 2021-01-01"),
        ("own", "ca", "127.0.0.1 has a self-signed certificate"),
        ("good", "other-ca", "the certificate of 127.0.0.1 is from a CA that this system does not know"),
    ] {
        let sink = implicit(name);
        let home = Home::new(&smtps(&sink), "[queue]\nanswer = \"20s\"");
        let id = home.put(1, &["bob@example.org"]);
        let roots = CERTIFICATES.path(&format!("{roots}.pem"));
        let ran = home.cseal_with_roots(&roots, &["queue", "flush"]).exits(1);
        assert!(ran.text().contains(said), "{name}: {}", ran.text());
        assert_eq!(ran.text().lines().count(), 2, "{}", ran.text());
        assert_eq!(home.mails("new"), [id.as_str()]);
        assert!(sink.said().is_empty(), "not one octet of SMTP");
    }
}

#[test]
fn what_does_not_speak_tls_is_said_to_be_a_wrong_port_or_a_portal() {
    let sink = Sink::start(Manner::script(|_| Deed::Say("HTTP/1.1 302 Found")));
    let home = Home::new(&smtps(&sink), "[queue]\nanswer = \"20s\"");
    home.put(1, &["bob@example.org"]);
    let said = home.cseal_with_roots(&CERTIFICATES.path("ca.pem"), &["queue", "flush"]).exits(1).text();
    assert!(
        said.contains("does not speak TLS: a wrong port, or a network that wants a log-in first"),
        "{said}"
    );
}

#[test]
fn a_pin_takes_its_key_and_no_other() {
    for (name, is_sent) in [("own", true), ("good", false)] {
        let sink = implicit(name);
        let pin = format!("tls_pin = \"{}\"", CERTIFICATES.pin("own"));
        let home = Home::new(&format!("{}\n{pin}", smtps(&sink)), "");
        home.put(1, &["bob@example.org"]);
        // The other one is good by the roots; that does not count where a key is pinned.
        let ran = home.cseal_with_roots(&CERTIFICATES.path("ca.pem"), &["queue", "flush"]);
        assert_eq!(ran.code, i32::from(!is_sent), "{}", ran.text());
        assert_eq!(sink.received().len(), usize::from(is_sent));
        assert!(
            is_sent || ran.text().contains("another key than the one that tls_pin names"),
            "{}",
            ran.text()
        );
    }
}

#[test]
fn starttls_is_required_and_what_was_said_before_it_is_forgotten() {
    // Whoever is in between adds an answer that would be taken for the one to EHLO inside TLS.
    let inject = |line: &str| match line {
        "STARTTLS" => Deed::Say("220 go on\r\n250 AUTH PLAIN"),
        _ => Deed::Usual,
    };
    for script in [Manner::usual().script, Manner::script(inject).script] {
        let tls = Tls::Start(CERTIFICATES.tls("good"));
        let sink = Sink::start(Manner { tls, script, ..Manner::usual() });
        let home = Home::new(&format!("smtp = \"smtp+starttls://127.0.0.1:{}\"", sink.port), "");
        home.put(1, &["bob@example.org"]);
        home.cseal_with_roots(&CERTIFICATES.path("ca.pem"), &["queue", "flush"]).exits(0);
        assert_eq!(sink.received()[0].data, MESSAGE);
        assert_eq!(sink.said().iter().filter(|line| line.starts_with("EHLO")).count(), 2);
    }
}

#[test]
fn without_starttls_nothing_is_sent_in_clear() {
    let refuse = |line: &str| if line == "STARTTLS" { Deed::Say("454 4.7.0 not now") } else { Deed::Usual };
    let offered = Tls::Start(CERTIFICATES.tls("good"));
    for manner in [Manner::usual(), Manner { tls: offered, ..Manner::script(refuse) }] {
        let sink = Sink::start(manner);
        let account = "user = \"alice\"\npassword = { command = [\"echo\", \"geheim\"] }";
        let home = Home::new(&format!("smtp = \"smtp+starttls://127.0.0.1:{}\"\n{account}", sink.port), "");
        let id = home.put(1, &["bob@example.org"]);
        home.cseal_with_roots(&CERTIFICATES.path("ca.pem"), &["queue", "flush"]).exits(1);
        assert_eq!(home.mails("new"), [id.as_str()]);
        let said = sink.said();
        assert!(said.iter().all(|line| line.starts_with("EHLO") || line == "STARTTLS"), "{said:?}");
    }
}

#[test]
fn a_server_without_requiretls_gets_nothing_where_it_is_always_required() {
    for (offers, is_sent) in [(&["REQUIRETLS"][..], true), (&[], false)] {
        let tls = Tls::Implicit(CERTIFICATES.tls("good"));
        let sink = Sink::start(Manner { tls, offers, ..Manner::usual() });
        let home = Home::new(&format!("{}\nrequire_tls = \"always\"", smtps(&sink)), "");
        home.put(1, &["bob@example.org"]);
        let ran = home.cseal_with_roots(&CERTIFICATES.path("ca.pem"), &["queue", "flush"]);
        assert_eq!(ran.code, i32::from(!is_sent), "{}", ran.text());
        assert_eq!(
            sink.received().first().map(|one| one.mail.ends_with(" REQUIRETLS")),
            is_sent.then_some(true)
        );
    }
}

/// After TLS began well, the first octets of a record that never becomes whole, one after the other.
fn dripping() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut connection = rustls::ServerConnection::new(CERTIFICATES.tls("good")).unwrap();
        while connection.is_handshaking() || connection.wants_write() {
            connection.complete_io(&mut stream).unwrap();
        }
        stream.write_all(&[23, 3, 3, 0x3f, 0xff]).unwrap();
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(200));
        }
    });
    port
}

#[test]
fn a_record_that_comes_octet_by_octet_holds_nobody() {
    let account = format!("smtp = \"smtps://127.0.0.1:{}\"", dripping());
    let home = Home::new(&account, "[queue]\nanswer = \"1s\"");
    let id = home.put(1, &["bob@example.org"]);
    let started = Instant::now();
    let ran = home.cseal_with_roots(&CERTIFICATES.path("ca.pem"), &["queue", "flush"]).exits(1);
    assert!(ran.text().contains("the server took too long (at the greeting)"), "{}", ran.text());
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert_eq!(home.mails("new"), [id.as_str()]);
}
