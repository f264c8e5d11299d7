//! How the server learns who we are, and where the password comes from.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::home::Home;
use super::sink::{Deed, Manner, Sink};

fn account(sink: &Sink, secret: &str) -> String {
    format!("smtp = \"smtp://127.0.0.1:{}\"\nuser = \"alice\"\n{secret}", sink.port)
}

const COMMAND: &str = "password = { command = [\"printf\", \"ge heim\\\\nnote\"] }";

#[test]
fn each_mechanism_says_what_its_rfc_wants() {
    let token = "oauth = { command = [\"echo\", \"token\"] }";
    let oauth_bearer = "n,a=alice,\u{1}host=127.0.0.1\u{1}port=PORT\u{1}auth=Bearer token\u{1}\u{1}";
    for (offers, secret, mechanism, response) in [
        (&["AUTH PLAIN LOGIN"][..], COMMAND, "PLAIN", "\0alice\0ge heim"),
        (&["AUTH XOAUTH2 PLAIN"], token, "XOAUTH2", "user=alice\u{1}auth=Bearer token\u{1}\u{1}"),
        (&["AUTH XOAUTH2 OAUTHBEARER"], token, "OAUTHBEARER", oauth_bearer),
    ] {
        let sink = Sink::start(Manner { offers, ..Manner::usual() });
        let home = Home::new(&account(&sink, secret), "");
        home.put(1, &["bob@example.org"]);
        home.flush().exits(0);
        let response = response.replace("PORT", &sink.port.to_string());
        let encoded = <base64ct::Base64 as base64ct::Encoding>::encode_string(response.as_bytes());
        assert!(
            sink.said().contains(&format!("AUTH {mechanism} {encoded}")),
            "{mechanism}: {:?}",
            sink.said()
        );
        assert_eq!(sink.received().len(), 1);
    }
}

#[test]
fn login_is_a_dialogue() {
    let sink = Sink::start(Manner { offers: &["AUTH LOGIN"], ..Manner::usual() });
    let home = Home::new(&account(&sink, COMMAND), "");
    home.put(1, &["bob@example.org"]);
    home.flush().exits(0);
    let said = sink.said();
    assert!(said.contains(&"YWxpY2U=".to_owned()) && said.contains(&"Z2UgaGVpbQ==".to_owned()), "{said:?}");
}

#[test]
fn a_server_that_cannot_prove_that_it_knows_the_password_gets_nothing() {
    // It says yes to SCRAM without having computed anything.
    let sink = Sink::start(Manner { offers: &["AUTH SCRAM-SHA-256 PLAIN"], ..Manner::usual() });
    let home = Home::new(&account(&sink, COMMAND), "");
    let id = home.put(1, &["bob@example.org"]);
    home.flush().exits(1);
    assert_eq!(home.mails("new"), [id.as_str()]);
    let said = sink.said();
    assert!(!said.iter().any(|line| line.starts_with("MAIL") || line.contains("AUTH PLAIN")), "{said:?}");
}

#[test]
fn a_refused_password_is_said_without_the_password_and_stops_the_account() {
    let script = |line: &str| {
        if line.starts_with("AUTH") {
            Deed::Say("535 5.7.8 your password ge heim is wrong")
        } else {
            Deed::Usual
        }
    };
    let maildir = tempfile::tempdir().unwrap();
    for name in ["tmp", "new", "cur"] {
        fs::create_dir(maildir.path().join(name)).unwrap();
    }
    let sink = Sink::start(Manner { offers: &["AUTH PLAIN"], ..Manner::script(script) });
    let home =
        Home::new(&account(&sink, COMMAND), &format!("[queue]\nmaildir = \"{}\"", maildir.path().display()));
    home.put(1, &["bob@example.org"]);
    home.put(2, &["carol@example.org"]);
    let said = home.flush().exits(1).text();
    assert!(said.contains("does not accept the user name and the password or token (535)"), "{said}");
    home.flush().exits(1);
    assert_eq!(home.mails("new").len(), 2);
    assert_eq!(fs::read_dir(maildir.path().join("new")).unwrap().count(), 1, "told once");
    let spool =
        std::process::Command::new("grep").args(["-r", "ge heim"]).arg(home.path("queue")).output().unwrap();
    assert!(spool.stdout.is_empty() && !said.contains("ge heim"));
}

#[test]
fn a_server_without_a_way_to_log_in_gets_no_mail() {
    let sink = Sink::start(Manner { offers: &["AUTH GSSAPI"], ..Manner::usual() });
    let home = Home::new(&account(&sink, COMMAND), "");
    home.put(1, &["bob@example.org"]);
    let said = home.flush().exits(1).text();
    assert!(said.contains("offers no way to log in that fits the account"), "{said}");
}

#[test]
fn netrc_counts_only_where_nobody_else_reads_it() {
    let sink = Sink::start(Manner { offers: &["AUTH PLAIN"], ..Manner::usual() });
    let home = Home::new(&account(&sink, "password = { netrc = true }"), "");
    home.put(1, &["bob@example.org"]);
    let netrc = home.path(".netrc");
    fs::write(&netrc, "machine 127.0.0.1 login alice password secret\n").unwrap();
    fs::set_permissions(&netrc, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(home.flush().exits(1).text().contains("chmod 600"));
    fs::set_permissions(&netrc, fs::Permissions::from_mode(0o600)).unwrap();
    home.flush().exits(0);
    assert!(sink.said().contains(&"AUTH PLAIN AGFsaWNlAHNlY3JldA==".to_owned()));
}

#[test]
fn a_program_that_fails_keeps_the_mail() {
    let sink = Sink::start(Manner { offers: &["AUTH PLAIN"], ..Manner::usual() });
    let home = Home::new(&account(&sink, "password = { command = [\"false\"] }"), "");
    let id = home.put(1, &["bob@example.org"]);
    let said = home.flush().exits(1).text();
    assert!(said.contains("the program for the password (false) ended with"), "{said}");
    assert_eq!(home.mails("new"), [id.as_str()]);
}

#[test]
fn a_configuration_that_names_a_program_and_that_others_write_is_refused() {
    let sink = Sink::start(Manner::usual());
    let home = Home::new(&account(&sink, COMMAND), "");
    fs::set_permissions(home.path("config.toml"), fs::Permissions::from_mode(0o666)).unwrap();
    assert!(home.flush().exits(3).stderr.contains("names libraries or programs"));
    // Nor may they name the server that gets the password, or the key by which it is known.
    for secret in ["password = { netrc = true }", "password = { keyring = true }"] {
        home.configure(&account(&sink, secret), "");
        assert!(home.flush().exits(3).stderr.contains("or who gets a password"), "{secret}");
    }
    assert!(sink.said().is_empty());
}

#[test]
fn what_a_server_offers_fills_no_log() {
    let ehlo =
        format!("250-sink{}\r\n250 PIPELINING", format!("\r\n250-AUTH {}", "X".repeat(4_000)).repeat(100));
    let ehlo: &'static str = ehlo.leak();
    let script = move |line: &str| if line.starts_with("EHLO") { Deed::Say(ehlo) } else { Deed::Usual };
    let sink = Sink::start(Manner::script(script));
    let home = Home::new(&account(&sink, COMMAND), "");
    let id = home.put(1, &["bob@example.org"]);
    let said = home.flush().exits(1).text();
    assert!(said.contains("no way to log in") && said.len() < 2_000, "{} octets", said.len());
    let log = fs::read_to_string(home.path("queue/new").join(format!("{id}.log"))).unwrap_or_default();
    assert!(log.len() < 4_000, "{} octets", log.len());
}
