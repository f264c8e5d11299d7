//! The mailbox that a domain names beside its server: it is logged in to and nothing else, and left out where that fails.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::{json, run, text};
use crate::people::{Place, Ran};
use crate::servers::{Server, TlsNames, web_server};
use crate::socks::Socks;
use crate::submission::sink::{self, Manner, Sink, Tls};

const DOCUMENT: &str = "<clientConfig version=\"1.1\"><emailProvider id=\"example.org\">\
    <incomingServer type=\"imap\"><hostname>imap.example.org</hostname><port>993</port><socketType>SSL</socketType></incomingServer>\
    <outgoingServer type=\"smtp\"><hostname>smtp.example.org</hostname><port>465</port><socketType>SSL</socketType></outgoingServer>\
    </emailProvider></clientConfig>";
const HOSTS: &str = "DNS:autoconfig.example.org,DNS:smtp.example.org,DNS:imap.example.org";

/// A server of mailboxes that keeps what it is told.
struct Mailboxes {
    address: SocketAddr,
    said: Arc<Mutex<Vec<String>>>,
}

impl Mailboxes {
    /// `lets_in` is what it answers to LOGIN; the end of the connection where that is nothing.
    fn start(tls: Arc<ServerConfig>, lets_in: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let kept = said.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let connection = ServerConnection::new(tls.clone()).unwrap();
                // Who does not like the certificate leaves.
                let _ = serve(StreamOwned::new(connection, stream), lets_in, &kept);
            }
        });
        Self { address, said }
    }

    /// The commands, without their tags.
    fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }
}

fn serve(
    stream: StreamOwned<ServerConnection, std::net::TcpStream>,
    lets_in: &str,
    said: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(b"* OK here\r\n")?;
    let mut line = String::new();
    while stream.read_line(&mut line)? > 0 {
        let (tag, command) = line.trim_end().split_once(' ').unwrap();
        said.lock().unwrap().push(command.to_owned());
        let answer = match command.split(' ').next().unwrap() {
            "LOGIN" if lets_in.is_empty() => return Ok(()),
            "LOGIN" => format!("{tag} {lets_in}\r\n"),
            "CAPABILITY" => format!("* CAPABILITY IMAP4rev1 NAMESPACE\r\n{tag} OK done\r\n"),
            "NAMESPACE" => format!("* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n{tag} OK done\r\n"),
            "LOGOUT" => format!("* BYE\r\n{tag} OK done\r\n"),
            _ => format!("{tag} BAD\r\n"),
        };
        stream.get_mut().write_all(answer.as_bytes())?;
        line.clear();
    }
    Ok(())
}

/// Alice, whose domain is behind a proxy of the test's own: it knows the names.
struct World {
    place: Place,
    tls: TlsNames,
    sink: Sink,
    mailboxes: Mailboxes,
    _web: Server,
}

impl World {
    /// The mailbox is behind a certificate for these names, or nowhere.
    fn new(lets_in: &'static str, names: Option<&str>) -> Option<Self> {
        let place = Place::new();
        let tls = TlsNames::make_for(&place.path("tls"), HOSTS);
        let own = sink::tls(&tls.certificate, &tls.key);
        fs::create_dir_all(place.path("web/mail")).unwrap();
        place.write("web/mail/config-v1.1.xml", DOCUMENT);
        let web = web_server(&place.path("nginx"), &place.path("web"), Some(&tls), "")?;
        let manner = Manner { tls: Tls::Implicit(own.clone()), offers: &["AUTH PLAIN"], ..Manner::usual() };
        let sink = Sink::start(manner);
        let shown = match names {
            Some(HOSTS) | None => own,
            Some(names) => {
                let other = TlsNames::make_for(&place.path("other-tls"), names);
                sink::tls(&other.certificate, &other.key)
            }
        };
        let mailboxes = Mailboxes::start(shown, lets_in);
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut known =
            vec![("autoconfig.example.org:443", web.address), ("smtp.example.org:465", at(sink.port))];
        known.extend(names.map(|_| ("imap.example.org:993", mailboxes.address)));
        place.write("alice/config.toml", Socks::knowing(&known).settings());
        Some(Self { place, tls, sink, mailboxes, _web: web })
    }

    fn setup(&self, more: &[&str]) -> Ran {
        let arguments = ["setup", "alice@example.org", "--timer", "none", "--yes"];
        let password = ["--password-command", "printf", "ge heim"];
        let roots: &Path = &self.tls.authority;
        run(&self.place, "alice", roots, &[&arguments[..], more, &password].concat())
    }
}

#[test]
fn a_mailbox_is_logged_in_to_and_nothing_in_it_is_looked_at() {
    let Some(world) = World::new("OK done", Some(HOSTS)) else { return };
    let ran = world.setup(&[]).exits(0);
    let hint = "your mailbox is at imaps://imap.example.org; your devices meet in it by two lines of config.toml: \
                [[sync]] and imap = \"home\"";
    assert!(ran.text().contains(hint), "{}\n{}", ran.text(), ran.stderr);
    assert_eq!(
        world.mailboxes.said(),
        ["LOGIN \"alice@example.org\" \"ge heim\"", "CAPABILITY", "NAMESPACE", "LOGOUT"]
    );
    assert_eq!(world.sink.received().len(), 1);
    let written = text(&world.place, "alice/config.toml");
    assert!(
        written.contains("imap = \"imaps://imap.example.org\"") && !written.contains("[[sync]]"),
        "{written}"
    );
    // The two lines are what it says they are: who has no other devices is told that, and nothing of the file.
    world.place.write("alice/config.toml", format!("{written}\n[[sync]]\nimap = \"home\"\n"));
    assert!(world.place.run("alice", &["device", "sync"]).exits(1).stderr.contains("no other devices"));
    // Once more: the account is there, and what it says of its mailbox.
    let again = json(&world.setup(&["--json", "--no-check"]).exits(0));
    assert_eq!(
        (&again["imap"], &again["found_by"]),
        (&"imaps://imap.example.org".into(), &serde_json::Value::Null)
    );
}

#[test]
fn a_mailbox_that_lets_nobody_in_is_left_out_and_it_is_said_why() {
    for (lets_in, names, why) in [
        ("NO [AUTHENTICATIONFAILED] wrong", Some(HOSTS), "the mail server refuses the login"),
        ("", Some(HOSTS), "not reached"),
        ("OK done", Some("DNS:imap.example.net"), "certificate"),
        ("OK done", None, "not reached"),
    ] {
        let Some(world) = World::new(lets_in, names) else { return };
        let done = json(&world.setup(&["--json"]).exits(0));
        assert_eq!(
            (&done["imap"], &done["check"]),
            (&serde_json::Value::Null, &"sent".into()),
            "{why}: {done}"
        );
        let note = done["notes"][0].as_str().unwrap();
        assert!(note.starts_with("your mailbox, imaps://imap.example.org, is left out: "), "{note}");
        assert!(
            note.contains(why) && note.lines().count() == 1 && !note.contains("ge heim"),
            "{why}: {note}"
        );
        assert!(
            note.ends_with("write imap = \"imaps://imap.example.org\" into [account.home] of config.toml"),
            "{note}"
        );
        let written = text(&world.place, "alice/config.toml");
        assert!(written.contains("[account.home]") && !written.contains("imap"), "{written}");
        let got_password = world.mailboxes.said().iter().any(|line| line.contains("ge heim"));
        assert_eq!(got_password, names == Some(HOSTS), "{why}");
        assert_eq!(world.sink.received().len(), 1, "mail is sent all the same");
    }
}

#[test]
fn without_a_check_nobody_logs_in() {
    let Some(world) = World::new("NO", Some(HOSTS)) else { return };
    let done = json(&world.setup(&["--json", "--no-check"]).exits(0));
    assert_eq!(done["imap"], "imaps://imap.example.org", "{done}");
    assert!(world.mailboxes.said().is_empty() && world.sink.said().is_empty());
}
