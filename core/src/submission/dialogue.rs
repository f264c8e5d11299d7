//! SMTP on standard input and output (`-bs`): what the caller says, and what is answered (RFC 5321).
//!
//! The caller is a program of the same user, so nobody is authenticated and nothing is encrypted here.

use super::arguments::{Notify, ReturnWhat, envelope_identifier, notify};
use super::local::LOCAL_DOMAIN;
use crate::address::StrongAddress;
use crate::limits::{SMTP_LINE_BYTES, SUBMITTED_BYTES, SUBMITTED_RECIPIENTS};
use crate::mail::parse_submitted_list;

/// The envelope of one mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// The reverse-path; nothing inside for the null one.
    pub sender: Option<Option<StrongAddress>>,
    /// Those that were accepted, as they were written, each with what is to be reported of it.
    pub recipients: Vec<(StrongAddress, Option<Notify>)>,
    /// RET.
    pub return_what: Option<ReturnWhat>,
    /// ENVID.
    pub envelope_identifier: Option<String>,
    /// REQUIRETLS (RFC 8689).
    pub require_tls: bool,
}

/// What is to be done after a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Answer.
    Reply(String),
    /// Find out whether this recipient can be written to; [`Dialogue::accept`] or an error answers.
    Recipient(StrongAddress, Option<Notify>),
    /// Answer, and read the mail until [`Data`] says that it ended.
    Data(String),
    /// Answer, and end.
    Quit(String),
}

/// The state of a dialogue.
#[derive(Clone, Debug, Default)]
pub struct Dialogue {
    greeted: bool,
    transaction: Transaction,
}

impl Dialogue {
    /// The greeting.
    #[must_use]
    pub fn greeting() -> String {
        "220 localhost ESMTP cseal".to_owned()
    }

    /// What one line asks for.
    pub fn line(&mut self, line: &[u8]) -> Action {
        if line.len() > SMTP_LINE_BYTES {
            return reply("500 5.5.2 the line is too long");
        }
        let Ok(line) = std::str::from_utf8(line) else { return reply("500 5.5.2 not UTF-8") };
        let line = line.trim_end_matches(['\r', '\n', ' ', '\t']);
        if line.chars().any(char::is_control) {
            return reply("500 5.5.2 a control character");
        }
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => self.hello(true),
            "HELO" => self.hello(false),
            "MAIL" => self.mail(rest),
            "RCPT" => self.recipient(rest),
            "DATA" => self.data(),
            "RSET" => {
                self.transaction = Transaction::default();
                reply("250 2.0.0 forgotten")
            }
            "NOOP" => reply("250 2.0.0 nothing done"),
            "VRFY" => reply("252 2.1.5 send a mail, and see"),
            "HELP" => reply("214 2.0.0 RFC 5321"),
            "QUIT" => Action::Quit("221 2.0.0 bye".to_owned()),
            "AUTH" | "STARTTLS" | "EXPN" | "ETRN" | "BDAT" => reply("502 5.5.1 not here"),
            _ => reply("500 5.5.2 unknown command"),
        }
    }

    fn hello(&mut self, extended: bool) -> Action {
        self.greeted = true;
        self.transaction = Transaction::default();
        if !extended {
            return reply("250 localhost");
        }
        Action::Reply(format!(
            "250-localhost\r\n250-PIPELINING\r\n250-SIZE {SUBMITTED_BYTES}\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n\
             250-DSN\r\n250 ENHANCEDSTATUSCODES"
        ))
    }

    fn mail(&mut self, rest: &str) -> Action {
        if !self.greeted {
            return reply("503 5.5.1 EHLO first");
        }
        if self.transaction.sender.is_some() {
            return reply("503 5.5.1 one sender is enough");
        }
        let Some((path, parameters)) = path(rest, "FROM:") else {
            return reply("501 5.5.4 MAIL FROM:<address>");
        };
        let mut transaction = Transaction { sender: Some(None), ..Transaction::default() };
        if !path.is_empty() {
            match address(path) {
                Some(address) => transaction.sender = Some(Some(address)),
                None => return reply("553 5.1.7 the address cannot be read"),
            }
        }
        for parameter in parameters {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match name.to_ascii_uppercase().as_str() {
                "SIZE" if value.parse::<u64>().is_ok_and(|size| size > SUBMITTED_BYTES as u64) => {
                    return reply("552 5.3.4 the mail is too large");
                }
                "RET" if value.eq_ignore_ascii_case("FULL") => {
                    transaction.return_what = Some(ReturnWhat::Full);
                }
                "RET" if value.eq_ignore_ascii_case("HDRS") => {
                    transaction.return_what = Some(ReturnWhat::Headers);
                }
                "ENVID" => transaction.envelope_identifier = envelope_identifier(value.as_bytes()),
                "REQUIRETLS" => transaction.require_tls = true,
                "SIZE" | "BODY" | "SMTPUTF8" | "AUTH" => {}
                _ => return reply("555 5.5.4 unknown parameter"),
            }
        }
        self.transaction = transaction;
        reply("250 2.1.0 go on")
    }

    fn recipient(&mut self, rest: &str) -> Action {
        if self.transaction.sender.is_none() {
            return reply("503 5.5.1 MAIL first");
        }
        if self.transaction.recipients.len() >= SUBMITTED_RECIPIENTS {
            return reply("452 4.5.3 too many recipients");
        }
        let Some((path, parameters)) = path(rest, "TO:") else {
            return reply("501 5.5.4 RCPT TO:<address>");
        };
        let Some(address) = address(path) else {
            return reply("553 5.1.3 the address cannot be read");
        };
        let mut wanted = None;
        for parameter in parameters {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match name.to_ascii_uppercase().as_str() {
                "NOTIFY" => match notify(value.as_bytes()) {
                    Some(notify) => wanted = Some(notify),
                    None => return reply("501 5.5.4 NOTIFY=NEVER, or some of SUCCESS,FAILURE,DELAY"),
                },
                "ORCPT" => {}
                _ => return reply("555 5.5.4 unknown parameter"),
            }
        }
        Action::Recipient(address, wanted)
    }

    /// Takes a recipient that [`Action::Recipient`] asked about. The answer is 250.
    pub fn accept(&mut self, address: StrongAddress, notify: Option<Notify>) -> String {
        self.transaction.recipients.push((address, notify));
        "250 2.1.5 go on".to_owned()
    }

    fn data(&self) -> Action {
        if self.transaction.recipients.is_empty() {
            return reply("503 5.5.1 RCPT first");
        }
        Action::Data("354 end with a line that is a dot".to_owned())
    }

    /// The envelope of the mail that was read, and the dialogue is ready for the next one.
    pub fn take(&mut self) -> Transaction {
        std::mem::take(&mut self.transaction)
    }
}

fn reply(text: &str) -> Action {
    Action::Reply(text.to_owned())
}

/// What stands between angle brackets after `FROM:` or `TO:`, and the parameters. A quoted local part
/// may hold brackets and spaces.
fn path<'l>(rest: &'l str, word: &str) -> Option<(&'l str, std::str::SplitAsciiWhitespace<'l>)> {
    let (head, rest) = rest.trim_start().split_at_checked(word.len())?;
    let rest = rest.trim_start().strip_prefix('<').filter(|_| head.eq_ignore_ascii_case(word))?;
    let (mut is_quoted, mut is_escaped) = (false, false);
    let end = rest.char_indices().find_map(|(at, character)| {
        let was_escaped = std::mem::take(&mut is_escaped);
        match character {
            _ if was_escaped => {}
            '\\' => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            '>' if !is_quoted => return Some(at),
            _ => {}
        }
        None
    })?;
    let after = rest.get(end + 1..)?;
    let is_apart = after.is_empty() || after.starts_with(' ');
    is_apart.then_some((rest.get(..end)?, after.split_ascii_whitespace()))
}

/// One address, routes left out. A name without a domain is one of this machine.
fn address(path: &str) -> Option<StrongAddress> {
    let (entries, mut addresses) = parse_submitted_list(format!("<{path}>").as_bytes(), LOCAL_DOMAIN).ok()?;
    let only = addresses.pop().filter(|_| addresses.is_empty() && entries.len() == 1);
    // What is not in one piece is no path: no comment, no list.
    only.filter(|_| !path.contains(['(', ')']) || path.contains('"'))
}

/// The lines of a mail behind DATA, dots taken off.
#[derive(Debug)]
pub struct Data {
    has_crlf: bool,
    is_first: bool,
    /// The last byte. Where it ended no line, more of that line follows.
    before: u8,
}

impl Default for Data {
    fn default() -> Self {
        Self::new()
    }
}

impl Data {
    /// At the start of a mail.
    #[must_use]
    pub const fn new() -> Self {
        Self { has_crlf: false, is_first: true, before: b'\n' }
    }

    /// Takes one line with its end, or a piece of a long one: the part of it that belongs to the mail, or nothing where the
    /// mail ends. A dot within a line ends nothing, wherever the line was cut. Once a line has ended with CRLF, only CRLF.CRLF ends the mail: an end in another form may
    /// be what a forger put into the text.
    pub fn line<'l>(&mut self, line: &'l [u8]) -> Option<&'l [u8]> {
        let before = self.before;
        self.before = line.last().copied().unwrap_or(before);
        if before != b'\n' {
            self.has_crlf |= line.ends_with(b"\r\n") || (before == b'\r' && line == b"\n");
            return Some(line);
        }
        let ends_mail = match line {
            b".\r\n" => self.is_first || self.has_crlf,
            b".\n" => !self.has_crlf,
            _ => false,
        };
        self.has_crlf |= line.ends_with(b"\r\n");
        self.is_first = false;
        if ends_mail { None } else { Some(line.strip_prefix(b".").unwrap_or(line)) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn said(dialogue: &mut Dialogue, line: &str) -> String {
        match dialogue.line(line.as_bytes()) {
            Action::Reply(text) | Action::Data(text) | Action::Quit(text) => text,
            Action::Recipient(address, notify) => dialogue.accept(address, notify),
        }
    }

    #[test]
    fn a_mail_has_its_envelope() {
        let mut dialogue = Dialogue::default();
        for (line, code) in [
            ("MAIL FROM:<a@b>\r\n", "503"),
            ("EHLO x\r\n", "250-localhost"),
            ("RCPT TO:<a@b>\r\n", "503"),
            ("DATA\r\n", "503"),
            ("MAIL FROM:<a@b> SIZE=100 BODY=8BITMIME RET=HDRS ENVID=x\n", "250"),
            ("MAIL FROM:<a@b>\r\n", "503"),
            ("RCPT TO:<@r.example:b@c> NOTIFY=success,FAILURE ORCPT=rfc822;b@c\r\n", "250"),
            ("rcpt to: <\"a > b\"@c>\r\n", "250"),
            ("RCPT TO:<root>\r\n", "250"),
            ("RCPT TO:<a@b> X=y\r\n", "555"),
            ("RCPT TO:<a@b>X\r\n", "501"),
            ("RCPT TO:a@b\r\n", "501"),
            ("RCPT TO:<a@b, c@d>\r\n", "553"),
            ("RCPT TO:<>\r\n", "553"),
            ("RCPT TO:<a@@b>\r\n", "553"),
            ("RCPT TO:<a@b>\r\rDATA\r\n", "500"),
            ("AUTH PLAIN x\r\n", "502"),
            ("NOOP\r\n", "250"),
            ("DATA\r\n", "354"),
            ("X\r\n", "500"),
            ("QUIT\r\n", "221"),
        ] {
            assert!(said(&mut dialogue, line).starts_with(code), "{line:?}");
        }
        let mail = dialogue.take();
        assert_eq!(mail.sender.unwrap().unwrap().address.to_string(), "a@b");
        let people: Vec<_> = mail.recipients.iter().map(|(strong, _)| strong.address.to_string()).collect();
        assert_eq!(people, ["b@c", "\"a > b\"@c", "root@localhost"]);
        assert_eq!(mail.recipients[0].1, Some(Notify { success: true, failure: true, delay: false }));
        assert_eq!(mail.return_what, Some(ReturnWhat::Headers));
        assert!(dialogue.take().recipients.is_empty());
    }

    #[test]
    fn a_null_sender_is_one_and_rset_forgets() {
        let mut dialogue = Dialogue::default();
        said(&mut dialogue, "HELO x\r\n");
        assert!(said(&mut dialogue, "MAIL FROM:<>\r\n").starts_with("250"));
        assert!(said(&mut dialogue, "RCPT TO:<a@b>\r\n").starts_with("250"));
        assert!(said(&mut dialogue, "RSET\r\n").starts_with("250"));
        assert!(said(&mut dialogue, "DATA\r\n").starts_with("503"));
        assert!(said(&mut dialogue, &format!("MAIL FROM:<a@b> SIZE={}\r\n", u64::MAX)).starts_with("552"));
    }

    /// What of some lines belongs to the mail, and whether it ended.
    fn data(lines: &[&str]) -> (String, bool) {
        let (mut data, mut mail) = (Data::new(), String::new());
        for line in lines {
            match data.line(line.as_bytes()) {
                Some(part) => mail.push_str(std::str::from_utf8(part).unwrap()),
                None => return (mail, true),
            }
        }
        (mail, false)
    }

    #[test]
    fn only_one_form_of_the_end_counts() {
        assert_eq!(data(&["a\r\n", "..b\r\n", ".\r\n"]), ("a\r\n.b\r\n".to_owned(), true));
        assert_eq!(data(&["a\n", ".\n"]), ("a\n".to_owned(), true));
        assert_eq!(data(&[".\r\n"]), (String::new(), true));
        // Seeds of smuggling: neither ends a mail.
        assert!(!data(&["a\r\n", ".\n", "MAIL FROM:<x@y>\r\n"]).1);
        assert!(!data(&["a\n", ".\r\n", "MAIL FROM:<x@y>\r\n"]).1);
        assert!(!data(&["a\r\n", "b\r.\r\n"]).1);
        // A line that was cut because it is long.
        assert_eq!(data(&["a\r\n", "b", ".\r\n", "..c", ".x\r\n", ".\r\n"]).0, "a\r\nb.\r\n.c.x\r\n");
        assert!(!data(&["a\r", "\n", ".\n"]).1);
    }
}
