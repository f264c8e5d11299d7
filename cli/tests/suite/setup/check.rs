//! The mail to oneself, and each way that it fails.

use std::fs;
use std::net::TcpListener;

use super::{json, keyring, program, run, text, typed};
use crate::people::{Place, Ran};
use crate::submission::certificates::CERTIFICATES;
use crate::submission::sink::{Deed, Manner, Sink, Tls};

const WORDS: &str = "cseal setup sent this mail to you";

fn server(manner: Manner) -> Sink {
    Sink::start(Manner { tls: Tls::Implicit(CERTIFICATES.tls("good")), offers: &["AUTH PLAIN"], ..manner })
}

fn setup(place: &Place, port: u16, more: &[&str]) -> Ran {
    let url = format!("smtps://127.0.0.1:{port}");
    let arguments = ["setup", "alice@example.org", "--timer", "none", "--yes", "--server", &url];
    let password = ["--password-command", "printf", "ge heim"];
    run(place, "alice", &CERTIFICATES.path("ca.pem"), &[&arguments[..], more, &password].concat())
}

#[test]
fn a_signed_and_encrypted_mail_goes_to_oneself_and_is_opened() {
    let place = Place::new();
    let sink = server(Manner::usual());
    let ran = setup(&place, sink.port, &["--policy", "if-possible"]).exits(0);
    assert!(
        ran.text().contains("SENT: the server took a mail to yourself; what was sent opens"),
        "{}",
        ran.text()
    );
    let received = sink.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].recipients, ["RCPT TO:<alice@example.org>"]);
    let sealed = String::from_utf8(received[0].data.clone()).unwrap();
    assert!(sealed.contains("application/pkcs7-mime") && !sealed.contains(WORDS));
    assert!(!sealed.to_ascii_lowercase().contains("x-counterseal"), "{sealed}");
    place.write("came.eml", &sealed);
    let opened = place.run("alice", &["decrypt", "--require-signature", "came.eml"]).exits(0);
    assert!(opened.text().contains(WORDS) && opened.text().contains("Subject: Your mail is set up"));
    let log_in = <base64ct::Base64 as base64ct::Encoding>::encode_string(b"\0alice@example.org\0ge heim");
    assert!(sink.said().contains(&format!("AUTH PLAIN {log_in}")), "{:?}", sink.said());
    assert_eq!(text(&place, "alice/policy.toml"), "[[send]]\naddress = \"*\"\nencrypt = \"if-possible\"\n");

    // Once more: nothing changes, and that is said.
    let (config, policy) = (text(&place, "alice/config.toml"), text(&place, "alice/policy.toml"));
    let again = setup(&place, sink.port, &["--policy", "if-possible"]).exits(0);
    assert!(again.text().contains("which was set up already"), "{}", again.text());
    assert!(again.text().contains("keys for alice@example.org are there already"), "{}", again.text());
    assert_eq!((text(&place, "alice/config.toml"), text(&place, "alice/policy.toml")), (config, policy));
    let check = ["setup", "alice@example.org", "--check", "--json"];
    let checked = json(&run(&place, "alice", &CERTIFICATES.path("ca.pem"), &check).exits(0));
    assert_eq!((&checked["check"], &checked["found_by"]), (&"sent".into(), &serde_json::Value::Null));
    assert_eq!(sink.received().len(), 3);
    // The queue has nothing of it: it was not a mail to anybody else.
    assert!(
        !place.path("alice/queue/new").exists()
            || fs::read_dir(place.path("alice/queue/new")).unwrap().next().is_none()
    );
}

#[test]
fn who_has_no_keys_gets_them() {
    let place = Place::new();
    let sink = server(Manner::usual());
    let url = format!("smtps://127.0.0.1:{}", sink.port);
    let arguments =
        ["setup", "nina@example.org", "--no-passphrase", "--timer", "none", "--json", "--server", &url];
    let password = ["--password-command", "echo", "x"];
    let ran =
        run(&place, "nina", &CERTIFICATES.path("ca.pem"), &[&arguments[..], &password].concat()).exits(0);
    let done = json(&ran);
    assert_eq!((&done["keys"], &done["check"]), (&"made".into(), &"sent".into()), "{done}");
    assert_eq!(sink.received().len(), 1);
    place.run("nina", &["keys", "show", "nina@example.org"]).exits(0);
}

#[test]
fn each_way_that_it_fails_is_one_sentence_with_what_to_do() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let no = |verb: &'static str, reply: &'static str| {
        Manner::script(move |line| if line.starts_with(verb) { Deed::Say(reply) } else { Deed::Usual })
    };
    let other_host = Manner { tls: Tls::Implicit(CERTIFICATES.tls("elsewhere")), ..Manner::usual() };
    let (elsewhere, strict) = (Sink::start(other_host), server(no("AUTH", "535 5.7.8 no such user")));
    let (refusing, busy) = (server(no("RCPT", "550 5.1.1 nobody")), server(no("connect", "421 4.7.0 busy")));
    let portal = Sink::start(Manner::script(|_| Deed::Say("HTTP/1.1 302 Found")));
    let lost = server(Manner::script(|line| if line == "." { Deed::Drop } else { Deed::Usual }));
    for (port, code, word, said) in [
        (closed, 3, "unreachable", "cannot be reached"),
        (elsewhere.port, 3, "tls", "the certificate is for another host"),
        (portal.port, 3, "tls", "does not speak TLS"),
        (strict.port, 3, "log-in", "535"),
        (refusing.port, 1, "server-refused", "does not take your mail: 550 5.1.1 nobody"),
        (busy.port, 1, "server-refused", "421 4.7.0 busy"),
        (lost.port, 1, "server-refused", "has your mail, or not"),
    ] {
        let place = Place::new();
        let failed = setup(&place, port, &["--json"]).exits(code).json();
        assert_eq!(failed["error"], word, "{failed}");
        let message = failed["message"].as_str().unwrap();
        assert!(message.contains(said) && message.lines().count() == 1, "{said}: {message}");
        assert!(
            failed["hint"].as_str().unwrap().contains("cseal setup alice@example.org --check"),
            "{failed}"
        );
        // What is set up stays, and the next run goes on.
        assert!(text(&place, "alice/config.toml").contains("[account.home]"));
    }
}

#[test]
fn a_program_that_writes_no_password_is_said_to() {
    let place = Place::new();
    let sink = server(Manner::usual());
    let url = format!("smtps://127.0.0.1:{}", sink.port);
    let arguments = ["setup", "alice@example.org", "--timer", "none", "--json", "--server", &url];
    let run =
        |more: &[&str]| run(&place, "alice", &CERTIFICATES.path("ca.pem"), &[&arguments[..], more].concat());
    let failed = run(&["--password-command", "false"]).exits(3).json();
    assert_eq!(failed["error"], "no-password", "{failed}");
    assert!(sink.received().is_empty());
}

/// Alice's mail goes to a program, which puts into her Maildir what `made` makes of it.
fn delivered(made: &str) -> Ran {
    let place = Place::new();
    fs::create_dir_all(place.path("Maildir/new")).unwrap();
    program(&place, "next", &format!("{{ {made}; }} > '{}'", place.path("Maildir/new/1").display()));
    place.write("alice/config.toml", format!("[queue]\nmaildir = \"{}\"\n", place.path("Maildir").display()));
    let url = format!("sendmail:{}", place.path("bin/next").display());
    let arguments = ["setup", "alice@example.org", "--timer", "none", "--json", "--server", &url];
    run(&place, "alice", &CERTIFICATES.path("ca.pem"), &arguments)
}

#[test]
fn the_copy_that_arrives_is_the_one_that_is_opened() {
    assert_eq!(json(&delivered("cat").exits(0))["check"], "delivered");
    let late = delivered("cat >/dev/null; true");
    assert_eq!(json(&late.exits(0))["check"], "sent");
    // A server on the way takes the encryption off, and leaves its name.
    let opened = "sed -n -e 's/^Content-T.*/X: y/' -e '/^\\r*$/q' -e p; printf '\\nplain\\n'";
    let changed = delivered(opened);
    assert!(changed.code != 0, "{}", changed.text());
    assert!(
        ["check-failed", "not-encrypted"].contains(&changed.json()["error"].as_str().unwrap()),
        "{}",
        changed.stderr
    );
}

#[test]
fn a_policy_that_signs_and_encrypts_nothing_is_no_fault_of_the_server() {
    let place = Place::new();
    let sink = server(Manner::usual());
    place.write("alice/policy.toml", "[[send]]\naddress = \"*\"\nencrypt = \"never\"\nsign = \"no\"\n");
    setup(&place, sink.port, &[]).exits(0);
    let sealed = String::from_utf8(sink.received()[0].data.clone()).unwrap();
    assert!(sealed.contains("application/pkcs7-mime") && !sealed.contains(WORDS), "{sealed}");
    place.write("came.eml", &sealed);
    let opened = place.run("alice", &["decrypt", "came.eml"]).text();
    assert!(opened.contains("not signed, as your policy says"), "{opened}");
}

#[test]
fn a_person_is_asked_for_the_policy_and_the_password_and_nothing_else() {
    if crate::peers::command::find("script").is_none() {
        return crate::peers::command::missing("script");
    }
    let place = Place::new();
    keyring(&place);
    let sink = server(Manner::usual());
    let arguments = format!("setup alice@example.org --timer none --server smtps://127.0.0.1:{}", sink.port);
    let shown = typed(&place, "alice", &CERTIFICATES.path("ca.pem"), &arguments, "2\nge-heim\n");
    assert!(shown.contains("SENT"), "{shown}");
    assert_eq!(sink.received().len(), 1);
    let log_in = <base64ct::Base64 as base64ct::Encoding>::encode_string(b"\0alice@example.org\0ge-heim");
    assert!(sink.said().contains(&format!("AUTH PLAIN {log_in}")), "{:?}", sink.said());
    assert!(text(&place, "alice/policy.toml").contains("if-possible"));
    let files = format!("{}{}", text(&place, "alice/config.toml"), text(&place, "alice/policy.toml"));
    assert!(!files.contains("ge-heim") && !text(&place, "keyring.calls").contains("ge-heim"), "{files}");
}

#[test]
fn where_nobody_can_be_asked_it_is_said_how_the_password_gets_into_the_keyring() {
    let place = Place::new();
    keyring(&place);
    let arguments = ["setup", "alice@example.org", "--no-check", "--timer", "none", "--json"];
    let server = ["--server", "smtps://smtp.example.org"];
    let done = json(&run(&place, "alice", &place.path("none"), &[&arguments[..], &server].concat()).exits(0));
    let note = done["notes"][0].as_str().unwrap();
    assert!(
        note.ends_with("secret-tool store --label=mail host smtp.example.org user alice@example.org"),
        "{note}"
    );
}

#[test]
fn a_passphrase_is_given_once_for_new_keys_and_for_the_mail() {
    let place = Place::new();
    let sink = server(Manner::usual());
    place.write("secret", "correct horse\n");
    let url = format!("smtps://127.0.0.1:{}", sink.port);
    let command = format!(
        "exec '{}' setup nina@example.org --timer none --json --passphrase-fd 3 --server {url} --password-command echo x 3< secret",
        env!("CARGO_BIN_EXE_cseal")
    );
    // A pipe is empty after it was read once.
    let piped = command.replace("3< secret", "3<&0");
    let mut shell = std::process::Command::new("setsid");
    shell.args(["--wait", "sh", "-c", &format!("cat secret | sh -c \"{piped}\"")]);
    shell.current_dir(place.path("")).env("COUNTERSEAL_HOME", place.path("nina"));
    shell.env("SSL_CERT_FILE", CERTIFICATES.path("ca.pem")).env_remove("SSL_CERT_DIR");
    let done = json(&super::ran(&mut shell).exits(0));
    assert_eq!((&done["keys"], &done["check"]), (&"made".into(), &"sent".into()), "{done}");
    place.run("nina", &["doctor", "--passphrase-file", "secret"]).exits(1);
}
