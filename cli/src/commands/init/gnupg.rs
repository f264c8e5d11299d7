//! Who has an OpenPGP key in GnuPG already is told that it can be taken over.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use counterseal_core::address::EmailAddress;

use crate::args;
use crate::terminal::{Question, ask_secret, can_ask, say};

/// Offers to take over the OpenPGP key of an address. Without GnuPG, or without such a key, nothing is said;
/// and nothing is exported before the person said yes: gpg then asks for its passphrase itself.
pub(super) fn offer(arguments: &args::Init, address: &EmailAddress) {
    if arguments.report.json {
        return;
    }
    let Some(key) = secret_key(address) else { return };
    // A descriptor was read to its end.
    if can_ask() && arguments.passphrase.passphrase_fd.is_none() && is_wanted(&key) {
        if take_over(arguments, address, &key) {
            return;
        }
        say("The OpenPGP key was not taken over.");
    }
    say(&format!(
        "hint: take over your OpenPGP key: gpg --export-secret-keys {key} | cseal keys import --openpgp -"
    ));
}

fn is_wanted(key: &str) -> bool {
    say(&format!("gpg has your OpenPGP key {key}."));
    let question = "Have certificates for it, too? Then type yes (it is not shown)";
    let Ok(Question::Answered(answer)) = ask_secret(question) else { return false };
    answer.expose().eq_ignore_ascii_case(b"yes")
}

/// From gpg to a second run of this program, through a pipe: the key is on no disk.
fn take_over(arguments: &args::Init, address: &EmailAddress, key: &str) -> bool {
    let exported = Command::new("gpg")
        .args(["--export-secret-keys", key])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    let (Ok(mut exported), Ok(program)) = (exported, env::current_exe()) else { return false };
    let Some(packets) = exported.stdout.take() else { return false };
    let mut import = Command::new(program);
    import.args(["keys", "import", "--openpgp", "-", "--address", &address.to_string()]);
    if let Some(file) = &arguments.passphrase.passphrase_file {
        import.arg("--store-passphrase-file").arg(file);
    }
    let imported = import.stdin(packets).status();
    let is_exported = exported.wait().is_ok_and(|status| status.success());
    is_exported && imported.is_ok_and(|status| status.success())
}

/// The fingerprint of an OpenPGP key of this address whose secret half GnuPG has. It is asked for in a way
/// that starts no agent, waits for no lock, and makes no home.
fn secret_key(address: &EmailAddress) -> Option<String> {
    let keys = home()?.join("private-keys-v1.d");
    if !keys.is_dir() {
        return None;
    }
    let listed = Command::new("gpg")
        .args(["--batch", "--no-tty", "--no-autostart", "--lock-never", "--no-auto-check-trustdb"])
        .args(["--with-colons", "--with-keygrip", "--list-keys", &format!("<{address}>")])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    fingerprint(&String::from_utf8_lossy(&listed.stdout), &|grip| is_there(&keys, grip))
}

fn home() -> Option<PathBuf> {
    let named = env::var_os("GNUPGHOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    named.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".gnupg")))
}

fn is_there(keys: &Path, grip: &str) -> bool {
    grip.bytes().all(|digit| digit.is_ascii_hexdigit()) && keys.join(format!("{grip}.key")).is_file()
}

/// The first key of a list for programs that is neither expired nor revoked nor disabled (doc/DETAILS of
/// GnuPG), and of which a secret half is there.
fn fingerprint(list: &str, is_there: &dyn Fn(&str) -> bool) -> Option<String> {
    let mut current: Option<String> = None;
    let mut is_usable = false;
    for line in list.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let field = |place: usize| fields.get(place).copied().unwrap_or_default();
        match field(0) {
            "pub" => {
                current = None;
                is_usable = !matches!(field(1), "e" | "r" | "d" | "i");
            }
            "fpr" if current.is_none() && field(9).bytes().all(|digit| digit.is_ascii_hexdigit()) => {
                current = Some(field(9).to_owned());
            }
            "grp" if is_usable && is_there(field(9)) => return current,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_offered_whose_secret_half_is_there_and_that_is_usable() {
        let list = |validity: &str| {
            format!(
                "tru::1:1:0:3:1:5\npub:{validity}:256:22:AAAA:1:::u:::scESC:\nfpr:::::::::0FF3:\ngrp:::::::::AB12:\n\
                 uid:u::::1::F::Alice <alice@example.org>::::\nsub:u:256:18:BBBB:1::::::e:\nfpr:::::::::9967:\n\
                 grp:::::::::CD34:\n"
            )
        };
        for grip in ["AB12", "CD34"] {
            let is_there = |asked: &str| asked == grip;
            assert_eq!(fingerprint(&list("u"), &is_there), Some("0FF3".to_owned()));
            assert_eq!(fingerprint(&list("e"), &is_there), None);
            assert_eq!(fingerprint(&list("r"), &is_there), None);
        }
        assert_eq!(fingerprint(&list("u"), &|_| false), None);
    }
}
