//! Why a server could not be used. It is never a mail's fault, so the mail stays in the queue.

use std::fmt;

use super::reply::Reply;

/// What went wrong with the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// No connection: the name, the network, the proxy.
    Unreachable(String),
    /// TLS failed; the sentence says how.
    Tls(String),
    /// It took too long.
    Slow(&'static str),
    /// It closed the connection.
    Lost(&'static str),
    /// What it said is no SMTP, or beyond all limits.
    Garbage(&'static str),
    /// It does not want to speak with us now.
    Unwilling(Reply),
    /// It does not let us in.
    LogIn(String),
    /// It does not offer what the account demands.
    Lacks(&'static str),
    /// Our side: the password, the program.
    Ours(String),
}

impl Trouble {
    /// Whether somebody has to do something: trying again will not help by itself.
    pub(crate) const fn needs_somebody(&self) -> bool {
        matches!(self, Self::LogIn(_) | Self::Ours(_) | Self::Lacks(_) | Self::Tls(_))
    }

    /// Whether the next mail may have more luck: the connection was lost in the middle of this one.
    pub(crate) const fn is_of_this_mail(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Garbage(_))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(what) | Self::Tls(what) | Self::LogIn(what) | Self::Ours(what) => {
                formatter.write_str(what)
            }
            Self::Slow(when) => write!(formatter, "the server took too long ({when})"),
            Self::Lost(when) => write!(formatter, "the server closed the connection ({when})"),
            Self::Garbage(what) => write!(formatter, "the server does not speak SMTP: {what}"),
            Self::Unwilling(reply) => write!(formatter, "the server does not take mail now: {reply}"),
            Self::Lacks(what) => write!(formatter, "the server does not offer {what}"),
        }
    }
}
