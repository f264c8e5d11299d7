//! The files of a person: nothing in them is lost, and nothing is half-written.

use std::fs;
use std::time::{Duration, Instant};

use super::{command, json, run, text};
use crate::people::{Place, Ran};
use crate::submission::certificates::CERTIFICATES;
use crate::submission::sink::{Deed, Manner, Sink, Tls};

fn setup(place: &Place, more: &[&str]) -> Ran {
    let arguments = ["setup", "alice@example.org", "--no-check", "--timer", "none", "--json", "--server"];
    run(place, "alice", &place.path("none"), &[&arguments[..], &["smtps://smtp.example.org"], more].concat())
}

#[test]
fn what_stood_in_the_files_stands_there_still() {
    let place = Place::new();
    let config = "# mine\n[queue] # the queue\ngive_up = \"2d\"   # days\n\n[account.\"other\"]\nfrom = [ \"*@example.net\" ]\n\
                  smtp = 'lmtp:/run/lmtp'";
    let policy = "# whom to trust\nprofile = \"either\"\n[[send]]\naddress = \"*@bank.example\" # a bank\nencrypt = \"require\"\n";
    place.write("alice/config.toml", config);
    place.write("alice/policy.toml", policy);
    setup(&place, &["--policy", "if-possible"]).exits(0);
    let (new_config, new_policy) = (text(&place, "alice/config.toml"), text(&place, "alice/policy.toml"));
    assert!(new_config.starts_with(&format!("{config}\n\n[account.home]\n")), "{new_config}");
    assert_eq!(new_policy, format!("{policy}\n[[send]]\naddress = \"*\"\nencrypt = \"if-possible\"\n"));
    let check = place.run("alice", &["trust", "policy", "show", "--json", "carol@example.org"]).exits(0);
    assert!(check.text().contains("if-possible"), "{}", check.text());
    // A second answer does not replace the first.
    let other = setup(&place, &["--policy", "require"]).exits(3).json();
    assert_eq!(other["error"], "policy");
    setup(&place, &[]).exits(0);
    assert_eq!(
        (text(&place, "alice/config.toml"), text(&place, "alice/policy.toml")),
        (new_config, new_policy)
    );
}

#[test]
fn an_answer_that_would_never_count_is_not_written() {
    // The first row in force that matches counts, also where it is silent about encryption.
    for policy in [
        "[[send]]\naddress = \"*\"\naccept = \"verified\"\n",
        "[[send]]\naddress = \"*\"\nafter = \"2020-01-01\"\nencrypt = \"require\"\n",
    ] {
        let place = Place::new();
        place.write("alice/policy.toml", policy);
        let refused = setup(&place, &["--policy", "if-possible"]).exits(3).json();
        assert_eq!(refused["error"], "policy", "{refused}");
        setup(&place, &["--policy", "require"]).exits(0);
        assert_eq!(text(&place, "alice/policy.toml"), policy);
    }
}

#[test]
fn an_account_is_never_replaced() {
    let place = Place::new();
    let own = "[account.home]\nsmtp = \"smtps://mail.example.net\"\n";
    place.write("alice/config.toml", own);
    let refused = setup(&place, &[]).exits(1).json();
    assert_eq!(refused["error"], "account-exists", "{refused}");
    let of_others = "[account.home]\nfrom = [\"bob@example.org\"]\nsmtp = \"smtps://smtp.example.org\"\n";
    place.write("alice/config.toml", of_others);
    assert_eq!(setup(&place, &[]).exits(1).json()["error"], "account-exists");
    assert_eq!(text(&place, "alice/config.toml"), of_others);
    let named = json(&setup(&place, &["--account", "mine"]).exits(0));
    assert_eq!(named["account"], "mine");
    for wrong in ["no toml", "[account]\nhome = 1\n"] {
        place.write("alice/config.toml", wrong);
        assert_eq!(setup(&place, &["--account", "more"]).exits(3).json()["error"], "config", "{wrong}");
        assert_eq!(text(&place, "alice/config.toml"), wrong);
    }
}

#[test]
fn a_server_in_clear_is_not_written() {
    let place = Place::new();
    for url in ["smtp://smtp.example.org", "ftp://x", "smtp.example.org"] {
        let arguments =
            ["setup", "alice@example.org", "--no-check", "--timer", "none", "--json", "--server", url];
        assert_eq!(run(&place, "alice", &place.path("none"), &arguments).exits(2).json()["error"], "usage");
    }
    assert!(!place.path("alice/config.toml").exists());
}

#[test]
fn who_is_killed_leaves_whole_files() {
    let place = Place::new();
    place.write("alice/config.toml", "# mine\n");
    let hang = Manner::script(|line| if line == "connect" { Deed::Hang } else { Deed::Usual });
    let sink = Sink::start(Manner { tls: Tls::Implicit(CERTIFICATES.tls("good")), ..hang });
    let url = format!("smtps://127.0.0.1:{}", sink.port);
    let arguments =
        ["setup", "alice@example.org", "--timer", "none", "--yes", "--policy", "require", "--server", &url];
    let mut child = command(&place, "alice", &CERTIFICATES.path("ca.pem"), &arguments).spawn().unwrap();
    let started = Instant::now();
    // It waits for a server that says nothing: all files are written by then.
    while text(&place, "alice/policy.toml").is_empty() && started.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(200));
    let process = rustix::process::Pid::from_child(&child);
    // setsid waits for it, in a group of its own.
    let children =
        fs::read_to_string(format!("/proc/{0}/task/{0}/children", process.as_raw_nonzero())).unwrap();
    for pid in children
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok().and_then(rustix::process::Pid::from_raw))
    {
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
    child.wait().unwrap();
    let config = text(&place, "alice/config.toml");
    assert!(
        config.starts_with("# mine\n\n[account.home]\n")
            && config.ends_with("password = { keyring = true }\n"),
        "{config}"
    );
    let left = fs::read_dir(place.path("alice"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(left.filter(|name| name.starts_with(".cseal-")).count() == 0, "nothing half-written is left");
    // The next run goes on where this one was.
    let more = ["setup", "alice@example.org", "--timer", "none", "--yes", "--no-check", "--server", &url];
    run(&place, "alice", &CERTIFICATES.path("ca.pem"), &more).exits(0);
    assert_eq!(text(&place, "alice/config.toml"), config);
}
