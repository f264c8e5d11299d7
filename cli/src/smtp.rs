//! Submission: hands messages to the server of an account (RFC 6409), or to another program of this machine.
//!
//! The state machine is ours, on blocking sockets (`docs/decisions/own-submission.md` says why): after every step it is
//! known what the server has promised, for each recipient alone.

mod auth;
mod capabilities;
mod connection;
pub(crate) mod credentials;
mod program;
mod reply;
mod scram;
mod session;
pub(crate) mod tls;
mod trouble;

pub(crate) use program::is_called_by_ourselves;
pub(crate) use reply::Reply;
pub(crate) use trouble::Trouble;

use std::time::{Duration, Instant};

use crate::account::{Account, Server};
use crate::queue::{Recipient, Stored, Unit};

use session::Session;

/// Recipients of one transaction: every server takes so many (RFC 5321, section 4.5.3.1.8).
pub(crate) const RECIPIENTS_AT_ONCE: usize = 100;

/// What became of one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The server has it now.
    Accepted(Reply),
    /// The server will never take it.
    Refused(Reply),
    /// Later, perhaps.
    Deferred(Reply),
    /// The connection was lost after the final dot: the server has it, or not.
    Unknown(String),
}

/// How long we wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For one answer; twice as long after the final dot.
    pub(crate) answer: Duration,
    /// For each piece of a message.
    pub(crate) piece: Duration,
    /// For everything before the message is on its way. After that only an answer tells whether it was taken.
    pub(crate) until: Option<Instant>,
}

/// A way to the server of one account.
pub(crate) enum Submission<'a> {
    /// SMTP or LMTP.
    Session(Box<Session>),
    /// Another sendmail.
    Program(program::Program<'a>),
}

impl<'a> Submission<'a> {
    /// Connects, and logs in.
    ///
    /// # Errors
    /// [`Trouble`], which is the account's, not any mail's.
    pub(crate) fn open(account: &'a Account, patience: Patience) -> Result<Self, Trouble> {
        match &account.server {
            Server::Sendmail(path) => program::Program::open(path).map(Self::Program),
            _ => Session::open(account, patience).map(|session| Self::Session(Box::new(session))),
        }
    }

    /// Sends one message to at most [`RECIPIENTS_AT_ONCE`] of its recipients. The outcomes stand in their order.
    ///
    /// # Errors
    /// [`Trouble`]; then none of them has it.
    pub(crate) fn send(
        &mut self,
        unit: &Unit,
        message: &Stored,
        recipients: &[&Recipient],
    ) -> Result<Vec<Outcome>, Trouble> {
        match self {
            Self::Session(session) => session.send(unit, message, recipients),
            Self::Program(program) => program.send(unit, message, recipients),
        }
    }

    /// Says good-bye.
    pub(crate) fn close(self) {
        if let Self::Session(session) = self {
            session.quit();
        }
    }
}
