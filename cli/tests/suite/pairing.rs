//! A new device joins by every way there is: `cseal device join` here, `cseal device add` there.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use counterseal_keysync::code::PairingCode;
use counterseal_keysync::limits;
use counterseal_keysync::transport::lan::{Class, LanListener};
use counterseal_keysync::transport::memory::MemoryBox;
use counterseal_keysync::transport::{ObjectName, Transport as _};

use crate::peers::command::{find, missing};
use crate::people::{MAIL, Place};
use crate::relay::process::Relay;
use crate::servers::TlsNames;
use crate::submission::sink::{Manner, Sink};
use crate::talk::Talk;

/// Alice's store, a mail to her, and a folder that both machines see.
fn place() -> Place {
    let place = Place::new();
    fs::create_dir(place.path("share")).unwrap();
    place.write(
        "mail.eml",
        MAIL.replace("To: Bob <bob@", "To: Alice <alice@").replace("From: Alice <alice@", "From: Bob <bob@"),
    );
    place.run("bob", &["encrypt", "mail.eml", "-o", "sealed.eml"]).exits(0);
    place
}

fn join<'p>(place: &'p Place, how: &[&str]) -> Talk<'p> {
    let head = ["device", "join", "--json", "--name", "thinkpad-7", "--no-passphrase"];
    Talk::begin(place, "new", &[&head, how].concat())
}

fn add<'p>(place: &'p Place, how: &[&str]) -> Talk<'p> {
    let head = ["device", "add", "--json", "--no-recovery", "--this-device", "desktop"];
    Talk::begin(place, "alice", &[&head, how].concat())
}

const SHARE: [&str; 2] = ["--folder", "share"];

/// The new device opens what is sealed to Alice, and both know each other.
fn is_paired(place: &Place, role: &str) {
    let opened = place.run("new", &["decrypt", "sealed.eml"]);
    assert!(opened.text().contains("let us meet."), "{}", opened.stderr);
    for home in ["new", "alice"] {
        let list = place.run(home, &["device", "list", "--json"]).exits(0).text();
        assert!(list.contains("thinkpad-7") && list.contains("desktop") && list.contains(role), "{list}");
    }
}

fn text(event: &Value, field: &str) -> String {
    event[field].as_str().unwrap().to_owned()
}

/// One screen shows a code, and it is pasted at the other.
#[track_caller]
fn take_code(shows: &mut Talk<'_>, takes: &mut Talk<'_>) {
    let code = text(&shows.event("code"), "code");
    takes.asked("code");
    takes.say(&code);
}

/// One screen shows digits, and they are typed at the other.
#[track_caller]
fn type_digits(shows: &mut Talk<'_>, takes: &mut Talk<'_>) {
    let digits = text(&shows.event("digits"), "digits");
    takes.asked("digits");
    takes.say(&digits);
}

/// The person looks at the new device, and says so at the old one.
#[track_caller]
fn approve(old: &mut Talk<'_>) -> Value {
    let asked = old.asked("approve");
    old.say("y");
    asked
}

#[test]
fn the_new_device_shows_a_code() {
    let place = place();
    let mut new = join(&place, &SHARE);
    let mut old = add(&place, &[&SHARE[..], &["--role", "reader"]].concat());
    take_code(&mut new, &mut old);
    let digits = text(&old.event("digits"), "digits");
    assert_eq!(old.event("peer")["name"], "thinkpad-7");
    approve(&mut old);
    new.asked("digits");
    new.say("000-000");
    assert_eq!(new.event("wrong")["left"], 2);
    new.asked("digits");
    new.say(&digits);
    assert_eq!(new.event("joined")["role"], "reader");
    assert_eq!(old.event("added")["acknowledged"], true);
    new.ends(0);
    old.ends(0);
    is_paired(&place, "reader");
    let again = place.run("new", &["device", "join", "--folder", "share"]);
    assert!(again.exits(1).stderr.contains("one of your devices already"));
}

#[test]
fn the_old_device_shows_a_code() {
    let place = place();
    let mut old = add(&place, &[&SHARE[..], &["--show", "--role", "writer"]].concat());
    let mut new = join(&place, &[&SHARE[..], &["--scan"]].concat());
    take_code(&mut old, &mut new);
    type_digits(&mut new, &mut old);
    approve(&mut old);
    new.ends(0);
    old.ends(0);
    is_paired(&place, "writer");
}

#[test]
fn words_are_typed_and_the_digits_after_them() {
    let place = place();
    let mut new = join(&place, &[&SHARE[..], &["--words"]].concat());
    let words = text(&new.event("words"), "words");
    let mut old = add(&place, &[&SHARE[..], &["--typed"]].concat());
    old.asked("words");
    old.say(&words);
    new.asked("confirm");
    new.say("y");
    type_digits(&mut new, &mut old);
    approve(&mut old);
    new.ends(0);
    old.ends(0);
    is_paired(&place, "reader");
}

#[test]
fn both_screens_show_the_same_words() {
    let place = place();
    let mut new = join(&place, &[&SHARE[..], &["--sas"]].concat());
    let mut old = add(&place, &[&SHARE[..], &["--sas", "--role", "admin"]].concat());
    assert_eq!(old.asked("pick")["names"][0], "thinkpad-7");
    old.say("1");
    let words = [&mut new, &mut old].map(|device| device.event("compare")["words"].clone());
    assert_eq!(words[0], words[1]);
    old.asked("compare");
    old.say("y");
    approve(&mut old);
    new.asked("compare");
    new.say("y");
    new.ends(0);
    old.ends(0);
    is_paired(&place, "admin");
}

#[test]
fn the_local_network_is_enough() {
    let place = place();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let lan = ["--lan-only", "--lan-address", address.as_str()];
    let mut new = join(&place, &[&lan[..], &["--words"]].concat());
    let words = text(&new.event("words"), "words");
    let mut old = add(&place, &[&lan[..], &["--typed"]].concat());
    old.asked("words");
    old.say(&words);
    new.asked("confirm");
    new.say("y");
    type_digits(&mut new, &mut old);
    assert_eq!(approve(&mut old)["on_local_network"], true);
    assert_eq!(old.event("added")["acknowledged"], true);
    new.ends(0);
    old.ends(0);
    is_paired(&place, "reader");
}

#[test]
fn a_relay_is_enough_and_keeps_nothing_that_tells_whose_it_was() {
    let place = place();
    fs::create_dir(place.path("relay")).unwrap();
    let relay = Relay::start(&place.path("relay"), &["--store", "relay.db"]);
    let url = format!("http://{}", relay.address);
    let way = ["--relay", url.as_str()];
    let mut new = join(&place, &way);
    let mut old = add(&place, &way);
    take_code(&mut new, &mut old);
    assert_eq!(old.event("peer")["name"], "thinkpad-7");
    type_digits(&mut old, &mut new);
    approve(&mut old);
    assert_eq!(old.event("added")["acknowledged"], true);
    new.ends(0);
    old.ends(0);
    is_paired(&place, "reader");
    let (ended, journal) = relay.end(Signal::TERM);
    assert!(ended.success(), "{journal}");
    let kept = fs::read_dir(place.path("relay")).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap());
    let kept: Vec<u8> = kept.flatten().chain(journal.into_bytes()).collect();
    assert!(!kept.is_empty());
    for told in ["thinkpad-7", "desktop", "example.org"] {
        let is_told = kept.windows(told.len()).any(|bytes| bytes == told.as_bytes());
        assert!(!is_told, "the relay has seen {told}");
    }
}

/// A relay with TLS, and what names its CA to the devices.
fn relay_with_tls(place: &Place) -> (Relay, TlsNames) {
    fs::create_dir(place.path("relay")).unwrap();
    let names = TlsNames::make(&place.path("relay"));
    let [certificate, key] = [&names.certificate, &names.key].map(|path| path.to_str().unwrap());
    let tls = ["--store", "relay.db", "--tls-certificate", certificate, "--tls-key", key];
    (Relay::start(&place.path("relay"), &tls), names)
}

/// `cseal device` on a machine that trusts the CA of the relay.
fn device<'p>(place: &'p Place, home: &str, names: &TlsNames, arguments: &[&str]) -> Talk<'p> {
    let mut command = Command::new("setsid");
    command.args(["--wait", env!("CARGO_BIN_EXE_cseal"), "device"]).args(arguments).arg("--json");
    command.env("SSL_CERT_FILE", &names.authority).env_remove("SSL_CERT_DIR");
    command.current_dir(place.path("")).env("COUNTERSEAL_HOME", place.path(home));
    Talk::of(place, command)
}

#[test]
fn the_code_of_a_new_device_names_its_relay() {
    let place = place();
    let (relay, names) = relay_with_tls(&place);
    let host = format!("localhost:{}", relay.address.port());
    let url = format!("https://{host}");
    let new = ["join", "--name", "thinkpad-7", "--no-passphrase", "--relay", &url];
    let mut new = device(&place, "new", &names, &new);
    let mut old = device(&place, "alice", &names, &["add", "--no-recovery", "--this-device", "desktop"]);
    take_code(&mut new, &mut old);
    assert_eq!(old.event("relay")["relay"], host.as_str());
    type_digits(&mut old, &mut new);
    assert_eq!(approve(&mut old)["on_local_network"], false);
    assert_eq!(old.event("added")["acknowledged"], true);
    new.ends(0);
    old.ends(0);
    is_paired(&place, "reader");
}

#[test]
fn the_code_of_an_old_device_names_the_relay_where_devices_meet() {
    let place = place();
    let (relay, names) = relay_with_tls(&place);
    let host = format!("localhost:{}", relay.address.port());
    let url = format!("https://{host}");
    place.write("alice/config.toml", format!("[[sync]]\nrelay = \"{url}\"\n"));
    let old = ["add", "--no-recovery", "--this-device", "desktop", "--show"];
    let mut old = device(&place, "alice", &names, &old);
    let new = ["join", "--name", "thinkpad-7", "--no-passphrase", "--scan"];
    let mut new = device(&place, "new", &names, &new);
    take_code(&mut old, &mut new);
    assert_eq!(new.event("relay")["relay"], host.as_str());
    type_digits(&mut new, &mut old);
    approve(&mut old);
    assert_eq!(old.event("added")["acknowledged"], true);
    new.ends(0);
    old.ends(0);
    is_paired(&place, "reader");
}

#[test]
fn a_code_for_the_local_network_alone_goes_no_other_way() {
    let place = place();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let mut new = join(&place, &["--lan-only", "--lan-address", &address]);
    let code = text(&new.event("code"), "code");
    let mut old = add(&place, &SHARE);
    old.asked("code");
    old.say(&code);
    let said = old.ends(2);
    assert!(said.contains("for the local network alone"), "{said}");
    assert_eq!(fs::read_dir(place.path("share")).unwrap().count(), 0);
    // Keys leave by the local network alone then, whatever the old device said of it.
    let mut old = add(&place, &["--lan-address", &address]);
    old.asked("code");
    old.say(&code);
    type_digits(&mut old, &mut new);
    assert_eq!(approve(&mut old)["on_local_network"], true);
    new.ends(0);
    old.ends(0);
    is_paired(&place, "reader");
}

#[test]
fn where_the_network_is_forbidden_a_folder_is_left_and_no_relay_is_asked() {
    let place = place();
    let relay = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    relay.set_nonblocking(true).unwrap();
    let host = format!("localhost:{}", relay.local_addr().unwrap().port());
    let url = format!("https://{host}");
    place.write("alice/config.toml", format!("[[sync]]\nrelay = \"{url}\"\n"));
    let lan = ["--lan-address", "127.0.0.1:4040"];
    for (home, arguments) in [
        ("alice", &["device", "add"][..]),
        ("alice", &["device", "add", "--show"]),
        ("alice", &["device", "add", "--folder", "share", "--relay", &url]),
        ("alice", &["device", "add", "--folder", "share", lan[0], lan[1]]),
        ("alice", &["trust", "meet", "bob@example.org", "--paste"]),
        ("alice", &["device", "add", "--foreign", "phone"]),
        ("new", &["device", "join", "--no-passphrase", "--scan"]),
        ("new", &["device", "join", "--no-passphrase", "--lan-only"]),
    ] {
        let refused = place.run(home, &[&["--offline"], arguments].concat()).exits(3).stderr;
        assert!(refused.contains("the network: --offline"), "{arguments:?}: {refused}");
    }
    let mut new = join(&place, &[&SHARE[..], &["--offline"]].concat());
    let mut code = PairingCode::parse(&text(&new.event("code"), "code")).unwrap();
    code.relay = Some(host.clone());
    let mut old = add(&place, &[&SHARE[..], &["--offline"]].concat());
    old.asked("code");
    old.say(&code.to_text());
    assert_eq!(old.event("relay-not-asked")["relay"], host.as_str());
    type_digits(&mut old, &mut new);
    approve(&mut old);
    new.ends(0);
    old.ends(0);
    is_paired(&place, "reader");
    assert_eq!(relay.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "somebody asked");
}

#[test]
fn the_relay_where_devices_meet_is_no_way_beside_a_folder_that_was_named() {
    let place = place();
    place.write("alice/config.toml", "[[sync]]\nrelay = \"https://localhost:4040\"\n");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let lan = ["--lan-address", address.as_str()];
    for (how, names_relay) in [(&SHARE[..], false), (&lan, false), (&[], true)] {
        let mut old = add(&place, &[how, &["--show"]].concat());
        let code = PairingCode::parse(&text(&old.event("code"), "code")).unwrap();
        assert_eq!(code.relay.is_some(), names_relay, "{how:?}");
        old.stop();
    }
}

#[test]
fn a_relay_that_is_not_there_is_named() {
    let place = place();
    // A port that was free a moment ago.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let new = join(&place, &["--relay", &format!("http://{nobody}")]);
    let said = new.ends(3);
    assert!(said.contains("not reached by relay"), "{said}");
}

#[test]
fn two_files_are_enough() {
    let place = place();
    let mut new = join(&place, &["--file", "request.ksr"]);
    let words = text(&new.event("fingerprint"), "words");
    let next = new.event("next");
    assert_eq!(next["there"], "cseal device add --file request.ksr --answer ANSWER");
    assert_eq!(next["here"], "cseal device join --answer ANSWER");
    new.ends(0);
    let mut old = add(&place, &["--file", "request.ksr", "--answer", "grant.ksa"]);
    assert_eq!(text(&old.event("fingerprint"), "words"), words);
    old.asked("fingerprint");
    old.say("y");
    approve(&mut old);
    let answer = text(&old.event("answer-words"), "words");
    assert_eq!(old.event("added")["acknowledged"], false, "nobody has read the answer yet");
    old.ends(0);
    let mut new = Talk::begin(&place, "new", &["device", "join", "--json", "--answer", "grant.ksa"]);
    new.asked("answer-words");
    new.say("zoo zoo zoo zoo zoo zoo");
    assert_eq!(new.event("wrong")["left"], 19);
    new.asked("answer-words");
    new.say(&answer);
    new.event("joined");
    new.ends(0);
    is_paired(&place, "reader");
}

/// A request of the new device, in a file of that name.
fn requested(place: &Place, how: &[&str]) -> String {
    let mut new = join(place, how);
    let words = text(&new.event("fingerprint"), "words");
    new.ends(0);
    words
}

/// What the request is answered with by the old device, and the words that open it.
fn answered(place: &Place, how: &[&str], fingerprint: &str) -> String {
    let mut old = add(place, how);
    assert_eq!(text(&old.event("fingerprint"), "words"), fingerprint);
    old.asked("fingerprint");
    old.say("y");
    approve(&mut old);
    let words = text(&old.event("answer-words"), "words");
    old.ends(0);
    words
}

fn finish(place: &Place, answer: &str, words: &str) {
    let mut new = Talk::begin(place, "new", &["device", "join", "--json", "--answer", answer]);
    new.asked("answer-words");
    new.say(words);
    new.event("joined");
    new.ends(0);
    is_paired(place, "reader");
}

const BY_MAIL: [&str; 2] = ["--mail", "alice@example.org"];

#[test]
fn two_mails_to_oneself_are_enough() {
    let place = place();
    let fingerprint = requested(&place, &[&BY_MAIL[..], &["--file", "request.eml"]].concat());
    let mail = String::from_utf8(place.read("request.eml")).unwrap();
    assert!(mail.starts_with("From: alice@example.org\r\nTo: alice@example.org\r\n"), "{mail}");
    assert!(mail.contains("Content-Type: application/vnd.counterseal-keysync\r\n"));
    // As it comes back from a mailbox.
    place.write("request.eml", format!("Received: by mx.example.org\n{}", mail.replace("\r\n", "\n")));
    let answer = ["--file", "request.eml", "--answer", "answer.eml"];
    let words = answered(&place, &[&answer[..], &BY_MAIL].concat(), &fingerprint);
    finish(&place, "answer.eml", &words);
}

#[test]
fn the_mails_go_by_the_persons_own_account() {
    let place = place();
    let sink = Sink::start(Manner::usual());
    let settings = format!("[account.own]\nsmtp = \"smtp://127.0.0.1:{}\"\n", sink.port);
    fs::create_dir(place.path("new")).unwrap();
    for home in ["new", "alice"] {
        place.write(&format!("{home}/config.toml"), &settings);
    }
    let fingerprint = requested(&place, &BY_MAIL);
    let sent = |number: usize| {
        let received = &sink.received()[number];
        assert_eq!(received.recipients, ["RCPT TO:<alice@example.org>"]);
        place.write("mail.eml", &received.data)
    };
    sent(0);
    let words = answered(&place, &[&["--file", "mail.eml"][..], &BY_MAIL].concat(), &fingerprint);
    sent(1);
    let bytes = place.read("mail.eml");
    // One word alone may be one of what the mail says.
    let words_of_it: Vec<&str> = words.split(' ').collect();
    let pairs = words_of_it.windows(2).map(|pair| pair.join(" "));
    for secret in pairs.chain(["thinkpad-7".to_owned()]) {
        assert!(
            !bytes.windows(secret.len()).any(|part| part == secret.as_bytes()),
            "{secret} is in the mail"
        );
    }
    finish(&place, "mail.eml", &words);
}

#[test]
fn where_the_network_is_forbidden_the_mail_waits_in_the_queue() {
    let place = place();
    let sink = Sink::start(Manner::usual());
    fs::create_dir(place.path("new")).unwrap();
    place.write("new/config.toml", format!("[account.own]\nsmtp = \"smtp://127.0.0.1:{}\"\n", sink.port));
    requested(&place, &[&BY_MAIL[..], &["--offline"]].concat());
    assert!(sink.received().is_empty());
    place.run("new", &["queue", "flush"]).exits(0);
    assert_eq!(sink.received().len(), 1);
}

#[test]
fn who_says_no_gives_nothing_away() {
    let place = place();
    let mut new = join(&place, &SHARE);
    let mut old = add(&place, &SHARE);
    take_code(&mut new, &mut old);
    type_digits(&mut old, &mut new);
    old.asked("approve");
    old.say("n");
    assert!(old.ends(1).contains("policy-refused"));
    assert!(new.ends(1).contains("policy-refused"));
    assert_ne!(place.run("new", &["decrypt", "sealed.eml"]).code, 0);
    assert!(!place.run("alice", &["device", "list"]).text().contains("thinkpad-7"));
}

#[test]
fn the_passphrase_is_asked_for_before_keys_leave() {
    let place = place();
    place.write("passphrase", "correct horse\n");
    place.write("wrong", "incorrect\n");
    place.run("alice", &["passphrase", "--new-passphrase-file", "passphrase"]).exits(0);
    let refused = add(&place, &[&SHARE[..], &["--show", "--passphrase-file", "wrong"]].concat());
    assert!(refused.ends(3).contains("passphrase"));
    let mut old = add(&place, &[&SHARE[..], &["--show", "--passphrase-file", "passphrase"]].concat());
    let mut new = join(&place, &[&SHARE[..], &["--scan"]].concat());
    take_code(&mut old, &mut new);
    type_digits(&mut new, &mut old);
    approve(&mut old);
    new.ends(0);
    old.ends(0);
    is_paired(&place, "reader");
}

#[test]
fn a_passphrase_may_be_mistyped_twice() {
    if find("script").is_none() {
        return missing("script");
    }
    let place = place();
    place.write("passphrase", "correct horse\n");
    place.run("alice", &["passphrase", "--new-passphrase-file", "passphrase"]).exits(0);
    let add = "device add --no-recovery --this-device desktop --folder share --image nothing.png";
    for (last, said) in
        [("wrong", "the passphrase does not open the key store"), ("correct horse", "nothing.png")]
    {
        let mut terminal = Command::new("timeout")
            .args(["20", "script", "-qec", &format!("{} {add}", env!("CARGO_BIN_EXE_cseal")), "/dev/null"])
            .current_dir(place.path(""))
            .env("COUNTERSEAL_HOME", place.path("alice"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut keys = terminal.stdin.take().unwrap();
        let (mut screen, mut seen) = (terminal.stdout.take().unwrap(), Vec::new());
        for typed in ["wrong", "wrong", last] {
            // What is typed before the question does not count.
            let mut byte = [0];
            while !seen.ends_with(b"Passphrase of your keys: ") && screen.read(&mut byte).unwrap() > 0 {
                seen.extend(byte);
            }
            std::thread::sleep(std::time::Duration::from_millis(200));
            writeln!(keys, "{typed}").unwrap();
            seen.push(b'\n');
        }
        screen.read_to_end(&mut seen).unwrap();
        let text = String::from_utf8_lossy(&seen);
        assert_eq!(
            (terminal.wait().unwrap().code(), text.matches("Once more").count()),
            (Some(3), 2),
            "{text}"
        );
        assert!(text.contains(said), "{text}");
    }
}

#[test]
fn mistakes_are_named() {
    let place = place();
    for (home, arguments, word) in [
        ("new", &["device", "join", "--folder", "nowhere", "--no-passphrase"][..], "nowhere"),
        (
            "new",
            &["device", "join", "--answer", "none", "--no-passphrase"],
            "no request of this machine waits",
        ),
        ("new", &["device", "join", "--mail", "a@example.org", "--no-passphrase"], "no [account.NAME]"),
        ("alice", &["device", "join", "--folder", "share"], "keys of its own"),
        (
            "alice",
            &["device", "add", "7-acid-barrel-coach", "--folder", "share"],
            "every user of this machine",
        ),
        ("alice", &["device", "add", "--typed", "7-acid-barrel-coach"], "every user of this machine"),
        (
            "alice",
            &["device", "add", "--file", "mail.eml", "--answer", "a", "--no-recovery"],
            "without a part",
        ),
        ("alice", &["device", "add", "--file", "mail.eml", "--no-recovery"], "where it goes"),
        (
            "alice",
            &["device", "add", "--file", "mail.eml", "--answer", "a", "--no-recovery"],
            "mail.eml is no request of a new device",
        ),
        (
            "alice",
            &["device", "add", "CSEAL:ABC", "--folder", "share", "--no-recovery"],
            "a code is not given as an argument",
        ),
    ] {
        let failed = place.run(home, arguments);
        assert!(failed.code != 0 && failed.stderr.contains(word), "{arguments:?}: {}", failed.stderr);
    }
}

#[test]
fn words_that_are_none_are_refused_and_asked_for() {
    let place = place();
    let mut old = add(&place, &[&SHARE[..], &["--typed"]].concat());
    for _ in 0..2 {
        old.asked("words");
        old.say("7-acid");
        assert!(text(&old.event("slip"), "why").contains("3 words are needed"));
    }
    old.asked("words");
    old.say("7-acid");
    let said = old.ends(2);
    assert!(said.contains("3 words are needed"), "{said}");
}

#[test]
fn what_cannot_be_meant_is_said_and_no_try() {
    let place = place();
    let mut new = join(&place, &[&SHARE[..], &["--scan"]].concat());
    let mut old = add(&place, &[&SHARE[..], &["--show"]].concat());
    let code = text(&old.event("code"), "code");
    new.asked("code");
    new.say(code.get(..40).unwrap());
    new.event("slip");
    new.asked("code");
    new.say(&code);
    let digits = text(&new.event("digits"), "digits");
    old.asked("digits");
    old.say("12345");
    // Nothing else is asked before the digits are right.
    assert_eq!(text(&old.event("slip"), "why"), "Six digits are needed");
    old.asked("digits");
    old.say(&digits);
    approve(&mut old);
    new.ends(0);
    old.ends(0);
    is_paired(&place, "reader");
}

#[test]
fn a_code_that_is_too_old_is_refused_and_nobody_who_answers_is_said() {
    let place = place();
    let mut new = join(&place, &SHARE);
    let shown = text(&new.event("code"), "code");
    new.stop();
    let mut code = PairingCode::parse(&shown).unwrap();
    let mut old = add(&place, &SHARE);
    old.asked("code");
    old.say(&code.to_text());
    old.event("waiting");
    old.stop();
    code.expires = code.expires.plus_days(-1);
    let mut old = add(&place, &SHARE);
    old.asked("code");
    old.say(&code.to_text());
    let said = old.ends(3);
    assert!(said.contains("the code is too old") && said.contains("shows now"), "{said}");
}

#[test]
fn a_file_that_answers_nothing_ends_it() {
    let place = place();
    requested(&place, &["--file", "request.ksr"]);
    for wrong in ["request.ksr", "other.ksr"] {
        place.write("other.ksr", b"\xa0\x80 no answer");
        let failed = place.run("new", &["device", "join", "--answer", wrong]).exits(3).stderr;
        assert!(failed.contains(&format!("{wrong} is no answer to the request of this machine")), "{failed}");
        assert!(failed.contains("cseal device add --file"), "{failed}");
    }
    let failed =
        place.run("alice", &["device", "add", "--file", "other.ksr", "--answer", "a", "--no-recovery"]);
    assert!(failed.exits(3).stderr.contains("other.ksr is no request of a new device"));
}

#[test]
fn words_of_a_request_that_differ_end_it_at_once() {
    let place = place();
    requested(&place, &["--file", "request.ksr"]);
    let mut old = add(&place, &["--file", "request.ksr", "--answer", "grant.ksa"]);
    old.asked("fingerprint");
    old.say("n");
    let said = old.ends(4);
    assert!(said.contains("not added: the words differ"), "{said}");
    assert!(!said.contains("is on your list"), "{said}");
    assert!(!place.path("grant.ksa").exists());
}

#[test]
fn junk_on_the_local_network_makes_no_device_be_there() {
    let place = place();
    let mut new = join(&place, &SHARE);
    let code = text(&new.event("code"), "code");
    // Whoever has seen the code offers its box on the local network, with something in it.
    let held = MemoryBox::for_pairing();
    held.transport().put(b"junk").unwrap();
    let object_box = PairingCode::parse(&code).unwrap().object_box();
    let listener = LanListener::fixed(&object_box, Class::Pairing, "127.0.0.1:0", held.clone()).unwrap();
    let address = listener.address().to_string();
    let mut old = add(&place, &[&SHARE[..], &["--lan-address", &address]].concat());
    old.asked("code");
    old.say(&code);
    type_digits(&mut old, &mut new);
    let asked = approve(&mut old);
    assert!(listener.is_local(), "it was asked");
    assert_eq!(asked["on_local_network"], false);
    assert_eq!(asked["name"], "thinkpad-7");
    new.ends(0);
    old.ends(0);
}

#[test]
fn who_calls_it_off_after_the_keys_were_given_is_on_the_list_and_the_person_reads_so() {
    let place = place();
    let mut new = join(&place, &SHARE);
    let mut old = add(&place, &SHARE);
    take_code(&mut new, &mut old);
    type_digits(&mut old, &mut new);
    old.asked("approve");
    // What the new device is granted, it cannot keep: it says that it is over, and who knows what it kept.
    let store = rusqlite::Connection::open(place.path("new").join("store.sqlite3")).unwrap();
    store.execute_batch("BEGIN IMMEDIATE").unwrap();
    old.say("y");
    assert_eq!(old.event("listed")["name"], "thinkpad-7");
    assert_eq!(old.event("added")["acknowledged"], false);
    old.ends(0);
    new.ends(3);
    assert!(place.run("alice", &["device", "list"]).text().contains("thinkpad-7"));
}

/// What the keeper of the folder puts into the box of a pairing: whole files under these names.
fn put(place: &Place, objects: impl IntoIterator<Item = (ObjectName, Vec<u8>)>) {
    let found = fs::read_dir(place.path("share")).unwrap().next().unwrap().unwrap().path();
    let unfinished = found.join("unfinished");
    for (name, bytes) in objects {
        fs::write(&unfinished, bytes).unwrap();
        fs::rename(&unfinished, found.join(format!("{name}.p7m"))).unwrap();
    }
}

#[test]
fn large_objects_are_not_read_and_files_that_are_none_are_not_counted() {
    let place = place();
    let mut new = join(&place, &SHARE);
    let code = text(&new.event("code"), "code");
    let large = (0..25_u8).map(|byte| vec![byte; limits::PAIRING_OBJECT_BYTES + 1]);
    put(&place, large.map(|bytes| (ObjectName::of(&bytes), bytes)));
    put(&place, (0..100_u8).map(|byte| (ObjectName::of(&[byte]), Vec::new())));
    let mut old = add(&place, &SHARE);
    old.asked("code");
    old.say(&code);
    type_digits(&mut old, &mut new);
    approve(&mut old);
    new.ends(0);
    old.ends(0);
    is_paired(&place, "reader");
}

#[test]
fn a_folder_that_is_flooded_ends_it() {
    let place = place();
    let mut new = join(&place, &SHARE);
    new.event("code");
    let count = u32::try_from(limits::PAIRING_LISTED_OBJECTS).unwrap();
    put(&place, (0..count).map(|number| (ObjectName::of(&number.to_be_bytes()), Vec::new())));
    let said = new.ends(3);
    assert!(said.contains("too-many-strangers"), "{said}");
}
