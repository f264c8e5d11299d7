//! Accounts of `~/.msmtprc`, as accounts of ours.

use std::path::PathBuf;

use counterseal_core::address::EmailAddress;
use counterseal_core::discovery::{LogIn, Msmtp, MsmtpAccount, MsmtpLeft, MsmtpPassword};
use counterseal_core::limits::MSMTP_BYTES;

use super::account::{NewAccount, url_of};
use super::password;
use crate::account::{Pattern, SecretSource};
use crate::failure::Failure;
use crate::files::read_file;
use crate::places;
use crate::token::check_settings;

/// What was taken over, and what the person should know of that.
pub(super) struct Taken {
    pub(super) accounts: Vec<NewAccount>,
    pub(super) notes: Vec<String>,
}

/// Reads the file, or `~/.msmtprc`.
pub(super) fn accounts(file: Option<&PathBuf>, address: &EmailAddress) -> Result<Taken, Failure> {
    let path = match file {
        Some(path) => path.clone(),
        None => places::msmtprc()?,
    };
    if path.is_file() {
        // Its programs are run, and its servers get the password. What comes through a pipe is the caller's own.
        check_settings(&path).map_err(|why| {
            Failure::unknown(
                "config",
                format!("{}: {why}, and it names programs and servers", path.display()),
            )
            .hint("look at what stands in it, make it yours alone (chown, chmod go-w), and begin again")
        })?;
    }
    let bytes = read_file(&path, MSMTP_BYTES)?;
    let wrong = |what: String| Failure::unknown("malformed", format!("{}: {what}", path.display()));
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("not UTF-8".to_owned()))?;
    let found = Msmtp::parse(text).map_err(|error| wrong(error.to_string()))?;
    let own = found.for_address(&address.to_string()).map(|account| account.name.clone());
    let mut taken = Taken { accounts: Vec::new(), notes: Vec::new() };
    for account in &found.accounts {
        let is_own = own.as_ref() == Some(&account.name);
        match of(account, is_own.then_some(address), &mut taken.notes) {
            Ok(account) => taken.accounts.push(account),
            Err(why) => taken.notes.push(format!("{}: not taken over: {why}", account.name)),
        }
    }
    if taken.accounts.is_empty() {
        return Err(wrong("no account that could be taken over".to_owned()).details(taken.notes));
    }
    Ok(taken)
}

fn of(
    account: &MsmtpAccount,
    own: Option<&EmailAddress>,
    notes: &mut Vec<String>,
) -> Result<NewAccount, String> {
    let name = &account.name;
    let mechanism = account.left.iter().find_map(|left| match left {
        MsmtpLeft::Mechanism(mechanism) => Some(mechanism),
        _ => None,
    });
    if let Some(mechanism) = mechanism {
        return Err(format!("it logs in by {mechanism}, which cseal does not know"));
    }
    if account.left.contains(&MsmtpLeft::Setting("protocol".to_owned())) {
        return Err("it speaks LMTP; write it as smtp = \"lmtp:/PATH\"".to_owned());
    }
    // Whoever goes by a proxy may have a reason not to be seen without.
    for way in ["proxy_host", "socket"] {
        if account.left.contains(&MsmtpLeft::Setting(way.to_owned())) {
            return Err(format!(
                "its {way} has no counterpart, and without it the server would be reached another way"
            ));
        }
    }
    // The proxy's loopback is another machine; here somebody else may listen, and would get the password in clear.
    if account.proxy.is_some() && account.security.is_none() {
        return Err("its server is the machine of its proxy, and is sent to without TLS".to_owned());
    }
    let from = match (&account.from, own) {
        (Some(from), _) => Pattern::parse(from).map(|_| from.clone())?,
        (None, Some(address)) => address.to_string(),
        (None, None) => return Err("it says no from, and cseal chooses an account by the sender".to_owned()),
    };
    let (user, secret) = log_in(account, notes)?;
    if account.is_upgraded {
        notes.push(format!("{name}: msmtp sent in clear; from now on with TLS, or not at all"));
    }
    notes.extend(account.left.iter().map(|left| format!("{name}: {}", words(left))));
    Ok(NewAccount {
        name: name.clone(),
        from: vec![from],
        url: url_of(account.security, &account.host, account.port),
        user,
        secret,
        imap: None,
        proxy: account
            .proxy
            .as_ref()
            .map(|(host, port)| url_of(None, host, *port).replacen("smtp://", "socks5://", 1)),
    })
}

fn log_in(
    account: &MsmtpAccount,
    notes: &mut Vec<String>,
) -> Result<(Option<String>, Option<SecretSource>), String> {
    if account.log_in == LogIn::Nothing {
        return Ok((None, None));
    }
    let user = account.user.clone().ok_or("it logs in, and says no user")?;
    let (name, host) = (&account.name, &account.host);
    let store = password::how_to_store(host, &user);
    let secret = match (&account.password, account.log_in) {
        (MsmtpPassword::Command(line), LogIn::OAuth) => SecretSource::OAuth(program(line)),
        (MsmtpPassword::Command(line), _) => SecretSource::Command(program(line)),
        (_, LogIn::OAuth) => return Err("it wants a token, and no passwordeval writes one".to_owned()),
        (MsmtpPassword::InFile, _) => {
            notes.push(format!(
                "{name}: the password stands in the file and was not copied; put it into the keyring: {store}; then take it out of the file"
            ));
            SecretSource::Keyring
        }
        (MsmtpPassword::Elsewhere, _) => SecretSource::Keyring,
    };
    Ok((Some(user), Some(secret)))
}

/// A line for the shell, as a program with its arguments: in words where it has only words.
fn program(line: &str) -> Vec<String> {
    let is_plain = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b' ' | b'/' | b'.' | b'-' | b'_' | b'@' | b'+' | b':' | b',' | b'=')
    };
    let words: Vec<String> = line.split_ascii_whitespace().map(str::to_owned).collect();
    // NAME=VALUE before a program is the shell's to understand.
    let is_simple = line.bytes().all(is_plain) && words.first().is_some_and(|first| !first.contains('='));
    if is_simple { words } else { ["sh", "-c", line].map(str::to_owned).to_vec() }
}

fn words(left: &MsmtpLeft) -> String {
    match left {
        MsmtpLeft::CertificateFingerprint => {
            "tls_fingerprint is of a certificate and was not taken over; tls_pin is of the server's key, docs/formats/config.md".to_owned()
        }
        MsmtpLeft::Unchecked => "tls_certcheck off was not taken over: certificates are always checked".to_owned(),
        MsmtpLeft::Roots(path) => {
            format!("tls_trust_file {path} was not taken over; add it to the system's roots, or name the server's key in tls_pin")
        }
        MsmtpLeft::Mechanism(name) => format!("auth {name} is not known"),
        MsmtpLeft::Setting(name) => format!("{name} was not taken over"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_the_shell_becomes_words_or_goes_to_a_shell() {
        assert_eq!(program("pass show mail/work"), ["pass", "show", "mail/work"]);
        for line in
            ["gpg -q -d ~/.pw.gpg", "pass x | head -n1", "echo $(x)", "A=b pass x", "cat 'a b'", "echo a\\b"]
        {
            assert_eq!(program(line), ["sh", "-c", line], "{line}");
        }
    }
}
