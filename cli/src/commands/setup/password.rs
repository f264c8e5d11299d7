//! The password of a new account, in the keyring of the desktop. It goes from the person to `secret-tool`: we never have it.

use std::fs::File;
use std::process::{Command, Stdio};

use super::account::NewAccount;
use crate::account::{SecretSource, Server};
use crate::terminal::{say, shell_word};

/// Lets a person put it there who can be asked, where it is not there yet. What is left to do is answered.
pub(super) fn into_keyring(account: &NewAccount, asks: bool) -> Option<String> {
    let user = account.user.as_deref().filter(|_| account.secret == Some(SecretSource::Keyring))?;
    let server = Server::parse(&account.url).ok()?;
    let host = server.host()?.name.as_str();
    if is_there(host, user) || asks && store(host, user) {
        return None;
    }
    Some(format!(
        "the keyring has no password for {user} at {host} yet; put it there: {}",
        how_to_store(host, user)
    ))
}

/// The command line for it.
pub(super) fn how_to_store(host: &str, user: &str) -> String {
    format!("secret-tool store --label=mail host {} user {}", shell_word(host), shell_word(user))
}

fn is_there(host: &str, user: &str) -> bool {
    let mut lookup = Command::new("secret-tool");
    lookup.args(["lookup", "host", host, "user", user]);
    // Whether there is one is all that is asked here.
    lookup.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    lookup.status().is_ok_and(|status| status.success())
}

/// `secret-tool` asks on the terminal, whatever our own streams are.
fn store(host: &str, user: &str) -> bool {
    let Ok(terminal) = File::options().read(true).write(true).open("/dev/tty") else { return false };
    let Ok(output) = terminal.try_clone() else { return false };
    say(&format!("The password of {user} at {host} goes into the keyring of your desktop:"));
    let mut store = Command::new("secret-tool");
    store.args(["store", "--label=mail", "host", host, "user", user]);
    store.stdin(terminal).stdout(output).stderr(Stdio::inherit());
    store.status().is_ok_and(|status| status.success())
}
