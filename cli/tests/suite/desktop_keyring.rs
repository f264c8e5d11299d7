//! The keyring of the desktop opens the store: GNOME Keyring on a session bus of its own.

use std::path::Path;
use std::process::Command;

use crate::people::Place;

/// Runs a script of cseal commands where a keyring is running and unlocked. Answers with its output, or nothing where
/// the programs are missing.
fn with_keyring(place: &Place, script: &str) -> Option<String> {
    for program in ["dbus-run-session", "gnome-keyring-daemon", "secret-tool"] {
        let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
        if !found.status.success() {
            eprintln!("SKIPPED: {program} is missing");
            return None;
        }
    }
    let start = "printf keyring | gnome-keyring-daemon --unlock --components=secrets > /dev/null 2>&1";
    let script = format!("set -e; {start}; cseal() {{ {} \"$@\"; }}; {script}", env!("CARGO_BIN_EXE_cseal"));
    let directory = place.path("");
    let ran = Command::new("setsid")
        .args(["--wait", "dbus-run-session", "--", "sh", "-c", &script])
        .current_dir(&directory)
        .env("COUNTERSEAL_HOME", place.path("alice"))
        .env("HOME", &directory)
        .env("XDG_RUNTIME_DIR", runtime(&directory))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    Some(said)
}

fn runtime(directory: &Path) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;

    let runtime = directory.join("runtime");
    std::fs::create_dir_all(&runtime).unwrap();
    std::fs::set_permissions(&runtime, std::fs::Permissions::from_mode(0o700)).unwrap();
    runtime
}

#[test]
fn the_keyring_opens_the_store_notices_an_older_one_and_is_taken_away_again() {
    let place = Place::new();
    place.write("passphrase", "correct horse\n");
    place.run("alice", &["passphrase", "--new-passphrase-file", "passphrase"]).exits(0);
    let script = "
        cseal sign mail.eml -o locked.eml && exit 9
        cseal passphrase --keyring --passphrase-file passphrase --json
        cseal sign mail.eml -o signed.eml
        cp alice/store.sqlite3 older.sqlite3
        cseal trust unpin bob@example.org
        cp alice/store.sqlite3 newer.sqlite3
        cp older.sqlite3 alice/store.sqlite3; rm alice/store.sqlite3.seen
        code=0; cseal sign mail.eml -o older.eml || code=$?; echo \"older $code\"
        rm -f alice/store.sqlite3.seen; cp newer.sqlite3 alice/store.sqlite3
        cseal sign mail.eml -o newer.eml
        cseal passphrase --no-keyring
        code=0; cseal sign mail.eml -o gone.eml || code=$?; echo \"gone $code\"
        secret-tool search application counterseal 2>&1 | grep -c secret || true";
    let Some(said) = with_keyring(&place, script) else { return };
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], r#"{"version":1,"slots":["keyring","passphrase"],"new_store_key":false}"#);
    assert!(lines.contains(&"older 4") && lines.contains(&"gone 3") && lines.ends_with(&["0"]), "{said}");
}

#[test]
fn without_a_keyring_the_passphrase_stays_the_only_way_in() {
    let place = Place::new();
    place.write("passphrase", "correct horse\n");
    place.run("alice", &["passphrase", "--new-passphrase-file", "passphrase"]).exits(0);
    let variable = ("DBUS_SESSION_BUS_ADDRESS", Path::new("unix:path=/nonexistent"));
    let arguments = ["passphrase", "--keyring", "--passphrase-file", "passphrase", "--json"];
    assert_eq!(place.run_with(variable, "alice", &arguments).exits(3).json()["error"], "no-keyring");
    place.run("alice", &["sign", "mail.eml", "-o", "out.eml", "--passphrase-file", "passphrase"]).exits(0);
}
