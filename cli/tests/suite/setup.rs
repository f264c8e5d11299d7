//! `cseal setup ADDRESS`: what domains say is taken only where it is proven, what stood in files stands there still, and a
//! mail to oneself comes back.

mod check;
mod find;
mod mailbox;
mod take_over;
mod timer;
mod writing;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::people::{Place, Ran};
use crate::submission::home::ran;

/// Runs `cseal` with somebody's store and without a terminal; programs of the test go before those of the system.
fn run(place: &Place, person: &str, roots: &Path, arguments: &[&str]) -> Ran {
    ran(&mut command(place, person, roots, arguments))
}

fn command(place: &Place, person: &str, roots: &Path, arguments: &[&str]) -> Command {
    let path = format!("{}:{}", place.path("bin").display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("setsid");
    command
        .arg("--wait")
        .arg(env!("CARGO_BIN_EXE_cseal"))
        .args(arguments)
        .current_dir(place.path(""))
        .env("COUNTERSEAL_HOME", place.path(person))
        .env("XDG_CONFIG_HOME", place.path("xdg"))
        .env("PATH", path)
        .env("SSL_CERT_FILE", roots)
        .env_remove("SSL_CERT_DIR")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// With a terminal, on which the answers are typed, one for each question.
fn typed(place: &Place, person: &str, roots: &Path, arguments: &str, answers: &str) -> String {
    let line = format!("{} {arguments}", env!("CARGO_BIN_EXE_cseal"));
    let path = format!("{}:{}", place.path("bin").display(), std::env::var("PATH").unwrap());
    let mut terminal = Command::new("timeout")
        .args(["60", "script", "-qec", &line, "/dev/null"])
        .current_dir(place.path(""))
        .env("COUNTERSEAL_HOME", place.path(person))
        .env("PATH", path)
        .env("SSL_CERT_FILE", roots)
        .env_remove("SSL_CERT_DIR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut keys = terminal.stdin.take().unwrap();
    keys.write_all(answers.as_bytes()).unwrap();
    let output = terminal.wait_with_output().unwrap();
    drop(keys);
    assert_ne!(
        output.status.code(),
        Some(124),
        "it waits for more: {}",
        String::from_utf8_lossy(&output.stdout)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A program of the test.
fn program(place: &Place, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir_all(place.path("bin")).unwrap();
    let path = place.write(&format!("bin/{name}"), format!("#!/bin/sh\n{text}\n"));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A keyring that is a file.
fn keyring(place: &Place) {
    let file = place.path("keyring");
    let script = format!(
        "echo \"$*\" >> '{0}.calls'; case $1 in lookup) cat '{0}' 2>/dev/null;; store) head -n1 > '{0}';; esac",
        file.display()
    );
    program(place, "secret-tool", &script);
}

/// Somebody's file; empty where there is none.
fn text(place: &Place, name: &str) -> String {
    fs::read_to_string(place.path(name)).unwrap_or_default()
}

/// The JSON object on standard output.
#[track_caller]
fn json(ran: &Ran) -> serde_json::Value {
    serde_json::from_slice(&ran.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}\n{}", ran.text(), ran.stderr))
}
