//! Devices that meet on the local network, or in the person's own mailbox.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::dovecot::{Dovecot, Kind, token};
use crate::people::Place;
use crate::socks::Socks;
use crate::talk::Talk;

/// How long something may take that takes moments.
const PATIENCE: Duration = Duration::from_secs(90);

/// Alice's store, and a second device of hers in `new`, which knows of no place yet.
fn paired() -> Place {
    let place = Place::new();
    pair(&place, "reader", |_| {});
    place
}

/// Makes `new` a device of Alice's; `see` sees what the new one says at the end.
fn pair(place: &Place, role: &str, see: impl FnOnce(&mut Talk<'_>)) {
    fs::create_dir(place.path("share")).unwrap();
    let join = ["device", "join", "--json", "--name", "laptop", "--no-passphrase", "--folder", "share"];
    let mut new = Talk::begin(place, "new", &join);
    let code = new.event("code")["code"].as_str().unwrap().to_owned();
    let add = ["device", "add", "--json", "--no-recovery", "--this-device", "desk", "--folder", "share"];
    let mut old = Talk::begin(place, "alice", &[&add[..], &["--role", role]].concat());
    old.asked("code");
    old.say(&code);
    let digits = old.event("digits")["digits"].as_str().unwrap().to_owned();
    old.asked("approve");
    old.say("y");
    new.asked("digits");
    new.say(&digits);
    new.event("joined");
    see(&mut new);
    new.ends(0);
    old.ends(0);
}

/// A new key on Alice's first device, which the second one does not have.
fn renew(place: &Place) {
    place.run("alice", &["keys", "renew", "alice@example.org", "--encryption"]).exits(0);
}

fn settle(place: &Place, text: &str) {
    for home in ["alice", "new"] {
        place.write(&format!("{home}/config.toml"), text);
    }
}

fn imported(said: &[u8]) -> usize {
    let said: Value = serde_json::from_slice(said).unwrap();
    said["imported"].as_array().unwrap().len()
}

/// How many keys the second device lacks, as the first one has heard.
fn behind(place: &Place) -> Option<u64> {
    let listed = place.run("alice", &["device", "list", "--json"]).exits(0);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let devices = listed["devices"].as_array().unwrap();
    devices.iter().find(|device| device["name"] == "laptop").unwrap()["behind"].as_u64()
}

/// A command of one device that goes on, until this is dropped.
struct Watching(Child);

impl Watching {
    fn of(place: &Place, home: &str) -> Self {
        Self::begin(place, home, &["device", "sync", "--watch"])
    }

    fn begin(place: &Place, home: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cseal"));
        command.args(arguments).env("COUNTERSEAL_HOME", place.path(home));
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(quiet.spawn().unwrap())
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn two_devices_with_nothing_but_the_local_network_come_to_agree() {
    let place = paired();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    settle(&place, &format!("[[sync]]\nlan = \"127.0.0.1:{port}\"\n"));
    renew(&place);
    let nobody = place.run("new", &["device", "sync", "--json"]).exits(3);
    assert_eq!(imported(&nobody.stdout), 0);

    let watching = Watching::of(&place, "alice");
    let mut keys = 0;
    until("the key comes", || {
        let round = place.run("new", &["device", "sync", "--json"]);
        keys += imported(&round.stdout);
        round.code == 0 && keys == 1
    });
    // What the second one left there reaches the first.
    until("the other device hears of it", || behind(&place) == Some(0));
    drop(watching);
    place.run("new", &["device", "sync"]).exits(3);

    // It does not matter which of them listens.
    renew(&place);
    let watching = Watching::of(&place, "new");
    until("the first one goes there", || place.run("alice", &["device", "sync"]).code == 0);
    until("the second key comes", || {
        let round = place.run("alice", &["device", "sync"]);
        round.code == 0 && behind(&place) == Some(0)
    });

    // What was left there outlives who listened.
    drop(watching);
    let count = |home: &str| {
        let boxes = fs::read_dir(place.path(home).join("lan")).unwrap().map(|entry| entry.unwrap().path());
        boxes.map(|one| fs::read_dir(one).unwrap().count()).sum::<usize>()
    };
    let (before, _watching) = (count("new"), Watching::of(&place, "new"));
    until("it is served again", || place.run("alice", &["device", "sync"]).code == 0);
    assert!(before > 5 && count("new") >= before, "{before}");
}

/// The account of a mailbox, whose password a program writes.
fn mailbox(dovecot: &Dovecot, password: &str) -> String {
    account(dovecot, "password", password)
}

/// The same, with what a program writes as a `password` or for `oauth`.
fn account(dovecot: &Dovecot, kind: &str, secret: &str) -> String {
    format!(
        "# mine\n[account.work]\nsmtp = \"smtps://localhost:1\"\nimap = \"imaps://localhost:{}\"\nuser = \"alice\"\n\
         {kind} = {{ command = [\"printf\", \"{secret}\"] }}\n[[sync]]\nimap = \"work\"\n",
        dovecot.port
    )
}

#[test]
fn two_devices_with_nothing_but_a_mailbox_come_to_agree() {
    let kind = Kind { tls: true, prefix: true, ..Kind::default() };
    let Some(dovecot) = Dovecot::of(kind) else { return };
    dovecot.deliver("", "1700000000.M1P1.host", "From: bob@example.org\nSubject: hello\n\nDear Alice\n");
    let before = dovecot.mails("");
    let place = paired();
    let authority: &Path = dovecot.authority.as_deref().unwrap();
    let sync = |home: &str| place.run_with(("SSL_CERT_FILE", authority), home, &["device", "sync", "--json"]);
    settle(&place, &mailbox(&dovecot, "geheim"));
    renew(&place);
    sync("alice").exits(0);
    assert_eq!(imported(&sync("new").exits(0).stdout), 1);
    sync("alice").exits(0);
    assert_eq!(behind(&place), Some(0));
    assert!(!dovecot.mails(".KeySync").is_empty());
    assert_eq!(dovecot.mails(""), before, "other mail is as it was");

    // Nobody goes in without the password, or past a certificate of somebody else; both are said, the password is not.
    let logins = || dovecot.log().matches("Login: user=<alice>").count();
    let before = logins();
    let stranger = place.run("new", &["device", "sync"]).exits(3);
    assert!(stranger.text().contains("localhost"), "{}", stranger.text());
    settle(&place, &mailbox(&dovecot, "falsch"));
    let refused = sync("new").exits(3);
    assert!(refused.text().contains("refuses the login"), "{}", refused.text());
    assert!(!refused.text().contains("falsch"));
    assert_eq!(logins(), before);
}

#[test]
fn devices_meet_in_a_mailbox_that_takes_tokens_and_no_password() {
    let kind = Kind { tls: true, tokens: Some("oauthbearer xoauth2"), ..Kind::default() };
    let Some(dovecot) = Dovecot::of(kind) else { return };
    let place = paired();
    let authority: &Path = dovecot.authority.as_deref().unwrap();
    let sync = |home: &str| place.run_with(("SSL_CERT_FILE", authority), home, &["device", "sync", "--json"]);
    settle(&place, &account(&dovecot, "oauth", &token("alice", 600)));
    renew(&place);
    sync("alice").exits(0);
    assert_eq!(imported(&sync("new").exits(0).stdout), 1);
    assert!(dovecot.log().contains("Login: user=<alice>, method=OAUTHBEARER"), "{}", dovecot.log());

    let ended = token("alice", -600);
    settle(&place, &account(&dovecot, "oauth", &ended));
    let refused = sync("new").exits(3);
    assert!(refused.text().contains("refuses the login"), "{}", refused.text());
    assert!(!refused.text().contains(&ended) && !refused.stderr.contains(&ended));
}

/// Where the first device meets others.
const PLACES: &str = "[[sync]]\nrelay = \"https://relay.example.org\"\n[[sync]]\nlan = true\n\
                      [[sync]]\nfolder = \"/media/stick\"\n[[sync]]\nimap = \"work\"\n\
                      [account.work]\nsmtp = \"smtps://a.example.org\"\nimap = \"imaps://a.example.org\"\n\
                      user = \"alice\"\npassword = { keyring = true }\n";

/// What a store says of somebody.
fn of_bob(place: &Place, home: &str) -> [Value; 3] {
    let ran = place.run(home, &["trust", "show", "bob@example.org", "--json"]);
    let shown: Value = serde_json::from_slice(&ran.stdout).unwrap();
    ["score", "verdict", "evidence"].map(|field| shown[field].clone())
}

#[test]
fn a_new_device_gets_the_places_and_knows_others_as_the_old_one_does() {
    let place = Place::new();
    fs::create_dir(place.path("new")).unwrap();
    place.write("alice/config.toml", PLACES);
    let before = "# mine\n[agent]\nstart = \"never\" # here\n";
    place.write("new/config.toml", before);
    pair(&place, "reader", |new| {
        assert_eq!(new.event("contacts")["contacts"], 2);
        let places = new.event("places");
        assert_eq!(places["added"], serde_json::json!(["relay:https://relay.example.org", "lan:"]));
        assert_eq!(places["hints"], serde_json::json!(["folder:/media/stick", "imap:work"]));
    });
    let after = String::from_utf8(place.read("new/config.toml")).unwrap();
    let added = "\n[[sync]]\nrelay = \"https://relay.example.org\"\n\n[[sync]]\nlan = true\n";
    assert_eq!(after, format!("{before}{added}"));
    let offline = place.run("new", &["--offline", "device", "sync"]).exits(3).text();
    assert_eq!(offline.matches("not reached: offline").count(), 2, "one line for each place: {offline}");
    assert_eq!(of_bob(&place, "new"), of_bob(&place, "alice"));
    assert!(place.run("new", &["trust", "list", "--json"]).text().contains("bob@example.org"));
}

#[test]
fn who_has_places_already_keeps_them_and_a_kiosk_knows_nobody() {
    let place = Place::new();
    fs::create_dir(place.path("new")).unwrap();
    place.write("alice/config.toml", PLACES);
    let before = "[[sync]]\nlan = true\n";
    place.write("new/config.toml", before);
    pair(&place, "kiosk", |new| {
        let places = new.event("places");
        assert_eq!(places["added"], serde_json::json!([]));
        let hints = ["relay:https://relay.example.org", "folder:/media/stick", "imap:work"];
        assert_eq!(places["hints"], serde_json::json!(hints));
        assert!(places["lines"].as_str().unwrap().contains("[[sync]]\nfolder = \"/media/stick\"\n"));
    });
    assert_eq!(place.read("new/config.toml"), before.as_bytes());
    assert!(!place.run("new", &["trust", "list", "--json"]).text().contains("bob@example.org"));
}

#[test]
fn neither_a_sync_nor_a_pairing_goes_past_the_proxy() {
    let place = paired();
    let proxy = Socks::knowing(&[]);
    let sync = "[[sync]]\nrelay = \"https://relay.example.org\"\n[[sync]]\nimap = \"work\"\n\
                [account.work]\nsmtp = \"lmtp:/nowhere\"\nimap = \"imaps://imap.example.org\"\nuser = \"alice\"\n\
                password = { command = [\"printf\", \"geheim\"] }\n";
    place.write("alice/config.toml", format!("{}{sync}", proxy.settings()));
    let ran = place.run("alice", &["device", "sync"]).exits(3);
    assert!(ran.text().contains("relay:https") && ran.text().contains("imap:work"), "{}", ran.text());
    let asked = proxy.asked();
    for host in ["relay.example.org:443", "imap.example.org:993"] {
        assert!(asked.iter().any(|asked| asked == host), "{host}: {asked:?}");
    }

    let proxy = Socks::knowing(&[]);
    place.write("alice/config.toml", proxy.settings());
    let show = ["device", "add", "--show", "--json", "--relay", "https://relay.example.org"];
    let _showing = Watching::begin(&place, "alice", &show);
    until("the relay is asked for", || proxy.asked().iter().any(|asked| asked == "relay.example.org:443"));
}
