//! Reports to the sender: into a Maildir of the sender's own, where `config.toml` names one, and nowhere else. They hold
//! who did not get a mail and why, and nothing of the mail but its Message-ID.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use counterseal_core::address::EmailAddress;

use super::{Id, Mail};
use crate::account::Account;
use crate::clock;
use crate::config::Config;

/// Says who will never get a mail. Whether it could be said.
pub(super) fn failure(config: &Config, mail: &Mail) -> bool {
    let wanted = |address: &EmailAddress| wants(mail, address, |notify| notify.failure);
    let about: Vec<_> = mail.refused().into_iter().filter(|(address, _)| wanted(address)).collect();
    about_mail(config, mail, &about, &Kind::FAILURE)
}

/// Says who waits for a mail. Whether it could be said.
pub(super) fn delay(config: &Config, mail: &Mail) -> bool {
    let wanted = |address: &EmailAddress| wants(mail, address, |notify| notify.delay);
    let about: Vec<_> = mail.waiting().into_iter().filter(|(address, _)| wanted(address)).collect();
    about_mail(config, mail, &about, &Kind::DELAY)
}

/// Says that somebody has to do something about an account. Whether it could be said.
pub(super) fn account(config: &Config, account: &Account, why: &str) -> bool {
    let text = format!(
        "From: Counterseal <MAILER-DAEMON@localhost>\nSubject: Mail of the account {} is waiting\nDate: {}\n\
         Auto-Submitted: auto-generated\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\
         Content-Transfer-Encoding: 8bit\n\n\
         No mail can be sent by {}:\n\n  {why}\n\n\
         Nothing is lost: it is tried again. `cseal queue list` shows what waits, `cseal queue flush` tries at once.\n",
        account.name,
        date(),
        account.server,
    );
    put(config, &text)
}

/// What a report says.
struct Kind {
    subject: &'static str,
    words: &'static str,
    /// RFC 3464, section 2.3.3.
    action: &'static str,
    /// RFC 3463, where the server gave none.
    status: &'static str,
}

impl Kind {
    const FAILURE: Self = Self {
        subject: "Your mail was not delivered to everybody",
        words: "These recipients will not get it:",
        action: "failed",
        status: "5.0.0",
    };
    const DELAY: Self = Self {
        subject: "Your mail is delayed",
        words: "These recipients do not have it yet. It is tried again; there is nothing to do:",
        action: "delayed",
        status: "4.0.0",
    };
}

/// Whether the sender wants to know (NOTIFY of RFC 3461); nothing said means yes.
fn wants(mail: &Mail, address: &EmailAddress, is_wanted: impl Fn(super::Notify) -> bool) -> bool {
    let recipients = mail.units.iter().flat_map(|unit| &unit.recipients);
    let mut recipients = recipients.filter(|recipient| recipient.address == *address);
    recipients.any(|recipient| recipient.notify.is_none_or(&is_wanted))
}

fn about_mail(config: &Config, mail: &Mail, about: &[(EmailAddress, String)], kind: &Kind) -> bool {
    // The null sender is that of a report, and a report about a report never ends (RFC 5321, section 4.5.5).
    let Some(sender) = mail.units.iter().find_map(|unit| unit.sender.as_ref()) else { return false };
    if about.is_empty() {
        return false;
    }
    put(config, &delivery_status(sender, mail, about, kind))
}

/// RFC 3464. A reply is foreign text: it has no line ends, which would begin a field of their own.
fn delivery_status(
    sender: &EmailAddress,
    mail: &Mail,
    about: &[(EmailAddress, String)],
    kind: &Kind,
) -> String {
    let id = &mail.id;
    let message_id = mail.units.first().map(|unit| unit.message_id.as_str()).unwrap_or_default();
    let (mut words, mut fields) = (String::new(), String::new());
    for (address, reply) in about {
        let reply: String = reply.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        words.push_str(&format!("  {address}\n    {reply}\n"));
        let recipient = if address.local_part().is_ascii() { "rfc822" } else { "utf-8" };
        fields.push_str(&format!(
            "\nFinal-Recipient: {recipient};{address}\nAction: {}\nStatus: {}\nDiagnostic-Code: smtp; {reply}\n",
            kind.action,
            status_in(&reply).unwrap_or(kind.status),
        ));
    }
    format!(
        "From: Counterseal <MAILER-DAEMON@localhost>\nTo: <{sender}>\nSubject: {}\nDate: {}\n\
         In-Reply-To: {message_id}\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"{id}\"\n\n\
         --{id}\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n\
         About your mail {message_id}. {}\n\n{words}\nMore: cseal queue show {id}\n\n\
         --{id}\nContent-Type: message/delivery-status\nContent-Transfer-Encoding: 8bit\n\n\
         Reporting-MTA: dns; localhost\n{fields}\n--{id}--\n",
        kind.subject,
        date(),
        kind.words,
    )
}

/// The enhanced status code of a reply (RFC 3463).
fn status_in(reply: &str) -> Option<&str> {
    let code = reply.split(' ').nth(1)?;
    let mut parts = code.split('.');
    let is_number = |part: Option<&str>| {
        part.is_some_and(|part| {
            (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    (is_number(parts.next()) && is_number(parts.next()) && is_number(parts.next()) && parts.next().is_none())
        .then_some(code)
}

fn date() -> String {
    let now = jiff::Timestamp::from_second(clock::now().unix_seconds()).unwrap_or_default();
    now.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

fn put(config: &Config, text: &str) -> bool {
    config.queue.maildir.as_deref().is_some_and(|maildir| into_maildir(maildir, text).is_ok())
}

fn into_maildir(maildir: &Path, text: &str) -> io::Result<()> {
    let name = format!("{}.counterseal", Id::new(clock::now().unix_seconds()));
    let (temporary, target) = (maildir.join("tmp").join(&name), maildir.join("new").join(&name));
    let written = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, &target)?;
        super::sync(&maildir.join("new"))
    };
    written().inspect_err(|_| {
        let _ = fs::remove_file(&temporary);
    })
}
