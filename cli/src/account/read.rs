//! `[account.NAME]` and `[queue]` of `config.toml`.

use std::path::PathBuf;
use std::time::Duration;

use base64ct::{Base64, Encoding};
use toml_edit::{Item, TableLike};

use super::{Account, MailboxServer, Pattern, QueueSettings, RequireTls, SecretSource, Server, Way};

/// Letters of an account's name: it becomes a file's name.
const NAME_BYTES: usize = 64;

/// Reads one account. `at` says where in the file something is wrong.
pub(crate) fn account(
    name: &str,
    table: &dyn TableLike,
    at: impl Fn(&Item, String) -> String,
) -> Result<Account, String> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > NAME_BYTES || name.starts_with('.') || !name.bytes().all(is_letter) {
        return Err(format!("the name of an account has letters, digits, - and _, not {name:?}"));
    }
    let (mut from, mut server, mut user, mut secret) = (Vec::new(), None, None, None);
    let (mut tls_pin, mut require_tls, mut way) = (None, RequireTls::Unasked, Way::Unsaid);
    let mut imap = None;
    for (key, item) in table.iter() {
        let mut read = || -> Result<(), String> {
            match key {
                "from" => {
                    from = texts(item)?.iter().map(|text| Pattern::parse(text)).collect::<Result<_, _>>()?
                }
                "smtp" => server = Some(Server::parse(text(item)?)?),
                "user" => user = Some(user_name(text(item)?)?),
                "password" | "oauth" if secret.is_some() => {
                    return Err("an account has one \"password\" or one \"oauth\"".to_owned());
                }
                "password" => secret = Some(password(item)?),
                "oauth" => match member(item)? {
                    ("command", item) => secret = Some(SecretSource::OAuth(command(item)?)),
                    _ => return Err("\"oauth\" is { command = [\"PROGRAM\", …] }".to_owned()),
                },
                "tls_pin" => tls_pin = Some(pin(text(item)?)?),
                "require_tls" => {
                    require_tls = match text(item)? {
                        "if-offered" => RequireTls::IfOffered,
                        "always" => RequireTls::Always,
                        _ => return Err("\"require_tls\" must be if-offered or always".to_owned()),
                    };
                }
                "imap" => imap = Some(MailboxServer::parse(text(item)?)?),
                "proxy" => way = Way::parse(text(item)?)?,
                _ => return Err(format!("unknown key {key:?}")),
            }
            Ok(())
        };
        read().map_err(|what| at(item, what))?;
    }
    let server = server.ok_or_else(|| format!("[account.{name}] needs \"smtp\""))?;
    if secret.is_some() != user.is_some() {
        return Err(format!("[account.{name}] needs \"user\" and \"password\" (or \"oauth\") together"));
    }
    if imap.is_some() && user.is_none() {
        return Err(format!("[account.{name}] has \"imap\" and no \"user\""));
    }
    if way.proxy().is_some() && !matches!(server, Server::Smtps(_) | Server::StartTls(_)) {
        // The proxy's loopback is another machine, and what goes there would go in clear.
        return Err(format!("[account.{name}] has a \"proxy\" and no TLS"));
    }
    if tls_pin.is_some() && !matches!(server, Server::Smtps(_) | Server::StartTls(_)) {
        return Err(format!("[account.{name}] has a \"tls_pin\" and no TLS"));
    }
    Ok(Account { name: name.to_owned(), from, server, user, secret, tls_pin, require_tls, imap, way })
}

/// Reads one key of `[queue]`.
pub(crate) fn queue_key(settings: &mut QueueSettings, key: &str, item: &Item) -> Result<(), String> {
    match key {
        "first_try" => settings.first_try = time(text(item)?)?,
        "give_up" => settings.give_up = time(text(item)?)?,
        "answer" => settings.answer = time(text(item)?)?,
        "maildir" => {
            let path = PathBuf::from(text(item)?);
            if !path.is_absolute() {
                return Err("\"maildir\" must be an absolute path".to_owned());
            }
            settings.maildir = Some(path);
        }
        _ => return Err(format!("unknown key {key:?}")),
    }
    Ok(())
}

fn text(item: &Item) -> Result<&str, String> {
    item.as_str().ok_or_else(|| "it must be a text".to_owned())
}

fn texts(item: &Item) -> Result<Vec<String>, String> {
    let bad = || "it must be a list of texts".to_owned();
    let array = item.as_array().ok_or_else(bad)?;
    array.iter().map(|value| value.as_str().map(str::to_owned).ok_or_else(bad)).collect()
}

fn command(item: &Item) -> Result<Vec<String>, String> {
    let words = texts(item)?;
    match words.first() {
        Some(program) if !program.is_empty() => Ok(words),
        _ => Err("a command is a list: the program, then its arguments; there is no shell".to_owned()),
    }
}

/// The one member of a table.
fn member(item: &Item) -> Result<(&str, &Item), String> {
    let bad = || "it must be a table with one key, as { keyring = true }".to_owned();
    let table = item.as_table_like().ok_or_else(bad)?;
    let mut members = table.iter();
    match (members.next(), members.next()) {
        (Some(member), None) => Ok(member),
        _ => Err(bad()),
    }
}

fn password(item: &Item) -> Result<SecretSource, String> {
    if item.is_str() {
        return Err("a password does not stand in this file: { command = […] }, { keyring = true } or { netrc = true }"
            .to_owned());
    }
    match member(item)? {
        ("command", item) => command(item).map(SecretSource::Command),
        ("keyring", item) if item.as_bool() == Some(true) => Ok(SecretSource::Keyring),
        ("netrc", item) if item.as_bool() == Some(true) => Ok(SecretSource::Netrc),
        _ => Err("\"password\" is { command = […] }, { keyring = true } or { netrc = true }".to_owned()),
    }
}

fn user_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > 256 || text.chars().any(char::is_control) {
        return Err("\"user\" is a name without control characters".to_owned());
    }
    Ok(text.to_owned())
}

/// `sha256//` and base64, as others write it, or 64 digits in hexadecimal.
fn pin(text: &str) -> Result<[u8; 32], String> {
    let octets = match text.strip_prefix("sha256//") {
        Some(base64) => Base64::decode_vec(base64).ok(),
        None => hexadecimal(&text.replace(':', "")),
    };
    let octets = octets.and_then(|octets| octets.try_into().ok());
    octets.ok_or_else(|| {
        "\"tls_pin\" is sha256//BASE64 of the server's public key (SubjectPublicKeyInfo)".to_owned()
    })
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
    let digits = digits?;
    let octet = |pair: &[u8]| match pair {
        [high, low] => Some(high << 4 | low),
        _ => None,
    };
    digits.chunks(2).map(octet).collect()
}

/// A number and its unit: seconds, minutes, hours, days.
fn time(text: &str) -> Result<Duration, String> {
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 86_400,
        _ => 0,
    };
    let number = text.get(..text.len().saturating_sub(1)).and_then(|number| number.parse::<u32>().ok());
    match number {
        Some(number @ 1..=100_000) if unit > 0 => Ok(Duration::from_secs(u64::from(number) * unit)),
        _ => Err("a time is a number from 1 to 100000 and s, m, h or d: 20s".to_owned()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_has_32_octets() {
        assert_eq!(pin("sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=").unwrap()[..2], [0xe3, 0xb0]);
        assert_eq!(pin(&"ab".repeat(32)).unwrap(), [0xab; 32]);
        assert_eq!(pin(&["AB"; 32].join(":")).unwrap(), [0xab; 32]);
        for wrong in ["", "sha256//", "sha256//AAAA", "abc", &"ab".repeat(31), &"äb".repeat(32)] {
            assert!(pin(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_time_may_have_days() {
        assert_eq!(time("5d").unwrap().as_secs(), 432_000);
        for wrong in ["", "d", "5", "0s", "-1s", "1w", "5é"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
