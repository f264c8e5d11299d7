//! How the server learns who we are (RFC 4954): SCRAM-SHA-256, PLAIN and LOGIN with a password, OAUTHBEARER and
//! XOAUTH2 with a token. Only inside TLS, or on this machine.

use base64ct::{Base64, Encoding};
use counterseal_core::secret::SecretBytes;
use zeroize::Zeroizing;

use super::connection::Connection;
use super::reply::Reply;
use super::scram::Scram;
use super::trouble::Trouble;
use super::{credentials, reply};
use crate::account::{Account, SecretSource};

const WHEN: &str = "at the log-in";

/// Logs in.
pub(super) fn log_in(
    connection: &mut Connection,
    offered: &[String],
    user: &str,
    account: &Account,
) -> Result<(), Trouble> {
    let offers = |name: &str| offered.iter().any(|offer| offer == name);
    let is_token = matches!(account.secret, Some(SecretSource::OAuth(_)));
    let mechanisms: &[&str] =
        if is_token { &["OAUTHBEARER", "XOAUTH2"] } else { &["SCRAM-SHA-256", "PLAIN", "LOGIN"] };
    let Some(mechanism) = mechanisms.iter().find(|name| offers(name)) else {
        let offered = if offered.is_empty() { "none".to_owned() } else { reply::cut(&offered.join(", ")) };
        return Err(Trouble::LogIn(format!(
            "the server offers no way to log in that fits the account ({}; it offers {offered})",
            mechanisms.join(", ")
        )));
    };
    let secret = credentials::fetch(account, user)?;
    let mut exchange = Exchange { connection };
    match *mechanism {
        "SCRAM-SHA-256" => exchange.scram(user, &secret),
        "PLAIN" => exchange.plain(user, &secret),
        "LOGIN" => exchange.login(user, &secret),
        "OAUTHBEARER" => exchange.token(mechanism, &bearer(user, &secret, account)),
        _ => exchange.token(
            mechanism,
            &joined(&[b"user=", user.as_bytes(), b"\x01auth=Bearer ", secret.expose(), b"\x01\x01"]),
        ),
    }
}

struct Exchange<'c> {
    connection: &'c mut Connection,
}

impl Exchange<'_> {
    /// RFC 4616.
    fn plain(&mut self, user: &str, password: &SecretBytes) -> Result<(), Trouble> {
        let response = joined(&[b"\0", user.as_bytes(), b"\0", password.expose()]);
        let reply = self.begin("PLAIN", &response)?;
        accepted(&reply)
    }

    fn login(&mut self, user: &str, password: &SecretBytes) -> Result<(), Trouble> {
        self.connection.command(b"AUTH LOGIN\r\n", WHEN)?;
        continues(&self.connection.reply(WHEN)?)?;
        let reply = self.answer(user.as_bytes())?;
        continues(&reply)?;
        let reply = self.answer(password.expose())?;
        accepted(&reply)
    }

    /// RFC 7628, and what was there before it. A refusal comes as a challenge, which is to be answered.
    fn token(&mut self, mechanism: &str, response: &[u8]) -> Result<(), Trouble> {
        let mut reply = self.begin(mechanism, response)?;
        if reply.code == 334 {
            reply = self.answer(if mechanism == "OAUTHBEARER" { b"\x01" } else { b"" })?;
        }
        accepted(&reply)
    }

    /// RFC 5802 and RFC 7677.
    fn scram(&mut self, user: &str, password: &SecretBytes) -> Result<(), Trouble> {
        let scram = Scram::new(user);
        let reply = self.begin("SCRAM-SHA-256", scram.first().as_bytes())?;
        continues(&reply)?;
        let server_first = decoded(&reply)?;
        let last = scram.last(&server_first, password).map_err(Trouble::Garbage)?;
        let mut reply = self.answer(last.message.as_bytes())?;
        if reply.code == 334 {
            let server_last = decoded(&reply)?;
            if !last.is_proved_by(&server_last) {
                return Err(Trouble::LogIn(
                    "the server does not prove that it knows the password".to_owned(),
                ));
            }
            reply = self.answer(b"")?;
            return accepted(&reply);
        }
        // Its proof may come with the success (RFC 4954, section 4, has no place for it; some servers write it there).
        accepted(&reply)?;
        match decoded(&reply) {
            Ok(server_last) if last.is_proved_by(&server_last) => Ok(()),
            _ => Err(Trouble::LogIn("the server does not prove that it knows the password".to_owned())),
        }
    }

    /// AUTH with its first response.
    fn begin(&mut self, mechanism: &str, response: &[u8]) -> Result<Reply, Trouble> {
        let encoded = encode(response);
        let line = joined(&[b"AUTH ", mechanism.as_bytes(), b" ", encoded.as_bytes(), b"\r\n"]);
        if line.len() > 12_288 - 2 {
            return Err(Trouble::Ours("the password or token is too long".to_owned()));
        }
        self.connection.command(&line, WHEN)?;
        self.connection.reply(WHEN)
    }

    fn answer(&mut self, response: &[u8]) -> Result<Reply, Trouble> {
        let encoded = encode(response);
        self.connection.command(&joined(&[encoded.as_bytes(), b"\r\n"]), WHEN)?;
        self.connection.reply(WHEN)
    }
}

fn bearer(user: &str, token: &SecretBytes, account: &Account) -> Zeroizing<Vec<u8>> {
    let user = user.replace('=', "=3D").replace(',', "=2C");
    let host = account.server.host().map(|host| format!("\x01host={}\x01port={}", host.name, host.port));
    let host = host.unwrap_or_default();
    joined(&[
        b"n,a=",
        user.as_bytes(),
        b",",
        host.as_bytes(),
        b"\x01auth=Bearer ",
        token.expose(),
        b"\x01\x01",
    ])
}

/// In one buffer that is erased, and never grows by copying.
fn joined(parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let mut all = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    for part in parts {
        all.extend_from_slice(part);
    }
    all
}

fn encode(octets: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(Base64::encode_string(octets))
}

fn decoded(reply: &Reply) -> Result<Vec<u8>, Trouble> {
    let text = reply.lines.first().map(String::as_str).unwrap_or_default();
    debug_assert!(text.len() <= reply::LINE_BYTES);
    // With a success, the proof stands behind an enhanced status code.
    let text = text.rsplit(' ').next().unwrap_or_default();
    Base64::decode_vec(text).map_err(|_| Trouble::Garbage("a challenge is not base64"))
}

fn continues(reply: &Reply) -> Result<(), Trouble> {
    if reply.code == 334 {
        Ok(())
    } else {
        accepted(reply).and(Err(Trouble::Garbage("the log-in ended too early")))
    }
}

/// 235. What the server says beside its code is not repeated: it may hold the password.
fn accepted(reply: &Reply) -> Result<(), Trouble> {
    match reply.code {
        235 => Ok(()),
        421 | 454 => {
            Err(Trouble::Unwilling(Reply::ours(reply.code, "the log-in does not work at the moment")))
        }
        code => Err(Trouble::LogIn(format!(
            "the server does not accept the user name and the password or token ({code})"
        ))),
    }
}
