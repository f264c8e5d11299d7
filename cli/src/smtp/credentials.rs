//! The password or the token of an account: from a program, the keyring of the desktop, or `~/.netrc`.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use counterseal_core::secret::SecretBytes;
use zeroize::Zeroizing;

use super::trouble::Trouble;
use crate::account::{Account, SecretSource};
use crate::children;
use crate::places;
use crate::terminal::shell_word;

/// How long a program has: it may ask the person, or fetch a token.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of a token: some have more than 4 KiB.
const SECRET_BYTES: usize = 16 << 10;
/// Bytes of `~/.netrc`.
const NETRC_BYTES: usize = 256 << 10;

/// Fetches it anew, each time that it is needed.
pub(crate) fn fetch(account: &Account, user: &str) -> Result<SecretBytes, Trouble> {
    let host = account.server.host().map(|host| host.name.as_str()).unwrap_or_default();
    let secret = match &account.secret {
        Some(SecretSource::Command(words) | SecretSource::OAuth(words)) => by_program(words)?,
        Some(SecretSource::Keyring) => {
            by_program(&["secret-tool", "lookup", "host", host, "user", user].map(str::to_owned)).map_err(|_| {
                Trouble::Ours(format!(
                    "the keyring has no password for {user} at {host} (store it: secret-tool store --label=mail host {} user {})",
                    shell_word(host),
                    shell_word(user)
                ))
            })?
        }
        Some(SecretSource::Netrc) => by_netrc(host, user)?,
        None => return Err(Trouble::Ours(format!("[account.{}] has no password", account.name))),
    };
    if secret.is_empty() || secret.expose().contains(&0) {
        return Err(Trouble::Ours(format!(
            "the password of [account.{}] is empty, or no text",
            account.name
        )));
    }
    Ok(secret)
}

/// The first line that a program writes.
fn by_program(words: &[String]) -> Result<SecretBytes, Trouble> {
    let failed = |what: &dyn std::fmt::Display| {
        Trouble::Ours(format!(
            "the program for the password ({}) {what}",
            words.first().map_or("", String::as_str)
        ))
    };
    let (program, arguments) = words.split_first().ok_or_else(|| failed(&"is missing"))?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| failed(&format!("cannot be run: {error}")))?;
    let output = children::output(&mut child, PATIENCE, SECRET_BYTES).map_err(|error| failed(&error))?;
    let line = output.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(SecretBytes::copy_of(line.strip_suffix(b"\r").unwrap_or(line)))
}

fn by_netrc(host: &str, user: &str) -> Result<SecretBytes, Trouble> {
    let path = places::netrc().map_err(|failure| Trouble::Ours(failure.message))?;
    let failed = |what: &dyn std::fmt::Display| Trouble::Ours(format!("{}: {what}", path.display()));
    let file = File::open(&path).map_err(|error| failed(&error))?;
    let found = file.metadata().map_err(|error| failed(&error))?;
    if !found.is_file() || found.mode() & 0o077 != 0 || found.uid() != rustix::process::geteuid().as_raw() {
        return Err(failed(&"others can read or write it, or it is somebody else's (chmod 600)"));
    }
    let mut text = Zeroizing::new(Vec::with_capacity(NETRC_BYTES));
    file.take(NETRC_BYTES as u64).read_to_end(&mut text).map_err(|error| failed(&error))?;
    let text = std::str::from_utf8(&text).map_err(|_| failed(&"is no text"))?;
    password_in(text, host, user).ok_or_else(|| failed(&format!("has no password for {user} at {host}")))
}

/// The password of the first entry for host and user. An entry without a name is for every user, and `default` for every
/// host; `macdef`, which runs to an empty line, is passed over.
fn password_in(text: &str, host: &str, user: &str) -> Option<SecretBytes> {
    let mut lines = text.lines();
    let mut words: Vec<&str> = Vec::new();
    while let Some(line) = lines.next() {
        let line = line.trim();
        if line.starts_with("macdef") {
            lines.by_ref().find(|line| line.trim().is_empty());
        } else if !line.starts_with('#') {
            words.extend(line.split_ascii_whitespace());
        }
    }
    let mut words = words.into_iter();
    let (mut fits_host, mut fits_user, mut password) = (false, true, None);
    let found = |fits_host: bool, fits_user: bool, password: Option<&str>| {
        password.filter(|_| fits_host && fits_user).map(|password| SecretBytes::copy_of(password.as_bytes()))
    };
    while let Some(word) = words.next() {
        match word {
            "machine" | "default" => {
                if let Some(password) = found(fits_host, fits_user, password) {
                    return Some(password);
                }
                fits_host =
                    word == "default" || words.next().is_some_and(|name| name.eq_ignore_ascii_case(host));
                (fits_user, password) = (true, None);
            }
            "login" => fits_user = words.next() == Some(user),
            "password" => password = words.next(),
            _ => drop(words.next()),
        }
    }
    found(fits_host, fits_user, password)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn netrc_is_read_by_host_and_user() {
        let text = "# mine\nmachine imap.example.org login alice password wrong\nmacdef init\n machine smtp.example.org password evil\n\n\
                    machine smtp.example.org\n  login bob\n  password bobs\nmachine SMTP.example.org login alice password pass\"word\n\
                    default login alice password all\n";
        let found = |host, user| password_in(text, host, user).map(|secret| secret.expose().to_vec());
        assert_eq!(found("smtp.example.org", "alice").unwrap(), b"pass\"word");
        assert_eq!(found("smtp.example.org", "bob").unwrap(), b"bobs");
        assert_eq!(found("elsewhere.example", "alice").unwrap(), b"all");
        assert_eq!(found("elsewhere.example", "bob"), None);
    }

    #[test]
    fn the_first_line_of_a_program_is_the_password() {
        let run = |script: &str| by_program(&["sh", "-c", script].map(str::to_owned));
        assert_eq!(run("printf 'secret word\\r\\nnote\\n'").unwrap().expose(), b"secret word");
        assert!(matches!(run("echo x; exit 1"), Err(Trouble::Ours(_))));
        assert!(by_program(&["/nowhere".to_owned()]).is_err());
    }
}
