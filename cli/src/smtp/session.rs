//! One SMTP session (RFC 5321), or LMTP (RFC 2033): after each step it is known what the server has promised.

use std::io::{BufRead, BufReader};

use super::capabilities::Capabilities;
use super::connection::Connection;
use super::reply::Reply;
use super::trouble::Trouble;
use super::{Outcome, Patience, auth};
use crate::account::{Account, RequireTls, Server};
use crate::queue::{Notify, Recipient, ReturnContent, Stored, Unit};

/// What we call ourselves. The name of this machine is nobody's business (RFC 5321, section 4.1.4, allows a literal).
const OUR_NAME: &str = "[127.0.0.1]";
/// Bytes of a message that are written at once.
const PIECE: usize = 64 << 10;

/// A session in which messages can be sent.
pub(crate) struct Session {
    connection: Connection,
    offers: Capabilities,
    require_tls: RequireTls,
    is_lmtp: bool,
}

impl Session {
    /// Connects, goes into TLS where the account says so, and logs in.
    pub(super) fn open(account: &Account, patience: Patience) -> Result<Self, Trouble> {
        let mut session = match &account.server {
            Server::Lmtp(path) => Self::greeted(Connection::local(path, patience)?, account, true)?,
            Server::Smtps(host) => {
                let connection = Connection::open(account, host, patience)?.into_tls(account, host)?;
                Self::greeted(connection, account, false)?
            }
            Server::Loopback(host) => {
                Self::greeted(Connection::open(account, host, patience)?, account, false)?
            }
            Server::StartTls(host) => {
                let mut session = Self::greeted(Connection::open(account, host, patience)?, account, false)?;
                if !session.offers.start_tls {
                    return Err(Trouble::Tls(format!(
                        "{} does not offer STARTTLS: nothing was sent, because it would go in clear",
                        host.name
                    )));
                }
                session.expect_positive(b"STARTTLS\r\n", "at STARTTLS")?;
                session.connection = session.connection.into_tls(account, host)?;
                // What was offered in clear does not count (RFC 3207, section 4.2).
                session.hello()?;
                session
            }
            Server::Sendmail(path) => {
                return Err(Trouble::Ours(format!("{} is a program, not a server", path.display())));
            }
        };
        if account.require_tls == RequireTls::Always && !session.offers.require_tls {
            return Err(Trouble::Lacks("REQUIRETLS, and the account has require_tls = \"always\""));
        }
        if let Some(user) = &account.user {
            auth::log_in(&mut session.connection, &session.offers.auth, user, account)?;
            // RFC 4954, section 4: only a security layer would make the list of extensions void; it stays.
        }
        Ok(session)
    }

    fn greeted(connection: Connection, account: &Account, is_lmtp: bool) -> Result<Self, Trouble> {
        let offers = Capabilities::default();
        let mut session = Self { connection, offers, require_tls: account.require_tls, is_lmtp };
        let greeting = session.connection.reply("at the greeting")?;
        if greeting.code != 220 {
            return Err(Trouble::Unwilling(greeting));
        }
        session.hello()?;
        Ok(session)
    }

    fn hello(&mut self) -> Result<(), Trouble> {
        let verb = if self.is_lmtp { "LHLO" } else { "EHLO" };
        let reply = self.expect_positive(format!("{verb} {OUR_NAME}\r\n").as_bytes(), "at EHLO")?;
        self.offers = Capabilities::of(&reply);
        Ok(())
    }

    fn expect_positive(&mut self, command: &[u8], when: &'static str) -> Result<Reply, Trouble> {
        self.connection.command(command, when)?;
        let reply = self.connection.reply(when)?;
        if reply.is_positive() { Ok(reply) } else { Err(Trouble::Unwilling(reply)) }
    }

    /// One transaction. What it answers is true of each recipient alone; an error means that nobody has the message.
    pub(super) fn send(
        &mut self,
        unit: &Unit,
        message: &Stored,
        recipients: &[&Recipient],
    ) -> Result<Vec<Outcome>, Trouble> {
        if let Some(reply) = self.cannot_carry(unit, message) {
            return Ok(recipients.iter().map(|_| Outcome::Refused(reply.clone())).collect());
        }
        let replies = self.envelope(unit, message, recipients)?;
        let accepted = replies.iter().filter(|reply| reply.is_positive()).count();
        if accepted == 0 {
            self.reset()?;
            return Ok(replies.into_iter().map(answered).collect());
        }
        self.connection.command(b"DATA\r\n", "at DATA")?;
        let ready = self.connection.reply("at DATA")?;
        if ready.code != 354 {
            if ready.is_good_bye() {
                return Err(Trouble::Unwilling(ready));
            }
            self.reset()?;
            return Ok(merged(replies, |_| refused_data(&ready)));
        }
        self.write_message(message)?;
        Ok(self.final_replies(replies, accepted))
    }

    /// What the server lacks for this message, as an answer of its own would say it.
    fn cannot_carry(&self, unit: &Unit, message: &Stored) -> Option<Reply> {
        let offers = &self.offers;
        if unit.requires.smtputf8 && !offers.smtputf8 {
            return Some(Reply::ours(553, "5.6.7 the server takes no address beyond ASCII (SMTPUTF8)"));
        }
        if unit.requires.eight_bit && !offers.eight_bit_mime {
            return Some(Reply::ours(554, "5.6.3 the server takes no octets beyond ASCII (8BITMIME)"));
        }
        if unit.requires.tls && !offers.require_tls {
            return Some(Reply::ours(550, "5.7.30 the mail requires TLS on the whole way (REQUIRETLS)"));
        }
        let most = offers.size.filter(|_| offers.is_too_large(message.bytes()))?;
        let text = format!("5.3.4 {} bytes are more than the {most} that the server takes", message.bytes());
        Some(Reply::ours(552, &text))
    }

    /// MAIL and RCPT, in one piece where the server takes it so (RFC 2920). DATA waits for all answers: then the
    /// server is never left with a message that nobody is to get.
    fn envelope(
        &mut self,
        unit: &Unit,
        message: &Stored,
        recipients: &[&Recipient],
    ) -> Result<Vec<Reply>, Trouble> {
        let mail = self.mail_command(unit, message);
        let mut replies = Vec::with_capacity(recipients.len());
        if self.offers.pipelining {
            let mut all = mail;
            for recipient in recipients {
                all.push_str(&self.recipient_command(recipient));
            }
            self.connection.command(all.as_bytes(), "at MAIL and RCPT")?;
            let sender = self.connection.reply("at MAIL")?;
            for _ in recipients {
                replies.push(self.connection.reply("at RCPT")?);
            }
            check_sender(&sender)?;
            return self.all_of(sender, replies);
        }
        self.connection.command(mail.as_bytes(), "at MAIL")?;
        let sender = self.connection.reply("at MAIL")?;
        check_sender(&sender)?;
        if !sender.is_positive() {
            return Ok(recipients.iter().map(|_| sender.clone()).collect());
        }
        for recipient in recipients {
            let command = self.recipient_command(recipient);
            self.connection.command(command.as_bytes(), "at RCPT")?;
            let reply = self.connection.reply("at RCPT")?;
            check_sender(&reply)?;
            replies.push(reply);
        }
        Ok(replies)
    }

    /// A sender that was refused is why all recipients were.
    fn all_of(&self, sender: Reply, replies: Vec<Reply>) -> Result<Vec<Reply>, Trouble> {
        for reply in &replies {
            check_sender(reply)?;
        }
        if sender.is_positive() { Ok(replies) } else { Ok(replies.iter().map(|_| sender.clone()).collect()) }
    }

    fn mail_command(&self, unit: &Unit, message: &Stored) -> String {
        let sender = unit.sender.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut command = format!("MAIL FROM:<{sender}>");
        let offers = &self.offers;
        if offers.size.is_some() {
            command.push_str(&format!(" SIZE={}", message.bytes()));
        }
        if unit.requires.eight_bit {
            command.push_str(" BODY=8BITMIME");
        }
        if unit.requires.smtputf8 {
            command.push_str(" SMTPUTF8");
        }
        if offers.require_tls && (unit.requires.tls || self.require_tls != RequireTls::Unasked) {
            command.push_str(" REQUIRETLS");
        }
        if offers.dsn {
            match unit.return_content {
                Some(ReturnContent::Full) => command.push_str(" RET=FULL"),
                Some(ReturnContent::Headers) => command.push_str(" RET=HDRS"),
                None => {}
            }
            if let Some(envelope_id) = &unit.envelope_id {
                command.push_str(&format!(" ENVID={envelope_id}"));
            }
        }
        command.push_str("\r\n");
        command
    }

    fn recipient_command(&self, recipient: &Recipient) -> String {
        let mut command = format!("RCPT TO:<{}>", recipient.address);
        if self.offers.dsn {
            if let Some(notify) = recipient.notify {
                command.push_str(&format!(" NOTIFY={}", notify_words(notify)));
            }
            if let Some(original) = &recipient.original {
                command.push_str(&format!(" ORCPT={original}"));
            }
        }
        command.push_str("\r\n");
        command
    }

    /// The message with its dots doubled (RFC 5321, section 4.5.2), and the final one in the same write as the last
    /// piece of it.
    fn write_message(&mut self, message: &Stored) -> Result<(), Trouble> {
        let mut input = BufReader::with_capacity(PIECE, message.reader());
        let (mut piece, mut is_at_line) = (Vec::with_capacity(PIECE + 2048), true);
        loop {
            let read = input.fill_buf().map_err(|error| Trouble::Ours(format!("the queue: {error}")))?;
            if read.is_empty() {
                break;
            }
            for line in read.split_inclusive(|byte| *byte == b'\n') {
                if is_at_line && line.starts_with(b".") {
                    piece.push(b'.');
                }
                piece.extend_from_slice(line);
                is_at_line = line.ends_with(b"\n");
            }
            let read = read.len();
            input.consume(read);
            if piece.len() >= PIECE {
                self.connection.message_piece(&piece, "during the message")?;
                piece.clear();
            }
        }
        if !is_at_line {
            piece.extend_from_slice(b"\r\n");
        }
        piece.extend_from_slice(b".\r\n");
        // Until the last octet is written the server cannot have taken it: an error here leaves it deferred.
        self.connection.message_piece(&piece, "during the message")
    }

    /// The answer to the final dot. From here on silence does not mean no.
    fn final_replies(&mut self, replies: Vec<Reply>, accepted: usize) -> Vec<Outcome> {
        let when = "after the final dot";
        if !self.is_lmtp {
            let last = self.connection.reply_to_message(when);
            return merged(replies, |_| promised(&last));
        }
        // LMTP answers for each recipient that it took (RFC 2033, section 4.2).
        let mut promises = Vec::with_capacity(accepted);
        for _ in 0..accepted {
            let last = self.connection.reply_to_message(when);
            let is_lost = last.is_err();
            promises.push(promised(&last));
            if is_lost {
                break;
            }
        }
        let lost = promises.last().cloned();
        let mut promises = promises.into_iter();
        merged(replies, |_| {
            let next = promises.next().or_else(|| lost.clone());
            next.unwrap_or_else(|| Outcome::Unknown("no answer".to_owned()))
        })
    }

    /// Leaves a transaction that nobody is in.
    fn reset(&mut self) -> Result<(), Trouble> {
        self.expect_positive(b"RSET\r\n", "at RSET").map(drop)
    }

    /// Says good-bye, and waits for no answer.
    pub(super) fn quit(mut self) {
        let _ = self.connection.command(b"QUIT\r\n", "at QUIT");
    }
}

/// 421 is about the server, not about the mail.
fn check_sender(reply: &Reply) -> Result<(), Trouble> {
    if reply.is_good_bye() { Err(Trouble::Unwilling(reply.clone())) } else { Ok(()) }
}

fn notify_words(notify: Notify) -> String {
    let all = [(notify.success, "SUCCESS"), (notify.failure, "FAILURE"), (notify.delay, "DELAY")];
    let words: Vec<&str> = all.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect();
    if words.is_empty() { "NEVER".to_owned() } else { words.join(",") }
}

/// A recipient that was not taken.
fn answered(reply: Reply) -> Outcome {
    // 452 at RCPT is "too many recipients", and an answer that is neither is taken for a passing one.
    if reply.is_permanent() { Outcome::Refused(reply) } else { Outcome::Deferred(reply) }
}

/// What an answer to DATA other than 354 means for those whom the server had taken.
fn refused_data(reply: &Reply) -> Outcome {
    answered(reply.clone())
}

/// The outcomes of those that were taken come from `taken`, those of the others from their own answers.
fn merged(replies: Vec<Reply>, mut taken: impl FnMut(&Reply) -> Outcome) -> Vec<Outcome> {
    let outcome = |reply: Reply| if reply.is_positive() { taken(&reply) } else { answered(reply) };
    replies.into_iter().map(outcome).collect()
}

/// What the answer to the final dot means.
fn promised(reply: &Result<Reply, Trouble>) -> Outcome {
    match reply {
        Ok(reply) if reply.is_positive() => Outcome::Accepted(reply.clone()),
        Ok(reply) => answered(reply.clone()),
        Err(trouble) => Outcome::Unknown(trouble.to_string()),
    }
}
