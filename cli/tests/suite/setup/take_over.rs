//! Accounts of msmtp.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

use super::{json, run, text};
use crate::people::{Place, Ran};

fn take_over(place: &Place, msmtprc: &str) -> Ran {
    place.write("alice/.msmtprc", msmtprc);
    let arguments = ["setup", "alice@example.org", "--from-msmtp", "--no-check", "--timer", "none", "--json"];
    run(place, "alice", &place.path("none"), &arguments)
}

#[test]
fn each_row_becomes_one_of_ours() {
    let log_in = "auth on\nuser alice\npasswordeval pass show mail\n";
    let ours = "user = \"alice\"\npassword = { command = [\"pass\", \"show\", \"mail\"] }\n";
    for (settings, smtp, rest) in [
        ("tls on\ntls_starttls off\n", "smtps://smtp.example.org", ""),
        ("tls on\nport 587\n", "smtp+starttls://smtp.example.org", ""),
        ("tls on\n", "smtp+starttls://smtp.example.org:25", ""),
        // What msmtp sent in clear is not.
        ("", "smtp+starttls://smtp.example.org", ""),
        ("tls off\nport 25\n", "smtp+starttls://smtp.example.org:25", ""),
        ("host 127.0.0.1\nport 2525\n", "smtp://127.0.0.1:2525", ""),
        (
            "tls on\nproxy_host 127.0.0.1\nproxy_port 9050\n",
            "smtp+starttls://smtp.example.org:25",
            "proxy = \"socks5://127.0.0.1:9050\"\n",
        ),
    ] {
        let place = Place::new();
        let file = format!("account work\nhost smtp.example.org\nfrom alice@example.org\n{log_in}{settings}");
        let done = json(&take_over(&place, &file).exits(0));
        assert_eq!((&done["found_by"], &done["account"]), (&"msmtp".into(), &"work".into()));
        let expected =
            format!("[account.work]\nfrom = [\"alice@example.org\"]\nsmtp = \"{smtp}\"\n{ours}{rest}");
        assert_eq!(text(&place, "alice/config.toml"), expected, "{settings}");
        place.run("alice", &["queue", "list"]).exits(0);
    }
}

#[test]
fn accounts_inherit_and_what_has_no_counterpart_is_said() {
    let place = Place::new();
    let file = "defaults\nauth on\ntls on\ntls_trust_file ~/ca.pem\n\naccount work\nhost smtp.example.org\nport 465\n\
                tls_starttls off\nuser alice\npassword geheim-geheim\ntls_fingerprint 00:11:22\n\n\
                account list : work\nfrom alice+*@example.org\npasswordeval \"gpg -d ~/.pw | head -n1\"\n\n\
                account clear\nhost mail.example.net\ntls off\nauth off\nfrom alice@example.net\n\n\
                account kerberos : work\nfrom x@example.org\nauth gssapi\n\n\
                account narrow\nhost mail.example.com\ntls on\nauth off\nfrom alice@example.com\ntls_trust_file /etc/ssl/certs/One_CA.pem\n\n\
                account hidden : clear\nproxy_host /run/tor/socks\n\naccount tunnel : clear\nsocket /run/tunnel\n\n\
                account behind\nhost localhost\nport 2525\ntls off\nproxy_host proxy.example.org\nfrom y@example.org\n\n\
                account default : work\n";
    let done = json(&take_over(&place, file).exits(0));
    assert_eq!(
        text(&place, "alice/config.toml"),
        "[account.work]\nfrom = [\"alice@example.org\"]\nsmtp = \"smtps://smtp.example.org\"\nuser = \"alice\"\n\
         password = { keyring = true }\n\n\
         [account.list]\nfrom = [\"alice+*@example.org\"]\nsmtp = \"smtps://smtp.example.org\"\nuser = \"alice\"\n\
         password = { command = [\"sh\", \"-c\", \"gpg -d ~/.pw | head -n1\"] }\n\n\
         [account.clear]\nfrom = [\"alice@example.net\"]\nsmtp = \"smtp+starttls://mail.example.net\"\n\n\
         [account.narrow]\nfrom = [\"alice@example.com\"]\nsmtp = \"smtp+starttls://mail.example.com:25\"\n"
    );
    let notes: Vec<&str> =
        done["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect();
    for (account, what) in [
        ("work", "put it into the keyring: secret-tool store --label=mail host smtp.example.org user alice"),
        ("work", "tls_fingerprint is of a certificate"),
        ("work", "tls_trust_file ~/ca.pem was not taken over"),
        ("clear", "msmtp sent in clear"),
        ("kerberos", "it logs in by gssapi"),
        ("narrow", "tls_trust_file /etc/ssl/certs/One_CA.pem was not taken over"),
        ("hidden", "its proxy_host has no counterpart"),
        ("tunnel", "its socket has no counterpart"),
        ("behind", "its server is the machine of its proxy"),
    ] {
        let said = |note: &&&str| note.starts_with(account) && note.contains(what);
        assert!(notes.iter().any(|note| said(&note)), "{account} {what}: {notes:#?}");
    }
    let everything = format!("{done}{}", text(&place, "alice/config.toml"));
    assert!(!everything.contains("geheim-geheim"), "a password goes nowhere");
}

#[test]
fn a_file_that_is_wrong_or_for_others_changes_nothing() {
    for (file, word) in [
        ("account a\nhost smtp.example.org\ntls maybe\n", "malformed"),
        ("account a\n", "malformed"),
        (
            "account a\nhost smtp.example.org\nfrom bob@example.org\naccount b\nhost x.example\nfrom c@example.org\n",
            "no-account",
        ),
    ] {
        let place = Place::new();
        let refused = take_over(&place, file).exits(3).json();
        assert_eq!(refused["error"], word, "{refused}");
        assert!(!place.path("alice/config.toml").exists());
    }
    let place = Place::new();
    let missing = ["setup", "alice@example.org", "--from-msmtp=nowhere", "--no-check", "--json"];
    assert_eq!(run(&place, "alice", &place.path("none"), &missing).exits(3).json()["error"], "io");
}

#[test]
fn a_file_that_others_write_is_not_taken_over() {
    let file = "account work\nhost smtp.example.org\nfrom alice@example.org\ntls on\nauth on\nuser alice\n\
                passwordeval touch ran; echo x\n";
    let place = Place::new();
    let path = place.write("msmtprc", file);
    let setup = || {
        let file = format!("--from-msmtp={}", path.display());
        run(
            &place,
            "alice",
            &place.path("none"),
            &["setup", "alice@example.org", &file, "--yes", "--timer", "none", "--json"],
        )
    };
    for mode in [0o666, 0o620] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let refused = setup().exits(3).json();
        assert_eq!(refused["error"], "config", "{refused}");
        assert!(refused["message"].as_str().unwrap().contains("others can write it"), "{refused}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    if chown(&path, Some(4400), None).is_ok() {
        assert_eq!(setup().exits(3).json()["error"], "config");
    } else {
        eprintln!("SKIPPED: a file of somebody else, because only root can make one for a test");
    }
    assert!(!place.path("alice/config.toml").exists() && !place.path("ran").exists());
}

#[test]
fn a_long_command_line_is_shown_to_its_end() {
    let place = Place::new();
    let file = format!(
        "account work\nhost smtp.example.org\nfrom alice@example.org\nauth on\nuser alice\npasswordeval {} # {}; touch ran\n",
        "pass mail",
        "\u{202e}a".repeat(900)
    );
    place.write("alice/.msmtprc", file);
    let arguments = ["setup", "alice@example.org", "--from-msmtp", "--no-check", "--timer", "none"];
    let shown = run(&place, "alice", &place.path("none"), &arguments).exits(0).text();
    assert!(shown.contains("; touch ran\"] }") && !shown.contains('\u{202e}'), "{shown}");
    assert_eq!(shown.matches("\\u{202e}a").count(), 900);
}
